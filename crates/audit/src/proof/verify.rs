//! The trail held against its seals: segment by segment, each by the range of its ids.

use super::{
    Digest, LONG, Seal, digests, first, hash,
    lines::{self, BATCH},
    seals, unpack,
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantDatabase, TenantTransaction};
use kernel::AuditId;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Seals read at once.
const SEALS: i64 = 500;
/// Findings told; of the rest only how many.
const TOLD: usize = 1_000;

/// A seal that was kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its segment.
    pub segment: i64,
    /// Its SHA-256, in hexadecimals.
    pub hash: String,
}

impl Anchor {
    /// Reads `57:` and the hash, and what stands before it in the line: whose it is.
    pub fn parse(line: &str) -> Option<(Option<&str>, Self)> {
        let line = line.trim();
        let (whose, seal) = match line.rsplit_once(char::is_whitespace) {
            Some((whose, seal)) => (Some(whose.trim_end()), seal),
            None => (None, line),
        };
        let (segment, hash) = seal.split_once(':')?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let segment = segment.parse().ok().filter(|segment| *segment > 0)?;
        let anchor = is_hash.then(|| Self {
            segment,
            hash: hash.to_ascii_lowercase(),
        })?;
        Some((whose, anchor))
    }
}

impl From<&Seal> for Anchor {
    fn from(seal: &Seal) -> Self {
        Self {
            segment: seal.segment,
            hash: seal.hash.clone(),
        }
    }
}

impl std::fmt::Display for Anchor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.segment, self.hash)
    }
}

/// What is wrong with a line or a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The line is not what was sealed, or shows others.
    Altered,
    /// The line is gone.
    Missing,
    /// The line was not there when its segment was sealed, nor when it was looked at again.
    Added,
    /// The line was not there when its segment was sealed, which was not looked at again yet: it came late or was added.
    Unlisted,
    /// The seal is not what it was, or doesn't follow the one before it.
    Seal,
    /// The seal is gone.
    NoSeal,
    /// The list of a segment's lines is gone, or is not what was sealed.
    List,
    /// The segment's lines are gone before their time.
    Early,
    /// The seal that was kept elsewhere is not this one.
    Anchor,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub segment: i64,
    /// Which line, where it is a line's.
    pub line: Option<Uuid>,
    /// What.
    pub what: What,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// The last seal: up to where the trail is sealed.
    pub head: Option<Seal>,
    /// The first segment whose lines are not pruned.
    pub first: i64,
    /// Lines that were held against their seals.
    pub lines: usize,
    /// Late lines, with the segment by which each is sealed.
    pub late: Vec<(i64, Uuid)>,
    /// What is wrong: the first thousand of it.
    pub findings: Vec<Finding>,
    /// And how much more there is.
    pub more: usize,
}

impl Report {
    fn find(&mut self, segment: i64, line: Option<Uuid>, what: What) {
        if self.findings.len() < TOLD {
            self.findings.push(Finding { segment, line, what });
        } else {
            self.more += 1;
        }
    }

    /// Seals that are gone between two that are there; a number that somebody made up leaves very many out.
    fn find_gone(&mut self, (last, next): (i64, i64)) {
        for gone in (last.saturating_add(1)..next).take(TOLD) {
            self.find(gone, None, What::NoSeal);
        }
        let gone = next.saturating_sub(last).saturating_sub(1);
        self.more += usize::try_from(gone).unwrap_or_default().saturating_sub(TOLD);
    }

    /// A segment that is pruned: nothing is left of it, and it had served its time.
    fn find_early(&mut self, seal: &Seal, kept_since: DateTime<Utc>) {
        if seal.before_id > AuditId::least(kept_since).0 && seal.lines > 0 {
            self.find(seal.segment, None, What::Early);
        }
    }

    /// What was found of one segment.
    fn add(&mut self, segment: Self) {
        self.lines += segment.lines;
        self.more += segment.more;
        for Finding { segment, line, what } in segment.findings {
            self.find(segment, line, what);
        }
    }
}

/// Holds an insurer's trail against its seals, and these against one that was kept elsewhere. Lines from `kept_since` on
/// must still be there.
pub async fn verify(
    tenant: &TenantDatabase,
    kept_since: DateTime<Utc>,
    anchor: Option<&Anchor>,
) -> Result<Report, DatabaseError> {
    let tenant = tenant.clone().within(LONG);
    let mut report = Report::default();
    // Before the seals are read, which takes a while: what is pruned meanwhile was there.
    let first = first_of(&tenant).await?;
    let chain = chain(&tenant, anchor, &mut report).await?;
    let end = report.head.as_ref().map_or(0, |head| head.segment);
    report.first = match first {
        Some(first) => first,
        None => first_of(&tenant).await?.unwrap_or(end.saturating_add(1)),
    };
    segments(&tenant, &chain, kept_since, &mut report).await?;
    Ok(report)
}

async fn first_of(tenant: &TenantDatabase) -> Result<Option<i64>, DatabaseError> {
    let tx = tenant.read().await?;
    let first = first(&tx).await?;
    tx.commit().await?;
    Ok(first)
}

/// Late lines by their ids: by which segment each is sealed, and as what.
type Late = BTreeMap<Uuid, (i64, Digest)>;

/// Goes along the seals: each is what its hash says, and follows the one before it. What one of them says of late lines
/// counts for the segments that it settles, and for none that was settled before: there nothing can be late any more.
async fn chain(tenant: &TenantDatabase, anchor: Option<&Anchor>, report: &mut Report) -> Result<Late, DatabaseError> {
    let (mut late, mut last) = (Late::new(), Seal::none());
    // Where the segments end that are not settled yet, and the last one that is.
    let mut ends = BTreeMap::from([(last.segment, last.before_id)]);
    while let Some(from) = last.segment.checked_add(1) {
        let tx = tenant.read().await?;
        let next = seals(&tx, from, SEALS).await?;
        for seal in &next {
            report.find_gone((last.segment, seal.segment));
            let follows = seal.segment - last.segment > 1
                || (seal.previous == last.hash && seal.before_id >= last.before_id && seal.settled >= last.settled);
            if !follows || seal.hash != seal.computed(tenant.id()) {
                report.find(seal.segment, None, What::Seal);
            }
            if anchor.is_some_and(|anchor| anchor.segment == seal.segment && anchor.hash != seal.hash) {
                report.find(seal.segment, None, What::Anchor);
            }
            ends.insert(seal.segment, seal.before_id);
            let settles = ends.get(&last.settled).zip(ends.get(&seal.settled));
            if let Some((begin, end)) = settles.filter(|_| seal.late > 0) {
                let list = digests(&tx, seal.segment).await?.as_deref().and_then(unpack);
                let own = list.into_iter().flatten().filter(|(id, _)| begin <= id && id < end);
                late.extend(own.map(|(id, digest)| (id, (seal.segment, digest))));
            }
            ends = ends.split_off(&seal.settled);
            last = seal.clone();
        }
        tx.commit().await?;
        if next.is_empty() {
            break;
        }
    }
    if let Some(anchor) = anchor.filter(|anchor| anchor.segment > last.segment) {
        report.find(anchor.segment, None, What::NoSeal);
    }
    report.late = late.iter().map(|(id, (segment, _))| (*segment, *id)).collect();
    report.head = Some(last).filter(|last| last.segment > 0);
    Ok(late)
}

/// Goes along the segments, each with its lines.
async fn segments(
    tenant: &TenantDatabase,
    late: &Late,
    kept_since: DateTime<Utc>,
    report: &mut Report,
) -> Result<(), DatabaseError> {
    let Some(head) = report.head.clone() else { return Ok(()) };
    let mut last = Seal::none();
    loop {
        let tx = tenant.read().await?;
        let next = seals(&tx, last.segment.saturating_add(1), SEALS).await?;
        tx.commit().await?;
        if next.is_empty() {
            return Ok(());
        }
        for seal in next.into_iter().take_while(|seal| seal.segment <= head.segment) {
            let was_there = seal.segment >= report.first;
            let found = if was_there {
                segment(tenant, (&last, &seal), late, head.settled).await?
            } else {
                None
            };
            if let Some(found) = found {
                report.add(found);
            } else {
                // What is pruned meanwhile went by a later clock than ours; the next proof says whether that was early.
                if was_there {
                    report.first = seal.segment.saturating_add(1);
                } else {
                    report.find_early(&seal, kept_since);
                }
                strays(tenant, &last, &seal, report).await?;
            }
            last = seal;
        }
        if last.segment >= head.segment {
            return Ok(());
        }
    }
}

/// Lines of a pruned segment: there are none.
async fn strays(tenant: &TenantDatabase, last: &Seal, seal: &Seal, report: &mut Report) -> Result<(), DatabaseError> {
    let tx = tenant.read().await?;
    for id in lines::ids(&tx, last.before_id, seal.before_id, BATCH).await? {
        report.find(seal.segment, Some(id), What::Added);
    }
    tx.commit().await
}

/// The lines of a segment, as they stand, against its list and what was late. None where it was pruned meanwhile: between
/// its list and its lines, too.
async fn segment(
    tenant: &TenantDatabase,
    (last, seal): (&Seal, &Seal),
    late: &Late,
    settled: i64,
) -> Result<Option<Report>, DatabaseError> {
    let mut report = Report::default();
    let tx = tenant.read().await?;
    let list = list(&tx, seal).await?;
    if list.is_none() {
        report.find(seal.segment, None, What::List);
    }
    let known = list.is_some();
    let own = list.into_iter().flatten().filter(|(id, _)| *id >= last.before_id);
    let mut expected: BTreeMap<Uuid, Digest> = own.collect();
    if last.before_id < seal.before_id {
        // What the segment itself says of a line counts, whatever a later seal does.
        for (id, (_, digest)) in late.range(last.before_id..seal.before_id) {
            expected.entry(*id).or_insert(*digest);
        }
    }
    let what = if seal.segment <= settled {
        What::Added
    } else {
        What::Unlisted
    };
    let mut from = Some(last.before_id);
    while let Some(begin) = from {
        let batch = lines::read(&tx, begin, seal.before_id, BATCH).await?;
        report.lines += batch.lines.len();
        from = batch.next;
        for (id, digest) in batch.lines {
            match expected.remove(&id) {
                Some(sealed) if sealed == digest => {}
                Some(_) => report.find(seal.segment, Some(id), What::Altered),
                None if known => report.find(seal.segment, Some(id), what),
                None => {}
            }
        }
        for id in batch.strays {
            report.find(seal.segment, Some(id), What::Added);
        }
    }
    for id in expected.into_keys() {
        report.find(seal.segment, Some(id), What::Missing);
    }
    let is_gone = !report.findings.is_empty() && first(&tx).await?.is_none_or(|first| first > seal.segment);
    tx.commit().await?;
    Ok((!is_gone).then_some(report))
}

/// A segment's list, if it is the one that was sealed.
async fn list(tx: &TenantTransaction, seal: &Seal) -> Result<Option<Vec<(Uuid, Digest)>>, DatabaseError> {
    let found = digests(tx, seal.segment).await?;
    Ok(found
        .filter(|digests| hash(digests) == seal.digests_hash)
        .and_then(|digests| unpack(&digests)))
}
