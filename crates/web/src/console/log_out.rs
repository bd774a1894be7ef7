//! ログアウト: for anybody, whatever state the session is in, and whomever its page was shown for. Whoever presses it wants
//! nobody to be inside here any more, and would leave the machine in that belief.

use pages::{
    Reply, Visit, cookies,
    reply::{self, see_other},
};

/// Ends the session that the browser came with. The browser forgets it even where the database can't be told just now.
pub(super) async fn submit(visit: Visit) -> Reply {
    // Of support, the operator's own too: whoever logs out leaves the browser to anybody.
    for session in visit.console_session().into_iter().chain(visit.operator_session()) {
        if let Err(outage) = visit.services.staff.log_out(&visit.origin, &session).await {
            edge::outage(&outage);
        }
    }
    let response = visit.done(see_other("/console/login"), "ログアウトしました。");
    let response = reply::with_cookie(response, cookies::clear(cookies::CONSOLE));
    Ok(reply::with_cookie(response, cookies::clear(cookies::OPERATOR)))
}
