//! 閲覧の記録: who looked at one's statements, and why, told to themself alone.

use super::{Family, people, tells, tells_nothing_of, visit};
use crate::portal::says;
use access::Role;
use audit::{Actor, Look, Origin};
use database::Durability;
use tenancy::{Feature, FeatureState, Features};
use testkit::{Answer, Client, TestClerk, TestPerson, sql};
use uuid::Uuid;

const LOOKS: &str = "/portal/account/looks";
const NONE: &str = "記録はありません。";

async fn family() -> Family {
    let family = Family::new().await;
    family
        .desk
        .show(&[
            visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000),
            visit("2026-08", "c2", "1-01", "2026-06", "西町医院", 5_000),
        ])
        .await;
    family
}

async fn preview(family: &Family, clerk: &TestClerk, who: &str, reason: &str) {
    let path = format!("/console/statements/preview/{}/costs?reason={reason}", family.ids[who]);
    assert_eq!(clerk.get(&path).await.status, 200);
}

/// A look of somebody else's at a page of rows.
async fn look(family: &Family, actor: Actor, what: &'static str, who: &str) {
    let (now, person) = (family.app.clock().now(), family.ids[who].0);
    let tenant = family.desk.test.database.tenant(family.desk.tenant());
    let tx = tenant.write(Durability::Safe).await.unwrap();
    let look = Look::person(what, &person);
    audit::look(&tx, now, &Origin::command(), actor, look).await.unwrap();
    tx.commit().await.unwrap();
}

/// The lines of the page, cell by cell.
fn lines(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    let rows = page.text.split("<tr><th scope=\"row\">").skip(1);
    let line = |row: &str| {
        let cells = row.split("</td>").filter_map(|cell| cell.rsplit_once("\">"));
        cells.map(|(_, cell)| cell.to_owned()).collect::<Vec<_>>().join(" ")
    };
    rows.map(|row| line(row.split("</tr>").next().unwrap())).collect()
}

async fn save(client: &Client) {
    let wish = [("year", "2026"), ("file", "rows"), ("current_password", "")];
    assert_eq!(client.post("/portal/costs/files", &wish).await.status, 200);
}

#[tokio::test]
async fn somebody_reads_who_looked_at_their_statements_and_why_and_nobody_of_the_staff_is_named() {
    let family = family().await;
    says(&family.page(LOOKS).await, 200, NONE);
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    preview(&family, &clerk, "1-00", "inquiry").await;
    family.app.later(60);
    preview(&family, &clerk, "1-00", "correction").await;
    family.app.later(60);
    look(&family, Actor::Client(Uuid::from_u128(1)), "statements.costs", "1-00").await;
    family.app.later(60);
    // Their own pages are no look; a file is.
    family.page("/portal/costs").await;
    save(&family.father).await;
    let page = family.page(LOOKS).await;
    assert_eq!(
        lines(&page),
        [
            "あなた 医療費のファイル（CSV）を保存 —",
            "連携先のシステム 明細を確認 —",
            "保険者の職員（給付担当） あなたやご家族に見える画面を確認 訂正の確認",
            "保険者の職員（給付担当） あなたやご家族に見える画面を確認 お問い合わせへの回答",
        ]
    );
    tells(&page, &["2026年11月", "保険者の職員（給付担当）"]);
    tells_nothing_of(&page, &["窓口　花子", &clerk.staff_id.to_string(), "東町クリニック"]);
    for page in ["/portal/account", "/portal/account/family"] {
        says(&family.page(page).await, 200, &format!("href=\"{LOOKS}\""));
    }
    // Who has no role any more is staff all the same.
    sql(family.desk.tenant(), "DELETE FROM staff_roles").await;
    assert_eq!(
        lines(&family.page(LOOKS).await)[3],
        "保険者の職員 あなたやご家族に見える画面を確認 お問い合わせへの回答"
    );
}

#[tokio::test]
async fn whose_rows_were_shown_with_anothers_is_told_too_and_nobody_else() {
    let family = family().await;
    let mother = family.dependant("1-01").await;
    let clerk = family.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    preview(&family, &clerk, "1-00", "inquiry").await;
    family.app.later(60);
    save(&family.father).await;
    // A look at a page of staff's that shows no row is none.
    let page = format!("/console/members/{}", family.ids["1-01"]);
    assert_eq!(clerk.get(&page).await.status, 200);
    let hers = lines(&mother.get(LOOKS).await);
    assert_eq!(hers.len(), 2, "{hers:?}");
    assert!(
        hers.iter().any(|line| line.starts_with("ご家族 医療費のファイル")),
        "{hers:?}"
    );
    let others = family.ids["2-00"];
    let shown = format!("subject_id = '{others}'");
    assert_eq!(family.desk.test.count("audit_subjects", &shown).await, 0);
    // Staff who may read the trail find the same.
    let auditor = family.app.clerk(&[Role::Auditor]).await;
    let trail = auditor
        .get(&format!("/console/audit?person={}&looks=1", family.ids["1-01"]))
        .await;
    tells(&trail, &["医療費のファイルの保存", "加入者の画面の閲覧"]);
    let file = format!("/console/audit/file?person={}&looks=1", family.ids["1-01"]);
    says(&auditor.get(&file).await, 200, "見た人の記録だけ");
}

// security.md 74
#[tokio::test]
async fn whoever_is_protected_and_was_proven_by_facts_is_told_what_they_would_be_told_if_nobody_had_looked() {
    let (with, without) = (family().await, family().await);
    let mut seen = Vec::new();
    for family in [&with, &without] {
        family.protect("1-01").await;
        let mother = family.dependant("1-01").await;
        let clerk = family.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
        if std::ptr::eq(family, &raw const with) {
            preview(family, &clerk, "1-01", "inquiry").await;
            look(family, Actor::Client(Uuid::from_u128(1)), "statements.costs", "1-01").await;
        }
        family.app.warm().await;
        mother.get(LOOKS).await;
        let before = family.app.ground.database.statements();
        let page = mother.get(LOOKS).await;
        let statements = family.app.ground.database.statements() - before;
        let mark = mother.mark("/portal/account").await.unwrap();
        let text = super::hidden::plain(family, &page.normalized())
            .await
            .replace(&mark, "MARK");
        seen.push(format!("{statements} statements\n{text}"));
        if std::ptr::eq(family, &raw const with) {
            let proven = "UPDATE accounts SET proof = 'letter'";
            sql(family.desk.tenant(), proven).await;
            assert_eq!(lines(&mother.get(LOOKS).await).len(), 2);
        }
    }
    assert_eq!(seen[0], seen[1]);
    says(&with.page(LOOKS).await, 200, NONE);
}

#[tokio::test]
async fn looks_of_twelve_months_are_read_page_by_page() {
    let family = family().await;
    let clerk = Actor::Staff(Uuid::from_u128(7));
    look(&family, clerk, "statements.old", "1-01").await;
    family.app.later(367 * 86_400);
    for _ in 0..51 {
        family.app.later(3_600);
        look(&family, clerk, "statements.claims", "1-01").await;
    }
    let mother = family.dependant("1-01").await;
    let page = mother.get(LOOKS).await;
    assert_eq!(lines(&page).len(), 50);
    let (_, more) = page.text.split_once("<p class=\"more\"><a href=\"").unwrap();
    let more = more.split('"').next().unwrap();
    assert_eq!(lines(&mother.get(more).await).len(), 1);
    // No page is made of what is no line.
    assert_eq!(lines(&mother.get(&format!("{LOOKS}?before=x")).await).len(), 50);
}

#[tokio::test]
async fn a_former_member_reads_them_and_without_statements_there_is_no_page() {
    let family = family().await;
    let lost = TestPerson {
        lost_on: "2026-10-01".into(),
        ..people()[0].clone()
    };
    family.desk.test.import(&[lost]).await;
    let page = family.page("/portal/costs").await;
    says(&page, 200, &format!("href=\"{LOOKS}\""));
    let page = family.page(LOOKS).await;
    says(&page, 200, NONE);
    tells_nothing_of(&page, &["\"/portal/account\""]);

    let hidden = |folder: &mut tenancy::Folder| {
        let hidden = [Feature::CostStatements, Feature::GenericSavings].map(|of| (of, FeatureState::Hidden));
        folder.settings.modules = Features::from_iter(hidden);
    };
    let family = Family::of(hidden, &people()).await;
    assert_eq!(family.father.get(LOOKS).await.status, 404);
}
