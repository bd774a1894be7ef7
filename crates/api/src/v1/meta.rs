//! The document describes itself too.

use super::Tag;
use crate::answer::Done;
use crate::document;
use poem_openapi::{OpenApi, types::Any};
use serde_json::Value;

pub struct MetaApi;

#[OpenApi(tag = "Tag::Document")]
impl MetaApi {
    /// This document
    ///
    /// The OpenAPI 3.0 description of this API, for generators of clients.
    #[oai(path = "/openapi.json", method = "get", operation_id = "get_document")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn document(&self) -> Done<Any<Value>> {
        Done(Any(document::value().clone()))
    }
}
