//! `madoguchi notice publish CODE FILE`: a notice to all members of an insurer, or to one person of its roster.

use super::{Failed, member::person, tenant::tenant};
use crate::{config::Config, terminal::say};
use audit::{Actor, Origin};
use clap::Subcommand;
use database::{Database, Durability};
use kernel::Clock;
use notices::{Draft, Notices, To};
use std::path::PathBuf;

/// Bytes of a notice; a larger file is a mistake.
const MAX_FILE: u64 = 1024 * 1024;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Publish a notice: Markdown with a title between lines of +++
    Publish {
        /// 保険者指定コード, or `platform` for the notices below the log-in form
        code: String,
        /// The notice
        file: PathBuf,
        /// 記号, for one person
        #[arg(long, requires = "number")]
        symbol: Option<String>,
        /// 番号, for one person
        #[arg(long)]
        number: Option<String>,
        /// 枝番, where several persons share the number
        #[arg(long, requires = "number")]
        branch: Option<String>,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let Command::Publish {
        code,
        file,
        symbol,
        number,
        branch,
    } = command;
    let database = Database::connect(config.database()?)?;
    let clock = Clock::system();
    let text = String::from_utf8(files::read(&file, MAX_FILE)?)
        .map_err(|_| Failed::Said(format!("{}: not UTF-8", file.display())))?;
    let draft = Draft::read(&text, clock.now())
        .map_err(|problem| Failed::Said(format!("{}:{}: {}", file.display(), problem.line, problem.reason)))?;
    let mut tx = database
        .tenant(tenant(&database, &code).await?)
        .write(Durability::Safe)
        .await?;
    let to = match number {
        None => To::All,
        Some(number) => To::Person(
            person(
                &mut tx,
                symbol.as_deref().unwrap_or_default(),
                &number,
                branch.as_deref(),
            )
            .await?,
        ),
    };
    let notices = Notices::new(database.clone(), clock);
    let id = notices
        .publish(&mut tx, &Origin::command(), Actor::Operator, to, &draft)
        .await?;
    tx.commit().await?;
    say!("published {id}");
    Ok(())
}
