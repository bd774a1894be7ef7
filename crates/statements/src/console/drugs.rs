//! 医薬品マスター, for the platform's operators: which one counts, which are to come, and what the newest changes. It only shows;
//! masters are brought at the command line.

use super::with;
use crate::{
    drugs::{
        Class, Difference,
        overview::{Master, Overview, overview},
    },
    permissions::OPERATOR_DRUGS,
};
use askama::Template;
use ground::Ground;
use kernel::{TenantId, calendar};
use pages::{Reply, Row, Visit, frame::Frame, staff, words::grouped};
use poem::http::Method;
use staff::Clerk;

pub(super) const PATH: &str = "/operator/drugs";

/// The page's row.
pub(super) fn rows(ground: &Ground) -> Vec<Row> {
    vec![staff(
        Method::GET,
        PATH,
        "operator.drugs",
        OPERATOR_DRUGS,
        with(ground, show),
    )]
}

#[derive(Template)]
#[template(path = "console/statements_drugs.html")]
struct DrugsPage {
    frame: Frame,
    classes: [&'static str; Class::ALL.len()],
    masters: Vec<Line>,
    /// What the newest is held against, and what differs.
    newest: Option<(String, Vec<(String, String)>)>,
}

/// A master.
struct Line {
    from: String,
    version: i32,
    is_in_force: bool,
    drugs: String,
    /// Of each class what it is called, and how many.
    classes: [(&'static str, String); Class::ALL.len()],
}

impl Line {
    fn of(master: &Master) -> Self {
        Self {
            from: calendar::date_both(master.version.valid_from),
            version: master.version.version,
            is_in_force: master.is_in_force,
            drugs: grouped(master.drugs()),
            classes: Class::ALL.map(|class| (label(class), grouped(master.of(class)))),
        }
    }
}

/// `GET /operator/drugs`.
async fn show(ground: Ground, visit: Visit, _: Clerk) -> Reply {
    let tx = ground.database.tenant(TenantId::PLATFORM).read().await?;
    let Overview { masters, newest } = overview(&tx, calendar::today_in_japan(visit.now)).await?;
    tx.commit().await?;
    let newest = newest.map(|(before, difference)| {
        let before = format!(
            "{}から（第{}版）",
            calendar::date_both(before.valid_from),
            before.version
        );
        (before, told(&difference))
    });
    visit.html(&DrugsPage {
        frame: visit.frame().in_section(PATH),
        classes: Class::ALL.map(label),
        masters: masters.iter().map(Line::of).collect(),
        newest,
    })
}

/// What differs, as far as anything does.
fn told(difference: &Difference) -> Vec<(String, String)> {
    let counts = [
        ("新しい品目", difference.new),
        ("なくなった品目", difference.gone),
        ("薬価が上がった品目", difference.dearer),
        ("薬価が下がった品目", difference.cheaper),
        ("特別の料金が変わった品目", difference.charged),
        ("名称・単位・期限などが変わった品目", difference.otherwise),
    ];
    let counts = counts.map(|(what, drugs)| (what.to_owned(), drugs));
    let moved = difference.classes.iter();
    let moved =
        moved.map(|((from, to), drugs)| (format!("後発区分が「{}」から「{}」", label(*from), label(*to)), *drugs));
    let all = counts.into_iter().chain(moved);
    all.filter(|(_, drugs)| *drugs > 0)
        .map(|(what, drugs)| (what, grouped(drugs)))
        .collect()
}

/// 後発区分 as the ministry's list has it, and what it says.
fn label(class: Class) -> &'static str {
    match class {
        Class::Unknown => "区分なし",
        Class::NoGeneric => "1 先発（後発なし）",
        Class::Brand => "2 先発（後発あり）",
        Class::BrandNoDearer => "☆ 先発（後発より高くない）",
        Class::Generic => "3 後発",
        Class::GenericNoCheaper => "★ 後発（先発より安くない）",
    }
}
