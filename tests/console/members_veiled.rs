//! A protected person in the search: whoever may not see them finds them by who they are and by nothing else, and learns no
//! more than a name, a 続柄 and to whom to pass on.

use access::{Reach, Role};
use testkit::{Answer, Client, TestApp, TestClerk, TestPerson};

/// Protected in each of these tests.
fn mother() -> TestPerson {
    TestPerson {
        branch: "01".into(),
        name: "健保　花代".into(),
        kana_name: "ケンポ　ハナヨ".into(),
        relationship: "妻".into(),
        employee_number: "E-5501".into(),
        email: "roster@example.jp".into(),
        ..TestPerson::new(3456)
    }
}

fn father() -> TestPerson {
    TestPerson {
        name: "健保　太郎".into(),
        kana_name: "ケンポ　タロウ".into(),
        relationship: "本人".into(),
        ..TestPerson::new(3456)
    }
}

/// With her account, and her protection. Gives her id and her user ID.
async fn app() -> (TestApp, TestClerk, String, String) {
    let app = TestApp::with("139998", |_| (), |_| ()).await;
    app.insurer.import(&[father(), mother()]).await;
    let who = app.sign_up_as(&mother()).await;
    let id = "SELECT person_id::text AS line FROM persons WHERE branch = '01'";
    let id = app.insurer.lines(id).await.remove(0);
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let fields = [("subject", id.as_str()), ("person", &id), ("reason", "支援措置")];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    (app, clerk, id, who.user_id)
}

async fn find(clerk: &Client, term: &str) -> Answer {
    let sent = clerk.post("/console/members", &[("q", term)]).await;
    clerk.get(sent.location()).await
}

/// The page but for the sealed search, which is another each time.
fn shown(page: &Answer) -> String {
    assert_eq!(page.status, 200);
    let text = page.normalized();
    let mut parts = text.split("name=\"s\" value=\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('"').unwrap().1)
}

fn has_row(page: &Answer) -> bool {
    assert_eq!(page.status, 200);
    page.text.contains(">健保　花代</th>")
}

// security.md 74
#[tokio::test]
async fn a_protected_person_is_found_by_number_and_by_name_alone_as_a_veiled_row() {
    let (app, own, id, user_id) = app().await;
    let clerk = app.clerk(&[Role::CallCentre]).await;
    for term in ["100-3456", "100-3456-01", "ケンポ", "けんぽはなよ", "健保", "健保花"] {
        let page = find(&clerk, term).await;
        assert!(has_row(&page), "{term}: {}", page.text);
        let row = page.text.split("健保　花代</th>").nth(1).unwrap();
        let row = row.split("</tr>").next().unwrap();
        assert!(row.contains(">妻<") && row.contains("資格担当へ"), "{row}");
        assert!(!page.text.contains(&id) && !page.text.contains(&user_id), "{term}");
        assert!(
            !row.contains("登録") || row.contains("data-l=\"登録状況\">資格担当へ"),
            "{row}"
        );
        assert!(!row.contains("3456") && !row.contains("ケンポ"), "{row}");
    }
    let phone = "UPDATE persons SET phone = '03-5501-5501', phone_key = '0355015501' WHERE branch = '01'";
    testkit::sql(app.tenant(), phone).await;
    for term in [
        user_id.as_str(),
        &user_id[..6],
        "roster@example.jp",
        "E-5501",
        "03-5501-5501",
    ] {
        let page = find(&clerk, term).await;
        assert!(!page.text.contains("花代"), "{term}: {}", page.text);
        assert!(find(&own, term).await.text.contains(&id), "{term}");
    }
    // Whoever may see her sees a row as any other.
    assert!(find(&own, "健保花代").await.text.contains(&id));
}

// security.md 74
#[tokio::test]
async fn no_filter_and_no_list_tells_anything_of_a_protected_person() {
    let (app, own, id, _) = app().await;
    let clerk = app.clerk(&[Role::CallCentre]).await;
    for filter in [
        "",
        "registered=yes",
        "registered=no",
        "kind=insured",
        "kind=dependent",
        "coverage=covered",
        "coverage=lost",
        "workplace=A01",
        "protected=yes",
    ] {
        let list = clerk.get(&format!("/console/members?list=1&{filter}")).await;
        assert!(!list.text.contains("花代"), "{filter}: {}", list.text);
        if filter.is_empty() || filter == "protected=yes" {
            continue;
        }
        let (name, word) = filter.split_once('=').unwrap();
        let sent = clerk.post("/console/members", &[("q", "健保"), (name, word)]).await;
        assert!(!clerk.get(sent.location()).await.text.contains("花代"), "{filter}");
    }
    assert!(!clerk.get("/console/members").await.text.contains("保護中"));
    // For those who may, there is one.
    let list = own.get("/console/members?list=1&protected=yes").await;
    assert!(list.text.contains(&id) && !list.text.contains("太郎"), "{}", list.text);
    for term in ["健保", "ケンポ", "100-3456"] {
        let sent = own.post("/console/members", &[("q", term), ("protected", "yes")]).await;
        let list = own.get(sent.location()).await;
        assert!(
            list.text.contains(&id) && !list.text.contains("太郎"),
            "{term}: {}",
            list.text
        );
    }
}

// security.md 74
#[tokio::test]
async fn a_veiled_row_has_the_same_bytes_whatever_is_true_of_the_person() {
    let (app, ..) = app().await;
    let clerk = app.clerk(&[Role::CallCentre]).await;
    let terms = ["100-3456-01", "けんぽはなよ", "健保花代"];
    let mut before = Vec::new();
    for term in terms {
        before.push(shown(&find(&clerk, term).await));
    }
    let others = "UPDATE persons SET workplace_code = 'A01', lost_on = '2026-01-01', registered = false, phone = '1', phone_key = '1',
        insured = NOT insured, email = '', employee_number = '', birth_date = '2001-01-01' WHERE branch = '01'";
    testkit::sql(app.tenant(), others).await;
    testkit::sql(app.tenant(), "DELETE FROM mail_wishes").await;
    for (term, before) in terms.into_iter().zip(before) {
        assert_eq!(shown(&find(&clerk, term).await), before, "{term}");
    }
}

#[tokio::test]
async fn support_and_whoever_is_bounded_to_workplaces_find_no_protected_person_at_all() {
    let (app, _, id, _) = app().await;
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = app.clerk_reaching(&[Role::CallCentre], &reach).await;
    let support = app.support().await;
    for clerk in [&*bounded, &*support] {
        for term in ["100-3456", "健保"] {
            let page = find(clerk, term).await;
            assert!(
                page.text.contains("太郎") && !page.text.contains("花代"),
                "{}",
                page.text
            );
        }
        assert_eq!(clerk.get(&format!("/console/members/{id}")).await.status, 404);
    }
    for action in ["logout", "unlock", "reset"] {
        let action = format!("/console/members/{id}/{action}");
        assert_eq!(bounded.get(&action).await.status, 404, "{action}");
        assert_eq!(bounded.post(&action, &[]).await.status, 404, "{action}");
    }
}
