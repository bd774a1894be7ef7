//! A sandbox: an insurer for those who make programs, with invented people, notices and statements, an invitation to its
//! administrator, who sees the statements too, and a program that may do whatever the API knows. All of it is in the binary, and comes in by the very use
//! cases of everybody's. Mails of it are never sent (`mail::kept`).

use crate::{
    app::App,
    commands::{Failed, done, import_file, said, tenant::parts},
    modules, samples,
};
use access::Role;
use audit::{Actor, Origin, operator};
use clients::{By, Conditions, NewClient};
use edge::Rights;
use kernel::{InsurerCode, TenantId};
use roster::{forget, import::Options};
use staff::{Grant, Invitation, Invited, Sent};
use std::{collections::BTreeSet, fs, io, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tenancy::{Applied, ApplyError, Base, Folder, Insurer, NamedError};

/// The program that it is made with.
pub(crate) const CLIENT: &str = "お試しの連携先";
const CONTACT: &str = "system@example.jp";
/// To whom its invitation is written, which nobody gets by mail.
const ADMINISTRATOR: &str = "kanri@example.jp";
const ADMINISTRATOR_NAME: &str = "管理 花子";

/// Its folder, but for code, name and kind at the head of its settings.
const FOLDER: [(&str, &str); 11] = [
    ("terms/addendum.1.md", include_str!("../sandbox/terms/addendum.1.md")),
    (
        "pages/family-statements.md",
        include_str!("../sandbox/pages/family-statements.md"),
    ),
    ("notices/welcome.md", include_str!("../sandbox/notices/welcome.md")),
    (
        "notices/health-check.md",
        include_str!("../sandbox/notices/health-check.md"),
    ),
    // The people of the document's examples, and what was paid for them.
    (ROSTER, include_str!("../../../tenants/32290413/sample-roster.csv")),
    (
        "samples/costs-2026-08.csv",
        include_str!("../../../tenants/32290413/samples/costs-2026-08.csv"),
    ),
    (
        "samples/costs-2026-09.csv",
        include_str!("../../../tenants/32290413/samples/costs-2026-09.csv"),
    ),
    (
        "samples/costs-2026-10.csv",
        include_str!("../../../tenants/32290413/samples/costs-2026-10.csv"),
    ),
    (
        "samples/medicines-2026-08.csv",
        include_str!("../../../tenants/32290413/samples/medicines-2026-08.csv"),
    ),
    (
        "samples/medicines-2026-09.csv",
        include_str!("../../../tenants/32290413/samples/medicines-2026-09.csv"),
    ),
    (
        "samples/medicines-2026-10.csv",
        include_str!("../../../tenants/32290413/samples/medicines-2026-10.csv"),
    ),
];
const SETTINGS: &str = include_str!("../sandbox/tenant.toml");
const ROSTER: &str = "sample-roster.csv";

/// What a program comes with.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) client_id: String,
    pub(crate) secret: String,
}

/// A sandbox that was just made.
pub(crate) struct Made {
    pub(crate) insurer: Arc<Insurer>,
    pub(crate) program: Program,
    /// The way in of its administrator.
    pub(crate) invitation: Sent,
}

/// Makes the sandbox of a code that nobody has.
pub(crate) async fn make(app: &App, code: &str, name: Option<&str>) -> Result<Made, Failed> {
    let ground = &app.ground;
    let code = tenancy::new_code(&ground.database, code).await.map_err(said)?;
    let folder = written(&code, name)?;
    let folder = folder.path().join(code.as_str());
    let insurer = applied(app, &code, &folder).await?;
    let options = Options {
        // Some of them have lost their coverage.
        allow_loss: true,
        forgotten_before: Some(forget::lost_before(ground.clock.now(), ground.person_kept)),
        ..Options::default()
    };
    let with = (&ground.database, &ground.keys);
    import_file(with, &ground.clock, &insurer, &folder.join(ROSTER), options).await?;
    samples::bring(ground, &insurer, &folder.join("samples")).await?;
    Ok(Made {
        program: program(app, insurer.tenant_id).await?,
        invitation: invitation(app, insurer.tenant_id).await?,
        insurer,
    })
}

/// Makes its program.
pub(crate) async fn program(app: &App, tenant: TenantId) -> Result<Program, Failed> {
    let origin = Origin::command();
    let by = By {
        actor: Actor::Operator,
        origin: &origin,
    };
    let new = NewClient {
        name: CLIENT.into(),
        contact: CONTACT.into(),
        conditions: Conditions {
            scopes: scopes(app),
            ..Conditions::default()
        },
    };
    let made = done(app.clients.create(tenant, &new, by).await)?;
    Ok(Program {
        client_id: made.client.name_outside.to_string(),
        secret: made.secret,
    })
}

/// How a program comes in, to be pasted into a terminal.
pub(crate) fn calls(program: &Program, url: &str) -> String {
    let Program { client_id, secret } = program;
    format!(
        "export CLIENT_ID={client_id}
export CLIENT_SECRET={secret}
TOKEN=$(curl -s -u \"$CLIENT_ID:$CLIENT_SECRET\" -d grant_type=client_credentials \\
  {url}/api/v1/oauth/token | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')
curl -s -H \"Authorization: Bearer $TOKEN\" {url}/api/v1/client"
    )
}

/// What operations ask for.
fn scopes(app: &App) -> Vec<String> {
    let table = modules::operations(&app.modules);
    let asked = table.rows().filter_map(|row| match row.rights {
        Rights::Client(scope) => Some(scope.as_str()),
        _ => None,
    });
    let scopes: BTreeSet<&str> = asked.collect();
    scopes.into_iter().map(str::to_owned).collect()
}

/// Invites its administrator.
async fn invitation(app: &App, tenant: TenantId) -> Result<Sent, Failed> {
    let invitation = Invitation {
        email: ADMINISTRATOR.into(),
        name: ADMINISTRATOR_NAME.into(),
        // There is nobody else who could look at what a program sends.
        grants: [Role::Administrator, Role::Benefits].map(Grant::all).into(),
    };
    let invited = app
        .staff
        .invite(&Origin::command(), staff::By::Operator(tenant), &invitation)
        .await;
    match done(invited)? {
        Invited::Sent(sent) => Ok(sent),
        Invited::Waits => Err(Failed::Said("another must agree first".to_owned())),
    }
}

/// Applies the folder of an insurer that is not there yet.
async fn applied(app: &App, code: &InsurerCode, folder: &Path) -> Result<Arc<Insurer>, Failed> {
    let (database, now) = (&app.ground.database, app.ground.clock.now());
    let mut read = Folder::read(folder, &parts()).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failed::Said(lines.join("\n"))
    })?;
    // Over nothing that stands.
    read.base = Base::Revision(0);
    match tenancy::apply(database, now, &read, operator()).await {
        Ok((Applied::Created { .. }, _)) => {}
        // Somebody else was faster.
        Ok(_) | Err(ApplyError::Refused(_)) => return Err(said(NamedError::Taken(code.clone()))),
        Err(ApplyError::Database(error)) => return Err(error.into()),
    }
    // The directory sees it with its next look.
    loop {
        if let Some(insurer) = app.ground.directory.by_code(code).await? {
            return Ok(insurer);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Writes the folder, named by its code, into one that goes when it is dropped.
fn written(code: &InsurerCode, name: Option<&str>) -> io::Result<TempDir> {
    let (kind, usual) = if code.as_str().len() == 6 {
        ("national_health", "おためし国民健康保険組合")
    } else {
        ("health_insurance", "おためし健康保険組合")
    };
    let name = toml::Value::String(name.unwrap_or(usual).to_owned());
    let settings = format!("code = \"{code}\"\nname = {name}\nkind = \"{kind}\"\n{SETTINGS}");
    let folder = TempDir::new()?;
    let own = folder.path().join(code.as_str());
    for (file, text) in FOLDER.iter().copied().chain([("tenant.toml", settings.as_str())]) {
        let file = own.join(file);
        fs::create_dir_all(file.parent().unwrap_or(&own))?;
        fs::write(file, text)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_folder_is_without_fault_under_codes_of_both_lengths() {
        for (code, name) in [("06139901", None), ("139998", Some("基金\"テスト\""))] {
            let code = InsurerCode::parse(code).unwrap();
            let folder = written(&code, name).unwrap();
            let read = Folder::read(&folder.path().join(code.as_str()), &parts());
            let read = read.unwrap_or_else(|problems| panic!("{problems:?}"));
            assert!(read.settings.sandbox);
            assert_eq!(read.settings.name, name.unwrap_or("おためし健康保険組合"));
        }
    }
}
