//! Programs of a test's insurer, with a token or before they have one.

use crate::{Answer, Client, TestApp, app::done, unique};
use access::Scope;
use audit::{Actor, Origin};
use clients::{By, ClientName, Conditions, Created, NewClient};
use kernel::TenantId;
use reqwest::Method;
use serde_json::Value;
use std::{ops::Deref, sync::LazyLock};

/// A program that has a client of its own.
#[derive(Clone)]
pub struct TestProgram {
    /// Where it calls from.
    pub client: Client,
    /// The client, as it names itself.
    pub name: ClientName,
    /// Its secret.
    pub secret: String,
    /// Its token; empty before it has asked for one.
    pub token: String,
}

impl Deref for TestProgram {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

/// As the operator does things at the command line.
pub fn by_command() -> By<'static> {
    static ORIGIN: LazyLock<Origin> = LazyLock::new(Origin::command);
    By {
        actor: Actor::Operator,
        origin: &ORIGIN,
    }
}

/// On these conditions, from anywhere and without an end.
pub fn conditions(scopes: &[Scope]) -> Conditions {
    Conditions {
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..Conditions::default()
    }
}

impl TestApp {
    /// A program of the insurer that may do this, with a token.
    pub async fn program(&self, scopes: &[Scope]) -> TestProgram {
        let mut program = self.client_at(self.tenant(), conditions(scopes)).await;
        program.token = program.new_token(&[]).await;
        program
    }

    /// A new client without a token, of the insurer's or at the platform a vendor's.
    pub async fn client_at(&self, home: TenantId, conditions: Conditions) -> TestProgram {
        let new = NewClient {
            name: unique("基幹システム"),
            contact: format!("{}@example.jp", unique("contact")),
            conditions,
        };
        let Created { client, secret } = done(self.app.clients.create(home, &new, by_command()).await);
        TestProgram {
            client: self.client(),
            name: client.name_outside,
            secret,
            token: String::new(),
        }
    }
}

impl TestProgram {
    /// Asks for a token, with these fields besides.
    pub async fn ask(&self, more: &[(&str, &str)]) -> Answer {
        let name = self.name.to_string();
        let mut fields = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &name),
            ("client_secret", &self.secret),
        ];
        fields.extend(more);
        let request = self.client.request(Method::POST, "/api/v1/oauth/token");
        self.client.send(request.form(&fields)).await
    }

    /// A token, asked for with these fields besides.
    pub async fn new_token(&self, more: &[(&str, &str)]) -> String {
        let answer = self.ask(more).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Calls an operation with its token.
    pub async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.client.call(method, path, Some(&self.token), body).await
    }
}
