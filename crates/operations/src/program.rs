//! A program at its operation: who it is by its token, whether it may, what is left to it, and what it is told where it may
//! not (RFC 6750).

use crate::{call::Bearer, failure::Failure, table::Services};
use access::Scope;
use audit::Channel;
use clients::{Allowance, Caller, End, reasons::INSUFFICIENT_SCOPE};
use kernel::Outcome;
use poem::{
    Request, Response,
    http::{HeaderName, HeaderValue, StatusCode, header},
};

/// Who the token of a request is.
pub(crate) async fn enter(services: &Services, request: &Request) -> Result<Caller, Failure> {
    let bearer = Bearer::of(request).filter(|bearer| bearer.is_program);
    let bearer = bearer.ok_or_else(|| Failure::of("invalid_token"))?;
    let origin = edge::origin(request, Channel::Api, &services.http.trusted_proxies);
    let entered = services.clients.enter(&origin, &bearer.session).await;
    match entered.map_err(|outage| Failure::outage(&outage))? {
        Outcome::Done(caller) => Ok(caller),
        Outcome::Refused(refusal) => Err(Failure::refused(&refusal, services.clock.now())),
    }
}

/// Whether it may do this now.
pub(crate) fn admit(services: &Services, caller: &Caller, scope: Scope) -> Result<(), Failure> {
    let admitted = services.clients.admit(caller, scope);
    admitted.map_err(|refusal| {
        let failure = Failure::refused(&refusal, services.clock.now());
        if refusal.is(INSUFFICIENT_SCOPE) {
            let lacks = format!("The access token lacks `{scope}`. Ask for a token with it; the insurer grants it.");
            failure.explained(&lacks)
        } else {
            failure
        }
    })
}

/// Counts the call and says what is left.
pub(crate) fn close(services: &Services, caller: &Caller, scope: Scope, mut response: Response) -> Response {
    let end = match response.status() {
        StatusCode::TOO_MANY_REQUESTS => End::TooMany,
        status if status.is_success() => End::Answered,
        _ => End::Error,
    };
    services.clients.note(caller, scope, end);
    limits(&mut response, &caller.allowance);
    // Who was let in is shut out where it ended meanwhile.
    let is_shut_out = response.status() == StatusCode::UNAUTHORIZED || !caller.may(scope);
    if caller.allowance.until.is_none() && is_shut_out {
        return challenge(response, scope);
    }
    response
}

/// Says what is left to a client.
pub(crate) fn limits(response: &mut Response, allowance: &Allowance) {
    for (name, value) in [
        ("ratelimit-policy", Allowance::policy()),
        ("ratelimit", allowance.left()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// Says what is wrong with the token, and which scope would be right.
pub(crate) fn challenge(mut response: Response, scope: Scope) -> Response {
    let challenge = match response.status() {
        StatusCode::UNAUTHORIZED => r#"Bearer error="invalid_token""#.to_owned(),
        StatusCode::FORBIDDEN => format!(r#"Bearer error="insufficient_scope", scope="{scope}""#),
        _ => return response,
    };
    if let Ok(value) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
