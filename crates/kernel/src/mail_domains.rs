//! Slips of the finger in the part of an e-mail address behind the @: `gmail.con`, `docomo.ne.jo`. What looks like one is
//! asked about, never refused: a domain is anybody's to have.

/// Where most private mail of members goes.
const PROVIDERS: [&str; 24] = [
    "gmail.com",
    "googlemail.com",
    "yahoo.co.jp",
    "yahoo.com",
    "ymail.ne.jp",
    "icloud.com",
    "outlook.com",
    "outlook.jp",
    "hotmail.com",
    "hotmail.co.jp",
    "live.jp",
    "docomo.ne.jp",
    "ezweb.ne.jp",
    "au.com",
    "uqmobile.jp",
    "softbank.ne.jp",
    "i.softbank.jp",
    "rakuten.jp",
    "rakumail.jp",
    "nifty.com",
    "biglobe.ne.jp",
    "so-net.ne.jp",
    "plala.or.jp",
    "ocn.ne.jp",
];
/// Others' names that are one letter from a provider's.
const NEIGHBOURS: [&str; 4] = ["mail.com", "email.com", "ymail.com", "odn.ne.jp"];
/// Of shorter names too many are one letter apart.
const SHORTEST: usize = 8;
/// Endings that no domain has, and what is meant.
const ENDINGS: [(&str, &str); 11] = [
    (".con", ".com"),
    (".cmo", ".com"),
    (".vom", ".com"),
    (".xom", ".com"),
    (".comm", ".com"),
    (".coml", ".com"),
    (".co.jo", ".co.jp"),
    (".ne.jo", ".ne.jp"),
    (".or.jo", ".or.jp"),
    (".cojp", ".co.jp"),
    (".nejp", ".ne.jp"),
];

/// The domain that was meant, where this one, in lower case, seems to be a slip.
pub(crate) fn meant(domain: &str) -> Option<String> {
    let ending = ENDINGS
        .iter()
        .find_map(|(slip, meant)| Some(format!("{}{meant}", domain.strip_suffix(slip)?)));
    let mended = ending.unwrap_or_else(|| domain.to_owned());
    let is_known = |name: &str| PROVIDERS.contains(&name) || NEIGHBOURS.contains(&name);
    let is_beside = |name: &str| name.len() >= SHORTEST && strsim::osa_distance(name, &mended) == 1;
    let provider = PROVIDERS.iter().find(|name| !is_known(&mended) && is_beside(name));
    let meant = provider.map_or_else(|| mended.clone(), |name| (*name).to_owned());
    (meant != domain).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slips_in_well_known_names_and_endings_are_seen() {
        for (typed, expected) in [
            ("gmail.con", "gmail.com"),
            ("gmai.con", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("gmail.cm", "gmail.com"),
            ("gmali.com", "gmail.com"),
            ("gmial.com", "gmail.com"),
            ("gamil.com", "gmail.com"),
            ("gmaill.com", "gmail.com"),
            ("gmai.com", "gmail.com"),
            ("yahoo.co.jo", "yahoo.co.jp"),
            ("yaho.co.jp", "yahoo.co.jp"),
            ("docomo.ne.jo", "docomo.ne.jp"),
            ("docmo.ne.jp", "docomo.ne.jp"),
            ("ezwed.ne.jp", "ezweb.ne.jp"),
            ("softbank.nejp", "softbank.ne.jp"),
            ("icloud.con", "icloud.com"),
            ("iclod.com", "icloud.com"),
            ("kenpo.example.con", "kenpo.example.com"),
            ("example.cojp", "example.co.jp"),
        ] {
            assert_eq!(meant(typed).as_deref(), Some(expected), "{typed}");
        }
    }

    #[test]
    fn what_may_well_be_meant_is_not_asked_about() {
        for domain in [
            "example.jp",
            "example.com",
            "mail.com",
            "email.com",
            "ymail.com",
            "odn.ne.jp",
            "au.jp",
            "kenpo.or.jp",
            "city.nara.lg.jp",
            "yahoo.com",
            "falcon.jp",
            "me.com",
            "con.example.jp",
        ] {
            assert_eq!(meant(domain), None, "{domain}");
        }
    }

    #[test]
    fn no_provider_nor_neighbour_is_taken_for_another() {
        for domain in PROVIDERS.iter().chain(&NEIGHBOURS) {
            assert_eq!(meant(domain), None, "{domain}");
        }
    }

    proptest! {
        #[test]
        fn nobody_is_asked_about_an_answer(domain in "[a-z]{1,8}\\.(con|com|co\\.jo|ne\\.jp|cojp|jp)") {
            if let Some(meant) = meant(&domain) {
                prop_assert_ne!(&meant, &domain);
                prop_assert_eq!(super::meant(&meant), None);
            }
        }
    }
}
