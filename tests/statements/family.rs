//! ご家族への表示, as members choose it: narrower is anybody's to choose, wider only whose letter proved them, and whoever may be the
//! spouse learns nothing of what is in force.

mod proven;

use crate::portal::{leads, says};
use kernel::{PersonId, StaffId};
use roster::protection::{self, New};
use serde_json::Value;
use tenancy::{Feature, FeatureState, Features};
use testkit::{Answer, Client, PASSWORD, SignedUp, TestApp, sql};

const PAGE: &str = "/portal/account/family";
pub(super) const WORDS: [&str; 3] = ["household", "self_only", "suppressed"];
const DONE: &str = "ご希望を承りました";
const NOT_WIDENED: &str = "表示する範囲を広げるには、窓口でのお手続きが必要です";

/// Chooses, and is sure of it where nobody is to see something.
async fn choose(client: &Client, fields: &[(&str, &str)]) -> Answer {
    let sure = [fields, &[("sure", "1")]].concat();
    client.post(PAGE, &sure).await
}

/// Makes an account one that was proven by letter.
pub(super) async fn by_letter(app: &TestApp) {
    sql(app.tenant(), "UPDATE accounts SET proof = 'letter'").await;
}

/// What is in force of 医療費通知, whoever asked for it; `household` where nobody did.
pub(super) async fn keep(app: &TestApp, word: &str) {
    sql(app.tenant(), "DELETE FROM disclosures").await;
    if word != WORDS[0] {
        let kept = format!(
            "INSERT INTO disclosures SELECT tenant_id, person_id, 'costs', '{word}', 'staff', now() FROM persons"
        );
        sql(app.tenant(), &kept).await;
    }
}

/// What is kept, by kind.
pub(super) async fn kept(app: &TestApp) -> Vec<String> {
    let query = "SELECT concat(kind, ' ', audience, ' ', source) AS line FROM disclosures ORDER BY 1";
    app.insurer.lines(query).await
}

pub(super) async fn in_force(app: &TestApp) -> String {
    let all = kept(app).await;
    let costs = all.iter().find_map(|line| line.strip_prefix("costs "));
    costs
        .map_or(WORDS[0], |line| line.split(' ').next().unwrap())
        .to_owned()
}

async fn protect(app: &TestApp) {
    let person = app.insurer.lines("SELECT person_id::text AS line FROM persons").await;
    let new = New {
        person: PersonId::parse(&person[0]).unwrap(),
        guardian: None,
        reason: "申し出",
    };
    let mut tx = app.write(app.tenant()).await;
    let set = protection::set(&mut tx, app.keys(), app.clock().now(), StaffId(uuid::Uuid::nil()), new).await;
    assert!(set.unwrap().is_some());
    tx.commit().await.unwrap();
}

/// What the trail tells of changes, by how they ended.
async fn trail(app: &TestApp) -> Vec<(String, Value)> {
    let query = "SELECT concat(outcome, ' ', detail::text) AS line FROM audit_events WHERE action = 'disclosure.change' ORDER BY outcome, detail::text";
    let lines = app.insurer.lines(query).await;
    let read = |line: &String| {
        let (outcome, detail) = line.split_once(' ').unwrap();
        (outcome.to_owned(), serde_json::from_str(detail).unwrap())
    };
    lines.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_proven_by_facts_sees_the_same_and_is_answered_the_same_whatever_is_in_force() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let mut seen = Vec::new();
    for word in WORDS {
        keep(&app, word).await;
        let mut told = vec![client.get(PAGE).await.normalized()];
        for chosen in WORDS {
            keep(&app, word).await;
            let answer = choose(&client, &[("costs", chosen)]).await;
            told.push(answer.normalized());
            told.push(client.get(PAGE).await.normalized());
        }
        seen.push(told);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert!(seen[0][0].contains("今のまま変えない") && !seen[0][0].contains("value=\"household\""));
}

#[tokio::test]
async fn the_answer_says_what_was_chosen_and_how_it_is_changed_again() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    leads(&choose(&client, &[("costs", "suppressed")]).await, PAGE);
    let page = client.get(PAGE).await;
    says(&page, 200, "医療費通知を「だれにも表示しない」に");
    says(&page, 200, "より広く表示するように変えるときは、窓口へお申し出ください");
    by_letter(&app).await;
    leads(
        &choose(&client, &[("costs", "self_only"), ("current_password", PASSWORD)]).await,
        PAGE,
    );
    let page = client.get(PAGE).await;
    says(&page, 200, "医療費通知を「自分だけに表示する」に");
    says(&page, 200, "この画面で、いつでも変えられます。");
    protect(&app).await;
    leads(&choose(&client, &[("costs", "suppressed")]).await, PAGE);
    let page = client.get(PAGE).await;
    says(&page, 200, "戻すことは、この画面ではできません");
    assert!(!page.text.contains("いつでも変えられます"));
}

#[tokio::test]
async fn that_nobody_is_to_see_something_is_looked_at_once_more_and_nothing_is_saved_before() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let check = format!("{PAGE}/check");
    leads(&client.get(&check).await, PAGE);
    let chosen = [("costs", "suppressed"), ("medicines", "self_only")];
    let answer = client.post(PAGE, &chosen).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with(&check), "{}", answer.location());
    let page = client.get(answer.location()).await;
    says(&page, 200, "次の明細があなたのマイページからも消えます");
    says(&page, 200, "もう一度見られるようにできるのは、窓口だけです");
    says(&page, 200, "ジェネリック差額明細：自分だけに表示する");
    assert!(page.text.contains("name=\"costs\" value=\"suppressed\"") && !page.text.contains("current_password"));
    assert!(kept(&app).await.is_empty());
    leads(&choose(&client, &chosen).await, PAGE);
    assert_eq!(
        kept(&app).await,
        ["costs suppressed person", "medicines self_only person"]
    );
    let page = client.get(PAGE).await;
    says(&page, 200, "この画面では、より広い表示には戻せません");
    assert!(!page.text.contains("いつでも変えられます"));
    // Whoever is proven by letter takes it back by themself, and shows the password there for what else they widen.
    by_letter(&app).await;
    let chosen = [
        ("costs_shown", "household"),
        ("costs", "suppressed"),
        ("medicines", "household"),
    ];
    let answer = client.post(PAGE, &chosen).await;
    let page = client.get(answer.location()).await;
    says(
        &page,
        200,
        "「自分だけに表示する」を選び、今のパスワードを入力してください",
    );
    says(&choose(&client, &chosen).await, 422, "今のパスワードを入力してください");
    assert_eq!(
        kept(&app).await,
        ["costs suppressed person", "medicines self_only person"]
    );
}

#[tokio::test]
async fn facts_narrow_and_never_widen() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    for (nth, word) in WORDS.iter().enumerate() {
        for (chosen, name) in WORDS.iter().enumerate().skip(1) {
            keep(&app, word).await;
            leads(&choose(&client, &[("costs", *name)]).await, PAGE);
            says(&client.get(PAGE).await, 200, DONE);
            assert_eq!(in_force(&app).await, WORDS[nth.max(chosen)], "{word} → {name}");
        }
        keep(&app, word).await;
        // Not with the password either.
        for fields in [
            &[("costs", "household")][..],
            &[("costs", "household"), ("current_password", PASSWORD)],
        ] {
            says(&choose(&client, fields).await, 403, NOT_WIDENED);
        }
        assert_eq!(in_force(&app).await, *word);
    }
    // What the desk keeps stays the desk's.
    keep(&app, "suppressed").await;
    leads(&choose(&client, &[("costs", "self_only")]).await, PAGE);
    assert_eq!(kept(&app).await, ["costs suppressed staff"]);
}

#[tokio::test]
async fn each_kind_is_chosen_for_itself_and_nothing_is_done_by_halves() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    leads(
        &choose(&client, &[("costs", "self_only"), ("medicines", "suppressed")]).await,
        PAGE,
    );
    let both = ["costs self_only person", "medicines suppressed person"];
    assert_eq!(kept(&app).await, both);
    let half = [("costs", "suppressed"), ("medicines", "household")];
    says(&choose(&client, &half).await, 403, NOT_WIDENED);
    says(
        &choose(&client, &[("costs", "everybody")]).await,
        422,
        "医療費通知を、もう一度選んでください",
    );
    assert_eq!(kept(&app).await, both);
    leads(&choose(&client, &[("costs", ""), ("medicines", "")]).await, PAGE);
    says(&client.get(PAGE).await, 200, "何も変更していません");
    assert_eq!(kept(&app).await, both);
}

#[tokio::test]
async fn a_change_stands_in_the_trail_and_programs_are_told_whose_alone() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let told = async || {
        app.insurer
            .count(
                "events",
                "kind = 'disclosure.changed' AND payload = '{\"kind\": \"costs\"}'",
            )
            .await
    };
    for _ in 0..2 {
        leads(&choose(&client, &[("costs", "self_only")]).await, PAGE);
    }
    assert_eq!(told().await, 1);
    says(&choose(&client, &[("costs", "household")]).await, 403, NOT_WIDENED);
    let detail = |from: &str| serde_json::json!({ "kind": "costs", "from": from, "to": "self_only" });
    assert_eq!(
        trail(&app).await,
        [
            ("disclosure_not_widened".to_owned(), serde_json::json!({})),
            ("done".to_owned(), detail("household")),
            ("done".to_owned(), detail("self_only"))
        ]
    );
    // Of whoever is protected programs hear nothing.
    protect(&app).await;
    leads(&choose(&client, &[("costs", "suppressed")]).await, PAGE);
    assert_eq!((in_force(&app).await.as_str(), told().await), ("suppressed", 1));
}

#[tokio::test]
async fn what_the_insurer_hides_is_no_choice_and_without_any_there_is_no_page() {
    let only = |features: &[(Feature, FeatureState)]| features.iter().copied().collect::<Features>();
    let app = TestApp::with(
        "32290413",
        |folder| folder.settings.modules = only(&[(Feature::CostStatements, FeatureState::Preparing)]),
        |_| (),
    )
    .await;
    let (client, _) = app.member().await;
    let page = client.get(PAGE).await;
    says(&page, 200, "医療費通知");
    assert!(!page.text.contains("name=\"medicines\""));
    says(&client.get("/portal/account").await, 200, PAGE);
    says(
        &client.get("/portal/guides/family-statements").await,
        200,
        "050-2030-4706",
    );
    leads(&choose(&client, &[("medicines", "suppressed")]).await, PAGE);
    assert!(kept(&app).await.is_empty());

    let app = TestApp::with("32290413", |folder| folder.settings.modules = only(&[]), |_| ()).await;
    let (client, _) = app.member().await;
    for path in [PAGE, "/portal/guides/family-statements"] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
    assert_eq!(choose(&client, &[("costs", "suppressed")]).await.status, 404);
    assert!(!client.get("/portal/account").await.text.contains(PAGE));
}

#[tokio::test]
async fn nobody_chooses_for_another() {
    let app = TestApp::start().await;
    let (client, _) = app.member().await;
    let child = testkit::TestPerson {
        branch: "01".into(),
        relationship: "子".into(),
        birth_date: "2015-05-05".into(),
        ..app.person.clone()
    };
    app.insurer.import(&[app.person.clone(), child]).await;
    let id = app
        .insurer
        .lines("SELECT person_id::text AS line FROM persons WHERE branch = '01'")
        .await;
    let fields = [
        ("costs", "self_only"),
        ("person", id[0].as_str()),
        ("person_id", id[0].as_str()),
    ];
    leads(&choose(&client, &fields).await, PAGE);
    let of_child = format!("person_id = '{}'", id[0]);
    assert_eq!(app.insurer.count("disclosures", &of_child).await, 0);
    assert_eq!(app.insurer.count("disclosures", "true").await, 1);
}

async fn member(app: &TestApp) -> (Client, SignedUp) {
    let (client, who) = app.member().await;
    by_letter(app).await;
    (client, who)
}
