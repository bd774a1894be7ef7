//! The console's rows of the pages' table: what staff see of the pipeline. How to add a page: pages.md.

mod account;
mod approvals;
mod audit;
mod clients;
mod colleague;
mod colleagues;
mod enrol;
mod factor;
mod home;
mod invitation;
mod letters;
mod log_in;
mod log_out;
mod names;
mod operator;
mod panels;
mod password;
mod protections;
mod prove;
mod roster;
mod sandbox;
mod settings;
mod support;
mod switches;
mod terms;
mod workplaces;

pub use self::audit::words::ACTIONS as AUDIT_ACTIONS;

use ::approvals::Performer;
use ::roster::Runs;
use ::staff::Staff;
use access::{
    AUDIT_VIEW, CLIENTS_MANAGE, EXPORT_PERSONAL, LETTERS_PRINT, MEMBERS_PROTECT, OPERATOR_HEALTH, OPERATOR_INSURERS,
    OPERATOR_MAIL, OPERATOR_SITE, ROSTER_VIEW, SETTINGS_EDIT, SETTINGS_VIEW, STAFF_VIEW, SUPPORT_GRANT, TERMS_VIEW,
};
use kernel::Keys;
use log_in::Door;
use pages::{
    ConsoleNav, HomePanel, HomeTaskSource, Row, TaskWords, public, staff, staff_pending, staff_proven, staff_session,
};
use poem::http::Method;
use std::sync::Arc;

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// The console's menu: home, what modules add, the rest of what is about people, then what is set up once.
pub fn nav(of_modules: impl IntoIterator<Item = ConsoleNav>) -> Vec<ConsoleNav> {
    let entry = |path, text, permission| ConsoleNav { path, text, permission };
    let first = [
        entry("/console/", "ホーム", None),
        entry("/operator/", "ホーム", Some(OPERATOR_INSURERS)),
    ];
    let last = [
        entry("/console/roster", "名簿の取り込み", Some(ROSTER_VIEW)),
        entry("/console/letters", "案内状", Some(LETTERS_PRINT)),
        entry("/console/protections", "保護", Some(MEMBERS_PROTECT)),
        entry("/console/terms", "規約", Some(TERMS_VIEW)),
        entry("/console/settings", "設定", Some(SETTINGS_VIEW)),
        entry(sandbox::MAILS, "お試し環境のメール", Some(SETTINGS_EDIT)),
        entry("/console/staff", "職員", Some(STAFF_VIEW)),
        entry("/console/clients", "連携先", Some(CLIENTS_MANAGE)),
        entry("/console/approvals", "承認", None),
        entry("/console/audit", "監査記録", Some(AUDIT_VIEW)),
        entry("/console/support", "運営サポート", Some(SUPPORT_GRANT)),
        entry("/operator/clients", "連携先", Some(OPERATOR_INSURERS)),
        entry("/operator/maintenance", "メンテナンスの予定", Some(OPERATOR_SITE)),
        entry("/operator/jobs", "失敗した処理", Some(OPERATOR_HEALTH)),
        entry("/operator/mails", "届かなかったメール", Some(OPERATOR_MAIL)),
        entry("/operator/nodes", "稼働状況", Some(OPERATOR_HEALTH)),
    ];
    first.into_iter().chain(of_modules).chain(last).collect()
}

/// The panels of home: what waits comes first, and what modules add last.
pub fn home_panels(
    tasks: impl IntoIterator<Item = TaskWords>,
    sources: impl IntoIterator<Item = HomeTaskSource>,
    of_modules: impl IntoIterator<Item = HomePanel>,
) -> Arc<[HomePanel]> {
    let tasks: Arc<[TaskWords]> = [names::TASK].into_iter().chain(tasks).collect();
    let sources = sources.into_iter().collect();
    panels::all(tasks, sources).into_iter().chain(of_modules).collect()
}

/// How the pipeline's actions under four eyes are done once another has agreed.
pub fn performers(staff: &Staff, rosters: &Runs, keys: &Keys) -> Vec<Performer> {
    let mut performers = staff.performers();
    performers.extend(rosters.performers());
    performers.extend([
        accounts::protection::performer(keys),
        letters::performer(),
        roster::performer(),
        terms::performer(),
        terms::consents_performer(),
        staff.approvals().switch_performer(),
    ]);
    performers
}

/// What stands at the two doors: log-in, and a forgotten password.
fn doors() -> impl Iterator<Item = Row> {
    let rows = |door: Door, [log_in, log_in_submit, password, password_submit]: [&'static str; 4]| {
        [
            public(GET, door.log_in(), log_in, move |visit| log_in::show(door, visit)),
            public(POST, door.log_in(), log_in_submit, move |visit| {
                log_in::submit(door, visit)
            }),
            public(GET, door.password(), password, move |visit| password::show(door, visit)),
            public(POST, door.password(), password_submit, move |visit| {
                password::submit(door, visit)
            }),
        ]
    };
    let insurer = [
        "console.log_in",
        "console.log_in.submit",
        "console.password",
        "console.password.submit",
    ];
    let operator = [
        "operator.log_in",
        "operator.log_in.submit",
        "operator.password",
        "operator.password.submit",
    ];
    let rows = [rows(Door::Insurer, insurer), rows(Door::Operator, operator)];
    rows.into_iter().flatten()
}

/// Every route of the console's.
pub fn rows(home: &Arc<[HomePanel]>) -> Vec<Row> {
    let home = Arc::clone(home);
    let rows = vec![
        staff_session(GET, "/console/", "console", move |visit, clerk| {
            home::show(Arc::clone(&home), visit, clerk)
        }),
        staff(
            GET,
            "/console/workplaces",
            "console.workplaces",
            access::ROSTER_VIEW,
            workplaces::all,
        ),
        staff(
            GET,
            "/console/workplaces/own",
            "console.workplaces.own",
            access::WORKPLACE_VIEW,
            workplaces::own,
        ),
        staff(
            GET,
            "/console/workplaces/own/people",
            "console.workplaces.people",
            access::WORKPLACE_VIEW,
            workplaces::people,
        ),
        staff(
            GET,
            "/console/names/:id",
            "console.names",
            access::MEMBERS_EDIT,
            names::show,
        ),
        staff(
            POST,
            "/console/names/:id",
            "console.names.settle",
            access::MEMBERS_EDIT,
            names::submit,
        ),
        public(GET, "/console/login/link", "console.log_in.link", log_in::link),
        public(
            POST,
            "/console/login/link",
            "console.log_in.link.submit",
            log_in::link_submit,
        ),
        public(GET, "/console/invitation", "console.invitation", invitation::show),
        public(
            POST,
            "/console/invitation",
            "console.invitation.submit",
            invitation::submit,
        ),
        public(
            GET,
            "/console/password/reset",
            "console.password.reset",
            password::reset,
        ),
        public(
            POST,
            "/console/password/reset",
            "console.password.reset.submit",
            password::reset_submit,
        ),
        staff(
            GET,
            "/console/protections",
            "console.protections",
            MEMBERS_PROTECT,
            protections::list,
        ),
        staff(
            POST,
            "/console/protections",
            "console.protections.set",
            MEMBERS_PROTECT,
            protections::set,
        ),
        staff(
            POST,
            "/console/protections/find",
            "console.protections.find",
            MEMBERS_PROTECT,
            protections::find,
        ),
        staff(
            GET,
            "/console/protections/new",
            "console.protections.new",
            MEMBERS_PROTECT,
            protections::new,
        ),
        staff(
            POST,
            "/console/protections/new",
            "console.protections.confirm",
            MEMBERS_PROTECT,
            protections::confirm,
        ),
        staff_proven(
            GET,
            "/console/protections/:id/lift",
            "console.protections.lift",
            MEMBERS_PROTECT,
            protections::lift::ask,
        ),
        staff_proven(
            POST,
            "/console/protections/:id/lift",
            "console.protections.lift.submit",
            MEMBERS_PROTECT,
            protections::lift::submit,
        )
        .keeping(&["reason"]),
        staff(GET, "/console/letters", "console.letters", LETTERS_PRINT, letters::show),
        staff(
            POST,
            "/console/letters",
            "console.letters.filter",
            LETTERS_PRINT,
            letters::filter,
        ),
        staff(
            POST,
            "/console/letters/print",
            "console.letters.print",
            LETTERS_PRINT,
            letters::print,
        ),
        staff_proven(
            GET,
            "/console/letters/file",
            "console.letters.file",
            EXPORT_PERSONAL,
            letters::ask_file,
        ),
        staff_proven(
            POST,
            "/console/letters/file",
            "console.letters.file.submit",
            EXPORT_PERSONAL,
            letters::file,
        )
        .keeping(&["code", "symbol", "registered"]),
        public(POST, "/console/logout", "console.log_out", log_out::submit),
        staff(GET, "/console/support", "console.support", SUPPORT_GRANT, support::show),
        staff_session(POST, "/console/support/leave", "console.support.leave", support::leave),
        staff_proven(
            GET,
            "/console/support/:grant",
            "console.support.one",
            SUPPORT_GRANT,
            support::one,
        ),
        staff_proven(
            POST,
            "/console/support/:grant/grant",
            "console.support.grant",
            SUPPORT_GRANT,
            support::grant,
        ),
        staff(
            POST,
            "/console/support/:grant/end",
            "console.support.end",
            SUPPORT_GRANT,
            support::end,
        ),
        staff_pending(GET, "/console/login/factor", "console.factor", factor::show),
        staff_pending(POST, "/console/login/factor", "console.factor.prove", factor::submit),
        staff_session(GET, "/console/prove", "console.prove", prove::show),
        staff_session(POST, "/console/prove", "console.prove.submit", prove::submit),
        staff_pending(GET, "/console/enrol", "console.enrol", enrol::show),
        staff_pending(GET, "/console/enrol/app", "console.enrol.app", enrol::app),
        staff_pending(POST, "/console/enrol/app", "console.enrol.app.submit", enrol::enrol_app),
        staff_pending(GET, "/console/enrol/passkey", "console.enrol.passkey", enrol::passkey),
        staff_pending(
            POST,
            "/console/enrol/passkey",
            "console.enrol.passkey.submit",
            enrol::enrol_passkey,
        ),
        staff_session(GET, "/console/enrol/codes", "console.enrol.codes", enrol::codes),
        staff_session(GET, "/console/account", "console.account", account::show),
        staff_session(
            GET,
            "/console/account/password",
            "console.account.password",
            account::password,
        ),
        staff_session(
            POST,
            "/console/account/password",
            "console.account.password.change",
            account::change_password,
        ),
        staff_session(GET, "/console/account/codes", "console.account.codes", account::codes),
        staff_session(
            POST,
            "/console/account/codes",
            "console.account.codes.make",
            account::make_codes,
        ),
        staff_session(
            GET,
            "/console/account/factors/:id",
            "console.account.factor",
            account::factor,
        ),
        staff_session(
            POST,
            "/console/account/factors/:id/rename",
            "console.account.factor.rename",
            account::rename,
        ),
        staff_session(
            POST,
            "/console/account/factors/:id/remove",
            "console.account.factor.remove",
            account::remove,
        ),
        staff_session(
            POST,
            "/console/account/sessions/end-others",
            "console.account.sessions.end_others",
            account::end_others,
        ),
        staff_session(
            POST,
            "/console/account/sessions/:id/end",
            "console.account.session.end",
            account::end_session,
        ),
    ];
    rows.into_iter()
        .chain(roster::rows())
        .chain(sandbox::rows())
        .chain(settings::rows())
        .chain(approvals::rows())
        .chain(switches::rows())
        .chain(colleagues::rows())
        .chain(clients::rows())
        .chain(operator::rows())
        .chain(terms::rows())
        .chain(audit::rows())
        .chain(doors())
        .collect()
}
