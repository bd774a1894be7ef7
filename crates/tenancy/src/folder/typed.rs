//! What somebody types into a form of the console, read by the very functions that read a tenant.toml: it is written as
//! one, around what stands, and what is wrong in it is named by its keys.

use super::{
    FolderProblem,
    source::{Problems, Source},
    tenant_toml,
};
use crate::{Settings, StatementSettings, export};
use kernel::InsurerCode;
use serde_json::{Map, Value};
use std::path::Path;

/// What one form of the console is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Name, kana, colour. The logo comes as a file.
    Branding,
    /// お問い合わせ先.
    Desk,
    /// What the my page offers.
    Modules,
    /// What sign-up asks.
    SignUp,
    /// Passwords and sessions of members.
    LogIn,
    /// From whom mails come.
    Sender,
    /// Networks that many members share.
    Networks,
    /// What lasts after a loss of coverage.
    Retention,
}

impl Topic {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Branding,
        Self::Desk,
        Self::Modules,
        Self::SignUp,
        Self::LogIn,
        Self::Sender,
        Self::Networks,
        Self::Retention,
    ];

    /// Its keys at the top of a tenant.toml.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Branding => &["name", "kana", "brand_color"],
            Self::Desk => &["desk"],
            Self::Modules => &["modules"],
            Self::SignUp => &["sign_up", "member_documents", "relations"],
            Self::LogIn => &["password", "session"],
            Self::Sender => &["sender"],
            Self::Networks => &["network"],
            Self::Retention => &["after_loss_days"],
        }
    }

    /// Lays what `from` says of it over `over`, which keeps all else.
    pub fn lay(self, from: Settings, over: &mut Settings) {
        match self {
            Self::Branding => {
                over.name = from.name;
                over.kana = from.kana;
                over.brand_color = from.brand_color;
            }
            Self::Desk => over.desk = from.desk,
            Self::Modules => over.modules = from.modules,
            Self::SignUp => {
                over.sign_up = from.sign_up;
                over.member_documents = from.member_documents;
                over.relations = from.relations;
            }
            Self::LogIn => {
                over.password = from.password;
                over.session = from.session;
            }
            Self::Sender => over.sender = from.sender,
            Self::Networks => over.networks = from.networks,
            Self::Retention => over.after_loss_days = from.after_loss_days,
        }
    }
}

/// Reads what was typed of a topic, as a tenant.toml has it, beside the rest of `current`; on any problem all of them, by
/// key. A key that is null was left open.
pub fn read_typed(
    topic: Topic,
    code: &InsurerCode,
    current: &Settings,
    typed: Map<String, Value>,
) -> Result<Settings, Vec<FolderProblem>> {
    let mut toml = standing(code, current);
    for key in topic.keys() {
        toml.remove(*key);
    }
    for (key, value) in typed {
        toml.extend(written(value).map(|value| (key, value)));
    }
    let mut settings = current.clone();
    topic.lay(read(&toml, topic.keys())?, &mut settings);
    Ok(settings)
}

/// The same of `[statements]`: what was typed of it, and all else as it stands.
pub fn read_statements(
    code: &InsurerCode,
    current: &Settings,
    typed: Map<String, Value>,
) -> Result<StatementSettings, Vec<FolderProblem>> {
    let mut toml = standing(code, current);
    let statements = toml.entry("statements").or_insert_with(|| toml::Table::new().into());
    if let toml::Value::Table(statements) = statements {
        for (key, value) in typed {
            statements.extend(written(value).map(|value| (key, value)));
        }
    }
    read(&toml, &["statements"]).map(|settings| settings.statements)
}

/// What stands, as a tenant.toml: what is written for one reads as one.
fn standing(code: &InsurerCode, current: &Settings) -> toml::Table {
    let toml = export::tenant_toml(Some(code.as_str()), current).parse();
    let mut toml: toml::Table = toml.unwrap_or_default();
    // The logo is no text of a form's.
    toml.remove("logo");
    toml
}

/// Reads it; on any problem of these keys all of them.
fn read(toml: &toml::Table, keys: &[&str]) -> Result<Settings, Vec<FolderProblem>> {
    let text = toml.to_string();
    let (path, problems) = (Path::new("tenant.toml"), Problems::default());
    let read = tenant_toml::read(&Source::new(path, &text, 1, &problems));
    let is_of_keys = |problem: &FolderProblem| {
        let top = problem.key.split('.').next().unwrap_or_default();
        keys.contains(&top)
    };
    let problems: Vec<FolderProblem> = problems.into_inner().into_iter().filter(is_of_keys).collect();
    match read {
        Some(read) if problems.is_empty() => Ok(read.settings),
        _ => Err(problems),
    }
}

fn written(value: Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => value.into(),
        // Of a form there come none but whole numbers.
        Value::Number(number) => number.as_i64()?.into(),
        Value::String(text) => text.into(),
        Value::Array(values) => values.into_iter().filter_map(written).collect::<Vec<_>>().into(),
        Value::Object(values) => {
            let values = values.into_iter();
            let values = values.filter_map(|(key, value)| Some((key, written(value)?)));
            toml::Value::Table(values.collect())
        }
    })
}
