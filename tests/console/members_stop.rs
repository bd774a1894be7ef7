//! A change of address that the desk has begun is stopped by whoever reads the old address, by a link that does nothing else,
//! and by the member on their own page; the desk sees that it was.

use super::members_desk::{Case, address, ask_for};
use access::Role;
use testkit::{Client, TestApp, unique};

/// The path of the link in the last mail to the old address.
async fn link(case: &Case) -> String {
    let mails = case.app.mails_to(&case.who.email).await;
    let text = mails
        .iter()
        .find_map(|mail| mail.text.split("/portal/email/stop").nth(1));
    format!("/portal/email/stop{}", text.unwrap().split_whitespace().next().unwrap())
}

fn token(link: &str) -> &str {
    link.split("token=").nth(1).unwrap()
}

async fn press(client: &Client, link: &str) -> testkit::Answer {
    client.post("/portal/email/stop", &[("token", token(link))]).await
}

/// Asked for and proven, so that only the day is missing.
async fn proven(case: &Case) -> String {
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let new = format!("{}@example.jp", unique("new"));
    ask_for(case, &clerk, &new).await;
    let code = case.app.code_for(&new).await;
    let right = clerk.post(&case.at("email/code"), &[("code", &code)]).await;
    assert_eq!(right.status, 303, "{}", right.text);
    new
}

async fn a_day_later(case: &Case) -> String {
    case.app.later(25 * 3600);
    case.app.work().await;
    address(case).await
}

async fn stops(app: &TestApp, actor: &str) -> usize {
    let of = format!("action = 'email.stop' AND outcome = 'done' AND actor_kind = '{actor}'");
    app.insurer.count("audit_events", &of).await
}

// security.md 30
#[tokio::test]
async fn a_change_by_the_desk_is_stopped_by_the_link_in_the_mail_and_looking_at_it_stops_nothing() {
    let case = Box::pin(Case::new()).await;
    let new = proven(&case).await;
    let link = link(&case).await;
    let stranger = case.app.client();
    for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
        let seen = stranger.send(stranger.request(method, &link)).await;
        assert_eq!(seen.status, 200);
    }
    let page = stranger.get(&link).await;
    assert!(page.text.contains("変更を止める"), "{}", page.text);
    for private in [&new, &case.who.email, &case.who.user_id] {
        assert!(!page.text.contains(private.as_str()), "{private}");
    }
    assert_eq!(case.app.insurer.count("desk_email_changes", "true").await, 1);
    let stopped = press(&stranger, &link).await;
    assert_eq!((stopped.status.as_u16(), stopped.location()), (303, "/portal/"));
    let said = stranger.get("/portal/").await;
    assert!(said.text.contains("メールアドレスの変更を止めました"), "{}", said.text);
    // The second of two clicks is told the same; later there is nothing to stop.
    assert_eq!(press(&stranger, &link).await.status, 303);
    assert_eq!(stops(&case.app, "visitor").await, 1);
    case.app.later(61);
    for late in [press(&stranger, &link).await, stranger.get(&link).await] {
        assert_eq!(late.status, 409);
        assert!(late.text.contains("止められる変更は、ありません"), "{}", late.text);
    }
    assert_eq!(a_day_later(&case).await, case.who.email);
    // Nobody is inside by it, and whoever was is still.
    assert_eq!(stranger.get("/portal/mypage").await.status, 303);
    assert_eq!(case.app.client().log_in(&case.who).await.status, 303);
}

// security.md 30
#[tokio::test]
async fn a_change_by_the_desk_is_stopped_on_the_account_page_by_its_member_alone() {
    let case = Box::pin(Case::new()).await;
    let new = proven(&case).await;
    let page = case.client.get("/portal/account").await;
    assert!(page.text.contains("/portal/account/email/stop"), "{}", page.text);
    assert!(!page.text.contains(&new), "masked");
    // Another insurer's member has nothing to stop, and a stranger is sent to log in.
    let other = TestApp::start().await;
    let (elsewhere, _) = other.member().await;
    assert_eq!(elsewhere.press("/portal/account/email/stop").await.status, 303);
    let stranger = case.app.client().post("/portal/account/email/stop", &[]).await;
    assert!(stranger.location().starts_with("/portal/"), "{}", stranger.location());
    assert_eq!(case.app.insurer.count("desk_email_changes", "true").await, 1);
    let stopped = case.client.press("/portal/account/email/stop").await;
    assert_eq!((stopped.status.as_u16(), stopped.location()), (303, "/portal/account"));
    let page = case.client.get("/portal/account").await;
    assert!(page.text.contains("変更を止めました"), "{}", page.text);
    assert!(!page.text.contains("/portal/account/email/stop"), "{}", page.text);
    case.client.press("/portal/account/email/stop").await;
    let page = case.client.get("/portal/account").await;
    assert!(page.text.contains("手続き中の変更は、ありません"), "{}", page.text);
    assert_eq!(stops(&case.app, "member").await, 1);
    // The link in the mail has nothing left to stop either.
    case.app.later(61);
    assert_eq!(press(&case.app.client(), &link(&case).await).await.status, 409);
    assert_eq!(a_day_later(&case).await, case.who.email);
}

#[tokio::test]
async fn a_link_that_stops_a_change_opens_nothing_else_and_no_other_stops_one() {
    let case = Box::pin(Case::new()).await;
    proven(&case).await;
    let link = link(&case).await;
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    assert_eq!(clerk.post(&case.at("reset"), &[]).await.status, 303);
    let mails = case.app.mails_to(&case.who.email).await;
    let reset = mails.iter().find_map(|mail| mail.text.split("reset?token=").nth(1));
    let reset = reset.unwrap().split_whitespace().next().unwrap();
    let client = case.app.client();
    let opened = client
        .get(&format!("/portal/password/reset?token={}", token(&link)))
        .await;
    assert_eq!(opened.status, 409);
    let stop = client.get(&format!("/portal/mails/stop?token={}", token(&link))).await;
    assert_eq!(stop.status, 404);
    let (tenant, secret) = token(&link).split_once('.').unwrap();
    let other = TestApp::start().await;
    let forged = [
        String::new(),
        "x".into(),
        "\0".into(),
        reset.to_owned(),
        format!("{tenant}.{}", "A".repeat(43)),
        format!("{}.{secret}", other.tenant()),
        format!("2000000000.{secret}"),
    ];
    for forged in forged {
        let sent = client.post("/portal/email/stop", &[("token", &forged)]).await;
        assert_eq!(sent.status, 409, "{forged}");
    }
    assert_eq!(case.app.insurer.count("desk_email_changes", "true").await, 1);
    assert_eq!(stops(&case.app, "visitor").await, 0);
}

#[tokio::test]
async fn once_a_change_counts_or_was_never_proven_or_the_desk_took_it_back_there_is_nothing_to_stop() {
    // It counts.
    let case = Box::pin(Case::new()).await;
    let new = proven(&case).await;
    let counted = link(&case).await;
    assert_eq!(a_day_later(&case).await, new);
    assert_eq!(press(&case.app.client(), &counted).await.status, 409);
    assert_eq!(address(&case).await, new);
    // Never proven.
    let case = Box::pin(Case::new()).await;
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    ask_for(&case, &clerk, &format!("{}@example.jp", unique("new"))).await;
    let unproven = link(&case).await;
    case.app.later(24 * 3600 + 1);
    assert_eq!(press(&case.app.client(), &unproven).await.status, 409);
    // Taken back, and the account closed.
    let clerk = case.app.in_another_browser(&clerk).await;
    ask_for(&case, &clerk, &format!("{}@example.jp", unique("new"))).await;
    let cancelled = link(&case).await;
    assert_eq!(clerk.post(&case.at("email/cancel"), &[]).await.status, 303);
    assert_eq!(press(&case.app.client(), &cancelled).await.status, 409);
    case.app.later(61);
    ask_for(&case, &clerk, &format!("{}@example.jp", unique("new"))).await;
    let closed = link(&case).await;
    assert_eq!(clerk.post(&case.at("close"), &[("confirmed", "1")]).await.status, 303);
    assert_eq!(press(&case.app.client(), &closed).await.status, 409);
    assert_eq!(stops(&case.app, "visitor").await, 0);
}

// security.md 30
#[tokio::test]
async fn a_link_that_went_to_an_address_of_before_neither_shows_nor_stops_a_later_change() {
    let case = Box::pin(Case::new()).await;
    let new = proven(&case).await;
    let before = link(&case).await;
    assert_eq!(a_day_later(&case).await, new);
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    ask_for(&case, &clerk, &format!("{}@example.jp", unique("later"))).await;
    let reader = case.app.client();
    for refused in [reader.get(&before).await, press(&reader, &before).await] {
        assert_eq!(refused.status, 409, "{}", refused.text);
    }
    assert_eq!(case.app.insurer.count("desk_email_changes", "true").await, 1);
    assert_eq!(stops(&case.app, "visitor").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_stop_once_and_are_both_told_so() {
    let case = Box::pin(Case::new()).await;
    proven(&case).await;
    let link = link(&case).await;
    let (one, two) = (case.app.client(), case.app.client());
    let (one, two) = tokio::join!(press(&one, &link), press(&two, &link));
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (303, 303));
    assert_eq!(stops(&case.app, "visitor").await, 1);
}

#[tokio::test]
async fn the_desk_sees_that_the_member_stopped_it_until_it_is_asked_for_anew() {
    let case = Box::pin(Case::new()).await;
    proven(&case).await;
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let said = "メールアドレスの変更が止められました";
    assert!(!clerk.get(&case.page).await.text.contains(said));
    case.app.later(1);
    assert_eq!(press(&case.app.client(), &link(&case).await).await.status, 303);
    for path in [case.page.clone(), case.at("email")] {
        let page = clerk.get(&path).await;
        assert!(page.text.contains(said), "{}", page.text);
        assert!(
            page.text.contains("今のメールアドレスに届いたお知らせから"),
            "{}",
            page.text
        );
    }
    // A code that the clerk still has in hand proves nothing any more.
    let late = clerk.post(&case.at("email/code"), &[("code", "123456")]).await;
    assert_eq!(late.status, 303, "{}", late.text);
    case.app.later(61);
    ask_for(&case, &clerk, &format!("{}@example.jp", unique("new"))).await;
    assert!(!clerk.get(&case.page).await.text.contains(said));
    case.app.later(1);
    case.client.press("/portal/account/email/stop").await;
    let page = clerk.get(&case.page).await;
    assert!(page.text.contains("マイページで、窓口で受け付けた"), "{}", page.text);
    let auditor = case.app.clerk(&[Role::Auditor]).await;
    let trail = auditor.get("/console/audit?action=email.stop").await;
    // In the form's list, and of each a line.
    assert_eq!(trail.text.matches("本人による停止").count(), 3, "{}", trail.text);
}
