//! What applying a folder would change, in lines for an operator, and what may not change any more.

use crate::{
    Base, Folder, FolderProblem, PartFiles, PartLines, Revision, Settings, SharedNetwork, TermsHead, copied,
    directory::InsurerRow, export, revise, schema::insurers,
};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{InsurerCode, TenantId, calendar};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// What applying a folder would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// The insurer; none where the folder makes a new one.
    pub tenant: Option<TenantId>,
    /// What changes, in English, a line each; empty where nothing does.
    pub lines: Vec<String>,
    /// What the folder changes though it is published: it can't be applied.
    pub refused: Vec<FolderProblem>,
    /// What an operator should know besides.
    pub remarks: Vec<String>,
}

impl Difference {
    /// True where the database holds what the folder holds.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.refused.is_empty()
    }
}

/// Compares a folder with the database. What is in force at `now` can't be changed.
pub async fn difference(database: &Database, now: DateTime<Utc>, folder: &Folder) -> Result<Difference, DatabaseError> {
    let mut tx = database.directory().await?;
    let row = stored(&mut tx, folder).await?;
    let copied = copied::remarks(&mut tx, folder).await?;
    tx.commit().await?;
    let settings = row.as_ref().map(InsurerRow::settings).transpose()?;
    let mut difference = compare(settings.as_ref(), folder, now);
    difference.remarks.extend(copied);
    difference.tenant = row.map(|row| row.tenant_id);
    let mut tx = match difference.tenant {
        Some(tenant) => Some(database.tenant(tenant).read().await?),
        None => None,
    };
    compare_parts(&mut difference, tx.as_mut(), folder, now).await?;
    if let Some(mut tx) = tx {
        if !difference.lines.is_empty() {
            difference.refused.extend(stale(&mut tx, folder).await?);
        }
        tx.commit().await?;
    }
    Ok(difference)
}

/// Why a folder that changes something may not be laid over what stands: it knows nothing of a later revision.
pub(crate) async fn stale(tx: &mut TenantTransaction, folder: &Folder) -> Result<Option<FolderProblem>, DatabaseError> {
    let newer = match folder.base {
        Base::Any => None,
        // What never stood is no export of what stands.
        Base::Revision(known) if revise::is_to_come(tx, known).await? => revise::newer_than(tx, 0).await?,
        Base::Revision(known) => revise::newer_than(tx, known).await?,
        Base::Unknown => revise::last_of_console(tx).await?,
    };
    Ok(newer.map(|Revision { revision, applied_by, .. }| FolderProblem {
        file: "tenant.toml".into(),
        line: 1,
        reason: format!(
            "the folder knows nothing of revision {revision} (by {applied_by}): export the insurer anew and change that, \
             or lay this folder over it by --force"
        ),
        key: String::new(),
    }))
}

/// What modules keep, against what is kept of it, if anything.
pub(crate) async fn compare_parts(
    difference: &mut Difference,
    mut tx: Option<&mut TenantTransaction>,
    folder: &Folder,
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    for PartFiles { part, files } in &folder.parts {
        let PartLines { changes, remarks } = (part.difference)(tx.as_deref_mut(), now, files).await?;
        difference.lines.extend(changes);
        difference.remarks.extend(remarks);
    }
    Ok(())
}

/// The comparison of all else, against the settings in the database, if any.
pub(crate) fn compare(stored: Option<&Settings>, folder: &Folder, now: DateTime<Utc>) -> Difference {
    let mut difference = Difference {
        remarks: folder.remarks(),
        ..Difference::default()
    };
    let none = Settings::default();
    let code = folder.code.as_ref().map(InsurerCode::as_str);
    if let Some(stored) = stored {
        let proposed = |settings: &Settings| {
            let generics = settings.statements.generics;
            (generics.saving, generics.exclude_classes)
        };
        if proposed(stored) != proposed(&folder.settings) {
            let code = code.unwrap_or_default();
            difference.remarks.push(format!(
                "medicines that are loaded keep the savings of before until: madoguchi statements recompute {code}"
            ));
        }
        difference.refused.extend(other_sandbox(stored, folder));
        let (stored, new) = (plain(code, stored), plain(code, &folder.settings));
        compare_values("", &stored, &new, &mut difference.lines);
    } else {
        let code = code.unwrap_or_default();
        let line = format!("new insurer {code} {}", folder.settings.name);
        difference.lines.push(line);
    }
    let stored = stored.unwrap_or(&none);
    compare_networks(stored, &folder.settings, &mut difference.lines);
    compare_logo(stored, &folder.settings, &mut difference.lines);
    compare_terms(stored, folder, now, &mut difference);
    difference
}

/// Whose people are invented never gets real ones, and the other way round.
fn other_sandbox(stored: &Settings, folder: &Folder) -> Option<FolderProblem> {
    let reason = match (stored.sandbox, folder.settings.sandbox) {
        (true, false) => {
            "the insurer was made as a sandbox and stays one: write sandbox = true, or make another insurer"
        }
        (false, true) => {
            "the insurer was not made as a sandbox and can't become one: take this line out, or make a sandbox under another code"
        }
        _ => return None,
    };
    Some(FolderProblem {
        file: "tenant.toml".into(),
        line: folder.sandbox_line,
        reason: reason.into(),
        key: "sandbox".into(),
    })
}

/// What differs between two revisions of an insurer's settings, a line each.
pub(crate) fn lines(code: Option<&str>, old: &Settings, new: &Settings) -> Vec<String> {
    let mut lines = Vec::new();
    compare_values("", &plain(code, old), &plain(code, new), &mut lines);
    compare_networks(old, new, &mut lines);
    compare_logo(old, new, &mut lines);
    let mut tell = |those: &Settings, these: &Settings, verb: &str| {
        for head in those.terms.iter().filter(|head| !these.terms.contains(head)) {
            lines.push(format!("terms {} revision {} {verb}", head.document, head.revision));
        }
    };
    tell(old, new, "taken out");
    tell(new, old, "put in");
    lines
}

/// A tenant.toml as a table, without what is compared by its own rules.
fn plain(code: Option<&str>, settings: &Settings) -> Table {
    let toml = export::tenant_toml(code, settings);
    // What is written for tenant.toml reads as one.
    let mut table: Table = toml.parse().unwrap_or_default();
    table.retain(|key, _| !matches!(key, "network" | "logo" | "sandbox"));
    table
}

/// What differs, by its key in tenant.toml.
fn compare_values(path: &str, old: &Table, new: &Table, lines: &mut Vec<String>) {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let none = Table::new();
    for key in keys {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (old.get(key), new.get(key)) {
            (old, new) if old == new => {}
            (Some(Value::Table(old)), Some(Value::Table(new))) => compare_values(&path, old, new, lines),
            (Some(Value::Table(old)), None) => compare_values(&path, old, &none, lines),
            (None, Some(Value::Table(new))) => compare_values(&path, &none, new, lines),
            (old, new) => lines.push(format!("{path}: {} → {}", shown(old), shown(new))),
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "none".to_owned(), Value::to_string)
}

fn compare_networks(stored: &Settings, new: &Settings, lines: &mut Vec<String>) {
    for SharedNetwork { cidr, factor } in &new.networks {
        match stored.networks.iter().find(|old| old.cidr == *cidr) {
            Some(old) if old.factor == *factor => {}
            Some(old) => lines.push(format!("network {cidr}: factor {} → {factor}", old.factor)),
            None => lines.push(format!("network {cidr} added, factor {factor}")),
        }
    }
    for old in &stored.networks {
        if !new.networks.iter().any(|new| new.cidr == old.cidr) {
            lines.push(format!("network {} removed", old.cidr));
        }
    }
}

fn compare_logo(stored: &Settings, new: &Settings, lines: &mut Vec<String>) {
    match (&stored.logo, &new.logo) {
        (None, Some(new)) => lines.push(format!("logo added ({} × {})", new.width, new.height)),
        (Some(_), None) => lines.push("logo removed".into()),
        (Some(old), Some(new)) if old != new => lines.push(format!("logo changed ({} × {})", new.width, new.height)),
        _ => {}
    }
}

/// A revision whose day has come stays for ever as it is; one still to come may be rewritten or withdrawn.
fn compare_terms(stored: &Settings, folder: &Folder, now: DateTime<Utc>, difference: &mut Difference) {
    let same = |a: &TermsHead, b: &TermsHead| a.document == b.document && a.revision == b.revision;
    for new in &folder.terms {
        let name = format!("terms {} revision {}", new.head.document, new.head.revision);
        let day = calendar::today_in_japan(new.head.effective_at);
        match stored.terms.iter().find(|old| same(old, &new.head)) {
            Some(old) if *old == new.head => {}
            Some(old) if old.effective_at <= now => difference.refused.push(FolderProblem {
                file: new.file.clone(),
                line: 1,
                reason: format!(
                    "{name} is published and can't be changed: write revision {}",
                    new.head.revision + 1
                ),
                key: String::new(),
            }),
            Some(_) => difference
                .lines
                .push(format!("{name} rewritten before its day, in force from {day}")),
            None => difference.lines.push(format!("{name} added, in force from {day}")),
        }
    }
    for old in &stored.terms {
        if folder.settings.terms.iter().any(|new| same(old, new)) {
            continue;
        }
        let name = format!("terms {} revision {}", old.document, old.revision);
        if old.effective_at <= now {
            let file = format!("terms/{}.{}.md", old.document, old.revision);
            let reason = format!("{name} is published and can't be removed: the file is missing");
            difference.refused.push(FolderProblem {
                file: file.into(),
                line: 1,
                reason,
                key: String::new(),
            });
        } else {
            difference.lines.push(format!("{name} withdrawn before its day"));
        }
    }
}

/// The row of the folder's insurer, or of the platform.
pub(crate) async fn stored(
    connection: &mut AsyncPgConnection,
    folder: &Folder,
) -> Result<Option<InsurerRow>, DatabaseError> {
    let rows = insurers::table.select(InsurerRow::as_select());
    let row = match &folder.code {
        Some(code) => {
            rows.filter(insurers::insurer_code.eq(code.as_str()))
                .first(connection)
                .await
        }
        None => {
            rows.filter(insurers::tenant_id.eq(TenantId::PLATFORM))
                .first(connection)
                .await
        }
    };
    Ok(row.optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Color, TermsFile};

    fn day(text: &str) -> DateTime<Utc> {
        calendar::start_of_day(text.parse().unwrap())
    }

    fn terms(revision: i32, from: &str, body: &str) -> TermsFile {
        let effective_at = day(from);
        let content_hash = crate::terms::content_hash("x", effective_at, None, body);
        let head = TermsHead {
            document: "addendum".into(),
            revision,
            title: "x".into(),
            effective_at,
            content_hash,
            agree_again: true,
        };
        let file = format!("terms/addendum.{revision}.md").into();
        TermsFile {
            file,
            head,
            changes: None,
            body: body.into(),
        }
    }

    fn folder(terms: Vec<TermsFile>) -> Folder {
        let settings = Settings {
            terms: terms.iter().map(|terms| terms.head.clone()).collect(),
            ..Settings::default()
        };
        let code = InsurerCode::parse("32290413").unwrap();
        Folder {
            terms,
            ..Folder::of_settings(Some(code), settings)
        }
    }

    fn lines(stored: &Folder, folder: &Folder) -> Vec<String> {
        let difference = compare(Some(&stored.settings), folder, day("2026-11-22"));
        difference
            .lines
            .into_iter()
            .chain(difference.refused.iter().map(ToString::to_string))
            .collect()
    }

    #[test]
    fn settings_are_compared_leaf_by_leaf() {
        let (stored, mut changed) = (folder(vec![]), folder(vec![]));
        assert!(compare(Some(&stored.settings), &stored, day("2026-11-22")).is_empty());
        changed.settings.brand_color = Color([0, 0, 0]);
        changed.settings.desk.phone = "050-2030-4706".into();
        assert_eq!(
            lines(&stored, &changed),
            [
                r##"brand_color: "#0017c1" → "#000000""##,
                r#"desk.phone: "" → "050-2030-4706""#
            ]
        );
    }

    #[test]
    fn a_difference_speaks_as_tenant_toml_does() {
        let (stored, mut changed) = (folder(vec![]), folder(vec![]));
        changed.settings.desk.days = vec![chrono::Weekday::Mon, chrono::Weekday::Fri];
        changed.settings.relations = [("01".to_owned(), kernel::Relation::Principal)].into();
        let expected = [r#"desk.days: [] → ["mon", "fri"]"#, r#"relations.01: none → "self""#];
        assert_eq!(lines(&stored, &changed), expected);
        assert_eq!(lines(&changed, &stored)[1], r#"relations.01: "self" → none"#);
    }

    #[test]
    fn networks_are_compared_one_by_one() {
        let network = |cidr: &str, factor| SharedNetwork {
            cidr: cidr.parse().unwrap(),
            factor,
        };
        let (mut stored, mut changed) = (folder(vec![]), folder(vec![]));
        stored.settings.networks = vec![network("192.0.2.0/28", 10), network("198.51.100.7/32", 5)];
        changed.settings.networks = vec![network("192.0.2.0/28", 20), network("2001:db8::/44", 2)];
        assert_eq!(
            lines(&stored, &changed),
            [
                "network 192.0.2.0/28: factor 10 → 20",
                "network 2001:db8::/44 added, factor 2",
                "network 198.51.100.7/32 removed"
            ]
        );
        assert!(lines(&changed, &changed).is_empty());
    }

    #[test]
    fn what_is_in_force_can_be_neither_changed_nor_removed() {
        let stored = folder(vec![terms(1, "2024-04-05", "a"), terms(2, "2026-11-22", "b")]);
        let changed = folder(vec![terms(1, "2024-04-05", "a"), terms(2, "2026-11-22", "c")]);
        assert_eq!(
            lines(&stored, &changed),
            ["terms/addendum.2.md:1: terms addendum revision 2 is published and can't be changed: write revision 3"]
        );
        let moved = folder(vec![terms(1, "2024-04-05", "a"), terms(2, "2027-01-01", "b")]);
        assert_eq!(lines(&stored, &moved).len(), 1);
        let removed = folder(vec![terms(1, "2024-04-05", "a")]);
        assert_eq!(
            lines(&stored, &removed),
            ["terms/addendum.2.md:1: terms addendum revision 2 is published and can't be removed: the file is missing"]
        );
    }

    #[test]
    fn what_is_to_come_may_be_rewritten_and_withdrawn() {
        let first = || terms(1, "2024-04-05", "a");
        let stored = folder(vec![first(), terms(2, "2026-11-23", "b")]);
        let rewritten = folder(vec![first(), terms(2, "2026-12-01", "c")]);
        assert_eq!(
            lines(&stored, &rewritten),
            ["terms addendum revision 2 rewritten before its day, in force from 2026-12-01"]
        );
        let withdrawn = folder(vec![first()]);
        assert_eq!(
            lines(&stored, &withdrawn),
            ["terms addendum revision 2 withdrawn before its day"]
        );
        assert_eq!(
            lines(&withdrawn, &stored),
            ["terms addendum revision 2 added, in force from 2026-11-23"]
        );
    }
}
