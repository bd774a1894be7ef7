//! Support comes in: an operator's session in an insurer's tenant, made from a grant.

use super::{
    SUPPORT_OVER, SUPPORT_WAITS, SupportState,
    messages::SupportStarted,
    record,
    rows::{self, Ended},
};
use crate::{Clerk, Staff};
use audit::{Actor, Origin};
use database::Durability;
use guard::sessions::{self, Limits, Opening, Session, SubjectKind};
use kernel::{GrantId, Outage, Outcome, StaffId, TenantId, TenantSecret, outcome};
use serde_json::json;
use std::time::Duration;

/// Without a request.
const IDLE: Duration = Duration::from_mins(30);
/// In all, however long the grant is.
const LONGEST: Duration = Duration::from_hours(8);

impl Staff {
    /// Opens a session of support by a grant, for the operator to whom it was given; it ends with the grant.
    pub async fn enter_support(
        &self,
        origin: &Origin,
        operator: &Clerk,
        id: GrantId,
        agent: &str,
    ) -> Result<Outcome<TenantSecret>, Outage> {
        let Some(tenant) = rows::place(&self.database, id).await? else {
            return Ok(SUPPORT_OVER.into());
        };
        let Some(insurer) = self.directory.by_tenant(tenant).await? else {
            return Ok(SUPPORT_OVER.into());
        };
        let now = self.clock.now();
        let mut tx = self.database.tenant(tenant).write(Durability::Safe).await?;
        let found = rows::locked(&tx, id).await?;
        let is_theirs = operator.insurer.tenant_id == TenantId::PLATFORM;
        let Some(found) = found.filter(|found| is_theirs && found.operator_id == operator.staff_id) else {
            return Ok(outcome::NOT_FOUND.into());
        };
        let ends_at = match found.state(now) {
            SupportState::On(ends_at) => ends_at,
            SupportState::Asked => return Ok(SUPPORT_WAITS.into()),
            SupportState::Over => return Ok(SUPPORT_OVER.into()),
        };
        let left = (ends_at - now).to_std().unwrap_or_default();
        let limits = Limits {
            idle: IDLE,
            absolute: LONGEST.min(left),
        };
        let opening = Opening {
            proved_at: operator.session.proved_at,
            grant: Some(id.0),
            ..Opening::new(SubjectKind::Support, operator.staff_id.0, limits, agent)
        };
        let token = sessions::open(&tx, &self.keys, now, origin, opening).await?;
        if found.entered_at.is_none() {
            rows::note_entry(&tx, id, now).await?;
            let message = SupportStarted {
                letterhead: self.letterhead(&insurer, &found.operator_name),
                at: now,
                until: ends_at,
            };
            self.mail_to_administrators(&mut tx, &insurer, None, &message, now)
                .await?;
        }
        let actor = Actor::Support {
            operator: operator.staff_id.0,
            grant: id.0,
        };
        record(&tx, now, (actor, origin), id, "support.enter", json!({})).await?;
        tx.commit().await?;
        Ok(Outcome::Done(token))
    }

    /// True where the operator behind a session of support may still come in themself. Their row is the platform's, which
    /// no transaction of an insurer sees: a second look, that support's own pages alone pay for. Where it says no, the grant
    /// ends, so that it doesn't come alive again with the account.
    pub(crate) async fn stands_behind(&self, tenant: TenantId, session: &Session) -> Result<bool, Outage> {
        let tx = self.database.tenant(TenantId::PLATFORM).read().await?;
        let stands = rows::is_operator(&tx, StaffId(session.subject), session.created_at).await?;
        tx.commit().await?;
        if let Some(grant) = session.grant.filter(|_| !stands) {
            let by = (Actor::System, &Origin::worker());
            self.end_grant(tenant, GrantId(grant), by, Ended::Account).await?;
        }
        Ok(stands)
    }
}
