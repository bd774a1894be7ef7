//! Four eyes: what waits for another, who agrees and who never does, and that what is done is what was shown.

use super::roster::{HANAKO, compared, file};
use crate::portal::says;
use access::{Reach, Role};
use futures_util::future::join_all;
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp, TestClerk, TestPerson};

const APPROVALS: &str = "/console/approvals";
const DAY: i64 = 24 * 3600;

/// An app where these are under four eyes whatever is usual.
pub(super) async fn app(on: &'static [ApprovalAction]) -> TestApp {
    let change = |folder: &mut tenancy::Folder| {
        for action in on {
            folder.settings.approvals.say(*action, true);
        }
    };
    TestApp::with("139998", change, |_| ()).await
}

/// Clerks who have held their roles for eight days.
pub(super) async fn clerks<const N: usize>(app: &TestApp, roles: &[Role]) -> [TestClerk; N] {
    let mut new = Vec::new();
    for _ in 0..N {
        new.push(app.clerk(roles).await);
    }
    app.later(8 * DAY);
    let mut inside = Vec::new();
    for clerk in &new {
        inside.push(app.in_another_browser(clerk).await);
    }
    inside.try_into().ok().unwrap()
}

/// Where the latest wish is. The next one is asked for later: ids of the same instant stand in no order.
pub(super) async fn wish(app: &TestApp) -> String {
    let query = "SELECT approval_id::text AS line FROM approvals ORDER BY approval_id DESC LIMIT 1";
    let id = app.insurer.lines(query).await.remove(0);
    app.later(1);
    format!("{APPROVALS}/{id}")
}

pub(super) async fn states(app: &TestApp) -> Vec<String> {
    let query = "SELECT state AS line FROM approvals ORDER BY approval_id";
    app.insurer.lines(query).await
}

pub(super) async fn agree(clerk: &TestClerk, wish: &str) -> Answer {
    clerk.post(&format!("{wish}/agree"), &[]).await
}

/// A member of the roster under protection; where it is lifted.
pub(super) async fn protected(app: &TestApp, clerk: &TestClerk) -> String {
    let person = TestPerson {
        name: "健保　祥子".into(),
        ..TestPerson::new(105)
    };
    app.insurer.import(&[person]).await;
    let id = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let fields = [
        ("subject", id.as_str()),
        ("person", &id),
        ("reason", "支援措置の申し出"),
    ];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    let query = "SELECT protection_id::text AS line FROM protections";
    let protection = app.insurer.lines(query).await.remove(0);
    format!("/console/protections/{protection}/lift")
}

pub(super) async fn in_force(app: &TestApp) -> usize {
    app.insurer.count("protections", "lifted_at IS NULL").await
}

pub(super) async fn ask_to_lift(clerk: &TestClerk, lift: &str) {
    let answer = clerk.post(lift, &[("reason", "本人の申し出")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
}

// security.md 73
#[tokio::test]
async fn a_protection_is_lifted_once_another_agrees_to_what_was_shown() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    says(
        &asker.get("/console/protections").await,
        200,
        "ほかの職員の承認を待っています",
    );
    assert_eq!(in_force(&app).await, 1);
    let wish = wish(&app).await;
    // A second time is the same wish.
    ask_to_lift(&asker, &lift).await;
    assert_eq!(states(&app).await, ["waiting"]);
    // What waits is told, and never what it is about.
    app.work().await;
    let mails = app.mails_to(&other.email).await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.text.contains("承認")).collect();
    assert_eq!(told.len(), 1);
    assert!(!told[0].text.contains("祥子") && !told[0].text.contains("申し出"));
    says(&other.get("/console/").await, 200, "承認を待っている申請");
    says(&other.get(APPROVALS).await, 200, &wish);
    let page = other.get(&wish).await;
    for said in ["健保　祥子", "支援措置の申し出", "本人の申し出", "承認する"] {
        says(&page, 200, said);
    }
    let sealed = "position(convert_to('祥子', 'UTF8') in sealed) = 0";
    assert_eq!(app.insurer.count("approvals", sealed).await, 1);
    assert!(app.insurer.count("audit_events", "detail->>'what' = 'approval'").await > 0);
    // The same person twice never.
    assert!(!asker.get(&wish).await.text.contains(&format!("{wish}/agree")));
    says(&agree(&asker, &wish).await, 403, "自分の申請");
    assert_eq!(in_force(&app).await, 1);
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!((in_force(&app).await, states(&app).await), (0, vec!["done".to_owned()]));
    says(&agree(&other, &wish).await, 409, "もう待っていません");
    app.work().await;
    let mails = app.mails_to(&asker.email).await;
    assert!(mails.iter().any(|mail| mail.text.contains("承認され、行われました")));
    let who = format!("action = 'protection.lift' AND actor_id = '{}'", asker.staff_id.0);
    assert_eq!(app.insurer.count("audit_events", &who).await, 1);
    let who = format!("action = 'approval.agree' AND actor_id = '{}'", other.staff_id.0);
    assert_eq!(app.insurer.count("audit_events", &who).await, 1);
}

// security.md 73
#[tokio::test]
async fn who_is_alone_or_new_is_not_held_up_and_does_not_agree() {
    let app = app(&[]).await;
    let [asker] = clerks(&app, &[Role::Eligibility]).await;
    // The second of two is too new to agree: nobody could.
    let new = app.clerk(&[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    assert_eq!((in_force(&app).await, states(&app).await.len()), (0, 0));
    let [one, other] = clerks(&app, &[Role::Eligibility]).await;
    let newest = app.clerk(&[Role::Eligibility]).await;
    let person = "SELECT person_id::text AS line FROM persons";
    let person = app.insurer.lines(person).await.remove(0);
    let fields = [("subject", person.as_str()), ("person", &person), ("reason", "再度")];
    assert_eq!(one.post("/console/protections", &fields).await.status, 303);
    let query = "SELECT protection_id::text AS line FROM protections WHERE lifted_at IS NULL";
    let protection = app.insurer.lines(query).await.remove(0);
    ask_to_lift(&one, &format!("/console/protections/{protection}/lift")).await;
    let wish = wish(&app).await;
    says(&agree(&newest, &wish).await, 403, "まだ承認できません");
    // Nor does anybody without the permission, in a part of the insurer, of the platform's support or elsewhere see it.
    let bounded = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::Eligibility], &bounded).await;
    let (viewer, support) = (app.clerk(&[Role::Viewer]).await, app.support().await);
    for clerk in [&bounded, &viewer] {
        assert_eq!(clerk.get(&wish).await.status, 404);
        assert_eq!(agree(clerk, &wish).await.status, 404);
        assert_eq!(
            clerk.post(&format!("{wish}/decline"), &[("word", "x")]).await.status,
            404
        );
    }
    assert_eq!(support.get(&wish).await.status, 403);
    assert_eq!(agree(&support, &wish).await.status, 403);
    assert_eq!(in_force(&app).await, 1);
    // A second factor too long ago is asked for anew.
    app.later(700);
    let led = agree(&other, &wish).await;
    assert!(led.location().starts_with("/console/prove"), "{}", led.location());
    let other = app.in_another_browser(&other).await;
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(in_force(&app).await, 0);
    drop(new);
}

// security.md 73
#[tokio::test(flavor = "multi_thread")]
async fn two_who_agree_at_the_same_instant_do_it_once() {
    let app = app(&[]).await;
    let [asker, one, two] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let wish = wish(&app).await;
    let answers = join_all([agree(&one, &wish), agree(&two, &wish)]).await;
    let done = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(
        done,
        1,
        "{:?}",
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    );
    let lifts = app.insurer.count("audit_events", "action = 'protection.lift'").await;
    assert_eq!(lifts, 1);
}

// security.md 73
#[tokio::test]
async fn what_changed_since_it_was_shown_is_not_done_and_both_are_told() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let wish = wish(&app).await;
    testkit::sql(app.tenant(), "UPDATE persons SET name = '健保　翔子'").await;
    says(&agree(&other, &wish).await, 409, "内容が変わったため");
    assert_eq!(
        (in_force(&app).await, states(&app).await),
        (1, vec!["lapsed".to_owned()])
    );
    app.work().await;
    for clerk in [&asker, &other] {
        let mails = app.mails_to(&clerk.email).await;
        assert!(
            mails
                .iter()
                .any(|mail| mail.text.contains("行われないまま終わりました"))
        );
    }
    // Nor is it where who asked may not do it any more.
    ask_to_lift(&asker, &lift).await;
    app.revoke(&asker).await;
    says(
        &agree(&other, &super::approvals::wish(&app).await).await,
        409,
        "内容が変わったため",
    );
    assert_eq!(in_force(&app).await, 1);
}

#[tokio::test]
async fn a_wish_is_declined_with_a_word_taken_back_or_lapses_after_seven_days() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let first = wish(&app).await;
    let decline = format!("{first}/decline");
    says(
        &other.post(&decline, &[("word", " ")]).await,
        422,
        "断る理由を入力してください",
    );
    assert_eq!(asker.post(&decline, &[("word", "x")]).await.status, 403);
    assert_eq!(other.post(&format!("{first}/withdraw"), &[]).await.status, 404);
    assert_eq!(
        other.post(&decline, &[("word", "本人に確かめてください")]).await.status,
        303
    );
    says(&asker.get(&first).await, 200, "本人に確かめてください");
    says(&agree(&other, &first).await, 409, "もう待っていません");
    ask_to_lift(&asker, &lift).await;
    let second = wish(&app).await;
    assert_eq!(asker.post(&format!("{second}/withdraw"), &[]).await.status, 303);
    says(&agree(&other, &second).await, 409, "もう待っていません");
    ask_to_lift(&asker, &lift).await;
    let third = wish(&app).await;
    app.later(7 * DAY);
    let (asker, other) = (
        app.in_another_browser(&asker).await,
        app.in_another_browser(&other).await,
    );
    says(&agree(&other, &third).await, 409, "もう待っていません");
    assert_eq!(in_force(&app).await, 1);
    assert_eq!(states(&app).await, ["declined", "withdrawn", "waiting"]);
    let now = app.clock().now();
    madoguchi::retention::sweep_insurer(&app.app, app.tenant(), now)
        .await
        .unwrap();
    assert_eq!(states(&app).await, ["declined", "withdrawn", "lapsed"]);
    app.work().await;
    let mails = app.mails_to(&asker.email).await;
    assert!(mails.iter().any(|mail| mail.text.contains("期限が過ぎたか")));
    says(&asker.get(&format!("{APPROVALS}?list=asked")).await, 200, &first);
    says(&other.get(&format!("{APPROVALS}?list=decided")).await, 200, &third);
}

// security.md 73
#[tokio::test]
async fn shutting_one_pair_of_eyes_does_not_end_four() {
    let app = app(&[]).await;
    let [boss, eyes] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    let suspend = format!("/console/staff/{}/suspend", eyes.staff_id);
    assert_eq!(boss.post(&suspend, &[]).await.status, 303);
    ask_to_lift(&boss, &lift).await;
    assert_eq!(
        (in_force(&app).await, states(&app).await),
        (1, vec!["waiting".to_owned()])
    );
    // Let in again, they agree to nothing for a week.
    assert_eq!(
        boss.post(&format!("/console/staff/{}/resume", eyes.staff_id), &[])
            .await
            .status,
        303
    );
    let eyes = app.in_another_browser(&eyes).await;
    says(&agree(&eyes, &wish(&app).await).await, 403, "まだ承認できません");
}

pub(super) async fn roles(app: &TestApp, clerk: &TestClerk) -> Vec<String> {
    let query = format!(
        "SELECT role AS line FROM staff_roles WHERE staff_id = '{}' ORDER BY role",
        clerk.staff_id.0
    );
    app.insurer.lines(&query).await
}

pub(super) async fn give(boss: &TestClerk, to: &TestClerk, given: &[&str]) -> Answer {
    let page = format!("/console/staff/{}/roles", to.staff_id);
    let text = boss.get(&page).await.text;
    let (_, rest) = text.split_once("name=\"seen\" value=\"").unwrap();
    let mut fields = vec![("seen", rest.split('"').next().unwrap())];
    fields.extend(given.iter().map(|role| ("role", *role)));
    boss.post(&page, &fields).await
}

// security.md 73
#[tokio::test]
async fn roles_by_which_one_administers_sees_what_is_medical_or_agrees_are_given_by_two() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let clerk = app.clerk(&[Role::Viewer]).await;
    for grave in ["administrator", "benefits", "eligibility"] {
        assert_eq!(give(&boss, &clerk, &["viewer", grave]).await.status, 303);
        assert_eq!(roles(&app, &clerk).await, ["viewer"], "{grave}");
        let wish = wish(&app).await;
        says(&agree(&clerk, &wish).await, 404, "");
        assert_eq!(boss.post(&format!("{wish}/withdraw"), &[]).await.status, 303);
    }
    assert_eq!(give(&boss, &clerk, &["viewer", "call_centre"]).await.status, 303);
    assert_eq!(roles(&app, &clerk).await, ["call_centre", "viewer"]);
    assert_eq!(give(&boss, &clerk, &["viewer", "administrator"]).await.status, 303);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    assert_eq!(roles(&app, &clerk).await, ["administrator", "viewer"]);
    // An invitation gives no less.
    let invitee = "new@staff.example.jp";
    let fields = [("email", invitee), ("name", "新任　一郎"), ("role", "administrator")];
    assert_eq!(boss.post("/console/staff/invite", &fields).await.status, 303);
    let invited = format!("email = '{invitee}'");
    assert_eq!(app.insurer.count("staff", &invited).await, 0);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    assert_eq!(app.insurer.count("staff", &invited).await, 1);
    app.work().await;
    assert_eq!(app.mails_to(invitee).await.len(), 1);
    // Taking somebody else's away is as grave; laying down one's own is not.
    assert_eq!(give(&boss, &other, &["viewer"]).await.status, 303);
    assert_eq!(roles(&app, &other).await, ["administrator"]);
    assert_eq!(give(&boss, &boss, &["viewer"]).await.status, 403);
}

// security.md 73
#[tokio::test]
async fn nobody_agrees_to_the_reset_of_their_own_factor() {
    let app = app(&[]).await;
    let [boss, whose, other] = clerks(&app, &[Role::Administrator]).await;
    let reset = format!("/console/staff/{}/factor", whose.staff_id);
    let waits = boss.post(&reset, &[]).await;
    assert_eq!(waits.status, 303);
    let is_reset = format!("staff_id = '{}' AND factor_reset_at IS NOT NULL", whose.staff_id.0);
    assert_eq!(app.insurer.count("staff", &is_reset).await, 0);
    let wish = wish(&app).await;
    says(&agree(&whose, &wish).await, 403, "自分についての申請");
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(app.insurer.count("staff", &is_reset).await, 1);
    let own = boss
        .post(&format!("/console/staff/{}/factor", boss.staff_id), &[])
        .await;
    assert_ne!(own.status, 303);
}

#[tokio::test]
async fn where_the_only_other_is_whose_factor_it_is_it_is_reset_at_once() {
    let app = app(&[]).await;
    let [boss, whose] = clerks(&app, &[Role::Administrator]).await;
    let reset = format!("/console/staff/{}/factor", whose.staff_id);
    assert_eq!(boss.post(&reset, &[]).await.status, 303);
    assert!(states(&app).await.is_empty());
    let is_reset = format!("staff_id = '{}' AND factor_reset_at IS NOT NULL", whose.staff_id.0);
    assert_eq!(app.insurer.count("staff", &is_reset).await, 1);
}

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
    says(&other.get(&first).await, 200, "発送会社に渡すCSV");
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

// security.md 73
#[tokio::test]
async fn four_eyes_are_switched_on_at_once_and_off_by_two() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let page = "/console/approvals/settings";
    let switch = async |on: &[&str]| {
        let text = boss.get(page).await.text;
        let (_, rest) = text.split_once("name=\"revision\" value=\"").unwrap();
        let mut fields = vec![("revision", rest.split('"').next().unwrap()), ("why", "規程の改定")];
        fields.extend(on.iter().map(|word| ("on", *word)));
        boss.post(page, &fields).await
    };
    says(
        &boss.post(page, &[("on", "grant")]).await,
        422,
        "変更する理由を入力してください",
    );
    let usual = ["grant", "reset_factor", "lift_protection"];
    assert_eq!(
        switch(&["grant", "reset_factor", "lift_protection", "export"])
            .await
            .status,
        303
    );
    let stored = "SELECT (settings->'approvals'->>'export') AS line FROM insurers WHERE tenant_id = ";
    let stored = format!("{stored}{}", app.tenant());
    assert_eq!(app.insurer.lines(&stored).await, ["true"]);
    app.later(10);
    assert_eq!(switch(&usual).await.status, 303);
    assert_eq!(app.insurer.lines(&stored).await, ["true"], "off by two");
    let wish = wish(&app).await;
    says(&other.get(&wish).await, 200, "承認が要らない");
    says(&agree(&boss, &wish).await, 403, "自分の申請");
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(app.insurer.lines(&stored).await, ["false"]);
    // Alone nobody puts anything under it.
    let alone = self::app(&[]).await;
    let [boss] = clerks(&alone, &[Role::Administrator]).await;
    let text = boss.get(page).await.text;
    let (_, rest) = text.split_once("name=\"revision\" value=\"").unwrap();
    let fields = [
        ("revision", rest.split('"').next().unwrap()),
        ("why", "x"),
        ("on", "export"),
    ];
    says(&boss.post(page, &fields).await, 409, "承認できる職員が足りません");
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

#[tokio::test]
async fn a_birth_date_is_mended_once_another_agrees_and_a_name_at_once() {
    let app = app(&[ApprovalAction::BirthDate]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    app.insurer.import(&[TestPerson::new(105)]).await;
    let born = async || {
        let query = "SELECT birth_date::text AS line FROM persons WHERE number = '105'";
        app.insurer.lines(query).await.remove(0)
    };
    let (before, person) = (born().await, super::facts::id_of(&app, "105", "00").await);
    let (_, written) = super::facts::mend(&asker, person, &[("name", "健保　咲子")]).await;
    assert_eq!(written.status, 303);
    assert_eq!(app.insurer.count("approvals", "true").await, 0);
    app.later(1);
    let (_, waits) = super::facts::mend(&asker, person, &[("birth_date", "1984-02-29")]).await;
    assert_eq!(waits.status, 303, "{}", waits.text);
    assert_eq!(born().await, before);
    let first = wish(&app).await;
    let page = other.get(&first).await;
    says(&page, 200, "1984");
    says(&page, 200, "健保　咲子（100・105・00）");
    // Another change in between: what was shown is over.
    let (_, written) = super::facts::mend(&other, person, &[("name", "健保　幸子")]).await;
    assert_eq!(written.status, 303);
    assert_ne!(agree(&other, &first).await.status, 303);
    assert_eq!(born().await, before);
    let (_, waits) = super::facts::mend(&asker, person, &[("birth_date", "1984-02-29")]).await;
    assert_eq!(waits.status, 303, "{}", waits.text);
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    assert_eq!(born().await, "1984-02-29");
}
