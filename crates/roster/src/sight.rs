//! Whom somebody who works here may see. Every statement that lists or reads people for staff takes its condition from here.

use crate::protection::not_protected;
use access::Reach;
use diesel::{
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Array, Text},
};

/// A statement that is put together of parts, each with its parameters.
pub(crate) type Statement<'q> = BoxedSqlQuery<'q, Pg, SqlQuery>;

/// How somebody sees protected people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protected {
    /// As everybody else.
    Seen,
    /// By name and 続柄 alone, where they were asked for by number or by name.
    Veiled,
    /// Not at all.
    Hidden,
}

/// Whom somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Over whom their roles reach.
    pub reach: Reach,
    /// How protected people are seen.
    pub protected: Protected,
}

impl Sight {
    /// Everybody: for what members do themselves, and for work in the background.
    pub const ALL: Self = Self {
        reach: Reach::All,
        protected: Protected::Seen,
    };

    /// The condition on the person `p`; its parameters, if any, are `$first` and the one after it.
    pub(crate) fn condition(&self, first: usize) -> String {
        format!("{}{}", self.reach_condition(first), self.protected_condition())
    }

    /// The same, however far somebody reaches.
    pub(crate) fn protected_condition(&self) -> String {
        if self.protected == Protected::Seen {
            String::new()
        } else {
            format!(" AND {}", not_protected("p.person_id"))
        }
    }

    /// The same, whether somebody is protected or not.
    pub(crate) fn reach_condition(&self, first: usize) -> String {
        match &self.reach {
            Reach::All => String::new(),
            Reach::Workplaces { .. } => format!(
                " AND (p.symbol_key = ANY(${first}) OR p.workplace_code = ANY(${}))",
                first + 1
            ),
        }
    }

    /// Gives the condition its parameters.
    pub(crate) fn bind<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        match &self.reach {
            Reach::All => statement,
            Reach::Workplaces { symbols, codes } => statement
                .bind::<Array<Text>, _>(symbols.clone())
                .bind::<Array<Text>, _>(codes.clone()),
        }
    }
}
