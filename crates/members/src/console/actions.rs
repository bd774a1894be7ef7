//! What staff do for a person who has called: each on a page of its own, which says what the member will see, before it is
//! done.

use super::person::shown;
use crate::{
    Members,
    subject::{Subject, desk},
};
use access::{MEMBERS_CANCEL, MEMBERS_CONTACT, MEMBERS_SUPPORT, Permission};
use accounts::{Accounts, Closing};
use askama::Template;
use audit::Look;
use kernel::{Field, FieldError, Outcome, Problem, Refusal, outcome};
use pages::{Reply, Visit, frame::Frame, reply::see_other, words::mailed};
use staff::Clerk;

const SECTION: &str = "/console/members";
const CONFIRMED: Field =
    Field::new("confirmed", "確認").or_empty("ご本人の申し出を確かめたら、チェックを入れてください");

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Every log-in ends.
    LogOut,
    /// What wrong passwords and codes have locked is free again.
    Unlock,
    /// A link to a new password is mailed.
    Reset,
    /// The account is closed.
    Close,
}

impl Action {
    pub(crate) const ALL: [Self; 4] = [Self::LogOut, Self::Unlock, Self::Reset, Self::Close];

    pub(crate) fn permission(self) -> Permission {
        match self {
            Self::LogOut | Self::Unlock | Self::Reset => MEMBERS_SUPPORT,
            Self::Close => MEMBERS_CANCEL,
        }
    }

    /// The last part of its page's address.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::LogOut => "logout",
            Self::Unlock => "unlock",
            Self::Reset => "reset",
            Self::Close => "close",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::LogOut => "すべての機器からログアウトする",
            Self::Unlock => "ログインの停止を解除する",
            Self::Reset => "パスワード再設定のメールを送る",
            Self::Close => "登録を取りやめる",
        }
    }

    /// What the member will see.
    fn effects(self) -> &'static [&'static str] {
        match self {
            Self::LogOut => &[
                "ログイン中の機器が、すべてログアウトします。ご本人は、次に操作したときにログイン画面に戻ります。",
                "ユーザーIDとパスワードは変わりません。ご本人は、すぐにログインし直せます。",
                "ログアウトしたことを、ご本人のメールアドレスにお知らせします。",
            ],
            Self::Unlock => &[
                "パスワードと認証番号を間違えた回数を、0回に戻します。ご本人は、これまでのパスワードでログインできます。",
                "続けて間違えた機器や回線に残る待ち時間は、時間がたつと終わります。",
                "解除したことを、ご本人のメールアドレスにお知らせします。",
            ],
            Self::Reset => &[
                "ご本人のメールアドレスに、新しいパスワードを設定するページのメールをお送りします。",
                "ご本人が新しいパスワードを設定するまで、これまでのパスワードのままです。設定すると、すべての機器からログアウトします。",
                "新しいパスワードは、職員には見えません。",
            ],
            Self::Close => &[
                "ご本人は、これまでのユーザーIDとパスワードではログインできなくなります。ログイン中の機器も、すべてログアウトします。",
                "健康保険の資格は変わりません。もう一度使うときは、新しいユーザーIDで、はじめから登録します。",
                "取りやめたことを、ご本人のメールアドレスにお知らせします。元には戻せません。",
            ],
        }
    }
}

#[derive(Template)]
#[template(path = "console/member_action.html")]
struct ActionPage {
    frame: Frame,
    title: &'static str,
    name: String,
    back: String,
    path: String,
    email: Option<String>,
    effects: &'static [&'static str],
    is_final: bool,
}

/// `GET /console/members/:id/…`.
pub(crate) async fn ask(members: Members, action: Action, visit: Visit, clerk: Clerk) -> Reply {
    let subject = members.subject(&visit.services.accounts, &visit, &clerk).await?;
    if subject.account.is_none() && action != Action::Unlock {
        return Ok(without_account(&visit, &subject));
    }
    let contact = clerk.may(MEMBERS_CONTACT);
    let again = visit.again().await;
    let page = ActionPage {
        frame: visit.frame().in_section(SECTION).with_errors(again.errors),
        title: action.title(),
        name: subject.facts.person.called(),
        back: subject.page(),
        path: format!("{}/{}", subject.page(), action.word()),
        email: subject.account.as_ref().map(|held| shown(&held.email, contact)),
        effects: action.effects(),
        is_final: action == Action::Close,
    };
    look(subject, &visit, &clerk).await?;
    visit.html(&page)
}

/// `POST /console/members/:id/…`.
pub(crate) async fn act(members: Members, action: Action, visit: Visit, clerk: Clerk) -> Reply {
    let accounts = visit.services.accounts.clone();
    let subject = members.subject(&accounts, &visit, &clerk).await?;
    if action == Action::Close && visit.form.text("confirmed").is_empty() {
        let refusal = Refusal::field(FieldError::new(CONFIRMED, Problem::Empty));
        let page = format!("{}/{}", subject.page(), action.word());
        return Ok(visit.form_again(&refusal, &page, &[]).await);
    }
    if subject.account.is_none() && action != Action::Unlock {
        return Ok(without_account(&visit, &subject));
    }
    let back = see_other(&subject.page());
    Ok(match done(&accounts, action, subject, &visit, &clerk).await? {
        Said::Done(text) => visit.done(back, text),
        Said::Nothing(text) => visit.inform(back, text),
    })
}

/// What the next page says.
enum Said {
    Done(String),
    Nothing(&'static str),
}

pub(super) const NO_ACCOUNT: &str = "この方は、マイページに登録していません。";

async fn done(
    accounts: &Accounts,
    action: Action,
    subject: Subject,
    visit: &Visit,
    clerk: &Clerk,
) -> Result<Said, pages::visit::Trouble> {
    let Subject {
        mut tx, id, account, ..
    } = subject;
    let by = desk(visit, clerk);
    let account = account.map(|held| held.account_id);
    let said = match (action, account) {
        (Action::Unlock, account) => {
            let unlocked = accounts.unlock_for(&mut tx, by, (id, account)).await?;
            tx.commit().await?;
            accounts.after_unlocking(&visit.origin, &unlocked).await?;
            return Ok(if unlocked.is_any() {
                Said::Done("停止を解除しました。".into())
            } else {
                Said::Nothing("パスワードと認証番号の間違いはなく、停止していません。")
            });
        }
        (_, None) => Said::Nothing(NO_ACCOUNT),
        (Action::LogOut, Some(account)) => match accounts.log_out_all(&mut tx, by, account).await? {
            Some(ended) => Said::Done(format!("{ended}台の機器をログアウトしました。")),
            None => Said::Nothing(NO_ACCOUNT),
        },
        (Action::Reset, Some(account)) => match accounts.start_reset(&mut tx, by, account).await? {
            Outcome::Done(()) => Said::Done(mailed(&visit.look, "パスワード再設定のメールをお送りしました。")),
            Outcome::Refused(refusal) if refusal.is(outcome::NOT_FOUND) => Said::Nothing(NO_ACCOUNT),
            Outcome::Refused(refusal) => return Err(refusal.into()),
        },
        (Action::Close, Some(account)) => {
            let who = (by.actor, by.origin);
            if accounts.close(&mut tx, by.insurer, account, who, Closing::Desk).await? {
                Said::Done("登録を取りやめました。".into())
            } else {
                Said::Nothing(NO_ACCOUNT)
            }
        }
    };
    tx.commit().await?;
    Ok(said)
}

pub(super) fn without_account(visit: &Visit, subject: &Subject) -> poem::Response {
    visit.inform(see_other(&subject.page()), NO_ACCOUNT)
}

/// Records the look at who it is about, and ends the transaction.
pub(super) async fn look(subject: Subject, visit: &Visit, clerk: &Clerk) -> Result<(), database::DatabaseError> {
    let look = Look::person("member", &subject.id.0);
    audit::look(&subject.tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    subject.tx.commit().await
}
