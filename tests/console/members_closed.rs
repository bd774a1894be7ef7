//! Accounts that a person had before: a clerk sees when each was opened and closed and by whom, and nothing of what was in it.

use super::members_desk::Case;
use access::Role;
use testkit::{Client, PASSWORD, SignedUp};

/// The lines about closed accounts on the person's page.
async fn closed(clerk: &Client, page: &str) -> Vec<String> {
    let page = clerk.get(page).await;
    assert_eq!(page.status, 200);
    let Some(table) = page.text.split("<caption class=\"vh\">取りやめた登録</caption>").nth(1) else {
        return Vec::new();
    };
    let rows = table.split("</table>").next().unwrap().split("<tr><td").skip(1);
    rows.map(str::to_owned).collect()
}

async fn close_own(client: &Client) {
    let closed = client
        .post("/portal/account/close", &[("current_password", PASSWORD)])
        .await;
    assert_eq!(closed.status, 303, "{}", closed.text);
}

#[tokio::test]
async fn a_persons_page_lists_the_accounts_they_had_with_who_closed_them_and_nothing_of_what_was_in_them() {
    let case = Box::pin(Case::new()).await;
    let clerk = case.app.clerk_named("資格　花子", &[Role::Eligibility]).await;
    assert!(closed(&clerk, &case.page).await.is_empty());
    close_own(&case.client).await;
    case.app.later(600);
    let second: SignedUp = case.app.sign_up().await;
    let desk = clerk.post(&case.at("close"), &[("confirmed", "1")]).await;
    assert_eq!(desk.status, 303, "{}", desk.text);
    case.app.later(600);
    case.app.sign_up().await;
    let viewer = case.app.clerk(&[Role::Viewer]).await;
    for who in [&clerk, &viewer] {
        let lines = closed(who, &case.page).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        // The last to be closed comes first.
        assert!(lines[0].contains("職員（資格　花子）"), "{lines:?}");
        assert!(lines[1].contains("ご本人"), "{lines:?}");
        assert_eq!(lines[1].matches("2026年11月22日").count(), 2, "{lines:?}");
        let all = lines.concat();
        for private in [&case.who.user_id, &case.who.email, &second.user_id, &second.email] {
            assert!(!all.contains(private.as_str()), "{private}");
        }
        let page = who.get(&case.page).await.text;
        assert!(!page.contains(&case.who.user_id) && !page.contains(&second.user_id));
    }
    // Of whom the trail says nothing any more there is nobody.
    testkit::sql(
        case.app.tenant(),
        "DELETE FROM audit_events WHERE action = 'account.close'",
    )
    .await;
    let lines = closed(&clerk, &case.page).await;
    assert!(lines[0].contains("保存期間が過ぎています"), "{lines:?}");
}

#[tokio::test]
async fn the_accounts_that_another_had_are_on_no_page_but_theirs() {
    let case = Box::pin(Case::new()).await;
    close_own(&case.client).await;
    let other = testkit::TestPerson::new(106);
    case.app.insurer.import(&[case.app.person.clone(), other]).await;
    let clerk = case.app.clerk(&[Role::Eligibility]).await;
    let id = "SELECT person_id::text AS line FROM persons WHERE number = '106'";
    let theirs = format!("/console/members/{}", case.app.insurer.lines(id).await[0]);
    assert!(closed(&clerk, &theirs).await.is_empty());
    assert_eq!(closed(&clerk, &case.page).await.len(), 1);
}
