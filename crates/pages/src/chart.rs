//! Line charts as inline SVG: axes, a line, a sentence that says what it shows, and the numbers as a table (ui/guide.md §6).
//! `macros/chart.html` draws them.

use crate::words::grouped;

const WIDTH: i64 = 480;
const HEIGHT: i64 = 208;
const LEFT: i64 = 56;
const RIGHT: i64 = 24;
const TOP: i64 = 16;
const BOTTOM: i64 = 40;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Below it, and in the table: 「11月3日」.
    pub label: String,
    /// At least 0.
    pub value: i64,
}

impl Point {
    /// 「1,234」.
    pub fn text(&self) -> String {
        grouped(self.value)
    }
}

/// A line over days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChart {
    /// What it shows, in one sentence.
    pub summary: String,
    /// Its values.
    pub points: Vec<Point>,
    top: i64,
}

impl LineChart {
    /// Of these values.
    pub fn new(summary: String, points: Vec<Point>) -> Self {
        let most = points.iter().map(|point| point.value).max().unwrap_or_default();
        Self {
            summary,
            points,
            top: round_above(most),
        }
    }

    /// The picture's box.
    pub fn view_box(&self) -> String {
        format!("0 0 {WIDTH} {HEIGHT}")
    }

    /// The line.
    pub fn line(&self) -> String {
        let points = self.points.iter().enumerate();
        let points: Vec<String> = points
            .map(|(nth, point)| format!("{},{}", self.x(nth), self.y(point.value)))
            .collect();
        points.join(" ")
    }

    /// Heights with what stands beside them, from below.
    pub fn heights(&self) -> Vec<(i64, String)> {
        let values = [Some(0), (self.top % 2 == 0).then_some(self.top / 2), Some(self.top)];
        let values = values.into_iter().flatten();
        values.map(|value| (self.y(value), grouped(value))).collect()
    }

    /// The days that are named below: the first, one in the middle, the last.
    pub fn days(&self) -> Vec<(i64, &str)> {
        let last = self.points.len().saturating_sub(1);
        let mut named = vec![0, last / 2, last];
        named.dedup();
        let days = named.into_iter();
        days.filter_map(|nth| Some((self.x(nth), self.points.get(nth)?.label.as_str())))
            .collect()
    }

    /// Where the axes begin and end.
    pub fn left(&self) -> i64 {
        LEFT
    }

    /// The right end.
    pub fn right(&self) -> i64 {
        WIDTH - RIGHT
    }

    /// Where the names of days stand.
    pub fn below(&self) -> i64 {
        HEIGHT - 10
    }

    fn x(&self, nth: usize) -> i64 {
        let steps = i64::try_from(self.points.len())
            .unwrap_or(i64::MAX)
            .saturating_sub(1)
            .max(1);
        LEFT + i64::try_from(nth).unwrap_or_default() * (WIDTH - LEFT - RIGHT) / steps
    }

    fn y(&self, value: i64) -> i64 {
        HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM) / self.top
    }
}

/// The next 1, 2 or 5 with zeros.
fn round_above(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        for step in [1, 2, 5] {
            if most <= unit * step {
                return unit * step;
            }
        }
        unit *= 10;
        if unit > i64::MAX / 50 {
            return i64::MAX / 1000;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[i64]) -> LineChart {
        let point = |value: &i64| Point {
            label: value.to_string(),
            value: *value,
        };
        LineChart::new(String::new(), values.iter().map(point).collect())
    }

    #[test]
    fn the_line_stands_between_the_axes_whatever_the_values() {
        assert_eq!(chart(&[0, 5, 10]).line(), "56,168 256,92 456,16");
        assert_eq!(chart(&[0, 0]).line(), "56,168 456,168");
        assert_eq!(chart(&[]).line(), "");
        assert_eq!(
            chart(&[7]).heights(),
            [(168, "0".into()), (92, "5".into()), (16, "10".into())]
        );
        assert_eq!(chart(&[1, 2, 3, 4]).days(), [(56, "1"), (189, "2"), (456, "4")]);
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        let tops = [0, 1, 3, 7, 11, 480, 500_000].map(round_above);
        assert_eq!(tops, [1, 1, 5, 10, 20, 500, 500_000]);
        assert!(round_above(i64::MAX / 1000 - 1) > 0);
    }
}
