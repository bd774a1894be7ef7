//! Mail: an outbox row in the business transaction, delivered afterwards over SMTP or into the demo's mailbox.
//!
//! Features own their messages ([`Message`]); this crate knows how to keep one sealed, send it at most once more than
//! needed, never late, and forget it. No SMTP happens in a request or inside a transaction.

mod body;
pub mod dead;
mod deliver;
mod header;
mod mailbox;
mod message;
mod outbox;
mod transport;

pub use body::Body;
pub use dead::{Undelivered, undelivered};
pub use deliver::Postman;
pub use jobs::due::Rank;
pub use mailbox::{Delivered, Mailbox};
pub use message::{Message, Registry};
pub use outbox::{KEYED, Letter, MailState, QUEUE, Sender, SentMail, about, post, post_all, state, sweep};
pub use transport::{Transport, UrlError, check_url};
