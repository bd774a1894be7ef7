//! `madoguchi tenant …`: the insurers' folders in and out, and opening and closing their portals.

use super::{Failed, node, said};
use crate::{
    config::Config,
    modules,
    sandbox::{self, Made},
    terminal::{self, complain, say},
};
use audit::operator;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use database::{Database, Durability};
use kernel::{Clock, InsurerCode, TenantId, calendar};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tenancy::{Applied, ApplyError, Base, Folder, FolderPart, FolderProblem, Order, StateChange};
use web::letter::Letterhead;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check folders, show what would change, and write it
    Apply {
        /// Such as tenants/32290413 or tenants/_platform
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// Lay the folders over revisions that they know nothing of
        #[arg(long)]
        force: bool,
    },
    /// Write an insurer's folder from the database
    Export {
        /// 保険者指定コード, or `platform`
        code: String,
        /// An empty or new folder
        folder: PathBuf,
    },
    /// The letter that leads to sign-up, to nobody by name, as a page for the insurer's web site
    Letter {
        /// 保険者指定コード
        code: String,
    },
    /// Show or set the domains on which an insurer's administrators may set the address that its mails come from
    Senders {
        /// 保険者指定コード
        code: String,
        /// Such as nara-kyosai.example; what is not named is taken back
        domains: Vec<String>,
        /// Take all of them back
        #[arg(long, conflicts_with = "domains")]
        none: bool,
    },
    /// Make a sandbox for those who make programs: invented people, an administrator's invitation and a client, printed this once
    Sandbox {
        /// A 保険者指定コード that no insurer has
        code: String,
        /// Its name, instead of おためし健康保険組合
        #[arg(long)]
        name: Option<String>,
        /// Print what it is and how it is called as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the insurers
    List,
    /// Show one insurer and its revisions
    Show {
        /// 保険者指定コード, or `platform`
        code: String,
    },
    /// Close an insurer's portal; nothing is lost
    Suspend {
        /// 保険者指定コード
        code: String,
        /// Why, for the trail; no names and numbers of members
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Open it again
    Resume {
        /// 保険者指定コード
        code: String,
        /// Why, for the trail; no names and numbers of members
        #[arg(long, default_value = "")]
        why: String,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let database = Database::connect(config.database()?)?;
    let clock = Clock::system();
    match command {
        Command::Apply {
            folders,
            dry_run,
            force,
        } => {
            let mut refused = 0;
            for folder in &folders {
                let tell = |line: &str| say!("{line}");
                let how = How { dry_run, force };
                if let Err(problems) = apply(&database, &clock, folder, how, tell).await? {
                    refused += 1;
                    for problem in problems {
                        complain!("{problem}");
                    }
                }
            }
            if refused > 0 {
                return Err(Failed::Said(format!(
                    "{refused} of {} folders refused; nothing of them was written",
                    folders.len()
                )));
            }
            Ok(())
        }
        Command::Export { code, folder } => {
            let tenant = tenancy::named(&database, &code).await.map_err(said)?;
            tenancy::export(&database, clock.now(), tenant, &folder, &parts())
                .await
                .map_err(|error| Failed::Said(error.to_string()))?;
            note(&database, clock.now(), tenant, "insurer.export", json!({})).await?;
            say!("wrote {}", folder.display());
            Ok(())
        }
        Command::Letter { code } => letter(config, &database, clock.now(), &code).await,
        Command::Senders { code, domains, none } => {
            let tenant = tenancy::named(&database, &code).await.map_err(said)?;
            if none || !domains.is_empty() {
                let released = tenancy::release_senders(&database, clock.now(), tenant, &domains).await?;
                released.map_err(|domain| Failed::Said(format!("\"{domain}\" is no domain of mail")))?;
            }
            for domain in tenancy::sender_domains(&database, tenant).await? {
                say!("{domain}");
            }
            Ok(())
        }
        Command::Sandbox { code, name, json } => Box::pin(sandbox(config, &code, name.as_deref(), json)).await,
        Command::List => {
            for head in tenancy::list(&database).await? {
                let code = head.code.as_ref().map_or("platform", InsurerCode::as_str);
                say!(
                    "{code:10} {:9} revision {:<4} {}",
                    head.state.as_str(),
                    head.revision,
                    head.name
                );
            }
            Ok(())
        }
        Command::Show { code } => show(&database, tenancy::named(&database, &code).await.map_err(said)?).await,
        Command::Suspend { code, why } => {
            let tenant = tenancy::named(&database, &code).await.map_err(said)?;
            let change = tenancy::suspend(&database, clock.now(), tenant, Order::command(operator(), &why)).await?;
            if change == StateChange::Done {
                // Until then a node may still know the insurer as it was.
                tokio::time::sleep(Duration::from_secs(tenancy::LOOK_SECONDS.into())).await;
            }
            tell_state(&code, "suspended", change)
        }
        Command::Resume { code, why } => {
            let tenant = tenancy::named(&database, &code).await.map_err(said)?;
            tell_state(
                &code,
                "open",
                tenancy::resume(&database, clock.now(), tenant, Order::command(operator(), &why)).await?,
            )
        }
    }
}

/// What is kept in the insurers' folders besides tenancy's own files.
pub fn parts() -> Vec<FolderPart> {
    let of_modules = modules::without_database().into_iter().flat_map(|module| module.folder);
    [tenancy::pages::folder()].into_iter().chain(of_modules).collect()
}

/// How a folder is applied.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How {
    /// Only show what would change.
    pub(crate) dry_run: bool,
    /// Over revisions that the folder knows nothing of.
    pub(crate) force: bool,
}

/// Applies one folder, with what modules keep in it, and says what changed; its problems where it is refused.
pub(crate) async fn apply(
    database: &Database,
    clock: &Clock,
    path: &Path,
    how: How,
    tell: impl Fn(&str),
) -> Result<Result<(), Vec<FolderProblem>>, Failed> {
    let mut folder = match Folder::read(path, &parts()) {
        Ok(folder) => folder,
        Err(problems) => return Ok(Err(problems)),
    };
    if how.force {
        folder.base = Base::Any;
    }
    tell(&format!("{}  {}", path.display(), folder.settings.name));
    let now = clock.now();
    let difference = tenancy::difference(database, now, &folder).await?;
    for line in &difference.lines {
        tell(&format!("  {line}"));
    }
    for remark in &difference.remarks {
        tell(&format!("  remark: {remark}"));
    }
    if !difference.refused.is_empty() {
        return Ok(Err(difference.refused));
    }
    if how.dry_run {
        tell("  dry run: nothing written");
        return Ok(Ok(()));
    }
    let (applied, said) = match tenancy::apply(database, now, &folder, operator()).await {
        Ok(done) => done,
        Err(ApplyError::Refused(problems)) => return Ok(Err(problems)),
        Err(ApplyError::Database(error)) => return Err(error.into()),
    };
    match applied {
        Applied::Unchanged => tell("  settings unchanged"),
        Applied::Created { revision } | Applied::Changed { revision } => {
            tell(&format!("  revision {revision} written"));
        }
    }
    for line in said {
        tell(&format!("  {line}"));
    }
    Ok(Ok(()))
}

/// A tenant.toml, with what does not stand in one as comments: so it may be written into a file as it is.
async fn show(database: &Database, tenant: TenantId) -> Result<(), Failed> {
    let Some(shown) = tenancy::show(database, tenant).await? else {
        return Err(Failed::Said("no such insurer".into()));
    };
    say!("# {}, revision {}", shown.head.state.as_str(), shown.head.revision);
    terminal::out(&terminal::lines(&shown.toml));
    for terms in &shown.insurer.terms {
        let day = calendar::today_in_japan(terms.effective_at);
        say!(
            "# terms/{}.{}.md from {day}: {}",
            terms.document,
            terms.revision,
            terms.title
        );
    }
    for revision in shown.history {
        let at = calendar::in_japan(revision.applied_at).format("%Y-%m-%d %H:%M:%S");
        say!("#");
        say!(
            "# revision {}, {at} in Japan, by {}",
            revision.revision,
            revision.applied_by
        );
        for line in revision.note.lines() {
            say!("#   {line}");
        }
    }
    Ok(())
}

/// The general letter on standard output.
async fn letter(config: &Config, database: &Database, now: DateTime<Utc>, code: &str) -> Result<(), Failed> {
    let tenant = tenancy::named(database, code).await.map_err(said)?;
    let Some(shown) = tenancy::show(database, tenant).await? else {
        return Err(Failed::Said("no such insurer".into()));
    };
    let head = Letterhead::new(&shown.insurer, &config.http.public_url, now);
    let Some(head) = head else {
        return Err(Failed::Said("the platform has no members to write to".into()));
    };
    terminal::out(&web::letter::alone(&head).map_err(said)?);
    Ok(())
}

/// Makes a sandbox and tells its maker what they need.
async fn sandbox(config: &Config, code: &str, name: Option<&str>, json: bool) -> Result<(), Failed> {
    let app = node(config)?;
    app.key_proof.ask().await.map_err(said)?;
    let Made {
        insurer,
        program,
        invitation,
    } = sandbox::make(&app, code, name).await?;
    let code = insurer.code.as_ref().map_or(code, InsurerCode::as_str);
    let url = config.http.public_url.as_str().trim_end_matches('/');
    let link = app.staff.invitation_address(&invitation.link);
    if json {
        let told = json!({
            "insurer_code": code,
            "insurer_name": insurer.name,
            "client_id": program.client_id,
            "client_secret": program.secret,
            "api": format!("{url}/api/v1"),
            "administrator": invitation.email,
            "invitation": link,
        });
        terminal::out(&told.to_string());
        return Ok(());
    }
    say!("{code} {} is made, a sandbox: its people are invented", insurer.name);
    say!("its mails are sent to nobody; they are read in the console under お試し環境のメール, for 7 days");
    say!("client_id      {}", program.client_id);
    say!("client_secret  {}", program.secret);
    say!("administrator  {}", invitation.email);
    say!("invitation     {link}");
    say!(
        "secret and invitation are shown this once; the invitation works until {}",
        calendar::moment(invitation.until)
    );
    say!("to call the API, paste into a terminal:");
    terminal::out(&terminal::lines(&sandbox::calls(&program, url)));
    Ok(())
}

fn tell_state(code: &str, state: &str, change: StateChange) -> Result<(), Failed> {
    match change {
        StateChange::Done => say!("{code} is {state}"),
        StateChange::AlreadySo => say!("{code} was {state} already"),
        StateChange::Unknown => return Err(Failed::Said(format!("no insurer has the code {code}"))),
    }
    Ok(())
}

/// An operator's deed, in the trail.
pub(super) async fn note(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    action: &'static str,
    detail: Value,
) -> Result<(), Failed> {
    let tx = database.tenant(tenant).write(Durability::Safe).await?;
    audit::record_command(&tx, now, action, None, detail).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_folders_are_without_fault() {
        let tenants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants");
        let folders = files::Folder::open(&tenants).unwrap();
        for (name, _) in folders.entries().unwrap() {
            if let Err(problems) = Folder::read(&tenants.join(name), &parts()) {
                panic!(
                    "{}",
                    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
                );
            }
        }
    }
}
