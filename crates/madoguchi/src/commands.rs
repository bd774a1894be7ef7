//! The command line. Each command reads the configuration, does one thing and says what it did.

mod audit;
mod client;
mod distribute;
pub mod keys;
mod member;
mod operate;
mod roster;
mod staff;
pub mod tenant;

pub(crate) use roster::import_file;
pub(crate) use tenant::{How, apply as tenant_apply};

use crate::{
    app::{self, App, AppError},
    config::{Config, ConfigError},
    demo,
    key_proof::Unproven,
    modules, retention, serve, telemetry,
    terminal::{self, complain, say},
};
use chrono::{DateTime, Utc};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use database::{Database, DatabaseConfig, DatabaseError, Yearly};
use kernel::{Clock, FieldError, Outage, Outcome, Problem, Refusal, TenantId, calendar};
use mail::Transport;
use metrics_exporter_prometheus::PrometheusHandle;
use module::CommandFailed;
use serde_json::json;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// Madoguchi: one portal for many health insurers.
#[derive(Parser)]
#[command(name = "madoguchi", version, disable_help_subcommand = true)]
struct Arguments {
    /// Read this file instead of madoguchi.toml
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve pages and API, with the worker beside them
    Serve {
        /// Leave the background work to `madoguchi work` elsewhere
        #[arg(long)]
        no_worker: bool,
    },
    /// Do the background work only: mail, imports, sealing the trail
    Work,
    /// Bring the database's schema up to date as its owner, and grant the service's role what it needs
    Migrate,
    /// Delete the old lines of the audit trail, the events and the rosters' journals and keep the tables' years, as the database's owner; for a daily timer
    Prune,
    /// Bring every table to where it lies in a cluster of Citus, as the database's owner on the coordinator
    Distribute,
    /// Insurers: apply, export, letter, senders, sandbox, list, show, suspend, resume
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Rosters: import, undo
    #[command(subcommand)]
    Roster(roster::Command),
    /// Members: open what their own failures, or a stranger's, have closed
    #[command(subcommand)]
    Member(member::Command),
    /// Staff of the console: invite, list, suspend, resume, reset-factor
    #[command(subcommand)]
    Staff(staff::Command),
    /// Programs of other systems: create, list, show, rotate, suspend, resume, revoke, grant
    #[command(subcommand)]
    Client(client::Command),
    /// The whole platform: nodes, what died in its queues, planned interruptions
    #[command(subcommand)]
    Operate(operate::Command),
    /// The trail's proof: verify, anchor
    #[command(subcommand)]
    Audit(audit::Command),
    /// Keys: status, register, reseal, rehash-names, retire
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print the API's document
    Openapi,
    /// Print the configuration in effect as TOML, without its secrets
    Config,
    /// Run everything with sample data on a private database; mail is caught, nothing leaves this machine
    Demo {
        /// Where to listen, instead of at `http.listen`; port 0 takes a free one
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// Where the private database lives
        #[arg(long, default_value = "var")]
        data: PathBuf,
        /// The insurers' folders
        #[arg(long, default_value = "tenants")]
        tenants: PathBuf,
    },
}

/// Why a command failed, for the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The wiring.
    #[error(transparent)]
    App(#[from] AppError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Files and sockets.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Anything with words of its own.
    #[error("{0}")]
    Said(String),
}

/// Runs what the command line says, to its end: a command of the house or of a module.
pub async fn run() -> Result<(), Failed> {
    let modules = modules::without_database();
    let of_modules = || modules.iter().flat_map(|module| &module.commands);
    let all = of_modules().fold(Arguments::command(), |all, command| {
        all.subcommand(command.arguments.clone())
    });
    let matches = all.get_matches();
    if let Some((name, own)) = matches.subcommand()
        && let Some(command) = of_modules().find(|command| command.arguments.get_name() == name)
    {
        if let Some(ran) = command.alone.as_ref().and_then(|alone| alone(own)) {
            return told(ran);
        }
        let config = Config::read(matches.get_one::<PathBuf>("config").map(PathBuf::as_path))?;
        return of_module(command, own.clone(), &config).await;
    }
    match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => Box::pin(of_house(arguments)).await,
        Err(error) => error.exit(),
    }
}

/// A module's command may write and seal, so none begins under a key that is not the right one.
async fn of_module(command: &module::Command, own: ArgMatches, config: &Config) -> Result<(), Failed> {
    let ground = app::ground(config, Clock::system())?;
    keys::proven(&ground.database, &ground.keys, &ground.names).await?;
    let ran = (command.run)(own, ground, Arc::new(terminal::progress)).await;
    terminal::end_progress();
    told(ran)
}

/// Says what a module's command did, or why it did nothing.
fn told(ran: Result<Vec<String>, CommandFailed>) -> Result<(), Failed> {
    match ran {
        Ok(lines) => {
            for line in lines {
                say!("{line}");
            }
            Ok(())
        }
        Err(CommandFailed::Lines { lines, reason }) => {
            for line in lines {
                complain!("{line}");
            }
            Err(Failed::Said(reason))
        }
        Err(error) => Err(said(error)),
    }
}

async fn of_house(arguments: Arguments) -> Result<(), Failed> {
    let read = || Config::read(arguments.config.as_deref());
    match arguments.command {
        Command::Serve { no_worker } => {
            let config = read()?;
            telemetry::log(&config.log);
            let stop = serve::stop_signal()?;
            let app = node(&config)?;
            may_run(&app).await?;
            let (listener, address) = serve::bind(config.http.listen).await?;
            tracing::info!(%address, public_url = %config.http.public_url, "serving");
            let metrics = metrics(&config);
            Ok(Box::pin(serve::serve(&app, listener, &config.http, !no_worker, metrics, stop)).await?)
        }
        Command::Work => {
            let config = read()?;
            telemetry::log(&config.log);
            let stop = serve::stop_signal()?;
            let app = node(&config)?;
            may_run(&app).await?;
            tracing::info!("working");
            Ok(Box::pin(serve::work(&app, &config.http, metrics(&config), stop)).await?)
        }
        Command::Migrate => {
            for line in migrate(&read()?).await? {
                say!("{line}");
            }
            Ok(())
        }
        Command::Prune => prune(&read()?).await,
        Command::Distribute => distribute::run(&read()?).await,
        Command::Tenant(command) => tenant::run(command, &read()?).await,
        Command::Roster(command) => roster::run(command, &read()?).await,
        Command::Member(command) => member::run(command, &read()?).await,
        Command::Staff(command) => staff::run(command, &read()?).await,
        Command::Client(command) => client::run(command, &read()?).await,
        Command::Operate(command) => operate::run(command, &read()?).await,
        Command::Audit(command) => audit::run(command, &read()?).await,
        Command::Keys(command) => keys::run(command, &read()?).await,
        Command::Openapi => {
            terminal::out(modules::operations(&modules::without_database()).text().trim_end());
            Ok(())
        }
        Command::Config => {
            let shown = Config::shown(arguments.config.as_deref())?;
            terminal::out(&terminal::lines(shown.trim_end()));
            Ok(())
        }
        Command::Demo { listen, data, tenants } => Box::pin(demo::demo(listen, &data, &tenants)).await,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
pub(crate) fn said(error: impl ToString) -> Failed {
    Failed::Said(error.to_string())
}

/// What a use case did, or why it did nothing in the operator's words.
pub(crate) fn done<T>(outcome: Result<Outcome<T>, Outage>) -> Result<T, Failed> {
    match outcome.map_err(said)? {
        Outcome::Done(done) => Ok(done),
        Outcome::Refused(refusal) => Err(Failed::Said(why(&refusal))),
    }
}

fn why(refusal: &Refusal) -> String {
    let fields = refusal
        .fields
        .iter()
        .map(|error| format!("{}: {}", option(&error.field.name), mend(error)));
    let fields: Vec<String> = fields.collect();
    if fields.is_empty() {
        refusal.reason.detail.to_owned()
    } else {
        fields.join("; ")
    }
}

/// The option by which a field is given; what is given otherwise by its name.
fn option(field: &str) -> &str {
    match field {
        "scopes" => "--scope",
        "networks" => "--network",
        "expires_on" => "--expires",
        "contact" => "--contact",
        "name" => "--name",
        "client_id" => "CLIENT_ID",
        other => other,
    }
}

/// What to do about it.
fn mend(error: &FieldError) -> String {
    match (&*error.field.name, &error.problem) {
        ("scopes", Problem::Empty) => "is missing; name at least one, such as --scope insurer.read".into(),
        ("networks", problem) => {
            let unread = match problem {
                Problem::Unread(typed) => format!("{typed} can't be read; "),
                _ => String::new(),
            };
            format!("{unread}takes addresses or ranges of them, such as 203.0.113.0/28, 20 at most")
        }
        ("contact", _) => "takes one mail address, such as system@example.jp".into(),
        ("client_id", _) => "takes the client's id, cl_…, as the vendor has told it".into(),
        ("expires_on", _) => "takes a day to come, such as 2027-03-31".into(),
        (_, problem) => edge::field_detail(problem),
    }
}

/// Collected only where somebody may ask for them.
fn metrics(config: &Config) -> Option<PrometheusHandle> {
    (!config.http.admin_listen.is_empty())
        .then(telemetry::metrics)
        .flatten()
}

fn node(config: &Config) -> Result<App, Failed> {
    let transport =
        Transport::smtp(&config.mail.url, config.mail.connections).map_err(|error| Failed::Said(error.to_string()))?;
    Ok(App::new(config, Clock::system(), transport, modules::modules)?)
}

/// Refused where tables are not where they belong, or the keys are not the ones that the database knows. Where that can't
/// be asked yet, the node starts, and serves nobody until it is known.
async fn may_run(app: &App) -> Result<(), Failed> {
    distribute::required(app).await?;
    match app.key_proof.ask().await {
        Err(Unproven::Fault(fault)) => Err(Failed::Said(fault.to_string())),
        Err(Unproven::Database(_)) | Ok(()) => Ok(()),
    }
}

/// Migrates as the owner and grants to the role that `database.url` names; what was done, in lines.
pub(crate) async fn migrate(config: &Config) -> Result<Vec<String>, Failed> {
    let database = config.database()?;
    let owner_url = owner_url(config)?;
    let role = url::Url::parse(&database.url)
        .ok()
        .map(|url| url.username().to_owned())
        .unwrap_or_default();
    if role.is_empty() {
        return Err(Failed::Said("database.url names no role".into()));
    }
    let migrated = database::migrate(owner_url, &role).await?;
    let now = Clock::system().now();
    let (mut years, kept) = years(owner_url, now).await;
    let detail = json!({ "applied": migrated.applied, "years": years });
    tenant::note(&owner(config)?, now, TenantId::PLATFORM, "database.migrate", detail).await?;
    let done = format!(
        "{} migrations applied; {role} has its grants on {} tables",
        migrated.applied.len(),
        migrated.tables
    );
    let applied = migrated.applied.iter().map(|version| format!("applied {version}"));
    // The schema is what it should be all the same.
    let waiting = |error| format!("years of tables wait for `madoguchi prune`: {error}");
    years.extend(kept.err().map(waiting));
    Ok(applied.chain([done]).chain(years).collect())
}

/// Deletes, as the owner, what only the owner may.
async fn prune(config: &Config) -> Result<(), Failed> {
    let (owner, now) = (owner(config)?, Clock::system().now());
    let pruned = retention::prune(&owner, config.retention, now).await?;
    let retention::Pruned { lines, events, changes } = pruned;
    let (years, kept) = years(owner_url(config)?, now).await;
    let detail = json!({ "lines": lines, "events": events, "roster_changes": changes, "years": years });
    tenant::note(&owner, now, TenantId::PLATFORM, "database.prune", detail).await?;
    say!("deleted {lines} lines of the audit trail, {events} events and {changes} entries of rosters' journals");
    if !years.is_empty() {
        say!("{}", years.join(", "));
    }
    Ok(kept?)
}

/// Keeps the years of the modules' tables, as the owner: what was done in lines, and whether it went to its end.
async fn years(owner_url: &str, now: DateTime<Utc>) -> (Vec<String>, Result<(), DatabaseError>) {
    let modules = modules::without_database().into_iter();
    let tables: Vec<Yearly> = modules.flat_map(|module| module.years).collect();
    let mut done = Vec::new();
    let tell = |line| done.push(line);
    let kept = database::keep_years(owner_url, &tables, calendar::today_in_japan(now), tell).await;
    (done, kept)
}

/// The database as its owner.
pub(crate) fn owner(config: &Config) -> Result<Database, Failed> {
    Ok(Database::connect(&DatabaseConfig {
        url: owner_url(config)?.to_owned(),
        ..config.database.clone()
    })?)
}

fn owner_url(config: &Config) -> Result<&str, Failed> {
    let url = config.database.owner_url.as_deref();
    url.ok_or_else(|| Failed::Said("database.owner_url is empty".into()))
}
