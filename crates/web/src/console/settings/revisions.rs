//! 変更の記録: each revision of the settings with who, when and why, what it changed, and taking it back.

use super::{
    SETTINGS, expected,
    facts::{Difference, differences},
    place, revising, typed,
};
use access::SETTINGS_EDIT;
use askama::Template;
use database::Durability;
use kernel::{Outage, Outcome, Refusal, calendar, text};
use pages::{
    Reply, Visit,
    frame::Frame,
    reply::see_other,
    visit::{Trouble, settle},
};
use staff::Clerk;
use tenancy::{Revision, SENDER_ADDRESS, Topic, revisions};

const REVISIONS: &str = "/console/settings/revisions";

#[derive(Template)]
#[template(path = "console/settings_revisions.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "console/settings_revision.html")]
struct OnePage {
    frame: Frame,
    line: Line,
    is_first: bool,
    differences: Vec<Difference>,
    /// Where it is taken back, for whoever may.
    take_back: Option<String>,
    /// True for whoever may take changes back, of one that is changed again elsewhere.
    is_elsewhere: bool,
}

#[derive(Template)]
#[template(path = "console/settings_take_back.html")]
struct AskPage {
    frame: Frame,
    line: Line,
    action_path: String,
    revision: i64,
    reason: String,
    differences: Vec<Back>,
    /// Something of it has been changed again: there is nothing to be taken back.
    is_late: bool,
}

/// What taking back puts in the place of what stands.
struct Back {
    label: String,
    stands: String,
    before: String,
    after: String,
}

impl Back {
    /// True where it has been changed again since.
    fn is_late(&self) -> bool {
        self.stands != self.after
    }
}

/// A revision in words.
struct Line {
    path: String,
    number: i64,
    at: String,
    by: String,
    why: String,
}

impl Line {
    fn new(revision: &Revision) -> Self {
        let is_own = revision.channel == "console";
        Self {
            path: path(revision.revision),
            number: revision.revision,
            at: calendar::moment(revision.applied_at),
            by: if is_own {
                revision.applied_by.clone()
            } else {
                "運営".to_owned()
            },
            why: revision.why.clone().unwrap_or_default(),
        }
    }
}

fn path(revision: i64) -> String {
    format!("{REVISIONS}/{revision}")
}

/// `GET /console/settings/revisions`, the latest first.
pub(super) async fn list(visit: Visit, clerk: Clerk) -> Reply {
    let before = text::number::<i64>(visit.query.text("before"));
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let (found, has_more) = revisions::list(&mut tx, before).await?;
    tx.commit().await?;
    let last = found.last().filter(|_| has_more);
    visit.html(&ListPage {
        frame: visit.frame().in_section(SETTINGS),
        more: last.map(|last| format!("{REVISIONS}?before={}", last.revision)),
        lines: found.iter().map(Line::new).collect(),
    })
}

/// `GET /console/settings/revisions/:revision`: what it changed.
pub(super) async fn one(visit: Visit, clerk: Clerk) -> Reply {
    let change = found(&visit, &clerk).await?;
    let before = change.before.as_ref();
    let (may, is_ours) = (clerk.may(SETTINGS_EDIT), change.may_be_taken_back());
    visit.html(&OnePage {
        frame: visit.frame().in_section(SETTINGS),
        is_first: before.is_none(),
        differences: before.map_or_else(Vec::new, |before| differences(before, &change.after)),
        take_back: (may && is_ours).then(|| format!("{}/take-back", path(change.revision.revision))),
        is_elsewhere: may && !is_ours && before.is_some(),
        line: Line::new(&change.revision),
    })
}

/// `GET /console/settings/revisions/:revision/take-back`: what it would put in the place of what.
pub(super) async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    let change = found(&visit, &clerk).await?;
    let before = change.before.as_ref().filter(|_| change.may_be_taken_back());
    let Some(before) = before else {
        return Ok(see_other(&path(change.revision.revision)));
    };
    let standing = super::standing(&visit, &clerk).await?;
    let again = visit.again().await;
    // Against the state before, what stands differs wherever it was not taken back already.
    let now = differences(before, &standing.settings);
    let stands = |label: &str, before: &str| {
        let found = now.iter().find(|difference| difference.label == label);
        found.map_or_else(|| before.to_owned(), |difference| difference.after.clone())
    };
    let changed = differences(before, &change.after).into_iter();
    let differences: Vec<Back> = changed
        .map(|Difference { label, before, after }| Back {
            stands: stands(&label, &before),
            label,
            before,
            after,
        })
        .collect();
    visit.html(&AskPage {
        is_late: differences.iter().any(Back::is_late),
        line: Line::new(&change.revision),
        action_path: format!("{}/take-back", path(change.revision.revision)),
        revision: standing.revision,
        reason: again.typed.text("why").to_owned(),
        differences,
        frame: visit.frame().in_section(SETTINGS).with_errors(again.errors),
    })
}

/// `POST /console/settings/revisions/:revision/take-back`.
pub(super) async fn take_back(visit: Visit, clerk: Clerk) -> Reply {
    let revision = asked(&visit)?;
    match settle(taken_back(&visit, &clerk, revision).await) {
        Ok(_) => Ok(visit.done(
            see_other(REVISIONS),
            "元に戻しました。数秒のうちに、すべての画面に反映されます。",
        )),
        Err(refusal) if refusal.is(kernel::outcome::NOT_FOUND) => Err(refusal.into()),
        // An address on a domain that is not released is told at its own form.
        Err(refusal)
            if refusal
                .fields
                .iter()
                .any(|error| error.field.name == SENDER_ADDRESS.name) =>
        {
            Ok(visit.form_again(&refusal, place(Topic::Sender).0, &[]).await)
        }
        Err(refusal) => {
            let page = format!("{}/take-back", path(revision));
            Ok(visit.form_again(&refusal, &page, &["why"]).await)
        }
    }
}

async fn taken_back(visit: &Visit, clerk: &Clerk, revision: i64) -> Result<Outcome<i64>, Outage> {
    let why = typed::why(&visit.form);
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.write(Durability::Safe).await?;
    let why = match why {
        Ok(why) => why,
        // Of what is not there nothing is to be mended.
        Err(_) if revisions::change(&mut tx, revision).await?.is_none() => {
            return Ok(kernel::outcome::NOT_FOUND.into());
        }
        Err(error) => return Ok(Refusal::field(error).into()),
    };
    let expected = expected(visit.form.text("revision"));
    let revising = revising(clerk, expected, &why);
    let outcome = revisions::take_back(&mut tx, visit.now, &visit.origin, &revising, revision).await?;
    tx.commit().await?;
    Ok(outcome)
}

fn asked(visit: &Visit) -> Result<i64, Trouble> {
    text::number(visit.param("revision")).ok_or(Trouble::NotFound)
}

async fn found(visit: &Visit, clerk: &Clerk) -> Result<revisions::Change, Trouble> {
    let asked = asked(visit)?;
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let change = revisions::change(&mut tx, asked).await?;
    tx.commit().await?;
    change.ok_or(Trouble::NotFound)
}
