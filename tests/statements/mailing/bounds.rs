//! Once each, at the insurer's pace, at a cost that doesn't grow with who is looked at; whoever is killed on the way.

use super::{NEIGHBOUR, Street, cost, visit};
use crate::statements::{Kind, done};
use chrono::TimeDelta;
use statements::Deliveries;
use testkit::{TestApp, sql};

/// So many more members with a row each, of the delivery that is published.
async fn crowd(street: &Street, many: u32) {
    let (tenant, neighbour) = (street.app.tenant(), street.ids[NEIGHBOUR]);
    let people = format!(
        "INSERT INTO persons SELECT (jsonb_populate_record(p, jsonb_build_object(
             'person_id', md5('mailed' || n)::uuid, 'number', n::text, 'number_key', n::text))).*
         FROM persons p, generate_series(10001, 10000 + {many}) n WHERE p.person_id = '{neighbour}';
         INSERT INTO accounts (tenant_id, account_id, person_id, user_id, password, password_changed_at, email,
             email_proven_at, registered_at)
         SELECT {tenant}, md5('account' || n)::uuid, md5('mailed' || n)::uuid, 'bulk-' || n, a.password, a.registered_at,
             'bulk-' || n || '@example.jp', a.registered_at, a.registered_at
         FROM accounts a, generate_series(10001, 10000 + {many}) n WHERE a.person_id = '{neighbour}';
         INSERT INTO cost_rows SELECT (jsonb_populate_record(r, jsonb_build_object('line', n,
             'principal_id', md5('mailed' || n)::uuid, 'person_id', md5('mailed' || n)::uuid))).*
         FROM cost_rows r, generate_series(10001, 10000 + {many}) n WHERE r.person_id = '{neighbour}'"
    );
    sql(tenant, &people).await;
}

fn sent(street: &Street) -> usize {
    let mails = street.app.mailbox.mails();
    mails
        .iter()
        .filter(|mail| mail.subject.contains("のお知らせがあります"))
        .count()
}

#[tokio::test]
async fn mails_are_written_at_the_insurers_pace_and_each_once() {
    let street = Street::with(|folder| folder.settings.statements.mails_per_minute = 10).await;
    street.desk.show(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    crowd(&street, 24).await;
    let mut counts = Vec::new();
    for _ in 0..5 {
        street.app.work().await;
        counts.push(sent(&street));
        street.app.later(60);
    }
    // The father is looked at too, and has none.
    assert!(
        (9..=10).contains(&counts[0]) && counts[1] <= counts[0] + 10,
        "{counts:?}"
    );
    assert_eq!(counts[4], 25, "{counts:?}");
    let ended = "ended_at IS NOT NULL AND told = 25";
    assert_eq!(street.desk.test.count("statement_mailings", ended).await, 1);
    assert!(!street.is_queued().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_twice_after_a_crash_by_two_workers_or_by_a_second_look() {
    let street = Street::new().await;
    let rows = [
        visit("2026-10", "00", "F1", "2026-08", 1_000),
        cost("2026-10", "N1", 2, "2026-08", 1_000),
    ];
    street.desk.show(&rows).await;
    let node = street.app.beside(|_| ()).await;
    let (here, there) = tokio::join!(
        street.app.worker.run_once_for(street.app.tenant()),
        node.worker.run_once_for(street.app.tenant())
    );
    here.unwrap();
    there.unwrap();
    street.app.later(60);
    node.work().await;
    let count = async || {
        let (father, neighbour) = street.told().await;
        let there = |email: &str| {
            let mails = node.mailbox.mails_to(email);
            mails.iter().filter(|mail| mail.unsubscribe.is_some()).count()
        };
        (
            father + there(&street.father.email),
            neighbour + there(&street.neighbour.email),
        )
    };
    assert_eq!(count().await, (1, 1));
    // Killed between its last batch and the end: the next worker begins where it was, or finds that all is done.
    let tenant = street.app.tenant();
    let again = format!(
        "INSERT INTO due (tenant_id, queue, item, due_at, since, rank, turn)
         SELECT {tenant}, 'statement_mail', delivery_id, '2026-01-01', '2026-01-01', 2, '2026-01-01' FROM statement_mailings
         ON CONFLICT DO NOTHING"
    );
    for undone in ["UPDATE statement_mailings SET ended_at = NULL", "SELECT"] {
        sql(tenant, undone).await;
        sql(tenant, &again).await;
        street.app.later(60);
        assert_eq!(count().await, (1, 1), "{undone}");
    }
}

#[tokio::test]
async fn a_worker_that_always_dies_in_a_batch_holds_nobody_up_for_ever() {
    let street = Street::new().await;
    street.desk.show(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    street.queued("takes = 9", "statement_mail").await;
    assert_eq!(street.told().await, (0, 0));
    assert!(!street.is_queued().await);
    assert_eq!(
        street
            .desk
            .test
            .count("statement_mailings", "ended_at IS NOT NULL")
            .await,
        1
    );
}

#[tokio::test]
async fn a_batch_costs_as_many_statements_whoever_is_in_it() {
    let street = Box::pin(Street::on(TestApp::counting().await)).await;
    let pace = |folder: &mut tenancy::Folder| folder.settings.statements.mails_per_minute = 6_000;
    street.app.insurer.apply(pace).await;
    street.desk.show(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    crowd(&street, 600).await;
    let database = &street.app.ground.database;
    let mut costs = Vec::new();
    while street.is_queued().await {
        street.app.later(60);
        street.queued("due_at = 'infinity'", "mail").await;
        let before = database.statements();
        street.app.worker.run_once_for(street.app.tenant()).await.unwrap();
        costs.push(database.statements() - before);
    }
    assert_eq!(costs.len(), 3, "500 members, 102, and nobody: {costs:?}");
    assert_eq!(costs[0], costs[1], "{costs:?}");
    let written = "template = 'new_statement' AND state = 'queued'";
    assert_eq!(street.desk.test.count("mails", written).await, 601);
}

#[tokio::test]
async fn an_insurer_that_is_suspended_tells_nobody_until_it_is_open_again() {
    let street = Street::new().await;
    street.desk.show(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    let tenant = street.app.tenant();
    let state = async |state: &str| {
        let set = format!("UPDATE insurers SET state = '{state}' WHERE tenant_id = {tenant}");
        testkit::execute(&testkit::owner_url(), &set).await.unwrap();
    };
    state("suspended").await;
    street.app.later(3600);
    assert_eq!(street.told().await, (0, 0));
    state("open").await;
    street.app.later(TimeDelta::hours(1).num_seconds() + 1);
    assert_eq!(street.told().await, (0, 1));
}

/// By a program that has no mails at all, such as the command line.
#[tokio::test]
async fn whoever_publishes_it_the_workers_tell() {
    let street = Street::new().await;
    let deliveries = Deliveries::new(&street.app.ground);
    street.load(&[cost("2026-10", "N1", 2, "2026-08", 1_000)]).await;
    let what = (Kind::Costs, crate::statements::month("2026-10"), None);
    let by = crate::statements::by();
    done(deliveries.publish(street.app.tenant(), by, what).await.unwrap());
    assert_eq!(street.told().await, (0, 1));
}
