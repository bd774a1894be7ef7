//! Path segments, query parameters and the header of conditions. Each is read as text and checked against its documented
//! schema; a parameter that comes twice is refused, an unknown one ignored.

use crate::asked::asked;
use crate::failure::{Failure, Flaw};
use crate::text::{Form as _, InsurerCodeForm};
use chrono::NaiveDate;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use std::marker::PhantomData;

/// A parameter's rule.
pub trait Rule: Send + Sync {
    /// What is documented.
    fn schema() -> MetaSchema;
    /// What is wrong with a text, as an error code; only what the schema says.
    fn flaw(text: &str) -> Option<&'static str>;
    /// What is asked for, in a sentence.
    fn asked() -> String {
        asked(&Self::schema())
    }
}

/// A segment of the path. It always has a value; whether it means anything is the operation's business.
pub struct Segment<R> {
    /// The decoded text.
    pub text: String,
    rule: PhantomData<R>,
}

/// An optional parameter of the query.
pub struct Query<R> {
    /// The text, where it was given.
    pub text: Option<String>,
    rule: PhantomData<R>,
}

impl<'a, R: Rule> ApiExtractor<'a> for Segment<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(R::schema())))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        // Decoded by the table's router, which knows it by the name that it has here.
        let read = request.raw_path_param(options.name);
        let text = read.ok_or_else(|| Failure::of("bad_request"))?;
        Ok(Self {
            text: text.to_owned(),
            rule: PhantomData,
        })
    }
}

impl<'a, R: Rule> ApiExtractor<'a> for Query<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(R::schema())))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let pairs: Vec<(String, String)> = request.params().map_err(|_| Failure::of("bad_request"))?;
        let mut values = pairs
            .into_iter()
            .filter(|(name, _)| name == options.name)
            .map(|(_, value)| value);
        let text = values.next();
        // Stands where the bytes were no text.
        if text
            .as_deref()
            .is_some_and(|text| text.contains(char::REPLACEMENT_CHARACTER))
        {
            return Err(Failure::of("bad_request").into());
        }
        let code = match (&text, values.next()) {
            (_, Some(_)) => Some("repeated"),
            (Some(text), None) => R::flaw(text),
            (None, None) => None,
        };
        let flaw = |code| Flaw::new(format!("/{}", options.name), code);
        match code {
            Some(code @ ("repeated" | "characters")) => Err(Failure::fields(vec![flaw(code)]).into()),
            Some(code) => Err(Failure::fields(vec![flaw(code).saying(R::asked())]).into()),
            None => Ok(Self {
                text,
                rule: PhantomData,
            }),
        }
    }
}

/// A parameter of the query that has to be there.
pub struct Needed<R> {
    /// The text.
    pub text: String,
    rule: PhantomData<R>,
}

impl<'a, R: Rule> ApiExtractor<'a> for Needed<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Query::<R>::param_in()
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Query::<R>::param_schema_ref()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let missing = Flaw::new(format!("/{}", options.name), "required");
        let missing = missing.saying(format!("Is missing. {}", R::asked()));
        let text = Query::<R>::from_request(request, body, options).await?.text;
        Ok(Self {
            text: text.ok_or_else(|| Failure::fields(vec![missing]))?,
            rule: PhantomData,
        })
    }
}

/// `If-Match`: the states, by their `ETag`s, of which one has to be the present one for anything to be done.
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// True where it is not all one in which state something is.
    pub fn is_bound(&self) -> bool {
        self.0.as_deref().is_some_and(|line| line.trim() != "*")
    }

    /// What must be said: 428 for whoever changes something without a word on the state that they know.
    pub fn demanded(self) -> Result<Self, Failure> {
        if self.0.is_some() {
            Ok(self)
        } else {
            Err(Failure::of("precondition_required"))
        }
    }

    /// What the path names, with whether it stands as is known: what a use case asks that changes it. 428 without a word on that.
    pub fn of<I>(self, id: I) -> Result<(I, impl Fn(&str) -> bool), Failure> {
        let known = self.demanded()?;
        Ok((id, move |etag: &str| known.admits(etag)))
    }

    /// True where that is all one, or the present state, by its `ETag`, is one of those asked for. A weak tag names none
    /// (RFC 9110 13.1.1).
    pub fn admits(&self, etag: &str) -> bool {
        !self.is_bound() || self.tags().any(|tag| tag == etag)
    }

    /// They may hold commas.
    fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.0.iter().flat_map(|line| {
            let mut is_within = false;
            line.split(move |c: char| {
                is_within ^= c == '"';
                c == ',' && !is_within
            })
        });
        tags.map(str::trim)
    }
}

impl<'a> ApiExtractor<'a> for IfMatch {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Header)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let lines: Vec<_> = edge::lines(request.headers(), "if-match").collect();
        let if_match = Self((!lines.is_empty()).then(|| lines.join(",")));
        // What stands for any state does so by itself.
        let unread = if_match.tags().find_map(unread).filter(|_| if_match.is_bound());
        match unread {
            Some(why) => Err(Failure::of("precondition_failed").explained(why).into()),
            None => Ok(if_match),
        }
    }
}

/// Why a tag names no state that anything could be in.
fn unread(tag: &str) -> Option<&'static str> {
    let is_quoted = tag.len() > 1 && tag.starts_with('"') && tag.ends_with('"');
    if tag.starts_with("W/") {
        Some("If-Match holds a weak ETag, which matches nothing: send the ETag as it was answered, without `W/`.")
    } else if is_quoted {
        None
    } else {
        Some("If-Match must be the ETag as it was answered, with its double quotes, or `*`.")
    }
}

/// An insurer's designated code.
pub struct CodeSegment;

impl Rule for CodeSegment {
    fn schema() -> MetaSchema {
        InsurerCodeForm::schema()
    }

    fn flaw(_text: &str) -> Option<&'static str> {
        None
    }
}

/// The id of something; what is no id belongs to nothing.
pub struct IdSegment;

impl Rule for IdSegment {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "uuid")
    }

    fn flaw(_text: &str) -> Option<&'static str> {
        None
    }
}

impl Segment<IdSegment> {
    /// What it is the id of, or 404.
    pub fn read<I>(&self, parse: fn(&str) -> Option<I>) -> Result<I, Failure> {
        parse(&self.text).ok_or_else(|| Failure::of("not_found"))
    }
}

/// Whether something is so; it is not where nothing is said.
pub struct Flag;

impl Rule for Flag {
    fn schema() -> MetaSchema {
        MetaSchema {
            default: Some(false.into()),
            ..MetaSchema::new("boolean")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        (!["false", "true"].contains(&text)).then_some("type")
    }
}

impl Query<Flag> {
    /// True where it was said.
    pub fn is_set(&self) -> bool {
        self.text.as_deref() == Some("true")
    }
}

/// A day in Japan.
pub struct Day;

impl Rule for Day {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "date")
    }

    fn flaw(text: &str) -> Option<&'static str> {
        day(text).is_none().then_some("type")
    }
}

/// The day that is asked for.
pub fn asked_day(asked: &Query<Day>) -> Option<NaiveDate> {
    asked.text.as_deref().and_then(day)
}

/// A day as it is written: another way to write one is none.
fn day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (day.to_string() == text).then_some(day)
}

/// How many lines a page has.
pub struct PageLimit;

/// Lines of a page at most.
const MOST: u32 = 100;

impl Rule for PageLimit {
    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(1.0),
            maximum: Some(f64::from(MOST)),
            default: Some(20.into()),
            ..MetaSchema::new_with_format("integer", "int32")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        number_flaw(text, MOST)
    }
}

/// What is wrong with a whole number from 1 on.
pub(crate) fn number_flaw(text: &str, most: u32) -> Option<&'static str> {
    match kernel::text::number::<u32>(text) {
        Some(number) if (1..=most).contains(&number) => None,
        None if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) => Some("type"),
        _ => Some("out_of_range"),
    }
}

/// Where a page begins.
pub struct CursorText;

impl Rule for CursorText {
    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(100),
            pattern: Some(
                concat!(
                    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z",
                    "_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
                )
                .into(),
            ),
            ..MetaSchema::new("string")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        (text.chars().count() > 100).then_some("too_long")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_limit_is_a_whole_number_from_one_to_a_hundred() {
        for good in ["1", "20", "100"] {
            assert_eq!(PageLimit::flaw(good), None, "{good}");
        }
        for (bad, code) in [
            ("0", "out_of_range"),
            ("101", "out_of_range"),
            ("99999999999", "out_of_range"),
        ] {
            assert_eq!(PageLimit::flaw(bad), Some(code), "{bad}");
        }
        for bad in ["", "-1", "+1", "1.0", "abc", "１", " 1"] {
            assert_eq!(PageLimit::flaw(bad), Some("type"), "{bad}");
        }
    }

    #[test]
    fn a_flag_is_true_or_false() {
        let flaws = ["true", "false", "1"].map(Flag::flaw);
        assert_eq!(flaws, [None, None, Some("type")]);
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        for good in ["2026-12-01", "2028-02-29"] {
            assert_eq!(Day::flaw(good), None, "{good}");
        }
        for bad in [
            "",
            "2026-12-1",
            "2026-02-29",
            "+2026-12-01",
            "2026/12/01",
            "2026-12-01 ",
            "令和8年12月1日",
        ] {
            assert_eq!(Day::flaw(bad), Some("type"), "{bad}");
        }
    }

    #[test]
    fn a_condition_holds_where_it_names_the_present_state_as_it_is_written() {
        let admits = |line: Option<&str>| IfMatch(line.map(Into::into)).admits("\"now\"");
        for line in [
            None,
            Some("*"),
            Some("\"now\""),
            Some("\"then\" , \"now\""),
            Some("\"a,b\",\"now\""),
        ] {
            assert!(admits(line), "{line:?}");
        }
        for line in ["", "now", "\"then\"", "W/\"now\"", "\"NOW\"", "\"now", "\"**\""] {
            assert!(!admits(Some(line)), "{line}");
        }
    }

    #[test]
    fn a_tag_without_quotes_and_a_weak_one_are_no_state() {
        for good in ["\"\"", "\"usual.household\""] {
            assert_eq!(unread(good), None, "{good}");
        }
        for bad in ["", "*", "now", "\"", "\"now", "W/\"now\"", "w/\"now\""] {
            assert!(unread(bad).is_some(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_limit_is_taken_only_as_its_number_is_written(text in "\\PC{0,12}", near in "[+-]?[0-9]{0,4}", number in 1..=MOST) {
            for text in [text, near] {
                let read = text.parse::<u32>().ok().filter(|number| (1..=MOST).contains(number));
                if PageLimit::flaw(&text).is_none() {
                    prop_assert!(read.is_some());
                }
            }
            prop_assert_eq!(PageLimit::flaw(&number.to_string()), None);
        }

        #[test]
        fn no_text_of_a_path_or_a_cursor_panics(text in "\\PC{0,200}") {
            prop_assert_eq!((CodeSegment::flaw(&text), IdSegment::flaw(&text)), (None, None));
            let _ = Day::flaw(&text);
            prop_assert_eq!(CursorText::flaw(&text).is_some(), text.chars().count() > 100);
        }
    }
}
