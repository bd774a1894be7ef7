//! A PostgreSQL of a test's own: to restart, to break, or to read what stands in its log.

use local_cluster::{ClusterOptions, DATABASE, LocalCluster};
use std::path::Path;

/// The cluster of this name, with an empty database. Only one test may have it.
pub(crate) fn cluster(name: &str) -> LocalCluster {
    let options = ClusterOptions {
        folder: Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-cluster")),
        durable: false,
        connections: 40,
        keeps_statements: false,
    };
    let cluster = LocalCluster::start(&options).unwrap();
    cluster.drop_database(DATABASE).unwrap();
    cluster.create_database(DATABASE, None).unwrap();
    cluster
}
