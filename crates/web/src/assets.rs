//! The stylesheet, the script and the icon: built in, each at an address made from its content, cached for ever.

use crate::reply::Reply;
use crate::visit::{Trouble, Visit};
use poem::{Response, http::header};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// What browsers may keep for ever, because another content has another address.
pub(crate) const IMMUTABLE: &str = "public, max-age=31536000, immutable";

struct Asset {
    name: String,
    media_type: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let hash = digest
            .iter()
            .take(8)
            .fold(0_u64, |hash, byte| (hash << 8) | u64::from(*byte));
        Self {
            name: format!("{stem}.{hash:016x}.{extension}"),
            media_type,
            bytes,
        }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "app",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../assets/app.css"),
    )
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "app",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/app.js"),
    )
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")));

/// The stylesheet's address.
pub(crate) fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

/// The script's address.
pub(crate) fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

/// The icon's address.
pub(crate) fn icon() -> String {
    format!("/assets/{}", ICON.name)
}

/// `GET /assets/:name`.
pub(crate) async fn show(visit: Visit) -> Reply {
    let name = visit.param("name");
    let asset = [&STYLE, &SCRIPT, &ICON]
        .into_iter()
        .find(|asset| asset.name == name)
        .ok_or(Trouble::NotFound)?;
    let mut response = Response::builder()
        .content_type(asset.media_type)
        .header(header::CACHE_CONTROL, IMMUTABLE)
        .body(asset.bytes);
    response.set_data(crate::reply::Compressible);
    Ok(response)
}
