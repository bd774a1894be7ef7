//! What a client may do, from where and until when: asked when it is made, and changed later.

use super::{Found, Side, by, show_secret};
use access::{SCOPES, Scope};
use askama::Template;
use chrono::{DateTime, Utc};
use clients::{Conditions, NewClient, fields};
use ipnet::IpNet;
use kernel::{Field, FieldError, Refusal, dates, outcome};
use pages::{
    Reply, Visit,
    forms::Form,
    frame::Frame,
    reply::see_other,
    visit::{Trouble, settle},
};
use staff::Clerk;

/// What is kept of a refused form.
pub(super) const FIELDS: [&str; 5] = ["name", "contact", "scopes", "networks", "expires_on"];
const EXPIRES_ON: Field =
    fields::EXPIRES_ON.takes("最後に使える日は、2027-03-31や令和9年3月31日のように入力してください");

/// Scopes of one area, to be ticked.
pub(super) struct Group {
    pub(super) heading: &'static str,
    pub(super) scopes: Vec<Choice>,
}

/// A scope to be ticked.
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) words: &'static str,
    pub(super) is_chosen: bool,
}

/// Every scope that is offered, in the order in which they are listed.
fn groups(is_chosen: impl Fn(Scope) -> bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for scope in SCOPES {
        let choice = Choice {
            value: scope.as_str(),
            words: scope.label(),
            is_chosen: is_chosen(scope),
        };
        match groups.iter_mut().find(|group| group.heading == scope.area()) {
            Some(group) => group.scopes.push(choice),
            None => groups.push(Group {
                heading: scope.area(),
                scopes: vec![choice],
            }),
        }
    }
    groups
}

/// The same, with those that are ticked in a form.
pub(super) fn ticked(form: &Form) -> Vec<Group> {
    groups(|scope| form.all("scopes").any(|word| word == scope.as_str()))
}

/// What was typed of what it may do, from where and until when; and what is wrong with the day, where it doesn't read.
fn typed(form: &Form) -> (Conditions, Option<FieldError>) {
    let mut wrong = Vec::new();
    let day = FieldError::gather(EXPIRES_ON, dates::planned(form.text("expires_on")), &mut wrong);
    let conditions = Conditions {
        scopes: form.all("scopes").map(str::to_owned).collect(),
        networks: networks(form.text("networks")),
        expires_on: day.flatten(),
    };
    (conditions, wrong.pop())
}

/// Networks as people type them: one a line, or with something between them; blanks around a slash part nothing.
fn networks(typed: &str) -> Vec<String> {
    let parts: Vec<&str> = typed
        .split(['/', '／'])
        .map(|part| part.trim_matches([' ', '　']))
        .collect();
    let whole = parts.join("/");
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | '、' | '，' | ';' | '；');
    whole.split(between).map(str::to_owned).collect()
}

/// The same, or all that is wrong with it.
pub(super) fn conditions(form: &Form, now: DateTime<Utc>, with_scopes: bool) -> Result<Conditions, Refusal> {
    match typed(form) {
        (conditions, None) => Ok(conditions),
        (conditions, Some(day)) => Err(with(conditions.faults(now, with_scopes), day)),
    }
}

fn with(mut faults: Vec<FieldError>, day: FieldError) -> Refusal {
    faults.push(day);
    Refusal::fields(faults)
}

/// As they are typed, one a line.
fn in_lines(networks: &[IpNet]) -> String {
    let lines: Vec<String> = networks.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[derive(Template)]
#[template(path = "console/client_form.html")]
struct FormPage {
    frame: Frame,
    heading: &'static str,
    words: &'static str,
    path: String,
    back: String,
    back_words: &'static str,
    button: &'static str,
    /// Who it is is asked when it is made, and not again.
    asks_who: bool,
    called: String,
    contact: String,
    /// Empty of a vendor's, whose scopes each insurer chooses.
    groups: Vec<Group>,
    networks: String,
    expires_on: String,
}

/// `GET` of the form for a new one.
pub(super) async fn new(side: Side, visit: Visit) -> Reply {
    let again = visit.again().await;
    let text = |name: &str| again.typed.text(name).to_owned();
    let [path, ..] = side.places().new;
    visit.html(&FormPage {
        heading: "連携先の追加",
        words: match side {
            Side::Insurer => "追加すると、IDと秘密鍵を1回だけ表示します。連携先のシステムは、その2つを使ってつながります。",
            Side::Platform => {
                "追加すると、IDと秘密鍵を1回だけ表示します。保険者がIDを入力して許可すると、その保険者につながるようになります。"
            }
        },
        path: path.to_owned(),
        back: side.base().to_owned(),
        back_words: "連携先の一覧に戻る",
        button: "追加する",
        asks_who: true,
        called: text("name"),
        contact: text("contact"),
        groups: match side {
            Side::Insurer => ticked(&again.typed),
            Side::Platform => Vec::new(),
        },
        networks: text("networks"),
        expires_on: text("expires_on"),
        frame: visit.frame().in_section(side.base()).with_errors(again.errors),
    })
}

/// `POST` of it.
pub(super) async fn create(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let [page, ..] = side.places().new;
    let (conditions, wrong_day) = typed(&visit.form);
    let new = NewClient {
        name: visit.form.text("name").to_owned(),
        contact: visit.form.text("contact").to_owned(),
        conditions,
    };
    let made = if let Some(day) = wrong_day {
        Err(with(new.faults(visit.now, side == Side::Insurer), day))
    } else {
        let clients = &visit.services.clients;
        settle(clients.create(clerk.insurer.tenant_id, &new, by(&visit, &clerk)).await)
    };
    match made {
        Ok(made) => {
            let id = made.client.name_outside.client_id;
            Ok(show_secret((side, &visit, &clerk), id, made.secret, None))
        }
        Err(refusal) => Ok(visit.form_again(&refusal, page, &FIELDS).await),
    }
}

/// `GET` of the form by which one is changed.
pub(super) async fn change(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::find(side, &visit, &clerk).await?;
    let back = side.path(found.name().client_id);
    let again = visit.again().await;
    let is_again = again.is_refused();
    let text = |name: &str, stands: String| {
        if is_again {
            again.typed.text(name).to_owned()
        } else {
            stands
        }
    };
    let groups = match &found {
        Found::Here(_) if is_again => ticked(&again.typed),
        Found::Here(shown) => groups(|scope| shown.grant.scopes.contains(&scope)),
        Found::Vendor(_) => Vec::new(),
    };
    let day = found.expires_on().map(|day| day.to_string());
    visit.html(&FormPage {
        heading: "連携先の変更",
        words: "変更は、次の呼び出しから効きます。今のアクセストークンで新しい範囲を使うには、取り直してもらう必要があります。",
        path: format!("{back}/change"),
        back,
        back_words: "連携先の画面に戻る",
        button: "変更する",
        asks_who: false,
        called: String::new(),
        contact: String::new(),
        groups,
        networks: text("networks", in_lines(found.networks())),
        expires_on: text("expires_on", day.unwrap_or_default()),
        frame: visit.frame().in_section(side.base()).with_errors(again.errors),
    })
}

/// `POST` of it.
pub(super) async fn write(side: Side, visit: Visit, clerk: Clerk) -> Reply {
    let found = Found::find(side, &visit, &clerk).await?;
    let id = found.name().client_id;
    let changed = match conditions(&visit.form, visit.now, side == Side::Insurer) {
        Ok(conditions) => {
            let clients = &visit.services.clients;
            let by = by(&visit, &clerk);
            settle(clients.change(clerk.insurer.tenant_id, id, &conditions, by).await)
        }
        Err(refusal) => Err(refusal),
    };
    match changed {
        Ok(()) => Ok(visit.done(see_other(&side.path(id)), "変更しました。")),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(Trouble::NotFound),
        Err(refusal) => {
            let page = format!("{}/change", side.path(id));
            Ok(visit.form_again(&refusal, &page, &FIELDS).await)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::networks;

    #[test]
    fn networks_are_parted_by_whatever_people_type_between_them() {
        let read: Vec<String> =
            networks("203.0.113.0 / 28\r\n\t198.51.100.7、１９２.0.2.0　／24；2001:db8::/32 ,192.0.2.9\n")
                .into_iter()
                .filter(|one| !one.is_empty())
                .collect();
        let expected = [
            "203.0.113.0/28",
            "198.51.100.7",
            "１９２.0.2.0/24",
            "2001:db8::/32",
            "192.0.2.9",
        ];
        assert_eq!(read, expected);
    }
}
