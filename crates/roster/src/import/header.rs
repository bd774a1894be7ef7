//! The columns of the roster format (domain.md §9), found by name in any order.

use super::errors::{ErrorLog, Reason};
use csv::ByteRecord;
use kernel::text;
use unicode_normalization::UnicodeNormalization;

macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident $need:ident $name:literal $(or $other:literal)*,)*) => {
        /// A column of the format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Column {
            $($(#[$doc])* $column,)*
        }

        impl Column {
            /// All columns, as the format orders them.
            pub(super) const ALL: [Self; 21] = [$(Self::$column,)*];

            /// The name shown in errors.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$column => $name,)*
                }
            }

            fn names(self) -> &'static [&'static str] {
                match self {
                    $(Self::$column => &[$name $(, $other)*],)*
                }
            }

            /// True for codes, numbers and names, in which no spreadsheet may see a day or a sum.
            pub(super) fn is_code(self) -> bool {
                !matches!(
                    self,
                    Self::Gender | Self::BirthDate | Self::Attribute | Self::AcquiredOn | Self::LostOn
                        | Self::Address | Self::Building | Self::Email
                )
            }

            fn is_required(self) -> bool {
                match self {
                    $(Self::$column => columns!(@$need),)*
                }
            }
        }
    };
    (@required) => { true };
    (@optional) => { false };
}

columns! {
    Symbol required "被保険者証記号",
    Number required "番号",
    Branch optional "枝番",
    KanaName required "対象者氏名（カナ）",
    Name optional "氏名（漢字）",
    Gender optional "性別",
    BirthDate required "生年月日",
    Attribute optional "被保険者属性名",
    Relationship required "続柄名称",
    AcquiredOn optional "資格取得日" or "資格取得日（家族認定日）",
    LostOn optional "資格喪失日" or "資格喪失日（家族削除日）",
    PostalCode optional "郵便番号",
    Address optional "住所",
    Building optional "住所（建物名）",
    Phone optional "電話",
    Email optional "メール",
    WorkplaceCode optional "事業所コード",
    DepartmentCode optional "所属コード",
    DistributionCode optional "配付先コード",
    EmployeeNumber optional "社員コード",
    PersonalId optional "個人ID",
}

/// Where the columns of one file stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    places: [Option<usize>; Column::ALL.len()],
    /// Fields per row.
    pub(super) width: usize,
    /// Fields that a row has at least: the columns behind them may be blank, and some programs leave blanks at the end off.
    least: usize,
    /// Columns that the format does not know.
    pub(super) unknown: Vec<String>,
}

impl Header {
    /// Reads the header's fields; what is wrong goes to `errors` as line 1.
    pub(super) fn read(fields: &[String], errors: &mut ErrorLog) -> Self {
        let mut header = Self {
            places: [None; Column::ALL.len()],
            width: fields.len(),
            least: 0,
            unknown: Vec::new(),
        };
        for (place, field) in fields.iter().enumerate() {
            let plain = plain(field);
            let known = Column::ALL
                .into_iter()
                .find(|column| column.names().iter().any(|name| self::plain(name) == plain));
            match known.and_then(|column| header.places.get_mut(column as usize).map(|slot| (column, slot))) {
                Some((column, Some(_))) => errors.add(1, column.name(), Reason::RepeatedColumn),
                Some((_, slot)) => *slot = Some(place),
                None if plain.is_empty() => {}
                None => header.unknown.push(field.trim().to_owned()),
            }
        }
        for column in Column::ALL.into_iter().filter(|column| column.is_required()) {
            match header.place(column) {
                Some(place) => header.least = header.least.max(place + 1),
                None => errors.add(1, column.name(), Reason::MissingColumn),
            }
        }
        header
    }

    /// The column's place in a row, from 0.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places.get(column as usize).copied().flatten()
    }

    /// True where the row has the header's columns, but for blanks at its end.
    pub(super) fn fits(&self, row: &ByteRecord) -> bool {
        row.len() >= self.least && row.iter().skip(self.width).all(|field| field.trim_ascii().is_empty())
    }

    /// True where the file has the column. What a file has no column for, it says nothing about.
    pub(super) fn has(&self, column: Column) -> bool {
        self.place(column).is_some()
    }
}

/// Names compare without blanks and widths: half-width parentheses and kana are common.
fn plain(name: &str) -> String {
    text::visible(name)
        .nfkc()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(names: &[&str]) -> (Header, ErrorLog) {
        let mut errors = ErrorLog::default();
        let fields: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let header = Header::read(&fields, &mut errors);
        (header, errors)
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_unknown_ones_reported() {
        let (header, errors) = read(&[
            "続柄名称",
            "\u{FEFF}番号",
            " 生年月日　",
            "対象者氏名(ｶﾅ)",
            "備考",
            "被保険者証記号",
            "",
            "個人ｉｄ",
        ]);
        assert!(errors.is_empty());
        assert_eq!(header.place(Column::Number), Some(1));
        assert_eq!(header.place(Column::KanaName), Some(3));
        assert_eq!(header.place(Column::PersonalId), Some(7));
        assert!(!header.has(Column::Email));
        assert_eq!(header.unknown, ["備考"]);
    }

    #[test]
    fn both_names_of_the_coverage_dates_are_known() {
        for names in [
            ["資格取得日", "資格喪失日"],
            ["資格取得日（家族認定日）", "資格喪失日(家族削除日)"],
        ] {
            let (header, _) = read(&names);
            assert_eq!(
                (header.place(Column::AcquiredOn), header.place(Column::LostOn)),
                (Some(0), Some(1))
            );
        }
    }

    #[test]
    fn missing_and_repeated_columns_are_errors_of_line_one() {
        let (_, errors) = read(&["番号", "番号", "対象者氏名（カナ）", "生年月日", "続柄名称"]);
        let found: Vec<_> = errors
            .kept()
            .iter()
            .map(|e| (e.line, e.column, e.reason.clone()))
            .collect();
        assert_eq!(
            found,
            [
                (1, "番号", Reason::RepeatedColumn),
                (1, "被保険者証記号", Reason::MissingColumn)
            ]
        );
    }

    proptest! {
        #[test]
        fn no_header_panics(fields in proptest::collection::vec("\\PC{0,12}", 0..30)) {
            let mut errors = ErrorLog::default();
            let header = Header::read(&fields, &mut errors);
            prop_assert_eq!(header.width, fields.len());
        }

        #[test]
        fn columns_in_any_order_are_found_and_written_out_are_found_again(
            order in Just(Column::ALL.to_vec()).prop_shuffle(),
            other in "[a-z備考]{1,8}",
        ) {
            let mut fields: Vec<String> = order.iter().map(|column| column.name().to_owned()).collect();
            fields.push(other.clone());
            let mut errors = ErrorLog::default();
            let header = Header::read(&fields, &mut errors);
            prop_assert!(errors.is_empty());
            prop_assert_eq!(&header.unknown, &[other]);
            for (place, column) in order.iter().enumerate() {
                prop_assert_eq!(header.place(*column), Some(place));
            }
        }
    }
}
