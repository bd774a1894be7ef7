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

/// One list of one insurer.
#[derive(Clone, Copy)]
pub struct List<'a> {
    /// By what its cursors are sealed.
    pub keys: &'a Keys,
    /// Whose.
    pub tenant: TenantId,
    /// The operation's name.
    pub operation: &'static str,
}

impl List<'_> {
    /// Where the page before ended; 400 for what was never handed out for this list.
    pub fn after<P: DeserializeOwned>(self, cursor: &Query<Cursor>) -> Result<Option<P>, Failure> {
        let Some(text) = &cursor.text else { return Ok(None) };
        let position = self.open(text);
        position.map(Some).ok_or_else(|| Failure::of("cursor"))
    }

    /// The cursor of what comes after a position.
    pub fn next<P: Serialize>(self, position: &P) -> String {
        let plain = serde_json::to_vec(position).unwrap_or_default();
        let sealed = self.keys.seal(PURPOSE, Context::Named(&self.place()), &plain);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn open<P: DeserializeOwned>(self, text: &str) -> Option<P> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| text.len() <= CURSOR)?;
        let plain = self.keys.open(PURPOSE, Context::Named(&self.place()), &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    fn place(self) -> String {
        format!("{} {}", self.tenant, self.operation)
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
