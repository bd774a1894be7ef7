//! Writing an insurer back into a folder, as `apply` reads it: applied again, it changes nothing.

use crate::{
    ContactDesk, Feature, FolderPart, GenericSettings, RosterSettings, Settings, StatementSettings,
    directory::InsurerRow,
    folder::day_word,
    logos,
    schema::insurers,
    terms::{self, TermsText},
};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use database::{Database, DatabaseError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{TenantId, calendar};
use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The logo's name in an exported folder.
const LOGO: &str = "logo.png";

/// Why a folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No such insurer.
    #[error("there is no tenant {0}")]
    Unknown(TenantId),
    /// The folder holds something: nothing is ever overwritten.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A file could not be written.
    #[error("{}: {error}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<diesel::result::Error> for ExportError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Writes an insurer's folder, which must be empty or absent, with what these modules keep in it at `now`.
pub async fn export(
    database: &Database,
    now: DateTime<Utc>,
    tenant: TenantId,
    dir: &Path,
    parts: &[FolderPart],
) -> Result<(), ExportError> {
    let mut tx = database.tenant(tenant).read().await?;
    let row = insurers::table
        .filter(insurers::tenant_id.eq(tenant))
        .select(InsurerRow::as_select())
        .first(&mut *tx)
        .await
        .optional()?
        .ok_or(ExportError::Unknown(tenant))?;
    let settings = row.settings()?;
    let mut files = vec![(
        PathBuf::from("tenant.toml"),
        tenant_toml_of(row.insurer_code.as_deref(), row.revision, &settings).into_bytes(),
    )];
    for head in &settings.terms {
        let text = terms::text(&mut tx, &head.document, head.revision)
            .await?
            .ok_or(diesel::result::Error::NotFound)?;
        let name = format!("terms/{}.{}.md", head.document, head.revision);
        files.push((name.into(), terms_markdown(&text, head.agree_again).into_bytes()));
    }
    for part in parts {
        for file in (part.export)(&mut tx, now).await? {
            let name = format!("{}/{}.md", part.folder, file.slug);
            files.push((name.into(), file.text.into_bytes()));
        }
    }
    if let Some(head) = &settings.logo {
        let logo = logos::logo(&mut tx, &head.hash)
            .await?
            .ok_or(diesel::result::Error::NotFound)?;
        files.push((LOGO.into(), logo.bytes));
    }
    tx.commit().await?;
    write(dir, &files)
}

fn write(dir: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<(), ExportError> {
    let failed = |path: &Path| {
        let file = path.to_owned();
        move |error| ExportError::File { file, error }
    };
    std::fs::create_dir_all(dir).map_err(failed(dir))?;
    if std::fs::read_dir(dir).map_err(failed(dir))?.next().is_some() {
        return Err(ExportError::NotEmpty(dir.to_owned()));
    }
    for (name, bytes) in files {
        let path = dir.join(name);
        let parent = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(parent).map_err(failed(parent))?;
        let mut new = std::fs::File::create_new(&path).map_err(failed(&path))?;
        new.write_all(bytes).map_err(failed(&path))?;
    }
    Ok(())
}

/// tenant.toml with the revision that it was made from, which `apply` compares with what stands then.
fn tenant_toml_of(code: Option<&str>, revision: i64, settings: &Settings) -> String {
    format!("revision = {revision}\n{}", tenant_toml(code, settings))
}

/// tenant.toml in the order of the shipped ones.
pub(crate) fn tenant_toml(code: Option<&str>, settings: &Settings) -> String {
    let mut toml = Toml::default();
    if let Some(code) = code {
        toml.text("code", code);
        toml.text("name", &settings.name);
        toml.text("kana", &settings.kana);
        toml.text("kind", settings.kind.as_str());
        if settings.sandbox {
            toml.plain("sandbox", settings.sandbox);
        }
        if settings.logo.is_some() {
            toml.text("logo", LOGO);
        }
        toml.text("brand_color", &settings.brand_color.to_string());
        toml.plain("points", settings.points);
        toml.plain("after_loss_days", settings.after_loss_days);
        toml.texts(
            "member_documents",
            settings.member_documents.iter().map(|document| document.as_str()),
        );
        if !settings.relations.is_empty() {
            toml.table("relations");
            let words = settings.relations.iter();
            let words = words.map(|(word, relation)| (word.clone(), relation.as_str().into()));
            // Keys of any text: the library knows when to put quotation marks around them.
            toml.0 += &words.collect::<toml::Table>().to_string();
        }
        if settings.roster != RosterSettings::default() {
            toml.table("roster");
            toml.plain("loss_percent", settings.roster.loss_percent);
        }
        if settings.statements != StatementSettings::default() {
            statements(&mut toml, settings.statements);
        }
        toml.table("sign_up");
        toml.plain("employee_number", settings.sign_up.employee_number);
        toml.table("password");
        toml.plain("minimum_length", settings.password.minimum_length);
        toml.table("session");
        toml.plain("idle_minutes", settings.session.idle_minutes);
        toml.plain("absolute_hours", settings.session.absolute_hours);
        for network in &settings.networks {
            toml.table("[network]");
            toml.text("cidr", &network.cidr.to_string());
            toml.plain("factor", network.factor);
        }
    } else {
        toml.text("name", &settings.name);
        toml.text("operator", settings.operator.as_deref().unwrap_or_default());
        toml.text("brand_color", &settings.brand_color.to_string());
    }
    toml.table("sender");
    toml.text("name", &settings.sender.name);
    toml.text("address", settings.sender.address.as_str());
    desk(&mut toml, &settings.desk);
    if code.is_some() {
        toml.table("modules");
        for module in Feature::ALL {
            toml.text(module.as_str(), settings.modules.wished(*module).as_str());
        }
        let mut said = settings.approvals.all().peekable();
        if said.peek().is_some() {
            toml.table("approvals");
        }
        for (action, is_on) in said {
            toml.plain(action.as_str(), is_on);
        }
    }
    toml.0
}

fn generics(toml: &mut Toml, settings: GenericSettings) {
    toml.plain("min_month_yen", settings.min_month_yen);
    toml.plain("min_line_yen", settings.min_line_yen);
    toml.plain("min_days", settings.min_days);
    toml.plain("min_age", settings.min_age);
    toml.texts(
        "exclude_classes",
        settings.exclude_classes.all().map(|digits| digits.to_string()),
    );
    toml.text("saving", settings.saving.as_str());
}

fn statements(toml: &mut Toml, settings: StatementSettings) {
    toml.table("statements");
    toml.plain("months_online", settings.months_online);
    if settings.generics != GenericSettings::default() {
        generics(toml, settings.generics);
    }
    toml.text("costs_family", settings.costs_family.as_str());
    toml.text("medicines_family", settings.medicines_family.as_str());
    toml.plain("adult_age", settings.adult_age);
    toml.text("former_dependants", settings.former_dependants.as_str());
    toml.plain("arrives_after_months", settings.arrives_after_months);
    toml.text("official_notice", settings.official_notice.as_str());
    toml.plain("mails_per_minute", settings.mails_per_minute);
}

fn desk(toml: &mut Toml, desk: &ContactDesk) {
    let time = |time: NaiveTime| quoted(&time.format("%H:%M").to_string());
    let hours: Vec<String> = desk
        .hours
        .iter()
        .map(|hours| format!("{{ from = {}, to = {} }}", time(hours.from), time(hours.to)))
        .collect();
    toml.table("desk");
    toml.text("name", &desk.name);
    toml.text("phone", &desk.phone);
    toml.texts("days", desk.days.iter().map(|day| day_word(*day)));
    toml.plain("hours", format!("[{}]", hours.join(", ")));
    toml.plain("closed_on_holidays", desk.closed_on_holidays);
    toml.texts("closed_dates", desk.closed_dates.iter().map(NaiveDate::to_string));
    if let Some(email) = &desk.email {
        toml.text("email", email.as_str());
    }
    if let Some(note) = &desk.email_note {
        toml.text("email_note", note);
    }
    toml.text("have_ready", &desk.have_ready);
    for other in &desk.other {
        toml.table("[desk.other]");
        toml.text("subject", &other.subject);
        toml.text("contact", &other.contact);
    }
}

pub(crate) fn terms_markdown(text: &TermsText, agree_again: bool) -> String {
    let mut toml = Toml::default();
    toml.text("document", &text.document);
    toml.plain("revision", text.revision);
    toml.text("title", &text.title);
    toml.text("effective_on", &calendar::today_in_japan(text.effective_at).to_string());
    if let Some(changes) = &text.changes {
        toml.text("changes", changes);
    }
    if !agree_again {
        toml.plain("agree_again", agree_again);
    }
    format!("+++\n{}+++\n\n{}\n", toml.0, text.body)
}

/// Lines of text in front matter, and the text under it.
pub(crate) fn front_matter(front: &[(&str, &str)], flags: &[&str], body: &str) -> String {
    let mut toml = Toml::default();
    for (key, value) in front {
        toml.text(key, value);
    }
    for key in flags {
        toml.plain(key, "true");
    }
    format!("+++\n{}+++\n\n{body}\n", toml.0)
}

/// Lines of TOML.
#[derive(Default)]
struct Toml(String);

impl Toml {
    fn table(&mut self, name: &str) {
        let _ = writeln!(self.0, "\n[{name}]");
    }

    fn plain(&mut self, key: &str, value: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.plain(key, quoted(value));
    }

    fn texts(&mut self, key: &str, values: impl Iterator<Item: AsRef<str>>) {
        let values: Vec<String> = values.map(|value| quoted(value.as_ref())).collect();
        self.plain(key, format!("[{}]", values.join(", ")));
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
