//! The private local cluster, under the roof of the crate that everyone asks for databases. It lives in a crate of its
//! own only so that xtask, which compiles before everything else, need not stand on diesel and tokio.

pub use local_cluster::{Binaries, ClusterError, ClusterOptions, DATABASE, LocalCluster};
