//! The plans of every statement on a member's way, as PostgreSQL really ran them at an insurer with many members among
//! many insurers: prepared, ten times, and once more with generic plans forced. None may read more rows or blocks than
//! the few it is about, however large the insurer.

mod bounds;
mod changes;
mod crowd;
mod deliveries;
mod programs;
mod prune;
mod server;
mod statements;
mod webhooks;

pub(crate) use crowd::crowd;

use crate::{cluster::cluster, portal::leads, webhooks::to_loopback};
use access::{Reach, Role};
use audit::read::{self, About, Filter, Lines};
use changes::walk_the_changes;
use chrono::TimeDelta;
use kernel::{PersonId, StaffId};
use local_cluster::{DATABASE, LocalCluster};
use programs::walk_of_a_program;
use prune::{PRUNED, PRUNER, old_lines, prune, pruner};
use roster::protection;
use server::{assert_alone, end_connections, examine, explain, log, messages, number, plans};
use std::collections::{BTreeMap, BTreeSet};
use testkit::{PASSWORD, SignedUp, TestApp, TestClerk, TestPerson, unique};
use webhooks::Hooked;

/// Of so many members one is protected.
const PROTECTED: u32 = 59;
/// Members of the large insurer.
const MEMBERS: u32 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_of_a_members_way_reads_more_than_its_own_rows() {
    let cluster = tokio::task::spawn_blocking(|| cluster("plans")).await.unwrap();
    let service = url::Url::parse(&cluster.service_url(DATABASE)).unwrap();
    let role = service.username();
    // What stands in the log by now is an earlier run's.
    let earlier = std::fs::read(log(&cluster)).unwrap().len();
    let say = format!("ALTER ROLE {role} RESET ALL; ALTER ROLE {role} SET log_statement = 'all'");
    cluster.sql("postgres", &say).unwrap();
    rest(&cluster);
    let app = TestApp::on(&cluster.owner_url(DATABASE), &cluster.service_url(DATABASE)).await;
    let app = app.beside(to_loopback).await;
    let people: Vec<TestPerson> = (0..11).map(|number| TestPerson::new(1000 + number)).collect();
    app.insurer.import(&people).await;
    cluster.sql(DATABASE, &crowd(app.tenant().0, MEMBERS)).unwrap();
    let hooked = Hooked::set(&app).await;
    cluster.sql(DATABASE, &hooked.much(app.tenant().0)).unwrap();
    protect(&app).await;
    deliveries::keep_long(&app).await;
    // Rows were changed after they were written, and what they were lies in the indexes until then.
    cluster.sql(DATABASE, "VACUUM ANALYZE").unwrap();
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
        walk_the_changes(&app, &clerk, u32::try_from(round).unwrap()).await;
        walk_of_a_program(&app).await;
        hooked.walk(&app, &cluster).await;
        sweep(&app).await;
        cluster.sql(DATABASE, &statements::over(app.tenant().0)).unwrap();
        statements::visits(&app).await;
        deliveries::deliver(&app, round).await;
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
        if text.starts_with(bounds::WHOLE) {
            whole += 1;
            continue;
        }
        pruned += usize::from(
            PRUNED
                .iter()
                .any(|table| text.starts_with(&format!("DELETE FROM \"{table}\""))),
        );
        if bounds::MORE.iter().any(|more| text.starts_with(more)) {
            continue;
        }
        let mut faults = Vec::new();
        let (rows, most_blocks) = bounds::of(text);
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
    for table in bounds::ASKED {
        assert!(tables.contains(table), "no plan on {table}: {tables:?}");
    }
}

/// As deep as the index of claims becomes here, that of the rows' key is not yet: whoever goes by nothing but that takes the wrong one.
const UNANALYZED: u32 = 65_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_are_looked_up_by_their_number_in_a_year_that_nobody_has_analyzed() {
    let cluster = tokio::task::spawn_blocking(|| cluster("unanalyzed")).await.unwrap();
    let service = url::Url::parse(&cluster.service_url(DATABASE)).unwrap();
    rest(&cluster);
    let earlier = std::fs::read(log(&cluster)).unwrap().len();
    let app = TestApp::on(&cluster.owner_url(DATABASE), &cluster.service_url(DATABASE)).await;
    app.insurer.import(&[TestPerson::new(1000)]).await;
    let much = deliveries::much(app.tenant().0, UNANALYZED);
    cluster.sql(DATABASE, &much).unwrap();
    cluster.sql("postgres", &explain(service.username())).unwrap();
    end_connections(&cluster);
    deliveries::bring(&app, 20).await;
    drop(app);

    let log = std::fs::read_to_string(log(&cluster)).unwrap();
    let (mut faults, mut tables) = (Vec::new(), BTreeSet::new());
    for plan in plans(&log[earlier..]) {
        if plan["Query Text"].as_str().unwrap().contains("FROM cost_rows o") {
            examine(&plan["Plan"], 200.0, &mut faults, &mut tables);
        }
    }
    faults.retain(|fault| fault.contains("cost_rows"));
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(tables.contains("cost_rows_2026"), "{tables:?}");
}

/// What the server would do by itself, at a moment of its choice, is done here by name.
fn rest(cluster: &LocalCluster) {
    for say in ["ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"] {
        cluster.sql("postgres", say).unwrap();
    }
}

/// Some hundred of the large insurer are protected, by the product itself: their reasons are sealed.
async fn protect(app: &TestApp) {
    let query = format!(
        "SELECT md5('person' || n)::uuid::text AS line FROM generate_series(1, {MEMBERS}) n WHERE n % {PROTECTED} = 0"
    );
    let ids = app.insurer.lines(&query).await;
    let (now, by) = (app.clock().now(), StaffId(uuid::Uuid::nil()));
    let mut tx = app.write(app.tenant()).await;
    for id in ids {
        let new = protection::New {
            person: PersonId(id.parse().unwrap()),
            guardian: None,
            reason: "支援措置の申し出",
        };
        protection::set(&mut tx, app.keys(), now, by, new)
            .await
            .unwrap()
            .unwrap();
    }
    tx.commit().await.unwrap();
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
    clients::sweep(&mut tx, now).await.unwrap();
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
    walk_own_members(app).await;
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

/// The same of whoever is bounded to a workplace and to a 記号.
async fn walk_own_members(app: &TestApp) {
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec!["W7".into()],
    };
    let clerk = app.clerk_reaching(&[Role::Eligibility], &reach).await;
    let all = clerk.get("/console/members?list=1").await;
    let next = all.text.split("<p class=\"more\"><a href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let named = clerk.post("/console/members", &[("q", "ケンポ")]).await;
    for list in [&next, named.location()] {
        assert!(clerk.get(list).await.text.contains("<table"));
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
    let filter = Filter {
        about: Some(About {
            person: people[0],
            lines: Lines::Looks,
        }),
        ..Filter::default()
    };
    let seen = read::list(&tx, &filter, None, 50).await.unwrap();
    let before = read::list(&tx, &filter, Some(seen[0].audit_id), 50).await.unwrap();
    assert!(seen.len() > before.len());
    tx.commit().await.unwrap();
}
