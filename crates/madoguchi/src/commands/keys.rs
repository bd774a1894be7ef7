//! `madoguchi keys status | register | reseal | rehash-names | retire`: what hangs on which key, and how one takes
//! another's place while nodes serve. As the database's owner: no node can make its own key the right one.

use super::{Failed, owner};
use crate::{config::Config, terminal::say};
use accounts::Names;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use database::{Database, DatabaseError, Durability, Keyed, Resealed};
use guard::known_keys::{self, KeyFault};
use kernel::{Clock, Keys, NameKeys, TenantId};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Say what hangs on each key, and which may go
    Status,
    /// Make the configuration's keys known to the database; before any node starts with them
    Register,
    /// Seal anew with the current key whatever another one sealed
    Reseal,
    /// Give every user ID its hash under `keys.names`
    RehashNames {
        /// Take away the hashes under `keys.names_old`: once no node knows that key any more
        #[arg(long)]
        finish: bool,
    },
    /// Give up a key on which nothing hangs, so that nodes may start without it
    Retire {
        /// Its id in `keys.ring`
        id: String,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failed> {
    let (keys, names) = config.keys()?;
    let owner = owner(config)?;
    let now = Clock::system().now();
    match command {
        Command::Status => status(&owner, &keys, &names).await,
        Command::Register => {
            let new = register(&owner, &keys, &names, now).await?;
            say!("{} registered", if new.is_empty() { "nothing new" } else { "keys" });
            for key in new {
                say!("  {key}");
            }
            Ok(())
        }
        Command::Reseal => {
            proven(&owner, &keys, &names).await?;
            reseal(&owner, &keys).await
        }
        Command::RehashNames { finish } => {
            proven(&owner, &keys, &names).await?;
            let found = rehash_names(&owner, &names, finish, now).await?;
            say!("{} user IDs stand under keys.names", found.present);
            say!("{} of them under keys.names_old as well", found.old);
            Ok(())
        }
        Command::Retire { id } => {
            proven(&owner, &keys, &names).await?;
            retire(&owner, &keys, &id, now).await
        }
    }
}

/// Refuses keys with which no node would start: what is sealed or hashed with a key that was never registered, or with
/// another one under its id, would open for nobody.
pub(super) async fn proven(owner: &Database, keys: &Keys, names: &NameKeys) -> Result<(), Failed> {
    let tx = owner.tenant(TenantId::PLATFORM).read().await?;
    let known = known_keys::load(&tx).await?;
    tx.commit().await?;
    known_keys::check(&known, keys, names).map_err(said)
}

/// All columns that hang on the ring, each crate's own.
pub fn keyed() -> impl Iterator<Item = Keyed> {
    accounts::KEYED
        .into_iter()
        .chain(guard::KEYED)
        .chain(jobs::KEYED)
        .chain(mail::KEYED)
        .chain(roster::KEYED)
        .chain(roster::KEYED_BEFORE)
        .chain(roster::KEYED_ENDED)
        .chain(tabular::uploads::KEYED)
        .chain(pages::KEYED)
        .chain(staff::KEYED)
        .chain(clients::KEYED)
        .chain(webhooks::KEYED)
        .chain(roster::protection::KEYED)
        .chain(approvals::KEYED)
        .chain(members::KEYED)
        .chain(statements::KEYED)
}

/// Makes keys known; which were not. The first key of user IDs gives them their hashes at once: there are none yet, or
/// none any more.
pub async fn register(
    owner: &Database,
    keys: &Keys,
    names: &NameKeys,
    now: DateTime<Utc>,
) -> Result<Vec<String>, Failed> {
    let mut tx = owner.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
    let new = known_keys::register(&mut tx, keys, names, now).await?.map_err(said)?;
    let first = known_keys::is_first_of_names(&known_keys::load(&tx).await?);
    if !new.is_empty() {
        audit::record_command(&tx, now, "keys.register", None, json!({ "keys": &new })).await?;
    }
    tx.commit().await?;
    if first {
        rehash_names(owner, names, false, now).await?;
    }
    Ok(new)
}

/// Gives every user ID its hash under the present key of names; with `finish` takes away what stands under the old one,
/// and gives that key up.
pub async fn rehash_names(
    owner: &Database,
    names: &NameKeys,
    finish: bool,
    now: DateTime<Utc>,
) -> Result<Names, Failed> {
    if finish && names.old_proof().is_none() {
        return Err(Failed::Said(
            "keys.names_old is empty: there is nothing to finish".into(),
        ));
    }
    let mut found = rehash_all(owner, names, false).await?;
    if found.present < found.accounts {
        let other = found.accounts - found.present;
        return Err(Failed::Said(format!(
            "{other} user IDs are somebody else's under keys.names: was a node without keys.names_old at work?"
        )));
    }
    if finish {
        found = rehash_all(owner, names, true).await?;
    }
    let mut tx = owner.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
    known_keys::note_complete(&mut tx, names, now).await?;
    if finish {
        known_keys::retire_old_names(&mut tx, names, now).await?;
    }
    audit::record_command(&tx, now, "keys.rehash_names", None, json!({ "finish": finish })).await?;
    tx.commit().await?;
    Ok(found)
}

async fn rehash_all(owner: &Database, names: &NameKeys, finish: bool) -> Result<Names, Failed> {
    let mut all = Names::default();
    for insurer in tenancy::list(owner).await? {
        add(
            &mut all,
            accounts::rehash_names(owner, insurer.tenant_id, names, finish).await?,
        );
    }
    Ok(all)
}

fn add(all: &mut Names, more: Names) {
    all.accounts += more.accounts;
    all.present += more.present;
    all.old += more.old;
}

/// By key and column, how many values.
type Hanging = BTreeMap<String, BTreeMap<String, i64>>;

async fn hanging(owner: &Database) -> Result<Hanging, DatabaseError> {
    let mut hanging = Hanging::new();
    for insurer in tenancy::list(owner).await? {
        for keyed in keyed() {
            let mut tx = owner.tenant(insurer.tenant_id).read().await?;
            for (key, values) in keyed.count(&mut tx).await? {
                let column = format!("{}.{}", keyed.table, keyed.column);
                *hanging.entry(key).or_default().entry(column).or_default() += values;
            }
            tx.commit().await?;
        }
    }
    Ok(hanging)
}

async fn status(owner: &Database, keys: &Keys, names: &NameKeys) -> Result<(), Failed> {
    let tx = owner.tenant(TenantId::PLATFORM).read().await?;
    let known = known_keys::load(&tx).await?;
    tx.commit().await?;
    let mut hanging = hanging(owner).await?;
    for id in keys.ids() {
        hanging.entry(id.to_owned()).or_default();
    }
    for (id, columns) in &hanging {
        let key = known_keys::of_ring(&known, id);
        let state = match key {
            _ if id == keys.current() => "current",
            Some(key) if key.is_retired() => "retired: take it out of keys.ring",
            None => "not registered",
            Some(_) if columns.is_empty() => "in use by nothing: `madoguchi keys retire` it",
            Some(_) => "in use",
        };
        say!("{id}: {state}");
        for (column, values) in columns {
            say!("  {column} {values}");
        }
    }
    let mut found = Names::default();
    for insurer in tenancy::list(owner).await? {
        add(
            &mut found,
            accounts::count_names(owner, insurer.tenant_id, names).await?,
        );
    }
    let Names { accounts, present, old } = found;
    say!("user IDs: {accounts}, {present} under keys.names, {old} under keys.names_old");
    known_keys::check(&known, keys, names).map_err(said)
}

async fn reseal(owner: &Database, keys: &Keys) -> Result<(), Failed> {
    let mut all = Resealed::default();
    for insurer in tenancy::list(owner).await? {
        for keyed in keyed() {
            let done = keyed.reseal(owner, insurer.tenant_id, keys).await?;
            all.values += done.values;
            all.closed += done.closed;
        }
    }
    say!("{} values sealed anew with {}", all.values, keys.current());
    if all.closed > 0 {
        return Err(Failed::Said(format!(
            "{} values do not open: their key is not in keys.ring, or they are not what their row says",
            all.closed
        )));
    }
    Ok(())
}

async fn retire(owner: &Database, keys: &Keys, id: &str, now: DateTime<Utc>) -> Result<(), Failed> {
    if id == keys.current() {
        return Err(Failed::Said(format!(
            "{id} is the current key: make another one current"
        )));
    }
    if let Some(columns) = hanging(owner).await?.get(id) {
        let columns: Vec<String> = columns
            .iter()
            .map(|(column, values)| format!("{values} {column}"))
            .collect();
        return Err(Failed::Said(format!("on {id} hang {}", columns.join(", "))));
    }
    let mut tx = owner.tenant(TenantId::PLATFORM).write(Durability::Safe).await?;
    if known_keys::of_ring(&known_keys::load(&tx).await?, id).is_none() {
        return Err(Failed::Said(format!("no key {id} is registered")));
    }
    known_keys::retire_of_ring(&mut tx, id, now).await?;
    audit::record_command(&tx, now, "keys.retire", None, json!({ "key": id })).await?;
    tx.commit().await?;
    say!("{id} is retired: take it out of keys.ring");
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn said(fault: KeyFault) -> Failed {
    Failed::Said(fault.to_string())
}
