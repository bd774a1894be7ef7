//! One-time codes of six digits (manual 1-4), mailed to prove an address. Never a second factor (security.md 15).
//!
//! A new code supersedes the older ones of its subject and purpose; those stay on record until swept, so that whoever
//! types one is told to look for the newest mail. Tries are counted by the caller, on the subject's own row.

use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Keys, Problem, text};
use rand::{CryptoRng, RngExt as _};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

mod table {
    diesel::table! {
        codes (tenant_id, subject_id, purpose, code_id) {
            tenant_id -> Integer,
            subject_id -> Uuid,
            purpose -> Text,
            code_id -> Uuid,
            code_hash -> Binary,
            expires_at -> Timestamptz,
            superseded_at -> Nullable<Timestamptz>,
            used_at -> Nullable<Timestamptz>,
        }
    }
}
use table::codes;

/// More characters than the line has in which a code is mailed; nothing longer is read.
const MOST_TYPED: usize = 500;

/// A fresh code, for the mail alone. No Debug, no Display.
pub struct Code {
    digits: Zeroizing<String>,
    expires_at: DateTime<Utc>,
}

impl Code {
    /// The six digits.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// From when on it is too late.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// Digits of a code.
pub const DIGITS: usize = 6;

/// A code as somebody typed or pasted it: six digits in whatever width or grouping, or a line in which one group of
/// digits is six long. No Debug, no Display.
pub struct TypedCode(Zeroizing<String>);

impl TypedCode {
    /// Full width, blanks and hyphens are mended; of a line that holds no code, or more than one, none is taken, and it
    /// costs no try.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        if typed.chars().nth(MOST_TYPED).is_some() {
            return Err(Problem::Characters);
        }
        let line = Zeroizing::new(text::normalize(typed));
        let typed = Zeroizing::new(line.replace(|c: char| c == '-' || c.is_whitespace(), ""));
        if typed.is_empty() {
            return Err(Problem::Empty);
        }
        let is_code = |digits: &str| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_code(&typed) {
            return Ok(Self(typed));
        }
        let mut groups = line
            .split(|c: char| !c.is_ascii_digit())
            .filter(|digits| is_code(digits));
        match (groups.next(), groups.next()) {
            (Some(digits), None) => Ok(Self(Zeroizing::new(digits.to_owned()))),
            _ => Err(Problem::Characters),
        }
    }
}

/// What a typed code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeVerdict {
    /// The newest code, in time; it is used up now.
    Right,
    /// No code of this subject.
    Wrong,
    /// Right once, but its time is over.
    Late,
    /// Right, but used before.
    Used,
    /// An earlier mail's; a newer one was sent since.
    Superseded,
}

/// Six digits, each as likely as any other.
fn drawn(generator: &mut impl CryptoRng) -> Zeroizing<String> {
    Zeroizing::new(format!("{:0DIGITS$}", generator.random_range(0..1_000_000_u32)))
}

/// Makes a code of six digits from the system's generator (security.md 9). Older ones no longer open anything.
pub async fn issue(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    subject: Uuid,
    purpose: &str,
    ttl: TimeDelta,
) -> Result<Code, DatabaseError> {
    let digits = drawn(&mut rand::rng());
    let expires_at = now + ttl;
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    supersede(tx, now, subject, purpose).await?;
    diesel::insert_into(codes::table)
        .values((
            codes::tenant_id.eq(tx.tenant()),
            codes::subject_id.eq(subject),
            codes::purpose.eq(purpose),
            codes::code_id.eq(Uuid::new_v7(uuid::Timestamp::from_unix(
                uuid::NoContext,
                seconds,
                now.timestamp_subsec_nanos(),
            ))),
            codes::code_hash.eq(keys.hash("code", &hashed_text(subject, purpose, &digits))),
            codes::expires_at.eq(expires_at),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(Code { digits, expires_at })
}

/// Judges what was typed and uses a right code up. Take a try from the subject's row first: nothing is counted here.
pub async fn check(
    tx: &mut TenantTransaction,
    keys: &Keys,
    now: DateTime<Utc>,
    subject: Uuid,
    purpose: &str,
    typed: &TypedCode,
) -> Result<CodeVerdict, DatabaseError> {
    let hashes: Vec<Vec<u8>> = keys.hashes("code", &hashed_text(subject, purpose, &typed.0)).collect();
    let issued = issued(tx, subject, purpose).await?;
    // Every row is compared, so that time tells nothing; the newest of equal codes counts.
    let mut matching = None;
    for row in &issued {
        if hashes.iter().any(|hash| bool::from(hash.ct_eq(&row.code_hash))) && matching.is_none() {
            matching = Some(row);
        }
    }
    let Some(row) = matching else {
        return Ok(CodeVerdict::Wrong);
    };
    if row.used_at.is_some() {
        return Ok(CodeVerdict::Used);
    }
    if row.superseded_at.is_some() {
        return Ok(CodeVerdict::Superseded);
    }
    if row.expires_at <= now {
        return Ok(CodeVerdict::Late);
    }
    // Of two at the same time, one finds the row taken.
    Ok(if use_up(tx, now, subject, purpose, row.code_id).await? {
        CodeVerdict::Right
    } else {
        CodeVerdict::Used
    })
}

/// What is hashed: the code bound to whom and what it is for, so that no row serves another.
fn hashed_text(subject: Uuid, purpose: &str, digits: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    bytes.extend_from_slice(subject.as_bytes());
    bytes.extend_from_slice(purpose.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(digits.as_bytes());
    bytes
}

#[derive(Queryable)]
struct Issued {
    code_id: Uuid,
    code_hash: Vec<u8>,
    expires_at: DateTime<Utc>,
    superseded_at: Option<DateTime<Utc>>,
    used_at: Option<DateTime<Utc>>,
}

async fn issued(tx: &mut TenantTransaction, subject: Uuid, purpose: &str) -> Result<Vec<Issued>, DatabaseError> {
    let rows = codes::table
        .filter(codes::tenant_id.eq(tx.tenant()))
        .filter(codes::subject_id.eq(subject))
        .filter(codes::purpose.eq(purpose))
        // Live ones first, then the latest: a frozen clock must not make the order a matter of chance.
        .order((codes::superseded_at.desc().nulls_first(), codes::code_id.desc()))
        .select((
            codes::code_id,
            codes::code_hash,
            codes::expires_at,
            codes::superseded_at,
            codes::used_at,
        ))
        .load(&mut **tx)
        .await?;
    Ok(rows)
}

async fn supersede(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    subject: Uuid,
    purpose: &str,
) -> Result<(), DatabaseError> {
    diesel::update(
        codes::table
            .filter(codes::tenant_id.eq(tx.tenant()))
            .filter(codes::subject_id.eq(subject))
            .filter(codes::purpose.eq(purpose))
            .filter(codes::superseded_at.is_null())
            .filter(codes::used_at.is_null()),
    )
    .set(codes::superseded_at.eq(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn use_up(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    subject: Uuid,
    purpose: &str,
    code: Uuid,
) -> Result<bool, DatabaseError> {
    let taken = diesel::update(
        codes::table
            .filter(codes::tenant_id.eq(tx.tenant()))
            .filter(codes::subject_id.eq(subject))
            .filter(codes::purpose.eq(purpose))
            .filter(codes::code_id.eq(code))
            .filter(codes::superseded_at.is_null())
            .filter(codes::used_at.is_null()),
    )
    .set(codes::used_at.eq(now))
    .execute(&mut **tx)
    .await?;
    Ok(taken == 1)
}

pub(crate) async fn sweep(tx: &mut TenantTransaction, before: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let deleted = diesel::delete(
        codes::table
            .filter(codes::tenant_id.eq(tx.tenant()))
            .filter(codes::expires_at.lt(before)),
    )
    .execute(&mut **tx)
    .await?;
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(typed: &str) -> Result<String, Problem> {
        TypedCode::parse(typed).map(|code| code.0.to_string())
    }

    #[test]
    fn a_code_is_read_in_any_width_and_grouping() {
        for typed in [
            "611898",
            "６１１８９８",
            " 611 898 ",
            "611-898",
            "６１１－８９８",
            "6\u{200B}11898",
        ] {
            assert_eq!(read(typed).as_deref(), Ok("611898"), "{typed}");
        }
        for empty in ["", "　", " - "] {
            assert_eq!(read(empty), Err(Problem::Empty), "{empty}");
        }
    }

    #[test]
    fn a_pasted_line_with_one_group_of_six_digits_holds_the_code() {
        for line in [
            "認証番号：611898（10分間有効です）",
            "【みほん健保】認証番号は６１１８９８です。",
            "Code: 611898.",
            "受信 2026-11-26 12:05　認証番号　611898",
        ] {
            assert_eq!(read(line).as_deref(), Ok("611898"), "{line}");
        }
        for line in [
            "認証番号：611898 または 611899",
            "認証番号は10分間有効です",
            "6118987",
            "61189",
            "電話 0611898",
            &format!("611898{}", "。".repeat(500)),
        ] {
            assert_eq!(read(line), Err(Problem::Characters), "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_code_is_found_in_any_line_that_has_no_other(
            digits in "[0-9]{6}",
            before in "([ァ-ン:（ ]{1,6}([0-9]{1,5}|[0-9]{7,9})[ァ-ン:（ ]{1,6})?",
            after in "([ァ-ン。） ]{1,6}([0-9]{1,5}|[0-9]{7,9})[ァ-ン。） ]{1,6})?",
        ) {
            prop_assert_eq!(read(&format!("{before}{digits}{after}")), Ok(digits.clone()));
            prop_assert_eq!(read(&format!("x{before}{digits}{after} {digits}")), Err(Problem::Characters));
        }

        #[test]
        fn six_digits_are_read_whatever_stands_between_them(
            digits in "[0-9]{6}", gaps in prop::collection::vec("[ \u{3000}－-]{0,3}", 7), wide in any::<bool>(),
        ) {
            let mut typed = gaps[0].clone();
            for (digit, gap) in digits.chars().zip(&gaps[1..]) {
                typed.push(if wide { char::from_u32(digit as u32 + 0xFEE0).unwrap() } else { digit });
                typed.push_str(gap);
            }
            prop_assert_eq!(read(&typed), Ok(digits));
        }

        #[test]
        fn whatever_is_read_is_six_digits(typed in "\\PC{0,80}") {
            if let Ok(digits) = read(&typed) {
                prop_assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
            }
        }
    }

    // security.md 9
    #[test]
    fn codes_are_drawn_from_all_of_a_million_alike() {
        const DRAWN: usize = 20_000;
        let codes: std::collections::HashSet<String> =
            (0..DRAWN).map(|_| drawn(&mut rand::rng()).to_string()).collect();
        // Of so many some two hundred coincide by chance; a generator that repeats itself has far fewer.
        assert!(codes.len() > DRAWN - 400, "{}", codes.len());
        for place in 0..DIGITS {
            for digit in b'0'..=b'9' {
                let share = codes.iter().filter(|code| code.as_bytes()[place] == digit).count();
                assert!((1_700..2_300).contains(&share), "{digit} at {place}: {share}");
            }
        }
    }

    #[test]
    fn what_is_hashed_differs_by_subject_and_purpose() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_ne!(
            hashed_text(one, "sign_up", "611898"),
            hashed_text(two, "sign_up", "611898")
        );
        assert_ne!(
            hashed_text(one, "sign_up", "611898"),
            hashed_text(one, "email", "611898")
        );
    }
}
