//! ホーム: the panels that the clerk may see. All are drawn at once, in one round trip of one transaction; one that could
//! not be drawn is tried once more by itself, for a statement that fails takes those behind it along.

use askama::Template;
use database::{DatabaseError, TenantDatabase};
use futures_util::future::join_all;
use pages::{HomePanel, Reply, Visit, frame::Frame, visit::Trouble};
use scoped_futures::ScopedFutureExt as _;
use staff::Clerk;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "console/home.html")]
struct HomePage {
    frame: Frame,
    panels: Vec<Drawn>,
    /// True where some panel is theirs, whether or not it has anything to show.
    may_wait: bool,
}

/// A panel on the page.
struct Drawn {
    id: &'static str,
    heading: &'static str,
    /// None where it can't be had just now.
    body: Option<String>,
}

/// `GET /console/`.
pub(super) async fn show(panels: Arc<[HomePanel]>, visit: Visit, clerk: Clerk) -> Reply {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let shown: Vec<&HomePanel> = panels.iter().filter(|panel| panel.is_for(&clerk)).collect();
    let (now, may_wait) = (visit.now, !shown.is_empty());
    let (tx, bodies) = tenant
        .read_with(|tx| {
            let (shown, clerk) = (&shown, &clerk);
            async move {
                let drawing = shown.iter().map(|panel| (panel.draw)(tx, clerk, now));
                Ok::<_, DatabaseError>(join_all(drawing).await)
            }
            .scope_boxed()
        })
        .await?;
    drop(tx);
    let mut drawn = Vec::new();
    for (panel, body) in shown.into_iter().zip(bodies) {
        let body = match body {
            Err(Trouble::Outage(_)) => alone(&tenant, panel, &visit, &clerk).await,
            other => other,
        };
        let body = match body {
            Ok(None) => continue,
            Ok(body) => body,
            Err(Trouble::Outage(outage)) => {
                edge::outage(&outage);
                None
            }
            Err(trouble) => return Err(trouble),
        };
        drawn.push(Drawn {
            id: panel.id,
            heading: panel.heading,
            body,
        });
    }
    visit.html(&HomePage {
        frame: visit.frame().in_section("/console/"),
        panels: drawn,
        may_wait,
    })
}

async fn alone(
    tenant: &TenantDatabase,
    panel: &HomePanel,
    visit: &Visit,
    clerk: &Clerk,
) -> Result<Option<String>, Trouble> {
    let tx = tenant.read().await?;
    (panel.draw)(&tx, clerk, visit.now).await
}
