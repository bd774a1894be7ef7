//! A draft of the insurer's terms: written, saved, looked at as members will see it, and thrown away. Whoever saves over what a
//! colleague saved meanwhile is shown both.

use super::{Named, Row, TERMS, begin, day, difference, end, publish::wished, text_of};
use crate::console::{GET, POST};
use access::TERMS_EDIT;
use askama::Template;
use edge::Body;
use kernel::{Outage, Outcome, Reason, Refusal, calendar};
use pages::{
    Again, Reply, Row as Route, Visit, Waits,
    frame::Frame,
    markdown,
    reply::see_other,
    staff,
    visit::{Trouble, settle},
};
use staff::Clerk;
use tenancy::{
    TermsHead,
    terms::{self, Draft, DraftVersion, KeptDraft, LONGEST, Saving, reasons},
};

/// The fields of the form that come back where it is refused.
const FIELDS: [&str; 6] = ["version", "title", "effective_on", "again", "changes", "body"];
/// Why a form is sent to the page as it stands by now, to be looked at beside that.
const LATE: [Reason; 3] = [reasons::DRAFT_CHANGED, reasons::DRAFT_GONE, reasons::TERMS_PUBLISHED];
/// A character of a form takes nine bytes at most in Japanese; the rest is for all other fields.
const MOST_BYTES: usize = LONGEST * 9 + 64 * 1024;

/// The rows of these pages.
pub(super) fn rows() -> Vec<Route> {
    const DRAFT: &str = "/console/terms/:document/:revision/draft";
    vec![
        staff(GET, DRAFT, "console.terms.draft", TERMS_EDIT, show),
        Route {
            body: Body::Form(MOST_BYTES),
            ..staff(POST, DRAFT, "console.terms.draft.save", TERMS_EDIT, save)
        },
        staff(
            GET,
            "/console/terms/:document/:revision/preview",
            "console.terms.preview",
            TERMS_EDIT,
            preview,
        ),
        staff(
            POST,
            "/console/terms/:document/:revision/discard",
            "console.terms.discard",
            TERMS_EDIT,
            discard,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/terms_draft.html")]
struct DraftPage {
    frame: Frame,
    to_save: String,
    to_discard: String,
    revision: i32,
    /// What the form is shown with; empty where there is no draft.
    version: String,
    /// Who saved it last, and when; none of a new one.
    saved: Option<(String, String)>,
    typed: Typed,
    /// What a colleague saved meanwhile, against what is typed.
    meanwhile: Option<Meanwhile>,
}

/// The fields as they stand in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Typed {
    title: String,
    effective_on: String,
    agree_again: bool,
    changes: String,
    body: String,
}

struct Meanwhile {
    title: String,
    effective_on: String,
    agree_again: bool,
    changes: String,
    rows: Vec<Row>,
}

impl Typed {
    fn of(draft: &Draft) -> Self {
        Self {
            title: draft.title.clone(),
            effective_on: draft.effective_on.map(|day| day.to_string()).unwrap_or_default(),
            agree_again: draft.agree_again,
            changes: draft.changes.clone(),
            body: draft.body.clone(),
        }
    }

    fn again(again: &Again) -> Self {
        let text = |name| again.typed.text(name).to_owned();
        Self {
            title: text("title"),
            effective_on: text("effective_on"),
            agree_again: again.typed.text("again") != "no",
            changes: text("changes"),
            body: text("body"),
        }
    }
}

/// `GET /console/terms/:document/:revision/draft`.
async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::own(&visit, &clerk)?;
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let (_, heads) = terms::heads(&mut tx).await?;
    let kept = terms::draft(&tx, named.place()).await?;
    let waits = Waits::about(&tx, visit.now, &clerk, &[wished(named.revision)]).await?;
    tx.commit().await?;
    let stored = match &kept {
        Some(kept) => Typed::of(&kept.draft),
        None => begun(&visit, &clerk, &named, &heads).await?,
    };
    let again = visit.again().await;
    let is_late = again.is_any(&LATE);
    // Mended after a refusal for what was typed, it is still of the version that the form was first shown with.
    let version = again.typed.get("version").filter(|_| !is_late).map(str::to_owned);
    let stands = kept.as_ref().map(|kept| kept.version.to_string());
    let typed = if again.typed.is_empty() {
        stored.clone()
    } else {
        Typed::again(&again)
    };
    visit.html(&DraftPage {
        to_save: format!("{}/draft", named.path()),
        to_discard: format!("{}/discard", named.path()),
        revision: named.revision,
        version: version.or(stands).unwrap_or_default(),
        saved: kept.map(|kept| (kept.saved_by, calendar::moment(kept.saved_at))),
        meanwhile: (is_late && typed != stored).then(|| Meanwhile {
            rows: difference::compare(&stored.body, &typed.body.replace("\r\n", "\n")),
            title: stored.title,
            effective_on: stored.effective_on,
            agree_again: stored.agree_again,
            changes: stored.changes,
        }),
        typed,
        frame: visit
            .frame()
            .in_section(TERMS)
            .with_errors(again.errors)
            .with_waits(waits),
    })
}

/// What a new draft begins with: the revision that it would take the place of, else the one before.
async fn begun(visit: &Visit, clerk: &Clerk, named: &Named, heads: &[TermsHead]) -> Result<Typed, Trouble> {
    let of = |revision: i32| {
        heads
            .iter()
            .find(move |head| (head.document.as_str(), head.revision) == (named.document, revision))
    };
    let last = of(named.revision);
    if last.is_some_and(|head| head.effective_at <= visit.now) {
        return Err(reasons::TERMS_PUBLISHED.into());
    }
    let Some(head) = last.or_else(|| of(named.revision - 1)) else {
        let is_first = named.revision == 1;
        return is_first
            .then(|| Typed {
                agree_again: true,
                ..Typed::default()
            })
            .ok_or(Trouble::NotFound);
    };
    let text = text_of(visit, clerk.insurer.tenant_id, head).await?;
    let is_same = head.revision == named.revision;
    Ok(Typed {
        title: text.title,
        effective_on: if is_same {
            calendar::today_in_japan(head.effective_at).to_string()
        } else {
            String::new()
        },
        agree_again: !is_same || head.agree_again,
        changes: text.changes.filter(|_| is_same).unwrap_or_default(),
        body: text.body,
    })
}

/// `POST /console/terms/:document/:revision/draft`.
async fn save(visit: Visit, clerk: Clerk) -> Reply {
    let named = Named::own(&visit, &clerk)?;
    let page = format!("{}/draft", named.path());
    match settle(saved(&visit, &clerk, &named).await) {
        Ok(()) => {
            let next = match visit.form.text("then") {
                "preview" => format!("{}/preview", named.path()),
                "publish" => format!("{}/publish", named.path()),
                _ => page,
            };
            Ok(visit.done(see_other(&next), "下書きを保存しました。"))
        }
        Err(refusal) if refusal.is(kernel::outcome::NOT_FOUND) => Err(refusal.into()),
        // What was typed for a revision that is in force by now may go into the next one.
        Err(refusal) if refusal.is(reasons::TERMS_PUBLISHED) => {
            let page = format!("{}/draft", next(&visit, &clerk, &named).await?.path());
            Ok(visit.form_again(&refusal, &page, &FIELDS).await)
        }
        Err(refusal) => Ok(visit.form_again(&refusal, &page, &FIELDS).await),
    }
}

/// The revision that can be drafted once this one can't.
async fn next(visit: &Visit, clerk: &Clerk, named: &Named) -> Result<Named, Trouble> {
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let (_, heads) = terms::heads(&mut tx).await?;
    tx.commit().await?;
    let of_document = heads.iter().filter(|head| head.document == named.document);
    let last = of_document.map(|head| head.revision).max().unwrap_or_default();
    Ok(Named {
        revision: last + 1,
        ..named.clone()
    })
}

async fn saved(visit: &Visit, clerk: &Clerk, named: &Named) -> Result<Outcome<()>, Outage> {
    let mut tx = begin(visit, clerk).await?;
    let (_, heads) = terms::heads(&mut tx).await?;
    // Of what stays as it is nobody need mend a draft first.
    if let Err(refusal) = terms::may_draft(&heads, named.document, named.revision, visit.now) {
        return Ok(refusal.into());
    }
    let typed = |name: &str| visit.form.text(name).to_owned();
    let today = calendar::today_in_japan(visit.now);
    let draft = match Draft::read(typed, visit.form.text("again") != "no", today) {
        Ok(draft) => draft,
        Err(wrong) => return Ok(Refusal::fields(wrong).into()),
    };
    let saving = Saving {
        over: DraftVersion::parse(visit.form.text("version")),
        by: &clerk.name,
    };
    let done = terms::save(&mut tx, visit.now, &heads, named.place(), saving, &draft).await?;
    end(tx, done).await
}

#[derive(Template)]
#[template(path = "console/terms_preview.html")]
struct PreviewPage {
    frame: Frame,
    path: String,
    revision: i32,
    title: String,
    day: String,
    agree_again: bool,
    changes: String,
    body: String,
}

/// `GET /console/terms/:document/:revision/preview`: as members will read it, on a phone.
async fn preview(visit: Visit, clerk: Clerk) -> Reply {
    let (named, kept) = found(&visit, &clerk).await?;
    let Draft {
        title,
        effective_on,
        agree_again,
        changes,
        body,
    } = kept.draft;
    visit.html(&PreviewPage {
        frame: visit.frame().in_section(TERMS),
        path: named.path(),
        revision: named.revision,
        title,
        day: effective_on
            .map(|on| day(calendar::start_of_day(on)))
            .unwrap_or_default(),
        agree_again,
        changes,
        body: markdown::render_folded(&body, 3, 3, true),
    })
}

async fn found(visit: &Visit, clerk: &Clerk) -> Result<(Named, KeptDraft), Trouble> {
    let named = Named::own(visit, clerk)?;
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let kept = terms::draft(&tx, named.place()).await?;
    tx.commit().await?;
    Ok((named, kept.ok_or(Trouble::NotFound)?))
}

/// `POST /console/terms/:document/:revision/discard`.
async fn discard(visit: Visit, clerk: Clerk) -> Reply {
    let (named, _) = found(&visit, &clerk).await?;
    let thrown = async {
        let Some(seen) = DraftVersion::parse(visit.form.text("version")) else {
            return Ok(reasons::DRAFT_CHANGED.into());
        };
        let mut tx = begin(&visit, &clerk).await?;
        let done = terms::discard(&mut tx, named.place(), seen).await?;
        end(tx, done).await
    };
    match settle(thrown.await) {
        Ok(()) => Ok(visit.done(see_other(TERMS), "下書きを消しました。")),
        Err(refusal) => Ok(visit
            .form_again(&refusal, &format!("{}/draft", named.path()), &[])
            .await),
    }
}
