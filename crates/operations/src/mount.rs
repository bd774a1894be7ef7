//! Mounts the operations' table. What stands before every operation: the row decides who comes in, a body is read within
//! its limits, and whatever goes wrong, below or here, leaves as problem+json. Denies by default; reads no cookie; sends no
//! CORS header.

use crate::{
    BASE, body,
    call::{Bearer, Head, Inside, Program},
    failure::Failure,
    oauth,
    once::{self, Begun},
    program, stream,
    table::{Group, Repeat, Row, Services, Table},
};
use access::Scope;
use accounts::{Carrier, reasons};
use clients::Caller;
use edge::{Body, Coding, MEDIA_TYPE, Observe, ProblemBody, Rights, StreamBody, WORTH_BYTES};
use kernel::{Outcome, RequestId};
use poem::{
    Endpoint, EndpointExt as _, IntoResponse as _, PathPattern, Request, Response, Result,
    endpoint::BoxEndpoint,
    http::{HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Puts the whole API before `rest`: every path at and below `/api` is answered here, as problem+json where it is no
/// operation. A router before it would answer paths that are no UTF-8 in plain text.
pub fn before<E: Endpoint>(services: Services, rest: E) -> impl Endpoint<Output = Response> {
    let observe = Observe::new(services.clock.clone());
    let api = Api {
        operations: operations(&services),
        services,
    };
    Before {
        api: api.with(observe).boxed(),
        rest,
    }
}

/// Whether an address is the API's to answer: what is below `/api`, and where OAuth has its metadata.
pub fn is_below(uri: &Uri) -> bool {
    uri.path() == "/api" || uri.path().starts_with("/api/") || uri.path() == oauth::METADATA
}

/// The answer while too much is asked at once.
pub fn overloaded(request: &Request) -> Response {
    problem(&Failure::of("overloaded").0, edge::request_id(request))
}

/// True for a request whose body is a file, which only its handler reads.
pub fn brings_file(table: &Table, request: &Request) -> bool {
    let Some(path) = request.uri().path().strip_prefix(BASE) else {
        return false;
    };
    let mut files = table
        .rows()
        .filter(|row| matches!(row.body, Body::Stream(_)) && row.method == *request.method());
    files.any(|row| edge::matches(row.path, path))
}

struct Before<E> {
    api: BoxEndpoint<'static, Response>,
    rest: E,
}

impl<E: Endpoint> Endpoint for Before<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if is_below(request.uri()) {
            self.api.call(request).await
        } else {
            Ok(self.rest.call(request).await?.into_response())
        }
    }
}

/// Every path below `/api`.
struct Api {
    services: Services,
    operations: poem::Route,
}

impl Endpoint for Api {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let id = edge::request_id(&request);
        let Some(below) = below(request.uri()) else {
            return Ok(self.other(&request));
        };
        *request.uri_mut() = below;
        // The router's only error: no such address.
        Ok(self.operations.call(request).await.unwrap_or_else(|_| {
            let mut response = problem(&Failure::of("not_found").0, id);
            response.set_data(PathPattern(BASE.into()));
            response
        }))
    }
}

impl Api {
    /// The reference page and OAuth's metadata, and nothing else.
    fn other(&self, request: &Request) -> Response {
        let path = request.uri().path();
        let refuse = |code| problem(&Failure::of(code).0, edge::request_id(request));
        if !["/api", "/api/", oauth::METADATA].contains(&path) {
            return refuse("not_found");
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut response = refuse("method_not_allowed");
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        if path == "/api" {
            let moved = Response::builder().status(StatusCode::PERMANENT_REDIRECT);
            return moved.header(header::LOCATION, "/api/").finish();
        }
        if path == oauth::METADATA {
            return oauth::metadata(&self.services.public_url);
        }
        crate::reference::page(&self.services.table, &self.services.public_url)
    }
}

/// Finds a path's rows by a tree.
fn operations(services: &Services) -> poem::Route {
    let mut by_path: BTreeMap<&'static str, Vec<(Row, Group)>> = BTreeMap::new();
    for group in services.table.groups() {
        for row in &group.rows {
            by_path.entry(row.path).or_default().push((row.clone(), group.clone()));
        }
    }
    let mut router = poem::Route::new();
    for (path, rows) in by_path {
        let methods = Methods {
            services: services.clone(),
            rows,
        };
        router = router.at(path, methods);
    }
    router
}

/// The methods of one path.
struct Methods {
    services: Services,
    rows: Vec<(Row, Group)>,
}

impl Endpoint for Methods {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let id = edge::request_id(&request);
        let coding = Coding::accepted(request.headers());
        let method = if request.method() == Method::HEAD {
            &Method::GET
        } else {
            request.method()
        };
        let is_read = *request.method() == Method::GET;
        let found = self.rows.iter().find(|(row, _)| row.method == *method);
        let mut response = if let Some((row, group)) = found {
            match row.rights {
                Rights::Client(scope) => self.answer_program(scope, row, group, request).await,
                _ => written(self.answer(row, group, request).await, row.handler.oauth, id),
            }
        } else {
            let oauth = self.rows.iter().any(|(row, _)| row.handler.oauth);
            written(Err(Failure::of("method_not_allowed")), oauth, id)
        };
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(header::ALLOW, self.allow());
        }
        if is_read {
            response = compressed(response, coding).await;
        }
        if let Some((row, _)) = self.rows.first() {
            response.set_data(PathPattern(format!("{BASE}{}", row.path).into()));
        }
        Ok(response)
    }
}

impl Methods {
    async fn answer(&self, row: &Row, group: &Group, mut request: Request) -> Result<Response, Failure> {
        let bearer = match row.rights {
            Rights::Public | Rights::Ticket => None,
            // No operation is staff's: they have the console. Programs come in by a way of their own.
            Rights::StaffPending | Rights::StaffSession | Rights::Staff { .. } | Rights::Client(_) => {
                return Err(Failure::of("not_found"));
            }
            Rights::Session | Rights::Member => Some(Bearer::of(&request).ok_or_else(|| Failure::of("session_ended"))?),
        };
        self.receive(row, &mut request).await?;
        if let Some(bearer) = bearer {
            self.admit(row, &mut request, bearer).await?;
        }
        Ok(self.hand_over(row, group, request).await)
    }

    /// Serves a program. Whoever is known to be one is told what is left to it, whatever becomes of the call, and each call
    /// is counted.
    async fn answer_program(&self, scope: Scope, row: &Row, group: &Group, request: Request) -> Response {
        let id = edge::request_id(&request);
        let caller = match program::enter(&self.services, &request).await {
            Ok(caller) => caller,
            // Who brings no token is told of no error in it (RFC 6750, 3.1).
            Err(failure) if !Bearer::is_in(&request) => return problem(&failure.0, id),
            Err(failure) => return program::challenge(problem(&failure.0, id), scope),
        };
        let answered = match program::admit(&self.services, &caller, scope) {
            Ok(()) => self.serve(row, group, request, &caller).await,
            Err(failure) => Err(failure),
        };
        let response = written(answered, false, id);
        program::close(&self.services, &caller, scope, response)
    }

    /// Does what a program that may asks for.
    async fn serve(
        &self,
        row: &Row,
        group: &Group,
        mut request: Request,
        caller: &Caller,
    ) -> Result<Response, Failure> {
        // Of its share, and held until it is answered.
        let _place = match row.body {
            Body::Stream(_) => {
                let place = self
                    .services
                    .http
                    .files
                    .take(caller.tenant(), caller.grant_id.0.as_u128());
                Some(place.ok_or_else(|| Failure::of("overloaded"))?)
            }
            _ => None,
        };
        self.receive(row, &mut request).await?;
        request.set_data(Program(caller.clone()));
        self.do_once(row, group, request).await
    }

    /// Hands over what is to be done: once for each `Idempotency-Key`, where the row takes one.
    async fn do_once(&self, row: &Row, group: &Group, mut request: Request) -> Result<Response, Failure> {
        // Of a file it is known once it has come what is sent again: its handler takes the key.
        let is_file = matches!(row.body, Body::Stream(_));
        let begun = if row.handler.repeat == Repeat::Keyed && !is_file {
            once::begin(&self.services, row, &request).await?
        } else {
            None
        };
        let taken = match begun {
            Some(Begun::Again(answer)) => return Ok(answer),
            Some(Begun::First(taken)) => {
                request.set_data(taken.clone());
                Some(taken)
            }
            None => None,
        };
        let response = self.hand_over(row, group, request).await;
        if let Some(taken) = taken {
            once::end(taken, &response).await;
        }
        Ok(response)
    }

    /// Takes the body that the row says.
    async fn receive(&self, row: &Row, request: &mut Request) -> Result<(), Failure> {
        // What is packed is not unpacked.
        if matches!(row.body, Body::Json(_) | Body::Stream(_)) && body::is_coded(request) {
            let coded = "The body comes with a Content-Encoding. Send it as it is, without that header.";
            return Err(Failure::of("unsupported_media_type").explained(coded));
        }
        match row.body {
            Body::Json(limit) => body::receive(request, limit, &self.services.http).await,
            Body::Form(limit) => body::receive_form(request, limit, &self.services.http).await,
            Body::Stream(limit) => {
                if !edge::is_media_type(request, stream::MEDIA_TYPE) {
                    return Err(Failure::of("unsupported_media_type"));
                }
                let body = StreamBody::of(request, limit, self.services.http.body_time);
                request.set_data(body);
                Ok(())
            }
            Body::Nothing | Body::File(_) => Ok(()),
        }
    }

    async fn hand_over(&self, row: &Row, group: &Group, mut request: Request) -> Response {
        request.set_data(self.services.clone());
        // GET and HEAD are one; the server leaves the body of the latter out.
        if request.method() == Method::HEAD {
            request.set_data(Head);
        }
        request.set_method(row.method.clone());
        match group.endpoint.call(request).await {
            Ok(response) => response,
            Err(error) => error.into_response(),
        }
    }

    /// Lets in whom the row is for, and leaves the member for its handler.
    async fn admit(&self, row: &Row, request: &mut Request, bearer: Bearer) -> Result<(), Failure> {
        let entered = self.services.accounts.enter(Carrier::Bearer, &bearer.session).await;
        match entered.map_err(|outage| Failure::outage(&outage))? {
            Outcome::Done(member) => {
                if !member.may_open(row.for_former || row.handler.after_access) {
                    return Err(Failure::of("coverage_ended"));
                }
                if row.rights == Rights::Member && !member.consents_due.is_empty() {
                    return Err(Failure::of("consent_required"));
                }
                request.set_data(Inside(member));
            }
            // Whoever may do nothing else any more may still log out.
            Outcome::Refused(refusal)
                if row.handler.after_access
                    && refusal.is_any(&[reasons::INSURER_SUSPENDED, reasons::COVERAGE_ENDED]) => {}
            Outcome::Refused(refusal) => return Err(Failure::refused(&refusal, self.services.clock.now())),
        }
        request.set_data(bearer);
        Ok(())
    }

    fn allow(&self) -> HeaderValue {
        let mut methods: Vec<&str> = self.rows.iter().map(|(row, _)| row.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        HeaderValue::from_str(&methods.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// A long answer to a read, as whoever asks takes it. An `ETag` names the very bytes of its answer, which stays as it is; and nothing
/// but reads comes here, for other answers hold secrets.
async fn compressed(mut response: Response, accepted: Option<Coding>) -> Response {
    if !response.status().is_success() || response.headers().contains_key(header::ETAG) {
        return response;
    }
    match response.take_body().into_bytes().await {
        Ok(body) => {
            let is_worth_it = body.len() >= WORTH_BYTES;
            response.set_body(body);
            if is_worth_it {
                edge::compress(response, accepted)
            } else {
                response
            }
        }
        Err(_) => problem(&Failure::of("unavailable").0, None),
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

/// A success as it is; everything else as problem+json, or in OAuth's shape.
fn written(answered: Result<Response, Failure>, oauth: bool, id: Option<RequestId>) -> Response {
    match answered.and_then(settle) {
        Ok(response) => response,
        Err(failure) if oauth => oauth::problem(&failure.0),
        Err(failure) => problem(&failure.0, id),
    }
}

/// What is no success as the failure that it is, also what a library said in plain text.
fn settle(response: Response) -> Result<Response, Failure> {
    if let Some(failure) = response.data::<Failure>() {
        return Err(failure.clone());
    }
    let status = response.status();
    if status.is_success() {
        return Ok(response);
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
    Err(Failure::of(code))
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
