//! Insurers' logos, at an address made from their content.

use kernel::TenantId;
use pages::{
    assets::IMMUTABLE,
    reply::Reply,
    visit::{Trouble, Visit},
};
use poem::{Response, http::header};

/// `GET /portal/logo/:insurer/:hash`; the platform's stands under `platform`.
pub(super) async fn show(visit: Visit) -> Reply {
    let tenant = match visit.param("insurer") {
        "platform" => TenantId::PLATFORM,
        code => visit.insurer(code).await?.ok_or(Trouble::NotFound)?.tenant_id,
    };
    let mut tx = visit.services.database.tenant(tenant).read().await?;
    let logo = tenancy::logos::logo(&mut tx, visit.param("hash"))
        .await?
        .ok_or(Trouble::NotFound)?;
    Ok(Response::builder()
        .content_type(logo.media_type)
        .header(header::CACHE_CONTROL, IMMUTABLE)
        .body(logo.bytes))
}
