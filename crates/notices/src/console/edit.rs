//! Writing a draft. Of two who write at the same time the later one sees both texts, and loses neither.

use super::{
    NEW, PATH, PersonLine, aim_words, by, draft, fields,
    fields::{FIELDS, Fields},
    frame, id, over_all, path, person_line, sees_protected, version, write,
};
use crate::{
    author,
    drafts::{self, Stored},
    reasons::{CHANGED_MEANWHILE, GONE_MEANWHILE},
};
use approvals::Action;
use askama::Template;
use database::TenantTransaction;
use kernel::{Outcome, PersonId, Refusal, calendar};
use pages::{Again, Reply, Visit, Waits, frame::Frame, reply::see_other, visit::Trouble};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/notice_edit.html")]
struct EditPage {
    frame: Frame,
    /// Where the form is posted, and where giving up leads.
    path: String,
    back: String,
    is_new: bool,
    version: i64,
    fields: Fields,
    /// The one person whom it is for already.
    known: Option<PersonLine>,
    /// What somebody else has saved meanwhile.
    theirs: Option<Theirs>,
}

struct Theirs {
    by: String,
    at: String,
    to: String,
    fields: Fields,
}

/// `GET /console/notices/new[?person=…]`.
pub(super) async fn new(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let again = visit.again().await;
    let asked = again.typed.get("person").unwrap_or(visit.query.text("person"));
    let asked = if asked.is_empty() {
        None
    } else {
        Some(PersonId::parse(asked).ok_or(Trouble::NotFound)?)
    };
    let tx = write(&visit, &clerk).await?;
    if !drafts::may_see(&tx, sees_protected(&clerk), asked).await? {
        return Err(Trouble::NotFound);
    }
    let known = person_line(&tx, &visit, &clerk, asked).await?;
    if asked.is_some() && known.is_none() && !again.is_refused() {
        return Err(Trouble::NotFound);
    }
    tx.commit().await?;
    let fields = if again.is_refused() {
        Fields::typed(&again.typed)
    } else {
        Fields::empty(known.as_ref())
    };
    visit.html(&EditPage {
        frame: frame(&visit, again),
        path: NEW.into(),
        back: PATH.into(),
        is_new: true,
        version: 0,
        fields,
        known,
        theirs: None,
    })
}

/// `POST /console/notices/new`.
pub(super) async fn create(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let mut tx = write(&visit, &clerk).await?;
    let content = match fields::read(&mut tx, &visit.form, sees_protected(&clerk)).await? {
        Ok(content) => content,
        Err(errors) => {
            tx.rollback().await?;
            return Ok(visit.form_again(&Refusal::fields(errors), NEW, &FIELDS).await);
        }
    };
    let id = drafts::create(&mut tx, visit.now, by(&visit, &clerk), &content).await?;
    tx.commit().await?;
    Ok(visit.done(see_other(&path(id)), "下書きを保存しました。"))
}

/// `GET /console/notices/:id/edit`.
pub(super) async fn edit(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let again = visit.again().await;
    let tx = write(&visit, &clerk).await?;
    let Some(stored) = draft(&tx, &clerk, id).await? else {
        return super::no_draft(&visit, &clerk, &tx, id).await;
    };
    let known = person_line(&tx, &visit, &clerk, stored.content.aim.person()).await?;
    let theirs = if again.is(CHANGED_MEANWHILE) {
        Some(theirs(&tx, &stored, known.as_ref()).await?)
    } else {
        None
    };
    let known = match typed_person(&again).filter(|typed| Some(*typed) != stored.content.aim.person()) {
        // Somebody else has chosen another addressee meanwhile.
        Some(typed) if drafts::may_see(&tx, sees_protected(&clerk), Some(typed)).await? => {
            person_line(&tx, &visit, &clerk, Some(typed)).await?
        }
        _ => known,
    };
    let waits = Waits::about(&tx, visit.now, &clerk, &[(Action::Notice, id.0)]).await?;
    tx.commit().await?;
    let fields = if again.is_refused() {
        Fields::typed(&again.typed)
    } else {
        Fields::of(&stored.content)
    };
    // Mended after a refusal for what was typed, it is still of the version that the form was first shown with.
    let version = if again.is_refused() && theirs.is_none() {
        again.typed.text("version").parse().unwrap_or(stored.version)
    } else {
        stored.version
    };
    visit.html(&EditPage {
        frame: frame(&visit, again).with_waits(waits),
        path: edit_path(id),
        back: path(id),
        is_new: false,
        version,
        fields,
        known,
        theirs,
    })
}

/// `POST /console/notices/:id/edit`.
pub(super) async fn save(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let kept: Vec<&str> = FIELDS.into_iter().chain(["version"]).collect();
    let mut tx = write(&visit, &clerk).await?;
    if drafts::find(&tx, id).await?.is_none() {
        tx.rollback().await?;
        return Ok(visit.form_again(&GONE_MEANWHILE.into(), NEW, &FIELDS).await);
    }
    if draft(&tx, &clerk, id).await?.is_none() {
        return Err(Trouble::NotFound);
    }
    let content = match fields::read(&mut tx, &visit.form, sees_protected(&clerk)).await? {
        Ok(content) => content,
        Err(errors) => {
            tx.rollback().await?;
            return Ok(visit.form_again(&Refusal::fields(errors), &edit_path(id), &kept).await);
        }
    };
    let saved = drafts::save(&mut tx, visit.now, by(&visit, &clerk), (id, version(&visit)), &content).await?;
    if let Outcome::Refused(refusal) = saved {
        tx.rollback().await?;
        let page = if refusal.is(GONE_MEANWHILE) {
            NEW.into()
        } else {
            edit_path(id)
        };
        return Ok(visit.form_again(&refusal, &page, &FIELDS).await);
    }
    tx.commit().await?;
    Ok(visit.done(see_other(&path(id)), "下書きを保存しました。"))
}

async fn theirs(tx: &TenantTransaction, stored: &Stored, person: Option<&PersonLine>) -> Result<Theirs, Trouble> {
    let names = author::names(tx, &[stored.updated_by]).await?;
    Ok(Theirs {
        by: names.get(&stored.updated_by).cloned().unwrap_or_default(),
        at: calendar::moment(stored.updated_at),
        to: aim_words(&stored.content.aim, person),
        fields: Fields::of(&stored.content),
    })
}

fn typed_person(again: &Again) -> Option<PersonId> {
    PersonId::parse(again.typed.text("person"))
}

fn edit_path(id: kernel::NoticeId) -> String {
    format!("{}/edit", path(id))
}
