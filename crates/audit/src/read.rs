//! The trail as it is read: page by page, the latest first, each page going on by the id.

use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    prelude::*,
    sql_types::{Array, BigInt, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::AuditId;
use serde_json::Value;
use uuid::Uuid;

use crate::table::audit_events;

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// About one person.
    pub about: Option<About>,
    /// Done by this one.
    pub actor: Option<Uuid>,
    /// This was done.
    pub action: Option<String>,
    /// From then on.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub until: Option<DateTime<Utc>>,
}

/// What is about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Who.
    pub person: Uuid,
    /// What of it.
    pub lines: Lines,
}

/// Which lines about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Whatever shows them, was done to them or to their account, or by it.
    All {
        /// Their account.
        account: Option<Uuid>,
    },
    /// Only what shows them: who saw them …
    Looks,
    /// … and of that what shows this.
    LooksAt(Shown),
}

/// What shows something of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Pages that are called so, by how their names begin …
    pub called: &'static str,
    /// … and lines of these actions.
    pub actions: &'static [&'static str],
}

/// A line with all it says.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
#[diesel(table_name = audit_events)]
pub struct Recorded {
    /// Which.
    pub audit_id: AuditId,
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of actor.
    pub actor_kind: String,
    /// Who.
    pub actor_id: Option<Uuid>,
    /// What.
    pub action: String,
    /// `done`, or the refusal's code.
    pub outcome: String,
    /// To what kind of thing …
    pub object_kind: Option<String>,
    /// … and which.
    pub object_id: Option<Uuid>,
    /// Through which door.
    pub channel: String,
    /// From which address.
    pub address: Option<String>,
    /// By which request.
    pub request_id: Option<Uuid>,
    /// What explains it.
    pub detail: Value,
}

impl Recorded {
    /// The people of whom it is, or who did it, by their own ids or those of their accounts and sign-ups.
    pub fn people(&self) -> impl Iterator<Item = Uuid> {
        let is_theirs = matches!(
            self.object_kind.as_deref(),
            Some("person" | "member" | "account" | "ticket")
        );
        let object = self.object_id.filter(|_| is_theirs);
        let actor = self.actor_id.filter(|_| self.actor_kind == "member");
        object.into_iter().chain(actor)
    }

    /// True where what was before and after is said: of settings and rights alone, not of people's facts.
    pub fn has_before_and_after(&self) -> bool {
        OF_SETTINGS_AND_RIGHTS.iter().any(|of| self.action.starts_with(of))
    }

    /// What explains it, without what is not to be said.
    pub fn explained(&self) -> Value {
        let mut detail = self.detail.clone();
        if let Some(detail) = detail.as_object_mut().filter(|_| !self.has_before_and_after()) {
            detail.retain(|name, _| name != "before" && name != "after");
        }
        detail
    }

    /// True where it was done from where a member came: how they are reached.
    pub fn is_from_member(&self) -> bool {
        matches!(self.actor_kind.as_str(), "member" | "visitor")
    }
}

/// How the actions on settings and rights begin.
const OF_SETTINGS_AND_RIGHTS: [&str; 6] = [
    "insurer.",
    "staff.",
    "support.",
    "approval.",
    "terms.",
    "statements.settings",
];

/// Up to `limit` lines, those before one where it is given.
pub async fn list(
    tx: &TenantTransaction,
    filter: &Filter,
    before: Option<AuditId>,
    limit: i64,
) -> Result<Vec<Recorded>, DatabaseError> {
    let first = filter.from.map_or(Uuid::nil(), |from| AuditId::least(from).0);
    let end = filter.until.map_or(Uuid::max(), |until| AuditId::least(until).0);
    let end = before.map_or(end, |before| before.0.min(end));
    let mut statement = diesel::sql_query(text(filter))
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(first)
        .bind::<SqlUuid, _>(end)
        .bind::<BigInt, _>(limit);
    if let Some(actor) = filter.actor {
        statement = statement.bind::<SqlUuid, _>(actor);
    }
    if let Some(action) = &filter.action {
        statement = statement.bind::<Text, _>(action.clone());
    }
    if let Some(about) = &filter.about {
        statement = statement.bind::<SqlUuid, _>(about.person);
        statement = match about.lines {
            Lines::All { account } => {
                let own: Vec<Uuid> = [Some(about.person), account].into_iter().flatten().collect();
                statement.bind::<Array<SqlUuid>, _>(own)
            }
            Lines::Looks => statement,
            Lines::LooksAt(shown) => statement
                .bind::<Text, _>(shown.called)
                .bind::<Array<Text>, _>(shown.actions),
        };
    }
    Ok(Prepared(statement).load(&mut &**tx).await?)
}

/// One line.
pub async fn one(tx: &TenantTransaction, id: AuditId) -> Result<Option<Recorded>, DatabaseError> {
    let statement = diesel::sql_query(format!(
        "SELECT {COLUMNS} FROM audit_events e WHERE e.tenant_id = $1 AND e.audit_id = $2"
    ))
    .bind::<Integer, _>(tx.tenant())
    .bind::<SqlUuid, _>(id);
    Ok(Prepared(statement).get_result(&mut &**tx).await.optional()?)
}

/// The statement of a filter. Each single filter goes by an index of its own, a page at a time; of a person all is read
/// where there is another filter beside, which is not much.
fn text(filter: &Filter) -> String {
    let given = [
        filter.actor.map(|_| "e.actor_id"),
        filter.action.as_ref().map(|_| "e.action"),
    ];
    let given: Vec<(&str, usize)> = given.into_iter().flatten().zip(5..).collect();
    let Some(about) = &filter.about else {
        let between = if given.is_empty() {
            " AND e.audit_id >= $2 AND e.audit_id < $3".to_owned()
        } else {
            given
                .iter()
                .map(|(column, value)| within("e", column, *value))
                .collect()
        };
        return format!(
            "SELECT {COLUMNS} FROM audit_events e
             WHERE e.tenant_id = $1{between}
             ORDER BY e.audit_id DESC LIMIT $4"
        );
    };
    let next = 5 + given.len();
    let mut same: Vec<String> = given
        .iter()
        .map(|(column, value)| format!(" AND {column} = ${value}"))
        .collect();
    if let Lines::LooksAt(_) = about.lines {
        let (called, actions) = (next + 1, next + 2);
        same.push(format!(
            " AND (starts_with(e.detail ->> 'what', ${called}) OR e.action = ANY(${actions}))"
        ));
    }
    let same = same.concat();
    let page = if same.is_empty() {
        " ORDER BY audit_id DESC LIMIT $4"
    } else {
        ""
    };
    let shown = format!(
        "(SELECT s.audit_id FROM audit_subjects s WHERE s.tenant_id = $1{}{page})",
        within("s", "s.subject_id", next)
    );
    let shown_to_programs = format!(
        "(SELECT o.audit_id FROM audit_events o
          WHERE o.tenant_id = $1 AND o.actor_kind = 'client' AND o.action = 'person.look'{}{page})",
        within("o", "o.object_id", next)
    );
    // Found before it is put in order: the order is not the way to find what is about one thing.
    let own = |column: &str| {
        format!(
            "(SELECT o.audit_id FROM unnest(${}::uuid[]) AS own (id)
              CROSS JOIN LATERAL (SELECT l.audit_id FROM audit_events l
                  WHERE l.tenant_id = $1 AND l.{column} = own.id OFFSET 0) o
              WHERE o.audit_id >= $2 AND o.audit_id < $3{page})",
            next + 1
        )
    };
    let found = match about.lines {
        Lines::All { .. } => [shown, own("object_id"), own("actor_id")].join(" UNION "),
        Lines::Looks | Lines::LooksAt(_) => [shown, shown_to_programs].join(" UNION "),
    };
    format!(
        "SELECT {COLUMNS} FROM ({found}) found
         CROSS JOIN LATERAL (SELECT * FROM audit_events e
             WHERE e.tenant_id = $1 AND e.audit_id = found.audit_id{same} OFFSET 0) e
         ORDER BY e.audit_id DESC LIMIT $4"
    )
}

/// Lines of one value, from the first to the last. As rows, for of two bare bounds PostgreSQL expects so few lines that any
/// index with the id will do for it, one without the value too.
fn within(table: &str, column: &str, value: usize) -> String {
    format!(
        " AND {column} = ${value} AND ({column}, {table}.audit_id) >= (${value}, $2)
          AND ({column}, {table}.audit_id) < (${value}, $3)"
    )
}

const COLUMNS: &str = "\
e.audit_id, e.at, e.actor_kind, e.actor_id, e.action, e.outcome, e.object_kind, e.object_id, e.channel, e.address,
e.request_id, e.detail";
