//! One word for one thing, on every page and in every mail: what stands on the left is never written.

use std::{fs, path::Path};

/// What is not written, what follows it where it is right all the same, and what is written instead.
const GLOSSARY: [(&str, &str, &str); 6] = [
    ("フォルダ", "ー", "フォルダー"),
    ("ブラウザ", "ー", "ブラウザー"),
    ("いまの", "", "今の"),
    ("苗字", "", "名字"),
    ("まちが", "", "間違"),
    ("下さい", "", "ください"),
];

#[test]
fn one_thing_has_one_word_in_templates_sources_and_what_insurers_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for folder in ["crates", "tenants"] {
        look(&root.join(folder), &mut seen, &mut wrong);
    }
    assert!(seen > 100, "{seen} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn look(path: &Path, seen: &mut u32, wrong: &mut Vec<String>) {
    if path.is_dir() {
        // A revision of terms that was published never changes.
        let is_fixed = path.ends_with("terms") || path.ends_with("snapshots");
        for entry in fs::read_dir(path).unwrap().filter(|_| !is_fixed) {
            look(&entry.unwrap().path(), seen, wrong);
        }
        return;
    }
    if !["html", "rs", "md"]
        .iter()
        .any(|kind| path.extension().is_some_and(|own| own == *kind))
    {
        return;
    }
    *seen += 1;
    for (line, text) in (1..).zip(fs::read_to_string(path).unwrap().lines()) {
        for (not, unless, instead) in GLOSSARY {
            let is_wrong = |at: usize| unless.is_empty() || !text[at + not.len()..].starts_with(unless);
            if text.match_indices(not).any(|(at, _)| is_wrong(at)) {
                wrong.push(format!("{}:{line}: {not} for {instead}", path.display()));
            }
        }
    }
}
