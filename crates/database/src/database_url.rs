//! Where PostgreSQL is, and how it is spoken to: in clear on this machine, by TLS with a checked certificate to any other.
//! In clear across a network only where the URL says `sslmode=disable`. libpq's `prefer`, which silently goes on in
//! clear, and its `require`, which checks no certificate, mean what they seem to say here.

use crate::{
    DatabaseError,
    connection::{Line, Timeouts},
};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use kernel::is_loopback_host;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{borrow::Cow, net::IpAddr, path::Path, time::Duration};
use tokio::time::timeout;
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How PostgreSQL plans what the service sends. A page's statement is estimated dearly where an insurer's rows are many, and to
/// compile it takes seconds, to run it none. Each is planned once a connection, for whomever it is about: planning who may see a
/// row anew takes longer than reading the rows.
pub const PLANNING: &str = "-c jit=off -c plan_cache_mode=force_generic_plan";

/// Why a database's URL can't be used. Repeats nothing of it: it holds a password.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// Not such a URL.
    #[error("does not read as postgres://user:password@host:port/database")]
    Shape,
    /// An `sslmode` that we don't speak.
    #[error("its sslmode must be disable, require or verify-full")]
    Mode,
    /// The file of `sslrootcert`, or the system's certificates.
    #[error("{0}")]
    Certificates(String),
}

/// Tells whether a database's URL would do.
pub fn check_url(url: &str) -> Result<(), UrlError> {
    DatabaseUrl::parse(url).map(drop)
}

/// A `postgres://…`, read. Takes libpq's `sslmode` (`disable`, `require`, `verify-full`) and `sslrootcert`; without the
/// latter the certificates count that the system trusts.
#[derive(Clone)]
pub(crate) struct DatabaseUrl {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl DatabaseUrl {
    pub(crate) fn parse(url: &str) -> Result<Self, UrlError> {
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(UrlError::Shape);
        }
        let (plain, query) = url.split_once('?').unwrap_or((url, ""));
        // The driver knows neither `verify-full` nor `sslrootcert`.
        let (ours, theirs): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .partition(|pair| pair.starts_with("sslmode=") || pair.starts_with("sslrootcert="));
        let setting = |name: &str| {
            let pairs = ours
                .iter()
                .flat_map(|pair| url::form_urlencoded::parse(pair.as_bytes()));
            pairs.filter(|(key, _)| key == name).map(|(_, value)| value).last()
        };
        let mut config: Config = format!("{plain}?{}", theirs.join("&"))
            .parse()
            .map_err(|_| UrlError::Shape)?;
        let mode: Option<Cow<'_, str>> = setting("sslmode");
        let encrypted = match mode.as_deref() {
            Some("disable") => false,
            Some("require" | "verify-full") => true,
            None | Some("prefer") => !is_here(&config),
            Some(_) => return Err(UrlError::Mode),
        };
        config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
        // On a connection where nothing is sent, the far end's silence is noticed after half a minute of quiet and three
        // unanswered probes; where something was sent, after its own time without an acknowledgement.
        config
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .tcp_user_timeout(Duration::from_secs(15));
        let authorities = setting("sslrootcert");
        let tls = encrypted
            .then(|| client(authorities.as_deref().map(Path::new)))
            .transpose()?;
        Ok(Self { config, tls })
    }

    /// With what PostgreSQL is told of our patience. What the URL itself sets in its `options` goes before it.
    pub(crate) fn with(mut self, timeouts: &Timeouts) -> Self {
        let own = self.config.get_options().unwrap_or_default();
        let options = format!("{PLANNING} {} {own}", timeouts.options());
        self.config.options(options.trim_end());
        self
    }

    /// A connection, within `patience`: a network that swallows packets refuses nothing.
    pub(crate) async fn connect(&self, patience: Duration) -> Result<Line, DatabaseError> {
        let failed = |error: ConnectionError| DatabaseError::Connection(error.to_string());
        // Boxed: a handshake's state is large, and every transaction would carry room for one.
        timeout(patience, Box::pin(self.open()))
            .await
            .map_err(|_| DatabaseError::Connection(format!("none within {} s", patience.as_secs())))?
            .map_err(failed)
    }

    /// A connection that is told of notifications, with no end of its own: who waits for none says how long.
    pub(crate) async fn connect_to_hear(&self) -> Result<AsyncPgConnection, DatabaseError> {
        let failed = |error: &dyn std::error::Error| DatabaseError::Connection(said(error));
        let connected = if let Some(tls) = self.tls.clone() {
            let (client, connection) = self.config.connect(tls).await.map_err(|error| failed(&error))?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        } else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(|error| failed(&error))?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        };
        connected.map_err(|error| failed(&error))
    }

    async fn open(&self) -> ConnectionResult<Line> {
        let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(said(&error));
        if let Some(tls) = self.tls.clone() {
            let (client, connection) = self.config.connect(tls).await.map_err(bad)?;
            Line::of(client, connection).await
        } else {
            let (client, connection) = self.config.connect(NoTls).await.map_err(bad)?;
            Line::of(client, connection).await
        }
    }
}

/// The driver's error with its causes: the first alone says little more than that there was one.
fn said(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.contains(&words) {
            said = format!("{said}: {words}");
        }
        cause = error.source();
    }
    said
}

fn is_here(config: &Config) -> bool {
    let by_name = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => is_loopback_host(name),
    });
    by_name && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn client(authorities: Option<&Path>) -> Result<MakeRustlsConnect, UrlError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(file) => {
            let trouble = |error: &dyn std::fmt::Display| {
                UrlError::Certificates(format!("its sslrootcert {}: {error}", file.display()))
            };
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| trouble(&error))? {
                let certificate = certificate.map_err(|error| trouble(&error))?;
                roots.add(certificate).map_err(|error| trouble(&error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(UrlError::Certificates(
            "no certificate authority to trust: install ca-certificates, or name a file in its sslrootcert".into(),
        ));
    }
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| UrlError::Certificates(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        DatabaseUrl::parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_clear_unless_the_address_says_so() {
        for here in [
            "postgres://u:p@localhost/db",
            "postgres://u:p@127.0.0.1:5433/db?sslmode=prefer",
            "postgres://u@%2Frun%2Fpostgresql/db",
            "postgres:///db?host=/run/postgresql&user=u",
        ] {
            assert_eq!(mode(here), SslMode::Disable, "{here}");
        }
        for elsewhere in [
            "postgres://u:p@db.internal/db",
            "postgresql://u:p@10.0.0.1/db?sslmode=prefer",
            "postgres://u:p@localhost/db?hostaddr=10.0.0.1",
        ] {
            // A machine without any certificate authority says so instead.
            match DatabaseUrl::parse(elsewhere) {
                Ok(url) => assert_eq!(url.config.get_ssl_mode(), SslMode::Require, "{elsewhere}"),
                Err(error) => assert!(matches!(error, UrlError::Certificates(_)), "{error}"),
            }
        }
        assert_eq!(mode("postgres://u:p@db.internal/db?sslmode=disable"), SslMode::Disable);
    }

    #[test]
    fn an_address_that_would_not_do_is_refused_without_being_repeated() {
        for bad in [
            "",
            "db.internal",
            "mysql://u:hunter2@localhost/db",
            "postgres://u:hunter2@localhost:port/db",
            "postgres://u:hunter2@localhost/db?sslmode=maybe",
            "postgres://u:hunter2@localhost/db?sslmode=require&sslrootcert=/none",
        ] {
            let error = DatabaseUrl::parse(bad).err().unwrap().to_string();
            assert!(!error.contains("hunter2"), "{bad}: {error}");
        }
    }
}
