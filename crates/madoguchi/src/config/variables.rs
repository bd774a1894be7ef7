//! What variables set of the configuration.

use super::DEFAULTS;
use config::{Environment, File, FileFormat, Map, Source, Value, ValueKind};

/// The variables. Each is a text, which its field reads (a key of the name `01` stays one); where the default is a list,
/// a list separated by commas, of one element or none too.
#[derive(Debug, Clone)]
pub(super) struct Variables(pub(super) Environment);

impl Variables {
    pub(super) fn of_process() -> Self {
        Self(
            Environment::with_prefix("MADOGUCHI")
                .prefix_separator("__")
                .separator("__"),
        )
    }
}

impl Source for Variables {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml).collect()?;
        let mut variables = self.0.collect()?;
        for (name, value) in &mut variables {
            if let ValueKind::String(text) = &value.kind
                && is_list(&defaults, name)
            {
                let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
                value.kind = ValueKind::Array(elements.map(|element| Value::new(None, element)).collect());
            }
        }
        Ok(variables)
    }
}

/// True where `section.name` is a list by default.
fn is_list(defaults: &Map<String, Value>, name: &str) -> bool {
    let setting = name
        .split_once('.')
        .and_then(|(section, name)| match &defaults.get(section)?.kind {
            ValueKind::Table(settings) => settings.get(name),
            _ => None,
        });
    setting.is_some_and(|setting| matches!(setting.kind, ValueKind::Array(_)))
}
