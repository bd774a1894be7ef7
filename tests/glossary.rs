//! One word for one thing, on every page and in every mail, and full stops by one rule.

use accounts::reasons::{self, CODE_LATE, CODE_SUPERSEDED, CODE_USED, CODE_WRONG};
use chrono::DateTime;
use kernel::{Refusal, outcome};
use roster::{by_hand, runs};
use std::{fs, path::Path};
use tenancy::revisions::{CHANGED_SINCE, NOT_TAKEN_BACK};

/// A word that is not written.
struct Word {
    not: &'static str,
    /// What comes before or after it where it is part of another word.
    unless: &'static [&'static str],
    instead: &'static str,
}

const fn word(not: &'static str, unless: &'static [&'static str], instead: &'static str) -> Word {
    Word { not, unless, instead }
}

const GLOSSARY: [Word; 14] = [
    word("フォルダ", &["フォルダー"], "フォルダー"),
    word("ブラウザ", &["ブラウザー"], "ブラウザー"),
    word("いま", &["ただいま", "います", "いませ", "いまし", "いまま"], "今"),
    word("ログイン画面へ", &[], "ログイン画面に戻る"),
    word("へ戻る", &[], "に戻る"),
    word("端末", &[], "機器"),
    word("ほかの担当者", &[], "ほかの職員"),
    word("追加の認証", &[], "2つ目の確認"),
    word("再取得", &[], "再加入"),
    word("苗字", &[], "名字"),
    word("まちが", &[], "間違"),
    word("下さい", &[], "ください"),
    word("軽減額", &[], "削減可能金額"),
    word("接続元のネットワーク", &[], "連携先のネットワーク"),
];

impl Word {
    fn is_in(&self, text: &str) -> bool {
        let other = |at: usize| {
            self.unless.iter().any(|whole| {
                let begins = whole.find(self.not).and_then(|before| at.checked_sub(before));
                begins
                    .and_then(|begins| text.get(begins..))
                    .is_some_and(|rest| rest.starts_with(whole))
            })
        };
        text.match_indices(self.not).any(|(at, _)| !other(at))
    }
}

#[test]
fn one_thing_has_one_word_in_templates_sources_and_what_insurers_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for folder in ["crates", "tenants"] {
        read(&root.join(folder), &["html", "rs", "md"], &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    let mut wrong = Vec::new();
    for (path, text) in &files {
        for (line, text) in (1..).zip(text.lines()) {
            let here = GLOSSARY.iter().filter(|word| word.is_in(text));
            wrong.extend(here.map(|word| format!("{path}:{line}: {} for {}", word.not, word.instead)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How a sentence ends, where its full stop may be missing.
const ENDS: [&str; 5] = ["です", "ます", "ません", "した", "ください"];

/// What names a thing, and so has no full stop.
const NAMES: [&str; 10] = ["h1", "h2", "h3", "h4", "title", "label", "legend", "button", "th", "dt"];

#[test]
fn sentences_end_with_a_full_stop_in_text_and_notes_and_names_of_things_do_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    read(&root.join("crates"), &["html", "rs"], &mut files);
    let mut wrong = Vec::new();
    for (path, text) in &files {
        if Path::new(path).extension().is_some_and(|kind| kind == "html") {
            wrong.extend(names_with_a_stop(text).map(|name| format!("{path}: {name}")));
            wrong.extend(texts_without_a_stop(text).map(|text| format!("{path}: {text}")));
        } else {
            wrong.extend(notes_without_a_stop(text).map(|note| format!("{path}: {note}")));
        }
    }
    // A field's hint and what is wrong with it stand beside its label and are as short. These four are of the code's field.
    let beside = [CODE_WRONG, CODE_LATE, CODE_SUPERSEDED, CODE_USED];
    let of_staff = staff::reasons::REASONS
        .into_iter()
        .chain(staff::support::REASONS)
        .chain([staff::operate::DEAD_GONE, staff::operate::MAIL_ERASED]);
    let of_settings = [tenancy::CHANGED_MEANWHILE, CHANGED_SINCE, NOT_TAKEN_BACK];
    let of_roster = runs::reasons::REASONS.into_iter().chain(by_hand::reasons::REASONS);
    let all = outcome::REASONS
        .into_iter()
        .chain(reasons::REASONS)
        .chain(reasons::OF_STAFF)
        .chain(of_staff);
    let of_members = members::reasons::REASONS;
    let of_notices = notices::reasons::REASONS;
    let of_statements = statements::reasons::by_hand::REASONS;
    let of_clients = clients::reasons::REASONS;
    let of_runs = statements::runs::reasons::REASONS;
    let of_disclosures = statements::disclosures::desk::REASONS;
    for reason in all
        .chain(of_settings)
        .chain(of_roster)
        .chain(of_members)
        .chain(of_notices)
        .chain(of_statements)
        .chain(of_clients)
        .chain(of_runs)
        .chain(of_disclosures)
    {
        let words = Refusal::from(reason).words(DateTime::UNIX_EPOCH);
        if words.heading.ends_with('。') || words.text.ends_with('。') == beside.contains(&reason) {
            wrong.push(format!("{reason:?}: {} {}", words.heading, words.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names_with_a_stop(page: &str) -> impl Iterator<Item = &str> {
    let closing = |name: &str| format!("。</{name}>");
    page.lines()
        .filter(move |line| NAMES.iter().any(|name| line.contains(&closing(name))))
}

/// Paragraphs and items; those of a class are hints, which stand beside a field.
fn texts_without_a_stop(page: &str) -> impl Iterator<Item = &str> {
    ["p", "li"].into_iter().flat_map(move |element| {
        let (opening, closing) = (format!("<{element}>"), format!("</{element}>"));
        let parts: Vec<&str> = page.split(&opening).skip(1).collect();
        parts.into_iter().filter_map(move |part| {
            let (text, _) = part.split_once(&closing)?;
            ENDS.iter().any(|end| text.ends_with(end)).then_some(text)
        })
    })
}

/// What the next page says on top, as far as it stands where it is said.
fn notes_without_a_stop(source: &str) -> impl Iterator<Item = &str> {
    [".done(", ".inform("].into_iter().flat_map(move |call| {
        source.split(call).skip(1).filter_map(|rest| {
            // A call that is what its function answers ends with the function.
            let call = rest.split(';').next()?.split("\n}").next()?;
            call.split('"').find(|text| ENDS.iter().any(|end| text.ends_with(end)))
        })
    })
}

/// The files of these kinds below a folder, by their paths.
fn read(path: &Path, kinds: &[&str], files: &mut Vec<(String, String)>) {
    if path.is_dir() {
        // A revision of terms that was published never changes.
        let is_fixed = path.ends_with("terms") || path.ends_with("snapshots");
        for entry in fs::read_dir(path).unwrap().filter(|_| !is_fixed) {
            read(&entry.unwrap().path(), kinds, files);
        }
    } else if kinds
        .iter()
        .any(|kind| path.extension().is_some_and(|own| own == *kind))
    {
        files.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
    }
}
