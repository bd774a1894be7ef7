//! One person's columns, of a file or a form, into kernel types, all errors at once. Names keep every character; only codes
//! and numbers get keys of one width.

use super::{columns::Column, reasons::Reason};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{
    Branch, EmailAddress, EmployeeNumber, KanaName, Number, Problem, Relation, RelationWords, Symbol, calendar, dates,
    text,
};
use tabular::{Fault, texts};
use tenancy::{Insurer, InsurerKind};

/// Characters of a name at most, or of an attribute.
pub const NAME_CHARS: usize = 100;
/// Characters of a line of an address at most.
pub const TEXT_CHARS: usize = 200;
/// Characters of a code at most, of a phone number or of 続柄.
pub const CODE_CHARS: usize = 40;

/// A row that can be staged. Empty texts are what the file does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) symbol: Symbol,
    pub(crate) number: Number,
    pub(crate) branch: Branch,
    pub(crate) kana_name: KanaName,
    pub(crate) name: String,
    pub(crate) gender: &'static str,
    pub(crate) birth_date: NaiveDate,
    pub(crate) attribute: String,
    pub(crate) relationship: String,
    pub(crate) relation: Relation,
    pub(crate) insured: bool,
    pub(crate) acquired_on: Option<NaiveDate>,
    pub(crate) lost_on: Option<NaiveDate>,
    pub(crate) postal_code: String,
    pub(crate) address: String,
    pub(crate) building: String,
    pub(crate) phone: String,
    pub(crate) email: String,
    pub(crate) workplace_code: String,
    pub(crate) department_code: String,
    pub(crate) distribution_code: String,
    pub(crate) employee_number: Option<EmployeeNumber>,
    pub(crate) personal_id: String,
    pub(crate) movement: Movement,
}

/// What a row of a file of changes is (異動区分).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Movement {
    /// The file is a whole roster.
    None,
    /// 追加; of whom the roster knows already it is a change.
    Add,
    /// 変更.
    Change,
    /// 喪失.
    Lose,
}

impl Movement {
    /// The word in `roster_staging`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Add => "add",
            Self::Change => "change",
            Self::Lose => "lose",
        }
    }

    fn parse(field: &str) -> Result<Self, Reason> {
        match text::normalize_dense(field).as_str() {
            "追加" => Ok(Self::Add),
            "変更" => Ok(Self::Change),
            "喪失" => Ok(Self::Lose),
            _ => Err(Reason::Movement),
        }
    }
}

/// What a person is read from, column by column: a line of a file, or a form.
pub(super) trait Fields {
    /// What `parse` makes of a column; nothing, with the error noted, where it is wrong.
    fn read<T, E: Into<Reason>>(&mut self, column: Column, parse: impl Fn(&str) -> Result<T, E>) -> Option<T>;
}

impl Fields for tabular::Row<'_, Column, Reason> {
    fn read<T, E: Into<Reason>>(&mut self, column: Column, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        tabular::Row::read(self, column, parse)
    }
}

/// By what people are read.
pub(crate) struct Reading {
    /// The day, in Japan.
    pub(super) today: NaiveDate,
    /// What the insurer's words for 続柄 mean.
    pub(super) relations: RelationWords,
    /// In a 国保組合 everybody is an insured person (国民健康保険法19条).
    pub(super) all_insured: bool,
    /// True of a file of changes.
    pub(super) is_delta: bool,
}

impl Reading {
    /// By the rules of an insurer, on the day of a time.
    pub(crate) fn of(insurer: &Insurer, now: DateTime<Utc>) -> Self {
        Self {
            today: calendar::today_in_japan(now),
            relations: insurer.relations.clone(),
            all_insured: insurer.kind == InsurerKind::NationalHealth,
            is_delta: false,
        }
    }

    /// The row, or nothing with its errors noted.
    pub(super) fn parse(&self, fields: &mut impl Fields) -> Option<Row> {
        let symbol = fields.read(Column::Symbol, Symbol::parse);
        let number = fields.read(Column::Number, Number::parse);
        let branch = fields.read(Column::Branch, Branch::parse);
        let kana_name = fields.read(Column::KanaName, KanaName::parse);
        let name = fields.read(Column::Name, |text| texts::kanji(text, NAME_CHARS));
        let gender = fields.read(Column::Gender, gender);
        let birth_date = fields.read(Column::BirthDate, |text| self.birth_date(text));
        let attribute = fields.read(Column::Attribute, |text| texts::written(text, NAME_CHARS));
        let relationship = fields.read(Column::Relationship, required);
        let acquired_on = fields.read(Column::AcquiredOn, dates::parse);
        let movement = if self.is_delta {
            fields.read(Column::Movement, Movement::parse)
        } else {
            Some(Movement::None)
        };
        let lost_on = fields.read(Column::LostOn, |text| match lost_on(text, acquired_on.flatten()) {
            Ok(None) if movement == Some(Movement::Lose) => Err(Reason::LossWithoutDay),
            lost_on => lost_on,
        });
        let postal_code = fields.read(Column::PostalCode, code);
        let address = fields.read(Column::Address, |text| texts::written(text, TEXT_CHARS));
        let building = fields.read(Column::Building, |text| texts::written(text, TEXT_CHARS));
        let phone = fields.read(Column::Phone, code);
        let email = fields.read(Column::Email, email);
        let workplace_code = fields.read(Column::WorkplaceCode, code);
        let department_code = fields.read(Column::DepartmentCode, code);
        let distribution_code = fields.read(Column::DistributionCode, code);
        let employee_number = fields.read(Column::EmployeeNumber, |text| optional(text, EmployeeNumber::parse));
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
            movement: movement?,
        })
    }

    fn birth_date(&self, text: &str) -> Result<NaiveDate, Reason> {
        let date = dates::parse(text)?.ok_or(Fault::Empty)?;
        if date > self.today {
            Err(Reason::BornLater)
        } else {
            Ok(date)
        }
    }
}

fn required(field: &str) -> Result<String, Fault> {
    let text = texts::written(field, CODE_CHARS)?;
    if text.is_empty() { Err(Fault::Empty) } else { Ok(text) }
}

fn code(field: &str) -> Result<String, Fault> {
    texts::code(field, CODE_CHARS)
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

/// Older cores write "not lost" as all nines or all zeros.
fn day_of_loss(field: &str) -> Result<Option<NaiveDate>, Problem> {
    match text::normalize_dense(field).as_str() {
        "99999999" | "9999/99/99" | "9999-99-99" | "99991231" | "9999/12/31" | "9999-12-31" | "00000000" | "0" => {
            Ok(None)
        }
        date => dates::parse(date),
    }
}

/// Whoever is covered and lost on one day was never covered (同日得喪): that is no mistake.
fn lost_on(field: &str, acquired_on: Option<NaiveDate>) -> Result<Option<NaiveDate>, Reason> {
    let lost_on = day_of_loss(field)?;
    match (acquired_on, lost_on) {
        (Some(acquired_on), Some(lost_on)) if lost_on < acquired_on => Err(Reason::LostBeforeAcquired { acquired_on }),
        _ => Ok(lost_on),
    }
}

fn email(field: &str) -> Result<String, Problem> {
    let address = optional(field, EmailAddress::parse)?;
    Ok(address.map(|address| address.as_str().to_owned()).unwrap_or_default())
}

fn optional<T>(field: &str, parse: impl Fn(&str) -> Result<T, Problem>) -> Result<Option<T>, Problem> {
    match parse(field) {
        Ok(value) => Ok(Some(value)),
        Err(Problem::Empty) => Ok(None),
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tabular::{Column as _, Encoding, Table};

    /// A row of all columns.
    type Cells = Vec<Vec<u8>>;

    fn reading(all_insured: bool) -> Reading {
        Reading {
            today: "2026-11-22".parse().unwrap(),
            relations: RelationWords::default(),
            all_insured,
            is_delta: false,
        }
    }

    fn row(changes: &[(Column, &str)]) -> Cells {
        let mut cells = vec![Vec::new(); Column::ALL.len()];
        let usual = [
            (Column::Symbol, "公立-12"),
            (Column::Number, "0034"),
            (Column::KanaName, "ｹﾝﾎﾟ ﾀﾛｳ"),
            (Column::BirthDate, "S600401"),
            (Column::Relationship, "本人"),
        ];
        for (column, value) in usual.iter().chain(changes) {
            cells[*column as usize] = value.as_bytes().to_vec();
        }
        cells
    }

    /// What a file of this row holds, and what is wrong with it.
    fn read(cells: &Cells, encoding: Encoding, all_insured: bool) -> (Option<Row>, Vec<(&'static str, Reason)>) {
        read_with(cells, encoding, &reading(all_insured))
    }

    fn read_with(cells: &Cells, encoding: Encoding, reading: &Reading) -> (Option<Row>, Vec<(&'static str, Reason)>) {
        let names: Vec<&str> = Column::ALL.iter().map(|column| column.name()).collect();
        let header = names.join(",");
        let mut file = match encoding {
            Encoding::Cp932 => encoding_rs::SHIFT_JIS.encode(&header).0.into_owned(),
            _ => header.into_bytes(),
        };
        for (nth, cell) in cells.iter().enumerate() {
            file.extend_from_slice(if nth == 0 { b"\n\"" } else { b",\"" });
            for byte in cell {
                file.extend(std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }));
            }
            file.push(b'"');
        }
        let rules = tabular::Rules {
            max_rows: 1,
            rows_of: "加入者",
            blanks_behind: true,
        };
        let mut table = Table::<Column, Reason, _>::open(file.as_slice(), rules).unwrap();
        let row = table.next_row().unwrap().and_then(|mut row| reading.parse(&mut row));
        let read = table.finish().unwrap();
        assert_eq!(read.encoding, encoding);
        let errors = read.errors.kept().iter();
        (row, errors.map(|error| (error.column, error.reason.clone())).collect())
    }

    fn errors(cells: &Cells) -> Vec<(&'static str, Reason)> {
        let (row, errors) = read(cells, Encoding::Utf8, false);
        assert_eq!(row, None);
        errors
    }

    fn parsed(cells: &Cells, all_insured: bool) -> Row {
        let (row, errors) = read(cells, Encoding::Utf8, all_insured);
        assert_eq!(errors, []);
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
                ("番号", Reason::Table(Fault::Empty)),
                ("対象者氏名（カナ）", Reason::Table(Fault::NotKana)),
                ("氏名（漢字）", Reason::Table(Fault::LostCharacter)),
                ("性別", Reason::Gender),
                ("生年月日", Reason::BornLater),
                ("続柄名称", Reason::Table(Fault::Empty)),
                (
                    "資格喪失日",
                    Reason::Table(Fault::ImpossibleDate { month: 2, last_day: 28 })
                ),
                ("住所", Reason::Table(Fault::Control)),
                ("メール", Reason::Table(Fault::EmailShape)),
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
        for column in Column::ALL.iter().copied().filter(|column| *column != Column::Movement) {
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
                [(column.name(), Reason::Table(Fault::TurnedToDate))]
            );
        }
        assert_eq!(
            errors(&row(&[(Column::Name, "？田　太郎")])),
            [("氏名（漢字）", Reason::Table(Fault::LostKanji))]
        );
    }

    #[test]
    fn a_row_of_a_file_of_changes_says_which_it_is_and_a_loss_its_day() {
        let reading = Reading {
            is_delta: true,
            ..reading(false)
        };
        let movement = |word, lost_on| {
            let cells = row(&[(Column::Movement, word), (Column::LostOn, lost_on)]);
            let (row, errors) = read_with(&cells, Encoding::Utf8, &reading);
            (row.map(|row| row.movement), errors)
        };
        assert_eq!(movement(" 追加", "").0, Some(Movement::Add));
        assert_eq!(movement("変更", "20260401").0, Some(Movement::Change));
        assert_eq!(movement("喪失", "20260401").0, Some(Movement::Lose));
        for word in ["", "削除"] {
            assert_eq!(movement(word, "").1, [("異動区分", Reason::Movement)]);
        }
        for day in ["", "99999999"] {
            assert_eq!(movement("喪失", day).1, [("資格喪失日", Reason::LossWithoutDay)]);
        }
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
    fn placeholders_for_no_loss_are_no_loss() {
        for field in ["99999999", "9999/12/31", "00000000", ""] {
            assert_eq!(parsed(&row(&[(Column::LostOn, field)]), false).lost_on, None);
        }
        let given = parsed(&row(&[(Column::LostOn, "R080401")]), false).lost_on;
        assert_eq!(given, "2026-04-01".parse().ok());
    }

    proptest! {
        #[test]
        fn no_row_panics(cells in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..24), Column::ALL.len())) {
            for encoding in [Encoding::Utf8, Encoding::Cp932] {
                let (row, errors) = read(&cells, encoding, true);
                prop_assert_eq!(row.is_none(), !errors.is_empty());
            }
        }
    }
}
