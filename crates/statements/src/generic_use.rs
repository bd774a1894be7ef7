//! 使用率 and what could be saved, of rows that somebody may see: reckoned in one way for pages, files and the card.

use crate::{
    drugs::Class,
    month::Month,
    reckon::{self, PerMille, Taken},
    view::Medicine,
};
use kernel::PersonId;
use std::collections::BTreeMap;
use tenancy::GenericSettings;

/// 使用率; none where nothing was taken of which there are generics.
pub(crate) fn usage<'a>(rows: impl IntoIterator<Item = &'a Medicine>) -> Option<PerMille> {
    reckon::usage(rows.into_iter().map(taken))
}

/// What the insurer proposes of rows, by month and person.
pub(crate) struct Savings {
    settings: GenericSettings,
    yen: BTreeMap<(Month, PersonId), i64>,
}

impl Savings {
    /// Of all rows of each month and person that are in sight.
    pub(crate) fn of(rows: &[Medicine], settings: &GenericSettings) -> Self {
        let mut each: BTreeMap<(Month, PersonId), Vec<&Medicine>> = BTreeMap::new();
        for row in rows {
            each.entry((row.month, row.person)).or_default().push(row);
        }
        let saving = |rows: Vec<&Medicine>| {
            let age = rows.first().and_then(|row| age(row));
            reckon::month_saving(rows.into_iter().map(taken), settings, age)
        };
        Self {
            settings: *settings,
            yen: each.into_iter().map(|(of, rows)| (of, saving(rows))).collect(),
        }
    }

    /// 削減可能金額 of a month, of everybody together.
    pub(crate) fn of_month(&self, month: Month) -> i64 {
        let of_month = self.yen.iter().filter(|((of, _), _)| *of == month);
        of_month.map(|(_, yen)| *yen).sum()
    }

    /// The month that saves most, with what it saves.
    pub(crate) fn best(&self) -> Option<(Month, i64)> {
        let mut months: BTreeMap<Month, i64> = BTreeMap::new();
        for ((month, _), yen) in &self.yen {
            *months.entry(*month).or_default() += yen;
        }
        reckon::best(months)
    }

    /// True of a medicine for which others are proposed.
    pub(crate) fn proposes(&self, row: &Medicine) -> bool {
        let of_month = self.yen.get(&(row.month, row.person)).copied();
        of_month.is_some_and(|yen| yen > 0) && reckon::is_proposed(&taken(row), &self.settings)
    }
}

fn taken(row: &Medicine) -> Taken {
    Taken {
        class: Class::from_word(&row.class).unwrap_or_default(),
        form: row.form,
        daily_milli: row.daily_milli,
        count: row.count,
        saving_yen: row.saving,
    }
}

/// On the month's first day.
fn age(row: &Medicine) -> Option<u32> {
    let age = roster::age_on(row.born_on?, row.month.first());
    u32::try_from(age).ok()
}
