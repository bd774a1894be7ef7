//! アカウント: what is registered, the password, where the member is logged in, and what they agreed to. Open to members
//! who may only read as well: it is their own door.

use crate::portal::device::device;
use accounts::{AccountView, Consent, Member, PasswordChange, fields, reasons};
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::{Outcome, SessionId, TenantId, calendar, outcome, text};
use pages::{
    cookies,
    frame::{Errors, Frame},
    markdown,
    reply::{self, Reply},
    visit::{Trouble, Visit, settle},
    words,
};
use poem::Response;
use tenancy::{Feature, FeatureState, terms};

/// Where everything here leads back to.
pub(crate) const ACCOUNT: &str = "/portal/account";
/// Where the password is changed.
pub(super) const PASSWORD: &str = "/portal/account/password";
/// The features of which members choose who sees their rows.
const STATEMENTS: [Feature; 2] = [Feature::CostStatements, Feature::GenericSavings];
/// What is said once a change of address by the desk is stopped.
pub(super) const STOPPED: &str = "メールアドレスの変更を止めました。メールアドレスは、今のままです。お心当たりのない変更だったときは、窓口へお知らせください。";

#[derive(Template)]
#[template(path = "portal/account.html")]
struct AccountPage {
    frame: Frame,
    account: AccountView,
    registered_on: String,
    password_changed_on: String,
    sessions: Vec<SessionLine>,
    others: usize,
    /// A change of address that the desk has begun: to where, masked, and from when.
    desk_email: Option<(String, String)>,
    /// True where it can be chosen who sees one's statements.
    has_statements: bool,
}

struct SessionLine {
    id: SessionId,
    current: bool,
    device: String,
    opened_at: String,
    last_seen_at: String,
    address: Option<String>,
}

impl SessionLine {
    /// Where its form is sent.
    fn end_path(&self) -> String {
        format!("{ACCOUNT}/sessions/{}/end", self.id)
    }
}

#[derive(Template)]
#[template(path = "portal/account_password.html")]
struct PasswordPage {
    frame: Frame,
    user_id: String,
    rule: String,
}

#[derive(Template)]
#[template(path = "portal/account_consents.html")]
struct ConsentsPage {
    frame: Frame,
    consents: Vec<ConsentLine>,
}

struct ConsentLine {
    consent: Consent,
    at: String,
}

#[derive(Template)]
#[template(path = "portal/account_consent.html")]
struct ConsentPage {
    frame: Frame,
    title: String,
    revision: i32,
    effective_on: String,
    at: String,
    /// Rendered and tame.
    body: String,
}

/// `GET /portal/account`.
pub(crate) async fn show(visit: Visit, member: Member) -> Reply {
    let account = visit.services.accounts.account(&member).await?;
    let sessions: Vec<SessionLine> = account
        .sessions
        .iter()
        .map(|session| SessionLine {
            id: session.id,
            current: session.current,
            device: device(&session.agent),
            opened_at: calendar::moment(session.opened_at),
            last_seen_at: calendar::moment(session.last_seen_at),
            address: session.address.clone(),
        })
        .collect();
    let told = account.desk_email.as_ref();
    visit.html(&AccountPage {
        desk_email: told.map(|told| (told.masked.clone(), calendar::moment(told.counts_at))),
        frame: frame(&visit).with_errors(errors(&visit).await),
        registered_on: day(account.registered_at),
        password_changed_on: day(account.password_changed_at),
        has_statements: STATEMENTS
            .into_iter()
            .any(|feature| member.insurer.modules.state(feature) != FeatureState::Hidden),
        others: sessions.iter().filter(|session| !session.current).count(),
        sessions,
        account,
    })
}

/// `POST /portal/account/sessions/:id/end`.
pub(crate) async fn end_session(visit: Visit, member: Member) -> Reply {
    let id = SessionId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    match visit.services.accounts.end_session(&visit.origin, &member, id).await? {
        Outcome::Done(()) => Ok(visit.done(back(), "選んだ機器をログアウトしました。")),
        Outcome::Refused(refusal) if refusal.is(outcome::NOT_FOUND) => {
            Ok(visit.form_again(&refusal, ACCOUNT, &[]).await)
        }
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

/// `POST /portal/account/sessions/end-others`.
pub(crate) async fn end_others(visit: Visit, member: Member) -> Reply {
    let ended = visit
        .services
        .accounts
        .end_other_sessions(&visit.origin, &member)
        .await?;
    let text = match ended {
        0 => "ほかにログインしている機器はありませんでした。".to_owned(),
        ended => format!("ほかの機器（{ended}台）をログアウトしました。"),
    };
    Ok(visit.done(back(), text))
}

/// `POST /portal/account/email/stop`: a change that the desk has begun.
pub(crate) async fn stop_desk_email(visit: Visit, member: Member) -> Reply {
    let stopped = visit.services.accounts.stop_desk_email(&visit.origin, &member).await?;
    Ok(if stopped {
        visit.done(back(), STOPPED)
    } else {
        visit.inform(back(), "手続き中の変更は、ありません。")
    })
}

/// `GET /portal/account/password`.
pub(crate) async fn password(visit: Visit, member: Member) -> Reply {
    let errors = visit.again().await.errors;
    let section = if member.is_former() { PASSWORD } else { ACCOUNT };
    visit.html(&PasswordPage {
        frame: visit
            .frame()
            .in_section(section)
            .with_errors(errors.labelled(&fields::PASSWORD, "新しいパスワード")),
        user_id: member.user_id.as_str().to_owned(),
        rule: words::password_rule(member.insurer.password.minimum_length),
    })
}

/// `POST /portal/account/password`.
pub(crate) async fn change_password(visit: Visit, member: Member) -> Reply {
    let form = PasswordChange {
        current_password: visit.form.text("current_password").to_owned(),
        password: visit.form.text("password").to_owned(),
    };
    match settle(
        visit
            .services
            .accounts
            .change_password(&visit.origin, &member, form)
            .await,
    ) {
        Ok(token) => {
            let renewed = cookies::set(cookies::SESSION, &token.reveal(), None);
            // Whose coverage has ended has no page of the account but this one.
            let to = if member.is_former() { visit.menu.home() } else { ACCOUNT };
            Ok(visit.done(
                reply::with_cookie(reply::see_other(to), renewed),
                "パスワードを変更しました。ほかの機器は、安全のためログアウトしました。",
            ))
        }
        Err(refusal) if refusal.is(reasons::SESSION_ENDED) => Ok(visit.to_log_in()),
        Err(refusal) => Ok(visit.form_again(&refusal, PASSWORD, &[]).await),
    }
}

/// `GET /portal/account/consents`.
pub(crate) async fn consents(visit: Visit, member: Member) -> Reply {
    let consents = visit.services.accounts.consents(&member).await?;
    let line = |consent: Consent| ConsentLine {
        at: calendar::moment(consent.at),
        consent,
    };
    visit.html(&ConsentsPage {
        frame: frame(&visit),
        consents: consents.into_iter().map(line).collect(),
    })
}

/// `GET /portal/account/consents/:document/:revision`: the text that was agreed to.
pub(crate) async fn consent(visit: Visit, member: Member) -> Reply {
    let document = visit.param("document");
    let revision: i32 = text::number(visit.param("revision")).ok_or(Trouble::NotFound)?;
    let consents = visit.services.accounts.consents(&member).await?;
    let given = consents
        .into_iter()
        .find(|given| given.document == document && given.revision == revision);
    let given = given.ok_or(Trouble::NotFound)?;
    // The addendum is the insurer's, all other terms are the platform's.
    let owner = if document == terms::ADDENDUM {
        member.insurer.tenant_id
    } else {
        TenantId::PLATFORM
    };
    let mut tx = visit.services.database.tenant(owner).read().await?;
    let text = terms::text(&mut tx, document, revision).await?;
    tx.commit().await?;
    let text = text.ok_or(Trouble::NotFound)?;
    visit.html(&ConsentPage {
        frame: frame(&visit),
        title: given.title,
        revision,
        effective_on: calendar::date_both(calendar::in_japan(text.effective_at).date_naive()),
        at: calendar::moment(given.at),
        body: markdown::render(&text.body, 2),
    })
}

/// What a button of the page was refused for: the device was logged out already, by a second click or on its own, and the
/// list as it is now says so best.
async fn errors(visit: &Visit) -> Errors {
    let again = visit.again().await;
    if again.is(outcome::NOT_FOUND) {
        return Errors::of_form(
            "その機器は、もうログインしていません",
            "すでにログアウトしています。下の一覧が、今ログインしている機器です。",
        );
    }
    again.errors
}

fn frame(visit: &Visit) -> Frame {
    visit.frame().in_section(ACCOUNT)
}

fn back() -> Response {
    reply::see_other(ACCOUNT)
}

fn day(at: DateTime<Utc>) -> String {
    calendar::date_with_weekday(calendar::in_japan(at).date_naive())
}
