//! 規約: the documents that members accept, revision by revision: how each stands, who accepted it, what changed, and what is
//! drafted. The platform's are shown; the insurer's own are written, published and, before their day, withdrawn here.

mod consents;
mod difference;
mod draft;
mod publish;

pub(super) use consents::performer as consents_performer;
pub(super) use difference::{Row, compare as compare_texts};
pub(super) use publish::performer;

use crate::console::{GET, POST};
use access::{EXPORT_PERSONAL, TERMS_EDIT, TERMS_VIEW};
use accounts::agreed::{self, Document};
use askama::Template;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use kernel::{Field, FieldError, Outcome, Problem, Refusal, TenantId, calendar, text};
use pages::{
    Reply, Row as Route, Visit, Waits,
    frame::Frame,
    markdown,
    reply::see_other,
    staff, staff_proven,
    visit::{Trouble, settle},
    words::grouped,
};
use staff::Clerk;
use std::sync::Arc;
use tenancy::{
    Insurer, REVISE, Revising, TermsHead, TermsInForce,
    terms::{self, ADDENDUM, POINTS, SERVICE, TermsText},
    terms_in_force,
};

const TERMS: &str = "/console/terms";
const WHY: Field = Field::new("why", "理由").takes("理由は、200文字以内の1行で入力してください");
const LONGEST_WHY: usize = 200;

/// The rows of these pages.
pub(super) fn rows() -> Vec<Route> {
    const ONE: &str = "/console/terms/:document/:revision";
    const PUBLISH: &str = "/console/terms/:document/:revision/publish";
    const WITHDRAW: &str = "/console/terms/:document/:revision/withdraw";
    const CONSENTS: &str = "/console/terms/:document/:revision/consents";
    let rows = vec![
        staff(GET, TERMS, "console.terms", TERMS_VIEW, list),
        staff(GET, ONE, "console.terms.one", TERMS_VIEW, one),
        staff(
            GET,
            "/console/terms/:document/:revision/difference",
            "console.terms.difference",
            TERMS_VIEW,
            compare,
        ),
        staff(GET, PUBLISH, "console.terms.publish", TERMS_EDIT, publish::ask),
        staff(
            POST,
            PUBLISH,
            "console.terms.publish.submit",
            TERMS_EDIT,
            publish::submit,
        ),
        staff(GET, WITHDRAW, "console.terms.withdraw", TERMS_EDIT, ask_withdraw),
        staff(POST, WITHDRAW, "console.terms.withdraw.submit", TERMS_EDIT, withdraw),
        staff_proven(GET, CONSENTS, "console.terms.consents", EXPORT_PERSONAL, consents::ask),
        staff_proven(
            POST,
            CONSENTS,
            "console.terms.consents.submit",
            EXPORT_PERSONAL,
            consents::file,
        ),
    ];
    rows.into_iter().chain(draft::rows()).collect()
}

/// A revision as an address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    document: &'static str,
    revision: i32,
}

impl Named {
    fn read(visit: &Visit) -> Result<Self, Trouble> {
        let known = [SERVICE, ADDENDUM, POINTS].into_iter();
        let document = known.clone().find(|known| *known == visit.param("document"));
        let revision: Option<i32> = text::number(visit.param("revision"));
        let revision = revision.filter(|revision| *revision >= 1);
        match (document, revision) {
            (Some(document), Some(revision)) => Ok(Self { document, revision }),
            _ => Err(Trouble::NotFound),
        }
    }

    /// The same where it is one of the insurer's own, which alone is written here.
    fn own(visit: &Visit, clerk: &Clerk) -> Result<Self, Trouble> {
        let named = Self::read(visit)?;
        let is_own = named.document == ADDENDUM && !clerk.insurer.is_platform();
        is_own.then_some(named).ok_or(Trouble::NotFound)
    }

    fn place(&self) -> (&'static str, i32) {
        (self.document, self.revision)
    }

    fn path(&self) -> String {
        path(self.document, self.revision)
    }

    /// Whose it is.
    fn owner(&self, clerk: &Clerk) -> TenantId {
        if self.document == ADDENDUM {
            clerk.insurer.tenant_id
        } else {
            TenantId::PLATFORM
        }
    }

    fn agreed(&self, clerk: &Clerk) -> Document<'static> {
        Document {
            owner: self.owner(clerk),
            name: self.document,
        }
    }

    /// Its head, where it was published.
    fn head(&self, known: &Known) -> Result<TermsHead, Trouble> {
        let mut heads = known.of(self.document).iter();
        let head = heads.find(|head| (head.document.as_str(), head.revision) == self.place());
        head.cloned().ok_or(Trouble::NotFound)
    }
}

fn path(document: &str, revision: i32) -> String {
    format!("{TERMS}/{document}/{revision}")
}

fn label(document: &str) -> &'static str {
    match document {
        SERVICE => "窓口の利用規約（運営のもの）",
        POINTS => "ポイントサービスの利用規約（運営のもの）",
        _ => "この保険者の規約",
    }
}

/// What is published: the insurer's own as it is this moment, the platform's as every node knows it within seconds.
struct Known {
    revision: i64,
    own: Vec<TermsHead>,
    platform: Arc<Insurer>,
    has_points: bool,
}

impl Known {
    async fn read(visit: &Visit, clerk: &Clerk) -> Result<Self, Trouble> {
        let platform = visit.services.accounts.directory().platform().await?;
        let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
        let (revision, own) = terms::heads(&mut tx).await?;
        tx.commit().await?;
        Ok(Self {
            revision,
            own,
            platform,
            has_points: clerk.insurer.points,
        })
    }

    /// The revisions of a document, among others of its owner's.
    fn of(&self, document: &str) -> &[TermsHead] {
        match document {
            ADDENDUM => &self.own,
            POINTS if !self.has_points => &[],
            _ => &self.platform.terms,
        }
    }

    /// What members must have accepted of a document now.
    fn in_force(&self, clerk: &Clerk, document: &str, now: DateTime<Utc>) -> Option<TermsInForce> {
        let insurer = Insurer {
            terms: self.own.clone(),
            ..(*clerk.insurer).clone()
        };
        let mut found = terms_in_force(&insurer, &self.platform, now).into_iter();
        found.find(|found| found.terms.document == document)
    }
}

#[derive(Template)]
#[template(path = "console/terms.html")]
struct ListPage {
    frame: Frame,
    groups: Vec<Group>,
    may_edit: bool,
}

struct Group {
    label: &'static str,
    lines: Vec<Line>,
    drafts: Vec<DraftLine>,
    /// Where the next revision is begun.
    next: Option<String>,
}

struct Line {
    path: String,
    revision: i32,
    title: String,
    day: String,
    state: &'static str,
    agree_again: bool,
}

struct DraftLine {
    path: String,
    revision: i32,
    title: String,
    saved_by: String,
    saved_at: String,
}

/// `GET /console/terms`.
async fn list(visit: Visit, clerk: Clerk) -> Reply {
    let known = Known::read(&visit, &clerk).await?;
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let drafts = terms::drafts(&tx).await?;
    let about: Vec<_> = drafts.iter().map(|draft| publish::wished(draft.revision)).collect();
    let waits = Waits::about(&tx, visit.now, &clerk, &about).await?;
    tx.commit().await?;
    let may_edit = clerk.may(TERMS_EDIT);
    let group = |document: &'static str| {
        let heads = known.of(document).iter().filter(|head| head.document == document);
        let in_force = known.in_force(&clerk, document, visit.now);
        let in_force = in_force.map(|found| found.terms.revision);
        let is_own = document == ADDENDUM;
        let last = heads.clone().map(|head| head.revision).max().unwrap_or_default();
        let of_document = drafts.iter().filter(|draft| draft.document == document);
        let has_next = of_document.clone().any(|draft| draft.revision > last);
        Group {
            label: label(document),
            lines: heads.rev().map(|head| Line::of(head, in_force, visit.now)).collect(),
            drafts: of_document.map(DraftLine::of).collect(),
            next: (is_own && may_edit && !has_next).then(|| format!("{}/draft", path(document, last + 1))),
        }
    };
    let documents = [ADDENDUM, SERVICE, POINTS].into_iter();
    let groups = documents.map(group);
    visit.html(&ListPage {
        frame: visit.frame().in_section(TERMS).with_waits(waits),
        groups: groups
            .filter(|group| !group.lines.is_empty() || group.next.is_some() || !group.drafts.is_empty())
            .collect(),
        may_edit,
    })
}

impl Line {
    fn of(head: &TermsHead, in_force: Option<i32>, now: DateTime<Utc>) -> Self {
        Self {
            path: path(&head.document, head.revision),
            revision: head.revision,
            title: head.title.clone(),
            day: day(head.effective_at),
            state: state(head, in_force, now),
            agree_again: head.agree_again,
        }
    }
}

impl DraftLine {
    fn of(kept: &terms::KeptDraft) -> Self {
        Self {
            path: format!("{}/draft", path(&kept.document, kept.revision)),
            revision: kept.revision,
            title: kept.draft.title.clone(),
            saved_by: kept.saved_by.clone(),
            saved_at: calendar::moment(kept.saved_at),
        }
    }
}

fn day(at: DateTime<Utc>) -> String {
    calendar::date_both(calendar::today_in_japan(at))
}

fn state(head: &TermsHead, in_force: Option<i32>, now: DateTime<Utc>) -> &'static str {
    if head.effective_at > now {
        "施行前"
    } else if Some(head.revision) == in_force {
        "施行中"
    } else {
        "過去の版"
    }
}

#[derive(Template)]
#[template(path = "console/terms_one.html")]
struct OnePage {
    frame: Frame,
    document_words: &'static str,
    line: Line,
    changes: Option<String>,
    /// As members read it.
    body: String,
    accepted: String,
    /// How many have accepted neither it nor one that counts; of the one in force.
    lacking: Option<String>,
    others: Vec<i32>,
    is_to_come: bool,
    may_edit: bool,
    may_export: bool,
}

/// `GET /console/terms/:document/:revision`: the text, and how many accepted it.
async fn one(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::read(&visit)?;
    let known = Known::read(&visit, &clerk).await?;
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let head = named.head(&known)?;
    let in_force = known.in_force(&clerk, named.document, visit.now);
    let document = named.agreed(&clerk);
    let accepted = agreed::accepted(&tx, document).await?;
    let lacking = match in_force.as_ref().filter(|found| found.terms.revision == named.revision) {
        Some(found) => Some(agreed::lacking(&tx, document, found.since).await?),
        None => None,
    };
    let waits = Waits::for_file(&tx, visit.now, &clerk, consents::EXPORT).await?;
    tx.commit().await?;
    let text = text_of(&visit, named.owner(&clerk), &head).await?;
    let members = accepted.iter().find(|accepted| accepted.revision == named.revision);
    let heads = known
        .of(named.document)
        .iter()
        .filter(|other| other.document == head.document);
    let others = heads
        .map(|other| other.revision)
        .filter(|other| *other != head.revision);
    visit.html(&OnePage {
        frame: visit.frame().in_section(TERMS).with_waits(waits),
        document_words: label(named.document),
        line: Line::of(&head, in_force.map(|found| found.terms.revision), visit.now),
        changes: text.changes,
        body: markdown::render_folded(&text.body, 3, 3, true),
        accepted: grouped(members.map_or(0, |accepted| accepted.members)),
        lacking: lacking.map(grouped),
        others: others.collect(),
        is_to_come: head.effective_at > visit.now,
        may_edit: clerk.may(TERMS_EDIT) && named.document == ADDENDUM,
        may_export: clerk.may(EXPORT_PERSONAL),
    })
}

/// The text of a published revision, read where its owner keeps it.
async fn text_of(visit: &Visit, owner: TenantId, head: &TermsHead) -> Result<TermsText, Trouble> {
    let mut tx = visit.services.database.tenant(owner).read().await?;
    let text = terms::text(&mut tx, &head.document, head.revision).await?;
    tx.commit().await?;
    text.ok_or(Trouble::NotFound)
}

#[derive(Template)]
#[template(path = "console/terms_difference.html")]
struct DifferencePage {
    frame: Frame,
    document_words: &'static str,
    before: Line,
    after: Line,
    rows: Vec<Row>,
}

/// `GET /console/terms/:document/:revision/difference?with=1`: a revision against another, the one before where none is named.
async fn compare(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::read(&visit)?;
    let other = Named {
        revision: text::number(visit.query.text("with")).unwrap_or(named.revision - 1),
        ..named.clone()
    };
    let known = Known::read(&visit, &clerk).await?;
    let (mut before, mut after) = (other.head(&known)?, named.head(&known)?);
    if before.revision > after.revision {
        std::mem::swap(&mut before, &mut after);
    }
    let owner = named.owner(&clerk);
    let in_force = known.in_force(&clerk, named.document, visit.now);
    let in_force = in_force.map(|found| found.terms.revision);
    let (old, new) = (
        text_of(&visit, owner, &before).await?,
        text_of(&visit, owner, &after).await?,
    );
    visit.html(&DifferencePage {
        frame: visit.frame().in_section(TERMS),
        document_words: label(named.document),
        before: Line::of(&before, in_force, visit.now),
        after: Line::of(&after, in_force, visit.now),
        rows: difference::compare(&old.body, &new.body),
    })
}

#[derive(Template)]
#[template(path = "console/terms_withdraw.html")]
struct WithdrawPage {
    frame: Frame,
    line: Line,
    to_withdraw: String,
    expected: i64,
    why: String,
}

/// `GET /console/terms/:document/:revision/withdraw`.
async fn ask_withdraw(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::own(&visit, &clerk)?;
    let known = Known::read(&visit, &clerk).await?;
    let head = named.head(&known)?;
    if head.effective_at <= visit.now {
        return Err(terms::reasons::TERMS_PUBLISHED.into());
    }
    let again = visit.again().await;
    visit.html(&WithdrawPage {
        frame: visit.frame().in_section(TERMS).with_errors(again.errors),
        line: Line::of(&head, None, visit.now),
        to_withdraw: format!("{}/withdraw", named.path()),
        expected: known.revision,
        why: again.typed.text("why").to_owned(),
    })
}

/// `POST /console/terms/:document/:revision/withdraw`.
async fn withdraw(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::own(&visit, &clerk)?;
    if let Some(refusal) = wrong_why(&visit) {
        let page = format!("{}/withdraw", named.path());
        return Ok(visit.form_again(&refusal, &page, &["why"]).await);
    }
    let withdrawn = async {
        let mut tx = begin(&visit, &clerk).await?;
        let revising = revising(&visit, &clerk);
        let done = terms::withdraw(&mut tx, visit.now, &visit.origin, &revising, named.place()).await?;
        end(tx, done).await
    };
    match settle(withdrawn.await) {
        Ok(()) => Ok(visit.done(see_other(TERMS), "取り下げました。内容は下書きに戻りました。")),
        Err(refusal) => Ok(told(&visit, &named, refusal, "withdraw").await?),
    }
}

/// Why need not be said; what is said is one line of the history.
fn wrong_why(visit: &Visit) -> Option<Refusal> {
    let why = visit.form.text("why").trim();
    let is_wrong = why.chars().count() > LONGEST_WHY || text::has_control(why);
    is_wrong.then(|| Refusal::field(FieldError::new(WHY, Problem::Characters)))
}

fn revising<'a>(visit: &'a Visit, clerk: &'a Clerk) -> Revising<'a> {
    Revising {
        action: REVISE,
        expected: text::number(visit.form.text("expected")).unwrap_or_default(),
        actor: clerk.actor(),
        by: &clerk.name,
        why: visit.form.text("why").trim(),
    }
}

async fn begin(visit: &Visit, clerk: &Clerk) -> Result<TenantTransaction, kernel::Outage> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    Ok(tenant.write(Durability::Safe).await?)
}

/// What was done is kept; of what was refused there is nothing to keep.
async fn end<T>(tx: TenantTransaction, done: Outcome<T>) -> Result<Outcome<()>, kernel::Outage> {
    if let Outcome::Done(_) = done {
        tx.commit().await?;
    }
    Ok(done.map(|_| ()))
}

/// Back to the page that asked; what is wrong with the draft is said at the draft.
async fn told(visit: &Visit, named: &Named, refusal: Refusal, page: &str) -> Result<poem::Response, Trouble> {
    if refusal.is_any(&[terms::reasons::DRAFT_CHANGED, tenancy::CHANGED_MEANWHILE]) {
        let page = format!("{}/{page}", named.path());
        return Ok(visit.form_again(&refusal, &page, &["why"]).await);
    }
    if refusal.fields.is_empty() {
        return Err(refusal.into());
    }
    Ok(visit
        .form_again(&refusal, &format!("{}/draft", named.path()), &[])
        .await)
}
