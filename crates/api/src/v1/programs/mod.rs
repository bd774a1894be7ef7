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
    params::Rule,
};
use poem_openapi::{OpenApi, registry::MetaSchema};
use std::collections::HashSet;
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

/// Where a feed begins without a cursor: at its oldest entry, or behind its last.
struct Beginning;

impl Rule for Beginning {
    fn schema() -> MetaSchema {
        MetaSchema {
            enum_items: vec!["now".into()],
            ..MetaSchema::new("string")
        }
    }

    fn flaw(text: &str) -> Option<&'static str> {
        (text != "now").then_some("not_a_choice")
    }
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

/// Who of the people that a feed tells of is protected; ends the transaction that read it, likewise.
async fn close_feed(
    tx: TenantTransaction,
    call: &Call,
    program: &Caller,
    people: &[PersonId],
    list: (&'static str, Vec<&'static str>),
) -> Result<HashSet<PersonId>, Failure> {
    let protected = up(roster::protection::protected_of(&tx, people).await)?;
    close(tx, call, program, &once(people.iter().copied()), list).await?;
    Ok(protected)
}

/// Writes a program's look at a list of people, with the filters of the list, and ends the transaction that read them. Whoever asks
/// again and again whether there is something new, and is shown nobody, has looked at nobody.
async fn close(
    tx: TenantTransaction,
    call: &Call,
    program: &Caller,
    shown: &[Uuid],
    (list, filters): (&'static str, Vec<&'static str>),
) -> Result<(), Failure> {
    if !shown.is_empty() {
        let look = Look::list(list, filters, shown);
        up(audit::look(&tx, call.now(), &call.origin, program.actor(), look).await)?;
    }
    up(tx.commit().await)
}
