//! Loads under way: beside each other, one after the other, taken over and broken off.

use super::{Desk, cost, costs, loaded, medicine, medicines, refused, source, wish};
use futures_util::future::join_all;
use kernel::Keys;
use statements::{
    Kind,
    delivery::State,
    import::{ImportError, Imported},
    purge,
    reasons::ImportRefused,
};
use std::{
    io::{self, Cursor, Read},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};
use tabular::{Opened, Source};
use testkit::{TestPerson, sql};
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

/// What comes behind a gate: whoever reads it waits until somebody opens.
struct Gate {
    reached: Option<oneshot::Sender<()>>,
    opened: mpsc::Receiver<()>,
    behind: Cursor<Vec<u8>>,
}

impl Read for Gate {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(reached) = self.reached.take() {
            reached.send(()).ok();
            // Also once whoever would open is gone.
            self.opened.recv().ok();
        }
        self.behind.read(buffer)
    }
}

/// An import that stands still in the middle of its load.
pub(super) struct Stopped {
    importing: JoinHandle<Result<Imported, ImportError>>,
    open: mpsc::Sender<()>,
}

impl Stopped {
    pub(super) async fn go_on(self) -> Result<Imported, ImportError> {
        self.open.send(()).unwrap();
        self.importing.await.unwrap()
    }

    /// As a killed process leaves it.
    async fn kill(self) {
        self.importing.abort();
        self.importing.await.unwrap_err();
    }
}

/// Imports a file, and stops once the load has read so many bytes of it.
async fn stopped(desk: &Desk, kind: Kind, file: String, at: usize) -> Stopped {
    let (reached, has_reached) = oneshot::channel();
    let (open, opened) = mpsc::channel();
    let (ahead, behind) = file.as_bytes().split_at(at);
    let gated = Cursor::new(ahead.to_vec()).chain(Gate {
        reached: Some(reached),
        opened,
        behind: Cursor::new(behind.to_vec()),
    });
    let gated = Mutex::new(Some(gated));
    let (deliveries, insurer) = (desk.deliveries.clone(), desk.insurer().await);
    let calls = AtomicUsize::new(0);
    let importing = tokio::spawn(async move {
        let open = || {
            if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                return source(&file);
            }
            let (gated, of) = (gated.lock().unwrap().take().unwrap(), file.len() as u64);
            Source::new("costs.csv", move || {
                let stream = Box::new(gated);
                Ok(Opened { stream, of })
            })
        };
        deliveries.import(&insurer, open, wish(kind), |_| ()).await
    });
    has_reached.await.unwrap();
    Stopped { importing, open }
}

/// Twelve thousand rows: two thousand more than are committed at once.
pub(super) fn long() -> String {
    let rows: Vec<String> = (0..12_000)
        .map(|nth| cost("2026-08", &format!("L{nth}"), nth % 3 + 1, "2026-06", 1_000))
        .collect();
    costs(&rows)
}

/// Stops a long load once its first ten thousand rows are committed.
pub(super) async fn stopped_halfway(desk: &Desk) -> Stopped {
    let file = long();
    let at = file.len() - 1_000;
    let stopped = stopped(desk, Kind::Costs, file, at).await;
    while desk.count("cost_rows").await < 10_000 {
        sleep(Duration::from_millis(20)).await;
    }
    stopped
}

async fn let_lease_lapse(desk: &Desk) {
    let lapse = "UPDATE statement_deliveries SET leased_until = clock_timestamp() WHERE state = 'loading'";
    sql(desk.tenant(), lapse).await;
}

async fn sweep(desk: &Desk) {
    let keys: &Keys = &desk.test.keys;
    loop {
        let mut tx = desk.test.write(desk.tenant()).await;
        let swept = purge::sweep(&mut tx, keys, 24, desk.test.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        if swept == 0 {
            return;
        }
    }
}

#[tokio::test]
async fn a_file_that_changed_between_check_and_load_leaves_nothing() {
    let desk = Desk::new().await;
    let files = [1_000, 2_000].map(|yen| costs(&[cost("2026-08", "A", 1, "2026-06", yen)]));
    let calls = AtomicUsize::new(0);
    let open = || source(&files[calls.fetch_add(1, Ordering::Relaxed)]);
    let why = refused(desk.import_from(open, wish(Kind::Costs)).await);
    assert!(matches!(why, ImportRefused::Changed), "{why:?}");
    let heads = desk.list().await;
    assert_eq!((heads.len(), heads[0].state), (1, State::Refused));
    assert!(!heads[0].may_be_published());
    let trail = desk
        .test
        .lines("SELECT outcome AS line FROM audit_events WHERE action = 'statements.import'")
        .await;
    assert_eq!(trail, ["changed"]);
    assert_eq!(desk.test.count("events", "kind LIKE 'statement.%'").await, 0);
    sweep(&desk).await;
    assert_eq!(desk.count("cost_rows").await, 0);
    assert_eq!(desk.load(&[cost("2026-08", "A", 1, "2026-06", 2_000)]).await.version, 2);
}

#[tokio::test]
async fn one_load_at_a_time_per_kind_and_both_kinds_side_by_side() {
    let desk = Desk::new().await;
    let file = costs(&[cost("2026-08", "A", 1, "2026-06", 1_000)]);
    let first = stopped(&desk, Kind::Costs, file, 0).await;
    let second = [cost("2026-07", "B", 2, "2026-05", 1_000)];
    let why = refused(desk.import(&second).await);
    assert!(matches!(why, ImportRefused::AtWork), "{why:?}");
    let beside = loaded(
        desk.medicines(&[medicine("2026-08", "A", 1, "2026-06", 620_000_001)])
            .await,
    );
    assert_eq!(beside.delivery.0, 2);
    assert_eq!(loaded(first.go_on().await).rows, 1);
    assert_eq!(loaded(desk.import(&second).await).delivery.0, 3);
}

#[tokio::test]
async fn a_load_that_lost_its_lease_writes_nothing_more() {
    let desk = Desk::new().await;
    let first = stopped_halfway(&desk).await;
    let_lease_lapse(&desk).await;
    let second = loaded(desk.import(&[cost("2026-08", "A", 1, "2026-06", 1_000)]).await);
    assert_eq!((second.version, second.state), (2, State::Ready));
    let why = refused(first.go_on().await);
    assert!(matches!(why, ImportRefused::TakenOver), "{why:?}");
    assert_eq!(desk.count("cost_rows").await, 10_001);
    let states: Vec<State> = desk.list().await.iter().map(|head| head.state).collect();
    assert_eq!(states, [State::Ready, State::Refused]);
    desk.publish(Kind::Costs, "2026-08").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1000"]);
}

#[tokio::test]
async fn a_load_that_died_is_given_up_by_the_next_once_its_lease_has_lapsed() {
    let desk = Desk::new().await;
    stopped_halfway(&desk).await.kill().await;
    let rows = [cost("2026-08", "A", 1, "2026-06", 1_000)];
    let why = refused(desk.import(&rows).await);
    assert!(matches!(why, ImportRefused::AtWork), "{why:?}");
    let_lease_lapse(&desk).await;
    assert_eq!(loaded(desk.import(&rows).await).version, 2);
    let heads = desk.list().await;
    assert_eq!(heads[1].state, State::Refused);
    assert!(heads[1].purged_at.is_some());
    sweep(&desk).await;
    assert_eq!(desk.count("cost_rows").await, 1);
}

#[tokio::test]
async fn imports_of_one_file_at_once_show_it_once() {
    let desk = Desk::new().await;
    let rows = [
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "", 2, "2026-06", 2_000),
    ];
    let mut versions = Vec::new();
    for imported in join_all((0..4).map(|_| desk.import(&rows))).await {
        match imported {
            Ok(Imported::Loaded { delivery, .. }) => versions.push(delivery.version),
            Err(ImportError::Refused(ImportRefused::AtWork)) => {}
            other => panic!("{other:?}"),
        }
    }
    versions.sort_unstable();
    let expected: Vec<i32> = (1..).take(versions.len().max(1)).collect();
    assert_eq!(versions, expected);
    assert_eq!(desk.count("cost_rows").await, 2 * versions.len());
    desk.publish(Kind::Costs, "2026-08").await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06  2000", "2026-06 A 1000"]);
}

#[tokio::test]
async fn a_label_of_august_loaded_after_september_counts_as_august() {
    let desk = Desk::new().await;
    desk.show(&[cost("2026-09", "A", 1, "2026-06", 1_500)]).await;
    desk.show(&[
        cost("2026-08", "A", 1, "2026-06", 1_000),
        cost("2026-08", "B", 1, "2026-06", 2_000),
    ])
    .await;
    assert_eq!(desk.shown(Kind::Costs).await, ["2026-06 A 1500", "2026-06 B 2000"]);
}

#[tokio::test]
async fn insurers_load_at_the_same_time() {
    let (one, other) = (Desk::new().await, Desk::new().await);
    let file = costs(&[cost("2026-08", "A", 1, "2026-06", 1_000)]);
    let (first, second) = (
        stopped(&one, Kind::Costs, file.clone(), 0).await,
        stopped(&other, Kind::Costs, file, 0).await,
    );
    let (first, second) = (loaded(first.go_on().await), loaded(second.go_on().await));
    assert_eq!((first.delivery.0, second.delivery.0), (1, 1));
    one.publish(Kind::Costs, "2026-08").await;
    assert_eq!(one.shown(Kind::Costs).await, ["2026-06 A 1000"]);
    assert!(other.shown(Kind::Costs).await.is_empty());
}

#[tokio::test]
async fn who_is_forgotten_while_a_load_runs_leaves_no_row() {
    let desk = Desk::new().await;
    let load = stopped_halfway(&desk).await;
    // As an import says it.
    let long_ago = "UPDATE persons SET lost_on = '2010-01-01' WHERE number_key = '1'";
    sql(desk.tenant(), long_ago).await;
    sql(desk.tenant(), "UPDATE roster_heads SET position = position + 1").await;
    let mut tx = desk.test.write(desk.tenant()).await;
    let before = "2015-01-01".parse().unwrap();
    let people = roster::forget::empty(&mut tx, desk.test.clock.now(), before, 10)
        .await
        .unwrap();
    purge::forget(&mut tx, &people, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let theirs = format!("person_id = '{}'", people[0].0);
    assert_eq!(desk.test.count("cost_rows", &theirs).await, 0);
    // As of a chunk that had asked the roster before, and is committed behind it.
    let behind = format!(
        "INSERT INTO cost_rows SELECT tenant_id, month, delivery, 900000 + line, '{0}', '{0}', claim_key, category, days, institution,
            total_yen, insurer_yen, public_yen, copay_yen, meal_yen, benefit_yen, withdrawn, superseded_by
         FROM cost_rows WHERE line < 100",
        people[0].0
    );
    sql(desk.tenant(), &behind).await;
    assert!(desk.test.count("cost_rows", &theirs).await > 0);
    let delivery = loaded(load.go_on().await);
    assert_eq!(desk.test.count("cost_rows", &theirs).await, 0);
    assert_eq!(delivery.persons, 2);
    // What was read later waits: they are nobody by now.
    assert!(delivery.held > 0 && delivery.held < 1_000, "{}", delivery.held);
}

#[tokio::test]
async fn a_roster_imported_between_check_and_load_is_what_counts() {
    let desk = Desk::new().await;
    let rows = (0..100).map(|nth| {
        let number = if nth == 0 { 9 } else { nth % 3 + 1 };
        cost("2026-08", &format!("L{nth}"), number, "2026-06", 1_000)
    });
    // It is looked at, and nothing of it is loaded.
    let load = stopped(&desk, Kind::Costs, costs(&rows.collect::<Vec<String>>()), 0).await;
    desk.roster(&[TestPerson::new(9)]).await;
    let delivery = loaded(load.go_on().await);
    assert_eq!((delivery.rows, delivery.held, delivery.persons), (100, 0, 4));
    assert_eq!(desk.count("held_rows").await, 0);
}

#[tokio::test]
async fn a_roster_imported_while_a_load_runs_counts_for_the_rows_to_come() {
    let desk = Desk::new().await;
    let rows = (0..12_000).map(|nth| {
        let number = if nth % 100 == 0 { 9 } else { nth % 3 + 1 };
        cost("2026-08", &format!("L{nth}"), number, "2026-06", 1_000)
    });
    let file = costs(&rows.collect::<Vec<String>>());
    let at = file.len() - 1_000;
    let load = stopped(&desk, Kind::Costs, file, at).await;
    while desk.count("held_rows").await < 100 {
        sleep(Duration::from_millis(20)).await;
    }
    desk.roster(&[TestPerson::new(9)]).await;
    let delivery = loaded(load.go_on().await);
    // Of the first ten thousand rows they wait, of the others they are found.
    assert_eq!((delivery.rows, delivery.held, delivery.persons), (12_000, 100, 4));
    assert_eq!(desk.seek().await, 100);
    assert_eq!(desk.count("cost_rows").await, 12_000);
}

#[tokio::test]
async fn a_long_file_is_loaded_to_its_last_row() {
    let desk = Desk::new().await;
    let delivery = loaded(desk.import_as(&long(), wish(Kind::Costs)).await);
    assert_eq!((delivery.rows, delivery.persons), (12_000, 3));
    assert_eq!(desk.count("cost_rows").await, 12_000);
    let last = desk.test.lines("SELECT max(line)::text AS line FROM cost_rows").await;
    assert_eq!(last, ["12001"]);
    let medicines = medicines(&[medicine("2026-08", "L0", 1, "2026-06", 620_000_001)]);
    loaded(desk.import_as(&medicines, wish(Kind::Medicines)).await);
}
