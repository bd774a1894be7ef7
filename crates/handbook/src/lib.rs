//! The handbook. Markdown beside the code, drawn by `cargo doc -p handbook --open` and read just as well where it lies. What
//! the code cites stands here, and this crate's tests fail where the two part.

#![expect(
    clippy::doc_markdown,
    reason = "prose for people: a name of the web or of a standard is no code"
)]

#[doc = include_str!("../architecture.md")]
pub mod architecture {}

#[doc = include_str!("../design.md")]
pub mod design {}

#[doc = include_str!("../errors.md")]
pub mod errors {}

#[doc = include_str!("../pages.md")]
pub mod pages {}

#[doc = include_str!("../access.md")]
pub mod access {}

#[doc = include_str!("../api.md")]
pub mod api {}

#[doc = include_str!("../programs.md")]
pub mod programs {}

#[doc = include_str!("../modules.md")]
pub mod modules {}

#[doc = include_str!("../migrations.md")]
pub mod migrations {}

/// Screens.
pub mod ui {
    #[doc = include_str!("../ui/guide.md")]
    pub mod guide {}
}

#[doc = include_str!("../security.md")]
pub mod security {}

#[allow(
    rustdoc::broken_intra_doc_links,
    reason = "a number in brackets is a source, listed at the page's end"
)]
#[doc = include_str!("../domain.md")]
pub mod domain {}

#[doc = include_str!("../manual.md")]
pub mod manual {}

/// How it is run.
pub mod operations {
    #[doc = include_str!("../operations/units.md")]
    pub mod units {}

    #[doc = include_str!("../operations/watch.md")]
    pub mod watch {}

    #[doc = include_str!("../operations/cluster.md")]
    pub mod cluster {}
}

#[cfg(test)]
mod tests;
