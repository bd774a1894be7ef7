use super::*;
use proptest::prelude::*;
use uuid::Uuid;

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn person(nth: u128) -> PersonId {
    PersonId(Uuid::from_u128(nth))
}

/// A visit to a clinic in June 2026 of which 30 % were paid.
fn cost(total: i64) -> Cost {
    let copay = total * 3 / 10;
    Cost {
        month: month("2026-06"),
        label: month("2026-08"),
        delivery: 1,
        line: 2,
        person: person(1),
        claim: String::new(),
        category: Category::MedicalOut,
        days: 1,
        institution: "東町クリニック".into(),
        yen: Yen {
            total,
            insurer: total - copay,
            copay,
            ..Yen::default()
        },
        is_correction: false,
    }
}

fn arrived(label: &str) -> Published {
    Published {
        labels: vec![month(label)],
        ..Published::default()
    }
}

#[test]
fn rows_without_a_number_are_one_where_they_take_each_other_back() {
    let corrected = vec![
        Cost { days: 3, ..cost(1_500) },
        Cost {
            label: month("2026-09"),
            days: 3,
            ..cost(-1_500)
        },
        Cost {
            label: month("2026-09"),
            days: 2,
            ..cost(1_200)
        },
    ];
    let expected = Cost {
        days: 2,
        is_correction: true,
        ..cost(1_200)
    };
    assert_eq!(shown(corrected), [expected]);
    // Two visits add up, and are no correction.
    let expected = Cost { days: 2, ..cost(2_000) };
    assert_eq!(shown(vec![cost(1_000), cost(1_000)]), [expected]);
}

#[test]
fn rows_are_gone_only_where_nothing_is_left_of_any_amount() {
    assert_eq!(shown(vec![cost(1_500), cost(-1_500)]), []);
    let with_benefit = |total, benefit| {
        let row = cost(total);
        Cost {
            yen: Yen { benefit, ..row.yen },
            ..row
        }
    };
    let left = shown(vec![with_benefit(1_500, 500), cost(-1_500)]);
    assert_eq!(left.len(), 1);
    assert_eq!(
        left[0].yen,
        Yen {
            benefit: 500,
            ..Yen::default()
        }
    );
    // Whoever paid nothing was treated all the same.
    let free = Cost {
        claim: "A".into(),
        ..cost(0)
    };
    assert_eq!(shown(vec![free.clone()]), [free]);
}

#[test]
fn rows_with_a_number_or_of_another_visit_stay_apart() {
    let rows = vec![
        cost(1_000),
        Cost {
            person: person(2),
            ..cost(1_000)
        },
        Cost {
            month: month("2026-07"),
            ..cost(1_000)
        },
        Cost {
            category: Category::MedicalIn,
            ..cost(1_000)
        },
        Cost {
            institution: String::new(),
            ..cost(1_000)
        },
        Cost {
            claim: "A".into(),
            ..cost(1_000)
        },
        Cost {
            claim: "B".into(),
            ..cost(-1_000)
        },
    ];
    let mut expected = rows.clone();
    assert_eq!(shown(rows.clone()).len(), expected.len());
    expected[0].days = 2;
    expected[0].yen += cost(1_000).yen;
    assert_eq!(shown([rows, vec![cost(1_000)]].concat()), expected);
}

#[test]
fn months_are_summed_the_newest_first_and_none_without_a_row() {
    let rows = [
        Cost {
            month: month("2026-04"),
            ..cost(0)
        },
        cost(1_000),
        cost(500),
    ];
    let months = by_month(&rows);
    assert_eq!(months[0].0, month("2026-06"));
    assert_eq!((months[0].1.total, months[0].1.copay), (1_500, 450));
    assert_eq!(months[1], (month("2026-04"), Yen::default()));
    assert_eq!(months.len(), 2);
    assert_eq!(by_month(&[]), []);
}

#[test]
fn a_row_is_late_where_its_label_is_later_than_usual() {
    let of = |label| Cost {
        label: month(label),
        ..cost(1)
    };
    assert!(!is_late(&of("2026-08"), 2));
    assert!(!is_late(&of("2026-06"), 2));
    assert!(is_late(&of("2026-09"), 2));
    assert!(is_late(&of("2026-08"), 1));
}

#[test]
fn a_tax_year_tells_what_was_paid_with_meals_where_the_institution_is_known_and_where_not() {
    let hospital = Cost {
        category: Category::MedicalIn,
        institution: "中央病院".into(),
        yen: Yen {
            total: 300_000,
            insurer: 210_000,
            public: 0,
            copay: 90_000,
            meal: 4_600,
            benefit: 20_000,
        },
        ..cost(0)
    };
    let judo = Cost {
        category: Category::Judo,
        institution: String::new(),
        ..cost(2_000)
    };
    let elsewhen = |of: &str| Cost {
        month: month(of),
        ..cost(1_000_000)
    };
    let rows = [
        hospital.clone(),
        judo,
        cost(1_000),
        elsewhen("2025-12"),
        elsewhen("2027-01"),
    ];
    let year = tax_year(&rows, 2026, &arrived("2027-02"), 2);
    assert_eq!(
        (year.with_institution, year.without, year.benefits),
        (94_900, 600, 20_000)
    );
    assert_eq!(year.missing, []);
    let nothing = tax_year(&rows, 2024, &arrived("2027-02"), 2);
    assert_eq!((nothing.with_institution, nothing.without), (0, 0));
    assert_eq!(nothing.groups, []);
}

#[test]
fn a_tax_year_is_by_person_institution_and_purpose() {
    let of = |who, institution: &str, category, total| Cost {
        person: person(who),
        institution: institution.into(),
        category,
        ..cost(total)
    };
    let rows = [
        of(1, "大学病院", Category::MedicalIn, 1_000),
        of(1, "大学病院", Category::DentalOut, 2_000),
        of(1, "大学病院", Category::Pharmacy, 100),
        of(1, "東町薬局", Category::Pharmacy, 500),
        of(2, "東町薬局", Category::Pharmacy, 700),
        of(2, "義肢製作所", Category::Appliance, 9_000),
        // Paid by others, as for a child.
        of(2, "小児科", Category::MedicalOut, 0),
    ];
    let year = tax_year(&rows, 2026, &arrived("2027-02"), 2);
    let groups = year.groups.iter();
    let mut groups: Vec<_> = groups
        .map(|group| (group.person, group.institution.as_str(), group.purpose, group.paid))
        .collect();
    groups.sort();
    let mut expected = [
        (person(1), "大学病院", Purpose::Treatment, 900),
        (person(1), "大学病院", Purpose::Medicine, 30),
        (person(1), "東町薬局", Purpose::Medicine, 150),
        (person(2), "東町薬局", Purpose::Medicine, 210),
        (person(2), "義肢製作所", Purpose::Other, 2_700),
    ];
    expected.sort();
    assert_eq!(groups, expected);
    let labels = Category::ALL.map(|category| Purpose::of(category).label());
    assert_eq!(labels.iter().filter(|label| **label == "診療・治療").count(), 7);
    assert_eq!(labels.iter().filter(|label| **label == "医薬品購入").count(), 1);
    assert_eq!(labels.iter().filter(|label| **label == "その他の医療費").count(), 2);
}

#[test]
fn months_are_missing_until_a_label_of_late_enough_is_published() {
    let missing = |label, year| tax_year(&[], year, &arrived(label), 2).missing;
    // In January, when the return may be filed.
    assert_eq!(missing("2027-01", 2026), [month("2026-12")]);
    assert_eq!(missing("2027-02", 2026), []);
    assert_eq!(missing("2026-12", 2026), [month("2026-11"), month("2026-12")]);
    assert_eq!(missing("2026-02", 2026).len(), 12);
    assert_eq!(tax_year(&[], 2026, &Published::default(), 2).missing.len(), 12);
    // A label that is late holds what was treated before it, too.
    let arrived = Published {
        labels: vec![month("2027-03"), month("2026-08")],
        ..Published::default()
    };
    assert_eq!(tax_year(&[], 2026, &arrived, 2).missing, []);
}

/// Rows as cores deliver them, and rows without a number that are taken back and put right.
fn rows() -> impl Strategy<Value = Vec<Cost>> {
    let row = (
        (0..3u128, 0..3u32, 0..2usize, 0..3usize),
        any::<bool>(),
        (0..2_000_000_000i64, 0..2_000_000i64, 0..2_000_000i64),
        0..40i16,
        any::<bool>(),
    );
    let row = row.prop_map(
        |((who, back, category, place), has_claim, (total, meal, benefit), days, negative)| {
            let sign = if negative { -1 } else { 1 };
            let row = cost(sign * total);
            Cost {
                person: person(who),
                month: row.month.back(back),
                category: [Category::MedicalOut, Category::Pharmacy][category],
                institution: ["東町クリニック", "", "西町薬局"][place].into(),
                claim: if has_claim { "A".into() } else { String::new() },
                days,
                yen: Yen {
                    meal: sign * meal,
                    benefit: sign * benefit,
                    ..row.yen
                },
                ..row
            }
        },
    );
    let corrected = (row, any::<Option<u16>>()).prop_map(|(row, right)| {
        let Some(right) = right.filter(|_| row.claim.is_empty()) else {
            return vec![row];
        };
        let yen = Yen::default();
        let back = |yen: i64| -yen;
        let taken_back = Yen {
            total: back(row.yen.total),
            insurer: back(row.yen.insurer),
            public: back(row.yen.public),
            copay: back(row.yen.copay),
            meal: back(row.yen.meal),
            benefit: back(row.yen.benefit),
        };
        let right = Yen {
            total: right.into(),
            ..yen
        };
        let rows = [taken_back, right].map(|yen| Cost { yen, ..row.clone() });
        [vec![row], rows.into()].concat()
    });
    prop::collection::vec(corrected, 0..40).prop_map(|rows| rows.concat())
}

fn total(rows: &[Cost]) -> Yen {
    rows.iter().map(|row| row.yen).sum()
}

proptest! {
    #[test]
    fn what_is_shown_comes_to_what_was_delivered(rows in rows()) {
        let shown = shown(rows.clone());
        prop_assert_eq!(total(&shown), total(&rows));
        prop_assert_eq!(by_month(&shown).into_iter().map(|(_, yen)| yen).sum::<Yen>(), total(&rows));
        prop_assert!(shown.iter().all(|row| row.days >= 0));
        prop_assert!(shown.iter().all(|row| !row.claim.is_empty() || row.yen != Yen::default()));
        let mut places: Vec<_> = shown.iter().filter(|row| row.claim.is_empty()).map(|row| {
            (row.person, row.month, row.category, &row.institution)
        }).collect();
        let all = places.len();
        places.sort();
        places.dedup();
        prop_assert_eq!(places.len(), all, "a visit twice");
        // Shown once more it is the same.
        let again = super::shown(shown.clone());
        prop_assert_eq!(total(&again), total(&shown));
    }

    #[test]
    fn a_tax_year_comes_to_its_groups_whether_rows_are_shown_or_delivered(rows in rows()) {
        let arrived = arrived("2027-02");
        let year = tax_year(&rows, 2026, &arrived, 2);
        prop_assert_eq!(&year, &tax_year(&shown(rows.clone()), 2026, &arrived, 2));
        prop_assert_eq!(year.with_institution + year.without, total(&rows).paid());
        prop_assert_eq!(year.benefits, total(&rows).benefit);
        prop_assert_eq!(year.groups.iter().map(|group| group.paid).sum::<i64>(), total(&rows).paid());
    }

    #[test]
    fn rows_of_somebody_hidden_change_nothing_of_others(rows in rows()) {
        let (hidden, seen): (Vec<Cost>, Vec<Cost>) = rows.iter().cloned().partition(|row| row.person == person(0));
        let others = |rows: Vec<Cost>| shown(rows).into_iter().filter(|row| row.person != person(0)).collect::<Vec<_>>();
        prop_assert_eq!(others(rows), shown(seen));
        prop_assert_eq!(others(hidden), vec![]);
    }
}
