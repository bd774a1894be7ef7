//! The trail's proof: whatever is altered, taken away or added is found by line, what came late is told from it, and
//! neither two sealers nor one that is killed do harm. Each test says up to where the trail is sealed, too.

mod chain;
mod lines;
mod pruning;
mod sealing;

use audit::{
    Actor, Entry, Look, Origin,
    proof::{self, Anchor, Finding, Report, Seal, What},
    record,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::Durability;
use kernel::TenantId;
use serde_json::json;
use testkit::{TestDatabase, admin_url, execute, owner_url, url_of};
use url::Url;
use uuid::Uuid;

const CLERK: Actor = Actor::Staff(Uuid::from_u128(7));

/// As somebody before whom nothing is hidden or kept.
async fn tamper(statement: &str) {
    tampered(statement).await.unwrap();
}

/// The same where the database itself may refuse.
async fn tampered(statement: &str) -> Result<(), String> {
    let database = Url::parse(&owner_url()).unwrap().path().to_owned();
    execute(&url_of(&admin_url(), &database), statement).await
}

/// The statement that brings a row back.
async fn keep(test: &TestDatabase, table: &str, of: &str) -> String {
    let row = test
        .lines(&format!("SELECT to_json(t)::text AS line FROM {table} t {of}"))
        .await
        .remove(0);
    format!("INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, '{row}')")
}

async fn write(test: &TestDatabase, at: DateTime<Utc>, number: u32) {
    let tx = test.database.tenant(test.tenant).write(Durability::Safe).await.unwrap();
    let entry = Entry {
        actor: CLERK,
        action: "test.line",
        object: Some(("person", Uuid::from_u128(number.into()))),
        outcome: "done",
        detail: json!({ "number": number, "a": null, "deep": { "z": [1, "二"], "y": true } }),
    };
    record(&tx, at, &Origin::command(), entry).await.unwrap();
    tx.commit().await.unwrap();
}

async fn look(test: &TestDatabase, people: &[Uuid]) {
    let tx = test.database.tenant(test.tenant).write(Durability::Safe).await.unwrap();
    let list = Look::list("members", vec![], people);
    audit::look(&tx, test.clock.now(), &Origin::command(), CLERK, list)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn seal(test: &TestDatabase) -> usize {
    let mut sealed = 0;
    while proof::seal(&test.database.tenant(test.tenant), test.clock.now())
        .await
        .unwrap()
        .is_some()
    {
        sealed += 1;
    }
    sealed
}

async fn verify(test: &TestDatabase) -> Report {
    against(test, test.tenant, None).await
}

async fn against(test: &TestDatabase, tenant: TenantId, anchor: Option<&Anchor>) -> Report {
    let kept_since = test.clock.now() - TimeDelta::days(1830);
    proof::verify(&test.database.tenant(tenant), kept_since, anchor)
        .await
        .unwrap()
}

async fn head(test: &TestDatabase) -> Seal {
    proof::anchor(&test.database.tenant(test.tenant))
        .await
        .unwrap()
        .unwrap()
}

/// The ids of the lines that this file wrote, in their order.
async fn lines(test: &TestDatabase) -> Vec<Uuid> {
    let query = "SELECT audit_id::text AS line FROM audit_events WHERE action IN ('test.line', 'people.look') ORDER BY audit_id";
    let lines = test.lines(query).await;
    lines.iter().map(|line| line.parse().unwrap()).collect()
}

/// The time before which the trail is sealed, as its proof says.
fn until(report: &Report) -> DateTime<Utc> {
    report.head.as_ref().expect("a head").until()
}

/// As many lines as are wanted within a millisecond.
fn many(test: &TestDatabase, at: DateTime<Utc>, count: u32) -> String {
    let id = kernel::AuditId::least(at);
    format!(
        "INSERT INTO audit_events SELECT {}, (left('{id}', 24) || lpad(to_hex(n), 12, '0'))::uuid, '{at}', 'system', NULL,
             'test.line', 'done', NULL, NULL, 'worker', NULL, NULL, '{{}}' FROM generate_series(1, {count}) n",
        test.tenant
    )
}

/// An insurer whose trail has no line yet.
async fn unwritten() -> TestDatabase {
    let test = TestDatabase::new().await;
    tamper(&format!("DELETE FROM audit_events WHERE tenant_id = {}", test.tenant)).await;
    test
}

/// Lines over five minutes, a look at two people among them, all sealed and settled.
async fn sealed() -> TestDatabase {
    let test = TestDatabase::new().await;
    for number in 0..10 {
        write(&test, test.clock.now(), number).await;
        if number == 4 {
            look(&test, &[Uuid::from_u128(100), Uuid::from_u128(101)]).await;
        }
        test.clock.advance(TimeDelta::seconds(30));
    }
    test.clock.advance(proof::SETTLES);
    assert!(seal(&test).await > 4);
    let report = verify(&test).await;
    assert!(report.findings.is_empty(), "{report:?}");
    assert!(report.lines > 10, "{report:?}");
    let head = head(&test).await;
    assert_eq!(head.settled, head.segment);
    test
}

fn only(report: &Report) -> Finding {
    assert_eq!(report.findings.len(), 1, "{report:?}");
    report.findings[0]
}

/// The SHA-256 of a canonical text, in SQL: whoever may write into the tables can make seals, too.
fn digest(kind: &str, columns: &str) -> String {
    format!(
        "(SELECT sha256(convert_to(string_agg(coalesce(octet_length(part)::text || ':' || part, '-') || chr(10), '' ORDER BY nth), 'UTF8'))
          FROM unnest(ARRAY['{kind}', {columns}]::text[]) WITH ORDINALITY AS parts (part, nth))"
    )
}

async fn lines_number(test: &TestDatabase, line: Uuid) -> u32 {
    let query = format!("SELECT detail->>'number' AS line FROM audit_events WHERE audit_id = '{line}'");
    test.lines(&query).await[0].parse().unwrap()
}
