//! What programs list: consents, mails, the trail, how often a notice was read, and the portal's pages.

use super::Caller;
use crate::api::problem;
use access::scope::{AUDIT_READ, CONSENTS_READ, INSURER_READ, MAIL_READ, NOTICES_READ, PROTECTED_READ};
use access::{Role, SCOPES};
use audit::{Actor, Origin};
use kernel::StaffId;
use notices::{Draft, To};
use roster::protection::{self, New};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tenancy::Features;
use testkit::TestApp;

/// The only person of the roster is protected.
async fn protect(app: &TestApp) -> String {
    let id = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let new = New {
        person: kernel::PersonId::parse(&id).unwrap(),
        guardian: None,
        reason: "支援措置の申し出",
    };
    let mut tx = app.write(app.tenant()).await;
    let by = StaffId(uuid::Uuid::nil());
    let set = protection::set(&mut tx, app.keys(), app.clock().now(), by, new).await;
    assert!(set.unwrap().is_some());
    tx.commit().await.unwrap();
    id
}

/// All lines of a list, two at a time.
async fn lines(caller: &Caller, path: &str, name: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), String::new());
    let sign = if path.contains('?') { '&' } else { '?' };
    loop {
        let answer = caller.get(&format!("{path}{sign}limit=2{next}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        all.extend(body[name].as_array().unwrap().clone());
        match body["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn consents_are_counted_by_revision_and_listed_by_who_gave_them() {
    let app = TestApp::start().await;
    app.member().await;
    let caller = Caller::new(&app, &[CONSENTS_READ]).await;
    let counts = caller.get("/consents").await;
    assert_eq!(counts.status, 200, "{}", counts.text);
    let documents = counts.json()["documents"].as_array().unwrap().clone();
    let service = documents
        .iter()
        .find(|document| document["document"] == "service")
        .unwrap();
    assert_eq!(service["without"], 0);
    let present = service["revisions"].as_array().unwrap().iter();
    let present: Vec<&Value> = present.filter(|revision| revision["in_force"] == true).collect();
    assert_eq!((present.len(), &present[0]["members"]), (1, &json!(1)));
    let id = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let given = lines(&caller, "/consents/service", "consents").await;
    assert_eq!(given.len(), 1);
    assert_eq!(
        (&given[0]["person_id"], &given[0]["channel"]),
        (&json!(id), &json!("portal"))
    );
    problem(&caller.get("/consents/others").await, 404, "not_found");
    // Nothing, and no count, of whoever is protected.
    protect(&app).await;
    assert!(lines(&caller, "/consents/service", "consents").await.is_empty());
    let counts = caller.get("/consents").await.json();
    let members = |counts: &Value| {
        let documents = counts["documents"].as_array().unwrap().iter();
        let revisions = documents.flat_map(|document| document["revisions"].as_array().unwrap());
        revisions
            .map(|revision| revision["members"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(members(&counts), 0);
    let seeing = Caller::new(&app, &[CONSENTS_READ, PROTECTED_READ]).await;
    assert_eq!(lines(&seeing, "/consents/service", "consents").await.len(), 1);
    assert_eq!(members(&seeing.get("/consents").await.json()), 0);
    let look = "action = 'people.look' AND detail ->> 'what' = 'consents' AND actor_kind = 'client'";
    assert_eq!(app.insurer.count("audit_events", look).await, 2);
}

#[tokio::test]
async fn mails_are_listed_by_how_far_they_are_without_a_word_of_where_to() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    app.work().await;
    let caller = Caller::new(&app, &[MAIL_READ]).await;
    let answer = caller.get("/mail").await;
    let (name, _) = who.email.split_once('@').unwrap();
    assert!(
        !answer.text.contains(name) && !answer.text.contains('@'),
        "{}",
        answer.text
    );
    let all = lines(&caller, "/mail", "mails").await;
    let id = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let code = all.iter().find(|mail| mail["kind"] == "sign_up_code").unwrap();
    assert_eq!((&code["state"], &code["person_id"]), (&json!("sent"), &json!(id)));
    assert!(code["finished_at"].is_string());
    assert_eq!(lines(&caller, "/mail?state=sent", "mails").await.len(), all.len());
    assert!(lines(&caller, "/mail?state=undeliverable", "mails").await.is_empty());
    testkit::sql(
        app.tenant(),
        "UPDATE mails SET state = 'undeliverable' WHERE template = 'sign_up_code'",
    )
    .await;
    assert_eq!(lines(&caller, "/mail?state=undeliverable", "mails").await.len(), 1);
    problem(&caller.get("/mail?state=lost").await, 422, "fields");
    // That somebody was told of statements says that they were treated.
    testkit::sql(
        app.tenant(),
        "UPDATE mails SET template = 'new_statement' WHERE template = 'sign_up_code'",
    )
    .await;
    assert_eq!(lines(&caller, "/mail", "mails").await.len(), all.len() - 1);
    testkit::sql(
        app.tenant(),
        "UPDATE mails SET template = 'sign_up_code' WHERE template = 'new_statement'",
    )
    .await;
    protect(&app).await;
    assert!(lines(&caller, "/mail", "mails").await.is_empty());
    let seeing = Caller::new(&app, &[MAIL_READ, PROTECTED_READ]).await;
    assert_eq!(lines(&seeing, "/mail", "mails").await.len(), all.len());
}

// security.md 74
#[tokio::test]
async fn the_trail_is_read_by_days_and_veiled_of_whoever_is_protected() {
    let app = TestApp::start().await;
    app.member().await;
    let caller = Caller::new(&app, &[AUDIT_READ]).await;
    let today = kernel::calendar::today_in_japan(app.clock().now());
    let (before, after) = (today.pred_opt().unwrap(), today.succ_opt().unwrap());
    let all = lines(&caller, "/audit", "lines").await;
    let ids: BTreeSet<&str> = all.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), all.len(), "each line once, though reading adds some");
    let opened = |lines: &[Value]| {
        lines
            .iter()
            .find(|line| line["action"] == "session.open")
            .unwrap()
            .clone()
    };
    let line = opened(&all);
    assert_eq!(
        (&line["actor_kind"], &line["channel"]),
        (&json!("member"), &json!("portal"))
    );
    assert!(line["actor_id"].is_string() && line["request_id"].is_string(), "{line}");
    assert!(line.get("address").is_none(), "how a member is reached: {line}");
    assert!(
        lines(&caller, &format!("/audit?until={before}"), "lines")
            .await
            .is_empty()
    );
    assert!(
        lines(&caller, &format!("/audit?from={after}"), "lines")
            .await
            .is_empty()
    );
    let of_today = lines(&caller, &format!("/audit?from={today}&until={today}"), "lines").await;
    assert!(of_today.len() > all.len());
    problem(&caller.get("/audit?from=2026-02-30").await, 422, "fields");
    let backwards = problem(
        &caller.get("/audit?from=2026-11-02&until=2026-11-01").await,
        422,
        "fields",
    );
    assert_eq!(
        (&backwards["errors"][0]["pointer"], &backwards["errors"][0]["code"]),
        (&json!("/until"), &json!("before_other"))
    );
    let id = protect(&app).await;
    let veiled = lines(&caller, "/audit", "lines").await;
    let line = opened(&veiled);
    // Nor what it has in common with lines that are not veiled.
    for field in ["actor_id", "object_id", "detail", "address", "request_id"] {
        assert!(line.get(field).is_none(), "{field}: {line}");
    }
    assert!(!veiled.iter().any(|line| line.to_string().contains(&id)), "{veiled:?}");
    let seeing = Caller::new(&app, &[AUDIT_READ, PROTECTED_READ]).await;
    assert!(opened(&lines(&seeing, "/audit", "lines").await)["actor_id"].is_string());
    // Reading it stands in it.
    let look = "action = 'people.look' AND detail ->> 'what' = 'audit' AND actor_kind = 'client'";
    assert!(app.insurer.count("audit_events", look).await > 5);
}

#[tokio::test]
async fn how_many_are_protected_is_in_no_line_of_the_trail() {
    let app = TestApp::start().await;
    app.member().await;
    protect(&app).await;
    let desk = app.clerk(&[Role::Eligibility]).await;
    assert_eq!(desk.get("/console/protections").await.status, 200);
    let caller = Caller::new(&app, &[AUDIT_READ]).await;
    let lines = lines(&caller, "/audit", "lines").await;
    let looks: Vec<&Value> = lines
        .iter()
        .filter(|line| line["detail"]["what"] == "protections")
        .collect();
    assert!(!looks.is_empty(), "{lines:?}");
    for look in looks {
        assert_eq!(look["detail"].get("people"), None, "{look}");
    }
}

#[tokio::test]
async fn reads_of_a_notice_are_counted_as_at_the_desk() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let draft = Draft {
        title: "人間ドックの受付".into(),
        body: "12月25日までです。".into(),
        published_at: app.clock().now(),
        ended_at: None,
        mail: false,
    };
    let publish = async |to| {
        let mut tx = app.write(app.tenant()).await;
        let notices = app.notices();
        let id = notices
            .publish(&mut tx, &Origin::command(), Actor::System, to, &draft)
            .await;
        tx.commit().await.unwrap();
        id.unwrap()
    };
    let notice = publish(To::All).await;
    let caller = Caller::new(&app, &[NOTICES_READ]).await;
    let reads = async || caller.get(&format!("/notices/{notice}/reads")).await.json();
    assert_eq!(reads().await["reads"], 0);
    assert_eq!(member.get(&format!("/portal/notices/{notice}")).await.status, 200);
    assert_eq!(reads().await["reads"], 1);
    let id = protect(&app).await;
    assert_eq!(reads().await["reads"], 0);
    let own = publish(To::Person(kernel::PersonId::parse(&id).unwrap())).await;
    problem(&caller.get(&format!("/notices/{own}/reads")).await, 404, "not_found");
    problem(&caller.get("/notices/none/reads").await, 404, "not_found");
    app.later(400 * 24 * 3600);
    let caller = caller.renewed().await;
    let late = caller.get(&format!("/notices/{notice}/reads")).await.json();
    assert!(late.get("reads").is_none(), "nobody counts any more: {late}");
}

#[tokio::test]
async fn links_lead_to_pages_that_are_there_and_that_the_insurer_has_opened() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let caller = Caller::new(&app, &[INSURER_READ]).await;
    let links = caller.get("/links").await;
    assert_eq!(links.status, 200, "{}", links.text);
    let links = links.json()["links"].as_array().unwrap().clone();
    let named = |name: &str| {
        let link = links.iter().find(|link| link["name"] == name);
        link.unwrap_or_else(|| panic!("{name}: {links:?}"))["url"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for name in [
        "log_in",
        "sign_up",
        "my_page",
        "notices",
        "costs",
        "account",
        "help",
        "recover.password",
    ] {
        named(name);
    }
    assert!(named("sign_up").ends_with(&format!("/portal/signup?insurer={}", app.insurer.code.as_str())));
    let base = app.operations.public_url.as_str().trim_end_matches('/').to_owned();
    for link in &links {
        let path = link["url"].as_str().unwrap().strip_prefix(&base).unwrap();
        let status = member.get(path).await.status.as_u16();
        assert!([200, 303].contains(&status), "{path}: {status}");
    }
    let without = TestApp::with(
        "32290413",
        |folder| folder.settings.modules = Features::default(),
        |_| (),
    )
    .await;
    let links = Caller::new(&without, &[INSURER_READ]).await.get("/links").await;
    assert!(!links.text.contains("costs"), "{}", links.text);
}

#[tokio::test]
async fn each_of_them_takes_a_scope_of_its_own() {
    let app = TestApp::start().await;
    for (path, scope) in [
        ("/consents", CONSENTS_READ),
        ("/consents/service", CONSENTS_READ),
        ("/mail", MAIL_READ),
        ("/audit", AUDIT_READ),
        ("/links", INSURER_READ),
    ] {
        let others: Vec<_> = SCOPES.into_iter().filter(|other| *other != scope).collect();
        problem(
            &Caller::new(&app, &others).await.get(path).await,
            403,
            "insufficient_scope",
        );
    }
}
