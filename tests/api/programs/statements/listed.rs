//! Imports in their list, where whoever lost the id of one finds it.

use super::{ALL, IMPORTS, file, path, sent, worked};
use crate::api::{problem, programs::Caller};
use access::scope::STATEMENTS_READ;
use serde_json::{Value, json};
use testkit::TestApp;

#[tokio::test]
async fn imports_of_statements_are_listed_page_by_page_as_each_of_them_is_told_the_last_begun_first() {
    let app = TestApp::start().await;
    let (caller, other) = (Caller::new(&app, &ALL).await, Caller::new(&app, &ALL).await);
    assert_eq!(caller.get(IMPORTS).await.json(), json!({"imports": []}));
    let loaded = sent(&caller, "?kind=costs", &file("2026-08", 3)).await;
    worked(&app, &caller, &loaded).await;
    let bad = file("2026-09", 2).replace("医科外来", "内科");
    let refused = sent(&other, "?kind=costs", &bad).await;
    worked(&app, &other, &refused).await;
    let dry = sent(&caller, "?kind=costs&dry_run=true", &file("2026-09", 3)).await;
    worked(&app, &caller, &dry).await;

    let first = caller.get(&format!("{IMPORTS}?limit=2")).await.json();
    let next = first["next"].as_str().unwrap();
    let last = caller.get(&format!("{IMPORTS}?limit=2&cursor={next}")).await.json();
    assert_eq!(last.get("next"), None, "{last}");
    let imports: Vec<Value> = [&first, &last]
        .map(|page| page["imports"].as_array().unwrap().clone())
        .concat();
    assert_eq!(imports.len(), 3);
    for (import, (begun, state, is_own)) in imports.iter().zip([
        (&dry, "checked", true),
        (&refused, "refused", false),
        (&loaded, "loaded", true),
    ]) {
        assert_eq!(*import, caller.get(&path(begun)).await.json());
        assert_eq!(
            (&import["state"], &import["is_own"], import["delivery"].is_string()),
            (&json!(state), &json!(is_own), state == "loaded"),
            "{import}"
        );
    }
    let reader = Caller::new(&app, &[STATEMENTS_READ]).await;
    problem(&reader.get(IMPORTS).await, 403, "insufficient_scope");
}

// security.md 51
#[tokio::test]
async fn another_insurers_imports_of_statements_are_in_no_list() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    let (caller, stranger) = (Caller::new(&app, &ALL).await, Caller::new(&other, &ALL).await);
    for label in ["2026-08", "2026-09"] {
        let begun = sent(&caller, "?kind=costs&dry_run=true", &file(label, 3)).await;
        worked(&app, &caller, &begun).await;
    }
    assert_eq!(stranger.get(IMPORTS).await.json(), json!({"imports": []}));
    let first = caller.get(&format!("{IMPORTS}?limit=1")).await.json();
    let next = format!("{IMPORTS}?cursor={}", first["next"].as_str().unwrap());
    assert_eq!(caller.get(&next).await.json()["imports"].as_array().unwrap().len(), 1);
    problem(&stranger.get(&next).await, 400, "cursor");
}
