//! The shell for programs: `/api/v1` by poem-openapi, its document, and the reference page. It parses no identity and
//! decides nothing: every operation calls the use case that the pages call too.

mod answer;
mod body;
mod call;
mod document;
mod examples;
mod failure;
mod params;
mod reference;
mod routes;
mod schema;
mod shell;
mod text;
mod v1;

pub use routes::{Operation, ROUTES};

use edge::{Observe, Services};
use failure::Failure;
use poem::http::{HeaderValue, Method, StatusCode, Uri, header};
use poem::{Endpoint, EndpointExt as _, IntoResponse as _, Request, Response};
use shell::Shell;

/// Where version 1 stands.
pub const BASE: &str = "/api/v1";

/// Puts the whole API before `rest`: every path at and below `/api` is answered here, as problem+json where it is no
/// operation. A router before it would answer paths that are no UTF-8 in plain text.
pub fn before<E: Endpoint>(services: Services, rest: E) -> impl Endpoint<Output = Response> {
    Before {
        version_1: v1(services.clone()),
        others: reference(services),
        rest,
    }
}

/// The operations of version 1; takes paths with `/api/v1` and without.
pub fn v1(services: Services) -> impl Endpoint<Output = Response> {
    let observe = Observe::new(services.clock.clone());
    Shell::new(services, v1::service()).with(observe)
}

/// The reference page at `/api/`, and problem+json for every other path.
pub fn reference(services: Services) -> impl Endpoint<Output = Response> {
    Others.with(Observe::new(services.clock))
}

/// The OpenAPI document of version 1 as JSON: what `openapi/v1.json` holds.
pub fn document() -> String {
    document::text()
}

/// Whether an address is the API's to answer.
pub fn is_below(uri: &Uri) -> bool {
    uri.path() == "/api" || uri.path().starts_with("/api/")
}

/// The answer while too much is asked at once.
pub fn overloaded(request: &Request) -> Response {
    shell::problem(&Failure::of("overloaded").0, edge::request_id(request))
}

struct Before<V, O, E> {
    version_1: V,
    others: O,
    rest: E,
}

impl<V, O, E> Endpoint for Before<V, O, E>
where
    V: Endpoint<Output = Response>,
    O: Endpoint<Output = Response>,
    E: Endpoint,
{
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path();
        if path.strip_prefix(BASE).is_some_and(|below| below.starts_with('/')) {
            self.version_1.call(request).await
        } else if is_below(request.uri()) {
            self.others.call(request).await
        } else {
            Ok(self.rest.call(request).await?.into_response())
        }
    }
}

struct Others;

impl Endpoint for Others {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path();
        let refuse = |code| shell::problem(&Failure::of(code).0, edge::request_id(&request));
        if path != "/api" && path != "/api/" {
            return Ok(refuse("not_found"));
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut response = refuse("method_not_allowed");
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Ok(response);
        }
        if path == "/api" {
            let moved = Response::builder().status(StatusCode::PERMANENT_REDIRECT);
            return Ok(moved.header(header::LOCATION, "/api/").finish());
        }
        Ok(reference::page())
    }
}
