//! Columns that hang on a key of the ring: how many values hang on which, and sealing them anew. Each crate declares its
//! own beside its tables; a test holds the catalogue against what is declared.

use crate::{Database, DatabaseError, Durability, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Binary, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use kernel::{Keys, Owner, TenantId};
use uuid::Uuid;

/// Values sealed anew in one transaction, at most …
const BATCH: usize = 200;
/// … and as many bytes, to which the last value may add: a piece of an upload has a megabyte.
const BYTES: usize = 4 << 20;

/// A column of a tenant table whose values a key of the ring made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyed {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// What the key did.
    pub kind: Kind,
}

/// What a key did to a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sealed for a purpose, bound to the row whose id, together with its insurer's the primary key, stands in `owner`.
    Sealed {
        /// The column of the id.
        owner: &'static str,
        /// What they are sealed for.
        purpose: &'static str,
    },
    /// Hashed: short-lived, and sought under every key.
    Hash,
}

/// How sealing anew went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resealed {
    /// Values sealed anew.
    pub values: usize,
    /// Values that do not open: their key is not in the ring, or they are not what their row says.
    pub closed: usize,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = BigInt)]
    values: i64,
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = SqlUuid)]
    owner: Uuid,
    #[diesel(sql_type = Binary)]
    value: Vec<u8>,
}

impl Keyed {
    /// How many values of an insurer hang on which key. A sealed value of the older form is its key's too; what names no
    /// key hangs on none, and is found by nothing.
    pub async fn count(&self, tx: &mut TenantTransaction) -> Result<Vec<(String, i64)>, DatabaseError> {
        let Self { table, column, kind } = self;
        let (marked, older) = match kind {
            Kind::Sealed { .. } => (
                String::new(),
                format!("encode(substr({column}, 2, get_byte({column}, 0)), 'escape')"),
            ),
            Kind::Hash => (
                format!(" AND length({column}) = 34 + get_byte({column}, 1)"),
                "''".to_owned(),
            ),
        };
        let query = format!(
            "SELECT CASE WHEN get_byte({column}, 0) = 0{marked}
                 THEN encode(substr({column}, 3, get_byte({column}, 1)), 'escape') ELSE {older} END AS key_id,
                 count(*) AS values
             FROM {table} WHERE tenant_id = $1 AND length({column}) > 0 GROUP BY 1 ORDER BY 1"
        );
        let counts: Vec<Count> = diesel::sql_query(query)
            .bind::<Integer, _>(tx.tenant())
            .load(&mut **tx)
            .await?;
        let named = counts.into_iter().filter(|count| !count.key_id.is_empty());
        Ok(named.map(|count| (count.key_id, count.values)).collect())
    }

    /// Seals an insurer's values anew with the current key, a few in each short transaction; what was changed meanwhile
    /// is left alone. Broken off, it goes on where it stopped.
    pub async fn reseal(&self, database: &Database, tenant: TenantId, keys: &Keys) -> Result<Resealed, DatabaseError> {
        let mut done = Resealed::default();
        let Kind::Sealed { owner, purpose } = self.kind else {
            return Ok(done);
        };
        let mut after = Uuid::nil();
        loop {
            let mut tx = database.tenant(tenant).write(Durability::Safe).await?;
            let values = self.outdated(&mut tx, owner, after, &keys.mark()).await?;
            let Some(last) = values.last() else {
                tx.commit().await?;
                return Ok(done);
            };
            after = last.owner;
            for Value { owner: id, value } in values {
                match keys.reseal(purpose, Owner { tenant, id }, &value) {
                    Ok(Some(anew)) => done.values += self.replace(&mut tx, owner, id, &value, &anew).await?,
                    Ok(None) => {}
                    Err(_) => done.closed += 1,
                }
            }
            tx.commit().await?;
        }
    }

    async fn outdated(
        &self,
        tx: &mut TenantTransaction,
        owner: &str,
        after: Uuid,
        mark: &[u8],
    ) -> Result<Vec<Value>, DatabaseError> {
        let Self { table, column, .. } = self;
        let query = format!(
            "SELECT owner, value FROM (
                 SELECT {owner} AS owner, {column} AS value,
                     sum(length({column})) OVER (ORDER BY {owner}) - length({column}) AS bytes_before
                 FROM {table}
                 WHERE tenant_id = $1 AND {owner} > $2 AND length({column}) > 0 AND substr({column}, 1, {}) <> $3
                 ORDER BY {owner} LIMIT {BATCH}
             ) AS next WHERE bytes_before < {BYTES} ORDER BY owner",
            mark.len()
        );
        Ok(diesel::sql_query(query)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(after)
            .bind::<Binary, _>(mark)
            .load(&mut **tx)
            .await?)
    }

    async fn replace(
        &self,
        tx: &mut TenantTransaction,
        owner: &str,
        id: Uuid,
        before: &[u8],
        anew: &[u8],
    ) -> Result<usize, DatabaseError> {
        let Self { table, column, .. } = self;
        let update =
            format!("UPDATE {table} SET {column} = $4 WHERE tenant_id = $1 AND {owner} = $2 AND {column} = $3");
        Ok(diesel::sql_query(update)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SqlUuid, _>(id)
            .bind::<Binary, _>(before)
            .bind::<Binary, _>(anew)
            .execute(&mut **tx)
            .await?)
    }
}
