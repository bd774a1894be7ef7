//! How a use case ends: done, refused (a value: what was counted stays), or an outage (rolled back).
//!
//! A [`Refusal`] carries its [`Reason`], and a reason holds all that is ever said of it: the stable code, the kind that
//! makes the status, a sentence for programs and the words for people. A feature declares its reasons as constants; one
//! without words does not build.

use crate::FieldError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{error::Error, fmt};

/// Done or refused.
#[derive(Debug)]
#[must_use]
pub enum Outcome<T> {
    /// It is done.
    Done(T),
    /// It was refused, and this is why.
    Refused(Refusal),
}

impl<T> Outcome<T> {
    /// The same end, with something else made of what is done.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(done) => Outcome::Done(make(done)),
            Self::Refused(refusal) => Outcome::Refused(refusal),
        }
    }

    /// True where it was refused for this reason.
    pub fn is_refused(&self, reason: Reason) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is(reason))
    }
}

impl<T> From<Refusal> for Outcome<T> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<T> From<Reason> for Outcome<T> {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}

/// What kind of refusal it is: the status that it has in both shells, and whether waiting helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// What was sent has to be mended: 422.
    Mend,
    /// Too often or too early; after a while it goes through: 429.
    Wait,
    /// Time has gone over it; start from what is now: 409.
    Outdated,
    /// It was asked for on a condition (`If-Match`) that doesn't hold: 412.
    Condition,
    /// Nobody is logged in: 401.
    LogIn,
    /// Not for whom it is asked: 403.
    Forbidden,
    /// There is no such thing here: 404.
    Missing,
    /// Not now, for reasons that are ours: 503.
    Busy,
}

/// Why something is refused, with all that is said of it.
#[derive(Clone, Copy)]
pub struct Reason {
    /// Stable and public: programs and the log know the refusal by it.
    pub code: &'static str,
    /// Makes the status.
    pub kind: RefusalKind,
    /// What happened and what to do, in English, for programs.
    pub detail: &'static str,
    /// The same for people, in Japanese; takes the time at which it is read.
    pub words: fn(&Refusal, DateTime<Utc>) -> Words,
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

/// What a page says about a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// A line.
    pub heading: &'static str,
    /// What happened and what to do next.
    pub text: String,
    /// Where to go from here.
    pub ways: Vec<Way>,
}

/// A link that leads on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// An address of ours, or `#desk` for the contact desk on the same page.
    pub href: String,
    /// What stands on it.
    pub text: String,
}

impl Way {
    /// A link with its text.
    pub fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            href: href.into(),
            text: text.into(),
        }
    }
}

impl Words {
    /// A heading, a text, and ways on as pairs of address and text.
    pub fn new(heading: &'static str, text: impl Into<String>, ways: &[(&str, &str)]) -> Self {
        Self {
            heading,
            text: text.into(),
            ways: ways.iter().map(|(href, text)| Way::new(*href, *text)).collect(),
        }
    }
}

/// A refusal of one request.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// From when on it goes through, where time alone is lacking.
    pub until: Option<DateTime<Utc>>,
    /// Tries left, where tries are counted.
    pub left: Option<u32>,
    /// Fields to be mended, all at once.
    pub fields: Vec<FieldError>,
}

impl Refusal {
    /// Fields to be mended.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        Self {
            fields,
            ..FIELDS.into()
        }
    }

    /// One field to be mended.
    pub fn field(field: FieldError) -> Self {
        Self::fields(vec![field])
    }

    /// The stable, public code.
    pub fn code(&self) -> &'static str {
        self.reason.code
    }

    /// True for this reason.
    pub fn is(&self, reason: Reason) -> bool {
        self.reason == reason
    }

    /// True for one of these reasons.
    pub fn is_any(&self, reasons: &[Reason]) -> bool {
        reasons.contains(&self.reason)
    }

    /// What a page says about it.
    pub fn words(&self, now: DateTime<Utc>) -> Words {
        (self.reason.words)(self, now)
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            until: None,
            left: None,
            fields: Vec::new(),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())?;
        for error in &self.fields {
            write!(f, " {}: {}", error.field.name, error.problem)?;
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Error for Refusal {}

/// By code: it is what tells reasons apart.
impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for Reason {}

/// Fields to be mended, all at once.
pub const FIELDS: Reason = Reason {
    code: "fields",
    kind: RefusalKind::Mend,
    detail: "Some fields need mending; see errors.",
    words: |_, _| Words::new("入力内容を確認してください", "印のついたところを直してください。", &[]),
};

/// There is no such thing here.
pub const NOT_FOUND: Reason = Reason {
    code: "not_found",
    kind: RefusalKind::Missing,
    detail: "There is no such thing here.",
    words: |_, _| {
        Words::new(
            "ページが見つかりません",
            "お探しのページは、移動したか、掲載が終わったか、アドレスが違うようです。",
            &[("/portal/", "はじめの画面へ")],
        )
    },
};

/// A program said which state it knows, and it is another by now.
pub const CONDITION_FAILED: Reason = Reason {
    code: "precondition_failed",
    kind: RefusalKind::Condition,
    detail: "It stands otherwise by now than If-Match names. Nothing was changed; get it again and decide anew.",
    words: |_, _| {
        Words::new(
            "先に、ほかの変更がありました",
            "何も変更していません。今の内容をお確かめになってから、もう一度お試しください。",
            &[],
        )
    },
};

/// Too much at once: come back in a few seconds.
pub const OVERLOADED: Reason = Reason {
    code: "overloaded",
    kind: RefusalKind::Busy,
    detail: "Too much at once. Send the request again in a few seconds.",
    words: |_, _| {
        Words::new(
            "ただいま混み合っています",
            "10秒ほど待ってから、もう一度ボタンを押してください。入力した内容は消えていません（パスワードは、もう一度入力してください）。",
            &[],
        )
    },
};

/// It was done or it was not: the database's last answer was lost.
pub const UNCONFIRMED: Reason = Reason {
    code: "unconfirmed",
    kind: RefusalKind::Busy,
    detail: "The request was carried out or it was not: the answer of the database was lost. Look whether it was before \
             sending it again.",
    words: |_, _| {
        Words::new(
            "受け付けたかどうかを確かめられませんでした",
            "通信が途切れたため、送信した内容は、受け付けられていることも、いないこともあります。届いたメールや画面で、先に進んでいないかをお確かめください。進んでいないときは、もう一度お試しください。",
            &[("/portal/", "はじめの画面へ")],
        )
    },
};

/// The reasons that are no feature's own.
pub const REASONS: [Reason; 5] = [FIELDS, NOT_FOUND, CONDITION_FAILED, OVERLOADED, UNCONFIRMED];

/// Something beneath is away or broken. Never shown; logged with the request's id.
#[derive(Debug)]
pub struct Outage {
    kind: OutageKind,
    cause: Box<dyn Error + Send + Sync>,
}

/// How bad an outage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageKind {
    /// Known already and passing: a full pool, a restarting database, a key that waits to be proven.
    Passing,
    /// A fault of ours.
    Fault,
    /// What was asked for may have been done all the same: the answer to COMMIT was lost.
    Unconfirmed,
}

impl Outage {
    /// An outage with its cause.
    pub fn new(kind: OutageKind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            cause: cause.into(),
        }
    }

    /// How bad it is.
    pub fn kind(&self) -> OutageKind {
        self.kind
    }

    /// Whether what was asked for may have been done all the same.
    pub fn is_unconfirmed(&self) -> bool {
        self.kind == OutageKind::Unconfirmed
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for Outage {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl From<crate::KeyError> for Outage {
    fn from(error: crate::KeyError) -> Self {
        Self::new(OutageKind::Fault, error)
    }
}

impl From<diesel::result::Error> for Outage {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        let kind = match error {
            // What the driver says without a word of PostgreSQL: there is no connection to it any more.
            Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _) => OutageKind::Passing,
            _ => OutageKind::Fault,
        };
        Self::new(kind, error)
    }
}
