//! The columns of a kind of table, and where they stand in one file: found by name, in any order.

use crate::{Coded, ErrorLog, Fault};
use csv::ByteRecord;
use kernel::text;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use unicode_normalization::UnicodeNormalization;

/// The columns that a kind of table can have: an enum, made by [`columns!`](crate::columns).
pub trait Column: Copy + 'static {
    /// All of them, as the format orders them.
    const ALL: &'static [Self];

    /// The name shown in errors.
    fn name(self) -> &'static str;

    /// The names by which the column is known in a file; the one shown is the first.
    fn names(self) -> &'static [&'static str];

    /// True where no file may be without it.
    fn is_required(self) -> bool;

    /// True for codes, numbers and names, in which no spreadsheet may see a day or a sum.
    fn is_code(self) -> bool;

    /// Its place in [`Self::ALL`].
    fn index(self) -> usize;
}

/// Declares the columns of a kind of table, a line each: `required` or `optional`, `code` (a code, a number or a name, in which
/// no spreadsheet may see a day or a sum) or `value`, and the names by which it is known, the one shown first.
///
/// ```
/// tabular::columns! {
///     /// What a shop sells.
///     enum Column {
///         Code: required code "商品コード",
///         SoldOn: optional value "販売日" or "売上日",
///     }
/// }
/// use tabular::Column as _;
/// assert_eq!(Column::SoldOn.names(), ["販売日", "売上日"]);
/// assert!(Column::Code.is_required() && Column::Code.is_code());
/// ```
#[macro_export]
macro_rules! columns {
    (
        $(#[$about:meta])* $vis:vis enum $name:ident {
            $($(#[$doc:meta])* $column:ident: $need:ident $holds:ident $label:literal $(or $other:literal)*,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$doc])* $column,)*
        }

        impl $crate::Column for $name {
            const ALL: &'static [Self] = &[$(Self::$column,)*];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$column => $label,)*
                }
            }

            fn names(self) -> &'static [&'static str] {
                match self {
                    $(Self::$column => &[$label $(, $other)*],)*
                }
            }

            fn is_required(self) -> bool {
                match self {
                    $(Self::$column => $crate::columns!(@$need),)*
                }
            }

            fn is_code(self) -> bool {
                match self {
                    $(Self::$column => $crate::columns!(@$holds),)*
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
    (@required) => { true };
    (@optional) => { false };
    (@code) => { true };
    (@value) => { false };
}

/// Which header means which column, where somebody has said so: the column by its name, the header as it stands in the
/// file, or nothing where the column is not to be read. What a file has no such header for is found by its own names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(BTreeMap<String, String>);

impl Mapping {
    /// The header that means the column of this name; empty where none does.
    pub fn header(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    /// All of them: a column's name and its header.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(column, header)| (column.as_str(), header.as_str()))
    }
}

impl FromIterator<(String, String)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// Where the columns of one file stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<C> {
    /// The place of each known column; none of one that the file has not.
    places: Vec<(C, Option<usize>)>,
    /// Fields per row.
    pub(crate) width: usize,
    /// Fields that a row has at least: the columns behind them may be blank, and some programs leave blanks at the end off.
    least: usize,
    unknown: Vec<String>,
}

impl<C: Column> Header<C> {
    /// Where a file of these fields has the columns, whatever is wrong with it.
    pub fn of(fields: &[String], mapping: &Mapping) -> Self {
        Self::read(fields, mapping, &mut ErrorLog::<Fault>::default())
    }

    /// Of a table without one: which column is where of how many, counted from 1.
    pub(crate) fn laid_out(layout: &[(C, usize)], width: usize) -> Self {
        let place = |column: C| {
            let laid = layout.iter().find(|(laid, _)| laid.index() == column.index());
            laid.and_then(|(_, nth)| nth.checked_sub(1))
        };
        Self {
            places: C::ALL.iter().map(|column| (*column, place(*column))).collect(),
            width,
            least: width,
            unknown: Vec::new(),
        }
    }

    /// Reads the header's fields; what is wrong goes to `errors` as line 1.
    pub(crate) fn read<Reason: Coded + From<Fault>>(
        fields: &[String],
        mapping: &Mapping,
        errors: &mut ErrorLog<Reason>,
    ) -> Self {
        let mut header = Self {
            places: C::ALL.iter().map(|column| (*column, None)).collect(),
            width: fields.len(),
            least: 0,
            unknown: Vec::new(),
        };
        let fields: Vec<(String, &String)> = fields.iter().map(|field| (plain(field), field)).collect();
        let mut meant = vec![false; fields.len()];
        let mut is_unread = vec![false; header.places.len()];
        for ((column, slot), unread) in header.places.iter_mut().zip(&mut is_unread) {
            let Some(header) = mapping.header(column.name()).map(plain) else {
                continue;
            };
            let mut places = (0..)
                .zip(&fields)
                .filter(|(_, (field, _))| !header.is_empty() && *field == header);
            *slot = places.next().map(|(place, _)| place);
            // Two of one name: nobody can tell which was chosen.
            if places.next().is_some() {
                errors.add(1, column.name(), Fault::RepeatedColumn.into());
            }
            *unread = header.is_empty() || slot.is_some();
            if let Some(meant) = slot.and_then(|place| meant.get_mut(place)) {
                *meant = true;
            }
        }
        let mut named = HashMap::new();
        for (nth, (column, unread)) in C::ALL.iter().zip(is_unread).enumerate() {
            for name in column.names().iter().filter(|_| !unread) {
                named.entry(plain(name)).or_insert(nth);
            }
        }
        let unmeant = fields.iter().zip(meant).enumerate().filter(|(_, (_, meant))| !meant);
        for (place, ((plain, field), _)) in unmeant {
            let column = named.get(plain).and_then(|nth| header.places.get_mut(*nth));
            match column {
                Some((column, Some(_))) => errors.add(1, column.name(), Fault::RepeatedColumn.into()),
                Some((_, slot)) => *slot = Some(place),
                None if plain.is_empty() => {}
                None => header.unknown.push(field.trim().to_owned()),
            }
        }
        for column in C::ALL.iter().filter(|column| column.is_required()) {
            match header.place(*column) {
                Some(place) => header.least = header.least.max(place + 1),
                None => errors.add(1, column.name(), Fault::MissingColumn.into()),
            }
        }
        header
    }

    /// The column's place in a row, from 0.
    pub(crate) fn place(&self, column: C) -> Option<usize> {
        self.places.get(column.index()).and_then(|(_, place)| *place)
    }

    /// True where the row has the header's columns, but for blanks at its end, which may be more than those where that is so.
    pub(crate) fn fits(&self, row: &ByteRecord, blanks_behind: bool) -> bool {
        let is_blank = |field: &[u8]| blanks_behind && field.trim_ascii().is_empty();
        row.len() >= self.least && row.iter().skip(self.width).all(is_blank)
    }

    /// The names of columns that this kind of table does not know; they are not read.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// True where nothing in it is known.
    pub(crate) fn is_foreign(&self) -> bool {
        self.places.iter().all(|(_, place)| place.is_none())
    }

    /// Where the file has the column, its place in a row, from 0.
    pub fn column(&self, column: C) -> Option<usize> {
        self.place(column)
    }

    /// True where the file has the column. What a file has no column for, it says nothing about.
    pub fn has(&self, column: C) -> bool {
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

/// Columns that a kind of table does not know, of which so many are told, and so many characters of each: a file may have any
/// number of them.
pub const UNKNOWN: (usize, usize) = (50, 100);

/// The first of these columns, as they are told.
pub fn first_unknown(columns: &[String]) -> Vec<String> {
    let (most, chars) = UNKNOWN;
    let columns = columns.iter().take(most);
    columns.map(|name| name.chars().take(chars).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    columns! {
        enum Named {
            Number: required code "番号",
            KanaName: required code "対象者氏名（カナ）",
            Email: optional value "メール",
            PersonalId: optional code "個人ID",
            LostOn: optional value "資格喪失日" or "資格喪失日（家族削除日）",
        }
    }

    fn read(names: &[&str]) -> (Header<Named>, ErrorLog<Fault>) {
        let mut errors = ErrorLog::default();
        let fields: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let header = Header::read(&fields, &Mapping::default(), &mut errors);
        (header, errors)
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_unknown_ones_reported() {
        let names = ["\u{FEFF}番号", " 生年月日　", "対象者氏名(ｶﾅ)", "備考", "", "個人ｉｄ"];
        let (header, errors) = read(&names);
        assert!(errors.is_empty());
        assert_eq!(header.place(Named::Number), Some(0));
        assert_eq!(header.place(Named::KanaName), Some(2));
        assert_eq!(header.place(Named::PersonalId), Some(5));
        assert!(!header.has(Named::Email));
        assert_eq!(header.unknown(), ["生年月日", "備考"]);
    }

    #[test]
    fn a_column_is_known_by_each_of_its_names() {
        for name in ["資格喪失日", "資格喪失日(家族削除日)"] {
            assert_eq!(read(&["番号", name]).0.place(Named::LostOn), Some(1), "{name}");
        }
    }

    #[test]
    fn a_header_means_the_column_that_somebody_said_it_means() {
        let read = |names: &[&str], pairs: &[(&str, &str)]| {
            let fields: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let owned = pairs
                .iter()
                .map(|(column, header)| ((*column).to_owned(), (*header).to_owned()));
            let mut errors = ErrorLog::<Fault>::default();
            let header = Header::<Named>::read(&fields, &owned.collect(), &mut errors);
            (header, errors.is_empty())
        };
        let names = ["証番号", "番号", "対象者氏名（カナ）", "メール"];
        let (header, is_whole) = read(&names, &[("番号", " 証番号"), ("メール", "")]);
        assert!(is_whole);
        assert_eq!(header.place(Named::Number), Some(0));
        assert!(!header.has(Named::Email));
        assert_eq!(header.unknown(), ["番号", "メール"]);
        // Of a header that this file has not, the column's own name counts.
        let (header, is_whole) = read(&names[1..], &[("番号", "証番号")]);
        assert!(is_whole);
        assert_eq!(header.place(Named::Number), Some(0));
    }

    /// How often the names of [`Counted`] were asked for.
    static ASKED: AtomicUsize = AtomicUsize::new(0);

    /// A kind of table of two columns.
    #[derive(Clone, Copy)]
    struct Counted(usize);

    impl Column for Counted {
        const ALL: &'static [Self] = &[Self(0), Self(1)];

        fn name(self) -> &'static str {
            "番号"
        }

        fn names(self) -> &'static [&'static str] {
            ASKED.fetch_add(1, Ordering::Relaxed);
            &["番号", "記号"]
        }

        fn is_required(self) -> bool {
            false
        }

        fn is_code(self) -> bool {
            true
        }

        fn index(self) -> usize {
            self.0
        }
    }

    #[test]
    fn however_many_columns_a_file_has_the_known_names_are_read_once() {
        let fields: Vec<String> = (0..100_000).map(|nth| format!("列{nth}")).collect();
        let header = Header::<Counted>::of(&fields, &Mapping::default());
        assert_eq!(ASKED.load(Ordering::Relaxed), Counted::ALL.len());
        assert_eq!(header.unknown().len(), fields.len());
    }

    #[test]
    fn missing_and_repeated_columns_are_errors_of_line_one() {
        let (_, errors) = read(&["番号", "番号", "メール"]);
        let found: Vec<_> = errors
            .kept()
            .iter()
            .map(|e| (e.line, e.column, e.reason.clone()))
            .collect();
        assert_eq!(
            found,
            [
                (1, "番号", Fault::RepeatedColumn),
                (1, "対象者氏名（カナ）", Fault::MissingColumn)
            ]
        );
    }

    proptest! {
        #[test]
        fn no_header_panics(fields in proptest::collection::vec("\\PC{0,12}", 0..30)) {
            let header = Header::<Named>::read(&fields, &Mapping::default(), &mut ErrorLog::<Fault>::default());
            prop_assert_eq!(header.width, fields.len());
        }

        #[test]
        fn columns_in_any_order_are_found_and_written_out_are_found_again(
            order in Just(Named::ALL.to_vec()).prop_shuffle(),
            other in "[a-z備考]{1,8}",
        ) {
            let mut fields: Vec<String> = order.iter().map(|column| column.name().to_owned()).collect();
            fields.push(other.clone());
            let mut errors = ErrorLog::<Fault>::default();
            let header = Header::<Named>::read(&fields, &Mapping::default(), &mut errors);
            prop_assert!(errors.is_empty());
            prop_assert_eq!(&header.unknown, &[other]);
            for (place, column) in order.iter().enumerate() {
                prop_assert_eq!(header.place(*column), Some(place));
            }
        }
    }
}
