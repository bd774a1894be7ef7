//! Mounts the pages' table. What a request must have before its handler runs is checked here and nowhere else: method,
//! own page, readable form, session, consent. Handlers can't forget it.

use crate::{
    again, console,
    cookies::{self, Cookies},
    csrf, error_pages,
    forms::{self, Form, FormTrouble},
    frame::{Frame, Menu},
    next_path, reply,
    route::{Handler, Row},
    services::Services,
    shown_for::{self, ShownFor},
    visit::{self, Caller, Refused, Trouble, Visit},
};
use accounts::{Carrier, reasons};
use audit::Channel;
use edge::{Body, BodyTrouble, Coding, CountedAs, HttpSettings, Observe, Rights};
use kernel::{Outcome, outcome};
use poem::{
    Endpoint, EndpointExt as _, IntoResponse as _, PathPattern, Request, Response, Result,
    http::{HeaderValue, Method, StatusCode, header, uri::PathAndQuery},
    middleware::CatchPanic,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Longer than any browser's name for itself that is worth keeping.
const AGENT_CHARACTERS: usize = 300;

/// Every page of the table. It observes itself.
pub fn mount(services: Services) -> impl Endpoint<Output = Response> {
    let services = Arc::new(services);
    let mut by_path: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
    for row in services.table.rows() {
        by_path.entry(row.path).or_default().push(row.clone());
    }
    let mut router = poem::Route::new();
    let pages: BTreeSet<&str> = by_path
        .iter()
        .filter(|(_, routes)| routes.iter().any(|route| route.method == Method::GET))
        .map(|(path, _)| *path)
        .collect();
    for (path, routes) in by_path {
        let methods = Methods {
            services: Arc::clone(&services),
            page: page_of(path, &pages),
            routes,
        };
        // Within the router, which says of what it answered by which pattern.
        let guarded = methods.with(CatchPanic::new().with_handler(|_| Panicked.into_response()));
        router = router.at(path, guarded);
    }
    let observed = Observe::new(services.clock.clone());
    Shell {
        services,
        inner: router,
    }
    .with(observed)
}

/// The page that a button's path belongs to: the nearest above it. Whoever comes by history or a bookmark finds it there.
fn page_of(path: &'static str, pages: &BTreeSet<&'static str>) -> Option<&'static str> {
    let ends = path.rmatch_indices('/');
    let mut above = ends.flat_map(|(end, _)| [path.get(..end), path.get(..=end)]).flatten();
    above.find(|page| !page.contains(':') && pages.contains(page))
}

/// Marks the answer of a handler that panicked.
#[derive(Clone, Copy)]
struct Panicked;

impl poem::IntoResponse for Panicked {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.set_data(self);
        response
    }
}

/// Around the router: pages for what no route answers, and compression.
struct Shell<E> {
    services: Arc<Services>,
    inner: E,
}

impl<E: Endpoint<Output = Response>> Endpoint for Shell<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let coding = Coding::accepted(request.headers());
        let cookies = Cookies::read(request.headers());
        let head = request.method() == Method::HEAD;
        let now = self.services.clock.now();
        let side = Side::of(&self.services, &request);
        let frame = async || frame(&self.services, &cookies, side).await;
        if self.services.is_elsewhere(&request) {
            // The console's host is typed without a path, too.
            return Ok(match (side, request.uri().path()) {
                (Side::Console, "/") => reply::see_other("/console/"),
                _ => error_pages::page(frame().await, &Trouble::NotFound, now),
            });
        }
        let mut response = match self.inner.call(request).await {
            Ok(panicked) if panicked.data::<Panicked>().is_some() => {
                let mut page = error_pages::after_panic(frame().await);
                if let Some(pattern) = panicked.data::<PathPattern>() {
                    page.set_data(pattern.clone());
                }
                page
            }
            Ok(response) => response,
            // The router's only error: no such address.
            Err(_) => error_pages::page(frame().await, &Trouble::NotFound, now),
        };
        if let Some(Refused(code)) = response.data() {
            tracing::info!(code, "refused");
        }
        if head {
            response.take_body();
            return Ok(response);
        }
        Ok(reply::compress(response, coding))
    }
}

/// Whose pages an address is among; where the console has a host of its own, all that is asked there is the console's, and
/// nothing else is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Files wear no look, so they ask the directory nothing, and nobody's session.
    Files,
    Portal,
    Console,
}

impl Side {
    pub(crate) fn of(services: &Services, request: &Request) -> Self {
        let path = request.uri().path();
        if path.starts_with(console::FILES) {
            Self::Files
        } else if console::is_console(path) != services.is_elsewhere(request) {
            Self::Console
        } else {
            Self::Portal
        }
    }
}

/// Around a page that no handler makes.
async fn frame(services: &Services, cookies: &Cookies, side: Side) -> Frame {
    let now = services.clock.now();
    let mut frame = match side {
        Side::Files => return Frame::new(visit::plain_look(), Menu::Visitor, now),
        Side::Portal => visit::bare_frame(services, cookies, now).await,
        Side::Console => console::bare_frame(services, cookies).await,
    };
    frame.maintenance = maintenance(services, side).await;
    frame
}

/// What pages tell of a planned interruption; nothing while the directory is away.
async fn maintenance(services: &Services, side: Side) -> Option<String> {
    if matches!(side, Side::Files) {
        return None;
    }
    let planned = services.accounts.directory().maintenance().await.ok().flatten();
    planned.map(|planned| planned.told(services.clock.now()))
}

/// The methods of one path.
struct Methods {
    services: Arc<Services>,
    /// Where a button's path leads by GET.
    page: Option<&'static str>,
    routes: Vec<Row>,
}

impl Endpoint for Methods {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let caller = caller(&self.services, &request);
        let (now, cookies) = (caller.now, &caller.cookies);
        let side = Side::of(&self.services, &request);
        let method = if request.method() == Method::HEAD {
            &Method::GET
        } else {
            request.method()
        };
        let Some(route) = self.routes.iter().find(|route| route.method == *method) else {
            if let (&Method::GET, Some(page)) = (method, self.page) {
                return Ok(reply::see_other(page));
            }
            return Ok(error_pages::page(
                frame(&self.services, cookies, side).await,
                &Trouble::Method(self.allow()),
                now,
            ));
        };
        let look = async {
            match side {
                Side::Files => visit::plain_look(),
                Side::Portal => visit::look(&self.services, cookies).await,
                Side::Console => console::look(&self.services, cookies).await,
            }
        };
        let (look, maintenance) = futures_util::join!(look, maintenance(&self.services, side));
        let visit = match read(&self.services, route, request, caller.clone(), look).await {
            Ok(visit) => Visit { maintenance, ..visit },
            Err(trouble) => {
                return Ok(error_pages::page(
                    frame(&self.services, cookies, side).await,
                    &trouble,
                    now,
                ));
            }
        };
        let response = run(route, visit).await;
        if route.method != Method::POST {
            return Ok(response);
        }
        if is_busy(&response) {
            return Ok(Box::pin(at_once(&self.services, caller, response)).await);
        }
        // What was typed before is over with the next form that is sent, but for one that leads to where it is shown.
        let is_over = !cookies::is_set(&response, cookies::AGAIN) && !again::is_shown_at_the_end_of(&response);
        if cookies.get(cookies::AGAIN).is_some() && is_over {
            return Ok(reply::with_cookie(response, cookies::clear(cookies::AGAIN)));
        }
        Ok(response)
    }
}

impl Methods {
    fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.routes.iter().map(|route| route.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.join(", ")
    }
}

fn caller(services: &Services, request: &Request) -> Caller {
    let agent = edge::line(request.headers(), "user-agent").unwrap_or_default();
    let channel = if console::is_console(request.uri().path()) {
        Channel::Console
    } else {
        Channel::Portal
    };
    Caller {
        now: services.clock.now(),
        origin: edge::origin(request, channel, &services.http.trusted_proxies),
        agent: agent.chars().take(AGENT_CHARACTERS).collect(),
        cookies: Cookies::read(request.headers()),
    }
}

/// Reads the request. A post is looked at only if a page of ours sent it.
async fn read(
    services: &Arc<Services>,
    route: &Row,
    mut request: Request,
    caller: Caller,
    look: Arc<tenancy::Insurer>,
) -> Result<Visit, Trouble> {
    let url = if console::is_console(route.path) {
        &services.console_url
    } else {
        &services.public_url
    };
    if route.method == Method::POST && !route.foreign && !csrf::is_own(request.headers(), url) {
        return Err(Trouble::NotOurs);
    }
    let (mut form, mut file) = (Form::default(), None);
    match route.body {
        Body::Form(limit) => form = read_form(&mut request, limit, &services.http).await?,
        Body::File(limit) => {
            file = Some(edge::FileBody::of(&mut request, limit, services.http.body_time));
        }
        Body::Nothing | Body::Json(_) | Body::Stream(_) => {}
    }
    let query = Form::of_query(request.uri().query().unwrap_or_default());
    let names = route.path.split('/').filter_map(|segment| segment.strip_prefix(':'));
    let params: Vec<_> = names
        .map(|name| (name, request.raw_path_param(name).unwrap_or_default().to_owned()))
        .collect();
    // PostgreSQL takes no text with it, so nothing goes by such a name.
    if params.iter().any(|(_, value)| value.contains('\0')) {
        return Err(Trouble::NotFound);
    }
    Ok(Visit {
        is_head: request.method() == Method::HEAD || is_fetched_ahead(&request),
        query,
        form,
        file,
        asked_for: asked_for(services, route, &request),
        params,
        ..Visit::new(services, caller, look)
    })
}

/// True where a browser fetches a page that nobody has asked for yet.
fn is_fetched_ahead(request: &Request) -> bool {
    let purposes = ["sec-purpose", "purpose", "x-moz"].into_iter();
    let mut purposes = purposes.filter_map(|name| edge::line(request.headers(), name));
    purposes.any(|purpose| purpose.trim_start().starts_with("prefetch"))
}

/// Where log-in would lead back to: the page asked for, or the page whose form was sent.
fn asked_for(services: &Services, route: &Row, request: &Request) -> String {
    let own = request
        .uri()
        .path_and_query()
        .map(PathAndQuery::as_str)
        .unwrap_or_default();
    let is_page = || {
        let table = &services.table;
        next_path::allowed(table, own).is_some() || next_path::allowed_for_staff(table, own).is_some()
    };
    if route.method == Method::GET || is_page() {
        return own.to_owned();
    }
    let referer = edge::line(request.headers(), "referer").and_then(|referer| url::Url::parse(&referer).ok());
    referer.map_or_else(
        || next_path::above(&services.table, own).unwrap_or_default().to_owned(),
        |page| page.path().to_owned(),
    )
}

async fn read_form(request: &mut Request, limit: usize, http: &HttpSettings) -> Result<Form, FormTrouble> {
    let read = edge::read_body(request, limit, http.body_time).await;
    let body = read.map_err(form_trouble)?;
    // A button with nothing to say, as log-out, may come without a body and so without a type.
    if body.is_empty() {
        return Ok(Form::default());
    }
    if !edge::is_media_type(request, forms::MEDIA_TYPE) {
        return Err(FormTrouble::MediaType);
    }
    Form::parse(&body)
}

fn form_trouble(trouble: BodyTrouble) -> FormTrouble {
    match trouble {
        BodyTrouble::TooLarge => FormTrouble::TooLarge,
        BodyTrouble::Unreadable => FormTrouble::Malformed,
    }
}

/// True for a request whose body is a file, which only its handler reads.
pub fn brings_file(services: &Services, request: &Request) -> bool {
    let rows = services.table.rows().iter();
    let mut files = rows.filter(|row| matches!(row.body, Body::File(_)) && row.method == *request.method());
    files.any(|row| edge::matches(row.path, request.uri().path()))
}

/// Runs the handler; a member's only for whom the route's access level lets in. Others go to log-in and back, or to the
/// terms and back.
async fn run(route: &Row, mut visit: Visit) -> Response {
    let now = visit.now;
    let handler = match &route.handler {
        Handler::Open(handler) => {
            if route.rights == Rights::Ticket {
                visit.shown_for = visit.ticket().as_ref().map(ShownFor::ticket);
            }
            let frame = visit.frame();
            if is_of_another(route, &visit) {
                return error_pages::page(frame, &Trouble::ShownForAnother(route.rights), now);
            }
            return error_pages::settle(|| frame, handler(visit).await, now);
        }
        Handler::Clerk(handler) => {
            let clerk = match console::admit(route, &mut visit).await {
                Ok(clerk) => clerk,
                Err(instead) => return instead,
            };
            let frame = visit.frame();
            if is_of_another(route, &visit) {
                return error_pages::page(frame, &Trouble::ShownForAnother(route.rights), now);
            }
            // Of their share, and held until they are answered.
            let _place = if matches!(route.body, Body::File(_)) {
                let files = &visit.services.http.files;
                match files.take(clerk.insurer.tenant_id, clerk.staff_id.0.as_u128()) {
                    Some(place) => Some(place),
                    None => return error_pages::page(frame, &outcome::OVERLOADED.into(), now),
                }
            } else {
                None
            };
            return error_pages::settle(|| frame, handler(visit, clerk).await, now);
        }
        Handler::Member(handler) => handler,
    };
    let Some(session) = visit.session() else {
        return visit.to_log_in();
    };
    let trouble: Trouble = match visit.services.accounts.enter(Carrier::Cookie, &session).await {
        Ok(Outcome::Done(member)) => {
            visit.welcome(&member);
            if !member.may_open(route.for_former) {
                return error_pages::page(visit.frame(), &Trouble::NotFound, now);
            }
            if is_of_another(route, &visit) {
                return error_pages::page(visit.frame(), &Trouble::ShownForAnother(route.rights), now);
            }
            if route.rights == Rights::Member && !member.consents_due.is_empty() {
                let mut response = reply::see_other(&next_path::with_next(
                    &visit.services.table,
                    "/portal/terms",
                    Some(&visit.asked_for),
                ));
                response.set_data(Refused(reasons::CONSENT_REQUIRED.code));
                return response;
            }
            let frame = visit.frame();
            return error_pages::settle(|| frame, handler(visit, member).await, now);
        }
        Ok(Outcome::Refused(refusal)) if refusal.is(reasons::SESSION_ENDED) => return visit.to_log_in(),
        Ok(Outcome::Refused(refusal)) => {
            wear_session(&mut visit).await;
            refusal.into()
        }
        Err(outage) => outage.into(),
    };
    error_pages::page(visit.frame(), &trouble, now)
}

/// True for a form that is refused for reasons that are ours.
fn is_busy(response: &Response) -> bool {
    let counted = response.data::<CountedAs>();
    counted.is_some_and(|counted| counted.0 == StatusCode::SERVICE_UNAVAILABLE)
}

/// The page to which a refused form leads back, as its answer: in a rush nobody is asked for a second request, and whoever
/// only reads statuses is told when to come back.
async fn at_once(services: &Arc<Services>, mut caller: Caller, refused: Response) -> Response {
    let leads = refused.header(header::LOCATION).unwrap_or_default();
    let (path, query) = leads.split_once('?').unwrap_or((leads, ""));
    let mut pages = services.table.rows().iter().filter(|row| row.method == Method::GET);
    let Some(route) = pages.find(|row| row.path == path) else {
        return refused;
    };
    let set: Vec<HeaderValue> = refused.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
    caller.cookies.take(&set);
    let look = if console::is_console(path) {
        console::look(services, &caller.cookies).await
    } else {
        visit::look(services, &caller.cookies).await
    };
    let now = caller.now;
    let visit = Visit {
        query: Form::of_query(query),
        asked_for: leads.to_owned(),
        ..Visit::new(services, caller, look)
    };
    let mut page = run(route, visit).await;
    if page.status() != StatusCode::OK {
        return page;
    }
    page.set_status(StatusCode::SERVICE_UNAVAILABLE);
    if let Some(refused) = refused.data::<Refused>() {
        page.set_data(*refused);
    }
    let page = set.into_iter().fold(page, reply::with_cookie);
    reply::with_pause(page, edge::retry_after(&outcome::OVERLOADED.into(), now))
}

/// True for a form that was shown for somebody else than whom the browser is with now, or doesn't say for whom. Where
/// nobody is there any more, the handler says so.
pub(crate) fn is_of_another(route: &Row, visit: &Visit) -> bool {
    let is_somebodys = route.method == Method::POST && route.rights != Rights::Public;
    let owner = visit.shown_for.as_ref().filter(|_| is_somebodys);
    // What is in a file's form is not read yet.
    let sent = match route.body {
        Body::File(_) => &visit.query,
        _ => &visit.form,
    };
    owner.is_some_and(|owner| !owner.is_in(sent.text(shown_for::FIELD), &visit.services.keys))
}

/// A refused member still sees their own insurer's name and desk.
async fn wear_session(visit: &mut Visit) {
    let Some(session) = visit.session() else { return };
    if let Ok(Some(insurer)) = visit.services.accounts.directory().by_tenant(session.tenant).await {
        visit.look = insurer;
    }
}
