//! 設定: what an insurer's own administrators set of its portal. Each form is of one topic and carries the revision that it
//! was shown with; whoever saves after somebody else is told so, is shown both, and loses nothing.

mod branding;
mod facts;
mod inputs;
mod revisions;
mod typed;

use access::{SETTINGS_EDIT, SETTINGS_VIEW};
use askama::Template;
use database::{Durability, TenantTransaction};
pub(super) use facts::Difference;
use facts::{Fact, differences, facts, title};
use inputs::{Input, Shape, Shown};
use kernel::{Outage, Outcome, Refusal, text};
use pages::{
    Again, Reply, Row, Visit,
    frame::Frame,
    reply::see_other,
    staff, staff_file, staff_proven,
    visit::{Trouble, settle},
};
use poem::http::Method;
use staff::Clerk;
use tenancy::{CHANGED_MEANWHILE, MAX_LOGO_FILE, REVISE, Revising, Settings, Topic, revise, revisions::Standing};

const SETTINGS: &str = "/console/settings";

/// Where a topic's form stands, and what its two rows are called.
const fn place(topic: Topic) -> (&'static str, &'static str, &'static str) {
    match topic {
        Topic::Branding => (
            "/console/settings/branding",
            "console.settings.branding",
            "console.settings.branding.save",
        ),
        Topic::Desk => (
            "/console/settings/desk",
            "console.settings.desk",
            "console.settings.desk.save",
        ),
        Topic::Modules => (
            "/console/settings/modules",
            "console.settings.modules",
            "console.settings.modules.save",
        ),
        Topic::SignUp => (
            "/console/settings/sign-up",
            "console.settings.sign_up",
            "console.settings.sign_up.save",
        ),
        Topic::LogIn => (
            "/console/settings/log-in",
            "console.settings.log_in",
            "console.settings.log_in.save",
        ),
        Topic::Sender => (
            "/console/settings/sender",
            "console.settings.sender",
            "console.settings.sender.save",
        ),
        Topic::Networks => (
            "/console/settings/networks",
            "console.settings.networks",
            "console.settings.networks.save",
        ),
        Topic::Retention => (
            "/console/settings/retention",
            "console.settings.retention",
            "console.settings.retention.save",
        ),
    }
}

/// The rows of these pages. How members log in is changed by whoever has just proven a second factor.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let forms = Topic::ALL.into_iter().flat_map(|topic| {
        let (path, shows, saves) = place(topic);
        let (show, save) = (
            move |visit, clerk| show(topic, visit, clerk),
            move |visit, clerk| save(topic, visit, clerk),
        );
        match topic {
            Topic::LogIn => [
                staff_proven(Method::GET, path, shows, SETTINGS_EDIT, show),
                staff_proven(Method::POST, path, saves, SETTINGS_EDIT, save).keeping(&typed::OF_LOG_IN),
            ],
            _ => [
                staff(Method::GET, path, shows, SETTINGS_EDIT, show),
                staff(Method::POST, path, saves, SETTINGS_EDIT, save),
            ],
        }
    });
    let others = [
        staff(get.clone(), SETTINGS, "console.settings", SETTINGS_VIEW, all),
        staff(
            get.clone(),
            "/console/settings/branding/preview",
            "console.settings.branding.preview",
            SETTINGS_EDIT,
            branding::preview,
        ),
        staff(
            get.clone(),
            "/console/settings/branding/picture/:hash",
            "console.settings.logo",
            SETTINGS_EDIT,
            branding::logo,
        ),
        staff_file(
            "/console/settings/branding/logo/:revision",
            "console.settings.logo.bring",
            (SETTINGS_EDIT, MAX_LOGO_FILE),
            branding::bring_logo,
        ),
        staff(
            post.clone(),
            "/console/settings/branding/logo-removal",
            "console.settings.logo.remove",
            SETTINGS_EDIT,
            branding::remove_logo,
        ),
        staff(
            get.clone(),
            "/console/settings/revisions",
            "console.settings.revisions",
            SETTINGS_VIEW,
            revisions::list,
        ),
        staff(
            get.clone(),
            "/console/settings/revisions/:revision",
            "console.settings.revision",
            SETTINGS_VIEW,
            revisions::one,
        ),
        staff_proven(
            get,
            "/console/settings/revisions/:revision/take-back",
            "console.settings.revision.ask",
            SETTINGS_EDIT,
            revisions::ask,
        ),
        staff_proven(
            post,
            "/console/settings/revisions/:revision/take-back",
            "console.settings.revision.take_back",
            SETTINGS_EDIT,
            revisions::take_back,
        )
        .keeping(&["why"]),
    ];
    forms.chain(others).collect()
}

#[derive(Template)]
#[template(path = "console/settings.html")]
struct AllPage {
    frame: Frame,
    may_edit: bool,
    sections: Vec<Section>,
}

/// A topic as it stands.
struct Section {
    title: &'static str,
    path: &'static str,
    facts: Vec<Fact>,
}

#[derive(Template)]
#[template(path = "console/settings_form.html")]
struct FormPage {
    frame: Frame,
    title: &'static str,
    path: &'static str,
    revision: i64,
    reason: String,
    inputs: Vec<Input>,
    /// What others have changed since the form was shown.
    meanwhile: Vec<Difference>,
    /// What stands beside the form.
    beside: Beside,
}

/// What a topic has besides its form.
enum Beside {
    Nothing,
    /// The logo and a colour to try.
    Branding(Look),
    /// The domains on which the sender's address may be.
    Sender(Vec<String>),
}

struct Look {
    logo: Option<Logo>,
    color: String,
    /// Where a new logo is sent.
    bring: String,
}

struct Logo {
    address: String,
    width: u32,
    height: u32,
}

/// `GET /console/settings`: all of it, as it stands.
async fn all(visit: Visit, clerk: Clerk) -> Reply {
    let Standing { settings, .. } = standing(&visit, &clerk).await?;
    let section = |topic| Section {
        title: title(topic),
        path: place(topic).0,
        facts: facts(topic, &settings),
    };
    visit.html(&AllPage {
        frame: visit.frame().in_section(SETTINGS),
        may_edit: clerk.may(SETTINGS_EDIT),
        sections: Topic::ALL.map(section).into(),
    })
}

/// `GET /console/settings/…`: a topic's form.
async fn show(topic: Topic, visit: Visit, clerk: Clerk) -> Reply {
    let again = visit.again().await;
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let standing = tenancy::revisions::standing(&mut tx).await?;
    let (revision, meanwhile) = seen(&mut tx, &again, &standing).await?;
    tx.commit().await?;
    let typed = again.typed.get("revision").map(|_| &again.typed);
    let shown = Shown {
        stands: &standing.settings,
        typed,
    };
    let tried = visit.query.get("color").filter(|_| typed.is_none());
    let inputs = match tried.and_then(tenancy::Color::parse) {
        Some(color) => shown.inputs_in(topic, color),
        None => shown.inputs(topic),
    };
    visit.html(&FormPage {
        title: title(topic),
        path: place(topic).0,
        revision,
        reason: again.typed.text("why").to_owned(),
        inputs,
        meanwhile,
        beside: beside(topic, &standing),
        frame: visit.frame().in_section(SETTINGS).with_errors(again.errors),
    })
}

fn beside(topic: Topic, standing: &Standing) -> Beside {
    let settings = &standing.settings;
    match topic {
        Topic::Branding => Beside::Branding(Look {
            logo: settings.logo.as_ref().map(|logo| Logo {
                address: format!("{}/picture/{}", place(Topic::Branding).0, logo.hash),
                width: logo.width,
                height: logo.height,
            }),
            color: settings.brand_color.to_string(),
            bring: format!("{}/logo/{}", place(Topic::Branding).0, standing.revision),
        }),
        Topic::Sender => Beside::Sender(standing.sender_domains.clone()),
        _ => Beside::Nothing,
    }
}

/// The revision that the form is shown with, and what others have changed since it was first. Whoever has not been told of
/// a later one keeps theirs, so that they are.
pub(super) async fn seen(
    tx: &mut TenantTransaction,
    again: &Again,
    standing: &Standing,
) -> Result<(i64, Vec<Difference>), Trouble> {
    let Some(known) = again.typed.get("revision").and_then(text::number::<i64>) else {
        return Ok((standing.revision, Vec::new()));
    };
    if !again.is(CHANGED_MEANWHILE) {
        return Ok((known, Vec::new()));
    }
    let before = tenancy::revisions::at(tx, known).await?;
    let meanwhile = before.map(|before| differences(&before, &standing.settings));
    Ok((standing.revision, meanwhile.unwrap_or_default()))
}

/// `POST /console/settings/…`.
async fn save(topic: Topic, visit: Visit, clerk: Clerk) -> Reply {
    let path = place(topic).0;
    match settle(saved(topic, &visit, &clerk).await) {
        Ok(_) => Ok(visit.done(
            see_other(path),
            "保存しました。数秒のうちに、すべての画面に反映されます。",
        )),
        Err(refusal) => {
            let names = typed::names(topic);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Ok(visit.form_again(&refusal, path, &names).await)
        }
    }
}

async fn saved(topic: Topic, visit: &Visit, clerk: &Clerk) -> Result<Outcome<i64>, Outage> {
    let Some(code) = &clerk.insurer.code else {
        return Ok(kernel::outcome::NOT_FOUND.into());
    };
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.write(Durability::Safe).await?;
    let standing = tenancy::revisions::standing(&mut tx).await?;
    let why = typed::why(&visit.form);
    let read = typed::read(topic, code, &standing.settings, &visit.form);
    let (why, settings) = match (why, read) {
        (Ok(why), Ok(settings)) => (why, settings),
        (why, read) => {
            let mut errors = read.err().unwrap_or_default();
            errors.extend(why.err());
            return Ok(Refusal::fields(errors).into());
        }
    };
    let expected = expected(visit.form.text("revision"));
    let revising = revising(clerk, expected, &why);
    let lay = |over: &mut Settings| topic.lay(settings, over);
    let outcome = revise(&mut tx, visit.now, &visit.origin, &revising, lay).await?;
    tx.commit().await?;
    Ok(outcome)
}

fn revising<'a>(clerk: &'a Clerk, expected: i64, why: &'a str) -> Revising<'a> {
    Revising {
        action: REVISE,
        expected,
        actor: clerk.actor(),
        by: &clerk.name,
        why,
    }
}

/// The revision that a form was shown with; what is none is older than all.
pub(super) fn expected(typed: &str) -> i64 {
    text::number(typed).unwrap_or(-1)
}

async fn standing(visit: &Visit, clerk: &Clerk) -> Result<Standing, Trouble> {
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let standing = tenancy::revisions::standing(&mut tx).await?;
    tx.commit().await?;
    Ok(standing)
}
