//! How often an identity may be tried, by whom.

use crate::portal::{leads, other_than, says};
use std::time::{Duration, Instant};
use testkit::{Answer, Fields, TestApp, TestPerson};
use tokio::task::JoinSet;

const WAIT: &str = "しばらく受け付けを止めています";

async fn identify(app: &TestApp, fields: &Fields) -> Answer {
    app.client().send_form("/portal/signup", fields).await
}

fn wrong(app: &TestApp) -> Fields {
    app.identity(&app.person).with("kana_name", "チガウ　ナマエ")
}

// security.md 3
#[tokio::test]
async fn five_failures_on_a_number_wait_15_minutes_then_an_hour_whether_it_exists_or_not() {
    let app = TestApp::start().await;
    let mut told = Vec::new();
    for number in ["105", "7007"] {
        let wrong = wrong(&app).with("number", number);
        let mut waits = Vec::new();
        for wait in [15 * 60, 3600, 3600] {
            for _ in 0..5 {
                assert_eq!(identify(&app, &wrong).await.status, 422, "{number}");
            }
            // Not counted and not checked, the right name neither; said plainly, with the time.
            let answer = identify(&app, &app.identity(&app.person).with("number", number)).await;
            says(&answer, 429, WAIT);
            waits.push(answer.text.replace(number, "N"));
            app.later(wait - 1);
            assert_eq!(identify(&app, &wrong).await.status, 429);
            app.later(2);
        }
        app.later(-(15 * 60 + 2 * 3600 + 3));
        told.push(waits);
    }
    for (known, unknown) in told[0].iter().zip(&told[1]) {
        for (known, unknown) in known.lines().zip(unknown.lines()) {
            assert_eq!(known, unknown);
        }
    }
}

// A household shares its number: whoever knows one of its names could else guess at the others for ever.
#[tokio::test]
async fn a_right_identity_is_no_failure_and_clears_none() {
    let app = TestApp::start().await;
    let right = app.identity(&app.person);
    for _ in 0..4 {
        assert_eq!(identify(&app, &wrong(&app)).await.status, 422);
    }
    for _ in 0..3 {
        leads(&identify(&app, &right).await, "/portal/signup/account");
    }
    assert_eq!(identify(&app, &wrong(&app)).await.status, 422);
    says(&identify(&app, &right).await, 429, WAIT);
}

// security.md 1, 8: nobody is timed, for a form filled in by a password manager is fast too; the throttles set the pace.
#[tokio::test]
async fn a_known_identity_begins_only_so_many_sign_ups_a_day() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.identity_tickets = 3).await;
    let right = app.identity(&app.person);
    for _ in 0..3 {
        leads(&identify(&app, &right).await, "/portal/signup/account");
    }
    let answer = identify(&app, &right).await;
    says(&answer, 429, WAIT);
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    leads(&identify(&app, &app.identity(&other)).await, "/portal/signup/account");
    app.later(24 * 3600 + 1);
    leads(&identify(&app, &right).await, "/portal/signup/account");
}

// security.md 1, 26
#[tokio::test]
async fn a_ticket_takes_only_so_many_account_forms() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.account_posts = 3).await;
    let client = app.identified().await;
    let mended = testkit::account(&testkit::unique("user"), "a@example.jp");
    for _ in 0..3 {
        let form = mended.clone().with("email", "abc");
        assert_eq!(client.send_form("/portal/signup/account", &form).await.status, 422);
    }
    let before = app.ground.hasher.hashes();
    says(&client.send_form("/portal/signup/account", &mended).await, 429, WAIT);
    assert_eq!(app.ground.hasher.hashes(), before);
}

#[tokio::test]
async fn the_way_a_number_is_typed_gives_no_further_tries() {
    let app = TestApp::start().await;
    for number in ["105", "１０５", " 105", "0105", "1 05"] {
        assert_ne!(identify(&app, &wrong(&app).with("number", number)).await.status, 303);
    }
    let mut more = Vec::new();
    for number in ["１０５", "105 ", "105"] {
        more.push(
            identify(&app, &wrong(&app).with("number", number))
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(more.last(), Some(&429), "{more:?}");
}

// security.md 1, 3
#[tokio::test(flavor = "multi_thread")]
async fn fifty_wrong_identities_at_once_count_as_five() {
    let app = TestApp::start().await;
    let fields = wrong(&app);
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (client, fields) = (app.client(), fields.clone());
        all.spawn(async move { client.send_form("/portal/signup", &fields).await.status.as_u16() });
    }
    let answers = all.join_all().await;
    assert_eq!(
        answers.iter().filter(|status| **status == 422).count(),
        5,
        "{answers:?}"
    );
    assert_eq!(
        answers.iter().filter(|status| **status == 429).count(),
        45,
        "{answers:?}"
    );
}

// security.md 57
#[tokio::test]
async fn failures_count_by_network_and_successes_do_not() {
    let app = TestApp::with("32290413", |_| (), |config| config.limits.identity_network_tries = 3).await;
    let client = app.client();
    let right = app.identity(&app.person);
    for _ in 0..5 {
        leads(
            &client.stranger().send_form("/portal/signup", &right).await,
            "/portal/signup/account",
        );
    }
    for number in ["201", "202", "203"] {
        let wrong = right.clone().with("number", number);
        assert_eq!(client.send_form("/portal/signup", &wrong).await.status, 422);
    }
    says(&client.send_form("/portal/signup", &right).await, 429, WAIT);
    leads(&identify(&app, &right).await, "/portal/signup/account");
    app.later(15 * 60 + 1);
    leads(
        &client.send_form("/portal/signup", &right).await,
        "/portal/signup/account",
    );
}

// security.md 67
#[tokio::test]
async fn a_number_that_waits_spends_no_try_of_its_network() {
    let limits = |config: &mut madoguchi::config::Config| {
        config.limits.identity_tries = 2;
        config.limits.identity_network_tries = 4;
    };
    let app = TestApp::with("32290413", |_| (), limits).await;
    let client = app.client();
    let right = app.identity(&app.person);
    for status in [422, 422, 429, 429, 429, 429, 429] {
        let wrong = right.clone().with("number", "201");
        assert_eq!(client.send_form("/portal/signup", &wrong).await.status, status);
    }
    for (number, status) in [("202", 422), ("203", 422), ("204", 429)] {
        let wrong = right.clone().with("number", number);
        assert_eq!(
            client.send_form("/portal/signup", &wrong).await.status,
            status,
            "{number}"
        );
    }
}

// security.md 3, 67
#[tokio::test]
async fn a_network_that_an_insurers_members_share_is_allowed_more_at_its_door_alone() {
    let few = |config: &mut madoguchi::config::Config| config.limits.identity_network_tries = 2;
    let share = |folder: &mut tenancy::Folder| {
        folder.settings.networks = vec![tenancy::SharedNetwork {
            cidr: "203.0.113.0/28".parse().unwrap(),
            factor: 3,
        }];
    };
    let app = TestApp::with("32290413", share, few).await;
    let elsewhere = TestApp::with("32290413", |_| (), few).await;
    let tries = async |app: &TestApp, address: &str, statuses: &[u16]| {
        let client = testkit::Client::new(&app.url, address);
        for (nth, status) in statuses.iter().enumerate() {
            let wrong = wrong(app).with("number", &format!("3{nth}"));
            assert_eq!(
                client.send_form("/portal/signup", &wrong).await.status,
                *status,
                "{address} {nth}"
            );
        }
    };
    tries(&app, "203.0.113.7", &[422, 422, 422, 422, 422, 422, 429]).await;
    // Each address for itself; at another insurer's door it is like any other, and what was counted here doesn't count.
    tries(&app, "203.0.113.8", &[422]).await;
    tries(&elsewhere, "203.0.113.7", &[422, 422, 429]).await;
    tries(&app, "203.0.113.16", &[422, 422, 429]).await;
}

// security.md 55
#[tokio::test]
async fn the_trail_tells_who_was_attacked_by_ids_and_hashes() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    let person = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), person.clone()]).await;
    // A probe of a registered person, of nobody, and of a user ID that is taken.
    identify(&app, &app.identity(&app.person)).await;
    identify(&app, &wrong(&app).with("number", "707")).await;
    app.work().await;
    let client = app.client();
    leads(
        &client.send_form("/portal/signup", &app.identity(&person)).await,
        "/portal/signup/account",
    );
    let probe = testkit::account(&who.user_id, "a@example.jp");
    assert_eq!(client.send_form("/portal/signup/account", &probe).await.status, 422);
    // A form that is taken, a further code, and a wrong one.
    let email = format!("{}@example.jp", testkit::unique("one"));
    let form = testkit::account(&testkit::unique("user"), &email);
    leads(
        &client.send_form("/portal/signup/account", &form).await,
        "/portal/signup/code",
    );
    app.later(60);
    leads(&client.press("/portal/signup/code/resend").await, "/portal/signup/code");
    let wrong_code = other_than(&app.code_for(&email).await);
    let answer = client.post("/portal/signup/code", &[("code", wrong_code)]).await;
    assert_eq!(answer.status, 422);
    let trail = app
        .insurer
        .lines(
            "SELECT concat_ws(' ', action, outcome, channel, object_kind,
                CASE WHEN detail ? 'number_hash' THEN 'number_hash' END,
                CASE WHEN detail ? 'user_id_hash' THEN 'user_id_hash' END) AS line
             FROM audit_events WHERE action LIKE 'sign_up.%'",
        )
        .await;
    for line in [
        "sign_up.identify done command ticket number_hash",
        "sign_up.create done command ticket user_id_hash",
        "sign_up.confirm done command ticket",
        "sign_up.identify not_matched portal number_hash",
        "sign_up.identify registered worker account number_hash",
        "sign_up.create user_id_taken portal ticket user_id_hash",
        "sign_up.resend done portal ticket",
        "sign_up.confirm code_wrong portal ticket",
    ] {
        assert!(trail.iter().any(|entry| entry == line), "{line}: {trail:#?}");
    }
    // The worker's line and the visitor's have the same hash.
    let hashes = "SELECT count(DISTINCT detail->>'number_hash')::text AS line FROM audit_events
        WHERE action = 'sign_up.identify' AND (outcome = 'registered' OR detail->>'level' = 'registered')";
    assert_eq!(app.insurer.lines(hashes).await, ["1"]);
}

#[tokio::test]
async fn many_failures_at_one_insurer_slow_further_ones_down_and_refuse_nobody() {
    let quick = |config: &mut madoguchi::config::Config| {
        config.limits.identity_alarm = 3;
        config.limits.identity_alarm_delay = 1;
    };
    let app = TestApp::with("32290413", |_| (), quick).await;
    let mut times = Vec::new();
    for number in ["201", "202", "203", "204"] {
        let begun = Instant::now();
        assert_eq!(identify(&app, &wrong(&app).with("number", number)).await.status, 422);
        times.push(begun.elapsed() >= Duration::from_secs(1));
    }
    assert_eq!(times, [false, false, true, true]);
    // security.md 72: warned of once an hour.
    let alarms = "action = 'alarm.raise' AND outcome = 'identity_insurer'";
    assert_eq!(app.insurer.count("audit_events", alarms).await, 1);
    app.later(3600);
    for number in ["205", "206", "207", "208"] {
        identify(&app, &wrong(&app).with("number", number)).await;
    }
    assert_eq!(app.insurer.count("audit_events", alarms).await, 2);
    leads(
        &identify(&app, &app.identity(&app.person)).await,
        "/portal/signup/account",
    );
}

#[tokio::test]
async fn another_persons_number_is_not_blocked_with_it() {
    let app = TestApp::start().await;
    let other = TestPerson::new(106);
    app.insurer.import(&[app.person.clone(), other.clone()]).await;
    for _ in 0..6 {
        identify(&app, &wrong(&app)).await;
    }
    leads(&identify(&app, &app.identity(&other)).await, "/portal/signup/account");
}
