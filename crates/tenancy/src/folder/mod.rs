//! A folder of `tenants/`, read and checked as a whole: either everything in it is right, or every problem is named
//! with its file, line and reason. Reads files only; what is in the database is [`crate::difference()`]'s business.

mod generics_toml;
mod logo;
mod markdown;
mod part;
mod source;
mod tenant_toml;
mod typed;

pub use logo::{LogoProblem, MAX_FILE as MAX_LOGO_FILE, redraw as read_logo};
pub use markdown::text_problem;
pub use part::{FolderPart, PartApply, PartDifference, PartExport, PartFile, PartFiles, PartFuture, PartLines};
pub(crate) use source::MAX_TEXT;
pub use source::{At, Problems, Section};
pub use tenant_toml::day_word;
pub use typed::{Topic, read_statements, read_typed};

use crate::{
    InsurerKind, LogoHead, Settings, TermsHead,
    family_page::{self, Shown},
};
use kernel::InsurerCode;
use source::{Source, TextFile};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Files beside the settings that other commands read.
const OTHERS_FILES: [&str; 1] = ["sample-roster.csv"];
/// A folder of such files.
const OTHERS_FOLDER: &str = "samples";

/// One insurer's folder (or the platform's), without fault.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The insurer; none for the platform.
    pub code: Option<InsurerCode>,
    /// What it was made from.
    pub base: Base,
    /// The line of its tenant.toml that says whether it is a sandbox; the first where none does.
    pub sandbox_line: usize,
    /// tenant.toml, with the heads of the terms and the logo beside it.
    pub settings: Settings,
    /// `terms/`, by document and revision.
    pub terms: Vec<TermsFile>,
    /// What modules keep in folders of their own.
    pub parts: Vec<PartFiles>,
    /// The logo, written anew.
    pub logo: Option<LogoFile>,
}

/// What a folder was made from, and so what it may be laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// It doesn't say: over what folders alone have made.
    Unknown,
    /// An export of this revision: over it, and over nothing later.
    Revision(i64),
    /// Over whatever stands.
    Any,
}

/// What is wrong in a folder, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderProblem {
    /// The file.
    pub file: PathBuf,
    /// From 1; 1 too where the whole file is meant.
    pub line: usize,
    /// In English, for an operator.
    pub reason: String,
    /// The key of tenant.toml that it is about, as in `desk.other.0.subject`; empty where it is about none.
    pub key: String,
}

impl std::fmt::Display for FolderProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.reason)
    }
}

/// A revision of a terms document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsFile {
    /// Where it was read, for problems.
    pub file: PathBuf,
    /// Document, revision, title, first day and hash.
    pub head: TermsHead,
    /// What changed against the revision before; none for the first.
    pub changes: Option<String>,
    /// Markdown without raw HTML.
    pub body: String,
}

/// A logo as PNG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoFile {
    /// Hash and size.
    pub head: LogoHead,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Folder {
    /// Reads and checks a folder with what these modules keep in it. On any problem, all problems, by file and line.
    pub fn read(dir: &Path, parts: &[FolderPart]) -> Result<Self, Vec<FolderProblem>> {
        let problems = Problems::default();
        let folder = read(dir, parts, &problems);
        let mut problems = problems.into_inner();
        problems.sort();
        match folder {
            Some(folder) if problems.is_empty() => Ok(folder),
            _ => Err(problems),
        }
    }

    /// A folder that holds settings and nothing else.
    pub fn of_settings(code: Option<InsurerCode>, settings: Settings) -> Self {
        Self {
            code,
            base: Base::Unknown,
            sandbox_line: 1,
            settings,
            terms: Vec::new(),
            parts: Vec::new(),
            logo: None,
        }
    }

    /// What an operator should know though it is no fault, in English, a line each.
    pub fn remarks(&self) -> Vec<String> {
        let not_built = |module: crate::Feature| {
            format!(
                "module {} is not built yet: members see it as being prepared",
                module.as_str()
            )
        };
        self.settings.modules.not_built().map(not_built).collect()
    }
}

fn read(dir: &Path, parts: &[FolderPart], problems: &Problems) -> Option<Folder> {
    let toml = "tenant.toml";
    let folder = files::Folder::open(dir)
        .map_err(|error| problems.add(&dir.join(toml), 1, source::why_unread(&error)))
        .ok()?;
    let toml = source::read_text(&folder, toml, problems)?;
    let read = tenant_toml::read(&Source::new(&toml.path, &toml.text, 1, problems))?;
    check_name(dir, read.code.as_ref(), &toml.path, problems);
    check_files(
        &folder,
        read.logo_file.as_ref().map(|name| name.value.as_str()),
        parts,
        problems,
    );
    let logo = read.logo_file.as_ref().and_then(|name| {
        logo::read(&folder, &name.value)
            .map_err(|reason| problems.add(&toml.path, name.line, format!("logo {}: {reason}", name.value)))
            .ok()
    });
    let terms = read_terms(&folder, read.settings.kind, problems);
    let parts: Vec<PartFiles> = parts.iter().map(|part| read_part(&folder, *part, problems)).collect();
    check_family_page(dir, &read.settings, &parts, problems);
    let mut settings = read.settings;
    settings.logo = logo.as_ref().map(|logo| logo.head.clone());
    settings.terms = terms.iter().map(|terms| terms.head.clone()).collect();
    Some(Folder {
        code: read.code,
        base: read.revision.map_or(Base::Unknown, Base::Revision),
        sandbox_line: read.sandbox_line.unwrap_or(1),
        settings,
        terms,
        parts,
        logo,
    })
}

/// An insurer's folder is named by its code: a copied one in which one of the two was forgotten is caught here. The
/// platform has no code.
fn check_name(dir: &Path, code: Option<&InsurerCode>, file: &Path, problems: &Problems) {
    let Some(code) = code else { return };
    // A path such as `.` names the folder without saying its name.
    let named = dir.file_name().map(ToOwned::to_owned);
    let named = named.or_else(|| dir.canonicalize().ok()?.file_name().map(ToOwned::to_owned));
    let named = named.unwrap_or_default();
    if named != code.as_str() {
        let named = named.display();
        problems.add(
            file,
            1,
            format!("the folder is named {named}, but code is {code}: an insurer's folder is named by its code"),
        );
    }
}

fn check_files(folder: &files::Folder, logo: Option<&str>, parts: &[FolderPart], problems: &Problems) {
    for (name, kind) in source::entries(folder, problems) {
        let known = match name.as_str() {
            "tenant.toml" => kind == files::Kind::File,
            "terms" | OTHERS_FOLDER => kind == files::Kind::Folder,
            name if parts.iter().any(|part| part.folder == name) => kind == files::Kind::Folder,
            _ => kind == files::Kind::File && (Some(name.as_str()) == logo || is_others(&name)),
        };
        if kind == files::Kind::Other {
            problems.add(
                &folder.path().join(&name),
                1,
                "neither a file nor a folder: links are not followed here",
            );
        } else if !known {
            problems.add(
                &folder.path().join(&name),
                1,
                "unknown file: is it misspelt, or not meant for this folder?",
            );
        }
    }
}

/// The insurer's page must tell what families see.
fn check_family_page(dir: &Path, settings: &Settings, parts: &[PartFiles], problems: &Problems) {
    let pages = parts.iter().find(|files| files.part.folder == "pages");
    let (Some(Shown { feature, key }), Some(pages)) = (family_page::shown(settings).into_iter().next(), pages) else {
        return;
    };
    let page = pages.files.iter().find(|file| file.slug == family_page::SLUG);
    let file = dir.join("pages").join(family_page::SLUG).with_extension("md");
    let because = format!(
        "since module {} is open and statements.{key} is \"household\"",
        feature.as_str()
    );
    let Some(page) = page else {
        problems.add(
            &file,
            1,
            format!("is missing: it must tell members what their family sees, {because}"),
        );
        return;
    };
    for named in family_page::unnamed(&page.text, settings) {
        problems.add(&page.path, 1, format!("must name {named}, {because}"));
    }
}

/// The files of a folder in the folder; none where there is no such folder.
fn texts(folder: &files::Folder, name: &str, problems: &Problems) -> Vec<(String, TextFile)> {
    // What is there and no folder is complained about as an entry of the folder.
    let Ok(inner) = folder.folder(name) else {
        return Vec::new();
    };
    let names = source::entries(&inner, problems).into_iter();
    names
        .filter_map(|(name, _)| source::read_text(&inner, &name, problems).map(|text| (name, text)))
        .collect()
}

/// Rosters and the demo's own files are not this crate's.
fn is_others(name: &str) -> bool {
    OTHERS_FILES.contains(&name) || name.starts_with("demo")
}

fn read_terms(folder: &files::Folder, kind: InsurerKind, problems: &Problems) -> Vec<TermsFile> {
    let mut found = BTreeMap::new();
    for (name, file) in texts(folder, "terms", problems) {
        let place = name.strip_suffix(".md").and_then(|stem| stem.split_once('.'));
        let place = place.and_then(|(document, revision)| Some((document.to_owned(), canonical(revision)?)));
        let Some((document, revision)) = place else {
            problems.add(
                &file.path,
                1,
                "terms are named <document>.<revision>.md, as in addendum.1.md",
            );
            continue;
        };
        let allowed: &[&str] = match kind {
            InsurerKind::Platform => &[crate::terms::SERVICE, crate::terms::POINTS],
            _ => &[crate::terms::ADDENDUM],
        };
        if !allowed.contains(&document.as_str()) {
            problems.add(
                &file.path,
                1,
                format!("unknown document: here it can be {}", allowed.join(" or ")),
            );
        }
        if let Some(terms) = markdown::read_terms(file, &document, revision, problems) {
            found.insert((document, revision), terms);
        }
    }
    check_sequence(&found, problems);
    found.into_values().map(|terms| terms.value).collect()
}

/// Revisions count from 1 without gaps, and each begins after the one before.
fn check_sequence(found: &BTreeMap<(String, i32), At<TermsFile>>, problems: &Problems) {
    for ((document, revision), At { value: terms, line }) in found {
        if *revision == 1 {
            continue;
        }
        match found.get(&(document.clone(), revision - 1)) {
            None => {
                let reason = format!("revision {revision} without revision {}", revision - 1);
                problems.add(&terms.file, 1, reason);
            }
            Some(before) if before.value.head.effective_at >= terms.head.effective_at => {
                let reason = format!("effective_on must be later than that of revision {}", revision - 1);
                problems.add(&terms.file, *line, reason);
            }
            Some(_) => {}
        }
    }
}

/// A revision number as it must be written: no sign, no leading zero.
fn canonical(revision: &str) -> Option<i32> {
    kernel::text::number(revision).filter(|number: &i32| *number >= 1 && number.to_string() == revision)
}

fn read_part(folder: &files::Folder, part: FolderPart, problems: &Problems) -> PartFiles {
    let files: Vec<PartFile> = texts(folder, part.folder, problems)
        .into_iter()
        .filter_map(|(name, file)| Some(PartFile::new(slug(&name, &file.path, problems)?, file)))
        .collect();
    (part.check)(&files, problems);
    PartFiles { part, files }
}

fn slug(name: &str, path: &Path, problems: &Problems) -> Option<String> {
    let letters = |stem: &&str| {
        !stem.is_empty()
            && stem
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let slug = name.strip_suffix(".md").filter(letters);
    if slug.is_none() {
        problems.add(
            path,
            1,
            "the name must be small letters, digits and hyphens, and end in .md",
        );
    }
    slug.map(str::to_owned)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
