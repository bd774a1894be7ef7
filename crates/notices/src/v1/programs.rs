//! The notices of an insurer for its programs: list, write, publish, withdraw.

mod shapes;

use crate::{
    Author,
    drafts::{By, Content},
    programs::{self, Written},
    reasons::OF_PROGRAMS,
};
use access::scope::{NOTICES_READ, NOTICES_WRITE};
use clients::Caller;
use edge::Rights;
use kernel::{NoticeId, outcome::CONDITION_FAILED};
use operations::{
    BASE, Codes, Example, Group, Tag, act,
    answer::{Current, Done, Made},
    body::Body,
    call::{Call, Program, up},
    failure::Failure,
    get, keyed,
    page::{self, Cursor, Limit},
    params::{IdSegment, IfMatch, Query, Segment},
    post, put,
};
use poem_openapi::OpenApi;
use serde_json::json;
use shapes::{
    InsurerNotice, InsurerNoticeLine, InsurerNoticeList, NoticeDraft, NoticeReads, draft_example, example, line_example,
};

struct ProgramsApi;

const PATH: &str = "/notices";
const ONE: &str = "/notices/:id";
const LIST: &str = "list_insurer_notices";

/// What refuses whoever changes a notice without knowing how it stands.
const CHANGES: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "notice_published_already",
];
const PUBLISHES: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "notice_published_already",
    "notice_to_nobody",
    "notice_without_text",
    "notice_over_already",
    "notice_mails_used_up",
    "notice_published_by_two",
];
const WITHDRAWS: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "notice_not_published",
];

/// The operations.
pub(crate) fn group() -> Group {
    let (read, write) = (Rights::Client(NOTICES_READ), Rights::Client(NOTICES_WRITE));
    let of_one = || vec![("id", json!(shapes::ID))];
    let draft = Example {
        request: Some(draft_example()),
        answer: Some(example("draft")),
        ..Example::default()
    };
    let replaced = Example {
        parameters: of_one(),
        ..draft.clone()
    };
    let of = |state| Example {
        parameters: of_one(),
        answer: Some(example(state)),
        ..Example::default()
    };
    let listed = Example {
        answer: Some(json!({"notices": [line_example()], "next": "AAJrMQ"})),
        links: Some(json!({
            "notice": {
                "operationId": "get_insurer_notice",
                "description": "Reads a line's notice.",
                "parameters": {"id": "$response.body#/notices/0/id"},
            },
        })),
        ..Example::default()
    };
    let rows = vec![
        get(PATH, LIST, read, &["fields", "cursor"], listed),
        keyed(post(PATH, "draft_notice", write, &[], draft)),
        get(ONE, "get_insurer_notice", read, &["not_found"], of("shown")),
        get(
            "/notices/:id/reads",
            "count_notice_reads",
            read,
            &["not_found"],
            Example {
                parameters: of_one(),
                answer: Some(json!({"readers": 1204, "reads": 311})),
                ..Example::default()
            },
        ),
        put(ONE, "replace_notice_draft", write, CHANGES, replaced),
        keyed(act(
            "/notices/:id/publish",
            "publish_notice",
            write,
            PUBLISHES,
            of("shown"),
        )),
        keyed(act(
            "/notices/:id/withdraw",
            "withdraw_notice",
            write,
            WITHDRAWS,
            of("withdrawn"),
        )),
    ];
    Group::new(rows, ProgramsApi).refusing(&OF_PROGRAMS)
}

#[OpenApi(tag = "Tag::Notices")]
impl ProgramsApi {
    /// Notices of the insurer
    ///
    /// Those to all members or to a group of them, drafts among them, the last begun first. Notices to one person are not here.
    #[oai(path = "/notices", method = "get", operation_id = "list_insurer_notices")]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// Lines of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<InsurerNoticeList>> {
        let list = call.list(&program, LIST);
        let (after, most) = (list.after(&cursor)?, page::limit(&limit));
        let tx = call.read(&program).await?;
        let lines = up(programs::list(&tx, after, most + 1).await)?;
        up(tx.commit().await)?;
        let (lines, next) = list.page(lines, most, |line| line.notice_id);
        Ok(Done(InsurerNoticeList {
            next,
            notices: lines
                .into_iter()
                .map(|line| InsurerNoticeLine::of(line, &call))
                .collect(),
        }))
    }

    /// Write a draft
    ///
    /// Nobody but staff and programs sees it before it is published. It is for all members, or for those who fulfil every condition
    /// that is given.
    #[oai(path = "/notices", method = "post", operation_id = "draft_notice")]
    async fn create(
        &self,
        call: Call,
        Program(program): Program,
        body: Body<NoticeDraft>,
    ) -> poem::Result<Made<InsurerNotice>> {
        let content = read(body, &call)?;
        let mut tx = call.write(&program).await?;
        let created = up(programs::create(&mut tx, call.now(), by(&call, &program), &content).await)?;
        let made = |written: Written| Made {
            location: format!("{BASE}{PATH}/{}", written.id()),
            etag: written.etag(call.now()),
            value: InsurerNotice::of(written, &call),
        };
        call.finish(tx, created.map(made), Made::saved).await
    }

    /// One notice of the insurer
    ///
    /// A draft or a published one, with the `ETag` by which it is changed. One to a single person does not exist here.
    #[oai(path = "/notices/:id", method = "get", operation_id = "get_insurer_notice")]
    async fn get(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the notice.
        id: Segment<IdSegment>,
    ) -> poem::Result<Current<InsurerNotice>> {
        let id = notice_id(&id)?;
        let tx = call.read(&program).await?;
        let written = up(programs::find(&tx, id).await)?;
        up(tx.commit().await)?;
        Ok(current(written.ok_or_else(|| Failure::of("not_found"))?, &call))
    }

    /// How often a notice was read
    ///
    /// By how many members, whoever is protected now left out, and how many it was for when it was published, whoever was protected
    /// then left out.
    #[oai(path = "/notices/:id/reads", method = "get", operation_id = "count_notice_reads")]
    async fn reads(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the notice; a draft was read by nobody.
        id: Segment<IdSegment>,
    ) -> poem::Result<Done<NoticeReads>> {
        let id = notice_id(&id)?;
        let tx = call.read(&program).await?;
        let counted = up(programs::reads(&tx, call.now(), id).await)?;
        up(tx.commit().await)?;
        Ok(Done(counted.ok_or_else(|| Failure::of("not_found"))?.into()))
    }

    /// Replace a draft
    ///
    /// As a whole: what is absent is not said any more. Where staff were asked to publish it, that is taken back: they were asked
    /// for another text.
    #[oai(path = "/notices/:id", method = "put", operation_id = "replace_notice_draft")]
    async fn replace(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the draft.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: Body<NoticeDraft>,
    ) -> poem::Result<Current<InsurerNotice>> {
        let seen = if_match.of(notice_id(&id)?)?;
        let content = read(body, &call)?;
        let mut tx = call.write(&program).await?;
        let replaced = up(programs::replace(&mut tx, call.now(), by(&call, &program), seen, &content).await)?;
        let replaced = replaced.map(|written| current(written, &call));
        call.finish(tx, replaced, Current::saved).await
    }

    /// Publish a draft
    ///
    /// Members see it at once, or from its first day on, and those who wish it are told by mail if it says so: of ten notices on a day
    /// in Japan, the staff's among them; one more is refused by 429 `notice_mails_used_up`. Where the insurer has notices published by
    /// two, the draft is handed to its staff instead, and the answer is 403 `notice_published_by_two`.
    #[oai(path = "/notices/:id/publish", method = "post", operation_id = "publish_notice")]
    async fn publish(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the draft.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> poem::Result<Current<InsurerNotice>> {
        let seen = if_match.of(notice_id(&id)?)?;
        let mut tx = call.write(&program).await?;
        let published = up(programs::publish(&mut tx, call.now(), by(&call, &program), seen).await)?;
        let published = published.map(|written| current(written, &call));
        call.finish(tx, published, Current::saved).await
    }

    /// Withdraw a notice
    ///
    /// Members don't see it any more, at once; mails about it that were not sent yet are not sent. Where they didn't see it any more
    /// anyway, it stays as it is.
    #[oai(path = "/notices/:id/withdraw", method = "post", operation_id = "withdraw_notice")]
    async fn withdraw(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the notice.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
    ) -> poem::Result<Current<InsurerNotice>> {
        let seen = if_match.of(notice_id(&id)?)?;
        let mut tx = call.write(&program).await?;
        let withdrawn = up(programs::withdraw(&mut tx, call.now(), by(&call, &program), seen).await)?;
        let withdrawn = withdrawn.map(|written| current(written, &call));
        call.finish(tx, withdrawn, Current::saved).await
    }
}

fn current(written: Written, call: &Call) -> Current<InsurerNotice> {
    Current {
        etag: written.etag(call.now()),
        value: InsurerNotice::of(written, call),
    }
}

fn by<'a>(call: &'a Call, program: &Caller) -> By<'a> {
    By {
        author: Author::Client(program.client.client_id),
        actor: program.actor(),
        origin: &call.origin,
    }
}

fn read(Body(draft): Body<NoticeDraft>, call: &Call) -> Result<Content, Failure> {
    draft.read().map_err(|refusal| Failure::refused(&refusal, call.now()))
}

fn notice_id(segment: &Segment<IdSegment>) -> Result<NoticeId, Failure> {
    NoticeId::parse(&segment.text).ok_or_else(|| Failure::of("not_found"))
}
