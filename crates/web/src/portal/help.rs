//! ヘルプ・お問い合わせ, for everybody at every step: the desk and whether it answers now, where 記号・番号 stand, よくある
//! ご質問, browsers, and the way back.

use crate::portal::documents::{self, Document};
use accounts::Step;
use askama::Template;
use kernel::{Outcome, Way};
use pages::{
    frame::{Frame, Menu},
    markdown, next_path,
    reply::Reply,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "portal/help.html")]
struct HelpPage {
    frame: Frame,
    back: Way,
    documents: Vec<Document>,
    faq_title: String,
    /// Each question to be opened, rendered and tame; empty while there is none.
    faq: String,
    /// True for whoever has lost coverage: not all that it tells of is theirs.
    is_former: bool,
}

/// `GET /portal/help`.
pub(crate) async fn show(mut visit: Visit) -> Reply {
    visit.recognise().await?;
    let faq = tenancy::pages::guide(&visit.services.database, visit.look.tenant_id, "faq").await?;
    let (table, menu) = (&visit.services.table, visit.menu);
    let is_there = |address: &str| !address.starts_with("/portal/") || next_path::is_there(table, menu, address);
    let (faq_title, faq) = faq
        .map(|page| (page.title, markdown::render_folded_for(&page.body, 3, 4, &is_there)))
        .unwrap_or_default();
    visit.html(&HelpPage {
        frame: visit.frame().in_section("/portal/help"),
        back: back(&visit).await,
        documents: documents::of(&visit.look),
        faq_title,
        faq,
        is_former: visit.menu == Menu::Former,
    })
}

/// Back to where this visitor is in the pipeline.
async fn back(visit: &Visit) -> Way {
    match visit.menu {
        Menu::Member | Menu::Former => {
            return Way::new(visit.menu.home(), format!("{}に戻る", visit.menu.home_name()));
        }
        Menu::Waiting => return Way::new("/portal/terms", "利用規約の画面に戻る"),
        Menu::Visitor => {}
    }
    let Some(ticket) = visit.ticket() else {
        return Way::new("/portal/", "ログイン画面に戻る");
    };
    match visit.services.accounts.ticket(&ticket).await {
        Ok(Outcome::Done(view)) => {
            let step = match view.step {
                Step::Account => "/portal/signup/account",
                Step::Code => "/portal/signup/code",
            };
            Way::new(step, "登録の続きに戻る")
        }
        // A finished or lost sign-up; the help itself goes on without it.
        Ok(Outcome::Refused(_)) | Err(_) => Way::new("/portal/", "ログイン画面に戻る"),
    }
}
