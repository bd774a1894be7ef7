//! 削減可能金額: what somebody would pay less.

use crate::{category::Form, month::Month, reckon::Taken};
use tenancy::GenericSettings;

/// 1/100 yen × thousandths × tenths in a yen.
const YEN: i128 = 100 * 1_000 * 10;
/// Months of treatment among which the best is shown (kyosai-nara's own notices, domain.md §6).
pub(crate) const WINDOW: u32 = 6;

/// What a line would cost less with a candidate: (price − candidate's) × 1日量 × 日数 × 負担割合, rounded down to yen (domain.md §6). Never
/// less than nothing. Technical fees, which rise a little for generics, are left out.
pub fn saving_yen(price_sen: i64, candidate_sen: i64, daily_milli: i64, count: i16, rate: i16) -> i32 {
    share_yen(price_sen.saturating_sub(candidate_sen), daily_milli, count, rate)
}

/// What somebody pays for a line by the price list: price × 1日量 × 日数 × 負担割合, rounded down to yen.
pub fn share_yen(price_sen: i64, daily_milli: i64, count: i16, rate: i16) -> i32 {
    let factors = [price_sen, daily_milli, count.into(), rate.into()].map(|factor| i128::from(factor.max(0)));
    // Two of 63 bits and two of 15 are too much together, though no master and no file has such.
    let product = factors.into_iter().fold(1i128, i128::saturating_mul);
    i32::try_from(product / YEN).unwrap_or(i32::MAX)
}

/// True where a line by itself saves enough, and is taken long enough. Only what is taken daily is given out for days.
pub fn is_proposed(taken: &Taken, settings: &GenericSettings) -> bool {
    let is_long = taken.form != Form::Oral || i32::from(taken.count) >= i32::from(settings.min_days);
    taken.saving_yen > 0 && i64::from(taken.saving_yen) >= i64::from(settings.min_line_yen) && is_long
}

/// What of somebody's lines of one month is proposed; 0 where that is too little, or they are too young. Each line is rounded
/// before it is added. `age` is that on the month's first day; of whom it isn't known nothing is proposed where it counts.
pub fn month_saving(taken: impl IntoIterator<Item = Taken>, settings: &GenericSettings, age: Option<u32>) -> i64 {
    if settings.min_age > 0 && age.is_none_or(|age| age < u32::from(settings.min_age)) {
        return 0;
    }
    let proposed = taken.into_iter().filter(|taken| is_proposed(taken, settings));
    let yen: i64 = proposed.map(|taken| i64::from(taken.saving_yen)).sum();
    if yen >= i64::from(settings.min_month_yen) {
        yen
    } else {
        0
    }
}

/// The month that saves most, of equals the later (domain.md §6); none where nothing is saved.
pub fn best(months: impl IntoIterator<Item = (Month, i64)>) -> Option<(Month, i64)> {
    let saving = months.into_iter().filter(|(_, yen)| *yen > 0);
    saving.max_by_key(|(month, yen)| (*yen, *month))
}

/// The six newest months of treatment that have been delivered, the first and the last, by the newest 処理年月 that is published and
/// the months after which treatment arrives: the same for everybody who looks.
pub fn window(newest_label: Month, arrives_after: u32) -> (Month, Month) {
    let last = newest_label.back(arrives_after);
    (last.back(WINDOW - 1), last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drugs::Class;
    use proptest::prelude::*;

    fn taken(saving_yen: i32, count: i16) -> Taken {
        Taken {
            class: Class::Brand,
            form: Form::Oral,
            daily_milli: 1_000,
            count,
            saving_yen,
        }
    }

    fn settings(min_month_yen: u32) -> GenericSettings {
        GenericSettings {
            min_month_yen,
            ..GenericSettings::default()
        }
    }

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    #[test]
    fn a_line_saves_the_gap_in_price_times_what_is_taken_times_the_share_rounded_down() {
        assert_eq!(saving_yen(10_000, 4_000, 2_000, 30, 3), 1_080);
        assert_eq!(saving_yen(1_520, 1_010, 1_000, 30, 3), 45);
        let twice = [taken(45, 30), taken(45, 30)];
        assert_eq!(month_saving(twice, &settings(0), None), 90);
        // Nothing is paid, so nothing is saved; nor with what is dearer.
        assert_eq!(saving_yen(10_000, 4_000, 2_000, 30, 0), 0);
        assert_eq!(saving_yen(4_000, 10_000, 2_000, 30, 3), 0);
        assert_eq!(share_yen(10_000, 2_000, 30, 3), 1_800);
    }

    #[test]
    fn what_saves_nothing_or_too_little_is_not_proposed() {
        assert!(!is_proposed(&taken(0, 30), &settings(0)));
        assert_eq!(month_saving([taken(299, 30)], &settings(300), None), 0);
        assert_eq!(month_saving([taken(299, 30), taken(1, 30)], &settings(300), None), 300);
        let strict = GenericSettings {
            min_line_yen: 100,
            min_days: 14,
            ..settings(300)
        };
        let lines = [taken(400, 14), taken(99, 30), taken(900, 13)];
        assert_eq!(month_saving(lines, &strict, None), 400);
        // An ointment is given out once, for however many days.
        let ointment = Taken {
            form: Form::Topical,
            ..taken(500, 1)
        };
        assert_eq!(month_saving([ointment], &strict, None), 500);
    }

    #[test]
    fn the_young_are_proposed_nothing_where_the_insurer_says_so() {
        let grown_up = GenericSettings {
            min_age: 20,
            ..settings(0)
        };
        for (age, yen) in [(Some(19), 0), (Some(20), 500), (None, 0)] {
            assert_eq!(month_saving([taken(500, 30)], &grown_up, age), yen, "{age:?}");
        }
        assert_eq!(month_saving([taken(500, 30)], &settings(0), None), 500);
    }

    #[test]
    fn the_best_of_six_months_is_shown_and_of_equals_the_later() {
        let months = [("2026-02", 900), ("2026-05", 1_080), ("2026-07", 1_080), ("2026-06", 0)];
        let months = months.map(|(of, yen)| (month(of), yen));
        assert_eq!(best(months), Some((month("2026-07"), 1_080)));
        assert_eq!(best([(month("2026-07"), 0)]), None);
        assert_eq!(window(month("2026-09"), 2), (month("2026-02"), month("2026-07")));
    }

    proptest! {
        #[test]
        fn no_saving_panics_or_is_less_than_nothing(
            price: i64, candidate: i64, daily: i64, count: i16, rate: i16, least: u32, age: Option<u32>,
        ) {
            let yen = saving_yen(price, candidate, daily, count, rate);
            prop_assert!(yen >= 0 && share_yen(price, daily, count, rate) >= 0);
            let lines = [taken(yen, count), taken(i32::MAX, count), taken(i32::MIN, count)];
            prop_assert!(month_saving(lines, &settings(least), age) >= 0);
        }

        #[test]
        fn more_is_saved_with_a_larger_gap(price in 0i64..10_000_000, gap in 0i64..10_000, more in 0i64..10_000, daily in 1i64..100_000, count in 1i16..99, rate in 0i16..=3) {
            let less = saving_yen(price + gap, price, daily, count, rate);
            prop_assert!(saving_yen(price + gap + more, price, daily, count, rate) >= less);
        }
    }
}
