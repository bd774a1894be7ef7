//! What treatment cost. The page of a year against pgbench running its statements; the same page of an insurer of a million
//! rows, which stands among two thousand insurers, against one of a hundredth, over all the years that are kept; the my page
//! with the cards against without; and [deliveries], imported and published.

mod deliveries;
mod rows;

use crate::{
    alternate::{Medians, alternate, median},
    http::{self, Connection},
    my_page::{ROUND, own, page, pages, told},
    pgbench::Pgbench,
    report::Row,
    sent,
    service::Service,
    stage::{Failed, Insurer, Member, Stage},
};
use chrono::Datelike as _;
use madoguchi::config::Config;
use rows::{Fixture, SMALL};
use std::time::Instant;

const ROWS: u32 = 1_000_000;
const SHARE: u32 = 100;
const INSURERS: i32 = 2_000;
/// Pairs of rates.
const RATES: usize = 14;
/// Pairs of medians, and pages of each.
const ROUNDS: usize = 21;
const PAGES: usize = 50;

/// The five rows.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    let member = stage.members(1)?.pop().ok_or_else(|| Failed("no member".into()))?;
    let fixture = Fixture::of(stage)?;
    eprintln!(
        "statements: making {} rows, then {ROWS} among {INSURERS} insurers",
        ROWS / SHARE
    );
    fixture.fill(stage, ROWS / SHARE)?;
    let small = rows::copy(stage)?;
    let insurers = stage.insurers(INSURERS)?;
    fixture.fill(stage, ROWS)?;
    fixture.spread(stage, &insurers)?;
    let mut rows = Vec::new();
    rows.extend(of_year(stage, &fixture, &member)?);
    rows.push(among_many(stage, &fixture, &member, small)?);
    rows.push(cards(stage, &member, &insurers)?);
    stage.cluster.drop_database(SMALL).map_err(Failed::at(SMALL))?;
    rows::empty(stage)?;
    rows.extend(deliveries::measure(stage)?);
    Ok(rows)
}

fn year(year: i32) -> String {
    format!("/portal/costs?year={year}")
}

fn connections() -> Result<usize, Failed> {
    let config = Config::defaults().map_err(Failed::at("configuration"))?;
    Ok(config.database.connections)
}

/// Pages a second of last year, a whole one of a family of four with 120 rows, against pgbench; and its statements.
fn of_year(stage: &Stage, fixture: &Fixture, member: &Member) -> Result<Vec<Row>, Failed> {
    let path = year(fixture.today.year() - 1);
    let statements = sent::of_page(stage, member, &path)?;
    let pgbench = Pgbench::of(stage, &statements)?;
    let connections = connections()?;
    let service = Service::start(stage, None)?;
    let requests = [http::get(&path, &member.session)];
    let length = page(
        &mut service.connect()?,
        requests.as_slice().first().map_or(&[], Vec::as_slice),
    )?
    .length;
    let Medians { a, b, ratio } = alternate(
        RATES,
        || told(stage, None, "pgbench", || pgbench.rate(stage, connections, ROUND)),
        || {
            told(stage, Some(&service), "costs", || {
                pages(&service, &requests, connections, ROUND)
            })
        },
    )?;
    eprintln!("statements.page: {b:.0} pages/s of {length} bytes, {a:.0}/s of pgbench, {connections} connections each");
    Ok(vec![
        Row::at_least("statements.page", ratio, 0.5),
        Row::at_most("statements.page.statements", own(&statements), 9.0),
    ])
}

/// The worst ratio of the years that are kept, the newest and the oldest among them: one at either end of the years' tables.
fn among_many(stage: &Stage, fixture: &Fixture, member: &Member, small: &str) -> Result<Row, Failed> {
    let (large, small) = (Service::start(stage, None)?, Service::on(stage, small, None)?);
    let (mut of_large, mut of_small) = (large.connect()?, small.connect()?);
    let mut worst = 0.0_f64;
    for path in fixture.years().map(year) {
        let request = http::get(&path, &member.session);
        // What each remembers of the session is there from now on.
        let (many, few) = (page(&mut of_large, &request)?, page(&mut of_small, &request)?);
        if many.length != few.length {
            return Err(Failed(format!("{path}: not alike, {many:?} and {few:?}")));
        }
        let round = |connection: &mut Connection| {
            let mut seconds = Vec::new();
            for _ in 0..PAGES {
                let begun = Instant::now();
                page(connection, &request)?;
                seconds.push(begun.elapsed().as_secs_f64());
            }
            Ok(median(&mut seconds))
        };
        let Medians { a, b, ratio } = alternate(ROUNDS, || round(&mut of_small), || round(&mut of_large))?;
        eprintln!(
            "  {path}: {:.2} ms among {ROWS}, {:.2} ms among {}: {ratio:.2}",
            b * 1000.0,
            a * 1000.0,
            ROWS / SHARE
        );
        worst = worst.max(ratio);
    }
    Ok(Row::at_most("statements.among", worst, 1.2))
}

/// The my page of a member at an insurer that shows both, against one that shows neither: copies of the same.
fn cards(stage: &Stage, member: &Member, insurers: &[Insurer]) -> Result<Row, Failed> {
    let [without, with, ..] = insurers else {
        return Err(Failed("too few insurers".into()));
    };
    stage.spread(member, 2)?;
    rows::open(stage, with, "open")?;
    rows::open(stage, without, "hidden")?;
    let (_, secret) = member.session.split_once('.').unwrap_or_default();
    let my_page = |insurer: &Insurer| [http::get("/portal/mypage", &format!("{}.{secret}", insurer.tenant))];
    let (with, without) = (my_page(with), my_page(without));
    let connections = connections()?;
    // After they are there: a node learns of new settings every few seconds only.
    let service = Service::start(stage, None)?;
    let rate = |what, requests: &[Vec<u8>]| {
        told(stage, Some(&service), what, || {
            pages(&service, requests, connections, ROUND)
        })
    };
    rate("my page, once", &with)?;
    rate("my page, once", &without)?;
    let Medians { a, b, ratio } = alternate(
        RATES,
        || rate("my page without cards", &without),
        || rate("my page with cards", &with),
    )?;
    eprintln!("statements.cards: {b:.0} pages/s, {a:.0}/s without");
    Ok(Row::at_least("statements.cards", ratio, 0.85))
}
