//! The format for whoever writes such files: its columns, what they hold, and what may be wrong with them, in English.

use super::{
    columns::Column,
    merge::stated,
    rows::{CODE_CHARS, NAME_CHARS, TEXT_CHARS},
};
use kernel::{EmailAddress, EmployeeNumber, KanaName, Number, Symbol};
use tabular::Column as _;

/// How a day is written.
const DAY: &str = "`19850401`, `1985-04-01`, `1985/4/1`, `S600401` or `昭和60年4月1日`";

/// What can be wrong with a roster's rows, beyond what can be wrong with any table's.
pub const CODES: [(&str, &str); 13] = [
    ("lost_before_acquired", "資格喪失日 is before 資格取得日."),
    (
        "forgotten_at_once",
        "Lost so long ago that the person, who is in the roster, would be forgotten at once.",
    ),
    ("date_out_of_range", "A birth date after today."),
    ("gender", "Is no 性別."),
    ("movement", "Is no 異動区分."),
    ("loss_without_day", "A 喪失 needs its 資格喪失日."),
    (
        "not_in_roster",
        "A change or a loss of somebody who is not in the roster.",
    ),
    (
        "number_taken",
        "The roster has this number and branch already, with another name or birth date.",
    ),
    (
        "branch_taken",
        "Somebody has this number and branch: give a new branch.",
    ),
    ("same_person", "The same person as in another row."),
    ("repeated_number", "Another row has the same number and branch."),
    ("repeated_personal_id", "Another row has the same 個人ID."),
    (
        "repeated_person",
        "Another row has the same number, birth date and name, and nothing tells the two apart.",
    ),
];

/// A column as whoever writes a file has to know it.
pub struct Described {
    /// What it is called in a table's header, any of these.
    pub names: &'static [&'static str],
    /// What it is called in lines of JSON.
    pub key: &'static str,
    /// True where no file may be without it, nor any row blank there but where that is said.
    pub is_required: bool,
    /// What stands there.
    pub holds: String,
}

/// All columns, in the format's order.
pub fn described() -> Vec<Described> {
    let describe = |column: &Column| Described {
        names: column.names(),
        key: match column {
            Column::Movement => "movement",
            other => stated::name(*other),
        },
        is_required: column.is_required(),
        holds: holds(*column),
    };
    Column::ALL.iter().map(describe).collect()
}

fn holds(column: Column) -> String {
    let up_to = |most: usize| format!("Up to {most} characters.");
    match column {
        Column::Symbol => format!("記号, up to {} characters; blank where the insurer has none.", Symbol::MAX),
        Column::Number => format!("番号 with its leading zeros, up to {} characters.", Number::MAX),
        Column::Branch => "枝番 with its leading zeros.".to_owned(),
        Column::KanaName => format!(
            "Katakana or hiragana of any width, a blank between the names; up to {} characters.",
            KanaName::MAX
        ),
        Column::Name | Column::Attribute => up_to(NAME_CHARS),
        Column::Gender => "`1` or `男`, `2` or `女`, `9` or `不明`.".to_owned(),
        Column::BirthDate => format!("A day up to today: {DAY}."),
        Column::Relationship => format!(
            "`本人`, `妻`, `子` and the like, in the insurer's own words; up to {CODE_CHARS} characters."
        ),
        Column::AcquiredOn => format!("A day: {DAY}."),
        Column::LostOn => "A day, not before 資格取得日: the first without coverage. Blank, `99999999` or `00000000` where there is none."
            .to_owned(),
        Column::Address | Column::Building => up_to(TEXT_CHARS),
        Column::Email => up_to(EmailAddress::MAX),
        Column::EmployeeNumber => up_to(EmployeeNumber::MAX),
        Column::PostalCode
        | Column::Phone
        | Column::WorkplaceCode
        | Column::DepartmentCode
        | Column::DistributionCode
        | Column::PersonalId => up_to(CODE_CHARS),
        Column::Movement => "`追加` somebody new, `変更` a change, `喪失` a loss, with its 資格喪失日; in JSON `add`, `change`, `lose`. A file of \
                             changes has to have it, and a whole roster must not."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_roster_has_its_meaning() {
        let known = CODES.map(|(code, _)| code);
        assert_eq!(tabular::codes_of(include_str!("reasons.rs")), known);
    }

    #[test]
    fn every_column_has_a_key_and_its_words() {
        let columns = described();
        assert_eq!(columns.len(), Column::ALL.len());
        for column in &columns {
            assert!(
                !column.key.is_empty() && column.holds.ends_with('.'),
                "{:?}",
                column.names
            );
        }
    }
}
