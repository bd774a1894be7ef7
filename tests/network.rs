//! The network between a node and PostgreSQL on bad days: silent, silent on the connections that were open, cut at the
//! worst moment. Nothing waits for ever, and nothing is said that nobody knows.

use crate::{operations::Installation, portal::says};
use access::scope::INSURER_READ;
use database::{Database, DatabaseConfig, DatabaseError, Durability, Timeouts};
use diesel_async::RunQueryDsl as _;
use futures_util::future::join_all;
use reqwest::Method;
use scoped_futures::ScopedFutureExt as _;
use std::time::{Duration, Instant};
use testkit::{Network, TestApp, TestDatabase, execute, service_url, url_of};

const MY_PAGE: &str = "/portal/mypage";
/// In seconds, so that a test of them is over soon.
const TIMEOUTS: Timeouts = Timeouts {
    connect: 2,
    statement: 2,
    lock: 1,
    idle_in_transaction: 2,
    transaction: 2,
};

async fn app_behind(network: &Network) -> TestApp {
    let url = network.url(&service_url());
    TestApp::with(
        "32290413",
        |_| (),
        |config| {
            config.database.url = url;
            config.database.wait_seconds = 2;
            config.database.timeouts = TIMEOUTS;
        },
    )
    .await
}

fn behind(network: &Network) -> Database {
    Database::connect(&DatabaseConfig {
        url: network.url(&service_url()),
        owner_url: None,
        connections: 5,
        wait_seconds: 2,
        timeouts: TIMEOUTS,
    })
    .unwrap()
}

/// Within a few seconds more than one wait may take, on a busy machine.
fn soon(begun: Instant) {
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

// security.md 65
#[tokio::test(flavor = "multi_thread")]
async fn while_the_network_is_silent_pages_and_readyz_answer_within_seconds_and_then_all_is_well_again() {
    let network = Network::before(&service_url()).await;
    let app = app_behind(&network).await;
    let (client, _) = app.member().await;
    says(&client.get(MY_PAGE).await, 200, "マイページ");
    says(&client.get("/readyz").await, 200, "ok");
    network.silence();
    // Past what was seen a moment ago of the insurers and of readiness.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    // More than the pool can serve: most find it all in use, which says nothing of why.
    let crowd = join_all((0..12).map(|_| client.get(MY_PAGE))).await;
    soon(begun);
    for answer in crowd {
        says(&answer, 503, "ただいま、つながりにくくなっています");
        assert!(!answer.header("retry-after").is_empty());
    }
    for _ in 0..3 {
        let begun = Instant::now();
        says(&client.get("/readyz").await, 503, "database away");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    network.clear();
    let begun = Instant::now();
    while client.get(MY_PAGE).await.status != 200 || client.get("/readyz").await.status != 200 {
        soon(begun);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

// security.md 65
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fell_silent_cost_one_wait_and_the_insurers_of_the_node_go_on() {
    let network = Network::before(&service_url()).await;
    let app = app_behind(&network).await;
    let (client, _) = app.member().await;
    join_all((0..10).map(|_| client.get(MY_PAGE))).await;
    network.silence_open();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    while join_all((0..10).map(|_| client.get(MY_PAGE)))
        .await
        .iter()
        .any(|answer| answer.status != 200)
    {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

// security.md 65
#[tokio::test(flavor = "multi_thread")]
async fn what_clients_have_used_waits_once_for_a_silent_database_and_is_written_afterwards() {
    let network = Network::before(&service_url()).await;
    let app = app_behind(&network).await;
    let mut programs = Vec::new();
    for _ in 0..6 {
        let program = app.program(&[INSURER_READ]).await;
        assert_eq!(program.api(Method::GET, "/client", None).await.status, 200);
        programs.push(program.name.client_id);
    }
    network.silence();
    let begun = Instant::now();
    assert!(app.clients.write_uses().await.is_err());
    soon(begun);
    network.clear();
    let begun = Instant::now();
    while app.clients.write_uses().await.is_err() {
        soon(begun);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let tx = app.write(app.tenant()).await;
    for client in programs {
        let uses = app.clients.uses(&tx, client, 1).await.unwrap();
        assert_eq!(uses.iter().map(|day| day.calls).sum::<i32>(), 1);
    }
}

// security.md 65
#[tokio::test]
async fn a_slow_network_is_borne() {
    let network = Network::before(&service_url()).await;
    let app = app_behind(&network).await;
    let (client, _) = app.member().await;
    network.delay(Duration::from_millis(50));
    says(&client.get(MY_PAGE).await, 200, "マイページ");
}

// security.md 65
#[tokio::test]
async fn a_transaction_has_its_time_and_not_that_of_every_connection_of_the_pool() {
    let network = Network::before(&service_url()).await;
    let (database, of) = (behind(&network), TestDatabase::new().await);
    let tenant = database.tenant(of.tenant);
    // Five connections that know nothing of the silence.
    let open = join_all((0..5).map(|_| tenant.read())).await;
    for tx in open {
        tx.unwrap().commit().await.unwrap();
    }
    let begun_before = tenant.write(Durability::Safe).await.unwrap();
    network.silence();
    let begun = Instant::now();
    assert!(matches!(tenant.read().await, Err(DatabaseError::Lost(_))));
    assert!(matches!(database.directory().await, Err(DatabaseError::Lost(_))));
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(matches!(begun_before.commit().await, Err(DatabaseError::Lost(_))));
    // What can't be made is not in use.
    let fresh = behind(&network);
    let begun = Instant::now();
    assert!(matches!(fresh.directory().await, Err(DatabaseError::Connection(_))));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    // Whoever gives more time gets it.
    network.clear();
    let mut long = tenant.within(Duration::from_mins(1)).read().await.unwrap();
    let sleeps = diesel::sql_query("SELECT pg_sleep(3)").execute(&mut *long).await;
    assert!(sleeps.is_ok(), "{sleeps:?}");
}

#[tokio::test]
async fn on_no_connection_of_the_service_does_postgresql_compile_a_statement() {
    #[derive(diesel::QueryableByName)]
    struct Setting {
        #[diesel(sql_type = diesel::sql_types::Text)]
        jit: String,
    }
    let test = TestDatabase::new().await;
    let within = test.database.tenant(test.tenant);
    // Both are taken from the pool at once, so they are two of its connections.
    let (read, write) = tokio::join!(within.read(), within.write(Durability::Relaxed));
    for tx in [read.unwrap(), write.unwrap()] {
        let shown: Setting = diesel::sql_query("SHOW jit").get_result(&mut &*tx).await.unwrap();
        assert_eq!(shown.jit, "off");
    }
}

#[tokio::test]
async fn what_postgresql_refuses_is_not_asked_again() {
    let of = TestDatabase::new().await;
    let divide = || diesel::sql_query("SELECT 1 / 0");
    let before = of.database.statements();
    let refused = of
        .database
        .look_up(|directory| async move { Ok(divide().execute(&mut &**directory).await?) }.scope_boxed())
        .await;
    assert!(matches!(refused, Err(DatabaseError::Statement(_))), "{refused:?}");
    let tenant = of.database.tenant(of.tenant);
    let refused = tenant
        .write_with(Durability::Safe, |tx| {
            async move { Ok(divide().execute(&mut &**tx).await?) }.scope_boxed()
        })
        .await;
    assert!(matches!(refused, Err(DatabaseError::Statement(_))));
    assert_eq!(of.database.statements() - before, 2);
    // Its own limits are PostgreSQL's to keep.
    let limited = behind(&Network::before(&service_url()).await);
    assert!(
        limited.directory().await.is_err(),
        "nobody is behind a network that is gone"
    );
}

#[tokio::test]
async fn where_the_answer_to_commit_is_lost_it_is_not_said_that_nothing_was_changed() {
    let network = Network::before(&service_url()).await;
    let app = app_behind(&network).await;
    let (client, who) = app.member().await;
    let elsewhere = app.inside(&who).await;
    says(&elsewhere.get(MY_PAGE).await, 200, "マイページ");
    network.cut_after(b"COMMIT");
    let answer = client.post("/portal/account/sessions/end-others", &[]).await;
    network.clear();
    says(&answer, 503, "受け付けたかどうかを確かめられませんでした");
    assert!(!answer.text.contains("保存されていない"), "{}", answer.text);
    // As here, where it was done.
    assert_eq!(
        elsewhere.get(MY_PAGE).await.location(),
        "/portal/?next=%2Fportal%2Fmypage"
    );

    let body = serde_json::json!({"user_id": who.user_id, "password": testkit::PASSWORD});
    let token = client.call(Method::POST, "/sessions", None, Some(body)).await.json()["token"].clone();
    network.cut_after(b"COMMIT");
    let answer = client
        .call(Method::DELETE, "/sessions/current", token.as_str(), None)
        .await;
    network.clear();
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["code"]),
        (503, &"unconfirmed".into())
    );
    assert!(!answer.text.contains("Nothing was changed"), "{}", answer.text);
}

#[tokio::test]
async fn whose_registration_was_not_answered_is_not_sent_back_to_the_start_and_the_code_once_more_tells() {
    let network = Network::before(&service_url()).await;
    let app = app_behind(&network).await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let typed = [("code", code.as_str())];
    network.cut_at_commit_of(b"INSERT INTO \"accounts\"");
    let answer = client.post("/portal/signup/code", &typed).await;
    assert_eq!(app.insurer.count("accounts", "true").await, 1);
    says(&answer, 503, "受け付けたかどうかを確かめられませんでした");
    let answer = client.post("/portal/signup/code", &typed).await;
    assert_eq!(answer.location(), "/portal/", "{}", answer.text);
    says(&client.get("/portal/").await, 200, "登録");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_registered_is_told_so_though_what_comes_after_it_fails() {
    let installation = Installation::new().await;
    let (owner, service) = (installation.owner_url(), url_of(&service_url(), &installation.database));
    let app = Box::pin(TestApp::on(&owner, &service)).await;
    let (client, user_id, email) = app.waiting_for_code().await;
    let guess = [("user_id", user_id.as_str()), ("password", "wrong-password")];
    assert_eq!(app.client().post("/portal/", &guess).await.status, 422);
    // Guesses from before it was anybody's go into the account once that is there.
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION refuse()";
    execute(&owner, refuse).await.unwrap();
    let code = app.code_for(&email).await;
    let answer = client.post("/portal/signup/code", &[("code", &code)]).await;
    assert_eq!(answer.location(), "/portal/", "{}", answer.text);
    assert_eq!(app.insurer.count("accounts", "guesses = 0").await, 1);
}
