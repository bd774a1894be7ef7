//! A program of an insurer's, for tests: let in with some scopes, calling with headers of its own.

use audit::{Actor, Origin};
use clients::{By, Conditions, NewClient};
use kernel::Outcome;
use reqwest::{Method, header};
use serde_json::Value;
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
        let new = NewClient {
            name: name.to_owned(),
            contact: "kikan@example.jp".into(),
            conditions: Conditions {
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                ..Conditions::default()
            },
        };
        let by = By {
            actor: Actor::Operator,
            origin: &Origin::command(),
        };
        let created = match app.clients.create(app.tenant(), &new, by).await.unwrap() {
            Outcome::Done(created) => created,
            Outcome::Refused(refusal) => panic!("{refusal:?}"),
        };
        let caller = Self {
            client: app.client(),
            token: String::new(),
            id: created.client.name_outside.to_string(),
            secret: created.secret,
        };
        caller.renewed().await
    }

    /// The same client with a new token.
    pub(crate) async fn renewed(&self) -> Self {
        let request = self
            .client
            .request(Method::POST, "/api/v1/oauth/token")
            .basic_auth(&self.id, Some(&self.secret))
            .form(&[("grant_type", "client_credentials")]);
        let answer = self.client.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Self {
            token: answer.json()["access_token"].as_str().unwrap().to_owned(),
            ..self.clone()
        }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// A request with these headers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        match body {
            Some(body) => self.raw(method, path, headers, body.to_string().as_bytes()).await,
            None => self.client.send(self.request(method, path, headers)).await,
        }
    }

    /// The same with a body of JSON as it is written.
    pub(crate) async fn raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = self
            .request(method, path, headers)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_vec());
        self.client.send(request).await
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self
            .client
            .request(method, &format!("/api/v1{path}"))
            .bearer_auth(&self.token);
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
    }
}
