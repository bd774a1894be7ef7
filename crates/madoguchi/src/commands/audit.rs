//! `madoguchi audit …`: whether the trail is whole, and what to keep elsewhere so that it can be told.

use super::{Failed, said};
use crate::{app, config::Config, terminal::say};
use ::audit::proof::{self, Anchor, Finding, Report, What};
use chrono::TimeDelta;
use clap::Subcommand;
use database::Database;
use kernel::{Clock, TenantId, calendar};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Find what was altered, taken away or added in an insurer's trail since it was sealed
    Verify {
        /// 保険者指定コード, or `platform`
        code: String,
        /// A line that `audit anchor` printed, or the end of it
        #[arg(long)]
        anchor: Option<String>,
    },
    /// Print the last seal of each insurer, to be kept where nobody of this machine can change it
    Anchor {
        /// 保険者指定コード, or `platform`; all without any
        code: Option<String>,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let ground = app::ground(config, Clock::system())?;
    let database = &ground.database;
    match command {
        Command::Verify { code, anchor } => {
            let tenant = tenancy::named(database, &code).await.map_err(said)?;
            let anchor = match anchor {
                Some(line) => Some(kept(database, (code.as_str(), tenant), &line).await?),
                None => None,
            };
            let kept_since = ground.clock.now() - TimeDelta::days(config.retention.audit_days.into());
            let report = proof::verify(&database.tenant(tenant), kept_since, anchor.as_ref()).await?;
            told(&code, &report)
        }
        Command::Anchor { code: Some(code) } => {
            let tenant = tenancy::named(database, &code).await.map_err(said)?;
            match proof::anchor(&database.tenant(tenant)).await? {
                Some(head) => say!("{code} {}", Anchor::from(&head)),
                None => return Err(Failed::Said(format!("nothing of {code} is sealed yet"))),
            }
            Ok(())
        }
        Command::Anchor { code: None } => {
            for insurer in tenancy::list(database).await? {
                let head = proof::anchor(&database.tenant(insurer.tenant_id)).await?;
                if let Some(head) = head {
                    let code = insurer
                        .code
                        .map_or_else(|| "platform".to_owned(), |code| code.to_string());
                    say!("{code} {}", Anchor::from(&head));
                }
            }
            Ok(())
        }
    }
}

/// The seal of a line that was kept. Held against another insurer's seals it would call an unharmed trail forged.
async fn kept(database: &Database, (code, tenant): (&str, TenantId), line: &str) -> Result<Anchor, Failed> {
    let Some((whose, anchor)) = Anchor::parse(line) else {
        return Err(Failed::Said("--anchor takes a line that `audit anchor` printed".into()));
    };
    if let Some(whose) = whose
        && tenancy::named(database, whose)
            .await
            .map_err(|error| said(format!("--anchor: {error}")))?
            != tenant
    {
        return Err(Failed::Said(format!("--anchor is a seal of {whose}, not of {code}")));
    }
    Ok(anchor)
}

/// Says what was found; fails where anything was.
fn told(code: &str, report: &Report) -> Result<(), Failed> {
    let Some(head) = &report.head else {
        return if report.findings.is_empty() {
            say!("nothing of {code} is sealed yet");
            Ok(())
        } else {
            Err(Failed::Said("no seal is there, though one was kept elsewhere".into()))
        };
    };
    say!(
        "{code} is sealed up to {}, by segment {}: {}",
        calendar::moment(head.until()),
        head.segment,
        Anchor::from(head)
    );
    if report.first > 1 {
        say!("segments 1 to {} are pruned; their seals are there", report.first - 1);
    }
    for (segment, line) in &report.late {
        say!("late: line {line}, sealed by segment {segment}");
    }
    for finding in &report.findings {
        say!("{}", words(finding));
    }
    if report.more > 0 {
        say!("and {} more", report.more);
    }
    if report.findings.is_empty() {
        say!("{} lines are as they were sealed", report.lines);
        return Ok(());
    }
    Err(Failed::Said(format!(
        "the trail of {code} is not as it was sealed: {} findings",
        report.findings.len() + report.more
    )))
}

fn words(finding: &Finding) -> String {
    let Finding { segment, line, what } = finding;
    let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
    let what = match what {
        What::Altered => "altered",
        What::Missing => "missing",
        What::Added => "added",
        What::Unlisted => "came late or was added; what is late is sealed as late within hours, so verify again then",
        What::Seal => "the seal is not what it was, or doesn't follow the one before it",
        What::NoSeal => "the seal is missing",
        What::List => "the list of its lines is missing or not what was sealed",
        What::Early => "its lines are gone before retention.audit_days are over",
        What::Anchor => "the seal is not the one that was kept elsewhere",
    };
    format!("segment {segment}{line}: {what}")
}
