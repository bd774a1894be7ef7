//! What signs a message (Standard Webhooks 1.0.0): `whsec_` and 32 random bytes in base64, shown once and kept sealed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{KeyError, Keys, TenantId, WebhookId};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What every secret begins with.
pub const PREFIX: &str = "whsec_";
/// What secrets are sealed for.
pub(crate) const PURPOSE: &str = "webhook secret";

/// A secret. Prints nothing of itself; the one way out is its text, made for its holder.
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(crate) fn random() -> Self {
        Self(Zeroizing::new(rand::random::<[u8; 32]>().to_vec()))
    }

    pub(crate) fn seal(&self, keys: &Keys, tenant: TenantId, id: WebhookId) -> Vec<u8> {
        keys.seal(PURPOSE, id.of(tenant), &self.0)
    }

    pub(crate) fn open(keys: &Keys, tenant: TenantId, id: WebhookId, sealed: &[u8]) -> Result<Self, KeyError> {
        keys.open(PURPOSE, id.of(tenant), sealed).map(Self)
    }

    /// The text for its holder.
    pub(crate) fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&*self.0))
    }

    /// `v1,` and the HMAC-SHA-256 of id, time and body.
    pub(crate) fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let mut bytes = Vec::new();
        // A key of any length will do.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            mac.update(format!("{id}.{seconds}.{body}").as_bytes());
            bytes = mac.finalize().into_bytes().to_vec();
        }
        format!("v1,{}", STANDARD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A secret as its holder has it.
    fn read(text: &str) -> Secret {
        Secret(Zeroizing::new(
            STANDARD.decode(text.strip_prefix(PREFIX).unwrap()).unwrap(),
        ))
    }

    /// The vectors of the specification and of its reference libraries.
    #[test]
    fn a_message_is_signed_as_the_standard_says() {
        let secret = read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        let secret = read("whsec_plJ3nmyCDGBKInavdOK15jsl");
        assert_eq!(
            secret.sign(
                "msg_loFOjxBNrRLzqYUf",
                1_731_705_121,
                r#"{"event_type":"ping","data":{"success":true}}"#
            ),
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
        );
    }

    #[test]
    fn a_secret_opens_for_its_endpoint_at_its_insurer_alone() {
        let keys = Keys::new("a", [("a".to_owned(), [1; 32])]).unwrap();
        let (here, id) = (TenantId(7), WebhookId(uuid::Uuid::from_u128(1)));
        let secret = Secret::random();
        let sealed = secret.seal(&keys, here, id);
        let opened = |tenant, id| {
            Secret::open(&keys, tenant, id, &sealed)
                .map(|secret| secret.reveal())
                .ok()
        };
        assert_eq!(opened(here, id), Some(secret.reveal()));
        assert_eq!(opened(TenantId(8), id), None);
        assert_eq!(opened(here, WebhookId(uuid::Uuid::from_u128(2))), None);
        let bytes = STANDARD.decode(secret.reveal().strip_prefix(PREFIX).unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
    }
}
