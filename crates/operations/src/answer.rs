//! The successes: one per operation, with its status in the type. Failures are documented from the table of routes.

use poem::http::StatusCode;
use poem::web::Json;
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::ToJSON;

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
                let content = MetaMediaType { content_type: "application/json", schema: T::schema_ref() };
                response($number, $description, vec![content])
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
        response(204, "Done; there is nothing to say.", vec![])
    }

    fn register(_registry: &mut Registry) {}
}

fn response(status: u16, description: &'static str, content: Vec<MetaMediaType>) -> MetaResponses {
    let response = MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content,
        headers: vec![],
    };
    MetaResponses {
        responses: vec![response],
    }
}
