//! Publishing. Each publication is in the audit trail and is a domain event (`notice.published`).

use crate::{Audience, Author, Notices, group::GroupColumns, mailing, schema::notices};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{NoticeId, PersonId, TenantId};
use roster::Group;
use serde_json::json;

/// To whom a notice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// All members of the insurer; from the platform, everybody.
    All,
    /// One person of its roster.
    Person(PersonId),
}

/// A notice about to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Plain text, one line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// From when it is shown.
    pub published_at: DateTime<Utc>,
    /// From when it is no longer shown.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether members who wish it are told of it by mail.
    pub mail: bool,
}

/// What the demo's registered person finds.
pub(crate) async fn sample(
    notices: Notices,
    tx: &mut TenantTransaction,
    person: PersonId,
) -> Result<(), DatabaseError> {
    let draft = Draft {
        title: "マイページへのご登録ありがとうございます".into(),
        body: "このお知らせは、あなただけに届いています。\n\n登録した内容は「登録内容の変更」の画面で、いつでもご確認いただけます。"
            .into(),
        published_at: notices.clock.now(),
        ended_at: None,
        mail: false,
    };
    let origin = Origin::command();
    notices
        .publish(tx, &origin, Actor::System, To::Person(person), &draft)
        .await
        .map(drop)
}

impl Notices {
    /// Publishes a notice, in a transaction of the insurer whose it is.
    pub async fn publish(
        &self,
        tx: &mut TenantTransaction,
        origin: &Origin,
        actor: Actor,
        to: To,
        draft: &Draft,
    ) -> Result<NoticeId, DatabaseError> {
        let id = publish(tx, self.clock.now(), (actor, origin), to, draft).await?;
        self.site.forget();
        Ok(id)
    }
}

/// Publishes an insurer's notice in the transaction of what it tells of.
pub async fn publish(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (actor, origin): (Actor, &Origin),
    to: To,
    draft: &Draft,
) -> Result<NoticeId, DatabaseError> {
    let new = New {
        slug: None,
        to,
        draft,
        drafted: None,
    };
    let id = new.insert(tx, now).await?;
    tell(tx, now, origin, actor, id, new.audience(tx.tenant())).await?;
    Ok(id)
}

pub(crate) struct New<'a> {
    pub(crate) slug: Option<&'a str>,
    pub(crate) to: To,
    pub(crate) draft: &'a Draft,
    /// What is known of one that was a draft.
    pub(crate) drafted: Option<Drafted<'a>>,
}

/// A notice that was written as a draft.
pub(crate) struct Drafted<'a> {
    /// The draft's id, which becomes its own.
    pub(crate) id: NoticeId,
    /// Who publishes it.
    pub(crate) by: Author,
    /// Of all those whom it is for, if it isn't for one person.
    pub(crate) group: &'a Group,
    /// How many registered people it is for now.
    pub(crate) readers: i64,
}

impl New<'_> {
    pub(crate) fn audience(&self, tenant: TenantId) -> Audience {
        match self.to {
            To::Person(_) => Audience::Person,
            To::All if tenant == TenantId::PLATFORM => Audience::Site,
            To::All => Audience::Insurer,
        }
    }

    pub(crate) async fn insert(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
    ) -> Result<NoticeId, DatabaseError> {
        let drafted = self.drafted.as_ref();
        let id = drafted.map_or_else(|| NoticeId::new(now), |draft| draft.id);
        let tenant = tx.tenant();
        let everybody = Group::default();
        let person = match self.to {
            To::All => None,
            To::Person(person) => Some(person),
        };
        diesel::insert_into(notices::table)
            .values((
                notices::tenant_id.eq(tenant),
                notices::notice_id.eq(id),
                notices::audience.eq(self.audience(tenant)),
                notices::person_id.eq(person),
                notices::slug.eq(self.slug),
                notices::title.eq(&self.draft.title),
                notices::body.eq(&self.draft.body),
                notices::published_at.eq(self.draft.published_at),
                notices::ended_at.eq(self.draft.ended_at),
                notices::mail.eq(self.draft.mail),
                notices::created_at.eq(now),
                notices::updated_at.eq(now),
                GroupColumns::from(drafted.map_or(&everybody, |draft| draft.group)),
                notices::readers.eq(drafted.map(|draft| draft.readers)),
                notices::published_by.eq(drafted.map(|draft| draft.by.id())),
                notices::by_client.eq(drafted.is_some_and(|draft| draft.by.is_client())),
            ))
            .execute(&mut **tx)
            .await?;
        if self.draft.mail {
            mailing::schedule(tx, id, self.draft.published_at.max(now)).await?;
        }
        Ok(id)
    }
}

/// The event and the trail of a publication.
pub(crate) async fn tell(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    actor: Actor,
    id: NoticeId,
    audience: Audience,
) -> Result<(), DatabaseError> {
    announce(tx, now, id, audience);
    note(tx, now, origin, actor, "notice.publish", id).await
}

/// The event of a publication.
pub(crate) fn announce(tx: &mut TenantTransaction, now: DateTime<Utc>, id: NoticeId, audience: Audience) {
    let payload = json!({ "audience": audience });
    jobs::publish(
        tx,
        now,
        jobs::Event {
            kind: "notice.published",
            subject: id.0,
            payload,
        },
    );
}

pub(crate) async fn note(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    actor: Actor,
    action: &'static str,
    id: NoticeId,
) -> Result<(), DatabaseError> {
    let entry = Entry {
        actor,
        action,
        object: Some(("notice", id.0)),
        outcome: "done",
        detail: json!({}),
    };
    audit::record(tx, now, origin, entry).await
}
