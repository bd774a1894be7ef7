//! What the command line says of deliveries: counts and sums, nobody's name and nobody's number.

use crate::{
    check::Checked,
    delivery::{Delivery, State},
    import::Progress,
    kind::Kind,
    month::Month,
    publish::Published,
    recompute::Recomputed,
    tally::{Sum, Tally},
};
use chrono::{DateTime, Utc};
use kernel::{calendar, text::grouped};
use std::fmt::Display;

/// A dry run.
pub(crate) fn checked(checked: &Checked, oldest: Month) -> Vec<String> {
    let Checked { kind, label, .. } = checked;
    let head = format!("  dry run, nothing written: {kind} {label}, {}", file(checked));
    [vec![head], found(checked, oldest)].concat()
}

/// An import, and what comes next.
pub(crate) fn loaded((delivery, code): (&Delivery, &str), checked: &Checked, oldest: Month) -> Vec<String> {
    let head = format!("  loaded: {}, {}", called(delivery), file(checked));
    let Delivery { kind, label, .. } = delivery;
    let next = format!("  next: madoguchi statements publish {code} {kind} {label}");
    [vec![head], found(checked, oldest), vec![next]].concat()
}

/// An import of what is published.
pub(crate) fn nothing_to_do(delivery: &Delivery) -> Vec<String> {
    vec![format!(
        "  nothing to do: {} is published with the same file",
        called(delivery)
    )]
}

pub(crate) fn published(published: &Published) -> Vec<String> {
    let Published {
        delivery,
        replaced,
        superseded,
    } = published;
    let replaced = replaced.map_or(String::new(), |version| format!("version {version} replaced, "));
    vec![format!(
        "  published: {}, {} rows; {replaced}{} rows superseded",
        called(delivery),
        grouped(delivery.rows),
        grouped(*superseded)
    )]
}

pub(crate) fn to_be_published(delivery: &Delivery, at: DateTime<Utc>) -> Vec<String> {
    vec![format!("  to be published: {} at {}", called(delivery), minute(at))]
}

pub(crate) fn withdrawn(withdrawn: &Published) -> Vec<String> {
    let done = match withdrawn.delivery.state {
        State::Withdrawn => "withdrawn",
        _ => "no longer to be published",
    };
    vec![format!("  {done}: {}", called(&withdrawn.delivery))]
}

/// A line of each delivery whose rows were reckoned anew.
pub(crate) fn recomputed(recomputed: &[Recomputed]) -> Vec<String> {
    if recomputed.is_empty() {
        return vec!["  nothing to recompute".to_owned()];
    }
    let line = |of: &Recomputed| {
        let (rows, changed) = (grouped(of.rows), grouped(of.changed));
        format!("  recomputed: {}, {rows} rows, {changed} changed", called(&of.delivery))
    };
    recomputed.iter().map(line).collect()
}

/// A line of each, below one that says what they hold.
pub(crate) fn list(deliveries: &[Delivery]) -> Vec<String> {
    let line = |[kind, label, version, state, rows, held, file]: [&dyn Display; 7]| {
        format!("  {kind:<9}  {label:<7}  {version:>7}  {state:<31}  {rows:>9}  {held:>7}  {file}")
    };
    let head = line([&"kind", &"label", &"version", &"state", &"rows", &"held", &"file"]);
    let lines = deliveries.iter().map(|delivery| {
        let (rows, held, label) = (
            grouped(delivery.rows),
            grouped(delivery.held),
            delivery.label.to_string(),
        );
        line([
            &delivery.kind.as_str(),
            &label,
            &delivery.version,
            &state(delivery),
            &rows,
            &held,
            &delivery.file_name,
        ])
    });
    [head].into_iter().chain(lines).collect()
}

pub(crate) fn progress(progress: Progress) -> String {
    match progress {
        Progress::Checking { rows, percent } => format!("checking: {rows} rows, {percent} %"),
        Progress::Loading { rows, percent } => format!("loading: {rows} rows, {percent} %"),
    }
}

fn state(delivery: &Delivery) -> String {
    let state = delivery.state.as_str();
    match delivery.publish_at {
        _ if delivery.purged_at.is_some() => format!("{state}, purged"),
        Some(at) => format!("{state}, at {}", minute(at)),
        None => state.to_owned(),
    }
}

fn called(delivery: &Delivery) -> String {
    let Delivery {
        kind, label, version, ..
    } = delivery;
    format!("{kind} {label} version {version}")
}

fn file(checked: &Checked) -> String {
    format!("{} rows, {}", grouped(checked.tally.rows), checked.encoding)
}

/// What a file was found to hold.
fn found(checked: &Checked, oldest: Month) -> Vec<String> {
    let Checked { kind, tally, .. } = checked;
    let mut lines = vec![format!(
        "  matched {} rows of {} people, held {} (unknown {}, several {})",
        grouped(tally.rows.saturating_sub(checked.held())),
        grouped(checked.persons),
        grouped(checked.held()),
        grouped(checked.unknown),
        grouped(checked.several)
    )];
    lines.extend(tally.months().into_iter().map(|month| of_month(*kind, tally, month)));
    let corrected = checked.corrected;
    let yen = match kind {
        Kind::Costs => format!(" ({} yen)", with_sign(corrected.yen)),
        Kind::Medicines => String::new(),
    };
    lines.push(format!(
        "  claims corrected {}{yen}, withdrawn {}",
        grouped(corrected.claims),
        grouped(corrected.withdrawn)
    ));
    if checked.unknown_drugs > 0 {
        let rows = grouped(checked.unknown_drugs);
        lines.push(format!("  medicines not in the master: {rows} rows, of no class"));
    }
    if tally.too_old > 0 {
        let rows = grouped(tally.too_old);
        lines.push(format!(
            "  too old to be shown (before {oldest}): {rows} rows, left out"
        ));
    }
    if tally.uneven > 0 {
        let rows = grouped(tally.uneven);
        lines.push(format!("  total is not the sum of its shares in {rows} rows"));
    }
    if tally.joint > 0 {
        let rows = grouped(tally.joint);
        lines.push(format!(
            "  more is given back than was paid in {rows} rows: 支給額 must be the person's own, never a household's"
        ));
    }
    if let Some(version) = checked.same {
        lines.push(format!("  version {version} was loaded from the same file"));
    }
    if !checked.unknown_columns.is_empty() {
        lines.push(format!("  columns not read: {}", checked.unknown_columns.join(", ")));
    }
    lines
}

fn of_month(kind: Kind, tally: &Tally, month: Month) -> String {
    let of_month = tally.by.iter().filter(|((of, _), _)| *of == month);
    let sums = of_month.map(|((_, category), Sum { rows, total, .. })| match kind {
        Kind::Costs => format!("{category} {} rows {} yen", grouped(*rows), grouped(*total)),
        Kind::Medicines => format!("{category} {} rows", grouped(*rows)),
    });
    format!("  {month}: {}", sums.collect::<Vec<_>>().join(", "))
}

fn minute(at: DateTime<Utc>) -> String {
    calendar::in_japan(at).format("%Y-%m-%d %H:%M").to_string()
}

fn with_sign(number: i64) -> String {
    let plus = if number > 0 { "+" } else { "" };
    format!("{plus}{}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sum_changes_by_has_its_sign() {
        assert_eq!(
            (with_sign(0), with_sign(12), with_sign(-12)),
            ("0".into(), "+12".into(), "-12".into())
        );
    }
}
