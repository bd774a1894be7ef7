//! Which rows count: of versions the published one, of labels the latest, and every step undone exactly.

use super::{COSTS, Desk, by, cost, done, loaded, month, table, taken_back, wish};
use chrono::TimeDelta;
use statements::{
    Kind,
    delivery::State,
    import::Wish,
    publish::PublishAt,
    reasons::{ALREADY_PUBLISHED, NO_DELIVERY, NOT_READY, PAST, PURGED, TAKEN_BACK},
};
use std::collections::BTreeMap;
use testkit::sql;

/// All rows with every column, those that don't count among them.
async fn rows(desk: &Desk) -> Vec<String> {
    desk.test
        .lines("SELECT r::text AS line FROM cost_rows r ORDER BY delivery, line")
        .await
}

#[tokio::test]
async fn publishing_replaces_the_version_before_in_one_commit() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    let (old, new) = (["2026-06 A 1000"], ["2026-06 A 1100", "2026-06 B 2000"]);
    desk.load(&[
        cost("2026-08", "A", 1, "2026-06", 1_100),
        cost("2026-08", "B", 1, "2026-06", 2_000),
    ])
    .await;
    let publishing = desk.publish(Kind::Costs, "2026-08");
    let looking = async {
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(desk.shown(Kind::Costs).await);
        }
        seen
    };
    let (published, seen) = tokio::join!(publishing, looking);
    assert_eq!((published.delivery.version, published.replaced), (2, Some(1)));
    for shown in seen {
        assert!(shown == old || shown == new, "{shown:?}");
    }
    assert_eq!(desk.shown(Kind::Costs).await, new);
    let heads = desk.list().await;
    assert_eq!((heads[0].state, heads[1].state), (State::Published, State::Replaced));
    assert!(heads[0].published_at.is_some() && heads[1].ended_at.is_some());
}

#[tokio::test]
async fn the_later_label_wins_not_the_later_import() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    desk.show(&[cost("2026-09", "A", 1, "2026-06", 900)]).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 900"]);
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_100)]).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 900"]);
}

#[tokio::test]
async fn an_unpublished_correction_supersedes_nothing() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    desk.load(&[cost("2026-09", "A", 1, "2026-06", 900)]).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
    assert_eq!(desk.publish(Kind::Costs, "2026-09").await.superseded, 1);
    desk.withdraw(Kind::Costs, "2026-09").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
}

#[tokio::test]
async fn withdraw_and_publish_of_the_version_before_undo_exactly() {
    let desk = Desk::new().await;
    desk.show(&[
        cost("2026-07", "A", 1, "2026-05", 1_000),
        cost("2026-07", "B", 1, "2026-05", 2_000),
        cost("2026-07", "C", 1, "2026-05", 3_000),
    ])
    .await;
    desk.show(&[
        cost("2026-08", "A", 1, "2026-05", 1_100),
        cost("2026-08", "D", 1, "2026-06", 4_000),
    ])
    .await;
    desk.load(&[
        cost("2026-08", "B", 1, "2026-05", 2_200),
        taken_back("2026-08", "C", 1, "2026-05"),
        cost("2026-08", "D", 1, "2026-06", 4_000),
    ])
    .await;
    let (before, shown) = (rows(&desk).await, desk.shown(Kind::Costs).await);
    desk.publish(Kind::Costs, "2026-08").await;
    assert_eq!(
        desk.shown(Kind::Costs).await,
        ["2026-05 A 1000", "2026-05 B 2200", "2026-06 D 4000"]
    );
    desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(
        desk.shown(Kind::Costs).await,
        ["2026-05 A 1000", "2026-05 B 2000", "2026-05 C 3000"]
    );
    let back = desk.publish(Kind::Costs, "2026-08").await;
    assert_eq!((back.delivery.version, back.replaced), (1, None));
    assert_eq!((rows(&desk).await, desk.shown(Kind::Costs).await), (before, shown));
}

#[tokio::test]
async fn a_withdrawal_waits_for_its_claim() {
    let desk = Desk::new().await;
    desk.show(&[taken_back("2026-09", "A", 1, "2026-06")]).await;
    assert!(desk.shown(Kind::Costs).await.is_empty());
    desk.show(&[
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 1, "2026-06", 2_000),
    ])
    .await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 B 2000"]);
    desk.withdraw(Kind::Costs, "2026-09").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000", "2026-06 B 2000"]);
}

#[tokio::test]
async fn a_withdrawal_of_somebody_unknown_takes_its_claim_back() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    let published = desk.show(&[taken_back("2026-09", "A", 99, "2026-06")]).await;
    assert_eq!((published.delivery.held, published.delivery.persons), (0, 0));
    assert!(desk.shown(Kind::Costs).await.is_empty());
}

#[tokio::test]
async fn a_correction_that_waits_for_the_roster_hides_what_it_corrects() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    let published = desk.show(&[cost("2026-09", "A", 99, "2026-06", 900)]).await;
    assert_eq!(published.delivery.held, 1);
    assert!(desk.shown(Kind::Costs).await.is_empty());
    // Delivered anew under the earlier label, it still is somebody's whom nobody knows.
    desk.show(&[
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 1, "2026-06", 500),
    ])
    .await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 B 500"]);
}

#[tokio::test]
async fn a_claim_made_anew_after_its_withdrawal_is_shown() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-07", "A", 1, "2026-05", 1_000)]).await;
    desk.show(&[taken_back("2026-08", "A", 1, "2026-05")]).await;
    desk.show(&[cost("2026-09", "A", 1, "2026-05", 1_200)]).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-05 A 1200"]);
}

#[tokio::test]
async fn a_correction_of_a_claim_nobody_has_is_a_claim() {
    let desk = Desk::new().await;
    let published = desk.show(&[cost("2026-09", "A", 1, "2026-03", 1_200)]).await;
    assert_eq!(published.superseded, 0);
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-03 A 1200"]);
}

#[tokio::test]
async fn a_claim_is_of_its_month_and_its_kind() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    desk.show(&[cost("2026-09", "A", 1, "2026-07", 1_200)]).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000", "2026-07 A 1200"]);
}

#[tokio::test]
async fn an_old_label_imported_anew_after_a_correction_stays_corrected() {
    let desk = Desk::new().await;
    let old = [
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 1, "2026-06", 2_000),
    ];
    desk.show(&old).await;
    desk.show(&[cost("2026-09", "A", 1, "2026-06", 900)]).await;
    desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 900"]);
    desk.show(&old).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 900", "2026-06 B 2000"]);
}

/// What a label says of claims: their total, or that they are taken back.
type Says = BTreeMap<&'static str, Option<i64>>;

/// What is shown where these labels are published: of each claim what the latest says.
fn model(labels: &BTreeMap<&'static str, Says>, published: &[&str]) -> Vec<String> {
    let mut latest = Says::new();
    for (label, says) in labels {
        if published.contains(label) {
            latest.extend(says);
        }
    }
    let shown = latest.iter().filter_map(|(claim, says)| Some((claim, (*says)?)));
    shown.map(|(claim, total)| format!("2026-04 {claim} {total}")).collect()
}

fn orders<'a>(of: &[&'a str]) -> Vec<Vec<&'a str>> {
    if of.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for first in of {
        let rest: Vec<&str> = of.iter().copied().filter(|other| other != first).collect();
        all.extend(
            orders(&rest)
                .into_iter()
                .map(|order| [&[*first], order.as_slice()].concat()),
        );
    }
    all
}

#[tokio::test]
async fn three_labels_of_one_claim_in_any_order_of_publishing_end_alike() {
    let desk = Desk::new().await;
    let labels: BTreeMap<&'static str, Says> = [
        (
            "2026-06",
            vec![("A", Some(100)), ("B", Some(200)), ("C", Some(300)), ("E", None)],
        ),
        (
            "2026-07",
            vec![("A", None), ("C", Some(310)), ("D", Some(410)), ("E", Some(510))],
        ),
        ("2026-08", vec![("A", Some(120)), ("B", None), ("C", Some(320))]),
    ]
    .into_iter()
    .map(|(label, says)| (label, says.into_iter().collect()))
    .collect();
    let names: Vec<&str> = labels.keys().copied().collect();
    for (label, says) in &labels {
        let rows: Vec<String> = says
            .iter()
            .map(|(claim, says)| match says {
                Some(total) => cost(label, claim, 1, "2026-04", *total),
                None => taken_back(label, claim, 1, "2026-04"),
            })
            .collect();
        desk.load(&rows).await;
    }
    for (published, withdrawn) in orders(&names).iter().zip(orders(&names).iter().rev()) {
        let mut in_force = Vec::new();
        for label in published {
            done(desk.try_publish(Kind::Costs, label, Some(1)).await);
            in_force.push(*label);
            assert_eq!(desk.shown(Kind::Costs).await, model(&labels, &in_force), "{in_force:?}");
        }
        for label in withdrawn {
            desk.withdraw(Kind::Costs, label).await;
            in_force.retain(|other| other != label);
            assert_eq!(desk.shown(Kind::Costs).await, model(&labels, &in_force), "{in_force:?}");
        }
    }
}

#[tokio::test]
async fn published_twice_by_two_people_is_once() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    desk.load(&[cost("2026-08", "A", 1, "2026-06", 1_100)]).await;
    let publish = || desk.try_publish(Kind::Costs, "2026-08", None);
    let (one, other) = tokio::join!(publish(), publish());
    let refused = [&one, &other].map(|outcome| outcome.is_refused(ALREADY_PUBLISHED));
    assert!(refused[0] != refused[1], "{one:?} {other:?}");
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1100"]);
    assert_eq!(desk.test.count("events", "kind = 'statement.published'").await, 2);
}

#[tokio::test]
async fn what_is_not_there_to_be_published_is_refused_by_name() {
    let desk = Desk::new().await;
    let try_it = async |version| desk.try_publish(Kind::Costs, "2026-08", version).await;
    assert!(try_it(None).await.is_refused(NO_DELIVERY));
    let what = (Kind::Costs, month("2026-08"));
    let withdrawn = desk.deliveries.withdraw(desk.tenant(), by(), what).await.unwrap();
    assert!(withdrawn.is_refused(NO_DELIVERY));
    // Version 1 is refused, 2 to 4 are loaded.
    super::refused(desk.import(&[cost("2026-08", "A", 1, "2026-09", 1_000)]).await);
    assert!(try_it(None).await.is_refused(NO_DELIVERY));
    assert!(try_it(Some(1)).await.is_refused(NOT_READY));
    for total in [1_000, 1_100, 1_200] {
        desk.load(&[cost("2026-08", "A", 1, "2026-06", total)]).await;
    }
    assert!(try_it(Some(9)).await.is_refused(NO_DELIVERY));
    assert_eq!(done(try_it(None).await).delivery.version, 4);
    // What is older than the published one is published by its version alone.
    assert!(try_it(None).await.is_refused(ALREADY_PUBLISHED));
    assert!(try_it(Some(4)).await.is_refused(ALREADY_PUBLISHED));
    assert_eq!(done(try_it(Some(2)).await).replaced, Some(4));
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
    // Another insurer's label is none of this one's.
    let other = Desk::new().await;
    assert!(
        other
            .try_publish(Kind::Costs, "2026-08", None)
            .await
            .is_refused(NO_DELIVERY)
    );
}

#[tokio::test]
async fn what_was_purged_is_not_published() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    desk.show(&[cost("2026-08", "A", 1, "2026-06", 1_100)]).await;
    let purge = "UPDATE statement_deliveries SET purged_at = ended_at WHERE state = 'replaced'";
    sql(desk.tenant(), purge).await;
    assert!(
        desk.try_publish(Kind::Costs, "2026-08", Some(1))
            .await
            .is_refused(PURGED)
    );
    desk.withdraw(Kind::Costs, "2026-08").await;
    assert!(
        desk.try_publish(Kind::Costs, "2026-08", None)
            .await
            .is_refused(TAKEN_BACK)
    );
    assert_eq!(
        done(desk.try_publish(Kind::Costs, "2026-08", Some(2)).await)
            .delivery
            .version,
        2
    );
}

/// The jobs of the queue, done by whoever comes: what each is told.
async fn due(desk: &Desk) -> Vec<PublishAt> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        job_id: kernel::JobId,
        #[diesel(sql_type = diesel::sql_types::Binary)]
        payload: Vec<u8>,
    }
    use diesel_async::RunQueryDsl as _;
    let mut tx = desk.test.write(desk.tenant()).await;
    let query = "SELECT job_id, payload FROM jobs WHERE tenant_id = $1 AND queue = 'statement_publish' ORDER BY job_id";
    let rows: Vec<Row> = diesel::sql_query(query)
        .bind::<diesel::sql_types::Integer, _>(desk.tenant())
        .load(&mut *tx)
        .await
        .unwrap();
    let open = |row: Row| {
        let plain = desk
            .test
            .keys
            .open("job", row.job_id.of(desk.tenant()), &row.payload)
            .unwrap();
        serde_json::from_slice(&plain).unwrap()
    };
    rows.into_iter().map(open).collect()
}

#[tokio::test]
async fn publish_at_waits_and_is_forgotten_by_whatever_is_decided_before() {
    let desk = Desk::new().await;
    let at = desk.test.clock.now() + TimeDelta::hours(12);
    let ask = async |version, at| {
        // So that later jobs have later ids.
        desk.test.clock.advance(TimeDelta::seconds(1));
        let what = (Kind::Costs, month("2026-08"), version);
        desk.deliveries.publish_at(desk.tenant(), by(), what, at).await.unwrap()
    };
    let run = async |job: &PublishAt| desk.deliveries.publish_due(desk.tenant(), job.clone()).await.unwrap();
    assert!(ask(None, at).await.is_refused(NO_DELIVERY));
    desk.load(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await;
    assert!(ask(None, desk.test.clock.now()).await.is_refused(PAST));
    assert_eq!(done(ask(None, at).await).publish_at, Some(at));
    assert!(desk.shown(Kind::Costs).await.is_empty());
    // Said anew, the first word counts no more.
    done(ask(None, at + TimeDelta::hours(1)).await);
    let jobs = due(&desk).await;
    assert_eq!(jobs.len(), 2);
    run(&jobs[0]).await;
    assert!(desk.shown(Kind::Costs).await.is_empty());
    run(&jobs[1]).await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
    run(&jobs[1]).await;
    assert_eq!(desk.test.count("events", "kind = 'statement.published'").await, 1);
    let trail = "SELECT concat_ws(' ', actor_kind, channel) AS line FROM audit_events
        WHERE action = 'statements.publish' AND detail ? 'superseded'";
    assert_eq!(desk.test.lines(trail).await, ["system worker"]);
    // Withdrawn before its time, it doesn't come back.
    desk.load(&[cost("2026-08", "A", 1, "2026-06", 1_100)]).await;
    done(ask(None, at).await);
    assert_eq!(desk.withdraw(Kind::Costs, "2026-08").await.delivery.version, 1);
    run(&due(&desk).await[2]).await;
    assert!(desk.shown(Kind::Costs).await.is_empty());
    // What only waits is withdrawn as well.
    done(ask(Some(2), at).await);
    let withdrawn = desk.withdraw(Kind::Costs, "2026-08").await.delivery;
    assert_eq!(
        (withdrawn.version, withdrawn.state, withdrawn.publish_at),
        (2, State::Ready, None)
    );
    run(&due(&desk).await[3]).await;
    assert!(desk.shown(Kind::Costs).await.is_empty());
    assert_eq!(desk.test.count("events", "kind = 'statement.withdrawn'").await, 1);
}

#[tokio::test]
async fn a_delivery_of_more_rows_is_published_by_as_few_as_it_corrects() {
    let desk = Desk::new().await;
    let earlier: Vec<String> = (0..10)
        .map(|nth| cost("2026-07", &format!("C{nth}"), 1, "2026-05", 1_000))
        .collect();
    desk.show(&earlier).await;
    let shared = |label, others: usize| {
        let claims = (0..10)
            .map(|nth| format!("C{nth}"))
            .chain((0..others).map(|nth| format!("{label}-{nth}")));
        let rows: Vec<String> = claims.map(|claim| cost(label, &claim, 1, "2026-05", 1_100)).collect();
        table(COSTS, &rows)
    };
    let allowing = Wish {
        allow_deviation: true,
        ..wish(Kind::Costs)
    };
    for (label, others) in [("2026-08", 0), ("2026-09", 3_000)] {
        loaded(desk.import_as(&shared(label, others), allowing.clone()).await);
        let published = desk.publish(Kind::Costs, label).await;
        // The ten of July, and those of August too.
        assert!(published.superseded <= 20, "{}", published.superseded);
        assert_eq!(
            desk.test.count("shared_claims", "true").await,
            if others == 0 { 20 } else { 30 }
        );
    }
    assert_eq!(desk.shown(Kind::Costs).await.len(), 3_010);
}

#[tokio::test]
async fn the_version_before_is_the_one_that_was_shown_before() {
    let desk = Desk::new().await;
    let publish = async |version| {
        done(desk.try_publish(Kind::Costs, "2026-08", version).await)
            .delivery
            .version
    };
    for total in [1_000, 2_000, 3_000, 4_000] {
        desk.load(&[cost("2026-08", "A", 1, "2026-06", total)]).await;
    }
    // The third is passed over.
    for version in [1, 2, 1, 4] {
        desk.test.clock.advance(TimeDelta::minutes(1));
        publish(Some(version)).await;
    }
    desk.withdraw(Kind::Costs, "2026-08").await;
    assert_eq!(publish(None).await, 1);
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
}
