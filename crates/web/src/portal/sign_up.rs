//! Sign-up, step 1: who somebody is (manual 1-1, 1-2).

use crate::portal::{
    documents::{self, Document},
    identity_fields::{Choice, IdentityFields},
    recover::USER_ID,
};
use accounts::{fields, reasons};
use pages::{
    Again, cookies, error_pages,
    frame::{Errors, Frame},
    reply::{self, Reply, see_other},
    visit::{Trouble, Visit, settle},
    words,
};

use askama::Template;
use kernel::{FieldError, InsurerCode, Problem, Reason, Refusal, Way};
use poem::{Response, http::HeaderValue};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tenancy::{Insurer, InsurerKind};

/// This page's path.
pub(super) const SIGN_UP: &str = "/portal/signup";

/// What was typed during sign-up, for the way back. Passwords are never in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub identity: IdentityFields,
    pub user_id: String,
    pub email: String,
}

#[derive(Template)]
#[template(path = "portal/sign_up.html")]
struct SignUpPage {
    frame: Frame,
    identity: IdentityFields,
    years: Vec<Choice>,
    documents: Vec<Document>,
    /// True where a sign-up is under way in this browser, unless it is another's (`new`).
    going_on: bool,
}

impl SignUpPage {
    fn new(visit: &Visit, frame: Frame, identity: IdentityFields) -> Self {
        Self {
            documents: documents::of(&frame.insurer),
            frame,
            years: identity.years(visit.now),
            identity,
            going_on: visit.ticket().is_some() && visit.query.get("new").is_none(),
        }
    }

    fn asks_employee_number(&self) -> bool {
        self.frame.insurer.sign_up.employee_number
    }
}

/// The address of printed letters: it lives on.
pub(super) async fn printed(visit: Visit) -> Reply {
    let query = visit
        .asked_for
        .split_once('?')
        .map(|(_, query)| format!("?{query}"))
        .unwrap_or_default();
    Ok(reply::moved(&format!("/portal/signup{query}")))
}

/// The form, in the look of the insurer that the address names, else of the browser's. Where it names none it says so at
/// once, and of one that is closed there is no form. An empty name is for another insurer's member.
pub(super) async fn show(mut visit: Visit) -> Reply {
    let named = visit.query.get("insurer").map(str::to_owned);
    let (mut worn, mut refusal): (_, Option<Refusal>) = (None, None);
    match named.as_deref() {
        None => {}
        Some("") => visit.look = visit.services.accounts.directory().platform().await?,
        Some(named) => match insurer_named(&visit, named).await? {
            Ok(insurer) => worn = visit.wear(&insurer),
            Err(problem) => refusal = Some(Refusal::field(FieldError::new(fields::INSURER_CODE, problem))),
        },
    }
    let again = visit.again().await;
    if refusal.is_none() && !again.is_refused() && !visit.look.is_open() {
        let elsewhere = vec![Way::new("/portal/signup?insurer=", "ほかの保険者の方の登録")];
        let closed = reasons::INSURER_SUSPENDED.into();
        let page = error_pages::page_with(visit.frame(), &closed, visit.now, elsewhere);
        return Ok(with(page, worn));
    }
    let draft: Option<Draft> = visit.query.get("back").and_then(|_| visit.recall(cookies::DRAFT));
    let mut identity = if again.typed.is_empty() {
        draft.map_or_else(|| IdentityFields::of(&visit.look), |draft| draft.identity)
    } else {
        IdentityFields::read(&again.typed)
    };
    if refusal.is_some() {
        identity.insurer_code = named.unwrap_or_default();
    }
    let errors = match &refusal {
        Some(refusal) => Errors::new(refusal, visit.now),
        None => errors(&visit, again),
    };
    let page = SignUpPage::new(&visit, visit.frame().with_errors(errors), identity);
    Ok(with(visit.html(&page)?, worn))
}

async fn insurer_named(visit: &Visit, typed: &str) -> Result<Result<Arc<Insurer>, Problem>, Trouble> {
    Ok(match InsurerCode::parse(typed) {
        Ok(code) => {
            let found = visit.services.accounts.directory().by_code(&code).await?;
            found.ok_or(Problem::Unregistered)
        }
        Err(problem) => Err(problem),
    })
}

/// 認証.
pub(super) async fn submit(mut visit: Visit) -> Reply {
    let identity = IdentityFields::read(&visit.form);
    let worn = visit.wear_typed(&identity.insurer_code).await;
    if is_going_on(&visit, &identity).await {
        return Ok(with(see_other("/portal/signup/account"), worn));
    }
    match settle(visit.services.accounts.identify(&visit.origin, &identity.form()).await) {
        Ok(ticketed) => {
            let cookie = cookies::set(
                cookies::TICKET,
                &ticketed.ticket.reveal(),
                Some(cookies::TICKET_SECONDS),
            );
            let response = reply::with_cookie(see_other("/portal/signup/account"), cookie);
            // Whoever comes back from the next step finds there what they typed before; the next person does not.
            let before: Option<Draft> = visit.recall(cookies::DRAFT);
            let draft = before.filter(|before| before.identity == identity).unwrap_or(Draft {
                identity,
                ..Draft::default()
            });
            Ok(with(
                visit.remember(response, cookies::DRAFT, &draft, cookies::TICKET_SECONDS),
                worn,
            ))
        }
        Err(refusal) => {
            let response = visit.form_again(&refusal, SIGN_UP, IdentityFields::kept(&refusal));
            Ok(with(response.await, worn))
        }
    }
}

/// What the form says of why it was refused; where nobody was found, also who may register.
fn errors(visit: &Visit, again: Again) -> Errors {
    let is_not_matched = again.is(reasons::NOT_MATCHED);
    let mut errors = again.errors;
    if is_not_matched && visit.look.kind != InsurerKind::NationalHealth {
        errors.text.push('\n');
        errors.text.push_str(words::who_registers(visit.look.kind));
        errors.ways.push(words::more_on_who_registers());
    }
    // Whoever looks their user ID up need not type all of it again.
    for way in errors.ways.iter_mut().filter(|way| way.href == USER_ID) {
        way.href = visit.carrying(USER_ID);
    }
    errors
}

/// True where this browser's ticket was given for these very fields and still holds: 戻る and 認証 again, a double click, a
/// page sent again. A second ticket would only get in the way of the first, which has a user ID reserved. One whose mails
/// are used up leads nowhere any more: whoever comes back from it begins anew.
async fn is_going_on(visit: &Visit, identity: &IdentityFields) -> bool {
    let Some(ticket) = visit.ticket() else { return false };
    let draft: Option<Draft> = visit.recall(cookies::DRAFT);
    draft.is_some_and(|draft| draft.identity == *identity)
        && settle(visit.services.accounts.ticket(&ticket).await)
            .is_ok_and(|view| view.code.is_none_or(|code| code.sends_left > 0))
}

/// What ends a ticket.
pub(super) const OVER: [Reason; 2] = [reasons::TICKET_EXPIRED, reasons::CODE_TRIES_USED_UP];

/// The ticket's cookie where it led to an account: whoever comes back from there has nothing to begin anew.
pub(super) const DONE: &str = "done";

/// Back to the start, because the ticket is over; says why. To the log-in where all is done.
pub(super) fn restart(visit: &Visit, refusal: &Refusal) -> Response {
    if visit.cookies.get(cookies::TICKET) == Some(DONE) {
        return see_other("/portal/");
    }
    let response = reply::with_cookie(see_other("/portal/signup"), cookies::clear(cookies::TICKET));
    let response = reply::with_cookie(response, cookies::clear(cookies::DRAFT));
    visit.inform(response, refusal.words(visit.now).text)
}

fn with(response: Response, cookie: Option<HeaderValue>) -> Response {
    match cookie {
        Some(cookie) => reply::with_cookie(response, cookie),
        None => response,
    }
}
