//! A node at rest: how soon after its start it is ready on a migrated database, how much memory it holds a few seconds
//! later, when nobody has asked it for anything but `/readyz`, and how much a minute after a crowd has logged in.

use crate::{
    alternate::median,
    log_in::{self, log_ins},
    report::Row,
    service::Service,
    stage::{Failed, Stage},
};
use std::{thread, time::Duration};

const STARTS: usize = 5;
const REST: Duration = Duration::from_secs(5);
const USE: Duration = Duration::from_secs(5);
const QUIET: Duration = Duration::from_mins(1);

/// Memory in MiB, and seconds from start to ready.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("memory: {STARTS} starts");
    let mut ready = Vec::new();
    for _ in 1..STARTS {
        ready.push(Service::start(stage, None)?.ready_after.as_secs_f64());
    }
    let service = Service::start(stage, None)?;
    ready.push(service.ready_after.as_secs_f64());
    thread::sleep(REST);
    let idle = service.resident_mib()?;

    eprintln!(
        "memory: {} s of log-ins, then {} s of quiet",
        USE.as_secs(),
        QUIET.as_secs()
    );
    log_ins(&service, &stage.members(log_in::MEMBERS)?, USE)?;
    let used = service.resident_mib()?;
    thread::sleep(QUIET);
    let quiet = service.resident_mib()?;
    eprintln!("memory: {idle:.0} MiB at first, {used:.0} in use, {quiet:.0} afterwards");
    Ok(vec![
        Row::at_most("memory.idle_mib", idle, 48.0),
        Row::at_most("memory.after_use_mib", quiet, 64.0),
        Row::at_most("memory.ready_s", median(&mut ready), 1.0),
    ])
}
