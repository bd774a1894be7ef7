//! `/console/members/:id`: a person's page.

use super::words;
use crate::{
    Members,
    person::{Account, Seen, View},
};
use access::MEMBERS_CONTACT;
use accounts::Consent;
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{EmailAddress, PersonId, calendar};
use pages::{Reply, Visit, frame::Frame, visit::Trouble};
use roster::{Change, FormerNumber};
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
    former: Vec<Former>,
    household: Vec<Relative>,
    /// The day of the household, where it isn't today.
    household_on: Option<String>,
    account: Option<AccountPart>,
    is_out_of_codes: bool,
    changes: Vec<ChangeLine>,
    first: String,
    mails: Vec<MailLine>,
    panels: Vec<String>,
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
    consents: Vec<ConsentLine>,
    log_ins: Vec<LogInLine>,
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
    fields: String,
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
        Seen::Whole(view) => visit.html(&page(frame, *view, &clerk, visit.now)),
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
    PersonPage {
        frame,
        name: person.called(),
        kana: person.kana_name.as_str().to_owned(),
        tag,
        facts: facts(&view),
        contact: contacts(&view, contact),
        is_masked: !contact,
        former: view.former.iter().map(Former::of).collect(),
        household: household(&view),
        household_on: (view.household_on < today).then(|| calendar::date_both(view.household_on)),
        is_out_of_codes: view.is_out_of_codes,
        changes: view.changes.iter().map(ChangeLine::of).collect(),
        first: calendar::moment(view.facts.rest.created_at),
        account: view.account.map(|account| AccountPart::of(account, contact)),
        mails: view
            .mails
            .into_iter()
            .map(|mail| MailLine {
                at: calendar::moment(mail.created_at),
                kind: words::mail(&mail.template),
                to: mail.masked_to,
                state: words::mail_state(&mail.state),
            })
            .collect(),
        panels: view.panels,
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

fn shown(email: &str, contact: bool) -> String {
    if contact {
        return email.to_owned();
    }
    EmailAddress::parse(email).map_or_else(|_| "***".into(), |email| email.mask())
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
    fn of(change: &Change) -> Self {
        let fields: Vec<&str> = change.fields.iter().map(|field| words::field(field)).collect();
        Self {
            at: calendar::moment(change.at),
            kind: words::change(change.kind),
            fields: fields.join("、"),
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
                ("最後のログイン", last),
                ("ログイン中の端末", format!("{}台", account.sessions)),
                ("パスワードの設定", calendar::moment(held.password_changed_at)),
            ]),
            is_locked: held.is_locked,
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

impl ConsentLine {
    fn of(consent: Consent) -> Self {
        Self {
            at: calendar::moment(consent.at),
            title: consent.title,
            revision: consent.revision,
        }
    }
}
