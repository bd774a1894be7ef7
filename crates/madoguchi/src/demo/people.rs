//! The demo's people: invented, the first two of each sample roster. One is left to sign up as, one is registered
//! beforehand through the very use cases that pages and programs call.

use crate::{app::App, commands::Failed, terminal::say};
use accounts::{AccountForm, BirthForm, Carrier, IdentityForm, LogInForm};
use audit::Origin;
use database::Durability;
use kernel::{Outage, Outcome};
use mail::Mailbox;

/// The password of everybody registered beforehand.
pub(super) const PASSWORD: &str = "Himawari2rin&";

/// Two people of one insurer.
pub(super) struct People {
    pub insurer_code: &'static str,
    pub insurer: &'static str,
    pub sign_up: Sample,
    pub registered: Sample,
}

/// What a person types to be recognised.
pub(super) struct Sample {
    pub symbol: &'static str,
    pub number: &'static str,
    pub birth_date: &'static str,
    pub kana_name: &'static str,
    pub employee_number: Option<&'static str>,
}

const fn sample(
    symbol: &'static str,
    number: &'static str,
    birth_date: &'static str,
    kana_name: &'static str,
    employee_number: Option<&'static str>,
) -> Sample {
    Sample {
        symbol,
        number,
        birth_date,
        kana_name,
        employee_number,
    }
}

pub(super) const PEOPLE: &[People] = &[
    People {
        insurer_code: "32290413",
        insurer: "奈良県市町村職員共済組合",
        sign_up: sample("100", "105", "1975-04-12", "ケンポ　タロウ", None),
        registered: sample("100", "106", "1982-09-03", "キョウサイ　ハナコ", None),
    },
    People {
        insurer_code: "06139992",
        insurer: "みほん健康保険組合",
        sign_up: sample("21", "1001", "1980-06-15", "ミホン　イチロウ", Some("204518")),
        registered: sample("21", "1002", "1988-02-20", "クミアイ　キョウコ", Some("205077")),
    },
    People {
        insurer_code: "139998",
        insurer: "みほん国民健康保険組合",
        sign_up: sample("10", "2001", "1968-11-03", "コクホ　ジロウ", None),
        registered: sample("10", "2002", "1972-01-25", "ムナカタ　ヨシコ", None),
    },
];

impl People {
    /// The user ID of the one registered beforehand.
    pub(super) fn user_id(&self) -> String {
        format!("demo-{}", self.insurer_code)
    }
}

/// Registers the second person, unless an earlier start did.
pub(super) async fn register(app: &App, mailbox: &Mailbox, people: &People) -> Result<(), Failed> {
    let accounts = &app.accounts;
    let origin = Origin::command();
    let log_in = || LogInForm {
        user_id: people.user_id(),
        password: PASSWORD.into(),
        device: None,
    };
    if let Outcome::Done(_) = accounts.log_in(&origin, "demo", log_in()).await.map_err(failed)? {
        return Ok(());
    }
    let sample = &people.registered;
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
        user_id: people.user_id(),
        password: PASSWORD.into(),
        email,
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
    accounts.log_out(&origin, &session).await.map_err(failed)?;
    say!("  registered {}", people.user_id());
    Ok(())
}

/// The six digits of a mail.
pub(super) fn code_in(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 6)
        .map(str::to_owned)
}

fn done<T>(outcome: Result<Outcome<T>, Outage>) -> Result<T, Failed> {
    match outcome.map_err(failed)? {
        Outcome::Done(value) => Ok(value),
        Outcome::Refused(refusal) => Err(Failed::Said(format!(
            "the demo's registration was refused: {refusal:?}"
        ))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn failed(outage: Outage) -> Failed {
    Failed::Said(outage.to_string())
}
