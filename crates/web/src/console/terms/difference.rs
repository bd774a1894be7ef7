//! What differs between two texts, side by side: lines in pairs, and within a pair of lines the characters.

use similar::{ChangeTag, DiffOp, TextDiff};
use std::time::{Duration, Instant};

/// Lines that stay the same and are shown around those that don't.
const AROUND: usize = 2;
/// Longer lines are marked as a whole.
const LONGEST: usize = 2_000;
/// How long it is looked for the shortest difference; after that a longer one will do.
const PATIENCE: Duration = Duration::from_millis(300);

/// A row of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum Row {
    /// The same on both sides.
    Same(String),
    /// So many lines that are the same and not shown.
    Skipped(usize),
    /// A line before and after; empty where there was or is none.
    Changed {
        /// As it was.
        before: Vec<Part>,
        /// As it is to be.
        after: Vec<Part>,
    },
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Part {
    pub(in crate::console) text: String,
    /// True where the other side has it not.
    pub(in crate::console) is_marked: bool,
}

impl Part {
    fn whole(line: &str) -> Vec<Self> {
        vec![Self {
            text: line.to_owned(),
            is_marked: true,
        }]
    }
}

/// What differs; nothing of equal texts.
pub(in crate::console) fn compare(before: &str, after: &str) -> Vec<Row> {
    let until = Instant::now() + PATIENCE;
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let diff = TextDiff::configure().deadline(until).diff_slices(&old, &new);
    let mut rows = Vec::new();
    let mut shown = 0;
    let line = |lines: &[&str], nth: usize| lines.get(nth).copied().unwrap_or_default().to_owned();
    for op in diff.grouped_ops(AROUND).iter().flatten() {
        let begin = op.old_range().start;
        skip(&mut rows, begin.saturating_sub(shown));
        shown = op.old_range().end;
        match *op {
            DiffOp::Equal { old_index, len, .. } => {
                rows.extend((old_index..old_index + len).map(|nth| Row::Same(line(&old, nth))));
            }
            _ => rows.extend(changed(
                old.get(op.old_range()).unwrap_or_default(),
                new.get(op.new_range()).unwrap_or_default(),
                until,
            )),
        }
    }
    if !rows.is_empty() {
        skip(&mut rows, old.len().saturating_sub(shown));
    }
    rows
}

fn skip(rows: &mut Vec<Row>, lines: usize) {
    if lines > 0 {
        rows.push(Row::Skipped(lines));
    }
}

/// Lines in pairs; those that one side has more stand alone.
fn changed(old: &[&str], new: &[&str], until: Instant) -> Vec<Row> {
    let pair = |nth: usize| match (old.get(nth), new.get(nth)) {
        (Some(old), Some(new)) => within(old, new, until),
        (old, new) => Row::Changed {
            before: old.map(|line| Part::whole(line)).unwrap_or_default(),
            after: new.map(|line| Part::whole(line)).unwrap_or_default(),
        },
    };
    (0..old.len().max(new.len())).map(pair).collect()
}

/// The characters of a pair of lines; where little is the same, the lines as a whole.
fn within(old: &str, new: &str, until: Instant) -> Row {
    let whole = || Row::Changed {
        before: Part::whole(old),
        after: Part::whole(new),
    };
    if old.chars().count().max(new.chars().count()) > LONGEST {
        return whole();
    }
    let diff = TextDiff::configure().deadline(until).diff_chars(old, new);
    if diff.ratio() < 0.4 {
        return whole();
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        let (text, is_marked) = (change.value(), change.tag() != ChangeTag::Equal);
        if change.tag() != ChangeTag::Insert {
            push(&mut before, text, is_marked);
        }
        if change.tag() != ChangeTag::Delete {
            push(&mut after, text, is_marked);
        }
    }
    Row::Changed { before, after }
}

fn push(parts: &mut Vec<Part>, text: &str, is_marked: bool) {
    match parts.last_mut() {
        Some(last) if last.is_marked == is_marked => last.text.push_str(text),
        _ => parts.push(Part {
            text: text.to_owned(),
            is_marked,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(parts: &[Part]) -> String {
        parts.iter().map(|part| part.text.as_str()).collect()
    }

    #[test]
    fn changed_lines_stand_side_by_side_with_what_changed_in_them_marked() {
        let before = "一\n二\n三\n第4条 保存は3年とする\n五\n六\n七\n八\n";
        let after = "一\n二\n三\n第4条 保存は5年とする\n五\n六\n七\n八\n九\n";
        let rows = compare(before, after);
        assert_eq!(rows[0], Row::Skipped(1));
        assert_eq!(rows[1], Row::Same("二".into()));
        let Row::Changed { before, after } = &rows[3] else {
            panic!("{rows:?}")
        };
        let marked = |parts: &[Part]| {
            parts
                .iter()
                .filter(|part| part.is_marked)
                .map(|part| part.text.clone())
                .collect::<String>()
        };
        assert_eq!((marked(before).as_str(), marked(after).as_str()), ("3", "5"));
        assert!(
            rows.iter()
                .any(|row| matches!(row, Row::Changed { before, after } if before.is_empty() && text(after) == "九"))
        );
        assert!(compare(after_text(), after_text()).is_empty());
    }

    fn after_text() -> &'static str {
        "同じ\n文\n"
    }

    proptest! {
        #[test]
        fn each_side_reads_as_its_text(before in "([あいう\n]|\\PC){0,40}", after in "([あいう\n]|\\PC){0,40}") {
            let rows = compare(&before, &after);
            let side = |lines: &str, take: fn(&Row) -> Option<String>| {
                let mut left = lines.lines();
                for row in &rows {
                    if let Row::Skipped(count) = row {
                        left.by_ref().take(*count).for_each(drop);
                    } else if let Some(shown) = take(row) {
                        // A line that is blank on one side looks like none.
                        if !shown.is_empty() {
                            let next = left.by_ref().find(|line| !line.is_empty());
                            prop_assert_eq!(next.unwrap_or_default(), shown);
                        }
                    }
                }
                Ok(())
            };
            side(&before, |row| match row {
                Row::Same(line) => Some(line.clone()),
                Row::Changed { before, .. } => Some(before.iter().map(|part| part.text.as_str()).collect()),
                Row::Skipped(_) => None,
            })?;
            side(&after, |row| match row {
                Row::Same(line) => Some(line.clone()),
                Row::Changed { after, .. } => Some(after.iter().map(|part| part.text.as_str()).collect()),
                Row::Skipped(_) => None,
            })?;
        }
    }
}
