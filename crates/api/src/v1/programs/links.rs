//! Where the portal's pages are, for apps that lead members there.

use access::scope::INSURER_READ;
use edge::Rights;
use operations::{
    Example, Row, Tag,
    answer::Done,
    call::{Call, Program},
    get,
};
use poem_openapi::{Object, OpenApi};
use serde_json::json;
use url::Url;

/// The page whose address names the insurer: before anybody is logged in it is known by that alone.
const SIGN_UP: &str = "sign_up";

pub(super) struct LinksApi;

pub(super) fn row() -> Row {
    let example = Example {
        answer: Some(json!({"links": [
            {"name": "log_in", "url": "https://madoguchi.example/portal/"},
            {"name": "sign_up", "url": "https://madoguchi.example/portal/signup?insurer=32290413"},
            {"name": "notices", "url": "https://madoguchi.example/portal/notices"},
        ]})),
        ..Example::default()
    };
    let mut row = get("/links", "list_links", Rights::Client(INSURER_READ), &[], example);
    row.handler.lag = tenancy::LOOK_SECONDS;
    row
}

/// Pages of the portal.
#[derive(Object)]
pub(super) struct PortalLinks {
    /// Those that the insurer has opened.
    links: Vec<PortalLink>,
}

/// A page of the portal. Whoever is not logged in comes to it by way of the log-in.
#[derive(Object)]
struct PortalLink {
    /// Which page, by its name: those that there are stand with the operation. One whose feature the insurer closes is left out.
    name: String,
    /// Where it is.
    url: String,
}

#[OpenApi(tag = "Tag::Insurers")]
impl LinksApi {
    /// Links into the portal
    ///
    /// Where members log in, sign up, and read their notices and statements: for apps and mails that lead them there. Nothing in
    /// them says who somebody is. Ask again now and then, rather than build addresses.
    #[oai(path = "/links", method = "get", operation_id = "list_links")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn list(&self, call: Call, Program(program): Program) -> Done<PortalLinks> {
        let insurer = &program.insurer;
        let is_open = |feature: Option<_>| feature.is_none_or(|feature| insurer.modules.is_open(feature));
        let open = call.services.links.iter().filter(|link| is_open(link.feature));
        let links = open.filter_map(|link| {
            let mut url: Url = call.services.public_url.join(link.path).ok()?;
            if let Some(code) = insurer.code.as_ref().filter(|_| link.name == SIGN_UP) {
                url.query_pairs_mut().append_pair("insurer", code.as_str());
            }
            Some(PortalLink {
                name: link.name.into(),
                url: url.into(),
            })
        });
        Done(PortalLinks { links: links.collect() })
    }
}
