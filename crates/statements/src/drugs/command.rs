//! `madoguchi drugs import`: the platform's operator brings a master, and sees first what it changes.

use crate::{
    command::{errors_of, said},
    drugs::{
        Class, Drug, Version,
        difference::Difference,
        import::{Checked, ImportError, Imported, Wish, import},
        reasons::Refused,
    },
    month::Month,
};
use chrono::NaiveDate;
use clap::{FromArgMatches as _, Subcommand};
use ground::Ground;
use kernel::{calendar, text::grouped};
use module::{Command, CommandFailed};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tabular::Source;

#[derive(Subcommand)]
enum Arguments {
    /// Bring the ministry's master of medicines, for all insurers
    Import {
        /// レセ電 医薬品マスター, all of it (y_*.csv)
        #[arg(long)]
        master: PathBuf,
        /// 各先発医薬品の後発医薬品の有無に関する情報: a CSV, or a book of Excel's
        #[arg(long)]
        classes: PathBuf,
        /// From when on it holds, such as 2026-10-01
        #[arg(long)]
        from: NaiveDate,
        /// Only show what it changes
        #[arg(long)]
        dry_run: bool,
        /// Go on though less than half of what there was is left
        #[arg(long)]
        allow_deviation: bool,
    },
}

pub(crate) fn command() -> Command {
    let command = clap::Command::new("drugs")
        .about("The ministry's master of medicines: prices, classes, special charges")
        .subcommand_required(true)
        .arg_required_else_help(true);
    Command {
        arguments: Arguments::augment_subcommands(command),
        alone: None,
        run: Arc::new(|matches, ground, _| {
            Box::pin(async move {
                let arguments = Arguments::from_arg_matches(&matches).map_err(said)?;
                run(arguments, &ground).await
            })
        }),
    }
}

async fn run(arguments: Arguments, ground: &Ground) -> Result<Vec<String>, CommandFailed> {
    let Arguments::Import {
        master,
        classes,
        from,
        dry_run,
        allow_deviation,
    } = arguments;
    let wish = Wish {
        from,
        dry_run,
        allow_deviation,
    };
    let now = ground.clock.now();
    let sources = (Source::file(&master), Source::file(&classes));
    match import(&ground.database, now, sources, wish).await {
        Ok(Imported::Checked(checked)) => {
            let head = format!("  dry run, nothing written: drugs from {from}, {}", files(&checked));
            Ok([vec![head], found(&checked)].concat())
        }
        Ok(Imported::Written(checked, version)) => {
            let head = format!("  written: drugs {}, {}", called(version), files(&checked));
            let next = next(from, calendar::today_in_japan(now));
            Ok([vec![head], found(&checked), next].concat())
        }
        Ok(Imported::Nothing(version)) => Ok(vec![format!(
            "  nothing to do: the drugs {} say the same",
            called(version)
        )]),
        Err(ImportError::Refused(why)) => Err(refused((&master, &classes), &why)),
        Err(error) => Err(said(error)),
    }
}

fn refused((master, classes): (&Path, &Path), why: &Refused) -> CommandFailed {
    let Refused::Rows {
        master: of_master,
        classes: of_classes,
    } = why
    else {
        return said(why);
    };
    CommandFailed::Lines {
        lines: [errors_of(master, of_master), errors_of(classes, of_classes)].concat(),
        reason: why.to_string(),
    }
}

/// What was reckoned by another master stays until it is reckoned anew.
fn next(from: NaiveDate, today: NaiveDate) -> Vec<String> {
    if from > today {
        return Vec::new();
    }
    // A month goes by its first day.
    let first = match Month::of(from) {
        month if month.first() < from => Month::of(month.end()),
        month => month,
    };
    vec![format!(
        "  next, for each insurer with rows from then on: madoguchi statements recompute CODE --from {first}"
    )]
}

fn called(version: Version) -> String {
    let Version { valid_from, version } = version;
    format!("from {valid_from} version {version}")
}

fn files(checked: &Checked) -> String {
    let (master, classes) = checked.encodings;
    let drugs = grouped(checked.drugs.len() as u64);
    format!("{drugs} of them; {master}, classes {classes}")
}

fn found(checked: &Checked) -> Vec<String> {
    let of = |is: &dyn Fn(&Drug) -> bool| grouped(checked.drugs.iter().filter(|drug| is(drug)).count() as u64);
    let classes = Class::ALL.map(|class| format!("{} {}", shown(class), of(&|drug| drug.class == class)));
    let mut lines = vec![
        format!("  classes: {}", classes.join(", ")),
        format!("  with a special charge: {}", of(&|drug| drug.charge_sen > 0)),
    ];
    if checked.unused > 0 {
        lines.push(format!(
            "  of the list not in the master: {}",
            grouped(checked.unused as u64)
        ));
    }
    match &checked.before {
        Some((version, difference)) => lines.extend(against(*version, difference)),
        None => lines.push("  no master before".to_owned()),
    }
    lines
}

fn against(version: Version, difference: &Difference) -> Vec<String> {
    let mut lines = vec![format!(
        "  against those {}: new {}, gone {}, dearer {}, cheaper {}, charged otherwise {}, other changes {}",
        called(version),
        grouped(difference.new),
        grouped(difference.gone),
        grouped(difference.dearer),
        grouped(difference.cheaper),
        grouped(difference.charged),
        grouped(difference.otherwise)
    )];
    let moved = difference.classes.iter();
    lines.extend(moved.map(|((from, to), drugs)| {
        let (from, to) = (shown(*from), shown(*to));
        format!("  class {from} to {to}: {}", grouped(*drugs))
    }));
    lines
}

fn shown(class: Class) -> &'static str {
    match class {
        Class::Unknown => "none",
        known => known.as_str(),
    }
}
