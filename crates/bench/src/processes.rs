//! What the kernel says of processes: processor time and memory, from /proc.

use std::{fs, path::Path, thread::available_parallelism};

/// Clock ticks in a second: 100 on every Linux (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// Cores this process may use; the product takes as many hashing threads.
pub fn cores() -> usize {
    available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Seconds of processor time that a process has used.
pub fn seconds(pid: u32) -> f64 {
    stat(pid).map_or(0.0, |stat| stat.own)
}

/// Seconds of processor time of a process, of all its children that live, and of all it has buried.
pub fn family_seconds(pid: u32) -> f64 {
    let children = fs::read_dir("/proc").into_iter().flatten().flatten();
    let living: f64 = children
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .filter(|stat| stat.parent == pid)
        .map(|stat| stat.own)
        .sum();
    living + stat(pid).map_or(0.0, |stat| stat.own + stat.buried)
}

/// Seconds of processor time of this process's children that have ended.
pub fn own_children_seconds() -> f64 {
    stat(std::process::id()).map_or(0.0, |stat| stat.buried)
}

/// Resident memory in MiB.
pub fn resident_mib(pid: u32) -> Option<f64> {
    status_mib(pid, "VmRSS:")
}

/// The most resident memory that a process has had, in MiB; none once it has ended.
pub fn peak_mib(pid: u32) -> Option<f64> {
    status_mib(pid, "VmHWM:")
}

fn status_mib(pid: u32, field: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

/// The memory of this machine in MiB.
pub fn machine_mib() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

/// The server of a data folder.
pub fn postmaster(data: &str) -> Option<u32> {
    let file = fs::read_to_string(Path::new(data).join("postmaster.pid")).ok()?;
    file.lines().next()?.trim().parse().ok()
}

struct Stat {
    parent: u32,
    own: f64,
    buried: f64,
}

/// `man 5 proc`: after the name in brackets come state, parent, …; the times are the fields 14 to 17 of the line.
fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |place: usize| -> Option<f64> { fields.get(place)?.parse().ok() };
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) / TICKS,
        buried: (ticks(13)? + ticks(14)?) / TICKS,
    })
}
