//! How a mail leaves: over SMTP, or into the demo's mailbox. Composes what is sent; decides nothing about retries.

use crate::{Delivered, Mailbox, header, message::Words, outbox::Ending};
use chrono::{DateTime, Utc};
use kernel::is_loopback;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    address::Envelope,
    message::{
        Mailbox as HeaderAddress, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{Error as SmtpError, PoolConfig},
};
use std::time::Duration;
use url::Url;

/// How long one command of the SMTP dialogue may wait for its reply.
const COMMAND: Duration = Duration::from_secs(30);
/// How long a whole delivery may take.
const DELIVERY: Duration = Duration::from_mins(2);
/// Replies that say this mailbox, or this host, will never take the mail (RFC 5321 4.2.3, RFC 7504). Every other 5xx
/// may be our own fault (authentication, policy) and is tried again, and so is one of these that says it is ours.
const REFUSALS: [u16; 6] = [521, 550, 551, 552, 553, 556];

/// Enhanced codes (RFC 3463) that blame the sender or a policy, not the recipient: our address, our domain's DMARC. They
/// come with the replies above, to MAIL FROM as to RCPT TO.
const OURS: [&str; 3] = ["5.1.7", "5.1.8", "5.7."];

/// Why a mail server's URL can't be used.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, or a host is missing.
    #[error("the mail URL does not read as smtp://[user:password@]host[:port] or smtps://…")]
    Shape,
    /// Another scheme or `tls` than we speak.
    #[error("the mail URL must be smtp:// (with ?tls=required for STARTTLS) or smtps://")]
    Scheme,
    /// Credentials would cross a network in clear.
    #[error("the mail URL holds credentials but no encryption: use smtps:// or ?tls=required")]
    Clear,
}

/// Where mails go.
#[derive(Clone)]
pub enum Transport {
    /// A mail server. Made by [`Transport::smtp`].
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    /// Memory: the demo's mailbox.
    Mailbox(Mailbox),
}

/// A mail ready to go.
pub(crate) struct Outgoing {
    pub(crate) message_id: String,
    pub(crate) sender_name: String,
    pub(crate) sender: String,
    pub(crate) to: String,
    pub(crate) words: Words,
    pub(crate) at: DateTime<Utc>,
}

impl Transport {
    /// A mail server by URL: `smtps://user:password@host:port`, or `smtp://…` with `?tls=required` for STARTTLS;
    /// plain `smtp://` suits a relay on the same machine or network. Connects at the first mail; so many
    /// connections are kept at most. Call it inside the runtime.
    pub fn smtp(url: &str, connections: usize) -> Result<Self, UrlError> {
        check_url(url)?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| UrlError::Shape)?
            .timeout(Some(COMMAND))
            .pool_config(
                PoolConfig::new()
                    .max_size(u32::try_from(connections).unwrap_or(u32::MAX))
                    .idle_timeout(Duration::from_secs(30)),
            )
            .build();
        Ok(Self::Smtp(Box::new(transport)))
    }

    pub(crate) async fn send(&self, mail: Outgoing) -> Ending {
        match self {
            Self::Mailbox(mailbox) => {
                mailbox.put(Delivered {
                    from: format!("{} <{}>", mail.sender_name, mail.sender),
                    to: mail.to,
                    subject: mail.words.subject,
                    text: mail.words.text,
                    html: mail.words.html,
                    unsubscribe: mail.words.unsubscribe,
                    message_id: mail.message_id,
                    at: mail.at,
                });
                Ending::Sent
            }
            Self::Smtp(transport) => {
                let Ok(message) = compose(&mail) else {
                    return Ending::Failed("mail could not be composed".into());
                };
                let (envelope, bytes) = (message.envelope(), message.formatted());
                match tokio::time::timeout(DELIVERY, transport.send_raw(envelope, &bytes)).await {
                    Ok(Ok(_)) => Ending::Sent,
                    Ok(Err(error)) => ending_of(&error),
                    Err(_) => Ending::Failed("timed out".into()),
                }
            }
        }
    }
}

/// Tells whether a mail server's URL would do; the error repeats nothing of it.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    let url = Url::parse(url).map_err(|_| UrlError::Shape)?;
    if url.host().is_none() {
        return Err(UrlError::Shape);
    }
    let tls = url.query_pairs().find(|(name, _)| name == "tls");
    let encrypted = match (url.scheme(), tls.as_ref().map(|(_, value)| &**value)) {
        ("smtps", _) | ("smtp", Some("required")) => true,
        ("smtp", None) => false,
        _ => return Err(UrlError::Scheme),
    };
    if !encrypted && url.password().is_some() && !is_loopback(&url) {
        return Err(UrlError::Clear);
    }
    Ok(())
}

/// Text and HTML as alternatives, headers in RFC 2047's words, the mail's own Message-ID: a mail sent twice is
/// recognised as one. The envelope is given beside the headers, and addresses go in unchecked, for lettre refuses
/// some that the manual tells us to expect (`abc.@…`, `_ab..cd---@…`); [`kernel::EmailAddress`] let nothing in that
/// could break a line.
fn compose(mail: &Outgoing) -> Result<lettre::Message, lettre::error::Error> {
    let sender = address(&mail.sender);
    let to = address(&mail.to);
    let mut message = lettre::Message::builder()
        .from(HeaderAddress::new(None, sender.clone()))
        .to(HeaderAddress::new(None, to.clone()))
        .raw_header(header::text("Subject", &mail.words.subject))
        .date(mail.at.into())
        .message_id(Some(format!("<{}>", mail.message_id)))
        // RFC 3834: no out-of-office answers, please.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ))
        .envelope(Envelope::new(Some(sender), vec![to])?)
        .multipart(MultiPart::alternative_plain_html(
            mail.words.text.clone(),
            mail.words.html.clone(),
        ))?;
    // In the place of the bare address that the builder asks for.
    let from = header::mailbox("From", &mail.sender_name, &mail.sender);
    message.headers_mut().insert_raw(from);
    if let Some(url) = &mail.words.unsubscribe {
        let headers = message.headers_mut();
        headers.insert_raw(header::plain("List-Unsubscribe", format!("<{url}>")));
        let how = "List-Unsubscribe=One-Click".to_owned();
        headers.insert_raw(header::plain("List-Unsubscribe-Post", how));
    }
    Ok(message)
}

fn address(text: &str) -> Address {
    let (local, domain) = text.rsplit_once('@').unwrap_or((text, ""));
    Address::new_dangerous(local, domain)
}

/// The reason in our own words: a server's reply may repeat the address, and this goes into the row and the log.
fn ending_of(error: &SmtpError) -> Ending {
    if let Some(code) = error.status().map(u16::from) {
        let reason = format!("server answered {code}");
        let words = std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default();
        return if REFUSALS.contains(&code) && !OURS.iter().any(|ours| words.starts_with(ours)) {
            Ending::Refused(reason)
        } else {
            Ending::Failed(reason)
        };
    }
    Ending::Failed(
        if error.is_timeout() {
            "timed out"
        } else if error.is_tls() {
            "TLS failed"
        } else if error.is_response() {
            "server's answer does not read"
        } else if error.is_client() {
            "server lacks what we need"
        } else {
            "no connection"
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str) -> Outgoing {
        Outgoing {
            message_id: "0192@ibss.example".into(),
            sender_name: "奈良県市町村職員共済組合".into(),
            sender: "nara-kyosai@ibss.example".into(),
            to: to.into(),
            words: Words {
                subject: "【ユーザーID 作成用認証番号のお知らせ】".into(),
                text: "認証番号: 611898\n".into(),
                html: "<p>認証番号: 611898</p>".into(),
                unsubscribe: None,
            },
            at: DateTime::from_timestamp(1_713_751_217, 0).unwrap(),
        }
    }

    #[test]
    fn only_a_mail_that_can_be_ended_says_where_and_that_one_click_will_do() {
        let url = format!("https://portal.example/portal/mails/stop?token=7.{}", "A".repeat(43));
        let mut ends = mail("taro@example.jp");
        ends.words.unsubscribe = Some(url.clone());
        let ends = String::from_utf8(compose(&ends).unwrap().formatted()).unwrap();
        let head = ends.split_once("\r\n\r\n").unwrap().0;
        for line in [
            format!("List-Unsubscribe: <{url}>"),
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click".to_owned(),
        ] {
            assert!(head.lines().any(|found| found == line), "{line}\n{head}");
        }
        assert!(!formatted("taro@example.jp").contains("List-"));
    }

    fn formatted(to: &str) -> String {
        String::from_utf8(compose(&mail(to)).unwrap().formatted()).unwrap()
    }

    #[test]
    fn headers_are_ascii_encoded_words_and_say_that_a_machine_wrote() {
        let text = formatted("taro@example.jp");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 998));
        let encoded = |line: &&str| line.contains("=?utf-8?b?");
        // RFC 2047, 2.
        assert!(head.lines().filter(encoded).all(|line| line.len() <= 76), "{head}");
        for line in [
            "To: taro@example.jp",
            "Message-ID: <0192@ibss.example>",
            "Date: Mon, 22 Apr 2024 02:00:17 +0000",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(head.lines().any(|found| found == line), "{line}\n{head}");
        }
        assert!(
            head.contains("Subject: =?utf-8?b?") && head.contains("From: =?utf-8?b?"),
            "{head}"
        );
        assert!(
            head.contains("<nara-kyosai@ibss.example>") && head.contains("multipart/alternative"),
            "{head}"
        );
        let text_at = body.find("Content-Type: text/plain; charset=utf-8").unwrap();
        assert!(text_at < body.find("Content-Type: text/html; charset=utf-8").unwrap());
    }

    #[test]
    fn odd_but_deliverable_addresses_go_out_as_they_are() {
        for odd in [
            "_ab..cd---@example.co.jp",
            "abc.@docomo.example",
            ".a@example.jp",
            "a+b_c%d@example.jp",
        ] {
            let composed = compose(&mail(odd)).unwrap();
            assert_eq!(composed.envelope().to()[0].to_string(), odd);
            assert!(
                String::from_utf8(composed.formatted())
                    .unwrap()
                    .contains(&format!("To: {odd}\r\n"))
            );
        }
    }

    #[tokio::test]
    async fn a_mail_url_that_would_not_do_is_refused_with_the_reason() {
        for good in [
            "smtp://localhost:1025",
            "smtp://mail.internal",
            "smtp://u:p@127.0.0.1:1025",
            "smtp://u:p%40@mail.example:587?tls=required",
            "smtps://u:p@mail.example",
        ] {
            assert!(Transport::smtp(good, 1).is_ok(), "{good}");
        }
        let refused = |url| Transport::smtp(url, 1).err().unwrap();
        assert!(matches!(refused("smtp://u:p@mail.example"), UrlError::Clear));
        assert!(matches!(refused("http://mail.example"), UrlError::Scheme));
        assert!(matches!(refused("smtp://mail.example?tls=maybe"), UrlError::Scheme));
        assert!(matches!(refused("mail.example:25"), UrlError::Shape));
        assert!(matches!(refused(""), UrlError::Shape));
    }

    #[tokio::test]
    async fn a_server_that_is_away_fails_for_now_and_names_nobody() {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let transport = Transport::smtp(&format!("smtp://127.0.0.1:{port}"), 1).unwrap();
        assert_eq!(
            transport.send(mail("taro@example.jp")).await,
            Ending::Failed("no connection".into())
        );
    }
}
