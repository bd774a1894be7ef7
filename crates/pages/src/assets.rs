//! The stylesheet, the script, the icon and the drawings: built in, each at an address made from its content, cached for
//! ever. While a new version is rolled out, pages of one node ask another for files: an address of a content that this node
//! does not have is answered with its own, which is not kept.

use crate::reply::Reply;
use crate::visit::{Trouble, Visit};
use poem::{Response, http::header};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use tenancy::MemberDocument;

/// What browsers may keep for ever, because another content has another address.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// What stands in for the file that was asked for.
const PASSING: &str = "no-cache";

/// Of a file's hash in its name.
const HASH_DIGITS: usize = 16;

struct Asset {
    stem: &'static str,
    extension: &'static str,
    name: String,
    media_type: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(stem: &'static str, extension: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let hash = digest
            .iter()
            .take(8)
            .fold(0_u64, |hash, byte| (hash << 8) | u64::from(*byte));
        Self {
            stem,
            extension,
            name: format!("{stem}.{hash:0HASH_DIGITS$x}.{extension}"),
            media_type,
            bytes,
        }
    }

    fn drawing(stem: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(stem, "svg", "image/svg+xml", bytes)
    }

    /// True for this file's address with the hash of any content.
    fn is_named(&self, name: &str) -> bool {
        let rest = name
            .strip_prefix(self.stem)
            .and_then(|rest| rest.strip_suffix(self.extension));
        let hash = rest.and_then(|rest| rest.strip_prefix('.')?.strip_suffix('.'));
        hash.is_some_and(|hash| hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("app", "css", "text/css; charset=utf-8", STYLE_SHEET.as_bytes()));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "app",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/app.js"),
    )
});
static PASSKEY_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "passkey",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/passkey.js"),
    )
});
static PROGRESS: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "progress",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/progress.js"),
    )
});
static ICON: LazyLock<Asset> = LazyLock::new(|| Asset::drawing("icon", include_bytes!("../assets/icon.svg")));

static MYNA_PORTAL: LazyLock<Asset> =
    LazyLock::new(|| Asset::drawing("myna-portal", include_bytes!("../assets/myna-portal.svg")));
static ELIGIBILITY_NOTICE: LazyLock<Asset> =
    LazyLock::new(|| Asset::drawing("eligibility-notice", include_bytes!("../assets/eligibility-notice.svg")));
static ELIGIBILITY_CERTIFICATE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::drawing(
        "eligibility-certificate",
        include_bytes!("../assets/eligibility-certificate.svg"),
    )
});

/// The stylesheet's address.
pub fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

/// The stylesheet itself, for a page that stands alone in a file.
pub const STYLE_SHEET: &str = include_str!("../assets/app.css");

/// The script's address.
pub fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

/// The address of what asks for passkeys, on the pages that do.
pub fn passkey_script() -> String {
    format!("/assets/{}", PASSKEY_SCRIPT.name)
}

/// The address of the script by which a page tells how far something is.
pub fn progress_script() -> String {
    format!("/assets/{}", PROGRESS.name)
}

/// The icon's address.
pub fn icon() -> String {
    format!("/assets/{}", ICON.name)
}

/// The address of the drawing of where on a document 記号・番号 stand: 320 by 200.
pub fn drawing(document: MemberDocument) -> String {
    let asset = match document {
        MemberDocument::MynaPortal => &MYNA_PORTAL,
        MemberDocument::EligibilityNotice => &ELIGIBILITY_NOTICE,
        MemberDocument::EligibilityCertificate => &ELIGIBILITY_CERTIFICATE,
    };
    format!("/assets/{}", asset.name)
}

/// `GET /assets/:name`.
#[expect(clippy::unused_async, reason = "a handler is async")]
pub async fn show(visit: Visit) -> Reply {
    let name = visit.param("name");
    let asset = [
        &STYLE,
        &SCRIPT,
        &PASSKEY_SCRIPT,
        &PROGRESS,
        &ICON,
        &MYNA_PORTAL,
        &ELIGIBILITY_NOTICE,
        &ELIGIBILITY_CERTIFICATE,
    ]
    .into_iter()
    .find(|asset| asset.is_named(name))
    .ok_or(Trouble::NotFound)?;
    let kept = if asset.name == name { IMMUTABLE } else { PASSING };
    let mut response = Response::builder()
        .content_type(asset.media_type)
        .header(header::CACHE_CONTROL, kept)
        .body(asset.bytes);
    response.set_data(crate::reply::Compressible);
    Ok(response)
}
