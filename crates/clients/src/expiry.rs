//! Whoever is behind a client is told by mail thirty days before its last day, once for each last day that is set.

use crate::{
    ClientName, Clients, State,
    messages::{ClientEnding, Letterhead},
    rows::client_of,
    schema::{client_grants, clients},
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use database::{Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{ClientId, EmailAddress, Outage, TenantId, calendar};
use tenancy::Insurer;

/// Days before the last one.
const AHEAD: Days = Days::new(30);
/// Mails of one sweep; the next goes on.
const AT_ONCE: i64 = 200;

/// A client whose last day comes near.
struct Ending {
    client: ClientName,
    name: String,
    last: NaiveDate,
}

impl Clients {
    /// Writes what is due: of an insurer's grants, and at the platform of vendors' clients; gives how many. Each in
    /// a transaction of its own, so that a second sweep at the same time writes none of them again.
    pub async fn tell_of_ends(&self, insurer: &Insurer) -> Result<usize, Outage> {
        let now = self.clock.now();
        let mut told = 0;
        for ending in self.endings(insurer.tenant_id, now).await? {
            // Before the transaction, which would hold a connection while it waits for another.
            let at_home = self.database.tenant(ending.client.home).read().await?;
            let row = client_of(&at_home, ending.client.client_id).await?;
            drop(at_home);
            let mut tx = self.database.tenant(insurer.tenant_id).write(Durability::Safe).await?;
            if mark(&mut tx, &ending).await? {
                if let Some(to) = row.and_then(|row| row.address(&self.keys)) {
                    self.write_to(&mut tx, insurer, to, &ending, now).await?;
                    told += 1;
                }
                tx.commit().await?;
            }
        }
        Ok(told)
    }

    async fn endings(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<Vec<Ending>, Outage> {
        let today = calendar::today_in_japan(now);
        let until = today.checked_add_days(AHEAD).unwrap_or(today);
        let tx = self.database.tenant(tenant).read().await?;
        let active = State::Active.as_str();
        let of_vendors: Vec<(ClientId, String, Option<NaiveDate>)> = clients::table
            .filter(clients::tenant_id.eq(tenant))
            .filter(clients::expires_on.between(today, until))
            .filter(clients::told_of.is_distinct_from(clients::expires_on))
            .filter(clients::state.eq(active))
            .limit(AT_ONCE)
            .select((clients::client_id, clients::name, clients::expires_on))
            .load(&mut &*tx)
            .await?;
        let of_grants: Vec<(ClientId, TenantId, String, Option<NaiveDate>)> = client_grants::table
            .filter(client_grants::tenant_id.eq(tenant))
            .filter(client_grants::expires_on.between(today, until))
            .filter(client_grants::told_of.is_distinct_from(client_grants::expires_on))
            .filter(client_grants::state.eq(active))
            .filter(client_grants::client_state.eq(active))
            .limit(AT_ONCE)
            .select((
                client_grants::client_id,
                client_grants::home,
                client_grants::name,
                client_grants::expires_on,
            ))
            .load(&mut &*tx)
            .await?;
        let of_vendors = of_vendors.into_iter().map(|(id, name, last)| (id, tenant, name, last));
        let all = of_vendors.chain(of_grants).filter_map(|(client_id, home, name, last)| {
            Some(Ending {
                client: ClientName { home, client_id },
                name,
                last: last?,
            })
        });
        Ok(all.collect())
    }

    async fn write_to(
        &self,
        tx: &mut TenantTransaction,
        insurer: &Insurer,
        to: EmailAddress,
        ending: &Ending,
        now: DateTime<Utc>,
    ) -> Result<(), Outage> {
        let message = ClientEnding {
            letterhead: Letterhead::of(insurer),
            name: ending.name.clone(),
            client_id: ending.client.to_string(),
            last: ending.last,
        };
        let letter = mail::Letter {
            sender: mail::Sender {
                name: insurer.sender.name.clone(),
                address: insurer.sender.address.clone(),
            },
            to,
            subject_id: None,
            expires_at: None,
            message: &message,
        };
        mail::post(tx, &self.keys, now, letter).await?;
        Ok(())
    }
}

/// Notes that it is told; false where somebody has, or the last day is another by now.
async fn mark(tx: &mut TenantTransaction, ending: &Ending) -> Result<bool, Outage> {
    let (tenant, id, last) = (tx.tenant(), ending.client.client_id, ending.last);
    let marked = if tenant == TenantId::PLATFORM {
        diesel::update(clients::table)
            .filter(clients::tenant_id.eq(tenant))
            .filter(clients::client_id.eq(id))
            .filter(clients::expires_on.eq(last))
            .filter(clients::told_of.is_distinct_from(last))
            .set(clients::told_of.eq(last))
            .execute(&mut **tx)
            .await?
    } else {
        diesel::update(client_grants::table)
            .filter(client_grants::tenant_id.eq(tenant))
            .filter(client_grants::client_id.eq(id))
            .filter(client_grants::expires_on.eq(last))
            .filter(client_grants::told_of.is_distinct_from(last))
            .set(client_grants::told_of.eq(last))
            .execute(&mut **tx)
            .await?
    };
    Ok(marked > 0)
}
