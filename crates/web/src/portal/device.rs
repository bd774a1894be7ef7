//! A browser's long description of itself in words a member knows: 「Windows の Edge」. A hint for telling one's own
//! devices apart, no proof of anything.

/// Names the machine and the browser, as far as they can be told.
pub(crate) fn device(agent: &str) -> String {
    let machine = first(
        agent,
        // Before the words that they contain: iPads say Mac OS, Android says Linux.
        &[
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("Windows", "Windows"),
            ("Macintosh", "Mac"),
            ("CrOS", "Chromebook"),
            ("Linux", "Linux"),
        ],
    );
    let browser = first(
        agent,
        // Before the words that they contain: Edge says Chrome and Safari, Chrome says Safari.
        &[
            ("Edg", "Edge"),
            ("SamsungBrowser", "Samsung ブラウザー"),
            ("CriOS", "Chrome"),
            ("FxiOS", "Firefox"),
            ("Firefox", "Firefox"),
            ("Chrome", "Chrome"),
            ("Safari", "Safari"),
        ],
    );
    match (machine, browser) {
        (Some(machine), Some(browser)) => format!("{machine} の {browser}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "そのほかの機器".to_owned(),
    }
}

fn first(agent: &str, names: &[(&str, &'static str)]) -> Option<&'static str> {
    names
        .iter()
        .find(|(sign, _)| agent.contains(sign))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn devices_go_by_the_names_their_owners_use() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0",
                "Windows の Edge",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
                "iPhone の Safari",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
                "Android の Chrome",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0",
                "Mac の Firefox",
            ),
            ("curl/8.0", "そのほかの機器"),
            ("", "そのほかの機器"),
        ] {
            assert_eq!(device(agent), name);
        }
    }
}
