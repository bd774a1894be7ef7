//! PostgreSQL restarted while people sign up and log in: the service recovers by itself, and no request is half done.

use crate::cluster::cluster;
use local_cluster::DATABASE;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::{Answer, Client, PASSWORD, TestApp, TestPerson, account, lines_within, unique};
use tokio::task::JoinSet;

/// More than come through in the test's time on the quickest machine.
const PEOPLE: u32 = 1_000;
/// How long anything may take that is to come by itself: a lease that ran out among it.
const PATIENCE: Duration = Duration::from_mins(2);

/// Sends again what was answered with 503, as a patient person does; other answers are noted.
async fn patiently<F: Future<Output = Answer>>(statuses: &Mutex<BTreeSet<u16>>, send: impl Fn() -> F) -> Answer {
    for _ in 0..200 {
        let answer = send().await;
        statuses.lock().unwrap().insert(answer.status.as_u16());
        if answer.status != 503 {
            return answer;
        }
        assert!(!answer.header("retry-after").is_empty());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not recover");
}

/// One person from the identity to the my page, however often the database goes away meanwhile.
async fn walk(app: &TestApp, client: Client, person: &TestPerson, statuses: &Mutex<BTreeSet<u16>>) {
    let id = unique("user");
    let email = format!("{id}@example.jp");
    let (identity, form) = (app.identity(person), account(&id, &email));
    let step = patiently(statuses, || client.send_form("/portal/signup", &identity)).await;
    assert_eq!(step.location(), "/portal/signup/account", "{}", step.text);
    // The form says for whom it was shown, and comes from its page.
    let shown = patiently(statuses, || client.get("/portal/signup/account")).await;
    assert_eq!(shown.status, 200, "{}", shown.location());
    let step = patiently(statuses, || client.send_form("/portal/signup/account", &form)).await;
    assert_eq!(step.location(), "/portal/signup/code", "{}", step.text);
    let code = tokio::time::timeout(PATIENCE, code(app, &email)).await;
    let code = code.expect("a code is mailed");
    let code = [("code", code.as_str())];
    let step = patiently(statuses, || client.post("/portal/signup/code", &code)).await;
    assert_eq!(step.location(), "/portal/", "{}", step.text);
    let fields = [("user_id", id.as_str()), ("password", PASSWORD)];
    let step = patiently(statuses, || client.post("/portal/", &fields)).await;
    assert_eq!(step.location(), "/portal/terms", "{}", step.text);
    let shown = patiently(statuses, || client.get("/portal/terms")).await;
    assert_eq!(shown.status, 200);
    let step = patiently(statuses, || client.accept(&shown)).await;
    assert_eq!(step.location(), "/portal/mypage", "{}", step.text);
    let page = patiently(statuses, || client.get("/portal/mypage")).await;
    assert_eq!(page.status, 200, "{}", page.location());
}

/// The code in the mail that the worker beside us sends.
async fn code(app: &TestApp, email: &str) -> String {
    loop {
        if let Some(mail) = app.mailbox.mails_to(email).first() {
            let digits = mail
                .text
                .split(|c: char| !c.is_ascii_digit())
                .find(|digits| digits.len() == 6);
            return digits.unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until so many more people have come through.
async fn come_through(load: &mut JoinSet<()>, walked: &AtomicUsize, more: usize) {
    let enough = walked.load(Ordering::Relaxed) + more;
    let come = async {
        while walked.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        come = tokio::time::timeout(PATIENCE, come) => come.expect("people come through"),
        Some(ended) = load.join_next() => {
            ended.unwrap();
            panic!("nobody is left");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_restarted_under_load_breaks_nothing_and_the_service_recovers_by_itself() {
    let cluster = Arc::new(tokio::task::spawn_blocking(|| cluster("restarted")).await.unwrap());
    let app = TestApp::on(&cluster.owner_url(DATABASE), &cluster.service_url(DATABASE)).await;
    let people: Vec<TestPerson> = (0..PEOPLE).map(|number| TestPerson::new(1000 + number)).collect();
    app.insurer.import(&people).await;
    let app = Arc::new(app);
    let (statuses, stop) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
    let (next, walked) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (told, stopped) = tokio::sync::watch::channel(false);
    let worker = app.worker.clone();
    let working = tokio::spawn(async move { worker.run(stopped, Duration::from_secs(20)).await });
    let mut load = JoinSet::new();
    let people = Arc::new(people);
    for _ in 0..6 {
        let (app, people, statuses) = (Arc::clone(&app), Arc::clone(&people), Arc::clone(&statuses));
        let (stop, next, walked) = (Arc::clone(&stop), Arc::clone(&next), Arc::clone(&walked));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let Some(person) = people.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                walk(&app, app.client(), person, &statuses).await;
                walked.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for _ in 0..2 {
        come_through(&mut load, &walked, 6).await;
        let restarted = Arc::clone(&cluster);
        tokio::task::spawn_blocking(move || restarted.restart().unwrap())
            .await
            .unwrap();
    }
    come_through(&mut load, &walked, 12).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = load.join_next().await {
        done.unwrap();
    }
    let seen = statuses.lock().unwrap().clone();
    assert!(seen.is_subset(&BTreeSet::from([200, 303, 503])), "{seen:?}");
    let ready = app.client().get("/readyz").await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    told.send_replace(true);
    working.await.unwrap();
    whole(&cluster.owner_url(DATABASE), &app, walked.load(Ordering::Relaxed)).await;
}

/// What a request writes together is there together or not at all.
async fn whole(url: &str, app: &TestApp, walked: usize) {
    let count = async |query: &str| lines_within(url, Some(app.tenant()), query).await.len();
    let accounts = count("SELECT '' AS line FROM accounts").await;
    assert_eq!(accounts, walked);
    assert_eq!(
        count("SELECT '' AS line FROM accounts JOIN login_names USING (tenant_id, account_id)").await,
        accounts
    );
    assert_eq!(
        count("SELECT '' AS line FROM events WHERE kind = 'member.registered'").await,
        accounts
    );
    assert_eq!(count("SELECT '' AS line FROM consents").await, 2 * accounts);
    for half in [
        "SELECT '' AS line FROM sign_up_tickets WHERE registered_at IS NOT NULL AND email IS NOT NULL",
        "SELECT '' AS line FROM mails m WHERE state = 'queued' AND NOT EXISTS (SELECT FROM due WHERE item = m.mail_id)",
        "SELECT '' AS line FROM mails m WHERE state = 'sent' AND sealed IS NOT NULL",
        "SELECT '' AS line FROM jobs j WHERE dead_at IS NULL AND NOT EXISTS (SELECT FROM due WHERE item = j.job_id)",
        "SELECT '' AS line FROM sign_up_tickets t WHERE sends > 0 AND NOT EXISTS (
            SELECT FROM codes c WHERE c.subject_id = t.ticket_id)",
    ] {
        assert_eq!(count(half).await, 0, "{half}");
    }
}
