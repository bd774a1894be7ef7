//! The terms (manual 1-6): what changed first, then the full texts, one box to tick.

use accounts::{Member, TermsChoice, fields};
use askama::Template;
use kernel::{FieldError, Problem, Refusal, calendar, text};
use pages::{
    Table,
    frame::{Frame, Menu},
    markdown, next_path,
    reply::{Reply, see_other},
    visit::{Trouble, Visit, settle},
};

#[derive(Template)]
#[template(path = "portal/terms.html")]
struct TermsPage {
    frame: Frame,
    texts: Vec<TermsText>,
    next: String,
}

struct TermsText {
    title: String,
    revision: i32,
    /// 施行日 in both calendars.
    effective: String,
    /// 変わったところ, for whoever accepted an earlier revision; none in a first one.
    changes: Option<String>,
    /// HTML without anything but text.
    body: String,
    /// What the hidden field names: `service:2`.
    choice: String,
}

impl TermsPage {
    fn any_changes(&self) -> bool {
        self.texts.iter().any(|text| text.changes.is_some())
    }
}

/// What waits for consent; whoever owes none goes on.
pub(super) async fn show(visit: Visit, member: Member) -> Reply {
    if member.consents_due.is_empty() {
        let menu = Menu::of(&member);
        return Ok(see_other(onward(&visit.services.table, menu, visit.query.text("next"))));
    }
    let next = visit.query.text("next").to_owned();
    let again = visit.again().await;
    let shown: Vec<TermsChoice> = again.typed.all("due").filter_map(choice).collect();
    let frame = visit.frame().with_errors(again.errors);
    let page = page(&visit, &member, frame, &next, &shown).await?;
    visit.html(&page)
}

/// 次へ.
pub(super) async fn submit(visit: Visit, member: Member) -> Reply {
    let next = visit.form.text("next").to_owned();
    let agreed = visit.form.get("agree").is_some();
    let choices: Vec<TermsChoice> = visit.form.all("due").filter_map(choice).collect();
    let menu = Menu::after(member.access, false);
    let refusal = if member.consents_due.is_empty() {
        // Sent twice, or accepted in another window.
        None
    } else if agreed {
        settle(visit.services.accounts.consent(&visit.origin, &member, &choices).await).err()
    } else {
        Some(Refusal::field(FieldError::new(fields::AGREE, Problem::NotAgreed)))
    };
    match refusal {
        None => Ok(see_other(onward(&visit.services.table, menu, &next))),
        Some(refusal) => {
            let page = next_path::with_next(&visit.services.table, "/portal/terms", Some(&next));
            Ok(visit.form_again(&refusal, &page, &["due"]).await)
        }
    }
}

async fn page(
    visit: &Visit,
    member: &Member,
    frame: Frame,
    next: &str,
    shown: &[TermsChoice],
) -> Result<TermsPage, Trouble> {
    let texts = visit.services.accounts.terms_to_accept(member, shown).await?;
    let texts = texts.into_iter().map(|text| TermsText {
        choice: format!("{}:{}", text.document, text.revision),
        effective: calendar::date_both(calendar::in_japan(text.effective_at).date_naive()),
        changes: text.changes,
        body: markdown::render_folded(&text.body, 3, 3, true),
        title: text.title,
        revision: text.revision,
    });
    Ok(TermsPage {
        frame,
        texts: texts.collect(),
        next: next_path::allowed(&visit.services.table, next)
            .unwrap_or_default()
            .to_owned(),
    })
}

/// `service:2`.
fn choice(text: &str) -> Option<TermsChoice> {
    let (document, revision) = text.split_once(':')?;
    Some(TermsChoice {
        document: document.to_owned(),
        revision: text::number(revision)?,
    })
}

/// Where whoever has that menu goes on.
fn onward<'a>(table: &Table, menu: Menu, next: &'a str) -> &'a str {
    next_path::allowed_for(table, menu, next).unwrap_or(menu.home())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms_text(changes: Option<&str>, body: &str) -> TermsText {
        TermsText {
            title: "窓口 利用規約".into(),
            revision: 2,
            effective: "2026年（令和8年）4月1日".into(),
            changes: changes.map(str::to_owned),
            body: markdown::render_folded(body, 3, 3, true),
            choice: "service:2".into(),
        }
    }

    #[test]
    fn a_choice_names_a_revision_in_digits() {
        assert_eq!(choice("service:2").map(|choice| choice.revision), Some(2));
        for text in [
            "service:+2",
            "service:-2",
            "service: 2",
            "service:２",
            "service:",
            "service",
        ] {
            assert!(choice(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_changed_comes_before_the_text_and_the_box_before_the_button() {
        let page = TermsPage {
            frame: Frame::new(pages::visit::plain_look(), Menu::Waiting, chrono::DateTime::UNIX_EPOCH),
            texts: vec![terms_text(Some("第4条を改めました。"), "## 第1条（適用）\n\n本文")],
            next: String::new(),
        };
        let page = page.render().unwrap();
        let place = |part: &str| page.find(part).unwrap_or_else(|| panic!("{part}\n{page}"));
        let order = [
            "href=\"#f-agree\"",
            "変わったところ",
            "第4条を改めました。",
            "施行日：2026年（令和8年）4月1日",
            "<details open><summary>\n<h3>第1条（適用）</h3>\n</summary>",
            "name=\"due\" value=\"service:2\"",
            "利用規約に同意する</label>",
            ">次へ</button>",
            ">同意しない（ログアウト）</button>",
            "data-print",
        ];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
        assert!(!page.contains(" checked"));
    }

    #[test]
    fn a_choice_names_document_and_revision_or_nothing() {
        let service = TermsChoice {
            document: "service".into(),
            revision: 2,
        };
        assert_eq!(choice("service:2"), Some(service));
        for other in ["service", "service:", "service:x", ""] {
            assert_eq!(choice(other), None, "{other}");
        }
    }

    #[test]
    fn consent_leads_on_to_own_pages_only() {
        let table = Table::new(crate::portal::rows(&std::sync::Arc::from([])));
        let leads = |menu, next| onward(&table, menu, next);
        assert_eq!(leads(Menu::Member, "/portal/account"), "/portal/account");
        assert_eq!(leads(Menu::Member, "https://evil.example/"), "/portal/mypage");
        // Of those whose coverage has ended only to what is for them.
        for (next, to) in [
            ("/portal/account", "/portal/costs"),
            ("/portal/account/password", "/portal/account/password"),
            ("/portal/help", "/portal/help"),
            ("", "/portal/costs"),
        ] {
            assert_eq!(leads(Menu::Former, next), to, "{next}");
        }
    }
}
