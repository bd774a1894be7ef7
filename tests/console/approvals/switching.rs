//! What is under four eyes, and changing that.

use super::{agree, app, clerks, states, told, wish};
use crate::portal::says;
use access::Role;
use tenancy::ApprovalAction;
use testkit::{Answer, TestClerk};

const PAGE: &str = "/console/approvals/settings";

/// The revision that the page is shown with.
async fn revision(clerk: &TestClerk) -> String {
    let text = clerk.get(PAGE).await.text;
    let (_, rest) = text.split_once("name=\"revision\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// Leaves these ticked.
async fn ticked(clerk: &TestClerk, on: &[&str]) -> Answer {
    let seen = revision(clerk).await;
    let mut fields = vec![("revision", seen.as_str()), ("why", "規程の改定")];
    fields.extend(on.iter().map(|word| ("on", *word)));
    clerk.post(PAGE, &fields).await
}

// security.md 73
#[tokio::test]
async fn four_eyes_are_switched_on_at_once_and_off_by_two() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let switch = async |on: &[&str]| ticked(&boss, on).await;
    says(
        &boss.post(PAGE, &[("on", "grant")]).await,
        422,
        "変更する理由を入力してください",
    );
    let usual = ["grant", "reset_factor", "lift_protection", "proof"];
    assert_eq!(
        switch(&["grant", "reset_factor", "lift_protection", "proof", "export"])
            .await
            .status,
        303
    );
    let stored = "SELECT (settings->'approvals'->>'export') AS line FROM insurers WHERE tenant_id = ";
    let stored = format!("{stored}{}", app.tenant());
    assert_eq!(app.insurer.lines(&stored).await, ["true"]);
    // What can't be taken back where it is listed says from where it is changed.
    let changed = format!("/console/settings/revisions/{}", revision(&boss).await);
    says(
        &boss.get(&changed).await,
        200,
        "承認が要る操作は承認の画面から改めてください",
    );
    app.later(10);
    assert_eq!(switch(&usual).await.status, 303);
    assert_eq!(app.insurer.lines(&stored).await, ["true"], "off by two");
    let wish = wish(&app).await;
    told(&[&boss, &other], &[PAGE], &wish).await;
    says(&other.get(&wish).await, 200, "承認が要らない");
    says(&agree(&boss, &wish).await, 403, "自分の申請");
    assert_eq!(agree(&other, &wish).await.status, 303);
    assert_eq!(app.insurer.lines(&stored).await, ["false"]);
    // Alone nobody puts anything under it.
    let alone = self::app(&[]).await;
    let [boss] = clerks(&alone, &[Role::Administrator]).await;
    let seen = revision(&boss).await;
    let fields = [("revision", seen.as_str()), ("why", "x"), ("on", "export")];
    says(&boss.post(PAGE, &fields).await, 409, "承認できる職員が足りません");
}

// security.md 73
#[tokio::test]
async fn of_two_who_switch_the_later_is_shown_both_and_has_asked_for_nothing() {
    let app = app(&[]).await;
    let [one, two] = clerks(&app, &[Role::Administrator]).await;
    let usual = ["grant", "reset_factor", "lift_protection", "proof"];
    let send = async |clerk: &TestClerk, seen: &str, on: &str| {
        let mut fields = vec![("revision", seen), ("why", "規程の改定"), ("on", on)];
        fields.extend(usual.iter().map(|word| ("on", *word)));
        clerk.post(PAGE, &fields).await
    };
    let seen = revision(&two).await;
    assert_eq!(send(&one, &seen, "export").await.status, 303);
    // What the other has switched on is not ticked here: it was not to be seen.
    let told = send(&two, &seen, "terms").await;
    says(&told, 409, "ほかの職員が先に変更しました");
    for said in [
        "この画面を開いたあとに変わった項目",
        "承認：個人情報のファイルの取り出し",
        "value=\"terms\" checked",
        "規程の改定",
    ] {
        says(&told, 409, said);
    }
    assert!(!told.text.contains("value=\"export\" checked"), "{}", told.text);
    says(&send(&two, &seen, "grant").await, 409, "ほかの職員が先に変更しました");
    assert!(states(&app).await.is_empty(), "nothing is taken out by either");
    // Having seen both they may: what is not ticked goes by two.
    assert_eq!(send(&two, &revision(&two).await, "export").await.status, 303);
    assert!(states(&app).await.is_empty());
    assert_eq!(send(&two, &revision(&two).await, "terms").await.status, 303);
    assert_eq!(states(&app).await, ["waiting"]);
}

// security.md 73
#[tokio::test]
async fn a_lone_administrator_takes_out_alone_only_what_nobody_else_agrees_to() {
    let app = app(&ApprovalAction::SWITCHED).await;
    let [boss] = clerks(&app, &[Role::Administrator]).await;
    let [eligibility] = clerks(&app, &[Role::Eligibility]).await;
    let [editor] = clerks(&app, &[Role::NoticeEditor]).await;
    let (boss, eligibility) = (
        app.in_another_browser(&boss).await,
        app.in_another_browser(&eligibility).await,
    );
    assert_eq!(ticked(&boss, &[]).await.status, 303);
    let on = async |is_on: bool| {
        let said = format!(
            "SELECT s.key AS line FROM insurers, jsonb_each_text((settings->'approvals')::jsonb) s
            WHERE tenant_id = {} AND s.value = '{is_on}' ORDER BY s.key COLLATE \"C\"",
            app.tenant()
        );
        app.insurer.lines(&said).await
    };
    assert_eq!(on(false).await, ["grant", "reset_factor", "statements", "terms"]);
    app.later(1);
    // Each of the others is one wish, for whoever agrees to the action itself.
    let wishes = "SELECT also[1] || ' /console/approvals/' || approval_id AS line FROM approvals
        WHERE state = 'waiting' ORDER BY also";
    let waiting = app.insurer.lines(wishes).await;
    let waiting: Vec<(&str, &str)> = waiting.iter().map(|line| line.split_once(' ').unwrap()).collect();
    let agrees = [
        ("export.personal", &eligibility, &editor),
        ("members.edit", &eligibility, &editor),
        ("members.email", &eligibility, &editor),
        ("members.protect", &eligibility, &editor),
        ("members.protect", &eligibility, &editor),
        ("notices.publish", &editor, &eligibility),
        ("roster.import", &eligibility, &editor),
    ];
    assert_eq!(waiting.len(), agrees.len());
    for ((also, wish), (permission, may, may_not)) in waiting.into_iter().zip(agrees) {
        assert_eq!(also, permission);
        assert!(!may_not.get("/console/approvals").await.text.contains(wish), "{also}");
        assert_eq!(agree(may_not, wish).await.status, 404, "{also}");
        says(&agree(&boss, wish).await, 403, "自分の申請");
        assert!(may.get("/console/approvals").await.text.contains(wish), "{also}");
        says(&may.get(wish).await, 200, "承認が要らない");
        assert_eq!(agree(may, wish).await.status, 303, "{also}");
    }
    assert!(on(true).await.is_empty());
}

#[tokio::test]
async fn what_is_put_under_four_eyes_does_not_wait_for_what_is_taken_out_beside_it() {
    let app = app(&[ApprovalAction::Export]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let usual = ["grant", "reset_factor", "lift_protection", "proof"];
    assert_eq!(ticked(&boss, &[&usual[..], &["terms"]].concat()).await.status, 303);
    let page = boss.get(PAGE).await.text;
    for on in ["terms", "export"] {
        assert!(page.contains(&format!("value=\"{on}\" checked")), "{on}");
    }
    // What is said meanwhile stays.
    assert_eq!(agree(&other, &wish(&app).await).await.status, 303);
    let page = boss.get(PAGE).await.text;
    assert!(page.contains("value=\"terms\" checked") && !page.contains("value=\"export\" checked"));
}
