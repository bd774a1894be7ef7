//! Who sees a row: one rule, said here once for whoever reads the program and once for PostgreSQL, and a test that both say the
//! same. Where kindness and secrecy pull apart, secrecy wins; whoever may not see a row sees what they would see if there were none.

use crate::{kind::Kind, month::Month};
use accounts::Proof;
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Bool, Date, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, TenantId};
use roster::{born_by, has_left, is_born_after, protection};
use tenancy::{FamilyDefault, FormerDependants, StatementSettings};

/// 表示範囲: who sees somebody's rows. The narrower is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// They, and whom the insurer notifies for them.
    Household,
    /// They alone.
    SelfOnly,
    /// Nobody.
    Suppressed,
}

impl Audience {
    /// All of them, the widest first.
    pub const ALL: [Self; 3] = [Self::Household, Self::SelfOnly, Self::Suppressed];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Household => "household",
            Self::SelfOnly => "self_only",
            Self::Suppressed => "suppressed",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.as_str() == word)
    }

    /// As people choose it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Household => "ご家族（組合員本人）にも表示する",
            Self::SelfOnly => "自分だけに表示する",
            Self::Suppressed => "だれにも表示しない",
        }
    }
}

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// Whom the account is of.
    pub person: PersonId,
    /// How sure it is that they own it. Facts of the roster are known to whoever lives with them, too.
    pub proof: Proof,
}

/// Of whom a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Of {
    /// Who was treated.
    pub person: PersonId,
    /// Whom the insurer notified for them in that month.
    pub principal: PersonId,
}

/// What is said of a row's person on the day of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// By them, where it is another audience than the usual one.
    pub said: Option<Audience>,
    /// By the roster: not grown up yet.
    pub is_child: bool,
    /// By staff: nobody may find them.
    pub is_protected: bool,
    /// Who acts for them while they are protected.
    pub guardian: Option<PersonId>,
    /// By the roster: no dependant of the row's principal any more.
    pub has_left: bool,
}

/// How the insurer wants it for families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Of grown-ups who have said nothing.
    pub self_only: bool,
    /// Whether who has left is shown no more, for the months before neither.
    pub hides_former: bool,
    /// The birthday from which somebody is grown up.
    pub adult_age: u8,
}

impl Family {
    /// As an insurer's settings have it.
    pub fn of(settings: &StatementSettings, kind: Kind) -> Self {
        let usual = match kind {
            Kind::Costs => settings.costs_family,
            Kind::Medicines => settings.medicines_family,
        };
        Self {
            self_only: usual == FamilyDefault::SelfOnly,
            hides_former: settings.former_dependants == FormerDependants::Hide,
            adult_age: settings.adult_age,
        }
    }

    /// Who sees somebody's rows: whom they say, else as usual.
    pub fn audience(&self, standing: &Standing) -> Audience {
        standing.said.unwrap_or(self.usual(standing.is_child))
    }

    /// Who sees the rows of somebody who has said nothing. A child's are the family's until they are grown up.
    pub fn usual(&self, is_child: bool) -> Audience {
        if self.self_only && !is_child {
            Audience::SelfOnly
        } else {
            Audience::Household
        }
    }
}

/// True where somebody may see a row.
pub fn may_see(viewer: &Viewer, row: &Of, standing: &Standing, family: &Family) -> bool {
    let is_sure = viewer.proof == Proof::Letter;
    let is_own = row.person == viewer.person;
    match family.audience(standing) {
        Audience::Suppressed => false,
        Audience::SelfOnly => is_own && (is_sure || !standing.is_protected && row.principal == viewer.person),
        Audience::Household if is_own => is_sure || !standing.is_protected,
        Audience::Household if standing.is_protected => is_sure && standing.guardian == Some(viewer.person),
        Audience::Household => row.principal == viewer.person && !(family.hides_former && standing.has_left),
    }
}

/// Who looks at what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Looking {
    /// Who.
    pub viewer: Viewer,
    /// Of what.
    pub kind: Kind,
    /// As their insurer has it.
    pub family: Family,
    /// The day in Japan.
    pub day: NaiveDate,
    /// The first month and the last.
    pub months: (Month, Month),
}

impl Looking {
    /// Gives a statement that [`seen`] makes its parameters.
    pub fn bind<'q>(
        &self,
        tenant: TenantId,
        statement: BoxedSqlQuery<'q, Pg, SqlQuery>,
    ) -> BoxedSqlQuery<'q, Pg, SqlQuery> {
        let (first, last) = self.months;
        statement
            .bind::<Integer, _>(tenant)
            .bind::<SqlUuid, _>(self.viewer.person)
            .bind::<Bool, _>(self.viewer.proof == Proof::Letter)
            .bind::<Text, _>(self.kind.as_str())
            .bind::<Bool, _>(self.family.self_only)
            .bind::<Date, _>(born_by(self.day, self.family.adult_age.into()))
            .bind::<Bool, _>(self.family.hides_former)
            .bind::<Date, _>(self.day)
            .bind::<Date, _>(first)
            .bind::<Date, _>(last)
    }
}

/// A row by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct Seen {
    /// Month of treatment.
    #[diesel(sql_type = Date)]
    pub month: Month,
    /// In which delivery.
    #[diesel(sql_type = Integer)]
    pub delivery: i32,
    /// On which line of its file.
    #[diesel(sql_type = Integer)]
    pub line: i32,
}

/// Which rows somebody sees.
pub async fn visible(tx: &TenantTransaction, looking: &Looking) -> Result<Vec<Seen>, DatabaseError> {
    let sql = seen(looking.kind, "r.month, r.delivery, r.line");
    let query = looking.bind(tx.tenant(), diesel::sql_query(sql).into_boxed::<Pg>());
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// How a statement names who looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eyes {
    /// Whom the account is of.
    pub(crate) person: &'static str,
    /// Whether they are proven by letter.
    pub(crate) is_sure: &'static str,
}

/// `SELECT columns` of all rows `r`, of deliveries `live`, that count and that whoever looks may see, from the month `$9` to the
/// month `$10`.
pub fn seen(kind: Kind, columns: &str) -> String {
    Seeing::of(kind).select(columns)
}

/// A delivery `live` that counts.
pub(crate) const PUBLISHED: &str = "live.state = 'published'";
/// A row `r` that counts where its delivery does.
pub(crate) const STANDS: &str = "NOT r.withdrawn AND r.superseded_by IS NULL AND NOT r.struck";

/// A statement of rows that somebody sees: `$1` is the tenant, `$4` the kind, and the rule's parameters are those that
/// [`Looking::bind`] gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seeing<'a> {
    /// Of which kind.
    pub(crate) kind: Kind,
    /// Who looks.
    pub(crate) eyes: Eyes,
    /// Which deliveries `live`.
    pub(crate) deliveries: &'a str,
    /// Which rows `r`, by what stands in them.
    pub(crate) rows: &'a str,
    /// What is kept of them: whose they are and their delivery, and what the columns and conditions are of.
    pub(crate) kept: &'a str,
    /// Which of them, by their delivery too.
    pub(crate) chosen: &'a str,
    /// What else is asked once of each person `p.person_id` whose rows are seen, for columns of `p`; begins with a comma.
    pub(crate) of_person: &'a str,
}

impl Seeing<'static> {
    /// Of rows that count, by one viewer.
    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            eyes: Eyes {
                person: "$2",
                is_sure: "$3",
            },
            deliveries: PUBLISHED,
            rows: STANDS,
            kept: "*",
            chosen: "true",
            of_person: "",
        }
    }
}

impl Seeing<'_> {
    /// The statement, of columns of `r`, `live` and `p`. Who is seen is a set of pairs of a person and whom the insurer notified for
    /// them: the rule is asked once of each that stands in some row, and not of the row. Where rows lie is only where to look.
    pub(crate) fn select(&self, columns: &str) -> String {
        let Self {
            deliveries,
            chosen,
            of_person,
            ..
        } = self;
        // Nothing was treated after its label.
        format!(
            "WITH live AS MATERIALIZED (
                SELECT live.delivery, live.label, live.state, live.published_at, live.ended_at, live.purged_at
                FROM statement_deliveries live
                WHERE live.tenant_id = $1 AND live.kind = $4 AND live.label >= $9 AND {deliveries}
            ), placed AS MATERIALIZED ({}), p AS MATERIALIZED (
                SELECT p.person_id, p.principal_id{of_person}
                FROM (SELECT DISTINCT r.person_id, r.principal_id FROM placed r) p {}
            )
            SELECT {columns} FROM placed r
            JOIN p ON p.person_id = r.person_id AND p.principal_id = r.principal_id
            JOIN live ON live.delivery = r.delivery
            WHERE {chosen}",
            self.placed(),
            may_be_seen(self.eyes)
        )
    }

    /// The rows of viewers and their wards, each from an index of its own: by whom the insurer notified, all of the viewer's and of
    /// a ward those that are the ward's own, and by whom it is of, where the insurer notified somebody else. No row is in two.
    fn placed(&self) -> String {
        let Self { kind, rows, kept, .. } = self;
        let who = self.eyes.person;
        let rows = |place: &str| {
            format!(
                "SELECT {kept} FROM {} r WHERE r.tenant_id = $1 AND r.month >= $9 AND r.month <= $10 AND {rows} AND {place}",
                kind.table()
            )
        };
        format!(
            "SELECT r.* FROM (
                SELECT {who} AS person_id UNION ALL SELECT x.person_id FROM {} x WHERE x.person_id <> {who}
            ) w CROSS JOIN LATERAL ({} UNION ALL {}) r",
            protection::wards_of(who),
            rows(&format!(
                "r.principal_id = w.person_id AND (w.person_id = {who} OR r.person_id = r.principal_id)"
            )),
            rows(&format!(
                "r.person_id = w.person_id AND r.person_id <> r.principal_id AND (w.person_id = {who} OR r.principal_id <> {who})"
            ))
        )
    }
}

/// [`may_see`] of the pairs `p`, behind their `FROM`: `$5` is whether the usual audience is oneself, `$6` the day behind whose births
/// children are born, `$7` whether who has left is hidden, `$8` the day.
fn may_be_seen(Eyes { person, is_sure }: Eyes) -> String {
    let protected = protection::in_force("p.person_id");
    let is_child = is_born_after("p.person_id", "$6");
    let left = has_left("p.person_id", "p.principal_id", "$8");
    format!(
        "LEFT JOIN LATERAL {protected} x ON true CROSS JOIN LATERAL (
            SELECT coalesce(
                (SELECT d.audience FROM disclosures d WHERE d.tenant_id = $1 AND d.person_id = p.person_id AND d.kind = $4),
                CASE WHEN $5 AND NOT {is_child} THEN 'self_only' ELSE 'household' END) AS audience OFFSET 0) a
        WHERE CASE
            WHEN a.audience = 'self_only'
                THEN p.person_id = {person} AND ({is_sure} OR x.protection_id IS NULL AND p.principal_id = {person})
            WHEN a.audience <> 'household' THEN false
            WHEN p.person_id = {person} THEN {is_sure} OR x.protection_id IS NULL
            WHEN x.protection_id IS NOT NULL THEN {is_sure} AND x.guardian_id = {person}
            ELSE p.principal_id = {person} AND NOT ($7 AND {left}) END"
    )
}
