//! One row of a route table. The tables mount the routes, feed the documentation and the isolation test; what is not in
//! them does not exist, and there is no row without rights.

use access::{Permission, Scope};
use poem::http::Method;

/// Who may call a route. The mounting code enforces it before a handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Anybody.
    Public,
    /// The holder of a sign-up ticket; the use case checks it.
    Ticket,
    /// A logged-in member, whether or not the terms are accepted: log-out, terms, help.
    Session,
    /// A logged-in member who has accepted the terms in force.
    Member,
    /// Staff whose password is proven and whose second factor is not, or those inside.
    StaffPending,
    /// Staff inside, whatever they may do: home, their own account.
    StaffSession,
    /// Staff who may do this.
    Staff {
        /// What their roles must allow.
        permission: Permission,
        /// True where they must have proven a second factor within ten minutes.
        step_up: bool,
    },
    /// A program that may do this, by a token of its own.
    Client(Scope),
}

impl Rights {
    /// Staff who may do this.
    pub const fn staff(permission: Permission) -> Self {
        Self::Staff {
            permission,
            step_up: false,
        }
    }

    /// Staff who may do this and have just proven a second factor.
    pub const fn staff_proven(permission: Permission) -> Self {
        Self::Staff {
            permission,
            step_up: true,
        }
    }
}

/// What a route reads of a request's body, and how many bytes of it at most. Whatever else is sent is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Nothing,
    /// `application/x-www-form-urlencoded`.
    Form(usize),
    /// `application/json`.
    Json(usize),
    /// `multipart/form-data` with a file, which the handler reads as it comes. Such a route has no parameters, and its form
    /// says in the address for whom it was shown.
    File(u64),
    /// `application/octet-stream`, a file that a program sends, which the handler reads as it comes.
    Stream(u64),
}

impl Body {
    /// Far more than the longest form that is typed.
    pub const FORM: Self = Self::Form(64 * 1024);
    /// Likewise.
    pub const JSON: Self = Self::Json(64 * 1024);
}

/// A route and what serves it: `H` is the shell's own kind of handler.
#[derive(Debug, Clone)]
pub struct Route<H> {
    /// GET answers HEAD too.
    pub method: Method,
    /// `/portal/notices/:id`.
    pub path: &'static str,
    /// The route's name in metrics, documentation and tests, unique in its table.
    pub name: &'static str,
    /// Who may call it.
    pub rights: Rights,
    /// What is read of its body.
    pub body: Body,
    /// True where a post is looked at that no page of ours sent. What it may do must hang on what it brings, never on cookies.
    pub foreign: bool,
    /// The fields of its form that are kept while whoever sent it proves a second factor: the page at the same path shows them.
    pub keeps: &'static [&'static str],
    /// True where it is for members, too, whose coverage has ended and who may read their statements still: what is not does
    /// not exist for them.
    pub for_former: bool,
    /// What serves it.
    pub handler: H,
}

impl<H> Route<H> {
    /// The same form, of which these fields are kept while a second factor is proven.
    #[must_use]
    pub fn keeping(self, fields: &'static [&'static str]) -> Self {
        Self { keeps: fields, ..self }
    }

    /// The same, for members, too, whose coverage has ended and who may read their statements still.
    #[must_use]
    pub fn for_former(self) -> Self {
        Self {
            for_former: true,
            ..self
        }
    }
}

/// True where a path fits a pattern: literally, with `:name` for one segment that is not empty.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(segment)) if expected == segment => {}
            (Some(expected), Some(segment)) if expected.starts_with(':') && !segment.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_parameter_stands_for_one_segment_and_nothing_else_differs() {
        assert!(matches("/portal/", "/portal/"));
        assert!(matches("/portal/notices/:id", "/portal/notices/7"));
        for other in [
            "/portal/notices/",
            "/portal/notices",
            "/portal/notices/7/8",
            "/Portal/notices/7",
        ] {
            assert!(!matches("/portal/notices/:id", other), "{other}");
        }
    }
}
