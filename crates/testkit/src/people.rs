//! People of a test's roster, imported through the real import.

use crate::TestDatabase;
use audit::{Actor, Origin};
use roster::import::{ImportError, Options, Report, import};
use std::fmt::Write as _;
use tabular::Source;

/// A password that the manual's rule takes.
pub const PASSWORD: &str = "Himawari2rin&";

/// One row of a roster.
#[derive(Debug, Clone)]
pub struct TestPerson {
    /// 記号.
    pub symbol: String,
    /// 番号.
    pub number: String,
    /// 枝番.
    pub branch: String,
    /// 氏名（カナ）.
    pub kana_name: String,
    /// 氏名（漢字）.
    pub name: String,
    /// YYYY-MM-DD.
    pub birth_date: String,
    /// 続柄名称; 本人 is the insured person.
    pub relationship: String,
    /// 資格喪失日, YYYY-MM-DD or empty.
    pub lost_on: String,
    /// メール, or empty.
    pub email: String,
    /// 社員コード, or empty.
    pub employee_number: String,
}

impl TestPerson {
    /// The manual's 健保 ショウコ under a number of one's own.
    pub fn new(number: u32) -> Self {
        Self {
            symbol: "100".into(),
            number: number.to_string(),
            branch: "00".into(),
            kana_name: "ケンポ　ショウコ".into(),
            name: "健保　祥子".into(),
            birth_date: "1985-04-01".into(),
            relationship: "本人".into(),
            lost_on: String::new(),
            email: String::new(),
            employee_number: String::new(),
        }
    }
}

/// A person with an account.
#[derive(Debug, Clone)]
pub struct SignedUp {
    /// Who.
    pub person: TestPerson,
    /// ユーザーID.
    pub user_id: String,
    /// The proven address.
    pub email: String,
}

impl TestDatabase {
    /// Imports these people as the insurer's whole roster.
    pub async fn import(&self, people: &[TestPerson]) {
        self.try_import(people).await.unwrap();
    }

    /// The same, where somebody else may be at the roster.
    pub async fn try_import(&self, people: &[TestPerson]) -> Result<Report, ImportError> {
        let mut csv =
            "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格喪失日,メール,社員コード\n"
                .to_owned();
        for p in people {
            let (birth, lost) = (p.birth_date.replace('-', ""), p.lost_on.replace('-', ""));
            writeln!(
                csv,
                "{},{},{},{},{},{birth},{},{lost},{},{}",
                p.symbol, p.number, p.branch, p.kana_name, p.name, p.relationship, p.email, p.employee_number
            )
            .unwrap();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), csv).unwrap();
        let file = Source::file(file.path());
        let insurer = self.directory.by_tenant(self.tenant).await.unwrap().unwrap();
        let options = Options {
            allow_loss: true,
            ..Options::default()
        };
        let by = (Actor::System, Origin::command());
        import(
            (&self.database, &self.keys),
            &insurer,
            file,
            options,
            by,
            &self.clock,
            |_| (),
        )
        .await
    }
}
