//! The console as somebody with bad intentions tries it: sessions that are moved, planted and kept, proofs that are carried
//! elsewhere, addresses that are spelled otherwise, and roles that reach further than they were given.

use super::factor::{print, send, send_printed, with_app};
use crate::portal::{leads, says};
use access::{Reach, Role};
use reqwest::Method;
use testkit::{Client, TestApp, TestClerk, TestPerson, totp};

const CONSOLE: &str = "__Host-console";
/// Parts of the name and number of the one person of the roster, however pages write them.
const MARKS: [&str; 3] = ["ショウコ", "祥子", "100・105"];
const SESSION: &str = "__Host-session";

fn tells(text: &str) -> bool {
    MARKS.iter().any(|mark| text.contains(mark))
}

/// Somebody of the insurer with these roles, bounded to a workplace where nobody of the roster is.
async fn bounded(app: &TestApp, roles: &[Role]) -> TestClerk {
    let elsewhere = Reach::Workplaces {
        symbols: vec!["no-such-symbol".into()],
        codes: vec!["no-such-code".into()],
    };
    app.clerk_reaching(roles, &elsewhere).await
}

// security.md 51
#[tokio::test]
async fn whoever_is_bounded_to_workplaces_reaches_nobody_else_by_any_page_of_any_role() {
    let app = TestApp::start().await;
    let person = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons")
        .await
        .remove(0);
    let (kana, number) = (app.person.kana_name.clone(), app.person.number.clone());
    for role in Role::ALL.into_iter().filter(|role| role.is_given()) {
        let clerk = bounded(&app, &[role]).await;
        let rows = app.pages.table.rows().iter();
        for row in rows.filter(|row| row.path.starts_with("/console/") && row.method == "GET") {
            let path = row.path.split('/').map(|part| match part {
                ":id" | ":grant" | ":run" => person.as_str(),
                part if part.starts_with(':') => person.as_str(),
                part => part,
            });
            let path = path.collect::<Vec<_>>().join("/");
            for query in ["", "?list=1", "?registered=either", "?person="] {
                let query = if query == "?person=" {
                    format!("?person={person}")
                } else {
                    query.to_owned()
                };
                let page = clerk.get(&format!("{path}{query}")).await;
                assert!(!tells(&page.text), "{role:?} {path}{query}: {}", page.text);
            }
        }
        for (path, fields) in [
            ("/console/letters/print", vec![("person", person.as_str())]),
            ("/console/letters/print", vec![("registered", "either")]),
            ("/console/letters/file", vec![("registered", "either")]),
            (
                "/console/protections",
                vec![("subject", &person), ("person", &person), ("reason", "x")],
            ),
            (
                "/console/protections/find",
                vec![("symbol", &app.person.symbol), ("number", &number)],
            ),
        ] {
            let answer = clerk.post(path, &fields).await;
            assert!(!tells(&answer.text), "{role:?} {path}: {}", answer.text);
        }
        let searched = clerk.post("/console/members", &[("q", &kana)]).await;
        if searched.status == 303 {
            let found = clerk.get(searched.location()).await;
            assert!(
                !found.text.contains(&format!("/console/members/{person}")),
                "{role:?}: {}",
                found.text
            );
        }
    }
    assert_eq!(app.insurer.count("protections", "true").await, 0);
    assert_eq!(app.insurer.count("letters", "true").await, 0);
}

// security.md 51
#[tokio::test]
async fn rights_over_the_whole_insurer_are_nobodys_who_is_bounded() {
    let app = TestApp::start().await;
    let whole = app.clerk(&[Role::Administrator]).await;
    assert_eq!(whole.get("/console/roster/new").await.status, 200);
    let clerk = bounded(&app, &[Role::Administrator, Role::Eligibility]).await;
    for path in [
        "/console/roster",
        "/console/roster/new",
        "/console/roster/blank",
        "/console/support",
        "/console/protections",
        "/console/protections/new",
    ] {
        assert_eq!(clerk.get(path).await.status, 403, "{path}");
    }
    let home = clerk.get("/console/").await;
    for path in ["/console/support", "/console/protections", "/console/roster/new"] {
        assert!(!home.text.contains(&format!("\"{path}\"")), "{path}");
    }
}

// security.md 37, 46
#[tokio::test]
async fn a_members_token_is_nothing_in_the_console_and_staffs_is_nothing_to_members_and_programs() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    let (members, staffs) = (member.cookie(SESSION).unwrap(), clerk.cookie(CONSOLE).unwrap());
    let thief = app.client();
    thief.set_cookie(CONSOLE, &members);
    leads(&thief.get("/console/").await, "/console/login?next=%2Fconsole%2F");
    let thief = app.client();
    thief.set_cookie(SESSION, &staffs);
    assert_eq!(thief.get("/portal/mypage").await.status, 303);
    for token in [&members, &staffs] {
        let call = app.client().call(Method::GET, "/me", Some(token), None).await;
        assert!([401, 404].contains(&call.status.as_u16()), "{}", call.text);
    }
    // Both at once are two, each at its own door.
    member.set_cookie(CONSOLE, &staffs);
    says(&member.get("/console/").await, 200, "ホーム");
    says(&member.get("/portal/mypage").await, 200, "マイページ");
    assert_eq!(member.post("/portal/logout", &[]).await.status, 303);
    says(&member.get("/console/").await, 200, "ホーム");
}

// security.md 38
#[tokio::test]
async fn a_planted_session_is_never_the_victims_and_a_copy_of_before_the_factor_never_comes_inside() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[Role::Viewer]).await;
    let waiting = app.pending_again(&clerk).await;
    let copied = waiting.cookie(CONSOLE).unwrap();
    let thief = app.client();
    thief.set_cookie(CONSOLE, &copied);
    leads(
        &thief.get("/console/").await,
        "/console/login/factor?next=%2Fconsole%2F",
    );
    leads(
        &send(&waiting, "/console/login/factor", &totp(&secret, app.clock().now())).await,
        "/console/",
    );
    assert!(thief.get("/console/").await.location().starts_with("/console/login"));
    assert_ne!(waiting.cookie(CONSOLE).unwrap(), copied);
    // The old copy does not end the new one either.
    thief.set_cookie(CONSOLE, &copied);
    thief.post_bare("/console/logout", &[]).await;
    assert_eq!(waiting.get("/console/").await.status, 200);
    // After log-out a kept copy is nothing.
    let kept = waiting.cookie(CONSOLE).unwrap();
    assert_eq!(waiting.post("/console/logout", &[]).await.status, 303);
    thief.set_cookie(CONSOLE, &kept);
    assert!(thief.get("/console/").await.location().starts_with("/console/login"));
}

// security.md 42
#[tokio::test]
async fn a_proof_counts_in_its_own_session_alone() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[Role::Administrator]).await;
    let mine = app.in_another_browser(&clerk).await;
    let other = app.in_another_browser(&clerk).await;
    app.later(700);
    for browser in [&mine, &other] {
        assert!(
            browser
                .get("/console/letters/file")
                .await
                .location()
                .starts_with("/console/prove")
        );
    }
    leads(
        &send(&mine, "/console/prove", &totp(&secret, app.clock().now())).await,
        "/console/",
    );
    assert_eq!(mine.get("/console/letters/file").await.status, 200);
    assert!(
        other
            .get("/console/letters/file")
            .await
            .location()
            .starts_with("/console/prove")
    );
    // The same digits prove nothing in the other.
    assert_eq!(
        send(&other, "/console/prove", &totp(&secret, app.clock().now()))
            .await
            .status,
        422
    );
    assert!(
        other
            .get("/console/letters/file")
            .await
            .location()
            .starts_with("/console/prove")
    );
    // Nor does a clock that goes back make an old proof fresh.
    app.later(601);
    assert!(
        mine.get("/console/letters/file")
            .await
            .location()
            .starts_with("/console/prove")
    );
}

#[tokio::test]
async fn a_new_list_of_printed_codes_ends_the_one_before() {
    let app = TestApp::start().await;
    let (clerk, _) = with_app(&app, &[Role::Viewer]).await;
    let old = print(&clerk).await;
    app.later(1);
    let new = print(&clerk).await;
    assert!(old.iter().all(|code| !new.contains(code)));
    let waiting = app.pending_again(&clerk).await;
    assert_eq!(
        send_printed(&waiting, "/console/login/factor", &old[0]).await.status,
        422
    );
    leads(
        &send_printed(&waiting, "/console/login/factor", &new[0]).await,
        "/console/",
    );
}

// security.md 46
#[tokio::test]
async fn no_way_back_leads_off_the_console_however_it_is_spelled() {
    let app = TestApp::start().await;
    let (clerk, secret) = with_app(&app, &[Role::Viewer]).await;
    for next in [
        "//evil.example/console/",
        "/\\evil.example",
        "https://evil.example/console/",
        "/console/../../evil",
        "/console/%2e%2e/portal/mypage",
        "/console//evil.example",
        "/console/\u{0009}",
        "/console/ ",
        "javascript:alert(1)",
        "/portal/mypage",
        "/console/logout",
        "/console/support/leave",
        "/console/login/factor?next=/console/login/factor",
        "/api/v1/openapi.json",
        "\r\nSet-Cookie: x=1",
    ] {
        app.later(30);
        let waiting = app.pending_again(&clerk).await;
        let fields = [
            ("kind", "app"),
            ("app_code", &*totp(&secret, app.clock().now())),
            ("next", next),
        ];
        let answer = waiting.post("/console/login/factor", &fields).await;
        leads(&answer, "/console/");
        assert_eq!(answer.set_cookies().len(), 1, "{next:?}");
    }
}

// security.md 46
#[tokio::test]
async fn no_spelling_of_an_address_brings_the_console_to_the_portals_host() {
    let app = TestApp::with(
        "32290413",
        |_| (),
        |config| {
            config.http.public_url = "https://portal.example".parse().unwrap();
            config.http.console_url = Some("https://console.example".parse().unwrap());
        },
    )
    .await;
    let clerk = app.clerk(&[Role::Administrator]).await.at_host("portal.example");
    for path in [
        "/%63onsole/login",
        "/%63%6f%6e%73%6f%6c%65/",
        "/CONSOLE/login",
        "/console%2flogin",
        "//console/login",
        "/./console/login",
        "/portal/../console/login",
        "/portal/..%2fconsole/login",
        "/console;/login",
        "/console/login/",
        "/%6fperator/login",
        "/operator%2Flogin",
    ] {
        let page = clerk.get(path).await;
        assert_eq!(page.status, 404, "{path}: {}", page.text);
        assert!(!page.text.contains("<body class=\"console\">"), "{path}: {}", page.text);
    }
    for header in [
        "X-Forwarded-Host",
        "X-Host",
        "Forwarded",
        "X-Original-URL",
        "X-Rewrite-URL",
    ] {
        for value in ["console.example", "host=console.example", "/console/"] {
            let request = clerk.request(Method::GET, "/console/").header(header, value);
            assert_eq!(clerk.send(request).await.status, 404, "{header}: {value}");
            let request = clerk.request(Method::GET, "/portal/").header(header, value);
            let page = clerk.send(request).await;
            assert!(
                page.status == 200 && !page.text.contains("<body class=\"console\">"),
                "{header}: {value}"
            );
        }
    }
}

/// The sealed search of a term.
async fn searched(clerk: &Client, term: &str) -> String {
    let answer = clerk.post("/console/members", &[("q", term)]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.location().to_owned()
}

// security.md 70
#[tokio::test]
async fn a_sealed_search_opens_for_nobody_else_and_as_nothing_else() {
    let app = TestApp::start().await;
    let other = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let colleague = app.clerk(&[Role::Eligibility]).await;
    let stranger = other.clerk(&[Role::Eligibility]).await;
    let term = app.person.kana_name.clone();
    let address = searched(&clerk, &term).await;
    let found = clerk.get(&address).await;
    assert!(tells(&found.text), "{}", found.text);
    for thief in [&colleague, &stranger] {
        let page = thief.get(&address).await;
        assert!(page.status == 200 && !tells(&page.text), "{}", page.text);
        assert!(!page.text.contains(&term), "{}", page.text);
    }
    // Cut, lengthened, and what is sealed for a cookie.
    let sealed = address.split_once("s=").unwrap().1;
    let other_letter = if &sealed[8..9] == "A" { "B" } else { "A" };
    let flipped = format!("{}{other_letter}{}", &sealed[..8], &sealed[9..]);
    for forged in [
        &sealed[..sealed.len() - 4],
        &format!("{sealed}AAAA"),
        &flipped,
        "",
        "AAAA",
    ] {
        let page = clerk.get(&format!("/console/members?s={forged}")).await;
        assert!(page.status == 200 && !tells(&page.text), "{forged}: {}", page.text);
    }
    // With a right less than when it was sealed it tells what they may see now.
    app.revoke(&clerk).await;
    app.grant(&clerk, Role::NoticeEditor).await;
    assert_eq!(clerk.get(&address).await.status, 403);
}

// security.md 74
#[tokio::test]
async fn a_protected_person_is_in_no_page_search_letter_file_or_count_of_whoever_may_not_see_them() {
    let app = TestApp::start().await;
    let two = TestPerson {
        kana_name: "キョウサイ　ジロウ".into(),
        name: "共済　次郎".into(),
        ..TestPerson::new(106)
    };
    app.insurer.import(&[app.person.clone(), two.clone()]).await;
    let keeper = app.clerk(&[Role::Eligibility]).await;
    let query = format!(
        "SELECT person_id::text AS line FROM persons WHERE number = '{}'",
        app.person.number
    );
    let person = app.insurer.lines(&query).await.remove(0);
    let fields = [("subject", person.as_str()), ("person", &person), ("reason", "申し出")];
    assert_eq!(keeper.post("/console/protections", &fields).await.status, 303);
    for role in Role::ALL.into_iter().filter(|role| role.is_given()) {
        let clerk = app.clerk(&[role]).await;
        if [Role::Administrator, Role::Eligibility].contains(&role) {
            continue;
        }
        for path in [
            "/console/".to_owned(),
            "/console/members?list=1".to_owned(),
            "/console/members?list=1&registered=no".to_owned(),
            "/console/letters?registered=either".to_owned(),
            "/console/workplaces".to_owned(),
            "/console/workplaces/own".to_owned(),
            format!("/console/members/{person}"),
            format!("/console/protections/new?person={person}"),
        ] {
            let page = clerk.get(&path).await;
            let text = if page.text.contains("資格担当へ引き継いでください") {
                // Who comes by the id is told the name and who helps on.
                page.text.replace("祥子", "")
            } else {
                page.text
            };
            assert!(!tells(&text), "{role:?} {path}: {text}");
        }
        for term in [
            &app.person.kana_name,
            &app.person.name,
            &format!("{}-{}", app.person.symbol, app.person.number),
        ] {
            let answer = clerk.post("/console/members", &[("q", term)]).await;
            if answer.status == 303 {
                let page = clerk.get(answer.location()).await;
                assert!(
                    !page.text.contains(&format!("/console/members/{person}")),
                    "{role:?} {term}"
                );
            }
        }
    }
    // Not even to whoever may see them is a letter among many.
    let file = keeper.post("/console/letters/file", &[("registered", "either")]).await;
    assert!(file.status == 200 && !tells(&file.text) && file.text.contains("共済"));
}

// security.md 41
#[tokio::test]
async fn roles_taken_away_between_page_and_form_are_gone_with_the_form() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let mark = clerk.mark("/console/letters").await.unwrap();
    app.revoke(&clerk).await;
    let sent = [("registered", "either"), ("for", mark.as_str())];
    assert_eq!(clerk.post_bare("/console/letters/print", &sent).await.status, 403);
    app.suspend(&clerk).await;
    assert_ne!(clerk.post_bare("/console/letters/print", &sent).await.status, 200);
    assert_eq!(app.insurer.count("letters", "true").await, 0);
}

// security.md 45
#[tokio::test]
async fn no_page_of_staff_stays_with_a_browser_or_is_framed_and_no_address_holds_a_name() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Administrator]).await;
    for path in [
        "/console/",
        "/console/members?list=1",
        "/console/letters?registered=either",
        "/console/nowhere",
    ] {
        let page = clerk.get(path).await;
        assert!(page.header("cache-control").contains("no-store"), "{path}");
        assert!(
            page.header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
    }
    let address = searched(&clerk, &app.person.name).await;
    assert!(!address.contains(&pages::forms::encode(&app.person.name)));
}
