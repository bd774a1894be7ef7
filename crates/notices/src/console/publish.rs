//! Publishing, on a page of its own: what members would read, how many, and whether they are told by mail.

use super::{
    PersonLine, Preview, aim_words, by, draft, frame, id, no_draft, one, over_all, path, person_line, version, write,
};
use crate::{
    Author,
    drafts::By,
    publishing::{self, Ready},
};
use approvals::{Action, Agreed, Difference, Performer, Wish};
use askama::Template;
use audit::Actor;
use database::{DatabaseError, TenantTransaction};
use kernel::{NoticeId, Outcome};
use pages::{Reply, Visit, Waits, frame::Frame, reply::see_other, words::grouped};
use serde_json::{Value, json};
use staff::Clerk;
use std::ops::ControlFlow;

#[derive(Template)]
#[template(path = "console/notice_publish.html")]
struct PublishPage {
    frame: Frame,
    path: String,
    version: i64,
    preview: Preview,
    to: String,
    registered: String,
    is_nobody_registered: bool,
    first_day: String,
    last_day: String,
    mail: bool,
    /// Why it can't be published as it is.
    obstacle: Option<String>,
}

/// `GET /console/notices/:id/publish`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let tx = write(&visit, &clerk).await?;
    let Some(stored) = draft(&tx, &clerk, id).await? else {
        return no_draft(&visit, &clerk, &tx, id).await;
    };
    let content = &stored.content;
    let person = person_line(&tx, &visit, &clerk, content.aim.person()).await?;
    let readers = publishing::readers(&tx, visit.now, clerk.insurer.after_loss_days, &content.aim).await?;
    let waits = Waits::about(&tx, visit.now, &clerk, &[(Action::Notice, id.0)]).await?;
    let obstacle = publishing::obstacle(&tx, visit.now, content, readers).await?;
    tx.commit().await?;
    let again = visit.again().await;
    visit.html(&PublishPage {
        // What is said on top need not be said twice.
        obstacle: obstacle
            .filter(|refusal| !again.is(refusal.reason))
            .map(|refusal| refusal.words(visit.now).text),
        frame: frame(&visit, again).with_waits(waits),
        path: path(id),
        version: stored.version,
        preview: Preview::new(
            &content.title,
            &content.body,
            one::shown_day(visit.now, content.first_day),
            person.as_ref(),
        ),
        to: aim_words(&content.aim, person.as_ref()),
        registered: grouped(readers.registered),
        is_nobody_registered: readers.is_anybody && readers.registered == 0,
        first_day: one::first_day_words(content.first_day),
        last_day: one::last_day_words(content.last_day),
        mail: content.mail,
    })
}

/// `POST /console/notices/:id/publish`.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let mut tx = write(&visit, &clerk).await?;
    if draft(&tx, &clerk, id).await?.is_none() {
        return no_draft(&visit, &clerk, &tx, id).await;
    }
    let (seen, after_loss_days) = ((id, version(&visit)), clerk.insurer.after_loss_days);
    let page = format!("{}/publish", path(id));
    let ready = match publishing::ready(&mut tx, visit.now, seen, after_loss_days).await? {
        Outcome::Done(ready) => ready,
        Outcome::Refused(refusal) => return Ok(visit.form_again(&refusal, &page, &[]).await),
    };
    let wish = Wish {
        action: Action::Notice,
        kind: "",
        subject: id.0,
        person: ready.content().aim.person(),
        beneficiary: None,
        also: [].into(),
        parameters: json!({ "version": seen.1, "after_loss_days": after_loss_days }),
        difference: difference(&tx, &ready).await?,
    };
    let mut tx = match visit.ask(tx, &clerk, wish, (&path(id), &page)).await? {
        ControlFlow::Continue(tx) => tx,
        ControlFlow::Break(answer) => return Ok(answer),
    };
    publishing::publish(&mut tx, visit.now, by(&visit, &clerk), &ready).await?;
    tx.commit().await?;
    Ok(visit.done(see_other(&path(id)), "お知らせを公開しました。"))
}

/// How a notice is published once another has agreed: as it was shown, or not at all.
pub(crate) fn performer() -> Performer {
    Performer::new(
        Action::Notice,
        "",
        |tx, agreed| {
            Box::pin(async move {
                Ok(match of(tx, agreed).await? {
                    Outcome::Done(ready) => Outcome::Done(difference(tx, &ready).await?),
                    Outcome::Refused(refusal) => refusal.into(),
                })
            })
        },
        |tx, agreed| {
            Box::pin(async move {
                let ready = match of(tx, agreed).await? {
                    Outcome::Done(ready) => ready,
                    Outcome::Refused(refusal) => return Ok(refusal.into()),
                };
                let by = By {
                    author: Author::Staff(agreed.asked_by),
                    actor: Actor::Staff(agreed.asked_by.0),
                    origin: &agreed.origin,
                };
                publishing::publish(tx, agreed.now, by, &ready).await?;
                Ok(Outcome::Done(()))
            })
        },
    )
}

async fn of(tx: &mut TenantTransaction, agreed: &Agreed) -> Result<Outcome<Ready>, DatabaseError> {
    let number = |name: &str| agreed.parameters.get(name).and_then(Value::as_i64).unwrap_or_default();
    let seen = (NoticeId(agreed.subject), number("version"));
    let after_loss_days = u16::try_from(number("after_loss_days")).unwrap_or_default();
    publishing::ready(tx, agreed.now, seen, after_loss_days).await
}

async fn difference(tx: &TenantTransaction, ready: &Ready) -> Result<Difference, DatabaseError> {
    let content = ready.content();
    let person = match content.aim.person() {
        Some(id) => roster::person(tx, id).await?.as_ref().map(PersonLine::of),
        None => None,
    };
    Ok(publishing::difference(
        content,
        &aim_words(&content.aim, person.as_ref()),
    ))
}
