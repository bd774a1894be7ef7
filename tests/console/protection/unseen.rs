//! What the other side sees, byte by byte, of a protected person: nothing.

use super::{PROTECTIONS, app, family, person, protect};
use access::{Reach, Role};
use accounts::protection::By;
use audit::{Actor, Origin};
use database::TenantTransaction;
use kernel::PersonId;
use std::time::Duration;
use testkit::{Client, SignedUp, TestApp, TestClerk};

/// Whoever looks after the family's workplace.
async fn own(app: &TestApp) -> TestClerk {
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    app.clerk_reaching(&[Role::Workplace], &reach).await
}

/// Everything of the other side: what the family sees and gets, and what staff without the permission see.
async fn seen(app: &TestApp, family: (&Client, &SignedUp), viewer: &TestClerk, own: &TestClerk) -> Vec<String> {
    let (member, who) = family;
    let mut seen = Vec::new();
    // What the last look logged in.
    member.press("/portal/account/sessions/end-others").await;
    for path in [
        "/portal/mypage",
        "/portal/account",
        "/portal/notices",
        "/portal/account/terms",
    ] {
        seen.push(member.get(path).await.normalized());
    }
    let token = app
        .client()
        .call(
            reqwest::Method::POST,
            "/sessions",
            None,
            Some(serde_json::json!({"user_id": who.user_id, "password": testkit::PASSWORD})),
        )
        .await;
    let token = token.json()["token"].as_str().map(str::to_owned);
    if let Some(token) = token {
        let answer = app
            .client()
            .call(reqwest::Method::GET, "/me/dashboard", Some(&token), None)
            .await;
        seen.push(answer.normalized());
    }
    seen.push(format!(
        "{:?}",
        app.mails_to(&who.email)
            .await
            .iter()
            .map(|mail| &mail.text)
            .collect::<Vec<_>>()
    ));
    for path in ["/console/workplaces", "/console/letters"] {
        seen.push(viewer.get(path).await.normalized());
    }
    let home = viewer.get("/console/").await;
    // The last import had other rows, of whomever.
    seen.extend(
        home.normalized()
            .split("<section class=\"panel\"")
            .filter(|panel| !panel.contains("id=\"import\""))
            .map(str::to_owned),
    );
    for path in ["/console/", "/console/workplaces/own/people?code=&symbol=100"] {
        seen.push(own.get(path).await.normalized());
    }
    seen
}

// security.md 74
#[tokio::test]
async fn no_byte_of_the_other_side_differs_from_those_of_a_family_without_the_protected_person() {
    let app = app().await;
    let family = family();
    app.insurer.import(&family[..1]).await;
    let who = app.sign_up_as(&family[0]).await;
    let member = app.inside(&who).await;
    let own = own(&app).await;
    let viewer = app.clerk(&[Role::Viewer, Role::CallCentre]).await;
    // From the second look on there is a log-in before.
    seen(&app, (&member, &who), &viewer, &own).await;
    let alone = seen(&app, (&member, &who), &viewer, &own).await;
    // She joins the household, signs up, and is protected.
    app.insurer.import(&family[..2]).await;
    let hers = app.sign_up_as(&family[1]).await;
    let joined = seen(&app, (&member, &who), &viewer, &own).await;
    assert_ne!(joined, alone, "who is not protected is seen");
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &[&person(&app, "ケンポショウコ").await], "").await;
    let protected = seen(&app, (&member, &who), &viewer, &own).await;
    for (now, before) in protected.iter().zip(&alone) {
        assert_eq!(now, before);
    }
    assert_eq!(protected.len(), alone.len());
    assert!(protected.iter().all(|page| !page.contains(&hers.email)));
    // Days later, when her day is counted, and when it had been counted before.
    app.later(2 * 24 * 3600);
    assert_eq!(first_day(&app).await, ["1"]);
    let clerk = app.in_another_browser(&clerk).await;
    lift(&clerk).await;
    assert_eq!(first_day(&app).await, ["2"]);
    protect(&clerk, &[&person(&app, "ケンポショウコ").await], "").await;
    assert_eq!(first_day(&app).await, ["1"]);
}

/// Lifts the last protection.
async fn lift(clerk: &TestClerk) {
    let list = clerk.get(PROTECTIONS).await;
    let path = list.text.split(&format!("href=\"{PROTECTIONS}/")).nth(1).unwrap();
    let path = format!("{PROTECTIONS}/{}", path.split('"').next().unwrap());
    assert_eq!(clerk.post(&path, &[("reason", "本人の申し出")]).await.status, 303);
}

/// The registrations of the first day, once it is over.
async fn first_day(app: &TestApp) -> Vec<String> {
    let now = app.clock().now();
    let mut tx = app.write(app.tenant()).await;
    accounts::tallies::keep(&mut tx, now).await.unwrap();
    tx.commit().await.unwrap();
    let lines = "SELECT registrations::text AS line FROM registration_days ORDER BY day LIMIT 1";
    app.insurer.lines(lines).await
}

async fn close_own(app: &TestApp, who: &SignedUp) {
    let close = [("current_password", testkit::PASSWORD)];
    let closed = app.inside(who).await.post("/portal/account/close", &close).await;
    assert_eq!(closed.status, 303, "{}", closed.text);
}

// security.md 74
#[tokio::test]
async fn an_account_that_a_protected_person_has_closed_is_in_no_count_either() {
    let app = app().await;
    let family = family();
    app.insurer.import(&family[..2]).await;
    let who = app.sign_up_as(&family[0]).await;
    let member = app.inside(&who).await;
    let own = own(&app).await;
    let viewer = app.clerk(&[Role::Viewer, Role::CallCentre]).await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let mother = person(&app, "ケンポショウコ").await;
    protect(&clerk, &[&mother], "").await;
    let notice = publish(&clerk).await;
    assert_eq!(member.get(&format!("/portal/notices/{notice}")).await.status, 200);
    let all = async || {
        let mut all = seen(&app, (&member, &who), &viewer, &own).await;
        for path in ["/console/notices", &format!("/console/notices/{notice}")] {
            all.push(viewer.get(path).await.normalized());
        }
        all
    };
    all().await;
    let alone = all().await;
    // She comes back for an account, reads, closes it, and is protected once more.
    lift(&clerk).await;
    let hers = app.sign_up_as(&family[1]).await;
    let inside = app.inside(&hers).await;
    assert_eq!(inside.get(&format!("/portal/notices/{notice}")).await.status, 200);
    assert_ne!(all().await, alone, "who is not protected is counted");
    close_own(&app, &hers).await;
    protect(&clerk, &[&mother], "").await;
    // What was mailed to her did not arrive, either.
    let lost =
        format!("UPDATE mails SET state = 'undeliverable', finished_at = created_at WHERE subject_id = '{mother}'");
    testkit::sql(app.tenant(), &lost).await;
    for (now, before) in all().await.iter().zip(&alone) {
        assert_eq!(now, before);
    }
    // When her day is counted, and when it had been counted before.
    app.later(2 * 24 * 3600);
    assert_eq!(first_day(&app).await, ["1"]);
    let clerk = app.in_another_browser(&clerk).await;
    lift(&clerk).await;
    assert_eq!(first_day(&app).await, ["2"]);
    protect(&clerk, &[&mother], "").await;
    assert_eq!(first_day(&app).await, ["1"]);
}

#[tokio::test]
async fn of_a_day_with_several_registrations_of_one_person_protection_takes_all() {
    let app = app().await;
    let family = family();
    app.insurer.import(&family).await;
    for _ in 0..2 {
        let hers = app.sign_up_as(&family[1]).await;
        close_own(&app, &hers).await;
        app.later(600);
    }
    app.sign_up_as(&family[1]).await;
    app.sign_up_as(&family[0]).await;
    app.later(24 * 3600);
    assert_eq!(first_day(&app).await, ["4"]);
    let clerk = app.clerk(&[Role::Eligibility]).await;
    protect(&clerk, &[&person(&app, "ケンポショウコ").await], "").await;
    assert_eq!(first_day(&app).await, ["1"]);
    lift(&clerk).await;
    assert_eq!(first_day(&app).await, ["4"]);
}

/// A notice to everybody, by its id.
async fn publish(clerk: &TestClerk) -> String {
    let draft = [("title", "お知らせ"), ("body", "本文"), ("aim", "everybody")];
    let draft = clerk.post("/console/notices/new", &draft).await.location().to_owned();
    let sent = clerk.post(&format!("{draft}/publish"), &[("version", "1")]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    draft.rsplit('/').next().unwrap().to_owned()
}

// security.md 74
#[tokio::test]
async fn whoever_is_protected_while_their_day_is_counted_is_not_in_its_number() {
    for is_counted_first in [true, false] {
        let app = app().await;
        let family = family();
        app.insurer.import(&family[..2]).await;
        for member in &family[..2] {
            app.sign_up_as(member).await;
        }
        app.later(2 * 24 * 3600);
        let clerk = app.clerk(&[Role::Eligibility]).await;
        let (her, now) = (person(&app, "ケンポショウコ").await, app.clock().now());
        let mut first = app.write(app.tenant()).await;
        let committed = async |tx: TenantTransaction| {
            tokio::time::sleep(Duration::from_millis(500)).await;
            tx.commit().await.unwrap();
        };
        if is_counted_first {
            accounts::tallies::keep(&mut first, now).await.unwrap();
            let whom = [her.as_str()];
            tokio::join!(protect(&clerk, &whom, ""), committed(first));
        } else {
            let by = By {
                staff: clerk.staff_id,
                actor: Actor::Staff(clerk.staff_id.0),
                origin: &Origin::command(),
            };
            let whom = [PersonId(her.parse().unwrap())];
            let set = accounts::protection::protect(&mut first, app.keys(), now, by, (&whom, None, "申し出"));
            assert_eq!(set.await.unwrap(), 1);
            tokio::join!(first_day(&app), committed(first));
        }
        assert_eq!(first_day(&app).await, ["1"], "counted first: {is_counted_first}");
    }
}
