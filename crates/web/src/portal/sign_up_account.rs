//! Sign-up, step 2: user ID, password, e-mail address (manual 1-3).

use crate::portal::sign_up::OVER;
use crate::portal::sign_up::{Draft, restart};
use accounts::{AccountForm, TicketView, reasons};
use askama::Template;
use kernel::{EmailAddress, Outcome, UserId};
use pages::{
    cookies, error_pages,
    frame::Frame,
    reply::{Reply, see_other},
    visit::{Visit, settle},
    words,
};
use std::sync::Arc;

/// This page's path.
pub(super) const ACCOUNT: &str = "/portal/signup/account";

#[derive(Template)]
#[template(path = "portal/sign_up_account.html")]
struct AccountPage {
    frame: Frame,
    /// 記号 and 番号; none while the database is away, when the page is shown only to keep what was typed.
    member: Option<(String, String)>,
    /// The mask of the insurer's address, which can't be edited here.
    email_hint: Option<String>,
    user_id: String,
    email: String,
    user_id_rule: String,
    password_rule: String,
}

impl AccountPage {
    fn new(visit: &Visit, frame: Frame, view: Option<TicketView>, user_id: String, email: String) -> Self {
        Self {
            frame,
            email_hint: view.as_ref().and_then(|view| view.email_hint.clone()),
            member: view.map(|view| (view.symbol, view.number)),
            user_id: UserId::typed(&user_id).map_or(user_id, |taken| taken.as_str().to_owned()),
            email: written_email(email),
            user_id_rule: words::user_id_rule(),
            password_rule: words::password_rule(visit.look.password.minimum_length),
        }
    }
}

/// An address as it is taken, where it is one; else as typed, with nothing cut off.
pub(super) fn written_email(typed: String) -> String {
    EmailAddress::parse(&typed).map_or(typed, |taken| taken.as_str().to_owned())
}

/// The form, with what was typed before.
pub(super) async fn show(mut visit: Visit) -> Reply {
    let Some(ticket) = visit.ticket() else {
        return Ok(restart(&visit, &reasons::TICKET_EXPIRED.into()));
    };
    let again = visit.again().await;
    let view = match visit.services.accounts.ticket(&ticket).await {
        Ok(Outcome::Done(view)) => Some(view),
        Ok(Outcome::Refused(refusal)) if refusal.is_any(&OVER) => {
            return Ok(restart(&visit, &refusal));
        }
        Ok(Outcome::Refused(refusal)) => return Err(refusal.into()),
        Err(outage) if again.is_refused() => {
            edge::outage(&outage);
            None
        }
        Err(outage) => return Err(outage.into()),
    };
    if let Some(view) = &view {
        visit.look = Arc::clone(&view.insurer);
    }
    let (user_id, email) = if again.is_refused() {
        (
            again.typed.text("user_id").to_owned(),
            again.typed.text("email").to_owned(),
        )
    } else {
        let draft: Draft = visit.recall(cookies::DRAFT).unwrap_or_default();
        let held = |field: fn(&TicketView) -> Option<&str>| view.as_ref().and_then(field);
        (
            newest(draft.user_id, held(|view| view.user_id.as_deref())),
            newest(draft.email, held(|view| view.email.as_deref())),
        )
    };
    let frame = visit.frame().with_errors(again.errors);
    visit.html(&AccountPage::new(&visit, frame, view, user_id, email))
}

/// 作成する, or 戻る.
pub(super) async fn submit(mut visit: Visit) -> Reply {
    if visit.form.text("act") == "back" {
        return Ok(back(&visit));
    }
    let Some(ticket) = visit.ticket() else {
        return Ok(restart(&visit, &reasons::TICKET_EXPIRED.into()));
    };
    let form = AccountForm {
        user_id: visit.form.text("user_id").to_owned(),
        password: visit.form.text("password").to_owned(),
        email: visit.form.get("email").map(str::to_owned),
        asked: visit.form.get("asked").map(str::to_owned),
    };
    match settle(visit.services.accounts.create(&visit.origin, &ticket, form).await) {
        Ok(_) => Ok(taken(&visit)),
        Err(refusal) if refusal.is_any(&OVER) => Ok(restart(&visit, &refusal)),
        // Nothing that could be mended here would help.
        Err(refusal) if refusal.is(reasons::CODES_LOCKED) => {
            if let Ok(view) = settle(visit.services.accounts.ticket(&ticket).await) {
                visit.look = view.insurer;
            }
            Ok(error_pages::page(visit.frame(), &refusal.into(), visit.now))
        }
        Err(refusal) => Ok(visit.form_again(&refusal, ACCOUNT, &["user_id", "email"]).await),
    }
}

/// What 戻る kept is newer than what was taken before: a correction half made is not lost by going back.
fn newest(kept: String, taken: Option<&str>) -> String {
    if kept.is_empty() {
        taken.unwrap_or_default().to_owned()
    } else {
        kept
    }
}

/// On to the code. What 戻る kept is over: the ticket has it now.
fn taken(visit: &Visit) -> poem::Response {
    let response = see_other("/portal/signup/code");
    let Some(before) = visit.recall::<Draft>(cookies::DRAFT) else {
        return response;
    };
    let draft = Draft {
        identity: before.identity,
        ..Draft::default()
    };
    visit.remember(response, cookies::DRAFT, &draft, cookies::TICKET_SECONDS)
}

fn back(visit: &Visit) -> poem::Response {
    let before: Draft = visit.recall(cookies::DRAFT).unwrap_or_default();
    let draft = Draft {
        user_id: visit.form.text("user_id").to_owned(),
        email: visit.form.text("email").to_owned(),
        ..before
    };
    visit.remember(
        see_other("/portal/signup?back=1"),
        cookies::DRAFT,
        &draft,
        cookies::TICKET_SECONDS,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use accounts::fields;
    use chrono::DateTime;
    use kernel::{FieldError, Problem, Refusal};
    use pages::{
        frame::{Errors, Menu},
        visit::plain_look,
    };

    fn page(hint: Option<&str>, refusal: Option<&Refusal>) -> String {
        let now = DateTime::UNIX_EPOCH;
        let errors = refusal.map(|refusal| Errors::new(refusal, now)).unwrap_or_default();
        let page = AccountPage {
            frame: Frame::new(plain_look(), Menu::Visitor, now).with_errors(errors),
            member: Some(("公立学校".into(), "105".into())),
            email_hint: hint.map(str::to_owned),
            user_id: "taro-\"nara".into(),
            email: "taro@example.jp".into(),
            user_id_rule: words::user_id_rule(),
            password_rule: words::password_rule(8),
        };
        page.render().unwrap()
    }

    #[test]
    fn both_rules_stand_before_the_fields_and_the_buttons_say_what_the_manual_says() {
        let page = page(None, None);
        for part in [
            "公立学校",
            "105",
            "ユーザーID",
            "autocomplete=\"new-password\"",
            "type=\"email\"",
            ">作成する</button>",
            ">戻る</button>",
            "6文字以上50文字以内",
            "8文字以上20文字以内",
            "value=\"taro-&#34;nara\"",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(page.contains("<title>ユーザーIDの作成（ステップ2／3）｜"));
    }

    #[test]
    fn the_insurers_address_is_shown_masked_and_is_no_field() {
        let page = page(Some("s***o@ex***.jp"), None);
        assert!(page.contains("s***o@ex***.jp") && !page.contains("name=\"email\""));
    }

    #[test]
    fn what_is_to_be_mended_stands_in_the_title_the_summary_and_beside_its_field() {
        let refused = Refusal::fields(vec![
            FieldError::new(fields::USER_ID, Problem::UserIdTaken),
            FieldError::new(fields::PASSWORD, Problem::PasswordCommon),
        ]);
        let page = page(None, Some(&refused));
        assert!(page.contains("<title>エラー：ユーザーIDの作成"));
        assert!(page.contains("入力内容を確認してください（2件）"));
        assert!(page.contains("<a href=\"#f-password\">") && page.contains("id=\"m-password\""));
        assert!(page.contains("aria-invalid=\"true\" aria-describedby=\"h-user_id m-user_id\""));
        assert!(page.contains("このユーザーIDは、すでに使われています"));
    }
}
