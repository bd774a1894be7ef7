//! Whether a node's keys are the ones that the database knows. Until that is proven the database is shut to it: with a
//! wrong key it would call right passwords wrong, lose sessions, and close what nobody else opens.

use database::{Database, DatabaseError};
use guard::known_keys::{self, KeyFault};
use kernel::{Keys, NameKeys, TenantId};
use std::time::Duration;
use tokio::sync::watch;

/// Between two tries while the answer is not yes.
const PAUSE: Duration = Duration::from_secs(2);

/// Why a node may not work.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// It could not be asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Its keys are not the ones that are known.
    #[error(transparent)]
    Fault(#[from] KeyFault),
}

/// A node's keys and the database that is shut to it without them.
#[derive(Clone)]
pub struct KeyProof {
    database: Database,
    keys: Keys,
    names: NameKeys,
}

impl KeyProof {
    /// Shuts the database until the keys are proven.
    pub(crate) fn new(database: &Database, keys: &Keys, names: &NameKeys) -> Self {
        database.shut();
        Self {
            database: database.clone(),
            keys: keys.clone(),
            names: names.clone(),
        }
    }

    /// Asks the database, and opens or shuts it by the answer.
    pub async fn ask(&self) -> Result<(), Unproven> {
        let tx = self.database.past_shut().tenant(TenantId::PLATFORM).read().await?;
        let known = known_keys::load(&tx).await?;
        tx.commit().await?;
        let verdict = known_keys::check(&known, &self.keys, &self.names);
        if verdict.is_ok() {
            self.database.open();
        } else {
            self.database.shut();
        }
        Ok(verdict?)
    }

    /// Asks until the answer is yes, or until told to stop.
    pub(crate) async fn wait(&self, mut stop: watch::Receiver<bool>) {
        while let Err(error) = self.ask().await {
            tracing::error!(%error, "the keys are not proven: this node serves nobody");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}
