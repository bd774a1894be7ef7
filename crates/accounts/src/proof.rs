//! How an account's owner was proven, and how staff make sure of somebody.

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types,
};

/// How an account's owner was proven: at sign-up, or by staff since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub enum Proof {
    /// By facts of the roster, which whoever lives with them knows too.
    Facts,
    /// By a code from a letter, which nobody else has, or by papers that staff have looked at.
    Letter,
}

impl Proof {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Letter => "letter",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Facts, Self::Letter]
            .into_iter()
            .find(|proof| proof.as_str() == word)
    }

    /// As staff read it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Facts => "名簿の内容だけ（窓口では確かめていません）",
            Self::Letter => "確かめています",
        }
    }
}

/// How staff have made sure of who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identified {
    /// They came, with a paper that shows their face.
    Counter,
    /// They wrote, with copies of their papers.
    Post,
}

impl Identified {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Counter, Self::Post];

    /// The word in the trail and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Post => "post",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == word)
    }

    /// As staff choose it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Counter => "窓口で、顔写真のある本人確認書類を見た",
            Self::Post => "本人の書面と、本人確認書類の写しを受け取った",
        }
    }
}

impl FromSql<sql_types::Text, Pg> for Proof {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let word = <String as FromSql<sql_types::Text, Pg>>::from_sql(bytes)?;
        Self::from_word(&word).ok_or_else(|| format!("no proof is called {word}").into())
    }
}
