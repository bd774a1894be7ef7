//! The roster on a real database: whole files or nothing, who is lost and who returns, and whom an identity means.

mod deltas;
mod faults;
mod files;
mod identity;
mod keys;
mod losses;
mod persons;
mod relations;
mod side_by_side;
mod spreadsheets;
mod xlsx;

use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::Database;
use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use kernel::{BirthDate, Clock, KanaName, Keys, Number, PersonId, Symbol, TenantId};
use roster::{
    Change, Identity, Match, Person, Sight, changes,
    import::{ImportError, ImportRefused, Options, Progress, Reason, Report, import},
};
use std::io::Write as _;
use tabular::Source;
use tenancy::{Insurer, InsurerKind, InsurerState, Settings};
use testkit::TestDatabase;

const HEADER: &str =
    "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格喪失日,メール,社員コード,個人ID";

/// One insurer's roster, a frozen clock, and files to import.
struct Desk {
    database: Database,
    keys: Keys,
    clock: Clock,
    insurer: Insurer,
}

impl Desk {
    async fn new() -> Self {
        Self::of(InsurerKind::HealthInsurance).await
    }

    async fn of(kind: InsurerKind) -> Self {
        let test = TestDatabase::new().await;
        let settings = Settings {
            kind,
            ..Settings::default()
        };
        let insurer = Insurer::new(test.tenant, None, InsurerState::Open, 1, settings);
        Self {
            database: test.database,
            keys: test.keys,
            clock: test.clock,
            insurer,
        }
    }

    fn tenant(&self) -> TenantId {
        self.insurer.tenant_id
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn try_import(&self, file: &[u8], options: Options) -> Result<Report, ImportError> {
        self.watched_import(file, options, |_| ()).await
    }

    async fn watched_import(
        &self,
        file: &[u8],
        options: Options,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Report, ImportError> {
        let mut on_disk = tempfile::NamedTempFile::new().unwrap();
        on_disk.write_all(file).unwrap();
        let (by, file) = ((Actor::Operator, Origin::command()), Source::file(on_disk.path()));
        import(
            (&self.database, &self.keys),
            &self.insurer,
            file,
            options,
            by,
            &self.clock,
            progress,
        )
        .await
    }

    /// Imports rows under [`HEADER`], however many vanish.
    async fn import(&self, rows: &[&str]) -> Report {
        let options = Options {
            allow_loss: true,
            ..Options::default()
        };
        self.try_import(file(rows).as_bytes(), options).await.unwrap()
    }

    async fn refused(&self, file: &[u8], options: Options) -> ImportRefused {
        match self.try_import(file, options).await {
            Err(ImportError::Refused(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    async fn errors(&self, file: &[u8]) -> Vec<(u64, &'static str, Reason)> {
        match self.refused(file, Options::default()).await {
            ImportRefused::Rows(errors) => errors
                .kept()
                .iter()
                .map(|error| (error.line, error.column, error.reason.clone()))
                .collect(),
            other => panic!("refused for {other:?}"),
        }
    }

    async fn find(&self, identity: &Identity) -> Match {
        let mut tx = self.database.tenant(self.tenant()).read().await.unwrap();
        roster::find(&mut tx, &self.insurer, identity, self.now())
            .await
            .unwrap()
    }

    async fn one(&self, number: &str, birth_date: &str, kana_name: &str) -> Person {
        match self.find(&identity(number, birth_date, kana_name)).await {
            Match::One { person, .. } => person,
            other => panic!("{number} {kana_name}: {other:?}"),
        }
    }

    async fn person(&self, id: PersonId) -> Person {
        let tx = self.database.tenant(self.tenant()).read().await.unwrap();
        roster::person(&tx, id).await.unwrap().unwrap()
    }

    async fn journal(&self) -> Vec<Change> {
        let tx = self.database.tenant(self.tenant()).read().await.unwrap();
        changes::after(&tx, &Sight::ALL, 0, 1_000).await.unwrap()
    }

    async fn count(&self, table: &str, condition: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let mut tx = self.database.tenant(self.tenant()).read().await.unwrap();
        let sql = format!(
            "SELECT count(*) AS count FROM {table} WHERE tenant_id = {} AND {condition}",
            self.tenant()
        );
        let count: Count = diesel::sql_query(sql).get_result(&mut *tx).await.unwrap();
        count.count
    }

    /// What refused imports leave: that they were refused, and nothing of what they held.
    async fn assert_refused(&self) {
        for table in ["persons", "roster_changes", "roster_staging", "roster_matches"] {
            assert_eq!(self.count(table, "true").await, 0, "{table}");
        }
        assert_eq!(self.count("roster_imports", "state <> 'refused'").await, 0);
    }

    /// What an import that never was leaves.
    async fn assert_untouched(&self) {
        let tables = [
            "persons",
            "roster_changes",
            "roster_imports",
            "roster_staging",
            "roster_matches",
            "events",
        ];
        for table in tables {
            assert_eq!(self.count(table, "true").await, 0, "{table}");
        }
    }
}

fn file(rows: &[&str]) -> String {
    format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"))
}

fn identity(number: &str, birth_date: &str, kana_name: &str) -> Identity {
    Identity {
        symbol: Symbol::parse("公立-12").unwrap(),
        number: Number::parse(number).unwrap(),
        birth_date: BirthDate::parse_iso(birth_date, "2026-11-22".parse().unwrap()).unwrap(),
        kana_name: KanaName::parse(kana_name).unwrap(),
        employee_number: None,
    }
}

const TARO: &str = "公立-12,0034,00,ケンポ　タロウ,健保　太郎,19850401,本人,,,,";
const SHOKO: &str = "公立-12,0034,01,ケンポ　ショウコ,健保　昭子,S62.8.25,妻,,,,";
const HANAKO: &str = "公立-12,35,00,キョウサイ　ハナコ,共済　花子,1982/9/3,本人,,,,";
