//! What staff do by hand: rows that wait are settled, and claims withdrawn.

mod claims;
mod held;

use access::Role;
use audit::{Actor, Origin};
use kernel::Outcome;
use statements::{
    Deliveries, Kind, Month,
    delivery::{Delivery, list},
    import::{Imported, Wish},
    reading::MAX_ROWS,
};
use std::io::Cursor;
use tabular::{Opened, Source};
use testkit::{Answer, TestApp, TestClerk, TestPerson};

const HEADER: &str = "処理年月,レセプト番号,記号,番号,枝番,生年月日,診療年月,診療区分,日数,医療機関等名称,医療費の総額,保険者の負担額,窓口相当負担額";

/// An insurer with a family under number 1 and somebody under number 2, and whoever works with its statements.
struct Counter {
    app: TestApp,
    clerk: TestClerk,
}

fn one(number: u32, branch: &str, [name, kana]: [&str; 2], relationship: &str, birth_date: &str) -> TestPerson {
    TestPerson {
        branch: branch.into(),
        name: name.into(),
        kana_name: kana.into(),
        relationship: relationship.into(),
        birth_date: birth_date.into(),
        ..TestPerson::new(number)
    }
}

fn people() -> Vec<TestPerson> {
    vec![
        one(1, "00", ["北村　一郎", "キタムラ　イチロウ"], "本人", "1980-05-05"),
        one(1, "01", ["北村　花子", "キタムラ　ハナコ"], "妻", "1982-06-06"),
        one(2, "00", ["南野　次郎", "ミナミノ　ジロウ"], "本人", "1984-07-07"),
    ]
}

impl Counter {
    async fn new() -> Self {
        let app = TestApp::start().await;
        app.insurer.import(&people()).await;
        let clerk = app.clerk(&[Role::Benefits]).await;
        Self { app, clerk }
    }

    fn deliveries(&self) -> Deliveries {
        Deliveries::new(&self.app.ground)
    }

    async fn load(&self, rows: &[String]) -> Delivery {
        let insurer = self.app.insurer.directory.by_tenant(self.app.tenant()).await.unwrap();
        let file = format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"));
        let source = || {
            let bytes = file.as_bytes().to_vec();
            Source::new("costs.csv", move || {
                let of = bytes.len() as u64;
                let stream = Box::new(Cursor::new(bytes));
                Ok(Opened { stream, of })
            })
        };
        let wish = Wish {
            kind: Kind::Costs,
            label: None,
            dry_run: false,
            allow_deviation: true,
            allow_unmatched: true,
            max_rows: MAX_ROWS,
            mapping: tabular::Mapping::default(),
            run: None,
            by: by(),
        };
        let imported = self.deliveries().import(&insurer.unwrap(), source, wish, |_| ()).await;
        match imported {
            Ok(Imported::Loaded { delivery, .. }) => *delivery,
            other => panic!("{other:?}"),
        }
    }

    /// Loads and publishes.
    async fn show(&self, rows: &[String]) -> Delivery {
        let delivery = self.load(rows).await;
        self.publish(delivery.label).await;
        delivery
    }

    async fn publish(&self, label: Month) {
        let what = (Kind::Costs, label, None);
        let published = self.deliveries().publish(self.app.tenant(), by(), what).await.unwrap();
        assert!(matches!(published, Outcome::Done(_)), "{published:?}");
    }

    async fn list(&self) -> Vec<Delivery> {
        let tenant = self.app.insurer.database.tenant(self.app.tenant());
        list(&tenant.read().await.unwrap(), None).await.unwrap()
    }

    /// Rows that count, by whom they are of: number and branch, claim and total.
    async fn shown(&self) -> Vec<String> {
        let query = "SELECT concat(p.number, '-', p.branch, ' ', r.claim_key, ' ', r.total_yen) AS line
            FROM cost_rows r JOIN statement_deliveries d USING (tenant_id, delivery) JOIN persons p USING (tenant_id, person_id)
            WHERE d.state = 'published' AND NOT r.withdrawn AND r.superseded_by IS NULL AND NOT r.struck ORDER BY 1";
        self.app.insurer.lines(query).await
    }

    async fn person(&self, number: u32, branch: &str) -> String {
        let query = format!(
            "SELECT person_id::text AS line FROM persons WHERE number_key = '{number}' AND branch = '{branch}'"
        );
        self.app.insurer.lines(&query).await.remove(0)
    }

    async fn protect(&self, person: &str) {
        let clerk = self.app.clerk(&[Role::Eligibility]).await;
        let fields = [("subject", person), ("person", person), ("reason", "支援措置の申し出")];
        assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    }

    async fn trail(&self, action: &str) -> Vec<String> {
        let query = format!(
            "SELECT concat(actor_kind, ' ', object_kind, ' ', outcome) AS line FROM audit_events WHERE action = '{action}'"
        );
        self.app.insurer.lines(&query).await
    }
}

fn by() -> (Actor, Origin) {
    (Actor::Operator, Origin::command())
}

/// A row: of which number and branch, born on which day where one is given, and what it cost.
fn row(label: &str, claim: &str, (number, branch, born): (u32, &str, &str), month: &str, total: i64) -> String {
    let insurer = total * 7 / 10;
    let copay = total - insurer;
    format!("{label},{claim},100,{number},{branch},{born},{month},医科外来,1,東町クリニック,{total},{insurer},{copay}")
}

#[track_caller]
fn tells(page: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
}

#[track_caller]
fn tells_nothing_of(page: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(!page.text.contains(part), "{part}: {}", page.text);
    }
}
