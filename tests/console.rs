//! The console by HTTP: what each of its pages refuses, as carefully as what it does.

mod account;
mod colleagues;
mod door;
mod enrol;
mod entering;
pub(crate) mod factor;
mod frames;
mod home;
mod hosts;
mod invitation;
mod letters;
mod log_in;
mod looks;
mod members;
mod passkey;
mod password;
mod protection;
mod prove;
mod roster;
mod shown_for;
mod support;
