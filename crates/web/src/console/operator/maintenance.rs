//! メンテナンスの予定: when the service will be away, as everybody is told before and meanwhile.

use access::OPERATOR_SITE;
use askama::Template;
use audit::Actor;
use chrono::{DateTime, Utc};
use kernel::{MaintenanceId, calendar};
use pages::{Reply, Row, Visit, frame::Frame, reply::see_other, staff, visit::Trouble};
use poem::http::Method;
use staff::Clerk;
use tenancy::maintenance::{self, Maintenance};

const PATH: &str = "/operator/maintenance";
const FIELDS: [&str; 3] = ["from", "to", "text"];
/// The rows of these pages.
pub(super) fn rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    vec![
        staff(get, PATH, "operator.maintenance", OPERATOR_SITE, list),
        staff(post.clone(), PATH, "operator.maintenance.plan", OPERATOR_SITE, plan),
        staff(
            post,
            "/operator/maintenance/:id/cancel",
            "operator.maintenance.cancel",
            OPERATOR_SITE,
            cancel,
        ),
    ]
}

#[derive(Template)]
#[template(path = "console/operator/maintenance.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    from: String,
    to: String,
    said: String,
}

/// One of them.
struct Line {
    from: String,
    to: String,
    said: String,
    state: &'static str,
    cancel: String,
}

impl Line {
    fn of(one: Maintenance, now: DateTime<Utc>) -> Self {
        Self {
            from: calendar::moment(one.starts_at),
            to: calendar::moment(one.ends_at),
            state: match now {
                now if one.ends_at <= now => "終わりました",
                now if one.starts_at <= now => "実施中",
                now if one.is_told(now) => "予告中",
                _ => "予定",
            },
            cancel: format!("{PATH}/{}/cancel", one.id),
            said: one.text,
        }
    }
}

/// `GET /operator/maintenance`.
async fn list(visit: Visit, _: Clerk) -> Reply {
    let all = maintenance::list(&visit.services.database).await?;
    let again = visit.again().await;
    visit.html(&ListPage {
        lines: all.into_iter().map(|one| Line::of(one, visit.now)).collect(),
        from: again.typed.text("from").to_owned(),
        to: again.typed.text("to").to_owned(),
        said: again.typed.text("text").to_owned(),
        frame: visit.frame().in_section(PATH).with_errors(again.errors),
    })
}

/// `POST /operator/maintenance`.
async fn plan(visit: Visit, clerk: Clerk) -> Reply {
    let planned = match Maintenance::read(visit.now, FIELDS.map(|name| visit.form.text(name))) {
        Ok(planned) => planned,
        Err(refusal) => return Ok(visit.form_again(&refusal, PATH, &FIELDS).await),
    };
    let by = (&visit.origin, Actor::Platform(clerk.staff_id.0));
    maintenance::plan(&visit.services.database, visit.now, by, &planned).await?;
    Ok(visit.done(see_other(PATH), "予定に加えました。"))
}

/// `POST /operator/maintenance/:id/cancel`.
async fn cancel(visit: Visit, clerk: Clerk) -> Reply {
    let id = MaintenanceId::parse(visit.param("id")).ok_or(Trouble::NotFound)?;
    let by = (&visit.origin, Actor::Platform(clerk.staff_id.0));
    let database = &visit.services.database;
    if !maintenance::cancel(database, visit.now, by, id).await? {
        return Err(Trouble::NotFound);
    }
    Ok(visit.done(see_other(PATH), "予定から外しました。"))
}
