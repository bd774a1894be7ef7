//! メールアドレス: anything that mail can reach, odd old carrier addresses included (manual 1-4), nothing that could
//! smuggle a header.

use crate::{Problem, mail_domains, text};

/// An e-mail address as its owner writes it; `domain` in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Characters at most (RFC 5321 leaves 254 for an address).
    pub const MAX: usize = 254;
    /// The shape as a regular expression, for documents: all that it admits parses, up to that length.
    pub const PATTERN: &'static str = concat!(
        r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@",
        r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$"
    );

    /// Parses a typed address: width and blanks at the ends are mended; the shape is checked, deliverability is what
    /// the code proves.
    pub fn parse(typed: &str) -> Result<Self, Problem> {
        let address = text::normalize(typed);
        if address.is_empty() {
            return Err(Problem::Empty);
        }
        if address.len() > Self::MAX {
            return Err(Problem::TooLong { max: Self::MAX });
        }
        let (local, domain) = address.rsplit_once('@').ok_or(Problem::EmailShape)?;
        if local.is_empty() || local.len() > 64 || !local.chars().all(is_local_char) || !is_domain(domain) {
            return Err(Problem::EmailShape);
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two writings of an address share where somebody is looked for by it: lower case, as nearly every host has it.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The part before the @ and the part after it.
    pub fn parts(&self) -> (&str, &str) {
        self.0.rsplit_once('@').unwrap_or((&self.0, ""))
    }

    /// What may be shown to somebody not yet proven to own it: `s***o@ex***.jp` (manual 1-3: partly `*`).
    pub fn mask(&self) -> String {
        let (local, domain) = self.parts();
        let first: String = local.chars().take(1).collect();
        let last: String = if local.chars().count() > 3 {
            local.chars().last().into_iter().collect()
        } else {
            String::new()
        };
        let (host, top) = domain.rsplit_once('.').unwrap_or((domain, ""));
        let host: String = host.chars().take(2).collect();
        format!("{first}***{last}@{host}***.{top}")
    }

    /// The address that was meant, where the domain seems to be a well-known one with a slip in it.
    pub fn meant(&self) -> Option<Self> {
        let (local, domain) = self.parts();
        mail_domains::meant(domain).map(|meant| Self(format!("{local}@{meant}")))
    }

    /// True for addresses that some senders refuse though they may work (dots or signs first, last or in a row):
    /// they are accepted with a warning.
    pub fn is_unusual(&self) -> bool {
        let (local, _) = self.parts();
        let sign = |c: char| !c.is_ascii_alphanumeric();
        local.starts_with(sign)
            || local.ends_with(sign)
            || local
                .as_bytes()
                .windows(2)
                .any(|pair| pair.iter().all(|b| !b.is_ascii_alphanumeric()))
    }
}

/// The characters of an unquoted local part (RFC 5322 atext) and the dot, wherever it stands.
fn is_local_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
        && domain
            .rsplit('.')
            .next()
            .is_some_and(|top| top.len() >= 2 && !top.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_but_deliverable_addresses_are_accepted_with_a_warning() {
        for typed in ["_ab..cd---@example.co.jp", "abc.@docomo.example", "a--b@example.jp"] {
            assert!(EmailAddress::parse(typed).unwrap().is_unusual(), "{typed}");
        }
        assert!(!EmailAddress::parse("taro.kenpo@example.jp").unwrap().is_unusual());
    }

    #[test]
    fn what_cannot_be_an_address_or_could_smuggle_a_header_is_refused() {
        for typed in [
            "kenpo",
            "@example.jp",
            "a@b",
            "a@-b.jp",
            "a b@example.jp",
            "a@example.jp\r\nBcc: b@example.jp",
            "\"a\"@example.jp",
            "a@example..jp",
            "a@1.2",
            "健保@example.jp",
            "a,b@example.jp",
            "<a@example.jp>",
        ] {
            assert_eq!(EmailAddress::parse(typed), Err(Problem::EmailShape), "{typed}");
        }
    }

    #[test]
    fn a_slip_behind_the_at_sign_is_seen_and_the_part_before_it_stays() {
        let meant = |typed| EmailAddress::parse(typed).unwrap().meant();
        assert_eq!(meant("Sachiko.K@Gmail.CON").unwrap().as_str(), "Sachiko.K@gmail.com");
        assert_eq!(meant("sachiko@gmail.com"), None);
    }

    #[test]
    fn the_mask_keeps_only_what_its_owner_recognises() {
        let mask = |typed| EmailAddress::parse(typed).unwrap().mask();
        assert_eq!(mask("shoko.o@example.jp"), "s***o@ex***.jp");
        assert_eq!(mask("ab@mail.example.co.jp"), "a***@ma***.jp");
        assert_eq!(mask("ＳＨＯＫＯ＠ＥＸＡＭＰＬＥ．ＪＰ"), "S***O@ex***.jp");
    }

    proptest! {
        #[test]
        fn no_address_holds_white_space_or_control_characters(typed in "\\PC*@\\PC*") {
            if let Ok(address) = EmailAddress::parse(&typed) {
                prop_assert!(address.as_str().chars().all(|c| c.is_ascii_graphic()));
                prop_assert!(!address.mask().contains(address.as_str()));
            }
        }
    }
}
