//! Version 1: one file per feature, named as everywhere else. A handler reads its body, calls the use case that the
//! pages call too, and shapes the answer; it decides nothing.

pub mod client;
pub mod consent;
pub mod insurers;
pub mod log_in;
pub mod meta;
pub mod oauth;
pub mod programs;
pub mod recover;
pub mod roster_imports;
pub mod sign_up;
pub mod webhooks;

use poem_openapi::OpenApi;

/// The operations, neither guarded nor completed.
pub fn operations() -> impl OpenApi {
    (
        insurers::InsurersApi,
        sign_up::SignUpApi,
        log_in::LogInApi,
        recover::RecoverApi,
        consent::ConsentApi,
        oauth::OAuthApi,
        client::ClientApi,
        meta::MetaApi,
        programs::operations(),
    )
}
