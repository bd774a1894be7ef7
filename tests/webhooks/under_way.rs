//! What is decided while messages are under way: what has not left by then does not leave.

use super::{Answer, Hook, Receiver, app, happens, id_of, ids, to_loopback, told::protect};
use access::{Role, SCOPES};
use reqwest::Method;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use testkit::{Network, by_command};
use tokio::time::Instant;

const LOST: [&str; 1] = ["member.coverage_lost"];
/// How long a receiver takes for each message: longer than an answer counts that it may be sent, and than what is done here meanwhile.
const LATE: Answer = Answer::Late(Duration::from_secs(3));

// security.md 74
#[tokio::test]
async fn of_whoever_is_protected_while_messages_are_under_way_nothing_leaves_that_had_not_left() {
    let app = app().await;
    let receiver = Receiver::start(LATE).await;
    Hook::of(&app, &receiver, &LOST).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let shoko = id_of(&app, &app.person).await;
    let mut subjects = ids::<7>().to_vec();
    subjects.push(uuid::Uuid::parse_str(&shoko).unwrap());
    happens(&app, LOST[0], &subjects).await;
    tokio::join!(app.work(), async {
        receiver.has(4).await;
        protect(&clerk, &shoko).await;
    });
    let taken = receiver.taken();
    assert_eq!(taken.len(), 7);
    assert!(taken.iter().all(|message| message.subject() != shoko), "{taken:?}");
    let withheld = "reason = 'withheld' AND state = 'given_up'";
    assert_eq!(app.insurer.count("webhook_deliveries", withheld).await, 1);
}

// security.md 41
#[tokio::test]
async fn once_a_client_is_suspended_nothing_leaves_that_had_not_left() {
    let app = app().await;
    let receiver = Receiver::start(LATE).await;
    let hook = Hook::of(&app, &receiver, &LOST).await;
    happens(&app, LOST[0], &ids::<12>()).await;
    let id = hook.program.name.client_id;
    tokio::join!(app.work(), async {
        receiver.has(4).await;
        assert!(app.clients.suspend(app.tenant(), id, by_command()).await.is_ok());
    });
    assert_eq!(receiver.taken().len(), 4);
    assert_eq!(app.insurer.count("webhook_deliveries", "state = 'waiting'").await, 0);
}

#[tokio::test]
async fn what_has_not_left_goes_to_where_the_endpoint_is_by_then() {
    let app = app().await;
    let (before, after) = (Receiver::start(LATE).await, Receiver::start(Answer::Status(200)).await);
    let hook = Hook::of(&app, &before, &LOST).await;
    happens(&app, LOST[0], &ids::<10>()).await;
    tokio::join!(app.work(), async {
        before.has(4).await;
        let wish = json!({ "url": after.url(), "events": LOST });
        assert_eq!(hook.act(Method::PUT, "", Some(wish)).await.status, 200);
    });
    assert_eq!((before.taken().len(), after.taken().len()), (4, 6));
    assert_eq!(app.insurer.count("webhook_deliveries", "state = 'delivered'").await, 10);
}

#[tokio::test]
async fn where_nobody_can_say_whether_they_may_leave_nothing_more_leaves_until_the_database_is_back() {
    let app = app().await;
    let network = Network::before(&testkit::service_url()).await;
    let far = app
        .beside(|config| {
            to_loopback(config);
            config.database.url = network.url(&config.database.url);
            config.database.timeouts.transaction = 2;
        })
        .await;
    let receiver = Receiver::start(LATE).await;
    Hook::of(&app, &receiver, &LOST).await;
    happens(&app, LOST[0], &ids::<8>()).await;
    app.worker.run_once_for(app.tenant()).await.unwrap();
    let (sent, ()) = tokio::join!(far.worker.run_once_for(far.tenant()), async {
        receiver.has(4).await;
        network.silence();
        // Until they are answered, the rest was asked about in vain, and the turn is over.
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(receiver.taken().len(), 4);
        network.clear();
    });
    sent.unwrap();
    for (state, messages) in [("delivered", 4), ("waiting", 4)] {
        let condition = format!("state = '{state}'");
        assert_eq!(
            app.insurer.count("webhook_deliveries", &condition).await,
            messages,
            "{state}"
        );
    }
    receiver.then(Answer::Status(200));
    app.work().await;
    let taken = receiver.taken();
    let each: BTreeSet<&str> = taken.iter().map(super::receiver::Message::id).collect();
    assert_eq!((taken.len(), each.len()), (8, 8));
}

#[tokio::test]
async fn one_that_answers_late_gives_its_place_back_when_its_turn_is_over_and_stands_behind_those_that_do_not() {
    let app = app().await;
    let receiver = Receiver::start(LATE).await;
    Hook::of(&app, &receiver, &LOST).await;
    happens(&app, LOST[0], &ids::<20>()).await;
    app.worker.run_once_for(app.tenant()).await.unwrap();
    let begun = Instant::now();
    app.worker.run_once_for(app.tenant()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(receiver.taken().len(), 8, "those that left within five seconds");
    let due = format!(
        "SELECT rank::text AS line FROM due WHERE queue = 'webhook' AND tenant_id = {}",
        app.tenant()
    );
    assert_eq!(app.insurer.lines(&due).await, ["2"]);
    receiver.then(Answer::Status(200));
    app.work().await;
    assert_eq!(receiver.taken().len(), 20);
}

/// Of one insurer more endpoints hang at the same time than a worker has places.
#[tokio::test]
async fn however_many_endpoints_of_an_insurer_hang_those_of_another_are_told_at_once() {
    let (crowded, neighbour) = (app().await, app().await);
    let (hanging, good) = (
        Receiver::start(Answer::Hang).await,
        Receiver::start(Answer::Status(200)).await,
    );
    for _ in 0..4 {
        let program = crowded.program(&SCOPES).await;
        for nth in 0..10 {
            Hook::with(&program, &format!("{}&{nth}", hanging.url()), &LOST).await;
        }
    }
    Hook::of(&neighbour, &good, &LOST).await;
    happens(&crowded, LOST[0], &ids::<1>()).await;
    happens(&neighbour, LOST[0], &ids::<1>()).await;
    // One worker for both: first it looks what happened, and then it sends.
    let worker = &crowded.app.worker;
    worker.run_once_for(crowded.tenant()).await.unwrap();
    worker.run_once_for(neighbour.tenant()).await.unwrap();
    tokio::select! {
        done = worker.run_once_for(crowded.tenant()) => panic!("{done:?}: they hang"),
        () = async {
            hanging.has(16).await;
            let begun = Instant::now();
            worker.run_once_for(neighbour.tenant()).await.unwrap();
            assert_eq!(good.taken().len(), 1);
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        } => {}
    }
    assert_eq!(hanging.taken().len(), 16, "half of the places");
}
