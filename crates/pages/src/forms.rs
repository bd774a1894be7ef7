//! Form bodies and query strings as lists of names and values. Bodies are read strictly where a browser always is (UTF-8,
//! number of fields), so that what a person typed is never silently changed; of a query what does not decode is dropped.

use poem::http::StatusCode;
use serde::{Deserialize, Serialize};

/// The one media type that forms here have.
pub const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// More fields than any page here has.
const MAX_FIELDS: usize = 64;

/// Why a form was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormTrouble {
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
    /// Its HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

/// Names and values in the order they were sent.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form body.
    pub fn parse(encoded: &[u8]) -> Result<Self, FormTrouble> {
        let pairs = pairs(encoded).take(MAX_FIELDS + 1).collect::<Result<Vec<_>, _>>()?;
        if pairs.len() > MAX_FIELDS {
            return Err(FormTrouble::Malformed);
        }
        Ok(Self(pairs))
    }

    /// Reads a query string: whoever sent the link may have hung anything on it, so what is no text is passed over.
    pub fn of_query(encoded: &str) -> Self {
        let read = pairs(encoded.as_bytes()).filter_map(Result::ok);
        Self(read.filter(|(_, value)| !value.contains('\0')).collect())
    }

    /// The fields of these names alone.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        let named = self.0.iter().filter(|(key, _)| names.contains(&key.as_str()));
        Self(named.cloned().collect())
    }

    /// True where nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of a name as typed; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn pairs(encoded: &[u8]) -> impl Iterator<Item = Result<(String, String), FormTrouble>> {
    let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        Ok((name, decode(halves.next().unwrap_or_default())?))
    })
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
pub fn encode(value: &str) -> String {
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
    fn of_a_query_what_does_not_decode_is_dropped_and_the_rest_stays() {
        let crowd = "utm=1&".repeat(100);
        let query = Form::of_query(&format!("utm_source=%8C%92&{crowd}a=%00&token=7.abc&%FF=1"));
        assert_eq!(
            (query.text("token"), query.get("utm_source"), query.get("a")),
            ("7.abc", None, None)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&bytes);
            let _ = Form::of_query(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn every_text_survives_the_way(value in "\\PC*") {
            let form = Form::parse(format!("v={}", encode(&value)).as_bytes()).unwrap();
            prop_assert_eq!(form.text("v"), value);
        }
    }
}
