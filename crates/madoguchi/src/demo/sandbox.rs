//! The demo's sandbox, with whose program the box shows how the API is called. The program's secret is new at each start, for
//! nobody keeps one; what somebody made of it in the console stays.

use super::clerks;
use crate::{
    app::App,
    commands::{Failed, done, said},
    sandbox::{self, Program},
};
use audit::{Actor, Origin};
use clients::{By, Standing};
use kernel::{InsurerCode, calendar};

/// Its code.
pub(super) const CODE: &str = "06139901";

/// Makes it, or another secret for the program of an earlier start; none while it is suspended.
pub(super) async fn bring(app: &App) -> Result<Option<Program>, Failed> {
    let code = InsurerCode::parse(CODE).map_err(said)?;
    if tenancy::find(&app.ground.database, &code).await?.is_none() {
        let made = sandbox::make(app, CODE, None).await?;
        clerks::accept(app, &made.invitation.link, clerks::ADMINISTRATOR.name).await?;
        return Ok(Some(made.program));
    }
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
        .find(|grant| grant.name == sandbox::CLIENT && grant.standing(today) == Standing::Active);
    let Some(grant) = known else {
        return Ok(Some(sandbox::program(app, home).await?));
    };
    let origin = Origin::command();
    let by = By {
        actor: Actor::Operator,
        origin: &origin,
    };
    let made = done(app.clients.rotate(home, grant.client.client_id, None, by).await)?;
    Ok(Some(Program {
        client_id: grant.client.to_string(),
        secret: made.secret,
    }))
}
