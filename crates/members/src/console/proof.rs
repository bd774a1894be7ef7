//! `/console/members/:id/proof`: that an account is its owner's, recorded by staff who have made sure of it, and taken back.

use super::{
    actions::{NO_ACCOUNT, without_account},
    person::shown,
};
use crate::{
    Members,
    subject::{Subject, desk},
};
use access::MEMBERS_CONTACT;
use accounts::{Identified, Proof, for_staff::Held, reasons::PROVEN_ALREADY};
use approvals::{Action, Asked, WAITS};
use askama::Template;
use audit::Look;
use kernel::{Field, FieldError, Outcome, Problem, Refusal, calendar, outcome};
use pages::{Reply, Visit, Waits, forms::Form, frame::Frame, reply::see_other};
use roster::{Person, protection};
use staff::Clerk;
use uuid::Uuid;

const IDENTIFIED: Field = Field::new("identified", "本人確認の方法").or_empty("本人確認の方法を選んでください");
const CONFIRMED: Field = Field::new("confirmed", "確認")
    .or_empty("ユーザーIDがご本人のものであることを、ご本人に確かめてから、チェックを入れてください");
/// What outlives a proof of the clerk's, and a refusal.
pub(crate) const KEPT: [&str; 1] = ["identified"];

#[derive(Template)]
#[template(path = "console/member_proof.html")]
struct ProofPage {
    frame: Frame,
    name: String,
    back: String,
    path: String,
    take_back_path: String,
    facts: Vec<(&'static str, String)>,
    /// Whose guardian it is: what they see of them hangs on it.
    wards: Vec<String>,
    is_proven: bool,
    ways: Vec<Choice>,
}

/// A way to make sure of somebody.
struct Choice {
    value: &'static str,
    text: &'static str,
    chosen: bool,
}

/// `GET /console/members/:id/proof`.
pub(crate) async fn show(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let mut subject = members.subject(&visit.services.accounts, &visit, &clerk).await?;
    let Some(held) = subject.account.take() else {
        return Ok(without_account(&visit, &subject));
    };
    let about = [(Action::Proof, held.account_id.0)];
    let waits = Waits::about(&subject.tx, visit.now, &clerk, &about).await?;
    let wards = protection::wards(&subject.tx, subject.id).await?;
    let again = visit.again().await;
    let choice = |way: Identified| Choice {
        value: way.as_str(),
        text: way.label(),
        chosen: again.typed.text("identified") == way.as_str(),
    };
    let page = ProofPage {
        name: subject.facts.person.called(),
        back: subject.page(),
        path: path(&subject),
        take_back_path: format!("{}/take-back", path(&subject)),
        facts: facts(&subject, &held, clerk.may(MEMBERS_CONTACT)),
        wards: wards.iter().map(Person::called).collect(),
        is_proven: held.proof == Proof::Letter,
        ways: Identified::ALL.map(choice).into(),
        frame: visit
            .frame()
            .in_section("/console/members")
            .with_errors(again.errors)
            .with_waits(waits),
    };
    let wards: Vec<Uuid> = wards.iter().map(|ward| ward.person_id.0).collect();
    let look = Look::person("member", &subject.id.0).showing(&wards);
    audit::look(&subject.tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    subject.tx.commit().await?;
    visit.html(&page)
}

/// By what somebody is asked whether the account is theirs: another may have made it.
fn facts(subject: &Subject, held: &Held, contact: bool) -> Vec<(&'static str, String)> {
    let last = held
        .last_log_in_at
        .map_or_else(|| "まだありません".into(), calendar::moment);
    let birth_date = subject.facts.person.birth_date.date();
    vec![
        ("氏名", format!("{}さん", subject.facts.person.called())),
        ("生年月日", calendar::date_both(birth_date)),
        ("ユーザーID", held.user_id.clone()),
        ("メールアドレス", shown(&held.email, contact)),
        ("登録日時", calendar::moment(held.registered_at)),
        ("最後のログイン", last),
        ("本人確認", held.proof.label().into()),
    ]
}

/// `POST /console/members/:id/proof`.
pub(crate) async fn record(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let accounts = &visit.services.accounts;
    let mut subject = members.subject(accounts, &visit, &clerk).await?;
    let Some(held) = subject.account.take() else {
        return Ok(without_account(&visit, &subject));
    };
    let page = path(&subject);
    let way = match wanted(&visit.form) {
        Ok(way) => way,
        Err(refusal) => return Ok(visit.form_again(&refusal, &page, &KEPT).await),
    };
    let approvals = visit.services.staff.approvals();
    let by = (desk(&visit, &clerk), clerk.staff_id);
    let asked = accounts
        .ask_proof(&mut subject.tx, approvals, by, (held.account_id, way))
        .await?;
    let back = subject.page();
    subject.tx.commit().await?;
    match asked {
        Outcome::Done(Asked::GoesOn) => Ok(visit.done(see_other(&back), "本人確認を記録しました。")),
        Outcome::Done(Asked::Waits(_)) => Ok(visit.inform(see_other(&page), WAITS)),
        Outcome::Refused(refusal) if refusal.is(outcome::NOT_FOUND) => Ok(visit.inform(see_other(&back), NO_ACCOUNT)),
        Outcome::Refused(refusal) if refusal.is(PROVEN_ALREADY) => {
            Ok(visit.inform(see_other(&back), refusal.words(visit.now).text))
        }
        Outcome::Refused(refusal) => Ok(visit.form_again(&refusal, &page, &KEPT).await),
    }
}

fn wanted(form: &Form) -> Result<Identified, Refusal> {
    let mut errors = Vec::new();
    let way = match form.text("identified") {
        "" => Err(Problem::Empty),
        word => Identified::from_word(word).ok_or(Problem::NotAChoice),
    };
    let way = FieldError::gather(IDENTIFIED, way, &mut errors);
    if form.text("confirmed").is_empty() {
        errors.push(FieldError::new(CONFIRMED, Problem::Empty));
    }
    way.filter(|_| errors.is_empty()).ok_or_else(|| Refusal::fields(errors))
}

/// `POST /console/members/:id/proof/take-back`.
pub(crate) async fn take_back(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let accounts = &visit.services.accounts;
    let mut subject = members.subject(accounts, &visit, &clerk).await?;
    let Some(held) = subject.account.take() else {
        return Ok(without_account(&visit, &subject));
    };
    let (approvals, by) = (visit.services.staff.approvals(), desk(&visit, &clerk));
    let taken_back = accounts
        .take_back_proof(&mut subject.tx, approvals, by, held.account_id)
        .await?;
    let back = see_other(&subject.page());
    subject.tx.commit().await?;
    Ok(if taken_back {
        visit.done(back, "本人確認の記録を取り消しました。")
    } else {
        visit.inform(back, "本人確認の記録は、ありません。")
    })
}

fn path(subject: &Subject) -> String {
    format!("{}/proof", subject.page())
}
