//! `/console/members/:id/email`: the address of a member's account, set for them. The new address proves itself by a code,
//! the old one is told at once, and it counts after a day.

use super::actions::{look, without_account};
use crate::{
    Members,
    subject::{Subject, desk},
};
use accounts::{DeskEmailChange, email_difference, fields, reasons};
use approvals::{Action, Asked, WAITS};
use askama::Template;
use chrono::{DateTime, Utc};
use kernel::{EmailAddress, FieldError, Outcome, Reason, Refusal, RefusalKind, Words, calendar, outcome};
use mail::MailState;
use pages::{
    Again, Reply, Visit, Waits,
    frame::{Errors, Frame},
    reply::see_other,
    visit::Trouble,
    words::mailed,
};
use poem::Response;
use staff::Clerk;

/// Nothing would change.
const UNCHANGED: Reason = Reason {
    code: "email_unchanged",
    kind: RefusalKind::Mend,
    detail: "The account has this address already.",
    words: |_, _| {
        Words::new(
            "メールアドレスを確認してください",
            "今と同じメールアドレスです。新しいメールアドレスを入力してください。",
            &[],
        )
    },
};

#[derive(Template)]
#[template(path = "console/member_email.html")]
struct EmailPage {
    frame: Frame,
    name: String,
    back: String,
    path: String,
    code_path: String,
    cancel_path: String,
    present: String,
    email: String,
    waiting: Option<Waiting>,
    /// The member has stopped the last change.
    stopped: Option<String>,
}

/// A change under way.
struct Waiting {
    email: String,
    counts_at: String,
    is_proven: bool,
    expires_at: String,
    is_late: bool,
    tries_left: u32,
    is_undeliverable: bool,
}

impl Waiting {
    fn new(change: DeskEmailChange, now: DateTime<Utc>) -> Self {
        Self {
            email: change.email,
            counts_at: calendar::moment(change.counts_at),
            is_proven: change.is_proven,
            expires_at: calendar::moment_or_time(change.code.expires_at, now),
            is_late: change.code.expires_at <= now,
            tries_left: change.code.tries_left,
            is_undeliverable: change.code.mail == MailState::Undeliverable,
        }
    }

    /// A code can still be typed.
    fn goes_on(&self) -> bool {
        !self.is_proven && self.tries_left > 0
    }
}

/// `GET /console/members/:id/email`.
pub(crate) async fn show(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let accounts = &visit.services.accounts;
    let mut subject = members.subject(accounts, &visit, &clerk).await?;
    let Some(held) = subject.account.take() else {
        return Ok(without_account(&visit, &subject));
    };
    let change = accounts.desk_email(&mut subject.tx, held.account_id).await?;
    let stopped = accounts.desk_email_stopped(&subject.tx, held.account_id).await?;
    let about = [(Action::MemberMail, held.account_id.0)];
    let waits = Waits::about(&subject.tx, visit.now, &clerk, &about).await?;
    let again = visit.again().await;
    let page = EmailPage {
        stopped: stopped.map(super::person::stopped),
        name: subject.facts.person.called(),
        back: subject.page(),
        path: path(&subject),
        code_path: format!("{}/code", path(&subject)),
        cancel_path: format!("{}/cancel", path(&subject)),
        present: held.email,
        email: again.typed.text("email").to_owned(),
        waiting: change.map(|change| Waiting::new(change, visit.now)),
        frame: visit
            .frame()
            .in_section("/console/members")
            .with_errors(errors(again))
            .with_waits(waits),
    };
    look(subject, &visit, &clerk).await?;
    visit.html(&page)
}

/// `POST /console/members/:id/email`.
pub(crate) async fn ask(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let accounts = &visit.services.accounts;
    let mut subject = members.subject(accounts, &visit, &clerk).await?;
    let Some(held) = subject.account.take() else {
        return Ok(without_account(&visit, &subject));
    };
    let page = path(&subject);
    let email = match wanted(visit.form.text("email"), &held.email) {
        Ok(email) => email,
        Err(refusal) => return Ok(visit.form_again(&refusal, &page, &["email"]).await),
    };
    let (by, what) = (desk(&visit, &clerk), (held.account_id, &email));
    let approvals = visit.services.staff.approvals();
    let outcome = accounts
        .ask_desk_email(&mut subject.tx, approvals, (by, clerk.staff_id), what)
        .await?;
    subject.tx.commit().await?;
    match outcome {
        Outcome::Done(Asked::Waits(_)) => Ok(visit.inform(see_other(&page), WAITS)),
        Outcome::Done(Asked::GoesOn) => {
            let said = mailed(&visit.look, "新しいメールアドレスに、認証番号をお送りしました。");
            Ok(visit.done(see_other(&page), said))
        }
        Outcome::Refused(refusal) => refused(&visit, refusal, &page).await,
    }
}

/// The address, where it is one and another than the present.
fn wanted(typed: &str, present: &str) -> Result<EmailAddress, Refusal> {
    let email =
        EmailAddress::parse(typed).map_err(|problem| Refusal::field(FieldError::new(fields::EMAIL, problem)))?;
    let is_other = |(_, before, after): &(String, String, String)| before != after;
    if email_difference(present, &email).iter().any(is_other) {
        Ok(email)
    } else {
        Err(UNCHANGED.into())
    }
}

/// `POST /console/members/:id/email/code`.
pub(crate) async fn prove(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let accounts = &visit.services.accounts;
    let mut subject = members.subject(accounts, &visit, &clerk).await?;
    let Some(held) = subject.account.take() else {
        return Ok(without_account(&visit, &subject));
    };
    let page = path(&subject);
    let what = (held.account_id, visit.form.text("code"));
    let outcome = accounts
        .prove_desk_email(&mut subject.tx, desk(&visit, &clerk), what)
        .await?;
    subject.tx.commit().await?;
    match outcome {
        Outcome::Done(counts_at) => {
            let text = format!("確認しました。{}以降に変わります。", calendar::moment(counts_at));
            Ok(visit.done(see_other(&page), text))
        }
        Outcome::Refused(refusal) => refused(&visit, refusal, &page).await,
    }
}

/// `POST /console/members/:id/email/cancel`.
pub(crate) async fn cancel(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let accounts = &visit.services.accounts;
    let mut subject = members.subject(accounts, &visit, &clerk).await?;
    let Some(held) = subject.account.take() else {
        return Ok(without_account(&visit, &subject));
    };
    let page = path(&subject);
    let by = desk(&visit, &clerk);
    let cancelled = accounts.cancel_desk_email(&mut subject.tx, by, held.account_id).await?;
    subject.tx.commit().await?;
    Ok(if cancelled {
        visit.done(see_other(&page), "変更を取り消しました。メールアドレスは変わりません。")
    } else {
        over(&visit, &page)
    })
}

async fn refused(visit: &Visit, refusal: Refusal, page: &str) -> Result<Response, Trouble> {
    if refusal.is(outcome::NOT_FOUND) {
        return Ok(over(visit, page));
    }
    if refusal.is(reasons::RESEND_TOO_SOON) {
        return Ok(visit.not_yet(&refusal, page));
    }
    Ok(visit.form_again(&refusal, page, &["email"]).await)
}

/// Cancelled elsewhere, or not proven in time.
fn over(visit: &Visit, page: &str) -> Response {
    visit.inform(see_other(page), "手続き中の変更は、ありません。")
}

/// The usual words, but for what sign-up says to members.
fn errors(again: Again) -> Errors {
    if again.is(reasons::CODE_TRIES_USED_UP) {
        return Errors::of_form(
            "この変更は、ここで終わりました",
            "認証番号を5回入力されたため、続けられません。メールアドレスは変わっていません。変更を取り消してから、もう一度はじめから入力してください。",
        );
    }
    if again.is(reasons::SENDS_USED_UP) {
        return Errors::of_form(
            "これ以上メールをお送りできません",
            "お送りできる回数を超えました。いちばん新しいメールの認証番号を入力するか、変更を取り消してください。",
        );
    }
    if again.is(reasons::CODES_LOCKED) {
        return Errors::of_form(
            "認証番号をお送りできません",
            "認証番号の間違いが続いたため、この方への認証番号の送信を止めています。先に、ログインの停止を解除してください。",
        );
    }
    again.errors.labelled(&fields::EMAIL, "新しいメールアドレス")
}

fn path(subject: &Subject) -> String {
    format!("{}/email", subject.page())
}
