//! An identity match (manual 1-2), through the product's own look-up on a prepared statement: the median with one
//! insurer of a million people among two thousand insurers, against ten thousand people of the only insurer. Both
//! databases are in PostgreSQL's buffers, as the tables of a running service are.

use crate::{
    alternate::{Medians, alternate, median},
    report::Row,
    stage::{Failed, Stage},
};
use chrono::{Days, NaiveDate, Utc};
use database::{Database, DatabaseConfig, Timeouts};
use kernel::{BirthDate, KanaName, Number, Symbol, TenantId};
use roster::{Identity, Match};
use std::time::Instant;
use tenancy::{Insurer, InsurerState, Settings};

const LARGE: &str = "bench_large";
const SMALL: &str = "bench_small";
const LARGE_PEOPLE: u32 = 1_000_000;
const SMALL_PEOPLE: u32 = 10_000;
const INSURERS: u32 = 2_000;
/// People of each of the other insurers.
const OTHER_PEOPLE: u32 = 100;
const NAMES: [&str; 5] = [
    "ケンポ　タロウ",
    "ミホン　ハナコ",
    "ヤマダ　ジロウ",
    "コクホ　ヨシコ",
    "ムナカタ　イチロウ",
];
const SYMBOLS: u32 = 40;
const BIRTHDAYS: u32 = 20_000;
const ROUNDS: usize = 7;
const MATCHES: u32 = 2_000;

/// The ratio of the medians.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("identity: making {LARGE_PEOPLE} people among {INSURERS} insurers, and {SMALL_PEOPLE}");
    fill(stage, LARGE, LARGE_PEOPLE, INSURERS)?;
    fill(stage, SMALL, SMALL_PEOPLE, 1)?;
    let (large, small) = (open(stage, LARGE)?, open(stage, SMALL)?);
    let insurer = Insurer::new(TenantId(1), None, InsurerState::Open, 1, Settings::default());
    let mut seed = 1;
    let mut round = |database: &Database, people: u32| {
        seed += 1;
        stage.runtime.block_on(matches(database, &insurer, people, seed))
    };
    round(&large, LARGE_PEOPLE)?;
    round(&small, SMALL_PEOPLE)?;
    let round = std::cell::RefCell::new(round);
    let Medians { a, b, ratio } = alternate(
        ROUNDS,
        || round.borrow_mut()(&small, SMALL_PEOPLE),
        || round.borrow_mut()(&large, LARGE_PEOPLE),
    )?;
    eprintln!("identity: median {b:.1} µs among {LARGE_PEOPLE}, {a:.1} µs among {SMALL_PEOPLE}");
    drop((large, small));
    for database in [LARGE, SMALL] {
        stage.cluster.drop_database(database).map_err(Failed::at(database))?;
    }
    Ok(vec![Row::at_most("identity", ratio, 1.2)])
}

/// The median time of a match, in microseconds; each person is one of the insurer's, picked anew.
async fn matches(database: &Database, insurer: &Insurer, people: u32, seed: u32) -> Result<f64, Failed> {
    let mut times = Vec::new();
    let now = Utc::now();
    for number in 0..MATCHES {
        // Multiplying by an odd constant wanders over all numbers.
        let person = (number ^ seed << 20).wrapping_mul(2_654_435_761) % people + 1;
        let identity = identity(person)?;
        let mut tx = database
            .tenant(insurer.tenant_id)
            .read()
            .await
            .map_err(Failed::at("identity"))?;
        let begun = Instant::now();
        let found = roster::find(&mut tx, insurer, &identity, now)
            .await
            .map_err(Failed::at("identity"))?;
        times.push(begun.elapsed().as_secs_f64() * 1_000_000.0);
        tx.commit().await.map_err(Failed::at("identity"))?;
        if !matches!(found, Match::One { .. }) {
            return Err(Failed(format!("person {person} was not found")));
        }
    }
    Ok(median(&mut times))
}

/// What person `number` of [`fill`] would type.
fn identity(number: u32) -> Result<Identity, Failed> {
    let problem = |_| Failed(format!("person {number} can't be typed"));
    let birthday = NaiveDate::from_ymd_opt(1945, 1, 1)
        .and_then(|day| day.checked_add_days(Days::new((number % BIRTHDAYS).into())))
        .unwrap_or_default();
    let names = u32::try_from(NAMES.len()).unwrap_or(1);
    let name = NAMES.get((number % names) as usize).copied().unwrap_or_default();
    Ok(Identity {
        symbol: Symbol::parse(&symbol(number)).map_err(problem)?,
        number: Number::parse(&number.to_string()).map_err(problem)?,
        birth_date: BirthDate::parse_iso(&birthday.to_string(), Utc::now().date_naive()).map_err(problem)?,
        kana_name: KanaName::parse(name).map_err(problem)?,
        employee_number: None,
    })
}

fn symbol(number: u32) -> String {
    (100 + number % SYMBOLS).to_string()
}

fn open(stage: &Stage, database: &str) -> Result<Database, Failed> {
    Database::connect(&DatabaseConfig {
        url: stage.cluster.service_url(database),
        owner_url: None,
        connections: 1,
        wait_seconds: 5,
        timeouts: Timeouts::default(),
    })
    .map_err(Failed::at(database))
}

/// A database with `insurers` insurers, the first of which has `people` insured persons. By SQL as the superuser: an
/// import of a million is another measure.
fn fill(stage: &Stage, database: &str, people: u32, insurers: u32) -> Result<(), Failed> {
    stage.make(database)?;
    let names = NAMES
        .iter()
        .map(|name| KanaName::parse(name))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|problem| Failed(format!("a name of the bench: {problem:?}")))?;
    let array = |text: &dyn Fn(&KanaName) -> String| {
        let quoted: Vec<String> = names.iter().map(|name| format!("'{}'", text(name))).collect();
        format!("(ARRAY[{}])[1 + n % {}]", quoted.join(","), names.len())
    };
    let strict = array(&|name| name.strict_key().to_owned());
    let [fold1, fold2] = [0, 1].map(|which| array(&|name| name.fold_keys().get(which).cloned().unwrap_or_default()));
    let kana = array(&|name| name.as_str().to_owned());
    let persons = |source: &str| {
        format!(
            "INSERT INTO persons (tenant_id, person_id, symbol, symbol_key, number, number_key, branch, branch_key, \
             kana_name, kana_strict, kana_fold1, kana_fold2, fold_version, name, gender, birth_date, attribute, \
             relationship, insured, present, postal_code, address, building, phone, email, workplace_code, \
             department_code, distribution_code, employee_number, employee_key, personal_id, created_at, updated_at) \
             SELECT t, gen_random_uuid(), 100 + n % {SYMBOLS}, 100 + n % {SYMBOLS}, n, n, '00', '0', \
             {kana}, {strict}, {fold1}, {fold2}, 1, '健保　太郎', '1', date '1945-01-01' + n % {BIRTHDAYS}, '一般組合員', \
             '本人', true, true, '000-0011', '奈良県ためし市若草台2丁目5番15号', '', '000-0000-1001', '', '1000', \
             '10', '1', '', '', 'P' || n, '2026-11-22Z', '2026-11-22Z' FROM {source};"
        )
    };
    let mut sql = format!(
        "INSERT INTO insurers SELECT t, lpad(t::text, 8, '0'), 'みほん健康保険組合', 'health_insurance', 'open', 1, '{{}}', \
         '2026-11-22Z', '2026-11-22Z', 'bench' FROM generate_series(1, {insurers}) t;"
    );
    sql += &persons(&format!("generate_series(1, {people}) n, (SELECT 1 AS t) one"));
    if insurers > 1 {
        sql += &persons(&format!(
            "generate_series(2, {insurers}) t, generate_series(1, {OTHER_PEOPLE}) n"
        ));
    }
    stage.sql(database, &sql)?;
    stage.sql(database, "VACUUM ANALYZE persons")?;
    stage.sql(database, "CHECKPOINT")?;
    stage
        .sql(
            database,
            "CREATE EXTENSION pg_prewarm; SELECT pg_prewarm(oid) FROM pg_class \
             WHERE relname IN ('persons', 'persons_identity')",
        )
        .map(drop)
}
