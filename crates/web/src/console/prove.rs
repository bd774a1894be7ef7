//! The second factor once more, before what matters (security.md 42): it counts for ten minutes.

use super::factor::{self, Door};
use pages::{Reply, Visit};
use staff::Clerk;

/// `GET /console/prove`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    factor::ask(&visit, &clerk, Door::Prove).await
}

/// `POST /console/prove`.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    factor::check(&visit, &clerk, Door::Prove).await
}
