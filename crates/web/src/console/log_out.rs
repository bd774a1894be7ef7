//! ログアウト.

use pages::{
    Reply, Visit, cookies,
    reply::{self, see_other},
};
use staff::Clerk;

/// Ends the session that the browser came with.
pub(super) async fn submit(visit: Visit, _: Clerk) -> Reply {
    // Of support, the operator's own too: whoever logs out leaves the browser to anybody.
    for session in visit.console_session().into_iter().chain(visit.operator_session()) {
        visit.services.staff.log_out(&visit.origin, &session).await?;
    }
    let response = visit.done(see_other("/console/login"), "ログアウトしました。");
    let response = reply::with_cookie(response, cookies::clear(cookies::CONSOLE));
    Ok(reply::with_cookie(response, cookies::clear(cookies::OPERATOR)))
}
