//! 特別の料金: what is paid extra for a brand that was chosen without a medical need (選定療養, since 2024-10).

use crate::category::Form;

/// 1/100 yen × thousandths in a yen.
const YEN: i128 = 100 * 1_000;
/// One point costs ten yen, and a tenth of tax.
const POINT_YEN: i128 = 11;

/// What a line costs extra, in yen with tax. `charge_sen` is the master's own: the price of the 長期収載品 less that of its （選）, so that the
/// share of the gap that the ministry asks for (a quarter until 2026-05, half from 2026-06) stands nowhere here. Reckoned in
/// points as medicines are (保険局医療課事務連絡 令和6.7.12 and the example in JGAニュース 196): of what is taken a day where it is taken
/// daily, else of all of it; up to 15 yen are 1 point, each 10 yen beyond one more, of which 5 are dropped and more count whole; then ×
/// days, × 10 yen, × 1.1. A guide only: it can't know what else was in the same 剤.
pub fn charge_yen(charge_sen: i64, form: Form, daily_milli: i64, count: i16) -> i32 {
    let factors = [charge_sen, daily_milli, count.into()].map(|factor| i128::from(factor.max(0)));
    let [charge, daily, count] = factors;
    let (amount, times) = match form {
        Form::Oral => (charge.saturating_mul(daily), count),
        Form::AsNeeded | Form::Topical | Form::Injection | Form::Other => {
            (charge.saturating_mul(daily).saturating_mul(count), 1)
        }
    };
    let yen = points(amount).saturating_mul(times).saturating_mul(POINT_YEN);
    i32::try_from(yen).unwrap_or(i32::MAX)
}

/// 五捨五超入, and never none of something.
fn points(amount: i128) -> i128 {
    if amount == 0 {
        return 0;
    }
    // Rounded up behind five yen: what is left of ten yen counts whole.
    let beyond = amount.saturating_add(5 * YEN - 1);
    (beyond / (10 * YEN)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_of_a_day_are_paid_for_every_day_with_tax() {
        assert_eq!(charge_yen(128, Form::Oral, 1_000, 30), 330);
        assert_eq!(charge_yen(1_500, Form::Oral, 2_000, 30), 990);
        assert_eq!(charge_yen(3_000, Form::Oral, 2_000, 30), 1_980);
        // The ministry's own example: 1,800 yen of all that was paid before become 2,520, of which 1,530 are the share.
        assert_eq!(1_530 + charge_yen(1_500, Form::Oral, 2_000, 30), 2_520);
        assert_eq!(charge_yen(0, Form::Oral, 2_000, 30), 0);
    }

    #[test]
    fn up_to_fifteen_yen_are_a_point_and_of_ten_more_five_are_dropped() {
        let points = |sen| charge_yen(sen, Form::Oral, 1_000, 1) / 11;
        for (sen, expected) in [
            (1, 1),
            (1_500, 1),
            (1_501, 2),
            (2_500, 2),
            (2_501, 3),
            (3_500, 3),
            (3_501, 4),
        ] {
            assert_eq!(points(sen), expected, "{sen}");
        }
    }

    #[test]
    fn what_is_not_taken_daily_is_paid_for_as_a_whole() {
        // Three tubes of 7.50: 22.50 yen are 2 points, once; a day's each would be 1, three times.
        assert_eq!(charge_yen(750, Form::Topical, 1_000, 3), 22);
        assert_eq!(charge_yen(750, Form::Oral, 1_000, 3), 33);
        for form in [Form::AsNeeded, Form::Injection, Form::Other] {
            assert_eq!(charge_yen(750, form, 1_000, 3), 22, "{form:?}");
        }
    }

    #[test]
    fn the_ministrys_prices_say_which_share_of_the_gap_is_charged() {
        // 501.40 less 499.02 in 2026-04, and less 496.65 from 2026-06-01.
        let (before, since) = (50_140 - 49_902, 50_140 - 49_665);
        assert_eq!((before, since), (238, 475));
        // Seven units a day: 16.66 and 33.25 yen.
        assert_eq!(charge_yen(before, Form::Oral, 7_000, 1), 22);
        assert_eq!(charge_yen(since, Form::Oral, 7_000, 1), 33);
    }

    proptest! {
        #[test]
        fn no_charge_panics_or_is_less_than_nothing(charge: i64, daily: i64, count: i16) {
            for form in [Form::Oral, Form::Topical] {
                prop_assert!(charge_yen(charge, form, daily, count) >= 0);
            }
        }

        #[test]
        fn a_charge_rises_with_the_amount(charge in 0i64..1_000_000, more in 0i64..100_000, daily in 0i64..1_000_000, count in 0i16..999) {
            for form in [Form::Oral, Form::Topical] {
                prop_assert!(charge_yen(charge + more, form, daily, count) >= charge_yen(charge, form, daily, count));
                prop_assert!(charge_yen(charge, form, daily + 1_000, count) >= charge_yen(charge, form, daily, count));
            }
        }
    }
}
