//! Making clients, what is said of them to those behind them, and what is swept.

use super::{asks, refused};
use access::scope::INSURER_READ;
use chrono::Days;
use clients::{Conditions, Naming, NewClient, reasons};
use kernel::{Outcome, TenantId, calendar, outcome::NOT_FOUND};
use madoguchi::retention::sweep_insurer;
use std::time::Duration;
use testkit::{TestApp, by_command, conditions};
use tokio::{sync::watch, time::timeout};

#[tokio::test]
async fn what_is_wrong_with_a_new_client_is_told_at_once_and_nothing_is_made() {
    let app = TestApp::start().await;
    let wrong = NewClient {
        name: " ".into(),
        contact: "nobody".into(),
        conditions: Conditions {
            scopes: vec!["members.all".into()],
            networks: vec!["here".into()],
            expires_on: Some("2020-01-01".parse().unwrap()),
        },
    };
    let made = app.clients.create(app.tenant(), &wrong, by_command()).await.unwrap();
    let Outcome::Refused(refusal) = made else { panic!() };
    let fields: Vec<_> = refusal
        .fields
        .iter()
        .map(|error| error.field.name.to_string())
        .collect();
    assert_eq!(fields, ["name", "contact", "scopes", "networks", "expires_on"]);
    assert_eq!(app.insurer.count("clients", "true").await, 0);
    // A vendor's has no scopes of its own.
    let vendors = NewClient {
        name: "事業者の連携先".into(),
        contact: "vendor@example.jp".into(),
        conditions: conditions(&[INSURER_READ]),
    };
    let made = app
        .clients
        .create(TenantId::PLATFORM, &vendors, by_command())
        .await
        .unwrap();
    assert!(made.is_refused(kernel::outcome::FIELDS));
}

#[tokio::test]
async fn a_client_is_listed_with_all_that_is_known_of_it_but_its_secret() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ]).await;
    let tx = app.write(app.tenant()).await;
    let listed = app.clients.list(&tx).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].client, listed[0].is_vendors()), (program.name, false));
    let shown = app.clients.one(&tx, program.name.client_id).await.unwrap().unwrap();
    assert_eq!(shown.grant, listed[0]);
    assert!(shown.contact.unwrap().ends_with("@example.jp"));
    assert_eq!(shown.secrets.len(), 1);
    assert!(shown.used.is_empty());
    let clear = app
        .insurer
        .count("clients", "position('@example.jp'::bytea in contact) > 0")
        .await;
    assert_eq!(clear, 0, "its contact is sealed");
}

#[tokio::test]
async fn whoever_is_behind_a_client_is_told_thirty_days_before_its_last_day_and_once() {
    let app = TestApp::start().await;
    let today = calendar::today_in_japan(app.clock().now());
    let last = today.checked_add_days(Days::new(31)).unwrap();
    let ends = Conditions {
        expires_on: Some(last),
        ..conditions(&[INSURER_READ])
    };
    let program = app.client_at(app.tenant(), ends.clone()).await;
    let tx = app.write(app.tenant()).await;
    let shown = app.clients.one(&tx, program.name.client_id).await.unwrap().unwrap();
    drop(tx);
    let contact = shown.contact.unwrap();
    let sweep = async || sweep_insurer(&app, app.tenant(), app.clock().now()).await.unwrap();
    sweep().await;
    assert!(app.mails_to(&contact).await.is_empty());
    app.later(24 * 3600);
    for _twice in 0..2 {
        sweep().await;
        let mails = app.mails_to(&contact).await;
        assert_eq!(mails.len(), 1);
        let text = &mails[0].text;
        assert!(
            text.contains(&program.name.to_string()) && text.contains(&shown.grant.name),
            "{text}"
        );
        assert!(text.contains(&calendar::date_with_weekday(last)), "{text}");
    }
    // Another last day is told of anew, once it is near; a client that is suspended is not written about.
    let later = Conditions {
        expires_on: last.checked_add_days(Days::new(10)),
        ..ends
    };
    let changed = app
        .clients
        .change(app.tenant(), program.name.client_id, &later, by_command())
        .await;
    assert!(matches!(changed, Ok(Outcome::Done(()))));
    sweep().await;
    assert_eq!(app.mails_to(&contact).await.len(), 1);
    app.later(10 * 24 * 3600);
    sweep().await;
    assert_eq!(app.mails_to(&contact).await.len(), 2);
}

#[tokio::test]
async fn what_has_served_its_time_is_swept_and_a_second_sweep_finds_nothing() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ]).await;
    asks(&program).await;
    app.clients.write_uses().await.unwrap();
    let rotated = app
        .clients
        .rotate(app.tenant(), program.name.client_id, None, by_command())
        .await;
    assert!(matches!(rotated, Ok(Outcome::Done(_))));
    let sweep = async || sweep_insurer(&app, app.tenant(), app.clock().now()).await.unwrap();
    let rows = async || {
        let insurer = &app.insurer;
        let tokens = insurer.count("client_tokens", "true").await;
        let secrets = insurer.count("client_secrets", "true").await;
        (tokens, secrets, insurer.count("client_days", "true").await)
    };
    sweep().await;
    assert_eq!(rows().await, (1, 2, 1));
    app.later(3600);
    sweep().await;
    assert_eq!(rows().await, (0, 2, 1));
    app.later(23 * 3600);
    sweep().await;
    assert_eq!(rows().await, (0, 1, 1));
    refused(&program.ask(&[]).await, 401, "invalid_client");
    app.later(401 * 24 * 3600);
    sweep().await;
    assert_eq!(rows().await, (0, 1, 0));
    assert_eq!(sweep().await, 0);
}

#[tokio::test]
async fn a_client_is_called_otherwise_and_somebody_else_is_written_to_and_its_token_goes_on() {
    let app = TestApp::start().await;
    let last = calendar::today_in_japan(app.clock().now()).checked_add_days(Days::new(20));
    let ends = Conditions {
        expires_on: last,
        ..conditions(&[INSURER_READ])
    };
    let mut program = app.client_at(app.tenant(), ends).await;
    program.token = program.new_token(&[]).await;
    let id = program.name.client_id;
    let rename = async |name: &str, contact: Option<&str>| {
        let naming = Naming {
            name: Some(name.to_owned()),
            contact: contact.map(str::to_owned),
        };
        app.clients
            .rename(app.tenant(), id, &naming, by_command())
            .await
            .unwrap()
    };
    assert!(matches!(
        rename("　給付システム ", Some("new@example.jp")).await,
        Outcome::Done(())
    ));
    let answer = asks(&program).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["name"].as_str()),
        (200, Some("給付システム"))
    );
    // Without another address it stays as it is.
    assert!(matches!(rename("給付", None).await, Outcome::Done(())));
    let tx = app.write(app.tenant()).await;
    let shown = app.clients.one(&tx, id).await.unwrap().unwrap();
    drop(tx);
    assert_eq!(
        (shown.grant.name.as_str(), shown.contact.as_deref()),
        ("給付", Some("new@example.jp"))
    );
    sweep_insurer(&app, app.tenant(), app.clock().now()).await.unwrap();
    assert!(app.mails_to("new@example.jp").await[0].text.contains("給付"));
    // The trail has both names, and nobody's address.
    let lines = "SELECT detail::text AS line FROM audit_events WHERE action = 'client.rename'";
    let lines = app.insurer.lines(lines).await;
    let says_both = |line: &String| {
        ["\"former\": \"給付システム\"", "\"name\": \"給付\""]
            .iter()
            .all(|said| line.contains(said))
    };
    assert!(lines.iter().any(says_both), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("example.jp")), "{lines:?}");

    let Outcome::Refused(refusal) = rename("a\u{7}b", Some("nobody")).await else {
        panic!()
    };
    assert_eq!(refusal.fields.len(), 2);
    let nobody = kernel::ClientId::new(app.clock().now());
    let unknown = app
        .clients
        .rename(app.tenant(), nobody, &Naming::default(), by_command())
        .await
        .unwrap();
    assert!(unknown.is_refused(NOT_FOUND));
    let revoked = app.clients.revoke(app.tenant(), id, by_command()).await.unwrap();
    assert!(matches!(revoked, Outcome::Done(())));
    assert!(rename("給付", None).await.is_refused(reasons::CLIENT_REVOKED));
}

#[tokio::test]
async fn a_node_that_is_killed_loses_the_calls_of_ten_seconds_at_most() {
    let app = TestApp::start().await;
    let program = app.program(&[INSURER_READ]).await;
    asks(&program).await;
    asks(&program).await;
    let (_stop, told) = watch::channel(false);
    // Cut off without a word, as by a kill.
    assert!(
        timeout(Duration::from_secs(12), app.clients.keep_uses(told))
            .await
            .is_err()
    );
    let counted = async || {
        let tx = app.write(app.tenant()).await;
        let uses = app.clients.uses(&tx, program.name.client_id, 30).await.unwrap();
        uses.iter().map(|day| day.calls).sum::<i32>()
    };
    assert_eq!(counted().await, 2);
    asks(&program).await;
    assert_eq!(counted().await, 2, "it is in memory");
    app.clients.write_uses().await.unwrap();
    app.clients.write_uses().await.unwrap();
    assert_eq!(counted().await, 3, "and written once");
}
