//! A few people of each kind of change.

use super::{Merge, stated::called, unsigned};
use crate::import::report::{Corrected, Sample};
use chrono::NaiveDate;
use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Date, Integer, Nullable, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{PersonId, calendar::date_both};

impl Merge<'_> {
    /// A few people of each kind of change, and more of those whose birth date is corrected, as whoever decides on the import is
    /// shown them.
    pub(in crate::import) async fn samples(&self, tx: &mut TenantTransaction) -> Result<Vec<Sample>, DatabaseError> {
        let query = diesel::sql_query(SAMPLES)
            .bind::<Integer, _>(tx.tenant())
            .bind::<BigInt, _>(self.position)
            .bind::<BigInt, _>(Corrected::MOST_LINES);
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
    #[diesel(sql_type = Nullable<Date>)]
    born: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Date>)]
    corrected: Option<NaiveDate>,
}

impl From<SampleRow> for Sample {
    fn from(row: SampleRow) -> Self {
        let parts = [row.symbol, row.number, row.branch];
        let parts: Vec<&str> = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        let birth_dates = row.born.zip(row.corrected);
        let fields = row.fields.iter().filter_map(|field| {
            let called = called(field)?;
            Some(match birth_dates.filter(|_| field == "birth_date") {
                Some((was, is)) => format!("{called}（{} → {}）", date_both(was), date_both(is)),
                None => called.to_owned(),
            })
        });
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
            SELECT position, kind, person_id, fields, row_number() OVER (PARTITION BY kind ORDER BY position) AS nth,
                'birth_date' = ANY (fields) AS is_corrected,
                row_number() OVER (PARTITION BY 'birth_date' = ANY (fields) ORDER BY position) AS nth_corrected
            FROM roster_changes WHERE tenant_id = $1 AND position > $2
        ) AS of_kind WHERE nth <= 5 OR (is_corrected AND nth_corrected <= $3)
    )
    SELECT f.position, f.kind, f.person_id, f.fields, s.line, s.symbol, s.number, s.branch, s.kana_name, s.name,
        NULL::date AS born, NULL::date AS corrected
    FROM few f JOIN roster_staging s ON s.tenant_id = $1 AND s.person_id = f.person_id
    WHERE f.kind = 'new'
    UNION ALL
    SELECT f.position, f.kind, f.person_id, f.fields, m.line, p.symbol, p.number, p.branch, p.kana_name, p.name,
        p.birth_date AS born, s.birth_date AS corrected
    FROM few f
    JOIN persons p ON p.tenant_id = $1 AND p.person_id = f.person_id
    LEFT JOIN roster_matches m ON m.tenant_id = $1 AND m.person_id = f.person_id
    LEFT JOIN roster_staging s ON s.tenant_id = $1 AND s.line = m.line
    WHERE f.kind <> 'new'
    ORDER BY position";
