//! The settings in effect as a madoguchi.toml would have them, without what is secret in them.

use super::{Config, ConfigError, DEFAULTS, Variables};
use std::path::Path;
use toml::{Table, Value};
use url::Url;

/// In the place of a secret that is set.
const HIDDEN: &str = "…";

impl Config {
    /// Reads and checks all sources, as [`Config::read`], and gives what they come to.
    pub fn shown(file: Option<&Path>) -> Result<String, ConfigError> {
        Self::read(file)?;
        let sources = Self::sources(&Self::text(file)?, Variables::of_process())?;
        let defaults: Table = DEFAULTS.parse().unwrap_or_default();
        let mut table: Table = sources.try_deserialize()?;
        for (section, values) in &mut table {
            let Value::Table(values) = values else { continue };
            take_kinds(values, defaults.get(section).and_then(Value::as_table));
            hide(section, values);
        }
        Ok(table.to_string())
    }
}

/// A variable is a text, whatever the setting is.
fn take_kinds(values: &mut Table, defaults: Option<&Table>) {
    for (name, value) in values {
        match (value, defaults.and_then(|defaults| defaults.get(name))) {
            (Value::Table(values), Some(Value::Table(defaults))) => take_kinds(values, Some(defaults)),
            (Value::Array(values), Some(Value::Array(defaults))) => {
                for value in values {
                    take_kind(value, defaults.first());
                }
            }
            (value, default) => take_kind(value, default),
        }
    }
}

fn take_kind(value: &mut Value, default: Option<&Value>) {
    let Value::String(text) = value else { return };
    let kind = match default {
        Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
        Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
        _ => None,
    };
    if let Some(kind) = kind {
        *value = kind;
    }
}

fn hide(section: &str, values: &mut Table) {
    for (name, value) in values {
        match (section, name.as_str(), value) {
            ("keys", "current", _) => {}
            ("keys", _, Value::Table(ring)) => ring.iter_mut().for_each(|(_, key)| hide_text(key)),
            ("keys", _, value) | ("database", "url" | "owner_url", value) => hide_text(value),
            ("mail", "url", value) => {
                // The host alone.
                let shown = value.as_str().and_then(|url| Url::parse(url).ok());
                let shown = shown.and_then(|url| Some(format!("{}://{HIDDEN}{}", url.scheme(), url.host_str()?)));
                *value = Value::String(shown.unwrap_or_else(|| HIDDEN.to_owned()));
            }
            _ => {}
        }
    }
}

fn hide_text(value: &mut Value) {
    if value.as_str() != Some("") {
        *value = Value::String(HIDDEN.to_owned());
    }
}
