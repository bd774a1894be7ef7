//! `madoguchi roster import CODE FILE`: the whole roster of an insurer, or changes to it (異動区分), or nothing; and
//! `madoguchi roster undo CODE RUN`: what an import changed is brought back.

use super::{Failed, keys, said};
use crate::{
    config::Config,
    retention,
    terminal::{self, complain, say},
};
use chrono::NaiveDate;
use clap::Subcommand;
use database::Database;
use kernel::{Clock, ImportId, Keys};
use roster::{
    forget,
    import::{ImportError, ImportRefused, Options, Progress, Relations, Report},
    runs::{at_command, undo_at_command},
};
use std::path::{Path, PathBuf};
use tabular::Source;
use tenancy::{Directory, Insurer};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Import a roster: new and changed persons are written, missing ones lose their coverage; or, with 異動区分, changes alone
    Import {
        /// 保険者指定コード
        code: String,
        /// CSV in UTF-8 or CP932, or a book of Excel's (.xlsx)
        file: PathBuf,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// Go on though more would vanish than the insurer's [roster] allows
        #[arg(long)]
        allow_loss: bool,
        /// Rows that are taken at most
        #[arg(long, default_value_t = Options::MAX_ROWS)]
        max_rows: u64,
    },
    /// Undo an import: bring back what it changed, but of people who have changed since
    Undo {
        /// 保険者指定コード
        code: String,
        /// The import's id, as its page's address in the console has it
        run: String,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let (Command::Import { code, .. } | Command::Undo { code, .. }) = &command;
    let database = Database::connect(config.database()?)?;
    let clock = Clock::system();
    let (keys, names) = config.keys()?;
    keys::proven(&database, &keys, &names).await?;
    let id = tenancy::named(&database, code).await.map_err(said)?;
    let directory = Directory::new(database.clone(), clock.clone());
    let insurer = directory
        .by_tenant(id)
        .await?
        .ok_or_else(|| Failed::Said(format!("no insurer has the code {code}")))?;
    let with = (&database, &keys);
    let lost_before = forget::lost_before(clock.now(), retention::person_kept(config.retention));
    match command {
        Command::Import {
            file,
            dry_run,
            allow_loss,
            max_rows,
            ..
        } => {
            let options = Options {
                dry_run,
                allow_loss,
                max_rows,
                forgotten_before: Some(lost_before),
            };
            show_report(&import_file(with, &clock, &insurer, &file, options).await?);
        }
        Command::Undo { run, .. } => undo(with, &clock, &insurer, &run, lost_before).await?,
    }
    Ok(())
}

async fn undo(
    with: (&Database, &Keys),
    clock: &Clock,
    insurer: &Insurer,
    run: &str,
    lost_before: NaiveDate,
) -> Result<(), Failed> {
    let run = ImportId::parse(run).ok_or_else(|| Failed::Said(format!("{run} is no import's id")))?;
    let undone = undo_at_command(with, insurer, (run, lost_before), clock, show_progress).await;
    terminal::end_progress();
    let report = match undone {
        Ok(Ok(report)) => report,
        Ok(Err(refusal)) => {
            let words = refusal.words(clock.now());
            return Err(Failed::Said(format!("{}。{}", words.heading, words.text)));
        }
        Err(error) => return Err(Failed::Said(error.to_string())),
    };
    say!(
        "  undone: {} changed back, {} returned, {} lost, {} left as they are since they changed later",
        report.changed,
        report.returned,
        report.lost,
        report.skipped
    );
    Ok(())
}

/// Imports with progress on the terminal; the errors of a refused file also go into a CSV beside it.
pub(crate) async fn import_file(
    (database, keys): (&Database, &Keys),
    clock: &Clock,
    insurer: &Insurer,
    file: &Path,
    options: Options,
) -> Result<Report, Failed> {
    let source = Source::file(file);
    let imported = at_command((database, keys), insurer, source, options, clock, show_progress).await;
    terminal::end_progress();
    match imported {
        Ok(report) => Ok(report),
        Err(ImportError::Refused(refused)) => {
            if let ImportRefused::Rows(errors) = &refused {
                for error in errors.kept() {
                    complain!("{}: {error}", file.display());
                }
                if errors.more() > 0 {
                    complain!("ほか{}件", errors.more());
                }
                let csv = file.with_extension("errors.csv");
                files::replace(&csv, |file| errors.write_csv(file))?;
                complain!("全{}件の誤りを{}に書き出しました", errors.count(), csv.display());
            }
            Err(Failed::Said(refused.to_string()))
        }
        Err(error) => Err(Failed::Said(error.to_string())),
    }
}

fn show_progress(progress: Progress) {
    terminal::progress(&match progress {
        Progress::Reading { rows, read } => format!("reading: {rows} rows, {} %", read.percent()),
        Progress::Comparing => "comparing …".to_owned(),
        Progress::Merging => "merging …".to_owned(),
    });
}

fn show_report(report: &Report) {
    let done = if report.dry_run {
        "dry run, nothing written"
    } else if report.is_delta {
        "changes imported"
    } else {
        "imported"
    };
    say!("  {done}: {} rows, {}", report.rows, report.encoding.as_str());
    say!(
        "  new {}, changed {}, returned {}, lost {}, unchanged {}",
        report.new,
        report.changed,
        report.returned,
        report.lost,
        report.unchanged
    );
    if report.corrected.persons > 0 {
        let lines: Vec<String> = report.corrected.lines.iter().map(u64::to_string).collect();
        say!(
            "  birth dates corrected (of people with the same number and name): {}, in lines {}",
            report.corrected.persons,
            lines.join(", ")
        );
    }
    if report.too_old > 0 {
        say!(
            "  not imported, since coverage was lost too long ago to be kept: {}",
            report.too_old
        );
    }
    show_relations(&report.relations);
    if !report.unknown_columns.is_empty() {
        say!("  columns not read: {}", report.unknown_columns.join(", "));
    }
    let vanishing = report.vanishing;
    if report.dry_run && vanishing.is_too_much() {
        say!(
            "  more than {} % would vanish (of {} covered {} not in the file, {} lost by today): the import would need --allow-loss",
            vanishing.percent,
            vanishing.covered.unwrap_or_default(),
            vanishing.missing,
            vanishing.ended
        );
    }
}

fn show_relations(relations: &Relations) {
    let Relations {
        principals,
        family,
        unknown,
        unknown_words,
    } = relations;
    say!("  relations: {principals} insured, {family} family, {unknown} not understood");
    if *unknown == 0 {
        return;
    }
    let words: Vec<String> = unknown_words
        .iter()
        .map(|(word, rows)| format!("\"{word}\" {rows}"))
        .collect();
    let more = if unknown_words.len() == Relations::MOST_WORDS {
        " …"
    } else {
        ""
    };
    say!("  not understood: {}{more}", words.join(", "));
    say!(
        "  whose relation is not understood is not taken for an insured person and can't sign up, but where everybody"
    );
    say!("  is one (national_health): mend the roster, or say what the word means in [relations] of tenant.toml,");
    say!("  apply it, and import again");
}
