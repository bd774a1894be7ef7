//! Sign-up, step 3: the code from the mail (manual 1-4).

use crate::{
    browser::Browser,
    portal::{
        log_in::folded,
        sign_up::{DONE, OVER, restart},
        sign_up_account::ACCOUNT,
    },
};
use accounts::{CodeView, Step, TicketView, fields, reasons};
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::{Outcome, Refusal, TenantSecret, calendar, outcome};
use mail::MailState;
use pages::{
    cookies, error_pages,
    frame::Frame,
    reply::{self, Reply, see_other},
    visit::{Trouble, Visit, settle},
    words,
};
use poem::Response;
use std::sync::Arc;

/// This page's path.
const CODE: &str = "/portal/signup/code";

/// The form, or that it leads nowhere any more.
#[derive(Template)]
#[template(path = "portal/sign_up_code.html")]
struct CodePage {
    frame: Frame,
    sent_to: String,
    unusual: bool,
    /// False where the insurer registered the address, or no mail could go to another.
    can_change_address: bool,
    expires: String,
    is_late: bool,
    /// When the next mail may be asked for, while that is still to come.
    resend_at: Option<String>,
    sends_left: u32,
    /// What became of the mail, where it is not simply sent.
    mail: Option<&'static str>,
}

impl CodePage {
    /// True where the last code that could be sent can't be typed any more.
    fn is_over(&self) -> bool {
        self.is_late && self.sends_left == 0
    }
}

/// The form, whenever somebody comes back to it.
pub(super) async fn show(mut visit: Visit) -> Reply {
    match view(&mut visit).await? {
        Ok((view, code)) => {
            let mut page = page(&visit, visit.frame(), &view, &code);
            if !page.is_over() {
                page.frame = page.frame.with_errors(visit.again().await.errors);
            }
            visit.html(&page)
        }
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// OK.
pub(super) async fn submit(visit: Visit) -> Reply {
    let Some(ticket) = visit.ticket() else {
        return Ok(restart(&visit, &reasons::TICKET_EXPIRED.into()));
    };
    let typed = visit.form.text("code");
    match settle(visit.services.accounts.confirm(&visit.origin, &ticket, typed).await) {
        Ok(registered) => {
            let response = see_other("/portal/");
            let response = reply::with_cookie(response, cookies::clear(cookies::DRAFT));
            let response = reply::with_cookie(
                response,
                cookies::set(cookies::TICKET, DONE, Some(cookies::TICKET_SECONDS)),
            );
            let user_id = registered.user_id.as_str();
            // Whoever proved the address here is no stranger to the user ID, whatever was guessed at it before.
            let browser = Browser::of(&visit, cookies::DEVICE).with(folded(user_id).as_deref());
            let response = visit.remember(response, cookies::DEVICE, &browser, cookies::LONGEST_SECONDS);
            Ok(visit.remember(response, cookies::REGISTERED, &user_id, cookies::REGISTERED_SECONDS))
        }
        Err(refusal) => refused(visit, refusal).await,
    }
}

/// 再送する.
pub(super) async fn resend(visit: Visit) -> Reply {
    let Some(ticket) = visit.ticket() else {
        return Ok(restart(&visit, &reasons::TICKET_EXPIRED.into()));
    };
    match settle(visit.services.accounts.resend(&visit.origin, &ticket).await) {
        Ok(_) => {
            let made = if visit.look.is_sandbox {
                "新しい認証番号を作りました"
            } else {
                "認証番号をもう一度お送りしました"
            };
            let said = format!("{made}。いちばん新しいメールの番号を入力してください。");
            Ok(visit.done(see_other(CODE), said))
        }
        Err(refusal) if refusal.is(reasons::RESEND_TOO_SOON) => Ok(visit.not_yet(&refusal, CODE)),
        Err(refusal) => refused(visit, refusal).await,
    }
}

/// Back to the page with what was refused; back to the start where the ticket is over.
async fn refused(mut visit: Visit, refusal: Refusal) -> Reply {
    if refusal.is_any(&OVER) {
        return Ok(restart(&visit, &refusal));
    }
    if refusal.is(reasons::STEP_MISSING) {
        return Ok(see_other(ACCOUNT));
    }
    // The account may be made, and the ticket over with it: the same code once more tells, and must find its ticket.
    if refusal.is(outcome::UNCONFIRMED) {
        return Ok(error_pages::page(visit.frame(), &refusal.into(), visit.now));
    }
    // The user ID was lost meanwhile, and its field is on the page before.
    if let Some(error) = refusal.fields.iter().find(|error| error.field == fields::USER_ID) {
        return Ok(visit.inform(see_other(ACCOUNT), format!("{}。", words::problem(error))));
    }
    match view(&mut visit).await? {
        // Nothing that could be typed or pressed here would help.
        Ok(_) if refusal.is(reasons::CODES_LOCKED) => Ok(error_pages::page(visit.frame(), &refusal.into(), visit.now)),
        Ok(_) => Ok(visit.form_again(&refusal, CODE, &[]).await),
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// Where the ticket stands; elsewhere, if it is not at this step.
async fn view(visit: &mut Visit) -> Result<Result<(TicketView, CodeView), Response>, Trouble> {
    let Some(ticket): Option<TenantSecret> = visit.ticket() else {
        return Ok(Err(restart(visit, &reasons::TICKET_EXPIRED.into())));
    };
    match visit.services.accounts.ticket(&ticket).await? {
        Outcome::Done(mut view) => {
            visit.look = Arc::clone(&view.insurer);
            match (view.step, view.code.take()) {
                (Step::Code, Some(code)) => Ok(Ok((view, code))),
                _ => Ok(Err(see_other(ACCOUNT))),
            }
        }
        Outcome::Refused(refusal) if refusal.is_any(&OVER) => Ok(Err(restart(visit, &refusal))),
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}

fn page(visit: &Visit, frame: Frame, view: &TicketView, code: &CodeView) -> CodePage {
    CodePage {
        frame,
        sent_to: code.sent_to.clone(),
        unusual: code.unusual,
        can_change_address: view.email_hint.is_none() && code.sends_left > 0,
        expires: calendar::moment_or_time(code.expires_at, visit.now),
        is_late: code.expires_at <= visit.now,
        resend_at: (code.sends_left > 0 && code.resend_at > visit.now)
            .then(|| calendar::from_then_on(code.resend_at, visit.now)),
        sends_left: code.sends_left,
        mail: mail_words(code, visit.now),
    }
}

/// What somebody who waits for the mail should know; nothing while all goes as it should.
fn mail_words(code: &CodeView, now: DateTime<Utc>) -> Option<&'static str> {
    match code.mail {
        // A minute after it was asked for, a mail is usually there.
        MailState::Queued if now >= code.resend_at => Some(
            "混み合っていて、メールをまだお送りできていません。準備ができしだいお送りします。このまま、しばらくお待ちください。",
        ),
        MailState::Sent | MailState::Queued | MailState::Kept => None,
        MailState::Expired => Some(
            "混み合っていて、有効期限までにメールをお送りできませんでした。「再送する」を押すと、新しい番号をお送りします。",
        ),
        MailState::Undeliverable => Some(
            "このメールアドレスには、お届けできませんでした。メールアドレスをお確かめください。お困りのときは、下のお問い合わせ窓口へお電話ください。",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use pages::{
        frame::{Errors, Menu},
        visit::plain_look,
    };

    fn code(mail: MailState) -> CodeView {
        let now = DateTime::UNIX_EPOCH;
        CodeView {
            sent_to: "taro@example.jp".into(),
            unusual: true,
            expires_at: now + TimeDelta::minutes(10),
            resend_at: now + TimeDelta::minutes(1),
            sends_left: 5,
            tries_left: 5,
            mail,
        }
    }

    #[test]
    fn the_page_says_what_the_manual_says_and_how_to_go_on_without_a_mail() {
        let now = DateTime::UNIX_EPOCH;
        let code = code(MailState::Sent);
        let wrong = Refusal {
            left: Some(4),
            ..reasons::CODE_WRONG.into()
        };
        let page = CodePage {
            frame: Frame::new(plain_look(), Menu::Visitor, now).with_errors(Errors::new(&wrong, now)),
            sent_to: code.sent_to.clone(),
            unusual: code.unusual,
            can_change_address: true,
            expires: calendar::moment_or_time(code.expires_at, now),
            is_late: false,
            resend_at: Some(calendar::from_then_on(code.resend_at, now)),
            sends_left: code.sends_left,
            mail: mail_words(&code, now),
        };
        let page = page.render().unwrap();
        for part in [
            "登録したメールアドレスに認証番号を送信しました。",
            "9時10分まで",
            "taro@example.jp",
            "autocomplete=\"one-time-code\"",
            ">OK</button>",
            ">再送する</button>",
            ">メールアドレスを直す</a>",
            "迷惑メールのフォルダー",
            "認証番号が届かない場合があります",
            "あと4回入力できます",
            "href=\"#f-code\"",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }

    #[test]
    fn a_mail_that_does_not_come_is_explained_in_time() {
        let (now, later) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::minutes(2));
        assert_eq!(mail_words(&code(MailState::Sent), later), None);
        assert_eq!(mail_words(&code(MailState::Queued), now), None);
        assert!(mail_words(&code(MailState::Queued), later).is_some());
        assert!(mail_words(&code(MailState::Expired), now).is_some_and(|words| words.contains("再送する")));
        assert!(mail_words(&code(MailState::Undeliverable), now).is_some());
    }
}
