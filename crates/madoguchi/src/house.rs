//! The outermost endpoint: health, the API, the pages, and whatever else is asked. Every answer leaves through here with
//! the headers that keep browsers safe; all but the probes' own are counted and have a line in the log.

use crate::{
    app::{self, App},
    csp_reports::Reports,
    key_proof::KeyProof,
};
use database::Database;
use edge::Observe;
use pages::Services;
use poem::{
    Endpoint, EndpointExt as _, IntoResponse as _, PathPattern, Request, Response, Result,
    endpoint::BoxEndpoint,
    http::{Method, StatusCode},
};
use std::sync::{Arc, atomic::AtomicBool};
use tokio::sync::Semaphore;

const LIVE: &str = "/livez";
const READY: &str = "/readyz";

/// All that the public listener answers.
pub(crate) struct House {
    database: Database,
    key_proof: KeyProof,
    draining: Arc<AtomicBool>,
    https: bool,
    rooms: BoxEndpoint<'static>,
}

impl House {
    pub(crate) fn new(app: &App) -> Self {
        let services = app.pages.clone();
        let pages = pages::mount(services.clone());
        let rooms = Rooms {
            reports: Reports::new(&services),
            places: Semaphore::new(app.requests),
            files: Semaphore::new(edge::FILES),
            operations: app.operations.table.clone(),
            pages: operations::before(app.operations.clone(), pages),
            services: services.clone(),
        };
        Self {
            database: app.ground.database.clone(),
            key_proof: app.key_proof.clone(),
            draining: Arc::clone(&app.draining),
            https: services.is_https(),
            rooms: rooms.with(Observe::new(services.clock)).boxed(),
        }
    }
}

impl Endpoint for House {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let asked = [Method::GET, Method::HEAD].contains(request.method());
        let mut response = match request.uri().path() {
            LIVE if asked => "ok".into_response(),
            READY if asked => app::ready(&self.database, &self.key_proof, &self.draining).await,
            _ => self.rooms.get_response(request).await,
        };
        edge::harden(&mut response, self.https);
        Ok(response)
    }
}

/// What is counted and logged, as many at a time as may be: requests that are there whole, for whoever dawdles with a body
/// must not take a place from those who don't (security.md 64).
struct Rooms<E> {
    services: Services,
    reports: Reports,
    places: Semaphore,
    files: Semaphore,
    operations: operations::Table,
    pages: E,
}

impl<E> Rooms<E> {
    /// True for a request whose body is a file.
    fn brings_file(&self, request: &Request) -> bool {
        pages::brings_file(&self.services, request) || operations::brings_file(&self.operations, request)
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Rooms<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        // No browser asks so: what two readers read differently is not answered at all.
        if !edge::has_one_host(&request) {
            let said = "A request of HTTP/1.1 has one Host.";
            return Ok(edge::http_problem(StatusCode::BAD_REQUEST, said).into_response());
        }
        let http = &self.services.http;
        // A file is received by whoever it is for, and takes no place from those who don't dawdle either. It is read only once it is
        // known who sends it, and that they have a place of their share.
        let places = if self.brings_file(&request) {
            &self.files
        } else {
            edge::receive_body(&mut request, http.body_limit_bytes, http.body_time).await;
            &self.places
        };
        let Ok(_place) = places.try_acquire() else {
            return Ok(if operations::is_below(request.uri()) {
                operations::overloaded(&request)
            } else {
                pages::overloaded(&self.services, &request).await
            });
        };
        // Staff have no programs: the console's host has no API.
        if operations::is_below(request.uri()) && self.services.is_at_console(&request) {
            return Ok(pages::not_here(&self.services, &request).await);
        }
        let (pattern, methods) = match request.uri().path() {
            LIVE => (LIVE, "GET, HEAD"),
            READY => (READY, "GET, HEAD"),
            pages::REPORTS => (pages::REPORTS, "POST"),
            _ => return self.pages.call(request).await,
        };
        let mut response = if pattern == pages::REPORTS && request.method() == Method::POST {
            self.reports.take(request).await.into_response()
        } else {
            pages::other_method(&self.services, &request, methods).await
        };
        response.set_data(PathPattern(pattern.into()));
        Ok(response)
    }
}
