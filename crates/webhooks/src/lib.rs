//! Webhooks: programs are told what happened. A client's grant in an insurer has *endpoints* (接続先), each with a URL, the kinds of
//! *events* (通知の種類) that it asks for, and a secret that signs (Standard Webhooks 1.0.0). Of each event an endpoint is to be told of
//! there is a *delivery*, which waits until it was taken or was tried often enough.
//!
//! Two queues: one follows the insurer's events and writes deliveries, the other sends them. A request to a receiver is made outside
//! any transaction, to an address that was judged ([`target`]), and an endpoint that hangs holds up no other. What may be sent is asked
//! when it happens, when it is to be sent, and [while it is under way](gate).

mod again;
mod deliver;
mod deliveries;
mod endpoint;
mod fan_out;
pub mod fields;
mod gate;
mod kinds;
mod manage;
mod messages;
mod payload;
pub mod reasons;
mod schema;
mod send;
mod settings;
mod settle;
mod sign;
mod sweep;
mod target;
mod trail;

pub use again::{MOST_AGAIN, Range};
pub use deliveries::{Delivery, KEPT, Progress, Which, list as list_deliveries};
pub use endpoint::{GIVES_UP_AFTER, State, Webhook, Whose, Why, list, one};
pub use kinds::{EventKind, Subject};
pub use manage::{HANGING, OLD_SECRET_SIGNS, Revealed, Wish};
pub use messages::registry;
pub use rustls::Error as TlsError;
pub use settings::Settings;
pub use sign::PREFIX as SECRET_PREFIX;
pub use sweep::sweep;

use chrono::{DateTime, Utc};
use clients::Clients;
use database::{Database, Keyed, Kind};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use ground::Ground;
use jobs::Worker;
use kernel::{Clock, EventId, Keys};
use kinds::Kinds;
use send::Sender;
use std::sync::Arc;
use uuid::Uuid;

/// What of this crate hangs on the ring.
pub const KEYED: [Keyed; 2] = [sealed("secret"), sealed("old_secret")];

const fn sealed(column: &'static str) -> Keyed {
    Keyed {
        table: "webhook_endpoints",
        column,
        kind: Kind::Sealed {
            owner: "webhook_id",
            purpose: sign::PURPOSE,
        },
    }
}

/// The use cases of webhooks with all they stand on. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    database: Database,
    keys: Keys,
    clock: Clock,
    clients: Clients,
    kinds: Arc<Kinds>,
    settings: Arc<Settings>,
    sender: Arc<Sender>,
}

impl Webhooks {
    /// Puts it together; the modules' kinds of events come beside the pipeline's own.
    pub fn new(
        ground: &Ground,
        clients: &Clients,
        of_modules: impl IntoIterator<Item = EventKind>,
        settings: &Settings,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            database: ground.database.clone(),
            keys: ground.keys.clone(),
            clock: ground.clock.clone(),
            clients: clients.clone(),
            kinds: Arc::new(Kinds::new(of_modules)),
            settings: Arc::new(settings.clone()),
            sender: Arc::new(Sender::new(settings.clone())?),
        })
    }

    /// Adds its queues to a worker.
    #[must_use]
    pub fn served_by(&self, worker: Worker) -> Worker {
        worker
            .serving(fan_out::FanOut(self.clone()))
            .serving(deliver::Courier(self.clone()))
    }

    /// The kinds of events that an endpoint may ask for.
    pub fn kinds(&self) -> &[EventKind] {
        self.kinds.all()
    }

    /// What staff call a kind.
    pub fn label(&self, kind: &str) -> &'static str {
        self.kinds.find(kind).map_or("その他の通知", |kind| kind.label)
    }
}

/// What is to be sent of an event.
#[derive(Debug, Clone, QueryableByName)]
struct Message {
    #[diesel(sql_type = SqlUuid)]
    event_id: EventId,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    subject: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    person_id: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
    #[diesel(sql_type = Timestamptz)]
    happened_at: DateTime<Utc>,
    /// Of what kind of rows it tells, or of which document, where its link says so.
    #[diesel(sql_type = Nullable<Text>)]
    of_kind: Option<String>,
    /// Before this one.
    #[diesel(sql_type = Integer)]
    tries: i32,
}
