//! The pages.

pub(crate) mod list;
pub(crate) mod person;
mod words;
