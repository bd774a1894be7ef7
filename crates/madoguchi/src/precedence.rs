//! Who goes first where node and PostgreSQL share a machine. Linux may schedule sessions instead of threads (autogroup, its
//! `man 7 sched`), and each of PostgreSQL's processes is a session of its own: beside busy hashing threads one of them was
//! seen to wait more than 100 ms for a core while it held the lock on the write-ahead log, and log-ins and pages with it.

use nix::unistd::{getpid, getsid};
use std::{fs, io};

const GROUP: &str = "/proc/self/autogroup";
/// A third of the default weight. Of 2, 5 and 10 the least that ended those waits; the log-ins' rate stays.
const NICE: &str = "5";

/// Lets other sessions of this machine go before this one: only where it is this process's own, as a service manager or a
/// container starts it, never the session of a shell, and only where nobody has chosen otherwise. Takes nothing from a
/// machine that has no other work to do; without autogroups there is nothing to do.
pub(crate) fn give_way() {
    if getsid(None) != Ok(getpid()) {
        return;
    }
    let given = fs::read_to_string(GROUP).and_then(|group| {
        if group.trim_end().ends_with(" nice 0") {
            fs::write(GROUP, NICE)
        } else {
            Ok(())
        }
    });
    match given {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, "could not give way to other sessions of this machine"),
    }
}
