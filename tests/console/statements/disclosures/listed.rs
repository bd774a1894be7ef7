//! The list in the order of names, page by page, and the file that is made of it.

use super::{Desk, LIST};
use crate::{
    console::approvals::{agree, app, clerks, wish},
    portal::{leads, says},
};
use access::Role;
use tenancy::ApprovalAction;
use testkit::{Client, TestPerson, sql};

const FILE: &str = "/console/statements/disclosures/file";

/// Who stands in a list, in its order, on all its pages.
async fn names(clerk: &Client, begin: &str) -> Vec<String> {
    let (mut shown, mut address) = (Vec::new(), begin.to_owned());
    loop {
        let page = clerk.get(&address).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let links = page.text.split("data-l=\"氏名\"><a href=\"").skip(1);
        let names = links.filter_map(|link| link.split_once('>')?.1.split('<').next());
        shown.extend(names.map(str::to_owned));
        let Some(next) = page.text.split("<p class=\"more\"><a href=\"").nth(1) else {
            return shown;
        };
        address = next.split('"').next().unwrap().replace("&#38;", "&");
        assert!(!address.contains("ケンポ"), "{address}");
    }
}

#[tokio::test]
async fn the_list_goes_on_by_names_each_once_and_is_narrowed_by_what_was_asked_by_whom() {
    let desk = Desk::new().await;
    let kana = ["ア", "イ", "ウ", "エ", "オ", "カ", "キ", "ク", "ケ", "コ"];
    let person = |n: usize| TestPerson {
        name: format!("{n:03}"),
        kana_name: format!("{}{}　サン", kana[n / 10 % 10], kana[n % 10]),
        ..TestPerson::new(1000 + u32::try_from((n * 37) % 100).unwrap())
    };
    let people: Vec<TestPerson> = (0..100).map(person).collect();
    desk.app.insurer.import(&people).await;
    sql(
        desk.app.tenant(),
        "INSERT INTO disclosures SELECT tenant_id, person_id, kind, 'self_only', 'person', '2026-01-02 03:04+0'
            FROM persons, unnest('{costs,medicines}'::text[]) kind
            WHERE name ~ '^[0-9]+$' AND (kind = 'costs' OR name = '042');
         UPDATE disclosures SET audience = 'suppressed', source = 'staff'
            WHERE person_id IN (SELECT person_id FROM persons WHERE name = '007');",
    )
    .await;
    let clerk = desk.app.clerk(&[Role::Benefits]).await;
    let mut expected: Vec<String> = (0..100).map(|n| format!("{n:03}")).collect();
    expected.insert(42, "042".into());
    assert_eq!(names(&clerk, LIST).await, expected);
    assert_eq!(names(&clerk, &format!("{LIST}?kind=medicines")).await, ["042"]);
    for narrowed in [
        "audience=suppressed",
        "by=staff",
        "kind=costs&audience=suppressed&by=staff",
    ] {
        assert_eq!(
            names(&clerk, &format!("{LIST}?{narrowed}")).await,
            ["007"],
            "{narrowed}"
        );
    }
    says(
        &clerk.get(&format!("{LIST}?by=api")).await,
        200,
        "条件に合う申し出はありません",
    );
    // What is none narrows nothing, and whoever is nobody is no place to go on from.
    assert_eq!(
        names(&clerk, &format!("{LIST}?kind=x&audience=%00&by=")).await.len(),
        101
    );
    let nobody = format!("{LIST}?after={}", uuid::Uuid::nil());
    assert_eq!(names(&clerk, &nobody).await.len(), 101);
}

// security.md 42, 52, 74
#[tokio::test]
async fn the_file_is_escaped_asks_for_a_proof_and_both_permissions_and_holds_nobody_protected() {
    let desk = Desk::new().await;
    desk.keep("self_only").await;
    sql(
        desk.app.tenant(),
        "INSERT INTO disclosures SELECT tenant_id, person_id, 'medicines', 'suppressed', 'staff', '2026-01-02 03:04+0'
            FROM persons;
         UPDATE persons SET name = '=1+1' WHERE branch = '00';",
    )
    .await;
    for role in [Role::Administrator, Role::Benefits, Role::CallCentre] {
        let clerk = desk.app.clerk(&[role]).await;
        assert_eq!(clerk.get(FILE).await.status, 403, "{role:?}");
        assert_eq!(clerk.post(FILE, &[]).await.status, 403, "{role:?}");
    }
    let clerk = desk.app.clerk(&[Role::Eligibility]).await;
    says(&clerk.get(LIST).await, 200, FILE);
    desk.app.later(11 * 60);
    let late = clerk.post(FILE, &[("kind", "costs"), ("encoding", "utf-8")]).await;
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
    let exports = async || {
        desk.app
            .insurer
            .count("audit_events", "action = 'disclosures.export'")
            .await
    };
    assert_eq!(exports().await, 0);

    let clerk = desk.app.in_another_browser(&clerk).await;
    says(&clerk.get(&format!("{FILE}?kind=costs")).await, 200, "医療費通知");
    let whole = clerk.post(FILE, &[("encoding", "utf-8")]).await;
    assert_eq!(whole.status, 200, "{}", whole.text);
    assert!(whole.header("content-disposition").contains("disclosures-"));
    assert_eq!(whole.text.lines().count(), 4, "{}", whole.text);
    assert!(whole.text.contains("健保　花代") && whole.text.contains("2026-01-02 12:04:00"));
    assert!(
        whole.text.contains("'=1+1") && !whole.text.contains(",=1+1"),
        "{}",
        whole.text
    );
    let costs = clerk.post(FILE, &[("kind", "costs"), ("encoding", "utf-8")]).await;
    assert_eq!(costs.text.lines().count(), 2, "{}", costs.text);
    assert_eq!(exports().await, 2);
    let looks = format!(
        "detail->>'what' = 'disclosures.file'
            AND audit_id IN (SELECT audit_id FROM audit_subjects WHERE subject_id = '{}')",
        desk.id
    );
    assert_eq!(desk.app.insurer.count("audit_events", &looks).await, 2);

    desk.protect().await;
    let without = clerk.post(FILE, &[("encoding", "utf-8")]).await;
    assert_eq!(without.text.lines().count(), 2, "{}", without.text);
    assert!(!without.text.contains("花代"), "not for those either who may see them");
}

// security.md 54, 73
#[tokio::test]
async fn under_four_eyes_the_file_goes_once_to_who_asked() {
    let app = app(&[ApprovalAction::Export]).await;
    app.insurer.import(&[TestPerson::new(101)]).await;
    sql(
        app.tenant(),
        "INSERT INTO disclosures SELECT tenant_id, person_id, 'costs', 'self_only', 'staff', '2026-01-02 03:04+0'
            FROM persons WHERE number = '101'",
    )
    .await;
    let [asker, other] = clerks(&app, &[Role::Eligibility]).await;
    let fields = [("kind", "costs"), ("audience", ""), ("by", ""), ("encoding", "utf-8")];
    leads(&asker.post(FILE, &fields).await, LIST);
    let first = wish(&app).await;
    let shown = other.get(&first).await;
    says(&shown, 200, "表示の希望のCSV");
    says(&shown, 200, "医療費通知");
    assert_eq!(agree(&other, &first).await.status, 303);
    says(&asker.get(&first).await, 200, "ファイルを受け取る");
    let taken = asker.post(FILE, &fields).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    assert_eq!(taken.text.lines().count(), 2);
    app.later(1);
    leads(&asker.post(FILE, &fields).await, LIST);
}
