//! Setting a second factor up: the first one before anything else opens, more of them later. Then printed codes are offered,
//! the way back for whoever loses the rest.

use super::{account::ACCOUNT, factor};
use crate::portal::device::device;
use askama::Template;
use kernel::{Outage, Outcome, Refusal, TenantSecret};
use pages::{
    Reply, Visit, assets, cookies,
    frame::Frame,
    qr::Qr,
    reply::{self, see_other},
    visit::settle,
};
use poem::Response;
use staff::{CODES, Clerk, FactorKind, Stage, reasons};

const ENROL: &str = "/console/enrol";
const APP: &str = "/console/enrol/app";
const PASSKEY: &str = "/console/enrol/passkey";
const CODES_PAGE: &str = "/console/enrol/codes";

#[derive(Template)]
#[template(path = "console/enrol.html")]
struct EnrolPage {
    frame: Frame,
    is_first: bool,
    has_passkeys: bool,
}

#[derive(Template)]
#[template(path = "console/enrol_app.html")]
struct AppPage {
    frame: Frame,
    /// None where the address is longer than any QR code holds: the text is there all the same.
    code: Option<Qr>,
    secret: String,
    called: String,
}

#[derive(Template)]
#[template(path = "console/enrol_passkey.html")]
struct PasskeyPage {
    frame: Frame,
    asked: String,
    called: String,
    script: String,
}

#[derive(Template)]
#[template(path = "console/enrol_codes.html")]
struct CodesPage {
    frame: Frame,
    count: usize,
    codes_left: usize,
    later: &'static str,
}

/// `GET /console/enrol`: which kind.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let staff = &visit.services.staff;
    let may = match clerk.stage {
        Stage::Pending => staff.factors(&clerk).await?.is_empty(),
        Stage::Full => clerk.has_just_proven(visit.now),
    };
    if !may {
        return Ok(visit.prove_before(ENROL));
    }
    visit.html(&EnrolPage {
        frame: visit.frame(),
        is_first: clerk.stage == Stage::Pending,
        has_passkeys: staff.has_passkeys(),
    })
}

/// `GET /console/enrol/app`.
pub(super) async fn app(visit: Visit, clerk: Clerk) -> Reply {
    let offer = match offered(&visit, APP, visit.services.staff.offer_app(&clerk).await)? {
        Ok(offer) => offer,
        Err(response) => return Ok(response),
    };
    let again = visit.again().await;
    visit.html(&AppPage {
        frame: visit.frame().with_errors(again.errors),
        code: Qr::new(&offer.address),
        secret: offer.secret,
        called: again.typed.text("label").to_owned(),
    })
}

/// `POST /console/enrol/app`.
pub(super) async fn enrol_app(visit: Visit, clerk: Clerk) -> Reply {
    let (code, label) = (visit.form.text("app_code"), visit.form.text("label"));
    let enrolled = visit.services.staff.enrol_app(&visit.origin, &clerk, code, label).await;
    enrolled_by(&visit, &clerk, FactorKind::App, APP, settle(enrolled)).await
}

/// `GET /console/enrol/passkey`.
pub(super) async fn passkey(visit: Visit, clerk: Clerk) -> Reply {
    let asked = match offered(&visit, PASSKEY, visit.services.staff.offer_passkey(&clerk).await)? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    let again = visit.again().await;
    let called = again
        .typed
        .get("label")
        .map_or_else(|| device(&visit.agent), str::to_owned);
    visit.html(&PasskeyPage {
        frame: visit.frame().with_errors(again.errors),
        asked,
        called,
        script: assets::passkey_script(),
    })
}

/// `POST /console/enrol/passkey`.
pub(super) async fn enrol_passkey(visit: Visit, clerk: Clerk) -> Reply {
    let (answer, label) = (visit.form.text("answer"), visit.form.text("label"));
    let enrolled = visit
        .services
        .staff
        .enrol_passkey(&visit.origin, &clerk, answer, label)
        .await;
    enrolled_by(&visit, &clerk, FactorKind::Passkey, PASSKEY, settle(enrolled)).await
}

/// `GET /console/enrol/codes`: what printed codes are for.
pub(super) async fn codes(visit: Visit, clerk: Clerk) -> Reply {
    let factors = visit.services.staff.factors(&clerk).await?;
    visit.html(&CodesPage {
        frame: visit.frame().with_errors(visit.again().await.errors),
        count: CODES,
        codes_left: factors.codes_left,
        later: factor::home(&clerk),
    })
}

/// What is offered; instead, where a factor has to be proven first, the way there.
fn offered<T>(
    visit: &Visit,
    page: &str,
    offer: Result<Outcome<T>, Outage>,
) -> Result<Result<T, Response>, pages::visit::Trouble> {
    match offer? {
        Outcome::Done(offer) => Ok(Ok(offer)),
        Outcome::Refused(refusal) if refusal.is(reasons::PROOF_NEEDED) => Ok(Err(visit.prove_before(page))),
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

async fn enrolled_by(
    visit: &Visit,
    clerk: &Clerk,
    kind: FactorKind,
    page: &str,
    enrolled: Result<TenantSecret, Refusal>,
) -> Reply {
    let token = match enrolled {
        Ok(token) => token,
        Err(refusal) if refusal.is(reasons::PROOF_NEEDED) => return Ok(visit.prove_before(page)),
        Err(refusal) if refusal.is(reasons::CONSOLE_SESSION_ENDED) => return Ok(visit.to_console_log_in()),
        Err(refusal) => return Ok(visit.form_again(&refusal, page, &["label"]).await),
    };
    let next = if clerk.stage == Stage::Pending {
        CODES_PAGE
    } else {
        ACCOUNT
    };
    let response = visit.done(see_other(next), format!("{}を登録しました。", kind.label()));
    Ok(reply::with_cookie(
        response,
        cookies::set_strict(cookies::CONSOLE, &token.reveal()),
    ))
}
