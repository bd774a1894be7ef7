//! Who is told of what: the message itself, scopes, protected people, order.

use super::{Answer, EVENTS, Hook, Receiver, app, happens, id_of, ids};
use access::{
    Role, SCOPES,
    scope::{
        CONSENTS_READ, COVERAGE_READ, IMPORTS_READ, IMPORTS_WRITE, NOTICES_READ, REGISTRATIONS_READ, WEBHOOKS_MANAGE,
    },
};
use notices::{Draft, To};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{TestApp, TestClerk, TestPerson, by_command, conditions};

/// Protects somebody, as whoever sees to that does.
pub(super) async fn protect(clerk: &TestClerk, person: &str) {
    let fields = [("subject", person), ("person", person), ("reason", "支援措置")];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
}

#[tokio::test]
async fn what_happens_is_told_signed_with_ids_alone_and_with_a_link_that_the_same_scope_reads() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(204)).await;
    let hook = Hook::of(&app, &receiver, &EVENTS).await;
    let (_, who) = app.member().await;
    let person = id_of(&app, &app.person).await;
    app.insurer.import(&[TestPerson::new(200)]).await;
    app.insurer.import(std::slice::from_ref(&app.person)).await;
    app.work().await;
    let taken = receiver.taken();
    let kinds: Vec<String> = taken.iter().map(super::receiver::Message::kind).collect();
    for kind in [
        "member.registered",
        "consent.given",
        "member.coverage_lost",
        "import.finished",
        "member.returned",
    ] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}: {kinds:?}");
    }
    for message in &taken {
        assert!(
            message.head.starts_with("POST /in?from=madoguchi HTTP/1.1"),
            "{}",
            message.head
        );
        assert_eq!(message.headers["content-type"], "application/json");
        assert_eq!(message.headers["host"], receiver.address.to_string());
        assert_eq!(
            message.headers["webhook-timestamp"],
            app.clock().now().timestamp().to_string()
        );
        assert!(
            message.is_signed_by(&hook.secret) && message.signatures().len() == 1,
            "{message:?}"
        );
        for theirs in [
            &who.user_id,
            &who.email,
            &app.person.name,
            &app.person.kana_name,
            &app.person.birth_date,
        ] {
            assert!(!message.text.contains(theirs.as_str()), "{}", message.text);
        }
        let body = message.json();
        let known: BTreeSet<&str> = body["data"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            known.is_subset(&["insurer", "subject", "sequence", "document", "link"].into()),
            "{body}"
        );
        assert_eq!(body["data"]["insurer"], app.insurer.code.as_str());
        // What the command line imports has no address.
        let link = body["data"]["link"]
            .as_str()
            .filter(|_| body["type"] != "import.finished");
        if let Some(link) = link {
            let path = link.strip_prefix("/api/v1").unwrap();
            let read = hook.program.api(Method::GET, path, None).await;
            assert_eq!(read.status, 200, "{link}: {}", read.text);
        }
    }
    let link_of = |kind: &str| {
        let told = taken.iter().find(|message| message.kind() == kind).unwrap();
        told.json()["data"]["link"].clone()
    };
    assert_eq!(link_of("member.registered"), "/api/v1/registrations");
    // Each consent says to which document.
    for given in taken.iter().filter(|message| message.kind() == "consent.given") {
        let data = given.json()["data"].clone();
        let document = data["document"].as_str().unwrap();
        assert_eq!(data["link"], format!("/api/v1/consents/{document}"));
    }
    let lost = taken
        .iter()
        .find(|message| message.kind() == "member.coverage_lost" && message.subject() == person)
        .unwrap();
    let body = lost.json();
    assert_eq!(
        body,
        json!({
            "type": "member.coverage_lost",
            "timestamp": body["timestamp"],
            "data": {
                "insurer": app.insurer.code.as_str(),
                "subject": { "kind": "member", "id": person },
                "sequence": lost.sequence(),
                "link": format!("/api/v1/members/{person}/coverage"),
            },
        })
    );
    // Of one subject they are numbered without a gap, in the order in which they came.
    let of_person: Vec<i64> = taken
        .iter()
        .filter(|message| message.subject() == person)
        .map(super::receiver::Message::sequence)
        .collect();
    let count = i64::try_from(of_person.len()).unwrap();
    assert_eq!(of_person, (1..=count).collect::<Vec<_>>());
    assert!(
        hook.deliveries()
            .await
            .iter()
            .all(|delivery| delivery["state"] == "delivered")
    );
    assert!(hook.shown().await["last_success_at"].is_string());
}

#[tokio::test]
async fn whoever_follows_imports_is_told_of_each_that_comes_to_rest_however_it_did() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(204)).await;
    let program = app.program(&[WEBHOOKS_MANAGE, IMPORTS_READ, IMPORTS_WRITE]).await;
    Hook::with(&program, &receiver.url(), &["import.finished"]).await;
    let header = "被保険者証記号,番号,枝番,対象者氏名（カナ）,生年月日,続柄名称\n";
    let row = |number: u32, kana: &str| format!("100,{number},00,{kana},1990-04-01,本人\n");
    for (query, rows, state) in [
        ("mode=whole", row(900, "ケンポ　ハナコ"), "compared"),
        (
            "dry_run=true",
            format!("{}{}", row(901, "ケンポ　ハナコ"), row(902, "ケンポ　ジロウ")),
            "compared",
        ),
        ("mode=whole", row(903, "健保"), "refused"),
        (
            "mode=delta",
            format!("{},追加\n", row(904, "ケンポ　ハナコ").trim_end()),
            "finished",
        ),
    ] {
        let header = if query == "mode=delta" {
            header.replace("続柄名称", "続柄名称,異動区分")
        } else {
            header.to_owned()
        };
        let before = receiver.taken().len();
        let token = program.new_token(&[]).await;
        let request = program
            .request(Method::POST, &format!("/api/v1/roster-imports?{query}"))
            .bearer_auth(token)
            .header("content-type", "application/octet-stream")
            .body(format!("{header}{rows}"));
        let sent = program.send(request).await;
        assert_eq!(sent.status, 202, "{}", sent.text);
        app.work().await;
        let taken = receiver.taken();
        let told = taken.get(before..).unwrap();
        assert_eq!(told.len(), 1, "{query} {state}: {told:?}");
        let body = told[0].json();
        assert_eq!(body["data"]["subject"]["id"], sent.json()["id"]);
        let path = body["data"]["link"]
            .as_str()
            .unwrap()
            .strip_prefix("/api/v1")
            .unwrap()
            .to_owned();
        let read = program.api(Method::GET, &path, None).await.json();
        assert_eq!(read["state"], state, "{read}");
        assert_eq!(read["percent"], 100, "{read}");
        assert_eq!(read["rows"].as_u64().unwrap() > 0, state != "refused", "{read}");
        app.later(1);
    }
}

/// Events of one kind about a person, which are sent.
async fn happen<const N: usize>(app: &TestApp, kind: &'static str, person: &str, payloads: [Value; N]) {
    let mut tx = app.write(app.tenant()).await;
    for payload in payloads {
        let subject = uuid::Uuid::parse_str(person).unwrap();
        jobs::publish(&mut tx, app.clock().now(), jobs::Event { kind, subject, payload });
    }
    tx.commit().await.unwrap();
    app.work().await;
}

#[tokio::test]
async fn whose_rows_others_see_is_told_with_the_kind_of_rows_that_its_link_asks_for() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(204)).await;
    Hook::of(&app, &receiver, &["disclosure.changed"]).await;
    let person = id_of(&app, &app.person).await;
    let payloads = [json!({"kind": "medicines"}), json!({})];
    happen(&app, "disclosure.changed", &person, payloads).await;
    let told: Vec<_> = receiver.taken().iter().map(super::receiver::Message::json).collect();
    assert_eq!(told.len(), 2);
    let link = format!("/api/v1/members/{person}/disclosures/medicines");
    assert_eq!(
        (&told[0]["data"]["kind"], &told[0]["data"]["link"]),
        (&json!("medicines"), &json!(link))
    );
    // Of before it was told.
    assert_eq!((told[1]["data"].get("kind"), told[1]["data"].get("link")), (None, None));
}

#[tokio::test]
async fn to_which_document_somebody_agreed_is_told_with_the_link_that_asks_for_it() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(204)).await;
    let program = app.program(&[WEBHOOKS_MANAGE, CONSENTS_READ]).await;
    Hook::with(&program, &receiver.url(), &["consent.given"]).await;
    let person = id_of(&app, &app.person).await;
    let payloads = [
        json!({"document": "service", "revision": 2}),
        json!({"document": "points", "revision": 1}),
        json!({}),
    ];
    happen(&app, "consent.given", &person, payloads).await;
    let told: Vec<_> = receiver.taken().iter().map(super::receiver::Message::json).collect();
    let data = |document: Option<&str>, sequence: i64| {
        let mut data = json!({
            "insurer": app.insurer.code.as_str(),
            "subject": { "kind": "member", "id": person },
            "sequence": sequence,
        });
        if let Some(document) = document {
            data["document"] = document.into();
            data["link"] = format!("/api/v1/consents/{document}").into();
        }
        data
    };
    let told: Vec<_> = told.iter().map(|body| body["data"].clone()).collect();
    assert_eq!(told, [data(Some("service"), 1), data(Some("points"), 2), data(None, 3)]);
    // The scope by which it is told reads it.
    assert_eq!(program.api(Method::GET, "/consents/service", None).await.status, 200);
}

#[test]
fn every_kind_is_called_something_documented_and_leads_to_an_operation_that_its_scope_opens() {
    let modules = madoguchi::modules::without_database();
    let table = madoguchi::modules::operations(&modules);
    let document = table.document().to_string();
    for name in EVENTS {
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
    for kind in modules.iter().flat_map(|module| module.events) {
        assert!(EVENTS.contains(&kind.name), "{}", kind.name);
        let link = kind.link;
        let row = table.rows().find(|row| row.path == link && row.method == Method::GET);
        let row = row.unwrap_or_else(|| panic!("{link}"));
        assert_eq!(row.rights, edge::Rights::Client(kind.scope), "{link}");
    }
}

#[tokio::test]
async fn only_whoever_holds_the_scope_that_reads_a_subject_is_told_also_when_it_was_taken_away_meanwhile() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let program = app.program(&[WEBHOOKS_MANAGE, COVERAGE_READ]).await;
    let hook = Hook::with(
        &program,
        &receiver.url(),
        &["member.coverage_lost", "member.registered"],
    )
    .await;
    let [lost, registered, later] = ids();
    happens(&app, "member.registered", &[registered]).await;
    happens(&app, "member.coverage_lost", &[lost]).await;
    app.work().await;
    let subjects: Vec<String> = receiver.taken().iter().map(super::receiver::Message::subject).collect();
    assert_eq!(subjects, [lost.to_string()]);
    // What waits for a try is asked about once more.
    receiver.then(Answer::Status(500));
    happens(&app, "member.coverage_lost", &[later]).await;
    app.work().await;
    assert_eq!(receiver.taken().len(), 2);
    let id = program.name.client_id;
    let changed = app
        .clients
        .change(
            app.tenant(),
            id,
            &conditions(&[WEBHOOKS_MANAGE, REGISTRATIONS_READ]),
            by_command(),
        )
        .await;
    assert!(changed.is_ok());
    app.later(3600);
    app.work().await;
    assert_eq!(receiver.taken().len(), 2);
    let deliveries = hook.deliveries().await;
    let last = deliveries
        .iter()
        .find(|one| one["subject"] == later.to_string().as_str())
        .unwrap();
    assert_eq!(
        (&last["state"], &last["reason"]),
        (&json!("given_up"), &json!("withheld"))
    );
}

// security.md 74
#[tokio::test]
async fn of_protected_people_nothing_is_told_but_to_whom_they_exist_also_where_they_are_protected_meanwhile() {
    let app = app().await;
    let people = [TestPerson::new(105), TestPerson::new(106)];
    app.insurer.import(&people).await;
    let (seeing, blind) = (
        Receiver::start(Answer::Status(200)).await,
        Receiver::start(Answer::Status(200)).await,
    );
    let of_seeing = Hook::with(&app.program(&SCOPES).await, &seeing.url(), &EVENTS).await;
    let of_blind = Hook::of(&app, &blind, &EVENTS).await;
    let [taro, shoko] = [id_of(&app, &people[0]).await, id_of(&app, &people[1]).await];
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &taro).await;
    let uuid = |id: &str| uuid::Uuid::parse_str(id).unwrap();
    happens(&app, "member.coverage_lost", &[uuid(&taro), uuid(&shoko)]).await;
    app.work().await;
    let subjects = |receiver: &Receiver| -> Vec<String> {
        let taken = receiver.taken();
        let lost = taken.iter().filter(|message| message.kind() == "member.coverage_lost");
        lost.map(super::receiver::Message::subject).collect()
    };
    let both: BTreeSet<String> = subjects(&seeing).into_iter().collect();
    assert_eq!(both, BTreeSet::from([taro.clone(), shoko.clone()]));
    assert_eq!(subjects(&blind), [shoko.as_str()]);
    // Protected between two tries.
    blind.then(Answer::Status(500));
    happens(&app, "member.returned", &[uuid(&shoko)]).await;
    app.work().await;
    let tried = blind.taken().len();
    protect(&clerk, &shoko).await;
    app.later(3600);
    app.work().await;
    assert_eq!(blind.taken().len(), tried);
    // Nor is there anything in its list, nor anything to be sent again.
    let listed = |deliveries: Vec<serde_json::Value>| deliveries.iter().any(|one| one["subject"] == shoko.as_str());
    assert!(!listed(of_blind.deliveries().await));
    assert!(listed(of_seeing.deliveries().await));
    let event = format!("SELECT max(event_id::text) AS line FROM events WHERE subject = '{shoko}'");
    let replay = format!("/deliveries/{}/replay", app.insurer.lines(&event).await[0]);
    assert_eq!(of_blind.act(Method::POST, &replay, None).await.status, 404);
    assert_eq!(of_seeing.act(Method::POST, &replay, None).await.status, 200);
    // Nor does the count of a time tell that they are there.
    let now = app.clock().now();
    let range = json!({ "from": now - chrono::TimeDelta::days(1), "until": now, "delivered": true });
    let again = async |hook: &Hook| {
        let replayed = hook.act(Method::POST, "/replay", Some(range.clone())).await;
        replayed.json()["deliveries"].as_u64().unwrap()
    };
    let of = async |hook: &Hook, which: &str| {
        let rows = format!("webhook_id = '{}' AND state <> 'waiting' AND {which}", hook.id);
        u64::try_from(app.insurer.count("webhook_deliveries", &rows).await).unwrap()
    };
    let hidden = format!("person_id IN ('{taro}', '{shoko}')");
    assert!(of(&of_blind, &hidden).await > 0);
    let shown = of(&of_blind, &format!("(person_id IS NULL OR NOT {hidden})")).await;
    assert_eq!(again(&of_blind).await, shown);
    assert!(of(&of_blind, &hidden).await > 0, "they stay as they are");
    let all = of(&of_seeing, "true").await;
    assert_eq!(again(&of_seeing).await, all);
}

#[tokio::test]
async fn notices_to_one_person_and_what_happened_before_are_told_to_nobody() {
    let app = app().await;
    let receiver = Receiver::start(Answer::Status(200)).await;
    let first = app.program(&[WEBHOOKS_MANAGE, NOTICES_READ]).await;
    Hook::with(&first, &receiver.url(), &["notice.published"]).await;
    let person = kernel::PersonId::parse(&id_of(&app, &app.person).await).unwrap();
    let publish = async |to: To| {
        let draft = Draft {
            title: "お知らせ".into(),
            body: "本文".into(),
            published_at: app.clock().now(),
            ended_at: None,
            mail: false,
        };
        let mut tx = app.write(app.tenant()).await;
        let (origin, actor) = (audit::Origin::command(), audit::Actor::System);
        let id = app
            .notices()
            .publish(&mut tx, &origin, actor, to, &draft)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id.to_string()
    };
    publish(To::Person(person)).await;
    let shown = publish(To::All).await;
    // Its endpoint is younger than both, though nobody has looked at them yet.
    let late = Receiver::start(Answer::Status(200)).await;
    let second = app.program(&[WEBHOOKS_MANAGE, NOTICES_READ]).await;
    Hook::with(&second, &late.url(), &["notice.published"]).await;
    app.work().await;
    let subjects: Vec<String> = receiver.taken().iter().map(super::receiver::Message::subject).collect();
    assert_eq!(subjects, [shown]);
    assert!(late.taken().is_empty());
}

#[tokio::test]
async fn an_insurer_without_an_endpoint_has_nothing_to_follow_and_one_with_leaves_nothing_in_the_queue() {
    let app = app().await;
    happens(&app, "member.coverage_lost", &ids::<3>()).await;
    let due = format!(
        "SELECT queue AS line FROM due WHERE queue IN ('events', 'webhook') AND tenant_id = {}",
        app.tenant()
    );
    assert!(app.insurer.lines(&due).await.is_empty());
    let receiver = Receiver::start(Answer::Status(200)).await;
    Hook::of(&app, &receiver, &EVENTS).await;
    // More than one batch.
    happens(&app, "member.coverage_lost", &ids::<450>()).await;
    app.work().await;
    assert_eq!(receiver.taken().len(), 450);
    assert!(app.insurer.lines(&due).await.is_empty());
}
