//! Kinds of events that programs may be told of, and who may be told of which: whoever holds the scope that reads what it happened to.

use access::{
    Scope,
    scope::{CONSENTS_READ, COVERAGE_READ, IMPORTS_READ, MAIL_READ, REGISTRATIONS_READ, WEBHOOKS_MANAGE},
};
use jobs::events::Read;
use serde_json::Value;
use uuid::Uuid;

/// To what it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A person of the roster.
    Member,
    /// An import of the roster.
    RosterImport,
    /// A notice.
    Notice,
    /// A delivery of statements.
    StatementDelivery,
    /// A mail.
    Mail,
    /// The endpoint itself.
    Webhook,
}

impl Subject {
    /// The word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::RosterImport => "roster_import",
            Self::Notice => "notice",
            Self::StatementDelivery => "statement_delivery",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }
}

/// A kind of events.
#[derive(Debug, Clone, Copy)]
pub struct EventKind {
    /// As `jobs::Event` has it, for good.
    pub name: &'static str,
    /// What staff call it.
    pub label: &'static str,
    /// To what it happens.
    pub subject: Subject,
    /// What reads that.
    pub scope: Scope,
    /// The operation that reads it, or the list that has it: with `:id` for the subject, and one more name for what the payload calls so.
    pub link: &'static str,
    /// Whether programs are told of one with this payload.
    pub is_told: fn(&Value) -> bool,
}

impl EventKind {
    /// A kind all of whose events programs may be told of.
    pub const fn new(
        (name, label): (&'static str, &'static str),
        subject: Subject,
        scope: Scope,
        link: &'static str,
    ) -> Self {
        Self {
            name,
            label,
            subject,
            scope,
            link,
            is_told: |_| true,
        }
    }

    /// What of its payload the link names besides the subject: `kind` of rows, or `document`.
    pub(crate) fn of(&self) -> Option<&'static str> {
        let mut names = self.link.split('/').filter_map(|part| part.strip_prefix(':'));
        names.find(|name| *name != "id")
    }

    /// That of an event with this payload.
    pub(crate) fn said<'a>(&self, payload: &'a Value) -> Option<&'a str> {
        payload.get(self.of()?)?.as_str()
    }

    /// The same, but for events whose payload says otherwise.
    #[must_use]
    pub const fn only(mut self, is_told: fn(&Value) -> bool) -> Self {
        self.is_told = is_told;
        self
    }
}

/// The pipeline's own.
const OF_PIPELINE: [EventKind; 6] = [
    EventKind::new(
        ("member.registered", "加入者の利用登録"),
        Subject::Member,
        REGISTRATIONS_READ,
        "/registrations",
    ),
    EventKind::new(
        ("member.coverage_lost", "加入者の資格喪失"),
        Subject::Member,
        COVERAGE_READ,
        "/members/:id/coverage",
    ),
    EventKind::new(
        ("member.returned", "加入者の再加入"),
        Subject::Member,
        COVERAGE_READ,
        "/members/:id/coverage",
    ),
    EventKind::new(
        ("consent.given", "利用規約への同意"),
        Subject::Member,
        CONSENTS_READ,
        "/consents/:document",
    ),
    EventKind::new(
        ("import.finished", "名簿の取り込みの終わりか確認待ち"),
        Subject::RosterImport,
        IMPORTS_READ,
        "/roster-imports/:id",
    ),
    EventKind::new(
        ("mail.undeliverable", "メールの不達"),
        Subject::Mail,
        MAIL_READ,
        "/mail",
    )
    .only(is_told_of_mail),
];

/// What an endpoint is sent to be tried.
pub(crate) const TEST: EventKind = EventKind::new(
    ("webhook.test", "テスト"),
    Subject::Webhook,
    WEBHOOKS_MANAGE,
    "/webhooks/:id",
);

/// Of some mails nobody is told that there was one.
fn is_told_of_mail(payload: &Value) -> bool {
    payload
        .get("template")
        .and_then(Value::as_str)
        .is_some_and(|template| !mail::UNTOLD.contains(&template))
}

/// All kinds of a house.
#[derive(Debug, Clone)]
pub(crate) struct Kinds(Vec<EventKind>);

impl Kinds {
    pub(crate) fn new(of_modules: impl IntoIterator<Item = EventKind>) -> Self {
        Self(OF_PIPELINE.into_iter().chain(of_modules).collect())
    }

    /// Those that an endpoint may ask for.
    pub(crate) fn all(&self) -> &[EventKind] {
        &self.0
    }

    pub(crate) fn find(&self, name: &str) -> Option<EventKind> {
        let known = self.0.iter().find(|kind| kind.name == name).copied();
        known.or((name == TEST.name).then_some(TEST))
    }
}

/// What it happened to, and whom that is about. A mail is told by its own id; its event names the person whom it is about.
pub(crate) fn subject(kind: EventKind, event: &Read) -> Option<(Uuid, Option<Uuid>)> {
    match kind.subject {
        Subject::Member => Some((event.subject, Some(event.subject))),
        Subject::Mail => {
            let mail = event
                .payload
                .get("mail_id")
                .and_then(Value::as_str)
                .and_then(|id| Uuid::try_parse(id).ok())?;
            Some((mail, Some(event.subject)))
        }
        Subject::RosterImport | Subject::Notice | Subject::StatementDelivery | Subject::Webhook => {
            Some((event.subject, None))
        }
    }
}
