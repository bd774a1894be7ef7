//! What can be wrong with any table, for programs: every code of a [`Fault`](crate::Fault) and what it means, in English.

/// Each code and what it means.
pub const CODES: [(&str, &str); 36] = [
    ("missing_column", "A required column is missing."),
    ("repeated_column", "Two columns have the same header."),
    ("empty_file", "The file is empty."),
    ("not_csv", "Neither CSV nor an Excel workbook."),
    (
        "book_too_large",
        "The workbook is larger than 20 MB, packed or unpacked.",
    ),
    ("broken_book", "Can't be read as a workbook."),
    ("many_sheets", "The workbook has several sheets."),
    ("merged_cells", "The workbook has merged cells."),
    ("no_rows", "There is a header and no row."),
    ("unknown_encoding", "Neither UTF-8 nor Shift_JIS."),
    ("row_too_long", "The row is too long: a quotation mark may be open."),
    ("too_many_rows", "More rows than are taken at once."),
    ("field_count", "The row has more or fewer fields than the header."),
    ("undecodable", "Bytes that are no text in the file's encoding."),
    (
        "lost_character",
        "A replacement character stands for one that was lost.",
    ),
    ("control", "Control characters, such as a line break."),
    ("formula_error", "A spreadsheet's error, such as `#N/A`."),
    ("null_word", "`NULL`, `NaN` and the like where a blank is meant."),
    ("narrow", "`####` of a spreadsheet's narrow column."),
    ("apostrophe", "Begins with an apostrophe."),
    ("formula", "A formula instead of its result."),
    ("unsolved_formula", "A formula whose result was not saved."),
    (
        "exponential",
        "A number that a spreadsheet has rounded, such as `1.23E+11`.",
    ),
    (
        "turned_to_date",
        "A code or name that a spreadsheet has made a date of.",
    ),
    (
        "formatted",
        "A code with a spreadsheet's thousands separator or decimal point.",
    ),
    (
        "number_cell",
        "A code in a number cell of a workbook: its leading zeros may be lost.",
    ),
    ("lost_kanji", "Kanji that were lost when the encoding was changed."),
    ("empty", "Must not be blank."),
    ("too_long", "Has more characters than the column takes."),
    ("characters", "Holds characters that the column does not take."),
    ("not_kana", "Must be hiragana or katakana."),
    ("date_shape", "Can't be read as a date."),
    ("impossible_date", "The month does not have this day."),
    ("impossible_month", "The month must be from 1 to 12."),
    ("date_out_of_range", "A date before 1868, or a birth in the future."),
    ("email_shape", "Is no e-mail address."),
];

/// The codes that an `impl Coded` in a source says, in its order: what a list of them is held against.
pub fn codes_of(source: &str) -> Vec<&str> {
    let arms = source.split("fn code(&self)").nth(1).unwrap_or_default();
    let arms = arms.split("\n    }\n}").next().unwrap_or_default();
    arms.split("=> \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_fault_has_its_meaning() {
        let known = CODES.map(|(code, _)| code);
        assert_eq!(codes_of(include_str!("faults.rs")), known);
    }
}
