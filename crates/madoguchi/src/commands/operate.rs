//! `madoguchi operate …`: what the console's `/operator/` shows and does, where nobody can get there.

use super::{Failed, said};
use crate::{config::Config, terminal::say};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use database::Database;
use kernel::{Clock, FieldError, InsurerCode, MaintenanceId, Outcome, Refusal, TenantId, calendar};
use staff::operate::{Deed, dead_jobs, dead_mails, mend};
use std::collections::HashMap;
use tenancy::maintenance::{self, Maintenance};
use uuid::Uuid;

#[derive(Subcommand)]
pub(super) enum Command {
    /// The processes that run: version, keys, migrations, since when
    Nodes,
    /// Jobs that failed for good, and mails that reached nobody
    Dead,
    /// Have a dead job tried again
    Retry {
        /// 保険者指定コード, or `platform`
        code: String,
        /// As `dead` lists it
        id: Uuid,
    },
    /// Drop a dead job
    Drop {
        /// 保険者指定コード, or `platform`
        code: String,
        /// As `dead` lists it
        id: Uuid,
    },
    /// Send a mail again that reached nobody
    SendAgain {
        /// 保険者指定コード, or `platform`
        code: String,
        /// As `dead` lists it
        id: Uuid,
    },
    /// Planned interruptions
    Maintenance,
    /// Plan one, of which members and staff are told from seven days before
    Plan {
        /// In Japan: "2026-12-05 22:00"
        from: String,
        /// In Japan: "2026-12-06 06:00"
        to: String,
        /// What is said beside
        #[arg(default_value = "")]
        text: String,
    },
    /// Take one back
    Cancel {
        /// As `maintenance` lists it
        id: Uuid,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let (database, now) = (Database::connect(config.database()?)?, Clock::system().now());
    match command {
        Command::Nodes => nodes(&database, now).await,
        Command::Dead => dead(&database).await,
        Command::Retry { code, id } => done(&database, now, &code, (Deed::RetryJob, id)).await,
        Command::Drop { code, id } => done(&database, now, &code, (Deed::DropJob, id)).await,
        Command::SendAgain { code, id } => done(&database, now, &code, (Deed::SendMail, id)).await,
        Command::Maintenance => {
            for one in maintenance::list(&database).await? {
                let (from, to) = (calendar::moment(one.starts_at), calendar::moment(one.ends_at));
                say!("{} {from} - {to} {}", one.id, one.text);
            }
            Ok(())
        }
        Command::Plan { from, to, text } => {
            let planned = Maintenance::read(now, [&from, &to, &text]).map_err(|refusal| mistyped(&refusal))?;
            maintenance::plan(&database, now, (&Origin::command(), Actor::Operator), &planned).await?;
            say!("planned {}", planned.id);
            Ok(())
        }
        Command::Cancel { id } => {
            let by = (&Origin::command(), Actor::Operator);
            if !maintenance::cancel(&database, now, by, MaintenanceId(id)).await? {
                return Err(Failed::Said(format!("no interruption {id} is planned")));
            }
            say!("cancelled {id}");
            Ok(())
        }
    }
}

async fn nodes(database: &Database, now: DateTime<Utc>) -> Result<(), Failed> {
    for node in jobs::nodes::all(database).await? {
        let silent = if node.is_stale(now) { " SILENT" } else { "" };
        say!(
            "{:11} {} since {}, seen {}{silent}; newest migration {}; keys {}",
            node.kind,
            node.version,
            calendar::moment(node.started_at),
            calendar::moment(node.seen_at),
            node.migration,
            node.key_ids.join(" ")
        );
    }
    Ok(())
}

async fn dead(database: &Database) -> Result<(), Failed> {
    let heads = tenancy::list(database).await?;
    let codes: HashMap<TenantId, String> = heads
        .into_iter()
        .map(|head| {
            let code = head.code.as_ref().map_or("platform", InsurerCode::as_str);
            (head.tenant_id, code.to_owned())
        })
        .collect();
    let code = |tenant| codes.get(&tenant).map_or("", String::as_str);
    let mut after = None;
    loop {
        let (page, next) = dead_jobs(database, after).await?;
        for (one, job) in page {
            let error = job.last_error.unwrap_or_default();
            say!("job  {} {} {} {error}", code(one.tenant_id), one.item, one.queue);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    loop {
        let (page, next) = dead_mails(database, after).await?;
        for (one, mail) in page {
            let (reason, again) = (
                mail.reason.unwrap_or_default(),
                if mail.lasts { "" } else { " (erased)" },
            );
            let code = code(one.tenant_id);
            say!(
                "mail {code} {} {} {} {reason}{again}",
                one.item,
                mail.template,
                mail.masked_to
            );
        }
        after = next;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn done(database: &Database, now: DateTime<Utc>, code: &str, deed: (Deed, Uuid)) -> Result<(), Failed> {
    let tenant = tenancy::named(database, code).await.map_err(said)?;
    let by = (&Origin::command(), Actor::Operator);
    match mend(database, now, by, tenant, deed).await.map_err(said)? {
        Outcome::Done(()) => {
            say!("done");
            Ok(())
        }
        Outcome::Refused(refusal) => Err(Failed::Said(refusal.reason.detail.to_owned())),
    }
}

fn mistyped(refusal: &Refusal) -> Failed {
    let wrong = |error: &FieldError| format!("{}: {}", error.field.name, error.problem);
    let fields: Vec<String> = refusal.fields.iter().map(wrong).collect();
    Failed::Said(fields.join("; "))
}
