//! What modules keep in folders of their own within an insurer's folder. Here their files are read, and named with the line
//! where something is wrong; what stands in them is the module's business.

use super::{
    markdown,
    source::{Problems, Section, TextFile},
};
use crate::export::front_matter;
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use futures_util::future::BoxFuture;
use std::path::PathBuf;

/// What a part's functions answer in time.
pub type PartFuture<'a, T> = BoxFuture<'a, Result<T, DatabaseError>>;

/// See [`FolderPart::difference`].
pub type PartDifference =
    for<'a> fn(Option<&'a mut TenantTransaction>, DateTime<Utc>, &'a [PartFile]) -> PartFuture<'a, PartLines>;
/// See [`FolderPart::apply`].
pub type PartApply =
    for<'a> fn(&'a mut TenantTransaction, DateTime<Utc>, &'a [PartFile]) -> PartFuture<'a, Option<String>>;
/// See [`FolderPart::export`].
pub type PartExport = for<'a> fn(&'a mut TenantTransaction, DateTime<Utc>) -> PartFuture<'a, Vec<PartFile>>;

/// What is said of a part's files against what is kept, in English, a line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartLines {
    /// What they would change.
    pub changes: Vec<String>,
    /// What changes nothing, and whoever applies them should know.
    pub remarks: Vec<String>,
}

/// A folder within the insurers' folders whose files are one module's.
#[derive(Debug, Clone, Copy)]
pub struct FolderPart {
    /// Its name: `notices`.
    pub folder: &'static str,
    /// Names what is wrong with its files.
    pub check: fn(&[PartFile], &Problems),
    /// What the files, which are without fault, would change; without a transaction for an insurer that is still to be made.
    pub difference: PartDifference,
    /// Makes what is kept be what the files say, in the transaction that applies the folder; what there is to say of it, if
    /// anything.
    pub apply: PartApply,
    /// The files that, applied again, would change nothing.
    pub export: PartExport,
}

/// The files of a part in one folder.
#[derive(Debug, Clone)]
pub struct PartFiles {
    /// Whose.
    pub part: FolderPart,
    /// By name.
    pub files: Vec<PartFile>,
}

/// A Markdown file of a module's: TOML between two lines of `+++`, then text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFile {
    /// Its name without `.md`: small letters, digits and hyphens.
    pub slug: String,
    /// Where it was read, for problems.
    pub path: PathBuf,
    /// All that stands in it.
    pub text: String,
}

impl PartFile {
    pub(super) fn new(slug: String, TextFile { path, text }: TextFile) -> Self {
        Self { slug, path, text }
    }

    /// A file of these lines of front matter and this text.
    pub fn written(slug: &str, front: &[(&str, &str)], body: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            path: format!("{slug}.md").into(),
            text: front_matter(front, &[], body),
        }
    }

    /// As [`PartFile::written`], with lines that say that these are true.
    pub fn flagged(slug: &str, front: &[(&str, &str)], flags: &[&str], body: &str) -> Self {
        Self {
            text: front_matter(front, flags, body),
            ..Self::written(slug, front, body)
        }
    }

    /// What `front` takes of the front matter, and the text under it: Markdown without raw HTML. None, with every problem
    /// named, where something is wrong; keys that were not taken are wrong, too.
    pub fn read<T>(
        &self,
        problems: &Problems,
        front: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<(T, String)> {
        markdown::read(&self.path, &self.text, problems, front)
    }
}
