//! Whoever was proven by letter: they see what is in force, and widen it with the password.

use super::{DONE, NOT_WIDENED, PAGE, WORDS, choose, in_force, keep, kept, leads, member, protect, says, trail};
use testkit::{Answer, Client, PASSWORD, TestApp};

const WRONG: &str = "wrong&1234";

async fn with(client: &Client, costs: &str, password: &str) -> Answer {
    choose(client, &[("costs", costs), ("current_password", password)]).await
}

// security.md 42
#[tokio::test]
async fn a_letter_narrows_at_once_and_widens_with_the_password() {
    let app = TestApp::start().await;
    let (client, _) = member(&app).await;
    for (nth, word) in WORDS.iter().enumerate() {
        for (chosen, name) in WORDS.iter().enumerate() {
            keep(&app, word).await;
            if chosen < nth {
                says(&with(&client, name, "").await, 422, "今のパスワードを入力してください");
                says(&with(&client, name, WRONG).await, 422, "今のパスワードが違います");
                assert_eq!(in_force(&app).await, *word);
            }
            let password = if chosen < nth { PASSWORD } else { "" };
            leads(&with(&client, name, password).await, PAGE);
            says(&client.get(PAGE).await, 200, DONE);
            assert_eq!(in_force(&app).await, *name, "{word} → {name}");
        }
    }
    // Where the household is usual, nothing is kept of who is content with it.
    keep(&app, "suppressed").await;
    leads(&with(&client, "household", PASSWORD).await, PAGE);
    assert!(kept(&app).await.is_empty());
}

#[tokio::test]
async fn a_letter_is_shown_what_is_in_force() {
    let app = TestApp::start().await;
    let (client, _) = member(&app).await;
    for word in WORDS {
        keep(&app, word).await;
        let page = client.get(PAGE).await;
        let ticked = format!("value=\"{word}\" checked");
        assert_eq!(page.text.matches(" checked").count(), 2, "{word}");
        assert!(page.text.contains(&ticked), "{word}: {}", page.text);
        assert!(!page.text.contains("今のまま変えない"));
    }
}

// security.md 74
#[tokio::test]
async fn nothing_is_widened_while_one_is_protected() {
    let app = TestApp::start().await;
    let (client, _) = member(&app).await;
    keep(&app, "suppressed").await;
    protect(&app).await;
    says(&with(&client, "household", PASSWORD).await, 403, NOT_WIDENED);
    assert_eq!(in_force(&app).await, "suppressed");
    assert!(
        trail(&app)
            .await
            .iter()
            .all(|(outcome, _)| outcome == "disclosure_not_widened")
    );
    keep(&app, "household").await;
    leads(&with(&client, "self_only", "").await, PAGE);
    assert_eq!(in_force(&app).await, "self_only");
}

/// Nobody else sees more by it, so whoever shut their own rows away has them again.
#[tokio::test]
async fn the_protected_see_their_own_again_with_the_password_and_are_warned_before_they_hide_them() {
    let app = TestApp::start().await;
    let (client, _) = member(&app).await;
    protect(&app).await;
    let page = client.get(PAGE).await;
    says(&page, 200, "あなたも、ご自分の明細を見られなくなります");
    assert_eq!(page.text.matches("value=\"household\" checked").count(), 2, "as it is");
    leads(&with(&client, "suppressed", "").await, PAGE);
    let page = client.get(PAGE).await;
    says(&page, 200, "この画面ではできません");
    assert!(!page.text.contains("id=\"f-costs-household\"") && page.text.contains("id=\"f-medicines-household\""));
    says(
        &with(&client, "self_only", "").await,
        422,
        "今のパスワードを入力してください",
    );
    says(
        &with(&client, "self_only", WRONG).await,
        422,
        "今のパスワードが違います",
    );
    assert_eq!(in_force(&app).await, "suppressed");
    leads(&with(&client, "self_only", PASSWORD).await, PAGE);
    assert_eq!(in_force(&app).await, "self_only");
    // With it goes nothing that adds others.
    let both = [("costs", "suppressed"), ("medicines", "suppressed")];
    leads(&choose(&client, &both).await, PAGE);
    let half = [
        ("costs", "self_only"),
        ("medicines", "household"),
        ("current_password", PASSWORD),
    ];
    says(&choose(&client, &half).await, 403, NOT_WIDENED);
    assert_eq!(in_force(&app).await, "suppressed");
}

#[tokio::test]
async fn the_passwords_tries_are_counted() {
    let app = TestApp::start().await;
    let (client, _) = member(&app).await;
    keep(&app, "suppressed").await;
    for _ in 0..10 {
        says(
            &with(&client, "household", WRONG).await,
            422,
            "今のパスワードが違います",
        );
    }
    says(
        &with(&client, "household", PASSWORD).await,
        429,
        "しばらく受け付けを止めています",
    );
    assert_eq!(in_force(&app).await, "suppressed");
    // Who narrows waits for nothing.
    leads(&choose(&client, &[("medicines", "self_only")]).await, PAGE);
    app.later(61);
    leads(&with(&client, "household", PASSWORD).await, PAGE);
    assert_eq!(in_force(&app).await, "household");
}

#[tokio::test]
async fn a_page_in_another_tab_undoes_nothing_by_what_it_was_shown_with() {
    let app = TestApp::start().await;
    let (client, who) = member(&app).await;
    let other = app.inside(&who).await;
    // Both tabs show the household; one of them narrows.
    leads(&with(&client, "suppressed", "").await, PAGE);
    let stale = |costs, medicines| {
        [
            ("costs_shown", "household"),
            ("costs", costs),
            ("medicines_shown", "household"),
            ("medicines", medicines),
            ("current_password", PASSWORD),
        ]
    };
    // What the other left as it was shown it doesn't wish, the password notwithstanding.
    leads(&choose(&other, &stale("household", "self_only")).await, PAGE);
    assert_eq!(
        kept(&app).await,
        ["costs suppressed person", "medicines self_only person"]
    );
    // What looks narrower there is wider here, and takes the password.
    let narrower = [("costs_shown", "household"), ("costs", "self_only")];
    says(
        &choose(&other, &narrower).await,
        422,
        "今のパスワードを入力してください",
    );
    assert_eq!(in_force(&app).await, "suppressed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_narrow_at_the_same_moment_the_narrower_stays() {
    let app = TestApp::start().await;
    let (client, who) = app.member().await;
    let other = app.inside(&who).await;
    for _ in 0..5 {
        keep(&app, "household").await;
        let (one, two) = tokio::join!(
            choose(&client, &[("costs", "suppressed")]),
            choose(&other, &[("costs", "self_only")])
        );
        assert_eq!((one.status.as_u16(), two.status.as_u16()), (303, 303));
        assert_eq!(in_force(&app).await, "suppressed");
    }
}
