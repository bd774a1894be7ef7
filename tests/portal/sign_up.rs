//! Sign-up by its pages (manual 1-1 to 1-4), step by step.

mod account;
mod campaign;
mod code;
mod identity;
mod slips;
mod throttle;
