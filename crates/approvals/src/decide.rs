//! Answering a wish: agreeing, declining, taking it back, and what lapses.

use crate::{
    About, Agreed, Approvals, Asker, Eye, Performer,
    ask::{is_one_at_a_time, record},
    lists::known,
    messages::Event,
    permission, reasons,
    rows::{self, Change, PURPOSE, Row, State, approvals},
};
use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ApprovalId, Field, FieldError, Outage, OutageKind, Outcome, Problem, Refusal, outcome, text};
use tenancy::insurer_of;

/// How long a file waits for who asked.
const FILE_WAITS: TimeDelta = TimeDelta::hours(24);
/// How long it is kept what became of a wish.
const KEPT: TimeDelta = TimeDelta::days(2 * 366);
/// Characters of a word why.
const LONGEST_WORD: usize = 500;
/// Why a wish is declined.
const WORD: Field = Field::new("word", "断る理由");

/// What an agreement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// It is done.
    Done,
    /// A file waits for who asked.
    FileWaits,
}

impl Approvals {
    /// Agrees, and does it: in one transaction, and only where the difference is still what was shown. The wish's row is held
    /// last, as whoever asks holds it last: both have held by then what the wish is about. Of two who agree at the same time
    /// both may do it, and what the second did goes with its transaction.
    pub async fn agree(
        &self,
        origin: &Origin,
        eye: Eye<'_>,
        id: ApprovalId,
        performers: &[Performer],
    ) -> Result<Outcome<Decided>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(eye.tenant).write(Durability::Safe).await?;
        let (row, action) = match open(&tx, eye, id, now).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(refusal.into()),
        };
        if row.is_own(eye.staff_id) {
            return Ok(reasons::OWN_WISH.into());
        }
        if !row.is_answered_by(eye.agrees) {
            return Ok(reasons::HELD_TOO_SHORT.into());
        }
        let content = row.content(&self.keys, eye.tenant)?;
        let Some(performer) = Performer::find(performers, &row.action, &row.kind) else {
            return Err(Outage::new(
                OutageKind::Fault,
                format!("nobody performs {}", row.action),
            ));
        };
        let agreed = Agreed {
            tenant: eye.tenant,
            parameters: content.parameters,
            subject: row.subject_id,
            asked_by: row.asked_by,
            now,
            origin: *origin,
        };
        let asker = self.colleagues.one(&tx, row.asked_by).await?;
        let may = asker.is_some_and(|asker| asker.permissions.contains(&permission(action)));
        let done = if may {
            performer.do_as_shown(&mut tx, &agreed, &content.difference).await?
        } else {
            None
        };
        if !still_waits(&tx, id, now).await? {
            tx.rollback().await?;
            return Ok(reasons::WISH_OVER.into());
        }
        let decided = match done {
            Some(Outcome::Done(decided)) => decided,
            Some(Outcome::Refused(refusal)) => {
                // Whatever it has begun goes with the transaction; the wish waits on.
                tx.rollback().await?;
                return Ok(refusal.into());
            }
            None => {
                self.lapse(&mut tx, &row, Some(eye), now).await?;
                tx.commit().await?;
                return Ok(reasons::WISH_CHANGED.into());
            }
        };
        let change = match decided {
            Decided::Done => Change::to(State::Done, Some(eye.staff_id)),
            Decided::FileWaits => Change {
                ends_at: Some(now + FILE_WAITS),
                ..Change::to(State::Agreed, Some(eye.staff_id))
            },
        };
        rows::set(&tx, id, change, now).await?;
        record(&tx, now, &by(eye, origin), ("approval.agree", id), action).await?;
        let event = match decided {
            Decided::Done => Event::Done,
            Decided::FileWaits => Event::FileWaits,
        };
        self.tell_asker(&mut tx, &row, event, now).await?;
        if is_one_at_a_time(action) {
            self.end(&mut tx, now, (action, row.subject_id)).await?;
        }
        tx.commit().await?;
        Ok(Outcome::Done(decided))
    }

    /// Declines, with a word why. Whoever sees the wish and may do the same may decline: it changes nothing.
    pub async fn decline(
        &self,
        origin: &Origin,
        eye: Eye<'_>,
        id: ApprovalId,
        why: &str,
    ) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(eye.tenant).write(Durability::Safe).await?;
        let (row, action) = match open(&tx, eye, id, now).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(refusal.into()),
        };
        if !still_waits(&tx, id, now).await? {
            return Ok(reasons::WISH_OVER.into());
        }
        if row.asked_by == eye.staff_id {
            return Ok(reasons::OWN_WISH.into());
        }
        let why = match word(why) {
            Ok(why) => why,
            Err(problem) => return Ok(Refusal::field(FieldError::new(WORD, problem)).into()),
        };
        let change = Change {
            word: Some(self.keys.seal(PURPOSE, id.of(eye.tenant), why.as_bytes())),
            ..Change::to(State::Declined, Some(eye.staff_id))
        };
        rows::set(&tx, id, change, now).await?;
        record(&tx, now, &by(eye, origin), ("approval.decline", id), action).await?;
        self.tell_asker(&mut tx, &row, Event::Declined, now).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Takes one's own wish back, whether it waits for an answer or for a file to be taken.
    pub async fn withdraw(&self, origin: &Origin, eye: Eye<'_>, id: ApprovalId) -> Result<Outcome<()>, Outage> {
        let now = self.clock.now();
        let tx = self.database.tenant(eye.tenant).write(Durability::Safe).await?;
        let found = rows::locked(&tx, id).await?;
        let Some(row) = found.filter(|row| row.asked_by == eye.staff_id) else {
            return Ok(outcome::NOT_FOUND.into());
        };
        let is_standing = matches!(row.state(now), State::Waiting | State::Agreed);
        let Some(action) = row.action().filter(|_| is_standing) else {
            return Ok(reasons::WISH_OVER.into());
        };
        rows::set(&tx, id, Change::to(State::Withdrawn, None), now).await?;
        record(&tx, now, &by(eye, origin), ("approval.withdraw", id), action).await?;
        tx.commit().await?;
        Ok(Outcome::Done(()))
    }

    /// Ends the wishes about something that was done or undone without them: they would do it again. Whoever calls holds what
    /// they are about.
    pub async fn end(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        (action, subject): About,
    ) -> Result<(), Outage> {
        let standing: Vec<Row> = approvals::table
            .filter(approvals::tenant_id.eq(tx.tenant()))
            .filter(approvals::action.eq(action.as_str()))
            .filter(approvals::subject_id.eq(subject))
            .filter(approvals::state.eq("waiting").or(approvals::state.eq("agreed")))
            .order(approvals::approval_id)
            .select(Row::as_select())
            .for_no_key_update()
            .load(&mut **tx)
            .await?;
        for row in &standing {
            self.lapse(tx, row, None, now).await?;
        }
        Ok(())
    }

    /// Ends what nobody answered, and what nobody can answer any more in its time; tells who asked, and deletes what has served
    /// its time: for a job; gives how many.
    pub async fn sweep(&self, tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, Outage> {
        let standing: Vec<Row> = approvals::table
            .filter(approvals::tenant_id.eq(tx.tenant()))
            .filter(approvals::state.eq("waiting").or(approvals::state.eq("agreed")))
            .order(approvals::approval_id)
            .select(Row::as_select())
            .load(&mut **tx)
            .await?;
        let mut ended = 0;
        for row in &standing {
            let is_over = match row.state(now) {
                State::Waiting => !self
                    .others(tx, now, row)
                    .await?
                    .iter()
                    .any(|one| one.agrees_at(row.ends_at)),
                State::Agreed => false,
                _ => true,
            };
            // Those that go on are not held: whoever answers one need not wait for what is asked about the others.
            let ends = is_over && {
                let held = rows::locked(tx, row.approval_id).await?;
                held.is_some_and(|held| held.decided_at == row.decided_at)
            };
            if ends {
                self.lapse(tx, row, None, now).await?;
                ended += 1;
            }
        }
        let deleted = diesel::delete(approvals::table)
            .filter(approvals::tenant_id.eq(tx.tenant()))
            .filter(approvals::approval_id.lt(ApprovalId::least(now - KEPT)))
            .execute(&mut **tx)
            .await?;
        Ok(ended + deleted)
    }

    /// It lapses: who asked is told, and who was about to agree.
    async fn lapse(
        &self,
        tx: &mut TenantTransaction,
        row: &Row,
        agreeing: Option<Eye<'_>>,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        rows::set(tx, row.approval_id, Change::to(State::Lapsed, None), now).await?;
        let Some(action) = row.action() else { return Ok(()) };
        let system = Asker {
            staff_id: row.asked_by,
            actor: Actor::System,
            origin: &Origin::worker(),
        };
        record(tx, now, &system, ("approval.lapse", row.approval_id), action).await?;
        self.tell_asker(tx, row, Event::Lapsed, now).await?;
        if let Some(eye) = agreeing
            && let Some(colleague) = self.colleagues.one(tx, eye.staff_id).await?
        {
            let insurer = insurer_of(tx).await?;
            let to = (eye.staff_id, colleague.email.as_str());
            self.mail(tx, &insurer, to, action, Event::Lapsed, now).await?;
        }
        Ok(())
    }

    async fn tell_asker(
        &self,
        tx: &mut TenantTransaction,
        row: &Row,
        event: Event,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let found = self.colleagues.one(tx, row.asked_by).await?;
        if let (Some(asker), Some(action)) = (found, row.action()) {
            let insurer = insurer_of(tx).await?;
            let to = (row.asked_by, asker.email.as_str());
            self.mail(tx, &insurer, to, action, event, now).await?;
        }
        Ok(())
    }
}

/// True where it waits for an answer; nobody else answers before the transaction ends.
async fn still_waits(tx: &TenantTransaction, id: ApprovalId, now: DateTime<Utc>) -> Result<bool, Outage> {
    let row = rows::locked(tx, id).await?;
    Ok(row.is_some_and(|row| row.state(now) == State::Waiting))
}

/// A wish that waits and that they see.
async fn open(
    tx: &TenantTransaction,
    eye: Eye<'_>,
    id: ApprovalId,
    now: DateTime<Utc>,
) -> Result<Result<(Row, crate::Action), Refusal>, Outage> {
    let found = known(tx, eye, id).await?;
    let seen = found.and_then(|row| {
        let action = row.action()?;
        eye.sees(&row).then_some((row, action))
    });
    Ok(match seen {
        None => Err(outcome::NOT_FOUND.into()),
        Some((row, _)) if row.state(now) != State::Waiting => Err(reasons::WISH_OVER.into()),
        Some(found) => Ok(found),
    })
}

fn by<'a>(eye: Eye<'_>, origin: &'a Origin) -> Asker<'a> {
    Asker {
        staff_id: eye.staff_id,
        actor: Actor::Staff(eye.staff_id.0),
        origin,
    }
}

fn word(typed: &str) -> Result<String, Problem> {
    let word = typed.trim();
    if word.is_empty() {
        return Err(Problem::Empty);
    }
    if word.chars().count() > LONGEST_WORD {
        return Err(Problem::TooLong { max: LONGEST_WORD });
    }
    if word.lines().any(text::has_control) {
        return Err(Problem::Characters);
    }
    Ok(word.to_owned())
}
