//! Publishing, alone and under four eyes, and taking a notice from its readers.

use super::{LIST, TITLE, approvals, form, person, protect, publish, published, sees, trail, version, write};
use access::Role;
use tenancy::ApprovalAction;
use testkit::TestApp;

#[tokio::test]
async fn a_notice_to_nobody_or_without_a_text_or_over_already_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for (fields, words) in [
        (vec![("aim", "group"), ("workplace", "なし")], "宛先の条件"),
        (vec![("body", "")], "本文を書いてください"),
        (vec![("last_day", "2020-01-01")], "日付を直してください"),
    ] {
        let draft = write(&clerk, &fields).await;
        let page = clerk.get(&format!("{draft}/publish")).await;
        assert!(
            page.text.contains(words) && !page.text.contains("公開する</button>"),
            "{}",
            page.text
        );
        let refused = clerk.post(&format!("{draft}/publish"), &[("version", "1")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(words), "{}", refused.text);
        assert!(clerk.get(&draft).await.text.contains("下書き"));
    }
    // Whoever is meant but has not registered is somebody.
    let draft = write(&clerk, &[("aim", "number"), ("symbol", "100"), ("number", "105")]).await;
    let page = clerk.get(&format!("{draft}/publish")).await;
    assert!(page.text.contains("まだ登録していません"), "{}", page.text);
    assert_eq!(publish(&clerk, &draft).await.status, 303);
    assert_eq!(app.insurer.count("notices", "readers = 0").await, 1);
}

#[tokio::test]
async fn a_withdrawn_or_ended_notice_is_gone_at_once_and_can_be_copied() {
    let app = TestApp::start().await;
    let (member, who) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for (act, word) in [("withdraw", "取り下げ"), ("end", "掲載終了")] {
        let notice = published(&clerk, &[]).await;
        assert!(sees(&member, &notice).await);
        let page = clerk.get(&format!("{notice}/{act}")).await;
        assert!(page.text.contains("すぐに見えなくなります") && page.text.contains(TITLE));
        assert_eq!(clerk.press(&format!("{notice}/{act}")).await.status, 303);
        assert!(!sees(&member, &notice).await);
        assert!(clerk.get(&notice).await.text.contains(word));
        // Twice is once.
        assert_eq!(clerk.press(&format!("{notice}/{act}")).await.status, 303);
        assert_eq!(trail(&app, &format!("notice.{act}")).await, 1);
        let page = clerk.get(&format!("{notice}/{act}")).await;
        assert!(
            page.text.contains("もう掲載されていません") && !page.text.contains("<button class=\"btn\">"),
            "{}",
            page.text
        );
        let copied = clerk.press(&format!("{notice}/copy")).await;
        assert_eq!(copied.status, 303);
        assert!(clerk.get(copied.location()).await.text.contains("**12月25日**"));
        assert!(!sees(&member, &notice).await);
    }
    // What is to come can be taken back, and never comes.
    let notice = published(&clerk, &[("first_day", "2027-03-01")]).await;
    assert!(clerk.get(&notice).await.text.contains("掲載前"));
    assert_eq!(clerk.press(&format!("{notice}/withdraw")).await.status, 303);
    app.later(200 * 24 * 3600);
    assert!(!sees(&app.inside(&who).await, &notice).await);
}

#[tokio::test]
async fn days_are_japans_and_the_last_one_is_still_shown() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    for (first, last) in [("2027/03/01", "2027-03-31"), ("令和9年3月1日", "R9.3.31")] {
        published(&clerk, &[("first_day", first), ("last_day", last)]).await;
    }
    let times =
        "SELECT (published_at AT TIME ZONE 'Asia/Tokyo')::text || ' ' || (ended_at AT TIME ZONE 'Asia/Tokyo')::text
        AS line FROM notices WHERE published_by IS NOT NULL";
    let times = app.insurer.lines(times).await;
    assert_eq!(times, ["2027-03-01 00:00:00 2027-04-01 00:00:00"; 2]);
}

#[tokio::test]
async fn where_it_is_under_four_eyes_another_agrees_to_what_was_shown_and_to_nothing_else() {
    let app = approvals::app(&[ApprovalAction::Notice]).await;
    let [first, second] = approvals::clerks(&app, &[Role::NoticeEditor]).await;
    let (member, _) = app.member().await;
    let draft = write(&first, &[]).await;
    let asked = publish(&first, &draft).await;
    assert_eq!((asked.status.as_u16(), asked.location()), (303, draft.as_str()));
    assert!(!sees(&member, &draft).await);
    assert!(
        first
            .get(&format!("{LIST}?list=drafts"))
            .await
            .text
            .contains("承認待ち")
    );
    let wish = approvals::wish(&app).await;
    assert!(second.get(&wish).await.text.contains(TITLE));
    let pages = ["", "/publish", "/edit"].map(|page| format!("{draft}{page}"));
    let pages = pages.each_ref().map(String::as_str);
    approvals::told(&[&first, &second], &pages, &wish).await;
    // Whoever may not open the wish is told all the same.
    let looks = app.clerk(&[Role::Viewer]).await.get(&draft).await.text;
    assert!(
        looks.contains("は、ほかの職員の承認を待っています。") && !looks.contains(&wish),
        "{looks}"
    );
    // Changed meanwhile, it is not what was shown.
    let seen = version(&first, &format!("{draft}/edit")).await;
    let edited = form(&[("body", "別の本文"), ("version", &seen)]);
    assert_eq!(first.post(&format!("{draft}/edit"), &edited).await.status, 303);
    approvals::agree(&second, &wish).await;
    assert!(!sees(&member, &draft).await);
    let asked = publish(&second, &draft).await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    approvals::agree(&first, &approvals::wish(&app).await).await;
    assert!(sees(&member, &draft).await);
    assert_eq!(trail(&app, "notice.publish").await, 1);
}

// Whoever agrees to publishing may not know of protected people: neither the list nor the wish tells of one.
#[tokio::test]
async fn a_wish_about_a_protected_person_is_not_there_for_who_may_not_see_them() {
    let app = approvals::app(&[ApprovalAction::Notice]).await;
    let [first, second] = approvals::clerks(&app, &[Role::NoticeEditor]).await;
    app.member().await;
    let draft = write(&first, &[("aim", "number"), ("symbol", "100"), ("number", "105")]).await;
    assert_eq!(publish(&first, &draft).await.status, 303);
    let wish = approvals::wish(&app).await;
    assert!(second.get("/console/approvals").await.text.contains(&wish));
    assert!(second.get(&wish).await.text.contains("100・105"));
    protect(&app, &person(&app, 105, "00").await).await;
    assert!(!second.get("/console/approvals").await.text.contains(&wish));
    assert_eq!(second.get(&wish).await.status, 404);
    assert_eq!(approvals::agree(&second, &wish).await.status, 404);
    assert_eq!(app.insurer.count("notices", "person_id IS NOT NULL").await, 0);
}
