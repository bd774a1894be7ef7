//! The notice by which all members are told that something was published: the same words for everybody, without a month, an
//! amount or anybody's name.

use crate::{
    kind::Kind,
    portal::{COSTS, MEDICINES},
};
use audit::{Actor, Origin};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use notices::{Draft, To};

/// Puts it up, in the transaction of publishing.
pub(crate) async fn announce(
    tx: &mut TenantTransaction,
    now: DateTime<Utc>,
    (actor, origin): (Actor, &Origin),
    kind: Kind,
) -> Result<(), DatabaseError> {
    notices::publish(tx, now, (actor, origin), To::All, &text(kind, now)).await?;
    Ok(())
}

/// What it says.
fn text(kind: Kind, now: DateTime<Utc>) -> Draft {
    let name = kind.label();
    let (path, treated) = match kind {
        Kind::Costs => (COSTS, "診療を受けた"),
        Kind::Medicines => (MEDICINES, "お薬を受け取った"),
    };
    Draft {
        title: format!("{name}に新しい分を載せました"),
        body: format!(
            "[{name}]({path})に、新しい分を載せました。マイページからご覧ください。\n\n{treated}月のおよそ3か月後に載ります。請求が遅れると、もっと後になります。載せる明細がない方の画面は、変わりません。"
        ),
        published_at: now,
        ended_at: None,
        // Whoever has something new to see is told of it by a mail of its own.
        mail: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_names_no_month_no_amount_and_nobody() {
        for kind in Kind::ALL {
            let notice = text(kind, DateTime::UNIX_EPOCH);
            let said = notice.body.replace("およそ3か月後", "");
            assert!(!said.chars().any(|c| c.is_ascii_digit()), "{said}");
            assert!(!notice.mail && notice.title.contains(kind.label()));
        }
    }
}
