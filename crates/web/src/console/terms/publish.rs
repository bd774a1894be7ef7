//! Publishing a draft of terms: what it changes is shown, and that is done, at once or once a colleague has agreed.

use super::{Named, Row, TERMS, begin, difference, revising, told, wrong_why};
use approvals::{About, Action, Agreed, Asked, Performer, WAITS, Wish};
use askama::Template;
use audit::Actor;
use kernel::{Outage, Outcome};
use pages::{Reply, Visit, Waits, frame::Frame, reply::see_other, visit::settle};
use serde_json::{Value, json};
use staff::Clerk;
use tenancy::{
    REVISE, Revising,
    terms::{self, ADDENDUM, DraftVersion, Planned, reasons},
};
use uuid::Uuid;

#[derive(Template)]
#[template(path = "console/terms_publish.html")]
struct PublishPage {
    frame: Frame,
    path: String,
    to_publish: String,
    version: DraftVersion,
    expected: i64,
    replaces: bool,
    agree_again: bool,
    is_first: bool,
    /// All that changes but the text: a label, before and after.
    facts: Vec<(String, String, String)>,
    rows: Vec<Row>,
    why: String,
}

/// What a wish to publish a revision is about.
pub(super) fn wished(revision: i32) -> About {
    let subject = Uuid::from_u128(u128::from(revision.unsigned_abs()));
    (Action::Terms, subject)
}

/// `GET /console/terms/:document/:revision/publish`: what publishing the draft changes.
pub(super) async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::own(&visit, &clerk)?;
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.read().await?;
    let (expected, heads) = terms::heads(&mut tx).await?;
    let planned = terms::plan(&mut tx, visit.now, &heads, named.place()).await?;
    let waits = Waits::about(&tx, visit.now, &clerk, &[wished(named.revision)]).await?;
    tx.commit().await?;
    let planned = match planned {
        Outcome::Done(planned) => planned,
        Outcome::Refused(refusal) if !refusal.fields.is_empty() => {
            return Ok(visit
                .form_again(&refusal, &format!("{}/draft", named.path()), &[])
                .await);
        }
        Outcome::Refused(refusal) => return Err(refusal.into()),
    };
    let again = visit.again().await;
    let Planned {
        version,
        replaces,
        agree_again,
        ref text,
        ref before,
        ..
    } = planned;
    let old = before.as_ref().map(|text| text.body.as_str()).unwrap_or_default();
    let facts = planned.changes_shown();
    visit.html(&PublishPage {
        frame: visit
            .frame()
            .in_section(TERMS)
            .with_errors(again.errors)
            .with_waits(waits),
        path: named.path(),
        to_publish: format!("{}/publish", named.path()),
        version,
        expected,
        replaces,
        agree_again,
        is_first: text.revision == 1,
        rows: difference::compare(old, &text.body),
        facts: facts.into_iter().filter(|(label, ..)| label != "本文").collect(),
        why: again.typed.text("why").to_owned(),
    })
}

/// `POST /console/terms/:document/:revision/publish`: what was shown, or nothing.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::own(&visit, &clerk)?;
    if let Some(refusal) = wrong_why(&visit) {
        let page = format!("{}/publish", named.path());
        return Ok(visit.form_again(&refusal, &page, &["why"]).await);
    }
    match settle(publish(&visit, &clerk, &named).await) {
        Ok(Asked::GoesOn) => Ok(visit.done(see_other(TERMS), "公開しました。施行日から、加入者に表示されます。")),
        Ok(Asked::Waits(_)) => Ok(visit.inform(see_other(TERMS), WAITS)),
        Err(refusal) => told(&visit, &named, refusal, "publish").await,
    }
}

async fn publish(visit: &Visit, clerk: &Clerk, named: &Named) -> Result<Outcome<Asked>, Outage> {
    let seen = DraftVersion::parse(visit.form.text("version"));
    let revising = revising(visit, clerk);
    let mut tx = begin(visit, clerk).await?;
    let (_, heads) = terms::heads(&mut tx).await?;
    let planned = match terms::plan(&mut tx, visit.now, &heads, named.place()).await? {
        Outcome::Done(planned) => planned,
        Outcome::Refused(refusal) => return Ok(refusal.into()),
    };
    let Some(seen) = seen.filter(|seen| *seen == planned.version) else {
        return Ok(reasons::DRAFT_CHANGED.into());
    };
    let wish = Wish {
        action: Action::Terms,
        kind: "",
        subject: wished(named.revision).1,
        person: None,
        beneficiary: None,
        also: [].into(),
        parameters: json!({ "revision": named.revision, "by": revising.by, "why": revising.why }),
        difference: planned.changes_shown(),
    };
    let approvals = visit.services.staff.approvals();
    let asked = approvals
        .ask(&mut tx, visit.now, clerk.asker(&visit.origin), wish)
        .await?;
    if matches!(asked, Outcome::Done(Asked::GoesOn)) {
        let published = terms::publish(&mut tx, visit.now, &visit.origin, &revising, named.place(), seen).await?;
        if let Outcome::Refused(refusal) = published {
            return Ok(refusal.into());
        }
    }
    if matches!(asked, Outcome::Done(_)) {
        tx.commit().await?;
    }
    Ok(asked)
}

/// How a draft is published once another has agreed: in the name of who asked, as it was shown.
pub(crate) fn performer() -> Performer {
    Performer::new(
        Action::Terms,
        "",
        |tx, agreed| {
            Box::pin(async move {
                let (_, heads) = terms::heads(tx).await?;
                let planned = terms::plan(tx, agreed.now, &heads, (ADDENDUM, revision(agreed))).await?;
                Ok(planned.map(|planned| planned.changes_shown()))
            })
        },
        |tx, agreed| {
            Box::pin(async move {
                let (expected, heads) = terms::heads(tx).await?;
                let place = (ADDENDUM, revision(agreed));
                let version = match terms::plan(tx, agreed.now, &heads, place).await? {
                    Outcome::Done(Planned { version, .. }) => version,
                    Outcome::Refused(refusal) => return Ok(refusal.into()),
                };
                let revising = Revising {
                    action: REVISE,
                    expected,
                    actor: Actor::Staff(agreed.asked_by.0),
                    by: parameter(agreed, "by"),
                    why: parameter(agreed, "why"),
                };
                let published = terms::publish(tx, agreed.now, &agreed.origin, &revising, place, version).await?;
                Ok(published.map(|_| ()))
            })
        },
    )
}

fn revision(agreed: &Agreed) -> i32 {
    let revision = agreed.parameters.get("revision").and_then(Value::as_i64);
    revision
        .and_then(|revision| i32::try_from(revision).ok())
        .unwrap_or_default()
}

fn parameter<'a>(agreed: &'a Agreed, name: &str) -> &'a str {
    agreed.parameters.get(name).and_then(Value::as_str).unwrap_or_default()
}
