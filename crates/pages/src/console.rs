//! The console's side of the house: which addresses are staff's, on which host they are answered, and the way in.

use crate::{
    cookies, error_pages,
    frame::Frame,
    mount::is_of_another,
    next_path,
    reply::{self, see_other},
    route::Row,
    services::{ConsoleNav, Services},
    shown_for::ShownFor,
    visit::{Refused, Trouble, Visit},
};
use access::{Permission, Policy, Role, STAFF_MANAGE};
use chrono::{DateTime, Utc};
use edge::Rights;
use kernel::{InsurerCode, Outage, Outcome, Refusal, TenantId, TenantSecret, Way, Words, calendar};
use poem::{
    Request, Response,
    http::{Method, header, uri::Authority},
};
use staff::{Clerk, Stage, reasons};
use std::sync::Arc;
use tenancy::Insurer;

/// What staff's addresses begin with.
pub const CONSOLE: [&str; 2] = ["/console/", "/operator/"];
/// What those of staff's addresses begin with behind which there is something at a sandbox alone.
const SANDBOX: &str = "/console/sandbox/";
/// What files' addresses begin with, which are on every host.
pub(crate) const FILES: &str = "/assets/";

/// The console around a page: who is inside, and where they may go.
#[derive(Debug, Clone)]
pub struct Inside {
    /// Who.
    pub name: String,
    /// Their roles, as they are called.
    pub roles: String,
    /// The menu, without what they may not open.
    pub nav: Vec<ConsoleNav>,
    /// Until when the platform's support is let in, where it is they.
    pub support_until: Option<String>,
}

/// True for staff's addresses.
pub fn is_console(path: &str) -> bool {
    CONSOLE
        .iter()
        .any(|below| path.starts_with(below) || below.trim_end_matches('/') == path)
}

impl Services {
    /// True where the console has a host of its own and this request came to it. Ports are no part of it: cookies know
    /// none, and a proxy may leave them out.
    pub fn is_at_console(&self, request: &Request) -> bool {
        let own = self.console_url.host_str().unwrap_or_default();
        self.has_own_host() && asked_host(request).is_some_and(|asked| asked.eq_ignore_ascii_case(own))
    }

    /// True where the console has a host of its own, and this request asks for the one's pages at the other's.
    pub(crate) fn is_elsewhere(&self, request: &Request) -> bool {
        let path = request.uri().path();
        self.has_own_host() && !path.starts_with(FILES) && self.is_at_console(request) != is_console(path)
    }

    fn has_own_host(&self) -> bool {
        self.console_url.host() != self.public_url.host()
    }
}

/// The host that a request names: in its target, before which `Host` counts for nothing (RFC 9112 §3.2.2), else there. None
/// where it names two.
fn asked_host(request: &Request) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(host.to_owned());
    }
    let mut lines = edge::lines(request.headers(), header::HOST.as_str());
    let authority: Authority = lines.next().filter(|_| lines.next().is_none())?.parse().ok()?;
    Some(authority.host().to_owned())
}

impl Visit {
    /// The session of staff's cookie, unchecked.
    pub fn console_session(&self) -> Option<TenantSecret> {
        TenantSecret::parse(self.cookies.get(cookies::CONSOLE)?)
    }

    /// Whether whoever came in would come in still: a file comes for minutes. Else why not.
    pub async fn still_inside(&self) -> Result<Outcome<()>, Outage> {
        match self.console_session() {
            Some(session) => Ok(self.services.staff.enter(&session).await?.map(|_| ())),
            None => Ok(reasons::CONSOLE_SESSION_ENDED.into()),
        }
    }

    /// The operator's own session, kept while they are support: only beside the session of support with which it was kept,
    /// so that nobody who has logged in with this browser since is given it.
    pub fn operator_session(&self) -> Option<TenantSecret> {
        let (own, support) = self.cookies.get(cookies::OPERATOR)?.split_once('~')?;
        let is_beside = self.cookies.get(cookies::CONSOLE) == Some(support);
        TenantSecret::parse(own).filter(|own| is_beside && own.tenant == TenantId::PLATFORM)
    }

    /// The clerk's look and menu.
    pub fn welcome_clerk(&mut self, clerk: &Clerk) {
        self.look = Arc::clone(&clerk.insurer);
        self.shown_for = Some(ShownFor::staff(clerk.insurer.tenant_id, clerk.staff_id));
        self.inside = Some(Arc::new(inside(&self.services, clerk)));
        self.person = Some(clerk.name.clone());
    }

    /// To the console's log-in and back. Whoever was inside, or sends a form, is told that nothing of it is kept.
    pub fn to_console_log_in(&self) -> Response {
        if let Some(own) = self.operator_session() {
            let response = self.inform(see_other("/operator/"), "サポートは終わりました。");
            let response = reply::with_cookie(response, cookies::set_strict(cookies::CONSOLE, &own.reveal()));
            return reply::with_cookie(response, cookies::clear(cookies::OPERATOR));
        }
        let log_in = if self.asked_for.starts_with("/operator") {
            "/operator/login"
        } else {
            "/console/login"
        };
        let path = next_path::with_next_for_staff(&self.services.table, log_in, &self.asked_for);
        let mut response = see_other(&path);
        response.set_data(Refused(reasons::CONSOLE_SESSION_ENDED.code));
        if self.cookies.get(cookies::CONSOLE).is_none() && self.form.is_empty() {
            return response;
        }
        let response = reply::with_cookie(response, cookies::clear(cookies::CONSOLE));
        self.inform(
            response,
            Refusal::from(reasons::CONSOLE_SESSION_ENDED).words(self.now).text,
        )
    }

    /// To the proof of a second factor and back.
    pub fn to_prove(&self) -> Response {
        self.prove_before(&self.asked_for)
    }

    /// To that proof from a form of the page, and back to the page, which says that nothing is done yet and shows once more what
    /// was typed into these fields.
    pub async fn prove_first(&self, page: &str, names: &[&str]) -> Response {
        let (page, cookie) = self.keep_form(&reasons::PROOF_NEEDED.into(), page, names).await;
        reply::with_cookie(self.prove_before(&page), cookie)
    }

    /// To that proof, and then to a page.
    pub fn prove_before(&self, page: &str) -> Response {
        see_other(&next_path::with_next_for_staff(
            &self.services.table,
            "/console/prove",
            page,
        ))
    }
}

fn inside(services: &Services, clerk: &Clerk) -> Inside {
    let is_full = clerk.stage == Stage::Full;
    let may = |entry: &&ConsoleNav| {
        let is_own = entry.path.starts_with("/operator/") == (clerk.insurer.tenant_id == TenantId::PLATFORM);
        let is_there = clerk.insurer.is_sandbox || !entry.path.starts_with(SANDBOX);
        is_full && is_own && is_there && entry.permission.is_none_or(|permission| clerk.may(permission))
    };
    let open: Vec<ConsoleNav> = services.console_nav.iter().filter(may).copied().collect();
    // A page below another's stands in the menu of whoever can't open that one.
    let is_below = |entry: &ConsoleNav, other: &ConsoleNav| {
        let rest = entry.path.strip_prefix(other.path);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let is_own = |entry: &&ConsoleNav| !open.iter().any(|other| is_below(entry, other));
    Inside {
        name: clerk.name.clone(),
        roles: clerk
            .roles
            .iter()
            .map(|role| role.label())
            .collect::<Vec<_>>()
            .join("・"),
        nav: open.iter().filter(is_own).copied().collect(),
        support_until: clerk.support.as_ref().map(|support| calendar::moment(support.ends_at)),
    }
}

/// Whose look the console's public pages wear.
pub(crate) async fn look(services: &Services, cookies: &cookies::Cookies) -> Arc<Insurer> {
    let directory = services.accounts.directory();
    if let Some(Ok(code)) = cookies.get(cookies::CONSOLE_INSURER).map(InsurerCode::parse)
        && let Ok(Some(insurer)) = directory.by_code(&code).await
    {
        return insurer;
    }
    directory
        .platform()
        .await
        .unwrap_or_else(|_| crate::visit::plain_look())
}

/// Around a page of the console while nobody may be asked who is there.
pub(crate) async fn strangers_frame(services: &Services, cookies: &cookies::Cookies) -> Frame {
    Frame::console(look(services, cookies).await, services.clock.now())
}

/// What stands around a page of the console that no visit came to.
pub(crate) async fn bare_frame(services: &Services, cookies: &cookies::Cookies) -> Frame {
    let now = services.clock.now();
    let session = cookies.get(cookies::CONSOLE).and_then(TenantSecret::parse);
    if let Some(session) = session
        && let Ok(Outcome::Done(clerk)) = services.staff.enter(&session).await
    {
        let owner = ShownFor::staff(clerk.insurer.tenant_id, clerk.staff_id);
        let mut frame = Frame::console(Arc::clone(&clerk.insurer), now);
        frame.shown_for = Some(owner.mark(&services.keys));
        frame.inside = Some(Arc::new(inside(services, &clerk)));
        return frame;
    }
    strangers_frame(services, cookies).await
}

/// What is open to the platform's support beside what its role allows: it has no account, factor or log-in here.
const OF_SUPPORT: [&str; 2] = ["/console/", "/console/support/leave"];

fn is_of_support(route: &Row) -> bool {
    matches!(route.rights, Rights::Staff { .. }) || OF_SUPPORT.contains(&route.path)
}

/// What is said to whoever may not: which roles may, and how to come by one. Nothing more of what is no role of theirs to have.
fn who_may(policy: &Policy, clerk: &Clerk, permission: Permission, now: DateTime<Utc>) -> Words {
    let words = Refusal::from(reasons::NOT_PERMITTED).words(now);
    let may = |role: &Role| role.is_given() && policy.of(*role).any(|one| one == permission);
    let roles: Vec<Role> = Role::ALL.into_iter().filter(may).collect();
    if roles.is_empty() || clerk.support.is_some() || clerk.insurer.tenant_id == TenantId::PLATFORM {
        return words;
    }
    if roles.iter().any(|role| clerk.roles.contains(role)) {
        return Words {
            text: "お持ちの役割は、担当する範囲が決められているため、この画面を使えません。必要なときは、管理者に範囲の変更を頼んでください。".to_owned(),
            ..words
        };
    }
    let named: Vec<_> = roles.iter().map(|role| format!("「{}」", role.label())).collect();
    let named = named.concat();
    let (next, way) = if clerk.may(STAFF_MANAGE) {
        (
            "ご自分に役割を付けることはできません。ほかの管理者に追加を頼むか、その役割の職員を招待してください。",
            Some(Way::new("/console/staff/invite", "職員を招待する")),
        )
    } else {
        ("必要なときは、管理者に役割の追加を頼んでください。", None)
    };
    Words {
        text: format!("この画面は、{named}の役割の方が使えます。{next}"),
        ways: way.into_iter().chain(words.ways).collect(),
        ..words
    }
}

/// Who comes in to a page of staff's, with the page's look put on; else the answer that there is instead.
pub(crate) async fn admit(route: &Row, visit: &mut Visit) -> Result<Clerk, Response> {
    let rights = route.rights;
    let Some(session) = visit.console_session() else {
        return Err(visit.to_console_log_in());
    };
    let refused = |visit: &Visit, trouble: Trouble| error_pages::page(visit.frame(), &trouble, visit.now);
    let clerk = match visit.services.staff.enter(&session).await {
        Ok(Outcome::Done(clerk)) => clerk,
        Ok(Outcome::Refused(refusal)) if refusal.is(reasons::CONSOLE_SESSION_ENDED) => {
            return Err(visit.to_console_log_in());
        }
        Ok(Outcome::Refused(refusal)) => {
            return Err(error_pages::shut_out(visit.frame(), refusal, visit.now));
        }
        Err(outage) => return Err(refused(visit, outage.into())),
    };
    visit.welcome_clerk(&clerk);
    if clerk.stage == Stage::Pending && rights != Rights::StaffPending {
        return Err(see_other(&next_path::with_next_for_staff(
            &visit.services.table,
            "/console/login/factor",
            &visit.asked_for,
        )));
    }
    if clerk.support.is_some() && !is_of_support(route) {
        return Err(refused(visit, reasons::NOT_PERMITTED.into()));
    }
    if let Rights::Staff { permission, step_up } = rights {
        if !clerk.may(permission) {
            let words = who_may(visit.services.staff.policy(), &clerk, permission, visit.now);
            return Err(error_pages::page_in_words(
                visit.frame(),
                &reasons::NOT_PERMITTED.into(),
                words,
            ));
        }
        if route.path.starts_with(SANDBOX) && !clerk.insurer.is_sandbox {
            return Err(refused(visit, Trouble::NotFound));
        }
        if step_up && !clerk.has_just_proven(visit.now) {
            // What somebody else typed in another tab is not for whoever is here by now.
            return Err(if route.method == Method::POST && !is_of_another(route, visit) {
                visit.prove_first(&visit.asked_for, route.keeps).await
            } else {
                visit.to_prove()
            });
        }
    }
    Ok(clerk)
}
