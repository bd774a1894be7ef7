//! Many failures at one insurer raise an alarm and slow each further one down; nobody is refused for them, or anyone could
//! lock an insurer on its deadline day (security.md 3). It is warned of once an hour, in the log and in the trail
//! (security.md 72).

use super::rules::ALARM;
use crate::Accounts;
use audit::{Actor, Entry, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use guard::throttle::{self, Rule, Taken};
use serde_json::json;
use std::time::Duration;

impl Accounts {
    /// Counts a failure at an insurer; true where its alarm stands, and the answer is to come later.
    pub(crate) async fn count_for_alarm(
        &self,
        tx: &TenantTransaction,
        now: DateTime<Utc>,
        rule: &Rule<'static>,
    ) -> Result<bool, DatabaseError> {
        let failures = throttle::count(tx, &self.keys, now, rule, "").await?;
        if failures < self.limits.identity_alarm {
            return Ok(false);
        }
        if throttle::take(tx, &self.keys, now, &ALARM, rule.name).await? == Taken::Free {
            let tenant = tx.tenant();
            tracing::warn!(%tenant, failures, alarm = rule.name, "many failures at one insurer");
            let entry = Entry {
                actor: Actor::System,
                action: "alarm.raise",
                object: None,
                outcome: rule.name,
                detail: json!({ "failures": failures }),
            };
            audit::record(tx, now, &Origin::worker(), entry).await?;
        }
        Ok(true)
    }

    /// The delay of an answer while an alarm stands.
    pub(crate) async fn slow_down(&self) {
        tokio::time::sleep(Duration::from_secs(self.limits.identity_alarm_delay)).await;
    }
}
