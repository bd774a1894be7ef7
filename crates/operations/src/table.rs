//! The one table of `/api/v1`: what is not in it does not exist, and each row says who may come in and with which codes
//! it refuses. The mounting code enforces it, the document is completed from it, and a test compares the two both ways.

use crate::{document, failure, reference};
use accounts::Accounts;
use clients::Clients;
use database::Database;
use edge::{Body, HttpSettings, ProblemBody, Rights, Route};
use kernel::{Clock, Keys, Reason};
use poem::{EndpointExt as _, IntoEndpoint, endpoint::BoxEndpoint, http::Method, middleware::CatchPanic};
use poem_openapi::{OpenApi, OpenApiService, Tags};
use roster::Runs;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};
use tenancy::Feature;
use url::Url;
use webhooks::Webhooks;

/// What a row says besides method, path, name, rights and body.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The refusals of the use case behind it. What rights, body and method can refuse comes on top.
    pub codes: Codes,
    /// What it looks like in use.
    pub example: Example,
    /// Let in also where access itself has ended: for the log-out.
    pub after_access: bool,
    /// One of OAuth's own: its refusals have the shape of RFC 6749.
    pub oauth: bool,
    /// What comes of sending it again.
    pub repeat: Repeat,
    /// Seconds by which its answer may lag behind what was changed elsewhere; 0 where it never does.
    pub lag: u32,
    /// What its description goes on with: Markdown that is made of what the code knows.
    pub more: String,
    /// What it has sent to whoever calls it, as OpenAPI's `callbacks`.
    pub callbacks: Option<Value>,
}

/// What comes of sending a request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The same as of sending it once: reads, and what says how something is to be.
    Same,
    /// The same within 24 hours, where both come with one `Idempotency-Key`.
    Keyed,
    /// It is done once more.
    Anew,
}

/// Codes of refusals.
pub type Codes = &'static [&'static str];

/// An operation in use; invented persons only.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The body.
    pub request: Option<Value>,
    /// Parameters by name.
    pub parameters: Vec<(&'static str, Value)>,
    /// The body of the success.
    pub answer: Option<Value>,
    /// Where its answer leads, as OpenAPI's `links`.
    pub links: Option<Value>,
}

/// An operation's route; paths are below `/api/v1`, names are the document's `operationId`.
pub type Row = Route<Operation>;

/// Reads.
pub fn get(path: &'static str, name: &'static str, rights: Rights, codes: Codes, example: Example) -> Row {
    row(Method::GET, path, name, (rights, Body::Nothing), codes, example)
}

/// Takes a JSON body.
pub fn post(path: &'static str, name: &'static str, rights: Rights, codes: Codes, example: Example) -> Row {
    row(Method::POST, path, name, (rights, Body::JSON), codes, example)
}

/// Takes a file of so many bytes at most, which its handler reads as it comes.
pub fn send(
    path: &'static str,
    name: &'static str,
    (rights, most): (Rights, u64),
    codes: Codes,
    example: Example,
) -> Row {
    row(Method::POST, path, name, (rights, Body::Stream(most)), codes, example)
}

/// Does something to what its path names.
pub fn act(path: &'static str, name: &'static str, rights: Rights, codes: Codes, example: Example) -> Row {
    row(Method::POST, path, name, (rights, Body::Nothing), codes, example)
}

/// The same for whoever sends an `Idempotency-Key`: done once however often it comes. Its handler keeps the answer.
#[must_use]
pub fn keyed(mut row: Row) -> Row {
    row.handler.repeat = Repeat::Keyed;
    row
}

/// The same with more to be said of it, in Markdown.
#[must_use]
pub fn explained(mut row: Row, more: String) -> Row {
    row.handler.more = more;
    row
}

/// Takes a form, as OAuth has it, from whoever knows a client's secret.
pub fn oauth(path: &'static str, name: &'static str, codes: Codes, example: Example) -> Row {
    let mut row = row(Method::POST, path, name, (Rights::Public, Body::FORM), codes, example);
    row.handler.oauth = true;
    row
}

/// Takes a JSON body that says how something is to be from now on.
pub fn put(path: &'static str, name: &'static str, rights: Rights, codes: Codes, example: Example) -> Row {
    row(Method::PUT, path, name, (rights, Body::JSON), codes, example)
}

/// Ends something.
pub fn delete(path: &'static str, name: &'static str, rights: Rights, codes: Codes, example: Example) -> Row {
    row(Method::DELETE, path, name, (rights, Body::Nothing), codes, example)
}

fn row(
    method: Method,
    path: &'static str,
    name: &'static str,
    (rights, body): (Rights, Body),
    codes: Codes,
    example: Example,
) -> Row {
    let repeat = if method == Method::POST {
        Repeat::Anew
    } else {
        Repeat::Same
    };
    Route {
        method,
        path,
        name,
        rights,
        body,
        // Programs have no pages, and bring their own tokens.
        foreign: true,
        keeps: &[],
        for_former: false,
        handler: Operation {
            codes,
            example,
            after_access: false,
            oauth: false,
            repeat,
            lag: 0,
            more: String::new(),
            callbacks: None,
        },
    }
}

/// How operations are grouped for readers, in the reference's order.
#[derive(Tags)]
pub enum Tag {
    /// Who an insurer is, before anybody signs up.
    Insurers,
    /// From the identity as the insurer knows it to an account: three steps and a code by mail.
    #[oai(rename = "Sign-up")]
    SignUp,
    /// Logging in and out.
    Sessions,
    /// Forgotten passwords and forgotten user IDs.
    Recovery,
    /// What a member agreed to, and what waits for consent.
    Consents,
    /// The my page and notices of the member whose token it is.
    Member,
    /// People of the insurer's roster and their coverage, read and changed by its programs.
    Members,
    /// The insurer's notices to all members or a group of them, written and published by its programs.
    Notices,
    /// Whole rosters and files of changes, brought by the insurer's programs.
    #[oai(rename = "Roster imports")]
    RosterImports,
    /// What happens to the insured and their accounts, for programs that follow it.
    Feeds,
    /// What treatment cost, which medicines could be cheaper, and who sees that.
    Statements,
    /// What was done and by whom, and whether mails arrived.
    Records,
    /// Tokens of programs, and what a program may do.
    Clients,
    /// What happened, sent to the client's program as it happens: where to, of what, and what became of it.
    Webhooks,
    /// The description of this API.
    Document,
}

/// The groups in the reference's order.
pub const TAGS: [&str; 15] = [
    "Insurers",
    "Sign-up",
    "Sessions",
    "Recovery",
    "Consents",
    "Member",
    "Members",
    "Notices",
    "Roster imports",
    "Feeds",
    "Statements",
    "Records",
    "Clients",
    "Webhooks",
    "Document",
];

/// The operations of one feature, which answer together.
#[derive(Clone)]
pub struct Group {
    pub(crate) rows: Vec<Row>,
    pub(crate) spec: String,
    pub(crate) endpoint: Arc<BoxEndpoint<'static>>,
    reasons: &'static [Reason],
}

impl Group {
    /// Rows with the code that serves them.
    pub fn new(rows: Vec<Row>, operations: impl OpenApi + 'static) -> Self {
        let service = OpenApiService::new(operations, "Madoguchi", "1.0.0").server(crate::BASE);
        Self {
            rows,
            spec: service.spec(),
            endpoint: Arc::new(
                service
                    .into_endpoint()
                    .with(CatchPanic::new())
                    .map_to_response()
                    .boxed(),
            ),
            reasons: &[],
        }
    }

    /// With the reasons that are the feature's own, by whose codes its rows refuse.
    #[must_use]
    pub fn refusing(self, reasons: &'static [Reason]) -> Self {
        Self { reasons, ..self }
    }

    /// With more to be said of one of its operations, in Markdown, that its own crate doesn't know.
    #[must_use]
    pub fn explaining(mut self, name: &str, more: String) -> Self {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == name) {
            row.handler.more = more;
        }
        self
    }
}

/// All operations. Cheap to clone.
#[derive(Clone)]
pub struct Table(Arc<Joined>);

struct Joined {
    groups: Vec<Group>,
    problems: Vec<ProblemBody>,
    document: OnceLock<Value>,
    reference: OnceLock<String>,
}

impl Table {
    /// Joins groups.
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        let groups: Vec<Group> = groups.into_iter().collect();
        let mut problems = failure::catalogue().to_vec();
        let named: BTreeSet<&str> = groups.iter().flat_map(|group| &group.rows).flat_map(codes).collect();
        for reason in groups.iter().flat_map(|group| group.reasons) {
            // A module's other reasons are those of its pages.
            if named.contains(reason.code) && problems.iter().all(|known| known.code != reason.code) {
                problems.push(failure::problem(*reason));
            }
        }
        Self(Arc::new(Joined {
            groups,
            problems,
            document: OnceLock::new(),
            reference: OnceLock::new(),
        }))
    }

    /// The groups, in the order they were joined.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.0.groups
    }

    /// Every problem that an answer may be, the house's and those by which modules' rows refuse, with its status and detail.
    pub fn problems(&self) -> &[ProblemBody] {
        &self.0.problems
    }

    /// Every row, with the words for readers in the same order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups().iter().flat_map(|group| &group.rows)
    }

    /// The OpenAPI document.
    pub fn document(&self) -> &Value {
        self.0.document.get_or_init(|| document::of(self))
    }

    /// The OpenAPI document, laid out for people and diffs: what `openapi/v1.json` holds.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self.document()).unwrap_or_default()
    }

    /// The reference page.
    pub fn reference(&self) -> &str {
        self.0.reference.get_or_init(|| reference::html(self))
    }
}

/// Every code that an answer of this operation may hold, sorted.
pub fn codes(route: &Row) -> Vec<&'static str> {
    let by_rights: Codes = match route.rights {
        Rights::Public | Rights::Ticket | Rights::StaffPending | Rights::StaffSession | Rights::Staff { .. } => &[],
        Rights::Session if route.handler.after_access => &["session_ended"],
        Rights::Session => &["session_ended", "insurer_suspended", "coverage_ended"],
        Rights::Member => &[
            "session_ended",
            "insurer_suspended",
            "coverage_ended",
            "consent_required",
        ],
        Rights::Client(_) => &["invalid_token", "insufficient_scope", "too_many_requests"],
    };
    let by_body: Codes = match route.body {
        Body::Nothing | Body::File(_) => &[],
        Body::Stream(_) => &["unsupported_media_type"],
        // OAuth has one word for all of them.
        Body::Form(_) => &["invalid_request"],
        Body::Json(_) => &[
            "malformed_json",
            "encoding",
            "body_too_large",
            "unsupported_media_type",
            "fields",
        ],
    };
    let by_repeat: Codes = match route.handler.repeat {
        Repeat::Same | Repeat::Anew => &[],
        Repeat::Keyed => &["fields", "idempotency_key_reused", "idempotency_in_progress"],
    };
    let always: Codes = if route.handler.oauth {
        &["method_not_allowed", "unavailable", "unconfirmed"]
    } else {
        &["bad_request", "method_not_allowed", "unavailable", "unconfirmed"]
    };
    let mut codes: Vec<&str> = [route.handler.codes, by_rights, by_body, by_repeat, always].concat();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// A page of the portal that others link to, as the pages' table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The page's name.
    pub name: &'static str,
    /// Its path.
    pub path: &'static str,
    /// The feature whose it is; it is there where the insurer has opened that.
    pub feature: Option<Feature>,
}

/// What operations stand on, put together once by the binary; a module's own bring what they use besides. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Sign-up, log-in, recovery, consent.
    pub accounts: Accounts,
    /// For what programs read.
    pub database: Database,
    /// By what cursors are sealed.
    pub keys: Keys,
    /// Programs: tokens, and what they may do.
    pub clients: Clients,
    /// What programs are told of.
    pub webhooks: Webhooks,
    /// Where browsers and programs find us.
    pub public_url: Url,
    /// Imports of rosters.
    pub rosters: Runs,
    /// The time.
    pub clock: Clock,
    /// Pages of the portal that others link to.
    pub links: Arc<[Link]>,
    /// Limits and proxies.
    pub http: HttpSettings,
    /// Every operation.
    pub table: Table,
}
