//! 設定: how the insurer shows statements and what it proposes, as a form. What is saved is a revision of the insurer's settings
//! with who and why; one that changed nothing else is taken back here.

mod typed;

use super::with;
use crate::permissions::STATEMENTS_SETTINGS;
use askama::Template;
use database::{Durability, TenantTransaction};
use ground::Ground;
use kernel::{Outage, Outcome, Refusal, calendar, outcome, text};
use pages::{
    Again, Reply, Row, Visit,
    frame::Frame,
    reply::see_other,
    staff_proven,
    visit::{Trouble, settle},
};
use poem::http::Method;
use staff::Clerk;
use tenancy::{
    CHANGED_MEANWHILE, Revising, StatementSettings, revise,
    revisions::{self, Change, NOT_TAKEN_BACK, Standing},
};
use typed::{Input, inputs};

const PATH: &str = "/console/statements/settings";
const TAKE_BACK: &str = "/console/statements/settings/:revision/take-back";
/// What the trail calls a change.
const ACTION: &str = "statements.settings";

/// The rows of these pages. Who sees whose treatment hangs on them, so a second factor is just proven.
pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    let name = "console.statements.settings";
    vec![
        staff_proven(Method::GET, PATH, name, STATEMENTS_SETTINGS, with(ground, show)),
        staff_proven(
            Method::POST,
            PATH,
            "console.statements.settings.save",
            STATEMENTS_SETTINGS,
            with(ground, save),
        )
        .keeping(&typed::NAMES),
        staff_proven(
            Method::GET,
            TAKE_BACK,
            "console.statements.settings.ask",
            STATEMENTS_SETTINGS,
            with(ground, ask),
        ),
        staff_proven(
            Method::POST,
            TAKE_BACK,
            "console.statements.settings.take_back",
            STATEMENTS_SETTINGS,
            with(ground, take_back),
        )
        .keeping(&["why"]),
    ]
}

#[derive(Template)]
#[template(path = "console/statements_settings.html")]
struct FormPage {
    frame: Frame,
    revision: i64,
    reason: String,
    inputs: Vec<Input>,
    /// What others have changed since the form was shown.
    meanwhile: Vec<Difference>,
    changes: Vec<Line>,
}

#[derive(Template)]
#[template(path = "console/statements_settings_back.html")]
struct AskPage {
    frame: Frame,
    line: Line,
    path: String,
    revision: i64,
    reason: String,
    /// Something of it has been changed again: there is nothing to be taken back.
    is_late: bool,
}

/// A setting that differs.
#[derive(PartialEq, Eq)]
struct Difference {
    label: &'static str,
    before: String,
    after: String,
}

/// A change in words.
struct Line {
    number: i64,
    at: String,
    by: String,
    why: String,
    differences: Vec<Difference>,
    /// Where it is taken back.
    take_back: Option<String>,
}

impl Line {
    fn of(change: &Change) -> Self {
        let revision = &change.revision;
        let before = change.before.as_ref().map(|before| before.statements);
        let may = change.may_be_taken_back() && change.is_of_statements_alone();
        Self {
            number: revision.revision,
            at: calendar::moment(revision.applied_at),
            by: if revision.channel == "console" {
                format!("{}さん", revision.applied_by)
            } else {
                "運営".to_owned()
            },
            why: revision.why.clone().unwrap_or_default(),
            differences: before.map_or_else(Vec::new, |before| differences(&before, &change.after.statements)),
            take_back: may.then(|| back(revision.revision)),
        }
    }
}

fn back(revision: i64) -> String {
    format!("{PATH}/{revision}/take-back")
}

fn differences(before: &StatementSettings, after: &StatementSettings) -> Vec<Difference> {
    let both = before.facts().into_iter().zip(after.facts());
    both.filter(|(before, after)| before.value != after.value)
        .map(|(before, after)| Difference {
            label: before.label,
            before: before.value,
            after: after.value,
        })
        .collect()
}

/// `GET /console/statements/settings`.
async fn show(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let again = visit.again().await;
    let mut tx = ground.database.tenant(clerk.insurer.tenant_id).read().await?;
    let standing = revisions::standing(&mut tx).await?;
    let (revision, meanwhile) = seen(&mut tx, &again, &standing).await?;
    let changes = revisions::of_statements(&mut tx).await?;
    tx.commit().await?;
    let typed = again.typed.get("revision").map(|_| &again.typed);
    visit.html(&FormPage {
        revision,
        reason: again.typed.text("why").to_owned(),
        inputs: inputs(&standing.settings.statements, typed),
        meanwhile,
        changes: changes.iter().map(Line::of).collect(),
        frame: visit.frame().in_section(super::HOME).with_errors(again.errors),
    })
}

/// The revision that the form is shown with, and what others have changed since it was first. Whoever has not been told of a
/// later one keeps theirs, so that they are.
async fn seen(
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
    let before = revisions::at(tx, known).await?;
    let meanwhile = before.map(|before| differences(&before.statements, &standing.settings.statements));
    Ok((standing.revision, meanwhile.unwrap_or_default()))
}

/// `POST /console/statements/settings`.
async fn save(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    match settle(saved(&ground, &visit, &clerk).await) {
        Ok(saved) => Ok(visit.done(see_other(PATH), format!("保存しました。{}", saved.told()))),
        Err(refusal) => Ok(visit.form_again(&refusal, PATH, &typed::NAMES).await),
    }
}

/// What it means for rows that are loaded already.
struct Saved {
    /// They would be reckoned another way.
    is_reckoned: bool,
    /// Fewer months are kept.
    is_shorter: bool,
}

impl Saved {
    /// What is said of it.
    fn told(&self) -> String {
        let shorter = self.is_shorter.then_some(
            "表示する月数が減りました。それより前の月の明細は、1日以内に消えます。設定を元に戻しても、消えた明細は戻りません。",
        );
        let reckoned = self.is_reckoned.then_some(
            "削減可能金額の計算のしかたが変わりました。取り込み済みの分は、運営が再計算するまで、前の計算のままです。",
        );
        let told: String = shorter.into_iter().chain(reckoned).collect();
        if told.is_empty() {
            "数秒のうちに、すべての画面に反映されます。".to_owned()
        } else {
            told
        }
    }
}

async fn saved(ground: &Ground, visit: &Visit, clerk: &Clerk) -> Result<Outcome<Saved>, Outage> {
    let Some(code) = &clerk.insurer.code else {
        return Ok(outcome::NOT_FOUND.into());
    };
    let tenant = ground.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.write(Durability::Safe).await?;
    let standing = revisions::standing(&mut tx).await?;
    let before = standing.settings.statements;
    let read = typed::read(code, &standing.settings, &visit.form);
    let (why, statements) = match (typed::why(&visit.form), read) {
        (Ok(why), Ok(statements)) => (why, statements),
        (why, read) => {
            let mut errors = read.err().unwrap_or_default();
            errors.extend(why.err());
            return Ok(Refusal::fields(errors).into());
        }
    };
    let revising = revising(visit, clerk, &why);
    let lay = |over: &mut tenancy::Settings| over.statements = statements;
    let revised = revise(&mut tx, visit.now, &visit.origin, &revising, lay).await?;
    tx.commit().await?;
    let is_shorter = statements.months_online < before.months_online;
    let (before, after) = (before.generics, statements.generics);
    let is_reckoned = (before.saving, before.exclude_classes) != (after.saving, after.exclude_classes);
    Ok(revised.map(|_| Saved {
        is_reckoned,
        is_shorter,
    }))
}

/// `GET /console/statements/settings/:revision/take-back`: what it would put in the place of what.
async fn ask(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let revision = asked(&visit)?;
    let mut tx = ground.database.tenant(clerk.insurer.tenant_id).read().await?;
    let change = revisions::change(&mut tx, revision).await?.ok_or(Trouble::NotFound)?;
    let standing = revisions::standing(&mut tx).await?;
    tx.commit().await?;
    let line = Line::of(&change);
    if line.take_back.is_none() {
        return Ok(see_other(PATH));
    }
    let stands = standing.settings.statements.facts();
    let is_late = line.differences.iter().any(|changed| {
        let stands = stands.iter().find(|fact| fact.label == changed.label);
        stands.is_none_or(|fact| fact.value != changed.after)
    });
    let again = visit.again().await;
    visit.html(&AskPage {
        path: back(revision),
        line,
        revision: standing.revision,
        reason: again.typed.text("why").to_owned(),
        is_late,
        frame: visit.frame().in_section(super::HOME).with_errors(again.errors),
    })
}

/// `POST /console/statements/settings/:revision/take-back`.
async fn take_back(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    let revision = asked(&visit)?;
    match settle(taken_back(&ground, &visit, &clerk, revision).await) {
        Ok(_) => Ok(visit.done(
            see_other(PATH),
            "元に戻しました。数秒のうちに、すべての画面に反映されます。",
        )),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(refusal.into()),
        Err(refusal) => Ok(visit.form_again(&refusal, &back(revision), &["why"]).await),
    }
}

async fn taken_back(ground: &Ground, visit: &Visit, clerk: &Clerk, revision: i64) -> Result<Outcome<i64>, Outage> {
    let tenant = ground.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.write(Durability::Safe).await?;
    let Some(change) = revisions::change(&mut tx, revision).await? else {
        return Ok(outcome::NOT_FOUND.into());
    };
    // What else the insurer has set is for others to take back.
    if !change.is_of_statements_alone() {
        return Ok(NOT_TAKEN_BACK.into());
    }
    let why = match typed::why(&visit.form) {
        Ok(why) => why,
        Err(error) => return Ok(Refusal::field(error).into()),
    };
    let revising = revising(visit, clerk, &why);
    let taken = revisions::take_back(&mut tx, visit.now, &visit.origin, &revising, revision).await?;
    tx.commit().await?;
    Ok(taken)
}

fn revising<'a>(visit: &Visit, clerk: &'a Clerk, why: &'a str) -> Revising<'a> {
    Revising {
        action: ACTION,
        // What is no number is older than all.
        expected: text::number(visit.form.text("revision")).unwrap_or(-1),
        actor: clerk.actor(),
        by: &clerk.name,
        why,
    }
}

fn asked(visit: &Visit) -> Result<i64, Trouble> {
    text::number(visit.param("revision")).ok_or(Trouble::NotFound)
}
