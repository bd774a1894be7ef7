//! What is under four eyes, and changing that.

use super::{agree, app, clerks, states, wish};
use crate::portal::says;
use access::Role;
use testkit::TestClerk;

const PAGE: &str = "/console/approvals/settings";

/// The revision that the page is shown with.
async fn revision(clerk: &TestClerk) -> String {
    let text = clerk.get(PAGE).await.text;
    let (_, rest) = text.split_once("name=\"revision\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

// security.md 73
#[tokio::test]
async fn four_eyes_are_switched_on_at_once_and_off_by_two() {
    let app = app(&[]).await;
    let [boss, other] = clerks(&app, &[Role::Administrator]).await;
    let switch = async |on: &[&str]| {
        let seen = revision(&boss).await;
        let mut fields = vec![("revision", seen.as_str()), ("why", "規程の改定")];
        fields.extend(on.iter().map(|word| ("on", *word)));
        boss.post(PAGE, &fields).await
    };
    says(
        &boss.post(PAGE, &[("on", "grant")]).await,
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
    let seen = revision(&boss).await;
    let fields = [("revision", seen.as_str()), ("why", "x"), ("on", "export")];
    says(&boss.post(PAGE, &fields).await, 409, "承認できる職員が足りません");
}

// security.md 73
#[tokio::test]
async fn of_two_who_switch_the_later_is_shown_both_and_has_asked_for_nothing() {
    let app = app(&[]).await;
    let [one, two] = clerks(&app, &[Role::Administrator]).await;
    let usual = ["grant", "reset_factor", "lift_protection"];
    let send = async |clerk: &TestClerk, seen: &str, on: &str| {
        let mut fields = vec![("revision", seen), ("why", "規程の改定"), ("on", on)];
        fields.extend(usual.iter().map(|word| ("on", *word)));
        clerk.post(PAGE, &fields).await
    };
    let seen = revision(&two).await;
    assert_eq!(send(&one, &seen, "export").await.status, 303);
    // What the other has switched on is not ticked here: it was not to be seen.
    let told = send(&two, &seen, "terms").await;
    says(&told, 409, "ほかの担当者が先に変更しました");
    for said in [
        "この画面を開いたあとに変わった項目",
        "承認：個人情報のファイルの取り出し",
        "value=\"terms\" checked",
        "規程の改定",
    ] {
        says(&told, 409, said);
    }
    assert!(!told.text.contains("value=\"export\" checked"), "{}", told.text);
    assert!(states(&app).await.is_empty(), "nothing is taken out by it");
    // Having seen both they may: what is not ticked goes by two.
    assert_eq!(send(&two, &revision(&two).await, "export").await.status, 303);
    assert!(states(&app).await.is_empty());
    assert_eq!(send(&two, &revision(&two).await, "terms").await.status, 303);
    assert_eq!(states(&app).await, ["waiting"]);
}
