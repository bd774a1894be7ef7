//! What ends when a grant is shut out: its tokens, and what crates above have hung on it.

use crate::{Clients, grants::end_tokens};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use futures_util::future::BoxFuture;
use kernel::{ClientGrantId, ClientId};

/// Ends what hangs on a grant that is shut out, or on its client here, in the transaction that ends its tokens. It stays ended when
/// the grant is let in again: whoever has it back starts by hand what is theirs.
pub type Hanging = for<'a> fn(
    &'a mut TenantTransaction,
    DateTime<Utc>,
    (ClientGrantId, ClientId),
) -> BoxFuture<'a, Result<(), DatabaseError>>;

impl Clients {
    /// Ends all that a grant has opened. The caller holds the grant's row.
    pub(crate) async fn shut_out(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        (grant, client): (ClientGrantId, ClientId),
    ) -> Result<(), DatabaseError> {
        end_tokens(tx, grant).await?;
        for end in &*self.hanging {
            end(tx, now, (grant, client)).await?;
        }
        Ok(())
    }
}
