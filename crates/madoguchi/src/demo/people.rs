//! The demo's people: invented, of each sample roster the first two and those with whom something is different. The second
//! is registered beforehand, through the very use cases that pages and programs call.

use crate::{
    app::App,
    commands::{Failed, said},
};
use accounts::{AccountForm, BirthForm, Carrier, IdentityForm, LogInForm};
use audit::Origin;
use database::Durability;
use kernel::{InsurerCode, Outage, Outcome};
use mail::Mailbox;
use roster::{NamedError, Numbered};

/// The password of everybody registered beforehand.
pub(super) const PASSWORD: &str = "Himawari2rin&";

/// Of one insurer.
pub(super) struct People {
    pub insurer_code: &'static str,
    pub insurer: &'static str,
    /// To sign up as.
    pub first: Sample,
    /// Registered beforehand.
    pub registered: Sample,
    /// With whom something is different.
    pub others: &'static [Sample],
}

/// What a person types to be recognised.
pub(super) struct Sample {
    /// What becomes of it.
    pub what: &'static str,
    pub symbol: &'static str,
    pub number: &'static str,
    pub branch: &'static str,
    pub birth_date: &'static str,
    pub kana_name: &'static str,
    pub employee_number: Option<&'static str>,
    /// Of whoever is registered beforehand.
    pub user_id: Option<&'static str>,
}

impl Sample {
    const fn new(
        what: &'static str,
        [symbol, number, branch]: [&'static str; 3],
        birth_date: &'static str,
        kana_name: &'static str,
    ) -> Self {
        Self {
            what,
            symbol,
            number,
            branch,
            birth_date,
            kana_name,
            employee_number: None,
            user_id: None,
        }
    }

    const fn employed(mut self, number: &'static str) -> Self {
        self.employee_number = Some(number);
        self
    }

    const fn logging_in_as(mut self, user_id: &'static str) -> Self {
        self.user_id = Some(user_id);
        self
    }
}

const FIRST: &str = "はじめて登録する人";
const REGISTERED: &str = "登録が済んでいる人";
const FAMILY: &str = "ご家族・被扶養者（登録できるのはご本人だけです）";
const FOREIGN: &str = "外国の方（氏名はカナで入力します）";
const ENDED: &str = "資格を失った人（登録できません）";
const SAME: &str = "同じ氏名・同じ生年月日の人が2人いるうちの1人";

pub(super) const PEOPLE: &[People] = &[
    People {
        insurer_code: "32290413",
        insurer: "奈良県市町村職員共済組合",
        first: Sample::new(FIRST, ["100", "105", "00"], "1975-04-12", "ケンポ　タロウ"),
        registered: Sample::new(REGISTERED, ["100", "106", "00"], "1982-09-03", "キョウサイ　ハナコ")
            .logging_in_as("demo-32290413"),
        others: &[
            Sample::new(FAMILY, ["100", "105", "01"], "1977-08-25", "ケンポ　ショウコ"),
            Sample::new(
                FOREIGN,
                ["公立-12", "7", "00"],
                "1996-06-18",
                "グエン　ティ　ミン　アン",
            ),
            Sample::new(
                "メールアドレスが届け出られている人（認証番号は、そのアドレスに届きます）",
                ["200", "106", "00"],
                "1975-01-20",
                "ヨコヤマ　ダイスケ",
            ),
            Sample::new(ENDED, ["100", "118", "00"], "1960-08-01", "モトヤマ　ススム"),
            Sample::new(SAME, ["100", "215", "00"], "1970-05-05", "タナカ　ミノル"),
            Sample::new(SAME, ["100", "231", "00"], "1970-05-05", "タナカ　ミノル"),
        ],
    },
    People {
        insurer_code: "06139992",
        insurer: "みほん健康保険組合",
        first: Sample::new(FIRST, ["21", "1001", "00"], "1980-06-15", "ミホン　イチロウ").employed("204518"),
        registered: Sample::new(REGISTERED, ["21", "1002", "00"], "1988-02-20", "クミアイ　キョウコ")
            .employed("205077")
            .logging_in_as("demo-06139992"),
        others: &[
            Sample::new(FAMILY, ["21", "1001", "01"], "1982-04-03", "ミホン　サクラ"),
            Sample::new(
                FOREIGN,
                ["本社", "1", "00"],
                "1978-03-14",
                "ブラウン　マイケル　ジェームズ",
            )
            .employed("K-1024"),
            Sample::new(ENDED, ["21", "1050", "00"], "1962-06-01", "イトウ　カズオ").employed("100393"),
            Sample::new(SAME, ["21", "1040", "00"], "1972-10-10", "サトウ　ヒロシ").employed("100319"),
        ],
    },
    People {
        insurer_code: "139998",
        insurer: "みほん国民健康保険組合",
        first: Sample::new(FIRST, ["10", "2001", "01"], "1968-11-03", "コクホ　ジロウ"),
        registered: Sample::new(REGISTERED, ["10", "2002", "01"], "1972-01-25", "ムナカタ　ヨシコ")
            .logging_in_as("demo-139998"),
        others: &[
            Sample::new(
                "ご家族（国民健康保険組合では、お一人おひとりが登録できます）",
                ["10", "2001", "02"],
                "1970-03-21",
                "コクホ　ハルコ",
            ),
            Sample::new(FOREIGN, ["大工", "4", "01"], "1997-01-17", "レ　ヴァン　フン"),
            Sample::new(ENDED, ["10", "2060", "01"], "1959-09-09", "オオタニ　イサム"),
            Sample::new(SAME, ["10", "2040", "01"], "1971-04-29", "ワタナベ　タカシ"),
        ],
    },
];

impl People {
    /// Everybody, in the order of the start page.
    pub(super) fn all(&self) -> impl Iterator<Item = &Sample> {
        [&self.first, &self.registered].into_iter().chain(self.others)
    }

    /// Who of them has an account by now, in the order of [`People::all`].
    pub(super) async fn have_accounts(&self, app: &App) -> Result<Vec<bool>, Failed> {
        let code = InsurerCode::parse(self.insurer_code).map_err(said)?;
        let Some(insurer) = app.ground.directory.by_code(&code).await? else {
            return Err(Failed::Said(format!("{code} is not applied")));
        };
        let mut tx = app.ground.database.tenant(insurer.tenant_id).read().await?;
        let mut have = Vec::new();
        for sample in self.all() {
            let numbered = Numbered {
                symbol: sample.symbol.into(),
                number: sample.number.into(),
                branch: Some(sample.branch.into()),
            };
            have.push(match roster::named(&mut tx, &numbered).await {
                Ok(person) => accounts::has_account(&mut tx, person).await?,
                // Whose coverage has ended bears no number any more.
                Err(NamedError::Nobody) => false,
                Err(error) => return Err(said(error)),
            });
        }
        tx.commit().await?;
        Ok(have)
    }
}

/// Registers the second person, unless an earlier start did.
pub(super) async fn register(app: &App, mailbox: &Mailbox, people: &People) -> Result<(), Failed> {
    let accounts = &app.accounts;
    let origin = Origin::command();
    let sample = &people.registered;
    let user_id = || sample.user_id.unwrap_or_default().to_owned();
    let log_in = || LogInForm {
        user_id: user_id(),
        password: PASSWORD.into(),
        device: None,
    };
    if let Outcome::Done(_) = accounts.log_in(&origin, "demo", log_in()).await.map_err(said)? {
        return Ok(());
    }
    let identity = IdentityForm {
        insurer_code: people.insurer_code.into(),
        symbol: sample.symbol.into(),
        number: sample.number.into(),
        birth: BirthForm::Iso(sample.birth_date.into()),
        kana_name: sample.kana_name.into(),
        employee_number: sample.employee_number.map(str::to_owned),
    };
    let ticket = done(accounts.identify(&origin, &identity).await)?.ticket;
    let email = Some("hanako@example.jp".to_owned());
    let form = AccountForm {
        user_id: user_id(),
        password: PASSWORD.into(),
        email,
        asked: None,
    };
    done(accounts.create(&origin, &ticket, form).await)?;
    app.worker.run_once().await?;
    let code = mailbox
        .mails()
        .first()
        .and_then(|mail| code_in(&mail.text))
        .unwrap_or_default();
    done(accounts.confirm(&origin, &ticket, &code).await)?;

    let session = done(accounts.log_in(&origin, "demo", log_in()).await)?.session;
    let person = done(accounts.enter(Carrier::Cookie, &session).await)?.person.person_id;
    let mut tx = app
        .ground
        .database
        .tenant(session.tenant)
        .write(Durability::Safe)
        .await?;
    for samples in app.modules.iter().filter_map(|module| module.samples.as_ref()) {
        samples(&mut tx, person).await?;
    }
    tx.commit().await?;
    accounts.log_out(&origin, &session).await.map_err(said)?;
    Ok(())
}

/// The six digits of a mail.
pub(super) fn code_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 6)
        .map(str::to_owned)
}

fn done<T>(outcome: Result<Outcome<T>, Outage>) -> Result<T, Failed> {
    match outcome.map_err(said)? {
        Outcome::Done(value) => Ok(value),
        Outcome::Refused(refusal) => Err(Failed::Said(format!(
            "the demo's registration was refused: {refusal:?}"
        ))),
    }
}
