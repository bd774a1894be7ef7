//! What may be wrong with a field, for readers of the reference: every code of `errors[].code`.

/// Each code and what it means.
pub(crate) const OF_FIELDS: [(&str, &str); 42] = [
    ("required", "Is missing."),
    (
        "type",
        "Has another JSON type than documented, or is written otherwise.",
    ),
    ("out_of_range", "Is outside the documented range."),
    ("too_many", "Has more items than documented."),
    ("too_few", "Has fewer items than documented."),
    ("repeated", "Was given more than once."),
    ("empty", "Must not be empty."),
    ("too_short", "Has fewer characters than documented."),
    ("too_long", "Has more characters than documented."),
    ("characters", "Holds characters that the field does not take."),
    ("not_a_choice", "Is none of the documented words."),
    (
        "my_number",
        "Seems to be an individual number (My Number), which must not be sent here.",
    ),
    (
        "code_length",
        "An insurer code has 8 digits, or 6 for a national health insurance society.",
    ),
    ("check_digit", "The check digit of an insurer code does not fit."),
    ("unregistered", "No insurer of this code is registered here."),
    ("not_kana", "Must be hiragana or katakana."),
    ("date_incomplete", "Is no date: year, month and day are all needed."),
    ("impossible_date", "The month does not have this day."),
    ("impossible_month", "The month must be from 1 to 12."),
    ("date_shape", "Is no date in any known form."),
    (
        "before_other",
        "Must not be before, or less than, another field, which `detail` names.",
    ),
    (
        "date_out_of_range",
        "Must be a date from 1868 to today, or within the documented range.",
    ),
    ("not_in_future", "Must be a day to come."),
    ("not_later", "Must be later than the moment at which the range begins."),
    ("too_long_ago", "Is so long ago that nothing of it is kept any more."),
    ("url_shape", "Must be an absolute URL by https, naming nobody."),
    ("not_public", "Must be the URL of a public address."),
    ("not_json", "The line of a file is no object of JSON."),
    ("unknown_key", "The first line of the file does not have this key."),
    ("email_shape", "Must have the shape of an e-mail address."),
    ("email_unchanged", "Must differ from the present address."),
    (
        "email_doubtful",
        "Perhaps another address is meant, which `detail` names. Asked about once.",
    ),
    ("user_id_taken", "The user ID belongs to somebody else."),
    ("user_id_reserved", "The user ID is reserved."),
    (
        "password_rule",
        "The password does not keep the rule that `detail` says.",
    ),
    ("password_common", "The password is on the list of common ones."),
    (
        "password_context",
        "The password can be guessed from the user ID, member number, birth date or insurer.",
    ),
    ("password_unchanged", "Must differ from the present password."),
    ("password_wrong", "Is not the present password."),
    ("not_agreed", "Must be agreed to."),
    ("html", "Holds raw HTML, which is not shown."),
    ("link", "Holds a link that leads where none may."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_a_field_has_its_meaning() {
        let problems = include_str!("../../kernel/src/problem.rs");
        let (_, rest) = problems.split_once("pub fn code(&self)").unwrap();
        let (arms, _) = rest.split_once("\n    }\n}").unwrap();
        let of_problems = arms.split("=> \"");
        let of_flaws = include_str!("schema.rs").split("Flaw::new(at, \"");
        let mut seen = 0;
        for code in of_problems.skip(1).chain(of_flaws.skip(1)) {
            let code = code.split('"').next().unwrap();
            assert!(OF_FIELDS.iter().any(|(known, _)| *known == code), "{code}");
            seen += 1;
        }
        assert!(seen > 30, "{seen}");
    }
}
