//! 印刷した確認コード: one list of ten, each of 80 bits and for one use; also the way back in for whoever has lost phone and
//! keys. Shown once, kept as keyed hashes.

use crate::{Clerk, FactorChange, Staff, reasons, schema::staff_codes, trail};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Keys, Outage, Outcome, Problem, Reason, StaffId, TenantId, text};
use rand::RngExt as _;
use serde_json::json;
use zeroize::Zeroizing;

/// Codes of a list.
pub const CODES: usize = 10;
/// Letters of one: five bits each.
const LETTERS: usize = 16;
/// Letters in a group, as it is printed.
const GROUP: usize = 4;
/// What a code is written in: no I, L, O and U, which paper makes 1, 0 and V (Crockford's base 32).
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M', 'N', 'P',
    'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];
/// What codes are hashed for.
const PURPOSE: &str = "staff_code";

/// A printed code as somebody typed it, as it is hashed. No Debug, no Display.
pub(super) struct TypedCode(Zeroizing<String>);

impl TypedCode {
    /// Case, width, blanks and hyphens are mended, and letters that look like another.
    pub(super) fn parse(typed: &str) -> Result<Self, Problem> {
        if typed.chars().nth(LETTERS * 10).is_some() {
            return Err(Problem::Characters);
        }
        let plain = Zeroizing::new(text::normalize_dense(typed).to_uppercase());
        let letters: Zeroizing<String> = Zeroizing::new(
            plain
                .chars()
                .filter(|c| *c != '-')
                .map(|c| match c {
                    'O' => '0',
                    'I' | 'L' => '1',
                    other => other,
                })
                .collect(),
        );
        if letters.is_empty() {
            return Err(Problem::Empty);
        }
        let is_code = letters.chars().count() == LETTERS && letters.chars().all(|c| ALPHABET.contains(&c));
        if is_code {
            Ok(Self(letters))
        } else {
            Err(Problem::Characters)
        }
    }

    /// A new one.
    fn random() -> Self {
        let mut generator = rand::rng();
        let letter = |_| ALPHABET.get(generator.random_range(0..ALPHABET.len())).copied();
        Self(Zeroizing::new((0..LETTERS).filter_map(letter).collect()))
    }

    /// As it is printed.
    fn grouped(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        let groups: Vec<String> = letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
        groups.join("-")
    }

    /// What is hashed: the code bound to whose it is.
    fn bytes(&self, tenant: TenantId, id: StaffId) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&tenant.0.to_be_bytes()[..], id.0.as_bytes(), self.0.as_bytes()].concat())
    }

    fn hashes<'a>(&self, keys: &'a Keys, tenant: TenantId, id: StaffId) -> impl Iterator<Item = Vec<u8>> + use<'a> {
        let hashes: Vec<_> = keys.hashes(PURPOSE, &self.bytes(tenant, id)).collect();
        hashes.into_iter()
    }
}

impl Staff {
    /// Makes a list, to be shown once. The one before works no longer.
    pub async fn make_codes(&self, origin: &Origin, clerk: &Clerk) -> Result<Outcome<Vec<String>>, Outage> {
        let now = self.clock.now();
        let (tenant, id) = (clerk.insurer.tenant_id, clerk.staff_id);
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let factors = match self.may_change(&mut tx, clerk, now).await? {
            Ok(factors) => factors,
            Err(refusal) => return Ok(refusal.into()),
        };
        if factors.kept.is_empty() {
            // A list is a way back, not the way in.
            return Ok(reasons::PROOF_NEEDED.into());
        }
        let codes: Vec<TypedCode> = (0..CODES).map(|_| TypedCode::random()).collect();
        diesel::delete(staff_codes::table)
            .filter(staff_codes::tenant_id.eq(tenant))
            .filter(staff_codes::staff_id.eq(id))
            .execute(&mut *tx)
            .await?;
        let rows: Vec<_> = codes
            .iter()
            .map(|code| {
                (
                    staff_codes::tenant_id.eq(tenant),
                    staff_codes::staff_id.eq(id),
                    staff_codes::code_hash.eq(self.keys.hash(PURPOSE, &code.bytes(tenant, id))),
                )
            })
            .collect();
        diesel::insert_into(staff_codes::table)
            .values(rows)
            .execute(&mut *tx)
            .await?;
        let about = (Some(id), json!({}));
        trail::record(&tx, now, origin, clerk.actor(), ("codes.make", "done"), about).await?;
        self.tell_of_factor(&mut tx, &clerk.insurer, id, FactorChange::Printed, now)
            .await?;
        tx.commit().await?;
        Ok(Outcome::Done(codes.iter().map(TypedCode::grouped).collect()))
    }

    /// Uses a code up. Of two at the same time one finds it used.
    pub(super) async fn use_code(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        code: &TypedCode,
        now: DateTime<Utc>,
    ) -> Result<Result<(), Reason>, Outage> {
        for hash in code.hashes(&self.keys, tx.tenant(), clerk.staff_id) {
            let tenant = tx.tenant();
            let row = || staff_codes::table.find((tenant, clerk.staff_id, hash.as_slice()));
            let used = diesel::update(row().filter(staff_codes::used_at.is_null()))
                .set(staff_codes::used_at.eq(now))
                .execute(&mut **tx)
                .await?;
            if used > 0 {
                return Ok(Ok(()));
            }
            let known: i64 = row().count().get_result(&mut **tx).await?;
            if known > 0 {
                return Ok(Err(reasons::PRINTED_USED));
            }
        }
        Ok(Err(reasons::PRINTED_WRONG))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_printed_and_as_people_type_it() {
        let code = TypedCode::random();
        let printed = code.grouped();
        assert_eq!(printed.len(), LETTERS + 3);
        let wide: String = printed.chars().map(wide).collect();
        let alike = printed.replace('0', "o").replace('1', "l");
        for typed in [
            printed.clone(),
            printed.to_lowercase(),
            printed.replace('-', " "),
            printed.replace('-', "　"),
            printed.replace('-', "ー"),
            wide,
            alike,
            format!("\u{200B}{printed}\n"),
        ] {
            let read = TypedCode::parse(&typed).ok().unwrap();
            assert_eq!(*read.0, *code.0, "{typed}");
        }
    }

    fn wide(c: char) -> char {
        char::from_u32(u32::from(c) + 0xFEE0).unwrap()
    }

    #[test]
    fn what_is_no_code_costs_no_look() {
        assert_eq!(TypedCode::parse(" - ").err(), Some(Problem::Empty));
        for typed in [
            "123456",
            "AAAA-AAAA-AAAA-AAA",
            "AAAA-AAAA-AAAA-AAAAA",
            "UUUU-UUUU-UUUU-UUUU",
        ] {
            assert_eq!(TypedCode::parse(typed).err(), Some(Problem::Characters), "{typed}");
        }
    }

    #[test]
    fn no_two_codes_are_alike() {
        let codes: std::collections::BTreeSet<String> = (0..1000).map(|_| TypedCode::random().grouped()).collect();
        assert_eq!(codes.len(), 1000);
    }
}
