//! Where a statement's links lead: to the member's own pages, or to those on which staff look at the same.

use pages::forms::encode;
use std::fmt::Display;

/// The addresses of statements.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ways {
    /// Of the pages on which staff look at somebody's; none of the portal's.
    preview: Option<String>,
    /// What each of those addresses says besides.
    kept: Vec<(&'static str, String)>,
}

impl Ways {
    /// To pages below an address, each of which is told these.
    pub(crate) fn below(base: String, kept: Vec<(&'static str, String)>) -> Self {
        Self {
            preview: Some(base),
            kept,
        }
    }

    /// True where the rest of the portal is open, too.
    pub(crate) fn is_portal(&self) -> bool {
        self.preview.is_none()
    }

    /// What a form that narrows a statement sends besides.
    pub(crate) fn kept(&self) -> &[(&'static str, String)] {
        &self.kept
    }

    /// 医療費通知, without what is asked of it.
    pub(crate) fn costs(&self) -> String {
        self.to("/costs", &[])
    }

    /// A form's address, whose fields come behind it.
    pub(crate) fn costs_form(&self) -> String {
        self.path("/costs")
    }

    /// Of a year.
    pub(crate) fn costs_of(&self, year: &impl Display) -> String {
        self.to("/costs", &[("year", year.to_string())])
    }

    /// Of a month.
    pub(crate) fn costs_month(&self, month: &impl Display) -> String {
        self.to(&format!("/costs/{month}"), &[])
    }

    /// Of a year for the tax return.
    pub(crate) fn tax(&self, year: &impl Display) -> String {
        self.to(&format!("/costs/tax/{year}"), &[])
    }

    /// ジェネリック差額明細.
    pub(crate) fn medicines(&self) -> String {
        self.to("/medicines", &[])
    }

    /// A form's address, whose fields come behind it.
    pub(crate) fn medicines_form(&self) -> String {
        self.path("/medicines")
    }

    /// Of a month.
    pub(crate) fn medicines_month(&self, month: &impl Display) -> String {
        self.to(&format!("/medicines/{month}"), &[])
    }

    fn path(&self, place: &str) -> String {
        let base = self.preview.as_deref().unwrap_or("/portal");
        format!("{base}{place}")
    }

    fn to(&self, place: &str, asked: &[(&'static str, String)]) -> String {
        let fields = asked.iter().chain(&self.kept);
        let query: Vec<String> = fields
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let begin = if query.is_empty() { "" } else { "?" };
        format!("{}{begin}{}", self.path(place), query.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::month::Month;

    #[test]
    fn links_lead_to_where_the_statement_is_read() {
        let month = Month::parse("2026-06").unwrap();
        let own = Ways::default();
        assert_eq!(own.costs(), "/portal/costs");
        assert_eq!(own.costs_of(&2026), "/portal/costs?year=2026");
        assert_eq!(own.medicines_month(&month), "/portal/medicines/2026-06");
        let kept = vec![("reason", "inquiry".to_owned()), ("delivery", "3".to_owned())];
        let staffs = Ways::below("/console/p".into(), kept);
        assert_eq!(
            staffs.costs_of(&2026),
            "/console/p/costs?year=2026&reason=inquiry&delivery=3"
        );
        assert_eq!(staffs.tax(&2026), "/console/p/costs/tax/2026?reason=inquiry&delivery=3");
        assert_eq!(staffs.costs_form(), "/console/p/costs");
    }
}
