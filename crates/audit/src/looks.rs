//! Looks at people, by staff and by programs: each is a line, written before what it tells of is shown (design, one way
//! through). No line, no page.

use crate::{Actor, Entry, Origin, add};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::sql_types::{Array, Integer, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};
use uuid::Uuid;

/// For how long a look of a member of staff at a person's page stands for those after it.
const STANDS: TimeDelta = TimeDelta::hours(1);

/// What somebody is about to be shown.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    what: &'static str,
    at: At,
    subjects: &'a [Uuid],
    others: &'a [Uuid],
    reason: Option<&'a str>,
}

#[derive(Debug, Clone)]
enum At {
    List {
        filters: Vec<&'static str>,
        is_counted: bool,
    },
    Person,
}

impl<'a> Look<'a> {
    /// A page of a list: which list, the names of its filters (never what was typed into them), whom it shows.
    pub fn list(what: &'static str, filters: Vec<&'static str>, subjects: &'a [Uuid]) -> Self {
        Self {
            what,
            at: At::List {
                filters,
                is_counted: true,
            },
            subjects,
            others: &[],
            reason: None,
        }
    }

    /// The same of a list whose length alone says what not everybody who reads the trail may know.
    pub fn uncounted(what: &'static str, subjects: &'a [Uuid]) -> Self {
        Self {
            at: At::List {
                filters: Vec::new(),
                is_counted: false,
            },
            ..Self::list(what, Vec::new(), subjects)
        }
    }

    /// One person's own page: which page, whose.
    pub fn person(what: &'static str, subject: &'a Uuid) -> Self {
        Self {
            what,
            at: At::Person,
            subjects: std::slice::from_ref(subject),
            others: &[],
            reason: None,
        }
    }

    /// The same where it shows others, too.
    #[must_use]
    pub fn showing(self, others: &'a [Uuid]) -> Self {
        Self { others, ..self }
    }

    /// The word why, where the page asks for one; it names nobody.
    #[must_use]
    pub fn because(self, reason: &'a str) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }
}

/// Writes the line of a look, in a short transaction that is committed before the page is drawn. A list is one line,
/// whomever it shows. A person's page is one at the first look of a member of staff within the hour; a look of the
/// platform's support, of a program, with a word why, or of a page that shows others, too, always is.
pub async fn look(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    actor: Actor,
    look: Look<'_>,
) -> Result<(), DatabaseError> {
    let Look {
        what,
        at,
        subjects,
        others,
        reason,
    } = look;
    if let (At::Person, Actor::Staff(staff), None, [subject], []) = (&at, actor, reason, subjects, others)
        && !is_first(tx, now, staff, *subject).await?
    {
        return Ok(());
    }
    let mut detail = Map::from_iter([("what".to_owned(), Value::from(what))]);
    detail.extend(reason.map(|reason| ("reason".to_owned(), reason.into())));
    let (action, object) = match at {
        At::Person => ("person.look", subjects.first().map(|subject| ("person", *subject))),
        At::List { filters, is_counted } => {
            detail.insert("filters".into(), filters.into());
            if is_counted {
                detail.insert("people".into(), subjects.len().into());
            }
            ("people.look", None)
        }
    };
    let entry = Entry {
        actor,
        action,
        object,
        outcome: "done",
        detail: detail.into(),
    };
    // Programs look far more often than people do: their line of one person is found by its object (`read::list`), and needs no row
    // beside it.
    let rows = match (actor, object, others) {
        (Actor::Client(_), Some(_), []) => Vec::new(),
        _ => [subjects, others].concat(),
    };
    record_showing(tx, now, origin, entry, &rows).await
}

/// [`crate::record`] of a line that shows people: whoever asks who saw one of them finds it.
pub async fn record_showing(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    entry: Entry,
    subjects: &[Uuid],
) -> Result<(), DatabaseError> {
    let line = add(tx, now, origin, entry).await?;
    if subjects.is_empty() {
        return Ok(());
    }
    let statement = diesel::sql_query(SUBJECTS)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Array<SqlUuid>, _>(subjects)
        .bind::<SqlUuid, _>(line)
        .bind::<Timestamptz, _>(now);
    Prepared(statement).execute(&mut &**tx).await?;
    Ok(())
}

/// True for one of any number of looks at the same time, and again when its hour is over.
async fn is_first(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    staff: Uuid,
    subject: Uuid,
) -> Result<bool, DatabaseError> {
    let statement = diesel::sql_query(FIRST)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(staff)
        .bind::<SqlUuid, _>(subject)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - STANDS);
    Ok(Prepared(statement).execute(&mut &**tx).await? > 0)
}

/// Forgets whose look was a line already, where its hour is over; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let statement = diesel::sql_query(SWEEP)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Timestamptz, _>(now - STANDS);
    Ok(Prepared(statement).execute(&mut **tx).await?)
}

// The tenant comes from the line's own row: a distributed PostgreSQL runs the statement where that lives.
const SUBJECTS: &str = "\
INSERT INTO audit_subjects (tenant_id, subject_id, audit_id, at)
SELECT e.tenant_id, unnest($2::uuid[]), e.audit_id, $4 FROM audit_events e
WHERE e.tenant_id = $1 AND e.audit_id = $3 ON CONFLICT DO NOTHING";

// A look of a time to come is one of a clock that went wrong, and stands for none; a minute is what nodes' clocks may differ.
const FIRST: &str = "\
INSERT INTO audit_looks (tenant_id, actor_id, subject_id, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, actor_id, subject_id) DO UPDATE SET at = excluded.at
WHERE audit_looks.at <= $5 OR audit_looks.at > excluded.at + interval '1 minute'";

const SWEEP: &str = "DELETE FROM audit_looks WHERE tenant_id = $1 AND at <= $2";
