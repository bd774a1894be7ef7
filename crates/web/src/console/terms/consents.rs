//! Who accepted a revision, as a file: read page by page, each kept in the trail before it leaves.

use super::{Named, TERMS, label};
use access::TERMS_VIEW;
use accounts::agreed::{self, Document};
use approvals::{Action, Difference, Performer, Wish};
use askama::Template;
use audit::{Entry, Look};
use chrono::{DateTime, Utc};
use database::{Database, Durability};
use futures_util::stream;
use kernel::{ConsentId, Outage, Outcome, PersonId, calendar};
use pages::{Reply, Visit, csv, frame::Frame, visit::Trouble};
use roster::{
    Protected, Sight,
    search::{By, Filter, Found, search},
};
use serde_json::{Value, json};
use staff::{Clerk, reasons};
use std::{collections::HashMap, ops::ControlFlow};
use tabular::Written;
use uuid::Uuid;

/// Which of the files under four eyes this is.
pub(super) const EXPORT: &str = "consents";
/// Lines that are read at once.
const BATCH: u32 = 500;
const HEADER: [&str; 8] = [
    "記号",
    "番号",
    "枝番",
    "氏名",
    "規約",
    "版",
    "同意した日時",
    "同意した方法",
];

#[derive(Template)]
#[template(path = "console/terms_consents.html")]
struct FilePage {
    frame: Frame,
    document_words: &'static str,
    to_file: String,
    path: String,
    revision: i32,
    title: String,
}

/// `GET /console/terms/:document/:revision/consents`: what goes into the file.
pub(super) async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    let (named, title) = asked(&visit, &clerk).await?;
    let waits = visit.waits_for_file(&clerk, EXPORT).await?;
    let again = visit.again().await;
    visit.html(&FilePage {
        frame: visit
            .frame()
            .in_section(TERMS)
            .with_errors(again.errors)
            .with_waits(waits),
        document_words: label(named.document),
        to_file: format!("{}/consents", named.path()),
        path: named.path(),
        revision: named.revision,
        title,
    })
}

/// The revision, with its title. A file of consents takes both: to see the terms, and to take people along.
async fn asked(visit: &Visit, clerk: &Clerk) -> Result<(Named, String), Trouble> {
    if !clerk.may(TERMS_VIEW) {
        return Err(reasons::NOT_PERMITTED.into());
    }
    let named = Named::read(visit)?;
    let known = super::Known::read(visit, clerk).await?;
    let title = named.head(&known)?.title;
    Ok((named, title))
}

/// What a file under way needs.
struct File {
    database: Database,
    origin: audit::Origin,
    now: DateTime<Utc>,
    clerk: Clerk,
    document: Document<'static>,
    revision: i32,
    title: String,
    encoding: Written,
    after: Option<ConsentId>,
    is_over: bool,
}

/// `POST /console/terms/:document/:revision/consents`. Where the database goes away the answer breaks off, so that no part
/// passes for the whole.
pub(super) async fn file(visit: Visit, clerk: Clerk) -> Reply {
    let (named, title) = asked(&visit, &clerk).await?;
    let encoding = Written::read(visit.form.text("encoding")).unwrap_or(Written::Utf8);
    let database = visit.services.database.clone();
    let tx = database.tenant(clerk.insurer.tenant_id).write(Durability::Safe).await?;
    let parameters = json!({
        "path": format!("{}/consents", named.path()), "fields": [["encoding", encoding.as_str()]],
        "document": named.document, "title": title, "revision": named.revision, "encoding": encoding.as_str(),
    });
    let wish = Wish {
        action: Action::Export,
        kind: EXPORT,
        subject: clerk.staff_id.0,
        person: None,
        beneficiary: None,
        also: [].into(),
        difference: exported(&parameters),
        parameters,
    };
    let page = format!("{}/consents", named.path());
    let tx = match visit.ask(tx, &clerk, wish, (&named.path(), &page)).await? {
        ControlFlow::Continue(tx) => tx,
        ControlFlow::Break(answer) => return Ok(answer),
    };
    let entry = Entry {
        actor: clerk.actor(),
        action: "consents.export",
        object: None,
        outcome: "done",
        detail: json!({
            "document": named.document, "revision": named.revision, "encoding": encoding.as_str()
        }),
    };
    audit::record(&tx, visit.now, &visit.origin, entry).await?;
    tx.commit().await?;
    let file = File {
        database,
        origin: visit.origin,
        now: visit.now,
        document: named.agreed(&clerk),
        revision: named.revision,
        clerk,
        title,
        encoding,
        after: None,
        is_over: false,
    };
    let rows = stream::try_unfold(file, |mut file| async move {
        let rows = file.next().await?;
        Ok::<_, Outage>(rows.map(|rows| (rows, file)))
    });
    let day = calendar::today_in_japan(visit.now).format("%Y%m%d");
    let name = format!("consents-{}-{}-{day}.csv", named.document, named.revision);
    Ok(csv(&name, encoding, &HEADER, rows))
}

/// What leaves with the file. How many they are is no part of it: members accept while it waits.
fn exported(parameters: &Value) -> Difference {
    let text = |name: &str| parameters.get(name).and_then(Value::as_str).unwrap_or_default();
    let revision = parameters.get("revision").and_then(Value::as_i64).unwrap_or_default();
    let encoding = Written::read(text("encoding"));
    let lines = [
        ("ファイル", "同意した方のCSV".to_owned()),
        ("規約", label(text("document")).to_owned()),
        ("題名", text("title").to_owned()),
        ("版", format!("第{revision}版")),
        ("文字コード", encoding.map_or("", Written::label).to_owned()),
    ];
    lines
        .into_iter()
        .map(|(label, value)| (label.to_owned(), String::new(), value))
        .collect()
}

/// The file, while another's agreement to it is asked.
pub(in crate::console) fn performer() -> Performer {
    Performer::file(Action::Export, EXPORT, |_, agreed| {
        Box::pin(async move { Ok(Outcome::Done(exported(&agreed.parameters))) })
    })
}

impl File {
    /// The next rows; none at the end. Of whom the clerk may not see there are none: the protected are in no file.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Outage> {
        if self.is_over {
            return Ok(None);
        }
        let tenant = self.database.tenant(self.clerk.insurer.tenant_id);
        let tx = tenant.write(Durability::Safe).await?;
        let lines = agreed::lines(&tx, self.document, self.revision, self.after, BATCH.into()).await?;
        let Some(last) = lines.last() else {
            return Ok(None);
        };
        self.after = Some(last.consent_id);
        self.is_over = lines.len() < BATCH as usize;
        let sight = Sight {
            reach: self.clerk.reach.clone(),
            protected: Protected::Hidden,
        };
        let people: Vec<PersonId> = lines.iter().filter_map(|line| line.person_id).collect();
        let found = search(&tx, &sight, &Filter::default(), &By::People(&people), None, BATCH).await?;
        let seen: Vec<Uuid> = found.people.iter().map(|person| person.person_id.0).collect();
        let look = Look::list("consents.file", vec!["document"], &seen);
        audit::look(&tx, self.now, &self.origin, self.clerk.actor(), look).await?;
        tx.commit().await?;
        let found: HashMap<PersonId, Found> = found.people.into_iter().map(|found| (found.person_id, found)).collect();
        let row = |line: &agreed::Line| Some(self.row(line, found.get(&line.person_id?)?));
        Ok(Some(lines.iter().filter_map(row).flatten().collect()))
    }

    fn row(&self, line: &agreed::Line, person: &Found) -> Vec<u8> {
        let name = if person.name.is_empty() {
            &person.kana_name
        } else {
            &person.name
        };
        let way = match line.channel.as_str() {
            "portal" => "画面",
            _ => "連携するアプリ",
        };
        self.encoding.line(&[
            &person.symbol,
            &person.number,
            &person.branch,
            name,
            &self.title,
            &self.revision.to_string(),
            &calendar::in_japan(line.at).format("%Y-%m-%d %H:%M:%S").to_string(),
            way,
        ])
    }
}
