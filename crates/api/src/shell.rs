//! What stands before every operation: the table of routes decides who comes in, a body is read within its limits, and
//! whatever goes wrong, below or here, leaves as problem+json. Denies by default; reads no cookie; sends no CORS header.

use crate::BASE;
use crate::body;
use crate::call::{Bearer, Head, Inside};
use crate::failure::Failure;
use crate::routes::{END_SESSION, Operation, ROUTES};
use accounts::{Carrier, Outcome, Refusal};
use edge::{Access, MEDIA_TYPE, ProblemBody, Route, Services};
use kernel::RequestId;
use poem::endpoint::{BoxEndpoint, EndpointExt as _};
use poem::http::uri::PathAndQuery;
use poem::http::{HeaderValue, Method, StatusCode, Uri, header};
use poem::middleware::CatchPanic;
use poem::{Endpoint, IntoEndpoint, PathPattern, Request, Response};
use serde::Serialize;

/// The operations of version 1 behind their guard.
pub struct Shell {
    services: Services,
    operations: BoxEndpoint<'static>,
}

impl Shell {
    /// Guards these operations.
    pub fn new(services: Services, operations: impl IntoEndpoint<Endpoint = BoxEndpoint<'static>>) -> Self {
        let operations = operations
            .into_endpoint()
            .with(CatchPanic::new())
            .map_to_response()
            .boxed();
        Self { services, operations }
    }

    async fn answer(&self, route: &Route<Operation>, mut request: Request) -> Result<Response, Failure> {
        let bearer = match route.access {
            Access::Public | Access::Ticket => None,
            Access::Session | Access::Member => Some(Bearer::of(&request).ok_or_else(|| Failure::of("session_ended"))?),
        };
        if route.handler.body {
            body::receive(&mut request, &self.services.http).await?;
        }
        if let Some(bearer) = bearer {
            self.admit(route, &mut request, bearer).await?;
        }
        request.set_data(self.services.clone());
        // GET and HEAD are one; the server leaves the body of the latter out.
        if request.method() == Method::HEAD {
            request.set_data(Head);
        }
        request.set_method(route.method.clone());
        match self.operations.call(request).await {
            Ok(response) => Ok(response),
            Err(error) => Ok(error.into_response()),
        }
    }

    /// Lets in whom the route is for, and leaves the member for its handler.
    async fn admit(&self, route: &Route<Operation>, request: &mut Request, bearer: Bearer) -> Result<(), Failure> {
        let entered = self.services.accounts.enter(Carrier::Bearer, &bearer.session).await;
        match entered.map_err(|outage| Failure::outage(&outage))? {
            Outcome::Done(member) => {
                if route.access == Access::Member && !member.consents_due.is_empty() {
                    return Err(Failure::of("consent_required"));
                }
                request.set_data(Inside(member));
            }
            // Whoever may do nothing else any more may still log out.
            Outcome::Refused(Refusal::InsurerSuspended | Refusal::CoverageEnded) if route.name == END_SESSION => {}
            Outcome::Refused(refusal) => return Err(Failure::refused(&refusal, self.services.clock.now())),
        }
        request.set_data(bearer);
        Ok(())
    }
}

impl Endpoint for Shell {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let id = edge::request_id(&request);
        if let Some(below) = below(request.uri()) {
            *request.uri_mut() = below;
        }
        let path = request.uri().path();
        let here: Vec<&Route<Operation>> = ROUTES.iter().filter(|route| edge::matches(route.path, path)).collect();
        let method = if request.method() == Method::HEAD {
            &Method::GET
        } else {
            request.method()
        };
        let route = here.iter().find(|route| route.method == *method).copied();

        let answered = match route {
            Some(route) => self.answer(route, request).await,
            None if here.is_empty() => Err(Failure::of("not_found")),
            None => Err(Failure::of("method_not_allowed")),
        };
        let mut response = answered.map_or_else(|failure| problem(&failure.0, id), |response| settle(response, id));
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(header::ALLOW, allow(&here));
        }
        let pattern = here
            .first()
            .map_or(BASE.to_owned(), |route| format!("{BASE}{}", route.path));
        response.set_data(PathPattern(pattern.into()));
        Ok(response)
    }
}

/// The path and query below [`BASE`], where they stand below it.
fn below(uri: &Uri) -> Option<Uri> {
    let below = uri
        .path_and_query()?
        .as_str()
        .strip_prefix(BASE)
        .filter(|below| below.starts_with('/'))?;
    below.parse::<PathAndQuery>().ok().map(Uri::from)
}

/// A success as it is; everything else as problem+json, also what a library said in plain text.
fn settle(response: Response, id: Option<RequestId>) -> Response {
    if let Some(failure) = response.data::<Failure>() {
        return problem(&failure.0, id);
    }
    let status = response.status();
    if status.is_success() {
        return response;
    }
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        status if status.is_client_error() => "bad_request",
        status => {
            tracing::error!(%status, "an operation failed");
            "unavailable"
        }
    };
    problem(&Failure::of(code).0, id)
}

/// The body of RFC 9457 with the id by which the log knows the request.
#[derive(Serialize)]
struct Named<'a> {
    #[serde(flatten)]
    body: &'a ProblemBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// Writes a problem.
pub fn problem(body: &ProblemBody, id: Option<RequestId>) -> Response {
    tracing::info!(code = body.code, "refused");
    let status = StatusCode::from_u16(body.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let named = Named {
        body,
        request_id: id.map(|id| id.to_string()),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, MEDIA_TYPE)
        .header(header::CACHE_CONTROL, "no-store");
    if let Some(seconds) = body.retry_after {
        response = response.header(header::RETRY_AFTER, seconds);
    }
    if status == StatusCode::UNAUTHORIZED {
        response = response.header(header::WWW_AUTHENTICATE, "Bearer");
    }
    response.body(serde_json::to_vec(&named).unwrap_or_default())
}

fn allow(here: &[&Route<Operation>]) -> HeaderValue {
    let mut methods: Vec<&str> = here.iter().map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}
