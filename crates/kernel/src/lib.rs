//! The vocabulary of the field: parsed once at the edge and then trusted everywhere.
//!
//! Every type here can only exist in a valid form; every parser answers with a [`Problem`] that says what the person
//! who typed it should mend. Nothing in this crate does I/O.

mod birth_date;
pub mod calendar;
mod clock;
pub mod dates;
mod email_address;
mod ids;
mod insurer_code;
mod kana_name;
mod keys;
mod loopback;
mod mail_domains;
mod member_number;
mod my_number;
mod name_keys;
pub mod outcome;
mod problem;
mod relation;
mod secret;
pub mod text;
mod user_id;

pub use birth_date::BirthDate;
pub use clock::Clock;
pub use email_address::EmailAddress;
pub use ids::{
    AccountId, ApprovalId, AuditId, ClientGrantId, ClientId, ClientSecretId, ConsentId, DeliveryId, EventId, FactId,
    FactorId, GrantId, HeldRowId, ImportId, JobId, LetterId, MailId, MaintenanceId, NodeId, NoteId, NoticeId, PersonId,
    PieceId, ProtectionId, RememberedNumberId, RequestId, SessionId, StaffId, StruckClaimId, TaskId, TenantId,
    TermsDraftId, TicketId, UploadId, WebhookId, WorkerId,
};
pub use insurer_code::InsurerCode;
pub use kana_name::{FOLD_VERSION, KanaName};
pub use keys::{Context, KeyError, Keys, Owner};
pub use loopback::{is_loopback, is_loopback_host};
pub use member_number::{Branch, EmployeeNumber, Number, Symbol};
pub use my_number::is_my_number;
pub use name_keys::NameKeys;
pub use outcome::{Outage, OutageKind, Outcome, Reason, Refusal, RefusalKind, Way, Words};
pub use problem::{Field, FieldError, PasswordFlaws, PasswordPart, Problem};
pub use relation::{Relation, RelationWords};
pub use secret::{Secret, TenantSecret};
pub use user_id::UserId;
