//! 確認, the first step of an import: the file is read to its end, every row asked of the roster, and nothing written.

use crate::{
    compare::{self, Earlier},
    delivery::{self, Delivery},
    drugs::Tariffs,
    import::{ImportError, Progress, Run},
    kind::Kind,
    line::Line,
    matching::{HeldReason, matched},
    month::Month,
    reading::{self, FileRead},
    reasons::{ErrorLog, ImportRefused},
    tally::{Corrected, Tally},
};
use chrono::NaiveDate;
use database::{DatabaseError, Prepared, TenantDatabase, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl as _;
use kernel::PersonId;
use std::{
    collections::{BTreeMap, HashSet},
    io,
};
use tabular::{Chunk, Encoding, Source};
use tenancy::GenericSettings;

/// What is known of a file that was read to its end.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Of what it is.
    pub kind: Kind,
    /// 処理年月.
    pub label: Month,
    /// What it is called.
    pub file_name: String,
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    /// How it is written.
    pub encoding: Encoding,
    /// Columns that nobody reads.
    pub unknown_columns: Vec<String>,
    /// Rows and yen by month.
    pub tally: Tally,
    /// People whom the roster knows.
    pub persons: u64,
    /// Rows of nobody whom it knows.
    pub unknown: u64,
    /// Rows of whom it knows several.
    pub several: u64,
    /// What it changes of what is published.
    pub corrected: Corrected,
    /// Rows of medicines that their month's master has not.
    pub unknown_drugs: u64,
    /// The first month of which there is no master.
    pub without_master: Option<Month>,
    /// What is published of other labels, the newest few.
    pub earlier: Vec<Earlier>,
}

impl Checked {
    /// Rows that would wait.
    pub fn held(&self) -> u64 {
        self.unknown + self.several
    }
}

/// How a check ends.
pub(crate) enum Verdict {
    /// It may be loaded.
    Fit(Checked),
    /// It is published already.
    Same(Delivery),
    /// It is not taken; nothing is known of a file that names no 処理年月.
    Unfit(Option<Checked>, ImportRefused),
}

impl Run<'_> {
    /// Reads the file and says what would come of it.
    pub(crate) async fn check(
        &self,
        file: Source,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) -> Result<Verdict, ImportError> {
        let file_name = file.name().to_owned();
        let (mut chunks, reading) = reading::start(file, self.rules());
        let (mut looked, mut rows) = (Looked::new(self.generics), 0);
        while let Some(Chunk { batch, progress: read }) = chunks.recv().await {
            rows += batch.len() as u64;
            looked.look(&self.database, self.wish.kind, batch).await?;
            let percent = read.percent();
            progress(Progress::Checking { rows, percent });
        }
        let mut file = reading.await.map_err(io::Error::other)??;
        let errors = std::mem::take(&mut file.errors);
        let is_readable = errors.is_empty();
        let checked = file
            .label
            .map(|label| looked.checked((self.wish.kind, label), file_name, file));
        match checked {
            Some(checked) if is_readable => Ok(self.judge(checked).await?),
            checked => {
                // Sorting them reads files.
                let errors = tokio::task::spawn_blocking(|| errors.with(ErrorLog::default())).await;
                let errors = errors.map_err(io::Error::other)??;
                Ok(Verdict::Unfit(checked, ImportRefused::Rows(errors)))
            }
        }
    }

    /// Whether a file that can be read is one to be loaded.
    async fn judge(&self, mut checked: Checked) -> Result<Verdict, DatabaseError> {
        let Checked { kind, label, .. } = checked;
        let tx = self.database.read().await?;
        let years = database::years(&tx, kind.table()).await?;
        let published = delivery::published(&tx, kind, label).await?;
        checked.earlier = delivery::earlier(&tx, kind, label).await?;
        tx.commit().await?;
        let placeless = checked
            .tally
            .months()
            .into_iter()
            .find(|month| !years.contains(&month.year()));
        if let Some(month) = placeless {
            return Ok(Verdict::Unfit(
                Some(checked),
                ImportRefused::NoYear { year: month.year() },
            ));
        }
        if let Some(published) = published.filter(|published| published.file_hash == checked.hash) {
            return Ok(Verdict::Same(published));
        }
        let Tally { rows, too_old, .. } = checked.tally;
        if rows == 0 {
            return Ok(Verdict::Unfit(Some(checked), ImportRefused::TooOld { rows: too_old }));
        }
        if let Some(month) = checked.without_master {
            return Ok(Verdict::Unfit(Some(checked), ImportRefused::NoMaster { month }));
        }
        if let Some(why) = compare::nameless(rows, checked.unknown_drugs) {
            return Ok(Verdict::Unfit(Some(checked), why));
        }
        let doubts = compare::doubts(kind, (rows, checked.unknown), checked.tally.yen(), &checked.earlier);
        Ok(match doubts.into_iter().find(|doubt| !self.wish.allows(doubt)) {
            Some(why) => Verdict::Unfit(Some(checked), why),
            None => Verdict::Fit(checked),
        })
    }
}

/// What rows were found to be so far.
struct Looked {
    persons: HashSet<PersonId>,
    unknown: u64,
    several: u64,
    changes: Vec<Change>,
    /// The last row's claim: the next batch may begin with more of it.
    last: Option<(Month, String)>,
    tariffs: Tariffs,
    unknown_drugs: u64,
}

impl Looked {
    /// Nothing yet.
    fn new(generics: GenericSettings) -> Self {
        Self {
            persons: HashSet::new(),
            unknown: 0,
            several: 0,
            changes: Vec::new(),
            last: None,
            tariffs: Tariffs::new(generics),
            unknown_drugs: 0,
        }
    }

    async fn look(&mut self, database: &TenantDatabase, kind: Kind, lines: Vec<Line>) -> Result<(), DatabaseError> {
        let tx = database.read().await?;
        let changes = self.changes_by(&tx, kind, &lines).await?;
        self.changes.extend(changes);
        self.tariffs.prepare(&tx, &lines).await?;
        self.unknown_drugs += self.tariffs.unknown(&lines);
        self.last = lines.last().map(|line| (line.month(), line.claim().to_owned()));
        let matched = matched(&tx, lines).await?;
        tx.commit().await?;
        self.unknown += matched.held_for(HeldReason::Unknown);
        self.several += matched.held_for(HeldReason::Several);
        self.persons.extend(matched.persons());
        Ok(())
    }

    /// What these rows change, by the labels that have their claims.
    async fn changes_by(
        &self,
        tx: &TenantTransaction,
        kind: Kind,
        lines: &[Line],
    ) -> Result<Vec<Change>, DatabaseError> {
        let mut claims = BTreeMap::<(Month, &str), (i64, bool)>::new();
        for line in lines.iter().filter(|line| !line.claim().is_empty()) {
            let (yen, takes_back) = claims.entry((line.month(), line.claim())).or_default();
            *yen += line.yen();
            *takes_back |= line.withdrawn();
        }
        if let Some((month, claim)) = &self.last {
            claims.remove(&(*month, claim.as_str()));
        }
        let (months, keys): (Vec<NaiveDate>, Vec<&str>) = claims
            .keys()
            .map(|&(month, claim)| (Month::first(month), claim))
            .unzip();
        let (yen, take_back): (Vec<i64>, Vec<bool>) = claims.values().copied().unzip();
        let query = diesel::sql_query(changes(kind))
            .bind::<Integer, _>(tx.tenant())
            .bind::<Array<Date>, _>(months)
            .bind::<Array<Text>, _>(keys)
            .bind::<Array<BigInt>, _>(yen)
            .bind::<Array<Bool>, _>(take_back);
        Ok(Prepared(query).load(&mut &**tx).await?)
    }

    fn checked(self, (kind, label): (Kind, Month), file_name: String, file: FileRead) -> Checked {
        Checked {
            kind,
            label,
            file_name,
            hash: file.hash,
            encoding: file.encoding,
            unknown_columns: file.unknown_columns,
            tally: file.tally,
            persons: self.persons.len() as u64,
            unknown: self.unknown,
            several: self.several,
            corrected: corrected(&self.changes, label),
            unknown_drugs: self.unknown_drugs,
            without_master: self.tariffs.without_master(),
            earlier: Vec::new(),
        }
    }
}

/// Claims of the file that a published delivery has as well.
#[derive(QueryableByName)]
struct Change {
    /// The delivery's label.
    #[diesel(sql_type = Date)]
    label: Month,
    /// The next later one that has them, too.
    #[diesel(sql_type = Nullable<Date>)]
    later: Option<Month>,
    /// The latest one that has them.
    #[diesel(sql_type = Date)]
    latest: Month,
    /// Whether the file takes them back.
    #[diesel(sql_type = Bool)]
    take_back: bool,
    #[diesel(sql_type = BigInt)]
    claims: i64,
    /// By how much their 医療費の総額 changes.
    #[diesel(sql_type = BigInt)]
    yen: i64,
}

impl Change {
    /// Whether a file of this label changes them: they count until then, or would without the version that it replaces.
    fn is_by(&self, label: Month) -> bool {
        self.label < label && self.latest <= label && self.later.is_none_or(|later| later == label)
    }
}

fn corrected(changes: &[Change], label: Month) -> Corrected {
    let mut corrected = Corrected::default();
    for change in changes.iter().filter(|change| change.is_by(label)) {
        let claims = u64::try_from(change.claims).unwrap_or_default();
        if change.take_back {
            corrected.withdrawn += claims;
        } else {
            corrected.claims += claims;
            corrected.yen += change.yen;
        }
    }
    corrected
}

fn changes(kind: Kind) -> String {
    let (table, total) = match kind {
        Kind::Costs => (kind.table(), "r.total_yen"),
        Kind::Medicines => (kind.table(), "0"),
    };
    format!(
        "SELECT c.label, c.later, c.latest, c.take_back, count(*) AS claims, sum(c.yen)::bigint AS yen
         FROM (SELECT d.label, a.take_back, a.yen - sum(CASE WHEN r.withdrawn THEN 0 ELSE {total} END) AS yen,
                 lag(d.label) OVER labels AS later, first_value(d.label) OVER labels AS latest
               FROM unnest($2::date[], $3::text[], $4::bigint[], $5::bool[]) AS a (month, claim_key, yen, take_back)
               CROSS JOIN LATERAL (
                   SELECT * FROM {table} o
                   WHERE o.tenant_id = $1 AND o.month = a.month AND o.claim_key = a.claim_key AND o.claim_key <> '' OFFSET 0) r
               JOIN statement_deliveries d ON d.delivery = r.delivery
               WHERE d.tenant_id = $1 AND d.state = 'published'
               GROUP BY a.month, a.claim_key, a.yen, a.take_back, d.label
               WINDOW labels AS (PARTITION BY a.month, a.claim_key ORDER BY d.label DESC)) AS c
         GROUP BY c.label, c.later, c.latest, c.take_back"
    )
}
