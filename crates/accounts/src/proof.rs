//! How an account's owner was proven.

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types,
};

/// How an account's owner was proven at sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub enum Proof {
    /// By facts of the roster, which whoever lives with them knows too.
    Facts,
    /// By a code from a letter, which nobody else has.
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
}

impl FromSql<sql_types::Text, Pg> for Proof {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let word = <String as FromSql<sql_types::Text, Pg>>::from_sql(bytes)?;
        Self::from_word(&word).ok_or_else(|| format!("no proof is called {word}").into())
    }
}
