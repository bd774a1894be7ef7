//! A page of the console, with its session and its permission, against the my page: one connection each, in turns, the
//! median of each. What a clerk waits for is not to be more than what a member does.

use crate::{
    alternate::{Medians, alternate, median},
    http::{self, Connection},
    report::Row,
    service::Service,
    stage::{Failed, INSURER, Stage},
};
use audit::{Channel, Origin};
use database::cluster::DATABASE;
use guard::sessions::{self, Limits, Opening, SubjectKind};
use kernel::{InsurerCode, StaffId};
use mail::{Mailbox, Transport};
use std::time::{Duration, Instant};

/// What carries a clerk's session.
pub const COOKIE: &str = "__Host-console";

const ROUNDS: usize = 30;
/// Pages of a round.
const PAGES: usize = 100;
/// The first is session and permission and little else; the rest are printed beside it.
const PATHS: [&str; 4] = [
    "/console/support",
    "/console/members",
    "/console/workplaces",
    "/console/",
];

/// How much longer each page takes; the target is for a page that is all session and permission.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    let member = stage.members(1)?.pop().ok_or_else(|| Failed("no member".into()))?;
    let code = InsurerCode::parse(INSURER).map_err(|_| Failed(format!("{INSURER}: no code")))?;
    let clerk = stage.runtime.block_on(administrator(stage, &code))?;
    let service = Service::start(stage, None)?;
    let my_page = http::get("/portal/mypage", &member.session);
    let mut rows = Vec::new();
    for path in PATHS {
        let page = http::get_as(COOKIE, path, &clerk);
        let mut connection = service.connect()?;
        // What each remembers of the session is there from now on.
        round(&mut connection, &my_page, 1)?;
        round(&mut connection, &page, 1)?;
        let mut other = service.connect()?;
        let Medians { a, b, ratio } = alternate(
            ROUNDS,
            || round(&mut connection, &my_page, PAGES),
            || round(&mut other, &page, PAGES),
        )?;
        eprintln!(
            "  {path}: {:.2} ms, my page {:.2} ms: {ratio:.2}",
            b * 1000.0,
            a * 1000.0
        );
        rows.push(ratio);
    }
    Ok(vec![Row::at_most(
        "console.page",
        rows.first().copied().unwrap_or(f64::NAN),
        1.5,
    )])
}

/// The median of so many exchanges, in seconds.
fn round(connection: &mut Connection, request: &[u8], times: usize) -> Result<f64, Failed> {
    let mut seconds = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        let answer = connection.exchange(request).map_err(Failed::at("a page"))?;
        if answer.status != 200 {
            return Err(Failed(format!("not a page: {answer:?}")));
        }
        seconds.push(begun.elapsed().as_secs_f64());
    }
    Ok(median(&mut seconds))
}

/// An administrator of the insurer, inside; the session cookie's value.
pub async fn administrator(stage: &Stage, code: &InsurerCode) -> Result<String, Failed> {
    let app = stage.app(DATABASE, Transport::Mailbox(Mailbox::new())).await?;
    let insurer = app.ground.directory.by_code(code).await.map_err(Failed::at(code))?;
    let tenant = insurer.ok_or_else(|| Failed(format!("{code}: not applied")))?.tenant_id;
    let now = app.ground.clock.now();
    let id = StaffId::new(now);
    stage.sql(
        DATABASE,
        &format!(
            "INSERT INTO staff (tenant_id, staff_id, email, email_key, name, guesses, device_guesses, factor_guesses,
                created_at, last_log_in_at)
             VALUES ({tenant}, '{id}', 'bench@example.jp', 'bench@example.jp', '計測', 0, 0, 0, '{now}', '{now}');
             INSERT INTO staff_roles (tenant_id, staff_id, role, granted_at)
             VALUES ({tenant}, '{id}', 'administrator', '{now}')"
        ),
    )?;
    let limits = Limits {
        idle: Duration::from_mins(30),
        absolute: Duration::from_hours(12),
    };
    let opening = Opening {
        proved_at: Some(now),
        ..Opening::new(SubjectKind::Staff, id.0, limits, "bench")
    };
    let origin = Origin {
        channel: Channel::Console,
        ..Origin::command()
    };
    let outage = Failed::at::<database::DatabaseError>;
    let database = &app.ground.database;
    let tx = database
        .tenant(tenant)
        .write(database::Durability::Safe)
        .await
        .map_err(outage("a session"))?;
    let session = sessions::open(&tx, &app.ground.keys, now, &origin, opening)
        .await
        .map_err(outage("a session"))?;
    tx.commit().await.map_err(outage("a session"))?;
    database.close();
    Ok(session.reveal())
}
