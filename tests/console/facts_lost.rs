//! Days of loss by hand: none has a person forgotten at once, and whose coverage has ended is in nobody's way.

use super::{
    facts::{id_of, jiro, load, mend, mended, said},
    roster::{compared, file},
};
use crate::portal::says;
use access::Role;
use chrono::{Days, NaiveDate, TimeDelta};
use kernel::{PersonId, calendar};
use testkit::{TestApp, TestClerk};

const SHOKO: &str = "100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,,,,A01";
const HANAKO: &str = "100,106,00,ケンポ　ハナコ,健保　花子,19900401,本人,,,,A01";
const FORGOTTEN: &str = "この方の内容がすぐに消えてしまいます";

async fn two() -> (TestApp, TestClerk, PersonId) {
    let app = TestApp::start().await;
    load(&app, &[SHOKO, HANAKO]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let shoko = id_of(&app, "105", "00").await;
    (app, clerk, shoko)
}

fn today(app: &TestApp) -> NaiveDate {
    calendar::today_in_japan(app.clock().now())
}

/// Whom the next sweep empties.
async fn forgotten(app: &TestApp) -> Vec<PersonId> {
    let now = app.clock().now();
    let mut tx = app.write(app.tenant()).await;
    let lost_before = roster::forget::lost_before(now, app.ground.person_kept);
    let people = roster::forget::empty(&mut tx, now, lost_before, 10).await.unwrap();
    tx.commit().await.unwrap();
    people
}

// security.md 58
#[tokio::test]
async fn a_day_of_loss_by_hand_that_would_have_somebody_forgotten_at_once_is_refused() {
    let (app, clerk, shoko) = two().await;
    let kept_from = roster::forget::lost_before(app.clock().now(), app.ground.person_kept);
    let too_early = kept_from.pred_opt().unwrap().to_string();
    for day in ["1926-01-01", "大正15年1月1日", &too_early] {
        let (difference, written) = mend(&clerk, shoko, &[("lost_on", day)]).await;
        says(&difference, 422, FORGOTTEN);
        says(&written, 422, FORGOTTEN);
        for step in ["/console/members/new", "/console/members/add"] {
            says(
                &clerk.post(step, &jiro("900", &[("lost_on", day)])).await,
                422,
                FORGOTTEN,
            );
        }
    }
    assert_eq!(said(&app, shoko, "lost_on").await, "");
    mended(&clerk, shoko, &[("lost_on", &kept_from.to_string())]).await;
    assert!(forgotten(&app).await.is_empty());
    // Whose time has come is mended still, and goes.
    app.insurer.clock.advance(TimeDelta::days(1));
    let clerk = app.in_another_browser(&clerk).await;
    mended(&clerk, shoko, &[("name", "健保　幸子")]).await;
    assert_eq!(forgotten(&app).await, [shoko]);
}

// security.md 58
#[tokio::test]
async fn a_file_by_which_somebody_in_the_roster_would_be_forgotten_at_once_is_refused_by_its_line() {
    let (app, clerk, _) = two().await;
    let row = |lost: &str| format!("100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,{lost}");
    let other = "100,106,00,ケンポ　ハナコ,健保　花子,19900401,本人,";
    let whole = file(&[other, &row("19260101")]);
    let delta = super::deltas::delta(&[(&row("19260101"), "喪失")]);
    for (file, line) in [(whole, "3行目"), (delta, "2行目")] {
        let run = compared(&app, &clerk, file.as_bytes()).await;
        let page = clerk.get(&run).await;
        says(&page, 200, FORGOTTEN);
        says(&page, 200, line);
        app.later(1);
    }
    assert_eq!(app.insurer.count("persons", "lost_on IS NOT NULL").await, 0);
    assert!(forgotten(&app).await.is_empty());
}

// security.md 58
#[tokio::test]
async fn an_undoing_leaves_whom_it_would_have_forgotten_at_once_and_names_them() {
    let (app, clerk, shoko) = two().await;
    let kept_from = roster::forget::lost_before(app.clock().now(), app.ground.person_kept);
    mended(&clerk, shoko, &[("lost_on", &kept_from.to_string())]).await;
    // The file knows no loss, and by now says so.
    load(&app, &[&SHOKO.replace("本人,", "本人,20261101"), HANAKO]).await;
    app.insurer.clock.advance(TimeDelta::days(1));
    let clerk = app.in_another_browser(&clerk).await;
    let run = super::undo::last_run(&app).await;
    let begun = super::undo::undo(&clerk, &run).await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    app.work().await;
    says(&clerk.get(begun.location()).await, 200, "1人は戻しませんでした");
    assert_eq!(said(&app, shoko, "lost_on").await, "2026-11-01");
    assert!(forgotten(&app).await.is_empty());
}

#[tokio::test]
async fn the_number_of_whom_staff_have_lost_is_free_from_the_day_of_loss() {
    let (app, clerk, shoko) = two().await;
    let new = jiro("105", &[("birth_date", "1970-02-03")]);
    let tomorrow = today(&app) + Days::new(1);
    mended(&clerk, shoko, &[("lost_on", &tomorrow.to_string())]).await;
    for step in ["/console/members/new", "/console/members/add"] {
        says(&clerk.post(step, &new).await, 422, "もう名簿にいます");
    }
    app.insurer.clock.advance(TimeDelta::days(1));
    let clerk = app.in_another_browser(&clerk).await;
    assert_eq!(clerk.post("/console/members/add", &new).await.status, 303);
    let of_number = "SELECT person_id::text AS line FROM persons WHERE number = '105' AND present";
    let holders = app.insurer.lines(of_number).await;
    assert_eq!(holders.len(), 1);
    assert_ne!(holders[0], shoko.to_string());
    // Back under it she can't be, nor be added beside herself.
    let (_, written) = mend(&clerk, shoko, &[("lost_on", "")]).await;
    says(&written, 422, "もう名簿にいます");
    let same = [
        ("kana_name", "ケンポ　ショウコ"),
        ("branch", ""),
        ("birth_date", "1985-04-01"),
    ];
    let again = clerk.post("/console/members/add", &jiro("105", &same)).await;
    says(&again, 422, "資格喪失日を空にすると");
    // A file that has not heard of either is taken: what staff have set holds.
    for _ in 0..2 {
        let report = load(&app, &[SHOKO, HANAKO]).await;
        assert_eq!((report.new, report.changed, report.returned, report.lost), (0, 0, 0, 0));
        assert_eq!(app.insurer.lines(of_number).await, holders);
    }
    // Of whom is covered no number is free.
    let taken = clerk.post("/console/members/add", &jiro("106", &[])).await;
    says(&taken, 422, "もう名簿にいます");
}

#[tokio::test]
async fn a_number_is_given_to_whom_staff_mend_once_its_holders_coverage_has_ended() {
    let (app, clerk, shoko) = two().await;
    let hanako = id_of(&app, "106", "00").await;
    let (_, refused) = mend(&clerk, hanako, &[("number", "105")]).await;
    says(&refused, 422, "もう名簿にいます");
    mended(&clerk, shoko, &[("lost_on", &today(&app).to_string())]).await;
    mended(&clerk, hanako, &[("number", "105")]).await;
    assert_eq!(said(&app, hanako, "number || present").await, "105true");
    assert_eq!(said(&app, shoko, "number || present").await, "105false");
}
