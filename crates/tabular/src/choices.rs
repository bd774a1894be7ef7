//! Which of a file's headers means which column, as somebody chooses it.

use crate::{Column, Header, Mapping};
use std::collections::BTreeSet;

/// A column of a format, and which of a file's headers is taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// What it is called.
    pub column: &'static str,
    /// True where no file may be without it.
    pub is_required: bool,
    /// The header's place in the file, from 0.
    pub place: Option<usize>,
}

impl Choice {
    /// All columns of a format, in its order, and where a file with these headers has them.
    pub fn all<C: Column>(headers: &[String], mapping: &Mapping) -> Vec<Self> {
        let header = Header::<C>::of(headers, mapping);
        let choice = |column: &C| Self {
            column: column.name(),
            is_required: column.is_required(),
            place: header.column(*column),
        };
        C::ALL.iter().map(choice).collect()
    }

    /// What somebody chose instead, by the headers' places, in the order of the format: each header for one column at most, and one
    /// for each that no file may be without. None where it is otherwise.
    pub fn mapping(all: &[Self], headers: &[String], chosen: &[Option<usize>]) -> Option<Mapping> {
        let mut taken = BTreeSet::new();
        let pair = |(nth, choice): (usize, &Self)| {
            let place = chosen.get(nth).copied().flatten();
            let header = match place {
                Some(place) => headers.get(place).filter(|_| taken.insert(place))?.clone(),
                None if choice.is_required => return None,
                None => String::new(),
            };
            Some((choice.column.to_owned(), header))
        };
        all.iter().enumerate().map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::columns! {
        enum Sold {
            Code: required code "商品コード",
            On: required value "販売日",
            To: optional value "客",
        }
    }

    #[test]
    fn each_header_is_one_columns_and_none_that_is_needed_is_left_out() {
        let headers: Vec<String> = ["販売日", "品", "誰"].map(str::to_owned).into();
        let all = Choice::all::<Sold>(&headers, &Mapping::default());
        assert_eq!(all.iter().map(|of| of.place).collect::<Vec<_>>(), [None, Some(0), None]);
        let chosen = |chosen: [Option<usize>; 3]| Choice::mapping(&all, &headers, &chosen);
        let mapping = chosen([Some(1), Some(0), None]).unwrap();
        assert_eq!(
            (mapping.header("商品コード"), mapping.header("客")),
            (Some("品"), Some(""))
        );
        let located = Choice::all::<Sold>(&headers, &mapping);
        assert_eq!(
            located.iter().map(|of| of.place).collect::<Vec<_>>(),
            [Some(1), Some(0), None]
        );
        for wrong in [
            [Some(0), Some(0), None],
            [Some(99), Some(0), None],
            [None, Some(0), Some(1)],
        ] {
            assert_eq!(chosen(wrong), None, "{wrong:?}");
        }
    }
}
