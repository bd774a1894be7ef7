//! What a page may load (security.md 44). The headers of every answer are `edge`'s.

/// Where browsers report what a page's policy kept from loading. Ours, so a page's address in a report goes nowhere but
/// where the page came from.
pub const REPORTS: &str = "/csp-reports";

/// `Reporting-Endpoints` of a page: what its policy calls `csp`.
pub fn reporting_endpoints() -> String {
    format!("csp=\"{REPORTS}\"")
}

/// The policy of a page that wears `style_hash`'s colours: own files only, the one inline style by its hash.
pub fn page_policy(style_hash: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self' {style_hash}; script-src 'self'; img-src 'self'; form-action 'self'; \
         report-to csp; base-uri 'none'; frame-ancestors 'none'"
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
