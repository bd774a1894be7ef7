//! The two formats for whoever writes such files: their columns, what they hold, and what may be wrong with them, in English.

use crate::{
    category::{Category, Form},
    columns::{CostColumn, MedicineColumn},
};
use operations::markdown;
use tabular::Column;

const MONTH: &str = "`202606`, `2026-06`, `2026/6`, `2026年6月` or `R0806`";
const CLAIM: &str = "What names the claim: a later file with it corrects the row, and 取消区分 `1` takes it back.";
const NUMBER: &str = "番号 with its leading zeros; in each row this or 個人ID.";
const ID: &str = "Of the insurer's own system, as in the roster.";
const BORN: &str = "Tells apart who shares a number: `19850401`, `1985-04-01`, `S600401`.";
const YEN: &str = "Whole yen: `1234`, `1,234`, `-1234` or `▲1,234`.";
const FLAG: &str = "`1` where the claim is taken back, else blank.";

/// What can be wrong with rows of statements, beyond what can be wrong with any table's.
const CODES: [(&str, &str); 19] = [
    (
        "forbidden_column",
        "A column of diagnoses, acts or My Numbers, which are not taken.",
    ),
    ("month", "Can't be read as a month."),
    ("month_after_label", "A month after 処理年月."),
    ("label_to_come", "A 処理年月 after this month."),
    ("other_label", "Another 処理年月 than in the rows before."),
    ("given_label", "Another 処理年月 than `label` says."),
    ("no_label", "Neither a column nor `label` says the 処理年月."),
    ("yen", "Is no whole yen."),
    ("too_large", "More than 999,999,999 yen."),
    ("category", "Is no 診療区分."),
    ("form", "Is no 剤形区分."),
    ("drug", "Is no 医薬品コード of 9 digits."),
    ("daily", "Is no quantity above 0 with at most three decimals."),
    ("count", "Is no count of days or times up to 999."),
    ("rate", "Is no 負担割合."),
    ("flag", "取消区分 is blank or `1`."),
    ("no_number", "Neither 番号 nor 個人ID."),
    ("repeated_claim", "Another row is the same claim in the same month."),
    ("withdrawn_unnamed", "What takes a claim back has to name it."),
];

/// A file of medicines, of people whom every sandbox has. Its codes are those of the demo's master.
const MEDICINES: &str = "レセプト番号,記号,番号,枝番,調剤年月,薬局等名称,剤形区分,医薬品コード,1日量,日数,負担割合
C9000001,100,106,01,2026-09,ひがし町みほん薬局,内服,999100001,1,30,3
C9000001,100,106,01,2026-09,ひがし町みほん薬局,内服,999100002,2,30,3
C9000002,100,107,00,2026-09,ひがし町みほん薬局,内服,999100001,1,30,3
C9000002,100,107,00,2026-09,ひがし町みほん薬局,内服,999100002,2,30,3
";

/// The columns of both.
pub(crate) fn columns() -> String {
    format!(
        "**Columns of `costs`**, 医療費通知, a row for each claim.\n\n{}\n**Columns of `medicines`**, ジェネリック差額明細, a row for each \
         medicine of a claim.\n\n{}\nColumns that are not required may be left out. Other columns are passed over.\n\n**A file of \
         `medicines`**, as a sandbox takes it with `kind=medicines` and `label=2026-11`. Its codes are invented: a service that \
         knows them is one with the demo's master of medicines, and another has those of the master that its operator has \
         brought.\n\n```csv\n{MEDICINES}```\n",
        table(of_costs),
        table(of_medicines),
    )
}

/// What may be wrong with a file, by its codes.
pub(crate) fn codes() -> String {
    let all = tabular::CODES.iter().chain(&CODES);
    let rows = all.map(|(code, meaning)| [format!("`{code}`"), (*meaning).to_owned()]);
    format!("**Codes.**\n\n{}", markdown::table(["Code", "Meaning"], rows))
}

fn table<C: Column>(holds: fn(C) -> String) -> String {
    let row = |column: &C| {
        let names: Vec<String> = column.names().iter().map(|name| format!("`{name}`")).collect();
        let need = if column.is_required() { "required" } else { "optional" };
        [names.join(" or "), need.to_owned(), holds(*column)]
    };
    markdown::table(["Column", "Need", "Holds"], C::ALL.iter().map(row))
}

fn words<const N: usize>(words: [&str; N]) -> String {
    format!("One of `{}`.", words.join("`, `"))
}

fn label() -> String {
    format!("{MONTH}: the same in all rows, where `label` does not say it.")
}

fn of_costs(column: CostColumn) -> String {
    match column {
        CostColumn::Label => label(),
        CostColumn::Claim => CLAIM.into(),
        CostColumn::Symbol => "記号.".into(),
        CostColumn::Number => NUMBER.into(),
        CostColumn::Branch => "枝番 with its leading zeros.".into(),
        CostColumn::PersonalId => ID.into(),
        CostColumn::BirthDate => BORN.into(),
        CostColumn::Month => format!("{MONTH}."),
        CostColumn::Category => words(Category::ALL.map(Category::label)),
        CostColumn::Days => "A whole number up to 999.".into(),
        CostColumn::Institution => "A name; blank of 柔整 and the like.".into(),
        CostColumn::Total | CostColumn::Insurer | CostColumn::Copay => YEN.into(),
        CostColumn::Public | CostColumn::Meal | CostColumn::Benefit => format!("{YEN} Blank is 0."),
        CostColumn::Withdrawn => FLAG.into(),
    }
}

fn of_medicines(column: MedicineColumn) -> String {
    match column {
        MedicineColumn::Label => label(),
        MedicineColumn::Claim => format!("{CLAIM} The lines of a claim share it."),
        MedicineColumn::Symbol => "記号.".into(),
        MedicineColumn::Number => NUMBER.into(),
        MedicineColumn::Branch => "枝番 with its leading zeros.".into(),
        MedicineColumn::PersonalId => ID.into(),
        MedicineColumn::BirthDate => BORN.into(),
        MedicineColumn::Month => format!("{MONTH}."),
        MedicineColumn::Pharmacy => "A name.".into(),
        MedicineColumn::Form => words(Form::ALL.map(Form::label)),
        MedicineColumn::Drug => "レセ電 code of 9 digits.".into(),
        MedicineColumn::Daily => "A number above 0 with at most three decimals.".into(),
        MedicineColumn::Count => "A whole number from 1 to 999.".into(),
        MedicineColumn::Rate => "`0` to `3` tenths, or `30%`, `3割`.".into(),
        MedicineColumn::Withdrawn => FLAG.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_statements_has_its_meaning() {
        let known = CODES.map(|(code, _)| code);
        assert_eq!(tabular::codes_of(include_str!("reasons.rs")), known);
    }

    #[test]
    fn every_column_of_both_is_told() {
        let told = columns();
        let costs = CostColumn::ALL.iter().flat_map(|column| column.names());
        let medicines = MedicineColumn::ALL.iter().flat_map(|column| column.names());
        for name in costs.chain(medicines) {
            assert!(told.contains(&format!("`{name}`")), "{name}");
        }
    }
}
