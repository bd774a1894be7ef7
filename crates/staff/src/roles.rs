//! What somebody is given: roles, each with its reach.

use crate::{
    By,
    clerk::{self, RoleRow},
    fields, reasons,
    schema::staff_roles,
};
use access::{Reach, Role};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{FieldError, Problem, Refusal, StaffId, Symbol, TenantId, text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// 記号 and 事業所コード together that a role reaches at most: each is looked for in every list, shown, and kept in the trail.
const MOST_BOUNDS: usize = 100;
/// Characters of a 事業所コード, as rosters have them.
const LONGEST_CODE: usize = 40;

/// A role with its reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What they may do.
    pub role: Role,
    /// Over whom.
    pub reach: Reach,
}

impl Grant {
    /// A role over everybody.
    pub fn all(role: Role) -> Self {
        Self {
            role,
            reach: Reach::All,
        }
    }
}

/// Over whom a role reaches; without either over everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// 記号, folded.
    symbols: Option<Vec<String>>,
    /// 事業所コード.
    workplaces: Option<Vec<String>>,
}

impl Bounds {
    pub(crate) fn new(symbols: Option<Vec<String>>, workplaces: Option<Vec<String>>) -> Self {
        Self { symbols, workplaces }
    }
}

/// Roles by their word.
pub(crate) type Held = BTreeMap<String, Bounds>;

/// Which role an insurer, or the platform, can't be without.
pub(crate) fn keeper(tenant: TenantId) -> Role {
    if tenant == TenantId::PLATFORM {
        Role::Operator
    } else {
        Role::Administrator
    }
}

/// Grants as they are kept; refused where nobody may give one here, or one lacks its reach.
pub(crate) fn checked(tenant: TenantId, grants: &[Grant]) -> Result<Held, Refusal> {
    let mut held = Held::new();
    for grant in grants {
        // The platform's staff are operators, and nobody else is.
        let is_given = match tenant {
            TenantId::PLATFORM => grant.role == Role::Operator,
            _ => grant.role.is_given(),
        };
        if !is_given {
            return Err(reasons::ROLE_NOT_GIVEN.into());
        }
        held.insert(grant.role.as_str().to_owned(), bounds(grant)?);
    }
    Ok(held)
}

fn bounds(grant: &Grant) -> Result<Bounds, Refusal> {
    let refused = |problem| Refusal::field(FieldError::new(fields::SYMBOLS, problem));
    let of_codes = |problem| Refusal::field(FieldError::new(fields::CODES, problem));
    let Reach::Workplaces { symbols, codes } = &grant.reach else {
        return match grant.role {
            Role::Workplace => Err(refused(Problem::Empty)),
            _ => Ok(Bounds::default()),
        };
    };
    let symbols = symbols
        .iter()
        .map(|symbol| Symbol::parse(symbol).map(|symbol| symbol.key().to_owned()));
    // Each once, in one order: what was typed twice or otherwise is no other reach.
    let symbols: BTreeSet<String> = symbols.collect::<Result<_, _>>().map_err(refused)?;
    let codes: BTreeSet<String> = codes
        .iter()
        .map(|code| text::normalize(code))
        .filter(|code| !code.is_empty())
        .collect();
    if symbols.is_empty() && codes.is_empty() {
        return Err(refused(Problem::Empty));
    }
    if symbols.len() + codes.len() > MOST_BOUNDS {
        return Err(Refusal::field(FieldError::new(fields::BOUNDS, Problem::Characters)));
    }
    if codes.iter().any(|code| text::has_control(code)) {
        return Err(of_codes(Problem::Characters));
    }
    if codes.iter().any(|code| code.chars().count() > LONGEST_CODE) {
        return Err(of_codes(Problem::TooLong { max: LONGEST_CODE }));
    }
    Ok(Bounds {
        symbols: Some(symbols.into_iter().collect()),
        workplaces: Some(codes.into_iter().collect()),
    })
}

/// Roles in words, as a difference shows them.
pub(crate) fn words(held: &Held) -> String {
    let word = |(role, bounds): (&String, &Bounds)| {
        let label = Role::read(role).map_or_else(|| role.clone(), |role| role.label().to_owned());
        let texts = |texts: &Option<Vec<String>>| texts.iter().flatten().cloned().collect::<Vec<_>>();
        let within = [texts(&bounds.symbols), texts(&bounds.workplaces)].concat();
        if within.is_empty() {
            label
        } else {
            format!("{label}（{}）", within.join("、"))
        }
    };
    if held.is_empty() {
        return "なし".into();
    }
    held.iter().map(word).collect::<Vec<_>>().join("、")
}

/// By what a form that shows roles is told from one that shows what they were before: two who edit the same person's.
pub(crate) fn mark(held: &Held) -> String {
    let word = |(role, bounds): (&String, &Bounds)| format!("{role}:{:?}:{:?}", bounds.symbols, bounds.workplaces);
    held.iter().map(word).collect::<Vec<_>>().join("|")
}

/// The roles of somebody that one set has otherwise than the other.
pub(crate) fn otherwise<'a>(one: &'a Held, than: &'a Held) -> impl Iterator<Item = Role> + 'a {
    let differs = |(role, bounds): &(&String, &Bounds)| than.get(*role) != Some(*bounds);
    one.iter().filter(differs).filter_map(|(role, _)| Role::read(role))
}

/// The roles of somebody.
pub(crate) fn of(held: &Held) -> impl Iterator<Item = Role> + '_ {
    held.keys().filter_map(|role| Role::read(role))
}

/// True where one of them is bounded, which bounds them all.
pub(crate) fn is_bounded(held: &Held) -> bool {
    held.values().any(|bounds| *bounds != Bounds::default())
}

/// The roles somebody holds.
pub(crate) async fn held(tx: &TenantTransaction, id: StaffId) -> Result<Held, DatabaseError> {
    let one = |row: RoleRow| {
        let bounds = Bounds {
            symbols: row.symbols,
            workplaces: row.workplaces,
        };
        (row.role, bounds)
    };
    Ok(clerk::roles(tx, id).await?.into_iter().map(one).collect())
}

/// Makes these the roles somebody holds; gives the difference for the trail. What stays as it was keeps by whom and since
/// when.
pub(crate) async fn replace(
    tx: &TenantTransaction,
    id: StaffId,
    grants: &Held,
    by: By<'_>,
    now: DateTime<Utc>,
) -> Result<Value, DatabaseError> {
    let (tenant, before) = (tx.tenant(), held(tx, id).await?);
    let gone: Vec<&str> = before
        .iter()
        .filter(|(role, bounds)| grants.get(*role) != Some(*bounds))
        .map(|(role, _)| role.as_str())
        .collect();
    diesel::delete(staff_roles::table)
        .filter(staff_roles::tenant_id.eq(tenant))
        .filter(staff_roles::staff_id.eq(id))
        .filter(staff_roles::role.eq_any(gone))
        .execute(&mut &**tx)
        .await?;
    for (role, bounds) in grants
        .iter()
        .filter(|(role, bounds)| before.get(*role) != Some(*bounds))
    {
        diesel::insert_into(staff_roles::table)
            .values((
                staff_roles::tenant_id.eq(tenant),
                staff_roles::staff_id.eq(id),
                staff_roles::role.eq(role),
                staff_roles::symbols.eq(bounds.symbols.clone()),
                staff_roles::workplaces.eq(bounds.workplaces.clone()),
                staff_roles::granted_by.eq(by.id()),
                staff_roles::granted_at.eq(now),
            ))
            .execute(&mut &**tx)
            .await?;
    }
    Ok(json!({ "before": before, "after": grants }))
}
