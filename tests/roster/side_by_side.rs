//! Imports beside each other, broken off, and watched.

use super::{Desk, TARO, file};
use roster::import::{ImportError, ImportRefused, Options, Progress};
use std::{sync::Mutex, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn imports_of_one_insurer_do_not_run_side_by_side() {
    let desk = Desk::new().await;
    let rows: Vec<String> = (0..9_000)
        .map(|n| format!("公立-12,{n},00,ケンポ　タロウ,,19850401,本人,,,,"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let file = file(&rows);
    let (first, second) = tokio::join!(
        desk.try_import(file.as_bytes(), Options::default()),
        desk.try_import(file.as_bytes(), Options::default())
    );
    let (done, refused): (Vec<_>, Vec<_>) = [first, second].into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    assert!(matches!(refused[0], Err(ImportError::Refused(ImportRefused::Running))));
    assert_eq!(desk.count("persons", "true").await, 9_000);
    assert_eq!(desk.journal().await.len(), 1_000);
    assert_eq!(desk.count("roster_staging", "true").await, 0);
    assert_eq!(desk.count("roster_matches", "true").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_dropped_half_way_leaves_nothing_and_the_next_runs() {
    let desk = Desk::new().await;
    let rows: Vec<String> = (0..20_000)
        .map(|n| format!("公立-12,{n},00,ケンポ　タロウ,,19850401,本人,,,,"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let whole = file(&rows);
    for stop_at in ["Reading", "Comparing", "Merging"] {
        let (reached, mut stop) = tokio::sync::mpsc::unbounded_channel();
        let progress = |progress: Progress| {
            if format!("{progress:?}").starts_with(stop_at) {
                let _ = reached.send(());
            }
        };
        loop {
            let running = desk.watched_import(whole.as_bytes(), Options::default(), progress);
            tokio::select! {
                biased;
                _ = stop.recv() => break,
                done = running => match done {
                    // The rollback of the one before runs in the background.
                    Err(ImportError::Refused(ImportRefused::Running)) => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    done => panic!("not stopped: {done:?}"),
                },
            }
        }
        desk.assert_untouched().await;
    }
    for _ in 0..100 {
        match desk.try_import(file(&[TARO]).as_bytes(), Options::default()).await {
            Err(ImportError::Refused(ImportRefused::Running)) => tokio::time::sleep(Duration::from_millis(100)).await,
            done => {
                assert_eq!(done.unwrap().new, 1);
                return;
            }
        }
    }
    panic!("the lock is never given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_in_order() {
    let desk = Desk::new().await;
    let file = file(&[TARO]);
    let seen = Mutex::new(Vec::new());
    let progress = |progress| seen.lock().unwrap().push(progress);
    desk.watched_import(file.as_bytes(), Options::default(), progress)
        .await
        .unwrap();
    let bytes = file.len() as u64;
    let expected = [
        Progress::Reading {
            rows: 1,
            read: tabular::Progress { bytes, of: bytes },
        },
        Progress::Comparing,
        Progress::Merging,
    ];
    assert_eq!(seen.into_inner().unwrap(), expected);
}
