//! Who decides on what a program sent: the program on its dry runs, the staff on what a guard holds up.

use super::{BOTH, PATH, act, path, sent, worked};
use crate::{
    api::{problem, programs::Caller},
    console::roster::{HANAKO, SHOKO, compared, file, present, press},
    portal::says,
};
use access::{Role, scope::IMPORTS_READ};
use serde_json::json;
use tenancy::ApprovalAction;
use testkit::TestApp;

#[tokio::test]
async fn what_a_program_only_had_compared_is_nobodys_to_import_but_its_own() {
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &BOTH).await, app.clerk(&[Role::Eligibility]).await);
    let begun = sent(&caller, "?dry_run=true", &file(&[SHOKO, HANAKO])).await;
    app.work().await;
    app.later(1);
    let page = format!("/console/roster/runs/{}", begun.json()["id"].as_str().unwrap());
    let told = clerk.get(&page).await;
    says(&told, 200, "試し（連携先の確認待ち）");
    assert!(!told.text.contains("この内容で取り込む"), "{}", told.text);
    let listed = clerk.get("/console/roster").await;
    says(&listed, 200, "試し（連携先の確認待ち）");
    // What it would do stands in the history already.
    says(&listed, 200, "新規1、変更");
    assert!(!clerk.get("/console/").await.text.contains("連携先から届いた名簿の確認"));
    let refused = clerk.post(&format!("{page}/start"), &[("agree", "1")]).await;
    says(&refused, 409, "連携先が試しに送ったものです");
    assert_eq!(present(&app).await, 1);
    assert_eq!(act(&caller, &path(&begun), "confirm").await.status, 200);
    let done = worked(&app, &caller, &begun).await;
    assert_eq!(
        (&done["state"], &done["is_own"], &done["dry_run"], present(&app).await),
        (&json!("finished"), &json!(true), &json!(false), 2)
    );
}

#[tokio::test]
async fn a_dry_run_that_its_program_may_not_import_is_left_to_the_staff_once_it_confirms() {
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &BOTH).await, app.clerk(&[Role::Eligibility]).await);
    let begun = sent(&caller, "?dry_run=true", &file(&[HANAKO])).await;
    assert_eq!(worked(&app, &caller, &begun).await["dry_run"], true);
    let page = format!("/console/roster/runs/{}", begun.json()["id"].as_str().unwrap());
    let started = clerk.post(&format!("{page}/start"), &[]).await;
    says(&started, 409, "連携先が試しに送ったものです");
    for _ in 0..2 {
        problem(
            &act(&caller, &path(&begun), "confirm").await,
            422,
            "roster_loss_not_agreed",
        );
    }
    let waits = caller.get(&path(&begun)).await.json();
    assert_eq!(
        (&waits["state"], &waits["waits_for"], &waits["dry_run"]),
        (&json!("compared"), &json!("loss"), &json!(false))
    );
    // Its next file does not take this one's place any more.
    let passed_over = sent(&caller, "?dry_run=true", &file(&[SHOKO])).await;
    app.work().await;
    app.later(1);
    sent(&caller, "?dry_run=true", &file(&[SHOKO])).await;
    app.work().await;
    assert_eq!(
        caller.get(&path(&passed_over)).await.json()["cancelled_code"],
        "replaced"
    );
    let run = passed_over.json()["id"].as_str().unwrap().to_owned();
    says(
        &clerk.get(&format!("/console/roster/runs/{run}")).await,
        200,
        "次のファイルに置き換わったため、中止しました",
    );
    let started = clerk.post(&format!("{page}/start"), &[("agree", "1")]).await;
    assert_eq!(started.status, 303, "{}", started.text);
    assert_eq!(worked(&app, &caller, &begun).await["state"], "finished");
}

#[tokio::test]
async fn whom_to_ask_about_a_programs_file_that_is_refused_is_told_to_the_staff_who_cannot_mend_it() {
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &BOTH).await, app.clerk(&[Role::Eligibility]).await);
    let begun = sent(&caller, "", &file(&[&HANAKO.replace("ケンポ　ハナコ", "花子")])).await;
    assert_eq!(worked(&app, &caller, &begun).await["state"], "refused");
    let page = format!("/console/roster/runs/{}", begun.json()["id"].as_str().unwrap());
    let told = clerk.get(&page).await;
    says(&told, 200, "連携先のシステムの担当者に知らせて");
    assert!(!told.text.contains("ファイルを直してから"), "{}", told.text);
}

#[tokio::test]
async fn what_waits_for_the_staff_stands_on_home_of_whoever_decides() {
    const TEXT: &str = "連携先から届いた名簿の確認";
    let app = TestApp::start().await;
    let (caller, clerk) = (Caller::new(&app, &BOTH).await, app.clerk(&[Role::Eligibility]).await);
    let viewer = app.clerk(&[Role::Viewer]).await;
    assert!(!clerk.get("/console/").await.text.contains(TEXT));
    let begun = sent(&caller, "", &file(&[HANAKO])).await;
    app.work().await;
    let page = format!("/console/roster/runs/{}", begun.json()["id"].as_str().unwrap());
    let link = format!("<a href=\"{page}\">{TEXT}</a><span><strong>1件</strong>");
    says(&clerk.get("/console/").await, 200, &link);
    assert!(!viewer.get("/console/").await.text.contains(TEXT));
    // Of two the list is shown.
    app.later(1);
    sent(&caller, "", &file(&[HANAKO])).await;
    app.work().await;
    let both = format!("<a href=\"/console/roster\">{TEXT}</a><span><strong>2件</strong>");
    says(&clerk.get("/console/").await, 200, &both);
    let other = TestApp::start().await;
    let stranger = other.clerk(&[Role::Eligibility]).await;
    assert!(!stranger.get("/console/").await.text.contains(TEXT));
}

#[tokio::test]
async fn four_eyes_count_as_they_stand_when_a_file_has_been_compared_and_when_it_is_confirmed() {
    let app = TestApp::start().await;
    let caller = Caller::new(&app, &BOTH).await;
    let four_eyes = async |is_on: bool| {
        let say = |folder: &mut tenancy::Folder| folder.settings.approvals.say(ApprovalAction::BirthDate, is_on);
        app.insurer.apply(say).await;
    };
    let corrected = async |day: &str| app.insurer.count("persons", &format!("birth_date = '{day}'")).await;
    four_eyes(false).await;
    let begun = sent(&caller, "", &file(&[&SHOKO.replace("19850401", "19850402")])).await;
    four_eyes(true).await;
    assert_eq!(worked(&app, &caller, &begun).await["state"], "compared");
    assert_eq!(corrected("1985-04-02").await, 0);
    problem(
        &act(&caller, &path(&begun), "confirm").await,
        403,
        "roster_import_by_two",
    );
    four_eyes(false).await;
    assert_eq!(act(&caller, &path(&begun), "confirm").await.status, 200);
    assert_eq!(worked(&app, &caller, &begun).await["state"], "finished");
    assert_eq!(corrected("1985-04-02").await, 1);
}

#[tokio::test]
async fn what_staff_import_programs_read_and_leave_alone() {
    let app = TestApp::start().await;
    let (caller, reader) = (Caller::new(&app, &BOTH).await, Caller::new(&app, &[IMPORTS_READ]).await);
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = compared(&app, &clerk, file(&[SHOKO, HANAKO]).as_bytes()).await;
    let id = run.rsplit('/').next().unwrap().to_owned();
    let read = reader.get(&format!("{PATH}/{id}")).await.json();
    assert_eq!(
        (&read["by"], &read["state"], &read["file_name"]),
        (&json!("staff"), &json!("compared"), &json!("名簿.csv"))
    );
    for verb in ["confirm", "cancel"] {
        problem(
            &act(&caller, &format!("{PATH}/{id}"), verb).await,
            403,
            "roster_import_of_others",
        );
        problem(
            &act(&reader, &format!("{PATH}/{id}"), verb).await,
            403,
            "insufficient_scope",
        );
    }
    let errors = caller.get(&format!("{PATH}/{id}/errors")).await;
    assert_eq!((errors.status.as_u16(), errors.json()), (200, json!({"errors": []})));
    problem(&caller.get(&format!("{PATH}/nonsense")).await, 404, "not_found");
    let nothing = caller.get(&format!("{PATH}/{}/errors", uuid::Uuid::now_v7())).await;
    problem(&nothing, 404, "not_found");
    assert_eq!(press(&clerk, &run, "cancel").await.status, 303);
}
