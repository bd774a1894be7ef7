//! Sign-up: identity (manual 1-2), account (1-3), code (1-4). Three steps on one ticket, each a use case in a file of
//! its own; what two of them share stands here.

mod confirm;
mod create;
mod identify;

pub use confirm::Registered;
pub use create::{AccountForm, CodeSent};
pub use identify::Ticketed;

use crate::{
    Accounts, fields, reasons,
    schema::sign_up_tickets,
    ticket::{TicketRow, left},
    wrong_codes,
};
use chrono::{Datelike as _, NaiveDate};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use guard::{
    Password, PasswordRule,
    codes::{self, CodeVerdict, TypedCode},
};
use kernel::{FieldError, Outage, Outcome, PersonId, Problem, Refusal, TenantId, TicketId, calendar};
use tenancy::Insurer;
use uuid::Uuid;

/// The code's purpose in the guard.
const CODE: &str = "sign_up";

/// A typed code; what is none is to be mended and takes no try.
pub(crate) fn read_code(typed: &str) -> Result<TypedCode, Refusal> {
    TypedCode::parse(typed).map_err(|problem| Refusal::field(FieldError::new(fields::CODE, problem)))
}

impl Accounts {
    /// Judges a typed code, within the lock of the row that counts its `tries` so far. Only wrong ones count: on the
    /// person here, for all that is ever begun in their name; on that row by the caller, who sees them by the refusal.
    pub(crate) async fn judge_code(
        &self,
        tx: &mut TenantTransaction,
        person: PersonId,
        subject: Uuid,
        purpose: &str,
        typed: &TypedCode,
        tries: i32,
    ) -> Result<Result<(), Refusal>, Outage> {
        if !wrong_codes::take(tx, person, self.limits.code_failures).await? {
            return Ok(Err(reasons::CODES_LOCKED.into()));
        }
        let verdict = codes::check(tx, &self.keys, self.clock.now(), subject, purpose, typed).await?;
        match verdict {
            CodeVerdict::Wrong => {}
            CodeVerdict::Right => wrong_codes::clear(tx, person).await.map(|_| ())?,
            CodeVerdict::Late | CodeVerdict::Superseded | CodeVerdict::Used => {
                wrong_codes::give_back(tx, person).await?;
            }
        }
        Ok(match (verdict, left(self.limits.code_tries, tries + 1)) {
            (CodeVerdict::Right, _) => Ok(()),
            (CodeVerdict::Late, _) => Err(reasons::CODE_LATE.into()),
            (CodeVerdict::Superseded, _) => Err(reasons::CODE_SUPERSEDED.into()),
            (CodeVerdict::Used, _) => Err(reasons::CODE_USED.into()),
            (CodeVerdict::Wrong, 0) => Err(reasons::CODE_TRIES_USED_UP.into()),
            (CodeVerdict::Wrong, left) => Err(reasons::code_wrong(left)),
        })
    }
}

/// A new password under the insurer's rule, neither made of what others know of the person nor a common one.
pub(crate) fn new_password(
    insurer: &Insurer,
    person: &roster::Person,
    user_id: &str,
    typed: &str,
) -> Result<Password, Problem> {
    let known = known_to_others(insurer, person, user_id);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let rule = PasswordRule {
        minimum_length: insurer.password.minimum_length,
    };
    Password::new(typed, &rule, &known)
}

/// What others know of a person, in the usual spellings.
fn known_to_others(insurer: &Insurer, person: &roster::Person, user_id: &str) -> Vec<String> {
    let code = insurer.code.as_ref().map(|code| code.as_str().to_owned());
    let mut words = vec![
        user_id.to_owned(),
        insurer.name.clone(),
        insurer.kana.clone(),
        person.kana_name.as_str().to_owned(),
        person.name.clone(),
        person.number.to_string(),
        format!("{}{}", person.symbol, person.number),
        format!("{}-{}", person.symbol, person.number),
    ];
    words.extend(code);
    words.extend(spellings(person.birth_date.date()));
    words
}

/// A date as people write it, in both calendars. The year alone is no spelling of it: it is in many a good password.
fn spellings(day: NaiveDate) -> Vec<String> {
    let mut spellings: Vec<String> = ["%Y年%-m月%-d日", "%y%m%d", "%m%d", "%d%m%Y", "%m%d%Y"]
        .map(|shape| day.format(shape).to_string())
        .into();
    spellings.extend(calendar::era_year(day).map(|year| format!("{year}{}月{}日", day.month(), day.day())));
    let mut years = vec![day.year().to_string()];
    if let Some((letter, year)) = calendar::era_short(day) {
        years.extend([
            format!("{letter}{year}"),
            format!("{letter}{year:02}"),
            format!("{year:02}"),
        ]);
    }
    for year in years {
        spellings.push(format!("{year}{}", day.format("%m%d")));
        for sign in [".", "-", "/"] {
            spellings.push(format!("{year}{sign}{}", day.format(&format!("%m{sign}%d"))));
            spellings.push(format!("{year}{sign}{}", day.format(&format!("%-m{sign}%-d"))));
        }
    }
    spellings
}

pub(crate) fn code_of<T>(outcome: &Outcome<T>) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Refused(refusal) => refusal.code(),
    }
}

#[diesel::dsl::auto_type(no_type_alias)]
fn live_ticket(tenant: TenantId, ticket: TicketId) -> _ {
    sign_up_tickets::table
        .filter(sign_up_tickets::tenant_id.eq(tenant))
        .filter(sign_up_tickets::ticket_id.eq(ticket))
        .filter(sign_up_tickets::registered_at.is_null())
}

/// The ticket as it is now, locked: of requests side by side each sees what the one before it wrote.
async fn lock_ticket(tx: &mut TenantTransaction, ticket: TicketId) -> Result<Option<TicketRow>, DatabaseError> {
    Ok(live_ticket(tx.tenant(), ticket)
        .select(TicketRow::as_select())
        .for_update()
        .first(&mut **tx)
        .await
        .optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    // security.md 20
    #[test]
    fn a_birth_date_is_known_in_both_calendars_but_its_year_alone_is_not() {
        let words = spellings(NaiveDate::from_ymd_opt(1985, 4, 1).unwrap());
        for word in [
            "19850401",
            "1985-04-01",
            "1985/4/1",
            "1985年4月1日",
            "850401",
            "0401",
            "01041985",
            "S600401",
            "S60.4.1",
            "600401",
            "60/04/01",
            "昭和60年4月1日",
        ] {
            assert!(words.iter().any(|known| known == word), "{word}: {words:?}");
        }
        assert!(
            !words
                .iter()
                .any(|known| ["1985", "S60", "昭和60年"].contains(&known.as_str()))
        );
        let first = spellings(NaiveDate::from_ymd_opt(1989, 2, 3).unwrap());
        for word in ["H10203", "H010203", "平成元年2月3日"] {
            assert!(first.iter().any(|known| known == word), "{word}: {first:?}");
        }
    }
}
