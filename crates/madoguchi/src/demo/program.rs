//! The demo's program: a client of one sample insurer, with which the box shows how the API is called. Its secret is new at
//! each start, for nobody keeps one; what somebody made of the client in the console stays.

use crate::{
    app::App,
    commands::{Failed, done},
};
use access::scope::{INSURER_READ, NOTICES_READ, NOTICES_WRITE};
use audit::{Actor, Origin};
use clients::{By, Conditions, NewClient, Standing};
use kernel::{InsurerCode, calendar};

/// Whose it is.
const INSURER: &str = "32290413";
const NAME: &str = "デモの基幹システム";
const CONTACT: &str = "system@example.jp";

/// What a program comes with.
pub(super) struct Program {
    pub(super) client_id: String,
    pub(super) secret: String,
}

/// Makes the client, or another secret for the one of an earlier start; none while the insurer is suspended.
pub(super) async fn bring(app: &App) -> Result<Option<Program>, Failed> {
    let Ok(code) = InsurerCode::parse(INSURER) else {
        return Ok(None);
    };
    let insurer = app.ground.directory.by_code(&code).await?;
    let Some(insurer) = insurer.filter(|insurer| insurer.is_open()) else {
        return Ok(None);
    };
    let (home, today) = (insurer.tenant_id, calendar::today_in_japan(app.ground.clock.now()));
    let tx = app.ground.database.tenant(home).read().await?;
    let grants = app.clients.list(&tx).await?;
    tx.commit().await?;
    let known = grants
        .into_iter()
        .find(|grant| grant.name == NAME && grant.standing(today) == Standing::Active);
    let origin = Origin::command();
    let by = By {
        actor: Actor::Operator,
        origin: &origin,
    };
    let (name, secret) = if let Some(grant) = known {
        let made = done(app.clients.rotate(home, grant.client.client_id, None, by).await)?;
        (grant.client, made.secret)
    } else {
        let scopes = [INSURER_READ, NOTICES_READ, NOTICES_WRITE];
        let new = NewClient {
            name: NAME.into(),
            contact: CONTACT.into(),
            conditions: Conditions {
                scopes: scopes.map(|scope| scope.as_str().to_owned()).into(),
                ..Conditions::default()
            },
        };
        let made = done(app.clients.create(home, &new, by).await)?;
        (made.client.name_outside, made.secret)
    };
    Ok(Some(Program {
        client_id: name.to_string(),
        secret,
    }))
}
