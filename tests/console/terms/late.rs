//! Forms that come late: after a colleague has saved, thrown away or published what they were shown for. Each is told and shown
//! both, lands on nothing else, and loses nothing of what was typed.

use super::{DAY, DRAFT, PUBLISH, hidden, publish, save, shown};
use access::Role;
use testkit::{Answer, TestApp, TestClerk};

const DISCARD: &str = "/console/terms/addendum/2/discard";
const WITHDRAW: &str = "/console/terms/addendum/2/withdraw";

async fn two(app: &TestApp) -> (TestClerk, TestClerk) {
    (
        app.clerk_named("先　太郎", &[Role::Administrator]).await,
        app.clerk_named("後　花子", &[Role::Administrator]).await,
    )
}

async fn bodies(app: &TestApp) -> Vec<String> {
    app.insurer.lines("SELECT body AS line FROM terms_drafts").await
}

async fn discard(clerk: &TestClerk, version: &str) -> Answer {
    clerk.post(DISCARD, &[("version", version)]).await
}

#[tokio::test]
async fn the_later_of_two_who_edit_one_draft_is_told_and_shown_both() {
    let app = TestApp::start().await;
    let (first, second) = two(&app).await;
    assert_eq!(save(&first, "", "先の文", "yes").await.status, 303);
    // Both have it open; the one saves, and the other.
    let seen = shown(&second).await;
    assert_eq!(save(&first, &seen, "先に直した文", "yes").await.status, 303);
    let late = save(&second, &seen, "後で直した文", "yes").await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert!(late.text.contains("先に保存されました") && late.text.contains("先　太郎"));
    assert!(
        late.text.contains("<del>") && late.text.contains("後で直した文"),
        "{}",
        late.text
    );
    assert_eq!(bodies(&app).await, ["先に直した文"]);
    // Having seen both, they decide.
    let known = hidden(&late, "version");
    assert_eq!(save(&second, &known, "両方の文", "yes").await.status, 303);
    // Whoever has just begun is told too, and whoever throws away what they haven't seen.
    let (draft, _) = known.split_once('_').unwrap();
    for none in ["", "0", "無い版", &format!("{draft}_2147483647"), &format!("{draft}_")] {
        assert_eq!(save(&first, none, "始めから", "yes").await.status, 409, "{none}");
    }
    for unseen in ["", "0", seen.as_str()] {
        assert_eq!(discard(&first, unseen).await.status, 409, "{unseen}");
    }
    // Nor is it forgotten over a mistake of one's own which version one had.
    let refused = save(&first, &known, "<b>太字</b>", "yes").await;
    assert_eq!(
        (refused.status.as_u16(), hidden(&refused, "version")),
        (422, known.clone())
    );
    assert_eq!(save(&first, &known, "直した文", "yes").await.status, 409);
    // What was shown is what is published.
    let page = first.get(PUBLISH).await;
    let (version, expected) = (hidden(&page, "version"), hidden(&page, "expected"));
    assert_eq!(save(&second, &version, "あとの文", "yes").await.status, 303);
    let stale = [("version", version.as_str()), ("expected", &expected)];
    assert_eq!(first.post(PUBLISH, &stale).await.status, 409);
    assert_eq!(app.insurer.count("terms_documents", "revision = 2").await, 0);
}

#[tokio::test]
async fn a_form_kept_of_a_draft_that_was_thrown_away_lands_on_no_other() {
    let app = TestApp::start().await;
    let (first, second) = two(&app).await;
    assert_eq!(save(&first, "", "一つ目の文", "yes").await.status, 303);
    let kept = shown(&first).await;
    assert_eq!(discard(&second, &kept).await.status, 303);
    // There is none by now.
    let gone = save(&first, &kept, "手元に残る文", "yes").await;
    assert_eq!(gone.status, 409, "{}", gone.text);
    assert!(
        gone.text.contains("この下書きは、もうありません") && gone.text.contains("手元に残る文"),
        "{}",
        gone.text
    );
    assert_eq!(bodies(&app).await, Vec::<String>::new());
    // There is another, saved as often.
    assert_eq!(save(&second, "", "二つ目の文", "yes").await.status, 303);
    let late = save(&first, &kept, "手元に残る文", "yes").await;
    assert_eq!(late.status, 409, "{}", late.text);
    for both in ["手元に残る", "二つ目の", "後　花子"] {
        assert!(late.text.contains(both), "{both}: {}", late.text);
    }
    assert_eq!(discard(&first, &kept).await.status, 409);
    let expected = hidden(&first.get(PUBLISH).await, "expected");
    let stale = [("version", kept.as_str()), ("expected", &expected)];
    assert_eq!(first.post(PUBLISH, &stale).await.status, 409);
    assert_eq!(bodies(&app).await, ["二つ目の文"]);
    // Having seen both, they decide.
    let known = hidden(&late, "version");
    assert_eq!(save(&first, &known, "両方の文", "yes").await.status, 303);
    assert_eq!(bodies(&app).await, ["両方の文"]);
}

#[tokio::test]
async fn a_form_kept_of_a_draft_that_was_published_lands_on_none_that_came_after() {
    let app = TestApp::start().await;
    let (first, second) = two(&app).await;
    assert_eq!(save(&first, "", "一つ目の文", "yes").await.status, 303);
    let kept = shown(&first).await;
    assert_eq!(publish(&second).await.status, 303);
    // In the place of what waits for its day another is drafted.
    assert_eq!(save(&second, "", "置き換える文", "yes").await.status, 303);
    let late = save(&first, &kept, "手元に残る文", "yes").await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert!(
        late.text.contains("手元に残る") && late.text.contains("置き換える"),
        "{}",
        late.text
    );
    assert_eq!(bodies(&app).await, ["置き換える文"]);
    assert_eq!(discard(&second, &shown(&second).await).await.status, 303);
    // Withdrawn, it is a draft again, and not the one of before.
    let expected = hidden(&second.get(WITHDRAW).await, "expected");
    assert_eq!(second.post(WITHDRAW, &[("expected", &expected)]).await.status, 303);
    assert_eq!(save(&first, &kept, "手元に残る文", "yes").await.status, 409);
    assert_eq!(bodies(&app).await, ["一つ目の文"]);
}

#[tokio::test]
async fn what_was_typed_for_a_revision_that_is_in_force_by_now_may_go_into_the_next() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    assert_eq!(save(&clerk, "", "一つ目の文", "yes").await.status, 303);
    let kept = shown(&clerk).await;
    assert_eq!(publish(&clerk).await.status, 303);
    app.later(DAY);
    let clerk = app.in_another_browser(&clerk).await;
    // A day later than what is in force.
    let fields = [
        ("version", kept.as_str()),
        ("title", "個人情報の取り扱いについて"),
        ("effective_on", "2026-11-25"),
        ("changes", "保存の期間を改めました。"),
        ("body", "手元に残る文"),
    ];
    let late = clerk.post(DRAFT, &fields).await;
    assert_eq!(late.status, 409, "{}", late.text);
    let next = "/console/terms/addendum/3/draft";
    for shown in ["この版は、もう変えられません", "手元に残る文", next] {
        assert!(late.text.contains(shown), "{shown}: {}", late.text);
    }
    assert_eq!(hidden(&late, "version"), "");
    let fields = fields.map(|(name, value)| (name, if name == "version" { "" } else { value }));
    assert_eq!(clerk.post(next, &fields).await.status, 303);
    assert_eq!(bodies(&app).await, ["手元に残る文"]);
}
