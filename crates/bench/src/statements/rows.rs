//! Rows of treatment by SQL: of a month that an insurer delivers, those of a family stand together, and each month's stand
//! behind the month before, as a core brings them.

use crate::stage::{Failed, INSURER, Insurer, Stage, copied, into};
use chrono::{NaiveDate, Utc};
use database::cluster::DATABASE;
use kernel::calendar;
use statements::{Month, Months};
use std::{collections::BTreeSet, fmt::Write as _, fs};
use tenancy::StatementSettings;

/// The copy of the database that has few rows.
pub const SMALL: &str = "bench_few_rows";
/// Rows of a month that each of the other insurers has.
const OTHERS: u32 = 10;
/// Months that the insurer keeps, and its core delivers after.
const KEPT: u32 = 36;
const ARRIVES: u32 = 2;
/// Rows of a family in a month: of four people as many each in turn.
const OF_FAMILY: u32 = 10;
/// Of costs, for each of medicines.
const OF_MEDICINES: u32 = 10;

/// The member's insurer, and what it may have delivered by today.
pub struct Fixture {
    pub today: NaiveDate,
    tenant: i32,
    months: Months,
}

impl Fixture {
    /// The member gets a family, and the insurer keeps as many months as any may.
    pub fn of(stage: &Stage) -> Result<Self, Failed> {
        let file = stage.data.join("family.csv");
        let family = "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称\n\
                      100,1,00,ケンポ　タロウ,健保　太郎,19850401,本人\n\
                      100,1,01,ケンポ　ショウコ,健保　昭子,19860401,妻\n\
                      100,1,02,ケンポ　イチロウ,健保　一郎,20150401,子\n\
                      100,1,03,ケンポ　ハルカ,健保　春香,20170401,子\n";
        fs::write(&file, family).map_err(Failed::at(file.display()))?;
        stage.bring(INSURER, &file)?;
        let tenant = stage.sql(
            DATABASE,
            &format!(
                "UPDATE insurers SET settings = jsonb_set(settings, '{{statements,months_online}}', '{KEPT}')
                 WHERE insurer_code = '{INSURER}' RETURNING tenant_id"
            ),
        )?;
        let now = Utc::now();
        let settings = StatementSettings {
            months_online: KEPT,
            ..StatementSettings::default()
        };
        let Months { first, last } = Months::online(&settings, now);
        Ok(Self {
            today: calendar::today_in_japan(now),
            tenant: tenant.trim().parse().map_err(Failed::at(tenant))?,
            months: Months {
                first,
                last: last.back(ARRIVES),
            },
        })
    }

    /// The years that have rows.
    pub fn years(&self) -> impl Iterator<Item = i32> + use<> {
        let years: BTreeSet<i32> = self.months.all().map(Month::year).collect();
        years.into_iter()
    }

    /// So many rows in all, of which each family has its part; nothing else is left.
    pub fn fill(&self, stage: &Stage, rows: u32) -> Result<(), Failed> {
        empty(stage)?;
        let tenant = self.tenant;
        let many = u32::try_from(self.months.all().count()).unwrap_or(u32::MAX);
        let mut sql = format!(
            "CREATE TEMP TABLE family AS
                 SELECT branch::int AS nth, person_id FROM persons
                 WHERE tenant_id = {tenant} AND symbol = '100' AND number = '1' AND present;
             CREATE FUNCTION pg_temp.person(household int, nth int) RETURNS uuid LANGUAGE sql AS $$
                 SELECT md5(household || '-' || nth)::uuid $$;\n"
        );
        for (nth, month) in (1..).zip(self.months.all()) {
            sql += &deliveries(tenant, nth, month);
            sql += &month_of_costs(tenant, nth, month, rows / many);
            sql += &month_of_medicines(tenant, nth, month, rows / many / OF_MEDICINES);
        }
        sql += "ANALYZE statement_deliveries; ANALYZE cost_rows; ANALYZE medicine_rows;";
        stage.sql(DATABASE, &sql)?;
        vacuum(stage, DATABASE)
    }

    /// The newest year's rows of the member's family for each of the others.
    pub fn spread(&self, stage: &Stage, insurers: &[Insurer]) -> Result<(), Failed> {
        let of = format!("old.tenant_id = {}", self.tenant);
        let since = self.months.last.back(11).first();
        let few = format!("{of} AND old.month >= '{since}' AND old.line <= {OTHERS}");
        let sql = [
            into(insurers),
            // What is older than the others keep would be swept while pages are measured.
            copied(
                "statement_deliveries",
                &format!("{of} AND old.months[1] >= '{since}'"),
                "",
            ),
            copied("cost_rows", &few, ""),
            copied("medicine_rows", &few, ""),
        ];
        stage.sql(DATABASE, &sql.concat())?;
        vacuum(stage, DATABASE)
    }
}

/// As before.
pub fn empty(stage: &Stage) -> Result<(), Failed> {
    let empty = "TRUNCATE statement_deliveries, cost_rows, medicine_rows, statement_marks CASCADE";
    stage.sql(DATABASE, empty).map(drop)
}

/// The database as it is, under another name.
pub fn copy(stage: &Stage) -> Result<&'static str, Failed> {
    stage
        .cluster
        .drop_database(SMALL)
        .and_then(|()| stage.cluster.create_database(SMALL, Some(DATABASE)))
        .map_err(Failed::at(SMALL))?;
    vacuum(stage, SMALL)?;
    Ok(SMALL)
}

/// Opens both features at an insurer, or hides them.
pub fn open(stage: &Stage, insurer: &Insurer, state: &str) -> Result<(), Failed> {
    let both = format!(r#"{{"cost_statements": "{state}", "generic_savings": "{state}"}}"#);
    stage
        .sql(
            DATABASE,
            &format!(
                "UPDATE insurers SET settings = jsonb_set(settings, '{{modules}}', settings -> 'modules' || '{both}')
                 WHERE tenant_id = {}",
                insurer.tenant
            ),
        )
        .map(drop)
}

/// Rows that were just written are marked as seen, which nobody pays who reads them.
fn vacuum(stage: &Stage, database: &str) -> Result<(), Failed> {
    for table in ["cost_rows", "medicine_rows", "statement_deliveries", "persons"] {
        stage.sql(database, &format!("VACUUM ANALYZE {table}"))?;
    }
    stage.sql(database, "CHECKPOINT").map(drop)
}

/// The heads of what is delivered of a month, by both kinds.
fn deliveries(tenant: i32, nth: u32, month: Month) -> String {
    let mut sql = String::new();
    for (kind, number) in [("costs", nth), ("medicines", 100 + nth)] {
        let _ = writeln!(
            sql,
            "INSERT INTO statement_deliveries (tenant_id, delivery, delivery_id, kind, label, version, state, file_name,
                 file_hash, encoding, rows, held, too_old, persons, months, totals, imported_at, published_at)
             VALUES ({tenant}, {number}, gen_random_uuid(), '{kind}', date '{month}-01' + interval '{ARRIVES} months', 1,
                 'published', '', '', '', 0, 0, 0, 0, '{{{month}-01}}',
                 '{{\"by\": [], \"corrected\": {{\"claims\": 0, \"yen\": 0, \"withdrawn\": 0}}}}',
                 date '{month}-20' + interval '{ARRIVES} months', date '{month}-20' + interval '{ARRIVES} months');"
        );
    }
    sql
}

/// Whose a line is: the first lines are the member's family's.
fn whose(of_family: u32) -> String {
    format!(
        "CROSS JOIN LATERAL (SELECT (line - 1) / {of_family} AS household, line % 4 AS nth) h
         CROSS JOIN LATERAL (SELECT
             coalesce((SELECT person_id FROM family WHERE household = 0 AND family.nth = 0),
                 pg_temp.person(household, 0)) AS principal_id,
             coalesce((SELECT person_id FROM family WHERE household = 0 AND family.nth = h.nth),
                 pg_temp.person(household, h.nth)) AS person_id) w"
    )
}

fn month_of_costs(tenant: i32, nth: u32, month: Month, lines: u32) -> String {
    format!(
        "INSERT INTO cost_rows (tenant_id, month, delivery, line, principal_id, person_id, claim_key, category, days,
             institution, total_yen, insurer_yen, public_yen, copay_yen, meal_yen, benefit_yen, withdrawn)
         SELECT {tenant}, '{month}-01', {nth}, line, principal_id, person_id, 'C{nth}-' || line,
             (ARRAY['medical_out', 'pharmacy', 'dental_out'])[1 + line % 3], 1 + line % 5,
             '東町' || line % 97 || 'クリニック', 10000, 7000, 0, 3000, 0, 0, false
         FROM generate_series(1, {lines}) line {};\n",
        whose(OF_FAMILY)
    )
}

fn month_of_medicines(tenant: i32, nth: u32, month: Month, lines: u32) -> String {
    format!(
        "INSERT INTO medicine_rows (tenant_id, month, delivery, line, principal_id, person_id, claim_key, drug, form,
             daily_milli, count, rate, pharmacy, class, saving_yen, charge_yen, withdrawn)
         SELECT {tenant}, '{month}-01', 100 + {nth}, line, principal_id, person_id, 'M{nth}-' || line, 999000000 + line % 900,
             'oral', 2000, 30, 3, '西町薬局', (ARRAY['2', '3', '1', '3'])[1 + line % 4], 100 * (line % 4), 0, false
         FROM generate_series(1, {lines}) line {};\n",
        whose(OF_FAMILY)
    )
}
