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

impl Eyes {
    /// One viewer, as [`Looking::bind`] gives them.
    const ONE: Self = Self {
        person: "$2",
        is_sure: "$3",
    };
}

/// [`may_see`] as a condition on the row `r`: `$1` is the tenant, `$2` the viewer, `$3` whether they are proven by letter, `$4` the kind,
/// `$5` whether the usual audience is oneself, `$6` the day behind whose births children are born, `$7` whether who has left is
/// hidden, `$8` the day.
pub fn condition() -> String {
    condition_of(Eyes::ONE)
}

/// The same of whoever a statement names.
fn condition_of(Eyes { person, is_sure }: Eyes) -> String {
    let audience = format!(
        "coalesce(
            (SELECT d.audience FROM disclosures d WHERE d.tenant_id = $1 AND d.person_id = r.person_id AND d.kind = $4),
            CASE WHEN $5 AND NOT {} THEN 'self_only' ELSE 'household' END)",
        is_born_after("r.person_id", "$6")
    );
    let open = protection::not_protected("r.person_id");
    // Whoever has a guardian is protected.
    let wards = protection::wards_of(person);
    let left = has_left("r.person_id", "r.principal_id", "$8");
    format!(
        "({audience} = 'household' AND (
            r.person_id = {person} AND ({is_sure} OR {open})
            OR r.person_id <> {person} AND r.principal_id = {person} AND {open} AND NOT ($7 AND {left})
            OR r.person_id <> {person} AND {is_sure} AND r.person_id IN {wards})
        OR {audience} = 'self_only' AND r.person_id = {person} AND ({is_sure} OR r.principal_id = {person} AND {open}))"
    )
}

/// A row `r` of a delivery `live` that counts.
pub(crate) const COUNTS: &str =
    "live.state = 'published' AND NOT r.withdrawn AND r.superseded_by IS NULL AND NOT r.struck";

/// `SELECT columns` of all rows `r`, of deliveries `live`, that count and that whoever looks may see, from the month `$9` to the
/// month `$10`.
pub fn seen(kind: Kind, columns: &str) -> String {
    seen_of(kind, columns, COUNTS)
}

/// The same of rows that another condition chooses.
pub(crate) fn seen_of(kind: Kind, columns: &str, chosen: &str) -> String {
    seen_by(Eyes::ONE, kind, columns, chosen)
}

/// The same for whoever a statement names. Each part only says where to look, by an index of its own, and no row is in two; the
/// rule decides.
pub(crate) fn seen_by(eyes: Eyes, kind: Kind, columns: &str, chosen: &str) -> String {
    let rows = |place: &str| {
        format!(
            "SELECT * FROM {} o WHERE o.tenant_id = $1 AND o.month >= $9 AND o.month <= $10 AND {place}",
            kind.table()
        )
    };
    let who = eyes.person;
    let own = |place: &str| format!("({}) r", rows(place));
    // One ward after the other: how many there are PostgreSQL doesn't know when it plans.
    let wards = protection::wards_of(who);
    let of_wards = |place: &str| format!("{wards} w CROSS JOIN LATERAL ({} OFFSET 0) r", rows(place));
    let places = [
        own(&format!("o.principal_id = {who}")),
        own(&format!("o.person_id = {who} AND o.person_id <> o.principal_id")),
        of_wards(&format!(
            "o.person_id = w.person_id AND o.person_id <> o.principal_id AND o.person_id <> {who} AND o.principal_id <> {who}"
        )),
        of_wards(&format!(
            "o.principal_id = w.person_id AND o.person_id = o.principal_id AND o.principal_id <> {who}"
        )),
    ];
    let parts = places.map(|place| {
        format!(
            "SELECT {columns} FROM {place} CROSS JOIN LATERAL (
                SELECT * FROM statement_deliveries o WHERE o.tenant_id = $1 AND o.delivery = r.delivery OFFSET 0) live
            WHERE {chosen} AND {}",
            condition_of(eyes)
        )
    });
    parts.join(" UNION ALL ")
}
