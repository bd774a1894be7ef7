//! The my page of a logged-in member, over HTTP, against pgbench running the very same statements and transactions on as
//! many connections; ours for members of two thousand insurers in turn, pgbench's for one. HTTP connections, the node's pool and pgbench's clients are equally many, the pool's default.
//! Both load generators run on the same cores as what they measure; ours is a blocking socket per connection (see
//! `http`), so that it costs no more than pgbench. The processor time of everything that takes part is printed beside:
//! rates depend on who else uses the machine, the time behind one page hardly.

use crate::{
    alternate::{Medians, alternate},
    http::{self, Answer, Connection},
    pgbench::Pgbench,
    processes,
    report::Row,
    sent::{self, Statement},
    service::Service,
    stage::{Failed, Stage},
};
use madoguchi::config::Config;
use std::{
    thread,
    time::{Duration, Instant},
};

const PATH: &str = "/portal/mypage";
/// Insurers over whose members the pages are spread: all there may be of one platform.
const INSURERS: i32 = 2_000;
const ROUNDS: usize = 28;
/// How long a round of [`told`] lasts: short, so that a pair meets the same machine.
pub const ROUND: Duration = Duration::from_secs(2);

/// The ratio, and the statements, transaction control aside.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    let member = stage.members(1)?.pop().ok_or_else(|| Failed("no member".into()))?;
    let statements = sent::of_page(stage, &member, PATH)?;
    let pgbench = Pgbench::of(stage, &statements)?;
    let connections = Config::defaults()
        .map_err(Failed::at("configuration"))?
        .database
        .connections;
    // Before the node starts, which learns of new insurers every few seconds only.
    let members = stage.spread(&member, INSURERS)?;
    let service = Service::start(stage, None)?;
    let requests: Vec<Vec<u8>> = members.iter().map(|member| http::get(PATH, &member.session)).collect();
    for request in &requests {
        page(&mut service.connect()?, request)?;
    }
    let Medians { a, b, ratio } = alternate(
        ROUNDS,
        || told(stage, None, "pgbench", || pgbench.rate(stage, connections, ROUND)),
        || {
            told(stage, Some(&service), "my page", || {
                pages(&service, &requests, connections, ROUND)
            })
        },
    )?;
    eprintln!("my_page: {b:.0} pages/s, {a:.0}/s of pgbench, {connections} connections each");
    Ok(vec![
        Row::at_least("my_page", ratio, 0.7),
        Row::at_most("my_page.statements", own(&statements), 7.0),
    ])
}

/// How many there are, transaction control aside.
pub fn own(statements: &[Statement]) -> f64 {
    let own = statements.iter().filter(|statement| !statement.is_control()).count();
    u32::try_from(own).unwrap_or(u32::MAX).into()
}

/// A page that has to be there.
pub fn page(connection: &mut Connection, request: &[u8]) -> Result<Answer, Failed> {
    let answer = connection.exchange(request).map_err(Failed::at("a page"))?;
    if answer.status == 200 {
        Ok(answer)
    } else {
        Err(Failed(format!("not a page: {answer:?}")))
    }
}

/// Pages a second: each connection asks for one after the other, beginning elsewhere than the others.
pub fn pages(service: &Service, requests: &[Vec<u8>], connections: usize, during: Duration) -> Result<f64, Failed> {
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|number| {
                scope.spawn(move || -> Result<f64, Failed> {
                    let mut connection = service.connect()?;
                    let mut done = 0.0;
                    let from = requests.len() * number / connections;
                    for request in requests.iter().cycle().skip(from) {
                        if begun.elapsed() >= during {
                            break;
                        }
                        page(&mut connection, request)?;
                        done += 1.0;
                    }
                    Ok(done)
                })
            })
            .collect();
        let mut done = 0.0;
        for thread in threads {
            done += thread.join().map_err(|_| Failed("a client panicked".into()))??;
        }
        Ok(done / begun.elapsed().as_secs_f64())
    })
}

/// Prints the rate of a round and the processor time behind one piece of it.
pub fn told(
    stage: &Stage,
    service: Option<&Service>,
    what: &str,
    round: impl FnOnce() -> Result<f64, Failed>,
) -> Result<f64, Failed> {
    let used = || {
        let generator = match service {
            Some(_) => processes::seconds(std::process::id()),
            None => processes::own_children_seconds(),
        };
        [
            generator,
            service.map_or(0.0, Service::seconds),
            stage.database_seconds(),
        ]
    };
    let before = used();
    let rate = round()?;
    let after = used();
    let each = |(after, before): (f64, f64)| (after - before) / (rate * ROUND.as_secs_f64()) * 1_000_000.0;
    let [generator, node, database] = [
        each((after[0], before[0])),
        each((after[1], before[1])),
        each((after[2], before[2])),
    ];
    eprintln!(
        "  {what}: {rate:.0}/s; processor time of one: generator {generator:.0} µs, service {node:.0} µs, PostgreSQL {database:.0} µs"
    );
    Ok(rate)
}
