//! Reads a request's JSON body: media type, size, UTF-8 (a byte order mark before it is no part of it), JSON, then every field against the schema. Whatever is wrong
//! leaves as one [`Failure`]; no handler sees a body that its schema refuses.

use crate::failure::Failure;
use crate::schema;
use edge::{BodyTrouble, HttpSettings};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;

/// A JSON body that holds a `T`.
pub struct Body<T>(pub T);

/// The JSON that [`receive`] found, left with the request for the handler's [`Body`].
#[derive(Clone)]
struct Received(Value);

/// Takes the request's body and leaves the JSON in it.
pub(crate) async fn receive(request: &mut Request, limit: usize, http: &HttpSettings) -> Result<(), Failure> {
    if !edge::is_media_type(request, "application/json") {
        return Err(Failure::of("unsupported_media_type"));
    }
    let read = edge::read_body(request, limit, http.body_time).await;
    let bytes = read.map_err(|trouble| match trouble {
        BodyTrouble::TooLarge => Failure::of("body_too_large"),
        BodyTrouble::Unreadable => Failure::of("bad_request"),
    })?;
    let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let text = std::str::from_utf8(json).map_err(|_| Failure::of("encoding"))?;
    let value = serde_json::from_str(text).map_err(|_| Failure::of("malformed_json"))?;
    request.set_data(Received(value));
    Ok(())
}

/// The JSON that was received, as it is compared with another; empty where there is none.
pub(crate) fn received(request: &Request) -> Vec<u8> {
    let received = request.data::<Received>();
    received.map_or_else(Vec::new, |Received(value)| value.to_string().into_bytes())
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = MetaMediaType {
            content_type: "application/json",
            schema: T::schema_ref(),
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
        let Received(value) = request
            .data::<Received>()
            .ok_or_else(|| Failure::of("malformed_json"))?;
        let flaws = schema::flaws::<T>(value);
        if !flaws.is_empty() {
            return Err(Failure::fields(flaws).into());
        }
        // The schema holds, so this parses; if it ever does not, the request is still the one to be mended.
        let parsed = T::parse_from_json(Some(value.clone()));
        Ok(Self(parsed.map_err(|_| Failure::of("bad_request"))?))
    }
}
