//! Drafts: written, listed, handed over; and of two who write at the same time.

use super::{LIST, NEW, TITLE, form, publish, published, sees, trail, version, write};
use crate::portal::says;
use access::{Reach, Role};
use testkit::TestApp;

#[tokio::test]
async fn a_draft_is_shown_as_a_member_reads_it_and_published_it_is_theirs_and_counted() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    says(&clerk.get(NEW).await, 200, "画像とHTMLのタグは使えません");
    let draft = write(&clerk, &[]).await;
    let page = clerk.get(&draft).await;
    assert!(page.text.contains("<strong>12月25日</strong>"), "{}", page.text);
    assert!(!sees(&member, &draft).await);
    // In another session, as after the end of the one it was written in.
    let later = app.in_another_browser(&clerk).await;
    assert!(later.get(LIST).await.text.contains(TITLE));
    let page = later.get(&format!("{draft}/publish")).await;
    assert!(
        page.text.contains("<dd>1人</dd>") && page.text.contains("すべての加入者"),
        "{}",
        page.text
    );
    assert_eq!(publish(&later, &draft).await.status, 303);
    assert!(sees(&member, &draft).await);
    let page = clerk.get(&draft).await;
    assert!(
        page.text.contains("1人（公開したとき登録していた1人のうち）"),
        "{}",
        page.text
    );
    let list = clerk.get(LIST).await;
    assert!(
        list.text.contains("掲載中") && list.text.contains("下書きはありません"),
        "{}",
        list.text
    );
    assert_eq!(
        (trail(&app, "notice.draft").await, trail(&app, "notice.publish").await),
        (1, 1)
    );
    // Once more, as by a second press of the button.
    let again = clerk.post(&format!("{draft}/publish"), &[("version", "1")]).await;
    assert_eq!((again.status.as_u16(), again.location()), (303, draft.as_str()));
    assert_eq!(app.insurer.count("notices", "published_by IS NOT NULL").await, 1);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_once_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let wrong = [
        ("title", " "),
        ("aim", "group"),
        ("first_day", "2026-12-02"),
        ("last_day", "2026-12-01"),
        ("body", "消えない本文"),
    ];
    let answer = clerk.post(NEW, &form(&wrong)).await;
    assert_eq!(answer.status, 422);
    for field in ["#f-title", "#f-workplace", "#f-last_day"] {
        assert!(answer.text.contains(field), "{field} {}", answer.text);
    }
    assert!(answer.text.contains("消えない本文"));
    let long = "あ".repeat(6001);
    for (field, value) in [
        ("title", "一行\n二行"),
        ("body", long.as_str()),
        ("body", "本文\0"),
        ("aim", "somebody"),
        ("last_day", "+9999-01-01"),
    ] {
        let answer = clerk.post(NEW, &form(&[(field, value)])).await;
        assert_eq!(answer.status, 422, "{field} {value}");
    }
    // A browser's own field of dates would drop what is none, and with it the day.
    for (typed, told) in [
        ("来週の月曜", "2026-11-22や令和8年11月22日のように"),
        ("2026-02-30", "2月は28日まで"),
    ] {
        let answer = clerk.post(NEW, &form(&[("last_day", typed)])).await;
        let kept = format!("name=\"last_day\" type=\"text\" value=\"{typed}\"");
        assert!(
            answer.text.contains(told) && answer.text.contains(&kept),
            "{}",
            answer.text
        );
    }
    for ages in [("74", "40"), ("-1", ""), ("", "151"), ("四十", "")] {
        let group = [("aim", "group"), ("age_from", ages.0), ("age_to", ages.1)];
        assert_eq!(clerk.post(NEW, &form(&group)).await.status, 422, "{ages:?}");
    }
    assert_eq!(app.insurer.count("notice_drafts", "true").await, 0);
}

#[tokio::test]
async fn of_two_who_edit_the_later_one_is_told_sees_both_texts_and_loses_none() {
    let app = TestApp::start().await;
    let clerk = app.clerk_named("先野　花子", &[Role::NoticeEditor]).await;
    let other = app.clerk_named("後藤　次郎", &[Role::Administrator]).await;
    let draft = write(&clerk, &[]).await;
    let edit = format!("{draft}/edit");
    let seen = version(&other, &edit).await;
    let first = clerk
        .post(&edit, &form(&[("body", "先の本文"), ("version", &seen)]))
        .await;
    assert_eq!(first.status, 303);
    let late = other
        .post(&edit, &form(&[("body", "後の本文"), ("version", &seen)]))
        .await;
    assert_eq!(late.status, 409, "{}", late.text);
    for both in ["先の本文", "後の本文", "先野　花子"] {
        assert!(late.text.contains(both), "{both} {}", late.text);
    }
    assert!(clerk.get(&draft).await.text.contains("先の本文"));
    // What was wrong beside it doesn't make the later one's form a newer one.
    let mistaken = form(&[("body", "後の本文"), ("title", ""), ("version", &seen)]);
    let answer = other.post(&edit, &mistaken).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.text.contains(&format!("name=\"version\" value=\"{seen}\"")),
        "{}",
        answer.text
    );
    // Knowing both, they may.
    let known = (seen.parse::<i64>().unwrap() + 1).to_string();
    assert!(late.text.contains(&format!("name=\"version\" value=\"{known}\"")));
    let saved = other
        .post(&edit, &form(&[("body", "合わせた本文"), ("version", &known)]))
        .await;
    assert_eq!(saved.status, 303);
    assert!(clerk.get(&draft).await.text.contains("合わせた本文"));
    // Published or discarded meanwhile, it can be kept as another.
    assert_eq!(publish(&clerk, &draft).await.status, 303);
    let lost = other
        .post(&edit, &form(&[("body", "さらに後の本文"), ("version", "3")]))
        .await;
    assert_eq!(lost.status, 409);
    assert!(
        lost.text.contains("さらに後の本文") && lost.text.contains("新しい下書き"),
        "{}",
        lost.text
    );
    // Nor is what nobody has seen published, asked for or discarded.
    let draft = write(&clerk, &[]).await;
    let seen = version(&other, &format!("{draft}/publish")).await;
    let edited = form(&[("body", "別の本文"), ("version", &seen)]);
    assert_eq!(clerk.post(&format!("{draft}/edit"), &edited).await.status, 303);
    for act in ["publish", "ask", "discard"] {
        let answer = other.post(&format!("{draft}/{act}"), &[("version", &seen)]).await;
        assert_eq!(answer.status, 409, "{act}");
    }
    assert!(clerk.get(&draft).await.text.contains("別の本文"));
}

#[tokio::test]
async fn an_editor_hands_a_draft_over_and_whoever_publishes_sees_it_at_home() {
    let app = TestApp::start().await;
    let editor = app.clerk(&[Role::Health]).await;
    let publisher = app.clerk(&[Role::NoticeEditor]).await;
    let draft = write(&editor, &[]).await;
    for act in ["publish", "end", "withdraw"] {
        assert_eq!(editor.get(&format!("{draft}/{act}")).await.status, 403, "{act}");
        assert_eq!(editor.press(&format!("{draft}/{act}")).await.status, 403, "{act}");
    }
    let waiting = "公開を頼まれたお知らせ";
    assert!(!publisher.get("/console/").await.text.contains(waiting));
    let seen = version(&editor, &draft).await;
    assert_eq!(
        editor.post(&format!("{draft}/ask"), &[("version", &seen)]).await.status,
        303
    );
    assert!(publisher.get("/console/").await.text.contains(waiting));
    assert!(!editor.get("/console/").await.text.contains(waiting));
    assert!(
        publisher
            .get("/console/notices?list=drafts")
            .await
            .text
            .contains("公開待ち")
    );
    // Another text was not what was asked for.
    let edited = form(&[("body", "別の本文"), ("version", &seen)]);
    assert_eq!(editor.post(&format!("{draft}/edit"), &edited).await.status, 303);
    assert!(!publisher.get("/console/").await.text.contains(waiting));
    let seen = version(&editor, &draft).await;
    assert_eq!(
        editor.post(&format!("{draft}/ask"), &[("version", &seen)]).await.status,
        303
    );
    assert_eq!(publish(&publisher, &draft).await.status, 303);
    assert!(!publisher.get("/console/").await.text.contains(waiting));
    assert_eq!(trail(&app, "notice.ask").await, 2);
    // A discarded one waits for nobody either.
    let draft = write(&editor, &[]).await;
    assert_eq!(
        editor.post(&format!("{draft}/ask"), &[("version", "1")]).await.status,
        303
    );
    assert_eq!(
        editor
            .post(&format!("{draft}/discard"), &[("version", "1")])
            .await
            .status,
        303
    );
    assert_eq!(app.insurer.count("tasks", "module = 'notices'").await, 0);
    assert_eq!(editor.get(&draft).await.status, 404);
    // Readers read, and whoever is bounded to workplaces has nothing to do with it.
    let viewer = app.clerk(&[Role::Viewer]).await;
    assert_eq!(
        (
            viewer.get(LIST).await.status.as_u16(),
            viewer.get(NEW).await.status.as_u16()
        ),
        (200, 403)
    );
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::NoticeEditor], &reach).await;
    assert_eq!(bounded.get(LIST).await.status, 403);
}

#[tokio::test]
async fn notices_are_listed_by_pages_and_found_by_a_part_of_their_title() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for n in 1..=23 {
        published(&clerk, &[("title", &format!("第{n}号"))]).await;
        app.later(1);
    }
    let first = clerk.get("/console/notices?list=members").await;
    let next = first.text.split("class=\"more\"><a href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = clerk.get(&next).await;
    for n in 1..=23 {
        let title = format!(">第{n}号<");
        assert_eq!(first.text.contains(&title), n > 3, "{title}");
        assert_eq!(second.text.contains(&title), n <= 3, "{title}");
    }
    let found = clerk
        .get("/console/notices?list=members&title=%E7%AC%AC%EF%BC%97%E5%8F%B7")
        .await;
    assert!(
        found.text.contains(">第7号<") && !found.text.contains(">第17号<"),
        "{}",
        found.text
    );
    let none = clerk.get("/console/notices?list=members&title=zzz").await;
    assert!(none.text.contains("見つかりませんでした"));
    assert_eq!(clerk.get("/console/notices?after=nonsense").await.status, 404);
}

#[tokio::test]
async fn raw_html_and_links_that_lead_where_none_may_are_refused_with_their_line() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for (body, told) in [
        ("<script>alert(1)</script>", "1行目にHTML"),
        ("一\n\n<b onclick=x>太字</b>", "3行目にHTML"),
        ("[悪](javascript:alert)", "1行目のリンク先"),
        ("一行目\n\n[悪](JaVaScRiPt:alert)", "3行目のリンク先"),
        ("[悪](data:text/html,x)", "1行目のリンク先"),
        ("[横](//evil.example/)", "1行目のリンク先"),
        ("[横](/\\evil.example/)", "1行目のリンク先"),
        ("![絵](//evil.example/x.png)", "1行目のリンク先"),
        ("<javascript:alert>", "1行目のリンク先"),
        ("[悪][a]\n\n[a]: vbscript:x", "1行目のリンク先"),
    ] {
        let refused = clerk.post(NEW, &form(&[("body", body)])).await;
        assert_eq!(refused.status, 422, "{body}");
        assert!(
            refused.text.contains(told) && refused.text.contains("href=\"#f-body\""),
            "{body}: {}",
            refused.text
        );
    }
    assert_eq!(app.insurer.count("notice_drafts", "true").await, 0);
    let good = "[外](https://example.jp/) [内](/portal/help) [電話](tel:0312345678) <desk@example.jp> 3 < 5";
    let draft = write(&clerk, &[("body", good)]).await;
    let page = clerk.get(&draft).await;
    for link in [
        "https://example.jp/",
        "/portal/help",
        "tel:0312345678",
        "mailto:desk@example.jp",
    ] {
        assert!(page.text.contains(&format!("href=\"{link}\"")), "{link}: {}", page.text);
    }
}
