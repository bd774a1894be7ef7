//! A file that a program sends, read as it comes. What is sent again with its `Idempotency-Key` is told by the address, its query
//! with it, and by the file's SHA-256: so the key is taken once all of it is here ([`Call::take_key`](crate::call::Call::take_key)).

use crate::{failure::Failure, once};
use edge::{BodyTrouble, StreamBody};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use sha2::{Digest as _, Sha256};

/// What such a body is.
pub(crate) const MEDIA_TYPE: &str = "application/octet-stream";

/// A file on its way in.
pub struct Incoming {
    body: StreamBody,
    read: Sha256,
    /// `Idempotency-Key`.
    pub(crate) key: Option<String>,
    /// Of the request, with its query.
    pub(crate) path: String,
}

impl Incoming {
    /// What comes next; nothing at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, BodyTrouble> {
        let part = self.body.next().await?;
        if let Some(part) = &part {
            self.read.update(part);
        }
        Ok(part)
    }

    /// Of what has come.
    pub(crate) fn digest(&self) -> Vec<u8> {
        self.read.clone().finalize().to_vec()
    }
}

impl<'a> ApiExtractor<'a> for Incoming {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let content = MetaMediaType {
            content_type: MEDIA_TYPE,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary"))),
        };
        Some(MetaRequest {
            description: None,
            content: vec![content],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let body = request.data::<StreamBody>().ok_or_else(|| Failure::of("bad_request"))?;
        Ok(Self {
            body: body.clone(),
            read: Sha256::new(),
            key: once::key(request.headers())?,
            path: request.uri().to_string(),
        })
    }
}
