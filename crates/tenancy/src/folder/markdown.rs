//! Markdown files: front matter between `+++` lines, then text without raw HTML (it would not be shown, so whoever
//! wrote it should know) and with links only to where a link may lead.

use super::{
    TermsFile,
    source::{At, Problems, Section, Source, TextFile},
};
use crate::{TermsHead, terms};
use kernel::{Problem, calendar};
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};
use std::path::Path;

const FENCE: &str = "+++";

/// Reads a revision of a terms document, named by its file; the line is that of its first day.
pub(super) fn read_terms(file: TextFile, document: &str, revision: i32, problems: &Problems) -> Option<At<TermsFile>> {
    let TextFile { path, text } = file;
    let file = split(&path, &text, problems)?;
    let source = file.front(problems);
    let mut front = source.table()?;
    if let Some(found) = front.text("document").filter(|found| found.value != document) {
        front.wrong(
            "document",
            found.line,
            &format!("is \"{}\", but the file is named {document}", found.value),
        );
    }
    let number = front.number("revision", &(1..=i32::MAX.unsigned_abs()));
    if number.is_some_and(|number| i64::from(number) != i64::from(revision)) {
        front.problem(
            file.line_of("revision"),
            format!("revision must be {revision}, as in the file's name"),
        );
    }
    let title = front.text("title");
    let effective_on = front.date("effective_on");
    let changes = if revision > 1 {
        front.text("changes")
    } else {
        front.optional_text("changes")
    };
    if let Some(changes) = changes.as_ref().filter(|_| revision == 1) {
        front.wrong("changes", changes.line, "is for revision 2 and later");
    }
    let agree_again = front.optional_boolean("agree_again").unwrap_or(true);
    if !agree_again && revision == 1 {
        let line = file.line_of("agree_again");
        front.wrong("agree_again", line, "is for revision 2 and later");
    }
    front.close();
    let body = file.body(problems)?;
    let (title, changes) = (title?.value, changes.map(|changes| changes.value));
    let effective_on = effective_on?;
    let effective_at = calendar::start_of_day(effective_on.value);
    let content_hash = terms::content_hash(&title, effective_at, changes.as_deref(), &body);
    let head = TermsHead {
        document: document.to_owned(),
        revision,
        title,
        effective_at,
        content_hash,
        agree_again,
    };
    let terms = TermsFile {
        file: path.clone(),
        head,
        changes,
        body,
    };
    Some(At {
        value: terms,
        line: effective_on.line,
    })
}

/// Reads front matter by `front`, which takes the keys that it knows, and the text under it.
pub(super) fn read<T>(
    path: &Path,
    text: &str,
    problems: &Problems,
    front: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Option<(T, String)> {
    let file = split(path, text, problems)?;
    let source = file.front(problems);
    let mut section = source.table()?;
    let taken = front(&mut section);
    section.close();
    let body = file.body(problems)?;
    Some((taken?, body))
}

struct Split<'a> {
    path: &'a Path,
    text: &'a str,
    /// Where the front matter ends in `text`.
    front_end: usize,
    /// Where the text under it begins.
    body_start: usize,
}

/// Finds the two fences; a file without them is complained about.
fn split<'a>(path: &'a Path, text: &'a str, problems: &Problems) -> Option<Split<'a>> {
    let opened = text.lines().next().is_some_and(|line| line.trim_end() == FENCE);
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let end = offset + line.len();
        if opened && index > 0 && line.trim_end() == FENCE {
            return Some(Split {
                front_end: offset,
                body_start: end,
                path,
                text,
            });
        }
        offset = end;
    }
    problems.add(path, 1, "must begin with front matter between two lines +++");
    None
}

impl<'a> Split<'a> {
    fn front(&self, problems: &'a Problems) -> Source<'a> {
        let front = self.text.get(..self.front_end).and_then(|text| text.split_once('\n'));
        // Line 1 is the fence.
        Source::new(self.path, front.map_or("", |(_, front)| front), 2, problems)
    }

    /// The line of a key in the front matter; 1 where it is not found.
    fn line_of(&self, key: &str) -> usize {
        let place = self.text.lines().position(|line| line.trim_start().starts_with(key));
        place.map_or(1, |index| index + 1)
    }

    /// The text under the front matter, checked; none where there is none.
    fn body(&self, problems: &Problems) -> Option<String> {
        let body = self.text.get(self.body_start..).unwrap_or_default();
        let line = |offset: usize| {
            let before = self.text.get(..self.body_start + offset).unwrap_or(self.text);
            1 + before.matches('\n').count()
        };
        for (offset, fault) in faults(body) {
            problems.add(self.path, line(offset), fault.to_string());
        }
        if body.trim().is_empty() {
            problems.add(self.path, line(0), "there is no text");
            return None;
        }
        Some(body.trim().to_owned())
    }
}

/// What a text can't have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum MarkdownFault {
    /// Raw HTML.
    #[error("raw HTML is not shown: use Markdown")]
    Html,
    /// A link or picture that leads where none may.
    #[error("a link can't lead to \"{0}\"")]
    Link(String),
}

/// What is wrong in a text, each with the byte at which it stands.
fn faults(body: &str) -> Vec<(usize, MarkdownFault)> {
    let events = Parser::new_ext(body, Options::empty()).into_offset_iter();
    let fault = |(event, range): (Event<'_>, std::ops::Range<usize>)| match event {
        Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_) => Some((range.start, MarkdownFault::Html)),
        // 「<desk@example.jp>」 is a link by its looks alone.
        Event::Start(Tag::Link {
            link_type: LinkType::Email,
            ..
        }) => None,
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) if !may_lead(&dest_url) => {
            Some((range.start, MarkdownFault::Link(dest_url.to_string())))
        }
        _ => None,
    };
    events.filter_map(fault).collect()
}

/// What is first wrong in a text that somebody typed: raw HTML, or a link to where none may lead.
pub fn text_problem(body: &str) -> Option<Problem> {
    let (offset, fault) = faults(body).into_iter().next()?;
    let before = body.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Some(match fault {
        MarkdownFault::Html => Problem::Html { line },
        MarkdownFault::Link(_) => Problem::Link { line },
    })
}

/// Within the site, to another by https, to a mail address or a telephone. To a browser a backslash is a slash.
fn may_lead(url: &str) -> bool {
    let inside = (url.starts_with('/') && !url.starts_with("//")) || url.starts_with('#');
    let outside = ["https://", "http://", "mailto:", "tel:"];
    (inside || outside.iter().any(|scheme| url.starts_with(scheme))) && !url.contains('\\')
}
