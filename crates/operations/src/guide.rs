//! What the handbook says to whoever makes a program, as the reference page shows it: one text, which is not typed twice.

use crate::markdown;

const PROGRAMS: &str = include_str!("../../handbook/programs.md");

/// The sections that are shown: by what the page finds them, and what they are called there and here.
const SHOWN: [(&str, &str); 8] = [
    ("guide-sandbox", "A sandbox"),
    ("guide-refusals", "When it says no"),
    ("guide-secrets", "A new secret without a gap"),
    ("guide-members", "Members"),
    ("guide-imports", "Imports"),
    ("guide-disclosures", "Who sees somebody's statements"),
    ("guide-feeds", "Feeds and records"),
    ("guide-webhooks", "Webhooks"),
];

/// A section.
pub(crate) struct Chapter {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) blocks: Vec<String>,
}

/// All that are shown.
pub(crate) fn chapters() -> Vec<Chapter> {
    let chapter = |(id, title)| Chapter {
        id,
        title,
        blocks: markdown::blocks(&without_sources(section(title).unwrap_or_default())),
    };
    SHOWN.into_iter().map(chapter).collect()
}

/// What stands under a heading.
fn section(title: &str) -> Option<&'static str> {
    let (_, rest) = PROGRAMS.split_once(&format!("\n## {title}\n"))?;
    Some(rest.split("\n## ").next().unwrap_or(rest))
}

/// Without the files in brackets, which only whoever has the source can open.
fn without_sources(text: &str) -> String {
    let mut parts = text.split("(`crates/");
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        told.truncate(told.trim_end().len());
        told.push_str(part.split_once("`)").map_or(part, |(_, rest)| rest));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_there_and_names_no_file() {
        for chapter in chapters() {
            let html = chapter.blocks.concat();
            assert!(html.len() > 200, "{}", chapter.title);
            assert!(!html.contains("crates/"), "{html}");
        }
        assert_eq!(without_sources("by it\n(`crates/a.rs`), on"), "by it, on");
    }
}
