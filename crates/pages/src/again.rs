//! A refused form (post, redirect, get): its post leads back to its page, which shows once more what was typed and says
//! what was refused. So going back never meets the browser's own error page, and a reload sends nothing. What is refused for
//! reasons that are ours (503) is answered by that page at once.
//!
//! What the page needs for it is sealed, and is of one form, of whom that was shown for, and of one token: the id of the
//! request that was refused, which stands in the page's query. It is kept in a cookie, or where it is long in a row, of
//! which the cookie holds the id. Passwords, codes and secrets are never in it: each form names the fields that it keeps.
//! The words of the refusal are in it, so that they need not be known here: whoever refuses may have made them up.

use crate::{
    Visit, cookies,
    forms::Form,
    frame::Errors,
    reply::{self, see_other},
    visit::Refused,
};
use chrono::{DateTime, TimeDelta, Utc};
use database::{DatabaseError, Durability, Keyed, Kind, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use edge::CountedAs;
use kernel::{Reason, Refusal, RefusalKind, RequestId, TenantId};
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
};
use serde::{Deserialize, Serialize};

/// The name of the token in the query.
const TOKEN: &str = "again";
/// How long it can be shown again.
const KEPT_SECONDS: i64 = 3600;
/// The longest cookie that is worth sending with every request.
const COOKIE_BYTES: usize = 2048;
/// Rows of one insurer at a time: anybody may send long forms.
const MOST_ROWS: i64 = 1000;
/// What a row is sealed for.
const PURPOSE: &str = "kept_form";

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 1] = [Keyed {
    table: "kept_forms",
    column: "sealed",
    kind: Kind::Sealed {
        owner: "form_id",
        purpose: PURPOSE,
    },
}];

/// What a page's form was refused for, and what was typed; nothing where it was not.
#[derive(Default, Serialize, Deserialize)]
pub struct Again {
    /// What the page says of it, in the words of when it was refused.
    pub errors: Errors,
    /// The fields that the form keeps.
    pub typed: Form,
    /// Why.
    code: Option<String>,
}

impl Again {
    /// True where the form was refused.
    pub fn is_refused(&self) -> bool {
        self.code.is_some()
    }

    /// What a page is narrowed by: what its form was sent with, else what its address says.
    pub fn or<'a>(&'a self, query: &'a Form) -> &'a Form {
        if self.typed.is_empty() { query } else { &self.typed }
    }

    /// True where it was refused for this reason.
    pub fn is(&self, reason: Reason) -> bool {
        self.code.as_deref() == Some(reason.code)
    }

    /// True where it was refused for one of these reasons.
    pub fn is_any(&self, reasons: &[Reason]) -> bool {
        reasons.iter().any(|reason| self.is(*reason))
    }
}

/// What is kept of a refused form.
#[derive(Serialize, Deserialize)]
struct Kept {
    token: RequestId,
    /// The page's path.
    page: String,
    /// The mark of whom it was shown for; none of a form for anybody.
    owner: Option<String>,
    again: Again,
    /// What was typed on the page to which the proof of a second factor leads back, where that proof's own form was refused.
    #[serde(default)]
    behind: Option<Box<Kept>>,
}

/// Where it is kept: in the cookie itself, or in a row.
#[derive(Serialize, Deserialize)]
enum Place<K> {
    Cookie(K),
    Row { tenant: TenantId, id: RequestId },
}

impl Visit {
    /// Leads back to the page of a refused form, which shows it by [`Visit::again`]; of what was typed it keeps the fields
    /// of these names.
    pub async fn form_again(&self, refusal: &Refusal, page: &str, names: &[&str]) -> Response {
        let (page, cookie) = self.keep_form(refusal, page, names).await;
        reply::with_cookie(refused(refusal, &page), cookie)
    }

    /// Leads to a page on which what was typed into these fields is looked at once more before it is done, by [`Visit::again`]:
    /// nothing is refused.
    pub async fn look_first(&self, page: &str, names: &[&str]) -> Response {
        let again = Again {
            typed: self.form.only(names),
            ..Again::default()
        };
        let (page, cookie) = self.keep_again(again, page).await;
        reply::with_cookie(see_other(&page), cookie)
    }

    /// Keeps what a form is to show once more: the address at which it does, and the cookie.
    pub(crate) async fn keep_form(&self, refusal: &Refusal, page: &str, names: &[&str]) -> (String, HeaderValue) {
        let again = Again {
            errors: Errors::new(refusal, self.now),
            typed: self.form.only(names),
            code: Some(refusal.code().to_owned()),
        };
        self.keep_again(again, page).await
    }

    async fn keep_again(&self, again: Again, page: &str) -> (String, HeaderValue) {
        let token = self.origin.request_id.unwrap_or_else(|| RequestId::new(self.now));
        let behind = match token_in(self.form.text("next")) {
            Some(behind) => recall(self, behind).await.map(Box::new),
            None => None,
        };
        let kept = Kept {
            token,
            page: path(page).to_owned(),
            owner: self.shown_for.as_ref().map(|owner| owner.mark(&self.services.keys)),
            again,
            behind,
        };
        let cookie = keep(self, kept).await.unwrap_or_else(|| cookies::clear(cookies::AGAIN));
        (with_token(page, token), cookie)
    }

    /// Leads to a page that has a note of what was refused: where nothing is wrong and time alone is lacking.
    pub fn not_yet(&self, refusal: &Refusal, page: &str) -> Response {
        self.inform(refused(refusal, page), refusal.words(self.now).text)
    }

    /// What the form of this page was refused for.
    pub async fn again(&self) -> Again {
        self.again_of(path(&self.asked_for)).await
    }

    /// What was typed on another page, whose refusal led here ([`Visit::carrying`]).
    pub async fn carried(&self, page: &str) -> Form {
        self.again_of(page).await.typed
    }

    /// The path of a page that is to find what was typed on this one, by [`Visit::carried`].
    pub fn carrying(&self, page: &str) -> String {
        self.token()
            .map_or_else(|| page.to_owned(), |token| with_token(page, token))
    }

    async fn again_of(&self, page: &str) -> Again {
        let Some(token) = self.token() else {
            return Again::default();
        };
        let kept = recall(self, token).await.filter(|kept| kept.page == page);
        kept.map(|kept| kept.again).unwrap_or_default()
    }

    fn token(&self) -> Option<RequestId> {
        RequestId::parse(self.query.get(TOKEN)?)
    }
}

impl Kept {
    fn is_of(&self, visit: &Visit) -> bool {
        match (&self.owner, &visit.shown_for) {
            (Some(mark), Some(owner)) => owner.is_in(mark, &visit.services.keys),
            (owner, now) => owner.is_none() && now.is_none(),
        }
    }
}

/// To a page, with the mark of what the log and the metrics know it by.
fn refused(refusal: &Refusal, page: &str) -> Response {
    let mut response = see_other(page);
    response.set_data(Refused(refusal.code()));
    response.set_data(CountedAs(match refusal.reason.kind {
        // 401 would ask for an HTTP authentication that pages do not have.
        RefusalKind::LogIn => StatusCode::UNPROCESSABLE_ENTITY,
        kind => edge::status(kind),
    }));
    response
}

/// True of an answer that leads to a page with a token: the proof of a second factor stands between a form and its page.
pub(crate) fn is_shown_at_the_end_of(response: &Response) -> bool {
    let to = response.headers().get(header::LOCATION);
    to.and_then(|to| token_in(to.to_str().ok()?)).is_some()
}

fn token_in(address: &str) -> Option<RequestId> {
    let (_, query) = address.split_once('?')?;
    let mut fields = query.split('&').filter_map(|field| field.split_once('='));
    let (_, token) = fields.find(|(name, _)| *name == TOKEN)?;
    RequestId::parse(token)
}

fn path(page: &str) -> &str {
    page.split('?').next().unwrap_or_default()
}

fn with_token(page: &str, token: RequestId) -> String {
    let joint = if page.contains('?') { '&' } else { '?' };
    format!("{page}{joint}{TOKEN}={token}")
}

/// The cookie of what is kept, or of the row that holds it where it is long. What finds no place is left out: the page
/// still says what was refused, or of a long list the beginning.
async fn keep(visit: &Visit, mut kept: Kept) -> Option<HeaderValue> {
    let sealed = |place: Place<&Kept>| {
        let cookie = cookies::sealed(&visit.services.keys, cookies::AGAIN, &place, visit.now, KEPT_SECONDS);
        cookie.filter(|cookie| cookie.len() <= COOKIE_BYTES)
    };
    if let Some(cookie) = sealed(Place::Cookie(&kept)) {
        return Some(cookie);
    }
    let owner = visit.shown_for.as_ref();
    let tenant = owner.map_or(TenantId::PLATFORM, |owner| owner.tenant);
    match store(visit, tenant, &kept).await {
        Ok(true) => return sealed(Place::Row { tenant, id: kept.token }),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "a long form is not kept"),
    }
    kept.again.typed = Form::default();
    kept.behind = None;
    loop {
        if let Some(cookie) = sealed(Place::Cookie(&kept)) {
            return Some(cookie);
        }
        kept.again.errors.fields.pop()?;
    }
}

async fn recall(visit: &Visit, token: RequestId) -> Option<Kept> {
    let kept: Kept = match visit.recall(cookies::AGAIN)? {
        Place::Cookie(kept) => kept,
        Place::Row { tenant, id } => match load(visit, tenant, id).await {
            Ok(kept) => kept?,
            Err(error) => {
                tracing::warn!(%error, "a long form is not shown again");
                return None;
            }
        },
    };
    let kept = if kept.token == token { kept } else { *kept.behind? };
    (kept.token == token && kept.is_of(visit)).then_some(kept)
}

mod table {
    diesel::table! {
        kept_forms (tenant_id, form_id) {
            tenant_id -> Integer,
            form_id -> Uuid,
            sealed -> Binary,
            kept_until -> Timestamptz,
        }
    }
}
use table::kept_forms;

/// False where there are too many already.
async fn store(visit: &Visit, tenant: TenantId, kept: &Kept) -> Result<bool, DatabaseError> {
    let Ok(plain) = serde_json::to_vec(kept) else {
        return Ok(false);
    };
    let sealed = visit.services.keys.seal(PURPOSE, kept.token.of(tenant), &plain);
    let mut tx = visit
        .services
        .database
        .tenant(tenant)
        .write(Durability::Relaxed)
        .await?;
    let most: Option<DateTime<Utc>> = kept_forms::table
        .filter(kept_forms::tenant_id.eq(tenant))
        .filter(kept_forms::kept_until.gt(visit.now))
        .select(kept_forms::kept_until)
        .order(kept_forms::kept_until)
        .offset(MOST_ROWS - 1)
        .first(&mut *tx)
        .await
        .optional()?;
    if most.is_none() {
        diesel::insert_into(kept_forms::table)
            .values((
                kept_forms::tenant_id.eq(tenant),
                kept_forms::form_id.eq(kept.token),
                kept_forms::sealed.eq(sealed),
                kept_forms::kept_until.eq(visit.now + TimeDelta::seconds(KEPT_SECONDS)),
            ))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(most.is_none())
}

async fn load(visit: &Visit, tenant: TenantId, id: RequestId) -> Result<Option<Kept>, DatabaseError> {
    let mut tx = visit.services.database.tenant(tenant).read().await?;
    let sealed: Option<Vec<u8>> = kept_forms::table
        .filter(kept_forms::tenant_id.eq(tenant))
        .filter(kept_forms::form_id.eq(id))
        .filter(kept_forms::kept_until.gt(visit.now))
        .select(kept_forms::sealed)
        .first(&mut *tx)
        .await
        .optional()?;
    tx.commit().await?;
    let plain = sealed.and_then(|sealed| visit.services.keys.open(PURPOSE, id.of(tenant), &sealed).ok());
    Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
}

/// Deletes what can't be shown again any more; gives how many.
pub async fn sweep(tx: &mut TenantTransaction, now: DateTime<Utc>) -> Result<usize, DatabaseError> {
    let tenant = tx.tenant();
    let ended = diesel::delete(kept_forms::table)
        .filter(kept_forms::tenant_id.eq(tenant))
        .filter(kept_forms::kept_until.le(now))
        .execute(&mut **tx)
        .await?;
    Ok(ended)
}
