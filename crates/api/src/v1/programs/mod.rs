//! What an insurer's programs follow and list beside what modules have: changes of the roster, registrations, consents, mails, the
//! trail, and where the portal's pages are.

mod consents;
mod links;
mod mails;
mod member_changes;
mod registrations;
mod trail;

use audit::Look;
use clients::Caller;
use database::TenantTransaction;
use kernel::PersonId;
use operations::{
    Row,
    call::{Call, up},
    failure::Failure,
};
use poem_openapi::OpenApi;
use uuid::Uuid;

/// The rows.
pub fn rows() -> Vec<Row> {
    [
        vec![member_changes::row(), registrations::row()],
        consents::rows(),
        vec![mails::row(), trail::row(), links::row()],
    ]
    .concat()
}

/// The operations.
pub fn operations() -> impl OpenApi {
    (
        member_changes::MemberChangesApi,
        registrations::RegistrationsApi,
        consents::ConsentsApi,
        mails::MailsApi,
        trail::TrailApi,
        links::LinksApi,
    )
}

/// A transaction at the program's insurer, in which its look is written.
async fn open(call: &Call, program: &Caller) -> Result<TenantTransaction, Failure> {
    call.write(program).await
}

/// Those of people whom a program is shown, once each.
fn once(people: impl Iterator<Item = PersonId>) -> Vec<Uuid> {
    let mut shown: Vec<Uuid> = people.map(|person| person.0).collect();
    shown.sort_unstable();
    shown.dedup();
    shown
}

/// Writes a program's look at people, and ends the transaction that read them. Whoever asks again and again whether there is something
/// new, and is shown nobody, has looked at nobody.
async fn close(
    tx: TenantTransaction,
    call: &Call,
    program: &Caller,
    shown: &[Uuid],
    look: Look<'_>,
) -> Result<(), Failure> {
    if !shown.is_empty() {
        up(audit::look(&tx, call.now(), &call.origin, program.actor(), look).await)?;
    }
    up(tx.commit().await)
}
