//! Who has asked for something, as a file: read page by page, each kept in the trail before it leaves. The protected are in no
//! file.

use super::{FILE, FILTERS, LIST, filter, query, section, selects};
use crate::{
    disclosures::list::{self, Filter, Kept},
    kind::Kind,
    permissions::DISCLOSURES_MANAGE,
};
use access::Reach;
use approvals::{Action, Difference, Performer, Wish};
use askama::Template;
use audit::{Entry, Look};
use chrono::{DateTime, Utc};
use database::{Database, Durability};
use futures_util::stream;
use ground::Ground;
use kernel::{Outage, Outcome, PersonId, calendar};
use pages::{Reply, Visit, csv, forms::Form, frame::Frame, visit::Trouble};
use roster::{
    Protected, Sight,
    search::{self, By, Found, search},
};
use serde_json::{Value, json};
use staff::{Clerk, reasons};
use std::{collections::HashMap, ops::ControlFlow};
use tabular::Written;
use uuid::Uuid;

/// Which of the files under four eyes this is.
const EXPORT: &str = "disclosures";
/// Lines that are read at once.
const BATCH: u32 = 500;
const HEADER: [&str; 8] = [
    "記号",
    "番号",
    "枝番",
    "氏名",
    "明細",
    "表示の希望",
    "申し出",
    "変えた日時",
];

#[derive(Template)]
#[template(path = "console/statements_disclosures_file.html")]
struct FilePage {
    frame: Frame,
    /// What the file is narrowed by: label, words; and the form's fields.
    narrowed: Vec<(&'static str, &'static str)>,
    fields: Vec<(&'static str, String)>,
}

/// `GET /console/statements/disclosures/file`: what goes into the file.
pub(super) async fn ask(_: Ground, visit: Visit, clerk: Clerk) -> Reply {
    manages(&clerk)?;
    let waits = visit.waits_for_file(&clerk, EXPORT).await?;
    let again = visit.again().await;
    let form = again.or(&visit.query);
    let filter = filter(form);
    visit.html(&FilePage {
        narrowed: narrowed(filter),
        fields: FILTERS.map(|name| (name, form.text(name).to_owned())).into(),
        frame: visit
            .frame()
            .in_section(section(&clerk))
            .with_errors(again.errors)
            .with_waits(waits),
    })
}

/// The file takes both: to keep what people wish, and to take people along.
fn manages(clerk: &Clerk) -> Result<(), Trouble> {
    if clerk.may(DISCLOSURES_MANAGE) {
        Ok(())
    } else {
        Err(reasons::NOT_PERMITTED.into())
    }
}

/// What a list is narrowed by, in words.
fn narrowed(filter: Filter) -> Vec<(&'static str, &'static str)> {
    let chosen = selects(filter).into_iter().filter_map(|select| {
        let (_, text, _) = select.options.into_iter().find(|(.., chosen)| *chosen)?;
        Some((select.label, text))
    });
    chosen.collect()
}

/// What a file under way needs.
struct File {
    database: Database,
    origin: audit::Origin,
    now: DateTime<Utc>,
    clerk: Clerk,
    filter: Filter,
    encoding: Written,
    last: Option<(PersonId, Kind)>,
    is_over: bool,
}

/// `POST /console/statements/disclosures/file`. Where the database goes away the answer breaks off, so that no part passes for
/// the whole.
pub(super) async fn file(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    manages(&clerk)?;
    let filter = filter(&visit.form);
    let encoding = Written::read(visit.form.text("encoding")).unwrap_or(Written::Utf8);
    let tenant = ground.database.tenant(clerk.insurer.tenant_id);
    let tx = tenant.write(Durability::Safe).await?;
    let page = super::address(FILE, &query(filter));
    let wish = wish(&clerk, &visit.form, encoding);
    let tx = match visit.ask(tx, &clerk, wish, (LIST, &page)).await? {
        ControlFlow::Continue(tx) => tx,
        ControlFlow::Break(answer) => return Ok(answer),
    };
    let entry = Entry {
        actor: clerk.actor(),
        action: "disclosures.export",
        object: None,
        outcome: "done",
        detail: json!({ "filters": filter.names(), "encoding": encoding.as_str() }),
    };
    audit::record(&tx, visit.now, &visit.origin, entry).await?;
    tx.commit().await?;
    let file = File {
        database: ground.database,
        origin: visit.origin,
        now: visit.now,
        clerk,
        filter,
        encoding,
        last: None,
        is_over: false,
    };
    let rows = stream::try_unfold(file, |mut file| async move {
        let rows = file.next().await?;
        Ok::<_, Outage>(rows.map(|rows| (rows, file)))
    });
    let day = calendar::today_in_japan(visit.now).format("%Y%m%d");
    Ok(csv(&format!("disclosures-{day}.csv"), encoding, &HEADER, rows))
}

fn wish(clerk: &Clerk, form: &Form, encoding: Written) -> Wish {
    let filter = filter(form);
    let words = |name: &str| form.text(name).to_owned();
    let mut fields: Vec<[String; 2]> = FILTERS.map(|name| [name.to_owned(), words(name)]).into();
    fields.push(["encoding".into(), encoding.as_str().into()]);
    Wish {
        action: Action::Export,
        kind: EXPORT,
        subject: clerk.staff_id.0,
        person: None,
        beneficiary: None,
        also: [].into(),
        parameters: json!({ "path": FILE, "fields": fields }),
        difference: exported(filter, encoding),
    }
}

/// What leaves with the file. How many they are is no part of it: people change their minds while it waits.
fn exported(filter: Filter, encoding: Written) -> Difference {
    let file = [("ファイル", "表示の希望のCSV")];
    let lines = file.into_iter().chain(narrowed(filter));
    lines
        .chain([("文字コード", encoding.label())])
        .map(|(label, value)| (label.to_owned(), String::new(), value.to_owned()))
        .collect()
}

/// The file, while another's agreement to it is asked.
pub(in crate::console) fn performer() -> Performer {
    Performer::file(Action::Export, EXPORT, |_, agreed| {
        Box::pin(async move {
            let (filter, encoding) = read(&agreed.parameters);
            Ok(Outcome::Done(exported(filter, encoding)))
        })
    })
}

/// What was asked for, as its wish keeps it.
fn read(parameters: &Value) -> (Filter, Written) {
    let fields = parameters.get("fields").and_then(Value::as_array);
    let text = |name: &str| {
        let named = |pair: &&Value| pair.get(0).and_then(Value::as_str) == Some(name);
        let pair = fields.into_iter().flatten().find(named);
        pair.and_then(|pair| pair.get(1))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let filter = Filter::read(text);
    (filter, Written::read(text("encoding")).unwrap_or(Written::Utf8))
}

impl File {
    /// The next rows; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Outage> {
        if self.is_over {
            return Ok(None);
        }
        let tenant = self.database.tenant(self.clerk.insurer.tenant_id);
        let tx = tenant.write(Durability::Safe).await?;
        let kept = list::after(&tx, self.filter, self.last, BATCH.into()).await?;
        let Some(last) = kept.last() else {
            return Ok(None);
        };
        self.last = Some((last.person, last.kind));
        self.is_over = kept.len() < BATCH as usize;
        let sight = Sight {
            reach: Reach::All,
            protected: Protected::Hidden,
        };
        let people: Vec<PersonId> = kept.iter().map(|kept| kept.person).collect();
        let all = search::Filter::default();
        let found = search(&tx, &sight, &all, &By::People(&people), None, BATCH).await?;
        let seen: Vec<Uuid> = found.people.iter().map(|person| person.person_id.0).collect();
        let look = Look::list("disclosures.file", self.filter.names(), &seen);
        audit::look(&tx, self.now, &self.origin, self.clerk.actor(), look).await?;
        tx.commit().await?;
        let found: HashMap<PersonId, Found> = found.people.into_iter().map(|found| (found.person_id, found)).collect();
        let row = |kept: &Kept| Some(self.row(kept, found.get(&kept.person)?));
        Ok(Some(kept.iter().filter_map(row).flatten().collect()))
    }

    fn row(&self, kept: &Kept, person: &Found) -> Vec<u8> {
        self.encoding.line(&[
            &person.symbol,
            &person.number,
            &person.branch,
            super::called(person),
            kept.kind.label(),
            kept.audience.label(),
            kept.by.label(),
            &calendar::in_japan(kept.at).format("%Y-%m-%d %H:%M:%S").to_string(),
        ])
    }
}
