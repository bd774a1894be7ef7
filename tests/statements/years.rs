//! The years in which rows of treatment lie: made ahead of time, attached when they begin, dropped once nobody may keep
//! anything of them.

use crate::migrations::Own;
use chrono::NaiveDate;
use database::{Database, DatabaseError, Durability, TenantDatabase, TenantTransaction, Yearly, keep_years, years};
use diesel_async::RunQueryDsl as _;
use kernel::TenantId;
use std::time::Duration;
use testkit::{execute_within, lines, lines_within, pool};

const TABLES: [Yearly; 2] = [
    Yearly {
        table: "cost_rows",
        owner: "statements",
    },
    Yearly {
        table: "medicine_rows",
        owner: "statements",
    },
];
const TENANT: TenantId = TenantId(1);

/// A migrated database of one's own, and the service's pool on it.
struct Place {
    own: Own,
    database: Database,
}

impl Place {
    async fn new() -> Self {
        let own = Own::create().await;
        own.up().await;
        let database = pool(&own.service);
        Self { own, database }
    }

    async fn keep(&self, today: &str) -> Result<Vec<String>, DatabaseError> {
        let today: NaiveDate = today.parse().unwrap();
        let mut done = Vec::new();
        keep_years(&self.own.owner, &TABLES, today, |line| done.push(line)).await?;
        Ok(done)
    }

    async fn attached(&self, table: &str) -> Vec<i32> {
        let tx = self.read().await;
        let years = years(&tx, table).await.unwrap();
        tx.commit().await.unwrap();
        years.into_iter().collect()
    }

    async fn read(&self) -> TenantTransaction {
        self.tenant().read().await.unwrap()
    }

    async fn write(&self) -> TenantTransaction {
        self.tenant().write(Durability::Safe).await.unwrap()
    }

    fn tenant(&self) -> TenantDatabase {
        self.database.tenant(TENANT).within(Duration::from_mins(1))
    }

    /// The months of the insurer's rows, as the service sees them.
    async fn months(&self) -> Vec<String> {
        let months = "SELECT month::text AS line FROM cost_rows WHERE tenant_id = 1 ORDER BY 1";
        lines_within(&self.own.service, Some(TENANT), months).await
    }

    async fn end(self) {
        self.database.close();
        self.own.drop().await;
    }
}

fn row(month: &str) -> String {
    format!(
        "INSERT INTO cost_rows (tenant_id, month, delivery, line, principal_id, person_id, claim_key, category, days, institution,
             total_yen, insurer_yen, public_yen, copay_yen, meal_yen, benefit_yen, withdrawn)
         VALUES (1, '{month}', 1, 1, gen_random_uuid(), gen_random_uuid(), 'x', 'medical_out', 1, 'x', 10, 7, 0, 3, 0, 0, false)"
    )
}

async fn run(tx: &mut TenantTransaction, sql: &str) {
    diesel::sql_query(sql).execute(&mut **tx).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_that_is_too_old_goes_with_its_rows() {
    let place = Place::new().await;
    for month in ["2023-12-01", "2024-01-01", "2026-11-01"] {
        execute_within(&place.own.service, Some(TENANT), &row(month))
            .await
            .unwrap();
    }
    let ahead = execute_within(&place.own.service, Some(TENANT), &row("2027-01-01")).await;
    assert!(ahead.unwrap_err().contains("no partition"));
    assert_eq!(place.keep("2026-12-31").await.unwrap(), Vec::<String>::new());
    assert_eq!(place.months().await, ["2023-12-01", "2024-01-01", "2026-11-01"]);
    let done = place.keep("2027-01-01").await.unwrap();
    let of_each = |table: &str| ["2023 dropped", "2029 made", "2027 attached"].map(|year| format!("{table}_{year}"));
    assert_eq!(done, [of_each("cost_rows"), of_each("medicine_rows")].concat());
    assert_eq!(place.months().await, ["2024-01-01", "2026-11-01"]);
    for table in ["cost_rows", "medicine_rows"] {
        assert_eq!(place.attached(table).await, [2024, 2025, 2026, 2027]);
    }
    execute_within(&place.own.service, Some(TENANT), &row("2027-01-01"))
        .await
        .unwrap();
    // Whoever sees the new year sees their own insurer's rows in it.
    let others = "SELECT '' AS line FROM cost_rows WHERE month = '2027-01-01'";
    assert_eq!(lines_within(&place.own.owner, Some(TenantId(2)), others).await.len(), 0);
    assert_eq!(place.keep("2027-01-01").await.unwrap(), Vec::<String>::new());
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_slept_for_years_is_brought_to_the_present() {
    let place = Place::new().await;
    place.keep("2035-03-15").await.unwrap();
    assert_eq!(place.attached("cost_rows").await, [2032, 2033, 2034, 2035]);
    let all = "SELECT count(*)::text AS line FROM pg_class WHERE relkind = 'r' AND relname LIKE 'cost\\_rows\\_____'";
    assert_eq!(lines(&place.own.owner, all).await, ["6"]);
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_holds_the_table_delays_a_year_and_breaks_nothing() {
    let place = Place::new().await;
    execute_within(&place.own.service, Some(TENANT), &row("2026-11-01"))
        .await
        .unwrap();
    let mut reader = place.read().await;
    run(&mut reader, "SELECT FROM cost_rows WHERE tenant_id = 1").await;
    let refused = place.keep("2027-01-01").await.unwrap_err();
    assert!(refused.to_string().contains("lock timeout"), "{refused}");
    assert_eq!(place.attached("cost_rows").await, [2023, 2024, 2025, 2026]);
    run(&mut reader, "SELECT FROM cost_rows WHERE tenant_id = 1").await;
    reader.commit().await.unwrap();
    place.keep("2027-01-01").await.unwrap();
    assert_eq!(place.attached("cost_rows").await, [2024, 2025, 2026, 2027]);
    assert_eq!(place.months().await, ["2026-11-01"]);
    place.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn years_are_made_while_rows_are_read_and_written() {
    let place = Place::new().await;
    // Nothing is too old: whoever drops a year has to be alone with the table.
    let drop = "DROP TABLE cost_rows_2023, medicine_rows_2023";
    execute_within(&place.own.owner, None, drop).await.unwrap();
    let (mut reader, mut writer) = (place.read().await, place.write().await);
    run(&mut writer, &row("2026-11-01")).await;
    run(&mut reader, "SELECT FROM cost_rows WHERE tenant_id = 1").await;
    let done = place.keep("2027-01-01").await.unwrap();
    assert!(done.contains(&"cost_rows_2027 attached".to_owned()), "{done:?}");
    run(&mut writer, &row("2027-01-01")).await;
    run(&mut reader, "SELECT FROM cost_rows WHERE tenant_id = 1").await;
    writer.commit().await.unwrap();
    reader.commit().await.unwrap();
    assert_eq!(place.months().await, ["2026-11-01", "2027-01-01"]);
    place.end().await;
}
