//! Members as the insurer's staff see them: one search box over everybody of the roster, and a person's page.
//!
//! This crate has no tables. What it shows it asks of whose it is: the roster, accounts, mails, the trail, and each module's
//! panel. Nothing is shown before the look is a line of the trail.

mod console;
mod list;
mod person;
mod sealed;
pub mod term;

use ::staff::Clerk;
use access::MEMBERS_VIEW;
use database::Database;
use ground::Ground;
use kernel::{Clock, Keys};
use module::{Module, PersonPanel};
use pages::{ConsoleNav, staff};
use poem::http::Method;
use roster::Sight;
use std::sync::Arc;

/// The clerk's view of people with all it stands on. Cheap to clone.
#[derive(Clone)]
pub struct Members {
    database: Database,
    keys: Keys,
    clock: Clock,
    panels: Arc<[PersonPanel]>,
}

/// The module; a person's page shows the panels of these others.
pub fn module(ground: &Ground, others: &[Module]) -> Module {
    let members = Members {
        database: ground.database.clone(),
        keys: ground.keys.clone(),
        clock: ground.clock.clone(),
        panels: others.iter().flat_map(|module| module.person_panels.clone()).collect(),
    };
    let (list, search, person) = (members.clone(), members.clone(), members);
    let show = move |visit, clerk| console::list::show(list.clone(), visit, clerk);
    let submit = move |visit, clerk| {
        let search = search.clone();
        async move { Ok(console::list::submit(&search, &visit, &clerk)) }
    };
    let open = move |visit, clerk| console::person::show(person.clone(), visit, clerk);
    Module {
        name: "members",
        console: vec![
            staff(Method::GET, "/console/members", "console.members", MEMBERS_VIEW, show),
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
                open,
            ),
        ],
        console_nav: vec![ConsoleNav {
            path: "/console/members",
            text: "加入者",
            permission: Some(MEMBERS_VIEW),
        }],
        ..Module::default()
    }
}

/// Whom a clerk may see.
fn sight(clerk: &Clerk) -> Sight {
    Sight {
        reach: clerk.reach.clone(),
        protected: clerk.may(access::MEMBERS_PROTECT),
    }
}
