//! Who sees somebody's statements, for programs of the insurer: told, and said for whoever asked there, by the desk's own rule.

use crate::{
    disclosures::{
        Disclosures,
        desk::{DeskWish, MEANWHILE, PROTECTED, Standing, UNPROVEN, Whose},
        kinds_of,
    },
    kind::Kind,
    v1::params::{KindSegment, word},
    visibility::Audience,
};
use access::scope::DISCLOSURES_WRITE;
use accounts::{Desk, Identified};
use audit::Look;
use clients::Caller;
use database::TenantTransaction;
use edge::Rights;
use ground::Ground;
use kernel::{Outcome, PersonId, Reason, outcome::CONDITION_FAILED};
use operations::{
    Codes, Example, Group, Tag,
    answer::Current,
    body::Body,
    call::{Call, Program, sight, up},
    failure::{Failure, Flaw},
    get,
    params::{IdSegment, IfMatch, Segment},
    put,
    text::{Form, Text},
};
use poem_openapi::{Object, OpenApi, registry::MetaSchema};
use roster::{facts, protection::is_protected};
use serde_json::json;

struct MemberDisclosuresApi(Disclosures);

const PATH: &str = "/members/:id/disclosures/:kind";
/// The person of the examples.
const ID: &str = "0197a3c0-0000-7000-8000-000000000011";
/// Nothing asked for any more.
const USUAL: &str = "usual";

/// Why it refuses, of its own.
const OWN: [Reason; 3] = [UNPROVEN, PROTECTED, MEANWHILE];
const CHANGES: Codes = &[
    "not_found",
    "precondition_required",
    CONDITION_FAILED.code,
    UNPROVEN.code,
    PROTECTED.code,
    MEANWHILE.code,
];

/// The operations.
pub(super) fn group(ground: &Ground) -> Group {
    let rights = Rights::Client(DISCLOSURES_WRITE);
    let of = |request, answer| Example {
        parameters: vec![("id", json!(ID)), ("kind", json!("costs"))],
        request,
        answer: Some(answer),
        ..Example::default()
    };
    let usual = json!({"member_id": ID, "kind": "costs", "audience": "household"});
    let asked = json!({"member_id": ID, "kind": "costs", "audience": "self_only", "asked": "self_only"});
    let (told, said) = (of(None, usual), of(Some(json!({"audience": "self_only"})), asked));
    let rows = vec![
        get(PATH, "get_member_disclosure", rights, &["not_found"], told),
        put(PATH, "put_member_disclosure", rights, CHANGES, said),
    ];
    Group::new(rows, MemberDisclosuresApi(Disclosures::new(ground))).refusing(&OWN)
}

/// Who sees a person's rows of one kind.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct MemberDisclosure {
    /// `id` of the person.
    member_id: String,
    /// `costs` 医療費通知 or `medicines` ジェネリック差額明細.
    kind: String,
    /// Who sees them now. `household`: they, and whom the insurer notifies for them. `self_only`: they alone. `suppressed`: nobody,
    /// they neither.
    audience: String,
    /// What they have asked for; absent where they have asked for nothing, and what the insurer has made usual holds.
    asked: Option<String>,
}

/// Who is to see them.
#[derive(Object)]
struct NewMemberDisclosure {
    /// `household`, `self_only` or `suppressed`; `usual` for nothing asked for any more.
    audience: Text<AudienceForm>,
    /// How your staff made sure of who asks, for what more people see than now: `counter`, they came with a paper that shows their
    /// face; `post`, they wrote, with copies of their papers. Ignored else.
    #[oai(nullable)]
    identified: Option<Text<IdentifiedForm>>,
}

/// A word of [`Audience`], or [`USUAL`].
struct AudienceForm;

impl Form for AudienceForm {
    fn schema() -> MetaSchema {
        word("^(household|self_only|suppressed|usual)$")
    }
}

/// A word of [`Identified`].
struct IdentifiedForm;

impl Form for IdentifiedForm {
    fn schema() -> MetaSchema {
        word("^(counter|post)$")
    }
}

impl NewMemberDisclosure {
    /// Who is to see them, and how staff made sure of who asks.
    fn read(self) -> Result<(Option<Audience>, Option<Identified>), Failure> {
        let no_choice = |at, schema| Failure::fields(vec![Flaw::new(at, "not_a_choice").asking(&schema)]);
        let audience = match self.audience.into_string() {
            text if text == USUAL => None,
            text => Some(Audience::from_word(&text).ok_or_else(|| no_choice("/audience", AudienceForm::schema()))?),
        };
        let identified = match self.identified {
            Some(text) => Some(
                Identified::from_word(&text.into_string())
                    .ok_or_else(|| no_choice("/identified", IdentifiedForm::schema()))?,
            ),
            None => None,
        };
        Ok((audience, identified))
    }
}

#[OpenApi(tag = "Tag::Statements")]
impl MemberDisclosuresApi {
    /// Who sees a person's statements
    ///
    /// Of the person's own rows of a kind, and what they have asked for, with the `ETag` by which that is changed. Of a kind that
    /// the insurer hides there is nothing to choose.
    #[oai(
        path = "/members/:id/disclosures/:kind",
        method = "get",
        operation_id = "get_member_disclosure"
    )]
    async fn get(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the person.
        id: Segment<IdSegment>,
        /// `costs` or `medicines`.
        kind: Segment<KindSegment>,
    ) -> poem::Result<Current<MemberDisclosure>> {
        let (tx, whose, standing) = self.found(&call, &program, (&id, &kind)).await?;
        seen(tx, &call, &program, &whose).await?;
        Ok(told(&whose, &standing, standing.said()))
    }

    /// Say who sees a person's statements
    ///
    /// As the desk does for whoever asked there. It holds from the next request on, for past months, too. What is narrower than now
    /// is done for anybody. What is wider takes `identified`, and is refused while the person is protected, and where their account
    /// was made with facts of the roster alone. What is in force already changes nothing.
    #[oai(
        path = "/members/:id/disclosures/:kind",
        method = "put",
        operation_id = "put_member_disclosure"
    )]
    async fn put(
        &self,
        call: Call,
        Program(program): Program,
        /// `id` of the person.
        id: Segment<IdSegment>,
        /// `costs` or `medicines`.
        kind: Segment<KindSegment>,
        /// The `ETag` of the state that you know, or `*` for any.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: Body<NewMemberDisclosure>,
    ) -> poem::Result<Current<MemberDisclosure>> {
        let if_match = if_match.demanded()?;
        let (audience, identified) = body.0.read()?;
        let (tx, whose, standing) = self.found(&call, &program, (&id, &kind)).await?;
        let otherwise = || Failure::refused(&CONDITION_FAILED.into(), call.now());
        if !if_match.admits(&etag(&standing, standing.said())) {
            return Err(otherwise().into());
        }
        let wish = DeskWish {
            kind: standing.kind,
            audience,
            shown: standing.said(),
        };
        let kept = wish.kept(&standing);
        if kept == standing.said() {
            seen(tx, &call, &program, &whose).await?;
            return Ok(told(&whose, &standing, kept));
        }
        let by = Desk {
            insurer: &program.insurer,
            actor: program.actor(),
            origin: &call.origin,
        };
        let changed = self.0.change_for(tx, by, &whose, &[wish], identified).await;
        match up(changed)? {
            Outcome::Done(()) => Ok(told(&whose, &standing, kept)),
            // Whoever goes by any state has not been told a wrong one.
            Outcome::Refused(refusal) if refusal.is(MEANWHILE) && if_match.is_bound() => Err(otherwise().into()),
            Outcome::Refused(refusal) if !refusal.fields.is_empty() => {
                let flaw = Flaw::new("/identified", "required");
                let said = "Is needed where more people see the rows than now: `counter` or `post`, as your staff made sure of who asks.";
                Err(Failure::fields(vec![flaw.saying(said)]).into())
            }
            Outcome::Refused(refusal) => Err(Failure::refused(&refusal, call.now()).into()),
        }
    }
}

impl MemberDisclosuresApi {
    /// Whom a path names, and how a kind stands of them, in the transaction in which something is done for them.
    async fn found(
        &self,
        call: &Call,
        program: &Caller,
        (id, kind): (&Segment<IdSegment>, &Segment<KindSegment>),
    ) -> Result<(TenantTransaction, Whose, Standing), Failure> {
        let not_found = || Failure::of("not_found");
        let id = PersonId::parse(&id.text).ok_or_else(not_found)?;
        let kind = Kind::from_word(&kind.text).filter(|kind| kinds_of(&program.insurer).contains(kind));
        let kind = kind.ok_or_else(not_found)?;
        let tx = call.write(program).await?;
        let found = up(facts(&tx, &sight(program), id).await)?.ok_or_else(not_found)?;
        let account = up(call.accounts().held(&tx, id).await)?;
        let whose = Whose {
            person: found.person,
            proof: account.map(|account| account.proof),
            is_protected: up(is_protected(&tx, id).await)?,
        };
        let standing = up(self.0.standing(&tx, &program.insurer, &whose.person).await)?;
        let standing = standing.into_iter().find(|standing| standing.kind == kind);
        Ok((tx, whose, standing.ok_or_else(not_found)?))
    }
}

/// The line of a look at it, before it is told.
async fn seen(tx: TenantTransaction, call: &Call, program: &Caller, whose: &Whose) -> Result<(), Failure> {
    let look = Look::person("disclosure", &whose.person.person_id.0);
    up(audit::look(&tx, call.now(), &call.origin, program.actor(), look).await)?;
    up(tx.commit().await)
}

/// How it stands where so much is asked for.
fn told(whose: &Whose, standing: &Standing, asked: Option<Audience>) -> Current<MemberDisclosure> {
    Current {
        etag: etag(standing, asked),
        value: MemberDisclosure {
            member_id: whose.person.person_id.to_string(),
            kind: standing.kind.as_str().into(),
            audience: asked.unwrap_or(standing.usual).as_str().into(),
            asked: asked.map(|asked| asked.as_str().into()),
        },
    }
}

/// It names what is asked for, and what is usual, which the insurer may change.
fn etag(standing: &Standing, asked: Option<Audience>) -> String {
    let asked = asked.map_or(USUAL, Audience::as_str);
    format!("\"{asked}.{}\"", standing.usual.as_str())
}
