//! The successes: one per operation, with its status in the type. Failures are documented from the table of routes.

use crate::program;
use clients::{Allowance, Saved};
use kernel::TenantSecret;
use poem::http::{HeaderName, StatusCode, header};
use poem::web::Json;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{ToJSON, Type as _};

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident = $status:ident $number:literal $description:literal)*) => {$(
        $(#[$doc])*
        pub struct $name<T>(pub T);

        impl<T: ToJSON> IntoResponse for $name<T> {
            fn into_response(self) -> Response {
                Json(self.0.to_json()).with_status(StatusCode::$status).into_response()
            }
        }

        impl<T: ToJSON> ApiResponse for $name<T> {
            fn meta() -> MetaResponses {
                response($number, $description, vec![json::<T>()], vec![])
            }

            fn register(registry: &mut Registry) {
                T::register(registry);
            }
        }
    )*};
}

answers! {
    /// 200.
    Done = OK 200 "Done."
    /// 201.
    Created = CREATED 201 "It exists now."
    /// 202.
    Accepted = ACCEPTED 202 "Taken in; the rest comes by mail."
}

/// 204.
pub struct Nothing;

impl IntoResponse for Nothing {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for Nothing {
    fn meta() -> MetaResponses {
        response(204, "Done; there is nothing to say.", vec![], vec![])
    }

    fn register(_registry: &mut Registry) {}
}

/// 200 without a word, where a standard asks for that status.
pub struct Empty;

impl IntoResponse for Empty {
    fn into_response(self) -> Response {
        StatusCode::OK.into_response()
    }
}

impl ApiResponse for Empty {
    fn meta() -> MetaResponses {
        response(200, "Done; there is nothing to say.", vec![], vec![])
    }

    fn register(_registry: &mut Registry) {}
}

/// 200 of what is changed by whoever knows how it stands.
pub struct Current<T> {
    /// How it stands.
    pub value: T,
    /// The `ETag` of that, quoted.
    pub etag: String,
}

impl<T: ToJSON> IntoResponse for Current<T> {
    fn into_response(self) -> Response {
        let Self { value, etag } = self;
        Done(value).with_header(header::ETAG, etag).into_response()
    }
}

impl<T: ToJSON> ApiResponse for Current<T> {
    fn meta() -> MetaResponses {
        response(200, "Done.", vec![json::<T>()], vec![etag()])
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 201 of what is changed by whoever knows how it stands.
pub struct Made<T> {
    /// It.
    pub value: T,
    /// The `ETag` of how it stands, quoted.
    pub etag: String,
    /// Where it is read.
    pub location: String,
}

impl<T: ToJSON> Made<T> {
    /// As it is kept under an `Idempotency-Key`.
    pub fn saved(&self) -> Saved {
        let headers = [(header::ETAG, &self.etag), (header::LOCATION, &self.location)];
        saved(StatusCode::CREATED, &headers, &self.value)
    }
}

impl<T: ToJSON> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let Self { value, etag, location } = self;
        Created(value)
            .with_header(header::ETAG, etag)
            .with_header(header::LOCATION, location)
            .into_response()
    }
}

impl<T: ToJSON> ApiResponse for Made<T> {
    fn meta() -> MetaResponses {
        let headers = vec![etag(), location("Where it is read.")];
        response(201, "It exists now.", vec![json::<T>()], headers)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 202 of what a worker goes on with.
pub struct Begun<T> {
    /// How far it is.
    pub value: T,
    /// Where it is followed.
    pub location: String,
}

impl<T: ToJSON> Begun<T> {
    /// As it is kept under an `Idempotency-Key`.
    pub fn saved(&self) -> Saved {
        saved(StatusCode::ACCEPTED, &[(header::LOCATION, &self.location)], &self.value)
    }
}

impl<T: ToJSON> IntoResponse for Begun<T> {
    fn into_response(self) -> Response {
        let Self { value, location } = self;
        let body = Json(value.to_json()).with_status(StatusCode::ACCEPTED);
        body.with_header(header::LOCATION, location).into_response()
    }
}

impl<T: ToJSON> ApiResponse for Begun<T> {
    fn meta() -> MetaResponses {
        let description = "A worker goes on with it.";
        response(
            202,
            description,
            vec![json::<T>()],
            vec![location("Where it is followed.")],
        )
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// What is answered once, under an `Idempotency-Key` that is known only when a file has come.
pub enum Once<T> {
    /// It was done now.
    Now(T),
    /// It was done before, and this was the answer.
    Before(Response),
}

impl<T: IntoResponse> IntoResponse for Once<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Now(answer) => answer.into_response(),
            Self::Before(answer) => answer,
        }
    }
}

impl<T: ApiResponse> ApiResponse for Once<T> {
    fn meta() -> MetaResponses {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 200, with what is left to a client that no token says.
pub struct Limited<T> {
    /// What is answered.
    pub value: T,
    /// What is left.
    pub allowance: Allowance,
}

impl<T: ToJSON> IntoResponse for Limited<T> {
    fn into_response(self) -> Response {
        let mut response = Done(self.value).into_response();
        program::limits(&mut response, &self.allowance);
        response
    }
}

impl<T: ToJSON> ApiResponse for Limited<T> {
    fn meta() -> MetaResponses {
        response(200, "Done.", vec![json::<T>()], vec![])
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> Done<T> {
    /// As it is kept under an `Idempotency-Key`.
    pub fn saved(&self) -> Saved {
        saved(StatusCode::OK, &[], &self.0)
    }
}

impl<T: ToJSON> Current<T> {
    /// As it is kept under an `Idempotency-Key`.
    pub fn saved(&self) -> Saved {
        saved(StatusCode::OK, &[(header::ETAG, &self.etag)], &self.value)
    }
}

/// The header that tells an answer which was kept from the first.
pub(crate) const REPLAYED: &str = "Idempotency-Replayed";

/// An answer that was kept, once more.
pub(crate) fn again(saved: Saved) -> Response {
    let status = StatusCode::from_u16(saved.status).unwrap_or(StatusCode::OK);
    let mut response = Response::builder()
        .status(status)
        .content_type("application/json; charset=utf-8")
        .header(REPLAYED, "true");
    for (name, value) in saved.headers {
        response = response.header(name, value);
    }
    response.body(saved.body)
}

fn saved<T: ToJSON>(status: StatusCode, headers: &[(HeaderName, &String)], value: &T) -> Saved {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), (*value).clone()));
    Saved {
        status: status.as_u16(),
        headers: headers.collect(),
        body: value.to_json_string(),
        person: None,
    }
}

/// The header by which a session goes on.
const SESSION_TOKEN: &str = "Session-Token";

/// 204 of a change to that.
pub struct Changed {
    /// The `ETag` from now on, quoted.
    pub etag: String,
    /// The token that the session goes on under, where the change took a password (security.md 38).
    pub token: Option<TenantSecret>,
}

impl IntoResponse for Changed {
    fn into_response(self) -> Response {
        let answer = StatusCode::NO_CONTENT.with_header(header::ETAG, self.etag);
        match self.token {
            Some(token) => answer.with_header(SESSION_TOKEN, token.reveal()).into_response(),
            None => answer.into_response(),
        }
    }
}

impl ApiResponse for Changed {
    fn meta() -> MetaResponses {
        let token = MetaHeader {
            name: SESSION_TOKEN.into(),
            description: Some(
                "The token of the session from now on, where the password was asked for: the one that was sent is worth \
                 nothing any more. Absent where that stays."
                    .into(),
            ),
            required: false,
            deprecated: false,
            schema: String::schema_ref(),
        };
        let description = "Done; there is nothing to say.";
        response(204, description, vec![], vec![etag(), token])
    }

    fn register(_registry: &mut Registry) {}
}

fn etag() -> MetaHeader {
    MetaHeader {
        name: "ETag".into(),
        description: Some("Names the present state: for `If-Match` of a later change.".into()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    }
}

fn location(description: &str) -> MetaHeader {
    MetaHeader {
        name: "Location".into(),
        description: Some(description.into()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    }
}

fn json<T: ToJSON>() -> MetaMediaType {
    MetaMediaType {
        content_type: "application/json",
        schema: T::schema_ref(),
    }
}

fn response(
    status: u16,
    description: &'static str,
    content: Vec<MetaMediaType>,
    headers: Vec<MetaHeader>,
) -> MetaResponses {
    let response = MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content,
        headers,
    };
    MetaResponses {
        responses: vec![response],
    }
}
