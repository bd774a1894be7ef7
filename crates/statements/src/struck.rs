//! Claims (レセプト) that staff withdraw by hand: they count no more in any delivery up to a label, loaded already or later. What
//! the core says of them in a later one counts again; amounts change by import alone.
//!
//! A row's `struck` is a function of what is withdrawn so, reckoned anew for all rows of a claim: putting it back undoes it exactly.

use crate::{
    Deliveries,
    claims::{Claim, of_kind, persons, rows, until},
    delivery::{self, DeliveryNo},
    desk::Desk,
    kind::Kind,
    month::Month,
    reasons::by_hand::{ALREADY_STRUCK, CLAIM_CHANGED},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Binary, Date, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{Keys, Outage, Outcome, PersonId, StaffId, StruckClaimId, outcome};
use roster::protection::not_protected;
use serde_json::json;
use tenancy::Insurer;

/// What is said of a withdrawal besides its reason is sealed for this.
const SEALED_FOR: &str = "struck claim";
/// Withdrawn claims on a page.
pub const PAGE: usize = 50;

/// Why a claim is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrikeReason {
    /// It was not whoever it is shown to.
    NotTheirs,
    /// 返戻・取下げ・資格過誤, as was told.
    Returned,
    /// It says something wrong; the right one comes with a later delivery.
    Wrong,
    /// Something else.
    Other,
}

impl StrikeReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NotTheirs, Self::Returned, Self::Wrong, Self::Other];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotTheirs => "not_theirs",
            Self::Returned => "returned",
            Self::Wrong => "wrong",
            Self::Other => "other",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// As staff choose it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NotTheirs => "表示している方の受診ではないことを確かめた",
            Self::Returned => "返戻・取下げ・資格過誤の連絡を受けた",
            Self::Wrong => "内容の誤りを確かめた（正しい明細は、後の提供分で届く）",
            Self::Other => "その他",
        }
    }
}

/// A claim that is withdrawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Struck {
    /// Which withdrawal.
    pub id: StruckClaimId,
    /// Which claim.
    pub claim: Claim,
    /// Up to which label.
    pub until: Month,
    /// Whose it is.
    pub person: PersonId,
    /// Why.
    pub reason: Option<StrikeReason>,
    /// What else was said of it.
    pub text: String,
    /// By whom.
    pub by: StaffId,
    /// When.
    pub at: DateTime<Utc>,
}

/// What is asked of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish<'a> {
    /// Up to which label, as it was shown.
    pub until: Month,
    /// Why.
    pub reason: StrikeReason,
    /// What else is said of it.
    pub text: &'a str,
}

impl Deliveries {
    /// Withdraws a claim.
    pub async fn strike(
        &self,
        insurer: &Insurer,
        desk: Desk<'_>,
        (claim, wish): (&Claim, Wish<'_>),
    ) -> Result<Outcome<StruckClaimId>, Outage> {
        let mut tx = self.begin(insurer.tenant_id).await?;
        delivery::hold(&mut tx, claim.kind).await?;
        let rows = rows(&tx, claim, desk.sees_protected).await?;
        let Some(person) = persons(&rows).into_iter().next() else {
            return Ok(outcome::NOT_FOUND.into());
        };
        if until(&rows) != Some(wish.until) {
            return Ok(CLAIM_CHANGED.into());
        }
        let before = of(&tx, &self.keys, claim).await?;
        if before.iter().any(|before| before.until >= wish.until) {
            return Ok(ALREADY_STRUCK.into());
        }
        let now = self.clock.now();
        let id = StruckClaimId::new(now);
        let sealed = if wish.text.is_empty() {
            Vec::new()
        } else {
            self.keys.seal(SEALED_FOR, id.of(tx.tenant()), wish.text.as_bytes())
        };
        let insert = diesel::sql_query(INSERT)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(claim.kind.as_str())
            .bind::<Date, _>(claim.month)
            .bind::<Text, _>(&claim.key)
            .bind::<Date, _>(wish.until)
            .bind::<SqlUuid, _>(person)
            .bind::<Text, _>(wish.reason.as_str())
            .bind::<Binary, _>(sealed)
            .bind::<SqlUuid, _>(desk.staff)
            .bind::<Timestamptz, _>(now);
        Prepared(insert).execute(&mut *tx).await.map_err(DatabaseError::from)?;
        let changed = reckon(&mut tx, now, claim).await?;
        let detail = json!({
            "kind": claim.kind.as_str(), "month": claim.month.to_string(), "until": wish.until.to_string(),
            "reason": wish.reason.as_str(), "claim": id, "rows": changed,
        });
        let what = ("statements.claim.withdraw", ("person", person.0));
        desk.record(&tx, now, what, detail).await?;
        tx.commit().await?;
        Ok(Outcome::Done(id))
    }

    /// Puts a claim back that was withdrawn.
    pub async fn restore(
        &self,
        insurer: &Insurer,
        desk: Desk<'_>,
        id: StruckClaimId,
    ) -> Result<Outcome<Struck>, Outage> {
        let mut tx = self.begin(insurer.tenant_id).await?;
        let Some(struck) = one(&tx, &self.keys, id, desk.sees_protected).await? else {
            return Ok(outcome::NOT_FOUND.into());
        };
        delivery::hold(&mut tx, struck.claim.kind).await?;
        let delete = diesel::sql_query(DELETE)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id);
        if Prepared(delete).execute(&mut *tx).await.map_err(DatabaseError::from)? == 0 {
            return Ok(outcome::NOT_FOUND.into());
        }
        let now = self.clock.now();
        let changed = reckon(&mut tx, now, &struck.claim).await?;
        let detail = json!({
            "kind": struck.claim.kind.as_str(), "month": struck.claim.month.to_string(),
            "until": struck.until.to_string(), "claim": id, "rows": changed,
        });
        let what = ("statements.claim.restore", ("person", struck.person.0));
        desk.record(&tx, now, what, detail).await?;
        tx.commit().await?;
        Ok(Outcome::Done(struck))
    }
}

/// One withdrawal; none where there is no such.
pub async fn one(
    tx: &TenantTransaction,
    keys: &Keys,
    id: StruckClaimId,
    sees_protected: bool,
) -> Result<Option<Struck>, DatabaseError> {
    let sql = format!("{LISTED}{} AND s.struck_id = $2", seen(sees_protected));
    let query = diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(id);
    let row: Option<Kept> = Prepared(query).get_result(&mut &**tx).await.optional()?;
    row.map(|row| row.open(tx, keys)).transpose()
}

/// Those of a claim.
pub async fn of(tx: &TenantTransaction, keys: &Keys, claim: &Claim) -> Result<Vec<Struck>, DatabaseError> {
    let sql = format!("{LISTED} AND s.kind = $2 AND s.month = $3 AND s.claim_key = $4 ORDER BY s.until_label DESC");
    let query = diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(claim.kind.as_str())
        .bind::<Date, _>(claim.month)
        .bind::<Text, _>(&claim.key);
    let rows: Vec<Kept> = Prepared(query).load(&mut &**tx).await?;
    rows.into_iter().map(|row| row.open(tx, keys)).collect()
}

/// A page of all withdrawals, the latest first, behind one of them; and whether there are more.
pub async fn list(
    tx: &TenantTransaction,
    keys: &Keys,
    after: Option<StruckClaimId>,
    sees_protected: bool,
) -> Result<(Vec<Struck>, bool), DatabaseError> {
    let seen = seen(sees_protected);
    let sql = format!("{LISTED}{seen} AND s.struck_id < $2 ORDER BY s.struck_id DESC LIMIT $3");
    let query = diesel::sql_query(sql)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(after.unwrap_or(StruckClaimId(uuid::Uuid::max())))
        .bind::<BigInt, _>(i64::try_from(PAGE + 1).unwrap_or(i64::MAX));
    let rows: Vec<Kept> = Prepared(query).load(&mut &**tx).await?;
    let is_more = rows.len() > PAGE;
    let page = rows.into_iter().take(PAGE);
    Ok((page.map(|row| row.open(tx, keys)).collect::<Result<_, _>>()?, is_more))
}

/// Marks the rows of a delivery whose claims are withdrawn, once they are in it. Under [`delivery::hold`].
pub(crate) async fn mark(tx: &mut TenantTransaction, kind: Kind, delivery: DeliveryNo) -> Result<(), DatabaseError> {
    let mark = diesel::sql_query(of_kind(MARK, kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Integer, _>(delivery.0)
        .bind::<Text, _>(kind.as_str());
    Prepared(mark).execute(&mut **tx).await?;
    Ok(())
}

/// Forgets withdrawals of a kind for months that are kept no longer.
pub(crate) async fn sweep(tx: &mut TenantTransaction, kind: Kind, oldest: Month) -> Result<usize, DatabaseError> {
    let sweep = diesel::sql_query(SWEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(kind.as_str())
        .bind::<Date, _>(oldest);
    Ok(Prepared(sweep).execute(&mut **tx).await?)
}

/// Reckons anew which rows of a claim are withdrawn, and says of how many that changed.
async fn reckon(tx: &mut TenantTransaction, now: DateTime<Utc>, claim: &Claim) -> Result<usize, DatabaseError> {
    let reckon = diesel::sql_query(of_kind(RECKON, claim.kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Text, _>(claim.kind.as_str())
        .bind::<Date, _>(claim.month)
        .bind::<Text, _>(&claim.key);
    let changed = Prepared(reckon).execute(&mut **tx).await?;
    let touch = diesel::sql_query(of_kind(TOUCH, claim.kind))
        .bind::<Integer, _>(tx.tenant())
        .bind::<Date, _>(claim.month)
        .bind::<Text, _>(&claim.key)
        .bind::<Timestamptz, _>(now);
    Prepared(touch).execute(&mut **tx).await?;
    Ok(changed)
}

/// A withdrawal as it is kept.
#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = SqlUuid)]
    struck_id: StruckClaimId,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Date)]
    month: Month,
    #[diesel(sql_type = Text)]
    claim_key: String,
    #[diesel(sql_type = Date)]
    until_label: Month,
    #[diesel(sql_type = SqlUuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
    #[diesel(sql_type = SqlUuid)]
    struck_by: StaffId,
    #[diesel(sql_type = Timestamptz)]
    struck_at: DateTime<Utc>,
}

impl Kept {
    fn open(self, tx: &TenantTransaction, keys: &Keys) -> Result<Struck, DatabaseError> {
        let text = if self.sealed.is_empty() {
            String::new()
        } else {
            let owner = self.struck_id.of(tx.tenant());
            let plain = keys.open(SEALED_FOR, owner, &self.sealed);
            String::from_utf8_lossy(&plain.map_err(delivery::unreadable)?).into_owned()
        };
        let kind =
            Kind::from_word(&self.kind).ok_or_else(|| delivery::unreadable(format!("unknown kind {}", self.kind)))?;
        Ok(Struck {
            id: self.struck_id,
            claim: Claim {
                kind,
                month: self.month,
                key: self.claim_key,
            },
            until: self.until_label,
            person: self.person_id,
            reason: StrikeReason::from_word(&self.reason),
            text,
            by: self.struck_by,
            at: self.struck_at,
        })
    }
}

fn seen(sees_protected: bool) -> String {
    if sees_protected {
        String::new()
    } else {
        format!(" AND {}", not_protected("s.person_id"))
    }
}

const INSERT: &str = "
    INSERT INTO struck_claims (tenant_id, struck_id, kind, month, claim_key, until_label, person_id, reason, sealed, struck_by,
        struck_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const DELETE: &str = "DELETE FROM struck_claims WHERE tenant_id = $1 AND struck_id = $2";

const LISTED: &str = "
    SELECT s.struck_id, s.kind, s.month, s.claim_key, s.until_label, s.person_id, s.reason, s.sealed, s.struck_by, s.struck_at
    FROM struck_claims s WHERE s.tenant_id = $1";

/// Those that are withdrawn are few, and a delivery's rows many: claim by claim, each by an index.
const MARK: &str = "
    UPDATE {table} r SET struck = true
    FROM (SELECT f.month, f.line
          FROM struck_claims s CROSS JOIN statement_deliveries d
          CROSS JOIN LATERAL (
              SELECT o.month, o.line FROM {table} o
              WHERE o.tenant_id = $1 AND o.month = s.month AND o.claim_key = s.claim_key AND o.claim_key <> ''
                AND o.delivery = $2 AND NOT o.struck
              OFFSET 0) f
          WHERE s.tenant_id = $1 AND d.tenant_id = $1 AND s.kind = $3 AND d.delivery = $2 AND s.until_label >= d.label) w
    WHERE r.tenant_id = $1 AND r.delivery = $2 AND r.month = w.month AND r.line = w.line";

const RECKON: &str = "
    UPDATE {table} r SET struck = w.struck
    FROM (SELECT d.delivery, EXISTS (
              SELECT FROM struck_claims s
              WHERE s.tenant_id = $1 AND s.kind = $2 AND s.month = $3 AND s.claim_key = $4 AND s.until_label >= d.label
              OFFSET 0) AS struck
          FROM statement_deliveries d WHERE d.tenant_id = $1 AND d.kind = $2) w
    WHERE r.tenant_id = $1 AND r.month = $3 AND r.claim_key = $4 AND r.claim_key <> '' AND r.delivery = w.delivery
      AND r.struck <> w.struck";

/// What whoever has seen the delivery may have seen of it.
const TOUCH: &str = "
    UPDATE statement_deliveries d SET struck_at = $4
    WHERE d.tenant_id = $1 AND d.state = 'published' AND d.delivery IN (
        SELECT r.delivery FROM {table} r
        WHERE r.tenant_id = $1 AND r.month = $2 AND r.claim_key = $3 AND r.claim_key <> '')";

const SWEEP: &str = "DELETE FROM struck_claims WHERE tenant_id = $1 AND kind = $2 AND month < $3";

/// Of somebody whom the house forgets.
pub(crate) const FORGET: &str = "DELETE FROM struck_claims WHERE tenant_id = $1 AND person_id = $2";
