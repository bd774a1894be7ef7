//! A mail server beside the binary, and what is sent to it.

use serde_json::Value;
use std::{process::Stdio, time::Duration};
use testkit::Fields;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// `tests/python/smtp_server.py`, which tells every mail it received.
pub(super) struct Smtp {
    pub(super) url: String,
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Smtp {
    pub(super) async fn start(options: &[&str]) -> Self {
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
            _child: child,
            lines,
        };
        smtp.url = format!("smtp://127.0.0.1:{}", smtp.next().await["listening"]);
        smtp
    }

    pub(super) async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(30), self.lines.next_line()).await;
        serde_json::from_str(&line.expect("a mail in time").unwrap().unwrap()).unwrap()
    }

    pub(super) async fn is_quiet(&mut self) -> bool {
        let more = self.lines.next_line();
        tokio::time::timeout(Duration::from_millis(500), more).await.is_err()
    }
}

pub(super) fn code_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    text.split(|c: char| !c.is_ascii_digit())
        .find(|digits| digits.len() == 6)
        .unwrap()
        .to_owned()
}

/// A person of the sample roster of 139998.
pub(super) fn identity() -> Fields {
    Fields::new(&[
        ("insurer_code", "139998"),
        ("symbol", "10"),
        ("number", "2001"),
        ("birth_year", "1968"),
        ("birth_month", "11"),
        ("birth_day", "3"),
        ("kana_name", "コクホ　ジロウ"),
    ])
}
