//! What every page is made with: a visit read and checked, the frame around it, forms, cookies, layout and assets, and the
//! mounting of route tables. Portal and modules draw their pages with it; it knows no page of theirs.

mod again;
mod asking;
pub mod assets;
pub mod chart;
pub mod console;
pub mod cookies;
mod csrf;
mod csv;
pub mod error_pages;
pub mod forms;
pub mod frame;
mod headers;
pub mod home;
pub mod imports;
pub mod kinds;
pub mod lines;
pub mod markdown;
mod mount;
pub mod next_path;
mod outside;
pub mod qr;
pub mod reply;
mod route;
mod services;
pub mod shown_for;
pub mod visit;
mod waits;
pub mod words;

pub use again::{Again, KEYED, sweep};
pub use csv::csv;
pub use headers::REPORTS;
pub use home::{HomePanel, HomeTask, HomeTaskSource, TaskWords};
pub use lines::{Panel, PanelSource};
pub use mount::{brings_file, mount};
pub use outside::{not_here, other_method, overloaded};
pub use reply::Reply;
pub use route::{
    Handler, Row, Table, foreign, member, public, session, staff, staff_file, staff_pending, staff_proven,
    staff_session, ticket,
};
pub use services::{ConsoleNav, Nav, Services};
pub use visit::Visit;
pub use waits::Waits;
