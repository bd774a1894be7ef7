//! Whose a line is: asked of the roster, for the month of treatment.

use crate::{line::Line, remembered, rows::Found};
use database::{DatabaseError, TenantDatabase, TenantTransaction};
use kernel::PersonId;
use roster::{Resolved, Resolver};
use tabular::Chunk;
use tokio::sync::mpsc::{Receiver, Sender};
use uuid::Uuid;

/// Nobody: whose a line is that only takes a claim back, where the roster doesn't know.
pub(crate) const NOBODY: PersonId = PersonId(Uuid::nil());

/// Why a line waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldReason {
    /// The roster knows nobody of this number, or nobody who is notified for them.
    Unknown,
    /// It knows several.
    Several,
}

impl HeldReason {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Unknown, Self::Several];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Several => "several",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// As staff read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "名簿に当てはまる方がいない",
            Self::Several => "当てはまる方が2人以上いる",
        }
    }
}

/// Lines, by whether the roster knows whose they are.
#[derive(Debug, Clone, Default)]
pub struct Matched {
    /// They are somebody's.
    pub found: Vec<Found>,
    /// They wait.
    pub held: Vec<(Line, HeldReason)>,
}

impl Matched {
    /// Whose lines were found.
    pub fn persons(&self) -> impl Iterator<Item = PersonId> {
        self.found
            .iter()
            .map(|found| found.person)
            .filter(|person| *person != NOBODY)
    }

    /// All lines.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        let found = self.found.iter().map(|found| &found.line);
        found.chain(self.held.iter().map(|(line, _)| line))
    }

    /// How many that is.
    pub fn rows(&self) -> u64 {
        (self.found.len() + self.held.len()) as u64
    }

    /// Lines that wait for this reason.
    pub fn held_for(&self, reason: HeldReason) -> u64 {
        self.held.iter().filter(|(_, why)| *why == reason).count() as u64
    }
}

/// Asks whose the lines of a file are, chunk by chunk and ahead of whoever takes them: what the database does with one chunk and
/// what is thought about the next go on at the same time. Ends early where nobody takes any more.
pub(crate) async fn match_all(
    database: &TenantDatabase,
    mut chunks: Receiver<Chunk<Vec<Line>>>,
    matched_chunks: Sender<Chunk<Matched>>,
) -> Result<(), DatabaseError> {
    let mut resolver = Resolver::default();
    while let Some(Chunk { batch, progress }) = chunks.recv().await {
        let tx = database.read().await?;
        let batch = matched(&tx, &mut resolver, batch).await?;
        tx.commit().await?;
        if matched_chunks.send(Chunk { batch, progress }).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Asks whose lines are, of [`roster::RESOLVED_AT_ONCE`] at most: the roster, and where that knows nobody, what staff have told.
/// One that takes a claim back never waits: it works by レセプト番号, and until it is here the claim would still be shown.
pub async fn matched(
    tx: &TenantTransaction,
    resolver: &mut Resolver,
    lines: Vec<Line>,
) -> Result<Matched, DatabaseError> {
    let keys: Vec<_> = lines.iter().map(|line| line.who().key(line.month())).collect();
    let mut resolved = resolver.resolve(tx, &keys).await?;
    remembered::fill(tx, &keys, &mut resolved).await?;
    let mut matched = Matched {
        found: Vec::with_capacity(lines.len()),
        held: Vec::new(),
    };
    for (line, resolved) in lines.into_iter().zip(resolved) {
        let (person, principal) = match resolved {
            Resolved::One { person, principal } => (person, principal),
            Resolved::Unknown | Resolved::Several if line.withdrawn() => (NOBODY, NOBODY),
            Resolved::Unknown => {
                matched.held.push((line, HeldReason::Unknown));
                continue;
            }
            Resolved::Several => {
                matched.held.push((line, HeldReason::Several));
                continue;
            }
        };
        matched.found.push(Found {
            line,
            person,
            principal,
        });
    }
    Ok(matched)
}
