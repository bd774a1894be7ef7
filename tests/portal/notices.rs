//! お知らせ by HTTP: unread until opened, page by page, and only one's own.

use crate::portal::says;
use audit::{Actor, Origin};
use chrono::TimeDelta;
use kernel::NoticeId;
use notices::{Draft, To};
use testkit::TestApp;

pub(super) async fn publish(app: &TestApp, title: &str) -> NoticeId {
    let notices = &app.notices();
    let draft = Draft {
        title: title.into(),
        body: "## 見出し\n\n本文 <script>alert(1)</script>".into(),
        published_at: app.clock().now() - TimeDelta::hours(1),
        ended_at: None,
        mail: false,
    };
    let mut tx = app.write(app.tenant()).await;
    let id = notices
        .publish(&mut tx, &Origin::command(), Actor::Operator, To::All, &draft)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_unread_until_it_is_opened_and_shows_no_html_of_its_own() {
    let app = TestApp::start().await;
    let id = publish(&app, "年末年始のお休み").await;
    let (member, _) = app.member().await;
    says(&member.get("/portal/mypage").await, 200, "未読1件");
    // Who asks only whether it is there has read nothing.
    let head = member.request(reqwest::Method::HEAD, &format!("/portal/notices/{id}"));
    assert_eq!(member.send(head).await.status, 200);
    says(&member.get("/portal/mypage").await, 200, "未読1件");
    let notice = member.get(&format!("/portal/notices/{id}")).await;
    says(&notice, 200, "<h2>見出し</h2>");
    assert!(!notice.text.contains("alert(1)</script>"), "{}", notice.text);
    says(&member.get("/portal/mypage").await, 200, "未読はありません");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insurers_notice_a_strange_cursor_and_an_unknown_guide_do_not_exist() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let foreign = publish(&other, "よその組合").await;
    let (member, _) = app.member().await;
    for path in [
        format!("/portal/notices/{foreign}"),
        "/portal/notices/7".into(),
        "/portal/notices?after=x".into(),
        "/portal/notices?list=all".into(),
        "/portal/guides/faq".into(),
        "/portal/site-notices/7".into(),
        "/portal/account/consents/service/9".into(),
    ] {
        assert_eq!(member.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_older_notice_is_reached_page_by_page() {
    let app = TestApp::start().await;
    for n in 0..25 {
        publish(&app, &format!("第{n}号。")).await;
    }
    let (member, _) = app.member().await;
    let mut page = member.get("/portal/notices").await.text;
    let mut all = page.clone();
    while let Some((_, rest)) = page.split_once("href=\"/portal/notices?list=insurer") {
        let query = rest
            .split('"')
            .next()
            .unwrap()
            .replace("&#38;", "&")
            .replace("&amp;", "&");
        page = member.get(&format!("/portal/notices?list=insurer{query}")).await.text;
        all.push_str(&page);
    }
    for n in 0..25 {
        assert_eq!(all.matches(&format!("第{n}号。</a>")).count(), 1, "{n}");
    }
}
