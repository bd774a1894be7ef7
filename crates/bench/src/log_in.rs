//! Complete log-ins a second, over HTTP, right user ID and password, session row written and the redirect read, against
//! the library's bare argon2id verifications. Members, connections and addresses differ, so that no row is waited for
//! twice; there are enough connections to keep every hashing thread busy. The generator's own work is part of the price.

use crate::{
    alternate::{Medians, alternate},
    argon,
    http::{self, Answer},
    processes,
    report::Row,
    service::Service,
    stage::{Failed, Member, PASSWORD, Stage},
};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Members who log in.
pub const MEMBERS: usize = 64;
const ROUNDS: usize = 10;
/// Short, so that a pair meets the same machine.
const ROUND: Duration = Duration::from_secs(2);
/// Log-ins that end before this are not counted, nor those that go on when a round is over: it begins and ends with as
/// many under way.
const RUN_UP: Duration = Duration::from_millis(250);
/// Connections per core: one hash under way, one waiting, the rest within PostgreSQL.
const PER_CORE: usize = 6;

/// The ratio.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("login: making {MEMBERS} members");
    let members = stage.members(MEMBERS)?;
    let service = Service::start(stage, None)?;
    let Medians { a, b, ratio } = rates(stage, &service, &members, ROUNDS)?;
    let kept = alternate(
        ROUNDS / 2,
        || argon::verifications(ROUND),
        || argon::hashes_in_kept_memory(ROUND),
    )?;
    eprintln!(
        "login: {b:.1} log-ins/s, {a:.1} bare verifications/s; {:.3} of hashes in memory that is kept",
        ratio / kept.ratio
    );
    Ok(vec![Row::at_least("login", ratio, 0.9)])
}

/// Bare verifications (a) and log-ins (b) a second, in turns.
pub fn rates(stage: &Stage, service: &Service, members: &[Member], rounds: usize) -> Result<Medians, Failed> {
    log_ins(service, members, Duration::from_secs(1))?;
    alternate(
        rounds,
        || argon::verifications(ROUND),
        || {
            let before = (service.seconds(), stage.database_seconds());
            let rate = log_ins(service, members, ROUND)?;
            let log_ins = rate * (RUN_UP + ROUND).as_secs_f64();
            eprintln!(
                "  {rate:.1} log-ins/s; processor time of one: {:.2} ms service, {:.2} ms PostgreSQL",
                (service.seconds() - before.0) / log_ins * 1000.0,
                (stage.database_seconds() - before.1) / log_ins * 1000.0,
            );
            Ok(rate)
        },
    )
}

/// Log-ins a second by as many clients as keep every hashing thread busy.
pub fn log_ins(service: &Service, members: &[Member], during: Duration) -> Result<f64, Failed> {
    let clients = PER_CORE * processes::cores();
    let begun = Instant::now() + RUN_UP;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                scope.spawn(move || -> Result<f64, Failed> {
                    let mut connection = service.connect()?;
                    // Each client has members of its own.
                    let requests: Vec<Vec<u8>> = members
                        .iter()
                        .skip(client)
                        .step_by(clients)
                        .map(|member| http::log_in(&member.user_id, PASSWORD, &format!("10.0.0.{}", client + 1)))
                        .collect();
                    let mut done = 0.0;
                    for request in requests.iter().cycle() {
                        let answer = connection.exchange(request).map_err(Failed::at("log-in"))?;
                        if !is_log_in(&answer) {
                            return Err(Failed(format!("not a log-in: {answer:?}")));
                        }
                        let now = Instant::now();
                        if now >= begun + during {
                            break;
                        }
                        done += f64::from(u8::from(now >= begun));
                    }
                    Ok(done)
                })
            })
            .collect();
        let mut done = 0.0;
        for thread in threads {
            done += thread.join().map_err(|_| Failed("a client panicked".into()))??;
        }
        Ok(done / during.as_secs_f64())
    })
}

/// A redirect with a session.
pub fn is_log_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.session
}
