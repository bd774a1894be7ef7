//! Files with people in them, brought and taken.

use super::{DAY, agree, app, clerks, states, told, wish};
use crate::{
    console::roster::{HANAKO, compared, file},
    portal::says,
};
use access::Role;
use tenancy::ApprovalAction;
use testkit::TestPerson;

// security.md 54, 73
#[tokio::test]
async fn a_file_goes_once_to_who_asked_within_a_day() {
    let app = app(&[ApprovalAction::Export]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    app.insurer.import(&[TestPerson::new(101)]).await;
    let fields = [
        ("code", ""),
        ("symbol", ""),
        ("registered", "no"),
        ("encoding", "utf-8"),
    ];
    let file = "/console/letters/file";
    assert_eq!(asker.post(file, &fields).await.status, 303);
    assert_eq!(app.insurer.count("letters", "true").await, 0);
    let first = wish(&app).await;
    let page = other.get(&first).await;
    says(&page, 200, "発送会社に渡すCSV");
    says(&page, 200, ">UTF-8</td>");
    says(&page, 200, "24時間以内に1回だけ");
    assert!(
        !page.text.contains("すぐに上の内容のとおりに行われます"),
        "{}",
        page.text
    );
    told(&[&asker], &["/console/letters", file], &first).await;
    // Another file's page has nothing to tell of it.
    let consents = asker.get("/console/terms/addendum/1").await;
    assert_eq!(consents.status, 200);
    assert!(!consents.text.contains(&first), "{}", consents.text);
    // Somebody more, of whom the filter was shown as well: it is agreed to all the same.
    app.later(1);
    app.insurer.import(&[TestPerson::new(101), TestPerson::new(102)]).await;
    assert_eq!(agree(&other, &first).await.status, 303);
    assert_eq!(states(&app).await, ["agreed"]);
    // Not to who agreed, nor another file.
    assert!(!other.get(&first).await.text.contains("ファイルを受け取る"));
    assert_eq!(other.post(file, &fields).await.status, 303);
    let differing = [
        ("code", ""),
        ("symbol", ""),
        ("registered", "either"),
        ("encoding", "utf-8"),
    ];
    says(
        &asker.post(file, &differing).await,
        409,
        "同じ対象の申請が、承認を待っています",
    );
    says(&asker.get(&first).await, 200, "ファイルを受け取る");
    let taken = asker.post(file, &fields).await;
    assert_eq!(taken.status, 200);
    assert!(taken.text.contains("郵便番号"));
    assert_eq!(app.insurer.count("letters", "true").await, 2);
    app.later(1);
    assert_eq!(asker.post(file, &fields).await.status, 303);
    let second = wish(&app).await;
    assert_ne!(first, second);
    assert_eq!(agree(&other, &second).await.status, 303);
    app.later(DAY);
    let asker = app.in_another_browser(&asker).await;
    assert_eq!(
        asker.post(file, &fields).await.status,
        303,
        "a day later it is asked for anew"
    );
    assert_eq!(app.insurer.count("letters", "true").await, 2);
}

#[tokio::test]
async fn an_import_above_the_threshold_begins_once_another_agrees_and_never_after_another_import() {
    let app = app(&[ApprovalAction::ImportLoss]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let people = [TestPerson::new(105), TestPerson::new(106)];
    app.insurer.import(&people).await;
    let present = async || app.insurer.count("persons", "present").await;
    assert_eq!(present().await, 2);
    let few = file(&[HANAKO]);
    let run = compared(&app, &asker, few.as_bytes()).await;
    let start = format!("{run}/start");
    assert_eq!(asker.post(&start, &[("agree", "1")]).await.status, 303);
    app.work().await;
    assert_eq!(present().await, 2);
    let first = wish(&app).await;
    says(&other.get(&first).await, 200, "資格を失います");
    // Another import in between changes what this one would do.
    app.later(1);
    app.insurer.import(&[TestPerson::new(105), TestPerson::new(106)]).await;
    says(&agree(&other, &first).await, 409, "内容が変わったため");
    app.work().await;
    assert_eq!(present().await, 2);
    assert_eq!(asker.post(&start, &[("agree", "1")]).await.status, 303);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    app.work().await;
    assert_eq!(present().await, 1);
}
