//! Whether the messages of a batch may leave. They are asked about when they are read; against a slow receiver the last of them would
//! leave half a minute later, whatever was decided meanwhile. So they are asked about again, all that are left at once.

use crate::{
    Message, Webhooks,
    deliver::Batch,
    endpoint::{self, CLIENT_STOPPED, Row},
    fan_out::{protected_of, sees},
};
use chrono::{DateTime, Utc};
use clients::Grant;
use database::{DatabaseError, TenantTransaction};
use jobs::Due;
use kernel::{EventId, PersonId};
use std::{collections::HashSet, time::Duration};
use tenancy::Insurer;
use tokio::{sync::Mutex, time::Instant};

/// How long an answer counts. A receiver that is quick is asked about no more than once; and whoever has protected somebody or
/// suspended a client sees nothing leave that began later than this.
const COUNTS_FOR: Duration = Duration::from_secs(1);

/// What lets the messages of a batch out, or keeps them: what is kept waits, and whoever reads the next batch decides on it.
pub(crate) struct Gate<'a> {
    webhooks: &'a Webhooks,
    due: &'a Due,
    batch: &'a Batch,
    /// When the endpoint's turn is over.
    until: Instant,
    state: Mutex<State>,
}

struct State {
    asked: Instant,
    admitted: HashSet<EventId>,
    left: usize,
    is_shut: bool,
}

impl<'a> Gate<'a> {
    pub(crate) fn new(webhooks: &'a Webhooks, due: &'a Due, batch: &'a Batch, until: Instant) -> Self {
        let state = State {
            asked: batch.asked,
            admitted: batch.messages.iter().map(|message| message.event_id).collect(),
            left: 0,
            is_shut: false,
        };
        Self {
            webhooks,
            due,
            batch,
            until,
            state: Mutex::new(state),
        }
    }

    /// Lets a message out, if it may leave now. The first of a batch do however late it is, so that each turn comes to something.
    pub(crate) async fn lets_out(&self, message: &Message) -> bool {
        let mut state = self.state.lock().await;
        if state.is_shut || (state.left > 0 && Instant::now() >= self.until) {
            return false;
        }
        if state.asked.elapsed() >= COUNTS_FOR {
            let asked = Instant::now();
            state.admitted = match self.webhooks.still_admitted(self.due, self.batch).await {
                Ok(admitted) => admitted,
                Err(error) => {
                    let (tenant, webhook) = (self.due.tenant.0, self.due.item);
                    tracing::warn!(tenant, %webhook, %error, "whether webhooks may still leave is not known; they wait");
                    HashSet::new()
                }
            };
            state.asked = asked;
        }
        let is_admitted = state.admitted.contains(&message.event_id);
        state.left += usize::from(is_admitted);
        is_admitted
    }

    /// Lets nothing more out.
    pub(crate) async fn shut(&self) {
        self.state.lock().await.is_shut = true;
    }
}

/// Why nothing is sent to an endpoint.
pub(crate) enum Shut {
    /// Its insurer is suspended: what waits goes on waiting.
    Suspended,
    /// Its client may not come in, or it was disabled: what waits is given up, and this is why.
    ForGood(&'static str),
}

impl Webhooks {
    /// The insurer and the grant by which an endpoint is sent to, or why it is not.
    pub(crate) async fn admits(
        &self,
        tx: &TenantTransaction,
        row: &Row,
        now: DateTime<Utc>,
    ) -> Result<Result<(Insurer, Grant), Shut>, DatabaseError> {
        let insurer = tenancy::insurer_of(tx).await?;
        if !insurer.is_open() {
            return Ok(Err(Shut::Suspended));
        }
        let grant = self.clients.granted(tx, &[row.grant_id]).await?.pop();
        let Some(grant) = grant.filter(|grant| self.is_heard(grant, now)) else {
            return Ok(Err(Shut::ForGood(CLIENT_STOPPED)));
        };
        if !row.is_active() {
            return Ok(Err(Shut::ForGood(endpoint::State::Disabled.as_str())));
        }
        Ok(Ok((insurer, grant)))
    }

    /// Those of messages that a client may be told.
    pub(crate) async fn may_be_told(
        &self,
        tx: &TenantTransaction,
        grant: &Grant,
        messages: &[Message],
    ) -> Result<HashSet<EventId>, DatabaseError> {
        let people = messages.iter().filter_map(|message| message.person_id);
        let protected = protected_of(tx, people.map(PersonId).collect()).await?;
        let told = messages.iter().filter(|message| {
            let kind = self.kinds.find(&message.kind);
            kind.is_some_and(|kind| self.clients.allows(grant, kind.scope))
                && sees(grant, message.person_id, &protected)
        });
        Ok(told.map(|message| message.event_id).collect())
    }

    /// Those of a batch that may be sent as it was read: none where the endpoint was changed or ended meanwhile.
    async fn still_admitted(&self, due: &Due, batch: &Batch) -> Result<HashSet<EventId>, DatabaseError> {
        let tx = self.database.tenant(due.tenant).read().await?;
        let row = endpoint::of_any(&tx, batch.row.webhook_id).await?;
        let Some(row) = row.filter(|row| row.version == batch.row.version) else {
            return Ok(HashSet::new());
        };
        match self.admits(&tx, &row, self.clock.now()).await? {
            Ok((_, grant)) => self.may_be_told(&tx, &grant, &batch.messages).await,
            Err(_) => Ok(HashSet::new()),
        }
    }
}
