//! What is taken back, replaced or hidden before a mail's turn, and after it was written.

use super::{NEIGHBOUR, Street, WISHES, cost, of_family, put, visit};
use crate::{
    portal::leads,
    statements::{Kind, done},
};
use chrono::TimeDelta;
use statements::{
    disclosures::{self, AskedBy},
    visibility::Audience,
};
use tenancy::{Feature, FeatureState};

fn rows(label: &str) -> Vec<String> {
    vec![
        visit(label, "01", "M1", "2026-07", 1_000),
        cost(label, "N1", 2, "2026-07", 1_000),
    ]
}

#[tokio::test]
async fn what_is_withdrawn_before_its_turn_is_told_to_nobody() {
    let street = Street::new().await;
    street.desk.show(&rows("2026-10")).await;
    street.desk.withdraw(Kind::Costs, "2026-10").await;
    assert_eq!(street.told().await, (0, 0));
    let ended = "ended_at IS NOT NULL AND told = 0";
    assert_eq!(street.desk.test.count("statement_mailings", ended).await, 1);
    // Published once more it is told of.
    done(street.desk.try_publish(Kind::Costs, "2026-10", Some(1)).await);
    assert_eq!(street.told().await, (1, 1));
}

#[tokio::test]
async fn a_version_that_is_taken_back_and_published_anew_is_told_of_once() {
    let street = Street::new().await;
    street.desk.show(&rows("2026-10")).await;
    assert_eq!(street.told().await, (1, 1));
    for _ in 0..3 {
        street.desk.withdraw(Kind::Costs, "2026-10").await;
        done(street.desk.try_publish(Kind::Costs, "2026-10", Some(1)).await);
        assert_eq!(street.told().await, (1, 1));
    }
}

#[tokio::test]
async fn mails_that_are_written_and_not_sent_are_asked_about_once_more() {
    let street = Street::new().await;
    street.desk.show(&rows("2026-10")).await;
    assert_eq!(street.write().await, 2);
    street.desk.withdraw(Kind::Costs, "2026-10").await;
    assert_eq!(street.told().await, (0, 0));
    // As if they had never been written: nothing is to be sent again, and nothing says that they did not arrive.
    assert_eq!(street.desk.test.count("mails", "template = 'new_statement'").await, 0);
    assert_eq!(street.desk.test.count("events", "kind = 'mail.undeliverable'").await, 0);
}

#[tokio::test]
async fn a_replaced_version_tells_nobody_and_the_new_one_whom_it_changes() {
    let street = Street::new().await;
    street.desk.show(&rows("2026-10")).await;
    assert_eq!(street.write().await, 2);
    street
        .load(&[
            visit("2026-10", "01", "M1", "2026-07", 800),
            cost("2026-10", "N1", 2, "2026-07", 1_000),
        ])
        .await;
    street.desk.publish(Kind::Costs, "2026-10").await;
    assert_eq!(street.told().await, (1, 0));
}

// security.md 74
#[tokio::test]
async fn a_mail_stays_where_it_is_once_it_would_tell_what_is_hidden() {
    let street = Street::new().await;
    street.desk.show(&rows("2026-10")).await;
    assert_eq!(street.write().await, 2);
    let (tenant, now) = (street.desk.tenant(), street.app.clock().now());
    let mut tx = street.desk.test.write(tenant).await;
    let whose = (street.ids[&of_family("01")], Kind::Costs);
    let wish = (Audience::SelfOnly, Audience::Household);
    disclosures::set(&mut tx, now, whose, wish, AskedBy::Person)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    street.protect(NEIGHBOUR, None).await;
    assert_eq!(street.told().await, (0, 0));
    assert_eq!(street.waiting().await, 0);
}

#[tokio::test]
async fn whoever_ends_these_mails_gets_none_that_was_written_before() {
    let street = Street::new().await;
    street.desk.show(&rows("2026-10")).await;
    assert_eq!(street.write().await, 2);
    let client = street.inside(&street.neighbour).await;
    leads(&client.post(WISHES, &[("wished", "insurer")]).await, WISHES);
    assert_eq!(street.told().await, (1, 0));
}

#[tokio::test]
async fn a_feature_that_is_not_open_yet_holds_them_back_for_a_week_at_most() {
    let state = |state| move |folder: &mut tenancy::Folder| put(folder, &[Feature::CostStatements], state);
    let street = Street::with(state(FeatureState::Preparing)).await;
    street.desk.show(&rows("2026-10")).await;
    assert_eq!(street.told().await, (0, 0));
    street.app.insurer.apply(state(FeatureState::Open)).await;
    street.app.later(3601);
    assert_eq!(street.told().await, (1, 1));

    let street = Street::with(state(FeatureState::Preparing)).await;
    street.desk.show(&rows("2026-10")).await;
    street.app.later(TimeDelta::days(7).num_seconds());
    street.app.insurer.apply(state(FeatureState::Open)).await;
    assert_eq!(street.told().await, (0, 0));
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
async fn a_mail_that_was_not_sent_in_a_week_is_not_sent_at_all() {
    let street = Street::new().await;
    street.desk.show(&rows("2026-10")).await;
    assert_eq!(street.write().await, 2);
    // As if the mail server had been away.
    street.queued("due_at = due_at + interval '7 days'", "mail").await;
    street.app.later(TimeDelta::days(7).num_seconds() + 60);
    assert_eq!(street.told().await, (0, 0));
    let expired = "template = 'new_statement' AND state = 'expired'";
    assert_eq!(street.desk.test.count("mails", expired).await, 2);
}
