//! The postman: takes due mails and delivers them. A short transaction begins, the dialogue with the server happens
//! outside any, a second short transaction notes the end, and is tried again while the database is away; a mail whose
//! last end the database refuses is laid aside. Killed in between, the mail goes out once more, under the same
//! Message-ID; told to end, it gives the mail back. A sandbox's mail never comes so far: it is kept.

use crate::{
    Registry, Transport, kept,
    outbox::{self, Begun, Ending, QUEUE},
    transport::Outgoing,
};
use chrono::{DateTime, Utc};
use database::{Database, DatabaseError, Durability, TenantTransaction};
use jobs::{Due, LetGo, Noting, Queue};
use kernel::{Clock, Keys};
use std::{future::Future, pin::Pin};

/// Delivers the outbox: a queue for a [`jobs::Worker`].
pub struct Postman {
    database: Database,
    keys: Keys,
    clock: Clock,
    registry: Registry,
    transport: Transport,
    abreast: usize,
}

impl Postman {
    /// A postman who knows these messages, goes this way, and delivers so many mails side by side.
    pub fn new(
        database: Database,
        keys: Keys,
        clock: Clock,
        registry: Registry,
        transport: Transport,
        abreast: usize,
    ) -> Self {
        Self {
            database,
            keys,
            clock,
            registry,
            transport,
            abreast,
        }
    }

    async fn deliver(&self, due: Due, let_go: LetGo) -> Result<(), DatabaseError> {
        let now = self.clock.now();
        let mut tx = self.database.tenant(due.tenant).write(Durability::Relaxed).await?;
        let mut begun = outbox::begin(&mut tx, &due, now, &self.registry).await?;
        if let Some(mail) = &begun
            && !self.is_meant(&mut tx, mail, now).await?
        {
            outbox::take_back(&mut tx, &due, mail).await?;
            metrics::counter!("mail_deliveries_total", "ending" => "taken_back").increment(1);
            begun = None;
        }
        if let Some(mail) = &begun
            && tenancy::is_sandbox(&tx).await?
        {
            kept::keep(&mut tx, &due, mail, now).await?;
            metrics::counter!("mail_deliveries_total", "ending" => "kept").increment(1);
            begun = None;
        }
        tx.commit().await?;
        let Some(mail) = begun else { return Ok(()) };

        let ending = self.send(&mail, now, let_go).await;
        tell(&due, &mail, &ending);
        let noted = match self.noted(&due, &mail, &ending).await {
            // Or it would go out again, as often as it may be taken.
            Err(error @ DatabaseError::Statement(_)) => {
                let (tenant, mail_id) = (due.tenant.0, mail.mail_id);
                tracing::error!(tenant, mail = %mail_id, %error, "a mail's end was refused; that is noted instead");
                self.note(&due, &mail, &ending.unnoted()).await?
            }
            noted => noted?,
        };
        if !noted {
            let (tenant, mail) = (due.tenant.0, mail.mail_id);
            tracing::warn!(tenant, %mail, "a mail's lease ran out before its end; whoever has it now decides");
        }
        Ok(())
    }

    /// What does not open is told of where it is to be put into words.
    async fn is_meant(
        &self,
        tx: &mut TenantTransaction,
        mail: &Begun,
        now: DateTime<Utc>,
    ) -> Result<bool, DatabaseError> {
        if !self.registry.asks(&mail.template) {
            return Ok(true);
        }
        let Ok(opened) = mail.open(&self.keys) else {
            return Ok(true);
        };
        self.registry
            .is_meant(tx, now, (&mail.template, &opened.parameters))
            .await
    }

    async fn send(&self, mail: &Begun, now: DateTime<Utc>, let_go: LetGo) -> Ending {
        let sent = jobs::caught(async {
            match self.compose(mail, now) {
                Ok(outgoing) => let_go
                    .or(self.transport.send(outgoing))
                    .await
                    .unwrap_or(Ending::GivenBack),
                // A key or a template that this process lacks; another may have it.
                Err(reason) => Ending::Failed(reason.to_owned()),
            }
        });
        sent.await.unwrap_or_else(|_| Ending::Failed("panicked".to_owned()))
    }

    /// Notes the end, over an outage too.
    async fn noted(&self, due: &Due, mail: &Begun, ending: &Ending) -> Result<bool, DatabaseError> {
        let mut noting = Noting::new(&self.database);
        loop {
            match self.note(due, mail, ending).await {
                Ok(noted) => return Ok(noted),
                Err(error) => noting.again(error).await?,
            }
        }
    }

    async fn note(&self, due: &Due, mail: &Begun, ending: &Ending) -> Result<bool, DatabaseError> {
        let mut tx = self.database.tenant(due.tenant).write(Durability::Safe).await?;
        let noted = outbox::settle(&mut tx, due, mail, self.clock.now(), ending, &self.registry).await?;
        tx.commit().await?;
        Ok(noted)
    }

    fn compose(&self, mail: &Begun, now: DateTime<Utc>) -> Result<Outgoing, &'static str> {
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

    fn width(&self) -> usize {
        self.abreast
    }

    fn work(&self, due: Due, let_go: LetGo) -> Pin<Box<dyn Future<Output = Result<(), DatabaseError>> + Send + '_>> {
        Box::pin(self.deliver(due, let_go))
    }
}

/// Counts an ending, and logs a bad one.
fn tell(due: &Due, mail: &Begun, ending: &Ending) {
    let word = match ending {
        Ending::Sent => "sent",
        Ending::GivenBack => "given_back",
        Ending::Refused(_) => "refused",
        Ending::Failed(_) => "failed",
    };
    metrics::counter!("mail_deliveries_total", "ending" => word).increment(1);
    if let Ending::Refused(reason) | Ending::Failed(reason) = ending {
        let (tenant, attempts) = (due.tenant.0, mail.attempts);
        tracing::warn!(tenant, mail = %mail.mail_id, template = mail.template, attempts, reason, "mail not sent");
    }
}
