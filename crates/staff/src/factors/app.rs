//! 認証アプリ (RFC 6238): SHA-1, six digits, half a minute, as every app reads it. One step early or late counts; a step
//! works once (security.md 31).

use super::{FactorKind, NewFactor, ceremony::Ceremony, fault, label, use_step};
use crate::{Clerk, Staff, fields, reasons};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::TenantTransaction;
use kernel::{FieldError, Outage, Outcome, Problem, Reason, Refusal, TenantSecret, text};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// Digits that an app shows.
const DIGITS: usize = 6;
/// Characters in a group of the secret's text.
const GROUP: usize = 4;

/// 160 bits, as RFC 4226 recommends.
type Secret = [u8; 20];

/// What an app shows, as somebody typed it. No Debug, no Display.
pub(super) struct Digits(Zeroizing<String>);

impl Digits {
    /// Full width, blanks and hyphens are mended.
    pub(super) fn parse(typed: &str) -> Result<Self, Problem> {
        if typed.chars().nth(DIGITS * 10).is_some() {
            return Err(Problem::Characters);
        }
        let digits = Zeroizing::new(text::normalize_dense(typed).replace('-', ""));
        match digits.len() {
            0 => Err(Problem::Empty),
            DIGITS if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self(digits)),
            _ => Err(Problem::Characters),
        }
    }
}

/// What an app is to be given.
pub struct AppOffer {
    /// The secret in groups, to be typed.
    pub secret: String,
    /// The same as an address, to be drawn as a QR code.
    pub address: String,
}

impl Staff {
    /// The secret that an app of this clerk's is to be given; the same until it shows a right code.
    pub async fn offer_app(&self, clerk: &Clerk) -> Result<Outcome<AppOffer>, Outage> {
        let now = self.clock.now();
        let tx = match self.enrolling(clerk, now).await? {
            Ok(tx) => tx,
            Err(refusal) => return Ok(refusal.into()),
        };
        let make = || Ok(rand::random::<Secret>());
        let secret = match self.offer(tx, clerk, Ceremony::App, now, make).await? {
            Outcome::Done(secret) => secret,
            Outcome::Refused(refusal) => return Ok(refusal.into()),
        };
        // A colon parts the two in the address.
        let plain = |text: &str| text.replace(':', " ");
        let totp = Builder::new()
            .with_secret(secret)
            .with_issuer(Some(plain(&format!("{} 管理画面", clerk.insurer.name))))
            .with_account_name(plain(&clerk.email))
            .build()
            .map_err(fault)?;
        Ok(Outcome::Done(AppOffer {
            secret: grouped(&totp.secret().to_base32()),
            address: totp.to_url().map_err(fault)?,
        }))
    }

    /// Enrols the app, once it shows a right code.
    pub async fn enrol_app(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        typed: &str,
        called: &str,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let mut errors = Vec::new();
        let digits = FieldError::gather(fields::APP_CODE, Digits::parse(typed), &mut errors);
        let label = match label(called) {
            Ok(label) => label,
            Err(refusal) => {
                errors.extend(refusal.fields);
                None
            }
        };
        let Some(digits) = digits.filter(|_| errors.is_empty()) else {
            return Ok(Refusal::fields(errors).into());
        };
        let now = self.clock.now();
        let mut tx = match self.enrolling(clerk, now).await? {
            Ok(tx) => tx,
            Err(refusal) => return Ok(refusal.into()),
        };
        let Some(secret) = self.take_ceremony::<Secret>(&mut tx, clerk, Ceremony::App, now).await? else {
            return Ok(reasons::CEREMONY_OVER.into());
        };
        let Some(step) = step(secret, &digits, now)? else {
            // Rolled back, so that the same secret waits for the next code.
            tx.rollback().await?;
            return Ok(reasons::APP_WRONG.into());
        };
        let new = NewFactor {
            kind: FactorKind::App,
            label: label.as_deref().unwrap_or(FactorKind::App.label()),
            value: secret,
            step: Some(step),
        };
        let outcome = self.keep(&mut tx, origin, clerk, new, now).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Whether an app shows these digits now, and whether they are new.
    pub(super) async fn check_digits(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        digits: &Digits,
        now: DateTime<Utc>,
    ) -> Result<Result<(), Reason>, Outage> {
        let id = clerk.staff_id;
        let mut verdict = Err(reasons::APP_WRONG);
        for (factor, secret) in self.kept::<Secret>(tx, id, FactorKind::App).await? {
            let Some(step) = step(secret, digits, now)? else {
                continue;
            };
            if use_step(tx, id, factor, Some(step), None, now).await? {
                return Ok(Ok(()));
            }
            verdict = Err(reasons::APP_USED);
        }
        Ok(verdict)
    }
}

/// The step, now or one beside it, at which an app with this secret shows these digits.
fn step(secret: Secret, digits: &Digits, now: DateTime<Utc>) -> Result<Option<i64>, Outage> {
    let totp: Totp = Builder::new().with_secret(secret).build().map_err(fault)?;
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Ok(totp.check(&digits.0, seconds).and_then(|step| i64::try_from(step).ok()))
}

fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(typed: &str) -> Digits {
        Digits::parse(typed).ok().unwrap()
    }

    // security.md 31
    #[test]
    fn a_code_counts_one_step_early_or_late_and_no_more() {
        // RFC 6238, appendix B, cut to six digits.
        let secret = *b"12345678901234567890";
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let step = |seconds| step(secret, &digits("287 082"), at(seconds)).unwrap();
        for seconds in [29, 30, 59, 60, 89] {
            assert_eq!(step(seconds), Some(1), "{seconds}");
        }
        for seconds in [90, 120] {
            assert_eq!(step(seconds), None, "{seconds}");
        }
    }

    #[test]
    fn digits_are_read_in_any_width_and_grouping_and_nothing_else_is() {
        for typed in ["287082", "２８７ ０８２", " 287-082 "] {
            assert_eq!(&*digits(typed).0, "287082");
        }
        assert_eq!(Digits::parse(" ").err(), Some(Problem::Empty));
        for typed in ["28708", "2870822", "28708a", "二八七〇八二"] {
            assert_eq!(Digits::parse(typed).err(), Some(Problem::Characters), "{typed}");
        }
    }
}
