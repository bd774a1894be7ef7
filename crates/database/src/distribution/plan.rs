//! What is to be done, from what the catalogue says: no database is asked here.

use super::{Array, Bool, DistributeError, Nullable, QueryableByName, Text};
use crate::migrations::quoted;
use std::collections::BTreeSet;

/// A table as the catalogue has it.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Table {
    #[diesel(sql_type = Text)]
    pub(super) name: String,
    #[diesel(sql_type = Text)]
    pub(super) comment: String,
    /// Whether even its owner is under row-level security, in each of its partitions too.
    #[diesel(sql_type = Bool)]
    pub(super) forced: bool,
    /// What lies attached to it, and comes and goes with it.
    #[diesel(sql_type = Array<Text>)]
    pub(super) partitions: Vec<String>,
    #[diesel(sql_type = Bool)]
    pub(super) unlogged: bool,
    /// The primary key, where it is one column.
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) key: Option<String>,
    /// Tables that its foreign keys lead to.
    #[diesel(sql_type = Array<Text>)]
    pub(super) targets: Vec<String>,
    /// Where it lies, in the words of [`Place`]; '' for a table that the cluster doesn't know.
    #[diesel(sql_type = Text)]
    pub(super) lies: String,
}

/// Where a table's comment says that it lies in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// By tenant, beside the tenant's other rows.
    Tenant,
    /// By its own key.
    Key(String),
    /// A copy on every node.
    Everywhere,
    /// On the coordinator, known to the cluster.
    Coordinator,
}

impl Place {
    fn of(table: &Table) -> Result<Self, DistributeError> {
        let mut parts = table.comment.split("; ");
        let kind = parts.next().unwrap_or_default();
        let cluster = parts.find_map(|part| part.strip_prefix("cluster "));
        match (kind, cluster, &table.key) {
            ("tenant", None, _) => Ok(Self::Tenant),
            ("reference", None, _) | ("directory", Some("everywhere"), _) => Ok(Self::Everywhere),
            ("directory", Some("by key"), Some(key)) => Ok(Self::Key(key.clone())),
            ("directory", Some("on the coordinator"), _) => Ok(Self::Coordinator),
            _ => Err(DistributeError::UnknownKind {
                table: table.name.clone(),
                comment: table.comment.clone(),
            }),
        }
    }

    /// As a table's `lies` says it.
    fn words(&self) -> String {
        match self {
            Self::Tenant => "spread by tenant_id".to_owned(),
            Self::Key(key) => format!("spread by {key}"),
            Self::Everywhere => "everywhere".to_owned(),
            Self::Coordinator => "on the coordinator".to_owned(),
        }
    }
}

/// Tables that don't lie where they should, those of no known kind too.
pub(super) fn misplaced(tables: &[Table]) -> impl Iterator<Item = &str> {
    tables
        .iter()
        .filter(|table| Place::of(table).map_or(true, |place| place.words() != table.lies))
        .map(|table| table.name.as_str())
}

/// What brings every table to where it lies, in order: nothing is begun where anything can't be done.
pub(super) fn plan(tables: &[Table]) -> Result<Vec<String>, DistributeError> {
    let mut placed = Vec::new();
    for table in tables {
        let place = Place::of(table)?;
        if !table.lies.is_empty() && place.words() != table.lies {
            return Err(DistributeError::Misplaced {
                table: table.name.clone(),
                found: table.lies.clone(),
                wanted: place.words(),
            });
        }
        placed.push((table, place));
    }
    let of = |wanted: fn(&Place) -> bool| placed.iter().filter(move |(_, place)| wanted(place));

    let mut statements = Vec::new();
    for (table, _) in of(|place| *place == Place::Everywhere).filter(|(table, _)| table.lies.is_empty()) {
        statements.push(format!("SELECT create_reference_table({})", regclass(&table.name)));
    }
    let tenants: Vec<&Table> = of(|place| *place == Place::Tenant).map(|(table, _)| *table).collect();
    // Whoever lies there already is who the others join.
    let mut first = tenants
        .iter()
        .find(|table| !table.lies.is_empty())
        .map(|table| table.name.clone());
    for table in targets_first(&tenants)? {
        statements.extend(spread(table, "tenant_id", first.as_deref()));
        first.get_or_insert_with(|| table.name.clone());
    }
    for (table, place) in &placed {
        match place {
            Place::Key(key) => statements.extend(spread(table, key, None)),
            // It becomes a new table of the same name, without the comment: both or nothing.
            Place::Coordinator if table.lies.is_empty() => statements.push(format!(
                "SELECT citus_add_local_table_to_metadata({}); COMMENT ON TABLE {} IS {}",
                regclass(&table.name),
                quoted(&table.name),
                literal(&table.comment)
            )),
            _ => {}
        }
    }
    Ok(statements)
}

/// Takes away what the coordinator keeps of a table's rows after they were copied.
pub(super) fn truncate(table: &str) -> String {
    format!(
        "SELECT truncate_local_data_after_distributing_table({})",
        regclass(table)
    )
}

/// Spreads a table unless it is, beside `first`. Its owner copies it, partition by partition, and sees no row of one that
/// forces row-level security on them; a run that broke off between is made good by the next.
fn spread(table: &Table, column: &str, first: Option<&str>) -> Vec<String> {
    let name = quoted(&table.name);
    let is_tenant = column == "tenant_id";
    let forcing = |force: &str| {
        let parts = table.partitions.iter().map(|part| quoted(part));
        let all = std::iter::once(name.clone()).chain(parts);
        all.map(|name| format!("ALTER TABLE {name} {force} ROW LEVEL SECURITY"))
            .collect::<Vec<_>>()
    };
    let mut statements = Vec::new();
    if table.lies.is_empty() {
        if table.unlogged {
            statements.push(format!("ALTER TABLE {name} SET LOGGED"));
        }
        if is_tenant {
            statements.extend(forcing("NO FORCE"));
        }
        let beside = first.map_or_else(|| "'none'".to_owned(), regclass);
        statements.push(format!(
            "SELECT create_distributed_table({}, {}, colocate_with => {beside})",
            regclass(&table.name),
            literal(column)
        ));
    }
    if is_tenant && (table.lies.is_empty() || !table.forced) {
        statements.extend(forcing("FORCE"));
    }
    statements
}

/// In an order in which the targets of foreign keys come before the tables that lead to them.
fn targets_first<'a>(tables: &[&'a Table]) -> Result<Vec<&'a Table>, DistributeError> {
    let mut waiting: BTreeSet<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let before = waiting.len();
        for table in tables {
            let free = !table.targets.iter().any(|target| waiting.contains(target.as_str()));
            if free && waiting.remove(table.name.as_str()) {
                ordered.push(*table);
            }
        }
        if waiting.len() == before {
            let names: Vec<&str> = waiting.into_iter().collect();
            return Err(DistributeError::NoOrder(names.join(", ")));
        }
    }
    Ok(ordered)
}

fn regclass(table: &str) -> String {
    literal(&quoted(table))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
