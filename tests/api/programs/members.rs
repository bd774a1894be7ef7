//! People of the roster as a program reads them: one, those of a number, everybody, and how they are covered.

use super::Caller;
use crate::{
    api::problem,
    console::facts::{id_of, load},
};
use access::{
    Role,
    scope::{COVERAGE_READ, MEMBERS_READ, MEMBERS_WRITE, PROTECTED_READ, Scope},
};
use kernel::PersonId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Answer, TestApp, TestPerson};

const READS: [Scope; 2] = [MEMBERS_READ, COVERAGE_READ];
const SHOKO: &str = "100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,,shoko@example.jp,090-1234-5678,A01,P-1";
const TARO: &str = "100,105,01,ケンポ　タロウ,,20150401,子,,,,A01";
const JIRO: &str = "200,7,,スズキ　ジロウ,鈴木　次郎,19700101,本人,20261201,,,B02";

pub(super) fn path(person: PersonId) -> String {
    format!("/members/{person}")
}

pub(super) async fn family() -> (TestApp, PersonId, PersonId) {
    let app = TestApp::start().await;
    load(&app, &[SHOKO, TARO, JIRO]).await;
    let (shoko, taro) = (id_of(&app, "105", "00").await, id_of(&app, "105", "01").await);
    (app, shoko, taro)
}

async fn search(caller: &Caller, number: Value) -> Answer {
    caller.send(Method::POST, "/members/search", &[], Some(number)).await
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let members = answer.json()["members"].as_array().unwrap().clone();
    members
        .iter()
        .map(|member| member["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Everybody of a list, page by page.
async fn all(caller: &Caller, query: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("/members?{query}{cursor}")).await;
        found.extend(ids(&page));
        match page.json()["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
        assert!(found.len() < 100, "it ends");
    }
}

/// 祥子 has an account from now on; the code goes to the address on record.
async fn sign_up(app: &TestApp) {
    let shoko = TestPerson {
        email: "shoko@example.jp".into(),
        ..TestPerson::new(105)
    };
    app.sign_up_as(&shoko).await;
}

pub(super) async fn protect(app: &TestApp, person: PersonId) {
    let (clerk, id) = (app.clerk(&[Role::Eligibility]).await, person.to_string());
    let fields = [("subject", id.as_str()), ("person", &id), ("reason", "支援措置")];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
}

#[tokio::test]
async fn a_person_is_told_as_the_roster_has_them_and_the_look_is_in_the_trail() {
    let (app, shoko, taro) = family().await;
    let caller = Caller::new(&app, &READS).await;
    let answer = caller.get(&path(shoko)).await;
    let found = answer.json();
    let expected = json!({
        "id": shoko, "symbol": "100", "number": "105", "branch": "00", "kana_name": "ケンポ　ショウコ",
        "name": "健保　祥子", "birth_date": "1985-04-01", "relationship": "本人", "insured": true,
        "phone": "090-1234-5678", "email": "shoko@example.jp", "workplace_code": "A01", "personal_id": "P-1",
        "in_roster": true, "registered": false, "protected": false, "created_at": found["created_at"],
        "updated_at": found["updated_at"],
    });
    assert_eq!(found, expected);
    assert!(answer.header("etag").starts_with('"'));
    assert_eq!(answer.header("cache-control"), "no-store");
    // What the roster doesn't say is absent.
    let child = caller.get(&path(taro)).await.json();
    assert!(child.get("name").is_none() && child.get("phone").is_none() && child["insured"] == false);
    let looks = format!("action = 'person.look' AND actor_kind = 'client' AND object_id = '{shoko}'");
    assert_eq!(app.insurer.count("audit_events", &looks).await, 1);
    caller.get(&path(shoko)).await;
    assert_eq!(
        app.insurer.count("audit_events", &looks).await,
        2,
        "each look of a program's"
    );

    sign_up(&app).await;
    assert_eq!(caller.get(&path(shoko)).await.json()["registered"], true);
    for nobody in ["0197a3c0-0000-7000-8000-000000000000", "105", "%00", "search"] {
        let answer = caller.get(&format!("/members/{nobody}")).await;
        assert!(
            [404, 405].contains(&answer.status.as_u16()),
            "{nobody}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn somebody_is_found_by_the_number_they_have_or_had_however_it_is_written() {
    let (app, shoko, taro) = family().await;
    let caller = Caller::new(&app, &[MEMBERS_READ, MEMBERS_WRITE]).await;
    let both = [shoko.to_string(), taro.to_string()];
    for number in [
        json!({"symbol": "100", "number": "105"}),
        json!({"symbol": " １００ ", "number": "0105", "branch": null}),
        json!({"symbol": "100", "number": "105", "branch": ""}),
    ] {
        assert_eq!(ids(&search(&caller, number.clone()).await), both, "{number}");
    }
    let one = json!({"symbol": "100", "number": "105", "branch": "1"});
    assert_eq!(ids(&search(&caller, one).await), [taro.to_string()]);
    for nobody in [
        json!({"symbol": "", "number": "105"}),
        json!({"symbol": "100", "number": "106"}),
        json!({"symbol": "100", "number": "105", "branch": "02"}),
    ] {
        assert!(ids(&search(&caller, nobody.clone()).await).is_empty(), "{nobody}");
    }
    let looks = "action = 'people.look' AND actor_kind = 'client' AND detail->'filters' = '[\"number\"]'";
    assert_eq!(app.insurer.count("audit_events", looks).await, 6, "also for nobody");
    let looks = format!("action = 'person.look' AND actor_kind = 'client' AND object_id = '{taro}'");
    assert_eq!(
        app.insurer.count("audit_events", &looks).await,
        1,
        "one person's is a look at them"
    );

    let mut facts = super::members_changed::facts_of(&caller.get(&path(taro)).await);
    facts["number"] = json!("900");
    let moved = caller
        .send(Method::PUT, &path(taro), &[("If-Match", "*")], Some(facts))
        .await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    let before = search(&caller, json!({"symbol": "100", "number": "105", "branch": "01"})).await;
    assert_eq!(before.json()["members"][0]["number"], "900");
    assert_eq!(
        ids(&before),
        ids(&search(&caller, json!({"symbol": "100", "number": "900"})).await)
    );

    let wrong = json!({"symbol": "100", "number": "", "branch": "x".repeat(41)});
    let body = problem(&search(&caller, wrong).await, 422, "fields");
    let flaws = crate::api::flaws(&body);
    assert_eq!(
        flaws,
        [
            ("/number".to_owned(), "empty".to_owned()),
            ("/branch".to_owned(), "too_long".to_owned())
        ]
    );
}

#[tokio::test]
async fn a_list_goes_through_everybody_once_by_what_is_asked_for() {
    let (app, shoko, taro) = family().await;
    let jiro = id_of(&app, "7", "").await;
    let caller = Caller::new(&app, &[MEMBERS_READ, MEMBERS_WRITE]).await;
    sign_up(&app).await;
    let everybody = BTreeSet::from([shoko, taro, jiro].map(|id| id.to_string()));
    for limit in [1, 2, 3, 200] {
        let listed = all(&caller, &format!("limit={limit}")).await;
        assert_eq!(listed.len(), 3, "each once");
        assert!(
            listed.is_sorted() && BTreeSet::from_iter(listed) == everybody,
            "{limit}"
        );
    }
    for (query, expected) in [
        ("registered=true", vec![shoko]),
        ("registered=false&workplace=A01", vec![taro]),
        ("registered=true&workplace=%EF%BC%A1%EF%BC%90%EF%BC%91", vec![shoko]),
        ("workplace=B02", vec![jiro]),
        ("workplace=C03", vec![]),
    ] {
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(all(&caller, &format!("limit=1&{query}")).await, expected, "{query}");
    }
    // What was changed since, in the order of changes.
    app.later(60);
    let since = app.clock().now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let since = format!("limit=1&changed_since={since}");
    assert!(all(&caller, &since).await.is_empty());
    for person in [jiro, shoko] {
        let mut facts = super::members_changed::facts_of(&caller.get(&path(person)).await);
        facts["address"] = json!("東京都千代田区1-1");
        app.later(1);
        let put = caller
            .send(Method::PUT, &path(person), &[("If-Match", "*")], Some(facts))
            .await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    }
    assert_eq!(all(&caller, &since).await, [jiro.to_string(), shoko.to_string()]);
    assert_eq!(
        all(&caller, &format!("{since}&registered=true")).await,
        [shoko.to_string()]
    );
    assert_eq!(
        all(&caller, &format!("{since}&workplace=B02")).await,
        [jiro.to_string()]
    );

    // A cursor is of the list as it was narrowed.
    let narrowed = caller.get("/members?limit=1&workplace=A01").await.json();
    let narrowed = format!("cursor={}", narrowed["next"].as_str().unwrap());
    for query in ["", "&workplace=B02", "&workplace=A01&registered=true"] {
        problem(&caller.get(&format!("/members?{narrowed}{query}")).await, 400, "cursor");
    }
    assert_eq!(all(&caller, &format!("workplace=A01&{narrowed}")).await.len(), 1);
    let page = caller.get("/members?limit=1").await.json();
    let next = page["next"].as_str().unwrap();
    for query in [
        format!("{since}&cursor={next}"),
        "cursor=AAAA".into(),
        format!("cursor={next}x"),
    ] {
        problem(&caller.get(&format!("/members?{query}")).await, 400, "cursor");
    }
    for (query, said) in [
        ("changed_since=2026-11-22", "RFC 3339"),
        ("registered=yes", "`true` or `false`"),
        ("workplace=", "1 to 40 characters"),
    ] {
        let body = problem(&caller.get(&format!("/members?{query}")).await, 422, "fields");
        let detail = body["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{query}: {detail}");
    }
    for query in [
        "limit=0",
        "limit=201",
        "registered=yes",
        "registered=",
        "changed_since=yesterday",
        "changed_since=2026-11-22",
        "workplace=",
        "registered=true&registered=false",
    ] {
        problem(&caller.get(&format!("/members?{query}")).await, 422, "fields");
    }
}

#[tokio::test]
async fn a_list_is_one_line_of_the_trail_that_names_whom_it_shows_and_no_value_of_a_filter() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &[MEMBERS_READ]).await;
    all(&caller, "workplace=A01&registered=false").await;
    let lines = "SELECT detail::text AS line FROM audit_events WHERE action = 'people.look'";
    let lines = app.insurer.lines(lines).await;
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].contains(r#""filters": ["workplace", "registered"]"#),
        "{}",
        lines[0]
    );
    assert!(
        lines[0].contains(r#""people": 2"#) && !lines[0].contains("A01"),
        "{}",
        lines[0]
    );
    let shown = format!("subject_id = '{shoko}'");
    assert_eq!(app.insurer.count("audit_subjects", &shown).await, 1);
}

#[tokio::test]
async fn whether_somebody_is_covered_is_told_of_today_in_japan() {
    let (app, shoko, _) = family().await;
    let jiro = id_of(&app, "7", "").await;
    let caller = Caller::new(&app, &[COVERAGE_READ]).await;
    let coverage = async |person| caller.get(&format!("{}/coverage", path(person))).await;
    assert_eq!(
        coverage(shoko).await.json(),
        json!({"as_of": "2026-11-22", "covered": true})
    );
    let known = json!({"as_of": "2026-11-22", "covered": true, "until": "2026-11-30"});
    assert_eq!(coverage(jiro).await.json(), known);
    let looks = "action = 'person.look' AND detail->>'what' = 'coverage'";
    assert_eq!(app.insurer.count("audit_events", looks).await, 2);
    problem(&caller.get(&path(shoko)).await, 403, "insufficient_scope");
    // The first of December begins in Japan.
    app.later(8 * 24 * 3600 + 13 * 3600);
    let caller = caller.renewed().await;
    let over = caller.get(&format!("{}/coverage", path(jiro))).await.json();
    assert_eq!(
        over,
        json!({"as_of": "2026-12-01", "covered": false, "until": "2026-11-30"})
    );
}

// security.md 74
#[tokio::test]
async fn a_protected_person_is_there_for_programs_that_may_see_them_and_for_no_other() {
    let (app, shoko, taro) = family().await;
    let scopes = [MEMBERS_READ, MEMBERS_WRITE, COVERAGE_READ, PROTECTED_READ];
    let (seeing, other) = (
        Caller::new(&app, &scopes).await,
        Caller::new(&app, &[MEMBERS_READ, MEMBERS_WRITE, COVERAGE_READ]).await,
    );
    let known = other.get(&path(taro)).await;
    protect(&app, taro).await;
    let nobody = PersonId::parse("0197a3c0-0000-7000-8000-000000000000").unwrap();
    let facts = super::members_changed::facts_of(&known);
    let lost = json!({"lost_on": "2026-11-01"});
    for (method, below, body) in [
        (Method::GET, "", None),
        (Method::GET, "/coverage", None),
        (Method::PUT, "", Some(facts)),
        (Method::POST, "/end-coverage", Some(lost)),
    ] {
        let mut answers = Vec::new();
        for person in [taro, nobody] {
            let at = format!("{}{below}", path(person));
            let answer = other
                .send(method.clone(), &at, &[("If-Match", "*")], body.clone())
                .await;
            let mut body = problem(&answer, 404, "not_found");
            body["request_id"] = Value::Null;
            answers.push(body);
        }
        assert_eq!(answers[0], answers[1], "{method} {below}");
    }
    let number = json!({"symbol": "100", "number": "105"});
    assert_eq!(ids(&search(&other, number.clone()).await), [shoko.to_string()]);
    let mut lists = Vec::new();
    for query in [
        "limit=1",
        "workplace=A01",
        "registered=false",
        "changed_since=2020-01-01T00:00:00Z",
    ] {
        let listed = all(&other, query).await;
        assert!(
            !listed.contains(&taro.to_string()) && listed.contains(&shoko.to_string()),
            "{query}"
        );
        let listed = all(&seeing, query).await;
        assert!(listed.contains(&taro.to_string()), "{query}");
        lists.push(listed);
    }
    assert_eq!(seeing.get(&path(taro)).await.json()["protected"], true);
    assert_eq!(seeing.get(&path(shoko)).await.json()["protected"], false);
    assert_eq!(ids(&search(&seeing, number).await).len(), 2);
    let client = other.0.name.client_id;
    let shown = format!(
        "actor_id = '{client}' AND (object_id = '{taro}'
            OR audit_id IN (SELECT audit_id FROM audit_subjects WHERE subject_id = '{taro}'))"
    );
    assert_eq!(
        app.insurer.count("audit_events", &shown).await,
        1,
        "before the protection alone"
    );
}

/// The token, the people, and the line of the look.
#[tokio::test]
async fn a_member_by_number_takes_three_statements_in_two_transactions() {
    let app = TestApp::counting().await;
    let caller = Caller::new(&app, &[MEMBERS_READ]).await;
    let number = json!({"symbol": app.person.symbol, "number": app.person.number});
    let mut costs = Vec::new();
    for _prepared in 0..2 {
        let before = (app.ground.database.statements(), app.ground.database.transactions());
        assert_eq!(ids(&search(&caller, number.clone()).await).len(), 1);
        let after = (app.ground.database.statements(), app.ground.database.transactions());
        costs.push((after.0 - before.0, after.1 - before.1));
    }
    assert_eq!(costs[1], (3, 2));
}
