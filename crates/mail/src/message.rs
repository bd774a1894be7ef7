//! What a mail says: messages as structs that their features own, and the registry that reads them back to be sent.

use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use jobs::due::Rank;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{collections::HashMap, future, pin::Pin, sync::Arc};

/// One kind of mail: its parameters as fields, its words as functions. Lives in the feature that sends it.
pub trait Message: Serialize + DeserializeOwned + 'static {
    /// The template's name, for good: rows in the outbox are read back by it.
    const TEMPLATE: &'static str;
    /// How soon it must leave.
    const RANK: Rank = Rank::Bulk;
    /// True where it holds neither a code nor a link that opens anything, as no mail does that nobody waits for: where it
    /// reached nobody it is kept for a while, to be sent again.
    const LASTS: bool = matches!(Self::RANK, Rank::Bulk);
    /// The subject line; control characters are dropped.
    fn subject(&self) -> String;
    /// The plain text, for those who read no HTML: says all there is.
    fn text(&self) -> String;
    /// The same as HTML: [`crate::Body::html`] makes the page around it.
    fn html(&self) -> String;
    /// Where its kind of mail ends with one click (RFC 8058). Mails of safety, and those somebody asked for, have none.
    fn unsubscribe(&self) -> Option<&str> {
        None
    }
}

/// Declares a [`Message`] whose text and HTML come from one [`crate::Body`]: name, template, rank, subject, the fields beside
/// its letterhead, and the body's middle. `then` adds to its end; `stop` is the link that ends its kind of mail.
///
/// The `Letterhead` that is in scope keeps what all mails of a crate carry; its `close` ends a body. Attributes before the
/// fields are the letterhead's, such as how it is stored.
#[macro_export]
macro_rules! message {
    ($(#[$doc:meta])* $name:ident, $template:literal, $rank:ident, $subject:literal, $(#[$head:meta])* { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }, |$self:ident| $body:expr $(, then $last:expr)? $(, stop $stop:expr)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            /// Whose it is.
            $(#[$head])*
            pub letterhead: Letterhead,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            fn body(&$self) -> $crate::Body {
                let last: Option<&str> = [$($last)?].into_iter().next();
                $self.letterhead.close($body, last)
            }
        }

        impl $crate::Message for $name {
            const TEMPLATE: &'static str = $template;
            const RANK: $crate::Rank = $crate::Rank::$rank;
            // By the time it would go again, whoever gets it may have ended such mails.
            const LASTS: bool = {
                let stops: &[&str] = &[$(stringify!($stop))?];
                matches!(Self::RANK, $crate::Rank::Bulk) && stops.is_empty()
            };

            fn subject(&self) -> String {
                $subject.to_owned()
            }

            fn text(&self) -> String {
                self.body().text()
            }

            fn html(&self) -> String {
                self.body().html($subject)
            }

            fn unsubscribe(&$self) -> Option<&str> {
                let stop: Option<&str> = [$($stop)?].into_iter().next();
                stop
            }
        }
    };
}

/// A message put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) unsubscribe: Option<String>,
}

/// Whether a mail is still to be sent.
pub type StillMeant<'a> = Pin<Box<dyn Future<Output = Result<bool, DatabaseError>> + Send + 'a>>;

/// Asks that of a message, in the transaction that begins its sending.
pub type Ask<M> = Arc<dyn for<'a> Fn(&'a mut TenantTransaction, DateTime<Utc>, M) -> StillMeant<'a> + Send + Sync>;

/// The same of what is stored of one.
type AskStored =
    Arc<dyn for<'a> Fn(&'a mut TenantTransaction, DateTime<Utc>, &RawValue) -> StillMeant<'a> + Send + Sync>;

/// What is known of a message.
#[derive(Clone)]
struct Known {
    read: fn(&RawValue) -> Result<Words, serde_json::Error>,
    lasts: bool,
    ask: Option<AskStored>,
}

/// The messages a worker can send.
#[derive(Clone, Default)]
pub struct Registry(HashMap<&'static str, Known>);

impl Registry {
    /// Knows no message yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows one more.
    #[must_use]
    pub fn with<M: Message>(mut self) -> Self {
        let known = Known {
            read: |parameters| {
                let message: M = serde_json::from_str(parameters.get())?;
                Ok(Words {
                    subject: one_line(&message.subject()),
                    text: message.text(),
                    html: message.html(),
                    unsubscribe: message.unsubscribe().map(one_line),
                })
            },
            lasts: M::LASTS,
            ask: None,
        };
        self.0.insert(M::TEMPLATE, known);
        self
    }

    /// Knows one more that is asked about before it is sent: what it tells of may have been taken back meanwhile. Where it is not
    /// meant any more it is as if it had never been written.
    #[must_use]
    pub fn with_asked<M: Message>(self, ask: Ask<M>) -> Self {
        let mut all = self.with::<M>();
        if let Some(known) = all.0.get_mut(M::TEMPLATE) {
            known.ask = Some(Arc::new(move |tx, now, stored| {
                match serde_json::from_str(stored.get()) {
                    Ok(message) => ask(tx, now, message),
                    // That is told of where it is put into words.
                    Err(_) => Box::pin(future::ready(Ok(true))),
                }
            }));
        }
        all
    }

    /// True where a stored message is still to be sent.
    pub(crate) async fn is_meant(
        &self,
        tx: &mut TenantTransaction,
        now: DateTime<Utc>,
        (template, stored): (&str, &RawValue),
    ) -> Result<bool, DatabaseError> {
        match self.0.get(template).and_then(|known| known.ask.as_ref()) {
            Some(ask) => ask(tx, now, stored).await,
            None => Ok(true),
        }
    }

    /// True where that is asked of mails of this template.
    pub(crate) fn asks(&self, template: &str) -> bool {
        self.0.get(template).is_some_and(|known| known.ask.is_some())
    }

    /// True where a mail of this template may be sent again: an unknown one may hold anything.
    pub(crate) fn lasts(&self, template: &str) -> bool {
        self.0.get(template).is_some_and(|known| known.lasts)
    }

    /// Puts a stored message into words; the reason where it does not: a template this process does not know, or
    /// parameters of another version.
    pub(crate) fn words(&self, template: &str, parameters: &RawValue) -> Result<Words, &'static str> {
        let known = self.0.get(template).ok_or("unknown template")?;
        (known.read)(parameters).map_err(|_| "parameters do not read")
    }
}

/// Headers are one line (security.md 16): whatever would end it is dropped.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Body;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize)]
    struct Greeting {
        name: String,
    }

    impl Message for Greeting {
        const TEMPLATE: &'static str = "test.greeting";
        fn subject(&self) -> String {
            format!("こんにちは、{}さん", self.name)
        }
        fn text(&self) -> String {
            format!("{}さん\n", self.name)
        }
        fn html(&self) -> String {
            Body::new(&format!("{}さん", self.name)).html("こんにちは")
        }
    }

    fn words(name: &str) -> Words {
        let stored = serde_json::value::to_raw_value(&Greeting { name: name.into() }).unwrap();
        Registry::new()
            .with::<Greeting>()
            .words("test.greeting", &stored)
            .unwrap()
    }

    #[test]
    fn a_registered_message_is_read_back_and_put_into_words() {
        assert_eq!(words("健保").subject, "こんにちは、健保さん");
    }

    // security.md 16
    #[test]
    fn a_name_can_neither_add_a_header_nor_markup() {
        let words = words("x\r\nBcc: everyone@example.jp\u{2028}<b>");
        assert_eq!(words.subject, "こんにちは、xBcc: everyone@example.jp<b>さん");
        assert!(!words.html.contains("<b>"));
    }

    #[test]
    fn an_unknown_template_or_other_parameters_are_told_apart_from_an_outage() {
        let registry = Registry::new().with::<Greeting>();
        let other = serde_json::value::to_raw_value(&1).unwrap();
        assert_eq!(registry.words("test.other", &other), Err("unknown template"));
        assert_eq!(registry.words("test.greeting", &other), Err("parameters do not read"));
    }
}
