//! Facts by hand: staff add a person or mend one. What is typed is read as a file's row is, and written by the same merge,
//! with its place in the journal; what is shown as the difference and what is written are made of one draft.

pub mod reasons;

use crate::{
    Sight,
    before::{self, Changed, Values},
    forget, held,
    import::{self, Column, Reading, Row, stated::STATED},
    writing,
};
use access::Reach;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    pg::Pg,
    sql_types::{Date, Integer, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use jobs::Event;
use kernel::{ImportId, Keys, Outcome, PersonId, Refusal, calendar, text};
use serde_json::json;
use tenancy::Insurer;

/// A fact that staff can set: the column of `persons` and what a form calls it.
pub fn facts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = STATED.into_iter().filter(|(column, _)| *column != Column::PersonalId);
    own.filter_map(|(column, names)| Some((*names.iter().next()?, import::label(column))))
}

/// A person as the roster has them when somebody begins to mend them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Whom the one who mends may see.
    sight: Sight,
    person: Option<PersonId>,
    values: Values,
    /// Which state of theirs it is: whoever writes says it, and is told where it is no longer so.
    pub seen: String,
}

/// What a person is to be, and what of them changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    base: Base,
    row: Row,
    /// What changes, by column.
    pub difference: Vec<Changed>,
}

/// Who sets a fact, and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// As the trail names them.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
    /// When.
    pub now: DateTime<Utc>,
}

impl Base {
    /// Somebody new.
    pub fn new(sight: Sight) -> Self {
        Self {
            sight,
            person: None,
            values: Values::new(),
            seen: String::new(),
        }
    }

    /// The person as they are; none of somebody who is not in the roster, or not to be seen.
    pub async fn of(tx: &TenantTransaction, sight: Sight, person: PersonId) -> Result<Option<Self>, DatabaseError> {
        if crate::facts(tx, &sight, person).await?.is_none() {
            return Ok(None);
        }
        // Which state it is before what it says: where somebody changes them between the two, it is over, and nobody writes by it.
        let seen = seen(tx, person).await?;
        let values = before::values(tx, person).await?;
        Ok(values.map(|values| Self {
            sight,
            person: Some(person),
            values,
            seen,
        }))
    }

    /// What a column says; empty where nothing.
    pub fn value(&self, column: &str) -> &str {
        self.values.get(column).map_or("", String::as_str)
    }

    /// What the person is to be, by the columns that were typed; the others stay. People are `kept` so long after a loss.
    pub fn draft<'t>(
        self,
        insurer: &Insurer,
        (now, kept): (DateTime<Utc>, TimeDelta),
        typed: impl Iterator<Item = (&'static str, &'t str)>,
    ) -> Result<Draft, Refusal> {
        let mut values = self.values.clone();
        // Kana as rosters have it, but for what is left as the roster has it.
        let plain = |column: &str, text: &str| match column {
            "kana_name" if text != self.value(column) => text::kana_by_hand(text),
            _ => text.to_owned(),
        };
        values.extend(typed.map(|(column, text)| (column.to_owned(), plain(column, text))));
        let row = Reading::of(insurer, now).row(&values).map_err(Refusal::fields)?;
        let lost_on = self.value("lost_on").parse().ok();
        if forget::is_at_once(lost_on, row.lost_on, forget::lost_before(now, kept)) {
            return Err(reasons::FORGOTTEN_AT_ONCE.into());
        }
        let after = row.values();
        let changed = |(column, _): (&'static str, _)| {
            let (was, is) = (self.value(column), after.get(column)?);
            (was != is).then(|| Changed {
                field: column.to_owned(),
                before: Some(was.to_owned()),
                after: Some(is.clone()),
            })
        };
        let difference: Vec<Changed> = facts().filter_map(changed).collect();
        if difference.is_empty() {
            return Err(reasons::NOTHING_CHANGED.into());
        }
        let draft = Draft {
            base: self,
            row,
            difference,
        };
        if draft.is_beyond() {
            return Err(reasons::BEYOND_REACH.into());
        }
        Ok(draft)
    }
}

/// True of a column that is of the whole insurer: a number is somebody's or nobody's anywhere in it.
pub fn is_over_all(column: &str) -> bool {
    held::fact_of(column) == held::NUMBER
}

impl Draft {
    /// True where the birth date is another.
    pub fn mends_birth_date(&self) -> bool {
        self.base.person.is_some() && self.difference.iter().any(|changed| changed.field == "birth_date")
    }

    /// True where it takes the whole insurer. Whoever is bounded to workplaces moves nobody to others, and neither adds anybody
    /// nor gives a number: that it is taken, or free, would tell of people whom they don't see.
    fn is_beyond(&self) -> bool {
        let Reach::Workplaces { codes, .. } = &self.base.sight.reach else {
            return false;
        };
        let is_added = self.is_present() && self.base.value(held::PRESENT) != "true";
        is_added
            || self.difference.iter().any(|changed| {
                is_over_all(&changed.field)
                    || (changed.field == "workplace_code" && !codes.contains(&self.row.workplace_code))
            })
    }

    /// True where the person is to be in the roster: whoever has left it comes back by being covered again.
    fn is_present(&self) -> bool {
        self.base.person.is_none() || self.base.value("present") == "true" || self.row.lost_on.is_none()
    }

    /// Why it can't be written, if anything stands against it: somebody else has the number, or is them. Of people who are not
    /// to be seen no more is told than that the number is taken. Whose coverage has ended gives a number up, as to a file of changes.
    pub async fn against(&self, tx: &TenantTransaction, now: DateTime<Utc>) -> Result<Option<Refusal>, DatabaseError> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            is_number: bool,
        }
        if !self.is_present() {
            return Ok(None);
        }
        let statement = diesel::sql_query(self.another())
            .into_boxed::<Pg>()
            .bind::<Integer, _>(tx.tenant())
            .bind::<Nullable<Uuid>, _>(self.base.person)
            .bind::<Text, _>(self.row.symbol.key().to_owned())
            .bind::<Text, _>(self.row.number.key().to_owned())
            .bind::<Text, _>(self.row.branch.key().to_owned())
            .bind::<Date, _>(self.row.birth_date)
            .bind::<Text, _>(self.row.kana_name.strict_key().to_owned())
            .bind::<Date, _>(calendar::today_in_japan(now));
        let statement = self.base.sight.bind(statement);
        let found: Option<Found> = statement.get_result(&mut &**tx).await.optional()?;
        Ok(found.map(|found| {
            if found.is_number {
                reasons::NUMBER_TAKEN.into()
            } else {
                reasons::PERSON_THERE.into()
            }
        }))
    }

    /// Of whoever is out of reach nothing is told; of whoever is protected no more than that the number is taken.
    fn another(&self) -> String {
        let sight = &self.base.sight;
        ANOTHER
            .replace("{seen}", &sight.protected_condition())
            .replace("{reached}", &sight.reach_condition(9))
    }

    /// Writes it as an import of one row does; `seen` is the state of the person that the difference was shown with. Refused
    /// at once, and nothing done, while an import has the roster; whoever else writes by hand is waited for.
    pub async fn write(
        self,
        tx: &mut TenantTransaction,
        keys: &Keys,
        by: By<'_>,
        seen: &str,
    ) -> Result<Outcome<PersonId>, DatabaseError> {
        let Some(position) = import::share_roster(tx).await? else {
            return Ok(reasons::IMPORT_RUNNING.into());
        };
        // Read again under the lock: what was shown may be over.
        if let Some(person) = self.base.person
            && (seen != self.base.seen || self::seen(tx, person).await? != seen)
        {
            return Ok(reasons::CHANGED_MEANWHILE.into());
        }
        if let Some(refusal) = self.against(tx, by.now).await? {
            return Ok(refusal.into());
        }
        let import_id = ImportId::new(by.now);
        let person = self.base.person.unwrap_or_else(|| PersonId::new(by.now));
        let is_present = self.is_present();
        let Self { base, row, difference } = self;
        let is_mended = base.person.is_some();
        writing::widen(tx, &row.kana_name, &row.number).await?;
        let written = import::One {
            person,
            row,
            is_present,
            is_mended,
        };
        let position = written.merge(tx, keys, (import_id, position), by.now).await?;
        let fields: Vec<&str> = difference.iter().map(|changed| changed.field.as_str()).collect();
        if !is_mended {
            held::note(tx, person, (held::PRESENT, ""), by.now).await?;
        } else if !held::is_new(tx, person).await? {
            for field in &fields {
                let fact = held::fact_of(field);
                held::note(tx, person, (fact, &base.fact(fact)), by.now).await?;
            }
            if is_present && base.value(held::PRESENT) == held::ABSENT {
                held::note(tx, person, (held::PRESENT, held::ABSENT), by.now).await?;
            }
            held::end_same(tx, person).await?;
        }
        let action = if is_mended { "roster.mend" } else { "roster.add" };
        let detail = json!({ "fields": if is_mended { fields } else { Vec::new() }, "position": position });
        let event = Event {
            kind: "roster.changed",
            subject: person.0,
            payload: json!({ "import_id": import_id, "position": position }),
        };
        jobs::publish(tx, by.now, event);
        let entry = Entry {
            actor: by.actor,
            action,
            object: Some(("member", person.0)),
            outcome: "done",
            detail,
        };
        audit::record(tx, by.now, by.origin, entry).await?;
        Ok(Outcome::Done(person))
    }
}

impl Base {
    /// What a fact says, as it stands beside the one by hand.
    fn fact(&self, fact: &str) -> String {
        if fact == held::NUMBER {
            let parts = ["symbol", "number", "branch"].map(|part| self.value(part));
            parts.join(&held::BETWEEN.to_string())
        } else {
            self.value(fact).to_owned()
        }
    }
}

/// Which state of a person it is.
async fn seen(tx: &TenantTransaction, person: PersonId) -> Result<String, DatabaseError> {
    #[derive(QueryableByName)]
    struct Seen {
        #[diesel(sql_type = Timestamptz)]
        updated_at: DateTime<Utc>,
    }
    let seen: Option<Seen> = diesel::sql_query(SEEN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person)
        .get_result(&mut &**tx)
        .await
        .optional()?;
    Ok(seen.map_or_else(String::new, |seen| seen.updated_at.timestamp_micros().to_string()))
}

const SEEN: &str = "SELECT updated_at FROM persons WHERE tenant_id = $1 AND person_id = $2 AND emptied_at IS NULL";

/// Somebody in the roster with the same number and branch, or the same number, birth date and name where no branch tells the
/// two apart. Of somebody new that is also who has left it: a file would bring them back. Whose coverage has ended by $8 is in
/// nobody's way.
const ANOTHER: &str = "
    SELECT NOT (true{seen})
        OR (p.present AND p.branch_key = $5 AND $5 <> '' AND (p.lost_on IS NULL OR p.lost_on > $8)) AS is_number
    FROM persons p
    WHERE p.tenant_id = $1 AND p.symbol_key = $3 AND p.number_key = $4 AND p.emptied_at IS NULL
      AND p.person_id IS DISTINCT FROM $2
      AND ((p.present AND p.branch_key = $5 AND $5 <> '' AND (p.lost_on IS NULL OR p.lost_on > $8))
           OR ((p.present OR $2 IS NULL) AND p.birth_date = $6 AND p.kana_strict = $7
               AND (p.branch_key = $5 OR '' IN (p.branch_key, $5)){reached}))
    LIMIT 1";
