//! Lists page by page: how many lines, and where the page before ended. A cursor is a position in one list of one insurer, sealed:
//! programs can't make one, nor read it, nor use it elsewhere.

use crate::failure::Failure;
use crate::params::{Query, Rule};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Context, Keys, TenantId, text};
use poem_openapi::registry::MetaSchema;
use serde::{Serialize, de::DeserializeOwned};

/// Lines of a page at most.
pub const MOST: u32 = 200;
/// And where nobody asks for another number.
pub const USUAL: u32 = 50;
/// Characters of a cursor at most.
pub(crate) const CURSOR: usize = 400;
const PURPOSE: &str = "cursor";

/// How many lines a page has.
pub struct Limit;

impl Rule for Limit {
    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(MOST)),
            default: Some(USUAL.into()),
            ..MetaSchema::new_with_format("integer", "int32")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        crate::params::number_flaw(text, MOST)
    }
}

/// Where a page begins: what a page before said in `next`.
pub struct Cursor;

impl Rule for Cursor {
    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(CURSOR),
            pattern: Some("^[A-Za-z0-9_-]*$".into()),
            ..MetaSchema::new("string")
        }
    }

    /// What it is worth is told when it is opened.
    fn flaw(_text: &str) -> Option<&'static str> {
        None
    }
}

/// How many lines are asked for.
pub fn limit(asked: &Query<Limit>) -> u32 {
    asked.text.as_deref().and_then(text::number).unwrap_or(USUAL)
}

/// Cuts lines, of which one more than `most` was asked for, to a page; true where there are more.
pub fn cut<T>(lines: &mut Vec<T>, most: u32) -> bool {
    let is_more = lines.len() > most as usize;
    lines.truncate(most as usize);
    is_more
}

/// One list of one insurer.
pub struct List<'a> {
    /// By what its cursors are sealed.
    pub keys: &'a Keys,
    /// Whose.
    pub tenant: TenantId,
    /// The operation's name.
    pub operation: &'static str,
    /// By what it is narrowed; empty where it is whole.
    pub narrowed: String,
}

impl List<'_> {
    /// The list as these parameters narrow it: a cursor of it is good for no other.
    #[must_use]
    pub fn narrowed(mut self, by: &[&Option<String>]) -> Self {
        if by.iter().any(|text| text.is_some()) {
            self.narrowed = serde_json::to_string(by).unwrap_or_default();
        }
        self
    }

    /// Where the page before ended; 400 for what was never handed out for this list.
    pub fn after<P: DeserializeOwned>(&self, cursor: &Query<Cursor>) -> Result<Option<P>, Failure> {
        let Some(text) = &cursor.text else { return Ok(None) };
        let position = self.open(text);
        position.map(Some).ok_or_else(|| Failure::of("cursor"))
    }

    /// The same of the list of one thing: 400 also for what was handed out for another's.
    pub fn after_of<I: DeserializeOwned + PartialEq, P: DeserializeOwned>(
        &self,
        thing: &I,
        cursor: &Query<Cursor>,
    ) -> Result<Option<P>, Failure> {
        match self.after::<(I, P)>(cursor)? {
            Some((of, _)) if of != *thing => Err(Failure::of("cursor")),
            after => Ok(after.map(|(_, position)| position)),
        }
    }

    /// A page of lines ([`cut`]), and the cursor of the next where there is one.
    pub fn page<T, P: Serialize>(
        &self,
        mut lines: Vec<T>,
        most: u32,
        position: impl FnOnce(&T) -> P,
    ) -> (Vec<T>, Option<String>) {
        let is_more = cut(&mut lines, most);
        let next = lines.last().filter(|_| is_more).map(|last| self.next(&position(last)));
        (lines, next)
    }

    /// The cursor of what comes after a position.
    pub fn next<P: Serialize>(&self, position: &P) -> String {
        let plain = serde_json::to_vec(position).unwrap_or_default();
        let sealed = self.keys.seal(PURPOSE, Context::Named(&self.place()), &plain);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn open<P: DeserializeOwned>(&self, text: &str) -> Option<P> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| text.len() <= CURSOR)?;
        let plain = self.keys.open(PURPOSE, Context::Named(&self.place()), &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    fn place(&self) -> String {
        format!("{} {}{}", self.tenant, self.operation, self.narrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list<'a>(keys: &'a Keys, tenant: i32, operation: &'static str) -> List<'a> {
        List {
            keys,
            tenant: TenantId(tenant),
            operation,
            narrowed: String::new(),
        }
    }

    fn ring(current: &str) -> Keys {
        let keys = [("a", 1), ("b", 2)].map(|(id, byte)| (id.to_owned(), [byte; 32]));
        Keys::new(current, keys).unwrap()
    }

    #[test]
    fn a_cursor_is_good_for_its_insurers_list_alone_also_after_the_key_was_replaced() {
        let keys = ring("a");
        let cursor = list(&keys, 7, "list_things").next(&(3, "x"));
        assert!(cursor.len() <= CURSOR);
        let open = |keys: &Keys, tenant, operation| list(keys, tenant, operation).open::<(i32, String)>(&cursor);
        assert_eq!(open(&keys, 7, "list_things"), Some((3, "x".into())));
        assert_eq!(open(&ring("b"), 7, "list_things"), Some((3, "x".into())));
        for (tenant, operation) in [(8, "list_things"), (7, "list_others")] {
            assert_eq!(open(&keys, tenant, operation), None);
        }
        assert_eq!(list(&keys, 7, "list_things").open::<i32>(&cursor), None);
    }

    #[test]
    fn a_cursor_is_good_for_what_its_list_was_narrowed_by_alone() {
        let keys = ring("a");
        let narrowed = |by: &[Option<&str>]| {
            let by: Vec<Option<String>> = by.iter().map(|text| text.map(Into::into)).collect();
            list(&keys, 7, "list_things").narrowed(&by.iter().collect::<Vec<_>>())
        };
        let cursor = narrowed(&[Some("1000"), None]).next(&3);
        assert_eq!(narrowed(&[Some("1000"), None]).open(&cursor), Some(3));
        for other in [
            [None, None],
            [None, Some("1000")],
            [Some("100"), None],
            [Some("1000"), Some("0")],
        ] {
            assert_eq!(narrowed(&other).open::<i32>(&cursor), None, "{other:?}");
        }
        let whole = list(&keys, 7, "list_things").next(&3);
        assert_eq!(narrowed(&[None, None]).open(&whole), Some(3));
    }

    #[test]
    fn a_limit_is_a_whole_number_from_one_to_two_hundred() {
        for good in ["1", "50", "200"] {
            assert_eq!(Limit::flaw(good), None, "{good}");
        }
        for (bad, code) in [
            ("0", "out_of_range"),
            ("201", "out_of_range"),
            ("", "type"),
            ("+1", "type"),
        ] {
            assert_eq!(Limit::flaw(bad), Some(code), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_was_not_handed_out_opens(text in "\\PC{0,80}", near in "[A-Za-z0-9_-]{0,120}") {
            let keys = ring("a");
            for text in [text, near] {
                prop_assert_eq!(list(&keys, 7, "list_things").open::<i32>(&text), None);
            }
        }
    }
}
