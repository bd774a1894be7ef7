//! Every route of the console, as every role, as a stranger, as a member, as staff of another insurer with this one's ids,
//! before the second factor, suspended, and with a role that was taken away a moment ago. What is expected hangs on the
//! row's right and on the policy alone; a case says how a route is called and what it answers to whoever may.

mod clients;
mod statements;
mod walks;

use super::{MARK, Other, send};
use access::Role;
use edge::Rights;
use kernel::GrantId;
use pages::console::is_console;
use reqwest::Method;
use testkit::{Answer, Client, Fields, TestApp, TestClerk};
use uuid::Uuid;

/// What a GET may write: a look at a person stands in the trail, and what a second factor is asked is kept for its answer.
const BY_GET: [&str; 4] = ["audit_events", "audit_looks", "audit_subjects", "staff_ceremonies"];

/// How a route is called with the other insurer's ids, and what comes of it.
struct Case {
    path: String,
    fields: Fields,
    /// What whoever may gets of their own insurer; of a route for anybody what a stranger gets.
    own: u16,
    /// The same for roles that get something else of a route that is open to all inside.
    but: Vec<(Role, u16)>,
    /// What staff of another insurer get who may do everything.
    elsewhere: u16,
}

impl Case {
    fn sending(self, fields: &[(&str, &str)]) -> Self {
        Self {
            fields: Fields::new(fields),
            ..self
        }
    }

    fn but(mut self, role: Role, status: u16) -> Self {
        self.but.push((role, status));
        self
    }

    fn elsewhere(self, status: u16) -> Self {
        Self {
            elsewhere: status,
            ..self
        }
    }

    fn own(&self, role: Role) -> u16 {
        let other = self.but.iter().find(|(known, _)| *known == role);
        other.map_or(self.own, |(_, status)| *status)
    }
}

/// What is open to the platform's support beside what its role allows.
const OF_SUPPORT: [&str; 2] = ["console", "console.support.leave"];

/// Where an address names nothing of an insurer's, every insurer's staff get the same.
fn at(path: &str, own: u16) -> Case {
    Case {
        path: path.into(),
        fields: Fields::new(&[]),
        own,
        but: vec![],
        elsewhere: own,
    }
}

/// What the addresses name is the other insurer's; its clerks are that one's own.
fn case(name: &str, other: &Other, grant: GrantId, named: &Named) -> Case {
    let (person, protection, line) = (&*named.person, &*named.protection, &*named.line);
    if let Some(case) = clients::case(name, grant, (&named.client, &named.webhook)) {
        return case;
    }
    if let Some(case) = statements::case(name, grant, person) {
        return case;
    }
    let notice = format!("/console/notices/{}", other.notice);
    match name {
        "console" => at("/console/", 200),
        "console.log_in" => at("/console/login", 200),
        "console.log_in.submit" => at("/console/login", 422),
        "operator.log_in" => at("/operator/login", 200),
        "operator.log_in.submit" => at("/operator/login", 422),
        "console.password" => at("/console/password", 200),
        "console.password.submit" => at("/console/password", 422),
        "operator.password" => at("/operator/password", 200),
        "operator.password.submit" => at("/operator/password", 422),
        // Without a link that was mailed.
        "console.log_in.link" | "console.log_in.link.submit" => at("/console/login/link", 409),
        "console.invitation" | "console.invitation.submit" => at("/console/invitation", 409),
        "console.password.reset" | "console.password.reset.submit" => at("/console/password/reset", 409),
        "console.log_out" => at("/console/logout", 303),
        "console.members" => at("/console/members?list=1", 200),
        "console.members.search" => at("/console/members", 303).sending(&[("q", MARK)]),
        // Protected, and so nobody to the platform's support, and nobody for whom whoever sees them veiled does anything.
        "console.member" => at(&format!("/console/members/{}", other.person), 200)
            .but(Role::Support, 404)
            .elsewhere(404),
        "console.member.notes" => at(&format!("/console/members/{person}/notes"), 422)
            .but(Role::CallCentre, 403)
            .elsewhere(404),
        "console.member.notes.strike" => {
            at(&format!("/console/members/{person}/notes/{grant}/strike"), 404).but(Role::CallCentre, 403)
        }
        "console.member.log_out" => of_person(person, "logout", 200),
        "console.member.log_out.submit" => of_person(person, "logout", 303),
        "console.member.unlock" => of_person(person, "unlock", 200),
        "console.member.unlock.submit" => of_person(person, "unlock", 303),
        "console.member.reset" => of_person(person, "reset", 200),
        "console.member.reset.submit" => of_person(person, "reset", 303),
        "console.member.close" => of_person(person, "close", 200),
        // Without the tick.
        "console.member.close.submit" => of_person(person, "close", 422),
        "console.member.email" => of_person(person, "email", 200),
        "console.member.email.submit" => of_person(person, "email", 422),
        // Nothing is under way.
        "console.member.email.code" => of_person(person, "email/code", 422),
        "console.member.email.cancel" => of_person(person, "email/cancel", 303),
        "console.member.proof" => of_person(person, "proof", 200),
        // Nothing is chosen; and nobody has recorded it.
        "console.member.proof.record" => of_person(person, "proof", 422),
        "console.member.proof.take_back" => of_person(person, "proof/take-back", 303),
        "console.member.new" => at("/console/members/new", 200),
        // Nothing is typed.
        "console.member.new.confirm" => at("/console/members/new", 422),
        "console.member.add" => at("/console/members/add", 422),
        "console.facts" => at(&format!("/console/members/{}/facts", other.person), 200).elsewhere(404),
        // Nothing changes.
        "console.facts.confirm" => at(&format!("/console/members/{}/facts", other.person), 422).elsewhere(404),
        "console.facts.write" => at(&format!("/console/members/{}/facts/write", other.person), 422).elsewhere(404),
        "console.roster.undo" | "console.roster.undo.submit" => at(&format!("/console/roster/runs/{grant}/undo"), 404),
        "console.notices" => at("/console/notices", 200),
        "console.notices.new" => at("/console/notices/new", 200),
        "console.notices.create" => at("/console/notices/new", 422),
        "console.notice" => at(&notice, 200).elsewhere(404),
        // Published, it is no draft any more: what was typed may be kept as another.
        "console.notice.save" => at(&format!("{notice}/edit"), 409),
        "console.notice.ask" => at(&format!("{notice}/ask"), 303).elsewhere(404),
        "console.notice.copy" => at(&format!("{notice}/copy"), 303).elsewhere(404),
        "console.notice.edit" => at(&format!("{notice}/edit"), 303).elsewhere(404),
        "console.notice.discard" | "console.notice.discard.submit" => {
            at(&format!("{notice}/discard"), 303).elsewhere(404)
        }
        "console.notice.publish" | "console.notice.publish.submit" => {
            at(&format!("{notice}/publish"), 303).elsewhere(404)
        }
        "console.notice.end" => at(&format!("{notice}/end"), 200).elsewhere(404),
        "console.notice.end.submit" => at(&format!("{notice}/end"), 303).elsewhere(404),
        "console.notice.withdraw" => at(&format!("{notice}/withdraw"), 200).elsewhere(404),
        "console.notice.withdraw.submit" => at(&format!("{notice}/withdraw"), 303).elsewhere(404),
        "console.roster" => at("/console/roster", 200),
        "console.roster.new" => at("/console/roster/new", 200),
        // For nobody: a form with a file says in its address for whom it was shown.
        "console.roster.bring" => at("/console/roster/new", 409),
        "console.roster.blank" => at("/console/roster/blank", 200),
        "console.roster.run" => at(&format!("/console/roster/runs/{grant}"), 404),
        "console.roster.progress" => at(&format!("/console/roster/runs/{grant}/progress"), 404),
        "console.roster.compare" => at(&format!("/console/roster/runs/{grant}/compare"), 404),
        "console.roster.start" => at(&format!("/console/roster/runs/{grant}/start"), 404),
        "console.roster.cancel" => at(&format!("/console/roster/runs/{grant}/cancel"), 404),
        "console.roster.errors" => at(&format!("/console/roster/runs/{grant}/errors"), 404),
        // No sandbox.
        "console.sandbox.mails" => at("/console/sandbox/mails", 404),
        "console.sandbox.mail" => at(&format!("/console/sandbox/mails/{grant}"), 404),
        "console.settings" => at("/console/settings", 200),
        "console.settings.branding" => at("/console/settings/branding", 200),
        "console.settings.desk" => at("/console/settings/desk", 200),
        "console.settings.modules" => at("/console/settings/modules", 200),
        "console.settings.sign_up" => at("/console/settings/sign-up", 200),
        "console.settings.log_in" => at("/console/settings/log-in", 200),
        "console.settings.sender" => at("/console/settings/sender", 200),
        "console.settings.networks" => at("/console/settings/networks", 200),
        "console.settings.retention" => at("/console/settings/retention", 200),
        // Nothing is typed.
        "console.settings.branding.save" => at("/console/settings/branding", 422),
        "console.settings.desk.save" => at("/console/settings/desk", 422),
        "console.settings.modules.save" => at("/console/settings/modules", 422),
        "console.settings.sign_up.save" => at("/console/settings/sign-up", 422),
        "console.settings.log_in.save" => at("/console/settings/log-in", 422),
        "console.settings.sender.save" => at("/console/settings/sender", 422),
        "console.settings.networks.save" => at("/console/settings/networks", 422),
        "console.settings.retention.save" => at("/console/settings/retention", 422),
        "console.settings.branding.preview" => at("/console/settings/branding/preview?color=%23f39800", 200),
        // A logo of nobody's, a file for nobody, and a form that was shown with no revision.
        "console.settings.logo" => at("/console/settings/branding/picture/00", 404),
        "console.settings.logo.bring" => at("/console/settings/branding/logo/1", 409),
        "console.settings.logo.remove" => at("/console/settings/branding/logo-removal", 409),
        "console.settings.revisions" => at("/console/settings/revisions", 200),
        // Every insurer has a first revision, its own; there is nothing before it.
        "console.settings.revision" => at("/console/settings/revisions/1", 200),
        "console.settings.revision.ask" => at("/console/settings/revisions/1/take-back", 303),
        "console.settings.revision.take_back" => at("/console/settings/revisions/1/take-back", 422),
        "console.names" => at(&format!("/console/names/{}", Uuid::nil()), 404),
        // Nothing is chosen.
        "console.names.settle" => at(&format!("/console/names/{}", Uuid::nil()), 422),
        "console.protections" => at("/console/protections", 200),
        // Nothing is typed; and the person is protected already.
        "console.protections.find" => at("/console/protections/find", 422),
        "console.protections.new" => at(&format!("/console/protections/new?person={person}"), 200).elsewhere(404),
        "console.protections.confirm" => at("/console/protections/new", 422)
            .sending(&[("subject", person)])
            .elsewhere(404),
        "console.protections.set" => at("/console/protections", 422)
            .sending(&[("subject", person), ("person", person)])
            .elsewhere(404),
        "console.protections.lift" => at(&format!("/console/protections/{protection}/lift"), 200).elsewhere(404),
        // Without a reason.
        "console.protections.lift.submit" => at(&format!("/console/protections/{protection}/lift"), 422).elsewhere(404),
        "console.letters" => at("/console/letters?registered=either", 200),
        "console.letters.filter" => at("/console/letters", 303),
        "console.letters.print" => at("/console/letters/print", 200)
            .sending(&[("person", person)])
            .elsewhere(303),
        "console.letters.file" => at("/console/letters/file", 200),
        "console.letters.file.submit" => at("/console/letters/file", 200).sending(&[("registered", "either")]),
        "console.terms" => at("/console/terms", 200),
        "console.terms.one" => at("/console/terms/addendum/1", 200),
        "console.terms.difference" => at("/console/terms/service/2/difference", 200),
        "console.terms.draft" => at("/console/terms/addendum/2/draft", 200),
        // A day that is past.
        "console.terms.draft.save" => {
            at("/console/terms/addendum/2/draft", 422).sending(&[("effective_on", "2020-01-01")])
        }
        // There is no draft.
        "console.terms.preview" => at("/console/terms/addendum/2/preview", 404),
        "console.terms.discard" => at("/console/terms/addendum/2/discard", 404),
        "console.terms.publish" | "console.terms.publish.submit" => at("/console/terms/addendum/2/publish", 409),
        // It is in force.
        "console.terms.withdraw" | "console.terms.withdraw.submit" => at("/console/terms/addendum/1/withdraw", 409),
        "console.terms.consents" | "console.terms.consents.submit" => at("/console/terms/addendum/1/consents", 200),
        "console.audit" => at(&format!("/console/audit?person={person}"), 200).elsewhere(404),
        "console.audit.find" => at("/console/audit", 422),
        "console.audit.line" => at(&format!("/console/audit/lines/{line}"), 200).elsewhere(404),
        "console.audit.file" => at(&format!("/console/audit/file?person={person}"), 200).elsewhere(404),
        "console.audit.file.submit" => at("/console/audit/file", 200)
            .sending(&[("person", person)])
            .elsewhere(404),
        "console.workplaces" => at("/console/workplaces", 200),
        "console.workplaces.own" => at("/console/workplaces/own", 200),
        // Within no reach.
        "console.workplaces.people" => at("/console/workplaces/own/people?code=&symbol=100", 404),
        "console.support" => at("/console/support", 200),
        "console.support.leave" => at("/console/support/leave", 403).but(Role::Support, 303),
        // Granted already: there is nothing to answer.
        "console.support.one" => at(&format!("/console/support/{grant}"), 303).elsewhere(404),
        "console.support.grant" => at(&format!("/console/support/{grant}/grant"), 409)
            .sending(&[("hours", "2")])
            .elsewhere(404),
        "console.support.end" => at(&format!("/console/support/{grant}/end"), 303).elsewhere(404),
        "operator" => at("/operator/", 200),
        "operator.support" => at(&format!("/operator/insurers/{}/support", other.app.insurer.code), 200),
        "operator.support.submit" => at(&format!("/operator/insurers/{}/support", other.app.insurer.code), 422),
        // Not asked for by whoever comes.
        "operator.support.enter" => at(&format!("/operator/support/{grant}/enter"), 409),
        "operator.insurer" => at(&format!("/operator/insurers/{}", other.app.insurer.code), 200),
        "operator.insurer.suspend" => at(&format!("/operator/insurers/{}/suspend", other.app.insurer.code), 200),
        "operator.insurer.resume" => at(&format!("/operator/insurers/{}/resume", other.app.insurer.code), 200),
        // Without a word why.
        "operator.insurer.suspend.submit" => at(&format!("/operator/insurers/{}/suspend", other.app.insurer.code), 422),
        "operator.insurer.resume.submit" => at(&format!("/operator/insurers/{}/resume", other.app.insurer.code), 422),
        "operator.maintenance" => at("/operator/maintenance", 200),
        "operator.maintenance.plan" => at("/operator/maintenance", 422),
        "operator.maintenance.cancel" => at(&format!("/operator/maintenance/{grant}/cancel"), 404),
        "operator.jobs" => at("/operator/jobs", 200),
        "operator.mails" => at("/operator/mails", 200),
        "operator.drugs" => at("/operator/drugs", 200),
        "operator.nodes" => at("/operator/nodes", 200),
        // Nothing of it died.
        "operator.jobs.retry" => at(&format!("/operator/jobs/platform/{grant}/retry"), 409),
        "operator.jobs.drop" => at(&format!("/operator/jobs/platform/{grant}/drop"), 409),
        "operator.mails.send" => at(&format!("/operator/mails/platform/{grant}/send"), 409),
        // Whoever is inside is past it; and has set up nothing that could be shown, proven or changed.
        "console.factor" => at("/console/login/factor", 303),
        "console.factor.prove" => at("/console/login/factor", 422),
        "console.prove" => at("/console/prove", 200),
        "console.prove.submit" => at("/console/prove", 422),
        "console.enrol" => at("/console/enrol", 200),
        "console.enrol.app" => at("/console/enrol/app", 200),
        "console.enrol.app.submit" => at("/console/enrol/app", 422),
        "console.enrol.passkey" => at("/console/enrol/passkey", 200),
        "console.enrol.passkey.submit" => at("/console/enrol/passkey", 422),
        "console.enrol.codes" => at("/console/enrol/codes", 200),
        "console.account" => at("/console/account", 200),
        "console.account.password" => at("/console/account/password", 200),
        "console.account.password.change" => at("/console/account/password", 422),
        "console.account.codes" => at("/console/account/codes", 200),
        "console.account.codes.make" => at("/console/account/codes", 303),
        "console.account.factor" => at(&format!("/console/account/factors/{grant}"), 404),
        "console.account.factor.rename" => {
            at(&format!("/console/account/factors/{grant}/rename"), 404).sending(&[("label", "x")])
        }
        "console.account.factor.remove" => at(&format!("/console/account/factors/{grant}/remove"), 404),
        "console.account.sessions.end_others" => at("/console/account/sessions/end-others", 303),
        "console.account.session.end" => at(&format!("/console/account/sessions/{grant}/end"), 404),
        "console.approvals" => at("/console/approvals", 200),
        "console.approval" => at(&format!("/console/approvals/{grant}"), 404),
        "console.approval.agree" => at(&format!("/console/approvals/{grant}/agree"), 404),
        "console.approval.decline" => at(&format!("/console/approvals/{grant}/decline"), 404),
        "console.approval.withdraw" => at(&format!("/console/approvals/{grant}/withdraw"), 404),
        "console.switches" => at("/console/approvals/settings", 200),
        // Without a word why.
        "console.switches.submit" => at("/console/approvals/settings", 422),
        "console.staff" => at("/console/staff", 200),
        "console.staff.invite" => at("/console/staff/invite", 200),
        "console.staff.invite.submit" => at("/console/staff/invite", 422),
        "console.colleague" => at(&format!("/console/staff/{grant}"), 404),
        "console.colleague.roles" | "console.colleague.roles.submit" => {
            at(&format!("/console/staff/{grant}/roles"), 404)
        }
        "console.colleague.suspend" | "console.colleague.suspend.submit" => {
            at(&format!("/console/staff/{grant}/suspend"), 404)
        }
        "console.colleague.resume" | "console.colleague.resume.submit" => {
            at(&format!("/console/staff/{grant}/resume"), 404)
        }
        "console.colleague.factor" | "console.colleague.factor.submit" => {
            at(&format!("/console/staff/{grant}/factor"), 404)
        }
        "console.colleague.invitation" | "console.colleague.invitation.submit" => {
            at(&format!("/console/staff/{grant}/invitation"), 404)
        }
        name => panic!("the route {name} has no case here: add one"),
    }
}

/// What is done for the protected person: nobody who sees them veiled may.
fn of_person(person: &str, page: &str, own: u16) -> Case {
    Case {
        path: format!("/console/members/{person}/{page}"),
        fields: Fields::new(&[]),
        own,
        but: vec![(Role::CallCentre, 403)],
        elsewhere: 404,
    }
}

/// Everybody who may work in an insurer: a clerk for each role, the platform's support and an operator.
struct World {
    here: TestApp,
    other: Other,
    clerks: Vec<(Role, TestClerk)>,
    /// Support that was let in, and is to be found by the other insurer's staff alone.
    grant: GrantId,
    named: Named,
}

/// What addresses name of the other insurer's.
struct Named {
    /// Its member, who is protected there, and the protection.
    person: String,
    protection: String,
    /// A line of its trail.
    line: String,
    /// A program that it lets in, and the endpoint of another.
    client: String,
    webhook: String,
}

type Row = (&'static str, Method, Rights, Case);

impl World {
    async fn new() -> Self {
        let (here, other) = (TestApp::start().await, Box::pin(Other::new()).await);
        let mut clerks = Vec::new();
        for role in Role::ALL {
            clerks.push((role, clerk(&other.app, role).await));
        }
        let grant = other.app.support().await.grant.unwrap();
        let (person, protection) = protected(&other).await;
        let client = clients::made(&other).await;
        let webhook = clients::hooked(&other).await;
        testkit::sql(other.app.tenant(), &statements::published(&other)).await;
        let line = other
            .insurer()
            .lines("SELECT audit_id::text AS line FROM audit_events LIMIT 1")
            .await
            .remove(0);
        Self {
            here,
            other,
            clerks,
            grant,
            named: Named {
                person,
                protection,
                line,
                client,
                webhook,
            },
        }
    }

    /// The same person in a browser of its own: log-out and the like end a session, and a grant with it.
    async fn browser(&self, role: Role, clerk: &TestClerk) -> TestClerk {
        match role {
            Role::Support => self.other.app.support().await,
            _ => self.other.app.in_another_browser(clerk).await,
        }
    }

    fn routes(&self) -> Vec<Row> {
        let staffs = self
            .here
            .pages
            .table
            .rows()
            .iter()
            .filter(|route| is_console(route.path));
        let row = |route: &pages::Row| {
            let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
            let case = case(route.name, &self.other, self.grant, &self.named);
            (route.name, method, route.rights, case)
        };
        staffs.map(row).collect()
    }

    /// What somebody inside gets whose second factor is proven, just now or too long ago for what asks for it anew.
    fn expected(&self, role: Role, (name, _, rights, case): &Row, is_fresh: bool) -> u16 {
        match rights {
            Rights::Staff { permission, .. } if !self.may(role, *permission) => 403,
            Rights::Staff { step_up: true, .. } if !is_fresh => 303,
            Rights::StaffPending | Rights::StaffSession if role == Role::Support && !OF_SUPPORT.contains(name) => 403,
            _ => case.own(role),
        }
    }

    fn may(&self, role: Role, permission: access::Permission) -> bool {
        self.here.staff.policy().of(role).any(|held| held == permission)
    }
}

/// Protects the other insurer's member: who, and by what.
async fn protected(other: &Other) -> (String, String) {
    let one = async |query: &str| other.insurer().lines(query).await.remove(0);
    let person = one("SELECT person_id::text AS line FROM persons LIMIT 1").await;
    let clerk = other.app.clerk(&[Role::Eligibility]).await;
    let fields = [("subject", person.as_str()), ("person", &person), ("reason", MARK)];
    assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    let protection = one("SELECT protection_id::text AS line FROM protections").await;
    (person, protection)
}

async fn clerk(app: &TestApp, role: Role) -> TestClerk {
    match role {
        Role::Support => app.support().await,
        Role::Operator => app.operator(&[role]).await,
        _ => app.clerk(&[role]).await,
    }
}

async fn call(client: &Client, (_, method, _, case): &Row) -> Answer {
    send(client, method, &case.path, &case.fields).await
}

/// Who has no session of the console's is led to its log-in.
fn leads_to_log_in(name: &str, answer: &Answer) {
    assert_eq!(answer.status, 303, "{name}: {}", answer.text);
    let (to, _) = answer.location().split_once('?').unwrap_or((answer.location(), ""));
    assert!(["/console/login", "/operator/login"].contains(&to), "{name}: {to}");
    assert!(!answer.text.contains(MARK), "{name}");
}

/// Roles against routes, as it is reviewed.
#[tokio::test]
async fn the_matrix_of_roles_and_routes_of_the_console() {
    let app = TestApp::start().await;
    let line = |route: &pages::Row| {
        let may = match route.rights {
            Rights::Public => "anybody".to_owned(),
            Rights::StaffPending => "staff before the second factor".to_owned(),
            Rights::StaffSession => "staff".to_owned(),
            Rights::Staff { permission, step_up } => {
                let holds = |role: &Role| app.staff.policy().of(*role).any(|held| held == permission);
                let roles: Vec<&str> = Role::ALL.into_iter().filter(holds).map(Role::as_str).collect();
                let proven = if step_up { ", just proven" } else { "" };
                format!("{permission}{proven}: {}", roles.join(" "))
            }
            members => panic!("{}: {members:?} in the console", route.name),
        };
        format!("{} {} | {may}", route.method, route.path)
    };
    let mut lines: Vec<String> = app
        .pages
        .table
        .rows()
        .iter()
        .filter(|route| is_console(route.path))
        .map(line)
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}
