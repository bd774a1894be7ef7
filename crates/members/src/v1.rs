//! People of the roster for an insurer's programs: read, looked for, listed, added, changed, and how they are covered.

mod params;
mod shapes;

use crate::{
    Members,
    programs::{self, Asker, Coverage, etag},
    reasons::OF_PROGRAMS,
};
use access::scope::{COVERAGE_READ, MEMBERS_READ, MEMBERS_WRITE};
use clients::Caller;
use database::Durability;
use edge::Rights;
use kernel::{PersonId, outcome::CONDITION_FAILED};
use operations::{
    BASE, Codes, Example, Group, Tag,
    answer::{Current, Done, Made},
    body::Body,
    call::{Call, Program, sight, up},
    failure::Failure,
    get, keyed,
    page::{self, Cursor, Limit},
    params::{IdSegment, IfMatch, Query, Segment},
    post, put,
};
use params::{ChangedSince, Registered, Workplace};
use poem_openapi::OpenApi;
use roster::{
    by_hand::By,
    listed::{After, Filter, Listed},
};
use scoped_futures::ScopedFutureExt as _;
use serde_json::json;
use shapes::{
    CoverageEnd, MemberCoverage, MemberFacts, MemberNumber, RosterMember, RosterMemberList, RosterMembersFound,
};

struct MembersApi(Members);

const PATH: &str = "/members";
const ONE: &str = "/members/:id";
const LIST: &str = "list_members";

const ADDS: Codes = &[
    "not_found",
    "roster_import_running",
    "roster_number_taken",
    "roster_person_there",
    "roster_forgotten_at_once",
];
/// What refuses whoever changes a person without knowing how they stand.
const CHANGES: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "roster_import_running",
    "roster_number_taken",
    "roster_person_there",
    "roster_forgotten_at_once",
    "member_birth_date_by_two",
];
const ENDS: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "roster_import_running",
    "roster_forgotten_at_once",
];

/// The operations.
pub(crate) fn group(members: Members) -> Group {
    let (read, write) = (Rights::Client(MEMBERS_READ), Rights::Client(MEMBERS_WRITE));
    let of_one = || vec![("id", json!(shapes::ID))];
    let one = Example {
        parameters: of_one(),
        answer: Some(shapes::example()),
        ..Example::default()
    };
    let added = Example {
        request: Some(shapes::new_example()),
        answer: Some(shapes::added_example()),
        ..Example::default()
    };
    let replaced = Example {
        request: Some(shapes::facts_example()),
        ..one.clone()
    };
    let found = Example {
        request: Some(shapes::number_example()),
        answer: Some(json!({"members": [shapes::example()]})),
        ..Example::default()
    };
    let listed = Example {
        answer: Some(json!({"members": [shapes::example()], "next": "AAJrMQ"})),
        links: Some(json!({
            "coverage": {
                "operationId": "get_member_coverage",
                "description": "Reads whether somebody of the page is covered.",
                "parameters": {"id": "$response.body#/members/0/id"},
            },
        })),
        ..Example::default()
    };
    let covered = Example {
        parameters: of_one(),
        answer: Some(shapes::coverage_example(None)),
        ..Example::default()
    };
    let ended = Example {
        parameters: of_one(),
        request: Some(json!({"lost_on": "2027-04-01"})),
        answer: Some(shapes::coverage_example(Some("2027-03-31"))),
        ..Example::default()
    };
    let rows = vec![
        get(PATH, LIST, read, &["fields", "cursor"], listed),
        keyed(post(PATH, "add_member", write, ADDS, added)),
        post("/members/search", "search_members", read, &[], found),
        get(ONE, "get_member", read, &["not_found"], one),
        put(ONE, "replace_member", write, CHANGES, replaced),
        get(
            "/members/:id/coverage",
            "get_member_coverage",
            Rights::Client(COVERAGE_READ),
            &["not_found"],
            covered,
        ),
        keyed(post(
            "/members/:id/end-coverage",
            "end_member_coverage",
            write,
            ENDS,
            ended,
        )),
    ];
    Group::new(rows, MembersApi(members)).refusing(&OF_PROGRAMS)
}

#[OpenApi(tag = "Tag::Members")]
impl MembersApi {
    /// People of the roster
    ///
    /// Everybody of the insurer's roster, who has left it among them, in the order of their ids; with `changed_since` in that of
    /// their last changes, the earliest first. Whoever follows what changes and must miss nothing reads `/members/changes`.
    #[oai(path = "/members", method = "get", operation_id = "list_members")]
    #[expect(clippy::too_many_arguments, reason = "a parameter each")]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// Only people of whom the roster has said something else since, this moment included.
        changed_since: Query<ChangedSince>,
        /// Only people with an account, or only those without one.
        registered: Query<Registered>,
        /// 事業所コード: only the people of this workplace.
        workplace: Query<Workplace>,
        /// People of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before; the other parameters are as they were for that.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<RosterMemberList>> {
        let narrowed = [&changed_since.text, &registered.text, &workplace.text];
        let list = call.list(&program, LIST).narrowed(&narrowed);
        let nobody = PersonId(uuid::Uuid::nil());
        let after = list
            .after(&cursor)?
            .unwrap_or_else(|| match params::since(&changed_since) {
                Some(since) => After::Change(since, nobody),
                None => After::Person(nobody),
            });
        let filter = Filter {
            workplace: params::workplace(&workplace),
            registered: params::registered(&registered),
        };
        let most = page::limit(&limit);
        let tx = call.write(&program).await?;
        let asker = asker(&call, &program);
        let (people, more) = up(programs::list(&tx, &asker, &filter, after, most).await)?;
        up(tx.commit().await)?;
        let last = people.last().filter(|_| more).map(|last| last.place(after));
        Ok(Done(RosterMemberList {
            next: last.map(|last| list.next(&last)),
            members: people.into_iter().map(RosterMember::of).collect(),
        }))
    }

    /// Add a person
    ///
    /// As staff add them by hand: they are in the roster at once, and whole rosters that leave them out don't end that for 30 days.
    /// Whoever is there already, or has left, is refused: replace what the roster says of them.
    ///
    /// Whoever may write people can tell whether somebody they name is on the roster, a protected person too: `members.write` is for
    /// systems that hold the roster themselves.
    #[oai(path = "/members", method = "post", operation_id = "add_member")]
    async fn add(
        &self,
        call: Call,
        Program(program): Program,
        Body(facts): Body<MemberFacts>,
    ) -> poem::Result<Made<RosterMember>> {
        let Self(members) = self;
        let typed = facts.typed();
        let mut tx = call.write(&program).await?;
        let added = up(members.add(&mut tx, &asker(&call, &program), &borrowed(&typed)).await)?;
        let made = added.map(|person| {
            let id = person.facts.person.person_id;
            let made = Made {
                location: format!("{BASE}{PATH}/{id}"),
                etag: etag(&person),
                value: RosterMember::of(person),
            };
            (id, made)
        });
        let (_, made) = call.finish(tx, made, |(id, made)| made.saved().about(*id)).await?;
        Ok(made)
    }

    /// Find people by number
    ///
    /// Those who have this 記号・番号 (and 枝番), and those who had it before: what they have now is told of each. At most 50.
    #[oai(path = "/members/search", method = "post", operation_id = "search_members")]
    async fn search(
        &self,
        call: Call,
        Program(program): Program,
        Body(number): Body<MemberNumber>,
    ) -> poem::Result<Done<RosterMembersFound>> {
        let number = number
            .read()
            .map_err(|refusal| Failure::refused(&refusal, call.now()))?;
        let asker = asker(&call, &program);
        let tenant = call.services.database.tenant(program.tenant());
        let found = tenant
            .write_with(Durability::Safe, |tx| {
                programs::of_number(tx, &asker.sight, &number).scope_boxed()
            })
            .await;
        let (tx, people) = up(found)?;
        up(programs::look_at(&tx, &asker, &people).await)?;
        up(tx.commit().await)?;
        Ok(Done(RosterMembersFound {
            members: people.into_iter().map(RosterMember::of).collect(),
        }))
    }

    /// One person
    ///
    /// What the roster says of them, with the `ETag` by which that is replaced. Whether they are registered or protected is no part
    /// of it.
    #[oai(path = "/members/:id", method = "get", operation_id = "get_member")]
    async fn get(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the person.
        id: Segment<IdSegment>,
    ) -> poem::Result<Current<RosterMember>> {
        let id = person_id(&id)?;
        let tx = call.write(&program).await?;
        let person = up(programs::one(&tx, &asker(&call, &program), id).await)?;
        let person = person.map(|person| current(person, RosterMember::of));
        call.finish(tx, person, Current::saved).await
    }

    /// Replace what the roster says of a person
    ///
    /// As a whole, as staff do by hand: it holds until an import brings another value than the last one brought. Where the insurer
    /// has birth dates mended by two, another birth date is 403 `member_birth_date_by_two`, and nothing is changed.
    ///
    /// Whoever may write people can tell whether somebody they name is on the roster, a protected person too: `members.write` is for
    /// systems that hold the roster themselves.
    #[oai(path = "/members/:id", method = "put", operation_id = "replace_member")]
    async fn replace(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the person.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        Body(facts): Body<MemberFacts>,
    ) -> poem::Result<Current<RosterMember>> {
        let Self(members) = self;
        let seen = if_match.of(person_id(&id)?)?;
        let (typed, asker) = (facts.typed(), asker(&call, &program));
        let mut tx = call.write(&program).await?;
        let replaced = up(members.replace(&mut tx, &asker, seen, &borrowed(&typed)).await)?;
        let replaced = replaced.map(|person| current(person, RosterMember::of));
        call.finish(tx, replaced, Current::saved).await
    }

    /// Whether somebody is covered
    ///
    /// Today, as the roster has it now, and from when until when.
    #[oai(path = "/members/:id/coverage", method = "get", operation_id = "get_member_coverage")]
    async fn coverage(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the person.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<MemberCoverage>> {
        let id = person_id(&id)?;
        let tx = call.write(&program).await?;
        let coverage = up(programs::coverage(&tx, &asker(&call, &program), id).await)?;
        let coverage = coverage.map(|coverage| Done(MemberCoverage::of(coverage)));
        call.finish(tx, coverage, Done::saved).await
    }

    /// End somebody's coverage
    ///
    /// As staff do by hand: it holds until an import brings another day than the last one brought. The day may be past or to come,
    /// and another than was known. What of it the portal leaves them is the insurer's own rule.
    #[oai(
        path = "/members/:id/end-coverage",
        method = "post",
        operation_id = "end_member_coverage"
    )]
    async fn end_coverage(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the person.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, as `GET /members/{id}` tells it, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        Body(end): Body<CoverageEnd>,
    ) -> poem::Result<Current<MemberCoverage>> {
        let Self(members) = self;
        let id = person_id(&id)?;
        let seen = if_match.of(id)?;
        let lost_on = end.read().map_err(|refusal| Failure::refused(&refusal, call.now()))?;
        let asker = asker(&call, &program);
        let mut tx = call.write(&program).await?;
        let ended = up(members.end_coverage(&mut tx, &asker, seen, lost_on).await)?;
        let now = call.now();
        let coverage = |person: Listed| MemberCoverage::of(Coverage::at(now, &person.facts.person));
        let ended = ended.map(|person| current(person, coverage));
        call.finish(tx, ended, |ended| ended.saved().about(id)).await
    }
}

fn current<T>(person: Listed, shown: impl FnOnce(Listed) -> T) -> Current<T> {
    Current {
        etag: etag(&person),
        value: shown(person),
    }
}

fn asker<'a>(call: &'a Call, program: &Caller) -> Asker<'a> {
    Asker {
        by: By {
            actor: program.actor(),
            origin: &call.origin,
            now: call.now(),
        },
        sight: sight(program),
    }
}

fn borrowed<'a>(typed: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    typed.iter().map(|(column, text)| (*column, &**text)).collect()
}

fn person_id(segment: &Segment<IdSegment>) -> Result<PersonId, Failure> {
    PersonId::parse(&segment.text).ok_or_else(|| Failure::of("not_found"))
}
