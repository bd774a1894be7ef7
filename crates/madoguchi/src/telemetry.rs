//! Logs and metrics. Logs hold route patterns, codes and ids, never a URI, a name or a secret; what is logged is
//! decided where it is written, this only chooses the form.

use crate::config::{LogConfig, LogFormat};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// How often recorded seconds are put into their histograms; until then each stands in a list of its own.
const UPKEEP: Duration = Duration::from_secs(5);

/// Starts logging to standard error. A panic is a line like any other, without its words: they may quote what a person
/// typed.
pub fn log(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = filter.and(filter_fn(tells_no_parameters));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        // The request's span once: as a list with one entry besides, it would be read and written a second time.
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    // A second start in one process (tests) keeps the first's logging.
    if tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init()
        .is_ok()
    {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, "panicked");
        }));
    }
}

/// The reason why a filter does not read.
pub(crate) fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| error.to_string())
}

/// Whatever the filter says: at `debug` the database's driver writes each statement out with what it was given.
fn tells_no_parameters(line: &Metadata<'_>) -> bool {
    let of_driver = ["tokio_postgres", "diesel"]
        .iter()
        .any(|name| line.target().starts_with(name));
    !of_driver || *line.level() <= Level::WARN
}

/// Starts collecting metrics; rendered at `/metrics` of the admin listener. Only for whoever has one: nobody else reads
/// them. Call it inside the runtime.
#[expect(
    clippy::disallowed_methods,
    reason = "upkeep only bounds the memory of histograms, and its end loses nothing"
)]
pub fn metrics() -> Option<PrometheusHandle> {
    let metrics = PrometheusBuilder::new().install_recorder().ok()?;
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Some(metrics)
}
