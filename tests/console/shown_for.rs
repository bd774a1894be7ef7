//! Whose form is this: two clerks in one browser, and in each tab another (security.md 63).

use crate::portal::{leads, says};
use access::Role;
use edge::Rights;
use reqwest::Method;
use testkit::{MARK, TestApp, TestClerk};

const OTHER: &str = "この画面を開いたあとに、別の方の手続きが始まっています";
const COOKIE: &str = "__Host-console";
const FRAME: &str = "<body class=\"console\">";

/// Every form of staff's: its path, and whether somebody without a second factor may send it.
fn forms(app: &TestApp) -> Vec<(String, Rights)> {
    let rows = app.pages.table.rows().iter();
    let staffs = rows.filter(|route| pages::console::is_console(route.path) && route.rights != Rights::Public);
    let posts = staffs.filter(|route| route.method.as_str() == Method::POST.as_str());
    posts.map(|route| (filled(route.path), route.rights)).collect()
}

/// A pattern with something in the place of each parameter.
fn filled(pattern: &str) -> String {
    let segment = |segment: &str| match segment.strip_prefix(':') {
        Some(_) => "0197a3c0-0000-7000-8000-00000000004d".to_owned(),
        None => segment.to_owned(),
    };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

async fn everything(app: &TestApp) -> Vec<String> {
    let mut rows = Vec::new();
    for table in [
        "staff",
        "staff_roles",
        "staff_factors",
        "staff_codes",
        "support_grants",
        "sessions",
        "jobs",
        "mails",
    ] {
        let all = format!("SELECT coalesce(string_agg(t::text, ' ' ORDER BY t::text), '') AS line FROM {table} t");
        rows.extend(app.insurer.lines(&all).await);
    }
    rows
}

/// The first clerk's mark, and their browser once the second has logged in with it.
async fn taken_over(first: &TestClerk, second: &TestClerk) -> String {
    let mark = first.mark("/console/logout").await.unwrap();
    first.set_cookie(COOKIE, &second.session);
    mark
}

// security.md 63
#[tokio::test]
async fn the_forms_of_a_clerk_are_not_taken_for_whoever_logged_in_meanwhile() {
    let app = TestApp::start().await;
    // Whoever is bounded to workplaces holds less.
    let all: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| role.is_given() && *role != Role::Workplace)
        .collect();
    let (first, second) = (app.clerk(&all).await, app.clerk_named("交替　次郎", &all).await);
    let mark = taken_over(&first, &second).await;
    let before = everything(&app).await;
    for (path, rights) in forms(&app) {
        let answer = first.post_bare(&path, &[(MARK, &mark)]).await;
        // Staff of no insurer can't be asked for what is the platform's.
        if matches!(rights, Rights::Staff { permission, .. } if permission.0.starts_with("operator.")) {
            assert_eq!(answer.status, 403, "{path}");
            continue;
        }
        says(&answer, 409, OTHER);
        for text in [FRAME, "action=\"/console/logout\"", "href=\"/console/\"", "交替　次郎"] {
            assert!(answer.text.contains(text), "{path}: {text} is missing: {}", answer.text);
        }
        assert!(
            answer.set_cookies().is_empty() && !answer.text.contains("/portal/"),
            "{path}"
        );
    }
    assert_eq!(everything(&app).await, before, "nothing is written");
    // The button of that page ends what is open in this browser, whosever it is.
    leads(
        &first.post_bare("/console/logout", &[(MARK, &mark)]).await,
        "/console/login",
    );
}

// security.md 63
#[tokio::test]
async fn before_the_second_factor_too_a_form_is_of_whom_it_was_shown_for() {
    let app = TestApp::start().await;
    let (first, second) = (
        app.pending_clerk(&[]).await,
        app.pending_clerk(&[Role::Administrator]).await,
    );
    let mark = taken_over(&first, &second).await;
    let before = everything(&app).await;
    for (path, _) in forms(&app).iter().filter(|(_, rights)| *rights == Rights::StaffPending) {
        for fields in [&[][..], &[(MARK, "")], &[(MARK, mark.as_str())]] {
            says(&first.post_bare(path, fields).await, 409, OTHER);
        }
    }
    assert_eq!(everything(&app).await, before, "nothing is written");
    // Once the factor is proven they are the same person, and what still stands in a tab is theirs.
    let pending_mark = second.mark("/console/logout").await.unwrap();
    let inside = app.in_another_browser(&second).await;
    leads(
        &inside.post_bare("/console/logout", &[(MARK, &pending_mark)]).await,
        "/console/login",
    );
}

// security.md 63
#[tokio::test]
async fn no_form_of_staff_is_taken_without_a_mark_or_with_a_made_up_or_a_members_one() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let (member, _) = app.member().await;
    let members = member.mark("/portal/account").await.unwrap();
    for fields in [
        &[][..],
        &[(MARK, "")],
        &[(MARK, "AAAAAAAAAAAAAAAAAAAAAA")],
        &[(MARK, members.as_str())],
    ] {
        says(&clerk.post_bare("/console/members", fields).await, 409, OTHER);
    }
    // Whoever logs out may do so by whatever form.
    leads(&clerk.post_bare("/console/logout", &[]).await, "/console/login");
}
