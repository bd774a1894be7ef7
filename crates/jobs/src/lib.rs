//! Work that outlives a request: a queue of sealed jobs, leases, retries with growing waits, and domain events.
//!
//! A job is written in the business transaction that wants it done. Workers find it in `due` (a directory table: ids
//! and times over all insurers), claim it inside its insurer with a lease, and work outside any transaction. A worker
//! that is told to end gives its leases back; one that dies leaves a lease that runs out, so every handler must be safe
//! to run twice.

pub mod due;
mod events;
mod lease;
mod queue;
mod worker;

pub use due::Due;
pub use events::{Event, SameEvents, forget, publish, publish_all};
pub use lease::{LetGo, Worked};
pub use queue::{Job, JobError, Jobs, enqueue, sweep};
pub use worker::{Queue, Worker};
