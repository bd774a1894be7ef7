//! The pages.

pub(crate) mod actions;
pub(crate) mod email;
pub(crate) mod facts;
pub(crate) mod list;
pub(crate) mod notes;
pub(crate) mod person;
pub(crate) mod proof;
pub(crate) mod words;
