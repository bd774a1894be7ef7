//! A million rows of what treatment cost, checked and loaded by the release binary, against psql's `\copy` of the very rows it
//! made into a table with the same columns, indexes and years; as many medicines, reckoned; and the most memory it takes. Then
//! a million rows published, against a hundredth: both correct as many claims of a delivery before them.

use crate::{
    alternate::{Medians, alternate},
    import,
    report::Row,
    stage::{Failed, INSURER, Stage},
};
use audit::{Actor, Origin};
use chrono::Utc;
use kernel::{InsurerCode, Outcome, calendar};
use mail::{Mailbox, Transport};
use statements::{Deliveries, Kind, Month};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

const DATABASE: &str = "bench_deliveries";
const ROWS: u32 = 1_000_000;
const SHARE: u32 = 100;
const HOUSEHOLDS: u32 = 50_000;
/// Claims that each of the two corrects.
const CORRECTED: u32 = 1_000;
/// Medicines of the master: two thousand kinds, of each a brand and nine generics.
const DRUGS: u32 = 20_000;
/// Pairs of publications.
const ROUNDS: usize = 15;

/// All that takes a database of its own.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("statements: {ROWS} rows of each kind for {} people", HOUSEHOLDS * 4);
    stage.make(DATABASE)?;
    stage.apply(DATABASE)?;
    stage.sql(DATABASE, &master())?;
    let roster = stage.data.join("people.csv");
    import::write(&roster, HOUSEHOLDS).map_err(Failed::at(roster.display()))?;
    run(stage, &["roster", "import", INSURER, &roster.to_string_lossy()])?;
    stage.sql(DATABASE, "VACUUM ANALYZE")?;

    let today = Month::of(calendar::today_in_japan(Utc::now()));
    let [before, many, few] = [3, 2, 1].map(|months| today.back(months));
    let of = |label, lines, first| Part { label, lines, first };
    bring(stage, Kind::Costs, of(before, 2 * CORRECTED, 0), before)?;
    let label = before.to_string();
    run(stage, &["statements", "publish", INSURER, Kind::Costs.as_str(), &label])?;
    let (costs, peak) = against_copy(stage, Kind::Costs, of(many, ROWS, 0), before)?;
    let (medicines, other_peak) = against_copy(stage, Kind::Medicines, of(many, ROWS, 0), before)?;
    bring(stage, Kind::Costs, of(few, ROWS / SHARE, CORRECTED), before)?;
    stage.sql(DATABASE, "VACUUM ANALYZE")?;
    stage.sql(DATABASE, "CHECKPOINT")?;
    let published = publish(stage, few, many)?;
    stage.cluster.drop_database(DATABASE).map_err(Failed::at(DATABASE))?;
    Ok(vec![
        Row::at_least("statements.import", costs, 0.33),
        Row::at_least("statements.import.medicines", medicines, 0.25),
        Row::at_most("statements.import.peak_mib", peak.max(other_peak), 150.0),
        Row::at_most("statements.publish", published, 1.5),
    ])
}

/// What a file holds.
#[derive(Clone, Copy)]
struct Part {
    label: Month,
    lines: u32,
    /// The first claim of the delivery before that it corrects.
    first: u32,
}

/// Imports a file that is made for it: seconds, and MiB at most.
fn bring(stage: &Stage, kind: Kind, part: Part, before: Month) -> Result<(f64, f64), Failed> {
    let file = stage.data.join("delivery.csv");
    write(&file, kind, part, before).map_err(Failed::at(file.display()))?;
    stage.sql(DATABASE, "CHECKPOINT")?;
    let path = file.to_string_lossy();
    let took = run(
        stage,
        &[
            "statements",
            "import",
            INSURER,
            &path,
            "--kind",
            kind.as_str(),
            "--allow-deviation",
        ],
    )?;
    std::fs::remove_file(&file).map_err(Failed::at(file.display()))?;
    Ok(took)
}

/// The ratio of the rates, and MiB at most.
fn against_copy(stage: &Stage, kind: Kind, part: Part, before: Month) -> Result<(f64, f64), Failed> {
    let (table, copy) = (kind.table(), stage.data.join("delivery.copy"));
    let mut peak = f64::NAN;
    let Medians { a, b, ratio } = alternate(
        1,
        || {
            let (seconds, most) = bring(stage, kind, part, before)?;
            peak = peak.max(most);
            let newest = "(SELECT max(delivery) FROM statement_deliveries)";
            let rows = format!("SELECT * FROM {table} WHERE delivery = {newest}");
            stage.sql(DATABASE, &format!("\\copy ({rows}) TO '{}'", copy.display()))?;
            Ok(seconds)
        },
        || {
            stage.sql(DATABASE, &equal(table))?;
            stage.sql(DATABASE, "CHECKPOINT")?;
            let begun = Instant::now();
            stage.sql(DATABASE, &format!("\\copy copied FROM '{}'", copy.display()))?;
            Ok(begun.elapsed().as_secs_f64())
        },
    )?;
    let copied = stage.sql(DATABASE, "SELECT count(*) FROM copied")?;
    if copied.trim() != part.lines.to_string() {
        return Err(Failed(format!("{} of {} {table}", copied.trim(), part.lines)));
    }
    stage.sql(DATABASE, "DROP TABLE copied")?;
    std::fs::remove_file(&copy).map_err(Failed::at(copy.display()))?;
    eprintln!("statements.import: {a:.1} s of {table} against {b:.1} s of \\copy, {peak:.0} MiB at most");
    Ok((ratio, peak))
}

/// A table like it, with its indexes and years.
fn equal(table: &str) -> String {
    format!(
        "DROP TABLE IF EXISTS copied;
         CREATE TABLE copied (LIKE {table} INCLUDING ALL) PARTITION BY RANGE (month);
         DO $do$ DECLARE year record; BEGIN
             FOR year IN SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
                 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{table}'::regclass
             LOOP
                 EXECUTE format('CREATE TABLE %I PARTITION OF copied %s', 'copied_' || right(year.name, 4), year.bound);
             END LOOP;
         END $do$;"
    )
}

/// How much longer publishing the many rows takes than the few: each is taken back before the other's turn.
fn publish(stage: &Stage, few: Month, many: Month) -> Result<f64, Failed> {
    let app = stage
        .runtime
        .block_on(stage.app(DATABASE, Transport::Mailbox(Mailbox::new())))?;
    let deliveries = Deliveries::new(&app.ground);
    let tenant = stage.runtime.block_on(async {
        let code = InsurerCode::parse(INSURER).map_err(|_| Failed(format!("{INSURER}: no code")))?;
        let insurer = app.ground.directory.by_code(&code).await.map_err(Failed::at(INSURER))?;
        Ok::<_, Failed>(
            insurer
                .ok_or_else(|| Failed(format!("{INSURER}: not applied")))?
                .tenant_id,
        )
    })?;
    let by = (Actor::Operator, Origin::command());
    let round = |label: Month| {
        stage.runtime.block_on(async {
            let begun = Instant::now();
            let published = deliveries.publish(tenant, by, (Kind::Costs, label, Some(1))).await;
            let seconds = begun.elapsed().as_secs_f64();
            match published.map_err(Failed::at("publishing"))? {
                Outcome::Done(published) if published.superseded == u64::from(CORRECTED) => {}
                other => return Err(Failed(format!("{label}: {other:?}"))),
            }
            let withdrawn = deliveries.withdraw(tenant, by, (Kind::Costs, label)).await;
            match withdrawn.map_err(Failed::at("withdrawing"))? {
                Outcome::Done(_) => Ok(seconds),
                Outcome::Refused(refusal) => Err(Failed(format!("{label}: {refusal:?}"))),
            }
        })
    };
    round(few)?;
    round(many)?;
    let Medians { a, b, ratio } = alternate(ROUNDS, || round(few), || round(many))?;
    app.ground.database.close();
    eprintln!(
        "statements.publish: {:.1} ms for {ROWS} rows, {:.1} ms for {}: {ratio:.2}",
        b * 1000.0,
        a * 1000.0,
        ROWS / SHARE
    );
    Ok(ratio)
}

/// Runs the binary on the database.
fn run(stage: &Stage, arguments: &[&str]) -> Result<(f64, f64), Failed> {
    let mut command = stage.madoguchi();
    command.args(arguments);
    import::timed(stage, DATABASE, command)
}

/// Medicines by which rows are reckoned, for all months.
fn master() -> String {
    format!(
        "INSERT INTO drugs (valid_from, version, code, price_code, strength, name, unit, price_sen, class, charge_sen)
         SELECT '2020-01-01', 1, (999000000 + n)::text, strength || lpad((n % 10)::text, 3, '0'), strength,
             'アサガオ錠' || n, '錠', 10000 - 500 * (n % 10), CASE WHEN n % 10 = 0 THEN '2' ELSE '3' END, 0
         FROM generate_series(0, {DRUGS} - 1) n
         CROSS JOIN LATERAL (SELECT lpad((n / 10)::text, 7, '0') || 'F1' AS strength) s;
         ANALYZE drugs;"
    )
}

/// A delivery as cores write them; its first lines correct claims of the one before.
fn write(path: &Path, kind: Kind, part: Part, before: Month) -> std::io::Result<()> {
    let mut csv = BufWriter::new(File::create(path)?);
    let header = match kind {
        Kind::Costs => {
            "診療年月,診療区分,日数,医療機関等名称,医療費の総額,保険者の負担額,その他の公費の負担額,窓口相当負担額,\
             標準負担額,支給額"
        }
        Kind::Medicines => "調剤年月,薬局等名称,剤形区分,医薬品コード,1日量,日数,負担割合",
    };
    writeln!(csv, "処理年月,レセプト番号,記号,番号,枝番,生年月日,{header},取消区分")?;
    for line in 0..part.lines {
        row(&mut csv, kind, part, (line, before))?;
    }
    csv.flush()
}

fn row(csv: &mut impl Write, kind: Kind, part: Part, (line, before): (u32, Month)) -> std::io::Result<()> {
    let Part { label, first, .. } = part;
    let corrects = label == before || (kind == Kind::Costs && line < CORRECTED);
    // A medicine is a line of a claim, which has four.
    let claim = match kind {
        Kind::Costs => line,
        Kind::Medicines => line / 4,
    };
    let (name, number, month) = if corrects {
        ("E", first + claim, before.back(2))
    } else {
        // One of ten comes late.
        (
            kind.as_str(),
            claim,
            label.back(if claim.is_multiple_of(10) { 3 } else { 2 }),
        )
    };
    // Multiplying by an odd constant wanders over all of them.
    let household = number.wrapping_mul(2_654_435_761) % HOUSEHOLDS + 1;
    let (symbol, born_on) = (import::symbol(household), import::born_on(household));
    write!(
        csv,
        "{label},{name}{number},{symbol},{household},{:02},{born_on},{month},",
        number % 4
    )?;
    match kind {
        Kind::Costs => {
            let category = match number % 3 {
                0 => "医科外来",
                1 => "調剤",
                _ => "歯科外来",
            };
            let total = 3_000 + number % 9_000 * 10;
            let copay = total / 10 * 3;
            let insurer = total - copay;
            let days = 1 + number % 5;
            writeln!(
                csv,
                "{category},{days},東町{}クリニック,{total},{insurer},0,{copay},0,0,",
                number % 997
            )
        }
        Kind::Medicines => {
            let drug = 999_000_000 + line.wrapping_mul(2_654_435_761) % DRUGS;
            writeln!(csv, "西町{}薬局,内服,{drug},{},28,3,", number % 997, 1 + line % 3)
        }
    }
}
