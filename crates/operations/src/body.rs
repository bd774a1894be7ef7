//! Reads a request's body. JSON: media type, size, UTF-8 (a byte order mark before it is no part of it), JSON, then every field against the schema. Whatever is wrong
//! leaves as one [`Failure`]; no handler sees a body that its schema refuses. A form, which OAuth asks for, is read as an object
//! of strings: a field that is empty was not sent, one that comes twice is refused (RFC 6749, 3.2).

use crate::failure::{Failure, Flaw};
use crate::schema;
use edge::{BodyTrouble, HttpSettings};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, Registry};
use poem_openapi::types::ParseFromJSON;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::{Map, Value};

/// What a form is.
const FORM: &str = "application/x-www-form-urlencoded";

/// A JSON body that holds a `T`.
pub struct Body<T>(pub T);

/// A form that holds a `T`.
pub struct Form<T>(pub T);

/// What [`receive`] or [`receive_form`] found, left with the request for the handler's [`Body`] or [`Form`].
#[derive(Clone)]
struct Received {
    value: Value,
    /// Of a request without a body: how that is refused where a body is needed.
    nothing: Option<&'static str>,
}

impl From<Value> for Received {
    fn from(value: Value) -> Self {
        Self { value, nothing: None }
    }
}

/// True of a body that does not come as it is (RFC 9110 8.4).
pub(crate) fn is_coded(request: &Request) -> bool {
    let mut codings = edge::lines(request.headers(), "content-encoding");
    codings.any(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

/// Takes the request's body and leaves the JSON in it.
pub(crate) async fn receive(request: &mut Request, limit: usize, http: &HttpSettings) -> Result<(), Failure> {
    let is_json = edge::is_media_type(request, "application/json");
    if !is_json && request.content_type().is_some() {
        return Err(Failure::of("unsupported_media_type"));
    }
    let read = edge::read_body(request, limit, http.body_time).await;
    let bytes = read.map_err(|trouble| match trouble {
        BodyTrouble::TooLarge => Failure::of("body_too_large"),
        BodyTrouble::Unreadable => Failure::of("bad_request"),
    })?;
    if bytes.is_empty() {
        let nothing = if is_json {
            "malformed_json"
        } else {
            "unsupported_media_type"
        };
        request.set_data(Received {
            value: Value::Object(Map::new()),
            nothing: Some(nothing),
        });
        return Ok(());
    }
    if !is_json {
        return Err(Failure::of("unsupported_media_type"));
    }
    let json = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let text = std::str::from_utf8(json).map_err(|_| Failure::of("encoding"))?;
    let value: Value = serde_json::from_str(text).map_err(|_| Failure::of("malformed_json"))?;
    request.set_data(Received::from(value));
    Ok(())
}

/// The JSON that was received, as it is compared with another; empty where there is none.
pub(crate) fn received(request: &Request) -> Vec<u8> {
    let received = request.data::<Received>();
    received.map_or_else(Vec::new, |received| received.value.to_string().into_bytes())
}

/// Takes the request's body and leaves the fields of the form in it.
pub(crate) async fn receive_form(request: &mut Request, limit: usize, http: &HttpSettings) -> Result<(), Failure> {
    if !edge::is_media_type(request, FORM) {
        let detail = format!("The body has to be {FORM}.");
        return Err(Failure::of("invalid_request").explained(&detail));
    }
    let bytes = edge::read_body(request, limit, http.body_time)
        .await
        .map_err(|_| Failure::of("invalid_request").explained("The form is too long, or did not come to its end."))?;
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(&bytes) {
        if value.is_empty() {
            continue;
        }
        let flaw = Flaw::new(format!("/{name}"), "repeated");
        if fields.insert(name.into(), value.into_owned().into()).is_some() {
            return Err(Failure::of("invalid_request").naming(vec![flaw]));
        }
    }
    request.set_data(Received::from(Value::Object(fields)));
    Ok(())
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for Form<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_of::<T>(FORM, true))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let refused = || Failure::of("invalid_request");
        let Received { value, .. } = request.data::<Received>().ok_or_else(refused)?;
        let flaws = schema::flaws::<T>(value);
        if !flaws.is_empty() {
            return Err(refused().naming(flaws).into());
        }
        let parsed = T::parse_from_json(Some(value.clone()));
        Ok(Self(parsed.map_err(|_| refused())?))
    }
}

/// A body; it has to be there where something in it has to.
fn request_of<T: ParseFromJSON>(content_type: &'static str, required: bool) -> MetaRequest {
    let content = MetaMediaType {
        content_type,
        schema: T::schema_ref(),
    };
    MetaRequest {
        description: None,
        content: vec![content],
        required,
    }
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let is_needed = !schema::flaws::<T>(&Value::Object(Map::new())).is_empty();
        Some(request_of::<T>("application/json", is_needed))
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let Received { value, nothing } = request
            .data::<Received>()
            .ok_or_else(|| Failure::of("malformed_json"))?;
        let flaws = schema::flaws::<T>(value);
        if !flaws.is_empty() {
            let refused = nothing.map_or_else(|| Failure::fields(flaws), Failure::of);
            return Err(refused.into());
        }
        // The schema holds, so this parses; if it ever does not, the request is still the one to be mended.
        let parsed = T::parse_from_json(Some(value.clone()));
        Ok(Self(parsed.map_err(|_| Failure::of("bad_request"))?))
    }
}
