#![expect(clippy::disallowed_methods, reason = "each task is joined, and its panic heard")]

use super::*;

const CHEAP: (u32, u32, u32) = (64, 1, 1);
const NO: Verdict = Verdict {
    matches: false,
    rehash: false,
};

const HERE: Origin = Origin {
    address: None,
    request_id: None,
    channel: audit::Channel::Worker,
};

const OWNER: Owner = Owner {
    tenant: kernel::TenantId(7),
    id: uuid::Uuid::from_u128(1),
};

async fn stored(hasher: &Hasher) -> Stored {
    let hash = hasher.hash(&HERE, OWNER, Password::typed("Kenpo#24")).await.unwrap();
    Stored { hash, owner: OWNER }
}

fn keys(current: &str) -> Keys {
    Keys::new(current, [("a".to_owned(), [1; 32]), ("b".to_owned(), [2; 32])]).unwrap()
}

fn cheap(keys: &Keys) -> Hasher {
    with_cost(keys, HashConfig { threads: 1, queue: 4 }, CHEAP)
}

fn with_cost(keys: &Keys, config: HashConfig, cost: (u32, u32, u32)) -> Hasher {
    Hasher::with(keys, config, cost, QUIET)
}

#[tokio::test]
async fn only_the_same_password_matches() {
    let hasher = cheap(&keys("a"));
    let stored = stored(&hasher).await;
    let verdict = async |typed: &str| {
        hasher
            .verify(&HERE, Password::typed(typed), Some(stored.clone()))
            .await
            .unwrap()
    };
    assert_eq!(
        verdict("Kenpo#24").await,
        Verdict {
            matches: true,
            rehash: false
        }
    );
    assert_eq!(
        verdict("Ｋｅｎｐｏ＃２４").await,
        Verdict {
            matches: true,
            rehash: false
        }
    );
    for wrong in ["kenpo#24", "Kenpo#24 ", "", &"x".repeat(9000)] {
        assert_eq!(verdict(wrong).await, NO, "{wrong}");
    }
}

// security.md 27
#[tokio::test]
async fn nobody_an_empty_and_an_endless_password_cost_one_hash_each() {
    let hasher = cheap(&keys("a"));
    let stored = stored(&hasher).await;
    let endless = "x".repeat(100_000);
    for (typed, stored) in [
        ("Kenpo#24", None),
        ("", Some(stored.clone())),
        (&endless, Some(stored.clone())),
        (&endless, None),
        ("Kenpo#24", Some(stored)),
    ] {
        let before = hasher.hashes();
        let _ = hasher.verify(&HERE, Password::typed(typed), stored).await.unwrap();
        assert_eq!(hasher.hashes() - before, 1);
    }
}

// security.md 24
#[test]
fn the_cost_is_no_less_than_the_least_that_is_advised() {
    let (memory, passes, lanes) = HASH_COST;
    assert!(memory >= 19_456 && passes >= 2 && lanes >= 1, "{HASH_COST:?}");
    let hasher = Hasher::new(&keys("a"), HashConfig { threads: 1, queue: 1 });
    let params = &hasher.shared.params;
    assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), HASH_COST);
}

// security.md 24, 25
#[tokio::test]
async fn raised_parameters_or_a_new_pepper_ask_for_a_new_hash() {
    let stored = stored(&cheap(&keys("a"))).await;
    let asks = async |hasher: Hasher| {
        let verdict = hasher
            .verify(&HERE, Password::typed("Kenpo#24"), Some(stored.clone()))
            .await
            .unwrap();
        assert!(verdict.matches);
        let wrong = hasher
            .verify(&HERE, Password::typed("Kenpo#25"), Some(stored.clone()))
            .await
            .unwrap();
        assert_eq!(wrong, NO);
        verdict.rehash
    };
    assert!(!asks(cheap(&keys("a"))).await);
    assert!(asks(cheap(&keys("b"))).await);
    assert!(asks(with_cost(&keys("a"), HashConfig { threads: 1, queue: 4 }, (128, 1, 1))).await);
    let lost = Keys::new("b", [("b".to_owned(), [2; 32])]).unwrap();
    let unknown = cheap(&lost)
        .verify(&HERE, Password::typed("Kenpo#24"), Some(stored))
        .await;
    assert_eq!(unknown, Err(HashError::Key(KeyError::Missing("a".into()))));
}

// security.md 26
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_queue_the_answer_is_busy_at_once_and_the_rest_is_served() {
    let hasher = with_cost(&keys("a"), HashConfig { threads: 1, queue: 3 }, (19_456, 2, 1));
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let hasher = hasher.clone();
        waiting.push(tokio::spawn(async move {
            hasher.verify(&HERE, Password::typed("x"), None).await
        }));
    }
    let mut served = 0;
    for task in waiting {
        served += usize::from(task.await.unwrap().is_ok());
    }
    assert!((3..=8).contains(&served), "{served}");
    assert_eq!(hasher.hashes(), served as u64);
    assert!(hasher.verify(&HERE, Password::typed("x"), None).await.is_ok());
}

#[tokio::test]
async fn who_gave_up_waiting_costs_no_hash_and_no_place() {
    let hasher = with_cost(&keys("a"), HashConfig { threads: 1, queue: 1 }, (19_456, 2, 1));
    let busy = hasher.clone();
    let first = tokio::spawn(async move { busy.verify(&HERE, Password::typed("x"), None).await });
    tokio::time::sleep(Duration::from_millis(5)).await;
    {
        let mut gone = std::pin::pin!(hasher.verify(&HERE, Password::typed("x"), None));
        // Polled once, so it is in line; then dropped.
        tokio::select! { biased; _ = &mut gone => {}, () = std::future::ready(()) => {} }
    }
    assert!(hasher.verify(&HERE, Password::typed("x"), None).await.is_ok());
    assert!(first.await.unwrap().is_ok());
    assert!(hasher.hashes() <= 3);
}

#[tokio::test]
async fn who_holds_a_place_is_served_and_a_place_given_up_is_free() {
    let hasher = with_cost(&keys("a"), HashConfig { threads: 1, queue: 2 }, CHEAP);
    let (first, second) = (hasher.place(&HERE).unwrap(), hasher.place(&HERE).unwrap());
    assert!(hasher.place(&HERE).is_err() && hasher.verify(&HERE, Password::typed("x"), None).await.is_err());
    assert!(hasher.verify_at(first, Password::typed("x"), None).await.is_ok());
    let third = hasher.place(&HERE).unwrap();
    assert!(hasher.place(&HERE).is_err());
    drop((second, third));
    assert!(hasher.place(&HERE).is_ok() && hasher.hashes() == 1);
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_no_thread() {
    let hasher = cheap(&keys("a"));
    for _ in 0..3 {
        let place = hasher.place(&HERE).unwrap();
        let broken = hasher.ask(place, |_| -> bool { panic!("a test") }).await;
        assert_eq!(broken, Err(HashError::Lost));
    }
    let stored = stored(&hasher).await;
    let verdict = hasher.verify(&HERE, Password::typed("Kenpo#24"), Some(stored)).await;
    assert!(verdict.unwrap().matches);
    assert_eq!(hasher.shared.state().threads, 1);
}

#[tokio::test]
async fn threads_start_with_the_work_there_is_and_no_more_than_are_allowed() {
    let hasher = with_cost(&keys("a"), HashConfig { threads: 2, queue: 9 }, CHEAP);
    assert_eq!(hasher.shared.state().threads, 0);
    assert!(hasher.hash(&HERE, OWNER, Password::typed("x")).await.is_ok());
    assert_eq!(hasher.shared.state().threads, 1);
    let hashes = (0..9).map(|_| hasher.hash(&HERE, OWNER, Password::typed("x")));
    assert!(futures_util::future::join_all(hashes).await.iter().all(Result::is_ok));
    assert_eq!(hasher.shared.state().threads, 2);
}

#[tokio::test]
async fn threads_end_in_quiet_and_start_anew_with_work() {
    let quiet = [Duration::from_millis(20), Duration::from_millis(10)];
    let hasher = Hasher::with(&keys("a"), HashConfig { threads: 2, queue: 9 }, CHEAP, quiet);
    for _ in 0..3 {
        assert!(hasher.hash(&HERE, OWNER, Password::typed("x")).await.is_ok());
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(hasher.shared.state().threads, 0);
    }
}

#[tokio::test]
async fn the_threads_end_with_the_last_hasher() {
    let hasher = cheap(&keys("a"));
    let shared = Arc::downgrade(&hasher.shared);
    drop(hasher.clone());
    assert!(hasher.hash(&HERE, OWNER, Password::typed("x")).await.is_ok());
    drop(hasher);
    for _ in 0..200 {
        if shared.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a thread still holds the queue");
}
