//! 表示の確認: staff see what the member sees, byte for byte and never more, and each time it is told to whom it concerns.

mod refused;
mod waiting;

use super::{COSTS, Family, amounts, hidden, people, visit};
use crate::{
    portal::{leads, says},
    statements::{DRUGS, Kind, Wish, loaded, medicines, taken_back, wish},
};
use access::Role;
use serde_json::{Value, json};
use statements::{delivery::Delivery, visibility::Audience};
use testkit::{Answer, TestClerk, execute, owner_url, sql};

const PREVIEW: &str = "/console/statements/preview";
/// Of either kind what a member may open.
const PAGES: [&str; 9] = [
    "costs",
    "costs?year=2025",
    "costs?year=2026",
    "costs/2026-06",
    "costs/2026-05",
    "costs/tax/2026",
    "costs/tax/2025",
    "medicines",
    "medicines/2026-06",
];

impl Family {
    /// As `clerk` sees a page of somebody's, who was asked for with these words behind its address.
    async fn seen_by(&self, clerk: &TestClerk, who: &str, page: &str, asked: &str) -> Answer {
        self.app.later(1);
        let id = self.ids[who];
        let mark = if page.contains('?') { '&' } else { '?' };
        clerk.get(&format!("{PREVIEW}/{id}/{page}{mark}{asked}")).await
    }

    async fn load_medicines(&self, rows: &[String]) -> Delivery {
        execute(&owner_url(), DRUGS).await.unwrap();
        let allowing = Wish {
            allow_deviation: true,
            allow_unmatched: true,
            ..wish(Kind::Medicines)
        };
        loaded(self.desk.import_as(&medicines(rows), allowing).await)
    }

    async fn show_medicines(&self, rows: &[String]) {
        let delivery = self.load_medicines(rows).await;
        self.desk.publish(Kind::Medicines, &delivery.label.to_string()).await;
    }

    /// The looks that the trail holds: who was shown, and why.
    async fn looks(&self) -> Vec<(String, Value)> {
        let query = "SELECT concat(e.action, '|', string_agg(p.number || '-' || p.branch, ' ' ORDER BY p.number, p.branch), '|', e.detail)
                AS line
            FROM audit_events e JOIN audit_subjects s USING (tenant_id, audit_id)
                JOIN persons p ON p.tenant_id = s.tenant_id AND p.person_id = s.subject_id
            WHERE e.action IN ('person.look', 'people.look') GROUP BY e.audit_id, e.at, e.action, e.detail
            ORDER BY e.at, e.action DESC";
        let lines = self.desk.test.lines(query).await;
        let read = |line: &String| {
            let (action, rest) = line.split_once('|').unwrap();
            let (shown, detail) = rest.split_once('|').unwrap();
            (format!("{action} {shown}"), serde_json::from_str(detail).unwrap())
        };
        lines.iter().map(read).collect()
    }
}

/// What a statement says: from its heading to its end, without where its links and forms lead.
#[track_caller]
fn says_all(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.text);
    let (_, main) = page.text.split_once("<h1>").unwrap();
    let (main, _) = main.split_once("</main>").unwrap();
    let mut parts = main.split('<');
    let first = parts.next().unwrap().to_owned();
    let is_way = |part: &str| {
        let way = ["a ", "/a>", "form ", "input type=\"hidden\""];
        way.iter().any(|begin| part.starts_with(begin))
    };
    parts.fold(first, |text, part| {
        if is_way(part) {
            text + part.split_once('>').unwrap().1
        } else {
            text + "<" + part
        }
    })
}

fn medicine(claim: &str, who: &str, month: &str) -> String {
    let (number, branch) = who.split_once('-').unwrap();
    format!("2026-08,{claim},100,{number},{branch},,{month},西町薬局,内服,999000001,2,30,3,")
}

/// A family of which there is something on every page, a correction and a claim that was taken back among it.
async fn family() -> Family {
    let family = Family::new().await;
    let hospital = "医科入院,3,中央病院";
    family
        .desk
        .show(&[
            visit("2026-08", "c1", "1-00", "2026-06", "東町クリニック", 10_000),
            visit("2026-08", "c2", "1-01", "2026-06", "西町医院", 5_000),
            visit("2026-08", "c3", "1-02", "2026-05", "南町小児科", 7_000),
            visit("2026-08", "c4", "1-01", "2025-12", "西町医院", 3_000),
            amounts("2026-08", "", "1-00", "2026-06", hospital, (9_000, 2_700)),
            visit("2026-08", "c5", "2-00", "2026-05", "別の病院", 80_000),
        ])
        .await;
    family
        .desk
        .show(&[
            visit("2026-09", "c1", "1-00", "2026-06", "東町クリニック", 20_000),
            taken_back("2026-09", "c4", 1, "2025-12").replacen(",00,,", ",01,,", 1),
        ])
        .await;
    family
        .show_medicines(&[medicine("m1", "1-00", "2026-06"), medicine("m2", "1-01", "2026-05")])
        .await;
    family
}

#[tokio::test]
async fn a_preview_says_what_the_members_own_page_says_and_no_more() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let child = family.ids["1-02"];
    let whose = [format!("costs?person={child}"), format!("medicines?person={child}")];
    // One who is no principal, too.
    let mother = family.dependant("1-01").await;
    for (who, client) in [("1-00", &family.father), ("1-01", &mother)] {
        for page in PAGES.iter().copied().chain(whose.iter().map(String::as_str)) {
            if who == "1-01" && page.contains("person=") {
                continue;
            }
            let own = client.get(&format!("/portal/{page}")).await;
            let seen = family.seen_by(&clerk, who, page, "reason=inquiry").await;
            assert_eq!(says_all(&seen), says_all(&own), "{who} {page}");
            says(&seen, 200, "さんに見える画面です。閲覧は記録され、本人に知らされます。");
        }
    }
    // The families of others are not theirs.
    let other = family.seen_by(&clerk, "2-00", "costs", "reason=inquiry").await;
    says(&other, 200, "別の病院");
    assert!(!other.text.contains("東町") && other.text.contains("この方はまだ登録していません"));
}

#[tokio::test]
async fn its_links_go_on_with_the_reason_and_to_no_page_of_the_portal() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let base = format!("{PREVIEW}/{}", family.ids["1-00"]);
    let page = family.seen_by(&clerk, "1-00", "costs", "reason=correction").await;
    for way in [
        format!("href=\"{base}/costs/2026-06?reason=correction\""),
        format!("href=\"{base}/costs/tax/2026?reason=correction\""),
        format!("action=\"{base}/costs\""),
        "<input type=\"hidden\" name=\"reason\" value=\"correction\">".to_owned(),
        "理由：訂正の確認".to_owned(),
    ] {
        says(&page, 200, &way);
    }
    for page in PAGES {
        let page = family.seen_by(&clerk, "1-00", page, "reason=correction").await;
        assert!(!page.text.contains("\"/portal/"), "{}", page.text);
    }
    // Nothing of what the member has seen is moved by it.
    assert_eq!(family.desk.count("statement_marks").await, 0);
}

#[tokio::test]
async fn every_page_is_a_line_with_the_reason_and_with_everybody_whose_rows_it_shows() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    for _ in 0..2 {
        family.seen_by(&clerk, "1-00", "costs", "reason=inquiry").await;
    }
    family.seen_by(&clerk, "1-00", "costs/2026-06", "reason=other").await;
    family.seen_by(&clerk, "1-01", "medicines", "reason=correction").await;
    let why = |reason: &str| json!({ "what": "statements.preview", "reason": reason });
    assert_eq!(
        family.looks().await,
        [
            ("person.look 1-00 1-01 1-02".to_owned(), why("inquiry")),
            ("person.look 1-00 1-01 1-02".to_owned(), why("inquiry")),
            ("person.look 1-00 1-01".to_owned(), why("other")),
            ("person.look 1-01".to_owned(), why("correction")),
        ]
    );
    // Of whom the form names, and no row is shown, it is a list.
    let child = family.ids["1-02"];
    let page = format!("costs?person={child}");
    family.seen_by(&clerk, "1-00", &page, "reason=inquiry").await;
    let looks = family.looks().await;
    assert_eq!(looks[4], ("person.look 1-00 1-02".to_owned(), why("inquiry")));
    let list = json!({ "what": "household", "filters": [], "people": 1 });
    assert_eq!(looks[5], ("people.look 1-01".to_owned(), list));
}

/// The pages of the father as a clerk sees them, with what each costs.
async fn as_seen(family: &Family, clerk: &TestClerk) -> Vec<String> {
    let mark = clerk.mark(PREVIEW).await.unwrap();
    let child = family.ids["1-02"];
    let mut pages = Vec::new();
    let of_child = format!("costs?person={child}");
    for (nth, page) in PAGES.iter().copied().chain([of_child.as_str()]).enumerate() {
        let before = family.app.ground.database.statements();
        let seen = family.seen_by(clerk, "1-00", page, "reason=inquiry").await;
        let statements = family.app.ground.database.statements() - before;
        assert!(!seen.text.contains("隠れ町"), "{page}");
        let text = hidden::plain(family, &seen.normalized()).await.replace(&mark, "MARK");
        pages.push(format!("page {nth}: {statements} statements\n{text}"));
    }
    pages
}

/// What of a child is in no row, total, year or heading: neither for whoever may see protected people, whom the father's page shows
/// no more than it shows him, nor for whoever may not.
// security.md 74
#[tokio::test]
async fn of_a_protected_child_a_preview_of_the_father_differs_in_no_byte_from_that_of_a_family_without_its_visits() {
    let (with, without) = (Family::new().await, Family::new().await);
    with.desk.show(&[hidden::shared(), hidden::of_child()].concat()).await;
    without.desk.show(&hidden::shared()).await;
    for roles in [&[Role::Benefits][..], &[Role::Benefits, Role::Eligibility]] {
        let mut seen = Vec::new();
        for family in [&with, &without] {
            if roles.len() == 1 {
                family.protect("1-02").await;
            }
            let clerk = family.app.clerk(roles).await;
            family.app.warm().await;
            family.seen_by(&clerk, "1-00", "costs", "reason=inquiry").await;
            seen.push(as_seen(family, &clerk).await);
        }
        for (with, without) in seen[0].iter().zip(&seen[1]) {
            assert_eq!(with, without);
        }
        assert!(seen[0][0].contains("10,000円"), "{}", seen[0][0]);
    }
    // And nobody is told that anybody looked at the child.
    assert_eq!(with.looks().await, without.looks().await);
}

// security.md 74
#[tokio::test]
async fn what_a_guardian_sees_of_a_ward_only_those_see_in_their_place_who_may_see_protected_people() {
    let family = Family::new().await;
    family.desk.show(&[hidden::shared(), hidden::of_child()].concat()).await;
    family.protect("1-02").await;
    let mother = family.dependant("1-01").await;
    let guardian = format!(
        "UPDATE protections SET guardian_id = '{}'; UPDATE accounts SET proof = 'letter' WHERE person_id = '{0}'",
        family.ids["1-01"]
    );
    sql(family.desk.tenant(), &guardian).await;
    let own = mother.get(COSTS).await;
    says(&own, 200, "隠れ町小児科");
    let both = family.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    let seen = family.seen_by(&both, "1-01", "costs", "reason=inquiry").await;
    assert_eq!(says_all(&seen), says_all(&own));
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    let seen = family.seen_by(&clerk, "1-01", "costs", "reason=inquiry").await;
    says(&seen, 200, "西町医院");
    assert!(
        !seen.text.contains("隠れ町") && !seen.text.contains("一郎"),
        "{}",
        seen.text
    );
    let looks: Vec<String> = family.looks().await.into_iter().map(|(shown, _)| shown).collect();
    assert_eq!(looks, ["person.look 1-01 1-02", "person.look 1-01"]);
}

#[tokio::test]
async fn what_somebody_keeps_from_everybody_is_kept_from_staff_too() {
    let family = family().await;
    let clerk = family.app.clerk(&[Role::Benefits]).await;
    family.ask("1-01", Audience::SelfOnly).await;
    let seen = family.seen_by(&clerk, "1-00", "costs", "reason=inquiry").await;
    assert!(!seen.text.contains("西町医院"));
    // Without an account, or with one that facts alone prove, somebody may be who lives with them.
    let own = family.seen_by(&clerk, "1-01", "costs", "reason=inquiry").await;
    says(&own, 200, "まだデータがありません");
    family.ask("1-00", Audience::Suppressed).await;
    let seen = family.seen_by(&clerk, "1-00", "costs", "reason=inquiry").await;
    assert!(!seen.text.contains("東町クリニック"));
}
