//! Taking a notice from its readers, and discarding a draft: each is asked about on a page of its own first.

use super::{
    DRAFTS, aim_words, by, draft, id, no_draft, notice, over_all, path, person_line, to_words, version, write,
};
use crate::{
    drafts,
    published::{self, Ending},
};
use askama::Template;
use kernel::Outcome;
use pages::{
    Reply, Visit,
    frame::{Errors, Frame},
    reply::see_other,
    visit::Trouble,
};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/notice_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    path: String,
    back: String,
    version: i64,
    title: String,
    to: String,
    heading: &'static str,
    text: &'static str,
    button: &'static str,
    /// False where it can't be done any more; the frame says why.
    is_possible: bool,
}

/// What is said of one that nobody can take any more.
const GONE: &str = "このお知らせは、もう掲載されていません。";

/// `GET /console/notices/:id/end`.
pub(super) async fn ask_end(visit: Visit, clerk: Clerk) -> Reply {
    ask(visit, clerk, Ending::End).await
}

/// `POST /console/notices/:id/end`.
pub(super) async fn end(visit: Visit, clerk: Clerk) -> Reply {
    take(visit, clerk, Ending::End).await
}

/// `GET /console/notices/:id/withdraw`.
pub(super) async fn ask_withdraw(visit: Visit, clerk: Clerk) -> Reply {
    ask(visit, clerk, Ending::Withdraw).await
}

/// `POST /console/notices/:id/withdraw`.
pub(super) async fn withdraw(visit: Visit, clerk: Clerk) -> Reply {
    take(visit, clerk, Ending::Withdraw).await
}

async fn ask(visit: Visit, clerk: Clerk, ending: Ending) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let tx = write(&visit, &clerk).await?;
    let notice = notice(&tx, &clerk, id).await?.ok_or(Trouble::NotFound)?;
    let person = person_line(&tx, &visit, &clerk, notice.person).await?;
    tx.commit().await?;
    let (word, heading, text, button) = match ending {
        Ending::End => (
            "end",
            "掲載を終える",
            "終えると、加入者の画面から、すぐに見えなくなります。メールで知らせている途中なら、残りの方には送りません。",
            "掲載を終える",
        ),
        Ending::Withdraw => (
            "withdraw",
            "お知らせの取り下げ",
            "取り下げると、加入者の画面から、すぐに見えなくなります。すでに読んだ方や、メールを受け取った方には、取り下げたことは知らされません。",
            "取り下げる",
        ),
    };
    let against = match notice.may_be_taken(visit.now, ending) {
        Outcome::Done(true) => None,
        Outcome::Done(false) => Some(Errors::of_form("もう掲載されていません", GONE)),
        Outcome::Refused(refusal) => Some(Errors::new(&refusal, visit.now)),
    };
    visit.html(&ConfirmPage {
        is_possible: against.is_none(),
        frame: visit
            .frame()
            .in_section(super::PATH)
            .with_errors(against.unwrap_or_default()),
        path: format!("{}/{word}", path(id)),
        back: path(id),
        version: 0,
        to: to_words(&notice, person.as_ref()),
        title: notice.title,
        heading,
        text,
        button,
    })
}

async fn take(visit: Visit, clerk: Clerk, ending: Ending) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let mut tx = write(&visit, &clerk).await?;
    if notice(&tx, &clerk, id).await?.is_none() {
        return Err(Trouble::NotFound);
    }
    let page = see_other(&path(id));
    match published::take(&mut tx, visit.now, by(&visit, &clerk), id, ending).await? {
        Outcome::Refused(refusal) => Ok(visit.not_yet(&refusal, &path(id))),
        Outcome::Done(false) => Ok(visit.inform(page, GONE)),
        Outcome::Done(true) => {
            tx.commit().await?;
            Ok(match ending {
                Ending::End => visit.done(page, "掲載を終えました。"),
                Ending::Withdraw => visit.done(page, "取り下げました。"),
            })
        }
    }
}

/// `GET /console/notices/:id/discard`.
pub(super) async fn ask_discard(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let tx = write(&visit, &clerk).await?;
    let Some(stored) = draft(&tx, &clerk, id).await? else {
        return no_draft(&visit, &clerk, &tx, id).await;
    };
    let aim = &stored.content.aim;
    let person = person_line(&tx, &visit, &clerk, aim.person()).await?;
    tx.commit().await?;
    visit.html(&ConfirmPage {
        frame: visit.frame().in_section(super::PATH),
        path: format!("{}/discard", path(id)),
        back: path(id),
        version: stored.version,
        to: aim_words(aim, person.as_ref()),
        title: stored.content.title,
        heading: "下書きを消す",
        text: "消した下書きは、元に戻せません。加入者の画面は変わりません。",
        button: "下書きを消す",
        is_possible: true,
    })
}

/// `POST /console/notices/:id/discard`.
pub(super) async fn discard(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let id = id(&visit)?;
    let mut tx = write(&visit, &clerk).await?;
    if draft(&tx, &clerk, id).await?.is_none() {
        return no_draft(&visit, &clerk, &tx, id).await;
    }
    let discarded = drafts::discard(&mut tx, visit.now, by(&visit, &clerk), (id, version(&visit))).await?;
    if let Outcome::Refused(refusal) = discarded {
        return Ok(visit.not_yet(&refusal, &path(id)));
    }
    tx.commit().await?;
    Ok(visit.done(see_other(DRAFTS), "下書きを消しました。"))
}
