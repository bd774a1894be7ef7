//! One client: how it stands, how it is used and by which scopes, its secrets, and what was done with it.

use super::{Found, Line, Side, deed::Deed, from_where, listed, read, webhooks};
use crate::console::audit::words;
use askama::Template;
use audit::Line as Recorded;
use chrono::{Days, NaiveDate, TimeDelta};
use clients::{ClientName, Day, SecretLine, Shown, State};
use database::TenantTransaction;
use kernel::{ClientId, StaffId, calendar};
use pages::{
    Reply, Visit,
    frame::Frame,
    visit::Trouble,
    words::{client, grouped},
};
use staff::Clerk;

/// Days of use that are shown.
const DAYS: u32 = 30;
/// What was done is shown for so long, and so many lines of it.
const LOOKS_BACK: TimeDelta = TimeDelta::days(365);
const LINES: i64 = 50;
/// What is done with a client; tokens, of which there is one an hour, stand in the trail alone.
const ACTIONS: [&str; 17] = [
    "client.create",
    "client.grant",
    "client.change",
    "client.rename",
    "client.rotate",
    "client.suspend",
    "client.resume",
    "client.revoke",
    "client.ungrant",
    "webhook.create",
    "webhook.change",
    "webhook.end",
    "webhook.rotate",
    "webhook.enable",
    "webhook.disable",
    "webhook.test",
    "webhook.replay",
];

#[derive(Template)]
#[template(path = "console/client.html")]
struct ClientPage {
    frame: Frame,
    base: &'static str,
    is_platform: bool,
    line: Line,
    public_id: ClientName,
    /// None of a vendor's at an insurer: the platform knows it, and is asked.
    contact: Option<String>,
    networks: String,
    created_at: String,
    deeds: Vec<(String, &'static str)>,
    /// A sentence on scopes that were never of use.
    unused: Option<String>,
    scopes: Vec<ScopeLine>,
    secrets: Vec<Secret>,
    /// Insurers that let a vendor's in, or did.
    places: Vec<String>,
    webhooks: Vec<webhooks::Line>,
    sentence: String,
    days: Vec<Bar>,
    done: Vec<Done>,
}

struct ScopeLine {
    words: &'static str,
    code: &'static str,
    last_used: String,
}

struct Secret {
    made_at: String,
    until: String,
}

impl Secret {
    fn new(line: &SecretLine) -> Self {
        Self {
            made_at: calendar::moment(line.made_at),
            until: line.ends_at.map_or_else(
                || "次に作るまで".to_owned(),
                |at| format!("{}まで", calendar::moment(at)),
            ),
        }
    }
}

/// A day of use, with a bar beside its numbers.
struct Bar {
    name: String,
    calls_width: i64,
    errors_width: i64,
    calls: String,
    errors: String,
    too_many: String,
}

struct Done {
    at: String,
    action: &'static str,
    outcome: String,
    by: String,
}

/// `GET /console/clients/:id`, `GET /operator/clients/:id`.
pub(super) async fn show(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let id = ClientId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let tx = read(&visit, clerk.insurer.tenant_id).await?;
    let found = side.one(&visit, &tx, id).await?.ok_or(Trouble::NotFound)?;
    let uses = match side {
        Side::Insurer => visit.services.clients.uses(&tx, id, DAYS).await?,
        Side::Platform => Vec::new(),
    };
    let line = found.line(visit.now);
    let done = done(&visit, &tx, (id, &line.name)).await?;
    let webhooks = match &found {
        Found::Here(shown) => webhooks::lines(&visit, &tx, &shown.grant).await?,
        Found::Vendor(_) => Vec::new(),
    };
    tx.commit().await?;
    let places = match &found {
        Found::Vendor(shown) => insurers(&visit, &shown.insurers).await?,
        Found::Here(_) => Vec::new(),
    };
    let today = calendar::today_in_japan(visit.now);
    let (contact, secrets, created_at) = match &found {
        Found::Here(shown) => (shown.contact.clone(), &shown.secrets, shown.grant.created_at),
        Found::Vendor(shown) => (
            Some(shown.client.contact.clone()),
            &shown.secrets,
            shown.client.created_at,
        ),
    };
    let here = match &found {
        Found::Here(shown) => Some(shown),
        Found::Vendor(_) => None,
    };
    visit.html(&ClientPage {
        frame: visit.frame().in_section(side.base()),
        base: side.base(),
        is_platform: side == Side::Platform,
        public_id: found.name(),
        contact,
        networks: from_where(found.networks()),
        created_at: calendar::moment(created_at),
        deeds: deeds(side, &found),
        unused: here.and_then(unused),
        scopes: here.map(scopes).unwrap_or_default(),
        secrets: secrets.iter().map(Secret::new).collect(),
        places,
        webhooks,
        sentence: sentence(&uses),
        days: bars(&uses, today),
        done,
        line,
    })
}

/// What may be done with it now.
fn deeds(side: Side, found: &Found) -> Vec<(String, &'static str)> {
    let path = side.path(found.name().client_id);
    let mut deeds = Vec::new();
    if found.state() == State::Revoked {
        // What was taken back may be given anew.
        if !found.is_at_home() && !found.has_ended() {
            let again = format!("{}/vendor?client_id={}", side.base(), found.name());
            deeds.push((again, "もう一度許可する"));
        }
        return deeds;
    }
    let words = match side {
        Side::Insurer => "権限の範囲、ネットワーク、最後に使える日を変更する",
        Side::Platform => "ネットワーク、最後に使える日を変更する",
    };
    deeds.push((format!("{path}/change"), words));
    if found.is_at_home() {
        deeds.push((format!("{path}/rename"), "名前と連絡先を変更する"));
    }
    let fitting = Deed::ALL.into_iter().filter(|deed| deed.fits(found));
    deeds.extend(fitting.map(|deed| (format!("{path}/{}", deed.verb()), deed.heading(found.is_at_home()))));
    deeds
}

fn scopes(shown: &Shown) -> Vec<ScopeLine> {
    let used = |scope| shown.used.get(&scope).copied().map(calendar::moment);
    let lines = listed(&shown.grant.scopes).map(|scope| ScopeLine {
        words: scope.label(),
        code: scope.as_str(),
        last_used: used(scope).unwrap_or_else(|| "まだ使っていません".to_owned()),
    });
    lines.collect()
}

fn unused(shown: &Shown) -> Option<String> {
    let never = shown
        .grant
        .scopes
        .iter()
        .filter(|scope| !shown.used.contains_key(scope));
    let never = never.count();
    (never > 0 && shown.grant.last_used_at.is_some())
        .then(|| format!("一度も使っていない権限の範囲が{never}個あります。仕事に必要でなければ、外してください。"))
}

fn sentence(uses: &[Day]) -> String {
    let sum = |of: fn(&Day) -> i32| uses.iter().map(|day| i64::from(of(day))).sum::<i64>();
    let (calls, errors) = (sum(|day| day.calls), sum(|day| day.errors));
    if calls == 0 {
        return "30日間に、呼び出しはありませんでした。".to_owned();
    }
    format!(
        "30日間に{}回の呼び出しがあり、そのうち{}回は応じられませんでした。",
        grouped(calls),
        grouped(errors)
    )
}

/// Every day since the first that had a call, the latest first: one without is told as such.
fn bars(uses: &[Day], today: NaiveDate) -> Vec<Bar> {
    let most = uses.iter().map(|day| i64::from(day.calls)).max().unwrap_or_default();
    let Some(first) = uses.iter().map(|day| day.day).min() else {
        return Vec::new();
    };
    let days = (0..u64::from(DAYS)).filter_map(|back| today.checked_sub_days(Days::new(back)));
    let width = |count: i64| count.saturating_mul(100).checked_div(most).unwrap_or_default();
    let bar = |day: NaiveDate| {
        let counts = uses.iter().find(|uses| uses.day == day);
        let [calls, errors, too_many] = counts
            .map(|day| [day.calls, day.errors, day.refused].map(i64::from))
            .unwrap_or_default();
        Bar {
            name: calendar::date_with_weekday(day),
            calls_width: width(calls),
            errors_width: width(errors),
            calls: grouped(calls),
            errors: grouped(errors),
            too_many: grouped(too_many),
        }
    };
    days.take_while(|day| *day >= first).map(bar).collect()
}

/// The names of insurers, in the order of the list.
async fn insurers(visit: &Visit, ids: &[kernel::TenantId]) -> Result<Vec<String>, Trouble> {
    let heads = tenancy::list(&visit.services.database).await?;
    let known = heads.into_iter().filter(|head| ids.contains(&head.tenant_id));
    Ok(known.map(|head| head.name).collect())
}

/// What was done with it of late, the last first: by colleagues, and by its program itself.
async fn done(visit: &Visit, tx: &TenantTransaction, (id, name): (ClientId, &str)) -> Result<Vec<Done>, Trouble> {
    let lines = audit::about(tx, id.0, &ACTIONS, visit.now - LOOKS_BACK, LINES).await?;
    let staff: Vec<StaffId> = lines
        .iter()
        .filter(|line| line.actor_kind == "staff")
        .filter_map(|line| line.actor_id.map(StaffId))
        .collect();
    let names = staff::names(tx, &staff).await?;
    let by = |line: &Recorded| match (line.actor_kind.as_str(), line.actor_id?) {
        ("staff", by) => names.get(&StaffId(by)).cloned(),
        ("client", by) if by == id.0 => Some(client(name)),
        _ => None,
    };
    Ok(lines.iter().map(|line| said(line, by(line))).collect())
}

fn said(line: &Recorded, by: Option<String>) -> Done {
    Done {
        at: calendar::moment(line.at),
        action: words::action(&line.action),
        outcome: words::outcome(&line.outcome),
        by: by.unwrap_or_else(|| words::actor(&line.actor_kind).to_owned()),
    }
}
