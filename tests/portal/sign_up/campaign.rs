//! The campaign day: an employer's people behind three addresses sign up for two hours, a neighbour of theirs guesses, and
//! so does a stranger with a thousand addresses. The clock is moved; the use cases are the public ones.

use accounts::{BirthForm, IdentityForm, LogInForm, reasons};
use audit::{Channel, Origin};
use futures_util::future::join_all;
use kernel::Outcome;
use std::collections::BTreeMap;
use tenancy::SharedNetwork;
use testkit::{TestApp, TestPerson};

/// Each of the three addresses counts for itself, so one stands for all, with a third of 2 sign-ups a second: all three
/// would take this test three times as long and show nothing more.
const ADDRESS: &str = "198.51.100.1";
const TICK: i64 = 15;
const TICKS: usize = 2 * 3600 / 15;
const SIGN_UPS: usize = 10;
const NEIGHBOURS_GUESSES: usize = 4;

fn from(address: &str) -> Origin {
    Origin {
        address: Some(address.parse().unwrap()),
        request_id: None,
        channel: Channel::Portal,
    }
}

/// One of a thousand.
fn strange(nth: usize) -> Origin {
    from(&format!("10.9.{}.{}", nth / 250 % 4, nth % 250 + 1))
}

fn employee(nth: usize) -> TestPerson {
    TestPerson {
        symbol: "200".into(),
        birth_date: format!("19{}-{:02}-{:02}", 50 + nth % 40, 1 + nth % 12, 1 + nth % 28),
        ..TestPerson::new(u32::try_from(nth).unwrap() + 1)
    }
}

fn typed(app: &TestApp, person: &TestPerson) -> IdentityForm {
    IdentityForm {
        insurer_code: app.insurer.code.as_str().into(),
        symbol: person.symbol.clone(),
        number: person.number.clone(),
        birth: BirthForm::Iso(person.birth_date.clone()),
        kana_name: person.kana_name.clone(),
        employee_number: None,
    }
}

/// What somebody types until it is right: 11 % mistype the name or, some of them, the number, which is another's.
async fn sign_up(app: &TestApp, nth: usize) -> Vec<&'static str> {
    let (person, origin) = (employee(nth), from(ADDRESS));
    let mistyped = match nth % 100 {
        0..2 => TestPerson {
            number: (nth + 2).to_string(),
            ..person.clone()
        },
        _ => TestPerson {
            kana_name: "チガウ　ナマエ".into(),
            ..person.clone()
        },
    };
    let mistakes = usize::from(nth % 100 < 11) + usize::from(nth % 10_000 < 121);
    let tries = std::iter::repeat_n(&mistyped, mistakes).chain([&person]);
    let mut answers = Vec::new();
    for form in tries {
        answers.push(look(app, &origin, form).await);
    }
    answers
}

async fn look(app: &TestApp, origin: &Origin, person: &TestPerson) -> &'static str {
    match app.accounts.identify(origin, &typed(app, person)).await.unwrap() {
        Outcome::Done(_) => "done",
        Outcome::Refused(refusal) => refusal.code(),
    }
}

// security.md 1, 3, 28, 67
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_kept_out_by_others_and_a_thousand_addresses_gain_nothing() {
    let share = |folder: &mut tenancy::Folder| {
        folder.settings.networks = vec![SharedNetwork {
            cidr: "198.51.100.0/30".parse().unwrap(),
            factor: 10,
        }];
    };
    // The delay of an alarm is real time, and refuses nobody.
    let quick = |config: &mut madoguchi::config::Config| config.limits.identity_alarm_delay = 0;
    let app = TestApp::with("32290413", share, quick).await;
    let victim = app.sign_up().await;
    let target = TestPerson::new(700_000);
    let mut people: Vec<TestPerson> = (0..SIGN_UPS * TICKS).map(employee).collect();
    people.extend([app.person.clone(), target.clone()]);
    app.insurer.import(&people).await;

    let mut crowd: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut neighbour, mut identities, mut passwords) = (0, 0, 0);
    for tick in 0..TICKS {
        for answers in join_all((0..SIGN_UPS).map(|nth| sign_up(&app, tick * SIGN_UPS + nth))).await {
            let (last, mistakes) = answers.split_last().unwrap();
            assert!(
                mistakes.iter().all(|answer| *answer == "not_matched"),
                "{tick}: {mistakes:?}"
            );
            *crowd.entry(last).or_default() += 1;
        }
        for nth in 0..NEIGHBOURS_GUESSES {
            let number = 800_000 + tick * NEIGHBOURS_GUESSES + nth;
            let guess = TestPerson::new(u32::try_from(number).unwrap());
            neighbour += usize::from(look(&app, &from(ADDRESS), &guess).await == "not_matched");
        }
        // The stranger tries every birthday of one person, and passwords for one user ID.
        for nth in 0..3 {
            let guess = TestPerson {
                birth_date: format!("1985-{:02}-{:02}", 5 + tick % 8, 1 + tick % 28),
                ..target.clone()
            };
            identities += usize::from(look(&app, &strange(tick * 3 + nth), &guess).await == "not_matched");
        }
        let guess = LogInForm {
            user_id: victim.user_id.clone(),
            password: format!("guess&{tick}"),
            device: None,
        };
        let answer = app.accounts.log_in(&strange(tick), "", guess).await.unwrap();
        passwords += usize::from(answer.is_refused(reasons::LOG_IN_FAILED));
        app.later(TICK);
    }
    // Everybody came through at once, though the neighbour failed more often than a whole network otherwise may.
    assert_eq!(crowd, BTreeMap::from([("done", SIGN_UPS * TICKS)]));
    assert_eq!(neighbour, NEIGHBOURS_GUESSES * TICKS);
    assert!(neighbour > 8 * 200, "{neighbour} in eight windows");
    // Five, five after a quarter of an hour, five after an hour: what one address would have had.
    assert_eq!(identities, 15);
    assert_eq!(passwords, 100);
}
