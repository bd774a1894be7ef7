//! The readers of a folder against whatever a file may hold: they never panic, and what they accept they accept again,
//! to the letter, once it is written out.

use super::{
    Folder, Settings, TermsFile, markdown,
    source::{Problems, TextFile, read_text},
    tests::{Dir, TENANT},
};
use crate::{export, terms::TermsText};
use proptest::prelude::*;
use std::{fs, path::Path};

/// What most insurers leave out.
const STATEMENTS: &str = r#"
[statements]
months_online = 24
min_month_yen = 0
min_line_yen = 100
min_days = 14
min_age = 35
exclude_classes = ["42", "1179"]
saving = "least"
costs_family = "household"
medicines_family = "self_only"
adult_age = 20
former_dependants = "hide"
arrives_after_months = 3
official_notice = "paper"
mails_per_minute = 6000
"#;

/// What somebody may write after a key.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,24}",
        "\"\\PC{0,12}\"",
        "-?[0-9]{1,12}",
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("true".to_owned()),
        Just("[{ from = \"10:00\", to = \"12:00\" }]".to_owned()),
        "\\[\"[a-z0-9-]{0,12}\"\\]",
    ]
}

/// A line of text as tenant.toml takes it.
fn line() -> impl Strategy<Value = String> {
    "\\PC{1,40}".prop_filter("something, trimmed, in one line", |text| {
        !text.is_empty() && text.trim() == text && !kernel::text::has_control(text)
    })
}

fn read(dir: &Path, toml: &str) -> Option<Folder> {
    fs::write(dir.join("tenant.toml"), toml).unwrap();
    Folder::read(dir, &[]).ok()
}

fn file(dir: &Path, name: &str, text: &str) -> Option<TextFile> {
    fs::write(dir.join(name), text).unwrap();
    read_text(&files::Folder::open(dir).unwrap(), name, &Problems::default())
}

fn read_terms(dir: &Path, text: &str) -> Option<TermsFile> {
    let problems = Problems::default();
    let terms = markdown::read_terms(file(dir, "addendum.1.md", text)?, "addendum", 1, &problems);
    terms
        .map(|terms| terms.value)
        .filter(|_| problems.into_inner().is_empty())
}

/// Title and text.
fn read_page(text: &str) -> Option<(String, String)> {
    let problems = Problems::default();
    let page = markdown::read(Path::new("faq.md"), text, &problems, |front| front.text("title"));
    page.map(|(title, body)| (title.value, body))
        .filter(|_| problems.into_inner().is_empty())
}

proptest! {
    #[test]
    fn a_tenant_toml_with_one_line_changed_is_refused_or_reads_back(place in 0usize..70, value in value()) {
        let dir = Dir::new();
        let lines: Vec<String> = [TENANT, STATEMENTS]
            .concat()
            .lines()
            .enumerate()
            .map(|(nth, line)| match line.split_once(" = ") {
                Some((key, _)) if nth == place => format!("{key} = {value}"),
                _ => line.to_owned(),
            })
            .collect();
        if let Some(folder) = read(dir.path(), &lines.join("\n")) {
            let code = folder.code.as_ref().map(kernel::InsurerCode::as_str);
            let again = read(dir.path(), &export::tenant_toml(code, &folder.settings));
            prop_assert_eq!(again.map(|again| again.settings), Some(folder.settings));
        }
    }

    #[test]
    fn texts_of_any_characters_read_back(name in line(), note in line(), ready in line(), word in line(), days in 0u16..=366) {
        let dir = Dir::new();
        let mut settings: Settings = read(dir.path(), TENANT).unwrap().settings;
        settings.name = name;
        settings.desk.email_note = Some(note);
        settings.desk.have_ready = ready;
        settings.after_loss_days = days;
        if !kernel::RelationWords::key(&word).is_empty() {
            settings.relations = [(word, kernel::Relation::Child)].into();
        }
        let again = read(dir.path(), &export::tenant_toml(Some("32290413"), &settings));
        prop_assert_eq!(again.map(|again| again.settings), Some(settings));
    }

    #[test]
    fn no_file_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(\\+\\+\\+\n)?\\PC{0,80}(\n\\+\\+\\+\n)?\\PC{0,80}") {
        let dir = Dir::new();
        fs::write(dir.path().join("tenant.toml"), &bytes).unwrap();
        prop_assert!(Folder::read(dir.path(), &[]).is_err());
        read(dir.path(), &text);
        read_terms(dir.path(), &text);
        read_page(&text);
    }

    #[test]
    fn markdown_that_is_accepted_is_accepted_again(title in line(), body in "([#*>_`\\[\\]()!<a-z&;\\-+\"'\\\\ 　本文\n]|\\PC){0,60}") {
        let dir = Dir::new();
        let text = TermsText {
            document: "addendum".into(),
            revision: 1,
            title,
            effective_at: kernel::calendar::start_of_day("2026-04-01".parse().unwrap()),
            changes: None,
            body,
            content_hash: String::new(),
        };
        if let Some(terms) = read_terms(dir.path(), &export::terms_markdown(&text, true)) {
            let written = TermsText { title: terms.head.title.clone(), body: terms.body.clone(), ..text.clone() };
            prop_assert_eq!(read_terms(dir.path(), &export::terms_markdown(&written, true)), Some(terms));
        }
        let page = |title: &str, body: &str| read_page(&export::front_matter(&[("title", title)], &[], body));
        if let Some((title, body)) = page(&text.title, &text.body) {
            prop_assert_eq!(page(&title, &body), Some((title, body)));
        }
    }
}
