//! A guide's page. A guide that the insurer doesn't offer does not exist.

use crate::{FAMILY, GUIDES, OF_FAMILIES};
use accounts::Member;
use askama::Template;
use database::Database;
use pages::{Reply, Visit, frame::Frame, markdown, visit::Trouble};
use tenancy::{Feature, FeatureState, Features};

#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    frame: Frame,
    title: String,
    /// Rendered and tame.
    body: String,
    /// True where it leads on to what one may choose.
    is_of_families: bool,
    /// The statements that it is about, each with what it is called.
    statements: Vec<(&'static str, &'static str)>,
}

/// `GET /portal/guides/:slug`.
pub(crate) async fn show(database: Database, visit: Visit, member: Member) -> Reply {
    let slug = visit.param("slug");
    if !is_offered(slug, &member.insurer.modules) {
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
        is_of_families: slug == FAMILY,
        statements: statements(&member.insurer.modules),
    })
}

/// Those that are open.
fn statements(features: &Features) -> Vec<(&'static str, &'static str)> {
    let is_open = |(feature, ..): &(Feature, _, _)| features.state(*feature) == FeatureState::Open;
    let open = OF_FAMILIES.into_iter().filter(is_open);
    open.map(|(_, path, name)| (path, name)).collect()
}

/// What families see of each other can be read before it is seen.
fn is_offered(slug: &str, features: &Features) -> bool {
    if slug == FAMILY {
        return OF_FAMILIES
            .into_iter()
            .any(|(feature, ..)| features.state(feature) != FeatureState::Hidden);
    }
    let guide = GUIDES.iter().find(|(_, guide, _)| *guide == slug);
    guide.is_some_and(|(feature, ..)| features.state(*feature) == FeatureState::Open)
}
