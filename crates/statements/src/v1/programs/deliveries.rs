//! 提供分 for programs: what was delivered and how it stands, published and taken back as it was known. No member's row is here.

mod shapes;

use crate::{
    Deliveries,
    delivery::{self, DeliveryNo},
    reasons::REASONS,
    release::{SentRelease, Stand},
};
use access::scope::{STATEMENTS_PUBLISH, STATEMENTS_READ};
use edge::Rights;
use ground::Ground;
use kernel::{DeliveryId, outcome::CONDITION_FAILED};
use operations::{
    Codes, Example, Group, Tag,
    answer::{Current, Done},
    body::Body,
    call::{Call, Program, up},
    failure::Failure,
    get, keyed,
    page::{self, Cursor, Limit},
    params::{IdSegment, IfMatch, Query, Segment},
    post,
};
use poem_openapi::OpenApi;
use serde_json::json;
use shapes::{Delivery, DeliveryList, NewRelease, NewWithdrawal, example};

struct DeliveriesApi(Deliveries);

/// The delivery of the examples.
pub(super) const EXAMPLE: &str = shapes::ID;

const LIST: &str = "list_statement_deliveries";

const PUBLISHES: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "statement_not_ready",
    "statement_already_published",
    "statement_purged",
    "statement_past",
    "statement_feature_not_open",
    "statement_published_by_two",
];
const WITHDRAWS: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    "statement_not_published",
];

/// The operations.
pub(super) fn group(ground: &Ground) -> Group {
    let (read, publish) = (Rights::Client(STATEMENTS_READ), Rights::Client(STATEMENTS_PUBLISH));
    let of = |state, request| Example {
        parameters: vec![("id", json!(shapes::ID))],
        request,
        answer: Some(example(state)),
        ..Example::default()
    };
    let listed = Example {
        answer: Some(json!({"deliveries": [example("published")], "next": "AAJrMQ"})),
        ..Example::default()
    };
    let rows = vec![
        get("/statement-deliveries", LIST, read, &["fields", "cursor"], listed),
        get(
            "/statement-deliveries/:id",
            "get_statement_delivery",
            read,
            &["not_found"],
            of("published", None),
        ),
        keyed(post(
            "/statement-deliveries/:id/publish",
            "publish_statement_delivery",
            publish,
            PUBLISHES,
            of("published", Some(json!({"notice": true}))),
        )),
        keyed(post(
            "/statement-deliveries/:id/withdraw",
            "withdraw_statement_delivery",
            publish,
            WITHDRAWS,
            of("withdrawn", Some(json!({"reason": "wrong_amounts"}))),
        )),
    ];
    Group::new(rows, DeliveriesApi(Deliveries::new(ground))).refusing(&REASONS)
}

#[OpenApi(tag = "Tag::Statements")]
impl DeliveriesApi {
    /// Deliveries of the insurer
    ///
    /// Of both kinds, the last imported first: how each stands, in numbers that are nobody's.
    #[oai(
        path = "/statement-deliveries",
        method = "get",
        operation_id = "list_statement_deliveries"
    )]
    async fn list(
        &self,
        call: Call,
        Program(program): Program,
        /// Deliveries of a page, 50 where it is absent.
        limit: Query<Limit>,
        /// `next` of the page before.
        cursor: Query<Cursor>,
    ) -> poem::Result<Done<DeliveryList>> {
        let list = call.list(&program, LIST);
        let (before, most) = (list.after::<i32>(&cursor)?, page::limit(&limit));
        let before = DeliveryNo(before.unwrap_or(i32::MAX));
        let tx = call.read(&program).await?;
        let found = up(delivery::page(&tx, before, most + 1).await)?;
        up(tx.commit().await)?;
        let (found, next) = list.page(found, most, |last| last.delivery.0);
        Ok(Done(DeliveryList {
            next,
            deliveries: found.into_iter().map(Delivery::from).collect(),
        }))
    }

    /// One delivery
    ///
    /// With the `ETag` by which it is published or withdrawn.
    #[oai(
        path = "/statement-deliveries/:id",
        method = "get",
        operation_id = "get_statement_delivery"
    )]
    async fn get(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the delivery.
        id: Segment<IdSegment>,
    ) -> poem::Result<Current<Delivery>> {
        let id = id.read(DeliveryId::parse)?;
        let tx = call.read(&program).await?;
        let stand = match up(delivery::by_id(&tx, id).await)? {
            Some(found) => up(Stand::find(&tx, found.delivery).await)?,
            None => None,
        };
        up(tx.commit().await)?;
        Ok(current(stand.ok_or_else(|| Failure::of("not_found"))?))
    }

    /// Publish a delivery
    ///
    /// Members see it at once, or from a time on, in the place of what is published of its month. Where the insurer has deliveries
    /// published by two, its staff do it in the console, and the answer is 403 `statement_published_by_two`.
    #[oai(
        path = "/statement-deliveries/:id/publish",
        method = "post",
        operation_id = "publish_statement_delivery"
    )]
    async fn publish(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the delivery.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: Body<NewRelease>,
    ) -> poem::Result<Current<Delivery>> {
        let (id, known) = if_match.of(id.read(DeliveryId::parse)?)?;
        let notice = body.0.notice;
        let at = body.0.at(call.now()).map_err(|flaw| Failure::fields(vec![flaw]))?;
        let release = SentRelease { id, at, notice };
        let by = (program.actor(), call.origin);
        let mut tx = up(self.0.begin(program.tenant()).await)?;
        let released = up(self.0.release_sent(&mut tx, by, release, known).await)?;
        call.finish(tx, released.map(current), Current::saved).await
    }

    /// Withdraw a delivery
    ///
    /// Members don't see it any more, at once; or it is not published at its time. For seven days it may be published again.
    #[oai(
        path = "/statement-deliveries/:id/withdraw",
        method = "post",
        operation_id = "withdraw_statement_delivery"
    )]
    async fn withdraw(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the delivery.
        id: Segment<IdSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: Body<NewWithdrawal>,
    ) -> poem::Result<Current<Delivery>> {
        let (id, known) = if_match.of(id.read(DeliveryId::parse)?)?;
        let why = body.0.why().map_err(|flaw| Failure::fields(vec![flaw]))?;
        let by = (program.actor(), call.origin);
        let mut tx = up(self.0.begin(program.tenant()).await)?;
        let recalled = up(self.0.recall_sent(&mut tx, by, (id, why), known).await)?;
        call.finish(tx, recalled.map(current), Current::saved).await
    }
}

fn current(stand: Stand) -> Current<Delivery> {
    Current {
        etag: stand.etag(),
        value: stand.delivery.into(),
    }
}
