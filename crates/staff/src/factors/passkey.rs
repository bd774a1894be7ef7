//! パスキー (WebAuthn): bound to the console's host, so that no other site can ask for one, and always with the person
//! verified by their device. Several, each with a name.

use super::{FactorKind, NewFactor, PURPOSE, ceremony::Ceremony, fault, label, sealed::Sealed, use_step};
use crate::{Clerk, Staff, reasons};
use audit::Origin;
use chrono::{DateTime, Utc};
use database::{Durability, TenantTransaction};
use kernel::{Outage, Outcome, Reason, TenantSecret};
use serde::{Deserialize, Serialize};
use url::Url;
use webauthn_rs::prelude::{
    CreationChallengeResponse, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, RequestChallengeResponse, Webauthn, WebauthnBuilder,
};

/// What browsers show as the one who asks.
const NAME: &str = "窓口 Madoguchi 管理画面";

/// What makes and checks challenges for a host. None where the console is reached by a bare IP address: browsers bind
/// passkeys to names, and on one's own machine to `localhost` alone.
pub(crate) fn webauthn(console_url: &Url) -> Option<Webauthn> {
    let host = console_url.domain()?;
    let builder = WebauthnBuilder::new(host, console_url).ok()?;
    builder.rp_name(NAME).build().ok()
}

/// A passkey about to be enrolled: what the browser is asked, and what its answer is held against.
#[derive(Serialize, Deserialize)]
struct Enrolment {
    asked: CreationChallengeResponse,
    state: PasskeyRegistration,
}

/// A challenge for the passkeys that somebody has.
#[derive(Serialize, Deserialize)]
pub(super) struct Challenge {
    asked: RequestChallengeResponse,
    state: PasskeyAuthentication,
}

impl Staff {
    /// True where the console's host can have passkeys.
    pub fn has_passkeys(&self) -> bool {
        self.webauthn.is_some()
    }

    /// What the browser is to ask a new passkey, as JSON. Its device refuses where it has one already.
    pub async fn offer_passkey(&self, clerk: &Clerk) -> Result<Outcome<String>, Outage> {
        let now = self.clock.now();
        let mut tx = match self.enrolling(clerk, now).await? {
            Ok(tx) => tx,
            Err(refusal) => return Ok(refusal.into()),
        };
        let Some(webauthn) = &self.webauthn else {
            return Ok(reasons::PASSKEY_REFUSED.into());
        };
        let kept = self
            .kept::<Passkey>(&mut tx, clerk.staff_id, FactorKind::Passkey)
            .await?;
        let known = kept.iter().map(|(_, passkey)| passkey.cred_id().clone()).collect();
        let make = || {
            let begun = webauthn.start_passkey_registration(clerk.staff_id.0, &clerk.email, &clerk.name, Some(known));
            let (asked, state) = begun.map_err(fault)?;
            Ok(Enrolment { asked, state })
        };
        Ok(match self.offer(tx, clerk, Ceremony::Passkey, now, make).await? {
            Outcome::Done(Enrolment { asked, .. }) => Outcome::Done(serde_json::to_string(&asked).map_err(fault)?),
            Outcome::Refused(refusal) => refusal.into(),
        })
    }

    /// Enrols a passkey by what the browser answered.
    pub async fn enrol_passkey(
        &self,
        origin: &Origin,
        clerk: &Clerk,
        answer: &str,
        called: &str,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let label = match label(called) {
            Ok(label) => label,
            Err(refusal) => return Ok(refusal.into()),
        };
        let Ok(answer) = serde_json::from_str::<RegisterPublicKeyCredential>(answer) else {
            return Ok(reasons::PASSKEY_REFUSED.into());
        };
        let Some(webauthn) = &self.webauthn else {
            return Ok(reasons::PASSKEY_REFUSED.into());
        };
        let now = self.clock.now();
        let mut tx = match self.enrolling(clerk, now).await? {
            Ok(tx) => tx,
            Err(refusal) => return Ok(refusal.into()),
        };
        let waiting = self
            .take_ceremony::<Enrolment>(&mut tx, clerk, Ceremony::Passkey, now)
            .await?;
        let Some(Enrolment { state, .. }) = waiting else {
            return Ok(reasons::CEREMONY_OVER.into());
        };
        let passkey = match webauthn.finish_passkey_registration(&answer, &state) {
            Ok(passkey) => passkey,
            Err(error) => {
                tracing::info!(%error, "a passkey is not enrolled");
                tx.commit().await?;
                return Ok(reasons::PASSKEY_REFUSED.into());
            }
        };
        let kept = self
            .kept::<Passkey>(&mut tx, clerk.staff_id, FactorKind::Passkey)
            .await?;
        if kept.iter().any(|(_, known)| known.cred_id() == passkey.cred_id()) {
            tx.commit().await?;
            return Ok(reasons::PASSKEY_KNOWN.into());
        }
        let new = NewFactor {
            kind: FactorKind::Passkey,
            label: label.as_deref().unwrap_or(FactorKind::Passkey.label()),
            value: passkey,
            step: None,
        };
        let outcome = self.keep(&mut tx, origin, clerk, new, now).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// What the browser is to ask the passkeys of this clerk, as JSON; none where there are none.
    pub async fn challenge(&self, clerk: &Clerk) -> Result<Option<String>, Outage> {
        let Some(webauthn) = self.webauthn.as_ref().filter(|_| clerk.support.is_none()) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let mut tx = self
            .database
            .tenant(clerk.insurer.tenant_id)
            .write(Durability::Safe)
            .await?;
        let kept = self
            .kept::<Passkey>(&mut tx, clerk.staff_id, FactorKind::Passkey)
            .await?;
        if kept.is_empty() {
            return Ok(None);
        }
        let passkeys: Vec<Passkey> = kept.into_iter().map(|(_, passkey)| passkey).collect();
        let make = || {
            let (asked, state) = webauthn.start_passkey_authentication(&passkeys).map_err(fault)?;
            Ok(Challenge { asked, state })
        };
        let challenge = self.ceremony(&mut tx, clerk, Ceremony::Proof, now, make).await?;
        tx.commit().await?;
        let asked = challenge.map(|challenge| serde_json::to_string(&challenge.asked));
        asked.transpose().map_err(fault)
    }

    pub(super) async fn take_challenge(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        now: DateTime<Utc>,
    ) -> Result<Option<Challenge>, Outage> {
        self.take_ceremony(tx, clerk, Ceremony::Proof, now).await
    }

    /// Whether the browser's answer is one of this clerk's passkeys, to this challenge. A counter that has not grown is a
    /// copy's: refused, also where two answer at the same time.
    pub(super) async fn check_passkey(
        &self,
        tx: &mut TenantTransaction,
        clerk: &Clerk,
        answer: &PublicKeyCredential,
        challenge: &Challenge,
        now: DateTime<Utc>,
    ) -> Result<Result<(), Reason>, Outage> {
        let refused = Ok(Err(reasons::PASSKEY_REFUSED));
        let Some(webauthn) = &self.webauthn else { return refused };
        let result = match webauthn.finish_passkey_authentication(answer, &challenge.state) {
            Ok(result) if result.user_verified() => result,
            Ok(_) => return refused,
            Err(error) => {
                tracing::info!(%error, "a passkey is refused");
                return refused;
            }
        };
        let kept = self.kept::<Passkey>(tx, clerk.staff_id, FactorKind::Passkey).await?;
        let found = kept
            .into_iter()
            .find(|(_, passkey)| passkey.cred_id() == result.cred_id());
        let Some((factor, mut passkey)) = found else {
            return refused;
        };
        let sealed = match passkey.update_credential(&result) {
            Some(true) => {
                let sealed = Sealed::new(clerk.staff_id, passkey);
                Some(sealed.close(&self.keys, PURPOSE, factor.of(tx.tenant()))?)
            }
            _ => None,
        };
        let counter = Some(i64::from(result.counter())).filter(|counter| *counter > 0);
        let is_new = use_step(tx, clerk.staff_id, factor, counter, sealed, now).await?;
        Ok(if is_new { Ok(()) } else { Err(reasons::PASSKEY_REFUSED) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_belong_to_a_name_and_never_to_a_bare_address() {
        let has = |url: &str| webauthn(&url.parse().unwrap()).is_some();
        assert!(has("https://console.example.jp/") && has("http://localhost:8080/"));
        assert!(!has("http://127.0.0.1:8080/") && !has("http://[::1]:8080/"));
    }
}
