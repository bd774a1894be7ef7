//! How an insurer's roster writes names and numbers. What nobody in it could have typed is a slip, and is told as one
//! before it counts as a try.

use database::{DatabaseError, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Bool, Integer},
};
use diesel_async::RunQueryDsl;
use kernel::{KanaName, Number};

/// What stands in a roster beside names in kana and numbers of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Writing {
    /// Names in letters other than kana.
    #[diesel(sql_type = Bool)]
    pub latin_names: bool,
    /// 番号 of more than digits.
    #[diesel(sql_type = Bool)]
    pub number_signs: bool,
}

impl Writing {
    /// Of a roster that nobody has looked at, anything may be true.
    pub const ANY: Self = Self {
        latin_names: true,
        number_signs: true,
    };
}

/// What the last import found.
pub async fn writing(tx: &mut TenantTransaction) -> Result<Writing, DatabaseError> {
    let query = diesel::sql_query(KEPT).bind::<Integer, _>(tx.tenant());
    let kept = query.get_result(&mut **tx).await.optional()?;
    Ok(kept.unwrap_or(Writing::ANY))
}

/// Looks through the roster as it is now, and keeps what is found; for the end of an import.
pub(crate) async fn keep(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    let query = diesel::sql_query(LOOK).bind::<Integer, _>(tx.tenant());
    let found: Writing = query.get_result(&mut **tx).await?;
    diesel::sql_query(KEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Bool, _>(found.latin_names)
        .bind::<Bool, _>(found.number_signs)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Adds what is written of those whom the journal's entries after a position changed, without a look at the others.
pub(crate) async fn add(tx: &mut TenantTransaction, position: i64) -> Result<(), DatabaseError> {
    diesel::sql_query(ADD)
        .bind::<Integer, _>(tx.tenant())
        .bind::<BigInt, _>(position)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Adds what somebody new writes, without a look at the others.
pub(crate) async fn widen(tx: &mut TenantTransaction, kana: &KanaName, number: &Number) -> Result<(), DatabaseError> {
    let is_kana = |c: char| matches!(c, 'ァ'..='ヺ' | 'ー' | 'ㇰ'..='ㇿ');
    diesel::sql_query(WIDEN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Bool, _>(!kana.strict_key().chars().all(is_kana))
        .bind::<Bool, _>(!number.key().chars().all(|c| c.is_ascii_digit()))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

const WIDEN: &str = "
    UPDATE roster_heads SET latin_names = latin_names OR $2, number_signs = number_signs OR $3
    WHERE tenant_id = $1 AND (($2 AND NOT latin_names) OR ($3 AND NOT number_signs))";

const KEPT: &str = "SELECT latin_names, number_signs FROM roster_heads WHERE tenant_id = $1";

// Keys hold katakana and capitals, so whatever is no kana is a letter of another script.
macro_rules! look {
    ($people:literal) => {
        concat!(
            "SELECT coalesce(bool_or(p.kana_strict ~ '[^ァ-ヺーㇰ-ㇿ]'), false) AS latin_names,
    coalesce(bool_or(p.number_key ~ '[^0-9]'), false) AS number_signs FROM ",
            $people
        )
    };
}

const LOOK: &str = look!("persons p WHERE p.tenant_id = $1 AND p.emptied_at IS NULL");

const ADD: &str = concat!(
    "UPDATE roster_heads SET latin_names = roster_heads.latin_names OR found.latin_names,
    number_signs = roster_heads.number_signs OR found.number_signs
FROM (",
    look!(
        "roster_changes c CROSS JOIN LATERAL (
            SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = c.person_id OFFSET 0) p
        WHERE c.tenant_id = $1 AND c.position > $2"
    ),
    ") found WHERE roster_heads.tenant_id = $1"
);

const KEEP: &str = "UPDATE roster_heads SET latin_names = $2, number_signs = $3 WHERE tenant_id = $1";
