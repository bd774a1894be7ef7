//! The portal by HTTP: what each step refuses, as carefully as what it does.

mod account;
mod again;
mod bar;
mod close;
mod email_change;
mod forgotten;
mod former;
mod frames;
mod kept;
mod log_in;
pub(crate) mod log_lines;
mod my_data;
mod my_page;
mod notice_mail;
mod notices;
mod odd_requests;
mod recover;
mod remembered;
mod requests;
mod shown_for;
mod sign_up;
mod terms;
mod unread;

use testkit::Answer;

/// The answer has this status and says this.
#[track_caller]
pub(crate) fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status.as_u16(), status, "{text}:\n{}", shown(answer));
    assert!(answer.text.contains(text), "{text} is missing:\n{}", shown(answer));
}

/// The answer leads there.
#[track_caller]
pub(crate) fn leads(answer: &Answer, to: &str) {
    let led = (answer.status.as_u16(), answer.location());
    assert_eq!(led, (303, to), "{}", shown(answer));
}

/// What stands on a page between its head and foot, for messages of failed tests.
fn shown(answer: &Answer) -> &str {
    let (_, rest) = answer.text.split_once("<main").unwrap_or(("", &answer.text));
    rest.split_once("</main>").map_or(rest, |(main, _)| main)
}

/// A code that is not the given one.
fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}
