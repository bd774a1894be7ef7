//! What every page is made with: a visit read and checked, the frame around it, forms, cookies, layout and assets, and the
//! mounting of route tables. Portal and modules draw their pages with it; it knows no page of theirs.

mod again;
pub mod assets;
pub mod cookies;
mod csrf;
pub mod error_pages;
pub mod forms;
pub mod frame;
mod headers;
pub mod lines;
pub mod markdown;
mod mount;
pub mod next_path;
mod outside;
pub mod reply;
mod route;
mod services;
pub mod shown_for;
pub mod visit;
pub mod words;

pub use again::{Again, KEYED, sweep};
pub use headers::REPORTS;
pub use lines::{Panel, PanelSource};
pub use mount::mount;
pub use outside::{other_method, overloaded};
pub use reply::Reply;
pub use route::{Handler, Row, Table, member, public, session, ticket};
pub use services::{Nav, Services};
pub use visit::Visit;
