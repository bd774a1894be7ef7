//! メールアドレスの変更: the new address with the present password, then the code that was sent there. Until the code is
//! typed the old address stays.

use crate::portal::{account::ACCOUNT, sign_up_account::written_email};
use accounts::{EmailChange, EmailChangeView, Member, fields, reasons};
use askama::Template;
use kernel::{Refusal, calendar};
use mail::MailState;
use pages::{
    Again, cookies,
    frame::{Errors, Frame},
    reply::{self, Reply},
    visit::{Visit, settle},
};
use poem::Response;

const CODE: &str = "/portal/account/email/code";

#[derive(Template)]
#[template(path = "portal/email_change.html")]
struct AskPage {
    frame: Frame,
    present: String,
    email: String,
    /// A change is waiting for its code.
    waiting: bool,
}

#[derive(Template)]
#[template(path = "portal/email_change_code.html")]
struct CodePage {
    frame: Frame,
    change: EmailChangeView,
    sender: String,
    expires_at: String,
    resend_at: String,
    is_late: bool,
    may_resend: bool,
    /// What became of the mail, where that is worth a word.
    mail: Option<&'static str>,
}

impl CodePage {
    /// True while a new mail can be asked for, and its code be typed.
    fn goes_on(&self) -> bool {
        self.change.code.sends_left > 0 && self.change.code.tries_left > 0
    }
}

/// `GET /portal/account/email`.
pub(crate) async fn show(visit: Visit, member: Member) -> Reply {
    let waiting = visit.services.accounts.email_change(&member).await?;
    let again = visit.again().await;
    let refused = again.is_refused();
    visit.html(&AskPage {
        present: member.email.as_str().to_owned(),
        waiting: waiting.is_some() && !refused,
        email: match waiting {
            Some(change) if !refused => change.email,
            _ => written_email(again.typed.text("email").to_owned()),
        },
        frame: frame(&visit, again),
    })
}

/// `POST /portal/account/email`.
pub(crate) async fn submit(visit: Visit, member: Member) -> Reply {
    let form = EmailChange {
        current_password: visit.form.text("current_password").to_owned(),
        email: visit.form.text("email").to_owned(),
        asked: visit.form.get("asked").map(str::to_owned),
    };
    match settle(visit.services.accounts.change_email(&visit.origin, &member, form).await) {
        Ok(_) => Ok(reply::see_other(CODE)),
        Err(refusal) if refusal.is(reasons::SESSION_ENDED) => Ok(visit.to_log_in()),
        Err(refusal) if refusal.is(reasons::CODES_LOCKED) => Err(refusal.into()),
        Err(refusal) => Ok(visit.form_again(&refusal, "/portal/account/email", &["email"]).await),
    }
}

/// `GET /portal/account/email/code`.
pub(crate) async fn code(visit: Visit, member: Member) -> Reply {
    let change = visit.services.accounts.email_change(&member).await?;
    let Some(change) = change else { return Ok(over(&visit)) };
    let frame = frame(&visit, visit.again().await);
    visit.html(&code_page(&visit, frame, change))
}

/// `POST /portal/account/email/code`.
pub(crate) async fn confirm(visit: Visit, member: Member) -> Reply {
    let typed = visit.form.text("code");
    match settle(
        visit
            .services
            .accounts
            .confirm_email(&visit.origin, &member, typed)
            .await,
    ) {
        Ok(token) => {
            let renewed = cookies::set(cookies::SESSION, &token.reveal(), None);
            let response = reply::with_cookie(reply::see_other(ACCOUNT), renewed);
            Ok(visit.done(response, "メールアドレスを変更しました。"))
        }
        Err(refusal) => refused(visit, &member, refusal).await,
    }
}

/// `POST /portal/account/email/code/resend`.
pub(crate) async fn resend(visit: Visit, member: Member) -> Reply {
    match settle(visit.services.accounts.resend_email_code(&visit.origin, &member).await) {
        Ok(_) => {
            let said = if visit.look.is_sandbox {
                "新しい認証番号を作りました。"
            } else {
                "新しい認証番号をお送りしました。"
            };
            Ok(visit.done(reply::see_other(CODE), said))
        }
        Err(refusal) if refusal.is(reasons::RESEND_TOO_SOON) => Ok(visit.not_yet(&refusal, CODE)),
        Err(refusal) => refused(visit, &member, refusal).await,
    }
}

/// Back to the code's page, or to the beginning where there is no change any more.
async fn refused(visit: Visit, member: &Member, refusal: Refusal) -> Reply {
    if refusal.is(reasons::SESSION_ENDED) {
        return Ok(visit.to_log_in());
    }
    // Nothing that could be typed or pressed here would help.
    if refusal.is(reasons::CODES_LOCKED) {
        return Err(refusal.into());
    }
    if visit.services.accounts.email_change(member).await?.is_none() {
        return Ok(over(&visit));
    }
    Ok(visit.form_again(&refusal, CODE, &[]).await)
}

/// The change was finished a click ago, or waited too long for its code.
fn over(visit: &Visit) -> Response {
    visit.inform(
        reply::see_other(ACCOUNT),
        "メールアドレスの変更は、続きがありません。下のメールアドレスが、今登録されているものです。",
    )
}

/// The usual words, but for what sign-up says of starting again: here the old address simply stays.
fn errors(again: Again) -> Errors {
    if again.is(reasons::CODE_TRIES_USED_UP) {
        return Errors::of_form(
            "この変更は、ここで終わりました",
            "認証番号を5回入力されたため、続けられません。メールアドレスは変わっていません。1時間ほど待ってから、もう一度はじめからお試しください。",
        );
    }
    if again.is(reasons::SENDS_USED_UP) {
        return Errors::of_form(
            "これ以上メールをお送りできません",
            "お送りできる回数を超えました。いちばん新しいメールの認証番号を入力してください。届いていないときは、1時間ほど待ってから、もう一度はじめからお試しください。メールアドレスは変わっていません。",
        );
    }
    again.errors.labelled(&fields::EMAIL, "新しいメールアドレス")
}

fn frame(visit: &Visit, again: Again) -> Frame {
    visit.frame().in_section(ACCOUNT).with_errors(errors(again))
}

fn code_page(visit: &Visit, frame: Frame, change: EmailChangeView) -> CodePage {
    let code = &change.code;
    CodePage {
        frame,
        sender: visit.look.sender.address.as_str().to_owned(),
        expires_at: calendar::moment_or_time(code.expires_at, visit.now),
        resend_at: calendar::from_then_on(code.resend_at, visit.now),
        is_late: code.expires_at <= visit.now,
        may_resend: code.resend_at <= visit.now,
        mail: match code.mail {
            // A minute after it was asked for, a mail is usually there.
            MailState::Queued if code.resend_at <= visit.now => {
                Some("メールをまだお送りできていません。準備ができしだいお送りします。このまま、少しお待ちください。")
            }
            MailState::Queued | MailState::Sent | MailState::Kept => None,
            MailState::Expired if code.sends_left == 0 => None,
            MailState::Expired => {
                Some("混み合っていたため、メールをお送りできませんでした。「再送する」を押してください。")
            }
            MailState::Undeliverable => {
                Some("このメールアドレスには、お送りできませんでした。メールアドレスをお確かめください。")
            }
        },
        change,
    }
}
