//! All errors of a refused file, as a file: it holds the values that they are about, and asks as every file with people in it.

use super::{by, download, encoding, found, path};
use crate::runs::Run;
use access::EXPORT_PERSONAL;
use approvals::{Action, Difference, Performer, Wish};
use database::Durability;
use futures_util::{StreamExt as _, stream};
use ground::Ground;
use kernel::{Outcome, calendar, outcome};
use pages::{Reply, Visit, visit::Trouble};
use poem::Body;
use serde_json::{Value, json};
use staff::{Clerk, reasons::NOT_PERMITTED};
use std::ops::ControlFlow;
use tabular::{Chunk, Encoding};

/// Which of the files under four eyes this is.
const EXPORT: &str = "statement_errors";

/// `POST /console/statements/runs/:run/errors`: for whoever may take people's data along besides.
pub(super) async fn errors(ground: Ground, visit: Visit, clerk: Clerk) -> Reply {
    if !clerk.may(EXPORT_PERSONAL) {
        return Err(NOT_PERMITTED.into());
    }
    let (runs, run) = found(&ground, &visit, &clerk).await?;
    if !run.has_errors_file() {
        return Err(Trouble::NotFound);
    }
    let encoding = encoding(&visit.form);
    let tenant = ground.database.tenant(clerk.insurer.tenant_id);
    let (tx, page) = (tenant.write(Durability::Safe).await?, path(run.run_id));
    match visit.ask(tx, &clerk, wish(&run, encoding), (&page, &page)).await? {
        ControlFlow::Continue(tx) => tx.commit().await?,
        ControlFlow::Break(answer) => return Ok(answer),
    }
    let file = runs.errors(by(&visit, &clerk), run.run_id, encoding).await?;
    let chunks = tabular::outgoing(file.ok_or(Trouble::NotFound)?, encoding);
    let bytes = stream::unfold(chunks, |mut chunks| async {
        let Chunk { batch, .. } = chunks.recv().await?;
        Some((std::io::Result::Ok(batch), chunks))
    });
    Ok(download("statement-errors.csv", Body::from_bytes_stream(bytes.boxed())))
}

fn wish(run: &Run, encoding: Encoding) -> Wish {
    let (file, came) = (run.file_name.as_str(), calendar::moment(run.created_at));
    let word = match encoding {
        Encoding::Cp932 => "cp932",
        _ => "utf8",
    };
    Wish {
        action: Action::Export,
        kind: EXPORT,
        subject: run.run_id.0,
        person: None,
        beneficiary: None,
        also: [].into(),
        parameters: json!({
            "path": format!("{}/errors", path(run.run_id)), "fields": [["encoding", word]],
            "file": file, "came": came, "encoding": encoding.as_str(),
        }),
        difference: exported(file, &came, encoding.as_str()),
    }
}

/// What leaves with the file, which never changes once it is written.
fn exported(file: &str, came: &str, encoding: &str) -> Difference {
    let new = |label: &str, value: &str| (label.to_owned(), String::new(), value.to_owned());
    vec![
        new("ファイル", "明細の誤りのCSV（値を含みます）"),
        new("取り込もうとした明細", file),
        new("明細を受け取った日時", came),
        new("文字コード", encoding),
    ]
}

/// The file, while another's agreement to it is asked.
pub(in crate::console) fn performer() -> Performer {
    Performer::file(Action::Export, EXPORT, |_, agreed| {
        Box::pin(async move {
            let text = |name: &str| agreed.parameters.get(name).and_then(Value::as_str);
            let (Some(file), Some(came), Some(encoding)) = (text("file"), text("came"), text("encoding")) else {
                return Ok(outcome::NOT_FOUND.into());
            };
            Ok(Outcome::Done(exported(file, came, encoding)))
        })
    })
}
