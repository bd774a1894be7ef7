//! The postman: takes due mails, one lease at a time, and delivers them. A short transaction claims, the dialogue with
//! the server happens outside any, a second short transaction notes the end. Killed in between, the mail goes out once
//! more, under the same Message-ID; told to end, it gives the mail back.

use crate::{
    Registry, Transport,
    outbox::{self, Claim, Claimed, Ending, QUEUE},
    transport::Outgoing,
};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability};
use jobs::{Due, LetGo, Queue, Worked};
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

    async fn deliver(&self, due: Due, let_go: LetGo) -> Result<Worked, DatabaseError> {
        let tenant = self.database.tenant(due.tenant);
        let now = self.clock.now();
        let mut tx = tenant.write(Durability::Safe).await?;
        let claimed = outbox::claim(&mut tx, MailId(due.item), now).await?;
        tx.commit().await?;
        let mail = match claimed {
            Claim::Ours(mail) => mail,
            Claim::Theirs => return Ok(Worked::Held),
            Claim::Ended => return Ok(Worked::Moved),
        };

        let ending = match self.compose(&mail, now) {
            Ok(outgoing) => {
                let sent = let_go.or(self.transport.send(outgoing)).await;
                sent.unwrap_or(Ending::GivenBack)
            }
            // A key or a template that this process lacks; another may have it.
            Err(reason) => Ending::Failed(reason.to_owned()),
        };
        let word = match &ending {
            Ending::Sent => "sent",
            Ending::GivenBack => "given_back",
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

        let mut tx = tenant.write(Durability::Safe).await?;
        if !outbox::settle(&mut tx, &mail, self.clock.now(), &ending).await? {
            let (tenant, mail) = (due.tenant.0, mail.mail_id);
            tracing::warn!(tenant, %mail, "a mail's lease ran out before its end; whoever has it now decides");
        }
        tx.commit().await?;
        Ok(Worked::Moved)
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

    fn work(
        &self,
        due: Due,
        let_go: LetGo,
    ) -> Pin<Box<dyn Future<Output = Result<Worked, DatabaseError>> + Send + '_>> {
        Box::pin(self.deliver(due, let_go))
    }
}
