//! A node at rest: how soon after its start it is ready on a migrated database, and how much memory it holds a few
//! seconds later, when nobody has asked it for anything but `/readyz`.

use crate::{
    alternate::median,
    report::Row,
    service::Service,
    stage::{Failed, Stage},
};
use std::{thread, time::Duration};

const STARTS: usize = 5;
const REST: Duration = Duration::from_secs(5);

/// Memory in MiB, and seconds from start to ready.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("memory: {STARTS} starts");
    let (mut ready, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let service = Service::start(stage, None)?;
        ready.push(service.ready_after.as_secs_f64());
        if ready.len() == STARTS {
            thread::sleep(REST);
        }
        resident.push(service.resident_mib()?);
    }
    let settled = resident.last().copied().unwrap_or(f64::NAN);
    Ok(vec![
        Row::at_most("memory.idle_mib", settled, 48.0),
        Row::at_most("memory.ready_s", median(&mut ready), 1.0),
    ])
}
