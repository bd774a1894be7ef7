//! Ways around four eyes: in two steps, and by what is no wish of its own.

use super::{
    approvals::{NOBODY, agree, app, ask_to_lift, clerks, give, in_force, protected, roles, states, wish},
    roster::{HANAKO, SHOKO, compared, file},
};
use crate::portal::says;
use access::Role;
use tenancy::ApprovalAction;

#[tokio::test]
async fn of_two_administrators_none_takes_the_others_role_away_alone_nor_bounds_it() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    for given in [&["viewer"][..], &[]] {
        assert_eq!(give(&boss, &other, given).await.status, 303);
        assert_eq!(roles(&app, &other).await, ["administrator"], "{given:?}");
        let withdraw = format!("{}/withdraw", wish(&app).await);
        assert_eq!(boss.post(&withdraw, &[]).await.status, 303);
        app.later(1);
    }
    // Nor whatever comes with another: who gains never agrees, and of two there is nobody else.
    says(&give(&boss, &other, &["benefits"]).await, 409, NOBODY);
    assert_eq!(roles(&app, &other).await, ["administrator"]);
    // A bounded role beside it bounds all that they hold, and so shuts their eyes.
    let page = format!("/console/staff/{}/roles", other.staff_id);
    let text = boss.get(&page).await.text;
    let (_, rest) = text.split_once("name=\"seen\" value=\"").unwrap();
    let fields = [
        ("seen", rest.split('"').next().unwrap()),
        ("role", "administrator"),
        ("role", "workplace"),
        ("symbols", "100"),
    ];
    assert_eq!(boss.post(&page, &fields).await.status, 303);
    assert_eq!(roles(&app, &other).await, ["administrator"]);
    // They themself may agree to it: they gain nothing.
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    assert_eq!(roles(&app, &other).await, ["administrator", "workplace"]);
}

// security.md 73
#[tokio::test]
async fn a_lone_administrator_takes_no_eyes_away_from_what_is_under_four() {
    let app = app(&[]).await;
    let [boss] = clerks(&app, &[Role::Administrator]).await;
    let [one, two] = clerks(&app, &[Role::Eligibility]).await;
    let [editor] = clerks(&app, &[Role::NoticeEditor]).await;
    let [boss, one, two] = [&boss, &one, &two].map(|clerk| app.in_another_browser(clerk));
    let (boss, one, two) = (boss.await, one.await, two.await);
    // By which nobody agrees to anything now goes at once.
    assert_eq!(give(&boss, &editor, &["viewer"]).await.status, 303);
    assert_eq!(roles(&app, &editor).await, ["viewer"]);
    assert_eq!(give(&boss, &one, &["viewer"]).await.status, 303);
    assert_eq!(roles(&app, &one).await, ["eligibility"]);
    let first = wish(&app).await;
    let editor = app.in_another_browser(&editor).await;
    assert_eq!(agree(&editor, &first).await.status, 404);
    assert_eq!(agree(&two, &first).await.status, 303);
    assert_eq!(roles(&app, &one).await, ["viewer"]);
    // The last one agrees themself, or nobody does.
    let lift = protected(&app, &boss).await;
    assert_eq!(give(&boss, &two, &[]).await.status, 303);
    says(&give(&boss, &two, &["benefits"]).await, 409, "同じ対象の申請");
    assert_eq!(roles(&app, &two).await, ["eligibility"]);
    ask_to_lift(&boss, &lift).await;
    assert_eq!(in_force(&app).await, 1);
    let last = "SELECT approval_id::text AS line FROM approvals WHERE action = 'grant' AND state = 'waiting'";
    let last = app.insurer.lines(last).await.remove(0);
    assert_eq!(agree(&two, &format!("/console/approvals/{last}")).await.status, 303);
    assert!(roles(&app, &two).await.is_empty());
}

// security.md 73
#[tokio::test]
async fn a_new_administrator_takes_no_eyes_away_that_are_the_second_beside_their_own() {
    let app = app(&[]).await;
    let [old] = clerks(&app, &[Role::Eligibility]).await;
    let new = app.clerk(&[Role::Administrator]).await;
    assert_eq!(give(&new, &old, &["viewer"]).await.status, 303);
    assert_eq!(roles(&app, &old).await, ["eligibility"]);
    assert_eq!(agree(&old, &wish(&app).await).await.status, 303);
    assert_eq!(roles(&app, &old).await, ["viewer"]);
}

// security.md 73
#[tokio::test]
async fn who_agrees_to_all_that_goes_with_a_role_agrees_to_its_going_and_nobody_who_agrees_to_some() {
    let app = app(&[ApprovalAction::Notice]).await;
    let [boss] = clerks(&app, &[Role::Administrator]).await;
    let [both] = clerks(&app, &[Role::Eligibility, Role::NoticeEditor]).await;
    let [some] = clerks(&app, &[Role::NoticeEditor]).await;
    let [boss, both] = [&boss, &both].map(|clerk| app.in_another_browser(clerk));
    let (boss, both) = (boss.await, both.await);
    assert_eq!(give(&boss, &both, &[]).await.status, 303);
    let wish = wish(&app).await;
    assert!(!some.get("/console/approvals").await.text.contains(&wish));
    assert_eq!(agree(&some, &wish).await.status, 404);
    assert!(both.get("/console/approvals").await.text.contains(&wish));
    assert_eq!(agree(&both, &wish).await.status, 303);
    assert!(roles(&app, &both).await.is_empty());
}

// security.md 73
#[tokio::test]
async fn who_gains_by_what_also_takes_from_them_does_not_agree() {
    let app = app(&[]).await;
    let [boss, other, gains] = clerks(&app, &[Role::Administrator]).await;
    assert_eq!(give(&boss, &gains, &["benefits"]).await.status, 303);
    let wish = wish(&app).await;
    assert!(!gains.get("/console/approvals").await.text.contains(&wish));
    says(&agree(&gains, &wish).await, 403, "自分についての申請");
    says(&agree(&boss, &wish).await, 403, "自分の申請");
    assert_eq!(roles(&app, &gains).await, ["administrator"]);
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(roles(&app, &gains).await, ["benefits"]);
}

#[tokio::test]
async fn who_is_suspended_and_let_in_again_counts_on() {
    let app = app(&[]).await;
    let [boss, eyes] = clerks(&app, &[Role::Administrator]).await;
    let lift = protected(&app, &boss).await;
    for deed in ["suspend", "resume"] {
        let path = format!("/console/staff/{}/{deed}", eyes.staff_id);
        assert_eq!(boss.post(&path, &[]).await.status, 303);
    }
    ask_to_lift(&boss, &lift).await;
    assert_eq!(
        (in_force(&app).await, states(&app).await),
        (1, vec!["waiting".to_owned()])
    );
}

#[tokio::test]
async fn a_wish_of_who_is_bounded_since_is_not_done() {
    let app = app(&[]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let lift = protected(&app, &asker).await;
    ask_to_lift(&asker, &lift).await;
    let bounds = format!(
        "UPDATE staff_roles SET symbols = '{{100}}' WHERE staff_id = '{}'",
        asker.staff_id.0
    );
    testkit::sql(app.tenant(), &bounds).await;
    says(&agree(&other, &wish(&app).await).await, 409, "内容が変わったため");
    assert_eq!(in_force(&app).await, 1);
}

#[tokio::test]
async fn the_errors_of_a_refused_file_leave_once_another_agrees() {
    let app = app(&[ApprovalAction::Export]).await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let wrong = HANAKO.replacen(",106,", ",=1+1,", 1);
    let run = compared(&app, &asker, file(&[SHOKO, &wrong]).as_bytes()).await;
    says(&asker.get(&run).await, 200, "取り込めませんでした");
    let path = format!("{run}/errors");
    let fields = [("encoding", "utf8")];
    let waits = asker.post(&path, &fields).await;
    assert_eq!(
        (waits.status.as_u16(), waits.location()),
        (303, run.as_str()),
        "{}",
        waits.text
    );
    let taken = async || app.insurer.count("audit_events", "action = 'roster.errors'").await;
    assert_eq!(taken().await, 0);
    let first = wish(&app).await;
    says(&other.get(&first).await, 200, "名簿の誤りのCSV");
    assert_eq!(agree(&other, &first).await.status, 303);
    says(&asker.get(&first).await, 200, &format!("action=\"{path}\""));
    // Not to whoever is led to its address: the wish is not spent.
    assert_eq!(asker.get(&format!("{path}?encoding=utf8")).await.status, 303);
    let csv = asker.post(&path, &fields).await;
    assert_eq!(csv.status, 200, "{}", csv.text);
    assert!(csv.header("content-disposition").contains("attachment"));
    assert_eq!(asker.post(&path, &fields).await.status, 303);
    assert_eq!(taken().await, 1);
}

#[tokio::test]
async fn what_is_under_four_eyes_is_not_taken_back_among_the_settings() {
    let app = app(&[]).await;
    let [boss, _other] = clerks(&app, &[Role::Administrator]).await;
    let page = "/console/approvals/settings";
    let text = boss.get(page).await.text;
    let (_, rest) = text.split_once("name=\"revision\" value=\"").unwrap();
    let mut fields = vec![("revision", rest.split('"').next().unwrap()), ("why", "規程の改定")];
    fields.extend(["grant", "reset_factor", "lift_protection", "proof", "export"].map(|word| ("on", word)));
    assert_eq!(boss.post(page, &fields).await.status, 303);
    let last = "SELECT max(revision)::text AS line FROM insurer_revisions";
    let last = app.insurer.lines(last).await.remove(0);
    let revision = format!("/console/settings/revisions/{last}");
    let shown = boss.get(&revision).await;
    says(&shown, 200, "承認：個人情報のファイルの取り出し");
    assert!(!shown.text.contains("take-back"), "{}", shown.text);
    let fields = [("revision", last.as_str()), ("why", "戻す")];
    let back = boss.post(&format!("{revision}/take-back"), &fields).await;
    assert_eq!(back.status, 409, "{}", back.text);
    let stored = "SELECT (settings->'approvals'->>'export') AS line FROM insurers WHERE tenant_id = ";
    let stored = format!("{stored}{}", app.tenant());
    assert_eq!(app.insurer.lines(&stored).await, ["true"]);
}
