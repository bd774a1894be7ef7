//! Every tenant table: a row of one insurer can't be seen, changed, deleted or made from within another, nor from
//! nowhere. Tried as the tables' owner, whose grants refuse nothing, so that only row-level security can.

use super::Other;
use crate::console::factor::enrol_app;
use kernel::TenantId;
use tabular::uploads;
use tasks::{Matter, State, Whose};
use testkit::{TestDatabase, execute_within, lines, lines_within, owner_url, service_url, unique};
use uuid::Uuid;

/// Tables whose rows live within one transaction, come at a day's end or by work, or stand at the platform alone: a row is written for this test.
const PASSING: &[(&str, &str)] = &[
    (
        "roster_staging",
        "(line, person_id, symbol, symbol_key, number, number_key, branch, branch_key, kana_name, kana_strict, kana_fold1,
          kana_fold2, name, gender, birth_date, attribute, relationship, insured, postal_code, address, building, phone,
          email, workplace_code, department_code, distribution_code, employee_number, employee_key, personal_id, tenant_id)
         SELECT 1, person_id, symbol, symbol_key, number, number_key, branch, branch_key, kana_name, kana_strict, kana_fold1,
          kana_fold2, name, gender, birth_date, attribute, relationship, insured, postal_code, address, building, phone,
          email, workplace_code, department_code, distribution_code, employee_number, employee_key, personal_id, tenant_id
         FROM persons LIMIT 1",
    ),
    (
        "known_keys",
        "SELECT tenant_id, 'ring', 'k1', ''::bytea, created_at, NULL, NULL FROM persons LIMIT 1",
    ),
    (
        "person_numbers",
        "SELECT tenant_id, person_id, person_id, symbol, symbol_key, number, number_key, branch, branch_key, '2026-04-01'
         FROM persons LIMIT 1",
    ),
    (
        "roster_runs",
        "SELECT tenant_id, person_id, 'received', NULL, 'x', 'x', person_id, created_at, created_at, '', 0, 0, '{}', '{}',
           NULL, NULL FROM persons LIMIT 1",
    ),
    (
        "audit_seals",
        "SELECT tenant_id, 1000000, person_id, 0, 0, 0, '', '', '', created_at FROM persons LIMIT 1",
    ),
    (
        "audit_segments",
        "SELECT tenant_id, 1000000, ''::bytea FROM persons LIMIT 1",
    ),
    ("roster_mappings", "SELECT tenant_id, 'x', 'x' FROM persons LIMIT 1"),
    ("roster_matches", "SELECT tenant_id, 1, person_id FROM persons LIMIT 1"),
    (
        "registration_days",
        "SELECT tenant_id, date '2026-01-01', 1 FROM persons LIMIT 1",
    ),
    (
        "sign_up_failures",
        "SELECT tenant_id, date '2026-01-01', 'alike', '', '', 1 FROM persons LIMIT 1",
    ),
    (
        "protections",
        "SELECT tenant_id, person_id, person_id, NULL, ''::bytea, person_id, created_at FROM persons LIMIT 1",
    ),
    (
        "desk_email_changes",
        "SELECT tenant_id, account_id, ''::bytea, account_id, 0, 1, registered_at, account_id, registered_at, NULL,
           registered_at FROM accounts LIMIT 1",
    ),
    (
        "member_notes",
        "SELECT tenant_id, person_id, person_id, ''::bytea, person_id, created_at, NULL FROM persons LIMIT 1",
    ),
    (
        "roster_before",
        "SELECT tenant_id, person_id, ''::bytea FROM persons LIMIT 1",
    ),
    (
        "facts_by_hand",
        "SELECT tenant_id, person_id, 'name', '', created_at FROM persons LIMIT 1",
    ),
    (
        "facts_ended",
        "SELECT tenant_id, person_id, person_id, person_id, ''::bytea FROM persons LIMIT 1",
    ),
    (
        "letters",
        "SELECT tenant_id, person_id, person_id, 'print', created_at, person_id FROM persons LIMIT 1",
    ),
    (
        "approvals",
        "SELECT tenant_id, person_id, 'grant', '', person_id, NULL, NULL, ''::bytea, 'waiting', person_id, created_at,
           created_at, NULL, NULL, NULL FROM persons LIMIT 1",
    ),
    (
        "statement_deliveries",
        "SELECT tenant_id, 2, person_id, 'costs', '2026-07-01', 1, 'published', 'x', ''::bytea, 'x', 1, 1, 0, 1, '{2026-06-01}',
           '{}', NULL, NULL, created_at FROM persons LIMIT 1",
    ),
    (
        "statement_runs",
        "SELECT tenant_id, person_id, 'costs', NULL, 'received', person_id, 'x', 'x', person_id, created_at, created_at, '', 0, 0,
           '{}', '{}', false, NULL, NULL, NULL, NULL FROM persons LIMIT 1",
    ),
    ("statement_mappings", "SELECT tenant_id, 'costs', 'x', 'x' FROM persons LIMIT 1"),
    (
        "statement_mailings",
        "SELECT tenant_id, person_id, created_at, NULL, NULL, 0, NULL FROM persons LIMIT 1",
    ),
    (
        "held_rows",
        "SELECT tenant_id, person_id, 1, 1, 'unknown', ''::bytea, NULL, NULL FROM persons LIMIT 1",
    ),
    (
        "shared_claims",
        "SELECT tenant_id, 1, '2026-06-01', 'x' FROM persons LIMIT 1",
    ),
    (
        "remembered_numbers",
        "SELECT tenant_id, person_id, 'x', 'x', 'x', '', '', person_id, person_id, created_at FROM persons LIMIT 1",
    ),
    (
        "struck_claims",
        "SELECT tenant_id, person_id, 'costs', '2026-06-01', 'x', '2026-08-01', person_id, 'other', ''::bytea, person_id,
           created_at FROM persons LIMIT 1",
    ),
    (
        "disclosures",
        "SELECT tenant_id, person_id, 'costs', 'self_only', 'person', created_at FROM persons LIMIT 1",
    ),
    (
        "idempotency_keys",
        "SELECT tenant_id, person_id, ''::bytea, ''::bytea, created_at, created_at, NULL FROM persons LIMIT 1",
    ),
    (
        "clients",
        "SELECT tenant_id, person_id, 'x', ''::bytea, '{}', NULL, 'active', created_at, NULL, NULL FROM persons LIMIT 1",
    ),
    (
        "client_secrets",
        "SELECT tenant_id, person_id, person_id, ''::bytea, created_at, NULL FROM persons LIMIT 1",
    ),
    (
        "client_places",
        "SELECT tenant_id, person_id, tenant_id FROM persons LIMIT 1",
    ),
    (
        "client_grants",
        "SELECT tenant_id, person_id, person_id, tenant_id, 'x', '{}', '{}', NULL, 'active', 'active', created_at, NULL, NULL,
           NULL FROM persons LIMIT 1",
    ),
    (
        "client_tokens",
        "SELECT tenant_id, ''::bytea, person_id, '{}', '{}', created_at FROM persons LIMIT 1",
    ),
    (
        "client_days",
        "SELECT tenant_id, person_id, '2026-12-05', 1, 0, 0 FROM persons LIMIT 1",
    ),
    (
        "client_scopes_used",
        "SELECT tenant_id, person_id, 'x', created_at FROM persons LIMIT 1",
    ),
    (
        "webhook_endpoints",
        "SELECT tenant_id, person_id, (SELECT grant_id FROM client_grants g WHERE g.tenant_id = p.tenant_id LIMIT 1), 'x', '{}',
           'active', NULL, 0, 1, ''::bytea, NULL, NULL, created_at, NULL, NULL, NULL FROM persons p LIMIT 1",
    ),
    (
        "webhook_deliveries",
        "SELECT tenant_id, webhook_id, webhook_id, 'x', webhook_id, NULL, 1, 1, created_at, 'waiting', 0, created_at, NULL, NULL,
           NULL FROM webhook_endpoints LIMIT 1",
    ),
    (
        "webhook_sequences",
        "SELECT tenant_id, webhook_id, webhook_id, 1 FROM webhook_endpoints LIMIT 1",
    ),
    ("webhook_cursors", "SELECT tenant_id, 1 FROM persons LIMIT 1 ON CONFLICT DO NOTHING"),
    (
        "statement_marks",
        "SELECT tenant_id, account_id, 'costs', registered_at FROM accounts LIMIT 1",
    ),
];

/// A row of a table that lies by years, behind its month.
const YEARLY: [(&str, &str); 2] = [
    (
        "cost_rows",
        "1, 1, person_id, person_id, 'x', 'medical_out', 1, 'x', 10, 7, 0, 3, 0, 0, false, NULL",
    ),
    (
        "medicine_rows",
        "1, 1, person_id, person_id, 'x', '999000001', 'oral', 1000, 1, 3, 'x', '', 0, 0, false, NULL",
    ),
];

pub(super) async fn tenant_tables() -> Vec<String> {
    lines(
        &owner_url(),
        "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace
         AND obj_description(oid) LIKE 'tenant;%' ORDER BY 1",
    )
    .await
}

/// The years of tables that lie by years, each with its table and year.
async fn years() -> Vec<(String, String)> {
    let years = lines(
        &owner_url(),
        "SELECT relname::text AS line FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
         AND obj_description(oid) LIKE 'tenant;%; grants none' ORDER BY 1",
    )
    .await;
    let split = |name: String| {
        let (table, year) = name.rsplit_once('_').unwrap();
        (table.to_owned(), year.to_owned())
    };
    years.into_iter().map(split).collect()
}

/// Leaves a row in every table: what no log-in leaves by itself is done here.
async fn fill(other: &Other) {
    let client = &other.client;
    for notice in [other.notice, other.personal] {
        assert_eq!(client.get(&format!("/portal/notices/{notice}")).await.status, 200);
    }
    let email = format!("{}@example.jp", unique("new"));
    let fields = [("current_password", testkit::PASSWORD), ("email", &email)];
    assert_eq!(client.post("/portal/account/email", &fields).await.status, 303);
    assert_eq!(
        client
            .post("/portal/account/email/code", &[("code", "000000")])
            .await
            .status,
        422
    );
    let wished = client.post("/portal/account/mails", &[("wished", "insurer")]).await;
    assert_eq!(wished.status, 303);
    // Too long for a cookie.
    let long = "x".repeat(3000);
    let refused = client.post("/portal/account/email", &[("email", &long)]).await;
    assert_eq!(refused.status, 422);
    let wanted = [("user_id", other.who.user_id.as_str())];
    other
        .app
        .with_platform_work(client.post("/portal/password", &wanted))
        .await;
    // Registered already: the neutral answer, and a job.
    let again = other.app.identity(&other.app.person);
    assert_eq!(client.stranger().send_form("/portal/signup", &again).await.status, 422);
    let mut tx = other.app.write(other.app.tenant()).await;
    let (now, keys) = (other.app.clock().now(), &other.app.insurer.keys);
    let upload = uploads::begin(&mut tx, now, ("test", Uuid::nil()), 2, 2).await;
    let piece = uploads::receive(&mut tx, keys, now, &upload.unwrap().unwrap(), 0, b"ab").await;
    assert!(piece.unwrap().is_ok());
    let matter = Matter {
        whose: Whose::Permission("test"),
        module: "test",
        subject: Uuid::nil(),
    };
    let state = State {
        key: "test",
        waiting: true,
        due_on: None,
        link: None,
        parameters: serde_json::json!({}),
    };
    tasks::set(&mut tx, now, matter, &state).await.unwrap();
    let nobody = Uuid::nil();
    let look = audit::Look::person("member", &nobody);
    let (origin, clerk) = (audit::Origin::command(), audit::Actor::Staff(Uuid::nil()));
    audit::look(&tx, now, &origin, clerk, look).await.unwrap();
    tx.commit().await.unwrap();
    let writer = other.app.clerk(&[access::Role::NoticeEditor]).await;
    let draft = [("title", "x"), ("aim", "everybody")];
    assert_eq!(writer.post("/console/notices/new", &draft).await.status, 303);
    let clerk = other.app.pending_clerk(&[access::Role::Viewer]).await;
    enrol_app(&other.app, &clerk).await;
    assert_eq!(clerk.press("/console/account/codes").await.status, 303);
    assert_eq!(clerk.get("/console/enrol/app").await.status, 200);
    other.app.support().await;
    let writer = other.app.clerk(&[access::Role::Administrator]).await;
    let draft = writer
        .post("/console/terms/addendum/2/draft", &[("version", "0")])
        .await;
    assert_eq!(draft.status, 303, "{}", draft.text);
    for (table, row) in PASSING {
        testkit::sql(other.app.tenant(), &format!("INSERT INTO {table} {row}")).await;
    }
    for (table, year) in years().await {
        let (_, row) = YEARLY.iter().find(|(name, _)| *name == table).unwrap();
        let row = format!("INSERT INTO {table}_{year} SELECT tenant_id, '{year}-04-01', {row} FROM persons LIMIT 1");
        testkit::sql(other.app.tenant(), &row).await;
    }
}

/// The columns that a row is made with: those that PostgreSQL makes of others can't be given.
async fn columns(table: &str) -> String {
    let query = format!(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS line FROM pg_attribute
         WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
    );
    lines(&owner_url(), &query).await.remove(0)
}

async fn count(url: &str, tenant: Option<TenantId>, table: &str, of: TenantId) -> usize {
    let query = format!("SELECT '' AS line FROM {table} WHERE tenant_id = {of}");
    lines_within(url, tenant, &query).await.len()
}

// security.md 51
#[tokio::test]
async fn no_row_of_an_insurer_can_be_seen_changed_deleted_or_made_from_elsewhere() {
    let other = Other::new().await;
    fill(&other).await;
    let (theirs, mine) = (other.app.tenant(), TestDatabase::new().await.tenant);
    let tables = tenant_tables().await;
    assert!(tables.len() >= 20, "{tables:?}");
    let years: Vec<String> = years()
        .await
        .into_iter()
        .map(|(table, year)| format!("{table}_{year}"))
        .collect();
    assert!(years.len() >= 12, "{years:?}");
    for table in &tables {
        let rows = other
            .insurer()
            .lines(&format!("SELECT to_jsonb(t)::text AS line FROM {table} t LIMIT 1"))
            .await;
        let row = rows
            .first()
            .unwrap_or_else(|| panic!("no row in {table}: let `fill` leave one"))
            .replace('\'', "''");
        for elsewhere in [Some(mine), Some(TenantId::PLATFORM), None] {
            for url in [owner_url(), service_url()] {
                if url == service_url() && years.contains(table) {
                    assert_refused(elsewhere, table).await;
                    continue;
                }
                assert_eq!(
                    count(&url, elsewhere, table, theirs).await,
                    0,
                    "{table} from {elsewhere:?}"
                );
            }
            for change in [
                format!("UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = {theirs}"),
                format!("DELETE FROM {table} WHERE tenant_id = {theirs}"),
            ] {
                let counted = format!(
                    "DO $$ DECLARE n int; BEGIN {change}; GET DIAGNOSTICS n = ROW_COUNT;
                     IF n > 0 THEN RAISE EXCEPTION '% rows', n; END IF; END $$"
                );
                let unchanged = execute_within(&owner_url(), elsewhere, &counted).await;
                assert_eq!(unchanged, Ok(()), "{change}");
            }
            let columns = columns(table).await;
            let made = format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(null::{table}, '{row}')"
            );
            let refused = execute_within(&owner_url(), elsewhere, &made).await.unwrap_err();
            assert!(
                refused.contains("row-level security"),
                "{table} from {elsewhere:?}: {refused}"
            );
        }
    }
}

/// The service may not even ask.
async fn assert_refused(tenant: Option<TenantId>, year: &str) {
    for statement in [
        format!("SELECT FROM {year}"),
        format!("INSERT INTO {year} SELECT * FROM {year}"),
        format!("UPDATE {year} SET tenant_id = tenant_id"),
        format!("DELETE FROM {year}"),
    ] {
        let refused = execute_within(&service_url(), tenant, &statement).await.unwrap_err();
        assert!(refused.contains("permission denied"), "{statement}: {refused}");
    }
}

// security.md 51
#[tokio::test]
async fn a_year_is_reached_through_the_whole_alone() {
    let other = Other::new().await;
    let theirs = other.app.tenant();
    let mut delivered = Vec::new();
    for (table, _) in YEARLY {
        delivered.push(count(&service_url(), Some(theirs), table, theirs).await);
    }
    fill(&other).await;
    for (table, year) in years().await {
        assert_refused(Some(theirs), &format!("{table}_{year}")).await;
    }
    for ((table, _), delivered) in YEARLY.into_iter().zip(delivered) {
        // A row of each attached year, beside what was delivered.
        let attached = format!("SELECT '' AS line FROM pg_inherits WHERE inhparent = '{table}'::regclass");
        let attached = lines(&owner_url(), &attached).await.len();
        assert_eq!(
            count(&service_url(), Some(theirs), table, theirs).await,
            attached + delivered,
            "{table}"
        );
        assert!(attached > 0, "{table}");
    }
}

#[tokio::test]
async fn within_its_own_insurer_the_row_is_there() {
    // The test above would also pass on empty tables and broken queries.
    let other = Other::new().await;
    let (theirs, table) = (other.app.tenant(), "accounts");
    assert_eq!(count(&owner_url(), Some(theirs), table, theirs).await, 1);
    assert_eq!(count(&service_url(), Some(theirs), table, theirs).await, 1);
}
