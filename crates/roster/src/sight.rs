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

/// Whom somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Over whom their roles reach.
    pub reach: Reach,
    /// True where they may see protected people.
    pub protected: bool,
}

impl Sight {
    /// Everybody: for what members do themselves, and for work in the background.
    pub const ALL: Self = Self {
        reach: Reach::All,
        protected: true,
    };

    /// The condition on the person `p`; its parameters, if any, are `$first` and the one after it.
    pub(crate) fn condition(&self, first: usize) -> String {
        let reach = match &self.reach {
            Reach::All => String::new(),
            Reach::Workplaces { .. } => format!(
                " AND (p.symbol_key = ANY(${first}) OR p.workplace_code = ANY(${}))",
                first + 1
            ),
        };
        let protected = if self.protected {
            String::new()
        } else {
            format!(" AND {}", not_protected("p.person_id"))
        };
        format!("{reach}{protected}")
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
