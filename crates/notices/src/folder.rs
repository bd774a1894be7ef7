//! `notices/` in an insurer's folder (title, first day, where wanted the last, `mail = true`): a notice to all its members (in
//! the platform's, to everybody) by its slug. Applied as often as one likes; what left the folder ends. Of what staff publish in
//! the console no folder knows or changes anything. Staff may withdraw a notice of the folder's, and then it stays so whatever
//! the folder says: to show it again is to give it another slug.

use crate::{
    Draft, To, mailing,
    publish::{New, note, tell},
    schema::notices,
};
use audit::{Actor, Origin};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{NoticeId, calendar};
use std::collections::HashMap;
use tenancy::{FolderPart, PartFile, PartLines, Problems};

/// What the notices keep in an insurer's folder: files with a title, the first day, and where wanted the last day.
pub fn folder() -> FolderPart {
    FolderPart {
        folder: "notices",
        check: |files, problems| drop(read(files, problems)),
        difference: |tx, now, files| Box::pin(difference(tx, now, files)),
        apply: |tx, now, files| Box::pin(apply(tx, now, files)),
        export: |tx, now| Box::pin(export(tx, now)),
    }
}

fn read<'a>(files: &'a [PartFile], problems: &Problems) -> Vec<(&'a str, Draft)> {
    let read = |file: &'a PartFile| {
        let (front, body) = file.read(problems, |front| {
            let title = front.text("title");
            let published_on = front.date("published_on");
            let ended_on = front.optional_date("ended_on");
            let mail = front.optional_boolean("mail").unwrap_or_default();
            if let (Some(published_on), Some(ended_on)) = (&published_on, &ended_on)
                && ended_on.value < published_on.value
            {
                front.wrong("ended_on", ended_on.line, "must not be before published_on");
            }
            Some((title?.value, published_on?.value, ended_on.map(|day| day.value), mail))
        })?;
        let (title, published_on, ended_on, mail) = front;
        let draft = Draft {
            title,
            body,
            published_at: calendar::start_of_day(published_on),
            // Still shown on its last day.
            ended_at: ended_on.and_then(|last| last.succ_opt()).map(calendar::start_of_day),
            mail,
        };
        Some((file.slug.as_str(), draft))
    };
    files.iter().filter_map(read).collect()
}

async fn difference(
    tx: Option<&mut TenantTransaction>,
    now: DateTime<Utc>,
    files: &[PartFile],
) -> Result<PartLines, DatabaseError> {
    let stored = match tx {
        Some(tx) => stored(tx).await?,
        None => HashMap::new(),
    };
    let mut lines = PartLines::default();
    for (slug, fate) in fates(files, stored, now) {
        match fate {
            Fate::Publish(draft) => {
                let day = calendar::today_in_japan(draft.published_at);
                lines.changes.push(format!("notice {slug} added, shown from {day}"));
            }
            Fate::Change(..) => lines.changes.push(format!("notice {slug} changed")),
            Fate::End(_) => lines.changes.push(format!("notice {slug} ended")),
            Fate::Withdrawn => lines.remarks.push(format!(
                "notice {slug} was withdrawn in the console and stays so: give it another slug to show it again"
            )),
            Fate::Leave => {}
        }
    }
    Ok(lines)
}

async fn apply(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    files: &[PartFile],
) -> Result<Option<String>, DatabaseError> {
    let (actor, origin) = (Actor::Operator, Origin::command());
    let stored = stored(tx).await?;
    let (mut published, mut changed, mut ended, mut unchanged) = (0, 0, 0, 0);
    for (slug, fate) in fates(files, stored, now) {
        match fate {
            Fate::Publish(draft) => {
                let new = New {
                    slug: Some(&slug),
                    to: To::All,
                    draft: &draft,
                    drafted: None,
                };
                let id = new.insert(tx, now).await?;
                tell(tx, now, &origin, actor, id, new.audience(tx.tenant())).await?;
                published += 1;
            }
            Fate::Leave | Fate::Withdrawn => unchanged += 1,
            Fate::Change(id, draft) => {
                change(tx, now, id, &draft).await?;
                if draft.mail {
                    // Whoever was told of it before is not told again.
                    mailing::schedule(tx, id, draft.published_at.max(now)).await?;
                }
                note(tx, now, &origin, actor, "notice.change", id).await?;
                changed += 1;
            }
            Fate::End(id) => {
                end(tx, now, id).await?;
                note(tx, now, &origin, actor, "notice.end", id).await?;
                ended += 1;
            }
        }
    }
    Ok(Some(format!(
        "notices: {published} published, {changed} changed, {ended} ended, {unchanged} unchanged"
    )))
}

/// Those that have not ended: what left the folder before is not in it.
async fn export(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<Vec<PartFile>, DatabaseError> {
    let in_force = |(_, stored): &(String, Stored)| stored.is_in_force(now);
    let mut notices: Vec<_> = stored(tx).await?.into_iter().filter(in_force).collect();
    notices.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(notices
        .iter()
        .map(|(slug, stored)| written(slug, &stored.draft))
        .collect())
}

fn written(slug: &str, draft: &Draft) -> PartFile {
    let published_on = calendar::today_in_japan(draft.published_at).to_string();
    let mut front = vec![("title", draft.title.as_str()), ("published_on", &published_on)];
    let last = draft.ended_at.map(calendar::today_in_japan);
    let last = last.and_then(|day| day.pred_opt()).as_ref().map(NaiveDate::to_string);
    if let Some(last) = &last {
        front.push(("ended_on", last));
    }
    let flags: &[&str] = if draft.mail { &["mail"] } else { &[] };
    PartFile::flagged(slug, &front, flags, &draft.body)
}

/// What one notice of a folder needs.
enum Fate {
    Publish(Draft),
    Leave,
    /// Staff took it back.
    Withdrawn,
    Change(NoticeId, Draft),
    End(NoticeId),
}

/// The folder's notices, which are without fault, against those that came from it before, each with its slug: the files first,
/// then what left.
fn fates(files: &[PartFile], mut stored: HashMap<String, Stored>, now: DateTime<Utc>) -> Vec<(String, Fate)> {
    let mut fates = Vec::new();
    for (slug, draft) in read(files, &Problems::default()) {
        let fate = match stored.remove(slug) {
            None => Fate::Publish(draft),
            Some(old) if old.is_withdrawn => Fate::Withdrawn,
            Some(old) if old.draft == draft => Fate::Leave,
            Some(old) => Fate::Change(old.id, draft),
        };
        fates.push((slug.to_owned(), fate));
    }
    let mut left: Vec<_> = stored.into_iter().filter(|(_, old)| old.is_in_force(now)).collect();
    left.sort_by(|(a, _), (b, _)| a.cmp(b));
    fates.extend(left.into_iter().map(|(slug, old)| (slug, Fate::End(old.id))));
    fates
}

/// What came from the folder before.
struct Stored {
    id: NoticeId,
    draft: Draft,
    is_withdrawn: bool,
}

impl Stored {
    fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        !self.is_withdrawn && self.draft.ended_at.is_none_or(|at| at > now)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notices)]
struct Row {
    slug: Option<String>,
    notice_id: NoticeId,
    title: String,
    body: String,
    published_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    mail: bool,
    withdrawn_at: Option<DateTime<Utc>>,
}

/// What came from the folder before, by slug.
async fn stored(tx: &mut TenantTransaction) -> Result<HashMap<String, Stored>, DatabaseError> {
    let rows: Vec<Row> = notices::table
        .filter(notices::tenant_id.eq(tx.tenant()))
        .filter(notices::slug.is_not_null())
        .select(Row::as_select())
        .load(&mut **tx)
        .await?;
    let stored = rows.into_iter().map(|row| {
        let stored = Stored {
            id: row.notice_id,
            draft: Draft {
                title: row.title,
                body: row.body,
                published_at: row.published_at,
                ended_at: row.ended_at,
                mail: row.mail,
            },
            is_withdrawn: row.withdrawn_at.is_some(),
        };
        (row.slug.unwrap_or_default(), stored)
    });
    Ok(stored.collect())
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
        notices::mail.eq(draft.mail),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of `notices/` as it stands on disk.
    fn file(text: &str) -> PartFile {
        PartFile {
            slug: "a".into(),
            path: "notices/a.md".into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_notice_is_shown_from_the_beginning_of_its_first_day_to_the_end_of_its_last() {
        let text = "+++\ntitle = \"お知らせ\"\npublished_on = \"2026-04-01\"\nended_on = \"2026-04-02\"\nmail = true\n+++\n本文\n";
        let problems = Problems::default();
        let files = [file(text)];
        let read = read(&files, &problems);
        assert!(problems.into_inner().is_empty());
        let [("a", draft)] = read.as_slice() else {
            panic!("{read:?}")
        };
        assert_eq!((draft.title.as_str(), draft.body.as_str()), ("お知らせ", "本文"));
        assert_eq!(draft.published_at.to_rfc3339(), "2026-03-31T15:00:00+00:00");
        assert_eq!(draft.ended_at.unwrap().to_rfc3339(), "2026-04-02T15:00:00+00:00");
        assert!(draft.mail);
        let again = [written("a", draft)];
        assert_eq!(self::read(&again, &Problems::default()), read);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let text = "+++\ntitle = \"x\"\npublished_on = \"2026-04-02\"\nended_on = \"2026-04-01\"\nend = 1\n+++\nx";
        let problems = Problems::default();
        let files = [file(text)];
        read(&files, &problems);
        let problems: Vec<String> = problems.into_inner().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "notices/a.md:4: ended_on must not be before published_on",
                "notices/a.md:5: unknown key end"
            ]
        );
    }
}
