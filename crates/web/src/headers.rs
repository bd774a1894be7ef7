//! What a page may load (security.md 44). The headers of every answer are `edge`'s.

/// The policy of a page that wears `style_hash`'s colours: own files only, the one inline style by its hash. There is no
/// report-to: a report carries the page's address, and that may hold a reset link.
pub(crate) fn page_policy(style_hash: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self' {style_hash}; script-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_allows_no_inline_script_and_one_style() {
        let policy = page_policy("'sha256-abc='");
        assert!(policy.starts_with("default-src 'none'; style-src 'self' 'sha256-abc='; script-src 'self';"));
        assert!(!policy.contains("unsafe"));
    }
}
