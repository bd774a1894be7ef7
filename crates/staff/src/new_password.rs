//! What a new password of staff must be: long, and nothing that others know of the person.

use crate::StaffName;
use guard::{Password, PasswordRule};
use kernel::{InsurerCode, Problem};
use tenancy::Insurer;

/// Staff see everybody's data: theirs are long (NIST SP 800-63B-4).
pub const RULE: PasswordRule = PasswordRule {
    minimum_length: PasswordRule::LONG,
};

/// A new password, neither made of what others know nor a common one.
pub(crate) fn new_password(insurer: &Insurer, email_key: &str, name: &str, typed: &str) -> Result<Password, Problem> {
    let local = email_key.split('@').next().unwrap_or_default();
    let code = insurer.code.as_ref().map_or("", InsurerCode::as_str);
    let spaceless: String = name.split_whitespace().collect();
    let typed_name = StaffName::of(insurer, email_key).typed();
    let known = [
        email_key,
        local,
        &typed_name,
        name,
        &spaceless,
        &insurer.name,
        &insurer.kana,
        code,
    ];
    let known: Vec<&str> = known.into_iter().filter(|word| !word.is_empty()).collect();
    Password::new(typed, &RULE, &known)
}
