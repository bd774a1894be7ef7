//! Sample statements, of the demo's insurers and of a sandbox: a file for each kind and 処理年月 in an insurer's samples/, imported and published by the very use cases that
//! the command line calls.

use crate::commands::{Failed, said};
use audit::{Actor, Origin};
use ground::Ground;
use kernel::{Outcome, calendar};
use statements::{
    Deliveries, Kind, Month,
    delivery::{State, list},
    import::{ImportError, Wish},
    reading::MAX_ROWS,
    reasons::ImportRefused,
};
use std::path::{Path, PathBuf};
use tabular::{Mapping, Source};
use tenancy::Insurer;

/// Brings what an earlier start did not, the oldest first. What somebody took back meanwhile stays so.
pub(crate) async fn bring(ground: &Ground, insurer: &Insurer, samples: &Path) -> Result<(), Failed> {
    let tx = ground.database.tenant(insurer.tenant_id).read().await?;
    let known = list(&tx, None).await?;
    tx.commit().await?;
    let this_month = Month::of(calendar::today_in_japan(ground.clock.now()));
    for (label, kind, file) in files(samples)? {
        // One that was loaded and not shown was broken off.
        let is_known = known
            .iter()
            .any(|head| (head.kind, head.label) == (kind, label) && head.state != State::Ready);
        if !is_known && label <= this_month {
            show(ground, insurer, (kind, label), &file).await?;
        }
    }
    Ok(())
}

async fn show(ground: &Ground, insurer: &Insurer, (kind, label): (Kind, Month), file: &Path) -> Result<(), Failed> {
    let (deliveries, by) = (Deliveries::new(ground), (Actor::Operator, Origin::command()));
    let wish = Wish {
        kind,
        label: None,
        dry_run: false,
        // A few families' months differ more from each other than an insurer's.
        allow_deviation: true,
        allow_unmatched: false,
        max_rows: MAX_ROWS,
        mapping: Mapping::default(),
        run: None,
        by,
    };
    match deliveries.import(insurer, || Source::file(file), wish, |_| ()).await {
        Ok(_) => {}
        // The samples grow old; what nobody keeps any more is nobody's loss.
        Err(ImportError::Refused(ImportRefused::TooOld { .. })) => return Ok(()),
        // A sandbox is made also where the operator has brought no master of medicines, or another than the samples are of.
        Err(ImportError::Refused(ImportRefused::NoMaster { .. } | ImportRefused::UnknownDrugs { .. }))
            if insurer.is_sandbox =>
        {
            return Ok(());
        }
        Err(error) => return Err(Failed::Said(format!("{}: {error}", file.display()))),
    }
    let published = deliveries.publish(insurer.tenant_id, by, (kind, label, None)).await;
    match published.map_err(said)? {
        Outcome::Done(_) => Ok(()),
        Outcome::Refused(refusal) => Err(Failed::Said(format!("{}: {refusal}", file.display()))),
    }
}

/// `costs-2026-08.csv` and its like, by 処理年月; nothing where there is no such folder.
fn files(samples: &Path) -> Result<Vec<(Month, Kind, PathBuf)>, Failed> {
    if !samples.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(samples)? {
        let file = entry?.path();
        let (kind, label) = file
            .file_stem()
            .and_then(|stem| stem.to_str()?.split_once('-'))
            .unwrap_or_default();
        if let (Some(kind), Some(label)) = (Kind::from_word(kind), Month::parse(label)) {
            files.push((label, kind, file));
        }
    }
    files.sort();
    Ok(files)
}
