//! Configuration: embedded defaults → madoguchi.toml → `MADOGUCHI__*` variables, into typed structs that are checked
//! across fields before anything starts. A bad value stops the start with its name and the reason.

mod check;
mod keys;
mod shown;
mod variables;

pub use keys::KeysConfig;

use accounts::Limits;
use config::{Config as Sources, File, FileFormat};
use database::DatabaseConfig;
use guard::HashConfig;
use ipnet::IpNet;
use kernel::{Keys, NameKeys};
use serde::Deserialize;
use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use url::Url;
use variables::Variables;
use webhooks::Settings as WebhooksConfig;

/// Read where no file is named; it may be absent.
const DEFAULT_FILE: &str = "madoguchi.toml";
/// Bytes of the file; a larger one is a mistake.
const MAX_FILE: u64 = 1024 * 1024;

const DEFAULTS: &str = include_str!("../default.toml");

/// Why a start was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is missing, unknown, or of the wrong kind.
    #[error("configuration: {0}")]
    Read(#[from] config::ConfigError),
    /// The file can't be read.
    #[error("configuration: {file}: {reason}")]
    File {
        /// Which file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A value is readable and wrong.
    #[error("configuration: {name}: {reason}")]
    Value {
        /// Such as `http.public_url`.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[http]`
    pub http: HttpConfig,
    /// `[mail]`
    pub mail: MailConfig,
    /// `[webhooks]`
    pub webhooks: WebhooksConfig,
    /// `[keys]`
    pub keys: KeysConfig,
    /// `[hash]`
    pub hash: HashConfig,
    /// `[limits]`
    pub limits: Limits,
    /// `[retention]`
    pub retention: RetentionConfig,
    /// `[log]`
    pub log: LogConfig,
}

/// `[http]`: where we listen and where browsers find us.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The public listener.
    pub listen: SocketAddr,
    /// Where browsers find us.
    pub public_url: Url,
    /// Where staff find the console, on a host of its own; none: where members find the portal.
    #[serde(default)]
    pub console_url: Option<Url>,
    /// Networks whose forwarded address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Where metrics are served; empty: nowhere.
    pub admin_listen: String,
    /// Bytes of a request body that are read at most.
    pub body_limit_bytes: usize,
    /// Seconds for requests and work under way after SIGTERM.
    pub drain_seconds: u64,
    /// Seconds after SIGTERM in which /readyz says no and all else is answered as ever.
    pub drain_delay_seconds: u64,
    /// Seconds after which a connection on which nothing moves is closed.
    pub idle_seconds: u64,
    /// Seconds for the headers of a request, from their first byte on.
    pub header_seconds: u64,
    /// Seconds for the body of a request.
    pub body_seconds: u64,
    /// Connections at most.
    pub connections: usize,
    /// Connections of one address at most; trusted proxies may have all.
    pub connections_per_address: usize,
    /// Requests at the same time at most; past it 503.
    pub requests: usize,
}

/// `[mail]`: how mail leaves.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// `smtp://user:password@host:port`. A text: what reads settings quotes a URL that does not parse, password and all.
    pub url: String,
    /// Mails delivered side by side, each on a connection of its own.
    pub connections: usize,
}

impl std::fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = Url::parse(&self.url).ok();
        f.debug_struct("MailConfig")
            .field("host", &url.as_ref().and_then(Url::host_str))
            .finish_non_exhaustive()
    }
}

/// `[retention]`: days that things are kept after their end (security.md 58).
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// The record of a finished mail.
    pub mail_days: u32,
    /// A job that failed for good, with what was typed, sealed.
    pub dead_job_days: u32,
    /// Domain events; deleted by `prune`.
    pub event_days: u32,
    /// The audit trail; deleted by `prune`.
    pub audit_days: u32,
    /// The roster's journal; deleted by `prune`.
    pub roster_change_days: u32,
    /// Persons and their accounts, after the loss of coverage; emptied then.
    pub person_days: u32,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// tracing's filter.
    pub filter: String,
    /// Lines of JSON, or of text for people.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One object a line.
    Json,
    /// For people.
    Text,
}

impl Config {
    /// Reads all sources. `file` must exist where it is named; madoguchi.toml may be absent.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let config = Self::from_sources(&Self::text(file)?, Variables::of_process())?;
        config.check()?;
        Ok(config)
    }

    fn text(file: Option<&Path>) -> Result<String, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let unread = |reason: &str| ConfigError::File {
            file: path.to_owned(),
            reason: reason.to_owned(),
        };
        match files::read(path, MAX_FILE) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| unread("is not UTF-8")),
            Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(unread(&error.to_string())),
        }
    }

    fn from_sources(file: &str, variables: Variables) -> Result<Self, ConfigError> {
        Ok(Self::sources(file, variables)?.try_deserialize()?)
    }

    fn sources(file: &str, variables: Variables) -> Result<Sources, ConfigError> {
        let sources = Sources::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from_str(file, FileFormat::Toml))
            .add_source(variables);
        Ok(sources.build()?)
    }

    /// The defaults alone, for the demo and tests, which set what they need.
    pub fn defaults() -> Result<Self, ConfigError> {
        let sources = Sources::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .build()?;
        Ok(sources.try_deserialize()?)
    }

    /// The key ring and the key of user IDs; refused where one is missing, since nothing can be closed and nobody be
    /// found without.
    pub fn keys(&self) -> Result<(Keys, NameKeys), ConfigError> {
        self.keys.read()
    }

    /// The database's address; refused where there is none.
    pub fn database(&self) -> Result<&DatabaseConfig, ConfigError> {
        if self.database.url.is_empty() {
            return refuse("database.url", "is empty");
        }
        Ok(&self.database)
    }
}

fn refuse<T>(name: &'static str, reason: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Value {
        name,
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn config() -> Config {
        Config::defaults().unwrap()
    }

    pub(super) fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let given = variables
            .iter()
            .map(|(name, value)| (format!("MADOGUCHI__{name}"), (*value).to_owned()));
        let variables = Variables(Variables::of_process().0.source(Some(given.collect())));
        Config::from_sources("", variables)
    }

    #[test]
    fn every_list_is_read_from_a_variable_whatever_its_length() {
        for (text, waits) in [
            ("900", "Waits([900s])"),
            ("900,3600", "Waits([900s, 3600s])"),
            (" 1 , 2, ", "Waits([1s, 2s])"),
            ("", "Waits([])"),
        ] {
            let all = ["IDENTITY", "LOG_IN"].map(|rule| format!("LIMITS__{rule}_WAITS"));
            let config = with(&all.each_ref().map(|name| (name.as_str(), text))).unwrap();
            let limits = config.limits;
            for read in [limits.identity_waits, limits.log_in_waits] {
                assert_eq!(format!("{read:?}"), waits, "{text:?}");
            }
        }
        for (text, networks) in [("10.0.0.0/8", 1), ("10.0.0.0/8, ::1/128", 2), ("", 0)] {
            let config = with(&[("HTTP__TRUSTED_PROXIES", text)]).unwrap();
            assert_eq!(config.http.trusted_proxies.len(), networks, "{text:?}");
        }
        assert!(with(&[("LIMITS__LOG_IN_WAITS", "60;300")]).is_err());
    }

    #[test]
    fn a_text_that_looks_like_a_number_stays_a_text_and_a_number_is_read_from_one() {
        let config = with(&[
            ("KEYS__CURRENT", "01"),
            ("KEYS__RING__01", "1e5"),
            ("DATABASE__CONNECTIONS", "07"),
            ("HTTP__ADMIN_LISTEN", "TRUE"),
        ])
        .unwrap();
        assert_eq!((config.keys.current.as_str(), config.database.connections), ("01", 7));
        assert_eq!(config.keys.ring.get("01").map(String::as_str), Some("1e5"));
        assert_eq!(config.http.admin_listen, "TRUE");
        assert!(with(&[("DATABASE__CONNECTIONS", "nine")]).is_err());
    }

    #[test]
    fn the_commented_defaults_of_the_databases_timeouts_are_its_own() {
        assert_eq!(config().database.timeouts, database::Timeouts::default());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut config = config();
        config.database.url = "postgres://madoguchi:hunter2@localhost/madoguchi".into();
        config.mail.url = "smtp://user:hunter2@localhost".into();
        config.keys = KeysConfig {
            current: "k1".into(),
            ring: [("k1".into(), "hunter2".into())].into(),
            names: "hunter2".into(),
            names_old: "hunter2".into(),
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
