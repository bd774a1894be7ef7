//! 使用率 and what could be saved, of rows that somebody may see: reckoned in one way for pages, files and the card.

use crate::{
    category::Form,
    drugs::Class,
    month::Month,
    reckon::{self, PerMille, Taken},
    view::Medicine,
};
use chrono::NaiveDate;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Date, Integer, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use kernel::PersonId;
use std::collections::BTreeMap;
use tenancy::GenericSettings;

/// A medicine, as far as anything is reckoned of it.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(crate) struct Dispensed {
    #[diesel(sql_type = Date)]
    month: Month,
    #[diesel(sql_type = SqlUuid)]
    person: PersonId,
    #[diesel(sql_type = Text)]
    form: Form,
    #[diesel(sql_type = BigInt)]
    daily_milli: i64,
    #[diesel(sql_type = SmallInt)]
    count: i16,
    #[diesel(sql_type = Text)]
    class: Class,
    #[diesel(sql_type = Integer)]
    saving: i32,
    #[diesel(sql_type = Nullable<Date>)]
    born_on: Option<NaiveDate>,
}

/// The columns of a [`Dispensed`].
pub(crate) const DISPENSED: &str =
    "r.month, r.person_id AS person, r.form, r.daily_milli, r.count, r.class, r.saving_yen AS saving, p.born_on";

/// 使用率; none where nothing was taken of which there are generics.
pub(crate) fn usage<R: Into<Dispensed>>(rows: impl IntoIterator<Item = R>) -> Option<PerMille> {
    reckon::usage(rows.into_iter().map(|row| row.into().taken()))
}

/// What the insurer proposes of rows, by month and person.
pub(crate) struct Savings {
    settings: GenericSettings,
    yen: BTreeMap<(Month, PersonId), i64>,
}

impl Savings {
    /// Of all rows of each month and person that are in sight.
    pub(crate) fn of<R: Into<Dispensed>>(rows: impl IntoIterator<Item = R>, settings: &GenericSettings) -> Self {
        let mut each: BTreeMap<(Month, PersonId), Vec<Dispensed>> = BTreeMap::new();
        for row in rows.into_iter().map(Into::into) {
            each.entry((row.month, row.person)).or_default().push(row);
        }
        let saving = |rows: Vec<Dispensed>| {
            let age = rows.first().and_then(Dispensed::age);
            reckon::month_saving(rows.iter().map(Dispensed::taken), settings, age)
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
        of_month.is_some_and(|yen| yen > 0) && reckon::is_proposed(&Dispensed::from(row).taken(), &self.settings)
    }
}

impl Dispensed {
    fn taken(&self) -> Taken {
        Taken {
            class: self.class,
            form: self.form,
            daily_milli: self.daily_milli,
            count: self.count,
            saving_yen: self.saving,
        }
    }

    /// On the month's first day.
    fn age(&self) -> Option<u32> {
        let age = roster::age_on(self.born_on?, self.month.first());
        u32::try_from(age).ok()
    }
}

impl From<&Medicine> for Dispensed {
    fn from(row: &Medicine) -> Self {
        Self {
            month: row.month,
            person: row.person,
            form: row.form,
            daily_milli: row.daily_milli,
            count: row.count,
            class: Class::from_word(&row.class).unwrap_or_default(),
            saving: row.saving,
            born_on: row.born_on,
        }
    }
}
