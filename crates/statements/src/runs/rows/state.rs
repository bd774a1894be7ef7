//! How far an import has come.

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// The file is there: somebody looks at its columns.
    Received,
    /// A worker checks it.
    Checking,
    /// What is in it is known: somebody decides.
    Checked,
    /// A worker loads it.
    Loading,
    /// It was loaded.
    Loaded,
    /// It was not, for a reason that lies in the file.
    Refused,
    /// Somebody ended it.
    Cancelled,
    /// Its worker died, and nobody could go on with it; it may be begun anew.
    Broken,
}

impl RunState {
    const ALL: [Self; 8] = [
        Self::Received,
        Self::Checking,
        Self::Checked,
        Self::Loading,
        Self::Loaded,
        Self::Refused,
        Self::Cancelled,
        Self::Broken,
    ];
    /// Those before an end.
    pub(in crate::runs) const OPEN: [Self; 5] = [
        Self::Received,
        Self::Checking,
        Self::Checked,
        Self::Loading,
        Self::Broken,
    ];
    /// Those that a worker has.
    pub(super) const AT_WORK: [Self; 2] = [Self::Checking, Self::Loading];
    /// Those that a new file of the same person takes the place of.
    pub(super) const DRAFTS: [Self; 2] = [Self::Received, Self::Checked];
    /// Those of which nothing is left to be known once their file is gone.
    pub(super) const FORGOTTEN: [Self; 3] = [Self::Received, Self::Checked, Self::Broken];

    /// The word in the database and the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Checking => "checking",
            Self::Checked => "checked",
            Self::Loading => "loading",
            Self::Loaded => "loaded",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Broken => "broken",
        }
    }

    /// True while a worker has it.
    pub fn is_at_work(self) -> bool {
        Self::AT_WORK.contains(&self)
    }

    /// True where it may still be cancelled.
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}
