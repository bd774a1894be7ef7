//! What is typed of a program and changed of it, and how it is listed.

use super::{CLIENTS, NEW, TYPED, by_staff, deed, made, shown, token, trail};
use crate::portal::{leads, says};
use access::Role;
use testkit::TestApp;

#[tokio::test]
async fn its_name_and_contact_are_changed_and_what_was_done_with_it_says_so() {
    let app = TestApp::start().await;
    let boss = app.clerk_named("管理　一郎", &[Role::Administrator]).await;
    let made = made(&boss).await;
    let form = format!("{}/rename", made.path);
    let page = boss.get(&form).await;
    for said in ["value=\"基幹システム\"", "value=\"system@example.jp\""] {
        says(&page, 200, said);
    }
    let refused = boss.post(&form, &[("name", "給付システム"), ("contact", "担当")]).await;
    says(
        &refused,
        422,
        "連絡先メールアドレスは、name@example.jp のような形で入力してください",
    );
    says(&refused, 422, "value=\"給付システム\"");
    let typed = [("name", "給付システム"), ("contact", " ｎｅｗ@example.jp ")];
    leads(&boss.post(&form, &typed).await, &made.path);
    let page = boss.get(&made.path).await;
    for said in [
        "変更しました",
        "<h1>給付システム</h1>",
        "new@example.jp",
        "連携先の名前と連絡先の変更",
    ] {
        says(&page, 200, said);
    }
    assert!(!page.text.contains("system@example.jp"), "{}", page.text);
    app.later(601);
    let answer = boss.post(&form, &typed).await;
    assert!(answer.location().starts_with("/console/prove?next="), "{}", answer.text);
    assert_eq!(trail(&app).await, by_staff(["create", "rename"]));
}

#[tokio::test]
async fn a_form_for_a_new_secret_that_is_sent_twice_makes_one_and_the_old_one_works_on() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let first = made(&boss).await;
    let page = format!("{}/rotate", first.path);
    let newest = async || {
        let text = boss.get(&page).await.text;
        let (_, rest) = text.split_once("name=\"newest\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let seen = newest().await;
    let second = shown(&boss, &boss.post(&page, &[("newest", &seen)]).await).await;
    says(
        &boss.post(&page, &[("newest", &seen)]).await,
        409,
        "新しい秘密鍵は、すでに作られています",
    );
    for made in [&first, &second] {
        assert!(token(&app, made, &[]).await.is_ok());
    }
    // Whoever has seen the newest makes another.
    let seen = newest().await;
    shown(&boss, &boss.post(&page, &[("newest", &seen)]).await).await;
    assert_eq!(token(&app, &first, &[]).await.unwrap_err(), "invalid_client");
    assert_eq!(trail(&app).await, by_staff(["create", "rotate", "rotate"]));
}

#[tokio::test]
async fn a_network_that_is_mistyped_is_named_and_what_people_type_between_them_parts_them() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator]).await;
    let with = |networks: &'static str| {
        let others = TYPED.into_iter().filter(|(name, _)| *name != "networks");
        others.chain([("networks", networks)]).collect::<Vec<_>>()
    };
    let refused = boss.post(NEW, &with("203.0.113.5\r\n198.51.100.0～198.51.100.9")).await;
    for said in ["「198.51.100.0", "」は読み取れません。連携先のネットワークは、"] {
        says(&refused, 422, said);
    }
    let posted = boss
        .post(NEW, &with("２０３.0.113.0　／ 28；198.51.100.7、::ffff:192.0.2.0/120"))
        .await;
    let made = shown(&boss, &posted).await;
    says(
        &boss.get(&made.path).await,
        200,
        "192.0.2.0/24、198.51.100.7/32、203.0.113.0/28",
    );
}

#[tokio::test]
async fn the_list_is_short_and_calls_things_as_the_menu_does_and_who_is_out_for_good_stands_last() {
    let app = TestApp::start().await;
    let boss = app.clerk(&[Role::Administrator, Role::Benefits]).await;
    let page = boss.get(NEW).await;
    for area in ["加入者", "名簿の取り込み", "お知らせ", "医療費・お薬"] {
        says(&page, 200, &format!("<legend>{area}</legend>"));
        assert!(
            page.text.split("<main").next().unwrap().contains(area),
            "no menu: {area}"
        );
    }
    let named = |name: &'static str| [&[("name", name)][..], &TYPED[1..]].concat();
    let all = ["members.read", "imports.read", "mail.read"].map(|scope| ("scopes", scope));
    let over = shown(&boss, &boss.post(NEW, &named("あのシステム")).await).await;
    shown(
        &boss,
        &boss.post(NEW, &[named("このシステム"), all.to_vec()].concat()).await,
    )
    .await;
    leads(&deed(&boss, &over, "revoke").await, &over.path);
    let listed = boss.get(CLIENTS).await;
    says(
        &listed,
        200,
        "保険者と接続の内容を見る、加入者を見る、名簿の取り込みの状況を見る、ほか2件",
    );
    let at = |name: &str| listed.text.find(name).unwrap();
    assert!(at("このシステム") < at("あのシステム"), "{}", listed.text);
}
