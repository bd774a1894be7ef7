//! A few people of each kind of change.

use super::{Merge, stated::called, unsigned};
use crate::import::report::Sample;
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

impl Merge<'_> {
    /// A few people of each kind of change, as whoever decides on the import is shown them.
    pub(in crate::import) async fn samples(&self, tx: &mut TenantTransaction) -> Result<Vec<Sample>, DatabaseError> {
        let query = diesel::sql_query(SAMPLES)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(self.position);
        let rows: Vec<SampleRow> = query.load(&mut **tx).await?;
        Ok(rows.into_iter().map(Sample::from).collect())
    }
}

#[derive(QueryableByName)]
struct SampleRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Array<Text>)]
    fields: Vec<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    line: Option<i64>,
    #[diesel(sql_type = Text)]
    symbol: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    branch: String,
    #[diesel(sql_type = Text)]
    kana_name: String,
    #[diesel(sql_type = Text)]
    name: String,
}

impl From<SampleRow> for Sample {
    fn from(row: SampleRow) -> Self {
        let parts = [row.symbol, row.number, row.branch];
        let parts: Vec<&str> = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        let fields = row.fields.iter().filter_map(|field| called(field)).map(str::to_owned);
        Self {
            kind: row.kind,
            person_id: row.person_id,
            line: row.line.map(unsigned),
            number: parts.join("・"),
            name: if row.name.is_empty() { row.kana_name } else { row.name },
            fields: fields.collect(),
        }
    }
}

/// Of the new the row says who they are, of the others the roster.
const SAMPLES: &str = "
    WITH few AS (
        SELECT * FROM (
            SELECT position, kind, person_id, fields, row_number() OVER (PARTITION BY kind ORDER BY position) AS nth
            FROM roster_changes WHERE tenant_id = $1 AND position > $2
        ) AS of_kind WHERE nth <= 5
    )
    SELECT f.position, f.kind, f.person_id, f.fields, s.line, s.symbol, s.number, s.branch, s.kana_name, s.name
    FROM few f JOIN roster_staging s ON s.tenant_id = $1 AND s.person_id = f.person_id
    WHERE f.kind = 'new'
    UNION ALL
    SELECT f.position, f.kind, f.person_id, f.fields, m.line, p.symbol, p.number, p.branch, p.kana_name, p.name
    FROM few f
    JOIN persons p ON p.tenant_id = $1 AND p.person_id = f.person_id
    LEFT JOIN roster_matches m ON m.tenant_id = $1 AND m.person_id = f.person_id
    WHERE f.kind <> 'new'
    ORDER BY position";
