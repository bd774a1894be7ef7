//! A request's id, its log span and its metrics. Only the route's pattern is ever written, never the address, which may
//! hold a reset link (design.md §4).

use kernel::{Clock, RequestId};
use poem::{
    Endpoint, IntoResponse, Middleware, PathPattern, Request, Response, Result,
    http::{HeaderValue, StatusCode},
};
use std::time::Instant;
use tracing::Instrument as _;

/// Marks an answer that is counted and logged by another status than it has: a refused form leads back to its page (303),
/// and is a refusal all the same.
#[derive(Debug, Clone, Copy)]
pub struct CountedAs(pub StatusCode);

/// The id of a request, given by [`Observe`].
pub fn request_id(request: &Request) -> Option<RequestId> {
    request.data::<RequestId>().copied()
}

/// Gives each request an id (`X-Request-Id` in the answer), a span, and a place in the metrics.
#[derive(Debug, Clone)]
pub struct Observe {
    clock: Clock,
}

impl Observe {
    /// Ids take their time from the clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl<E: Endpoint> Middleware<E> for Observe {
    type Output = Observed<E>;

    fn transform(&self, inner: E) -> Self::Output {
        Observed {
            inner,
            clock: self.clock.clone(),
        }
    }
}

/// What [`Observe`] makes of an endpoint.
pub struct Observed<E> {
    inner: E,
    clock: Clock,
}

impl<E: Endpoint> Endpoint for Observed<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        // Each shell observes itself; a whole house observed from outside counts each request once all the same.
        if request_id(&request).is_some() {
            return self.inner.call(request).await.map(poem::IntoResponse::into_response);
        }
        let (id, begun) = (RequestId::new(self.clock.now()), Instant::now());
        let method = known_method(request.method().as_str());
        request.set_data(id);
        let span = tracing::info_span!("request", %id, method);
        let result = self.inner.call(request).instrument(span.clone()).await;
        let mut response = match result {
            Ok(response) => response.into_response(),
            Err(error) => {
                let pattern = error.data::<PathPattern>().cloned();
                let mut response = error.into_response();
                if let Some(pattern) = pattern {
                    response.set_data(pattern);
                }
                response
            }
        };
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert("x-request-id", value);
        }
        let route = response
            .data::<PathPattern>()
            .map_or_else(|| "unknown".to_owned(), |pattern| pattern.0.to_string());
        let status = response
            .data::<CountedAs>()
            .map_or(response.status(), |counted| counted.0);
        span.in_scope(|| note(&route, method, status, begun));
        Ok(response)
    }
}

fn note(route: &str, method: &'static str, status: StatusCode, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    let labels = [
        ("route", route.to_owned()),
        ("method", method.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", "route" => route.to_owned(), "method" => method).record(seconds);
    tracing::info!(route, status = status.as_u16(), seconds, "answered");
}

/// Methods are a label of the metrics, and a stranger may invent any number of them.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::{EndpointExt as _, Route, endpoint::make_sync};

    #[tokio::test]
    async fn every_answer_carries_an_id_refusals_by_the_router_included() {
        let routes = Route::new()
            .at("/a/:b", make_sync(|_| ""))
            .with(Observe::new(Clock::system()));
        for path in ["/a/1", "/nowhere"] {
            let request = Request::builder().uri(path.parse().unwrap()).finish();
            let response = routes.call(request).await.unwrap();
            let id = response.header("x-request-id").unwrap().to_owned();
            assert!(RequestId::parse(&id).is_some(), "{path}: {id}");
        }
    }

    #[test]
    fn invented_methods_share_one_label() {
        assert_eq!(known_method("GET"), "GET");
        assert_eq!(known_method("BREW"), "OTHER");
    }
}
