//! What somebody has asked for, on their page for staff.

use super::path;
use crate::{
    disclosures::{kinds_of, list},
    permissions::DISCLOSURES_MANAGE,
};
use askama::Template;
use database::TenantTransaction;
use kernel::calendar;
use module::{PersonPanel, Shown};
use pages::visit::Trouble;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "console/statements_person_disclosures.html")]
struct Panel {
    path: String,
    lines: Vec<(&'static str, String)>,
}

/// For whoever keeps what people wish, and reaches everybody.
pub(in crate::console) fn panel() -> PersonPanel {
    PersonPanel {
        permission: DISCLOSURES_MANAGE,
        draw: Arc::new(|tx, shown| Box::pin(draw(tx, shown))),
    }
}

async fn draw(tx: &TenantTransaction, shown: &Shown) -> Result<Option<String>, Trouble> {
    if !shown.reaches_all {
        return Ok(None);
    }
    let kinds = kinds_of(&tenancy::insurer_of(tx).await?);
    if kinds.is_empty() {
        return Ok(None);
    }
    let kept = list::of(tx, list::Filter::default(), &[shown.person]).await?;
    let lines = kinds.into_iter().map(|kind| {
        let text = match kept.iter().find(|kept| kept.kind == kind) {
            Some(kept) => {
                let (label, by) = (kept.audience.label(), kept.by.label());
                format!("{label}（{by}、{}）", calendar::moment(kept.at))
            }
            None => "希望はありません".into(),
        };
        (kind.label(), text)
    });
    let panel = Panel {
        path: path(shown.person),
        lines: lines.collect(),
    };
    Ok(Some(panel.render()?))
}
