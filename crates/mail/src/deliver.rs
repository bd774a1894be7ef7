//! The postman: takes due mails, one lease at a time, and delivers them. A short transaction claims, the dialogue with
//! the server happens outside any, a second short transaction notes the end. Killed in between, the mail goes out once
//! more, under the same Message-ID.

use crate::{
    Registry, Transport,
    outbox::{self, Claimed, Ending, QUEUE},
    transport::Outgoing,
};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError};
use jobs::{Due, Queue};
use kernel::{Clock, Keys, MailId};
use std::{future::Future, pin::Pin};

/// Delivers the outbox: a queue for a [`jobs::Worker`].
pub struct Postman {
    database: Database,
    keys: Keys,
    clock: Clock,
    registry: Registry,
    transport: Transport,
}

impl Postman {
    /// A postman who knows these messages and goes this way.
    pub fn new(database: Database, keys: Keys, clock: Clock, registry: Registry, transport: Transport) -> Self {
        Self {
            database,
            keys,
            clock,
            registry,
            transport,
        }
    }

    async fn deliver(&self, due: Due) -> Result<(), DatabaseError> {
        let tenant = self.database.tenant(due.tenant);
        let now = self.clock.now();
        let mut tx = tenant.write().await?;
        let claimed = outbox::claim(&mut tx, MailId(due.item), now).await?;
        tx.commit().await?;
        let Some(mail) = claimed else { return Ok(()) };

        let ending = match self.compose(&mail, now) {
            Ok(outgoing) => self.transport.send(outgoing).await,
            // A key or a template that this process lacks; another may have it.
            Err(reason) => Ending::Failed(reason.to_owned()),
        };
        let word = match &ending {
            Ending::Sent => "sent",
            Ending::Refused(reason) | Ending::Failed(reason) => {
                let (tenant, attempts) = (due.tenant.0, mail.attempts);
                tracing::warn!(tenant, mail = %mail.mail_id, template = mail.template, attempts, reason, "mail not sent");
                if matches!(ending, Ending::Refused(_)) {
                    "refused"
                } else {
                    "failed"
                }
            }
        };
        metrics::counter!("mail_deliveries_total", "ending" => word).increment(1);

        let mut tx = tenant.write().await?;
        outbox::settle(&mut tx, &mail, self.clock.now(), &ending).await?;
        tx.commit().await
    }

    fn compose(&self, mail: &Claimed, now: DateTime<Utc>) -> Result<Outgoing, &'static str> {
        let opened = mail.open(&self.keys)?;
        let words = self.registry.words(&mail.template, &opened.parameters)?;
        Ok(Outgoing {
            message_id: mail.message_id.clone(),
            sender_name: opened.sender_name,
            sender: opened.sender,
            to: opened.to,
            words,
            at: now,
        })
    }
}

impl Queue for Postman {
    fn name(&self) -> &'static str {
        QUEUE
    }

    fn work(&self, due: Due) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.deliver(due))
    }
}
