//! The shell for people: the members' portal. It turns requests into use cases and their outcomes into Japanese pages;
//! it decides nothing that a program through the API would find decided otherwise.

mod assets;
mod cookies;
mod csrf;
mod error_pages;
mod forms;
mod frame;
mod headers;
mod markdown;
mod mount;
mod next_path;
mod outside;
pub mod portal;
mod reply;
mod shown_for;
#[cfg(test)]
mod tests;
mod visit;
mod words;

pub use headers::REPORTS;
pub use mount::portal;
pub use outside::{other_method, overloaded};
