//! Migrations, run as the owner's role, and the grants of the service's role, read from the tables' comments.

use crate::{DatabaseError, Timeouts, database_url::DatabaseUrl};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The migrations applied just now, oldest first.
    pub applied: Vec<String>,
    /// Tables on which the service's role has its grants.
    pub tables: usize,
}

/// Applies what is pending as `owner_url`'s role, then grants `service_role` what each table's comment says and
/// nothing else. Needs a multi-threaded runtime.
pub async fn migrate(owner_url: &str, service_role: &str) -> Result<Migrated, DatabaseError> {
    let mut harness = AsyncMigrationHarness::new(connect(owner_url).await?);
    let applied = harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(failed)?
        .iter()
        .map(ToString::to_string)
        .collect();
    let tables = grant(&mut harness.into_inner(), service_role).await?;
    Ok(Migrated { applied, tables })
}

/// The migrations this build knows and the database has not seen, asked as the service's role (readiness).
pub async fn pending_migrations(connection: &mut AsyncPgConnection) -> Result<Vec<String>, DatabaseError> {
    use diesel::migration::{Migration, MigrationSource};
    #[derive(QueryableByName)]
    struct Version {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let run: Vec<Version> = diesel::sql_query("SELECT version FROM __diesel_schema_migrations")
        .load(connection)
        .await?;
    let known: Vec<Box<dyn Migration<diesel::pg::Pg>>> = MIGRATIONS.migrations().map_err(failed)?;
    Ok(known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .filter(|known| !run.iter().any(|run| run.version == *known))
        .collect())
}

/// The newest migration that this build knows.
pub fn latest_migration() -> Result<String, DatabaseError> {
    use diesel::migration::{Migration, MigrationSource};
    let known: Vec<Box<dyn Migration<diesel::pg::Pg>>> = MIGRATIONS.migrations().map_err(failed)?;
    let names = known.iter().map(|migration| migration.name().to_string());
    Ok(names.max().unwrap_or_default())
}

/// Takes back every migration after the version `kept`, or all where it is empty, newest first: proof that each `down.sql`
/// works. Gives how many they were. Loses their data.
pub async fn revert(owner_url: &str, kept: &str) -> Result<usize, DatabaseError> {
    let mut harness = AsyncMigrationHarness::new(connect(owner_url).await?);
    let mut reverted = 0;
    loop {
        let newest = harness.applied_migrations().map_err(failed)?.into_iter().next();
        if newest.is_none_or(|newest| newest.to_string().as_str() <= kept) {
            return Ok(reverted);
        }
        harness.revert_last_migration(MIGRATIONS).map_err(failed)?;
        reverted += 1;
    }
}

pub(crate) async fn connect(url: &str) -> Result<AsyncPgConnection, DatabaseError> {
    let line = DatabaseUrl::parse(url)?.connect(Timeouts::default().connect()).await?;
    Ok(line.into_connection())
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    comment: String,
    /// By the service's role itself.
    #[diesel(sql_type = Bool)]
    owned: bool,
}

async fn grant(connection: &mut AsyncPgConnection, role: &str) -> Result<usize, DatabaseError> {
    let tables: Vec<Table> = diesel::sql_query(
        "SELECT c.relname::text AS name, coalesce(obj_description(c.oid), '') AS comment,
             pg_get_userbyid(c.relowner) = $1 AS owned
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1",
    )
    .bind::<Text, _>(role)
    .load(connection)
    .await?;
    let role = quoted(role);
    let mut statements = vec![format!("GRANT USAGE ON SCHEMA public TO {role}")];
    for table in &tables {
        let name = quoted(&table.name);
        let grants = match table.name.as_str() {
            // One role for both, as a demo on somebody's own database has it: it must stay what it is.
            _ if table.owned => "ALL",
            "__diesel_schema_migrations" => "select",
            _ => table
                .comment
                .split("; ")
                .find_map(|part| part.strip_prefix("grants "))
                .ok_or_else(|| DatabaseError::Migration(format!("table {} names no grants", table.name)))?,
        };
        statements.push(format!("REVOKE ALL ON {name} FROM {role}"));
        if grants != "none" {
            statements.push(format!("GRANT {grants} ON {name} TO {role}"));
        }
    }
    connection.batch_execute(&statements.join("; ")).await?;
    Ok(tables.len())
}

pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

fn failed(error: impl std::fmt::Display) -> DatabaseError {
    DatabaseError::Migration(error.to_string())
}
