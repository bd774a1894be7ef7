//! A typed address, before anything is sent to it.

use kernel::{EmailAddress, Problem};

/// A typed address. One that seems to be a slip is asked about before anything is sent, and taken once that is done.
pub(crate) fn read_email(typed: &str, asked: Option<&str>) -> Result<EmailAddress, Problem> {
    let email = EmailAddress::parse(typed)?;
    let is_sure = asked.is_some_and(|asked| EmailAddress::parse(asked).as_ref() == Ok(&email));
    match email.meant() {
        Some(meant) if !is_sure => Err(Problem::EmailDoubtful {
            meant: meant.as_str().to_owned(),
        }),
        _ => Ok(email),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_an_address_is_asked_about_once_and_another_one_anew() {
        let read = |typed, asked| read_email(typed, asked).map(|email| email.as_str().to_owned());
        let doubtful = |meant: &str| Err(Problem::EmailDoubtful { meant: meant.into() });
        assert_eq!(read("a@gmail.con", None), doubtful("a@gmail.com"));
        assert_eq!(read("a@gmail.con", Some("b@gmail.con")), doubtful("a@gmail.com"));
        assert_eq!(read("ａ@Gmail.con", Some(" a@gmail.con")).as_deref(), Ok("a@gmail.con"));
        assert_eq!(read("a@gmail.com", None).as_deref(), Ok("a@gmail.com"));
        assert_eq!(read("a@b", Some("a@b")), Err(Problem::EmailShape));
    }
}
