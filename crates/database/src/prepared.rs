//! Statements that are prepared once per connection though diesel would prepare them anew for each call.

use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// A `sql_query`, a query with SQL written into it, or an update, with one of a few texts. Diesel can't know that and prepares
/// such a statement anew for each call, a round trip and a plan more; its cache goes by text where a statement has no id of its
/// own.
pub struct Prepared<Q>(
    /// The statement with its parameters. Its text must not hold values.
    pub Q,
);

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Connection> diesel::RunQueryDsl<Connection> for Prepared<Q> {}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}
