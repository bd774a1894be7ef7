//! What the house does for any module: one is brought here that nobody else knows.

use crate::portal::{log_lines::Lines, says};
use chrono::TimeDelta;
use database::Durability;
use edge::Rights;
use kernel::{Field, FieldError, Problem, Reason, Refusal, RefusalKind, TenantId, Words, calendar::from_then_on};
use module::Module;
use operations::{Example, Group, failure::Failure};
use pages::{Reply, Visit, member, public};
use poem::{Response, http::Method};
use poem_openapi::{OpenApi, payload::PlainText};
use reqwest::Method as Verb;
use testkit::{Answer, TestApp};

const COUNTER: &str = "/portal/account/counter";
const PANICS: &str = "/portal/panics";

/// A reason that its module alone knows.
const CLOSED: Reason = Reason {
    code: "counter_closed",
    kind: RefusalKind::Outdated,
    detail: "The counter is closed.",
    words: |refusal, now| {
        Words::new(
            "窓口は閉まっています",
            format!(
                "{}に、またお越しください。",
                from_then_on(refusal.until.unwrap_or(now), now)
            ),
            &[("/portal/counter/hours", "開いている時間を見る")],
        )
    },
};

/// A form whose fields are made while it runs, as those of a survey are.
fn counter() -> Module {
    Module {
        name: "counter",
        portal: vec![
            member(Method::GET, COUNTER, "counter", |visit, _| show(visit)),
            member(Method::POST, COUNTER, "counter.submit", |visit, _| submit(visit)),
        ],
        ..Module::default()
    }
}

async fn show(visit: Visit) -> Reply {
    let again = visit.again().await;
    let (errors, note) = (&again.errors, again.typed.text("note"));
    let mut lines = vec![errors.heading(), errors.text.clone(), format!("note: {note}")];
    lines.extend(errors.ways.iter().map(|way| format!("{} {}", way.href, way.text)));
    lines.extend(
        errors
            .fields
            .iter()
            .map(|field| format!("{} {}", field.anchor, field.text)),
    );
    lines.push(format!("closed: {}", again.is(CLOSED)));
    Ok(Response::builder().body(lines.join("\n")))
}

async fn submit(visit: Visit) -> Reply {
    let question = |nth| Field {
        name: format!("answer_{nth}").into(),
        label: format!("質問{nth}").into(),
        ..Field::new("", "")
    };
    let refusal = match visit.form.text("ask") {
        "closed" => Refusal {
            until: Some(visit.now + TimeDelta::minutes(30)),
            ..CLOSED.into()
        },
        _ => Refusal::fields(
            (1..=40)
                .map(|nth| FieldError::new(question(nth), Problem::Empty))
                .collect(),
        ),
    };
    Ok(visit.form_again(&refusal, COUNTER, &["note"]).await)
}

#[tokio::test]
async fn a_modules_refused_form_comes_back_with_words_and_fields_that_it_alone_knows() {
    let app = TestApp::with_module(counter()).await;
    let (client, _) = app.member().await;
    let ask = async |ask| client.post(COUNTER, &[("ask", ask), ("note", "折り返し希望")]).await;

    let closed = ask("closed").await;
    for words in [
        "窓口は閉まっています",
        "12時30分に、またお越しください。",
        "/portal/counter/hours 開いている時間を見る",
        "note: 折り返し希望",
        "closed: true",
    ] {
        says(&closed, 409, words);
    }
    // Long enough for a row.
    let open = ask("open").await;
    for words in [
        "（40件）",
        "f-answer_1 質問1を入力してください",
        "f-answer_40 質問40を",
        "note: 折り返し希望",
        "closed: false",
    ] {
        says(&open, 422, words);
    }
    // Where rows are used up, what was typed is left out, and of a long list the end.
    let until = app.clock().now() + TimeDelta::minutes(1);
    let crowd = format!(
        "INSERT INTO kept_forms SELECT {}, gen_random_uuid(), ''::bytea, '{until}'::timestamptz FROM generate_series(1, 1000)",
        app.tenant()
    );
    testkit::sql(app.tenant(), &crowd).await;
    let open = ask("open").await;
    says(&open, 422, "f-answer_1 質問1を入力してください");
    assert!(
        !open.text.contains("折り返し") && !open.text.contains("質問40を"),
        "{}",
        open.text
    );
}

struct Counter;

#[OpenApi]
impl Counter {
    #[oai(path = "/counter", method = "get", operation_id = "counter")]
    async fn counter(&self) -> poem::Result<PlainText<String>> {
        tokio::task::yield_now().await;
        Err(Failure::refused(&CLOSED.into(), chrono::DateTime::UNIX_EPOCH).into())
    }
}

#[tokio::test]
async fn a_module_refuses_in_the_api_by_reasons_that_it_alone_knows_and_the_document_has_them() {
    let row = operations::get(
        "/counter",
        "counter",
        Rights::Public,
        &["counter_closed"],
        Example::default(),
    );
    let app = TestApp::with_module(Module {
        name: "counter",
        operations: vec![Group::new(vec![row], Counter).refusing(&[CLOSED])],
        ..Module::default()
    })
    .await;
    let client = app.client();
    let refused = client.call(Verb::GET, "/counter", None, None).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (409, &"counter_closed".into())
    );
    assert_eq!(refused.json()["detail"], CLOSED.detail);
    let document = client.get("/api/v1/openapi.json").await.json();
    let told = &document["paths"]["/counter"]["get"]["responses"]["409"];
    assert_eq!(told["description"], "`counter_closed`");
    assert_eq!(
        document["components"]["examples"]["counter_closed"]["summary"],
        CLOSED.detail
    );
    let codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["description"].to_string();
    assert!(
        codes.contains("counter_closed") && codes.contains("insurer_suspended"),
        "{codes}"
    );
    let reference = client.get("/api/").await.text;
    assert!(reference.contains("counter_closed"));
}

struct Careless;

#[OpenApi]
impl Careless {
    #[oai(path = "/panics", method = "get", operation_id = "panics")]
    async fn panics(&self) -> PlainText<String> {
        tokio::task::yield_now().await;
        panic!("at 健保 太郎")
    }
}

/// With a transaction open, which holds one of the node's few connections.
async fn panics(visit: Visit) -> Reply {
    let database = visit.services.database.tenant(TenantId::PLATFORM);
    let _open = database.write(Durability::Safe).await?;
    panic!("at 健保 太郎")
}

fn careless() -> Module {
    Module {
        name: "careless",
        portal: vec![
            public(Method::GET, PANICS, "panics", panics),
            public(Method::POST, PANICS, "panics.submit", panics),
        ],
        operations: vec![Group::new(
            vec![operations::get(
                "/panics",
                "panics",
                Rights::Public,
                &[],
                Example::default(),
            )],
            Careless,
        )],
        ..Module::default()
    }
}

/// The names of the headers that an answer has, but for those that hang on what the page is.
fn headers(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    let mut names: Vec<&str> = names.filter(|name| *name != "retry-after").collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_handler_that_panics_takes_nothing_with_it_and_is_answered_as_an_outage() {
    let lines = Lines::start();
    let app = TestApp::with_module(careless()).await;
    let (member, _) = app.member().await;
    let missing = [
        member.get("/portal/nowhere").await,
        member.call(Verb::GET, "/nowhere", None, None).await,
    ];
    // More often than the node has connections.
    for _ in 0..3 {
        let page = member.get(PANICS).await;
        let form = member.post(PANICS, &[("note", "x")]).await;
        let operation = member.call(Verb::GET, "/panics", None, None).await;
        for page in [&page, &form] {
            says(page, 503, "ただいま、つながりにくくなっています");
            says(page, 503, "href=\"/portal/mypage\">マイページへ</a>");
            assert_eq!(headers(page), headers(&missing[0]));
        }
        assert_eq!(
            (operation.status.as_u16(), &operation.json()["code"]),
            (503, &"unavailable".into())
        );
        assert_eq!(headers(&operation), headers(&missing[1]));
        for (answer, route) in [(&page, PANICS), (&form, PANICS), (&operation, "/api/v1/panics")] {
            assert!(!answer.header("retry-after").is_empty() && !answer.text.contains("健保 太郎"));
            assert_eq!(lines.of(answer, "answered", |line| line["route"].clone()), [route]);
            assert_eq!(lines.statuses(answer), [503]);
        }
    }
    says(&member.get("/portal/mypage").await, 200, "マイページ");
    assert_eq!(member.call(Verb::GET, "/me/notices", None, None).await.status, 401);
    assert_eq!(member.get("/readyz").await.text, "ok");
}
