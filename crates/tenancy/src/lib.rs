//! The insurer directory: who the insurers are, how each looks and reads, and how `tenants/` gets into the database.
//!
//! The database is the truth; a folder under `tenants/` is what [`apply()`] reads and [`export()`] writes. Running nodes
//! see a new revision or a suspension within [`LOOK_SECONDS`]. Nothing here knows a person.

mod apply;
mod brand;
mod copied;
mod desk;
mod difference;
mod directory;
mod export;
mod folder;
mod insurer;
pub mod logos;
mod named;
mod network;
mod operate;
pub mod pages;
mod schema;
mod settings;
pub mod terms;

pub use apply::{Applied, ApplyError, apply};
pub use brand::{Brand, Color};
pub use desk::{ContactDesk, DeskStatus, Hours, OtherContact};
pub use difference::{Difference, difference};
pub use directory::{Directory, LOOK_SECONDS};
pub use export::{ExportError, export};
pub use folder::{
    At, Folder, FolderPart, FolderProblem, LogoFile, PartApply, PartDifference, PartExport, PartFile, PartFiles,
    PartFuture, Problems, Section, TermsFile,
};
pub use insurer::{
    Feature, FeatureState, Features, Insurer, InsurerKind, InsurerState, LogoHead, MemberDocument, TermsHead,
};
pub use named::{NamedError, named};
pub use network::SharedNetwork;
pub use operate::{InsurerHead, Revision, Shown, StateChange, find, list, resume, show, suspend};
pub use settings::{PasswordSettings, SenderSettings, SessionSettings, Settings, SignUpSettings};
pub use terms::{TermsInForce, terms_in_force};
