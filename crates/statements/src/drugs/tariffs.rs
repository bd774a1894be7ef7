//! What rows are reckoned by while they are loaded: of each month that a file has, the master that was in force on its first
//! day. A master is read once for all months that are asked for together.

use crate::{
    drugs::{self, Version},
    line::{Line, MedicineLine},
    month::Month,
    reckon::{Reckoned, Tariff},
};
use chrono::NaiveDate;
use database::{DatabaseError, TenantTransaction};
use std::collections::{BTreeMap, BTreeSet};
use tenancy::GenericSettings;

/// The months' tariffs, as far as they were asked for. Of a month without a master it is known that it has none.
#[derive(Debug)]
pub(crate) struct Tariffs {
    settings: GenericSettings,
    months: BTreeMap<Month, Option<Tariff>>,
}

impl Tariffs {
    /// None yet.
    pub(crate) fn new(settings: GenericSettings) -> Self {
        Self {
            settings,
            months: BTreeMap::new(),
        }
    }

    /// Reads what is needed for these lines and was not yet. Costs need nothing.
    pub(crate) async fn prepare<'a>(
        &mut self,
        tx: &TenantTransaction,
        lines: impl Iterator<Item = &'a Line>,
    ) -> Result<(), DatabaseError> {
        let months: BTreeSet<Month> = medicines(lines).map(|line| line.month).collect();
        self.prepare_months(tx, months).await
    }

    /// The same for months.
    pub(crate) async fn prepare_months(
        &mut self,
        tx: &TenantTransaction,
        months: impl IntoIterator<Item = Month>,
    ) -> Result<(), DatabaseError> {
        let new = months.into_iter().filter(|month| !self.months.contains_key(month));
        let new: Vec<NaiveDate> = new.map(Month::first).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut by_version = BTreeMap::<Version, Vec<NaiveDate>>::new();
        for (day, version) in drugs::in_force(tx, new.clone()).await? {
            by_version.entry(version).or_default().push(day);
        }
        self.months.extend(new.into_iter().map(|day| (Month::of(day), None)));
        for (version, days) in by_version {
            let master = drugs::all(tx, version).await?;
            for day in days {
                let tariff = Tariff::of(&master, day, &self.settings);
                self.months.insert(Month::of(day), Some(tariff));
            }
        }
        Ok(())
    }

    /// The first month of those asked for that has no master.
    pub(crate) fn without_master(&self) -> Option<Month> {
        let mut without = self.months.iter().filter(|(_, tariff)| tariff.is_none());
        without.next().map(|(month, _)| *month)
    }

    /// How many of these lines are of a code that their month's master has not.
    pub(crate) fn unknown<'a>(&self, lines: impl Iterator<Item = &'a Line>) -> u64 {
        let is_known = |line: &MedicineLine| self.of(line.month).is_some_and(|tariff| tariff.has(&line.drug));
        medicines(lines).filter(|line| !is_known(line)).count() as u64
    }

    /// What a line comes to; nothing where its code is not known, nor of one that takes its claim back.
    pub(crate) fn reckon(&self, line: &MedicineLine) -> Reckoned {
        let MedicineLine {
            month,
            drug,
            form,
            daily_milli,
            count,
            rate,
            ..
        } = line;
        self.of(*month).map_or_else(Reckoned::default, |tariff| {
            tariff.reckon(drug, *form, *daily_milli, *count, *rate)
        })
    }

    /// That of a month that was asked for.
    pub(crate) fn of(&self, month: Month) -> Option<&Tariff> {
        self.months.get(&month)?.as_ref()
    }
}

/// The lines that are of a medicine, and do not only take their claim back.
fn medicines<'a>(lines: impl Iterator<Item = &'a Line>) -> impl Iterator<Item = &'a MedicineLine> {
    lines.filter_map(|line| match line {
        Line::Medicine(line) if !line.withdrawn => Some(line),
        Line::Medicine(_) | Line::Cost(_) => None,
    })
}
