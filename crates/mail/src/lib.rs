//! Mail: an outbox row in the business transaction, delivered afterwards over SMTP or into the demo's mailbox.
//!
//! Features own their messages ([`Message`]); this crate knows how to keep one sealed, send it at most once more than
//! needed, never late, and forget it. No SMTP happens in a request or inside a transaction.

mod about;
mod body;
pub mod dead;
mod deliver;
mod header;
pub mod kept;
mod listed;
mod mailbox;
mod message;
mod outbox;
mod transport;

pub use about::{SentMail, about};
pub use body::Body;
pub use dead::{Undelivered, undelivered};
pub use deliver::Postman;
pub use jobs::due::Rank;
pub use listed::{Asked, Posted, UNTOLD, listed};
pub use mailbox::{Delivered, Mailbox};
pub use message::{Ask, Message, Registry, StillMeant};
pub use outbox::{KEYED, Letter, MailState, QUEUE, Sender, post, post_all, state, sweep};
pub use transport::{Transport, UrlError, check_url};
