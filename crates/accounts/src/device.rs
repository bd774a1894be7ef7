//! Devices that have logged in with a user ID before (OWASP's device cookies): a browser by its cookie, a program by a
//! secret that its log-in gives it. A device's tries are counted apart, so strangers' never keep its owner out.
//!
//! The secret opens nothing, and is stored nowhere: it is the device's own name, sealed for one user ID.

use crate::Accounts;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Context, SessionId, UserId};

/// What device secrets are sealed for.
const PURPOSE: &str = "device";
/// Much longer than any secret.
const LONGEST: usize = 400;

impl Accounts {
    /// A name for a device that has none yet.
    pub fn new_device(&self) -> String {
        SessionId::new(self.clock.now()).to_string()
    }

    /// The secret by which a device that logged in with a user ID is known from then on.
    pub fn device_secret(&self, device: &str, user_id: &str) -> String {
        let folded = UserId::typed(user_id).map_or_else(|_| String::new(), |id| id.folded());
        URL_SAFE_NO_PAD.encode(self.keys.seal(PURPOSE, Context::Named(&folded), device.as_bytes()))
    }

    /// The device of a secret; none where it is not one of this user ID.
    pub fn known_device(&self, secret: &str, user_id: &str) -> Option<String> {
        let folded = UserId::typed(user_id).ok()?.folded();
        let sealed = URL_SAFE_NO_PAD.decode(secret.get(..LONGEST.min(secret.len()))?).ok()?;
        let name = self.keys.open(PURPOSE, Context::Named(&folded), &sealed).ok()?;
        String::from_utf8(name.to_vec()).ok()
    }
}
