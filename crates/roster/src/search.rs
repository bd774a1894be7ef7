//! People as staff look for them, page by page. Each statement goes by equality on stored keys or by a range of one that is
//! kept in the order of its bytes, in the order of an index: under row-level security anything else reads the whole
//! insurer.

use crate::{
    protection::not_protected,
    sight::{Protected, Sight, Statement},
};
use access::Reach;
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Array, Bool, Date, Integer, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{KanaName, PersonId};
use serde::{Deserialize, Serialize};

/// What is thought to be one's own, or a family's, and what thousands have in common where it stands in for what nobody knows: a
/// phone number of zeros. So many are looked at.
macro_rules! most_shared {
    () => {
        100
    };
}

/// By what somebody is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By<'a> {
    /// Everybody.
    All,
    /// 記号・番号 in any of these readings, also those that people had before.
    Numbers(&'a [NumberKeys]),
    /// The beginning of a 氏名（カナ）, as the manual has names compared.
    Kana(&'a KanaName),
    /// Those whom only the second fold of the kana finds (ヂ and ジ, ヅ and ズ).
    OtherKana(&'a KanaName),
    /// The beginning of a name in kanji, by its key.
    Name(&'a str),
    /// 社員番号, by its key.
    Employee(&'a str),
    /// The mail address that the insurer knows, by its key.
    Email(&'a str),
    /// The phone number that the insurer knows, by its key: often a whole family's.
    Phone(&'a str),
    /// These people.
    People(&'a [PersonId]),
}

/// A reading of a typed 記号・番号: the keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberKeys {
    /// 記号; empty where there is none.
    pub symbol: String,
    /// 番号.
    pub number: String,
    /// 枝番; empty for every one.
    pub branch: String,
}

/// Of whom a list is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// 事業所コード.
    pub workplace: Option<String>,
    /// With an account, or without one.
    pub registered: Option<bool>,
    /// Insured people, or their dependants.
    pub insured: Option<bool>,
    /// Those without a day of loss, or those with one, past or to come.
    pub covered: Option<bool>,
    /// The protected alone; for those who may see them.
    pub protected: bool,
}

/// The last of a page: where the next one goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    /// [`Found::key`].
    pub key: String,
    /// Who.
    pub person: PersonId,
}

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Found {
    /// Who.
    #[diesel(sql_type = Uuid)]
    pub person_id: PersonId,
    /// 記号.
    #[diesel(sql_type = Text)]
    pub symbol: String,
    /// 番号.
    #[diesel(sql_type = Text)]
    pub number: String,
    /// 枝番.
    #[diesel(sql_type = Text)]
    pub branch: String,
    /// 氏名（漢字）; empty where the insurer gives none.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// 氏名（カナ）.
    #[diesel(sql_type = Text)]
    pub kana_name: String,
    /// 続柄名称.
    #[diesel(sql_type = Text)]
    pub relationship: String,
    /// 事業所コード.
    #[diesel(sql_type = Text)]
    pub workplace_code: String,
    /// 資格喪失日.
    #[diesel(sql_type = Nullable<Date>)]
    pub lost_on: Option<NaiveDate>,
    /// By what the list is in order.
    #[diesel(sql_type = Text)]
    pub key: String,
    /// Protected, for somebody who may not see it: of the rest but the name, the 続柄 and the key nothing is here.
    #[diesel(sql_type = Bool)]
    pub is_veiled: bool,
}

impl Found {
    fn veiled(self) -> Self {
        if !self.is_veiled {
            return self;
        }
        let name = if self.name.is_empty() {
            self.kana_name
        } else {
            self.name
        };
        Self {
            symbol: String::new(),
            number: String::new(),
            branch: String::new(),
            kana_name: String::new(),
            workplace_code: String::new(),
            lost_on: None,
            name,
            ..self
        }
    }
}

/// A page of those found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub people: Vec<Found>,
    /// True where there are more.
    pub more: bool,
    /// True where more have what was looked for in common than are looked at.
    pub is_cut: bool,
}

/// Up to `limit` of the people whom `by` finds and `sight` sees, after one of them. One statement, and one more where of too many with
/// something in common nobody is left. Protected people are
/// veiled where they are asked for by number or by name and nothing else: whatever narrows a list would tell of them.
pub async fn search(
    tx: &TenantTransaction,
    sight: &Sight,
    filter: &Filter,
    by: &By<'_>,
    after: Option<&After>,
    limit: u32,
) -> Result<Page, DatabaseError> {
    let Source {
        with,
        from,
        of,
        order,
        conditions,
        parameters,
        beginning,
        is_cut,
    } = by.source(filter.protected);
    let (key, person) = (format!("{of}.{order}"), format!("{of}.person_id"));
    let mut next = 2 + parameters;
    let mut take = |count: usize| {
        next += count;
        next - count
    };
    // A page goes on behind its last; the first begins where the range does. Not both: an index is read from the first
    // bound that it is told.
    let start = match (after, &beginning) {
        (Some(_), _) => {
            let last = take(2);
            format!(" AND ({key}, {person}) > (${last}, ${})", last + 1)
        }
        (None, Some(_)) => format!(" AND {key} >= ${}", take(1)),
        (None, None) => String::new(),
    };
    let end = match &beginning {
        Some(_) => format!(" AND {key} < ${}", take(1)),
        None => String::new(),
    };
    let workplace = match &filter.workplace {
        Some(_) => format!(" AND p.workplace_code = ${} AND p.workplace_code <> ''", take(1)),
        None => String::new(),
    };
    let registered = either(filter.registered, " AND p.registered", " AND NOT p.registered");
    let insured = either(filter.insured, " AND p.insured", " AND NOT p.insured");
    let covered = either(filter.covered, " AND p.lost_on IS NULL", " AND p.lost_on IS NOT NULL");
    let protected = if filter.protected && from != PROTECTED {
        format!(" AND NOT {}", not_protected("p.person_id"))
    } else {
        String::new()
    };
    let veils = sight.protected == Protected::Veiled && by.is_of_who() && *filter == Filter::default();
    let (seen, is_veiled) = if veils {
        (String::new(), format!("NOT {}", not_protected("p.person_id")))
    } else {
        (sight.protected_condition(), "false".to_owned())
    };
    let narrowed = format!("{conditions}{start}{end}{workplace}{registered}{insured}{covered}{protected}{seen}");
    let (with, from) = match &sight.reach {
        // By the order of the whole insurer a few would be looked for among all.
        Reach::Workplaces { .. } if with.is_empty() && from != PROTECTED && by.is_by_own(filter) => {
            (own(next, &narrowed, limit), OF_FOUND)
        }
        _ => (with.to_owned(), from),
    };
    let sql = format!(
        "{with}SELECT p.person_id, p.symbol, p.number, p.branch, p.name, p.kana_name, p.relationship, p.workplace_code,
             p.lost_on, {key} AS key, {is_veiled} AS is_veiled, {is_cut} AS is_cut
         FROM {from}
         WHERE p.tenant_id = $1 AND p.emptied_at IS NULL{narrowed}{}
         ORDER BY {key}, {person} LIMIT {}",
        sight.reach_condition(next),
        limit + 1
    );
    let statement = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant());
    let statement = by.bind(statement);
    let statement = match (after, &beginning) {
        (Some(after), _) => statement
            .bind::<Text, _>(after.key.clone())
            .bind::<Uuid, _>(after.person),
        (None, Some(beginning)) => statement.bind::<Text, _>(beginning.clone()),
        (None, None) => statement,
    };
    let ends = beginning.map(|beginning| format!("{beginning}{}", char::MAX));
    let mut statement = statement;
    for text in [ends, filter.workplace.clone()].into_iter().flatten() {
        statement = statement.bind::<Text, _>(text);
    }
    let rows: Vec<Row> = Prepared(sight.bind(statement)).load(&mut &**tx).await?;
    let is_cut = match rows.as_slice().first() {
        Some(row) => row.is_cut,
        None if is_cut == "false" => false,
        // Of all who were looked at nobody is left: that there are more is told all the same.
        None => {
            let cut = diesel::sql_query(format!("{with}SELECT {is_cut} AS is_cut"))
                .into_boxed::<Pg>()
                .bind::<Integer, _>(tx.tenant());
            let cut: Cut = Prepared(by.bind(cut)).get_result(&mut &**tx).await?;
            cut.is_cut
        }
    };
    let limit = limit as usize;
    Ok(Page {
        more: rows.len() > limit,
        is_cut,
        people: rows.into_iter().take(limit).map(|row| row.found.veiled()).collect(),
    })
}

#[derive(QueryableByName)]
struct Cut {
    #[diesel(sql_type = Bool)]
    is_cut: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    found: Found,
    #[diesel(sql_type = Bool)]
    is_cut: bool,
}

impl By<'_> {
    /// True where it is what those know who speak with a person: who they are.
    fn is_of_who(&self) -> bool {
        matches!(
            self,
            Self::Numbers(_) | Self::Kana(_) | Self::OtherKana(_) | Self::Name(_)
        )
    }

    /// True where a workplace's own people are looked through in the order of this list.
    fn is_by_own(&self, filter: &Filter) -> bool {
        matches!(self, Self::All | Self::Kana(_)) && filter.workplace.is_none()
    }

    /// Where people come from; its parameters begin at `$2`. What finds few is found before it is put in order: the planner
    /// must not take the order for the way to find them. All who are protected are put in order by what stands with their
    /// protection, before any of them is looked up; of those whom something is typed of, each is looked at.
    fn source(&self, protected: bool) -> Source {
        let source = match self {
            Self::All => Source::index("kana_fold1", "", None),
            Self::Kana(name) => Source::index("kana_fold1", "", Some(&name.fold_keys()[0])),
            Self::OtherKana(name) => Source::index(
                "kana_fold2",
                " AND p.kana_fold2 <> p.kana_fold1",
                Some(&name.fold_keys()[1]),
            ),
            Self::Name(key) => Source::index("name_key", " AND p.name_key <> ''", Some(key)),
            Self::Numbers(_) => Source::few(NUMBERS, 3),
            Self::Employee(_) => Source::shared(EMPLOYEE),
            Self::Email(_) => Source::shared(EMAIL),
            Self::Phone(_) => Source::shared(PHONE),
            Self::People(_) => Source::few(PEOPLE, 1),
        };
        if protected && source.with.is_empty() {
            Source {
                from: PROTECTED,
                of: if matches!(self, Self::All) { "x" } else { "p" },
                ..source
            }
        } else {
            source
        }
    }

    fn bind<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        match self {
            Self::All | Self::Kana(_) | Self::OtherKana(_) | Self::Name(_) => statement,
            Self::Numbers(readings) => {
                let column = |key: fn(&NumberKeys) -> &String| readings.iter().map(key).cloned().collect::<Vec<_>>();
                statement
                    .bind::<Array<Text>, _>(column(|keys| &keys.symbol))
                    .bind::<Array<Text>, _>(column(|keys| &keys.number))
                    .bind::<Array<Text>, _>(column(|keys| &keys.branch))
            }
            Self::Employee(key) | Self::Email(key) | Self::Phone(key) => statement.bind::<Text, _>((*key).to_owned()),
            Self::People(people) => statement.bind::<Array<Uuid>, _>(people.to_vec()),
        }
    }
}

/// The part of the statement that a look-up brings.
struct Source {
    with: &'static str,
    from: &'static str,
    /// Whose columns the list is in order by.
    of: &'static str,
    /// By which column.
    order: &'static str,
    conditions: &'static str,
    parameters: usize,
    /// With what that column begins.
    beginning: Option<String>,
    /// Whether there are more than are looked at.
    is_cut: &'static str,
}

impl Source {
    fn index(order: &'static str, conditions: &'static str, beginning: Option<&str>) -> Self {
        Self {
            with: "",
            from: "persons p",
            of: "p",
            order,
            conditions,
            parameters: 0,
            beginning: beginning.map(str::to_owned),
            is_cut: "false",
        }
    }

    fn shared(with: &'static str) -> Self {
        Self {
            is_cut: concat!("(SELECT count(*) FROM found) > ", most_shared!()),
            ..Self::few(with, 1)
        }
    }

    fn few(with: &'static str, parameters: usize) -> Self {
        Self {
            with,
            from: OF_FOUND,
            of: "p",
            order: "kana_fold1",
            conditions: "",
            parameters,
            beginning: None,
            is_cut: "false",
        }
    }
}

fn either(wanted: Option<bool>, yes: &'static str, no: &'static str) -> &'static str {
    match wanted {
        None => "",
        Some(true) => yes,
        Some(false) => no,
    }
}

/// The first of each workplace of a reach, whose parameters are `$first` and the one after it, so many of each that a page is
/// made of them.
fn own(first: usize, narrowed: &str, limit: u32) -> String {
    let of = |parameter: usize, own: &str| {
        format!(
            "SELECT few.person_id FROM unnest(${parameter}::text[]) AS own (code)
             CROSS JOIN LATERAL (
                 SELECT p.person_id FROM persons p
                 WHERE p.tenant_id = $1 AND p.emptied_at IS NULL AND {own}{narrowed}
                 ORDER BY p.kana_fold1, p.person_id LIMIT {}
             ) AS few",
            limit + 1
        )
    };
    let symbols = of(first, "p.symbol_key = own.code");
    let codes = of(first + 1, "p.workplace_code = own.code AND p.workplace_code <> ''");
    format!("WITH found AS MATERIALIZED ({symbols} UNION {codes}) ")
}

const NUMBERS: &str = "\
WITH found AS MATERIALIZED (
    SELECT p.person_id
    FROM unnest($2::text[], $3::text[], $4::text[]) AS typed (symbol_key, number_key, branch_key)
    CROSS JOIN LATERAL (
        SELECT * FROM persons q
        WHERE q.tenant_id = $1 AND q.symbol_key = typed.symbol_key AND q.number_key = typed.number_key OFFSET 0
    ) p
    WHERE typed.branch_key = '' OR p.branch_key = typed.branch_key
    UNION
    SELECT n.person_id
    FROM unnest($2::text[], $3::text[], $4::text[]) AS typed (symbol_key, number_key, branch_key)
    CROSS JOIN LATERAL (
        SELECT * FROM person_numbers q
        WHERE q.tenant_id = $1 AND q.symbol_key = typed.symbol_key AND q.number_key = typed.number_key OFFSET 0
    ) n
    WHERE typed.branch_key = '' OR n.branch_key = typed.branch_key
) ";

/// One by one, by their key: joined, the whole insurer would be read for a few.
pub(crate) const OF_FOUND: &str = "found CROSS JOIN LATERAL (
    SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = found.person_id OFFSET 0) p";

macro_rules! shared {
    ($key:literal) => {
        concat!(
            "WITH found AS MATERIALIZED (SELECT p.person_id FROM persons p WHERE p.tenant_id = $1 AND p.",
            $key,
            " = $2 AND p.",
            $key,
            " <> '' AND p.emptied_at IS NULL LIMIT ",
            most_shared!(),
            " + 1) "
        )
    };
}

const EMPLOYEE: &str = shared!("employee_key");
const EMAIL: &str = shared!("email_key");
const PHONE: &str = shared!("phone_key");

/// In an order of their own, with the condition of its index: that of persons goes through everybody.
const PROTECTED: &str = "\
(SELECT * FROM protections q WHERE q.tenant_id = $1 AND q.lifted_at IS NULL AND q.kana_fold1 >= '') x CROSS JOIN LATERAL (
    SELECT * FROM persons q WHERE q.tenant_id = $1 AND q.person_id = x.person_id OFFSET 0) p";

const PEOPLE: &str = "\
WITH found AS MATERIALIZED (
    SELECT DISTINCT asked.person_id FROM unnest($2::uuid[]) AS asked (person_id)
) ";
