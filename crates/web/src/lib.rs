//! The members' portal of the pipeline: sign-up, log-in, recovery, terms, account, help. It turns requests into use cases
//! and their outcomes into Japanese pages; it decides nothing that a program through the API would find decided otherwise.

mod browser;
pub mod console;
pub mod letter;
pub mod portal;
#[cfg(test)]
mod tests;
