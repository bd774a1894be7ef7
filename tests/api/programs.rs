//! A program of an insurer's, for tests: let in with some scopes, calling with headers of its own.

use clients::{By, Conditions, NewClient};
use kernel::Outcome;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, TestApp, unique};

/// One that is let in.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client,
    token: String,
    id: String,
    secret: String,
}

impl Caller {
    /// A new client of the insurer, with a token of all these scopes.
    pub(crate) async fn new(app: &TestApp, scopes: &[&str]) -> Self {
        Self::named(app, &unique("client"), scopes).await
    }

    /// The same of this name.
    pub(crate) async fn named(app: &TestApp, name: &str, scopes: &[&str]) -> Self {
        todo!()
    }
}
