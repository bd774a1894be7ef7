//! A guide's page. A guide that the insurer doesn't offer does not exist.

use crate::GUIDES;
use accounts::Member;
use askama::Template;
use database::Database;
use pages::{Reply, Visit, frame::Frame, markdown, visit::Trouble};
use tenancy::FeatureState;

#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    frame: Frame,
    title: String,
    /// Rendered and tame.
    body: String,
}

/// `GET /portal/guides/:slug`.
pub(crate) async fn show(database: Database, visit: Visit, member: Member) -> Reply {
    let slug = visit.param("slug");
    let guide = GUIDES.iter().find(|(_, guide, _)| *guide == slug);
    let (feature, ..) = guide.ok_or(Trouble::NotFound)?;
    if member.insurer.modules.state(*feature) != FeatureState::Open {
        return Err(Trouble::NotFound);
    }
    let page = tenancy::pages::guide(&database, member.insurer.tenant_id, slug)
        .await?
        .ok_or(Trouble::NotFound)?;
    let frame = visit.frame().in_section("/portal/mypage");
    visit.html(&GuidePage {
        frame,
        title: page.title,
        body: markdown::render(&page.body, 2),
    })
}
