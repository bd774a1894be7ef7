//! Each of those who come, to every route.

use super::{BY_GET, World, call, leads_to_log_in};
use crate::isolation::{MARK, changed_by, moved, never_from_a_foreign_page, refuses_other_methods, rows};
use access::Role;
use edge::Rights;
use reqwest::Method;
use testkit::TestApp;

// security.md 42
#[tokio::test]
async fn every_route_of_the_console_opens_for_the_roles_that_the_policy_names_and_for_no_other() {
    let world = Box::pin(World::new()).await;
    let routes = world.routes();
    let mut stale = Vec::new();
    for (role, clerk) in &world.clerks {
        for row in routes.iter().filter(|(_, _, rights, _)| *rights != Rights::Public) {
            let browser = world.browser(*role, clerk).await;
            let answer = call(&browser, row).await;
            assert_eq!(
                answer.status,
                world.expected(*role, row, true),
                "{role:?} {}: {}",
                row.0,
                answer.text
            );
            stale.push((*role, row, clerk));
        }
    }
    // What ends a clerk's other sessions comes last.
    stale.sort_by_key(|(_, row, _)| row.0 == "console.account.sessions.end_others");
    let mut browsers = Vec::new();
    for (role, row, clerk) in stale {
        browsers.push((role, row, world.browser(role, clerk).await));
    }
    world.other.app.later(601);
    for (role, row, browser) in browsers {
        let answer = call(&browser, row).await;
        let expected = world.expected(role, row, false);
        let steps_up = answer.status == 303 && answer.location().starts_with("/console/prove");
        let is_right = match row.2 {
            Rights::Staff { step_up, .. } => answer.status == expected && steps_up == (step_up && expected == 303),
            // What is one's own may ask for a proof, too.
            _ => answer.status == expected || steps_up,
        };
        assert!(
            is_right,
            "{role:?} {} {} {}: {}",
            row.0,
            answer.status,
            answer.location(),
            answer.text
        );
    }
}

#[tokio::test]
async fn strangers_and_members_are_led_to_log_in_by_every_route_of_the_console() {
    let world = Box::pin(World::new()).await;
    let member = world.other.client.cookie("__Host-session").unwrap();
    for row in world.routes() {
        let disguised = world.other.app.client();
        disguised.set_cookie("__Host-console", &member);
        for client in [world.other.app.client(), world.other.client.clone(), disguised] {
            let answer = call(&client, &row).await;
            if row.2 == Rights::Public {
                assert_eq!(answer.status, row.3.own, "{}", row.0);
                assert!(!answer.text.contains(&world.other.who.email), "{}", row.0);
            } else {
                leads_to_log_in(row.0, &answer);
            }
        }
    }
    assert_eq!(world.other.client.get("/portal/mypage").await.status, 200);
}

// security.md 51
#[tokio::test]
async fn staff_of_another_insurer_find_nothing_of_this_one_by_any_route_of_the_console() {
    let world = Box::pin(World::new()).await;
    let all: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| role.is_given() && *role != Role::Workplace)
        .collect();
    let stranger = world.here.clerk(&all).await;
    let staff: Vec<&str> = world.clerks.iter().map(|(_, clerk)| clerk.email.as_str()).collect();
    for row in world
        .routes()
        .iter()
        .filter(|(_, _, rights, _)| *rights != Rights::Public)
    {
        let browser = world.here.in_another_browser(&stranger).await;
        let answer = call(&browser, row).await;
        let may = match row.2 {
            Rights::Staff { permission, .. } => all.iter().any(|role| world.may(*role, permission)),
            _ => true,
        };
        let expected = if may { row.3.elsewhere } else { 403 };
        assert_eq!(answer.status, expected, "{}: {}", row.0, answer.text);
        for theirs in staff
            .iter()
            .chain([&MARK, &&*world.other.who.email, &&*world.other.who.user_id])
        {
            assert!(!answer.text.contains(theirs), "{} tells {theirs}", row.0);
        }
    }
    // Nor do they with a secret of theirs that is told to be this insurer's.
    let browser = world.other.app.client();
    browser.set_cookie("__Host-console", &moved(&stranger.session, &world.other.app));
    leads_to_log_in("console", &browser.get("/console/").await);
}

// security.md 29
#[tokio::test]
async fn before_the_second_factor_no_route_opens_but_those_that_lead_to_it() {
    let world = Box::pin(World::new()).await;
    for (role, clerk) in &world.clerks {
        for row in world
            .routes()
            .iter()
            .filter(|(_, _, rights, _)| *rights != Rights::Public)
        {
            let pending = world.other.app.pending_again(clerk).await;
            let answer = call(&pending, row).await;
            if row.2 == Rights::StaffPending {
                // Support is always past it: its factor was proven by the operator.
                assert!(
                    *role == Role::Support || answer.status != 403 && answer.status.as_u16() < 500,
                    "{role:?} {}",
                    row.0
                );
                continue;
            }
            assert_eq!(answer.status, 303, "{role:?} {}: {}", row.0, answer.text);
            let to = answer.location();
            assert!(to.starts_with("/console/login/factor"), "{role:?} {}: {to}", row.0);
            assert!(!answer.text.contains(MARK), "{}", row.0);
        }
    }
}

// security.md 41
#[tokio::test]
async fn who_loses_a_role_or_is_suspended_is_refused_by_every_route_of_every_node_with_the_next_request() {
    let world = Box::pin(World::new()).await;
    let app = &world.other.app;
    let beside = app.beside(|_| ()).await;
    let roles: Vec<Role> = Role::ALL.into_iter().filter(|role| role.is_given()).collect();
    for row in world
        .routes()
        .iter()
        .filter(|(_, _, rights, _)| *rights != Rights::Public)
    {
        let (revoked, suspended) = (app.clerk(&roles).await, app.clerk(&roles).await);
        let mut browsers = Vec::new();
        for clerk in [&revoked, &suspended] {
            let there = beside.client();
            there.set_cookie("__Host-console", &app.in_another_browser(clerk).await.session);
            browsers.push([clerk.client.clone(), there]);
        }
        for browser in browsers.iter().flatten() {
            assert_eq!(
                browser.get("/console/").await.status,
                200,
                "the node has seen the session"
            );
        }
        app.revoke(&revoked).await;
        app.suspend(&suspended).await;
        let without = if matches!(row.2, Rights::Staff { .. }) {
            403
        } else {
            row.3.own
        };
        for browser in &browsers[0] {
            let answer = call(browser, row).await;
            assert_eq!(answer.status, without, "{}: {}", row.0, answer.text);
        }
        for browser in &browsers[1] {
            let answer = call(browser, row).await;
            assert_eq!(answer.status, 403, "{}", row.0);
            assert!(
                answer.text.contains("このアカウントは停止しています"),
                "{}: {}",
                row.0,
                answer.text
            );
        }
    }
}

// security.md 46
#[tokio::test]
async fn a_session_of_staff_opens_nothing_of_the_portals_or_the_apis_nor_a_members_anything_of_the_consoles() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let (member, _) = app.member().await;
    assert_eq!(clerk.get("/portal/mypage").await.status, 303);
    assert_eq!(member.get("/console/").await.status, 303);
    let swapped = app.client();
    swapped.set_cookie("__Host-session", &clerk.session);
    assert_eq!(swapped.get("/portal/mypage").await.status, 303);
    swapped.set_cookie("__Host-console", &member.cookie("__Host-session").unwrap());
    leads_to_log_in("console", &swapped.get("/console/").await);
    let answer = app
        .client()
        .call(Method::GET, "/me/dashboard", Some(&clerk.session), None)
        .await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    // A program's token is none of a browser's either.
    let token = serde_json::json!({"user_id": "x", "password": "y"});
    assert_eq!(
        app.client()
            .call(Method::POST, "/sessions", None, Some(token))
            .await
            .status,
        401
    );
    assert_eq!(clerk.get("/console/").await.status, 200);
    assert_eq!(member.get("/portal/mypage").await.status, 200);
}

// security.md 43
#[tokio::test]
async fn no_route_of_the_console_takes_a_post_from_a_foreign_page() {
    let world = Box::pin(World::new()).await;
    let app = &world.other.app;
    let clerk = app.clerk(&[Role::Administrator]).await;
    for row in world.routes().iter().filter(|(_, method, ..)| *method == Method::POST) {
        never_from_a_foreign_page(&clerk, row.0, &row.3.path, &app.url).await;
    }
    assert_eq!(clerk.get("/console/").await.status, 200);
}

// security.md 43
#[tokio::test]
async fn nothing_of_the_console_is_changed_by_get_but_the_trail_and_what_a_factor_is_asked() {
    let world = Box::pin(World::new()).await;
    let insurer = world.other.insurer();
    let mut kept = rows(insurer).await;
    for method in [Method::HEAD, Method::GET] {
        for (_, clerk) in &world.clerks {
            for (name, _, _, case) in world.routes().iter().filter(|(_, method, ..)| *method == Method::GET) {
                let answer = clerk.send(clerk.request(method.clone(), &case.path)).await;
                assert!(answer.status.as_u16() < 500, "{name}: {}", answer.status);
            }
        }
        let (now, mut changed) = changed_by(insurer, &kept).await;
        changed.retain(|table| !BY_GET.contains(&table.as_str()));
        assert!(changed.is_empty(), "{method} changes {changed:?}");
        kept = now;
    }
}

#[tokio::test]
async fn another_method_is_refused_by_every_address_of_the_console_with_those_it_has() {
    let world = Box::pin(World::new()).await;
    for (name, method, _, case) in world.routes() {
        refuses_other_methods(&world.here.client(), name, &method, &case.path).await;
    }
}
