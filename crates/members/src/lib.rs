//! Members as the insurer's staff see them: one search box over everybody of the roster, a person's page, what staff do for
//! a person, and what they note of them.
//!
//! Programs of the insurer's read and change people by the same rules.
//!
//! Of its own this crate has the notes. What else it shows it asks of whose it is: the roster, accounts, mails, the trail, and
//! each module's panel. Nothing is shown before the look is a line of the trail.

mod console;
mod facts;
mod list;
mod notes;
mod person;
mod programs;
pub mod reasons;
mod sealed;
mod subject;
pub mod term;
mod v1;

pub use notes::{KEYED, sweep};

use ::staff::Clerk;
use access::{MEMBERS_EDIT, MEMBERS_EMAIL, MEMBERS_PROTECT, MEMBERS_SUPPORT, MEMBERS_VIEW, Permission, Reach};
use chrono::TimeDelta;
use console::{
    actions::{self, Action},
    email,
    facts::Whose,
    proof,
};
use database::Database;
use ground::Ground;
use kernel::{Clock, Keys};
use module::{Module, PersonPanel};
use pages::{ConsoleNav, Reply, Row, Visit, staff, staff_proven};
use poem::http::Method;
use roster::{Protected, Sight};
use std::sync::Arc;

/// The clerk's view of people with all it stands on. Cheap to clone.
#[derive(Clone)]
pub struct Members {
    database: Database,
    keys: Keys,
    clock: Clock,
    /// How long people are kept after a loss.
    kept: TimeDelta,
    panels: Arc<[PersonPanel]>,
}

/// The module; a person's page shows the panels of these others.
pub fn module(ground: &Ground, others: &[Module]) -> Module {
    let members = Members {
        database: ground.database.clone(),
        keys: ground.keys.clone(),
        clock: ground.clock.clone(),
        kept: ground.person_kept,
        panels: others.iter().flat_map(|module| module.person_panels.clone()).collect(),
    };
    Module {
        name: "members",
        console: rows(&members),
        operations: vec![v1::group(members.clone())],
        performers: vec![members.performer()],
        console_nav: vec![ConsoleNav {
            path: "/console/members",
            text: "加入者",
            permission: Some(MEMBERS_VIEW),
        }],
        sweep: Some(Arc::new(|tx, now| Box::pin(sweep(tx, now)))),
        forget: Some(Arc::new(|tx, _, people, _| Box::pin(notes::forget(tx, people)))),
        ..Module::default()
    }
}

fn rows(members: &Members) -> Vec<Row> {
    let search = members.clone();
    let submit = move |visit, clerk| {
        let search = search.clone();
        async move { Ok(console::list::submit(&search, &visit, &clerk)) }
    };
    let mut rows = vec![
        staff(
            Method::GET,
            "/console/members",
            "console.members",
            MEMBERS_VIEW,
            with(members, console::list::show),
        ),
        staff(
            Method::POST,
            "/console/members",
            "console.members.search",
            MEMBERS_VIEW,
            submit,
        ),
        staff(
            Method::GET,
            "/console/members/:id",
            "console.member",
            MEMBERS_VIEW,
            with(members, console::person::show),
        ),
        staff(
            Method::POST,
            "/console/members/:id/notes",
            "console.member.notes",
            MEMBERS_SUPPORT,
            with(members, console::notes::add),
        ),
        staff(
            Method::POST,
            "/console/members/:id/notes/:note/strike",
            "console.member.notes.strike",
            MEMBERS_SUPPORT,
            with(members, console::notes::strike),
        ),
    ];
    rows.extend(email_rows(members));
    rows.extend(by_hand_rows(members));
    rows.extend(proof_rows(members));
    for (action, path, names) in ACTIONS {
        rows.extend(action_rows(members, action, path, names));
    }
    rows
}

/// Each action's page, and the names of its two routes.
const ACTIONS: [(Action, &str, [&str; 2]); 4] = [
    (
        Action::LogOut,
        "/console/members/:id/logout",
        ["console.member.log_out", "console.member.log_out.submit"],
    ),
    (
        Action::Unlock,
        "/console/members/:id/unlock",
        ["console.member.unlock", "console.member.unlock.submit"],
    ),
    (
        Action::Reset,
        "/console/members/:id/reset",
        ["console.member.reset", "console.member.reset.submit"],
    ),
    (
        Action::Close,
        "/console/members/:id/close",
        ["console.member.close", "console.member.close.submit"],
    ),
];

fn action_rows(members: &Members, action: Action, path: &'static str, [page, submit]: [&'static str; 2]) -> [Row; 2] {
    let permission: Permission = action.permission();
    let ask = with(members, move |members, visit, clerk| {
        actions::ask(members, action, visit, clerk)
    });
    let act = with(members, move |members, visit, clerk| {
        actions::act(members, action, visit, clerk)
    });
    [
        staff(Method::GET, path, page, permission, ask),
        staff(Method::POST, path, submit, permission, act),
    ]
}

fn email_rows(members: &Members) -> [Row; 4] {
    [
        staff_proven(
            Method::GET,
            "/console/members/:id/email",
            "console.member.email",
            MEMBERS_EMAIL,
            with(members, email::show),
        ),
        staff_proven(
            Method::POST,
            "/console/members/:id/email",
            "console.member.email.submit",
            MEMBERS_EMAIL,
            with(members, email::ask),
        )
        .keeping(&["email"]),
        staff_proven(
            Method::POST,
            "/console/members/:id/email/code",
            "console.member.email.code",
            MEMBERS_EMAIL,
            with(members, email::prove),
        ),
        staff_proven(
            Method::POST,
            "/console/members/:id/email/cancel",
            "console.member.email.cancel",
            MEMBERS_EMAIL,
            with(members, email::cancel),
        ),
    ]
}

fn proof_rows(members: &Members) -> [Row; 3] {
    [
        staff_proven(
            Method::GET,
            "/console/members/:id/proof",
            "console.member.proof",
            MEMBERS_PROTECT,
            with(members, proof::show),
        ),
        staff_proven(
            Method::POST,
            "/console/members/:id/proof",
            "console.member.proof.record",
            MEMBERS_PROTECT,
            with(members, proof::record),
        )
        .keeping(&proof::KEPT),
        staff_proven(
            Method::POST,
            "/console/members/:id/proof/take-back",
            "console.member.proof.take_back",
            MEMBERS_PROTECT,
            with(members, proof::take_back),
        ),
    ]
}

/// A person is added or mended by hand, in three steps each.
fn by_hand_rows(members: &Members) -> Vec<Row> {
    let rows = |whose: Whose, names: [&'static str; 3], [form, write]: [&'static str; 2]| {
        let [shown, confirmed, written] = names;
        let show = with(members, move |members, visit, clerk| {
            console::facts::show(members, whose, visit, clerk)
        });
        let confirm = with(members, move |members, visit, clerk| {
            console::facts::confirm(members, whose, visit, clerk)
        });
        let set = with(members, move |members, visit, clerk| {
            console::facts::write(members, whose, visit, clerk)
        });
        [
            staff(Method::GET, form, shown, MEMBERS_EDIT, show),
            staff(Method::POST, form, confirmed, MEMBERS_EDIT, confirm),
            staff(Method::POST, write, written, MEMBERS_EDIT, set),
        ]
    };
    let new = rows(
        Whose::New,
        ["console.member.new", "console.member.new.confirm", "console.member.add"],
        ["/console/members/new", "/console/members/add"],
    );
    let known = rows(
        Whose::Known,
        ["console.facts", "console.facts.confirm", "console.facts.write"],
        ["/console/members/:id/facts", "/console/members/:id/facts/write"],
    );
    new.into_iter().chain(known).collect()
}

/// A handler that stands on this crate's own.
fn with<F>(
    members: &Members,
    handler: impl Fn(Members, Visit, Clerk) -> F + Send + Sync + 'static,
) -> impl Fn(Visit, Clerk) -> F + Send + Sync + 'static
where
    F: Future<Output = Reply> + Send + 'static,
{
    let members = members.clone();
    move |visit, clerk| handler(members.clone(), visit, clerk)
}

/// Whom a clerk may see. For the platform's support, and for whoever is bounded to workplaces, protected people are not
/// there: a veiled row would say where somebody works.
fn sight(clerk: &Clerk) -> Sight {
    let is_bounded = clerk.reach != Reach::All;
    Sight {
        reach: clerk.reach.clone(),
        protected: if clerk.support.is_some() {
            Protected::Hidden
        } else if clerk.may(MEMBERS_PROTECT) {
            Protected::Seen
        } else if is_bounded {
            Protected::Hidden
        } else {
            Protected::Veiled
        },
    }
}
