//! The trail as a file: read page by page, each in a short transaction; making it is a line of its own.

use super::{AUDIT, Names, filter::Narrowed, line::Line, look, over_all, person, veiled, write};
use askama::Template;
use audit::{
    Entry,
    read::{self, Filter, Recorded},
};
use database::Database;
use futures_util::stream;
use kernel::{AuditId, Outage, StaffId, calendar};
use pages::{Reply, Visit, csv, frame::Frame};
use serde_json::json;
use staff::Clerk;
use std::collections::HashSet;
use tabular::Written;
use uuid::Uuid;

/// Lines read at once.
const BATCH: i64 = 500;
const HEADER: [&str; 15] = [
    "日時",
    "操作",
    "操作コード",
    "結果",
    "操作した人",
    "操作した人の種類",
    "操作した人の番号",
    "対象",
    "対象の種類",
    "対象の番号",
    "経路",
    "接続元",
    "リクエスト番号",
    "詳細",
    "記録の番号",
];

#[derive(Template)]
#[template(path = "console/audit_file.html")]
struct FilePage {
    frame: Frame,
    narrowed: Narrowed,
    action: &'static str,
    colleague: String,
}

/// `GET /console/audit/file`: what goes into the file.
pub(super) async fn ask(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let again = visit.again().await;
    let tx = write(&visit, &clerk).await?;
    let narrowed = match Narrowed::read(&visit, &clerk, &tx, again.or(&visit.query)).await? {
        Ok(narrowed) => narrowed,
        Err(veiled) => return person::veiled(&visit, &clerk, tx, veiled).await,
    };
    if narrowed.person.is_some() {
        look(&visit, &clerk, &tx, &narrowed).await?;
    }
    let of: Vec<StaffId> = narrowed.filter.actor.into_iter().map(StaffId).collect();
    let mut colleagues = ::staff::names(&tx, &of).await?;
    tx.commit().await?;
    visit.html(&FilePage {
        frame: visit.frame().in_section(AUDIT).with_errors(again.errors),
        action: narrowed.filter.action.as_deref().map_or("すべて", super::words::action),
        colleague: of.first().and_then(|id| colleagues.remove(id)).unwrap_or_default(),
        narrowed,
    })
}

/// A file under way.
struct File {
    database: Database,
    clerk: Clerk,
    filter: Filter,
    encoding: Written,
    before: Option<AuditId>,
    is_over: bool,
}

/// `POST /console/audit/file`. Lines from before it was asked for, so that it ends; where the database goes away the answer
/// breaks off, so that no part passes for the whole.
pub(super) async fn submit(visit: Visit, clerk: Clerk) -> Reply {
    over_all(&clerk)?;
    let encoding = Written::read(visit.form.text("encoding")).unwrap_or(Written::Utf8);
    let tx = write(&visit, &clerk).await?;
    let narrowed = match Narrowed::read(&visit, &clerk, &tx, &visit.form).await? {
        Ok(narrowed) => narrowed,
        Err(veiled) => return person::veiled(&visit, &clerk, tx, veiled).await,
    };
    let entry = Entry {
        actor: clerk.actor(),
        action: "audit.export",
        object: narrowed.person.as_ref().map(|person| ("person", person.id.0)),
        outcome: "done",
        detail: json!({ "encoding": encoding.as_str(), "filters": narrowed.names() }),
    };
    audit::record(&tx, visit.now, &visit.origin, entry).await?;
    if narrowed.person.is_some() {
        look(&visit, &clerk, &tx, &narrowed).await?;
    }
    tx.commit().await?;
    let file = File {
        database: visit.services.database.clone(),
        clerk,
        filter: narrowed.filter,
        encoding,
        before: Some(AuditId::least(visit.now)),
        is_over: false,
    };
    let rows = stream::try_unfold(file, |mut file| async move {
        let rows = file.next().await?;
        Ok::<_, Outage>(rows.map(|rows| (rows, file)))
    });
    let name = format!("audit-{}.csv", calendar::today_in_japan(visit.now).format("%Y%m%d"));
    Ok(csv(&name, encoding, &HEADER, rows))
}

impl File {
    /// The next rows; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Outage> {
        if self.is_over {
            return Ok(None);
        }
        let tx = self.database.tenant(self.clerk.insurer.tenant_id).read().await?;
        let found = read::list(&tx, &self.filter, self.before, BATCH).await?;
        let names = Names::of(&tx, &found).await?;
        let veiled = veiled(&tx, &self.clerk, &found).await?;
        tx.commit().await?;
        let Some(last) = found.last() else { return Ok(None) };
        self.before = Some(last.audit_id);
        self.is_over = i64::try_from(found.len()).unwrap_or_default() < BATCH;
        Ok(Some(
            found.iter().flat_map(|line| self.row(line, &names, &veiled)).collect(),
        ))
    }

    fn row(&self, found: &Recorded, names: &Names, veiled: &HashSet<Uuid>) -> Vec<u8> {
        let line = Line::new(found, names, &self.clerk);
        let is_veiled = found.people().any(|id| veiled.contains(&id));
        let own = |id: Option<Uuid>| id.filter(|id| !veiled.contains(id));
        let detail = if is_veiled {
            String::new()
        } else {
            found.explained().to_string()
        };
        let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        let at = calendar::in_japan(found.at).format("%Y-%m-%d %H:%M:%S%.3f").to_string();
        self.encoding.line(&[
            &at,
            line.action,
            &found.action,
            &found.outcome,
            &line.actor,
            &found.actor_kind,
            &id(own(found.actor_id)),
            &line.object,
            found.object_kind.as_deref().unwrap_or_default(),
            &id(found.object_id.filter(|_| !is_veiled)),
            line.channel,
            if is_veiled { "" } else { &line.address },
            &id(found.request_id.filter(|_| !is_veiled)),
            &detail,
            &found.audit_id.to_string(),
        ])
    }
}
