//! Sign-up: identity (manual 1-2), account (1-3), code (1-4). Three steps on one ticket, each a use case in a file of
//! its own; what two of them share stands here.

mod confirm;
mod create;
mod identify;

pub use confirm::Registered;
pub use create::{AccountForm, CodeSent};
pub use identify::Ticketed;

use crate::{Outcome, Refusal, schema::sign_up_tickets};
use diesel::prelude::*;
use guard::{Password, PasswordRule, codes};
use kernel::{FieldError, Problem, TenantId, TicketId};
use tenancy::Insurer;

/// The code's purpose in the guard.
const CODE: &str = "sign_up";

/// The digits of a typed code: any width, blanks and hyphens allowed.
pub(crate) fn read_code(typed: &str) -> Result<String, Refusal> {
    let digits: String = kernel::text::normalize_dense(typed)
        .chars()
        .filter(|c| *c != '-')
        .collect();
    if digits.is_empty() {
        return Err(Refusal::Fields(vec![FieldError::new("code", Problem::Empty)]));
    }
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refusal::Fields(vec![FieldError::new("code", Problem::Characters)]));
    }
    Ok(digits)
}

/// What a code's verdict means for whoever typed it.
pub(crate) fn code_verdict(verdict: codes::CodeVerdict, left: u32) -> Result<(), Refusal> {
    match verdict {
        codes::CodeVerdict::Right => Ok(()),
        _ if left == 0 => Err(Refusal::CodeTriesUsedUp),
        codes::CodeVerdict::Wrong => Err(Refusal::CodeWrong { left }),
        codes::CodeVerdict::Late => Err(Refusal::CodeLate),
        codes::CodeVerdict::Superseded => Err(Refusal::CodeSuperseded),
        codes::CodeVerdict::Used => Err(Refusal::CodeUsed),
    }
}

/// A new password under the insurer's rule, not made of what others know of the person.
pub(crate) fn new_password(
    insurer: &Insurer,
    person: &roster::Person,
    user_id: &str,
    typed: &str,
) -> Result<Password, Problem> {
    let known = known_to_others(insurer, person, user_id);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    Password::parse(
        typed,
        &PasswordRule {
            minimum_length: insurer.password.minimum_length,
        },
        &known,
    )
}

/// What others know of a person, in the usual spellings.
fn known_to_others(insurer: &Insurer, person: &roster::Person, user_id: &str) -> Vec<String> {
    let birth = person.birth_date.date();
    let code = insurer.code.as_ref().map(|code| code.as_str().to_owned());
    let mut words = vec![
        user_id.to_owned(),
        insurer.name.clone(),
        insurer.kana.clone(),
        "madoguchi".to_owned(),
        person.kana_name.as_str().to_owned(),
        person.name.clone(),
        format!("{}{}", person.symbol, person.number),
        format!("{}-{}", person.symbol, person.number),
    ];
    words.extend(code);
    words.extend(["%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%y%m%d", "%m%d"].map(|shape| birth.format(shape).to_string()));
    words
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
