//! `madoguchi member unlock CODE`: what the desk does for somebody whom it has spoken with.

use super::{Failed, tenant::tenant};
use crate::{config::Config, terminal::say};
use clap::Subcommand;
use database::{Database, Durability, TenantTransaction};
use kernel::{Branch, Clock, Number, PersonId, Problem, Symbol};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Let verification codes be sent and taken again, where too many were wrong
    Unlock {
        /// 保険者指定コード
        code: String,
        /// 記号
        #[arg(long)]
        symbol: String,
        /// 番号
        #[arg(long)]
        number: String,
        /// 枝番, where several persons share the number
        #[arg(long)]
        branch: Option<String>,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let Command::Unlock {
        code,
        symbol,
        number,
        branch,
    } = command;
    let database = Database::connect(config.database()?)?;
    let mut tx = database
        .tenant(tenant(&database, &code).await?)
        .write(Durability::Safe)
        .await?;
    let person = person(&mut tx, &symbol, &number, branch.as_deref()).await?;
    let unlocked = accounts::unlock(&mut tx, Clock::system().now(), person).await?;
    tx.commit().await?;
    say!("{}", if unlocked { "unlocked" } else { "was not locked" });
    Ok(())
}

/// The one person meant; several are told to be told apart by 枝番.
pub(super) async fn person(
    tx: &mut TenantTransaction,
    symbol: &str,
    number: &str,
    branch: Option<&str>,
) -> Result<PersonId, Failed> {
    let wrong = |field: &'static str| move |problem: Problem| Failed::Said(format!("--{field}: {problem}"));
    let symbol = Symbol::parse(symbol).map_err(wrong("symbol"))?;
    let number = Number::parse(number).map_err(wrong("number"))?;
    let branch = branch.map(Branch::parse).transpose().map_err(wrong("branch"))?;
    let mut persons = roster::numbered(tx, &symbol, &number).await?;
    if let Some(branch) = branch {
        persons.retain(|person| person.branch.key() == branch.key());
    }
    match persons.as_slice() {
        [person] => Ok(person.person_id),
        [] => Err(Failed::Said("nobody has this number".into())),
        several => Err(Failed::Said(format!(
            "{} persons share this number: name one by --branch",
            several.len()
        ))),
    }
}
