//! Logs and metrics. Logs hold route patterns, codes and ids, never a URI, a name or a secret; what is logged is
//! decided where it is written, this only chooses the form.

use crate::config::{LogConfig, LogFormat};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error.
pub fn log(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.format {
        // The request's span once: as a list with one entry besides, it would be read and written a second time.
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).try_init(),
        LogFormat::Text => lines.try_init(),
    };
    // A second start in one process (tests) keeps the first's logging.
    drop(started);
}

/// Starts collecting metrics; rendered at `/metrics` of the admin listener.
pub fn metrics() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().ok()
}
