//! The person for whom staff do something: whom the clerk sees whole, or nobody.

use crate::{Members, sight};
use accounts::{Accounts, Desk, for_staff::Held};
use database::{Durability, TenantTransaction};
use kernel::PersonId;
use pages::{Visit, visit::Trouble};
use roster::{Facts, Protected, Sight, facts};
use staff::{Clerk, reasons};

/// Who it is, in a transaction in which it is done.
pub(crate) struct Subject {
    pub tx: TenantTransaction,
    pub id: PersonId,
    pub facts: Facts,
    pub account: Option<Held>,
}

impl Members {
    /// The person of a page's address. A protected one is out of reach of whoever may not see them, and not there for whoever
    /// doesn't even see that they are; the platform's support does nothing for anybody.
    pub(crate) async fn subject(&self, accounts: &Accounts, visit: &Visit, clerk: &Clerk) -> Result<Subject, Trouble> {
        let id = PersonId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
        if clerk.support.is_some() {
            return Err(reasons::NOT_PERMITTED.into());
        }
        let tenant = self.database.tenant(clerk.insurer.tenant_id);
        let tx = tenant.write(Durability::Safe).await?;
        let sight = sight(clerk);
        let Some(found) = facts(&tx, &sight, id).await? else {
            let is_veiled = sight.protected == Protected::Veiled;
            let all = Sight {
                protected: Protected::Seen,
                ..sight
            };
            return Err(match facts(&tx, &all, id).await? {
                Some(_) if is_veiled => reasons::NOT_PERMITTED.into(),
                _ => Trouble::NotFound,
            });
        };
        let account = accounts.held(&tx, id).await?;
        Ok(Subject {
            tx,
            id,
            facts: found,
            account,
        })
    }
}

impl Subject {
    /// The person's page.
    pub(crate) fn page(&self) -> String {
        page(self.id)
    }
}

/// A person's page.
pub(crate) fn page(id: PersonId) -> String {
    format!("/console/members/{id}")
}

/// The clerk, as accounts know who does something.
pub(crate) fn desk<'a>(visit: &'a Visit, clerk: &'a Clerk) -> Desk<'a> {
    Desk {
        insurer: &clerk.insurer,
        actor: clerk.actor(),
        origin: &visit.origin,
    }
}
