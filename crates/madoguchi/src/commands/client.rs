//! `madoguchi client …`: programs of other systems. A client is named by the id that its program has, which says where its home
//! is; a vendor's at one insurer by that insurer's code besides.

use super::{Failed, done, keys, said};
use crate::{
    app,
    config::Config,
    modules,
    terminal::{self, say},
};
use access::{SCOPES, Scope};
use audit::{Actor, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use clients::{By, ClientName, Clients, Conditions, Grant, Naming, NewClient, SecretLine, Standing};
use database::{Database, DatabaseError, TenantTransaction};
use kernel::{Clock, TenantId, calendar, dates};
use serde_json::json;
use std::sync::Arc;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a client of an insurer, or with --vendor one that insurers let in; its secret is printed this once
    Create {
        #[command(flatten)]
        home: Home,
        /// What people call it
        #[arg(long)]
        name: String,
        /// The address of whoever looks after the program; a mail goes there before the last day
        #[arg(long)]
        contact: String,
        #[command(flatten)]
        conditions: Typed,
        /// Print `client_id` and `client_secret` as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the clients that an insurer lets in, or the vendors'
    List {
        #[command(flatten)]
        home: Home,
    },
    /// Show one: how it stands, its scopes and secrets, its use of 30 days
    Show {
        #[command(flatten)]
        client: Named,
    },
    /// Say anew what it may do, from where and until when: what is not named is taken from it
    Change {
        #[command(flatten)]
        client: Named,
        #[command(flatten)]
        conditions: Typed,
    },
    /// Call it otherwise, or write to somebody else about it: at its home
    Rename {
        /// The client's id, as its program has it
        client_id: String,
        /// What people call it
        #[arg(long, required_unless_present = "contact")]
        name: Option<String>,
        /// The address of whoever looks after the program
        #[arg(long)]
        contact: Option<String>,
    },
    /// Make another secret, printed this once; the one before works on for a day
    Rotate {
        /// The client's id, as its program has it
        client_id: String,
        /// Print `client_id` and `client_secret` as JSON
        #[arg(long)]
        json: bool,
    },
    /// Shut it out until it is resumed; its tokens end at once, a vendor's at every insurer
    Suspend {
        #[command(flatten)]
        client: Named,
    },
    /// Let it in again
    Resume {
        #[command(flatten)]
        client: Named,
    },
    /// Shut it out for good; with --at take back what a vendor's may do at one insurer
    Revoke {
        #[command(flatten)]
        client: Named,
    },
    /// Let a vendor's client in at an insurer
    Grant {
        /// 保険者指定コード
        code: String,
        /// The client's id, as the vendor has told it
        client_id: String,
        #[command(flatten)]
        conditions: Typed,
    },
}

/// Where a client has its row.
#[derive(Args)]
pub(super) struct Home {
    /// 保険者指定コード
    #[arg(required_unless_present = "vendor", conflicts_with = "vendor")]
    code: Option<String>,
    /// A vendor's, which belongs to no insurer
    #[arg(long)]
    vendor: bool,
}

/// A client, at its home or at an insurer.
#[derive(Args)]
pub(super) struct Named {
    /// The client's id, as its program has it
    client_id: String,
    /// A vendor's at this insurer alone, by its 保険者指定コード
    #[arg(long, value_name = "CODE")]
    at: Option<String>,
}

/// On what it may come in.
#[derive(Args)]
pub(super) struct Typed {
    /// What it may do, such as notices.read; once for each
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// From where it may come, such as 203.0.113.0/28; once for each, and from anywhere without one
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// The last day on which it may come, such as 2027-03-31
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
}

/// What the commands stand on.
struct Desk {
    database: Database,
    clients: Clients,
    clock: Clock,
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let ground = app::ground(config, Clock::system())?;
    keys::proven(&ground.database, &ground.keys, &ground.names).await?;
    let policy = modules::policy(&modules::modules(&ground)).map_err(said)?;
    let desk = Desk {
        clients: Clients::new(&ground, Arc::new(policy), modules::HANGING),
        database: ground.database,
        clock: ground.clock,
    };
    let origin = Origin::command();
    let by = By {
        actor: Actor::Operator,
        origin: &origin,
    };
    match command {
        Command::Create {
            home,
            name,
            contact,
            conditions,
            json,
        } => {
            let home = desk.home(&home).await?;
            let new = NewClient {
                name,
                contact,
                conditions: conditions.read()?,
            };
            let made = done(desk.clients.create(home, &new, by).await)?;
            tell_secret(made.client.name_outside, &made.secret, json);
            Ok(())
        }
        Command::List { home } => desk.list(desk.home(&home).await?).await,
        Command::Show { client } => {
            let (at, name) = desk.named(&client).await?;
            desk.show(at, name).await
        }
        Command::Change { client, conditions } => {
            let (at, name) = desk.named(&client).await?;
            let conditions = conditions.read()?;
            done(desk.clients.change(at, name.client_id, &conditions, by).await)?;
            desk.show(at, name).await
        }
        Command::Rename {
            client_id,
            name,
            contact,
        } => {
            let client = read(&client_id)?;
            let naming = Naming { name, contact };
            done(desk.clients.rename(client.home, client.client_id, &naming, by).await)?;
            desk.show(client.home, client).await
        }
        Command::Rotate { client_id, json } => {
            let name = read(&client_id)?;
            let made = done(desk.clients.rotate(name.home, name.client_id, None, by).await)?;
            tell_secret(name, &made.secret, json);
            if let Some(until) = made.old_until.filter(|_| !json) {
                say!("the secret of before works until {}", calendar::moment(until));
            }
            Ok(())
        }
        Command::Suspend { client } => {
            let (at, name) = desk.named(&client).await?;
            done(desk.clients.suspend(at, name.client_id, by).await)?;
            say!("{name} is suspended; its tokens have ended");
            Ok(())
        }
        Command::Resume { client } => {
            let (at, name) = desk.named(&client).await?;
            done(desk.clients.resume(at, name.client_id, by).await)?;
            say!("{name} may come in again");
            Ok(())
        }
        Command::Revoke { client } => {
            let (at, name) = desk.named(&client).await?;
            if at == name.home {
                done(desk.clients.revoke(at, name.client_id, by).await)?;
                say!("{name} is revoked, for good; its tokens have ended");
            } else {
                done(desk.clients.ungrant(at, name.client_id, by).await)?;
                say!("{name} is let in there no more; `madoguchi client grant` lets it in anew");
            }
            Ok(())
        }
        Command::Grant {
            code,
            client_id,
            conditions,
        } => {
            let insurer = desk.insurer(&code).await?;
            let conditions = conditions.read()?;
            let grant = done(desk.clients.grant(insurer, &client_id, &conditions, by).await)?;
            say!("{} ({}) is let in at {code}", grant.client, grant.name);
            Ok(())
        }
    }
}

impl Typed {
    fn read(self) -> Result<Conditions, Failed> {
        if let Some(word) = self.scopes.iter().find(|word| Scope::read(word).is_none()) {
            let known: Vec<&str> = SCOPES.into_iter().map(Scope::as_str).collect();
            let known = known.join(", ");
            return Err(Failed::Said(format!("{word} is no scope; there are {known}")));
        }
        Ok(Conditions {
            scopes: self.scopes,
            networks: self.networks,
            expires_on: self.expires.as_deref().map(day).transpose()?,
        })
    }
}

fn day(typed: &str) -> Result<NaiveDate, Failed> {
    let read = dates::planned(typed).ok().flatten();
    read.ok_or_else(|| Failed::Said(format!("{typed} is no day; write it as 2027-03-31")))
}

fn read(client_id: &str) -> Result<ClientName, Failed> {
    ClientName::parse(client_id).ok_or_else(|| {
        Failed::Said(format!(
            "{client_id} is no id of a client, cl_…; `madoguchi client list CODE` tells an insurer's, `madoguchi client list --vendor` \
             the vendors'"
        ))
    })
}

impl Desk {
    async fn insurer(&self, code: &str) -> Result<TenantId, Failed> {
        match tenancy::named(&self.database, code).await.map_err(said)? {
            TenantId::PLATFORM => Err(Failed::Said("the platform lets in no programs: name an insurer".into())),
            insurer => Ok(insurer),
        }
    }

    async fn home(&self, home: &Home) -> Result<TenantId, Failed> {
        match &home.code {
            Some(code) => self.insurer(code).await,
            None => Ok(TenantId::PLATFORM),
        }
    }

    /// Where what is asked for is done, and which client it is.
    async fn named(&self, named: &Named) -> Result<(TenantId, ClientName), Failed> {
        let name = read(&named.client_id)?;
        let at = match &named.at {
            Some(code) => self.insurer(code).await?,
            None => name.home,
        };
        Ok((at, name))
    }

    async fn tx(&self, tenant: TenantId) -> Result<TenantTransaction, DatabaseError> {
        self.database.tenant(tenant).read().await
    }

    fn today(&self) -> NaiveDate {
        calendar::today_in_japan(self.clock.now())
    }

    async fn list(&self, home: TenantId) -> Result<(), Failed> {
        let tx = self.tx(home).await?;
        let lines: Vec<String> = if home == TenantId::PLATFORM {
            let vendors = self.clients.vendors(&tx).await?;
            let line = |client: clients::Client| {
                let stands = stands(client.standing(self.today()));
                format!("{}  {stands:9}  {}", client.name_outside, client.name)
            };
            vendors.into_iter().map(line).collect()
        } else {
            let grants = self.clients.list(&tx).await?;
            grants.iter().map(|grant| self.line(grant)).collect()
        };
        tx.commit().await?;
        if lines.is_empty() {
            say!("none yet; `madoguchi client create` makes one");
        }
        for line in lines {
            say!("{line}");
        }
        Ok(())
    }

    fn line(&self, grant: &Grant) -> String {
        let stands = stands(grant.standing(self.today()));
        let last = grant.last_used_at.map_or_else(|| "never".to_owned(), calendar::moment);
        format!(
            "{}  {stands:9}  last use {last}  {}  {}",
            grant.client,
            words(grant).join(","),
            grant.name
        )
    }

    async fn show(&self, at: TenantId, name: ClientName) -> Result<(), Failed> {
        let unknown = || {
            Failed::Said(format!(
                "{name} is not known there; `madoguchi client list` tells who is"
            ))
        };
        let tx = self.tx(at).await?;
        if at == TenantId::PLATFORM {
            let shown = self.clients.vendor(&tx, name.client_id).await?.ok_or_else(unknown)?;
            tx.commit().await?;
            let client = shown.client;
            say!("{name}  {}", client.name);
            say!("stands    {}", stands(client.standing(self.today())));
            say!("contact   {}", client.contact);
            say!("networks  {}", from_where(&client.networks));
            say!("last day  {}", last_day(client.expires_on));
            secrets(&shown.secrets);
            for head in tenancy::list(&self.database).await? {
                if shown.insurers.contains(&head.tenant_id) {
                    let code = head.code.as_ref().map_or("platform", |code| code.as_str());
                    say!("let in at {code}  {}", head.name);
                }
            }
            return Ok(());
        }
        let shown = self.clients.one(&tx, name.client_id).await?.ok_or_else(unknown)?;
        let uses = self.clients.uses(&tx, name.client_id, 30).await?;
        tx.commit().await?;
        let grant = &shown.grant;
        say!("{name}  {}", grant.name);
        say!("stands    {}", stands(grant.standing(self.today())));
        if let Some(contact) = &shown.contact {
            say!("contact   {contact}");
        }
        say!("networks  {}", from_where(&grant.networks));
        say!("last day  {}", last_day(grant.expires_on));
        secrets(&shown.secrets);
        for scope in &grant.scopes {
            let used = shown.used.get(scope);
            let used = used.map_or_else(
                || "never used".to_owned(),
                |at| format!("last used {}", calendar::moment(*at)),
            );
            say!("scope     {scope}  {used}");
        }
        let calls: i64 = uses.iter().map(|day| i64::from(day.calls)).sum();
        let errors: i64 = uses.iter().map(|day| i64::from(day.errors)).sum();
        say!("30 days   {calls} calls, {errors} of them refused or failed");
        Ok(())
    }
}

/// What its program needs, on lines of their own.
fn tell_secret(name: ClientName, secret: &str, json: bool) {
    if json {
        let told = json!({ "client_id": name.to_string(), "client_secret": secret });
        terminal::out(&told.to_string());
        return;
    }
    say!("client_id      {name}");
    say!("client_secret  {secret}");
    say!("the secret is shown this once and kept as a hash: hand it to whoever runs the program");
}

fn secrets(lines: &[SecretLine]) {
    for line in lines {
        let until = |at: DateTime<Utc>| format!(", works until {}", calendar::moment(at));
        let until = line.ends_at.map(until).unwrap_or_default();
        say!("secret    made {}{until}", calendar::moment(line.made_at));
    }
}

fn words(grant: &Grant) -> Vec<&'static str> {
    grant.scopes.iter().map(|scope| scope.as_str()).collect()
}

fn from_where(networks: &[ipnet::IpNet]) -> String {
    if networks.is_empty() {
        return "from anywhere".to_owned();
    }
    let lines: Vec<String> = networks.iter().map(ToString::to_string).collect();
    lines.join(" ")
}

fn last_day(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "none".to_owned(), |day| day.to_string())
}

fn stands(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Suspended => "suspended",
        Standing::SuspendedAtHome => "suspended by the platform",
        Standing::Revoked => "revoked",
        Standing::Ended => "ended",
    }
}
