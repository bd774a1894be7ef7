//! Statements as staff work on them.

mod by_hand;
mod deliveries;
mod disclosures;
mod eyes;
mod import;
mod releasing;
mod settings;
