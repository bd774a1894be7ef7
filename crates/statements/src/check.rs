//! 確認, the first step of an import: the file is read to its end, every row asked of the roster, and nothing written.

use crate::{
    against::{self, Against, Compared},
    compare::{self, Earlier},
    delivery::{self, Delivery, State},
    drugs::Tariffs,
    import::{ImportError, Progress, Run},
    kind::Kind,
    line::Line,
    matching::{HeldReason, Matched, match_all},
    month::Month,
    reading::{self, FileRead},
    reasons::{ErrorLog, ImportRefused},
    runs::Hidden,
    tally::{Corrected, Tally, Totals},
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
use tokio::sync::mpsc;

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
    /// Of these the protected, and their rows.
    pub hidden: Hidden,
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
    /// What is published of its own label.
    pub replaces: Option<Earlier>,
    /// The newest version of its label that was loaded from the very same bytes and may be published.
    pub same: Option<i32>,
    /// What it says otherwise than that.
    pub against: Option<Against>,
    compared: Compared,
}

impl Checked {
    /// What is kept of its sums.
    pub(crate) fn totals(&self) -> Totals {
        let by = self.tally.by.iter();
        Totals {
            by: by
                .map(|((month, category), sum)| (*month, category.clone(), *sum))
                .collect(),
            corrected: self.corrected,
            held: Some(self.held()),
            against: self.against,
        }
    }

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
        let (chunks, reading) = reading::start(file, self.rules());
        let (sender, mut matched) = mpsc::channel::<Chunk<Matched>>(1);
        let look = async {
            let (mut looked, mut rows) = (Looked::new(self.generics), 0);
            while let Some(Chunk { batch, progress: read }) = matched.recv().await {
                rows += batch.rows();
                looked.look(&self.database, self.wish.kind, batch).await?;
                let percent = read.percent();
                progress(Progress::Checking { rows, percent });
            }
            looked.end(&self.database, self.wish.kind).await?;
            Ok::<_, DatabaseError>((looked, rows))
        };
        let ((), (looked, rows)) = tokio::try_join!(match_all(&self.database, chunks, sender), look)?;
        let mut file = reading.await.map_err(io::Error::other)??;
        // To its end, whatever is wrong with it.
        progress(Progress::Checking { rows, percent: 100 });
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
        let versions = delivery::versions(&tx, kind, label).await?;
        let same = versions
            .iter()
            .find(|version| version.may_be_published() && version.file_hash == checked.hash);
        checked.same = same.map(|same| same.version);
        let published = versions.into_iter().find(|version| version.state == State::Published);
        checked.earlier = delivery::earlier(&tx, kind, label).await?;
        checked.replaces = published.as_ref().map(Earlier::from);
        if let Some(published) = &published {
            checked.against = Some(checked.compared.against(&tx, published).await?);
        }
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
    /// Of these the protected, and how many rows they have.
    hidden: (HashSet<PersonId>, u64),
    unknown: u64,
    several: u64,
    changes: Vec<Change>,
    /// Claims of which nobody was asked yet: the last one, for the next batch may begin with more of it.
    claims: BTreeMap<(Month, String), Claim>,
    /// Claims of which a row is shown.
    shown: u64,
    tariffs: Tariffs,
    unknown_drugs: u64,
}

impl Looked {
    /// Nothing yet.
    fn new(generics: GenericSettings) -> Self {
        Self {
            persons: HashSet::new(),
            hidden: (HashSet::new(), 0),
            unknown: 0,
            several: 0,
            changes: Vec::new(),
            claims: BTreeMap::new(),
            shown: 0,
            tariffs: Tariffs::new(generics),
            unknown_drugs: 0,
        }
    }

    async fn look(&mut self, database: &TenantDatabase, kind: Kind, matched: Matched) -> Result<(), DatabaseError> {
        let tx = database.read().await?;
        self.tariffs.prepare(&tx, matched.lines()).await?;
        self.unknown_drugs += self.tariffs.unknown(matched.lines());
        let last = matched.lines().max_by_key(|line| line.line());
        let last = last.map(|line| (line.month(), line.claim().to_owned()));
        for found in &matched.found {
            self.add(&found.line, !found.line.withdrawn());
        }
        for (line, _) in &matched.held {
            self.add(line, false);
        }
        let begun = last.and_then(|last| self.claims.remove_entry(&last));
        self.ask(&tx, kind).await?;
        self.claims.extend(begun);
        self.ask_hidden(&tx, &matched).await?;
        tx.commit().await?;
        self.unknown += matched.held_for(HeldReason::Unknown);
        self.several += matched.held_for(HeldReason::Several);
        self.persons.extend(matched.persons());
        Ok(())
    }

    /// Which rows are of protected people.
    async fn ask_hidden(&mut self, tx: &TenantTransaction, matched: &Matched) -> Result<(), DatabaseError> {
        let persons: HashSet<PersonId> = matched.persons().collect();
        let persons: Vec<PersonId> = persons.into_iter().collect();
        let protected = roster::protection::protected_of(tx, &persons).await?;
        let (hidden, rows) = &mut self.hidden;
        *rows += matched.persons().filter(|person| protected.contains(person)).count() as u64;
        hidden.extend(protected);
        Ok(())
    }

    /// Adds a row to its claim.
    fn add(&mut self, line: &Line, is_shown: bool) {
        if line.claim().is_empty() {
            return;
        }
        let claim = self.claims.entry((line.month(), line.claim().to_owned())).or_default();
        claim.takes_back |= line.withdrawn();
        claim.is_shown |= is_shown;
        if is_shown {
            claim.yen += line.yen();
            claim.measure += against::measure(line);
        }
    }

    /// What is still to be asked.
    async fn end(&mut self, database: &TenantDatabase, kind: Kind) -> Result<(), DatabaseError> {
        let tx = database.read().await?;
        self.ask(&tx, kind).await?;
        tx.commit().await
    }

    /// What these claims change, by the labels that have them.
    async fn ask(&mut self, tx: &TenantTransaction, kind: Kind) -> Result<(), DatabaseError> {
        let claims = std::mem::take(&mut self.claims);
        self.shown += claims.values().filter(|claim| claim.is_shown).count() as u64;
        let (months, keys): (Vec<NaiveDate>, Vec<&str>) = claims
            .keys()
            .map(|(month, claim)| (Month::first(*month), claim.as_str()))
            .unzip();
        let of = |claim: &Claim| ((claim.yen, claim.takes_back), (claim.measure, claim.is_shown));
        let (said, shown): (Vec<_>, Vec<_>) = claims.values().map(of).unzip();
        let (yen, take_back): (Vec<i64>, Vec<bool>) = said.into_iter().unzip();
        let (measures, are_shown): (Vec<i64>, Vec<bool>) = shown.into_iter().unzip();
        let query = diesel::sql_query(changes(kind))
            .bind::<Integer, _>(tx.tenant())
            .bind::<Array<Date>, _>(months)
            .bind::<Array<Text>, _>(keys)
            .bind::<Array<BigInt>, _>(yen)
            .bind::<Array<Bool>, _>(take_back)
            .bind::<Array<BigInt>, _>(measures)
            .bind::<Array<Bool>, _>(are_shown);
        let changes: Vec<Change> = Prepared(query).load(&mut &**tx).await?;
        self.changes.extend(changes);
        Ok(())
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
            hidden: Hidden {
                persons: self.hidden.0.len() as u64,
                rows: self.hidden.1,
            },
            unknown: self.unknown,
            several: self.several,
            corrected: corrected(&self.changes, label),
            compared: compared(&self.changes, label, self.shown),
            unknown_drugs: self.unknown_drugs,
            without_master: self.tariffs.without_master(),
            earlier: Vec::new(),
            replaces: None,
            same: None,
            against: None,
        }
    }
}

/// What rows say of a claim. Those that wait are not shown, but what they correct is not shown any more either.
#[derive(Default)]
struct Claim {
    /// 医療費の総額 of its rows that are shown.
    yen: i64,
    /// What of them is compared besides.
    measure: i64,
    /// Whether there are such.
    is_shown: bool,
    takes_back: bool,
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
    /// By how much their 医療費の総額 changes that is shown.
    #[diesel(sql_type = BigInt)]
    yen: i64,
    /// Those that both show.
    #[diesel(sql_type = BigInt)]
    common: i64,
    /// Those of them of which the two say other amounts, or quantities.
    #[diesel(sql_type = BigInt)]
    changed: i64,
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

/// Of these claims those of the version that is published of the label.
fn compared(changes: &[Change], label: Month, claims: u64) -> Compared {
    let own = changes.iter().filter(|change| change.label == label);
    own.fold(
        Compared {
            claims,
            ..Compared::default()
        },
        |sum, change| Compared {
            common: sum.common + u64::try_from(change.common).unwrap_or_default(),
            changed: sum.changed + u64::try_from(change.changed).unwrap_or_default(),
            ..sum
        },
    )
}

/// What is compared besides 医療費の総額 is as [`against::measure`] has it.
fn changes(kind: Kind) -> String {
    let (table, total, measure) = match kind {
        Kind::Costs => (kind.table(), "r.total_yen", "r.copay_yen"),
        Kind::Medicines => (kind.table(), "0", "r.daily_milli * r.count"),
    };
    format!(
        "SELECT c.label, c.later, c.latest, c.take_back, count(*) AS claims, sum(c.yen)::bigint AS yen,
           count(*) FILTER (WHERE c.is_shown AND c.stands) AS common,
           count(*) FILTER (WHERE c.is_shown AND c.stands AND (c.yen <> 0 OR c.measure <> 0)) AS changed
         FROM (SELECT d.label, a.take_back, a.is_shown, bool_or(NOT r.withdrawn) AS stands,
                 a.yen - sum(CASE WHEN r.withdrawn THEN 0 ELSE {total} END) AS yen,
                 a.measure - sum(CASE WHEN r.withdrawn THEN 0 ELSE {measure} END) AS measure,
                 lag(d.label) OVER labels AS later, first_value(d.label) OVER labels AS latest
               FROM unnest($2::date[], $3::text[], $4::bigint[], $5::bool[], $6::bigint[], $7::bool[])
                 AS a (month, claim_key, yen, take_back, measure, is_shown)
               CROSS JOIN LATERAL (
                   SELECT * FROM {table} o
                   WHERE o.tenant_id = $1 AND o.month = a.month AND o.claim_key = a.claim_key AND o.claim_key <> '' OFFSET 0) r
               CROSS JOIN LATERAL (
                   SELECT * FROM statement_deliveries o WHERE o.tenant_id = $1 AND o.delivery = r.delivery OFFSET 0) d
               WHERE d.state = 'published'
               GROUP BY a.month, a.claim_key, a.yen, a.take_back, a.measure, a.is_shown, d.label
               WINDOW labels AS (PARTITION BY a.month, a.claim_key ORDER BY d.label DESC)) AS c
         GROUP BY c.label, c.later, c.latest, c.take_back"
    )
}
