//! Both statements and who sees them, as a program reads and says it: nothing else than the pages do.

mod costs;
mod disclosures;
mod hidden;
mod medicines;
mod proven;
mod seen;

use super::at_home::{AtHome, NUMBER};
use crate::api::token;
use kernel::{PersonId, StaffId};
use reqwest::Method;
use roster::protection::{self, New};
use serde_json::Value;
use testkit::{Answer, Client, SignedUp, TestApp};

const COSTS: &str = "/me/cost-statements";
const MEDICINES: &str = "/me/medicines";

/// A program with a member's token.
struct Program {
    client: Client,
    token: String,
}

impl Program {
    /// Of whoever has accepted the terms.
    async fn of(app: &TestApp, who: &SignedUp) -> Self {
        let client = app.client();
        let token = token(&client, who).await;
        Self { client, token }
    }

    /// The father's.
    async fn at(home: &AtHome) -> Self {
        Self::of(&home.app, &home.who).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.client.call(Method::GET, path, Some(&self.token), None).await
    }

    async fn head(&self, path: &str) -> Answer {
        self.client.call(Method::HEAD, path, Some(&self.token), None).await
    }

    /// What an operation answers.
    async fn told(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        answer.json()
    }
}

/// Whose id it is at home, by branch.
async fn id(home: &AtHome, branch: &str) -> PersonId {
    let query =
        format!("SELECT person_id::text AS line FROM persons WHERE number = '{NUMBER}' AND branch = '{branch}'");
    PersonId::parse(&home.app.insurer.lines(&query).await[0]).unwrap()
}

async fn protect(app: &TestApp, person: PersonId) {
    let new = New {
        person,
        guardian: None,
        reason: "申し出",
    };
    let mut tx = app.write(app.tenant()).await;
    let set = protection::set(&mut tx, app.keys(), app.clock().now(), StaffId(uuid::Uuid::nil()), new).await;
    assert!(set.unwrap().is_some());
    tx.commit().await.unwrap();
}
