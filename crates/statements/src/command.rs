//! `madoguchi statements import | publish | withdraw | list | recompute | reckon`: what the insurer's core delivered is looked at,
//! loaded, shown, taken back and reckoned anew by an operator.

use crate::{
    Deliveries, Kind, Month, delivery,
    import::{ImportError, Imported, Wish},
    reading::MAX_ROWS,
    reasons::ImportRefused,
    reckon, words,
};
use audit::{Actor, Origin};
use chrono::{DateTime, NaiveDateTime, Utc};
use clap::{
    FromArgMatches as _, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use ground::Ground;
use kernel::{Outcome, TenantId, calendar};
use module::{Command, CommandFailed, Tell};
use std::{
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tabular::{Mapping, RowErrors, Source};
use tenancy::Insurer;

#[derive(Subcommand)]
enum Arguments {
    /// Load a delivery of the insurer's core, to be published later
    Import {
        /// 保険者指定コード
        code: String,
        /// CSV in UTF-8 or CP932, or a book of Excel's
        file: PathBuf,
        /// Of what it is
        #[arg(long, value_parser = kinds())]
        kind: Kind,
        /// 処理年月, such as 2026-08, where the file has no column of it
        #[arg(long, value_parser = month)]
        label: Option<Month>,
        /// Only show what it holds
        #[arg(long)]
        dry_run: bool,
        /// Go on though it is less than half or more than twice what earlier ones were
        #[arg(long)]
        allow_deviation: bool,
        /// Go on though the roster knows nobody of more rows than usual
        #[arg(long)]
        allow_unmatched: bool,
    },
    /// Show a loaded delivery to members, in the place of the version before
    Publish {
        /// 保険者指定コード
        code: String,
        /// Of what
        #[arg(value_parser = kinds())]
        kind: Kind,
        /// 処理年月
        #[arg(value_parser = month)]
        label: Month,
        /// Not now, but at this time in Japan: 2026-11-25T08:00
        #[arg(long, value_parser = time)]
        at: Option<DateTime<Utc>>,
        /// Another version than the newest
        #[arg(long)]
        version: Option<i32>,
    },
    /// Show a published delivery no more
    Withdraw {
        /// 保険者指定コード
        code: String,
        /// Of what
        #[arg(value_parser = kinds())]
        kind: Kind,
        /// 処理年月
        #[arg(value_parser = month)]
        label: Month,
    },
    /// List the deliveries of an insurer, the newest first
    List {
        /// 保険者指定コード
        code: String,
        /// Of this kind alone
        #[arg(long, value_parser = kinds())]
        kind: Option<Kind>,
    },
    /// Reckon classes, savings and special charges of loaded medicines anew, by the masters and settings of today
    Recompute {
        /// 保険者指定コード
        code: String,
        /// The first month of treatment, such as 2026-10; all of them without it
        #[arg(long, value_parser = month)]
        from: Option<Month>,
    },
    /// Reckon a case that a file describes, without a database: for whoever has to explain a figure
    Reckon {
        /// JSON of settings, drugs, lines, rows and families
        file: PathBuf,
    },
}

pub(crate) fn command() -> Command {
    let command = clap::Command::new("statements")
        .about("Statements of costs and medicines: import, publish, withdraw, list, recompute, reckon")
        .subcommand_required(true)
        .arg_required_else_help(true);
    Command {
        arguments: Arguments::augment_subcommands(command),
        alone: Some(Arc::new(|matches| match Arguments::from_arg_matches(matches) {
            Ok(Arguments::Reckon { file }) => Some(reckon::file::reckoned(&file).map_err(CommandFailed::Said)),
            _ => None,
        })),
        run: Arc::new(|matches, ground, tell| {
            Box::pin(async move {
                let arguments = Arguments::from_arg_matches(&matches).map_err(said)?;
                run(arguments, &ground, tell).await
            })
        }),
    }
}

async fn run(arguments: Arguments, ground: &Ground, tell: Tell) -> Result<Vec<String>, CommandFailed> {
    let (deliveries, by) = (Deliveries::new(ground), (Actor::Operator, Origin::command()));
    match arguments {
        Arguments::Import {
            code,
            file,
            kind,
            label,
            dry_run,
            allow_deviation,
            allow_unmatched,
        } => {
            let insurer = insurer(ground, &code).await?;
            let wish = Wish {
                kind,
                label,
                dry_run,
                allow_deviation,
                allow_unmatched,
                max_rows: MAX_ROWS,
                mapping: Mapping::default(),
                run: None,
                by,
            };
            import(ground, (&code, &insurer), &file, wish, tell).await
        }
        Arguments::Publish {
            code,
            kind,
            label,
            at: Some(at),
            version,
        } => {
            let tenant = insurer(ground, &code).await?.tenant_id;
            let published = deliveries.publish_at(tenant, by, (kind, label, version), at).await;
            done(ground, published.map_err(said)?).map(|delivery| words::to_be_published(&delivery, at))
        }
        Arguments::Publish {
            code,
            kind,
            label,
            at: None,
            version,
        } => {
            let tenant = insurer(ground, &code).await?.tenant_id;
            let published = deliveries.publish(tenant, by, (kind, label, version)).await;
            done(ground, published.map_err(said)?).map(|published| words::published(&published))
        }
        Arguments::Withdraw { code, kind, label } => {
            let tenant = insurer(ground, &code).await?.tenant_id;
            let withdrawn = deliveries.withdraw(tenant, by, (kind, label)).await;
            done(ground, withdrawn.map_err(said)?).map(|withdrawn| words::withdrawn(&withdrawn))
        }
        Arguments::List { code, kind } => {
            let tenant = insurer(ground, &code).await?.tenant_id;
            let tx = ground.database.tenant(tenant).read().await?;
            let listed = delivery::list(&tx, kind).await?;
            tx.commit().await?;
            Ok(words::list(&listed))
        }
        Arguments::Recompute { code, from } => {
            let insurer = insurer(ground, &code).await?;
            let progress = |rows| tell(&format!("recomputing: {rows} rows"));
            let recomputed = deliveries.recompute(&insurer, from, by, progress).await;
            Ok(words::recomputed(&recomputed.map_err(said)?))
        }
        Arguments::Reckon { file } => reckon::file::reckoned(&file).map_err(CommandFailed::Said),
    }
}

/// Whoever is meant by a code; the platform insures nobody.
async fn insurer(ground: &Ground, code: &str) -> Result<Arc<Insurer>, CommandFailed> {
    let tenant = tenancy::named(&ground.database, code).await.map_err(said)?;
    if tenant == TenantId::PLATFORM {
        return Err(CommandFailed::Said(
            "the platform insures nobody: name an insurer by its code".into(),
        ));
    }
    let insurer = ground.directory.by_tenant(tenant).await?;
    insurer.ok_or_else(|| CommandFailed::Said(format!("no insurer has the code {code}")))
}

async fn import(
    ground: &Ground,
    (code, insurer): (&str, &Insurer),
    file: &Path,
    wish: Wish,
    tell: Tell,
) -> Result<Vec<String>, CommandFailed> {
    may_be_read_twice(file)?;
    let open = || Source::file(file);
    let progress = |progress| tell(&words::progress(progress));
    let imported = Deliveries::new(ground).import(insurer, open, wish, progress).await;
    match imported {
        Ok(Imported::Checked(checked)) => Ok(words::checked(&checked, oldest(ground, insurer))),
        Ok(Imported::Loaded { delivery, checked }) => {
            Ok(words::loaded((&delivery, code), &checked, oldest(ground, insurer)))
        }
        Ok(Imported::Nothing { delivery }) => Ok(words::nothing_to_do(&delivery)),
        Err(ImportError::Refused(why)) => Err(refused(file, &why)),
        Err(error) => Err(said(error)),
    }
}

/// A pipe is empty once it was read, and what is loaded is only what was checked.
fn may_be_read_twice(file: &Path) -> Result<(), CommandFailed> {
    let is_file = fs::metadata(file).map(|about| about.is_file());
    match is_file {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommandFailed::Said(format!(
            "{}は、ふつうのファイルではありません。2回読むため、パイプなどからは取り込めません。ファイルに保存してから、もう一度取り込んでください。",
            file.display()
        ))),
        Err(error) => Err(CommandFailed::Said(format!("{}: {error}", file.display()))),
    }
}

/// All that is wrong with a file also goes into a CSV beside it.
fn refused(file: &Path, why: &ImportRefused) -> CommandFailed {
    let ImportRefused::Rows(errors) = why else {
        let all_the_same = why.flag().map_or_else(String::new, |flag| {
            format!("正しいときは {flag} を付けて、もう一度取り込んでください。")
        });
        return CommandFailed::Said(format!("{why}{all_the_same}"));
    };
    CommandFailed::Lines {
        lines: errors_of(file, errors),
        reason: why.to_string(),
    }
}

/// The first of a file's errors, and where all of them are.
pub(crate) fn errors_of<R: Display>(file: &Path, errors: &RowErrors<R>) -> Vec<String> {
    if errors.count() == 0 {
        return Vec::new();
    }
    let mut lines: Vec<String> = errors
        .kept()
        .iter()
        .map(|error| format!("{}: {error}", file.display()))
        .collect();
    if errors.more() > 0 {
        lines.push(format!("ほか{}件", errors.more()));
    }
    let csv = file.with_extension("errors.csv");
    let written: io::Result<()> = files::replace(&csv, |file| errors.write_csv(file));
    lines.push(match written {
        Ok(()) => format!("全{}件の誤りを{}に書き出しました", errors.count(), csv.display()),
        Err(error) => format!("{}には書き出せませんでした（{error}）", csv.display()),
    });
    lines
}

/// The oldest month that is shown.
fn oldest(ground: &Ground, insurer: &Insurer) -> Month {
    let today = calendar::today_in_japan(ground.clock.now());
    Month::of(today).back(insurer.statements.months_online)
}

/// What was done, or why nothing was.
fn done<T>(ground: &Ground, outcome: Outcome<T>) -> Result<T, CommandFailed> {
    match outcome {
        Outcome::Done(done) => Ok(done),
        Outcome::Refused(refusal) => {
            let words = refusal.words(ground.clock.now());
            Err(CommandFailed::Said(format!("{}。{}", words.heading, words.text)))
        }
    }
}

pub(crate) fn said(error: impl Display) -> CommandFailed {
    CommandFailed::Said(error.to_string())
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::as_str))
        .try_map(|word| Kind::from_word(&word).ok_or_else(|| format!("{word} is no kind")))
}

fn month(text: &str) -> Result<Month, String> {
    Month::parse(text).ok_or_else(|| "a month is written 2026-08".into())
}

/// A minute as clocks in Japan show it.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let typed =
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").map_err(|_| "a time is written 2026-11-25T08:00")?;
    let since_midnight = typed.signed_duration_since(typed.date().into());
    Ok(calendar::start_of_day(typed.date()) + since_midnight)
}
