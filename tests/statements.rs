//! 医療費通知 and ジェネリック差額明細 on a real database: whole deliveries or nothing, which row counts, who sees it.

mod api;
mod at_home;
mod drugs;
mod family;
mod files;
mod files_taken;
mod generics;
mod held;
mod households;
mod loads;
mod mailing;
mod pages;
mod published;
mod publishing;
mod resolving;
mod restarted;
mod settings;
mod since;
mod struck;
mod sweeping;
mod tax_year;
mod views;
mod visibility;
mod years;

use audit::{Actor, Origin};
use ground::Ground;
use guard::{HashConfig, Hasher};
use kernel::{NameKeys, Outcome, TenantId};
use statements::{
    Deliveries, Kind, Month,
    check::Checked,
    delivery::{Delivery, list},
    import::{ImportError, Imported, Wish},
    publish::Published,
    reading::MAX_ROWS,
    reasons::ImportRefused,
};
use std::fmt::Write as _;
use tabular::{Mapping, Opened, Source};
use tenancy::{Folder, Insurer};
use testkit::{NAMES_KEY, TestApp, TestDatabase, TestPerson, execute, owner_url};

const COSTS: &str = "処理年月,レセプト番号,記号,番号,枝番,生年月日,診療年月,診療区分,日数,医療機関等名称,医療費の総額,保険者の負担額,その他の公費の負担額,窓口相当負担額,標準負担額,支給額,取消区分";
const MEDICINES: &str = "処理年月,レセプト番号,記号,番号,枝番,生年月日,調剤年月,薬局等名称,剤形区分,医薬品コード,1日量,日数,負担割合,取消区分";

/// An invented master, which all insurers of these tests share: some codes of no class, and a brand of 100.00 yen with what is
/// cheaper. Chosen without need it costs 85.00, and 15.00 besides.
const DRUGS: &str = "
    INSERT INTO drugs (valid_from, version, code, price_code, strength, name, unit, price_sen, class, charge_sen)
    SELECT '2020-01-01', 1, n::text, '', '', '試薬', '錠', 1000, '', 0 FROM generate_series(620000001, 620000009) n
    UNION ALL VALUES
        ('2020-01-01'::date, 1, '999000001', '9990001F1024', '9990001F1', 'アサガオ錠５ｍｇ', '錠', 10000, '2', 0),
        ('2020-01-01', 1, '999000002', '9990001F1024', '9990001F1', 'アサガオ錠５ｍｇ（選）', '錠', 8500, '2', 1500),
        ('2020-01-01', 1, '999000011', '9990001F1032', '9990001F1', 'アサガオ錠５ｍｇ「みほん」', '錠', 4000, '3', 0),
        ('2020-01-01', 1, '999000012', '9990001F1016', '9990001F1', 'アサガオ５ｍｇ錠', '錠', 7000, '3', 0),
        ('2020-01-01', 1, '999000013', '9990001F1040', '9990001F1', 'アサガオ錠５ｍｇ「れいだい」', '錠', 4000, '3', 0),
        ('2020-01-01', 1, '999000014', '9990001F1059', '9990001F1', 'アサガオ錠５ｍｇ「でも」', '錠', 9000, '3', 0),
        ('2020-01-01', 1, '999000015', '9990001F1067', '9990001F1', 'アサガオ錠５ｍｇ「ほか」', '錠', 10000, '★', 0)
    ON CONFLICT DO NOTHING";

/// An insurer with a roster, a frozen clock, and files to import.
struct Desk {
    test: TestDatabase,
    deliveries: Deliveries,
}

impl Desk {
    /// With three insured people: numbers 1 to 3.
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Folder)) -> Self {
        let test = TestDatabase::with("32290413", change).await;
        execute(&owner_url(), DRUGS).await.unwrap();
        let deliveries = Deliveries::new(&ground(&test));
        let desk = Self { test, deliveries };
        let people: Vec<TestPerson> = (1..=3).map(TestPerson::new).collect();
        desk.test.import(&people).await;
        desk
    }

    fn tenant(&self) -> TenantId {
        self.test.tenant
    }

    async fn insurer(&self) -> std::sync::Arc<Insurer> {
        self.test.directory.by_tenant(self.tenant()).await.unwrap().unwrap()
    }

    /// Imports whatever `open` gives: at its first call for the check, at its second for the load.
    async fn import_from(&self, open: impl Fn() -> Source + Send + Sync, wish: Wish) -> Result<Imported, ImportError> {
        self.deliveries.import(&*self.insurer().await, open, wish, |_| ()).await
    }

    async fn import_as(&self, file: &str, wish: Wish) -> Result<Imported, ImportError> {
        self.import_from(|| source(file), wish).await
    }

    /// Imports rows under [`COSTS`].
    async fn import(&self, rows: &[String]) -> Result<Imported, ImportError> {
        self.import_as(&costs(rows), wish(Kind::Costs)).await
    }

    /// Imports rows under [`MEDICINES`].
    async fn medicines(&self, rows: &[String]) -> Result<Imported, ImportError> {
        self.import_as(&medicines(rows), wish(Kind::Medicines)).await
    }

    /// Loads rows under [`COSTS`], however few or many they are and whoever's.
    async fn load(&self, rows: &[String]) -> Delivery {
        let allowing = Wish {
            allow_deviation: true,
            allow_unmatched: true,
            ..wish(Kind::Costs)
        };
        loaded(self.import_as(&costs(rows), allowing).await)
    }

    async fn try_publish(&self, kind: Kind, label: &str, version: Option<i32>) -> Outcome<Published> {
        let what = (kind, month(label), version);
        self.deliveries.publish(self.tenant(), by(), what).await.unwrap()
    }

    async fn publish(&self, kind: Kind, label: &str) -> Published {
        done(self.try_publish(kind, label, None).await)
    }

    async fn withdraw(&self, kind: Kind, label: &str) -> Published {
        let what = (kind, month(label));
        done(self.deliveries.withdraw(self.tenant(), by(), what).await.unwrap())
    }

    /// Loads and publishes.
    async fn show(&self, rows: &[String]) -> Published {
        let delivery = self.load(rows).await;
        self.publish(Kind::Costs, &delivery.label.to_string()).await
    }

    async fn list(&self) -> Vec<Delivery> {
        let tx = self.test.database.tenant(self.tenant()).read().await.unwrap();
        list(&tx, None).await.unwrap()
    }

    /// The rows that count: month, claim and, of costs, the total; of medicines, the code.
    async fn shown(&self, kind: Kind) -> Vec<String> {
        let what = match kind {
            Kind::Costs => "total_yen::text",
            Kind::Medicines => "drug",
        };
        let query = format!(
            "SELECT concat(to_char(r.month, 'YYYY-MM'), ' ', r.claim_key, ' ', r.{what}) AS line
             FROM {} r JOIN statement_deliveries d USING (tenant_id, delivery)
             WHERE d.state = 'published' AND NOT r.withdrawn AND r.superseded_by IS NULL AND NOT r.struck
             ORDER BY 1",
            kind.table()
        );
        self.test.lines(&query).await
    }

    async fn count(&self, table: &str) -> usize {
        self.test.count(table, "true").await
    }
}

fn ground(test: &TestDatabase) -> Ground {
    Ground {
        database: test.database.clone(),
        directory: test.directory.clone(),
        keys: test.keys.clone(),
        names: NameKeys::new(NAMES_KEY, None),
        clock: test.clock.clone(),
        hasher: Hasher::new(&test.keys, HashConfig { threads: 1, queue: 1 }),
        person_kept: chrono::TimeDelta::days(1),
    }
}

fn by() -> (Actor, Origin) {
    (Actor::Operator, Origin::command())
}

/// What is asked of an import that is to find everything in order.
fn wish(kind: Kind) -> Wish {
    Wish {
        kind,
        label: None,
        dry_run: false,
        allow_deviation: false,
        allow_unmatched: false,
        max_rows: MAX_ROWS,
        mapping: Mapping::default(),
        run: None,
        by: by(),
    }
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn source(file: &str) -> Source {
    let bytes = file.as_bytes().to_vec();
    Source::new("costs.csv", move || {
        let of = bytes.len() as u64;
        let stream = Box::new(std::io::Cursor::new(bytes));
        Ok(Opened { stream, of })
    })
}

pub(crate) fn costs(rows: &[String]) -> String {
    table(COSTS, rows)
}

fn medicines(rows: &[String]) -> String {
    table(MEDICINES, rows)
}

fn table(header: &str, rows: &[String]) -> String {
    let mut file = format!("{header}\r\n");
    for row in rows {
        write!(file, "{row}\r\n").unwrap();
    }
    file
}

/// A row of the person of a number, under [`COSTS`].
pub(crate) fn cost(label: &str, claim: &str, number: u32, month: &str, total: i64) -> String {
    let insurer = total * 7 / 10;
    let copay = total - insurer;
    format!("{label},{claim},100,{number},00,,{month},医科外来,1,東町クリニック,{total},{insurer},0,{copay},0,0,")
}

/// A row that takes a claim back.
pub(crate) fn taken_back(label: &str, claim: &str, number: u32, month: &str) -> String {
    format!("{label},{claim},100,{number},00,,{month},,,,,,,,,,1")
}

/// A row of the person of a number, under [`MEDICINES`].
fn medicine(label: &str, claim: &str, number: u32, month: &str, drug: u32) -> String {
    format!("{label},{claim},100,{number},00,,{month},西町薬局,内服,{drug},2,30,3,")
}

/// Loads rows under [`COSTS`] at an app's insurer, however few they are and whoever's.
pub(crate) async fn load_at(app: &TestApp, rows: &[String]) -> Delivery {
    let desk = Desk {
        deliveries: Deliveries::new(&ground(&app.insurer)),
        test: app.insurer.clone(),
    };
    desk.load(rows).await
}

fn loaded(imported: Result<Imported, ImportError>) -> Delivery {
    match imported {
        Ok(Imported::Loaded { delivery, .. }) => *delivery,
        other => panic!("not loaded: {other:?}"),
    }
}

fn checked(imported: Result<Imported, ImportError>) -> Checked {
    match imported {
        Ok(Imported::Checked(checked) | Imported::Loaded { checked, .. }) => checked,
        other => panic!("not checked: {other:?}"),
    }
}

fn refused(imported: Result<Imported, ImportError>) -> ImportRefused {
    match imported {
        Err(ImportError::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

fn done<T: std::fmt::Debug>(outcome: Outcome<T>) -> T {
    match outcome {
        Outcome::Done(done) => done,
        Outcome::Refused(refusal) => panic!("refused: {refusal:?}"),
    }
}
