//! 利用規約: which revisions are in force, and their text. A published revision never changes; a member's consent names
//! its content hash.

mod drafts;
mod publishing;
pub mod reasons;

pub use drafts::{Draft, DraftVersion, KeptDraft, LONGEST, Saving, discard, draft, drafts, fields, may_draft, save};
pub use publishing::{Planned, plan, publish, withdraw};

use crate::{Insurer, TermsHead, schema::terms_documents};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::TenantId;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The platform's terms for everybody.
pub const SERVICE: &str = "service";
/// The platform's terms of the points service, for members of insurers that bought it.
pub const POINTS: &str = "points";
/// An insurer's own addition.
pub const ADDENDUM: &str = "addendum";

/// A revision that a member must have accepted, and whose it is: its text is read inside the owner's tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsInForce {
    /// The insurer, or the platform.
    pub owner: TenantId,
    /// The revision.
    pub terms: TermsHead,
    /// The earliest revision whose acceptance still counts: those after it need not be accepted anew.
    pub since: i32,
}

/// A revision with its text.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = terms_documents)]
pub struct TermsText {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// From 1.
    pub revision: i32,
    /// As members see it.
    pub title: String,
    /// Midnight in Japan of its first day.
    pub effective_at: DateTime<Utc>,
    /// What changed against the revision before, in plain words; none for the first.
    pub changes: Option<String>,
    /// Markdown without raw HTML.
    pub body: String,
    /// What a consent names.
    pub content_hash: String,
}

/// What a member of `insurer` must accept at `now`: the platform's service terms, the insurer's own, and the points
/// terms only where points were bought. Of each document the latest revision whose day has come.
pub fn terms_in_force(insurer: &Insurer, platform: &Insurer, now: DateTime<Utc>) -> Vec<TermsInForce> {
    let own = if insurer.is_platform() {
        BTreeMap::new()
    } else {
        latest(insurer, now)
    };
    let mut shared = latest(platform, now);
    let (service, points) = (shared.remove(SERVICE), shared.remove(POINTS).filter(|_| insurer.points));
    let of = |owner: TenantId| {
        move |(terms, since): (&TermsHead, i32)| TermsInForce {
            owner,
            terms: terms.clone(),
            since,
        }
    };
    let shared_by = of(platform.tenant_id);
    service
        .map(shared_by)
        .into_iter()
        .chain(own.into_values().map(of(insurer.tenant_id)))
        .chain(points.map(shared_by))
        .collect()
}

/// The text of a revision, inside its owner's tenant.
pub async fn text(
    tx: &mut TenantTransaction,
    document: &str,
    revision: i32,
) -> Result<Option<TermsText>, DatabaseError> {
    // A revision that was rewritten before its day has several rows; the last one written counts.
    let row = terms_documents::table
        .filter(terms_documents::tenant_id.eq(tx.tenant()))
        .filter(terms_documents::document.eq(document))
        .filter(terms_documents::revision.eq(revision))
        .order(terms_documents::insurer_revision.desc())
        .select(TermsText::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(row)
}

/// The revision of the transaction's insurer, and its own terms, as they are at this moment.
pub async fn heads(tx: &mut TenantTransaction) -> Result<(i64, Vec<TermsHead>), DatabaseError> {
    let row = crate::revise::current(tx).await?;
    Ok((row.revision, row.settings()?.terms))
}

/// SHA-256, in hex, over everything of a revision that a member reads.
pub(crate) fn content_hash(title: &str, effective_at: DateTime<Utc>, changes: Option<&str>, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [title, &effective_at.to_rfc3339(), changes.unwrap_or_default(), body] {
        // Lengths keep parts apart: no text moves from one to the next unseen.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Of each document the latest revision whose day has come, and since which one acceptance counts.
fn latest(insurer: &Insurer, now: DateTime<Utc>) -> BTreeMap<&str, (&TermsHead, i32)> {
    let mut latest = BTreeMap::<&str, (&TermsHead, i32)>::new();
    for terms in insurer.terms.iter().filter(|terms| terms.effective_at <= now) {
        let (known, since) = latest.entry(terms.document.as_str()).or_insert((terms, terms.revision));
        if terms.revision > known.revision {
            *known = terms;
        }
        if terms.agree_again {
            *since = terms.revision.max(*since);
        }
    }
    latest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InsurerState, Settings};
    use kernel::{InsurerCode, calendar};

    fn day(text: &str) -> DateTime<Utc> {
        calendar::start_of_day(text.parse().unwrap())
    }

    fn head(document: &str, revision: i32, from: &str) -> TermsHead {
        let effective_at = day(from);
        TermsHead {
            document: document.into(),
            revision,
            title: document.into(),
            effective_at,
            content_hash: "x".into(),
            agree_again: true,
        }
    }

    #[test]
    fn a_revision_that_asks_nobody_again_leaves_what_was_accepted_before() {
        let quiet = |revision, from| TermsHead {
            agree_again: false,
            ..head(SERVICE, revision, from)
        };
        let platform = insurer(
            0,
            false,
            vec![
                head(SERVICE, 1, "2024-04-05"),
                head(SERVICE, 2, "2026-04-01"),
                quiet(3, "2026-05-01"),
                quiet(4, "2026-06-01"),
                head(SERVICE, 5, "2026-07-01"),
            ],
        );
        let member = insurer(7, false, vec![]);
        let asked = |now: &str| {
            let found = terms_in_force(&member, &platform, day(now)).remove(0);
            (found.terms.revision, found.since)
        };
        assert_eq!(asked("2026-04-30"), (2, 2));
        assert_eq!(asked("2026-05-01"), (3, 2));
        assert_eq!(asked("2026-06-30"), (4, 2));
        assert_eq!(asked("2026-07-01"), (5, 5));
    }

    #[test]
    fn heads_of_old_say_nothing_of_it_and_ask_again() {
        let stored = serde_json::to_value(head(SERVICE, 2, "2026-04-01")).unwrap();
        assert!(stored.get("agree_again").is_none());
        assert!(serde_json::from_value::<TermsHead>(stored).unwrap().agree_again);
    }

    fn insurer(tenant: i32, points: bool, terms: Vec<TermsHead>) -> Insurer {
        let code = (tenant > 0).then(|| InsurerCode::parse("32290413").unwrap());
        let settings = Settings {
            points,
            terms,
            ..Settings::default()
        };
        Insurer::new(TenantId(tenant), code, InsurerState::Open, 1, settings)
    }

    fn names(insurer: &Insurer, platform: &Insurer, now: &str) -> Vec<String> {
        terms_in_force(insurer, platform, day(now))
            .iter()
            .map(|found| format!("{}/{}.{}", found.owner, found.terms.document, found.terms.revision))
            .collect()
    }

    #[test]
    fn each_member_accepts_the_shared_terms_the_insurers_own_and_points_only_where_bought() {
        let platform = insurer(
            0,
            false,
            vec![
                head(SERVICE, 1, "2024-04-05"),
                head(SERVICE, 2, "2026-04-01"),
                head(POINTS, 1, "2024-04-05"),
            ],
        );
        let without = insurer(7, false, vec![head(ADDENDUM, 1, "2024-04-05")]);
        let with = insurer(8, true, vec![]);
        assert_eq!(
            names(&without, &platform, "2026-11-22"),
            ["0/service.2", "7/addendum.1"]
        );
        assert_eq!(names(&with, &platform, "2026-11-22"), ["0/service.2", "0/points.1"]);
    }

    #[test]
    fn a_revision_is_in_force_from_its_first_day_in_japan() {
        let platform = insurer(
            0,
            false,
            vec![head(SERVICE, 1, "2024-04-05"), head(SERVICE, 2, "2026-04-01")],
        );
        let member = insurer(7, false, vec![]);
        assert_eq!(names(&member, &platform, "2026-03-31"), ["0/service.1"]);
        assert_eq!(names(&member, &platform, "2026-04-01"), ["0/service.2"]);
        assert_eq!(names(&member, &platform, "2024-04-04"), Vec::<String>::new());
    }

    #[test]
    fn text_that_moves_between_title_and_body_changes_the_hash() {
        let at = day("2026-04-01");
        assert_ne!(content_hash("ab", at, None, "c"), content_hash("a", at, None, "bc"));
        assert_eq!(content_hash("a", at, None, "b").len(), 64);
    }
}
