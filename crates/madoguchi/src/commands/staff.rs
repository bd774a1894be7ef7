//! `madoguchi staff …`: the first administrator of an insurer, the platform's operators, and what only the operator can
//! still do where no administrator is left.

use super::{Failed, done, keys, said};
use crate::{app, config::Config, modules, terminal::say};
use access::Role;
use audit::Origin;
use clap::Subcommand;
use kernel::{Clock, StaffId, TenantId, calendar};
use staff::{By, Colleague, Grant, Invitation, Invited, Staff, State};
use std::sync::Arc;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Invite somebody by mail; whoever has not come yet gets a new link
    Invite {
        /// 保険者指定コード, or `platform` for its operators
        code: String,
        /// メールアドレス
        mail: String,
        /// What they may do: administrator, eligibility, viewer …; `platform` knows operator alone
        #[arg(long)]
        role: Option<String>,
        /// 氏名; they may mend it themselves
        #[arg(long)]
        name: Option<String>,
    },
    /// List who works there
    List {
        /// 保険者指定コード, or `platform`
        code: String,
    },
    /// Let somebody in no more; their sessions end at once, and they count no longer where two must agree
    Suspend {
        /// 保険者指定コード, or `platform`
        code: String,
        /// メールアドレス
        mail: String,
    },
    /// Let them in again
    Resume {
        /// 保険者指定コード, or `platform`
        code: String,
        /// メールアドレス
        mail: String,
    },
    /// Take somebody's second factors away; a mailed link lets them set up anew
    ResetFactor {
        /// 保険者指定コード, or `platform`
        code: String,
        /// メールアドレス
        mail: String,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let ground = app::ground(config, Clock::system())?;
    keys::proven(&ground.database, &ground.keys, &ground.names).await?;
    let console_url = config
        .http
        .console_url
        .clone()
        .unwrap_or_else(|| config.http.public_url.clone());
    let policy = modules::policy(&modules::modules(&ground)).map_err(said)?;
    let staff = Staff::new(&ground, Arc::new(policy), console_url);
    let tenant = async |code: &str| match code {
        "_platform" | "0" => Ok(TenantId::PLATFORM),
        code => tenancy::named(&ground.database, code).await.map_err(said),
    };
    let origin = Origin::command();
    match command {
        Command::Invite { code, mail, role, name } => {
            let tenant = tenant(&code).await?;
            let invitation = Invitation {
                name: name.unwrap_or_else(|| mail.split('@').next().unwrap_or_default().to_owned()),
                email: mail,
                grants: vec![Grant::all(role_of(tenant, role.as_deref())?)],
            };
            let Invited::Sent(sent) = done(staff.invite(&origin, By::Operator(tenant), &invitation).await)? else {
                return Err(Failed::Said("another must agree first".to_owned()));
            };
            let again = if sent.is_new {
                ""
            } else {
                " once more; the link of before is closed"
            };
            say!("invited {}{again}", sent.email);
            say!(
                "a mail with a link is on its way; it works once, until {}",
                calendar::moment(sent.until)
            );
            Ok(())
        }
        Command::List { code } => {
            let colleagues = staff.list(tenant(&code).await?).await.map_err(said)?;
            for colleague in &colleagues {
                say!("{}", line(colleague));
            }
            if colleagues.is_empty() {
                say!("nobody yet; `madoguchi staff invite {code} MAIL` invites an administrator");
            }
            Ok(())
        }
        Command::Suspend { code, mail } => {
            let (tenant, id) = named(&staff, tenant(&code).await?, &mail).await?;
            done(staff.suspend(&origin, By::Operator(tenant), id).await)?;
            say!("suspended {mail}; their sessions have ended");
            if !staff
                .list(tenant)
                .await
                .map_err(said)?
                .iter()
                .any(|other| keeps(tenant, other))
            {
                say!("nobody is left who may manage staff; `madoguchi staff invite {code} MAIL` invites somebody");
            }
            Ok(())
        }
        Command::Resume { code, mail } => {
            let (tenant, id) = named(&staff, tenant(&code).await?, &mail).await?;
            done(staff.resume(&origin, By::Operator(tenant), id).await)?;
            say!("{mail} may log in again");
            Ok(())
        }
        Command::ResetFactor { code, mail } => {
            let (tenant, id) = named(&staff, tenant(&code).await?, &mail).await?;
            done(staff.reset_factor(&origin, By::Operator(tenant), id).await)?;
            say!("{mail} has no second factor any more; their sessions have ended");
            say!("a mail with a link is on its way, by which they log in and set one up anew");
            Ok(())
        }
    }
}

/// The role of a word; without one that of whoever runs the console.
fn role_of(tenant: TenantId, word: Option<&str>) -> Result<Role, Failed> {
    let Some(word) = word else {
        return Ok(keeper(tenant));
    };
    Role::read(word).ok_or_else(|| {
        let given = Role::ALL.into_iter().filter(|role| role.is_given()).map(Role::as_str);
        let given = given.collect::<Vec<_>>().join(", ");
        Failed::Said(format!("{word} is no role; there are {given}"))
    })
}

fn keeper(tenant: TenantId) -> Role {
    if tenant == TenantId::PLATFORM {
        Role::Operator
    } else {
        Role::Administrator
    }
}

fn keeps(tenant: TenantId, colleague: &Colleague) -> bool {
    colleague.state == State::Active && colleague.roles.iter().any(|held| held.role == keeper(tenant))
}

async fn named(staff: &Staff, tenant: TenantId, mail: &str) -> Result<(TenantId, StaffId), Failed> {
    match staff.named(tenant, mail).await.map_err(said)? {
        Some(id) => Ok((tenant, id)),
        None => Err(Failed::Said(format!(
            "nobody there has the address {mail}; `madoguchi staff list` tells who is"
        ))),
    }
}

fn line(colleague: &Colleague) -> String {
    let state = match colleague.state {
        State::Invited => "invited".to_owned(),
        State::Active => "active".to_owned(),
        State::Suspended(at) => format!("suspended since {}", calendar::moment(at)),
        State::Unused(at) => format!("unused, suspended since {}", calendar::moment(at)),
    };
    let roles: Vec<&str> = colleague.roles.iter().map(|held| held.role.as_str()).collect();
    let last = colleague
        .last_log_in_at
        .map_or_else(|| "never".to_owned(), calendar::moment);
    let factors = if colleague.factors.is_empty() {
        "no factor".to_owned()
    } else {
        colleague.factors.join("+")
    };
    format!(
        "{}  {}  {}  {state}  last log-in {last}  {factors}",
        colleague.email,
        colleague.name,
        roles.join(",")
    )
}
