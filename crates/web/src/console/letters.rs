//! 案内状: whom letters are for, the letters as pages to print, and a file for a mailing house. Who was sent one is kept
//! before it leaves.

use crate::letter::{Letterhead, To};
use access::{EXPORT_PERSONAL, LETTERS_PRINT, MEMBERS_PROTECT};
use approvals::{Action, Difference, Performer, Wish};
use askama::Template;
use audit::{Entry, Look};
use chrono::{DateTime, Utc};
use database::{Database, Durability};
use futures_util::stream;
use kernel::{Outage, OutageKind, Outcome, PersonId, Symbol, calendar, outcome, text};
use pages::{
    Reply, Visit, Waits, csv,
    forms::{Form, encode},
    frame::Frame,
    reply::see_other,
    visit::Trouble,
};
use roster::letters::{self, Addressee, Filter, Kind, Registered};
use serde_json::{Value, json};
use staff::{Clerk, reasons};
use std::{ops::ControlFlow, sync::Arc};
use tabular::Written;
use uuid::Uuid;

const LETTERS: &str = "/console/letters";
/// Which of the files under four eyes this is.
const EXPORT: &str = "letters";
/// People of a page of the list.
const PER_PAGE: usize = 50;
/// Letters printed at once, and rows of a file read at once.
const BATCH: i64 = 500;
/// Who of those with an account and those without, as the form has it.
const STATES: [(&str, &str); 3] = [("no", "未登録"), ("yes", "登録済み"), ("either", "すべて")];
const HEADER: [&str; 10] = [
    "郵便番号",
    "住所",
    "住所（建物名）",
    "氏名",
    "記号",
    "番号",
    "保険者指定コード",
    "登録のアドレス",
    "ログインのアドレス",
    "文字の注意",
];

/// A filter as it is typed, and carried from page to page.
struct Typed {
    code: String,
    symbol: String,
    registered: &'static str,
}

impl Typed {
    fn read(form: &Form) -> Self {
        Self::of(form.text("code"), form.text("symbol"), form.text("registered"))
    }

    fn of(code: &str, symbol: &str, state: &str) -> Self {
        let known = STATES.into_iter().find(|(value, _)| *value == state);
        Self {
            code: code.trim().to_owned(),
            symbol: symbol.trim().to_owned(),
            registered: known.map_or("no", |(value, _)| value),
        }
    }

    /// None where the symbol or the code can be nobody's.
    fn filter(&self) -> Option<Filter> {
        if text::has_control(&self.code) {
            return None;
        }
        let symbol = match self.symbol.as_str() {
            "" => None,
            typed => Some(Symbol::parse(typed).ok()?),
        };
        Some(Filter {
            workplace_code: Some(self.code.clone()).filter(|code| !code.is_empty()),
            symbol,
            registered: match self.registered {
                "yes" => Registered::Yes,
                "either" => Registered::Either,
                _ => Registered::No,
            },
        })
    }

    fn query(&self) -> String {
        let (code, symbol) = (encode(&self.code), encode(&self.symbol));
        format!("code={code}&symbol={symbol}&registered={}", self.registered)
    }

    /// What of it is used, for the trail.
    fn names(&self) -> Vec<&'static str> {
        [("workplace", &self.code), ("symbol", &self.symbol)]
            .into_iter()
            .filter_map(|(name, typed)| (!typed.is_empty()).then_some(name))
            .chain(["registered"])
            .collect()
    }
}

#[derive(Template)]
#[template(path = "console/letters.html")]
struct ListPage {
    frame: Frame,
    filter: Typed,
    states: [State; 3],
    people: Vec<Line>,
    more: Option<String>,
    may_export: bool,
    file: String,
}

/// With an account or without, as it is chosen.
struct State {
    value: &'static str,
    words: &'static str,
    is_chosen: bool,
}

struct Line {
    id: PersonId,
    code: String,
    number: String,
    name: String,
    registered: bool,
    last: String,
}

impl Line {
    fn of(addressee: Addressee) -> Self {
        let parts = [addressee.symbol.as_str(), addressee.number.as_str()];
        Self {
            id: addressee.person_id,
            code: super::workplaces::code_words(addressee.workplace_code),
            number: parts
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("・"),
            name: addressee.name,
            registered: addressee.registered,
            last: addressee.last_at.map(calendar::moment).unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "console/letter_pages.html")]
struct LetterPages {
    frame: Frame,
    head: Letterhead,
    letters: Vec<To>,
    next: Option<Next>,
}

/// Where the next batch begins.
struct Next {
    code: String,
    symbol: String,
    registered: &'static str,
    after: PersonId,
}

#[derive(Template)]
#[template(path = "console/letters_file.html")]
struct FilePage {
    frame: Frame,
    filter: Typed,
    registered: &'static str,
}

/// `POST /console/letters`: a filter, which leads to its list.
pub(super) async fn filter(visit: Visit, _: Clerk) -> Reply {
    Ok(see_other(&format!("{LETTERS}?{}", Typed::read(&visit.form).query())))
}

/// `GET /console/letters`: whoever is listed was looked at.
pub(super) async fn show(visit: Visit, clerk: Clerk) -> Reply {
    let typed = Typed::read(&visit.query);
    let after = PersonId::parse(visit.query.text("after"));
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let tx = tenant.write(Durability::Safe).await?;
    let limit = i64::try_from(PER_PAGE).unwrap_or_default() + 1;
    let mut found = match typed.filter() {
        Some(filter) => letters::list(&tx, visit.now, &clerk.reach, &filter, after, limit).await?,
        None => None,
    }
    .unwrap_or_default();
    let is_more = found.len() > PER_PAGE;
    found.truncate(PER_PAGE);
    let seen: Vec<Uuid> = found.iter().map(|person| person.person_id.0).collect();
    let look = Look::list("letters", typed.names(), &seen);
    audit::look(&tx, visit.now, &visit.origin, clerk.actor(), look).await?;
    let waits = Waits::for_file(&tx, visit.now, &clerk, EXPORT).await?;
    tx.commit().await?;
    let last = found.last().filter(|_| is_more);
    visit.html(&ListPage {
        frame: visit.frame().in_section(LETTERS).with_waits(waits),
        more: last.map(|last| format!("{LETTERS}?{}&after={}", typed.query(), last.person_id)),
        people: found.into_iter().map(Line::of).collect(),
        states: STATES.map(|(value, words)| State {
            value,
            words,
            is_chosen: typed.registered == value,
        }),
        may_export: clerk.may(EXPORT_PERSONAL),
        file: format!("{LETTERS}/file?{}", typed.query()),
        filter: typed,
    })
}

/// `POST /console/letters/print`: the letters to those who are chosen, else a batch of all of a filter.
pub(super) async fn print(visit: Visit, clerk: Clerk) -> Reply {
    let chosen: Vec<PersonId> = visit.form.all("person").filter_map(PersonId::parse).collect();
    let typed = Typed::read(&visit.form);
    let after = visit.form.get("after").map(PersonId::parse);
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let tx = tenant.write(Durability::Safe).await?;
    let is_chosen = visit.form.get("registered").is_none();
    let found = match (is_chosen, typed.filter(), after) {
        // A protected person's letter is printed by itself, or not at all.
        (true, ..) => {
            let with_protected = chosen.len() == 1 && clerk.may(MEMBERS_PROTECT);
            letters::chosen(&tx, visit.now, &clerk.reach, &chosen, with_protected).await?
        }
        (false, None, _) | (false, _, Some(None)) => vec![],
        (false, Some(filter), after) => {
            let after = after.flatten();
            let found = letters::list(&tx, visit.now, &clerk.reach, &filter, after, BATCH).await?;
            found.unwrap_or_default()
        }
    };
    if found.is_empty() {
        let text = "案内状を送れる方がいません。本人で、資格のある方を選んでください。";
        return Ok(visit.inform(see_other(LETTERS), text));
    }
    let names = if is_chosen { vec!["chosen"] } else { typed.names() };
    keep(&tx, &visit.origin, visit.now, &clerk, Kind::Print, names, &found).await?;
    tx.commit().await?;
    let is_whole = i64::try_from(found.len()).unwrap_or_default() == BATCH;
    let last = found.last().filter(|_| !is_chosen && is_whole);
    visit.html(&LetterPages {
        frame: visit.frame(),
        head: head(&visit, &clerk)?,
        next: last.map(|last| Next {
            code: typed.code,
            symbol: typed.symbol,
            registered: typed.registered,
            after: last.person_id,
        }),
        letters: found.into_iter().map(To::new).collect(),
    })
}

fn head(visit: &Visit, clerk: &Clerk) -> Result<Letterhead, Trouble> {
    let head = Letterhead::new(&clerk.insurer, &visit.services.public_url, visit.now);
    // An address too long for a code is a setting that was never tried.
    head.ok_or(Trouble::NotFound)
}

/// Who is sent letters, in the trail and where it is looked up.
async fn keep(
    tx: &database::TenantTransaction,
    origin: &audit::Origin,
    now: DateTime<Utc>,
    clerk: &Clerk,
    kind: Kind,
    filters: Vec<&'static str>,
    people: &[Addressee],
) -> Result<(), database::DatabaseError> {
    let seen: Vec<Uuid> = people.iter().map(|person| person.person_id.0).collect();
    let what = match kind {
        Kind::Print => "letters.print",
        Kind::File => "letters.file",
    };
    audit::look(tx, now, origin, clerk.actor(), Look::list(what, filters, &seen)).await?;
    letters::keep(tx, now, clerk.staff_id, kind, people).await
}

/// `GET /console/letters/file`: what goes into the file.
pub(super) async fn ask_file(visit: Visit, clerk: Clerk) -> Reply {
    may_both(&clerk)?;
    let again = visit.again().await;
    let filter = Typed::read(again.or(&visit.query));
    let words = STATES.into_iter().find(|(value, _)| *value == filter.registered);
    let waits = visit.waits_for_file(&clerk, EXPORT).await?;
    visit.html(&FilePage {
        frame: visit
            .frame()
            .in_section(LETTERS)
            .with_errors(again.errors)
            .with_waits(waits),
        registered: words.map_or("", |(_, words)| words),
        filter,
    })
}

/// What a file under way needs.
struct File {
    database: Database,
    origin: audit::Origin,
    now: DateTime<Utc>,
    clerk: Clerk,
    head: Arc<Letterhead>,
    filter: Filter,
    names: Vec<&'static str>,
    encoding: Written,
    after: Option<PersonId>,
    is_over: bool,
}

/// `POST /console/letters/file`: the file, read in batches, each kept before it leaves. Where the database goes away the
/// answer breaks off, so that no part passes for the whole.
pub(super) async fn file(visit: Visit, clerk: Clerk) -> Reply {
    may_both(&clerk)?;
    let typed = Typed::read(&visit.form);
    let encoding = Written::read(visit.form.text("encoding")).unwrap_or(Written::Utf8);
    let filter = typed.filter().ok_or(Trouble::NotFound)?;
    let head = Arc::new(head(&visit, &clerk)?);
    let database = visit.services.database.clone();
    let tx = database.tenant(clerk.insurer.tenant_id).write(Durability::Safe).await?;
    let wish = Wish {
        action: Action::Export,
        kind: EXPORT,
        subject: clerk.staff_id.0,
        person: None,
        beneficiary: None,
        also: [].into(),
        parameters: file_parameters(&typed, encoding),
        difference: exported(&typed, encoding),
    };
    let page = format!("{LETTERS}/file?{}", typed.query());
    let tx = match visit.ask(tx, &clerk, wish, (LETTERS, &page)).await? {
        ControlFlow::Continue(tx) => tx,
        ControlFlow::Break(answer) => return Ok(answer),
    };
    let entry = Entry {
        actor: clerk.actor(),
        action: "letters.export",
        object: None,
        outcome: "done",
        detail: json!({ "encoding": encoding.as_str(), "filters": typed.names() }),
    };
    audit::record(&tx, visit.now, &visit.origin, entry).await?;
    tx.commit().await?;
    let file = File {
        database,
        origin: visit.origin,
        now: visit.now,
        clerk,
        head,
        filter,
        names: typed.names(),
        encoding,
        after: None,
        is_over: false,
    };
    let rows = stream::try_unfold(file, |mut file| async move {
        let rows = file.next().await?;
        Ok::<_, Outage>(rows.map(|rows| (rows, file)))
    });
    let name = format!("letters-{}.csv", calendar::today_in_japan(visit.now).format("%Y%m%d"));
    Ok(csv(&name, encoding, &HEADER, rows))
}

/// By what the file is made once another has agreed: the form that is sent once more, and its fields.
fn file_parameters(typed: &Typed, encoding: Written) -> Value {
    json!({ "path": format!("{LETTERS}/file"), "fields": [
        ["code", typed.code], ["symbol", typed.symbol], ["registered", typed.registered],
        ["encoding", encoding.as_str()],
    ] })
}

/// What leaves with the file. Who registers meanwhile is in it no more, or in it too: a number would be another by then.
fn exported(typed: &Typed, encoding: Written) -> Difference {
    let all = |typed: &str| if typed.is_empty() { "すべて" } else { typed }.to_owned();
    let state = STATES.into_iter().find(|(value, _)| *value == typed.registered);
    let new = |label: &str, value: String| (label.to_owned(), String::new(), value);
    vec![
        new("ファイル", "発送会社に渡すCSV".into()),
        new("事業所コード", all(&typed.code)),
        new("記号", all(&typed.symbol)),
        new("登録", state.map_or("", |(_, words)| words).into()),
        new("入る方", "ファイルを作るときにあてはまる方の全員".into()),
        new("文字コード", encoding.label().into()),
    ]
}

/// The file, while another's agreement to it is asked.
pub(super) fn performer() -> Performer {
    Performer::file(Action::Export, EXPORT, |_, agreed| {
        Box::pin(async move {
            let field = |name: &str| {
                let fields = agreed.parameters.get("fields").and_then(Value::as_array);
                let mut named = fields
                    .into_iter()
                    .flatten()
                    .filter(|field| field.get(0) == Some(&json!(name)));
                let found = named.next().and_then(|field| field.get(1)).and_then(Value::as_str);
                found.unwrap_or_default().to_owned()
            };
            let typed = Typed::of(&field("code"), &field("symbol"), &field("registered"));
            let Some(encoding) = Written::read(&field("encoding")) else {
                return Ok(outcome::NOT_FOUND.into());
            };
            Ok(Outcome::Done(exported(&typed, encoding)))
        })
    })
}

/// A file of letters takes both: to print them, and to take people along.
fn may_both(clerk: &Clerk) -> Result<(), Trouble> {
    if clerk.may(LETTERS_PRINT) {
        Ok(())
    } else {
        Err(reasons::NOT_PERMITTED.into())
    }
}

impl File {
    /// The next rows; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Outage> {
        if self.is_over {
            return Ok(None);
        }
        let tenant = self.database.tenant(self.clerk.insurer.tenant_id);
        let tx = tenant.write(Durability::Safe).await?;
        let reach = &self.clerk.reach;
        let found = letters::list(&tx, self.now, reach, &self.filter, self.after, BATCH).await?;
        // Whoever was last is out of reach by now: what follows them is not known, and a part must not pass for the whole.
        let found = found.ok_or_else(|| Outage::new(OutageKind::Fault, "the last of a batch is out of reach"))?;
        let Some(last) = found.last() else {
            return Ok(None);
        };
        self.after = Some(last.person_id);
        self.is_over = i64::try_from(found.len()).unwrap_or_default() < BATCH;
        let names = self.names.clone();
        keep(&tx, &self.origin, self.now, &self.clerk, Kind::File, names, &found).await?;
        tx.commit().await?;
        Ok(Some(found.iter().flat_map(|person| self.row(person)).collect()))
    }

    fn row(&self, person: &Addressee) -> Vec<u8> {
        let Letterhead { code, first, later, .. } = &*self.head;
        let lacking = self.lacking(person);
        self.encoding.line(&[
            &person.postal_code,
            &person.address,
            &person.building,
            &person.name,
            &person.symbol,
            &person.number,
            code,
            &first.url,
            &later.url,
            &lacking,
        ])
    }

    /// Which of a row's characters the encoding has not, by column and code point.
    fn lacking(&self, person: &Addressee) -> String {
        let told = [
            ("住所", &person.address),
            ("住所（建物名）", &person.building),
            ("氏名", &person.name),
            ("記号", &person.symbol),
            ("番号", &person.number),
        ];
        let told = told.into_iter().flat_map(|(column, text)| {
            let lacks = self.encoding.lacks(text).into_iter();
            lacks.map(move |c| format!("{column}にU+{:04X}", u32::from(c)))
        });
        told.collect::<Vec<_>>().join("、")
    }
}
