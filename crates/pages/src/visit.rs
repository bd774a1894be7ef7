//! One request as handlers see it: what was sent, who asks, whose look the page wears. Handlers get it read and checked;
//! they never touch the raw request.

use crate::services::Services;
use crate::{
    console::Inside,
    cookies::{self, Cookies},
    forms::{Form, FormTrouble},
    frame::{Flash, FlashKind, Frame, Menu},
    next_path,
    reply::{self, Reply},
    shown_for::ShownFor,
};
use accounts::{Carrier, Member, fields, reasons};
use askama::Template;
use audit::{Channel, Origin};
use chrono::{DateTime, Utc};
use database::DatabaseError;
use edge::Rights;
use kernel::{InsurerCode, Outage, Outcome, Reason, Refusal, TenantId, TenantSecret, outcome};
use poem::{
    Response,
    http::{HeaderValue, StatusCode},
};
use std::sync::Arc;
use tenancy::{Insurer, InsurerState, Settings};

/// Why there is no page of the handler's own. The mounting code makes one of it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something beneath is away.
    #[error("{0}")]
    Outage(#[from] Outage),
    /// The use case refused, and there is no form to say so on.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// There is no such page.
    #[error("not found")]
    NotFound,
    /// The form could not be read.
    #[error("{0}")]
    Form(#[from] FormTrouble),
    /// The form was shown for somebody else than whom the browser is with now.
    #[error("shown for another")]
    ShownForAnother(Rights),
    /// The post was not sent by a page of ours.
    #[error("not sent by an own page")]
    NotOurs,
    /// The address has no such method; these it has.
    #[error("method not allowed")]
    Method(String),
    /// A template failed.
    #[error("{0}")]
    Render(#[from] askama::Error),
}

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}

impl From<DatabaseError> for Trouble {
    fn from(error: DatabaseError) -> Self {
        Self::Outage(error.into())
    }
}

/// A request, read and checked.
pub struct Visit {
    /// What pages stand on.
    pub services: Arc<Services>,
    /// The time of the request.
    pub now: DateTime<Utc>,
    /// For throttles and the audit trail.
    pub origin: Origin,
    /// Nobody reads the page: only whether it is there is asked, or a browser fetches it in case somebody will.
    pub is_head: bool,
    /// The browser, as it names itself.
    pub agent: String,
    /// Whose look the page wears.
    pub look: Arc<Insurer>,
    /// Which menu the page has.
    pub menu: Menu,
    /// Who is logged in, as pages call them.
    pub person: Option<String>,
    /// What coverage leaves of their access.
    pub access: roster::Access,
    /// For whom the page's forms are.
    pub shown_for: Option<ShownFor>,
    /// The address's query.
    pub query: Form,
    /// Empty on GET.
    pub form: Form,
    /// The file that a form brings, unread; where the route takes one.
    pub file: Option<edge::FileBody>,
    /// What the browser sent.
    pub cookies: Cookies,
    /// Path and query as asked for.
    pub asked_for: String,
    /// The parameters of the route's pattern.
    pub params: Vec<(&'static str, String)>,
    /// From the step before.
    pub flash: Option<Flash>,
    /// True for the console's pages.
    pub is_console: bool,
    /// Who is inside the console.
    pub inside: Option<Arc<Inside>>,
    /// What is told of a planned interruption.
    pub maintenance: Option<String>,
}

/// Who comes, and when: what stays so, whatever page of ours answers.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) now: DateTime<Utc>,
    pub(crate) origin: Origin,
    pub(crate) agent: String,
    pub(crate) cookies: Cookies,
}

/// Marks an answer that refuses, with the code of why: the mounting code writes it to the log (security.md 55).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub &'static str);

impl Trouble {
    /// The code by which the log knows it; refusals have their own.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::NotFound => outcome::NOT_FOUND.code,
            Self::Form(FormTrouble::TooLarge) => "payload_too_large",
            Self::Form(FormTrouble::MediaType) => "unsupported_media_type",
            Self::Form(FormTrouble::Malformed) => "bad_request",
            Self::NotOurs => "not_own_page",
            Self::ShownForAnother(_) => "shown_for_another",
            Self::Method(_) => "method_not_allowed",
            Self::Outage(_) | Self::Render(_) => "unavailable",
        }
    }
}

impl Visit {
    /// One that brings nothing but itself and its cookies, and asks for no page yet.
    pub(crate) fn new(services: &Arc<Services>, caller: Caller, look: Arc<Insurer>) -> Self {
        let Caller {
            now,
            origin,
            agent,
            cookies,
        } = caller;
        Self {
            services: Arc::clone(services),
            now,
            origin,
            is_head: false,
            agent,
            look,
            menu: Menu::Visitor,
            person: None,
            access: roster::Access::Full,
            shown_for: None,
            is_console: origin.channel == Channel::Console,
            inside: None,
            maintenance: None,
            query: Form::default(),
            form: Form::default(),
            flash: cookies.open(&services.keys, cookies::FLASH, now),
            cookies,
            asked_for: String::new(),
            params: Vec::new(),
            file: None,
        }
    }

    /// A parameter of the route's pattern; empty where the pattern has none such.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The sign-up ticket of the visitor's cookie.
    pub fn ticket(&self) -> Option<TenantSecret> {
        TenantSecret::parse(self.cookies.get(cookies::TICKET)?)
    }

    /// The session of the visitor's cookie, unchecked.
    pub fn session(&self) -> Option<TenantSecret> {
        TenantSecret::parse(self.cookies.get(cookies::SESSION)?)
    }

    /// Ends the session that the browser came with: its cookie goes, or another session takes its place. The browser
    /// forgets it even where the database can't be told just now.
    pub async fn end_session(&self) {
        if let Some(session) = self.session()
            && let Err(outage) = self.services.accounts.log_out(&self.origin, &session).await
        {
            edge::outage(&outage);
        }
    }

    /// Puts on an insurer's look; returns the cookie by which the log-in page will wear it too.
    pub fn wear(&mut self, insurer: &Arc<Insurer>) -> Option<HeaderValue> {
        self.look = Arc::clone(insurer);
        let code = insurer.code.as_ref()?;
        Some(cookies::set(
            cookies::INSURER,
            code.as_str(),
            Some(cookies::LONGEST_SECONDS),
        ))
    }

    /// The insurer of a typed code; none where it is mistyped or nobody's.
    pub async fn insurer(&self, typed: &str) -> Result<Option<Arc<Insurer>>, Trouble> {
        match InsurerCode::parse(typed) {
            Ok(code) => Ok(self.services.accounts.directory().by_code(&code).await?),
            Err(_) => Ok(None),
        }
    }

    /// [`Visit::wear`] for a typed code, before a form goes on. Where it is nobody's, or while the directory is away, the
    /// page keeps its look and the use case says what is wrong.
    pub async fn wear_typed(&mut self, typed: &str) -> Option<HeaderValue> {
        match self.insurer(typed).await {
            Ok(insurer) => self.wear(&insurer?),
            Err(trouble) => {
                tracing::warn!(%trouble, "the look of a typed insurer code is unread");
                None
            }
        }
    }

    /// Who is logged in, if anybody: for pages that are open to all but look better to members. The page then has the
    /// member's look and menu.
    pub async fn recognise(&mut self) -> Result<Option<Member>, Trouble> {
        Ok(match self.entered().await? {
            Some(Outcome::Done(member)) => Some(member),
            Some(Outcome::Refused(_)) | None => None,
        })
    }

    /// [`Visit::recognise`], which also tells why nobody is: a session that is refused may be let in again later, and one
    /// that has ended may not. None where the browser brought none.
    pub async fn entered(&mut self) -> Result<Option<Outcome<Member>>, Trouble> {
        let Some(session) = self.session() else { return Ok(None) };
        let entered = self.services.accounts.enter(Carrier::Cookie, &session).await?;
        if let Outcome::Done(member) = &entered {
            self.welcome(member);
        }
        Ok(Some(entered))
    }

    /// The member's look and menu.
    pub fn welcome(&mut self, member: &Member) {
        self.look = Arc::clone(&member.insurer);
        self.person = Some(member.person.called());
        self.shown_for = Some(ShownFor::account(member.insurer.tenant_id, member.account_id));
        self.menu = Menu::of(member);
        self.access = member.access;
    }

    /// What stands around the page.
    pub fn frame(&self) -> Frame {
        let mut frame = Frame::new(Arc::clone(&self.look), self.menu, self.now);
        frame.nav = self.menu.entries(&self.services, &self.look);
        frame.is_console = self.is_console;
        frame.inside.clone_from(&self.inside);
        frame.maintenance.clone_from(&self.maintenance);
        frame.flash.clone_from(&self.flash);
        frame.person.clone_from(&self.person);
        frame.access = self.access;
        frame.shown_for = self.shown_for.as_ref().map(|owner| owner.mark(&self.services.keys));
        frame
    }

    /// A page with status 200.
    pub fn html(&self, page: &impl Template) -> Reply {
        self.html_with(StatusCode::OK, page)
    }

    /// A page with another status. A message from the step before was shown by it and is over.
    pub fn html_with(&self, status: StatusCode, page: &impl Template) -> Reply {
        let response = reply::html(status, page.render()?, &self.look);
        Ok(match self.flash {
            Some(_) => reply::with_cookie(response, cookies::clear(cookies::FLASH)),
            None => response,
        })
    }

    /// To log-in and back: there is no session, or one that has ended. Whoever was inside, or sends a form, is told that nothing of
    /// it is kept.
    pub fn to_log_in(&self) -> Response {
        let mut response = reply::see_other(&next_path::with_next(
            &self.services.table,
            "/portal/",
            Some(&self.asked_for),
        ));
        response.set_data(Refused(reasons::SESSION_ENDED.code));
        if self.cookies.get(cookies::SESSION).is_none() && self.form.is_empty() {
            return response;
        }
        let response = reply::with_cookie(response, cookies::clear(cookies::SESSION));
        self.inform(response, Refusal::from(reasons::SESSION_ENDED).words(self.now).text)
    }

    /// Takes the password of the form's field `current_password`, where it was typed in this session too long ago: the cookie
    /// under which that goes on, for the answer. Else the answer, which leads back to the form's page with the fields of these
    /// names kept.
    pub async fn password_again(
        &self,
        member: &Member,
        page: &str,
        names: &[&str],
    ) -> Result<Option<HeaderValue>, Response> {
        let typed = self.form.text(&fields::CURRENT_PASSWORD.name);
        match settle(self.services.accounts.prove_again(&self.origin, member, typed).await) {
            Ok(token) => Ok(token.map(|token| cookies::set(cookies::SESSION, &token.reveal(), None))),
            Err(refusal) if refusal.is(reasons::SESSION_ENDED) => Err(self.to_log_in()),
            Err(refusal) => Err(self.form_again(&refusal, page, names).await),
        }
    }

    /// Adds good news for the next page: `visit.done(see_other("/portal/account"), "パスワードを変更しました。")`.
    pub fn done(&self, response: Response, text: impl Into<String>) -> Response {
        self.tell(response, FlashKind::Done, text.into())
    }

    /// Adds something to know for the next page.
    pub fn inform(&self, response: Response, text: impl Into<String>) -> Response {
        self.tell(response, FlashKind::Info, text.into())
    }

    fn tell(&self, response: Response, kind: FlashKind, text: String) -> Response {
        self.remember(response, cookies::FLASH, &Flash { kind, text }, cookies::FLASH_SECONDS)
    }

    /// Adds a sealed cookie. Where the value is larger than browsers keep, the one before it goes all the same: an older
    /// value is another form's, and may be another person's.
    pub fn remember<T: serde::Serialize>(&self, response: Response, name: &str, value: &T, seconds: i64) -> Response {
        let cookie = cookies::sealed(&self.services.keys, name, value, self.now, seconds);
        reply::with_cookie(response, cookie.unwrap_or_else(|| cookies::clear(name)))
    }

    /// What [`Visit::remember`] wrote.
    pub fn recall<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.cookies.open(&self.services.keys, name, self.now)
    }
}

/// A use case's answer for a form: an outage is logged and reads like a full queue, so that the page keeps what was
/// typed (design.md §4); but of what may have been done it is not said that it was not.
pub fn settle<T>(result: Result<Outcome<T>, Outage>) -> Result<T, Refusal> {
    match result {
        Ok(Outcome::Done(done)) => Ok(done),
        Ok(Outcome::Refused(refusal)) => Err(refusal),
        Err(outage) => {
            edge::outage(&outage);
            Err(if outage.is_unconfirmed() {
                outcome::UNCONFIRMED.into()
            } else {
                outcome::OVERLOADED.into()
            })
        }
    }
}

/// Whose look a public page wears: the insurer's of the cookie, else the platform's; while the directory is away, a plain
/// one.
pub async fn look(services: &Services, cookies: &Cookies) -> Arc<Insurer> {
    let directory = services.accounts.directory();
    if let Some(Ok(code)) = cookies.get(cookies::INSURER).map(InsurerCode::parse)
        && let Ok(Some(insurer)) = directory.by_code(&code).await
    {
        return insurer;
    }
    directory.platform().await.unwrap_or_else(|_| plain_look())
}

/// What stands around a page that no visit came to: who is logged in keeps their look and their menu. Whoever can't be
/// recognised now is a visitor.
pub async fn bare_frame(services: &Services, cookies: &Cookies, now: DateTime<Utc>) -> Frame {
    let visitor = |look| Frame::new(look, Menu::Visitor, now);
    let Some(session) = cookies.get(cookies::SESSION).and_then(TenantSecret::parse) else {
        return visitor(look(services, cookies).await);
    };
    match services.accounts.enter(Carrier::Cookie, &session).await {
        Ok(Outcome::Done(member)) => {
            let mut frame = Frame::new(Arc::clone(&member.insurer), Menu::of(&member), now);
            let owner = ShownFor::account(member.insurer.tenant_id, member.account_id);
            frame.nav = frame.menu.entries(services, &member.insurer);
            frame.access = member.access;
            frame.shown_for = Some(owner.mark(&services.keys));
            frame
        }
        Ok(Outcome::Refused(_)) => visitor(look(services, cookies).await),
        Err(outage) => {
            edge::outage(&outage);
            visitor(look(services, cookies).await)
        }
    }
}

/// The look of files and of bad days: the platform's as it would be before anything was applied.
pub fn plain_look() -> Arc<Insurer> {
    Arc::new(Insurer::new(
        TenantId::PLATFORM,
        None,
        InsurerState::Open,
        0,
        Settings::default(),
    ))
}
