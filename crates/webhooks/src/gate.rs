//! Whether the messages of a batch may still leave. They were asked about when they were read; against a slow receiver the last of
//! them would leave half a minute later, whatever was decided meanwhile. So they are asked about again, all that are left at once.

use crate::{Message, Webhooks, deliver::Batch, endpoint, fan_out::protected_of};
use database::DatabaseError;
use jobs::Due;
use kernel::{EventId, PersonId};
use std::{collections::HashSet, time::Duration};
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

impl Webhooks {
    /// Those of a batch that may be sent as it was read: none where the endpoint was changed or ended, or its client or insurer shut out.
    async fn still_admitted(&self, due: &Due, batch: &Batch) -> Result<HashSet<EventId>, DatabaseError> {
        let now = self.clock.now();
        let tx = self.database.tenant(due.tenant).read().await?;
        let row = endpoint::of_any(&tx, batch.row.webhook_id).await?;
        let is_as_read = row.is_some_and(|row| row.is_active() && row.version == batch.row.version);
        let is_open = tenancy::insurer_of(&tx).await?.is_open();
        let grant = self.clients.granted(&tx, &[batch.row.grant_id]).await?.pop();
        let grant = grant.filter(|grant| is_as_read && is_open && self.is_heard(grant, now));
        let Some(grant) = grant else {
            tx.commit().await?;
            return Ok(HashSet::new());
        };
        let people = batch.messages.iter().filter_map(|message| message.person_id);
        let protected = protected_of(&tx, people.map(PersonId).collect()).await?;
        tx.commit().await?;
        let admitted = batch
            .messages
            .iter()
            .filter(|message| self.may_be_told(&grant, message, &protected));
        Ok(admitted.map(|message| message.event_id).collect())
    }
}
