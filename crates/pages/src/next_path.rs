//! Where log-in leads back to: only addresses that a GET route of the table serves. Anything else, however it is
//! spelled, is forgotten.

use crate::console::CONSOLE;
use crate::frame::Menu;
use crate::route::Table;
use access::Permission;
use edge::Rights;
use poem::http::Method;

/// Longer than any address of ours.
const MAX_BYTES: usize = 300;
/// Pages that would lead round in circles.
const NOT_BACK_TO: [&str; 8] = [
    "/portal/",
    "/portal/logout",
    "/portal/terms",
    "/console/login",
    "/console/login/factor",
    "/console/logout",
    "/console/prove",
    "/operator/login",
];

/// The address, if a member may be sent there after log-in.
pub fn allowed<'a>(table: &Table, address: &'a str) -> Option<&'a str> {
    allowed_in(table, &["/portal/"], address)
}

/// The address, if a member of this menu may be sent there: of those whose coverage has ended only to what is for them.
pub fn allowed_for<'a>(table: &Table, menu: Menu, address: &'a str) -> Option<&'a str> {
    allowed(table, address).filter(|address| is_there(table, menu, address))
}

/// False of a page of ours that does not exist for a member of this menu.
pub fn is_there(table: &Table, menu: Menu, address: &str) -> bool {
    let mut pages = table
        .rows()
        .iter()
        .filter(|row| row.method == Method::GET && edge::matches(row.path, path(address)));
    menu != Menu::Former || pages.any(|page| page.for_former || page.rights == Rights::Public)
}

/// The address, if staff may be sent there after log-in.
pub fn allowed_for_staff<'a>(table: &Table, address: &'a str) -> Option<&'a str> {
    allowed_in(table, &CONSOLE, address)
}

fn allowed_in<'a>(table: &Table, below: &[&str], address: &'a str) -> Option<&'a str> {
    let plain = address.len() <= MAX_BYTES && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = path(address);
    let is_below = |path: &str| below.iter().any(|below| path.starts_with(below));
    let rows = || table.rows().iter();
    let served =
        rows().any(|route| route.method == Method::GET && is_below(route.path) && edge::matches(route.path, path));
    // A form's own address is no page, though a page's pattern may fit it.
    let own = || rows().filter(|route| route.path == path);
    let is_forms = own().next().is_some() && own().all(|route| route.method != Method::GET);
    (plain && served && !is_forms && !NOT_BACK_TO.contains(&path)).then_some(address)
}

fn path(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

/// The nearest page above the address of a form of staff's that no page has.
pub(crate) fn above<'a>(table: &Table, form: &'a str) -> Option<&'a str> {
    pages_above(form).find(|page| allowed_for_staff(table, page).is_some())
}

/// The paths above that of an address, the nearest first.
fn pages_above(address: &str) -> impl Iterator<Item = &str> {
    let path = path(address);
    let ends = path.rmatch_indices('/').map(|(at, _)| at);
    ends.flat_map(move |end| [path.get(..end), path.get(..=end)]).flatten()
}

/// Where staff go back to who do not prove a second factor once more for an address: to it where it opens without, as the page of
/// a form does, else to the nearest page above that does; of what a permission opens only to what they may.
pub fn unproven<'a>(table: &Table, address: &'a str, may: impl Fn(Permission) -> bool) -> Option<&'a str> {
    let opens = |page: &str| {
        let rows = table.rows().iter();
        // One page's pattern may fit another's path.
        let mut fitting = rows.filter(|row| row.method == Method::GET && edge::matches(row.path, path(page)));
        fitting.all(|row| match row.rights {
            Rights::Staff { permission, step_up } => !step_up && may(permission),
            // A page of whoever is inside may ask for the proof by itself.
            rights => rights == Rights::StaffSession && page != address,
        })
    };
    let mut pages = std::iter::once(address).chain(pages_above(address));
    pages.find(|page| allowed_for_staff(table, page).is_some() && opens(page))
}

/// `address?next=…`, where there is somewhere to go back to.
pub fn with_next(table: &Table, address: &str, next: Option<&str>) -> String {
    match next.and_then(|next| allowed(table, next)) {
        Some(next) => format!("{address}?next={}", crate::forms::encode(next)),
        None => address.to_owned(),
    }
}

/// `address?next=…` of the console, where there is somewhere to go back to.
pub fn with_next_for_staff(table: &Table, address: &str, next: &str) -> String {
    match allowed_for_staff(table, next) {
        Some(next) => format!("{address}?next={}", crate::forms::encode(next)),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reply, Visit, public, reply::see_other};
    use poem::http::Method;

    fn table() -> Table {
        async fn nobody(_: Visit) -> Reply {
            Ok(see_other("/"))
        }
        let got = ["/portal/", "/portal/password", "/portal/signup", "/portal/logout"];
        let rows = got.map(|path| public(Method::GET, path, path, nobody));
        let one = public(Method::GET, "/portal/notices/:id", "notice", nobody);
        let posted = ["/portal/signup/code/resend", "/portal/notices/read"];
        let posted = posted.map(|path| public(Method::POST, path, path, nobody));
        Table::new(rows.into_iter().chain([one]).chain(posted))
    }

    fn allowed(address: &str) -> Option<&str> {
        super::allowed(&table(), address)
    }
    use proptest::prelude::*;

    #[test]
    fn own_pages_are_gone_back_to_with_their_query() {
        assert_eq!(allowed("/portal/password"), Some("/portal/password"));
        assert_eq!(
            allowed("/portal/signup?insurer=32290413"),
            Some("/portal/signup?insurer=32290413")
        );
        assert_eq!(allowed("/portal/notices/7"), Some("/portal/notices/7"));
        assert_eq!(
            with_next(&table(), "/portal/", Some("/portal/signup?a=1")),
            "/portal/?next=%2Fportal%2Fsignup%3Fa%3D1"
        );
    }

    #[test]
    fn nowhere_else() {
        for address in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/portal/mypage",
            "/\\evil.example",
            "/portal/../evil",
            "/portal/logout",
            "/portal/",
            "/portal/signup/code/resend",
            "/portal/notices/read",
            "/portal/password\r\nX: y",
            "/portal//password",
            "javascript:alert(1)",
            "/portal/ｐassword",
        ] {
            assert_eq!(allowed(address), None, "{address}");
        }
        assert_eq!(with_next(&table(), "/portal/", Some("//evil.example")), "/portal/");
    }

    #[test]
    fn a_form_without_a_page_of_its_own_is_held_by_the_nearest_above() {
        async fn nobody(_: Visit) -> Reply {
            Ok(see_other("/"))
        }
        let got = ["/operator/", "/console/runs/:run"];
        let posted = ["/operator/support/:grant/enter", "/console/runs/:run/errors"];
        let rows = got.map(|path| public(Method::GET, path, path, nobody));
        let posted = posted.map(|path| public(Method::POST, path, path, nobody));
        let table = Table::new(rows.into_iter().chain(posted));
        for (form, page) in [
            ("/console/runs/7/errors", Some("/console/runs/7")),
            ("/console/runs/7/errors?for=1", Some("/console/runs/7")),
            ("/operator/support/7/enter", Some("/operator/")),
            ("/portal/password", None),
        ] {
            assert_eq!(above(&table, form), page);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_allowed_stays_on_this_host(address in "[/\\\\a-z.:@?#%]{0,40}") {
            if let Some(allowed) = allowed(&address) {
                let base = url::Url::parse("https://portal.example/").unwrap();
                let joined = base.join(allowed).unwrap();
                prop_assert_eq!(joined.origin(), base.origin());
                prop_assert!(joined.path().starts_with("/portal/"));
            }
        }
    }
}
