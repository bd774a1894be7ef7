//! Typed ids: an account's id can't be handed where a person's is wanted. UUID version 7, with the time of the clock.

use chrono::{DateTime, Utc};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql},
    expression::AsExpression,
    pg::Pg,
    serialize::{self, Output, ToSql},
    sql_types,
};
use serde::{Deserialize, Serialize};

/// An insurer as the database knows it; 0 is the platform itself (design.md §3).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = sql_types::Integer)]
pub struct TenantId(pub i32);

impl TenantId {
    /// Tenant 0: what happens before or outside an insurer.
    pub const PLATFORM: Self = Self(0);
}

impl std::fmt::Display for TenantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ToSql<sql_types::Integer, Pg> for TenantId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Integer, Pg>::to_sql(&self.0, out)
    }
}

impl<DB: Backend> FromSql<sql_types::Integer, DB> for TenantId
where
    i32: FromSql<sql_types::Integer, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i32::from_sql(bytes).map(Self)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AsExpression,
            diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = sql_types::Uuid)]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A new id whose first 48 bits are the milliseconds of `now`.
            pub fn new(now: DateTime<Utc>) -> Self {
                let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
                let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos());
                Self(uuid::Uuid::new_v7(time))
            }

            /// Whose a value sealed under this id is.
            pub fn of(self, tenant: TenantId) -> crate::Owner {
                crate::Owner { tenant, id: self.0 }
            }

            /// The least id of a time: what was made before it has a lesser one.
            pub fn least(at: DateTime<Utc>) -> Self {
                let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or_default();
                Self(uuid::Uuid::from_u128(milliseconds << 80))
            }

            /// Reads the hyphenated form.
            pub fn parse(text: &str) -> Option<Self> {
                uuid::Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToSql<sql_types::Uuid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<sql_types::Uuid, Pg>::to_sql(&self.0, out)
            }
        }

        impl FromSql<sql_types::Uuid, Pg> for $name {
            fn from_sql(bytes: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                <uuid::Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(bytes).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person in a roster: permanent, whatever becomes of 記号・番号.
    PersonId
    /// A member's account.
    AccountId
    /// Somebody who works for an insurer, or for the platform.
    StaffId
    /// A second factor of theirs.
    FactorId
    /// A permission for the platform's support to come in.
    GrantId
    /// A logged-in session.
    SessionId
    /// A sign-up under way.
    TicketId
    /// A mail in the outbox.
    MailId
    /// A job in the queue.
    JobId
    /// A worker while it runs: whose leases are whose.
    WorkerId
    /// A process of the service while it runs.
    NodeId
    /// A planned interruption of the service.
    MaintenanceId
    /// 接続先: where a program is told of events.
    WebhookId
    /// A domain event.
    EventId
    /// A notice.
    NoticeId
    /// A roster import.
    ImportId
    /// A person's protection.
    ProtectionId
    /// A fact of a person that staff set, once an import has ended it.
    FactId
    /// A letter to a person.
    LetterId
    /// A file that is brought in pieces.
    UploadId
    /// A piece of one.
    PieceId
    /// What staff note of a person.
    NoteId
    /// Something that waits for somebody.
    TaskId
    /// A draft of terms.
    TermsDraftId
    /// A wish that waits for another's agreement.
    ApprovalId
    /// 提供分: a file of statements, in one version.
    DeliveryId
    /// A row of one whose person the roster doesn't know well enough.
    HeldRowId
    /// A number of which staff have told whose it is.
    RememberedNumberId
    /// A claim that staff have withdrawn.
    StruckClaimId
    /// A program of another system.
    ClientId
    /// A secret of one.
    ClientSecretId
    /// What one may do in an insurer.
    ClientGrantId
    /// A line of the audit trail.
    AuditId
    /// A consent in the ledger.
    ConsentId
    /// A request, in logs and answers.
    RequestId
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn ids_made_before_a_time_are_less_than_its_least_and_later_ones_are_not() {
        let at = DateTime::from_timestamp_millis(1_781_535_600_007).unwrap();
        let least = EventId::least(at);
        assert!(EventId::new(at - TimeDelta::milliseconds(1)) < least);
        assert!(EventId::new(at) > least);
    }
}
