//! `/console/members/:id`: a person's page.

use super::{actions::Action, words};
use crate::{
    Members,
    person::{Account, Closed, ClosedBy, Notes, Seen, View},
    subject,
};
use access::{AUDIT_VIEW, MEMBERS_CONTACT, MEMBERS_EDIT, MEMBERS_EMAIL, MEMBERS_PROTECT};
use accounts::{Consent, DeskEmailStopped};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{PersonId, calendar};
use pages::{Reply, Visit, frame::Frame, visit::Trouble};
use roster::{Changed, FormerNumber, Past};
use staff::Clerk;

#[derive(Template)]
#[template(path = "console/member.html")]
struct PersonPage {
    frame: Frame,
    name: String,
    kana: String,
    /// 「喪失」 and the like, beside the name.
    tag: Option<String>,
    facts: Vec<Fact>,
    contact: Vec<Fact>,
    /// True where contact data is masked.
    is_masked: bool,
    /// Where their facts are mended by hand, for whoever may.
    mend: Option<String>,
    former: Vec<Former>,
    household: Vec<Relative>,
    /// The day of the household, where it isn't today.
    household_on: Option<String>,
    account: Option<AccountPart>,
    closed: Vec<ClosedLine>,
    is_out_of_codes: bool,
    changes: Vec<ChangeLine>,
    first: String,
    mails: Vec<MailLine>,
    panels: Vec<String>,
    /// What this clerk may do for the person.
    ways: Vec<Way>,
    notes: Option<NotesPart>,
    /// Who saw them, for whoever may read the trail.
    trail: Option<String>,
}

/// A page on which something is done.
struct Way {
    path: String,
    text: &'static str,
}

struct NotesPart {
    /// Where a new one goes.
    path: String,
    lines: Vec<NoteLine>,
    /// As it was typed and refused.
    typed: String,
}

struct NoteLine {
    at: String,
    by: String,
    text: String,
    is_struck: bool,
    /// Where its author strikes it out.
    strike: Option<String>,
}

/// A protected person, to whoever may not see them.
#[derive(Template)]
#[template(path = "console/member_veiled.html")]
struct VeiledPage {
    frame: Frame,
    name: String,
    relationship: String,
}

/// A label and what stands beside it.
struct Fact {
    label: &'static str,
    text: String,
}

struct Former {
    number: String,
    until: String,
}

struct Relative {
    id: String,
    /// True for the person whose page it is.
    is_self: bool,
    number: String,
    name: String,
    relationship: String,
    registered: Option<String>,
}

struct AccountPart {
    facts: Vec<Fact>,
    is_locked: bool,
    /// What the member did to a change of the address by the desk.
    stopped: Option<String>,
    consents: Vec<ConsentLine>,
    log_ins: Vec<LogInLine>,
}

/// An account that was closed.
struct ClosedLine {
    registered: String,
    closed: String,
    by: String,
}

struct ConsentLine {
    at: String,
    title: String,
    revision: i32,
}

struct LogInLine {
    at: String,
    outcome: &'static str,
    channel: &'static str,
}

struct ChangeLine {
    at: String,
    kind: &'static str,
    fields: Vec<ChangedLine>,
}

/// What a change made of one fact.
struct ChangedLine {
    label: &'static str,
    /// Before and after, where both are known.
    values: Option<(String, String)>,
}

struct MailLine {
    at: String,
    kind: &'static str,
    to: String,
    state: &'static str,
}

/// `GET /console/members/:id`.
pub(crate) async fn show(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let id = PersonId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let accounts = &visit.services.accounts;
    let view = members.person(accounts, &visit.origin, &clerk, id).await?;
    let frame = visit.frame().in_section("/console/members");
    match view.ok_or(Trouble::NotFound)? {
        Seen::Whole(view) => {
            let again = visit.again().await;
            let typed = again.typed.text("note").to_owned();
            let mut page = page(frame.with_errors(again.errors), *view, &clerk, visit.now);
            if let Some(notes) = &mut page.notes {
                notes.typed = typed;
            }
            visit.html(&page)
        }
        Seen::Veiled(person) => visit.html(&VeiledPage {
            frame,
            name: person.called(),
            relationship: person.relationship,
        }),
    }
}

fn page(frame: Frame, view: View, clerk: &Clerk, now: DateTime<Utc>) -> PersonPage {
    let contact = clerk.may(MEMBERS_CONTACT);
    let person = &view.facts.person;
    let today = calendar::today_in_japan(now);
    let tag = person.lost_on.map(|day| {
        let word = if day <= today {
            "資格喪失"
        } else {
            "資格喪失予定"
        };
        format!("{word} {}", calendar::date_both(day))
    });
    let own = subject::page(person.person_id);
    PersonPage {
        ways: ways(&own, clerk, view.account.is_some()),
        notes: view.notes.as_ref().map(|notes| NotesPart::new(notes, &own, clerk)),
        name: person.called(),
        kana: person.kana_name.as_str().to_owned(),
        tag,
        facts: facts(&view),
        contact: contacts(&view, contact),
        is_masked: !contact,
        mend: clerk
            .may(MEMBERS_EDIT)
            .then(|| format!("/console/members/{}/facts", person.person_id)),
        former: view.former.iter().map(Former::of).collect(),
        household: household(&view),
        household_on: (view.household_on < today).then(|| calendar::date_both(view.household_on)),
        is_out_of_codes: view.is_out_of_codes,
        changes: view.changes.iter().map(|past| ChangeLine::of(past, contact)).collect(),
        first: calendar::moment(view.facts.rest.created_at),
        closed: view.closed.into_iter().map(ClosedLine::of).collect(),
        account: view.account.map(|account| AccountPart::of(account, contact)),
        mails: view
            .mails
            .into_iter()
            .map(|mail| MailLine {
                at: calendar::moment(mail.created_at),
                kind: pages::kinds::mail(&mail.template),
                to: mail.masked_to,
                state: words::mail_state(&mail.state),
            })
            .collect(),
        panels: view.panels,
        trail: clerk
            .may(AUDIT_VIEW)
            .then(|| format!("/console/audit?person={}&looks=1", person.person_id)),
        frame: frame.with_waits(view.waits),
    }
}

/// Without an account there is nothing to do but to free the codes of a sign-up.
fn ways(own: &str, clerk: &Clerk, has_account: bool) -> Vec<Way> {
    let is_open = |action: &Action| clerk.may(action.permission()) && (has_account || *action == Action::Unlock);
    let actions = Action::ALL.into_iter().filter(is_open);
    let email = Way {
        path: format!("{own}/email"),
        text: "アカウントのメールアドレスを変更する",
    };
    let email = (has_account && clerk.may(MEMBERS_EMAIL)).then_some(email);
    let proof = Way {
        path: format!("{own}/proof"),
        text: "本人確認を記録する・取り消す",
    };
    let proof = (has_account && clerk.may(MEMBERS_PROTECT)).then_some(proof);
    let actions = actions.map(|action| Way {
        path: format!("{own}/{}", action.word()),
        text: action.title(),
    });
    // What can't be taken back stands last.
    email.into_iter().chain(proof).chain(actions).collect()
}

impl NotesPart {
    fn new(notes: &Notes, own: &str, clerk: &Clerk) -> Self {
        let line = |note: &crate::notes::Note| NoteLine {
            at: calendar::moment(note.at),
            by: notes.authors.get(&note.written_by).cloned().unwrap_or_default(),
            text: note.text.clone(),
            is_struck: note.is_struck,
            strike: (note.written_by == clerk.staff_id && !note.is_struck)
                .then(|| format!("{own}/notes/{}/strike", note.id)),
        };
        Self {
            path: format!("{own}/notes"),
            lines: notes.list.iter().map(line).collect(),
            typed: String::new(),
        }
    }
}

/// What is not given is left out.
fn given(facts: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Fact> {
    let given = facts.into_iter().filter(|(_, text)| !text.is_empty());
    given.map(|(label, text)| Fact { label, text }).collect()
}

fn date(day: Option<NaiveDate>) -> String {
    day.map(calendar::date_both).unwrap_or_default()
}

fn facts(view: &View) -> Vec<Fact> {
    let (person, rest) = (&view.facts.person, &view.facts.rest);
    let kind = if person.insured {
        "本人（被保険者）"
    } else {
        "家族（被扶養者）"
    };
    given([
        ("記号", person.symbol.as_str().to_owned()),
        ("番号", person.number.as_str().to_owned()),
        ("枝番", person.branch.as_str().to_owned()),
        ("区分", kind.to_owned()),
        ("続柄", person.relationship.clone()),
        ("生年月日", calendar::date_both(person.birth_date.date())),
        ("性別", words::gender(&rest.gender).to_owned()),
        ("属性", rest.attribute.clone()),
        ("資格取得日", date(person.acquired_on)),
        ("資格喪失日", date(person.lost_on)),
        (
            "名簿への掲載",
            if rest.present {
                "あり"
            } else {
                "最後の名簿にはありません"
            }
            .to_owned(),
        ),
        ("事業所コード", person.workplace_code.clone()),
        ("所属コード", person.department_code.clone()),
        ("配付先コード", rest.distribution_code.clone()),
        (
            "社員番号",
            person
                .employee_number
                .as_ref()
                .map(|number| number.as_str().to_owned())
                .unwrap_or_default(),
        ),
        ("個人ID", rest.personal_id.clone()),
    ])
}

/// Address, phone and mail; masked for whoever must not see them.
fn contacts(view: &View, contact: bool) -> Vec<Fact> {
    let (person, rest) = (&view.facts.person, &view.facts.rest);
    let address = if contact {
        format!("{} {} {}", rest.postal_code, rest.address, rest.building)
            .trim()
            .to_owned()
    } else if rest.address.is_empty() {
        String::new()
    } else {
        "登録されています".to_owned()
    };
    let phone = match rest.phone.as_str() {
        "" => String::new(),
        phone if contact => phone.to_owned(),
        phone => words::masked_phone(phone),
    };
    given([
        ("住所", address),
        ("電話", phone),
        (
            "メールアドレス（名簿）",
            person
                .email
                .as_ref()
                .map(|email| shown(email.as_str(), contact))
                .unwrap_or_default(),
        ),
    ])
}

pub(super) fn shown(email: &str, contact: bool) -> String {
    if contact {
        return email.to_owned();
    }
    words::masked_email(email)
}

fn household(view: &View) -> Vec<Relative> {
    let own = view.facts.person.person_id;
    let relative = |person: &roster::Person| Relative {
        id: person.person_id.to_string(),
        is_self: person.person_id == own,
        number: words::number(person.symbol.as_str(), person.number.as_str(), person.branch.as_str()),
        name: person.called(),
        relationship: person.relationship.clone(),
        registered: view
            .registered
            .get(&person.person_id)
            .map(|account| calendar::moment(account.registered_at)),
    };
    view.household.iter().map(relative).collect()
}

impl Former {
    fn of(former: &FormerNumber) -> Self {
        Self {
            number: words::number(&former.symbol, &former.number, &former.branch),
            until: calendar::date_both(former.ended_on),
        }
    }
}

impl ChangeLine {
    fn of(past: &Past, contact: bool) -> Self {
        Self {
            at: calendar::moment(past.change.at),
            kind: words::change(past.change.kind),
            fields: past
                .fields
                .iter()
                .map(|changed| ChangedLine::of(changed, contact))
                .collect(),
        }
    }
}

impl ChangedLine {
    fn of(changed: &Changed, contact: bool) -> Self {
        let said = |text: &String| {
            if contact {
                words::value(&changed.field, text)
            } else {
                words::masked_value(&changed.field, text)
            }
        };
        Self {
            label: words::field(&changed.field),
            values: changed
                .before
                .as_ref()
                .zip(changed.after.as_ref())
                .map(|(before, after)| (said(before), said(after))),
        }
    }
}

impl AccountPart {
    fn of(account: Account, contact: bool) -> Self {
        let held = account.held;
        let last = held
            .last_log_in_at
            .map_or_else(|| "まだありません".into(), calendar::moment);
        Self {
            facts: given([
                ("ユーザーID", held.user_id),
                ("メールアドレス", shown(&held.email, contact)),
                ("登録日時", calendar::moment(held.registered_at)),
                ("本人確認", held.proof.label().into()),
                ("最後のログイン", last),
                ("ログイン中の機器", format!("{}台", account.sessions)),
                ("パスワードの設定", calendar::moment(held.password_changed_at)),
            ]),
            is_locked: held.is_locked,
            stopped: account.stopped.map(stopped),
            consents: account.consents.into_iter().map(ConsentLine::of).collect(),
            log_ins: account
                .log_ins
                .into_iter()
                .map(|line| LogInLine {
                    at: calendar::moment(line.at),
                    outcome: words::log_in(&line.outcome),
                    channel: words::channel(&line.channel),
                })
                .collect(),
        }
    }
}

/// That the member stopped a change of the address, in words.
pub(super) fn stopped(stopped: DeskEmailStopped) -> String {
    let way = if stopped.by_link {
        "今のメールアドレスに届いたお知らせから"
    } else {
        "マイページで"
    };
    format!(
        "{}に、{way}、窓口で受け付けたメールアドレスの変更が止められました。もう一度変更するときは、ご本人のお申し出かどうかを確かめてください。",
        calendar::moment(stopped.at)
    )
}

impl ClosedLine {
    fn of(closed: Closed) -> Self {
        Self {
            registered: calendar::moment(closed.account.registered_at),
            closed: calendar::moment(closed.account.closed_at),
            by: match closed.by {
                Some(ClosedBy::Member) => "ご本人".into(),
                Some(ClosedBy::Staff(name)) if name.is_empty() => "職員".into(),
                Some(ClosedBy::Staff(name)) => format!("職員（{name}）"),
                None => "記録の保存期間が過ぎています".into(),
            },
        }
    }
}

impl ConsentLine {
    fn of(consent: Consent) -> Self {
        Self {
            at: calendar::moment(consent.at),
            title: consent.title,
            revision: consent.revision,
        }
    }
}
