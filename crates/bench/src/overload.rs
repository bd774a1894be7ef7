//! A rush: log-ins arrive for a minute at ten times the rate that can be served, whatever becomes of those before (an
//! open loop; bounded by the clients below, on loopback only). A member inside goes on reading pages. Accepted log-ins
//! are compared with the rate of log-ins without a rush, measured in turns right before and after; everything that is
//! neither accepted nor a 503 with `Retry-After` counts as an improper refusal.

use crate::{
    alternate::quantile,
    http::{self, Answer, Connection},
    log_in,
    report::Row,
    service::Service,
    stage::{Failed, Member, PASSWORD, Stage},
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

const RUSH: Duration = Duration::from_mins(1);
const TIMES: f64 = 10.0;
/// Requests under way at most: many times what the service lets wait.
const CLIENTS: usize = 512;
const STACK: usize = 256 * 1024;
/// Readers of the my page, and the time between two pages of one.
const READERS: usize = 4;
const READ_EVERY: Duration = Duration::from_millis(400);

/// Accepted log-ins, the members' page times, the refusals.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("overload: making {} members", log_in::MEMBERS);
    let members = stage.members(log_in::MEMBERS + READERS)?;
    // Whoever logs in over and over ends their own oldest sessions, so the readers are others.
    let (members, readers) = members.split_at(log_in::MEMBERS);
    let service = Service::start(stage, None)?;
    let before = log_in::rates(stage, &service, members, 4)?;
    let rate = before.b * TIMES;
    eprintln!("overload: {rate:.0} log-ins/s for {} s", RUSH.as_secs());
    let used = (service.seconds(), stage.database_seconds());
    let mut rush = rush(&service, members, readers, rate)?;
    eprintln!(
        "  processor time in all: {:.0} s service, {:.0} s PostgreSQL",
        service.seconds() - used.0,
        stage.database_seconds() - used.1
    );
    let after = log_in::rates(stage, &service, members, 4)?;
    let (bare, ceiling) = (f64::midpoint(before.a, after.a), f64::midpoint(before.b, after.b));
    let accepted = count(rush.accepted) / RUSH.as_secs_f64();
    let refused = count(rush.refused + rush.improper.len());
    let pages = rush.pages.len();
    let p99 = quantile(&mut rush.pages, 0.99);
    eprintln!(
        "  {accepted:.1} accepted/s of {ceiling:.1} without a rush ({bare:.1} bare verifications/s); {refused} refused, {} sent late; \
         {pages} pages, median {:.0} ms",
        rush.late,
        quantile(&mut rush.pages, 0.5),
    );
    for improper in rush.improper.iter().take(5) {
        eprintln!("  improper: {improper}");
    }
    Ok(vec![
        Row::at_least("overload.accepted", accepted / ceiling, 0.8),
        Row::at_most("overload.page_p99_ms", p99, 250.0),
        Row::at_least("overload.proper_refusals", count(rush.refused) / refused, 1.0),
    ])
}

#[derive(Default)]
struct Rush {
    accepted: usize,
    /// With 503 and `Retry-After`.
    refused: usize,
    /// Anything else, in words.
    improper: Vec<String>,
    /// Sent more than a second after their time, as all clients were busy: the loop wasn't open there.
    late: usize,
    /// Milliseconds.
    pages: Vec<f64>,
}

fn rush(service: &Service, members: &[Member], readers: &[Member], rate: f64) -> Result<Rush, Failed> {
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let all = thread::scope(|scope| -> Result<Vec<Rush>, Failed> {
        let mut threads = Vec::new();
        for _ in 0..CLIENTS {
            let client = thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, || client(service, members, rate, &next, begun));
            threads.push(client.map_err(Failed::at("a client"))?);
        }
        for (reader, member) in readers.iter().enumerate() {
            let offset = READ_EVERY * u32::try_from(reader).unwrap_or(0) / 4;
            threads.push(scope.spawn(move || read(service, member, begun + offset, begun)));
        }
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| Failed("a client panicked".into()))?)
            .collect()
    })?;
    Ok(all.into_iter().fold(Rush::default(), |mut sum, one| {
        sum.accepted += one.accepted;
        sum.refused += one.refused;
        sum.improper.extend(one.improper);
        sum.late += one.late;
        sum.pages.extend(one.pages);
        sum
    }))
}

/// Takes the next arrival of the schedule, waits for its time, sends it.
fn client(
    service: &Service,
    members: &[Member],
    rate: f64,
    next: &AtomicUsize,
    begun: Instant,
) -> Result<Rush, Failed> {
    let mut rush = Rush::default();
    let mut connection: Option<Connection> = None;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let due = begun + Duration::from_secs_f64(count(number) / rate);
        if due.duration_since(begun) >= RUSH {
            return Ok(rush);
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if due.elapsed() > Duration::from_secs(1) {
            rush.late += 1;
        }
        let member = members
            .get(number % members.len().max(1))
            .ok_or_else(|| Failed("no members".into()))?;
        // Everybody from a network of their own.
        let address = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
        let request = http::log_in(&member.user_id, PASSWORD, &address);
        let answer = send(service, &mut connection, &request);
        match answer {
            Ok(answer) if log_in::is_log_in(&answer) => {
                // What is answered after the minute doesn't count for its rate.
                rush.accepted += usize::from(begun.elapsed() < RUSH);
            }
            Ok(answer) if answer.status == 503 && answer.retry_after => rush.refused += 1,
            Ok(answer) => rush.improper.push(format!("{answer:?}")),
            Err(error) => {
                connection = None;
                rush.improper.push(error.to_string());
            }
        }
    }
}

fn send(service: &Service, connection: &mut Option<Connection>, request: &[u8]) -> std::io::Result<Answer> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(service.port)?),
    };
    open.exchange(request)
}

/// Reads the my page again and again; its time counts from when it was due.
fn read(service: &Service, member: &Member, first: Instant, begun: Instant) -> Result<Rush, Failed> {
    let mut rush = Rush::default();
    let mut connection = service.connect()?;
    let request = http::get("/portal/mypage", &member.session);
    let mut due = first;
    while due.duration_since(begun) < RUSH {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let answer = connection.exchange(&request).map_err(Failed::at("my page in a rush"))?;
        if answer.status != 200 {
            return Err(Failed(format!("not a my page: {answer:?}")));
        }
        rush.pages.push(due.elapsed().as_secs_f64() * 1000.0);
        due += READ_EVERY;
    }
    Ok(rush)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
fn count(number: usize) -> f64 {
    number as f64
}
