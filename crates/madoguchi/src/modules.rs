//! The modules, a line each, and the tables that their rows and the pipeline's make.

use crate::{config::Config, retention};
use access::{Policy, PolicyError};
use clients::Hanging;
use database::{Database, DatabaseConfig};
use ground::Ground;
use guard::{HashConfig, Hasher};
use kernel::{Clock, Keys, NameKeys};
use module::Module;
use notices::Notices;
use operations::Link;
use pages::{ConsoleNav, Nav, PanelSource};
use poem::http::Method;
use std::sync::Arc;
use tenancy::{Directory, Feature};

/// What hangs on programs, and ends when one is shut out.
pub const HANGING: [Hanging; 3] = [webhooks::HANGING, roster::runs::HANGING, statements::runs::HANGING];

/// Every module, in the order in which they stand in menus.
pub fn modules(ground: &Ground) -> Vec<Module> {
    let notices = Notices::new(ground.database.clone(), ground.clock.clone());
    let mut modules = vec![
        notices::module(&notices),
        guides::module(ground),
        statements::module(ground),
    ];
    modules.push(members::module(ground, &modules));
    modules.push(dashboard::module(ground, &notices, &modules));
    modules
}

/// Every page.
pub fn pages(modules: &[Module]) -> pages::Table {
    let panels: Arc<[PanelSource]> = modules
        .iter()
        .filter_map(|module| module.log_in_panel.clone())
        .collect();
    let own = web::portal::rows(&panels).into_iter();
    let of_modules = modules
        .iter()
        .flat_map(|module| module.portal.iter().chain(&module.console).cloned());
    let home = web::console::home_panels(
        modules.iter().flat_map(|module| module.task_words.iter().copied()),
        modules.iter().flat_map(|module| module.home_tasks.iter().cloned()),
        modules.iter().flat_map(|module| module.home_panels.iter().cloned()),
    );
    pages::Table::new(own.chain(web::console::rows(&home)).chain(of_modules))
}

/// What each role may do.
pub fn policy(modules: &[Module]) -> Result<Policy, PolicyError> {
    let of_modules: Vec<_> = modules.iter().map(|module| module.permissions).collect();
    Policy::load(&of_modules)
}

/// The console's menu.
pub fn console_nav(modules: &[Module]) -> Arc<[ConsoleNav]> {
    let of_modules = modules.iter().flat_map(|module| module.console_nav.clone());
    web::console::nav(of_modules).into()
}

/// The members' menu.
pub fn nav(modules: &[Module]) -> Arc<[Nav]> {
    let of_modules = modules.iter().flat_map(|module| module.nav.clone());
    [web::portal::MY_PAGE]
        .into_iter()
        .chain(of_modules)
        .chain(web::portal::REST)
        .collect()
}

/// The menu of those whose coverage has ended: features whose first page is for them, and what keeps the account safe.
pub fn former_nav(modules: &[Module], pages: &pages::Table) -> Arc<[(Option<Feature>, Nav)]> {
    let is_for_them = |path: &str| pages.rows().iter().any(|row| row.path == path && row.for_former);
    let openings = modules.iter().flat_map(|module| &module.openings);
    let features = openings.filter(|opening| is_for_them(opening.path)).map(|opening| {
        let (path, text) = (opening.path, opening.feature.label());
        (Some(opening.feature), Nav { path, text })
    });
    let rest = web::portal::FORMER_REST.map(|entry| (None, entry));
    features.chain(rest).collect()
}

/// The portal's pages that programs link to: where members come in, what their menu has, and where features lead.
pub fn links(modules: &[Module], pages: &pages::Table) -> Arc<[Link]> {
    let menu = nav(modules);
    let is_linked = |path| web::portal::DOORS.contains(&path) || menu.iter().any(|entry| entry.path == path);
    let feature_of = |path| {
        let mut openings = modules.iter().flat_map(|module| &module.openings);
        Some(openings.find(|opening| opening.path == path)?.feature)
    };
    let rows = pages.rows().iter().filter(|row| row.method == Method::GET);
    let links = rows.map(|row| Link {
        name: row.name,
        path: row.path,
        feature: feature_of(row.path),
    });
    links
        .filter(|link| link.feature.is_some() || is_linked(link.path))
        .collect()
}

/// Every operation. What the names are that some of them tell, all of the product knows alone.
pub fn operations(modules: &[Module]) -> operations::Table {
    let of_modules = modules.iter().flat_map(|module| module.operations.clone());
    let links = links(modules, &pages(modules));
    let mails = pages::kinds::MAILS.iter().map(|(kind, _)| *kind);
    let told = mails.filter(|kind| !mail::UNTOLD.contains(kind));
    let actions = web::console::AUDIT_ACTIONS.iter().map(|(action, _)| *action);
    let own = api::group()
        .explaining("list_links", names("Pages", links.iter().map(|link| link.name)))
        .explaining("list_mails", names("Kinds", told))
        .explaining("list_audit_lines", names("Actions", actions));
    operations::Table::new(
        [own, api::roster_imports(), api::webhooks()]
            .into_iter()
            .chain(of_modules),
    )
}

/// A list of names as a description has it.
fn names<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!("**{what}.** {}; more may come.", names.join(", "))
}

/// The modules for reading their tables and commands: on a database that is never asked, with keys that open nothing.
///
/// # Panics
/// Never: what it is made of is fixed.
#[expect(clippy::expect_used, reason = "fixed values, which every test of the document makes")]
pub fn without_database() -> Vec<Module> {
    let config = Config::defaults().expect("the defaults are read at every start");
    let person_kept = retention::person_kept(config.retention);
    let database = Database::connect(&DatabaseConfig {
        url: "postgres://nobody@127.0.0.1:1/none".into(),
        ..config.database
    })
    .expect("an address without a host to ask");
    let keys = Keys::new("none", [("none".to_owned(), [0; 32])]).expect("one key");
    let clock = Clock::system();
    modules(&Ground {
        directory: Directory::new(database.clone(), clock.clone()),
        hasher: Hasher::new(&keys, HashConfig { threads: 1, queue: 1 }),
        database,
        keys,
        names: NameKeys::new([0; 32], None),
        clock,
        person_kept,
    })
}
