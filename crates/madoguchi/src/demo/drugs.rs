//! The demo's medicines: an invented master, by which the samples' rows are reckoned.

use crate::{app::App, commands::Failed};
use chrono::NaiveDate;
use std::io::Cursor;
use tabular::{Opened, Source};

const MASTER: &str = include_str!("drugs.csv");
const CLASSES: &str = include_str!("drug_classes.csv");

/// Brings it, in force before all samples.
pub(super) async fn bring(app: &App) -> Result<(), Failed> {
    let files = (file("drugs.csv", MASTER), file("drug_classes.csv", CLASSES));
    let from = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
    let brought = statements::drugs::bring(&app.ground.database, app.ground.clock.now(), files, from).await;
    brought.map_err(Failed::Said)
}

fn file(name: &str, text: &'static str) -> Source {
    Source::new(name, move || {
        let stream = Box::new(Cursor::new(text));
        let of = u64::try_from(text.len()).unwrap_or_default();
        Ok(Opened { stream, of })
    })
}
