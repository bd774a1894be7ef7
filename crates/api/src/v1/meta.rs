//! The document describes itself too.

use operations::Tag;
use operations::answer::Done;
use operations::call::Call;
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
    async fn document(&self, call: Call) -> Done<Any<Value>> {
        Done(Any(call.services.table.document().clone()))
    }
}
