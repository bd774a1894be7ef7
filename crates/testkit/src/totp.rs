//! An authenticator app without a phone.

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret};

/// The six digits that an app shows at a time, given the secret as its page writes it.
pub fn totp(secret: &str, at: DateTime<Utc>) -> String {
    let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    app.generate(at.timestamp().try_into().unwrap()).to_string()
}
