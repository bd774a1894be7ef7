//! What staff and programs may do. A *permission* is what a page asks for; a *role* is what a person is given and stands for a set of
//! permissions, which casbin reads at start from `policy/` and from each module's own lines; *reach* says over whom.
//!
//! casbin holds the model and the lines role → permission, the same for every insurer. Which roles a person holds is a row
//! of their insurer, read with the session, so that a role that is taken away is gone with the next request on every node.
//! What no line grants is denied.
//!
//! A *scope* is to a program what a permission is to staff. Programs have no roles: a grant, a row of the insurer, lists the
//! scopes themselves.

mod permission;
mod policy;
mod reach;
mod role;
pub mod scope;

pub use permission::*;
pub use policy::{Policy, PolicyError};
pub use reach::Reach;
pub use role::Role;
pub use scope::{SCOPES, Scope};
