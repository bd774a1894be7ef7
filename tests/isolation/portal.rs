//! Every route of the portal (console.rs has staff's), as a stranger, as a member of another insurer with this one's ids, without consent, from a
//! foreign page, and by a method it does not have.

use super::{MARK, Other, asset, changed_by, moved, never_from_a_foreign_page, refuses_other_methods, rows, send};
use edge::Rights;
use pages::console::is_console;
use reqwest::Method;
use testkit::{Answer, Client, Fields, TestApp, unique};

/// How a route is called with the other insurer's ids, and what comes of it.
struct Case {
    path: String,
    fields: Fields,
    /// What a stranger gets of a public route.
    stranger: u16,
    /// What a member of another insurer gets.
    member: u16,
}

fn case(name: &str, here: &TestApp, other: &Other, asset: &str) -> Case {
    let none = Fields::new(&[]);
    let at = |path: &str, stranger, member| Case {
        path: path.into(),
        fields: none.clone(),
        stranger,
        member,
    };
    let with = |path: &str, fields: Fields, stranger, member| Case {
        path: path.into(),
        fields,
        stranger,
        member,
    };
    // The other's person under this insurer's code, as a confused or curious visitor types it.
    let identity = other
        .app
        .identity(&other.app.person)
        .with("insurer_code", here.insurer.code.as_str());
    let identity = identity.with("number", "9999");
    let link = format!("{}.{}", other.app.tenant(), "A".repeat(43));
    let logo = other.insurer().insurer.logo.as_ref().unwrap().hash.clone();
    let code = Fields::new(&[("code", "123456")]);
    let wrong = Fields::new(&[
        ("current_password", "wrong"),
        ("password", "Asagao3rin#"),
        ("email", "a@example.jp"),
    ]);
    match name {
        "start" => at("/", 303, 303),
        "portal" => at("/portal", 303, 303),
        "asset" => at(asset, 200, 200),
        "logo" => at(&format!("/portal/logo/{}/{logo}", here.insurer.code), 404, 404),
        "accessibility" => at("/portal/accessibility", 200, 200),
        "sign_up.printed" => at("/portal/signup.ibss", 308, 308),
        "sign_up" => at("/portal/signup", 200, 200),
        "sign_up.identify" => with("/portal/signup", identity, 422, 422),
        "sign_up.account" | "sign_up.create" => at("/portal/signup/account", 303, 303),
        "sign_up.code" => at("/portal/signup/code", 303, 303),
        "sign_up.confirm" => with("/portal/signup/code", code, 303, 303),
        "sign_up.resend" => at("/portal/signup/code/resend", 303, 303),
        "log_in" => at("/portal/", 200, 303),
        "log_in.submit" => {
            let fields = Fields::new(&[("user_id", &other.who.user_id), ("password", "wrong")]);
            with("/portal/", fields, 422, 422)
        }
        "log_in.forget" => at("/portal/forget-user-id", 303, 303),
        "log_out" => at("/portal/logout", 200, 200),
        "log_out.submit" => at("/portal/logout", 303, 303),
        "recover.password" => at("/portal/password", 200, 200),
        "recover.password_submit" => {
            let fields = Fields::new(&[("user_id", &unique("nobody"))]);
            with("/portal/password", fields, 303, 303)
        }
        "recover.reset" => at(&format!("/portal/password/reset?token={link}"), 409, 409),
        "recover.reset_submit" => {
            let fields = Fields::new(&[("token", &link), ("password", "Asagao3rin#")]);
            with("/portal/password/reset", fields, 409, 409)
        }
        "recover.user_id" => at("/portal/user-id", 200, 200),
        "recover.user_id_submit" => with("/portal/user-id", identity, 303, 303),
        "terms" | "terms.accept" => at("/portal/terms", 303, 303),
        "my_page" => at("/portal/mypage", 303, 200),
        "notices" => at("/portal/notices", 303, 200),
        "notices.open" => at(&format!("/portal/notices/{}", other.notice), 303, 404),
        "guides" => at("/portal/guides/medicine-guide", 303, 200),
        "costs" => at("/portal/costs", 303, 200),
        "costs_month" => at("/portal/costs/2026-06", 303, 200),
        // Nothing is published here.
        "costs_tax" => at("/portal/costs/tax/2026", 303, 404),
        "costs_files" => at("/portal/costs/files", 303, 200),
        "costs_files_take" => {
            let fields = Fields::new(&[("year", "2026"), ("file", "rows")]);
            with("/portal/costs/files", fields, 303, 422)
        }
        "medicines" => at("/portal/medicines", 303, 200),
        "medicines_month" => at("/portal/medicines/2026-06", 303, 200),
        "medicines_files" => at("/portal/medicines/files", 303, 200),
        "medicines_files_take" => {
            let fields = Fields::new(&[("year", "2026"), ("file", "medicines")]);
            with("/portal/medicines/files", fields, 303, 422)
        }
        "site_notices" => at("/portal/site-notices", 200, 200),
        "site_notices.open" => at(&format!("/portal/site-notices/{}", other.personal), 404, 404),
        "help" => at("/portal/help", 200, 200),
        "account" => at("/portal/account", 303, 200),
        "mails" => at("/portal/account/mails", 303, 200),
        "mails.submit" => at("/portal/account/mails", 303, 303),
        "mails.stop" | "mails.stop_submit" => at(&format!("/portal/mails/stop?token={link}"), 404, 404),
        "desk_email" => at(&format!("/portal/email/stop?token={link}"), 409, 409),
        "desk_email.stop" => with("/portal/email/stop", Fields::new(&[("token", &link)]), 409, 409),
        // Nothing is under way.
        "account.stop_desk_email" => at("/portal/account/email/stop", 303, 303),
        "my_data" => at("/portal/account/my-data", 303, 200),
        "family" => at("/portal/account/family", 303, 200),
        "looks" => at("/portal/account/looks", 303, 200),
        // Nothing is chosen.
        "family_check" => at("/portal/account/family/check", 303, 303),
        "family_change" => at("/portal/account/family", 303, 303),
        "close" => at("/portal/account/close", 303, 200),
        "close.submit" => with("/portal/account/close", wrong, 303, 422),
        "account.password" => at("/portal/account/password", 303, 200),
        "account.password_submit" => with("/portal/account/password", wrong, 303, 422),
        "account.end_session" => at(&format!("/portal/account/sessions/{}/end", other.session), 303, 404),
        "account.end_others" => at("/portal/account/sessions/end-others", 303, 303),
        "account.consents" => at("/portal/account/consents", 303, 200),
        "account.consent" => at("/portal/account/consents/points/1", 303, 404),
        "email_change" => at("/portal/account/email", 303, 200),
        "email_change.submit" => with("/portal/account/email", wrong, 303, 422),
        "email_change.code" => at("/portal/account/email/code", 303, 303),
        "email_change.confirm" => with("/portal/account/email/code", code, 303, 303),
        "email_change.resend" => at("/portal/account/email/code/resend", 303, 303),
        name => panic!("the route {name} has no case here: add one"),
    }
}

async fn call(client: &Client, method: &Method, case: &Case) -> Answer {
    send(client, method, &case.path, &case.fields).await
}

struct World {
    here: TestApp,
    other: Other,
    asset: String,
}

impl World {
    async fn new() -> Self {
        let here = TestApp::start().await;
        Self {
            asset: asset(&here).await,
            here,
            other: Box::pin(Other::new()).await,
        }
    }

    /// Every route with its case.
    fn routes(&self) -> impl Iterator<Item = (&'static str, Method, Rights, Case)> {
        let portals = self
            .here
            .pages
            .table
            .rows()
            .iter()
            .filter(|route| !is_console(route.path));
        portals.map(|route| {
            let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
            (
                route.name,
                method,
                route.rights,
                case(route.name, &self.here, &self.other, &self.asset),
            )
        })
    }
}

#[tokio::test]
async fn a_stranger_is_sent_to_log_in_by_every_route_that_is_not_public() {
    let world = World::new().await;
    for (name, method, access, case) in world.routes() {
        let answer = call(&world.here.client(), &method, &case).await;
        match access {
            Rights::Public => assert_eq!(answer.status, case.stranger, "{name}"),
            Rights::Ticket => assert_eq!(
                (answer.status.as_u16(), answer.location()),
                (303, "/portal/signup"),
                "{name}"
            ),
            Rights::Session | Rights::Member => {
                assert_eq!(answer.status, 303, "{name}");
                let to = answer.location();
                assert!(to == "/portal/" || to.starts_with("/portal/?next="), "{name}: {to}");
            }
            staffs => panic!("{name}: {staffs:?} outside the console"),
        }
        assert!(!answer.text.contains(MARK), "{name}");
    }
}

// security.md 51
#[tokio::test]
async fn a_member_of_another_insurer_finds_nothing_of_this_one_by_any_route() {
    let world = World::new().await;
    let who = world.here.sign_up().await;
    let client = world.here.inside(&who).await;
    for (name, method, _, case) in world.routes() {
        let client = if name == "log_out.submit" {
            world.here.inside(&who).await
        } else {
            client.clone()
        };
        let answer = call(&client, &method, &case).await;
        assert_eq!(answer.status, case.member, "{name}: {}", answer.text);
        for theirs in [MARK, &world.other.who.email, &world.other.who.user_id] {
            // What the visitor typed themselves comes back in its field.
            assert!(
                name == "log_in.submit" || !answer.text.contains(theirs),
                "{name} tells {theirs}"
            );
        }
    }
    // And the other member is where they were.
    assert_eq!(world.other.client.get("/portal/mypage").await.status, 200);
}

#[tokio::test]
async fn their_own_member_finds_by_the_same_addresses_what_a_stranger_does_not() {
    // Otherwise the refusals above might be wrong addresses.
    let world = World::new().await;
    let other = &world.other;
    for id in [other.notice, other.personal] {
        let answer = other.client.get(&format!("/portal/notices/{id}")).await;
        assert!(answer.status == 200 && answer.text.contains(MARK));
    }
    assert_eq!(other.client.get("/portal/account/consents/points/1").await.status, 200);
    assert!(
        other
            .client
            .get("/portal/guides/medicine-guide")
            .await
            .text
            .contains(MARK)
    );
    let end = format!("/portal/account/sessions/{}/end", other.session);
    assert_eq!(other.client.press(&end).await.status, 303);
}

#[tokio::test]
async fn without_consent_a_member_is_sent_to_the_terms_by_every_route_of_members() {
    let world = World::new().await;
    let who = world.here.sign_up().await;
    let client = world.here.client();
    client.log_in(&who).await;
    for (name, method, access, case) in world.routes() {
        if name == "log_out.submit" {
            continue;
        }
        let answer = call(&client, &method, &case).await;
        match (access, name) {
            (Rights::Member, _) => {
                assert_eq!(answer.status, 303, "{name}");
                assert!(
                    answer.location().starts_with("/portal/terms"),
                    "{name}: {}",
                    answer.location()
                );
            }
            (_, "terms") => assert_eq!(answer.status, 200),
            (_, "terms.accept") => assert_eq!(answer.status, 422),
            (_, "log_in") => assert_eq!(answer.location(), "/portal/terms"),
            _ => assert_eq!(answer.status, case.stranger, "{name}"),
        }
    }
    assert_eq!(client.press("/portal/logout").await.status, 303);
}

// security.md 43
#[tokio::test]
async fn no_route_takes_a_post_from_a_foreign_page() {
    let world = World::new().await;
    let (client, _) = world.here.member().await;
    // But the one that mail programs press: it goes by its address alone.
    let table = world.here.pages.table.rows().iter();
    let foreign: Vec<&str> = table.filter(|route| route.foreign).map(|route| route.name).collect();
    assert_eq!(foreign, ["mails.stop_submit"]);
    let posts = world.routes().filter(|(_, method, ..)| *method == Method::POST);
    for (name, method, _, case) in posts.filter(|(name, ..)| !foreign.contains(name)) {
        never_from_a_foreign_page(&client, name, &case.path, &world.here.url).await;
        let own = client
            .request(method.clone(), &case.path)
            .header("Origin", &world.here.url);
        if name != "log_out.submit" {
            assert_ne!(client.send(own).await.status, 403, "{name}");
        }
    }
}

// security.md 43
#[tokio::test]
async fn nothing_is_changed_by_get_but_that_an_opened_notice_is_read_and_nothing_at_all_by_head() {
    let world = World::new().await;
    let other = &world.other;
    let pages: Vec<(&str, String)> = world
        .routes()
        .filter(|(_, method, ..)| *method == Method::GET)
        .map(|(name, .., case)| (name, case.path))
        .collect();
    let mut kept = rows(other.insurer()).await;
    for method in [Method::HEAD, Method::GET] {
        for (name, path) in &pages {
            let answer = other.client.send(other.client.request(method.clone(), path)).await;
            assert!(answer.status.as_u16() < 500, "{name}: {}", answer.status);
            let (now, changed) = changed_by(other.insurer(), &kept).await;
            if (name, &method) == (&"notices.open", &Method::GET) {
                assert_eq!(changed, ["notice_reads"]);
            } else {
                assert!(changed.is_empty(), "{method} {name} changes {changed:?}");
            }
            kept = now;
        }
    }
    assert_eq!(other.client.get("/portal/mypage").await.status, 200);
}

#[tokio::test]
async fn another_method_is_refused_by_every_address_with_those_it_has() {
    let world = World::new().await;
    for (name, method, _, case) in world.routes() {
        refuses_other_methods(&world.here.client(), name, &method, &case.path).await;
    }
}

// security.md 37, 51
#[tokio::test]
async fn a_secret_opens_nothing_in_another_insurer() {
    let (here, other) = (TestApp::start().await, Other::new().await);
    let client = here.client();
    client.set_cookie(
        "__Host-session",
        &moved(&other.client.cookie("__Host-session").unwrap(), &here),
    );
    assert_eq!(client.get("/portal/mypage").await.status, 303);
    let ticketed = here.identified().await;
    let ticket = ticketed.cookie("__Host-ticket").unwrap();
    client.set_cookie("__Host-ticket", &moved(&ticket, &other.app));
    assert_eq!(client.get("/portal/signup/account").await.location(), "/portal/signup");
    client.set_cookie("__Host-ticket", &ticket);
    assert_eq!(client.get("/portal/signup/account").await.status, 200);
}
