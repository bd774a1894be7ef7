//! The demo's mailbox: mails are kept in memory and shown on a page instead of being sent. Never used by `serve`.

use chrono::{DateTime, Utc};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Mails kept; older ones are forgotten.
const KEPT: usize = 500;

/// A mail as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The sender's name and address.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// Where its kind of mail ends with one click, of those that have such a place.
    pub unsubscribe: Option<String>,
    /// Its Message-ID, without the angle brackets.
    pub message_id: String,
    /// When it was delivered.
    pub at: DateTime<Utc>,
}

/// The mailbox. Cheap to clone; clones show the same mails.
#[derive(Debug, Clone, Default)]
pub struct Mailbox(Arc<Mutex<VecDeque<Delivered>>>);

impl Mailbox {
    /// An empty mailbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// All mails, the newest first.
    pub fn mails(&self) -> Vec<Delivered> {
        self.lock().iter().rev().cloned().collect()
    }

    /// The mails of one address, the newest first.
    pub fn mails_to(&self, address: &str) -> Vec<Delivered> {
        self.lock()
            .iter()
            .rev()
            .filter(|mail| mail.to == address)
            .cloned()
            .collect()
    }

    pub(crate) fn put(&self, mail: Delivered) {
        let mut mails = self.lock();
        if mails.len() >= KEPT {
            mails.pop_front();
        }
        mails.push_back(mail);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Delivered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_the_oldest_is_forgotten() {
        let mailbox = Mailbox::new();
        for number in 0..=KEPT {
            mailbox.put(Delivered {
                from: String::new(),
                to: format!("{}@example.jp", number % 2),
                subject: number.to_string(),
                text: String::new(),
                html: String::new(),
                unsubscribe: None,
                message_id: String::new(),
                at: DateTime::UNIX_EPOCH,
            });
        }
        let subjects: Vec<_> = mailbox.mails().into_iter().map(|mail| mail.subject).collect();
        assert_eq!(
            (subjects.len(), &*subjects[0], &*subjects[KEPT - 1]),
            (KEPT, "500", "1")
        );
        assert_eq!(mailbox.clone().mails_to("1@example.jp")[0].subject, "499");
    }
}
