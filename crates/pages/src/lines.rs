//! Lists of dated links, and what modules show below the log-in form.

use chrono::{DateTime, Utc};
use kernel::{Outage, calendar};
use std::{future::Future, pin::Pin, sync::Arc};

/// A dated link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub title: String,
    /// Of when it is.
    pub day: Day,
    /// Not opened yet by whoever looks.
    pub unread: bool,
}

/// A day as the manual writes it beside notices, and as programs read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// 「2024.04.01」.
    pub dots: String,
    /// `2024-04-01`.
    pub iso: String,
}

impl Day {
    /// The day of a moment in Japan.
    pub fn of(at: DateTime<Utc>) -> Self {
        let day = calendar::in_japan(at);
        Self {
            dots: day.format("%Y.%m.%d").to_string(),
            iso: day.format("%Y-%m-%d").to_string(),
        }
    }
}

/// A list below the log-in form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// Over it.
    pub heading: &'static str,
    /// Nothing is shown where there are none.
    pub lines: Vec<Line>,
}

/// What gives a panel at each look.
pub type PanelSource = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Panel, Outage>> + Send>> + Send + Sync>;

/// The panels below the log-in form, in their order. The page works without one that can't be had just now.
pub async fn panels(sources: &[PanelSource]) -> Vec<Panel> {
    let mut panels = Vec::new();
    for source in sources {
        match source().await {
            Ok(panel) if panel.lines.is_empty() => {}
            Ok(panel) => panels.push(panel),
            Err(error) => tracing::warn!(%error, "a panel below the log-in form is unread"),
        }
    }
    panels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_in_the_manual_and_in_japan() {
        let day = Day::of("2024-03-31T15:00:00Z".parse().unwrap());
        assert_eq!((day.dots.as_str(), day.iso.as_str()), ("2024.04.01", "2024-04-01"));
    }
}
