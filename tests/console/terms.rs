//! 規約: drafts that nobody loses, publishing as it was shown, whom a revision asks again, and who accepted what.

mod late;

use super::approvals;
use access::Role;
use tenancy::ApprovalAction;
use testkit::{Answer, Client, TestApp, TestClerk, TestPerson, sql};

const TERMS: &str = "/console/terms";
const DRAFT: &str = "/console/terms/addendum/2/draft";
const PUBLISH: &str = "/console/terms/addendum/2/publish";
/// The day after the clock's first.
const TOMORROW: &str = "2026-11-23";
const DAY: i64 = 24 * 3600;

fn hidden(page: &Answer, name: &str) -> String {
    let before = format!("name=\"{name}\" value=\"");
    let rest = page
        .text
        .split(&before)
        .nth(1)
        .unwrap_or_else(|| panic!("{name}: {}", page.text));
    rest.split('"').next().unwrap().to_owned()
}

/// What the form of the second revision's draft is shown with now; empty where there is none.
async fn shown(clerk: &TestClerk) -> String {
    hidden(&clerk.get(DRAFT).await, "version")
}

/// Saves the second revision over this version of its draft.
async fn save(clerk: &TestClerk, version: &str, body: &str, again: &str) -> Answer {
    let fields = [
        ("version", version),
        ("title", "個人情報の取り扱いについて"),
        ("effective_on", TOMORROW),
        ("changes", "保存の期間を改めました。"),
        ("again", again),
        ("body", body),
    ];
    clerk.post(DRAFT, &fields).await
}

async fn publish(clerk: &TestClerk) -> Answer {
    let page = clerk.get(PUBLISH).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let (version, expected) = (hidden(&page, "version"), hidden(&page, "expected"));
    let fields = [
        ("version", version.as_str()),
        ("expected", &expected),
        ("why", "法の改正"),
    ];
    clerk.post(PUBLISH, &fields).await
}

/// Drafts and publishes the second revision, and waits for its day.
async fn revise(app: &TestApp, clerk: &TestClerk, again: &str) {
    let saved = save(clerk, "", "## 第1条\n\n保存は5年とします。", again).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let published = publish(clerk).await;
    assert_eq!(
        (published.status.as_u16(), published.location()),
        (303, TERMS),
        "{}",
        published.text
    );
    app.later(DAY);
}

/// Somebody who was logged in, after a night.
async fn back(app: &TestApp, who: &testkit::SignedUp) -> (Client, String) {
    let client = app.client();
    let answer = client.log_in(who).await;
    let location = answer.location().to_owned();
    (client, location)
}

#[tokio::test]
async fn a_draft_becomes_a_revision_on_its_day_and_members_agree_again() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let list = clerk.get(TERMS).await;
    assert!(
        list.text.contains("施行中") && list.text.contains("/console/terms/addendum/2/draft"),
        "{}",
        list.text
    );
    assert!(
        list.text.contains("/console/terms/service/2"),
        "the platform's are shown"
    );
    // It begins with the text of the one before.
    let begun = clerk.get(DRAFT).await;
    assert!(begun.text.contains("第1条"), "{}", begun.text);
    let saved = save(&clerk, "", "## 第1条\n\n保存は5年とします。", "yes").await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let preview = clerk.get("/console/terms/addendum/2/preview").await;
    assert!(preview.text.contains("<h3>第1条</h3>") && preview.text.contains("class=\"phone\""));
    let confirm = clerk.get(PUBLISH).await;
    assert!(
        confirm.text.contains("<ins>") && confirm.text.contains("<del>"),
        "{}",
        confirm.text
    );
    assert!(confirm.text.contains("もう一度同意をお願い"));
    assert_eq!(publish(&clerk).await.location(), TERMS);
    assert_eq!(app.insurer.count("terms_drafts", "true").await, 0);
    assert_eq!(app.insurer.count("audit_events", "action = 'terms.publish'").await, 1);
    // Not before its day.
    let (_, location) = back(&app, &who).await;
    assert!(!location.starts_with("/portal/terms"), "{location}");
    app.later(DAY);
    let (client, location) = back(&app, &who).await;
    assert!(location.starts_with("/portal/terms"), "{location}");
    let page = client.get("/portal/terms").await;
    assert!(page.text.contains("保存の期間を改めました。") && page.text.contains("保存は5年とします。"));
    assert_eq!(client.accept(&page).await.status, 303);
}

#[tokio::test]
async fn a_revision_that_asks_nobody_again_leaves_members_alone_and_asks_who_never_agreed() {
    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    revise(&app, &clerk, "no").await;
    let (_, location) = back(&app, &who).await;
    assert!(!location.starts_with("/portal/terms"), "{location}");
    let newcomer = TestPerson::new(700);
    app.insurer.import(&[app.person.clone(), newcomer.clone()]).await;
    let new = app.sign_up_as(&newcomer).await;
    let (client, _) = back(&app, &new).await;
    let page = client.get("/portal/terms").await;
    assert!(page.text.contains("value=\"addendum:2\""), "{}", page.text);
    // A folder says the same, and changes nothing when it comes back.
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join(app.insurer.code.as_str());
    tenancy::export(&app.insurer.database, app.clock().now(), app.tenant(), &dir, &[])
        .await
        .unwrap();
    let file = std::fs::read_to_string(dir.join("terms/addendum.2.md")).unwrap();
    assert!(file.contains("agree_again = false"), "{file}");
    let folder = tenancy::Folder::read(&dir, &[]).unwrap();
    let head = folder.terms.iter().find(|terms| terms.head.revision == 2).unwrap();
    assert!(!head.head.agree_again);
}

#[tokio::test]
async fn what_no_revision_can_have_is_refused_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let fields = |day: &'static str, changes: &'static str, body: &'static str| {
        [
            ("version", ""),
            ("title", "題"),
            ("effective_on", day),
            ("changes", changes),
            ("body", body),
        ]
    };
    for (typed, told) in [
        (fields("2026-11-22", "x", "本文"), "明日以降の日付"),
        (fields("2020-01-01", "x", "本文"), "明日以降の日付"),
        (fields("あした", "x", "本文"), "2026-04-01や令和8年4月1日のように"),
        (fields(TOMORROW, "x", "一\n\n<b>太字</b>"), "3行目にHTML"),
        (fields(TOMORROW, "x", "[悪](javascript:alert(1))"), "1行目のリンク先"),
    ] {
        let refused = clerk.post(DRAFT, &typed).await;
        assert_eq!(refused.status, 422, "{typed:?}");
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
    assert_eq!(app.insurer.count("terms_drafts", "true").await, 0);
    // Half a draft is kept, and can't be published.
    assert_eq!(clerk.post(DRAFT, &fields("", "", "")).await.status, 303);
    let early = clerk.get(PUBLISH).await;
    let page = clerk.get(early.location()).await;
    for label in [
        "施行日を入力してください",
        "変わったところを入力してください",
        "本文を入力してください",
    ] {
        assert!(page.text.contains(label), "{label}: {}", page.text);
    }
    // A day that has come meanwhile.
    let half = shown(&clerk).await;
    assert_eq!(save(&clerk, &half, "本文", "yes").await.status, 303);
    let shown = clerk.get(PUBLISH).await;
    let long = "長".repeat(201);
    for why in ["一\u{0}二", long.as_str()] {
        let refused = clerk.post(PUBLISH, &[("why", why)]).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    app.later(DAY);
    let clerk = app.in_another_browser(&clerk).await;
    let (version, expected) = (hidden(&shown, "version"), hidden(&shown, "expected"));
    let late = clerk
        .post(PUBLISH, &[("version", &version), ("expected", &expected)])
        .await;
    assert_eq!(late.status, 422, "{}", late.text);
    assert_eq!(app.insurer.count("terms_documents", "revision = 2").await, 0);
    // No gap, nothing of the platform's, nothing in force.
    for path in [
        "/console/terms/addendum/4/draft",
        "/console/terms/service/3/draft",
        "/console/terms/x/1",
    ] {
        assert_eq!(clerk.get(path).await.status, 404, "{path}");
    }
    assert_eq!(clerk.get("/console/terms/addendum/1/draft").await.status, 409);
}

#[tokio::test]
async fn before_its_day_a_revision_may_be_replaced_or_withdrawn_and_afterwards_never() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    assert_eq!(save(&clerk, "", "一つ目", "yes").await.status, 303);
    let shown = clerk.get(PUBLISH).await;
    assert_eq!(publish(&clerk).await.status, 303);
    // Sent once more: it is published already.
    let (version, expected) = (hidden(&shown, "version"), hidden(&shown, "expected"));
    let twice = clerk
        .post(PUBLISH, &[("version", &version), ("expected", &expected)])
        .await;
    assert_eq!(twice.status, 409, "{}", twice.text);
    // Replaced.
    assert!(clerk.get(DRAFT).await.text.contains("一つ目"));
    assert_eq!(save(&clerk, "", "二つ目", "yes").await.status, 303);
    assert!(clerk.get(PUBLISH).await.text.contains("置き換えます"));
    assert_eq!(publish(&clerk).await.status, 303);
    assert!(clerk.get("/console/terms/addendum/2").await.text.contains("二つ目"));
    // Withdrawn: a draft again.
    let withdraw = "/console/terms/addendum/2/withdraw";
    let expected = hidden(&clerk.get(withdraw).await, "expected");
    assert_eq!(clerk.post(withdraw, &[("expected", &expected)]).await.status, 303);
    assert_eq!(clerk.get("/console/terms/addendum/2").await.status, 404);
    assert!(clerk.get(DRAFT).await.text.contains("二つ目"));
    // In force: never.
    assert_eq!(publish(&clerk).await.status, 303);
    app.later(DAY);
    let clerk = app.in_another_browser(&clerk).await;
    assert_eq!(clerk.get(withdraw).await.status, 409);
    assert_eq!(clerk.post(withdraw, &[("expected", "9")]).await.status, 409);
    assert_eq!(clerk.get(DRAFT).await.status, 409);
    assert_eq!(save(&clerk, "", "三つ目", "yes").await.status, 409);
    let texts = "SELECT body AS line FROM terms_documents WHERE revision = 2 ORDER BY insurer_revision";
    assert_eq!(app.insurer.lines(texts).await, ["一つ目", "二つ目", "二つ目"]);
}

#[tokio::test]
async fn two_revisions_stand_side_by_side_and_drafts_outlive_a_session() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let difference = clerk.get("/console/terms/service/2/difference?with=1").await;
    assert_eq!(difference.status, 200);
    assert!(difference.text.contains("class=\"compare\"") && difference.text.contains("data-l=\"変更後\""));
    assert_eq!(
        clerk.get("/console/terms/service/2/difference?with=9").await.status,
        404
    );
    assert_eq!(save(&clerk, "", "下書きの文", "yes").await.status, 303);
    assert_eq!(clerk.press("/console/logout").await.status, 303);
    let other = app.clerk(&[Role::Administrator]).await;
    assert!(other.get(DRAFT).await.text.contains("下書きの文"));
    // Who may only look sees no way to write.
    let viewer = app.clerk(&[Role::Viewer]).await;
    let list = viewer.get(TERMS).await;
    assert_eq!(list.status, 200);
    assert!(!list.text.contains("/draft\""), "{}", list.text);
    assert_eq!(viewer.get(DRAFT).await.status, 403);
}

// security.md 52
#[tokio::test]
async fn who_accepted_is_counted_and_leaves_as_a_file_without_the_protected() {
    let app = TestApp::start().await;
    let named = |number, name: &str| TestPerson {
        name: name.into(),
        ..TestPerson::new(number)
    };
    let people = [named(101, "健保　一"), named(102, "健保　二"), named(103, "健保　三")];
    app.insurer.import(&people).await;
    for person in &people[..2] {
        let who = app.sign_up_as(person).await;
        app.inside(&who).await;
    }
    // Registered, and accepted nothing yet.
    app.sign_up_as(&people[2]).await;
    // No file brings such a name; whatever else has written one, no spreadsheet counts by it.
    sql(
        app.tenant(),
        "UPDATE persons SET name = '=SUM(A1)' WHERE number = '101'",
    )
    .await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let page = clerk.get("/console/terms/addendum/1").await;
    assert!(
        page.text.contains("2人") && page.text.contains("まだ同意していない方"),
        "{}",
        page.text
    );
    let path = "/console/terms/addendum/1/consents";
    assert_eq!(clerk.get(path).await.status, 200);
    let file = clerk.post(path, &[("encoding", "utf-8")]).await;
    assert_eq!(file.status, 200, "{}", file.text);
    assert!(file.header("content-disposition").contains("consents-addendum-1-"));
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 3, "{}", file.text);
    let first = lines.iter().find(|line| line.contains("\"101\""));
    assert!(
        first.is_some_and(|line| line.contains("\"'=SUM(A1)\"")),
        "{}",
        file.text
    );
    assert_eq!(app.insurer.count("audit_events", "action = 'consents.export'").await, 1);
    let looks = "action = 'people.look' AND detail->>'what' = 'consents.file'";
    assert_eq!(app.insurer.count("audit_events", looks).await, 1);
    // Protected: in no count and no file.
    let id = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons WHERE number = '102'")
        .await
        .remove(0);
    let fields = [("subject", id.as_str()), ("person", &id), ("reason", "支援措置")];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    let windows = clerk.post(path, &[("encoding", "cp932")]).await;
    assert_eq!(windows.text.lines().count(), 2);
    assert!(clerk.get("/console/terms/addendum/1").await.text.contains("1人"));
    // Without a proof, and for whom it is not.
    app.later(601);
    let late = clerk.post(path, &[("encoding", "utf-8")]).await;
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
    assert_eq!(app.clerk(&[Role::Viewer]).await.get(path).await.status, 403);
}

#[tokio::test]
async fn where_files_are_under_four_eyes_that_of_who_accepted_goes_once_another_agrees() {
    let app = approvals::app(&[ApprovalAction::Export]).await;
    let [asker, other] = approvals::clerks(&app, &[Role::Administrator]).await;
    let path = "/console/terms/addendum/1/consents";
    let file = [("encoding", "utf-8")];
    let asked = asker.post(path, &file).await;
    assert_eq!(
        (asked.status.as_u16(), asked.location()),
        (303, "/console/terms/addendum/1")
    );
    let exports = "action = 'consents.export'";
    assert_eq!(app.insurer.count("audit_events", exports).await, 0);
    let wish = approvals::wish(&app).await;
    assert!(other.get(&wish).await.text.contains("同意した方のCSV"));
    approvals::told(&[&asker], &[path, "/console/terms/addendum/1"], &wish).await;
    assert_eq!(approvals::agree(&other, &wish).await.status, 303);
    assert_eq!(asker.post(path, &[("encoding", "cp932")]).await.status, 409);
    assert_eq!(asker.post(path, &file).await.status, 200);
    assert_eq!(asker.post(path, &file).await.status, 303, "a file goes once");
    assert_eq!(app.insurer.count("audit_events", exports).await, 1);
}
