//! 上手な医療のかかり方 and 上手なお薬との付き合い: the insurer's own page, else the platform's. A guide that the insurer
//! doesn't offer does not exist.

use crate::{
    frame::Frame,
    markdown,
    reply::Reply,
    visit::{Trouble, Visit},
};
use accounts::Member;
use askama::Template;
use tenancy::{ModuleState, pages};

#[derive(Template)]
#[template(path = "portal/guides.html")]
struct GuidePage {
    frame: Frame,
    title: String,
    /// Rendered and tame.
    body: String,
}

/// `GET /portal/guides/:slug`.
pub(crate) async fn show(visit: Visit, member: Member) -> Reply {
    let slug = visit.param("slug");
    let module = dashboard::module_of_guide(slug).ok_or(Trouble::NotFound)?;
    if member.insurer.modules.state(module) != ModuleState::Open {
        return Err(Trouble::NotFound);
    }
    let page = pages::guide(&visit.services.database, member.insurer.tenant_id, slug)
        .await?
        .ok_or(Trouble::NotFound)?;
    let frame = visit.frame().in_section("/portal/mypage");
    visit.html(&GuidePage {
        frame,
        title: page.title,
        body: markdown::render(&page.body, 2),
    })
}
