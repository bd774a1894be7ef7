//! `madoguchi member unlock CODE`: what the desk does for somebody whom it has spoken with.

use super::{Failed, said};
use crate::{config::Config, terminal::say};
use clap::Subcommand;
use database::{Database, Durability};
use kernel::Clock;
use roster::Numbered;

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
        .tenant(tenancy::named(&database, &code).await.map_err(said)?)
        .write(Durability::Safe)
        .await?;
    let numbered = Numbered { symbol, number, branch };
    let person = roster::named(&mut tx, &numbered).await.map_err(said)?;
    let unlocked = accounts::unlock(&mut tx, Clock::system().now(), person).await?;
    tx.commit().await?;
    say!("{}", if unlocked { "unlocked" } else { "was not locked" });
    Ok(())
}
