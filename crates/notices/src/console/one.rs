//! One notice: a draft or a published one, as a member would read it on a phone, with what may be done with it.

use super::{
    Preview, aim_words, by, draft, id, list, no_draft, notice, over_all, path, person_line, to_words, version, write,
};
use crate::{
    Author, author,
    drafts::{self, Aim, Content, Stored},
    published::{self, Published, Standing, is_counted},
};
use access::{NOTICES_EDIT, NOTICES_PUBLISH};
use approvals::Action;
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use database::TenantTransaction;
use kernel::{Outcome, calendar};
use pages::{Reply, Visit, Waits, frame::Frame, lines::Day, reply::see_other, visit::Trouble};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/notice_draft.html")]
struct DraftPage {
    frame: Frame,
    path: String,
    version: i64,
    preview: Preview,
    to: String,
    first_day: String,
    last_day: String,
    mail: bool,
    saved: String,
    by: String,
    asked: Option<String>,
    may_write: bool,
    may_publish: bool,
}

#[derive(Template)]
#[template(path = "console/notice_published.html")]
#[expect(clippy::struct_excessive_bools, reason = "what the page says and offers")]
struct PublishedPage {
    frame: Frame,
    path: String,
    preview: Preview,
    standing: (&'static str, &'static str),
    to: String,
    first: String,
    last: String,
    mail: bool,
    by: String,
    slug: Option<String>,
    reads: String,
    may_write: bool,
    may_end: bool,
    may_withdraw: bool,
}

/// `GET /console/notices/:id`.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let tx = write(&visit, &clerk).await?;
    if let Some(stored) = draft(&tx, &clerk, id).await? {
        return show_draft(&visit, &clerk, tx, stored).await;
    }
    let published = notice(&tx, &clerk, id).await?.ok_or(Trouble::NotFound)?;
    show_published(&visit, &clerk, tx, published).await
}

async fn show_draft(visit: &Visit, clerk: &Clerk, tx: TenantTransaction, stored: Stored) -> Reply {
    let content = &stored.content;
    let person = person_line(&tx, visit, clerk, content.aim.person()).await?;
    let by = name(&tx, Some(stored.updated_by)).await?;
    let waits = Waits::about(&tx, visit.now, clerk, &[(Action::Notice, stored.id.0)]).await?;
    tx.commit().await?;
    visit.html(&DraftPage {
        frame: visit.frame().in_section(super::PATH).with_waits(waits),
        path: path(stored.id),
        version: stored.version,
        preview: Preview::new(
            &content.title,
            &content.body,
            shown_day(visit.now, content.first_day),
            person.as_ref(),
        ),
        to: aim_words(&content.aim, person.as_ref()),
        first_day: first_day_words(content.first_day),
        last_day: last_day_words(content.last_day),
        mail: content.mail,
        saved: calendar::moment(stored.updated_at),
        by,
        asked: stored.asked_at.map(calendar::moment),
        may_write: clerk.may(NOTICES_EDIT),
        may_publish: clerk.may(NOTICES_PUBLISH),
    })
}

async fn show_published(visit: &Visit, clerk: &Clerk, tx: TenantTransaction, notice: Published) -> Reply {
    let person = person_line(&tx, visit, clerk, notice.person).await?;
    let reads = published::reads(&tx, &[notice.id], i64::MAX).await?;
    let by = name(&tx, notice.published_by).await?;
    tx.commit().await?;
    let standing = notice.standing(visit.now);
    let may_publish = clerk.may(NOTICES_PUBLISH);
    let is_counted = is_counted(visit.now, notice.published_at);
    visit.html(&PublishedPage {
        frame: visit.frame().in_section(super::PATH),
        path: path(notice.id),
        preview: Preview::new(
            &notice.title,
            &notice.body,
            Day::of(notice.published_at),
            person.as_ref(),
        ),
        standing: list::standing_words(standing),
        to: to_words(&notice, person.as_ref()),
        first: calendar::moment(notice.published_at),
        last: notice
            .ended_at
            .map_or_else(|| "決めていません".to_owned(), calendar::moment),
        mail: notice.mail,
        by,
        reads: list::reads_words(is_counted, reads.get(&notice.id).copied(), notice.readers),
        may_write: clerk.may(NOTICES_EDIT),
        may_end: may_publish && standing == Standing::Shown && notice.slug.is_none(),
        may_withdraw: may_publish && matches!(standing, Standing::Shown | Standing::Scheduled),
        slug: notice.slug,
    })
}

/// `POST /console/notices/:id/ask`: whoever may not publish hands it to those who may.
pub(super) async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let mut tx = write(&visit, &clerk).await?;
    if draft(&tx, &clerk, id).await?.is_none() {
        return no_draft(&visit, &clerk, &tx, id).await;
    }
    let asked = drafts::ask(&mut tx, visit.now, by(&visit, &clerk), (id, version(&visit))).await?;
    if let Outcome::Refused(refusal) = asked {
        return Ok(visit.not_yet(&refusal, &path(id)));
    }
    tx.commit().await?;
    let done = "公開を頼みました。公開の権限のある職員のホームに表示されます。";
    Ok(visit.done(see_other(&path(id)), done))
}

/// `POST /console/notices/:id/copy`: what it says, in a new draft.
pub(super) async fn copy(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let mut tx = write(&visit, &clerk).await?;
    let notice = notice(&tx, &clerk, id).await?.ok_or(Trouble::NotFound)?;
    let content = Content {
        title: notice.title,
        body: notice.body,
        aim: notice.person.map_or(Aim::Group(notice.group), Aim::Person),
        first_day: None,
        last_day: None,
        mail: false,
    };
    let copied = drafts::create(&mut tx, visit.now, by(&visit, &clerk), &content).await?;
    tx.commit().await?;
    Ok(visit.done(
        see_other(&format!("{}/edit", path(copied))),
        "同じ内容の下書きを作りました。公開済みのお知らせは、そのままです。",
    ))
}

/// The day that stands over it.
pub(super) fn shown_day(now: DateTime<Utc>, first: Option<NaiveDate>) -> Day {
    Day::of(first.map(calendar::start_of_day).map_or(now, |first| first.max(now)))
}

pub(super) fn first_day_words(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "公開したときから".into(), calendar::date_with_weekday)
}

pub(super) fn last_day_words(day: Option<NaiveDate>) -> String {
    day.map_or_else(
        || "決めていません（終えるまで表示します）".into(),
        calendar::date_with_weekday,
    )
}

async fn name(tx: &TenantTransaction, who: Option<Author>) -> Result<String, Trouble> {
    let Some(who) = who else { return Ok(String::new()) };
    Ok(author::names(tx, &[who]).await?.remove(&who).unwrap_or_default())
}
