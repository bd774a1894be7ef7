//! `madoguchi roster import CODE FILE`: the whole roster of an insurer, or nothing.

use super::{Failed, said};
use crate::{
    config::Config,
    retention,
    terminal::{self, complain, say},
};
use audit::{Actor, Origin};
use clap::Subcommand;
use database::Database;
use kernel::Clock;
use roster::import::{ImportError, ImportRefused, Options, Progress, Relations, Report, import};
use std::path::{Path, PathBuf};
use tabular::Source;
use tenancy::{Directory, Insurer};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Import a roster: new and changed persons are written, missing ones lose their coverage
    Import {
        /// 保険者指定コード
        code: String,
        /// CSV in UTF-8 or CP932
        file: PathBuf,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// Go on though more than 5 % would vanish
        #[arg(long)]
        allow_loss: bool,
        /// Rows that are taken at most
        #[arg(long, default_value_t = Options::MAX_ROWS)]
        max_rows: u64,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let Command::Import {
        code,
        file,
        dry_run,
        allow_loss,
        max_rows,
    } = command;
    let database = Database::connect(config.database()?)?;
    let clock = Clock::system();
    let id = tenancy::named(&database, &code).await.map_err(said)?;
    let directory = Directory::new(database.clone(), clock.clone());
    let insurer = directory
        .by_tenant(id)
        .await?
        .ok_or_else(|| Failed::Said(format!("no insurer has the code {code}")))?;
    let options = Options {
        dry_run,
        allow_loss,
        max_rows,
        forgotten_before: Some(retention::forgotten_before(config.retention, clock.now())),
    };
    import_file(&database, &clock, &insurer, &file, options).await
}

/// Imports with progress on the terminal; the errors of a refused file also go into a CSV beside it.
pub(crate) async fn import_file(
    database: &Database,
    clock: &Clock,
    insurer: &Insurer,
    file: &Path,
    options: Options,
) -> Result<(), Failed> {
    let by = (Actor::Operator, Origin::command());
    match import(database, insurer, Source::file(file), options, by, clock, show_progress).await {
        Ok(report) => {
            show_report(&report);
            Ok(())
        }
        Err(ImportError::Refused(refused)) => {
            if let ImportRefused::Rows(errors) = &refused {
                for error in errors.kept() {
                    complain!("{}: {error}", file.display());
                }
                if errors.more() > 0 {
                    complain!("… and {} more", errors.more());
                }
                let csv = file.with_extension("errors.csv");
                files::replace(&csv, |file| errors.write_csv(file))?;
                complain!("all {} errors stand in {}", errors.count(), csv.display());
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
    terminal::end_progress();
    let done = if report.dry_run {
        "dry run, nothing written"
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
            "  生年月日の訂正（同じ記号・番号・枝番と氏名の人）: {}件、{}行目",
            report.corrected.persons,
            lines.join("・")
        );
    }
    if report.too_old > 0 {
        say!(
            "  資格喪失から年数がたち、保存期間を過ぎた人: {}人（取り込みませんでした）",
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
            "  more than 5 % would vanish (of {} covered {} not in the file, {} lost by today): the import would need --allow-loss",
            vanishing.covered,
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
    say!("  続柄: 本人 {principals}, 家族 {family}, 不明 {unknown}");
    if *unknown == 0 {
        return;
    }
    let words: Vec<String> = unknown_words
        .iter()
        .map(|(word, rows)| format!("「{word}」{rows}"))
        .collect();
    let more = if unknown_words.len() == Relations::MOST_WORDS {
        " …"
    } else {
        ""
    };
    say!("  意味のわからない続柄: {}{more}", words.join(" "));
    say!("  意味のわからない続柄の人は本人として扱われず、登録できません（全員が被保険者の国民健康保険組合を除く）。");
    say!("  続柄を直すか、tenant.tomlの [relations] に意味を書いて反映してから、もう一度取り込んでください。");
}
