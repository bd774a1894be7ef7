//! Mails that there is a notice: who gets them, what they say, and the link that ends them.

use crate::portal::{leads, says};
use accounts::{Accounts, Readers, Stream};
use audit::{Actor, Origin};
use chrono::TimeDelta;
use ground::Ground;
use kernel::{Keys, NoticeId, PersonId, TenantSecret};
use madoguchi::config::Config;
use mail::Delivered;
use notices::{Draft, To};
use reqwest::Method;
use roster::Group;
use tenancy::PartFile;
use testkit::{Answer, Client, PASSWORD, SignedUp, TestApp, TestPerson, sql};

const WISHES: &str = "/portal/account/mails";
const TITLE: &str = "健診のお知らせ";

fn draft(app: &TestApp, mail: bool) -> Draft {
    Draft {
        title: TITLE.into(),
        body: "本文".into(),
        published_at: app.clock().now(),
        ended_at: None,
        mail,
    }
}

async fn publish(app: &TestApp, to: To, draft: &Draft) -> NoticeId {
    let mut tx = app.write(app.tenant()).await;
    let notices = app.notices();
    let origin = Origin::command();
    let id = notices.publish(&mut tx, &origin, Actor::Operator, to, draft);
    let id = id.await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// What told somebody of notices.
async fn told(app: &TestApp, who: &SignedUp) -> Vec<Delivered> {
    let mails = app.mails_to(&who.email).await.into_iter();
    mails.filter(|mail| mail.subject.contains("新しいお知らせ")).collect()
}

/// The path of the link that ends these mails.
fn stop(mail: &Delivered) -> String {
    let url = mail.unsubscribe.clone().unwrap();
    url[url.find("/portal/").unwrap()..].to_owned()
}

/// As a mail provider presses for its reader: from no page of ours, in a body of another type.
async fn one_click(client: &Client, path: &str) -> Answer {
    let body = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let request = client
        .request(Method::POST, path)
        .header("Content-Type", "multipart/form-data; boundary=x")
        .body(body);
    client.send(request).await
}

async fn person_id(app: &TestApp, number: &str) -> PersonId {
    let ids = app
        .insurer
        .lines(&format!(
            "SELECT person_id::text AS line FROM persons WHERE number = '{number}'"
        ))
        .await;
    PersonId::parse(&ids[0]).unwrap()
}

#[tokio::test]
async fn members_who_wish_it_are_told_that_there_is_a_notice_and_never_what_it_says() {
    let app = TestApp::start().await;
    let (off, left, lost) = (TestPerson::new(106), TestPerson::new(107), TestPerson::new(108));
    let all = [app.person.clone(), off.clone(), left.clone(), lost.clone()];
    app.insurer.import(&all).await;
    let (_, who) = app.member().await;
    let [off, left, lost] = [
        app.sign_up_as(&off).await,
        app.sign_up_as(&left).await,
        app.sign_up_as(&lost).await,
    ];
    leads(
        &app.inside(&off).await.post(WISHES, &[("wished", "person")]).await,
        WISHES,
    );
    let close = [("current_password", PASSWORD)];
    leads(
        &app.inside(&left).await.post("/portal/account/close", &close).await,
        "/portal/",
    );
    let mut gone = all.clone();
    gone[3].lost_on = "2026-01-01".into();
    app.insurer.import(&gone).await;

    publish(&app, To::All, &draft(&app, false)).await;
    assert!(told(&app, &who).await.is_empty(), "nobody proposed a mail");
    publish(&app, To::All, &draft(&app, true)).await;
    let mails = told(&app, &who).await;
    assert_eq!(mails.len(), 1);
    let name = &app.insurer.insurer.name;
    for part in [&mails[0].text, &mails[0].html] {
        assert!(
            part.contains(name.as_str()) && part.contains("/portal/notices"),
            "{part}"
        );
        assert!(!part.contains(TITLE) && !part.contains("本文"), "{part}");
    }
    assert!(!mails[0].subject.contains(TITLE));
    for nobody in [&off, &left, &lost] {
        assert!(told(&app, nobody).await.is_empty(), "{nobody:?}");
    }
    // To one person: their wish of another stream, and nobody else's mail.
    publish(&app, To::Person(person_id(&app, "106").await), &draft(&app, true)).await;
    assert_eq!((told(&app, &off).await.len(), told(&app, &who).await.len()), (1, 1));
    // Mails of safety end by no click.
    for mail in app.mailbox.mails() {
        let of_notices = mail.subject.contains("新しいお知らせ");
        assert_eq!(mail.unsubscribe.is_some(), of_notices, "{}", mail.subject);
    }
}

// security.md 43
#[tokio::test]
async fn the_link_ends_its_stream_by_one_click_from_anywhere_and_looking_ends_nothing() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    // Told of one after the other: what is due at the same instant is done in no order.
    publish(&app, To::All, &draft(&app, true)).await;
    let path = stop(&told(&app, &who).await[0]);
    publish(&app, To::Person(person_id(&app, "105").await), &draft(&app, true)).await;
    let personal = stop(&told(&app, &who).await[0]);
    assert_ne!(personal, path);
    let stranger = app.client();
    let off = "off_at IS NOT NULL";
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(stranger.send(stranger.request(method, &path)).await.status, 200);
    }
    says(&stranger.get(&path).await, 200, "配信を止める");
    assert_eq!(app.insurer.count("mail_wishes", off).await, 0);
    let stopped = one_click(&stranger, &path).await;
    says(&stopped, 200, "「組合からのお知らせ」のメールの配信を止めました");
    assert!(!stopped.text.contains(&who.email) && !stopped.text.contains(&who.user_id));
    assert_eq!(app.insurer.count("mail_wishes", off).await, 1);
    // Twice is as once, and it stands in the trail once.
    says(&one_click(&stranger, &path).await, 200, "止めました");
    let trail = "action = 'mails.stop' AND actor_kind = 'visitor'";
    assert_eq!(app.insurer.count("audit_events", trail).await, 1);
    publish(&app, To::All, &draft(&app, true)).await;
    publish(&app, To::Person(person_id(&app, "105").await), &draft(&app, true)).await;
    assert_eq!(told(&app, &who).await.len(), 3, "the other stream goes on");
    // Whoever turns it on again has the same link.
    says(&client.get(WISHES).await, 200, "value=\"person\" checked");
    assert!(!client.get(WISHES).await.text.contains("value=\"insurer\" checked"));
    leads(
        &client
            .post(WISHES, &[("wished", "insurer"), ("wished", "person")])
            .await,
        WISHES,
    );
    publish(&app, To::All, &draft(&app, true)).await;
    assert_eq!(stop(&told(&app, &who).await[0]), path);
    // Pressed by its reader on the page itself.
    says(&stranger.press(&path).await, 200, "止めました");
    // And after the account is closed it is no dead end.
    let close = [("current_password", PASSWORD)];
    leads(&client.post("/portal/account/close", &close).await, "/portal/");
    says(&one_click(&stranger, &personal).await, 200, "止めました");
}

#[tokio::test]
async fn the_links_token_opens_nothing_else_and_no_other_opens_it() {
    let app = TestApp::start().await;
    let other = TestApp::start().await;
    let (_, who) = app.member().await;
    publish(&app, To::All, &draft(&app, true)).await;
    let path = stop(&told(&app, &who).await[0]);
    let token = path.split("token=").nth(1).unwrap().to_owned();
    let client = app.client();
    for cookie in ["__Host-session", "__Host-ticket", "__Host-remembered"] {
        client.set_cookie(cookie, &token);
    }
    assert_eq!(client.get("/portal/mypage").await.status, 303);
    assert_eq!(client.get("/portal/signup/account").await.location(), "/portal/signup");
    assert_eq!(
        client
            .get(&format!("/portal/password/reset?token={token}"))
            .await
            .status,
        409
    );
    let (tenant, secret) = token.split_once('.').unwrap();
    let session = app.inside(&who).await.cookie("__Host-session").unwrap();
    let forged = [
        String::new(),
        "x".into(),
        format!("{tenant}.{}", "A".repeat(43)),
        format!("{}.{secret}", other.tenant()),
        format!("2000000000.{secret}"),
        session,
    ];
    for token in forged {
        let path = format!("/portal/mails/stop?token={token}");
        assert_eq!(client.get(&path).await.status, 404, "{token}");
        assert_eq!(one_click(&client, &path).await.status, 404, "{token}");
    }
    assert_eq!(one_click(&client, "/portal/mails/stop").await.status, 404);
    assert_eq!(app.insurer.count("mail_wishes", "off_at IS NOT NULL").await, 0);
}

#[tokio::test]
async fn the_link_outlives_the_keys_of_its_day() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    publish(&app, To::All, &draft(&app, true)).await;
    let path = stop(&told(&app, &who).await[0]);
    let link = TenantSecret::parse(path.split("token=").nth(1).unwrap()).unwrap();
    let ground = Ground {
        keys: Keys::new("new", [("new".to_owned(), [9; 32])]).unwrap(),
        ..app.ground.clone()
    };
    let accounts = Accounts::new(
        &ground,
        Config::defaults().unwrap().limits,
        "http://localhost".parse().unwrap(),
    );
    let stopped = accounts.stop_mails(&Origin::command(), &link).await.unwrap();
    assert_eq!(stopped.unwrap().stream, Stream::Insurer);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_twice_after_a_crash_by_two_workers_or_by_a_second_look() {
    let app = TestApp::start().await;
    let second = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), second.clone()]).await;
    let (one, two) = (app.sign_up().await, app.sign_up_as(&second).await);
    let id = publish(&app, To::All, &draft(&app, true)).await;
    // Killed before its end, a worker leaves nothing.
    let mut tx = app.write(app.tenant()).await;
    let everybody = Group::default();
    let to = &Readers::Group(&everybody);
    let last = app
        .accounts
        .announce(&mut tx, &app.insurer.insurer, to, None)
        .await
        .unwrap();
    assert!(last.is_some());
    drop(tx);
    let node = app.beside(|_| ()).await;
    let (here, there) = tokio::join!(
        app.worker.run_once_for(app.tenant()),
        node.worker.run_once_for(app.tenant())
    );
    here.unwrap();
    there.unwrap();
    node.work().await;
    let tenant = app.tenant();
    let count = async |who: &SignedUp| {
        told(&app, who).await.len()
            + node
                .mailbox
                .mails_to(&who.email)
                .iter()
                .filter(|mail| mail.unsubscribe.is_some())
                .count()
    };
    assert_eq!((count(&one).await, count(&two).await), (1, 1));
    // A lease that was given up after the last batch: the place in the notice says who was told.
    let again = format!(
        "INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn)
         SELECT {tenant}, 'notice_mail', '{id}', '2026-01-01', '2026-01-01', 2, '2026-01-01'"
    );
    sql(app.tenant(), &again).await;
    assert_eq!((count(&one).await, count(&two).await), (1, 1));
}

#[tokio::test]
async fn a_batch_costs_as_many_statements_whoever_is_in_it() {
    let app = TestApp::counting().await;
    app.member().await;
    sql(
        app.tenant(),
        "INSERT INTO persons SELECT (jsonb_populate_record(p, jsonb_build_object(
             'person_id', gen_random_uuid(), 'number', n::text, 'number_key', n::text))).*
         FROM persons p, generate_series(10001, 10600) n WHERE p.number = '105';
         INSERT INTO accounts (tenant_id, account_id, person_id, user_id, password, password_changed_at, email,
             email_proven_at, registered_at)
         SELECT p.tenant_id, gen_random_uuid(), p.person_id, 'bulk-' || p.number, a.password, a.registered_at,
             'bulk-' || p.number || '@example.jp', a.registered_at, a.registered_at
         FROM persons p, accounts a WHERE p.number <> '105' AND a.tenant_id = p.tenant_id",
    )
    .await;
    let everybody = Group::default();
    let to = &Readers::Group(&everybody);
    let (insurer, database) = (&app.insurer.insurer, &app.ground.database);
    let mut tx = app.write(app.tenant()).await;
    let (mut after, mut costs) = (None, Vec::new());
    loop {
        let before = database.statements();
        let last = app.accounts.announce(&mut tx, insurer, to, after).await.unwrap();
        if last.is_none() {
            break;
        }
        costs.push(database.statements() - before);
        after = last;
    }
    assert_eq!(costs.len(), 2);
    assert_eq!(costs[0], costs[1], "500 and 101 members");
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_notice_is_told_of_when_it_is_shown_and_not_once_it_has_ended() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let later = Draft {
        published_at: app.clock().now() + TimeDelta::hours(2),
        ..draft(&app, true)
    };
    publish(&app, To::All, &later).await;
    let ended = Draft {
        ended_at: Some(app.clock().now() + TimeDelta::hours(3)),
        ..later.clone()
    };
    let id = publish(&app, To::All, &ended).await;
    assert!(told(&app, &who).await.is_empty());
    sql(
        app.tenant(),
        &format!("UPDATE notices SET ended_at = published_at WHERE notice_id = '{id}'"),
    )
    .await;
    app.later(2 * 3600);
    assert_eq!(told(&app, &who).await.len(), 1);
    app.later(24 * 3600);
    assert_eq!(told(&app, &who).await.len(), 1);
}

#[tokio::test]
async fn a_notice_of_the_folder_is_told_of_once_however_often_it_is_changed() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let day = kernel::calendar::today_in_japan(app.clock().now()).to_string();
    let apply = async |title: &str, mail: bool| {
        let flags: &[&str] = if mail { &["mail"] } else { &[] };
        let file = PartFile::flagged("a", &[("title", title), ("published_on", &day)], flags, "本文");
        let mut tx = app.write(app.tenant()).await;
        (notices::folder().apply)(&mut tx, app.clock().now(), &[file])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        told(&app, &who).await.len()
    };
    assert_eq!(apply("壱", false).await, 0);
    assert_eq!(apply("壱", true).await, 1);
    assert_eq!(apply("弐", true).await, 1);
    assert_eq!(apply("弐", false).await, 1);
    assert_eq!(apply("弐", true).await, 1);
}

#[tokio::test]
async fn a_wish_is_on_unless_turned_off_and_protection_turns_it_off() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let checked = async || client.get(WISHES).await.text.matches(" checked").count();
    assert_eq!(checked().await, 3);
    leads(&client.post(WISHES, &[("wished", "rubbish")]).await, WISHES);
    assert_eq!(checked().await, 0);
    leads(
        &client
            .post(
                WISHES,
                &[("wished", "insurer"), ("wished", "person"), ("wished", "statements")],
            )
            .await,
        WISHES,
    );
    assert_eq!(checked().await, 3);
    assert_eq!(app.insurer.count("audit_events", "action = 'mails.wish'").await, 2);
    let mut tx = app.write(app.tenant()).await;
    let person = person_id(&app, "105").await;
    accounts::turn_mails_off(&mut tx, app.clock().now(), person)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(checked().await, 0);
    publish(&app, To::All, &draft(&app, true)).await;
    assert!(told(&app, &who).await.is_empty());
}
