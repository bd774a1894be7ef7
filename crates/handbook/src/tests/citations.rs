//! What the code cites stands in this handbook: the page, its section, its row.

use super::bar::cited_rows;
use super::{files, page, root};
use std::path::Path;

/// What is written by people and may cite: `default.toml`, `up.sql` and templates as well as Rust.
const ENDINGS: [&str; 9] = [".rs", ".sql", ".toml", ".mjs", ".js", ".html", ".css", ".sh", ".py"];

#[test]
fn every_page_section_and_row_that_the_code_cites_stands_here() {
    let mut cited = 0;
    let mut missing = Vec::new();
    for (path, text) in files(&ENDINGS) {
        for (number, line) in text.lines().enumerate() {
            for citation in citations(line) {
                cited += 1;
                if !citation.stands(path.parent().unwrap()) {
                    missing.push(format!("{}:{}: {citation:?}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(cited > 200, "{cited}");
}

#[derive(Debug, PartialEq)]
enum Citation {
    /// `README.md`
    File(String),
    /// `domain.md §3`
    Section(String, u32),
    /// `security.md, "The manual's password rule and the standards"`
    Heading(String, String),
    /// `security.md 13`
    Row(u32),
    /// `manual 1-2`, `the manual's words (1-4)`
    Manual(String),
}

impl Citation {
    /// Beside what cites, in this handbook or in the repository's root.
    fn stands(&self, beside: &Path) -> bool {
        let heads = |name: &str, head: &str| page(name).lines().any(|line| line.starts_with(head));
        match self {
            Citation::File(name) => {
                let folders = [beside, &root().join("crates/handbook"), &root()];
                folders.iter().any(|folder| folder.join(name).is_file())
            }
            Citation::Section(name, number) => heads(name, &format!("## {number}. ")),
            Citation::Heading(name, words) => page(name).lines().any(|line| line.strip_prefix("## ") == Some(words)),
            Citation::Row(number) => heads("security.md", &format!("| {number} | ")),
            Citation::Manual(number) => heads("manual.md", &format!("## {number} ")),
        }
    }
}

/// What a line cites. A page alone counts in comments only: elsewhere it may be a file of an insurer.
fn citations(line: &str) -> Vec<Citation> {
    let comment = ["//", "--", "#", "/*", "*", "{#"]
        .iter()
        .any(|begin| line.trim_start().starts_with(begin));
    let mut found: Vec<Citation> = cited_rows(line).into_iter().map(Citation::Row).collect();
    for (end, _) in line.match_indices(".md") {
        let name = |c: char| c.is_ascii_alphanumeric() || "_-/.".contains(c);
        let begin = line[..end].rfind(|c| !name(c)).map_or(0, |before| before + 1);
        let (cited, after) = (line[begin..end].to_owned() + ".md", &line[end + 3..]);
        if let Some(section) = after.strip_prefix(" §") {
            let digits = section.split(|c: char| !c.is_ascii_digit()).next();
            found.push(Citation::Section(
                cited,
                digits.and_then(|digits| digits.parse().ok()).unwrap_or(0),
            ));
        } else if let Some(heading) = after.strip_prefix(", \"") {
            found.push(Citation::Heading(
                cited,
                heading.split('"').next().unwrap_or("").to_owned(),
            ));
        } else if comment && !cited.starts_with('.') {
            found.push(Citation::File(cited));
        }
    }
    if comment && line.to_lowercase().contains("manual") {
        let number = |word: &&str| matches!(word.as_bytes(), [b'0'..=b'9', b'-', b'0'..=b'9']);
        let words = line.split(|c: char| !(c.is_alphanumeric() || c == '-'));
        found.extend(words.filter(number).map(|word| Citation::Manual(word.to_owned())));
    }
    found
}

#[test]
fn citations_are_read_in_all_their_shapes() {
    let line = "/// Sign-up (the manual's 1-2 to 1-4): see ui/guide.md §2, README.md; not of 12-34.";
    let manual = |number: &str| Citation::Manual(number.to_owned());
    let expected = [
        Citation::Section("ui/guide.md".to_owned(), 2),
        Citation::File("README.md".to_owned()),
        manual("1-2"),
        manual("1-4"),
    ];
    assert_eq!(citations(line), expected);
    assert_eq!(
        citations("// security.md 1, 3–4 (security.md, \"Passwords\")"),
        [
            Citation::Row(1),
            Citation::Row(3),
            Citation::Row(4),
            Citation::File("security.md".to_owned()),
            Citation::Heading("security.md".to_owned(), "Passwords".to_owned()),
        ]
    );
    assert_eq!(citations("write(\"pages/faq.md\", \"2-1\")"), []);
    let here = root();
    assert!(!Citation::Section("domain.md".to_owned(), 99).stands(&here));
    assert!(!Citation::Row(99).stands(&here));
    assert!(!Citation::Manual("9-9".to_owned()).stands(&here));
    assert!(!Citation::File("gone.md".to_owned()).stands(&here));
}
