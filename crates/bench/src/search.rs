//! What staff search for, each filter of the members' list by itself, and pages of the trail, over HTTP at an insurer of
//! half a million people against one of a hundredth, in turns, the median of each. Two thousand insurers stand beside
//! them. A term is typed once; what is measured is the page that it leads to. Of both insurers a page shows as many.

use crate::{
    alternate::{Medians, alternate, median},
    console::{COOKIE, administrator},
    crowd::{self, COLLEAGUES, KNOWN, REGISTERED, SURNAMES, fill, neighbours, phone, symbol},
    http::{self, Connection},
    report::Row,
    service::Service,
    stage::{Failed, Insurer, Stage},
};
use chrono::{DateTime, TimeDelta, Utc};
use database::cluster::DATABASE;
use std::time::Instant;

const PEOPLE: u32 = 500_000;
const SHARE: u32 = 100;
const INSURERS: i32 = 2_000;
const ROUNDS: usize = 11;
/// Pages of a round, each for somebody else where it is about somebody.
const PAGES: u32 = 20;
/// Terms that begin many user IDs: what is left of six digits is found a hundredfold.
const BEGINNINGS: u32 = PEOPLE / SHARE / REGISTERED / 100;

/// One of the two insurers, with somebody inside.
struct Side {
    tenant: i32,
    people: u32,
    clerk: String,
    /// People in whose lines there are many looks.
    known: Vec<String>,
    now: DateTime<Utc>,
}

impl Side {
    /// A household somewhere in the roster, the `nth` time another.
    fn household(&self, nth: u32) -> u32 {
        nth.wrapping_mul(2_654_435_761) % (self.people / 4) + 1
    }

    fn workplace(&self, nth: u32) -> String {
        format!("workplace=W{}", self.household(nth) % crowd::workplaces(self.people))
    }

    fn known(&self, nth: u32) -> String {
        let place = (nth % KNOWN) as usize;
        format!("person={}", self.known.get(place).map_or("", String::as_str))
    }

    fn colleague(nth: u32) -> String {
        format!("staff={}", crowd::colleague(nth % COLLEAGUES + 1))
    }

    /// A month of the trail.
    fn month(&self) -> String {
        let day = |days| (self.now - TimeDelta::days(days)).date_naive();
        format!("from={}&until={}", day(45), day(15))
    }
}

/// Something that is typed or chosen, the `nth` time.
type Nth = fn(&Side, u32) -> String;

enum Asked {
    /// Typed into the search box, beside filters of the list.
    Term(Nth, Nth),
    /// The list by these filters.
    List(Nth),
    /// The trail by these.
    Trail(Nth),
}
use Asked::{List, Term, Trail};

const NOTHING: Nth = |_, _| String::new();
const NUMBER: Nth = |side, nth| {
    let household = side.household(nth);
    format!("{}-{household}", symbol(household))
};
const KANA: Nth = |_, nth| surname(nth).0.to_owned();
const NAME: Nth = |_, nth| surname(nth).1.to_owned();

/// Judged, each by itself.
const SINGLE: [(&str, Asked); 20] = [
    ("number", Term(NUMBER, NOTHING)),
    ("kana", Term(KANA, NOTHING)),
    ("name", Term(NAME, NOTHING)),
    (
        "user ID",
        Term(|_, nth| format!("member-{:04}", nth % BEGINNINGS), NOTHING),
    ),
    (
        "mail",
        Term(|side, nth| format!("e{}-1@example.jp", side.household(nth)), NOTHING),
    ),
    (
        "社員番号",
        Term(|side, nth| format!("E{}", side.household(nth)), NOTHING),
    ),
    ("phone", Term(|side, nth| phone(side.household(nth)), NOTHING)),
    ("workplace", List(Side::workplace)),
    ("registered", List(|_, _| "registered=yes".into())),
    ("not registered", List(|_, _| "registered=no".into())),
    ("insured", List(|_, _| "kind=insured".into())),
    ("dependants", List(|_, _| "kind=dependent".into())),
    ("covered", List(|_, _| "coverage=covered".into())),
    ("lost", List(|_, _| "coverage=lost".into())),
    ("protected", List(|_, _| "protected=yes".into())),
    ("trail", Trail(NOTHING)),
    ("trail of a month", Trail(|side, _| side.month())),
    ("trail of a person", Trail(Side::known)),
    ("trail of a colleague", Trail(|_, nth| Side::colleague(nth))),
    ("trail of an action", Trail(|_, _| "action=roster.mend".into())),
];

/// Printed.
const COMBINED: [(&str, Asked); 9] = [
    ("everybody", List(NOTHING)),
    ("kana, not registered", Term(KANA, |_, _| "registered=no".into())),
    ("kana, workplace", Term(KANA, Side::workplace)),
    ("name, protected", Term(NAME, |_, _| "protected=yes".into())),
    (
        "workplace, not registered",
        List(|side, nth| format!("{}&registered=no", side.workplace(nth))),
    ),
    (
        "registered dependants, lost",
        List(|_, _| "registered=yes&kind=dependent&coverage=lost".into()),
    ),
    (
        "trail of a colleague and an action",
        Trail(|_, nth| format!("{}&action=roster.mend", Side::colleague(nth))),
    ),
    (
        "trail of a person and a colleague",
        Trail(|side, nth| format!("{}&{}", side.known(nth), Side::colleague(nth))),
    ),
    (
        "who saw a person, of a month",
        Trail(|side, nth| format!("{}&looks=1&{}", side.known(nth), side.month())),
    ),
];

fn surname(nth: u32) -> (&'static str, &'static str) {
    SURNAMES.get(nth as usize % SURNAMES.len()).copied().unwrap_or_default()
}

/// The worst of the ratios.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!(
        "search: making {PEOPLE} people among {INSURERS} insurers, and {}",
        PEOPLE / SHARE
    );
    let insurers = stage.insurers(INSURERS)?;
    let [first, second, others @ ..] = insurers.as_slice() else {
        return Err(Failed("too few insurers".into()));
    };
    let small = side(stage, first, PEOPLE / SHARE)?;
    neighbours(stage, first, others)?;
    let large = side(stage, second, PEOPLE)?;
    for table in ["persons", "accounts", "protections", "audit_events", "audit_subjects"] {
        stage.sql(DATABASE, &format!("VACUUM ANALYZE {table}"))?;
    }
    stage.sql(DATABASE, "CHECKPOINT")?;
    // After they are there: a node learns of new insurers every few seconds only.
    let service = Service::start(stage, None)?;
    let mut worst = 0.0_f64;
    for (name, asked) in &SINGLE {
        let (ratio, are_alike) = compare(&service, name, asked, [&small, &large])?;
        // Another page proves nothing, whatever it takes.
        worst = worst.max(if are_alike { ratio } else { f64::INFINITY });
    }
    eprintln!("  combined:");
    for (name, asked) in &COMBINED {
        compare(&service, name, asked, [&small, &large])?;
    }
    Ok(vec![Row::at_most("search", worst, 1.5)])
}

/// An insurer with its people, and an administrator inside.
fn side(stage: &Stage, insurer: &Insurer, people: u32) -> Result<Side, Failed> {
    let now = Utc::now();
    fill(stage, insurer, people, now)?;
    let clerk = stage.runtime.block_on(administrator(stage, &insurer.code))?;
    let tenant = insurer.tenant;
    let known = stage.sql(
        DATABASE,
        &format!(
            "SELECT person_id FROM persons WHERE tenant_id = {tenant} AND symbol::int >= {} AND number::int <= {KNOWN} \
             AND branch = '00'",
            crowd::SYMBOLS.start
        ),
    )?;
    Ok(Side {
        tenant,
        people,
        clerk,
        known: known.lines().map(str::to_owned).collect(),
        now,
    })
}

/// How much longer the same takes at the large one; and whether each page shows as many lines, and any.
fn compare(service: &Service, name: &str, asked: &Asked, [small, large]: [&Side; 2]) -> Result<(f64, bool), Failed> {
    let (mut of_small, mut of_large) = (service.connect()?, service.connect()?);
    let (asked_small, asked_large) = (
        requests(&mut of_small, asked, small)?,
        requests(&mut of_large, asked, large)?,
    );
    // The first round fills what either remembers.
    let (few, many) = (lines(&mut of_small, &asked_small)?, lines(&mut of_large, &asked_large)?);
    let Medians { a, b, ratio } = alternate(
        ROUNDS,
        || round(&mut of_small, &asked_small),
        || round(&mut of_large, &asked_large),
    )?;
    let are_alike = few == many && !few.contains(&0);
    let shown = if are_alike {
        format!("{} lines", few.iter().max().unwrap_or(&0))
    } else {
        format!("not alike, {many:?} lines and {few:?}")
    };
    eprintln!(
        "  {name}: {:.2} ms, {:.2} ms, {shown}: {ratio:.2}",
        b * 1000.0,
        a * 1000.0
    );
    Ok((ratio, are_alike))
}

/// The pages of a round, as they are asked for.
fn requests(connection: &mut Connection, asked: &Asked, side: &Side) -> Result<Vec<Vec<u8>>, Failed> {
    let get = |path: &str| http::get_as(COOKIE, path, &side.clerk);
    page(connection, &get("/console/members"))?;
    let mark = connection.mark().unwrap_or_default();
    (0..PAGES)
        .map(|nth| match asked {
            List(filters) => Ok(get(&format!("/console/members?list=1&{}", filters(side, nth)))),
            Trail(filters) => Ok(get(&format!("/console/audit?{}", filters(side, nth)))),
            Term(term, filters) => {
                let (term, filters) = (term(side, nth), filters(side, nth));
                let mut fields = vec![("for", mark.as_str()), ("q", term.as_str())];
                fields.extend(filters.split('&').filter_map(|filter| filter.split_once('=')));
                let typed = http::post_as(COOKIE, "/console/members", &side.clerk, &fields);
                let answer = connection.exchange(&typed).map_err(Failed::at("a search"))?;
                let strange = Failed(format!("not a search of {}: {answer:?}", side.tenant));
                answer.location.map(|list| get(&list)).ok_or(strange)
            }
        })
        .collect()
}

/// The median of these pages, in seconds.
fn round(connection: &mut Connection, requests: &[Vec<u8>]) -> Result<f64, Failed> {
    let mut seconds = Vec::new();
    for request in requests {
        let begun = Instant::now();
        page(connection, request)?;
        seconds.push(begun.elapsed().as_secs_f64());
    }
    Ok(median(&mut seconds))
}

/// How many lines each of these pages shows.
fn lines(connection: &mut Connection, requests: &[Vec<u8>]) -> Result<Vec<usize>, Failed> {
    requests
        .iter()
        .map(|request| {
            page(connection, request)?;
            // One is the heading.
            Ok(connection.rows().saturating_sub(1))
        })
        .collect()
}

fn page(connection: &mut Connection, request: &[u8]) -> Result<(), Failed> {
    let answer = connection.exchange(request).map_err(Failed::at("a page"))?;
    if answer.status == 200 {
        Ok(())
    } else {
        Err(Failed(format!("not a page: {answer:?}")))
    }
}
