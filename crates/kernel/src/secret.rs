//! Random secrets (session tokens, tickets, reset links): 256 bits, shown once, stored only as keyed hashes.

use crate::{Keys, TenantId, text};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// 32 random bytes. Prints nothing of itself; the one way out is [`TenantSecret`]'s text, made for the holder.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new secret from the system's generator.
    pub fn random() -> Self {
        Self(Zeroizing::new(rand::random()))
    }

    /// The secret in the place of another, of which this is stored: the same to whoever asks twice, known to nobody without
    /// the keys.
    pub fn after(keys: &Keys, purpose: &str, stored: &[u8]) -> Self {
        let hash = keys.hash(purpose, stored);
        Self(Zeroizing::new(hash.last_chunk().copied().unwrap_or_else(rand::random)))
    }

    /// What is stored of it: its hash under the current key.
    pub fn hash(&self, keys: &Keys, purpose: &str) -> Vec<u8> {
        keys.hash(purpose, &*self.0)
    }

    /// What to look it up by, one after the other: [`Keys::hashes`].
    pub fn hashes(&self, keys: &Keys, purpose: &str) -> impl Iterator<Item = Vec<u8>> {
        keys.hashes(purpose, &*self.0)
    }
}

/// A secret with its insurer beside it, so that the first look-up is already inside the tenant: `7.Xk3…` in cookies,
/// links and bearer tokens.
#[derive(Debug, Clone)]
pub struct TenantSecret {
    /// The insurer.
    pub tenant: TenantId,
    /// The secret itself.
    pub secret: Secret,
}

impl TenantSecret {
    /// A new secret of this insurer.
    pub fn random(tenant: TenantId) -> Self {
        Self {
            tenant,
            secret: Secret::random(),
        }
    }

    /// Reads what came from outside; anything but the exact form is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (tenant, secret) = text.split_once('.')?;
        if secret.len() != 43 || tenant.len() > 10 {
            return None;
        }
        let number = text::number(tenant).filter(|n: &i32| n.to_string() == tenant)?;
        let mut bytes = Zeroizing::new([0u8; 32]);
        let written = URL_SAFE_NO_PAD.decode_slice(secret, &mut *bytes).ok()?;
        (written == 32).then(|| Self {
            tenant: TenantId(number),
            secret: Secret(bytes),
        })
    }

    /// Reads what came by a link: what stands around an address in a mail's sentence (。, a full stop, a bracket) comes
    /// along when the address is copied or made a link by a program.
    pub fn parse_link(text: &str) -> Option<Self> {
        let is_ours = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        Self::parse(text::visible(text).collect::<String>().trim_matches(|c| !is_ours(c)))
    }

    /// The text for its holder: a cookie's value, a link's parameter, a bearer token.
    pub fn reveal(&self) -> String {
        format!("{}.{}", self.tenant, URL_SAFE_NO_PAD.encode(*self.secret.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_survives_its_text_and_never_prints_itself() {
        let secret = TenantSecret::random(TenantId(7));
        let text = secret.reveal();
        let read = TenantSecret::parse(&text).unwrap();
        assert_eq!((read.tenant, read.reveal()), (TenantId(7), text.clone()));
        assert!(!format!("{secret:?}").contains(text.split('.').next_back().unwrap()));
    }

    #[test]
    fn what_comes_after_a_secret_is_the_same_twice_and_another_by_key_purpose_and_secret() {
        let keys = |key| Keys::new("k", [("k".to_owned(), [key; 32])]).unwrap();
        let after = |key, purpose, stored: &[u8]| {
            let secret = Secret::after(&keys(key), purpose, stored);
            TenantSecret {
                tenant: TenantId(7),
                secret,
            }
            .reveal()
        };
        let one = after(1, "a", b"stored");
        assert_eq!(after(1, "a", b"stored"), one);
        for other in [
            after(2, "a", b"stored"),
            after(1, "b", b"stored"),
            after(1, "a", b"stored."),
        ] {
            assert_ne!(other, one);
        }
    }

    #[test]
    fn only_the_exact_form_is_read() {
        let text = TenantSecret::random(TenantId(7)).reveal();
        for forged in [
            format!("0{text}"),
            format!("-{text}"),
            format!("{text}A"),
            text.replace('.', ""),
            "7.".into(),
        ] {
            assert!(TenantSecret::parse(&forged).is_none(), "{forged}");
        }
    }

    #[test]
    fn a_link_is_read_with_what_stands_around_it() {
        let text = TenantSecret::random(TenantId(7)).reveal();
        for (before, after) in [
            ("", "。"),
            ("", "."),
            ("", " "),
            ("", "　"),
            ("<", ">"),
            ("「", "」"),
            ("", "）。"),
            ("", "\u{200B}"),
        ] {
            let link = TenantSecret::parse_link(&format!("{before}{text}{after}")).unwrap();
            assert_eq!(link.reveal(), text);
        }
        for cut in [
            &text[..text.len() - 1],
            &format!("{text}A"),
            &text.replace('.', "。"),
            "。",
            "",
        ] {
            assert!(TenantSecret::parse_link(cut).is_none(), "{cut}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = TenantSecret::parse(&text);
            let _ = TenantSecret::parse_link(&text);
        }
    }
}
