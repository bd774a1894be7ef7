//! Past one machine: where each table lies in a cluster of Citus, read from the tables' comments, and how it gets there.
//!
//! Insurers' tables are spread by `tenant_id`, all of one insurer on one node; whose a user ID is, by its hash; what all
//! read before a tenant is known is copied to every node; and what is polled over all insurers stays on the coordinator.
//! On a PostgreSQL without the extension there is nothing to do and nothing to be refused.

mod plan;

use crate::{DatabaseError, migrations::connect};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Array, Bool, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use plan::Table;

/// Why the tables could not be distributed.
#[derive(Debug, thiserror::Error)]
pub enum DistributeError {
    /// The database is no cluster.
    #[error("this database has no extension citus: a superuser makes it, on the coordinator, with the nodes added")]
    NoCluster,
    /// A table's comment says nothing that this build knows.
    #[error("table {table} is of no known kind: {comment:?}")]
    UnknownKind {
        /// The table.
        table: String,
        /// All its comment says.
        comment: String,
    },
    /// A table lies elsewhere than its comment says.
    #[error("table {table} is {found} and should be {wanted}: undistribute it by hand")]
    Misplaced {
        /// The table.
        table: String,
        /// Where it lies.
        found: String,
        /// Where its comment says it should.
        wanted: String,
    },
    /// Foreign keys that lead back to where they start, or to a table that comes later.
    #[error("the foreign keys of {0} leave no order in which to distribute")]
    NoOrder(String),
    /// A statement failed; those before it stay done, and the next run goes on behind them.
    #[error("{statement}: {error}")]
    Failed {
        /// The statement.
        statement: String,
        /// What the database said.
        error: DatabaseError,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Distributes what isn't yet, as `owner_url`'s role on the coordinator; `tell` hears each statement before it runs.
/// Gives how many ran: none, where all was done before.
pub async fn distribute(owner_url: &str, tell: impl Fn(&str)) -> Result<usize, DistributeError> {
    let mut connection = connect(owner_url).await?;
    let Some(setting) = setting(&mut connection).await? else {
        return Err(DistributeError::NoCluster);
    };
    let tables = tables(&mut connection).await?;
    let mut statements = plan::plan(&tables)?;
    for statement in &statements {
        run(&mut connection, statement, &tell).await?;
    }
    // Read only now: the rows that were copied to the nodes lie here too.
    let left: Vec<Left> = load(&mut connection, LEFT).await?;
    let cleaning = left.iter().map(|left| plan::truncate(&left.name));
    let setting = (!setting).then_some(SET.to_owned());
    for statement in cleaning.chain(setting) {
        run(&mut connection, &statement, &tell).await?;
        statements.push(statement);
    }
    Ok(statements.len())
}

/// What keeps the service from running on this database: nothing where it is no cluster, or one that is whole.
pub async fn undistributed(connection: &mut AsyncPgConnection) -> Result<Vec<String>, DatabaseError> {
    let Some(setting) = setting(connection).await? else {
        return Ok(Vec::new());
    };
    let mut wrong = Vec::new();
    if !setting {
        wrong.push("citus.propagate_set_commands is not 'local'".to_owned());
    }
    let tables = tables(connection).await?;
    wrong.extend(plan::misplaced(&tables).map(|table| format!("table {table} is not distributed")));
    Ok(wrong)
}

async fn run(connection: &mut AsyncPgConnection, statement: &str, tell: &impl Fn(&str)) -> Result<(), DistributeError> {
    tell(statement);
    connection
        .batch_execute(statement)
        .await
        .map_err(|error| DistributeError::Failed {
            statement: statement.to_owned(),
            error: error.into(),
        })
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Bool)]
    local: bool,
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Whether SET LOCAL reaches the nodes; `None` where there are none.
async fn setting(connection: &mut AsyncPgConnection) -> Result<Option<bool>, DatabaseError> {
    let setting: Option<Setting> = diesel::sql_query(EXTENSION).get_result(connection).await.optional()?;
    Ok(setting.map(|setting| setting.local))
}

async fn tables(connection: &mut AsyncPgConnection) -> Result<Vec<Table>, DatabaseError> {
    load(connection, TABLES).await
}

async fn load<T>(connection: &mut AsyncPgConnection, sql: &str) -> Result<Vec<T>, DatabaseError>
where
    T: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    Ok(diesel::sql_query(sql).load(connection).await?)
}

const EXTENSION: &str = "
    SELECT coalesce(current_setting('citus.propagate_set_commands', true) = 'local', false) AS local
    FROM pg_extension WHERE extname = 'citus'";

/// All but the migrations' own, which stays where it is.
const TABLES: &str = "
    SELECT c.relname::text AS name, coalesce(obj_description(c.oid, 'pg_class'), '') AS comment,
        c.relforcerowsecurity AND NOT EXISTS (
            SELECT FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid
            WHERE i.inhparent = c.oid AND NOT part.relforcerowsecurity) AS forced,
        ARRAY(SELECT part.relname::text FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid
              WHERE i.inhparent = c.oid ORDER BY 1) AS partitions,
        c.relpersistence = 'u' AS unlogged,
        (SELECT min(a.attname::text) FROM pg_index i
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
         WHERE i.indrelid = c.oid AND i.indisprimary HAVING count(*) = 1) AS key,
        ARRAY(SELECT f.confrelid::regclass::text FROM pg_constraint f
              WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid ORDER BY 1) AS targets,
        CASE WHEN d.logicalrelid IS NULL THEN ''
             WHEN d.partmethod = 'h' THEN 'spread by ' || column_to_column_name(d.logicalrelid, d.partkey)
             WHEN d.repmodel = 't' THEN 'everywhere'
             WHEN d.colocationid = 0 THEN 'on the coordinator'
             ELSE 'on one node' END AS lies
    FROM pg_class c LEFT JOIN pg_catalog.pg_dist_partition d ON d.logicalrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> '__diesel_schema_migrations'
    ORDER BY c.relname";

/// Tables of which this node still holds the rows that were copied to the others.
const LEFT: &str = "
    SELECT c.relname::text AS name FROM pg_class c JOIN pg_catalog.pg_dist_partition d ON d.logicalrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND (d.partmethod = 'h' OR d.repmodel = 't') AND NOT c.relispartition
      AND (pg_relation_size(c.oid) > 0
           OR EXISTS (SELECT FROM pg_partition_tree(c.oid) part WHERE pg_relation_size(part.relid) > 0))
    ORDER BY c.relname";

/// For whoever connects from now on. Without it a tenant that is set here is none on the other nodes, which hold the rows.
const SET: &str = "DO $$ BEGIN EXECUTE \
    format('ALTER DATABASE %I SET citus.propagate_set_commands = ''local''', current_database()); END $$";
