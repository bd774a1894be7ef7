//! The second factor: asked for at log-in, and once more before what matters ([`super::prove`]).

use askama::Template;
use kernel::TenantId;
use pages::{
    Reply, Visit, assets, cookies,
    frame::Frame,
    next_path,
    reply::{self, see_other},
    visit::settle,
};
use staff::{Clerk, FactorKind, Factors, Proof, Stage, reasons};

/// Where it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// After the password.
    LogIn,
    /// Before something that matters.
    Prove,
}

impl Door {
    fn path(self) -> &'static str {
        match self {
            Self::LogIn => "/console/login/factor",
            Self::Prove => "/console/prove",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::LogIn => "ログインの確認",
            Self::Prove => "もう一度の確認",
        }
    }

    fn lead(self, factors: &Factors) -> String {
        let kinds = [FactorKind::Passkey, FactorKind::App, FactorKind::Printed];
        let by = match kinds.into_iter().filter(|kind| factors.has(*kind)).count() {
            1 => "次の方法で",
            _ => "次のどれか1つで",
        };
        match self {
            Self::LogIn => format!("パスワードのほかに、{by}確認してください。"),
            Self::Prove => {
                format!(
                    "大切な操作の前に、もう一度、{by}確認してください。確認すると、10分間は、あらためてお願いしません。"
                )
            }
        }
    }
}

#[derive(Template)]
#[template(path = "console/factor.html")]
struct FactorPage {
    frame: Frame,
    title: &'static str,
    lead: String,
    action: &'static str,
    /// Where to go on; empty for home.
    next: String,
    /// Where whoever proves nothing goes; none at log-in.
    back: Option<Back>,
    factors: Factors,
    /// What passkeys are asked, as JSON.
    challenge: Option<String>,
    script: String,
}

/// A page that opens without the proof.
struct Back {
    path: String,
    is_home: bool,
}

/// `GET /console/login/factor`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    if clerk.stage == Stage::Full {
        return Ok(see_other(onward(&visit, &clerk, visit.query.text("next"))));
    }
    ask(&visit, &clerk, Door::LogIn).await
}

/// `POST /console/login/factor`.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    check(&visit, &clerk, Door::LogIn).await
}

/// The page that asks.
pub(super) async fn ask(visit: &Visit, clerk: &Clerk, door: Door) -> Reply {
    let staff = &visit.services.staff;
    let factors = staff.factors(clerk).await?;
    if door == Door::LogIn && factors.is_empty() {
        return Ok(see_other("/console/enrol"));
    }
    let table = &visit.services.table;
    let next = next_path::allowed_for_staff(table, visit.query.text("next")).unwrap_or_default();
    let back = || next_path::unproven(table, next, |permission| clerk.may(permission)).unwrap_or(home(clerk));
    let challenge = if factors.has(FactorKind::Passkey) {
        staff.challenge(clerk).await?
    } else {
        None
    };
    visit.html(&FactorPage {
        frame: visit.frame().with_errors(visit.again().await.errors),
        title: door.title(),
        lead: door.lead(&factors),
        action: door.path(),
        next: next.to_owned(),
        back: (door == Door::Prove).then(back).map(|path| Back {
            is_home: path == home(clerk),
            path: path.to_owned(),
        }),
        factors,
        challenge,
        script: assets::passkey_script(),
    })
}

/// The form, sent.
pub(super) async fn check(visit: &Visit, clerk: &Clerk, door: Door) -> Reply {
    let form = &visit.form;
    let proof = match form.text("kind") {
        "passkey" => Proof::Passkey(form.text("answer")),
        "printed" => Proof::Printed(form.text("printed_code")),
        _ => Proof::App(form.text("app_code")),
    };
    let next = form.text("next");
    match settle(visit.services.staff.prove(&visit.origin, clerk, proof).await) {
        Ok(token) => {
            let response = see_other(onward(visit, clerk, next));
            Ok(reply::with_cookie(
                response,
                cookies::set_strict(cookies::CONSOLE, &token.reveal()),
            ))
        }
        Err(refusal) if refusal.is(reasons::CONSOLE_SESSION_ENDED) => Ok(visit.to_console_log_in()),
        Err(refusal) => {
            let page = next_path::with_next_for_staff(&visit.services.table, door.path(), next);
            Ok(visit.form_again(&refusal, &page, &[]).await)
        }
    }
}

fn onward<'a>(visit: &Visit, clerk: &Clerk, next: &'a str) -> &'a str {
    next_path::allowed_for_staff(&visit.services.table, next).unwrap_or(home(clerk))
}

/// Staff's first page; the platform's have their own.
pub(super) fn home(clerk: &Clerk) -> &'static str {
    if clerk.insurer.tenant_id == TenantId::PLATFORM {
        "/operator/"
    } else {
        "/console/"
    }
}
