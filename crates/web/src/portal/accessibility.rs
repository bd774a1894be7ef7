//! ウェブアクセシビリティ方針: the insurer's own page, else the platform's.

use askama::Template;
use pages::{
    frame::Frame,
    markdown,
    reply::Reply,
    visit::{Trouble, Visit},
};

#[derive(Template)]
#[template(path = "portal/accessibility.html")]
struct AccessibilityPage {
    frame: Frame,
    title: String,
    body: String,
}

/// Open to all.
pub(super) async fn show(mut visit: Visit) -> Reply {
    visit.recognise().await?;
    let tenant = visit.look.tenant_id;
    let guide = tenancy::pages::guide(&visit.services.database, tenant, "accessibility").await?;
    let guide = guide.ok_or(Trouble::NotFound)?;
    visit.html(&AccessibilityPage {
        frame: visit.frame(),
        title: guide.title,
        body: markdown::render(&guide.body, 2),
    })
}
