//! The successes: one per operation, with its status in the type. Failures are documented from the table of routes.

use crate::program;
use clients::Allowance;
use kernel::TenantSecret;
use poem::http::{StatusCode, header};
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
