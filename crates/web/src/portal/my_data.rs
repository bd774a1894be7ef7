//! 届け出の内容: what the roster says of the member, and whom it has beside them under their number, by name and 続柄 alone.

use crate::portal::account::ACCOUNT;
use accounts::Member;
use askama::Template;
use chrono::NaiveDate;
use kernel::calendar;
use pages::{frame::Frame, reply::Reply, visit::Visit};
use roster::{Contact, Person};

#[derive(Template)]
#[template(path = "portal/my_data.html")]
struct MyDataPage {
    frame: Frame,
    /// What it is called, and what stands there; empty where the roster says nothing.
    facts: Vec<(&'static str, String)>,
    household: Vec<Relative>,
}

struct Relative {
    name: String,
    relationship: String,
}

/// `GET /portal/account/my-data`.
pub(crate) async fn show(visit: Visit, member: Member) -> Reply {
    let tenant = visit.services.database.tenant(member.insurer.tenant_id);
    let mut tx = tenant.read().await?;
    let contact = roster::contact(&tx, member.person.person_id).await?;
    let household = roster::numbered(&mut tx, &member.person.symbol, &member.person.number).await?;
    tx.commit().await?;
    let today = calendar::today_in_japan(visit.now);
    visit.html(&MyDataPage {
        frame: visit.frame().in_section(ACCOUNT),
        facts: facts(&member.person, contact.unwrap_or_default()),
        household: household
            .into_iter()
            .filter(|other| other.person_id != member.person.person_id && is_covered(other, today))
            .map(|other| Relative {
                name: other.called(),
                relationship: other.relationship,
            })
            .collect(),
    })
}

fn is_covered(person: &Person, today: NaiveDate) -> bool {
    person.acquired_on.is_none_or(|day| day <= today) && person.lost_on.is_none_or(|day| day > today)
}

fn facts(person: &Person, contact: Contact) -> Vec<(&'static str, String)> {
    let day = |day: Option<NaiveDate>| day.map(calendar::date_both).unwrap_or_default();
    let text = |text: &str| text.to_owned();
    vec![
        ("記号", text(person.symbol.as_str())),
        ("番号", text(person.number.as_str())),
        ("枝番", text(person.branch.as_str())),
        ("氏名", person.called()),
        ("氏名（カナ）", text(person.kana_name.as_str())),
        ("生年月日", calendar::date_both(person.birth_date.date())),
        ("性別", text(contact.gender_word())),
        ("続柄", person.relationship.clone()),
        ("資格取得日", day(person.acquired_on)),
        ("資格喪失日", day(person.lost_on)),
        ("郵便番号", contact.postal_code),
        (
            "住所",
            format!("{} {}", contact.address, contact.building).trim().to_owned(),
        ),
        ("電話番号", contact.phone),
        (
            "メールアドレス",
            person
                .email
                .as_ref()
                .map(|email| text(email.as_str()))
                .unwrap_or_default(),
        ),
        ("事業所コード", person.workplace_code.clone()),
        ("所属コード", person.department_code.clone()),
        (
            "社員番号",
            person
                .employee_number
                .as_ref()
                .map(|number| text(number.as_str()))
                .unwrap_or_default(),
        ),
    ]
}
