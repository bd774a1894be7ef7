//! Drafts of terms: rows of the insurer, which outlive whoever writes them. Each saving names the draft and the version that it
//! was written over; over another one it is refused, so that nobody's words are lost.

use crate::{
    TermsHead,
    folder::{MAX_TEXT, text_problem},
    schema::terms_drafts,
    terms::reasons,
};
use chrono::{DateTime, NaiveDate, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{FieldError, Outage, Outcome, Problem, Refusal, TermsDraftId, calendar, dates, text};

/// The longest text of terms, in characters.
pub const LONGEST: usize = 100_000;

/// The fields of a draft's form.
pub mod fields {
    use kernel::Field;

    /// As members see it.
    pub const TITLE: Field = Field::new("title", "題名");
    /// 施行日.
    pub const EFFECTIVE_ON: Field =
        Field::new("effective_on", "施行日").takes("施行日は、2026-04-01や令和8年4月1日のように入力してください");
    /// 施行日, where another revision's stands in its way.
    pub const EFFECTIVE_ON_AFTER: Field = Field::new("effective_on", "施行日")
        .takes("施行日は、前の版の施行日よりあと、次の版の施行日より前の日付にしてください");
    /// 変わったところ.
    pub const CHANGES: Field =
        Field::new("changes", "変わったところ").takes("変わったところは、改行せずに入力してください");
    /// The text.
    pub const BODY: Field =
        Field::new("body", "本文").takes("本文に、目に見えない制御文字が入っています。取り除いてください");
}

/// A revision as somebody writes it; what is left open is empty.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = terms_drafts, treat_none_as_null = true)]
pub struct Draft {
    /// As members see it.
    pub title: String,
    /// Its first day.
    pub effective_on: Option<NaiveDate>,
    /// False where whoever accepted the revision before need not accept this one.
    pub agree_again: bool,
    /// What changed against the revision before, in plain words.
    pub changes: String,
    /// Markdown without raw HTML.
    pub body: String,
}

/// A draft as somebody has seen it. In one place one draft may follow another and be saved as often, so the count alone says
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = terms_drafts)]
pub struct DraftVersion {
    /// Which draft.
    pub draft_id: TermsDraftId,
    /// How often it had been saved, from 1.
    pub version: i32,
}

impl DraftVersion {
    /// Reads what a form was shown with; none where it was shown without a draft.
    pub fn parse(text: &str) -> Option<Self> {
        let (draft, version) = text.split_once('_')?;
        Some(Self {
            draft_id: TermsDraftId::parse(draft)?,
            version: text::number(version)?,
        })
    }
}

impl std::fmt::Display for DraftVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.draft_id, self.version)
    }
}

/// A draft as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = terms_drafts)]
pub struct KeptDraft {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// Which revision it is to be.
    pub revision: i32,
    /// Which draft it is, and how often it was saved.
    #[diesel(embed)]
    pub version: DraftVersion,
    /// What stands in it.
    #[diesel(embed)]
    pub draft: Draft,
    /// Who saved it last.
    pub saved_by: String,
    /// When.
    pub saved_at: DateTime<Utc>,
}

impl Draft {
    /// Reads what was typed, and refuses what no revision can have. What is left open may come later.
    pub fn read(typed: impl Fn(&str) -> String, agree_again: bool, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let field = |field: kernel::Field| typed(&field.name);
        let day = dates::planned(&field(fields::EFFECTIVE_ON));
        let effective_on = FieldError::gather(fields::EFFECTIVE_ON, day, &mut wrong).flatten();
        let draft = Self {
            title: text::written(&field(fields::TITLE)),
            effective_on,
            agree_again,
            changes: text::written(&field(fields::CHANGES)),
            body: text::written_lines(&field(fields::BODY)),
        };
        wrong.extend(draft.wrong(today));
        if wrong.is_empty() { Ok(draft) } else { Err(wrong) }
    }

    /// What no revision can have.
    pub(super) fn wrong(&self, today: NaiveDate) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        for (field, line) in [(fields::TITLE, &self.title), (fields::CHANGES, &self.changes)] {
            if line.chars().count() > MAX_TEXT {
                wrong.push(FieldError::new(field, Problem::TooLong { max: MAX_TEXT }));
            } else if text::has_control(line) {
                wrong.push(FieldError::new(field, Problem::Characters));
            }
        }
        if self.effective_on.is_some_and(|day| day <= today) {
            wrong.push(FieldError::new(fields::EFFECTIVE_ON, Problem::NotInFuture));
        }
        if let Some(problem) = wrong_body(&self.body) {
            wrong.push(FieldError::new(fields::BODY, problem));
        }
        wrong
    }
}

fn wrong_body(body: &str) -> Option<Problem> {
    if body.chars().count() > LONGEST {
        return Some(Problem::TooLong { max: LONGEST });
    }
    if body.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Some(Problem::Characters);
    }
    text_problem(body)
}

/// Whether a revision of a document may be drafted: the next one, or one whose day has not come.
pub fn may_draft(heads: &[TermsHead], document: &str, revision: i32, now: DateTime<Utc>) -> Result<(), Refusal> {
    let known = heads.iter().filter(|head| head.document == document);
    let last = known.clone().map(|head| head.revision).max().unwrap_or_default();
    match known.clone().find(|head| head.revision == revision) {
        Some(head) if head.effective_at <= now => Err(reasons::TERMS_PUBLISHED.into()),
        None if revision != last + 1 => Err(kernel::outcome::NOT_FOUND.into()),
        _ => Ok(()),
    }
}

/// Who saves a draft, and over what.
#[derive(Debug, Clone, Copy)]
pub struct Saving<'a> {
    /// What the form was shown with; none where there was no draft.
    pub over: Option<DraftVersion>,
    /// Their name.
    pub by: &'a str,
}

/// Saves a draft over what its form was shown with.
pub async fn save(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    heads: &[TermsHead],
    (document, revision): (&str, i32),
    saving: Saving<'_>,
    draft: &Draft,
) -> Result<Outcome<()>, Outage> {
    if let Err(refusal) = may_draft(heads, document, revision, now) {
        return Ok(refusal.into());
    }
    let wrong = draft.wrong(calendar::today_in_japan(now));
    if !wrong.is_empty() {
        return Ok(Refusal::fields(wrong).into());
    }
    let Some(over) = saving.over else {
        let is_new = insert(tx, now, (document, revision), saving.by, draft).await?;
        return Ok(if is_new {
            Outcome::Done(())
        } else {
            reasons::DRAFT_CHANGED.into()
        });
    };
    let written = diesel::update(terms_drafts::table)
        .filter(terms_drafts::tenant_id.eq(tx.tenant()))
        .filter(terms_drafts::document.eq(document))
        .filter(terms_drafts::revision.eq(revision))
        .filter(terms_drafts::draft_id.eq(over.draft_id))
        .filter(terms_drafts::version.eq(over.version))
        .set((
            terms_drafts::version.eq(over.version.saturating_add(1)),
            draft,
            terms_drafts::saved_by.eq(saving.by),
            terms_drafts::saved_at.eq(now),
        ))
        .execute(&mut **tx)
        .await
        .map_err(DatabaseError::from)?;
    Ok(told(tx, (document, revision), written).await?)
}

/// Begins a draft; false where there is one.
pub(super) async fn insert(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (document, revision): (&str, i32),
    by: &str,
    draft: &Draft,
) -> Result<bool, DatabaseError> {
    let written = diesel::insert_into(terms_drafts::table)
        .values((
            terms_drafts::tenant_id.eq(tx.tenant()),
            terms_drafts::document.eq(document),
            terms_drafts::revision.eq(revision),
            terms_drafts::draft_id.eq(TermsDraftId::new(now)),
            terms_drafts::version.eq(1),
            draft,
            terms_drafts::saved_by.eq(by),
            terms_drafts::saved_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(written > 0)
}

/// Throws a draft away, in the version that was shown.
pub async fn discard(
    tx: &mut TenantTransaction,
    (document, revision): (&str, i32),
    seen: DraftVersion,
) -> Result<Outcome<()>, Outage> {
    let thrown = diesel::delete(terms_drafts::table)
        .filter(terms_drafts::tenant_id.eq(tx.tenant()))
        .filter(terms_drafts::document.eq(document))
        .filter(terms_drafts::revision.eq(revision))
        .filter(terms_drafts::draft_id.eq(seen.draft_id))
        .filter(terms_drafts::version.eq(seen.version))
        .execute(&mut **tx)
        .await
        .map_err(DatabaseError::from)?;
    Ok(told(tx, (document, revision), thrown).await?)
}

/// Whether the draft that was meant was there; else whether there is another by now.
async fn told(tx: &TenantTransaction, place: (&str, i32), rows: usize) -> Result<Outcome<()>, DatabaseError> {
    Ok(match rows {
        0 if draft(tx, place).await?.is_none() => reasons::DRAFT_GONE.into(),
        0 => reasons::DRAFT_CHANGED.into(),
        _ => Outcome::Done(()),
    })
}

/// All drafts of the transaction's insurer.
pub async fn drafts(tx: &TenantTransaction) -> Result<Vec<KeptDraft>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(terms_drafts::table
        .filter(terms_drafts::tenant_id.eq(tenant))
        .order((terms_drafts::document, terms_drafts::revision))
        .select(KeptDraft::as_select())
        .load(&mut &**tx)
        .await?)
}

/// The draft of a revision.
pub async fn draft(
    tx: &TenantTransaction,
    (document, revision): (&str, i32),
) -> Result<Option<KeptDraft>, DatabaseError> {
    let tenant = tx.tenant();
    Ok(terms_drafts::table
        .filter(terms_drafts::tenant_id.eq(tenant))
        .filter(terms_drafts::document.eq(document))
        .filter(terms_drafts::revision.eq(revision))
        .select(KeptDraft::as_select())
        .first(&mut &**tx)
        .await
        .optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(day: &str, changes: &str, body: &str) -> Result<Draft, Vec<Problem>> {
        let typed = |name: &str| {
            match name {
                "title" => " 補足 ",
                "effective_on" => day,
                "changes" => changes,
                _ => body,
            }
            .to_owned()
        };
        let today = "2026-11-22".parse().unwrap();
        Draft::read(typed, true, today).map_err(|wrong| wrong.into_iter().map(|error| error.problem).collect())
    }

    #[test]
    fn what_is_left_open_may_come_later_and_what_no_revision_can_have_is_refused() {
        let draft = read("", "", "").unwrap();
        assert_eq!((draft.title.as_str(), draft.effective_on), ("補足", None));
        for tomorrow in ["2026-11-23", "2026/11/23", "令和8年11月23日"] {
            let draft = read(tomorrow, "改めました", "## 第1条\r\n\r\n本文").unwrap();
            assert_eq!(draft.effective_on.unwrap().to_string(), "2026-11-23");
        }
        for (day, changes, body, problem) in [
            ("2026-11-22", "", "", Problem::NotInFuture),
            ("2020-01-01", "", "", Problem::NotInFuture),
            ("あした", "", "", Problem::Characters),
            ("2027-02-30", "", "", Problem::ImpossibleDate { month: 2, last_day: 28 }),
            ("", "一\n二", "", Problem::Characters),
            ("", "", "a\n\n<b>b</b>", Problem::Html { line: 3 }),
            ("", "", "[x](javascript:alert)", Problem::Link { line: 1 }),
            ("", "", "a\u{0}b", Problem::Characters),
        ] {
            assert_eq!(read(day, changes, body), Err(vec![problem]), "{day} {changes} {body}");
        }
        assert_eq!(
            read("", "", &"あ".repeat(LONGEST + 1)),
            Err(vec![Problem::TooLong { max: LONGEST }])
        );
    }

    proptest! {
        #[test]
        fn nothing_typed_panics(day in "\\PC{0,12}", changes in "\\PC{0,40}", body in "([#*>_`\\[\\]()!<a-z&;\n\r\t]|\\PC){0,80}") {
            let _ = read(&day, &changes, &body);
        }
    }
}
