//! 上手な医療のかかり方 and 上手なお薬との付き合い: the insurer's own page, else the platform's. And what the insurer says of how families
//! see each other's statements, which stands in no menu.

mod portal;

use ground::Ground;
use module::{Module, Opening};
use pages::member;
use poem::http::Method;
use tenancy::Feature;

/// The features, each with its page's slug and path.
const GUIDES: [(Feature, &str, &str); 2] = [
    (Feature::MedicalGuide, "medical-guide", "/portal/guides/medical-guide"),
    (
        Feature::MedicineGuide,
        "medicine-guide",
        "/portal/guides/medicine-guide",
    ),
];

/// What is said of families' statements.
const FAMILY: &str = "family-statements";
/// The features that it is about, each with its page and what that is called.
const OF_FAMILIES: [(Feature, &str, &str); 2] = [
    (Feature::CostStatements, "/portal/costs", "医療費通知"),
    (Feature::GenericSavings, "/portal/medicines", "ジェネリック差額明細"),
];

/// The module.
pub fn module(ground: &Ground) -> Module {
    let database = ground.database.clone();
    Module {
        name: "guides",
        portal: vec![member(
            Method::GET,
            "/portal/guides/:slug",
            "guides",
            move |visit, member| portal::show(database.clone(), visit, member),
        )],
        openings: GUIDES
            .into_iter()
            .map(|(feature, _, path)| Opening { feature, path })
            .collect(),
        ..Module::default()
    }
}
