//! ヘルプ・お問い合わせ, for everybody at every step: the desk and whether it answers now, where 記号・番号 stand, よくある
//! ご質問, browsers, and the way back.

use accounts::Step;
use askama::Template;
use kernel::{Outcome, Way};
use pages::{
    frame::{Frame, Menu},
    markdown,
    reply::Reply,
    visit::Visit,
};
use tenancy::MemberDocument;

#[derive(Template)]
#[template(path = "portal/help.html")]
struct HelpPage {
    frame: Frame,
    back: Way,
    documents: Vec<(&'static str, &'static str)>,
    faq_title: String,
    /// Rendered and tame; empty while there is none.
    faq: String,
    /// The subjects of the questions, as the links to them: it is a long list.
    subjects: Vec<Subject>,
}

struct Subject {
    id: String,
    /// Rendered and tame.
    title: String,
}

/// `GET /portal/help`.
pub(crate) async fn show(mut visit: Visit) -> Reply {
    visit.recognise().await?;
    let faq = tenancy::pages::guide(&visit.services.database, visit.look.tenant_id, "faq").await?;
    let (faq_title, faq) = faq
        .map(|page| (page.title, markdown::render(&page.body, 3)))
        .unwrap_or_default();
    let (faq, subjects) = with_subjects(&faq);
    let documents = match visit.look.member_documents.as_slice() {
        [] => MemberDocument::ALL,
        own => own,
    };
    visit.html(&HelpPage {
        frame: visit.frame().in_section("/portal/help"),
        back: back(&visit).await,
        documents: documents
            .iter()
            .map(|document| (document.label(), where_on(*document)))
            .collect(),
        faq_title,
        faq,
        subjects,
    })
}

/// Gives each subject's heading an address on the page.
fn with_subjects(faq: &str) -> (String, Vec<Subject>) {
    let mut parts = faq.split("<h3>");
    let mut page = parts.next().unwrap_or_default().to_owned();
    let mut subjects = Vec::new();
    for (index, part) in parts.enumerate() {
        let id = format!("faq-{index}");
        page.extend(["<h3 id=\"", &id, "\" tabindex=\"-1\">", part]);
        let title = part.split("</h3>").next().unwrap_or_default().to_owned();
        subjects.push(Subject { id, title });
    }
    (page, subjects)
}

/// Back to where this visitor is in the pipeline.
async fn back(visit: &Visit) -> Way {
    match visit.menu {
        Menu::Member => return Way::new("/portal/mypage", "マイページに戻る"),
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

/// Where on the document 記号・番号 stand (no card is valid any more: domain.md §3).
fn where_on(document: MemberDocument) -> &'static str {
    match document {
        MemberDocument::MynaPortal => {
            "マイナポータルにログインし、「健康保険証」の項目を開くと、記号と番号が表示されます。"
        }
        MemberDocument::EligibilityNotice => {
            "ご加入の保険者からお送りした書面です。「記号」「番号」の欄をご覧ください。"
        }
        MemberDocument::EligibilityCertificate => {
            "マイナ保険証をお持ちでない方などにお送りした書面またはカードです。「記号」「番号」の欄をご覧ください。"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_of_the_questions_can_be_jumped_to() {
        let (page, subjects) = with_subjects(&markdown::render(
            "はじめに\n\n## 登録 & ID\n\n### 何が要りますか\n\n## メール",
            3,
        ));
        assert!(
            page.starts_with("<p>はじめに</p>\n<h3 id=\"faq-0\" tabindex=\"-1\">登録 &amp; ID</h3>"),
            "{page}"
        );
        assert!(page.contains("<h3 id=\"faq-1\" tabindex=\"-1\">メール</h3>"));
        let links: Vec<(&str, &str)> = subjects
            .iter()
            .map(|one| (one.id.as_str(), one.title.as_str()))
            .collect();
        assert_eq!(links, [("faq-0", "登録 &amp; ID"), ("faq-1", "メール")]);
        assert_eq!(with_subjects("").0, "");
    }
}
