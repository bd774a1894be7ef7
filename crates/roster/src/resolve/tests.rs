use super::*;

const BRANCHES: [&str; 3] = ["0", "1", "2"];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn id(nth: u128) -> PersonId {
    PersonId(uuid::Uuid::from_u128(nth))
}

/// Somebody with a number that they always had.
fn holder(nth: u128, branch: &str, birth: &str, relation: Relation) -> Holder {
    Holder {
        person_id: id(nth),
        branch_key: branch.into(),
        birth_date: day(birth),
        relation,
        acquired_on: None,
        lost_on: None,
        since: None,
        until: None,
        keeps_branch: true,
        changed_on: None,
    }
}

/// 本人 1, spouse 2 and child 3.
fn family() -> [Holder; 3] {
    [
        holder(1, BRANCHES[0], "1980-05-05", Relation::Principal),
        holder(2, BRANCHES[1], "1982-06-06", Relation::Spouse),
        holder(3, BRANCHES[2], "2012-04-02", Relation::Child),
    ]
}

fn key(branch: &str, birth: &str, month: &str) -> NumberKey {
    NumberKey {
        symbol_key: "100".into(),
        number_key: "7".into(),
        branch_key: branch.into(),
        personal_id: String::new(),
        birth_date: (!birth.is_empty()).then(|| day(birth)),
        month: day(month),
    }
}

fn one(person: u128, principal: u128) -> Resolved {
    Resolved::One {
        person: id(person),
        principal: id(principal),
    }
}

fn chosen(branch: &str, birth: &str, month: &str, holders: &[Holder]) -> Resolved {
    choose(&key(branch, birth, month), None, holders)
}

#[test]
fn somebody_is_told_by_branch_or_birth_date_and_notified_through_the_insured_one() {
    let family = family();
    assert_eq!(chosen("2", "", "2026-05-01", &family), one(3, 1));
    assert_eq!(chosen("", "1982-06-06", "2026-05-01", &family), one(2, 1));
    assert_eq!(chosen("0", "1980-05-05", "2026-05-01", &family), one(1, 1));
    assert_eq!(chosen("", "", "2026-05-01", &family), Resolved::Several);
    assert_eq!(chosen("2", "2012-04-03", "2026-05-01", &family), Resolved::Unknown);
    assert_eq!(chosen("3", "", "2026-05-01", &family), Resolved::Unknown);
    assert_eq!(chosen("0", "", "2026-05-01", &[]), Resolved::Unknown);
}

#[test]
fn a_number_means_whoever_had_it_that_month() {
    let mut before = holder(1, "0", "1980-05-05", Relation::Principal);
    before.until = Some(day("2026-04-01"));
    let mut after = holder(2, "0", "1990-09-09", Relation::Principal);
    after.acquired_on = Some(day("2026-06-01"));
    let both = [before, after];
    assert_eq!(chosen("0", "", "2026-03-01", &both), one(1, 1));
    assert_eq!(chosen("0", "", "2026-06-01", &both), one(2, 2));
    // Whoever was treated between is told by the birth date, or waits: the number is the next one's already.
    assert_eq!(chosen("0", "1980-05-05", "2026-05-01", &both), one(1, 1));
    assert_eq!(chosen("0", "", "2026-05-01", &both), Resolved::Unknown);
}

#[test]
fn nobody_is_the_principal_of_who_had_the_number_before_them() {
    let [mut principal, _, mut child] = family();
    for left in [&mut principal, &mut child] {
        left.until = Some(day("2026-04-01"));
    }
    let mut stranger = holder(9, "0", "1990-09-09", Relation::Principal);
    stranger.acquired_on = Some(day("2026-06-01"));
    let all = [principal, child, stranger];
    for month in ["2026-03-01", "2026-05-01", "2026-07-01"] {
        assert_eq!(chosen("0", "1980-05-05", month, &all), one(1, 1), "{month}");
        assert_eq!(chosen("2", "2012-04-02", month, &all), one(3, 1), "{month}");
    }
    assert_eq!(chosen("2", "2012-04-02", "2026-07-01", &all[1..]), Resolved::Unknown);
}

#[test]
fn a_branch_given_anew_is_told_apart_by_month_or_birth_date() {
    let [principal, _, mut first] = family();
    first.lost_on = Some(day("2025-04-01"));
    let mut second = holder(4, "2", "2025-12-24", Relation::Child);
    second.acquired_on = Some(day("2025-12-24"));
    let all = [principal, first, second];
    assert_eq!(chosen("2", "", "2025-03-01", &all), one(3, 1));
    assert_eq!(chosen("2", "", "2025-12-01", &all), one(4, 1));
    assert_eq!(chosen("2", "2012-04-02", "2026-01-01", &all), one(3, 1));
}

#[test]
fn the_principal_is_the_numbers_in_that_month_not_todays() {
    let [husband, mut wife, mut child] = family();
    for left in [&mut wife, &mut child] {
        left.relation = Relation::Principal;
        left.until = Some(day("2026-06-01"));
    }
    let all = [husband, wife, child];
    assert_eq!(chosen("", "1982-06-06", "2026-05-01", &all), one(2, 1));
    assert_eq!(chosen("2", "", "2026-05-01", &all), one(3, 1));
    assert_eq!(chosen("0", "", "2026-05-01", &all), one(1, 1));
    // A family that changed its number together is still one.
    let moved = family().map(|holder| Holder {
        until: Some(day("2026-06-01")),
        ..holder
    });
    assert_eq!(chosen("2", "", "2026-05-01", &moved), one(3, 1));
}

#[test]
fn none_or_several_principals_hold_the_row() {
    let [principal, _, child] = family();
    let child = std::slice::from_ref(&child);
    assert_eq!(chosen("2", "", "2026-05-01", child), Resolved::Unknown);
    let other = Holder {
        person_id: id(9),
        branch_key: "1".into(),
        ..principal.clone()
    };
    let two = [&[principal, other], child].concat();
    assert_eq!(chosen("2", "", "2026-05-01", &two), Resolved::Several);
    // Each of them is notified of what is theirs.
    assert_eq!(chosen("1", "", "2026-05-01", &two), one(9, 9));
}

#[test]
fn twins_without_a_branch_are_several() {
    let [principal, _, child] = family();
    let twin = Holder {
        person_id: id(4),
        branch_key: "3".into(),
        ..child.clone()
    };
    let all = [principal, child, twin];
    assert_eq!(chosen("", "2012-04-02", "2026-05-01", &all), Resolved::Several);
    assert_eq!(chosen("3", "2012-04-02", "2026-05-01", &all), one(4, 1));
}

#[test]
fn whoever_is_named_by_their_id_is_nobody_else() {
    let all = family();
    let asked = |birth: &str, person| choose(&key("0", birth, "2026-05-01"), Some(id(person)), &all);
    assert_eq!(asked("", 3), one(3, 1));
    assert_eq!(asked("2012-04-02", 3), one(3, 1));
    assert_eq!(asked("1980-05-05", 3), Resolved::Unknown);
}

#[test]
fn the_number_of_an_id_is_the_months_unless_the_row_has_another_of_theirs() {
    let known = |number: &str, until: Option<&str>| Known {
        personal_id: "A1".into(),
        person_id: id(1),
        symbol_key: "100".into(),
        number_key: number.into(),
        until: until.map(day),
    };
    let theirs = vec![
        known("6", Some("2026-01-01")),
        known("7", Some("2026-06-01")),
        known("8", None),
    ];
    let all = HashMap::from([("A1".to_owned(), theirs)]);
    let asked = |number: &str, month: &str| {
        let key = NumberKey {
            number_key: number.into(),
            personal_id: "A1".into(),
            ..key("", "", month)
        };
        let named = named(&key, &all);
        (named.person, named.number.unwrap().1.to_owned())
    };
    for (number, month, found) in [
        ("", "2025-12-01", "6"),
        ("", "2026-05-01", "7"),
        ("99", "2026-06-01", "8"),
        ("7", "2026-06-01", "7"),
    ] {
        assert_eq!(
            asked(number, month),
            (Some(id(1)), found.to_owned()),
            "{number} {month}"
        );
    }
}

#[test]
fn who_left_a_number_and_is_insured_since_is_the_principal_of_nobody_else_there() {
    let mut all = family();
    for left in &mut all {
        left.until = Some(day("2026-06-01"));
    }
    // Their number changed, and then the child found work.
    all[2].relation = Relation::Principal;
    for branch in BRANCHES {
        assert_eq!(chosen(branch, "", "2026-05-01", &all), Resolved::Several, "{branch}");
    }
    all[2].keeps_branch = false;
    for (branch, nth) in BRANCHES.into_iter().zip(1..) {
        assert_eq!(chosen(branch, "", "2026-05-01", &all), one(nth, 1), "{branch}");
    }
    // Husband and wife change places.
    (all[0].relation, all[1].relation) = (Relation::Spouse, Relation::Principal);
    (all[0].keeps_branch, all[1].keeps_branch) = (false, false);
    assert_eq!(chosen("0", "", "2026-05-01", &all), Resolved::Unknown);
    assert_eq!(chosen("1", "", "2026-05-01", &all), one(2, 2));
}

#[test]
fn who_left_before_the_month_is_not_notified_through_who_stayed() {
    let [husband, mut wife, mut child] = family();
    for left in [&mut wife, &mut child] {
        left.until = Some(day("2026-06-01"));
        left.keeps_branch = false;
    }
    wife.relation = Relation::Principal;
    let all = [husband, wife, child];
    assert_eq!(chosen("2", "2012-04-02", "2026-05-01", &all), one(3, 1));
    assert_eq!(chosen("2", "2012-04-02", "2026-06-01", &all), Resolved::Unknown);
    assert_eq!(chosen("1", "1982-06-06", "2026-06-01", &all), one(2, 2));
}

#[test]
fn a_number_alone_is_nobody() {
    let [alone, ..] = family();
    let alone = std::slice::from_ref(&alone);
    // It may be of a newborn, whom the roster does not know yet.
    assert_eq!(chosen("", "", "2026-05-01", alone), Resolved::Unknown);
    assert_eq!(chosen("", "1980-05-05", "2026-05-01", alone), one(1, 1));
    assert_eq!(chosen("0", "", "2026-05-01", alone), one(1, 1));
    assert_eq!(choose(&key("", "", "2026-05-01"), Some(id(1)), alone), one(1, 1));
}

#[test]
fn where_the_roster_has_no_branches_somebody_is_told_by_the_birth_date_or_waits() {
    let all = family().map(|holder| Holder {
        branch_key: "".into(),
        ..holder
    });
    assert_eq!(chosen("", "1982-06-06", "2026-05-01", &all), one(2, 1));
    assert_eq!(chosen("1", "1982-06-06", "2026-05-01", &all), one(2, 1));
    assert_eq!(chosen("1", "", "2026-05-01", &all), Resolved::Several);
    // A branch says nothing where nobody has one.
    assert_eq!(chosen("1", "", "2026-05-01", &all[..1]), Resolved::Unknown);
    assert_eq!(chosen("", "", "2026-05-01", &all[..1]), Resolved::Unknown);
}

#[test]
fn of_a_number_whose_insured_one_changed_nobody_is_notified_of_what_was_before() {
    let [mut husband, mut wife, child] = family();
    (husband.relation, wife.relation) = (Relation::Spouse, Relation::Principal);
    wife.changed_on = Some(day("2026-06-10"));
    let all = [husband, wife, child];
    for month in ["2026-05-01", "2026-06-01"] {
        for branch in BRANCHES {
            assert_eq!(chosen(branch, "", month, &all), Resolved::Several, "{branch} {month}");
        }
    }
    for (branch, nth) in BRANCHES.into_iter().zip(1..) {
        assert_eq!(chosen(branch, "", "2026-07-01", &all), one(nth, 2), "{branch}");
    }
    // Whoever came later was no dependant of anybody's there.
    let mut came = all;
    came[1].since = Some(day("2026-06-01"));
    assert_eq!(chosen("2", "", "2026-05-01", &came), Resolved::Unknown);
}
