//! Work that outlives a request: a queue of sealed jobs, leases, retries with growing waits, and domain events.
//!
//! A job is written in the business transaction that wants it done. Workers take it from `due` (a directory table: ids,
//! times and leases over all insurers) and work outside any transaction. A worker that is told to end gives back what it
//! holds; one that dies leaves a lease that runs out within seconds, so every handler must be safe to run twice.

mod ages;
mod bell;
pub mod dead;
pub mod due;
pub mod events;
pub mod feed;
mod lease;
pub mod nodes;
mod queue;
mod worker;

pub use bell::ring;
pub use dead::sweep;
pub use due::Due;
pub use events::{Event, FEED, SameEvents, forget, publish, publish_all};
pub use lease::{LetGo, Noting, Panicked, caught};
pub use queue::{Job, JobError, Jobs, KEYED, enqueue, is_open};
pub use worker::{Queue, Worker};
