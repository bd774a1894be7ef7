//! `/console/members`: the search box, the filters, the list.

use super::words;
use crate::{
    Members,
    facts::may_add,
    list::{Listed, Listing, NoList},
    sealed::Search,
    term::{self, Unread},
};
use access::{MEMBERS_CONTACT, MEMBERS_PROTECT};
use askama::Template;
use chrono::NaiveDate;
use kernel::{Owner, calendar, text};
use pages::{
    Reply, Visit,
    forms::{Form, encode},
    frame::Frame,
    reply::see_other,
};
use poem::Response;
use roster::search::Filter;
use staff::Clerk;

const PATH: &str = "/console/members";
/// The filters' names in addresses.
const FILTERS: [&str; 5] = ["workplace", "registered", "kind", "coverage", "protected"];
/// As long as a code may be.
const LONGEST_CODE: usize = 40;

#[derive(Template)]
#[template(path = "console/members.html")]
struct ListPage {
    frame: Frame,
    /// Whether the clerk may add people.
    may_add: bool,
    /// Whether they find people by mail and phone.
    by_contact: bool,
    /// What was typed.
    term: String,
    /// The sealed search of this page, for the filters' form.
    sealed: String,
    filters: Filters,
    state: State,
}

/// The filters as they stand in the address.
struct Filters {
    workplace: String,
    selects: Vec<Select>,
}

struct Select {
    name: &'static str,
    label: &'static str,
    /// Word in the address, word on the page, chosen.
    options: Vec<(&'static str, &'static str, bool)>,
}

enum State {
    /// Nothing was asked for yet.
    Fresh,
    /// What to do instead, and where the trouble is.
    Nothing(&'static str),
    List {
        rows: Vec<Row>,
        /// Where it goes on.
        next: Option<String>,
        is_cut: bool,
        /// True on a page after the first.
        is_later: bool,
    },
}

struct Row {
    id: String,
    /// No more than the name and the 続柄 is shown.
    is_veiled: bool,
    number: String,
    name: String,
    kana: String,
    relationship: String,
    workplace: String,
    registered: Option<String>,
    /// The day of loss, where coverage is over.
    lost: Option<NaiveDate>,
}

/// `POST /console/members`: what was typed goes into no address but sealed.
pub(crate) fn submit(members: &Members, visit: &Visit, clerk: &Clerk) -> Response {
    // What is too long is cut where it is told to be: an address must stay one.
    let term: String = visit.form.text("q").trim().chars().take(term::MAX + 1).collect();
    if term.is_empty() {
        return see_other(&address("", &visit.form));
    }
    let search = Search { term, after: None };
    let sealed = search.seal(&members.keys, owner(clerk), visit.now).unwrap_or_default();
    see_other(&address(&sealed, &visit.form))
}

/// `GET /console/members[?s=…&workplace=…]`.
pub(crate) async fn show(members: Members, visit: Visit, clerk: Clerk) -> Reply {
    let filter = filter(&visit.query, &clerk);
    let sealed = visit.query.text("s");
    let opened = Search::open(sealed, &members.keys, owner(&clerk), visit.now);
    let is_over = !sealed.is_empty() && opened.is_none();
    let search = opened.unwrap_or_default();
    let is_list = visit.query.get("list").is_some();
    let state = if is_over {
        State::Nothing("検索してから時間がたったため、結果を表示できません。もう一度検索してください。")
    } else if sealed.is_empty() && !is_list {
        match visit.query.get("s") {
            None => State::Fresh,
            Some(_) => State::Nothing(told(NoList::Unread(Unread::Empty))),
        }
    } else {
        match members.list(&visit.origin, &clerk, &search, &filter).await? {
            Ok(listing) => listed(&members, &visit, &clerk, &search, listing),
            Err(why) => State::Nothing(told(why)),
        }
    };
    let page = ListPage {
        frame: visit.frame().in_section(PATH),
        may_add: may_add(&clerk),
        by_contact: clerk.may(MEMBERS_CONTACT),
        sealed: if is_over {
            String::new()
        } else {
            first_page(&members, &visit, &clerk, &search)
        },
        term: search.term,
        filters: filters(&visit.query, &clerk),
        state,
    };
    visit.html(&page)
}

/// The search from its beginning: a filter begins anew.
fn first_page(members: &Members, visit: &Visit, clerk: &Clerk, search: &Search) -> String {
    if search.term.is_empty() {
        return String::new();
    }
    let first = Search {
        term: search.term.clone(),
        after: None,
    };
    first.seal(&members.keys, owner(clerk), visit.now).unwrap_or_default()
}

fn listed(members: &Members, visit: &Visit, clerk: &Clerk, search: &Search, listing: Listing) -> State {
    if listing.people.is_empty() && search.after.is_none() {
        return State::Nothing(if search.term.is_empty() {
            "条件に合う加入者はいません。条件を変えて、もう一度絞り込んでください。"
        } else if listing.is_cut {
            "入力した文字に当てはまる方が多いため、一部だけを探しました。その中に、条件に合う方はいません。記号・番号や氏名で検索してください。"
        } else {
            nobody(clerk.may(MEMBERS_CONTACT))
        });
    }
    let today = calendar::today_in_japan(visit.now);
    let next = listing.next.and_then(|place| {
        let next = Search {
            term: search.term.clone(),
            after: Some(place),
        };
        let sealed = next.seal(&members.keys, owner(clerk), visit.now)?;
        Some(address(&sealed, &visit.query))
    });
    State::List {
        rows: listing.people.into_iter().map(|listed| row(listed, today)).collect(),
        next,
        is_cut: listing.is_cut,
        is_later: search.after.is_some(),
    }
}

fn row(listed: Listed, today: NaiveDate) -> Row {
    let Listed { found, registration } = listed;
    Row {
        id: found.person_id.to_string(),
        is_veiled: found.is_veiled,
        number: words::number(&found.symbol, &found.number, &found.branch),
        name: if found.name.is_empty() {
            found.kana_name.clone()
        } else {
            found.name
        },
        kana: found.kana_name,
        relationship: found.relationship,
        workplace: found.workplace_code,
        registered: registration.map(|account| day(account.registered_at)),
        lost: found.lost_on.filter(|day| *day <= today),
    }
}

fn day(at: chrono::DateTime<chrono::Utc>) -> String {
    calendar::in_japan(at).format("%Y-%m-%d").to_string()
}

/// What to do where nobody was found.
fn nobody(by_contact: bool) -> &'static str {
    if by_contact {
        "見つかりませんでした。記号・番号は両方を続けて（例：12-3456）、氏名は姓から、ユーザーIDは先頭から、電話番号は市外局番から入力してください。絞り込みの条件も確認してください。"
    } else {
        "見つかりませんでした。記号・番号は両方を続けて（例：12-3456）、氏名は姓から、ユーザーIDは先頭から入力してください。メールアドレスと電話番号では検索できません。絞り込みの条件も確認してください。"
    }
}

fn told(why: NoList) -> &'static str {
    match why {
        NoList::Unread(Unread::Empty) => "探したい方の記号・番号、氏名などを入力してから「検索する」を押してください。",
        NoList::Unread(Unread::TooShort) => "氏名（カナ）は2文字以上、ユーザーIDは3文字以上入力してください。",
        NoList::Unread(Unread::TooLong) => "100文字以内で入力してください。",
        NoList::NotByContact => {
            "メールアドレスや電話番号で検索するには、連絡先を見る権限が必要です。記号・番号か氏名で検索してください。"
        }
    }
}

/// Whose the sealed searches are.
fn owner(clerk: &Clerk) -> Owner {
    clerk.staff_id.of(clerk.insurer.tenant_id)
}

/// The list of a search, with the filters of a form or an address.
fn address(sealed: &str, form: &Form) -> String {
    let mut address = format!("{PATH}?s={sealed}");
    for name in FILTERS {
        let value: String = form.text(name).chars().take(LONGEST_CODE).collect();
        if !value.is_empty() {
            address.extend(["&", name, "=", &encode(&value)]);
        }
    }
    address
}

fn filter(query: &Form, clerk: &Clerk) -> Filter {
    let either = |name: &str, yes: &str, no: &str| match query.text(name) {
        word if word == yes => Some(true),
        word if word == no => Some(false),
        _ => None,
    };
    let workplace = workplace(query);
    Filter {
        workplace: (!workplace.is_empty()).then_some(workplace),
        registered: either("registered", "yes", "no"),
        insured: either("kind", "insured", "dependent"),
        covered: either("coverage", "covered", "lost"),
        protected: clerk.may(MEMBERS_PROTECT) && query.text("protected") == "yes",
    }
}

/// As imports keep codes.
fn workplace(query: &Form) -> String {
    text::normalize_dense(query.text("workplace"))
        .chars()
        .take(LONGEST_CODE)
        .collect()
}

fn filters(query: &Form, clerk: &Clerk) -> Filters {
    let select = |name: &'static str, label, options: &[(&'static str, &'static str)]| Select {
        name,
        label,
        options: [("", "すべて")]
            .into_iter()
            .chain(options.iter().copied())
            .map(|(word, text)| (word, text, query.text(name) == word))
            .collect(),
    };
    let mut selects = vec![
        select("registered", "登録", &[("yes", "登録済み"), ("no", "未登録")]),
        select(
            "kind",
            "区分",
            &[("insured", "本人（被保険者）"), ("dependent", "家族（被扶養者）")],
        ),
        select(
            "coverage",
            "資格喪失日",
            &[("covered", "なし"), ("lost", "あり（予定を含む）")],
        ),
    ];
    if clerk.may(MEMBERS_PROTECT) {
        selects.push(select("protected", "保護", &[("yes", "保護中の方だけ")]));
    }
    Filters {
        workplace: workplace(query),
        selects,
    }
}
