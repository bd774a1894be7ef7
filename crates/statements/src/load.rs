//! 取り込み proper, the second step of an import: the same file again, ten thousand rows a transaction, into a delivery that
//! nobody sees before it is whole.

use crate::{
    check::Checked,
    delivery::{self, Delivery, Lease},
    drugs::Tariffs,
    held,
    import::{ImportError, Progress, Run},
    line::Line,
    matching::{Matched, match_all},
    month::Month,
    purge, reading,
    reasons::ImportRefused,
    rows, runs, shared, struck,
};
use database::{DatabaseError, Durability, TenantTransaction};
use jobs::Event;
use kernel::PersonId;
use serde_json::json;
use std::{
    collections::{BTreeSet, HashSet},
    io,
};
use tabular::{Chunk, Source};
use tokio::sync::mpsc::{self, Receiver};

/// Batches of [`reading::BATCH`] that are committed at once.
const BATCHES: usize = 4;

/// What was loaded so far, and what it is reckoned by.
struct Loaded {
    rows: u64,
    persons: HashSet<PersonId>,
    held: u64,
    tariffs: Tariffs,
}

impl Run<'_> {
    /// Loads the file that was checked. Broken off, it leaves rows that nobody sees: the next one gives them up once the lease
    /// has lapsed, and the sweep deletes them.
    pub(crate) async fn load(
        &self,
        file: Source,
        checked: &Checked,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) -> Result<Delivery, ImportError> {
        let lease = self.begin(checked).await?;
        let (chunks, reading) = reading::start(file, self.rules());
        let (sender, matched) = mpsc::channel(1);
        let store = self.store_all((&lease, checked), matched, progress);
        let match_all = async { Ok(match_all(&self.database, chunks, sender).await?) };
        let ((), loaded) = tokio::try_join!(match_all, store)?;
        let file = reading.await.map_err(io::Error::other)??;
        if file.hash != checked.hash {
            self.give_up(&lease, ImportRefused::Changed).await?;
        }
        self.end((&lease, checked), &loaded).await
    }

    /// Takes the place of the kind, also from whoever died over it.
    async fn begin(&self, checked: &Checked) -> Result<Lease, ImportError> {
        let mut tx = self.database.write(Durability::Safe).await?;
        delivery::give_up_lapsed(&mut tx, self.now).await?;
        let Some(lease) = delivery::begin(&mut tx, self.now, checked, self.wish.staff()).await? else {
            tx.commit().await?;
            return Err(ImportRefused::AtWork.into());
        };
        if let Some(run) = self.wish.run
            && !runs::loads(&mut tx, run, lease.delivery).await?
        {
            return Err(ImportRefused::TakenOver.into());
        }
        tx.commit().await?;
        Ok(lease)
    }

    async fn store_all(
        &self,
        on: (&Lease, &Checked),
        mut chunks: Receiver<Chunk<Matched>>,
        progress: &(impl Fn(Progress) + Send + Sync),
    ) -> Result<Loaded, ImportError> {
        let mut waiting = Vec::new();
        let mut loaded = Loaded {
            rows: 0,
            persons: HashSet::new(),
            held: 0,
            tariffs: Tariffs::new(self.generics),
        };
        while let Some(Chunk { batch, progress: read }) = chunks.recv().await {
            loaded.rows += batch.rows();
            waiting.push(batch);
            if waiting.len() == BATCHES {
                self.store(on, std::mem::take(&mut waiting), &mut loaded).await?;
                let percent = read.percent();
                progress(Progress::Loading {
                    rows: loaded.rows,
                    percent,
                });
            }
        }
        self.store(on, waiting, &mut loaded).await?;
        Ok(loaded)
    }

    /// One transaction's rows. The lease is held by it: nobody else may think that this import died before it is committed.
    async fn store(
        &self,
        (lease, checked): (&Lease, &Checked),
        batches: Vec<Matched>,
        loaded: &mut Loaded,
    ) -> Result<(), ImportError> {
        let mut tx = self.database.write(Durability::Safe).await?;
        if !delivery::renew(&mut tx, lease).await? {
            return Err(ImportRefused::TakenOver.into());
        }
        for matched in batches {
            loaded.tariffs.prepare(&tx, matched.lines()).await?;
            loaded.persons.extend(matched.persons());
            loaded.held += matched.held.len() as u64;
            self.keep(&mut tx, (lease, checked), matched, &loaded.tariffs).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn keep(
        &self,
        tx: &mut TenantTransaction,
        (lease, checked): (&Lease, &Checked),
        matched: Matched,
        tariffs: &Tariffs,
    ) -> Result<(), DatabaseError> {
        let (kind, label, delivery) = (checked.kind, checked.label, lease.delivery);
        let waiting = claims(matched.held.iter().map(|(line, _)| line));
        shared::note_waiting(tx, delivery, &waiting).await?;
        // Before its own rows are there: what is looked for are those of others.
        shared::note(tx, kind, delivery, label, &claims(matched.lines())).await?;
        rows::insert(tx, kind, delivery, Some(lease.by.0), matched.found, tariffs).await?;
        held::hold(tx, &self.on.keys, self.now, delivery, matched.held).await
    }

    async fn give_up(&self, lease: &Lease, why: ImportRefused) -> Result<(), ImportError> {
        let mut tx = self.database.write(Durability::Safe).await?;
        delivery::give_up(&mut tx, self.now, lease).await?;
        let detail = json!({ "kind": self.wish.kind.as_str() });
        self.record(&tx, Some(lease.id), why.code(), detail).await?;
        tx.commit().await?;
        Err(why.into())
    }

    async fn end(&self, (lease, checked): (&Lease, &Checked), loaded: &Loaded) -> Result<Delivery, ImportError> {
        let mut tx = self.database.write(Durability::Safe).await?;
        // Its own head before the kind's, as whoever gives up the loads of the dead takes them.
        if !delivery::renew(&mut tx, lease).await? {
            return Err(ImportRefused::TakenOver.into());
        }
        delivery::hold(&mut tx, checked.kind).await?;
        let forgotten = forgotten(&tx, &loaded.persons).await?;
        purge::erase(&mut tx, checked.kind, &forgotten).await?;
        struck::mark(&mut tx, checked.kind, lease.delivery).await?;
        let persons = (loaded.persons.len() - forgotten.len()) as u64;
        if !delivery::end(&mut tx, lease, (persons, loaded.held)).await? {
            return Err(ImportRefused::TakenOver.into());
        }
        let Some(delivery) = delivery::one(&tx, lease.delivery).await? else {
            return Err(ImportRefused::TakenOver.into());
        };
        if let Some(run) = self.wish.run
            && !runs::loaded(&mut tx, run, loaded.rows, self.on.clock.now()).await?
        {
            return Err(ImportRefused::TakenOver.into());
        }
        let (kind, label, version) = (delivery.kind.as_str(), checked.label.to_string(), delivery.version);
        // How much of it there is stays in the house.
        let event = Event {
            kind: "statement.imported",
            subject: delivery.id.0,
            payload: json!({ "kind": kind, "label": label, "version": version }),
        };
        let detail = json!({
            "kind": kind, "label": label, "version": version, "rows": delivery.rows, "held": delivery.held,
        });
        jobs::publish(&mut tx, self.now, event);
        self.record(&tx, Some(delivery.id), "done", detail).await?;
        tx.commit().await?;
        Ok(delivery)
    }
}

/// Those of these people whom the house has forgotten since their rows were loaded.
async fn forgotten(tx: &TenantTransaction, persons: &HashSet<PersonId>) -> Result<Vec<PersonId>, DatabaseError> {
    let persons: Vec<PersonId> = persons.iter().copied().collect();
    let mut forgotten = Vec::new();
    for some in persons.chunks(roster::RESOLVED_AT_ONCE) {
        forgotten.extend(roster::forget::forgotten(tx, some).await?);
    }
    Ok(forgotten)
}

/// The claims that lines name, each once.
fn claims<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<(Month, String)> {
    let named = lines.filter(|line| !line.claim().is_empty());
    let claims: BTreeSet<_> = named.map(|line| (line.month(), line.claim())).collect();
    claims
        .into_iter()
        .map(|(month, claim)| (month, claim.to_owned()))
        .collect()
}
