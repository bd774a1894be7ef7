//! Form bodies and query strings as lists of names and values. Strict where a browser always is (UTF-8, number of
//! fields), so that what a person typed is never silently changed.

use poem::http::StatusCode;

/// More fields than any page here has.
const MAX_FIELDS: usize = 64;

/// Why a form was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormTrouble {
    /// Not `application/x-www-form-urlencoded`.
    #[error("media type")]
    MediaType,
    /// More bytes than allowed.
    #[error("too large")]
    TooLarge,
    /// Broken off, not UTF-8, or with too many fields.
    #[error("malformed")]
    Malformed,
}

impl FormTrouble {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

/// Names and values in the order they were sent.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form body or a query string.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, FormTrouble> {
        let mut pairs = Vec::new();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MAX_FIELDS {
                return Err(FormTrouble::Malformed);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            pairs.push((name, decode(halves.next().unwrap_or_default())?));
        }
        Ok(Self(pairs))
    }

    /// The first value of a name as typed; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// True for the one media type that forms here have; a charset other than UTF-8 is another type.
pub(crate) fn is_form(content_type: Option<&str>) -> bool {
    edge::is_utf8_of(content_type.unwrap_or_default(), "application/x-www-form-urlencoded")
}

/// `+` and `%xx`; a lone `%` stands for itself, as browsers' own parsers have it.
fn decode(encoded: &[u8]) -> Result<String, FormTrouble> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        let (byte, after) = match (first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                ((nibble(*high) << 4) | nibble(*low), after)
            }
            (b'+', _) => (b' ', tail),
            (plain, _) => (*plain, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| FormTrouble::Malformed)
}

fn nibble(digit: u8) -> u8 {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or_default()
}

/// Encodes a value for a query string.
pub(crate) fn encode(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_browser_sends_is_read_as_typed() {
        let form =
            Form::parse("kana_name=%E3%81%91%E3%82%93%E3%81%BD+%E3%81%97%E3%82%87&x=&y&due=a%3A1&due=b%3A2".as_bytes());
        let form = form.unwrap();
        assert_eq!(form.text("kana_name"), "けんぽ しょ");
        assert_eq!(
            (form.get("x"), form.get("y"), form.get("z")),
            (Some(""), Some(""), None)
        );
        assert_eq!(form.all("due").collect::<Vec<_>>(), ["a:1", "b:2"]);
        assert_eq!(Form::parse(b"a=100%&b=%zz").unwrap().text("a"), "100%");
    }

    #[test]
    fn other_encodings_and_floods_of_fields_are_refused() {
        assert_eq!(
            Form::parse(b"kana_name=%82%AF%82%F1").err(),
            Some(FormTrouble::Malformed)
        );
        assert_eq!(
            Form::parse("a=1&".repeat(65).as_bytes()).err(),
            Some(FormTrouble::Malformed)
        );
        assert!(Form::parse("a=1&".repeat(64).as_bytes()).is_ok());
    }

    #[test]
    fn only_url_encoded_utf_8_is_a_form() {
        for good in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
        ] {
            assert!(is_form(Some(good)), "{good}");
        }
        for bad in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded; charset=Shift_JIS"),
            Some(""),
        ] {
            assert!(!is_form(bad), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&bytes);
        }

        #[test]
        fn every_text_survives_the_way(value in "\\PC*") {
            let form = Form::parse(format!("v={}", encode(&value)).as_bytes()).unwrap();
            prop_assert_eq!(form.text("v"), value);
        }
    }
}
