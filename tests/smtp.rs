//! A real SMTP server, and what is sent to it. Each test has one of its own.

use serde_json::Value;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// `tests/python/smtp_server.py`, which tells every mail it received; it ends with its owner.
pub(crate) struct Smtp {
    pub(crate) url: String,
    pub(crate) port: u16,
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Smtp {
    pub(crate) async fn start(options: &[&str]) -> Self {
        let python = std::env::var("MADOGUCHI_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/smtp_server.py"))
            .args(options)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut smtp = Self {
            url: String::new(),
            port: 0,
            _child: child,
            lines,
        };
        smtp.port = u16::try_from(smtp.next().await["listening"].as_u64().unwrap()).unwrap();
        smtp.url = format!("smtp://127.0.0.1:{}", smtp.port);
        smtp
    }

    /// The next mail it received.
    pub(crate) async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(30), self.lines.next_line()).await;
        serde_json::from_str(&line.expect("a mail in time").unwrap().unwrap()).unwrap()
    }

    /// True where no further mail comes.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        let more = self.lines.next_line();
        tokio::time::timeout(Duration::from_millis(500), more).await.is_err()
    }
}

/// The code that stands in a mail.
pub(crate) fn code_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    text.split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 6)
        .unwrap()
        .to_owned()
}
