//! Version 1: one file per feature, named as everywhere else. A handler reads its body, calls the use case that the
//! pages call too, and shapes the answer; it decides nothing.

pub mod consent;
pub mod dashboard;
pub mod insurers;
pub mod log_in;
pub mod meta;
pub mod notices;
pub mod recover;
pub mod sign_up;

use poem_openapi::{OpenApiService, Tags};

/// How operations are grouped, in the reference's order.
#[derive(Tags)]
pub enum Tag {
    /// Who an insurer is, before anybody signs up.
    Insurers,
    /// From the identity as the insurer knows it to an account: three steps and a code by mail.
    #[oai(rename = "Sign-up")]
    SignUp,
    /// Logging in and out.
    Sessions,
    /// Forgotten passwords and forgotten user IDs.
    Recovery,
    /// What a member agreed to, and what waits for consent.
    Consents,
    /// The my page and notices of the member whose token it is.
    Member,
    /// The description of this API.
    Document,
}

/// The groups in the reference's order.
pub const TAGS: [&str; 7] = [
    "Insurers", "Sign-up", "Sessions", "Recovery", "Consents", "Member", "Document",
];

type Operations = (
    insurers::InsurersApi,
    sign_up::SignUpApi,
    log_in::LogInApi,
    recover::RecoverApi,
    consent::ConsentApi,
    dashboard::DashboardApi,
    notices::NoticesApi,
    meta::MetaApi,
);

/// The operations, neither guarded nor completed: [`crate::shell`] and [`crate::document`] do that.
pub fn service() -> OpenApiService<Operations, ()> {
    let operations = (
        insurers::InsurersApi,
        sign_up::SignUpApi,
        log_in::LogInApi,
        recover::RecoverApi,
        consent::ConsentApi,
        dashboard::DashboardApi,
        notices::NoticesApi,
        meta::MetaApi,
    );
    OpenApiService::new(operations, "Madoguchi", "1.0.0").server("/api/v1")
}
