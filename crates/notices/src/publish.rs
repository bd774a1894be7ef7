//! Publishing: one notice from a file, or all notices of an insurer's folder.
//!
//! Each publication is in the audit trail and is a domain event (`notice.published`). A folder is applied as a whole
//! and as often as one likes: notices are known by their slug, and what left the folder ends.

use crate::{Audience, Notices, schema::notices};
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Durability, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{NoticeId, PersonId, TenantId, calendar};
use serde_json::json;
use std::collections::HashMap;
use tenancy::NoticeFile;

/// To whom a notice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// All members of the insurer; from the platform, everybody.
    All,
    /// One person of its roster.
    Person(PersonId),
}

/// What applying a folder did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AppliedNotices {
    /// New notices.
    pub published: usize,
    /// Notices with another title, text or time.
    pub changed: usize,
    /// Notices that left the folder.
    pub ended: usize,
    /// The rest.
    pub unchanged: usize,
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
        let now = self.clock.now();
        let new = New { slug: None, to, draft };
        let id = new.insert(tx, now).await?;
        tell(tx, now, origin, actor, id, new.audience(tx.tenant())).await?;
        self.site.forget();
        Ok(id)
    }

    /// Makes the notices of an insurer (of the platform: of the site) what its folder says. All of it or nothing.
    pub async fn apply_folder(
        &self,
        origin: &Origin,
        actor: Actor,
        tenant: TenantId,
        files: &[NoticeFile],
    ) -> Result<AppliedNotices, DatabaseError> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let stored = stored(&mut tx).await?;
        let mut applied = AppliedNotices::default();
        for (slug, step) in steps(files, stored, now) {
            match step {
                Step::Publish(draft) => {
                    let new = New {
                        slug: Some(&slug),
                        to: To::All,
                        draft: &draft,
                    };
                    let id = new.insert(&mut tx, now).await?;
                    tell(&mut tx, now, origin, actor, id, new.audience(tenant)).await?;
                    applied.published += 1;
                }
                Step::Leave => applied.unchanged += 1,
                Step::Change(id, draft) => {
                    change(&mut tx, now, id, &draft).await?;
                    note(&mut tx, now, origin, actor, "notice.change", id).await?;
                    applied.changed += 1;
                }
                Step::End(id) => {
                    end(&mut tx, now, id).await?;
                    note(&mut tx, now, origin, actor, "notice.end", id).await?;
                    applied.ended += 1;
                }
            }
        }
        tx.commit().await?;
        self.site.forget();
        Ok(applied)
    }

    /// What [`Self::apply_folder`] would do, in English, a line each; `tenant` is none of an insurer still to be made.
    pub async fn difference(
        &self,
        tenant: Option<TenantId>,
        files: &[NoticeFile],
    ) -> Result<Vec<String>, DatabaseError> {
        let stored = match tenant {
            Some(tenant) => {
                let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
                let stored = stored(&mut tx).await?;
                tx.commit().await?;
                stored
            }
            None => HashMap::new(),
        };
        let line = |(slug, step)| match step {
            Step::Publish(draft) => {
                let day = calendar::today_in_japan(draft.published_at);
                Some(format!("notice {slug} added, shown from {day}"))
            }
            Step::Change(..) => Some(format!("notice {slug} changed")),
            Step::End(_) => Some(format!("notice {slug} ended")),
            Step::Leave => None,
        };
        let steps = steps(files, stored, self.clock.now());
        Ok(steps.into_iter().filter_map(line).collect())
    }
}

/// What one notice of a folder needs.
enum Step {
    Publish(Draft),
    Leave,
    Change(NoticeId, Draft),
    End(NoticeId),
}

/// The folder's notices against those that came from it before, each with its slug: the files first, then what left.
fn steps(
    files: &[NoticeFile],
    mut stored: HashMap<String, (NoticeId, Draft)>,
    now: DateTime<Utc>,
) -> Vec<(String, Step)> {
    let mut steps = Vec::new();
    for file in files {
        let draft = Draft::from(file);
        let step = match stored.remove(&file.slug) {
            None => Step::Publish(draft),
            Some((_, old)) if old == draft => Step::Leave,
            Some((id, _)) => Step::Change(id, draft),
        };
        steps.push((file.slug.clone(), step));
    }
    let mut left: Vec<_> = stored
        .into_iter()
        .filter(|(_, (_, old))| old.ended_at.is_none_or(|at| at > now))
        .collect();
    left.sort_by(|(a, _), (b, _)| a.cmp(b));
    steps.extend(left.into_iter().map(|(slug, (id, _))| (slug, Step::End(id))));
    steps
}

impl From<&NoticeFile> for Draft {
    fn from(file: &NoticeFile) -> Self {
        Self {
            title: file.title.clone(),
            body: file.body.clone(),
            published_at: calendar::start_of_day(file.published_on),
            // Still shown on its last day.
            ended_at: file
                .ended_on
                .and_then(|last| last.succ_opt())
                .map(calendar::start_of_day),
        }
    }
}

struct New<'a> {
    slug: Option<&'a str>,
    to: To,
    draft: &'a Draft,
}

impl New<'_> {
    fn audience(&self, tenant: TenantId) -> Audience {
        match self.to {
            To::Person(_) => Audience::Person,
            To::All if tenant == TenantId::PLATFORM => Audience::Site,
            To::All => Audience::Insurer,
        }
    }

    async fn insert(&self, tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<NoticeId, DatabaseError> {
        let id = NoticeId::new(now);
        let tenant = tx.tenant();
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
                notices::created_at.eq(now),
                notices::updated_at.eq(now),
            ))
            .execute(&mut **tx)
            .await?;
        Ok(id)
    }
}

/// The event and the trail of a publication.
async fn tell(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    origin: &Origin,
    actor: Actor,
    id: NoticeId,
    audience: Audience,
) -> Result<(), DatabaseError> {
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
    note(tx, now, origin, actor, "notice.publish", id).await
}

async fn note(
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

type Stored = (String, NoticeId, String, String, DateTime<Utc>, Option<DateTime<Utc>>);

/// What came from the folder before, by slug. Locked, so that two commands at once wait for each other.
async fn stored(tx: &mut TenantTransaction) -> Result<HashMap<String, (NoticeId, Draft)>, DatabaseError> {
    let rows = notices::table
        .filter(notices::tenant_id.eq(tx.tenant()))
        .filter(notices::slug.is_not_null())
        .select((
            notices::slug.assume_not_null(),
            notices::notice_id,
            notices::title,
            notices::body,
            notices::published_at,
            notices::ended_at,
        ))
        .for_update()
        .load::<Stored>(&mut **tx)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(slug, id, title, body, published_at, ended_at)| {
            (
                slug,
                (
                    id,
                    Draft {
                        title,
                        body,
                        published_at,
                        ended_at,
                    },
                ),
            )
        })
        .collect())
}

async fn change(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    id: NoticeId,
    draft: &Draft,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(
        notices::table
            .filter(notices::tenant_id.eq(tenant))
            .filter(notices::notice_id.eq(id)),
    )
    .set((
        notices::title.eq(&draft.title),
        notices::body.eq(&draft.body),
        notices::published_at.eq(draft.published_at),
        notices::ended_at.eq(draft.ended_at),
        notices::updated_at.eq(now),
    ))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn end(tx: &mut TenantTransaction, now: DateTime<Utc>, id: NoticeId) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    diesel::update(
        notices::table
            .filter(notices::tenant_id.eq(tenant))
            .filter(notices::notice_id.eq(id)),
    )
    .set((notices::ended_at.eq(now), notices::updated_at.eq(now)))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
