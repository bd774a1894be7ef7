//! A person whom the roster has forgotten is nobody, whatever of theirs is still about.

use crate::portal::says;
use kernel::calendar;
use testkit::{PASSWORD, TestApp, TestPerson, account, sql, unique};

/// As the hourly sweep does.
async fn forget(app: &TestApp) {
    let now = app.clock().now();
    let mut tx = app.write(app.tenant()).await;
    let people = roster::forget::empty(&mut tx, now, calendar::today_in_japan(now), 10)
        .await
        .unwrap();
    assert_eq!(people.len(), 2);
    accounts::forget::empty(&mut tx, now, &people).await.unwrap();
    tx.commit().await.unwrap();
}

/// The link that was mailed to somebody.
async fn link(app: &TestApp, email: &str) -> String {
    let mails = app.mails_to(email).await;
    let text = &mails.iter().find(|mail| mail.text.contains("token=")).unwrap().text;
    let token = text.split("token=").nth(1).unwrap();
    token.split_whitespace().next().unwrap().to_owned()
}

// security.md 58
#[tokio::test]
async fn a_forgotten_person_is_nobody_to_every_use_case_and_an_outage_to_none() {
    let app = TestApp::start().await;
    let (inside, who) = app.member().await;
    let other = TestPerson {
        birth_date: "1990-02-03".into(),
        ..TestPerson::new(106)
    };
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    let (asking, user_id) = (app.client(), [("user_id", &*who.user_id)]);
    let asked = app.with_platform_work(asking.post("/portal/password", &user_id)).await;
    assert_eq!(asked.status, 303);
    let token = link(&app, &who.email).await;
    let (identified, waiting) = (app.client(), app.client());
    let (id, email) = (unique("late"), format!("{}@example.jp", unique("late")));
    for client in [&identified, &waiting] {
        let answer = client.send_form("/portal/signup", &app.identity(&other)).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }
    let form = account(&id, &email);
    assert_eq!(waiting.send_form("/portal/signup/account", &form).await.status, 303);
    let code = app.code_for(&email).await;

    let lost = [&app.person, &other].map(|person| TestPerson {
        lost_on: "2020-01-01".into(),
        ..person.clone()
    });
    app.insurer.import(&lost).await;
    forget(&app).await;
    // Keys of an earlier version are made anew by an import; there is nothing to make these of.
    sql(app.tenant(), "UPDATE persons SET fold_version = 1").await;
    sql(app.tenant(), "UPDATE roster_heads SET fold_version = 1").await;

    let log_in = [("user_id", who.user_id.as_str()), ("password", PASSWORD)];
    let answer = app.client().post("/portal/", &log_in).await;
    says(&answer, 422, "ユーザーIDまたはパスワードが違います");
    for path in ["/portal/mypage", "/portal/account", "/portal/notices"] {
        let status = inside.get(path).await.status;
        assert!(status == 303 || status == 403, "{path}: {status}");
    }
    let change = [("current_password", PASSWORD), ("password", "Asagao3rin#")];
    let status = inside.post("/portal/account/password", &change).await.status;
    assert!(status == 303 || status == 403, "{status}");
    let reset = [("token", token.as_str()), ("password", "Asagao3rin#")];
    let answer = app.client().post("/portal/password/reset", &reset).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    for person in [&app.person, &other] {
        let answer = app.client().send_form("/portal/signup", &app.identity(person)).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        let answer = app.client().send_form("/portal/user-id", &app.identity(person)).await;
        assert_eq!(answer.location(), "/portal/user-id?sent=1");
    }
    let answer = identified.send_form("/portal/signup/account", &form).await;
    assert_eq!(answer.location(), "/portal/signup", "{}", answer.text);
    let answer = waiting.post("/portal/signup/code", &[("code", &*code)]).await;
    assert!(answer.status.as_u16() < 500, "{}", answer.text);
    let asked = app.with_platform_work(asking.post("/portal/password", &user_id)).await;
    assert_eq!(asked.status, 303);
    app.work().await;
    assert_eq!(app.insurer.count("jobs", "true").await, 0, "no work is left over");

    // Whoever comes back is somebody new.
    app.insurer.import(std::slice::from_ref(&other)).await;
    assert_eq!(
        app.insurer
            .count("persons", "emptied_at IS NOT NULL AND number = ''")
            .await,
        2
    );
    assert_eq!(app.insurer.count("persons", "true").await, 3);
}
