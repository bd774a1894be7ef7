//! `Idempotency-Key` before an operation that takes one: what came with a key is done once, and whoever sends it again gets the
//! answer of then. The handler keeps its answer in the transaction that does it (`Call::keep`).

use crate::{
    answer, body,
    call::{Program, sight, up},
    failure::{Failure, Flaw},
    table::{Row, Services},
};
use audit::{Channel, Look, Origin};
use clients::{Asked, Caller, Once, Saved, Taken};
use database::Durability;
use kernel::RequestId;
use poem::{Request, Response, http::HeaderMap};

/// The header.
pub(crate) const HEADER: &str = "Idempotency-Key";
/// Characters of a key at most.
pub(crate) const LONGEST: usize = 255;

/// How a request with a key begins.
pub(crate) enum Begun {
    /// It is to be done.
    First(Taken),
    /// It was, and this was the answer.
    Again(Response),
}

/// Takes the key that a request brings; none where it brings none.
pub(crate) async fn begin(services: &Services, row: &Row, request: &Request) -> Result<Option<Begun>, Failure> {
    let Some(key) = key(request.headers())? else {
        return Ok(None);
    };
    let Program(program) = request.data().ok_or_else(|| Failure::of("unavailable"))?;
    let content = body::received(request);
    let asked = Asked {
        grant: program.grant_id,
        operation: row.name,
        key: &key,
        path: request.uri().path(),
        body: &content,
    };
    let origin = edge::origin(request, Channel::Api, &services.http.trusted_proxies);
    take(services, program, &origin, &asked).await.map(Some)
}

/// Takes the key of what is asked.
pub(crate) async fn take(
    services: &Services,
    program: &Caller,
    origin: &Origin,
    asked: &Asked<'_>,
) -> Result<Begun, Failure> {
    let id = origin
        .request_id
        .unwrap_or_else(|| RequestId::new(services.clock.now()));
    let once = services.clients.once(program.tenant(), id, asked).await;
    match once.map_err(|outage| Failure::outage(&outage))? {
        Once::First(taken) => Ok(Begun::First(taken)),
        Once::Again(saved) => {
            look_again(services, program, origin, &saved).await?;
            Ok(Begun::Again(answer::again(saved)))
        }
        Once::UnderWay => Err(Failure::of("idempotency_in_progress")),
        Once::Another => Err(Failure::of("idempotency_key_reused")),
    }
}

/// What tells of a person is given once more only while the program may see them, and is one more look at them.
async fn look_again(services: &Services, program: &Caller, origin: &Origin, saved: &Saved) -> Result<(), Failure> {
    let Some(person) = saved.person else { return Ok(()) };
    let tenant = services.database.tenant(program.tenant());
    let tx = up(tenant.write(Durability::Safe).await)?;
    if up(roster::facts(&tx, &sight(program), person).await)?.is_none() {
        return Err(Failure::of("not_found"));
    }
    let look = Look::person("member", &person.0);
    up(audit::look(&tx, services.clock.now(), origin, program.actor(), look).await)?;
    up(tx.commit().await)
}

/// What was refused, or failed, was not done: its key is free again.
pub(crate) async fn end(taken: Taken, response: &Response) {
    if !response.status().is_success() {
        free(&taken).await;
    }
}

/// The key of what was not done is free again.
pub(crate) async fn free(taken: &Taken) {
    if let Err(error) = taken.free().await {
        tracing::warn!(%error, "an idempotency key is free in a minute");
    }
}

/// 1 to 255 visible characters of ASCII, once.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut lines = edge::lines(headers, HEADER);
    let Some(key) = lines.next() else { return Ok(None) };
    let code = if lines.next().is_some() {
        "repeated"
    } else if key.is_empty() {
        "too_short"
    } else if key.chars().count() > LONGEST {
        "too_long"
    } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        "characters"
    } else {
        return Ok(Some(key.into_owned()));
    };
    let flaw = Flaw::new(format!("/{HEADER}"), code);
    let flaw = flaw.saying(format!(
        "Must be one key of 1 to {LONGEST} visible characters of ASCII."
    ));
    Err(Failure::fields(vec![flaw]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_is_taken_as_it_is_written_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            let headers = HeaderMap::from_iter([(HeaderName::from_static("idempotency-key"), value)]);
            let is_good = (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
            match key(&headers) {
                Ok(read) => prop_assert_eq!(read.map(String::into_bytes), is_good.then_some(bytes)),
                Err(_) => prop_assert!(!is_good),
            }
        }
    }
}
