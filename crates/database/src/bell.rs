//! Waking other processes: LISTEN on a connection of its own, NOTIFY, and the word of a commit that calls for one.

use crate::{Database, DatabaseError};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;
use std::pin::pin;
use tokio::time::timeout;

impl Database {
    /// Resolves once a transaction has committed that rings; those since the last time count as one.
    pub async fn rung(&self) {
        self.counts.bell.notified().await;
    }

    /// Wakes whoever listens on a channel.
    pub async fn notify(&self, channel: &'static str) -> Result<(), DatabaseError> {
        let mut connection = self.directory().await?;
        connection.batch_execute(&format!("NOTIFY {channel}")).await?;
        connection.commit().await
    }

    /// Listens on a channel, outside the pool.
    pub async fn listen(&self, channel: &'static str) -> Result<Listener, DatabaseError> {
        let listening = async {
            let mut connection = self.url.connect_to_hear().await?;
            connection.batch_execute(&format!("LISTEN {channel}")).await?;
            Ok(Listener(connection))
        };
        timeout(self.timeouts.connect(), Box::pin(listening))
            .await
            .unwrap_or_else(|_| Err(DatabaseError::Connection("no listener in time".into())))
    }
}

/// A connection that hears what is notified on a channel.
pub struct Listener(AsyncPgConnection);

impl Listener {
    /// Resolves at the next notification; `Err` where the connection is lost.
    pub async fn heard(&mut self) -> Result<(), DatabaseError> {
        match pin!(self.0.notifications_stream()).next().await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(error.into()),
            None => Err(DatabaseError::Connection("the listener's connection has ended".into())),
        }
    }
}
