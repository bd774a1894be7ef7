//! One row of the file into kernel types, all errors at once. Names keep every character; only codes and numbers get
//! keys of one width.

use super::{
    cells, dates,
    encoding::Encoding,
    errors::{ErrorLog, Reason},
    header::{Column, Header},
};
use chrono::NaiveDate;
use csv::ByteRecord;
use kernel::{Branch, EmailAddress, EmployeeNumber, KanaName, Number, Problem, Relation, RelationWords, Symbol, text};
use std::borrow::Cow;

const MAX_NAME: usize = 100;
const MAX_TEXT: usize = 200;
const MAX_CODE: usize = 40;

/// A row that can be staged. Empty texts are what the file does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) symbol: Symbol,
    pub(super) number: Number,
    pub(super) branch: Branch,
    pub(super) kana_name: KanaName,
    pub(super) name: String,
    pub(super) gender: &'static str,
    pub(super) birth_date: NaiveDate,
    pub(super) attribute: String,
    pub(super) relationship: String,
    pub(super) relation: Relation,
    pub(super) insured: bool,
    pub(super) acquired_on: Option<NaiveDate>,
    pub(super) lost_on: Option<NaiveDate>,
    pub(super) postal_code: String,
    pub(super) address: String,
    pub(super) building: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) workplace_code: String,
    pub(super) department_code: String,
    pub(super) distribution_code: String,
    pub(super) employee_number: Option<EmployeeNumber>,
    pub(super) personal_id: String,
}

/// What all rows of one file share.
pub(super) struct RowParser {
    pub(super) header: Header,
    pub(super) encoding: Encoding,
    /// The day of the import in Japan.
    pub(super) today: NaiveDate,
    /// What the insurer's words for 続柄 mean.
    pub(super) relations: RelationWords,
    /// In a 国保組合 everybody is an insured person (国民健康保険法19条).
    pub(super) all_insured: bool,
}

impl RowParser {
    /// The row, or nothing with its errors added.
    pub(super) fn parse(&self, line: u64, record: &ByteRecord, errors: &mut ErrorLog) -> Option<Row> {
        if !self.header.fits(record) {
            let reason = Reason::FieldCount {
                expected: self.header.width,
                found: record.len(),
            };
            errors.add(line, "", reason);
            return None;
        }
        let mut fields = Fields {
            parser: self,
            line,
            record,
            errors,
        };
        let symbol = fields.read(Column::Symbol, |text| Ok(Symbol::parse(text)?));
        let number = fields.read(Column::Number, |text| Ok(Number::parse(text)?));
        let branch = fields.read(Column::Branch, |text| Ok(Branch::parse(text)?));
        let kana_name = fields.read(Column::KanaName, |text| Ok(KanaName::parse(text)?));
        let name = fields.read(Column::Name, name);
        let gender = fields.read(Column::Gender, gender);
        let birth_date = fields.read(Column::BirthDate, |text| self.birth_date(text));
        let attribute = fields.read(Column::Attribute, |text| bounded(text::written(text), MAX_NAME));
        let relationship = fields.read(Column::Relationship, required);
        let acquired_on = fields.read(Column::AcquiredOn, dates::parse);
        let lost_on = fields.read(Column::LostOn, |text| lost_on(text, acquired_on.flatten()));
        let postal_code = fields.read(Column::PostalCode, code);
        let address = fields.read(Column::Address, |text| bounded(text::written(text), MAX_TEXT));
        let building = fields.read(Column::Building, |text| bounded(text::written(text), MAX_TEXT));
        let phone = fields.read(Column::Phone, code);
        let email = fields.read(Column::Email, email);
        let workplace_code = fields.read(Column::WorkplaceCode, code);
        let department_code = fields.read(Column::DepartmentCode, code);
        let distribution_code = fields.read(Column::DistributionCode, code);
        let employee_number = fields.read(Column::EmployeeNumber, employee_number);
        let personal_id = fields.read(Column::PersonalId, code);
        let relationship = relationship?;
        let relation = self.relations.read(&relationship);
        Some(Row {
            insured: self.all_insured || relation == Relation::Principal,
            relation,
            relationship,
            symbol: symbol?,
            number: number?,
            branch: branch?,
            kana_name: kana_name?,
            name: name?,
            gender: gender?,
            birth_date: birth_date?,
            attribute: attribute?,
            acquired_on: acquired_on?,
            lost_on: lost_on?,
            postal_code: postal_code?,
            address: address?,
            building: building?,
            phone: phone?,
            email: email?,
            workplace_code: workplace_code?,
            department_code: department_code?,
            distribution_code: distribution_code?,
            employee_number: employee_number?,
            personal_id: personal_id?,
        })
    }

    fn birth_date(&self, text: &str) -> Result<NaiveDate, Reason> {
        let date = dates::parse(text)?.ok_or(Reason::Empty)?;
        if date > self.today {
            Err(Reason::DateOutOfRange)
        } else {
            Ok(date)
        }
    }
}

/// The fields of one row and where their errors go.
struct Fields<'a> {
    parser: &'a RowParser,
    line: u64,
    record: &'a ByteRecord,
    errors: &'a mut ErrorLog,
}

impl<'a> Fields<'a> {
    /// A column's value; of a column that the file has not, the value of an empty field.
    fn read<T>(&mut self, column: Column, parse: impl Fn(&str) -> Result<T, Reason>) -> Option<T> {
        let encoding = self.parser.encoding;
        let Some(text) = encoding.decode(self.bytes(column)) else {
            self.errors.add(self.line, column.name(), Reason::Undecodable(encoding));
            return None;
        };
        let parsed = plain(&text, column).and_then(|plain| parse(&plain));
        parsed
            .map_err(|reason| self.errors.add_value(self.line, column.name(), &text, reason))
            .ok()
    }

    /// What stands in the column; nothing where the file has no such column, or the row ends before it.
    fn bytes(&self, column: Column) -> &'a [u8] {
        let Some(place) = self.parser.header.place(column) else {
            return b"";
        };
        let bytes = self.record.get(place).unwrap_or_default();
        if place + 1 == self.record.len() {
            // Rows end with a line feed, whatever stands before it.
            bytes.strip_suffix(b"\r").unwrap_or(bytes)
        } else {
            bytes
        }
    }
}

/// The field as it was before a spreadsheet guarded it, if what it holds now can be its value at all.
fn plain(text: &str, column: Column) -> Result<Cow<'_, str>, Reason> {
    if text::has_control(text) {
        return Err(Reason::Control);
    }
    if text.contains('\u{FFFD}') {
        return Err(Reason::LostCharacter);
    }
    if let Some(guarded) = cells::unwrapped(text) {
        return cells::damage_within(&guarded).map_or(Ok(guarded), Err);
    }
    cells::damage(text, column.is_code()).map_or(Ok(Cow::Borrowed(text)), Err)
}

/// A name in kanji, every character kept.
fn name(field: &str) -> Result<String, Reason> {
    if cells::has_lost_character(field) {
        return Err(Reason::LostKanji);
    }
    bounded(field.trim().to_owned(), MAX_NAME)
}

fn bounded(text: String, max: usize) -> Result<String, Reason> {
    if text.chars().count() > max {
        Err(Reason::TooLong { max })
    } else {
        Ok(text)
    }
}

fn required(field: &str) -> Result<String, Reason> {
    let text = bounded(text::written(field), MAX_CODE)?;
    if text.is_empty() { Err(Reason::Empty) } else { Ok(text) }
}

/// A code, in one width.
fn code(field: &str) -> Result<String, Reason> {
    bounded(text::normalize(field), MAX_CODE)
}

fn gender(field: &str) -> Result<&'static str, Reason> {
    match text::normalize_dense(field).as_str() {
        "" => Ok(""),
        "1" | "男" | "男性" => Ok("1"),
        "2" | "女" | "女性" => Ok("2"),
        "9" | "不明" => Ok("9"),
        _ => Err(Reason::Gender),
    }
}

/// Older cores write "not lost" as all nines or all zeros. Whoever is covered and lost on one day was never covered
/// (同日得喪): that is no mistake.
fn lost_on(field: &str, acquired_on: Option<NaiveDate>) -> Result<Option<NaiveDate>, Reason> {
    let lost_on = match text::normalize_dense(field).as_str() {
        "99999999" | "9999/99/99" | "9999-99-99" | "99991231" | "9999/12/31" | "9999-12-31" | "00000000" | "0" => None,
        date => dates::parse(date)?,
    };
    match (acquired_on, lost_on) {
        (Some(acquired_on), Some(lost_on)) if lost_on < acquired_on => Err(Reason::LostBeforeAcquired { acquired_on }),
        _ => Ok(lost_on),
    }
}

fn email(field: &str) -> Result<String, Reason> {
    match EmailAddress::parse(field) {
        Ok(address) => Ok(address.as_str().to_owned()),
        Err(Problem::Empty) => Ok(String::new()),
        Err(problem) => Err(problem.into()),
    }
}

fn employee_number(field: &str) -> Result<Option<EmployeeNumber>, Reason> {
    match EmployeeNumber::parse(field) {
        Ok(number) => Ok(Some(number)),
        Err(Problem::Empty) => Ok(None),
        Err(problem) => Err(problem.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parser(all_insured: bool) -> RowParser {
        let fields: Vec<String> = Column::ALL.iter().map(|column| column.name().to_owned()).collect();
        let header = Header::read(&fields, &mut ErrorLog::default());
        RowParser {
            header,
            encoding: Encoding::Utf8,
            today: "2026-11-22".parse().unwrap(),
            relations: RelationWords::default(),
            all_insured,
        }
    }

    fn row(changes: &[(Column, &str)]) -> ByteRecord {
        let mut fields = vec![String::new(); Column::ALL.len()];
        let usual = [
            (Column::Symbol, "公立-12"),
            (Column::Number, "0034"),
            (Column::KanaName, "ｹﾝﾎﾟ ﾀﾛｳ"),
            (Column::BirthDate, "S600401"),
            (Column::Relationship, "本人"),
        ];
        for (column, value) in usual.iter().chain(changes) {
            fields[*column as usize] = (*value).to_owned();
        }
        ByteRecord::from(fields)
    }

    fn errors(record: &ByteRecord) -> Vec<(&'static str, Reason)> {
        let mut errors = ErrorLog::default();
        assert_eq!(parser(false).parse(2, record, &mut errors), None);
        errors
            .kept()
            .iter()
            .map(|error| (error.column, error.reason.clone()))
            .collect()
    }

    fn parsed(record: &ByteRecord, all_insured: bool) -> Row {
        let mut errors = ErrorLog::default();
        let row = parser(all_insured).parse(2, record, &mut errors);
        assert_eq!(errors.kept(), []);
        row.unwrap()
    }

    #[test]
    fn names_keep_every_character_and_numbers_get_keys() {
        let row = parsed(&row(&[(Column::Name, "　髙﨑　𠮷\u{E000}神 ")]), false);
        assert_eq!(row.name, "髙﨑　𠮷\u{E000}神");
        assert_eq!((row.symbol.as_str(), row.number.key()), ("公立-12", "34"));
        assert_eq!(row.birth_date.to_string(), "1985-04-01");
    }

    #[test]
    fn the_insured_person_is_the_one_called_so_and_in_a_national_health_society_everybody() {
        for word in [" 本 人 ", "ほんにん", "ﾎﾝﾆﾝ", "被保険者"] {
            assert!(parsed(&row(&[(Column::Relationship, word)]), false).insured, "{word}");
        }
        assert!(!parsed(&row(&[(Column::Relationship, "妻")]), false).insured);
        assert!(parsed(&row(&[(Column::Relationship, "妻")]), true).insured);
    }

    #[test]
    fn all_errors_of_a_row_are_gathered() {
        let record = row(&[
            (Column::Number, ""),
            (Column::KanaName, "健保太郎"),
            (Column::BirthDate, "20261123"),
            (Column::Relationship, "　"),
            (Column::Gender, "3"),
            (Column::Email, "a@b"),
            (Column::LostOn, "1985/2/30"),
            (Column::Address, "一\n二"),
            (Column::Name, "\u{FFFD}田"),
        ]);
        assert_eq!(
            errors(&record),
            [
                ("番号", Reason::Empty),
                ("対象者氏名（カナ）", Reason::NotKana),
                ("氏名（漢字）", Reason::LostCharacter),
                ("性別", Reason::Gender),
                ("生年月日", Reason::DateOutOfRange),
                ("続柄名称", Reason::Empty),
                ("資格喪失日", Reason::ImpossibleDate { month: 2, last_day: 28 }),
                ("住所", Reason::Control),
                ("メール", Reason::EmailShape),
            ]
        );
    }

    #[test]
    fn what_a_spreadsheet_did_is_an_error_of_its_column_and_a_guarded_text_is_its_value() {
        let guarded = row(&[
            (Column::Number, "=\"0034\""),
            (Column::PersonalId, "=\"1E+11\""),
            (Column::Name, "=\"健保\""),
        ]);
        let guarded = parsed(&guarded, false);
        assert_eq!(
            (
                guarded.number.as_str(),
                guarded.personal_id.as_str(),
                guarded.name.as_str()
            ),
            ("0034", "1E+11", "健保")
        );
        for column in Column::ALL {
            for cell in ["#N/A", "########", "'0034", "1.23457E+11"] {
                let found = errors(&row(&[(column, cell)]));
                assert_eq!(found.len(), 1, "{column:?} {cell}");
                assert_eq!(found[0].0, column.name(), "{cell}");
            }
        }
        for column in [
            Column::Symbol,
            Column::Number,
            Column::Branch,
            Column::EmployeeNumber,
            Column::PersonalId,
            Column::Relationship,
            Column::Name,
        ] {
            assert_eq!(
                errors(&row(&[(column, "1-Apr")])),
                [(column.name(), Reason::TurnedToDate)]
            );
        }
        assert_eq!(
            errors(&row(&[(Column::Name, "？田　太郎")])),
            [("氏名（漢字）", Reason::LostKanji)]
        );
    }

    #[test]
    fn a_loss_before_the_beginning_is_named() {
        let days = |acquired, lost| row(&[(Column::AcquiredOn, acquired), (Column::LostOn, lost)]);
        let acquired_on = "2026-04-01".parse().unwrap();
        assert_eq!(
            errors(&days("20260401", "20260331")),
            [("資格喪失日", Reason::LostBeforeAcquired { acquired_on })]
        );
        for (acquired, lost) in [("20260401", "20260401"), ("20260401", "99999999"), ("", "20260331")] {
            parsed(&days(acquired, lost), false);
        }
    }

    #[test]
    fn what_a_row_leaves_off_at_its_end_is_blank() {
        let whole = row(&[(Column::Email, "a@example.jp")]);
        let short: ByteRecord = whole.iter().take(Column::Email as usize + 1).collect();
        assert_eq!(parsed(&short, false), parsed(&whole, false));
        let longer: ByteRecord = whole.iter().chain([b"".as_slice(), b" "]).collect();
        assert_eq!(parsed(&longer, false), parsed(&whole, false));
        let more: ByteRecord = whole.iter().chain([b"x".as_slice()]).collect();
        assert_eq!(
            errors(&more),
            [(
                "",
                Reason::FieldCount {
                    expected: 21,
                    found: 22
                }
            )]
        );
        let cut: ByteRecord = whole.iter().take(Column::Relationship as usize).collect();
        assert_eq!(errors(&cut), [("", Reason::FieldCount { expected: 21, found: 8 })]);
    }

    #[test]
    fn bytes_that_do_not_decode_are_an_error_of_their_column() {
        let mut record = ByteRecord::new();
        for (place, field) in row(&[]).iter().enumerate() {
            record.push_field(if place == Column::Name as usize { b"\x83" } else { field });
        }
        assert_eq!(errors(&record), [("氏名（漢字）", Reason::Undecodable(Encoding::Utf8))]);
    }

    #[test]
    fn rows_of_another_width_are_refused() {
        let record = ByteRecord::from(vec!["1", "2"]);
        assert_eq!(errors(&record), [("", Reason::FieldCount { expected: 21, found: 2 })]);
    }

    #[test]
    fn placeholders_for_no_loss_are_no_loss() {
        for field in ["99999999", "9999/12/31", "00000000", ""] {
            assert_eq!(parsed(&row(&[(Column::LostOn, field)]), false).lost_on, None);
        }
        let given = parsed(&row(&[(Column::LostOn, "R080401")]), false).lost_on;
        assert_eq!(given, "2026-04-01".parse().ok());
    }

    proptest! {
        #[test]
        fn no_row_panics(fields in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..24), 21)) {
            for encoding in [Encoding::Utf8, Encoding::Cp932] {
                let parser = RowParser { encoding, ..parser(true) };
                let mut errors = ErrorLog::default();
                let row = parser.parse(2, &ByteRecord::from(fields.clone()), &mut errors);
                prop_assert_eq!(row.is_none(), !errors.is_empty());
            }
        }
    }
}
