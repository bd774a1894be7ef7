//! What every operation of the API is made with: a call, its body read against the schema, answers, failures as
//! problem+json, and the document. The pipeline's operations and the modules' are groups of one table; it knows none of them.

pub mod answer;
mod asked;
pub mod body;
pub mod call;
mod codes;
mod document;
pub mod failure;
mod guide;
pub mod markdown;
mod mount;
mod oauth;
mod once;
pub mod page;
pub mod params;
mod program;
mod reference;
mod schema;
mod shown;
pub mod stream;
mod table;
pub mod text;

pub use document::documented_path;
pub use mount::{before, brings_file, is_below, overloaded};
pub use schema::flaws;
pub use table::{
    Codes, Example, Group, Link, Operation, Repeat, Row, Services, TAGS, Table, Tag, act, codes, delete, explained,
    get, keyed, oauth, post, put, send,
};

/// Where version 1 stands.
pub const BASE: &str = "/api/v1";
