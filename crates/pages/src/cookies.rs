//! The cookies of portal and console: all `__Host-`, `Secure`, `HttpOnly`, `SameSite=Lax`, staff's sessions `Strict`
//! (security.md 40). What a cookie holds besides an
//! opaque secret is sealed, bound to its name, and carries its own end.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Context, Keys};
use poem::{
    Response,
    http::{HeaderMap, HeaderValue, header::SET_COOKIE},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A logged-in session; ends with the browser.
pub const SESSION: &str = "__Host-session";
/// A sign-up ticket.
pub const TICKET: &str = "__Host-ticket";
/// What was typed during sign-up, for the way back; sealed.
pub const DRAFT: &str = "__Host-draft";
/// A message for the next page; sealed.
pub const FLASH: &str = "__Host-flash";
/// A refused form, for its page to show again; sealed.
pub const AGAIN: &str = "__Host-again";
/// The user ID just registered, for the log-in page; sealed.
pub const REGISTERED: &str = "__Host-registered";
/// The browser's own name, and the user IDs that have logged in with it (OWASP's device cookies); sealed.
pub const DEVICE: &str = "__Host-device";
/// The user ID that this browser was asked to remember, for the log-in page; sealed.
pub const REMEMBERED: &str = "__Host-remembered";
/// The code of the insurer whose look the public pages wear: public in itself.
pub const INSURER: &str = "__Host-insurer";
/// A session of staff; ends with the browser. Sent with requests of our own pages alone.
pub const CONSOLE: &str = "__Host-console";
/// The browser's own name, and the accounts of staff that have logged in with it; sealed.
pub const CONSOLE_DEVICE: &str = "__Host-console-device";
/// The insurer code that staff typed last, for the next log-in: public in itself.
pub const CONSOLE_INSURER: &str = "__Host-console-insurer";
/// A list of printed codes that was just made, for the page that shows it once; sealed.
pub const PRINTED: &str = "__Host-console-printed";
/// A secret of a program that was just made, for the page that shows it once; sealed.
pub const CLIENT_SECRET: &str = "__Host-console-client";
/// While an operator is an insurer's support: their own session, and support's, with which it is given back.
pub const OPERATOR: &str = "__Host-operator";

/// As long as a ticket lives.
pub const TICKET_SECONDS: i64 = 3600;
/// Long enough to find the password manager.
pub const REGISTERED_SECONDS: i64 = 900;
/// As long as the next page takes where the network is slow.
pub const PRINTED_SECONDS: i64 = 300;
/// The next page is seconds away.
pub const FLASH_SECONDS: i64 = 300;
/// The longest that browsers keep a cookie.
pub const LONGEST_SECONDS: i64 = 400 * 24 * 3600;

/// Browsers drop cookies above 4096 bytes, name and attributes included.
const MAX_VALUE: usize = 3800;

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The cookies a browser sent.
#[derive(Clone, Default)]
pub struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Reads every `Cookie` header; what is not `name=value` is passed over.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut read = Vec::new();
        for line in edge::lines(headers, "cookie") {
            let pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
            read.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        Self(read)
    }

    /// A cookie's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Takes cookies that an answer sets, as the browser would.
    pub fn take(&mut self, set: &[HeaderValue]) {
        let texts = set.iter().filter_map(|cookie| cookie.to_str().ok());
        for (name, rest) in texts.filter_map(|text| text.split_once('=')) {
            let value = rest.split(';').next().unwrap_or_default();
            self.0.retain(|(known, _)| known != name);
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    /// What [`sealed`] closed under this name and is not over yet.
    pub fn open<T: DeserializeOwned>(&self, keys: &Keys, name: &str, now: DateTime<Utc>) -> Option<T> {
        let closed = URL_SAFE_NO_PAD.decode(self.get(name)?).ok()?;
        let plain = keys.open("cookie", Context::Named(name), &closed).ok()?;
        let held: Held<T> = serde_json::from_slice(&plain).ok()?;
        (now < held.until).then_some(held.value)
    }
}

#[derive(Serialize, Deserialize)]
struct Held<T> {
    until: DateTime<Utc>,
    value: T,
}

/// `Set-Cookie` for a value; without `seconds` it ends with the browser.
pub fn set(name: &str, value: &str, seconds: Option<i64>) -> HeaderValue {
    let life = seconds
        .map(|seconds| format!("; Max-Age={seconds}"))
        .unwrap_or_default();
    // Values are base64url, digits and dots; anything else would be our own mistake and ends the cookie instead.
    HeaderValue::from_str(&format!("{name}={value}; {ATTRIBUTES}{life}")).unwrap_or_else(|_| clear(name))
}

/// `Set-Cookie` for a session of staff: not even a link from elsewhere brings it along (security.md 40).
pub fn set_strict(name: &str, value: &str) -> HeaderValue {
    let attributes = ATTRIBUTES.replace("SameSite=Lax", "SameSite=Strict");
    HeaderValue::from_str(&format!("{name}={value}; {attributes}")).unwrap_or_else(|_| clear(name))
}

/// `Set-Cookie` of an operator's own session, kept beside the session of support that takes its place.
pub fn operator(own: &str, support: &str) -> HeaderValue {
    set_strict(OPERATOR, &format!("{own}~{support}"))
}

/// `Set-Cookie` for a value that only we can read. None where it would be larger than browsers keep: callers go on
/// without it, and without the one before.
pub fn sealed<T: Serialize>(
    keys: &Keys,
    name: &str,
    value: &T,
    now: DateTime<Utc>,
    seconds: i64,
) -> Option<HeaderValue> {
    let plain = serde_json::to_vec(&Held {
        until: now + TimeDelta::seconds(seconds),
        value,
    })
    .ok()?;
    let closed = URL_SAFE_NO_PAD.encode(keys.seal("cookie", Context::Named(name), &plain));
    (closed.len() <= MAX_VALUE).then(|| set(name, &closed, Some(seconds)))
}

/// True where an answer sets or ends a cookie.
pub fn is_set(response: &Response, name: &str) -> bool {
    let mut cookies = response.headers().get_all(SET_COOKIE).iter();
    cookies.any(|cookie| cookie.as_bytes().split(|byte| *byte == b'=').next() == Some(name.as_bytes()))
}

/// `Set-Cookie` that ends a cookie.
pub fn clear(name: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("{name}=; {ATTRIBUTES}; Max-Age=0")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> Keys {
        Keys::new("a", [("a".to_owned(), [7; 32])]).unwrap()
    }

    fn sent(name: &str, set_cookie: &HeaderValue) -> Cookies {
        let pair = set_cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(pair.starts_with(name));
        let mut headers = HeaderMap::new();
        headers.insert("cookie", HeaderValue::from_str(&format!("other=1; {pair}")).unwrap());
        Cookies::read(&headers)
    }

    #[test]
    fn every_cookie_is_bound_to_this_host_and_out_of_scripts_reach() {
        assert_eq!(
            set(SESSION, "7.abc", None).to_str().unwrap(),
            "__Host-session=7.abc; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert!(
            set(TICKET, "7.abc", Some(TICKET_SECONDS))
                .to_str()
                .unwrap()
                .ends_with("; Max-Age=3600")
        );
        assert!(clear(SESSION).to_str().unwrap().ends_with("; Max-Age=0"));
        assert_eq!(
            set_strict(CONSOLE, "7.abc").to_str().unwrap(),
            "__Host-console=7.abc; Path=/; Secure; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn a_sealed_value_opens_under_its_name_until_its_end() {
        let (keys, now) = (keys(), DateTime::UNIX_EPOCH);
        let cookie = sealed(&keys, FLASH, &"こんにちは", now, 300).unwrap();
        assert!(!cookie.to_str().unwrap().contains("こんにちは"));
        let cookies = sent(FLASH, &cookie);
        assert_eq!(cookies.open::<String>(&keys, FLASH, now).as_deref(), Some("こんにちは"));
        assert_eq!(
            cookies.open::<String>(&keys, FLASH, now + TimeDelta::seconds(300)),
            None
        );
        let elsewhere = cookies.get(FLASH).unwrap();
        let moved = sent(DRAFT, &set(DRAFT, elsewhere, None));
        assert_eq!(moved.open::<String>(&keys, DRAFT, now), None);
    }

    #[test]
    fn a_value_too_large_for_browsers_is_left_out() {
        assert!(sealed(&keys(), DRAFT, &"あ".repeat(2000), DateTime::UNIX_EPOCH, 300).is_none());
    }

    proptest! {
        #[test]
        fn no_forged_cookie_opens(value in "[A-Za-z0-9_-]{0,200}") {
            let cookies = sent(FLASH, &set(FLASH, &value, None));
            prop_assert_eq!(cookies.open::<String>(&keys(), FLASH, DateTime::UNIX_EPOCH), None);
        }

        #[test]
        fn whatever_stands_beside_them_ours_are_read(
            before in foreign(), after in foreign(), lines in any::<bool>(),
        ) {
            let mut headers = HeaderMap::new();
            let ours = b"__Host-session=7.abc".as_slice();
            if lines {
                for line in [&before, &ours.to_vec(), &after] {
                    headers.append("cookie", HeaderValue::from_bytes(line).unwrap());
                }
            } else {
                let line = [&before, ours, &after].join(&b"; "[..]);
                headers.append("cookie", HeaderValue::from_bytes(&line).unwrap());
            }
            let cookies = Cookies::read(&headers);
            prop_assert_eq!(cookies.get(SESSION), Some("7.abc"));
        }
    }

    /// Any bytes that a header may hold, not closed before they end.
    fn foreign() -> impl Strategy<Value = Vec<u8>> {
        let byte = any::<u8>().prop_filter("a header takes it", |byte| {
            *byte >= 0x20 && *byte != 0x7f || *byte == b'\t'
        });
        prop::collection::vec(byte, 0..40)
    }
}
