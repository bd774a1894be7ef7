//! HTTP only: the shape of a route table, who asks and from where, limits on what is read, and how refusals and outages
//! become statuses. It renders no page, parses no form, and knows no use case.

mod body;
mod compress;
mod file;
mod headers;
mod observe;
mod origin;
mod pace;
mod places;
mod problem;
mod route;
mod seldom;
mod settings;
mod stream;

pub use body::{BodyTrouble, is_media_type, read_body, receive_body};
pub use compress::{Coding, WORTH_BYTES, compress};
pub use file::{FileBody, Incoming};
pub use headers::{harden, has_one_host, line, lines};
pub use observe::{CountedAs, Observe, request_id};
pub use origin::{origin, origin_ip};
pub use places::{FILES, FilePlace, FilePlaces};
pub use problem::{
    FieldProblem, MEDIA_TYPE, ProblemBody, field_detail, http_problem, outage, refusal, retry_after, status,
};
pub use route::{Body, Rights, Route, matches};
pub use seldom::Seldom;
pub use settings::HttpSettings;
pub use stream::StreamBody;
