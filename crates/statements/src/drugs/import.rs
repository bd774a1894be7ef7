//! A master is brought: two files, looked at from beginning to end, held against the master before, and then written as a whole
//! or not at all. A master in force is never changed: a correction is a newer version of its day.

use crate::drugs::{
    self, Class, Drug, Version, classes,
    difference::Difference,
    master::{self, Line},
    reasons::{ErrorLog, Reason, Refused},
};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use kernel::TenantId;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    io,
    time::Duration,
};
use tabular::{Encoding, Source};

/// What writing a master may take, on a slow disk.
const LIMIT: Duration = Duration::from_mins(5);

/// What is asked of an import.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// From when on it holds.
    pub(super) from: NaiveDate,
    /// Looks, and writes nothing.
    pub(super) dry_run: bool,
    /// Takes files of less than half of what the master before has.
    pub(super) allow_deviation: bool,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) drugs: Vec<Drug>,
    /// How each file is written.
    pub(super) encodings: (Encoding, Encoding),
    /// Codes of the list that no drug of the master has.
    pub(super) unused: usize,
    /// What was in force before, and what differs from it.
    pub(super) before: Option<(Version, Difference)>,
}

/// How it ends.
#[derive(Debug)]
pub(super) enum Imported {
    /// It was a dry run.
    Checked(Checked),
    /// It is there, and counts from its day on.
    Written(Checked, Version),
    /// The master in force says the same.
    Nothing(Version),
}

/// Why it did nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImportError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("a file could not be read: {0}")]
    File(#[from] io::Error),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Imports 医薬品マスター with the list of classes.
pub(super) async fn import(
    database: &Database,
    now: DateTime<Utc>,
    (master, classes): (Source, Source),
    wish: Wish,
) -> Result<Imported, ImportError> {
    let imported = run(database, now, (master, classes), wish).await;
    if let (Err(ImportError::Refused(why)), false) = (&imported, wish.dry_run) {
        let platform = database.tenant(TenantId::PLATFORM);
        let tx = platform.write(Durability::Safe).await?;
        record(&tx, now, why.code(), json!({ "from": wish.from.to_string() })).await?;
        tx.commit().await?;
    }
    imported
}

/// Brings a master without being asked what it changes; nothing where it says the same as the one before. What was wrong, in
/// words, where it could not be read.
pub async fn bring(
    database: &Database,
    now: DateTime<Utc>,
    files: (Source, Source),
    from: NaiveDate,
) -> Result<(), String> {
    let wish = Wish {
        from,
        dry_run: false,
        allow_deviation: true,
    };
    let brought = import(database, now, files, wish).await;
    brought.map(|_| ()).map_err(|error| error.to_string())
}

async fn run(
    database: &Database,
    now: DateTime<Utc>,
    (master, classes): (Source, Source),
    wish: Wish,
) -> Result<Imported, ImportError> {
    let platform = database.tenant(TenantId::PLATFORM).within(LIMIT);
    let read = read(master, classes, wish.from).await?;
    let tx = platform.read().await?;
    let (checked, before) = compare(&tx, wish.from, read).await?;
    tx.commit().await?;
    if let Some((version, difference)) = &checked.before
        && difference.is_none()
    {
        return Ok(Imported::Nothing(*version));
    }
    if !wish.allow_deviation {
        is_whole(&checked, &before)?;
    }
    if wish.dry_run {
        return Ok(Imported::Checked(checked));
    }
    let mut tx = platform.write(Durability::Safe).await?;
    // What it was held against is still what it follows.
    let in_force = drugs::in_force(&tx, vec![wish.from]).await?;
    let follows = in_force.first().map(|(_, version)| *version);
    if follows != checked.before.as_ref().map(|(version, _)| *version) {
        return Err(Refused::Meanwhile.into());
    }
    let version = drugs::add(&mut tx, wish.from, &checked.drugs).await?;
    let version = version.ok_or(Refused::Meanwhile)?;
    record(&tx, now, "done", detail(version, &checked)).await?;
    tx.commit().await?;
    Ok(Imported::Written(checked, version))
}

/// What both files say.
struct Read {
    drugs: Vec<Drug>,
    encodings: (Encoding, Encoding),
    unused: usize,
}

async fn read(master: Source, classes: Source, from: NaiveDate) -> Result<Read, ImportError> {
    let master = master::read(master).await?;
    let classes = classes::read(classes).await?;
    let mut compared = ErrorLog::default();
    let charges = charges(&master.lines, &mut compared);
    if !(master.errors.is_empty() && compared.is_empty() && classes.errors.is_empty()) {
        // Sorting them reads files.
        let refused = tokio::task::spawn_blocking(move || {
            let master = master.errors.with(compared)?;
            let classes = classes.errors.with(ErrorLog::default())?;
            io::Result::Ok(Refused::Rows { master, classes })
        });
        return Err(refused.await.map_err(io::Error::other)??.into());
    }
    let lines = master.lines.into_iter().zip(charges);
    let of_line = |(line, charge_sen): (Line, i64)| Drug {
        valid_from: from,
        class: classes.of.get(&line.price_code).copied().unwrap_or_default(),
        code: line.code,
        price_code: line.price_code,
        name: line.name,
        unit: line.unit,
        price_sen: line.price_sen,
        charge_sen,
        ends_on: line.ends_on,
    };
    let drugs: Vec<Drug> = lines.map(of_line).collect();
    let used: HashSet<&str> = drugs.iter().map(|drug| drug.price_code.as_str()).collect();
    let unused = classes.of.keys().filter(|code| !used.contains(code.as_str())).count();
    Ok(Read {
        encodings: (master.encoding, classes.encoding),
        unused,
        drugs,
    })
}

/// 特別の料金 of a unit of each line: the price of what it is chosen instead of a generic of, less its own.
fn charges(lines: &[Line], errors: &mut ErrorLog) -> Vec<i64> {
    let prices: HashMap<&str, i64> = lines.iter().map(|line| (line.code.as_str(), line.price_sen)).collect();
    let mut charge = |line: &Line| {
        let Some(original) = &line.original else {
            return 0;
        };
        let refuse = |reason| (line.at, "長期収載品関連", original.as_str(), reason);
        let wrong = match prices.get(original.as_str()) {
            Some(price) if *price >= line.price_sen => return price - line.price_sen,
            Some(_) => refuse(Reason::Dearer),
            None => refuse(Reason::Original),
        };
        let (line, column, value, reason) = wrong;
        errors.add_value(line, column, value, reason);
        0
    };
    lines.iter().map(&mut charge).collect()
}

/// Holds it against the master that is in force on its day, which is given with it.
async fn compare(tx: &TenantTransaction, from: NaiveDate, read: Read) -> Result<(Checked, Vec<Drug>), DatabaseError> {
    let in_force = drugs::in_force(tx, vec![from]).await?;
    let (mut before, mut difference) = (Vec::new(), None);
    if let Some((_, version)) = in_force.first() {
        before = drugs::all(tx, *version).await?;
        difference = Some((*version, Difference::of(&before, &read.drugs)));
    }
    let checked = Checked {
        drugs: read.drugs,
        encodings: read.encodings,
        unused: read.unused,
        before: difference,
    };
    Ok((checked, before))
}

/// Refuses what is rather a part of a master, or of a list, than a whole one.
fn is_whole(checked: &Checked, before: &[Drug]) -> Result<(), Refused> {
    let Some((version, _)) = &checked.before else {
        return Ok(());
    };
    let classed = |drugs: &[Drug]| drugs.iter().filter(|drug| drug.class != Class::Unknown).count();
    let counts = [
        ("品目数", checked.drugs.len(), before.len()),
        ("後発区分のある品目数", classed(&checked.drugs), classed(before)),
    ];
    match counts.into_iter().find(|(_, here, before)| here * 2 < *before) {
        Some((what, here, before)) => Err(Refused::Part {
            what,
            here,
            before,
            since: version.valid_from,
        }),
        None => Ok(()),
    }
}

fn detail(version: Version, checked: &Checked) -> Value {
    let difference = checked.before.as_ref().map(|(_, difference)| difference);
    let changed = difference.map(|of| {
        json!({
            "new": of.new, "gone": of.gone, "dearer": of.dearer, "cheaper": of.cheaper,
            "classes": of.classes.values().sum::<u64>(),
        })
    });
    json!({
        "from": version.valid_from.to_string(), "version": version.version, "drugs": checked.drugs.len(),
        "difference": changed,
    })
}

async fn record(
    tx: &TenantTransaction,
    now: DateTime<Utc>,
    outcome: &'static str,
    detail: Value,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor: Actor::Operator,
        action: "drugs.import",
        object: None,
        outcome,
        detail,
    };
    audit::record(tx, now, &Origin::command(), entry).await
}
