//! What the pages of imports are made with: which header of a file means which column, a blank file, how far a run is, and all
//! errors of a refused file, as a file. Parts of their templates are in `macros/runs.html`.

use crate::{
    Reply, Visit,
    csv::attachment,
    forms::Form,
    reply::see_other,
    visit::{Trouble, settle},
    words::client,
};
use approvals::{Action, Difference, Performer, Wish};
use chrono::{DateTime, Utc};
use database::Durability;
use futures_util::{StreamExt as _, stream};
use kernel::{ImportId, Outage, Outcome, calendar, outcome, text};
use poem::{Body, Response, http::header};
use roster::runs::{Author, By, Cancelled, Decided};
use serde_json::{Value, json};
use staff::Clerk;
use std::{io, ops::ControlFlow};
use tabular::{Choice, Chunk, Encoding, Source, cp932, outgoing};

/// Characters of a header by which it is known.
const SHOWN: usize = 40;

impl Visit {
    /// Somebody of the staff as imports know whoever asks for them.
    pub fn by<'a>(&'a self, clerk: &'a Clerk) -> By<'a> {
        By {
            tenant: clerk.insurer.tenant_id,
            author: Author::Staff(clerk.staff_id),
            name: &clerk.name,
            actor: clerk.actor(),
            origin: &self.origin,
        }
    }
}

/// Who brought a file, and who of the staff decided on what another brought.
pub fn by(brought: &str, decided: Option<&Decided>) -> String {
    match decided {
        Some(decided) => format!("{brought}（取り込みの確認：{}）", decided.name),
        None => brought.to_owned(),
    }
}

/// Why an import was cancelled, and how things stand since; nothing where that is not known. `brought` is whoever brought it.
pub async fn cancelled(
    visit: &Visit,
    clerk: &Clerk,
    (why, brought): (Option<Cancelled>, &str),
    stands: &str,
) -> Result<String, Trouble> {
    Ok(match why {
        Some(Cancelled::Staff(id)) => {
            let tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
            let names = staff::names(&tx, &[id]).await?;
            tx.commit().await?;
            let by = names.get(&id).map_or("職員", String::as_str);
            format!("{by}が中止しました。{stands}")
        }
        Some(Cancelled::Client) => format!("{}が中止しました。{stands}", client(brought)),
        Some(Cancelled::Replaced) => format!(
            "{}の次のファイルに置き換わったため、中止しました。{stands}",
            client(brought)
        ),
        Some(Cancelled::Shut) => format!(
            "{}を停止または終了したため、中止しました。{stands}取り込みが必要なときは、職員がファイルを読み込んでください。",
            client(brought)
        ),
        None => String::new(),
    })
}

/// A column of a format as a form asks for it, with the header that is taken for it.
pub struct Mapped {
    /// What the field is called.
    pub name: String,
    /// What the column is.
    pub column: &'static str,
    /// True where no file may be without it.
    pub is_required: bool,
    /// The header's place in the file.
    pub chosen: Option<usize>,
}

impl Mapped {
    /// True where the header at this place is taken for it.
    pub fn has(&self, place: &usize) -> bool {
        self.chosen.as_ref() == Some(place)
    }
}

/// What the file has, or what was chosen in a form that was refused.
pub fn mapped(choices: &[Choice], typed: &Form) -> Vec<Mapped> {
    let mapped = |(choice, name): (&Choice, String)| Mapped {
        chosen: match typed.get(&name) {
            Some(typed) => text::number(typed),
            None => choice.place,
        },
        name,
        column: choice.column,
        is_required: choice.is_required,
    };
    choices.iter().zip(field_names(choices.len())).map(mapped).collect()
}

/// The fields of the form in which so many columns are chosen, in the order of the format.
pub fn field_names(count: usize) -> Vec<String> {
    (0..count).map(|nth| format!("c{nth}")).collect()
}

/// The headers' places that were chosen in them.
pub fn chosen(form: &Form, fields: &[String]) -> Vec<Option<usize>> {
    fields.iter().map(|field| text::number(form.text(field))).collect()
}

/// A file's headers with their places, as much of each as it is known by; what has no name is called by its place.
pub fn headers(fields: &[String]) -> Vec<(usize, String)> {
    let named = |(place, field): (usize, &String)| {
        let mut name: String = field.chars().take(SHOWN).collect();
        if name.is_empty() {
            name = format!("（{}列目）", place + 1);
        } else if name.len() < field.len() {
            name.push('…');
        }
        (place, name)
    };
    fields.iter().enumerate().map(named).collect()
}

/// Back to the run's page: it was done, or why it was not.
pub async fn answer(
    visit: &Visit,
    done: Result<Outcome<()>, Outage>,
    (page, kept): (&str, &[&str]),
    text: Option<&str>,
) -> Reply {
    match settle(done) {
        Ok(()) => Ok(match text {
            Some(text) => visit.done(see_other(page), text),
            None => see_other(page),
        }),
        Err(refusal) if refusal.is(outcome::NOT_FOUND) => Err(refusal.into()),
        Err(refusal) => Ok(visit.form_again(&refusal, page, kept).await),
    }
}

/// How far a run is, for its page's script.
pub fn progress(is_over: bool, percent: u64, text: &str) -> Response {
    let body = json!({ "is_over": is_over, "percent": percent, "text": text });
    Response::builder()
        .content_type("application/json")
        .body(body.to_string())
}

/// A file with these headers, to be filled in.
pub fn blank(visit: &Visit, name: &str, headers: &[&str]) -> Response {
    let text = format!("{}\r\n", headers.join(","));
    let bytes = match encoding(&visit.query) {
        Encoding::Cp932 => cp932(&text),
        _ => format!("\u{FEFF}{text}").into_bytes(),
    };
    download(name, Body::from_bytes(bytes.into()))
}

/// The encoding in which a file is asked for.
pub fn encoding(asked: &Form) -> Encoding {
    match asked.text("encoding") {
        "cp932" => Encoding::Cp932,
        _ => Encoding::Utf8Bom,
    }
}

fn download(name: &str, body: Body) -> Response {
    Response::builder()
        .content_type("text/csv")
        .header(header::CONTENT_DISPOSITION, attachment(name))
        .body(body)
}

/// The files of all errors of a kind of import. They hold the values that they are about, and are asked for as every file with
/// people in it.
#[derive(Clone, Copy)]
pub struct ErrorFiles {
    /// Which of the files under four eyes they are.
    pub kind: &'static str,
    /// What such an import brings, as in 名簿.
    pub of: &'static str,
    /// What they are called.
    pub name: &'static str,
}

/// A refused import.
pub struct RefusedImport<'a> {
    /// Which.
    pub run: ImportId,
    /// Its page, below which its errors are asked for.
    pub page: &'a str,
    /// What its file was called.
    pub file: &'a str,
    /// When that came.
    pub came: DateTime<Utc>,
}

impl ErrorFiles {
    /// Answers with the file, which is asked for once nobody has to agree to it any more, or with who has to.
    pub async fn give(
        self,
        visit: &Visit,
        clerk: &Clerk,
        (refused, encoding): (RefusedImport<'_>, Encoding),
        errors: impl Future<Output = Result<Option<Source>, Outage>>,
    ) -> Reply {
        let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
        let (tx, wish) = (tenant.write(Durability::Safe).await?, self.wish(&refused, encoding));
        match visit.ask(tx, clerk, wish, (refused.page, refused.page)).await? {
            ControlFlow::Continue(tx) => tx.commit().await?,
            ControlFlow::Break(answer) => return Ok(answer),
        }
        let chunks = outgoing(errors.await?.ok_or(Trouble::NotFound)?, encoding);
        let bytes = stream::unfold(chunks, |mut chunks| async {
            let Chunk { batch, .. } = chunks.recv().await?;
            Some((io::Result::Ok(batch), chunks))
        });
        Ok(download(self.name, Body::from_bytes_stream(bytes.boxed())))
    }

    fn wish(self, refused: &RefusedImport<'_>, encoding: Encoding) -> Wish {
        let RefusedImport { run, page, file, came } = refused;
        let came = calendar::moment(*came);
        let word = match encoding {
            Encoding::Cp932 => "cp932",
            _ => "utf8",
        };
        Wish {
            action: Action::Export,
            kind: self.kind,
            subject: run.0,
            person: None,
            beneficiary: None,
            also: [].into(),
            parameters: json!({
                "path": format!("{page}/errors"), "fields": [["encoding", word]],
                "file": file, "came": came, "encoding": encoding.as_str(),
            }),
            difference: self.exported(file, &came, encoding.as_str()),
        }
    }

    /// What leaves with the file, which never changes once it is written.
    fn exported(self, file: &str, came: &str, encoding: &str) -> Difference {
        let new = |label: String, value: &str| (label, String::new(), value.to_owned());
        let Self { of, .. } = self;
        vec![
            new("ファイル".to_owned(), &format!("{of}の誤りのCSV（値を含みます）")),
            new(format!("取り込もうとした{of}"), file),
            new(format!("{of}を受け取った日時"), came),
            new("文字コード".to_owned(), encoding),
        ]
    }

    /// The file, while another's agreement to it is asked.
    pub fn performer(self) -> Performer {
        Performer::file(Action::Export, self.kind, move |_, agreed| {
            Box::pin(async move {
                let text = |name: &str| agreed.parameters.get(name).and_then(Value::as_str);
                let (Some(file), Some(came), Some(encoding)) = (text("file"), text("came"), text("encoding")) else {
                    return Ok(outcome::NOT_FOUND.into());
                };
                Ok(Outcome::Done(self.exported(file, came, encoding)))
            })
        })
    }
}
