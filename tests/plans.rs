//! The plans of every statement on a member's way, as PostgreSQL really ran them at an insurer with many members among
//! many insurers: prepared, ten times, and once more with generic plans forced. None may read more rows or blocks than
//! the few it is about, however large the insurer.

mod prune;
mod server;

use crate::portal::leads;
use access::{Reach, Role};
use chrono::TimeDelta;
use local_cluster::DATABASE;
use prune::{PRUNED, PRUNER, old_lines, prune, pruner};
use server::{assert_alone, cluster, end_connections, examine, explain, log, messages, number, plans};
use std::collections::{BTreeMap, BTreeSet};
use testkit::{PASSWORD, SignedUp, TestApp, TestClerk, TestPerson, unique};

/// Members of the large insurer.
const MEMBERS: u32 = 20_000;
/// What an insurer has few of: colleagues, drafts, imports.
const FEW: u32 = 50;
/// Rows that one step of a plan may look at, those it throws away included: a workplace of two hundred is the most that
/// anything here is about.
const ROWS: f64 = 200.0;
/// Blocks that a statement may touch, with its indexes: of each of fifty people in a list some three things are asked of an
/// index, and each who is shown is a row.
const BLOCKS: f64 = 700.0;

/// Tables of a handful of rows, which PostgreSQL rightly reads whole.
const SMALL: [&str; 1] = ["jobs"];

/// The one statement that reads an insurer's rows of a table whole, as its migration explains.
const WHOLE: &str = "DELETE FROM \"throttles\"";
/// What reads more by design: a node's look at all insurers' revisions, a batch of a thousand changes to be pruned, and a segment of the trail.
const MORE: &[&str] = &[
    // A segment of the trail, read to be sealed, and again for what came late.
    "SELECT e.audit_id, ARRAY[",
    "SELECT s.audit_id, ARRAY[",
    "SELECT e.audit_id FROM audit_events e WHERE e.tenant_id = $1 AND e.audit_id >= $2",
    "SELECT \"insurers\".\"tenant_id\", \"insurers\".\"insurer_code\", \"insurers\".\"revision\", \"maintenances\"",
    "SELECT \"roster_changes\".\"position\", \"roster_changes\".\"at\" FROM \"roster_changes\"",
];
/// Whether an insurer has a thousand long forms, which looks at no more than these, however many there are.
const COUNT: (&str, f64) = ("SELECT \"kept_forms\".\"kept_until\" FROM \"kept_forms\"", 1000.0);

/// How many are registered of those whom a notice is for: all of them are counted, by an index.
const READERS: &str = "SELECT count(*) AS people FROM persons p";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_of_a_members_way_reads_more_than_its_own_rows() {
    let cluster = tokio::task::spawn_blocking(cluster).await.unwrap();
    let service = url::Url::parse(&cluster.service_url(DATABASE)).unwrap();
    let role = service.username();
    // What stands in the log by now is an earlier run's.
    let earlier = std::fs::read(log(&cluster)).unwrap().len();
    let say = format!("ALTER ROLE {role} RESET ALL; ALTER ROLE {role} SET log_statement = 'all'");
    cluster.sql("postgres", &say).unwrap();
    let app = TestApp::on(&cluster.owner_url(DATABASE), &cluster.service_url(DATABASE)).await;
    let people: Vec<TestPerson> = (0..11).map(|number| TestPerson::new(1000 + number)).collect();
    app.insurer.import(&people).await;
    cluster.sql(DATABASE, &crowd(app.tenant().0, MEMBERS)).unwrap();
    // Its rows were changed after they were written, and what they were lies in the indexes until then.
    cluster.sql(DATABASE, "VACUUM persons").unwrap();
    let pruner = pruner(&cluster);
    for role in [role, PRUNER] {
        cluster.sql("postgres", &explain(role)).unwrap();
    }
    end_connections(&cluster);
    let clerk = app.clerk(&[access::Role::Eligibility]).await;
    for (round, person) in people.iter().enumerate() {
        if round == 10 {
            for role in [role, PRUNER] {
                let forced = format!("ALTER ROLE {role} SET plan_cache_mode = 'force_generic_plan'");
                cluster.sql("postgres", &forced).unwrap();
            }
            end_connections(&cluster);
        }
        walk(&app, person).await;
        walk_the_members(&app, &clerk, person).await;
        looks(&app).await;
        walk_the_console(&app).await;
        sweep(&app).await;
        cluster.sql(DATABASE, &old_lines(app.tenant().0)).unwrap();
        prune(&app, &pruner).await;
    }
    drop((app, pruner));

    let log = std::fs::read_to_string(log(&cluster)).unwrap();
    let log = &log[earlier..];
    assert_alone(&messages(log));
    let mut greedy = BTreeMap::new();
    let mut tables = BTreeSet::new();
    let (mut whole, mut pruned) = (0, 0);
    for plan in plans(log) {
        let text = plan["Query Text"].as_str().unwrap();
        if text.starts_with(WHOLE) {
            whole += 1;
            continue;
        }
        pruned += usize::from(
            PRUNED
                .iter()
                .any(|table| text.starts_with(&format!("DELETE FROM \"{table}\""))),
        );
        if MORE.iter().any(|more| text.starts_with(more)) {
            continue;
        }
        let mut faults = Vec::new();
        let (rows, most_blocks) = match text {
            text if text.starts_with(COUNT.0) => (COUNT.1, BLOCKS),
            text if text.starts_with(READERS) => (f64::INFINITY, f64::INFINITY),
            _ => (ROWS, BLOCKS),
        };
        examine(&plan["Plan"], rows, &mut faults, &mut tables);
        let blocks = number(&plan["Plan"], "Shared Hit Blocks") + number(&plan["Plan"], "Shared Read Blocks");
        if blocks > most_blocks {
            faults.push(format!("{blocks} blocks"));
        }
        if !faults.is_empty() {
            greedy.insert(plan["Query Text"].as_str().unwrap().to_owned(), faults);
        }
    }
    assert!(greedy.is_empty(), "{greedy:#?}");
    assert_eq!(whole, 11, "the sweeps were looked at");
    assert!(pruned >= 11 * PRUNED.len(), "prune was looked at: {pruned}");
    // It was the whole way: each of these was asked of an index.
    for table in [
        "accounts",
        "audit_events",
        "audit_subjects",
        "codes",
        "consents",
        "due",
        "email_changes",
        "insurers",
        "kept_forms",
        "letters",
        "links",
        "login_names",
        "mails",
        "member_notes",
        "notice_drafts",
        "notice_reads",
        "notices",
        "person_numbers",
        "persons",
        "protections",
        "registration_days",
        "roster_tallies",
        "roster_workplaces",
        "sessions",
        "sign_up_tickets",
        "throttles",
    ] {
        assert!(tables.contains(table), "no plan on {table}: {tables:?}");
    }
}

/// From the first time to log-out, by way of everything that a member can do.
async fn walk(app: &TestApp, person: &TestPerson) {
    let who: SignedUp = app.sign_up_as(person).await;
    // Once more, and once wrong.
    let client = app.client();
    client.send_form("/portal/signup", &app.identity(person)).await;
    let wrong = app.identity(person).with("birth_year", "1986");
    assert_eq!(client.send_form("/portal/signup", &wrong).await.status, 422);
    let wrong = [("user_id", who.user_id.as_str()), ("password", "wrong&1234")];
    assert_eq!(client.post("/portal/", &wrong).await.status, 422);
    client.send_form("/portal/user-id", &app.identity(person)).await;
    client.post("/portal/password", &[("user_id", &who.user_id)]).await;
    while app.worker.run_once().await.unwrap() > 0 {}
    let mails = app.mailbox.mails_to(&who.email);
    let text = &mails.iter().find(|mail| mail.text.contains("token=")).unwrap().text;
    let token = text.split("token=").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(
        client
            .get(&format!("/portal/password/reset?token={token}"))
            .await
            .status,
        200
    );
    let reset = [("token", token), ("password", PASSWORD)];
    assert_eq!(client.post("/portal/password/reset", &reset).await.status, 303);

    let client = app.inside(&who).await;
    for path in [
        "/portal/mypage",
        "/portal/notices",
        "/portal/notices?list=insurer",
        "/portal/notices?list=personal",
        "/portal/account",
        "/portal/account/consents",
        "/portal/help",
    ] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    let page = client.get("/portal/notices?list=insurer").await;
    let notice = page.text.split("href=\"/portal/notices/").nth(1).unwrap();
    let notice = notice.split('"').next().unwrap();
    assert_eq!(client.get(&format!("/portal/notices/{notice}")).await.status, 200);
    // A session is touched once a minute.
    app.later(90);
    assert_eq!(client.get("/portal/mypage").await.status, 200);
    let new = format!("{}@example.jp", unique("new"));
    let change = [("current_password", PASSWORD), ("email", new.as_str())];
    leads(
        &client.post("/portal/account/email", &change).await,
        "/portal/account/email/code",
    );
    let code = app.code_for(&new).await;
    leads(
        &client.post("/portal/account/email/code", &[("code", &code)]).await,
        "/portal/account",
    );
    let change = [("current_password", PASSWORD), ("password", "Asagao3rin#")];
    assert_eq!(client.post("/portal/account/password", &change).await.status, 303);
    let long = format!("{}@example.jp", "x".repeat(3000));
    assert_eq!(
        client.post("/portal/account/email", &[("email", &long)]).await.status,
        422
    );
    client.press("/portal/account/sessions/end-others").await;
    client.press("/portal/logout").await;
    while app.worker.run_once().await.unwrap() > 0 {}
}

/// What staff look at, at the large insurer.
async fn walk_the_console(app: &TestApp) {
    let clerk = app.clerk(&[Role::Administrator]).await;
    for path in [
        "/console/",
        "/console/workplaces",
        "/console/protections",
        "/console/letters?registered=either",
        "/console/letters?symbol=200&registered=yes",
        "/console/notices",
        "/console/notices?list=people",
        "/console/audit",
        "/console/audit?from=2026-11-01&until=2026-11-30",
        "/console/audit?action=session.open",
        "/console/audit?action=staff.roles",
    ] {
        assert_eq!(clerk.get(path).await.status, 200, "{path}");
    }
    let ids = "SELECT (SELECT person_id FROM persons WHERE symbol = '200' LIMIT 1) || ' ' || staff_id AS line
        FROM staff WHERE last_log_in_at IS NOT NULL LIMIT 1";
    let ids = app.insurer.lines(ids).await.remove(0);
    let (person, staff) = ids.split_once(' ').unwrap();
    for filter in [
        format!("person={person}"),
        format!("person={person}&looks=1"),
        format!("staff={staff}"),
    ] {
        assert_eq!(
            clerk.get(&format!("/console/audit?{filter}")).await.status,
            200,
            "{filter}"
        );
    }
    walk_the_notices(&clerk).await;
    let reach = Reach::Workplaces {
        symbols: vec!["200".into()],
        codes: vec![],
    };
    let own = app.clerk_reaching(&[Role::Workplace], &reach).await;
    let people = "/console/workplaces/own/people?code=W7&symbol=200";
    let page = own.get(people).await;
    assert_eq!(page.status, 200);
    let last = page.text.split("after=").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(own.get(&format!("{people}&after={last}")).await.status, 200);
}

/// A notice to a workplace, and one to those of an age.
async fn walk_the_notices(clerk: &TestClerk) {
    let new = "/console/notices/new";
    for filter in [("workplace", "W7"), ("age_from", "80")] {
        let draft = [("title", "お知らせ"), ("body", "本文"), ("aim", "group"), filter];
        let draft = clerk.post(new, &draft).await.location().to_owned();
        let publish = format!("{draft}/publish");
        assert_eq!(clerk.get(&publish).await.status, 200);
        assert_eq!(
            clerk.post(&publish, &[("version", "1")]).await.status,
            303,
            "{filter:?}"
        );
        assert_eq!(clerk.get(&draft).await.status, 200);
        assert_eq!(clerk.press(&format!("{draft}/withdraw")).await.status, 303);
    }
}

/// What every hour takes away, at the large insurer.
async fn sweep(app: &TestApp) {
    let now = app.clock().now();
    let mut tx = app.write(app.tenant()).await;
    accounts::sweep(&mut tx, &app.ground.names, now - TimeDelta::days(2))
        .await
        .unwrap();
    audit::sweep(&mut tx, now).await.unwrap();
    guard::sweep(&mut tx, now).await.unwrap();
    mail::sweep(&mut tx, now, now - TimeDelta::days(90)).await.unwrap();
    accounts::tallies::keep(&mut tx, now).await.unwrap();
    notices::sweep(&mut tx, now).await.unwrap();
    members::sweep(&mut tx, now).await.unwrap();
    let long_ago = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    let people = roster::forget::empty(&mut tx, now, long_ago, 100).await.unwrap();
    accounts::forget::empty(&mut tx, now, &people).await.unwrap();
    accounts::forget::free_names(&mut tx, &app.ground.names, now, 100)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Staff look for people: by each kind of term, by each filter alone, and at a page.
async fn walk_the_members(app: &TestApp, clerk: &TestClerk, person: &TestPerson) {
    for term in [
        format!("100-{}", person.number),
        "200-7".into(),
        "ケンポ".into(),
        "健保太".into(),
        "crowd-77".into(),
        "e-crowd-7".into(),
        "crowd-7@example.jp".into(),
        "03-0000-0077".into(),
    ] {
        let sent = clerk.post("/console/members", &[("q", &term)]).await;
        let list = clerk.get(sent.location()).await;
        assert!(list.text.contains("<table"), "{term}");
        if let Some(next) = list.text.split("<p class=\"more\"><a href=\"").nth(1) {
            let next = next.split('"').next().unwrap().replace("&#38;", "&");
            assert!(clerk.get(&next).await.text.contains("<table"), "{term}");
        }
    }
    for filter in [
        "workplace=W7",
        "registered=yes",
        "registered=no",
        "kind=insured",
        "kind=dependent",
        "coverage=covered",
        "coverage=lost",
        "protected=yes",
    ] {
        let list = clerk.get(&format!("/console/members?list=1&{filter}")).await;
        assert_eq!(list.status, 200, "{filter}");
    }
    let query = format!(
        "SELECT person_id::text AS line FROM persons WHERE symbol = '100' AND number = '{}'",
        person.number
    );
    let id = app.insurer.lines(&query).await.remove(0);
    let page = format!("/console/members/{id}");
    let noted = clerk
        .post(&format!("{page}/notes"), &[("note", "お話ししました")])
        .await;
    assert_eq!(noted.status, 303);
    assert_eq!(clerk.get(&page).await.status, 200);
    for way in ["logout", "unlock", "reset"] {
        assert_eq!(clerk.press(&format!("{page}/{way}")).await.status, 303, "{way}");
    }
    let veiled = app.clerk(&[Role::CallCentre]).await;
    for term in [format!("100-{}", person.number), "ケンポ".into(), "健保太".into()] {
        let sent = veiled.post("/console/members", &[("q", &term)]).await;
        assert!(veiled.get(sent.location()).await.text.contains("<table"), "{term}");
    }
}

/// A page of a list of fifty, one of them twice, and who saw them.
async fn looks(app: &TestApp) {
    let (now, origin) = (app.clock().now(), audit::Origin::command());
    let clerk = audit::Actor::Staff(uuid::Uuid::from_u128(7));
    let people: Vec<uuid::Uuid> = (1..=50).map(uuid::Uuid::from_u128).collect();
    let tx = app.write(app.tenant()).await;
    let list = audit::Look::list("members", vec!["kana"], &people);
    audit::look(&tx, now, &origin, clerk, list).await.unwrap();
    for _ in 0..2 {
        let page = audit::Look::person("member", &people[0]);
        audit::look(&tx, now, &origin, clerk, page).await.unwrap();
    }
    let seen = audit::looks_at(&tx, people[0], None, 50).await.unwrap();
    let before = audit::looks_at(&tx, people[0], Some(seen[0].audit_id), 50)
        .await
        .unwrap();
    assert!(seen.len() > before.len());
    tx.commit().await.unwrap();
}

/// A large insurer, and many small ones. Written by the superuser, past every use case: it is only mass. What an insurer has
/// few of in life, however many members, it has few of here (`few`): statements on it are planned as they are then.
pub(crate) fn crowd(tenant: i32, members: u32) -> String {
    let (elsewhere, insurers) = (members / 2, members / 10);
    format!(
        "INSERT INTO insurers SELECT 100000 + n, lpad((n + 100000)::text, 6, '0'), name, kind, state, revision, settings,
             created_at, updated_at, applied_by
         FROM insurers, generate_series(1, {insurers}) n WHERE tenant_id = {tenant};
         CREATE TEMP TABLE crowd AS
             SELECT {tenant} AS tenant, n, md5('person' || n)::uuid AS person, md5('account' || n)::uuid AS account
             FROM generate_series(1, {members}) n
             UNION ALL
             SELECT 100000 + n % {insurers} + 1, n, md5('person' || n)::uuid, md5('account' || n)::uuid
             FROM generate_series({members} + 1, {members} + {elsewhere}) n;
         CREATE TEMP TABLE few AS SELECT * FROM crowd WHERE tenant <> {tenant} OR n <= {FEW};
         INSERT INTO persons SELECT tenant, person, '200', '200', n::text, n::text, '00', '00', 'ケンポ タロウ', 'ケンポ タロウ',
             'ケンポタロウ', 'ケンポタロウ', 1, '健保 太郎', '', '1985-04-01', '', '本人', true, NULL, NULL, true, '', '', '', '', '', '',
             '', '', '', '', '', now(), now() FROM crowd;
         UPDATE persons SET name_key = '健保太郎', employee_number = 'E-' || number, employee_key = 'E-CROWD-' || number,
             email_key = 'crowd-' || number || '@example.jp', phone_key = '03' || lpad(number, 8, '0'), workplace_code = 'W' || number::int % 100,
             registered = true,
             birth_date = CASE WHEN number::int % 1000 = 0 THEN date '1940-01-01' ELSE birth_date END
             WHERE symbol = '200';
         INSERT INTO person_numbers SELECT tenant, person, person, '199', '199', n::text, n::text, '00', '00', '2026-04-01'
             FROM crowd;
         INSERT INTO roster_changes SELECT tenant, 1000000 + n, person, person, 'new', '{{}}', now() FROM crowd WHERE tenant = {tenant};
         INSERT INTO accounts SELECT tenant, account, person, 'crowd-' || n, '', now(), 'crowd@example.jp', now(), timestamptz '2020-01-01',
             timestamptz '2020-01-01' FROM crowd;
         INSERT INTO login_names SELECT sha256(('crowd-' || n)::bytea), tenant, account FROM crowd;
         INSERT INTO consents SELECT tenant, gen_random_uuid(), account, 0, d, 1, d, '', now(), 'portal', NULL
             FROM crowd, unnest(ARRAY['service', 'points']) d;
         INSERT INTO sessions SELECT tenant, sha256((account::text || s)::bytea), gen_random_uuid(), 'member', account, now(),
             now(), now() + interval '1 day', 1800, NULL, '' FROM crowd, generate_series(1, 2) s;
         INSERT INTO sign_up_tickets SELECT tenant, md5('ticket' || n)::uuid, sha256(n::text::bytea), person, '', '', NULL, NULL,
             NULL, NULL, 0, 0, NULL, NULL, now(), now() + interval '1 hour', NULL FROM crowd;
         INSERT INTO codes SELECT tenant, account, 'sign_up', gen_random_uuid(), '', now() + interval '1 hour' FROM crowd;
         INSERT INTO links SELECT tenant, sha256(n::text::bytea), account, 'reset', now() + interval '1 hour' FROM crowd;
         INSERT INTO email_changes SELECT tenant, account, '', 0, 0, now(), account, now() + interval '1 hour' FROM crowd;
         INSERT INTO wrong_codes SELECT tenant, person, 1 FROM crowd;
         INSERT INTO throttles SELECT t, 'log_in', sha256(n::text::bytea), 1, now(), 0, true, NULL, now()
             FROM crowd, unnest(ARRAY[tenant, 0]) t;
         INSERT INTO mails SELECT tenant, gen_random_uuid(), 'code', '', '', account, NULL, 'sent', 1, NULL, NULL, NULL, now(), now()
             FROM crowd;
         INSERT INTO due SELECT tenant, 'mail', account, at, at, 2, at
             FROM (SELECT *, now() + interval '1 year' + n * 7919 % 20011 * interval '1 second' AS at FROM crowd) AS lines;
         INSERT INTO due SELECT tenant, 'nobodys', gen_random_uuid(), now(), now(), 2, now() FROM crowd;
         INSERT INTO events SELECT tenant, ('f' || right(gen_random_uuid()::text, 35))::uuid, 'account.registered', account, '{{}}', now() FROM crowd;
         INSERT INTO audit_events SELECT tenant, ('f' || right(gen_random_uuid()::text, 35))::uuid, now(), 'member', account, 'session.open', 'done', 'account',
             account, 'portal', NULL, NULL, '{{}}' FROM crowd;
         INSERT INTO audit_subjects SELECT tenant_id, object_id, audit_id, at FROM audit_events
             WHERE object_id IS NOT NULL;
         INSERT INTO audit_looks SELECT tenant, md5('clerk' || n % 100)::uuid, person, now() FROM crowd;
         INSERT INTO notices SELECT {tenant}, md5('to all' || n)::uuid, 'insurer', NULL, NULL, 'お知らせ', '本文',
             timestamptz '2026-11-22' - n * interval '1 minute', NULL, now(), now() FROM generate_series(1, 3000) n;
         INSERT INTO notices SELECT tenant, md5('to one' || n)::uuid, 'person', person, NULL, 'お知らせ', '本文',
             timestamptz '2026-10-01', NULL, now(), now() FROM crowd;
         UPDATE notices SET workplace_code = 'W9', with_dependants = true, age_from = 40
             WHERE title = 'お知らせ' AND audience = 'insurer' AND published_at::time < '00:10';
         INSERT INTO staff SELECT tenant, account, 'staff' || n, 'staff' || n, '', NULL, NULL, 0, 0, 0, now(), NULL, NULL, NULL,
             NULL, NULL FROM few;
         INSERT INTO staff_roles SELECT tenant, account, 'viewer', NULL, NULL, NULL, now() FROM few;
         INSERT INTO tasks SELECT tenant, account, person, NULL, 'survey', person, 'open', true, NULL, NULL, '{{}}', now() FROM crowd;
         INSERT INTO roster_imports SELECT tenant, ('0' || right(gen_random_uuid()::text, 35))::uuid, 'finished', now(), now(), '',
             '', '', 0, 0, 0, 0, 0, 0, 0 FROM few;
         INSERT INTO member_notes SELECT tenant, person, person, ''::bytea, person, now(), NULL FROM crowd;
         INSERT INTO protections SELECT tenant, person, person, NULL, ''::bytea, person, now() - interval '1 day' * (n % 900),
             account, now(), ''::bytea FROM crowd;
         INSERT INTO letters SELECT tenant, person, person, 'print', now(), account FROM crowd;
         INSERT INTO registration_days SELECT {tenant}, d, 1 FROM generate_series(date '2025-11-20', '2026-11-15', '1 day') d
             UNION ALL SELECT 100000 + n, d, 1
             FROM generate_series(1, {insurers}) n, generate_series(date '2026-11-10', '2026-11-15', '1 day') d;
         INSERT INTO sign_up_failures SELECT {tenant}, d, 'other_facts', w::text, '200', 1
             FROM generate_series(date '2025-11-20', '2026-10-01', '1 day') d, generate_series(1, 50) w;
         INSERT INTO roster_workplaces SELECT {tenant}, 'W' || n, '300', '300', n, 0 FROM generate_series(1, 5000) n;
         INSERT INTO roster_tallies SELECT 100000 + n, now(), '2026-11-22', 0, 0 FROM generate_series(1, {insurers}) n;
         INSERT INTO pages SELECT tenant_id, 'medical-guide', '', '', now() FROM insurers ON CONFLICT DO NOTHING;
         INSERT INTO terms_documents SELECT tenant_id, 'addendum', 1, 1, '', now(), NULL, '', ''
             FROM insurers ON CONFLICT DO NOTHING;
         INSERT INTO notice_reads SELECT tenant, account, md5('to one' || n)::uuid, now() FROM crowd;
         INSERT INTO notice_reads SELECT tenant, account, md5('to all' || n % 3000 + 1)::uuid, now()
             FROM crowd WHERE tenant = {tenant};
         INSERT INTO desk_email_changes SELECT tenant, account, ''::bytea, person, 0, 0, now(), account, now(), NULL,
             now() + interval '1 year' FROM crowd;
         INSERT INTO notice_drafts SELECT tenant, md5('draft' || n)::uuid, 1, 'お知らせ', '本文', NULL, NULL, NULL, NULL, false, NULL,
             NULL, false, NULL, now(), timestamptz '2026-10-01' + n * interval '1 second', person FROM few;
         INSERT INTO roster_before SELECT tenant, lpad(to_hex(1000000 + n), 32, '0')::uuid, ''::bytea FROM crowd;
         INSERT INTO facts_ended SELECT tenant, md5('ended' || n)::uuid, person, person, ''::bytea FROM crowd;
         INSERT INTO approvals SELECT tenant, md5('wish' || n)::uuid, 'grant', '', person, NULL, NULL, ''::bytea, 'done', account,
             timestamptz '2026-10-01', timestamptz '2026-10-08', person, timestamptz '2026-10-02', NULL FROM crowd;
         INSERT INTO audit_seals SELECT 100000 + n, s, md5('seal' || s)::uuid, 0, 0, 0, '', '', '', now()
             FROM generate_series(1, {insurers}) n, generate_series(1, 10) s;
         INSERT INTO audit_segments SELECT tenant_id, segment, ''::bytea FROM audit_seals WHERE tenant_id > 100000;
         INSERT INTO kept_forms SELECT tenant, gen_random_uuid(), '', timestamptz '2026-11-22' + d * interval '1 year'
             FROM crowd, unnest(ARRAY[-1, 1]) d;
         ANALYZE"
    )
}
