//! The result: rows of a value and its target, as a table for people or JSON for programs.

use serde::Serialize;
use std::fmt::Write as _;

/// On which side of the target the value must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    AtLeast,
    AtMost,
}

/// One measured value.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    name: &'static str,
    value: f64,
    target: f64,
    ok: bool,
    #[serde(skip)]
    side: Side,
}

impl Row {
    /// A value that must not lie below its target. The name ends with the unit, where it isn't a ratio.
    pub fn at_least(name: &'static str, value: f64, target: f64) -> Self {
        Self::new(name, value, target, Side::AtLeast)
    }

    /// A value that must not lie above its target.
    pub fn at_most(name: &'static str, value: f64, target: f64) -> Self {
        Self::new(name, value, target, Side::AtMost)
    }

    fn new(name: &'static str, value: f64, target: f64, side: Side) -> Self {
        // Rounded first, so that what is printed and what is judged are the same.
        let value = (value * 1000.0).round() / 1000.0;
        let ok = match side {
            Side::AtLeast => value >= target,
            Side::AtMost => value <= target,
        };
        Self {
            name,
            value,
            target,
            ok,
            side,
        }
    }

    /// True where the target is met.
    pub fn ok(&self) -> bool {
        self.ok
    }
}

/// For programs.
pub fn json(rows: &[Row]) -> String {
    serde_json::to_string_pretty(rows).unwrap_or_default()
}

/// For people.
pub fn table(rows: &[Row], cores: usize) -> String {
    let mut table = format!("{cores} cores\n{:<28} {:>10} {:>10}  ok\n", "name", "value", "target");
    for row in rows {
        let sign = match row.side {
            Side::AtLeast => "≥",
            Side::AtMost => "≤",
        };
        let ok = if row.ok { "ok" } else { "MISSED" };
        let target = format!("{sign} {}", row.target);
        let _ = writeln!(table, "{:<28} {:>10.3} {target:>10}  {ok}", row.name, row.value);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_on_its_own_side_only() {
        assert!(Row::at_least("a", 0.9, 0.9).ok() && !Row::at_least("a", 0.899, 0.9).ok());
        assert!(Row::at_most("a", 48.0, 48.0).ok() && !Row::at_most("a", 48.001, 48.0).ok());
        assert!(!Row::at_least("a", f64::NAN, 0.9).ok());
    }

    #[test]
    fn json_has_exactly_the_four_promised_fields() {
        let value: serde_json::Value = serde_json::from_str(&json(&[Row::at_least("login", 0.95, 0.9)])).unwrap();
        assert_eq!(
            value,
            serde_json::json!([{ "name": "login", "value": 0.95, "target": 0.9, "ok": true }])
        );
    }
}
