//! `madoguchi notice publish CODE FILE`: a notice to all members of an insurer, or to one person of its roster.

use crate::{Draft, Notices, To};
use audit::{Actor, Origin};
use clap::{FromArgMatches as _, Subcommand};
use database::Durability;
use ground::Ground;
use kernel::TenantId;
use module::{Command, CommandFailed};
use roster::Numbered;
use std::{path::PathBuf, sync::Arc};

/// Bytes of a notice; a larger file is a mistake.
const MAX_FILE: u64 = 1024 * 1024;

#[derive(Subcommand)]
enum Arguments {
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
        /// Tell the members who wish it by mail that there is a notice
        #[arg(long)]
        mail: bool,
    },
}

pub(crate) fn command() -> Command {
    let command = clap::Command::new("notice")
        .about("Notices: publish one")
        .subcommand_required(true)
        .arg_required_else_help(true);
    Command {
        arguments: Arguments::augment_subcommands(command),
        alone: None,
        run: Arc::new(|matches, ground, _| {
            Box::pin(async move {
                let arguments = Arguments::from_arg_matches(&matches).map_err(|error| said(&error))?;
                run(arguments, &ground).await
            })
        }),
    }
}

async fn run(arguments: Arguments, ground: &Ground) -> Result<Vec<String>, CommandFailed> {
    let Arguments::Publish {
        code,
        file,
        symbol,
        number,
        branch,
        mail,
    } = arguments;
    let read = files::read(&file, MAX_FILE).map_err(|error| said(&error))?;
    let text = String::from_utf8(read).map_err(|_| CommandFailed::Said(format!("{}: not UTF-8", file.display())))?;
    let draft = Draft::read(&text, ground.clock.now())
        .map_err(|problem| CommandFailed::Said(format!("{}:{}: {}", file.display(), problem.line, problem.reason)))?;
    let tenant = tenancy::named(&ground.database, &code)
        .await
        .map_err(|error| said(&error))?;
    if mail && tenant == TenantId::PLATFORM {
        return Err(CommandFailed::Said(
            "the platform's notices are read at the door: nobody is told of them by mail".into(),
        ));
    }
    let draft = Draft { mail, ..draft };
    let mut tx = ground.database.tenant(tenant).write(Durability::Safe).await?;
    let to = match number {
        None => To::All,
        Some(number) => {
            let numbered = Numbered {
                symbol: symbol.unwrap_or_default(),
                number,
                branch,
            };
            To::Person(roster::named(&mut tx, &numbered).await.map_err(|error| said(&error))?)
        }
    };
    let id = Notices::new(ground.database.clone(), ground.clock.clone())
        .publish(&mut tx, &Origin::command(), Actor::Operator, to, &draft)
        .await?;
    tx.commit().await?;
    Ok(vec![format!("published {id}")])
}

fn said(error: &impl ToString) -> CommandFailed {
    CommandFailed::Said(error.to_string())
}
