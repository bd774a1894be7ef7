//! Why an import was cancelled: by whom, or for the file that came after it.

use crate::console::audit::words;
use kernel::{ClientId, StaffId};
use pages::{Visit, visit::Trouble};
use roster::runs::Run;
use staff::Clerk;

/// In words; nothing of what nobody has cancelled and nothing replaced.
pub(super) async fn why(visit: &Visit, clerk: &Clerk, run: &Run) -> Result<String, Trouble> {
    let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let lines = audit::about(&tx, run.run_id.0, &["roster.cancel"], run.created_at, 1).await?;
    let by = match lines.first().map(|line| (line.actor_kind.as_str(), line.actor_id)) {
        Some(("staff", Some(id))) => staff::names(&tx, &[StaffId(id)]).await?.into_values().next(),
        Some(("client", Some(id))) => {
            let names = clients::names(&tx, &[ClientId(id)]).await?;
            names.values().next().map(|name| words::client(name))
        }
        _ => None,
    };
    tx.commit().await?;
    Ok(match by {
        Some(by) => format!("{by}が中止しました。名簿は何も変わっていません。"),
        None if lines.is_empty() && run.undoes.is_none() => format!(
            "{}の次のファイルに置き換わったため、中止しました。名簿は何も変わっていません。",
            run.by_name
        ),
        None => String::new(),
    })
}
