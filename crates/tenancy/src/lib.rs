//! The insurer directory: who the insurers are, how each looks and reads, and how `tenants/` gets into the database.
//!
//! The database is the truth; a folder under `tenants/` is what [`apply()`] reads and [`export()`] writes. Running nodes
//! see a new revision or a suspension within [`LOOK_SECONDS`]. Nothing here knows a person.

mod apply;
mod approvals;
mod brand;
mod copied;
mod desk;
mod difference;
mod directory;
mod export;
mod family_page;
mod folder;
mod generic_settings;
mod insurer;
pub mod logos;
pub mod maintenance;
mod named;
mod network;
mod operate;
pub mod pages;
mod revise;
pub mod revisions;
mod schema;
mod settings;
mod statement_settings;
pub mod terms;

pub use apply::{Applied, ApplyError, apply};
pub use approvals::{ApprovalAction, Approvals};
pub use brand::{Brand, Color};
pub use desk::{ContactDesk, DeskStatus, Hours, OtherContact};
pub use difference::{Difference, difference};
pub use directory::{Directory, LOOK_SECONDS, insurer_of, is_sandbox};
pub use export::{ExportError, export};
pub use family_page::FAMILY_NOT_TOLD;
pub use folder::{
    At, Base, Folder, FolderPart, FolderProblem, LogoFile, LogoProblem, MAX_LOGO_FILE, PartApply, PartDifference,
    PartExport, PartFile, PartFiles, PartFuture, PartLines, Problems, Section, TermsFile, Topic, day_word, read_logo,
    read_statements, read_typed, text_problem,
};
pub use generic_settings::{GenericSettings, MedicineClasses};
pub use insurer::{
    FamilyDefault, Feature, FeatureState, Features, FormerDependants, Insurer, InsurerKind, InsurerState, LogoHead,
    MemberDocument, OfficialNotice, SavingBasis, TermsHead,
};
pub use named::{NamedError, named, new_code};
pub use network::SharedNetwork;
pub use operate::{
    Found, InsurerHead, Order, Revision, Shown, StateChange, find, list, of_platform, release_senders, resume, search,
    sender_domains, show, suspend,
};
pub use revise::{CHANGED_MEANWHILE, REVISE, Revising, SENDER_ADDRESS, revise};
pub use settings::{PasswordSettings, RosterSettings, SenderSettings, SessionSettings, Settings, SignUpSettings};
pub use statement_settings::{StatementFact, StatementSettings};
pub use terms::{TermsInForce, terms_in_force};
