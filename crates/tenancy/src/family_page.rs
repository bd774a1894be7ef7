//! The page in which an insurer says how families see each other's statements. What somebody's family sees of them unless they
//! object is allowed where it is said beforehand, with whom to tell (個人情報保護委員会 Q&A 問345).

use crate::{FamilyDefault, Feature, FeatureState, Settings, pages};
use database::{DatabaseError, TenantTransaction};
use kernel::{Reason, RefusalKind, Words};

/// Its name in addresses.
pub(crate) const SLUG: &str = "family-statements";

/// The settings would show families what no page of the insurer's says.
pub const FAMILY_NOT_TOLD: Reason = Reason {
    code: "family_not_told",
    kind: RefusalKind::Mend,
    detail: "Families may see each other's statements once the page family-statements names them and the desk's phone number.",
    words: |_, _| {
        Words::new(
            "ご家族への表示を始める前に、案内のページが必要です",
            "「ご家族への明細の表示について」のページに、ご家族に表示することと、お問い合わせ窓口の今の電話番号が書かれている必要があります。\
             ページを用意するには、運営にお問い合わせください。",
            &[],
        )
    },
};

/// A statement that families see unless somebody objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Whose it is.
    pub(crate) feature: Feature,
    /// The setting by which it is so.
    pub(crate) key: &'static str,
}

/// What families are shown by these settings.
pub(crate) fn shown(settings: &Settings) -> Vec<Shown> {
    let statements = &settings.statements;
    let both = [
        (Feature::CostStatements, statements.costs_family, "costs_family"),
        (Feature::GenericSavings, statements.medicines_family, "medicines_family"),
    ];
    let is_shown = |(feature, family, _): &(Feature, FamilyDefault, &str)| {
        *family == FamilyDefault::Household && settings.modules.wished(*feature) == FeatureState::Open
    };
    let shown = both.into_iter().filter(is_shown);
    shown.map(|(feature, _, key)| Shown { feature, key }).collect()
}

/// What the page's text has to name and doesn't.
pub(crate) fn unnamed<'a>(text: &str, settings: &'a Settings) -> Vec<&'a str> {
    let named = ["ご家族", settings.desk.phone.as_str()];
    named.into_iter().filter(|named| !text.contains(named)).collect()
}

/// Why a change is refused by which families come to see what they did not, where the insurer's page doesn't say so.
pub(crate) async fn refusal(
    tx: &mut TenantTransaction,
    before: &Settings,
    after: &Settings,
) -> Result<Option<Reason>, DatabaseError> {
    let known = shown(before);
    if shown(after).iter().all(|shown| known.contains(shown)) {
        return Ok(None);
    }
    let page = pages::page(tx, SLUG).await?;
    let is_told = page.is_some_and(|page| unnamed(&[page.title, page.body].concat(), after).is_empty());
    Ok((!is_told).then_some(FAMILY_NOT_TOLD))
}
