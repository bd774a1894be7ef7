//! Rows that wait, settled by staff: told whose they are, or that they are nobody's here. The roster goes first: what it knows by
//! now is not told otherwise, and of whom it knows nobody who is notified no row can be.

use super::{
    AT_ONCE, Part, count_down, end, open, put, recount, try_rows,
    waiting::{Found as Row, Waiting, one},
};
use crate::{
    Deliveries,
    delivery::{self, Delivery, State},
    desk::Desk,
    drugs::Tariffs,
    line::Line,
    matching::NOBODY,
    reasons::by_hand::{HELD_KNOWN, HELD_OVER, NO_PRINCIPAL},
    remembered,
    rows::Found,
};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Binary, Integer, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{HeldRowId, Outage, Outcome, PersonId, Reason, outcome};
use roster::{Resolved, protection};
use serde_json::json;
use tenancy::Insurer;

/// Why a row is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// It is of nobody whom the insurer insures.
    NotInsured,
    /// Another row says the same.
    Repeated,
    /// The core delivers it once more.
    Redelivered,
    /// Something else.
    Other,
}

impl DropReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NotInsured, Self::Repeated, Self::Redelivered, Self::Other];

    /// The word in the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotInsured => "not_insured",
            Self::Repeated => "repeated",
            Self::Redelivered => "redelivered",
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
            Self::NotInsured => "この保険者の加入者の分ではない",
            Self::Repeated => "ほかの行と同じ内容である",
            Self::Redelivered => "基幹システムで直し、次の提供分に載せる",
            Self::Other => "その他",
        }
    }
}

/// Whose a row would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// Whom the insurer notified for them in that month.
    pub principal: PersonId,
    /// Whether the next file's rows of the same number would be theirs, too.
    pub remembers: bool,
}

/// What would come of it to say that a row is somebody's.
pub async fn would_settle(
    tx: &TenantTransaction,
    row: &Waiting,
    person: PersonId,
) -> Result<Result<Settling, Reason>, DatabaseError> {
    let Some(says) = &row.says else {
        return Ok(Err(HELD_OVER));
    };
    let key = says.key();
    let by_roster = roster::resolve(tx, std::slice::from_ref(&key)).await?.pop();
    match by_roster {
        Some(Resolved::One { person: known, .. }) if known != person => return Ok(Err(HELD_KNOWN)),
        _ => {}
    }
    let told = roster::resolve_as(tx, &[(person, says.month.first())]).await?.pop();
    let Some(Resolved::One { principal, .. }) = told else {
        return Ok(Err(NO_PRINCIPAL));
    };
    // Of a number that is several people's the next row may be the other's.
    let remembers = by_roster == Some(Resolved::Unknown) && remembered::tells(&key);
    Ok(Ok(Settling { principal, remembers }))
}

impl Deliveries {
    /// Says whose a row is. It becomes theirs as if the roster had known them, and where nothing speaks against it their number is
    /// remembered.
    pub async fn settle_by_hand(
        &self,
        insurer: &Insurer,
        desk: Desk<'_>,
        (id, person): (HeldRowId, PersonId),
    ) -> Result<Outcome<Settling>, Outage> {
        let mut tx = self.begin(insurer.tenant_id).await?;
        let (head, row) = match self.held(&mut tx, desk, id).await? {
            Ok(held) => held,
            Err(reason) => return Ok(reason.into()),
        };
        let is_hidden = !desk.sees_protected && protection::is_protected(&tx, person).await?;
        if is_hidden || roster::people(&tx, &[person]).await?.is_empty() {
            return Ok(outcome::NOT_FOUND.into());
        }
        let settling = match would_settle(&tx, &row, person).await? {
            Ok(settling) => settling,
            Err(reason) => return Ok(reason.into()),
        };
        let Some(line) = self
            .line(&tx, id)
            .await?
            .filter(|line| head.months.contains(&line.month()))
        else {
            return Ok(HELD_OVER.into());
        };
        let (now, month) = (self.clock.now(), line.month());
        let key = line.who().key(month);
        let mut tariffs = Tariffs::new(insurer.statements.generics);
        tariffs.prepare(&tx, std::iter::once(&line)).await?;
        let found = Found {
            line,
            person,
            principal: settling.principal,
        };
        put(&mut tx, now, &head, vec![(id, found)], &tariffs).await?;
        let mut settled = 1;
        if settling.remembers {
            remembered::keep(&mut tx, now, &key, (person, desk.staff)).await?;
            // What else waits under the number is theirs as well: of a few rows at once, of more within the day.
            if head.held <= AT_ONCE.unsigned_abs() {
                settled += try_rows(&mut tx, &self.keys, now, (&head, Part::WHOLE), &mut tariffs).await?;
            }
        }
        recount(&mut tx, &head).await?;
        count_down(&mut tx, &head, settled, None).await?;
        let detail = json!({
            "kind": head.kind.as_str(), "label": head.label.to_string(), "delivery": head.id, "line": row.line,
            "why": row.reason.as_str(), "remembered": settling.remembers, "settled": settled,
        });
        desk.record(&tx, now, ("statements.settle", ("person", person.0)), detail)
            .await?;
        tx.commit().await?;
        Ok(Outcome::Done(settling))
    }

    /// Says that a row is nobody's here: it goes for good. What it corrects stays corrected.
    pub async fn drop_by_hand(
        &self,
        insurer: &Insurer,
        desk: Desk<'_>,
        (id, reason): (HeldRowId, DropReason),
    ) -> Result<Outcome<()>, Outage> {
        let mut tx = self.begin(insurer.tenant_id).await?;
        let (head, row) = match self.held(&mut tx, desk, id).await? {
            Ok(held) => held,
            Err(reason) => return Ok(reason.into()),
        };
        let now = self.clock.now();
        end(&mut tx, now, &[(id, NOBODY)]).await?;
        count_down(&mut tx, &head, 1, None).await?;
        let detail = json!({
            "kind": head.kind.as_str(), "label": head.label.to_string(), "line": row.line, "reason": reason.as_str(),
        });
        desk.record(&tx, now, ("statements.drop", ("delivery", head.id.0)), detail)
            .await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// A row that waits, under the lock of its kind.
    async fn held(
        &self,
        tx: &mut TenantTransaction,
        desk: Desk<'_>,
        id: HeldRowId,
    ) -> Result<Result<(Delivery, Waiting), Reason>, DatabaseError> {
        let kind = match one(tx, &self.keys, id, desk.sees_protected).await? {
            None => return Ok(Err(outcome::NOT_FOUND)),
            Some(Row::Over) => return Ok(Err(HELD_OVER)),
            Some(Row::Waiting(row)) => row.kind,
        };
        let heads = delivery::lock(tx, kind).await?;
        // What was waited for may have settled it.
        let Some(Row::Waiting(row)) = one(tx, &self.keys, id, desk.sees_protected).await? else {
            return Ok(Err(HELD_OVER));
        };
        let takes_rows = |head: &Delivery| matches!(head.state, State::Ready | State::Published);
        let head = heads.into_iter().find(|head| head.delivery == row.delivery);
        Ok(head.filter(takes_rows).map(|head| (head, *row)).ok_or(HELD_OVER))
    }

    /// The whole row; none of one that does not open.
    async fn line(&self, tx: &TenantTransaction, id: HeldRowId) -> Result<Option<Line>, DatabaseError> {
        #[derive(QueryableByName)]
        struct Sealed {
            #[diesel(sql_type = Binary)]
            sealed: Vec<u8>,
        }
        let query = diesel::sql_query(SEALED)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id);
        let Sealed { sealed } = Prepared(query).get_result(&mut &**tx).await?;
        Ok(open(tx.tenant(), &self.keys, id, &sealed).ok())
    }
}

const SEALED: &str = "SELECT sealed FROM held_rows WHERE tenant_id = $1 AND held_id = $2";
