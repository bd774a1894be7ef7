//! Who sees one's statements, for programs: narrower at once, wider with the password where a letter proved the account. Whoever was
//! proven by facts alone is told nothing of what is in force, neither by the answer nor by its `ETag`.

use super::params::{KindSegment, word};
use crate::{
    disclosures::{Disclosures, InForce, Wish, kinds},
    kind::Kind,
    reasons::{NOT_WIDENED, OTHERWISE_BY_NOW},
    visibility::Audience,
};
use accounts::Member;
use edge::Rights;
use ground::Ground;
use kernel::{Outcome, Reason, Refusal};
use operations::{
    Codes, Example, Group, Tag,
    answer::{Changed, Current},
    body::Body,
    call::{Call, Inside, up},
    failure::{Failure, Flaw},
    get,
    params::{IfMatch, Segment},
    put,
    text::{Form, PasswordForm, Text},
};
use poem_openapi::{Object, OpenApi, registry::MetaSchema};
use serde_json::json;

struct DisclosuresApi(Disclosures);

/// The `ETag` of whoever isn't told what is in force, the same whatever that is.
const UNTOLD: &str = "untold";

/// Why it refuses, of its own.
const OWN: [Reason; 2] = [NOT_WIDENED, OTHERWISE_BY_NOW];
/// And all codes of a change.
const REFUSALS: Codes = &[
    "not_found",
    NOT_WIDENED.code,
    OTHERWISE_BY_NOW.code,
    "wait",
    "log_in_locked",
    "overloaded",
];

/// The operations.
pub(super) fn group(ground: &Ground) -> Group {
    let path = "/me/disclosures/:kind";
    let of_costs = vec![("kind", json!("costs"))];
    let rows = vec![
        get(
            path,
            "get_disclosure",
            Rights::Member,
            &["not_found"],
            Example {
                parameters: of_costs.clone(),
                answer: Some(json!({"kind": "costs", "audience": "household"})),
                ..Example::default()
            },
        ),
        put(
            path,
            "put_disclosure",
            Rights::Member,
            REFUSALS,
            Example {
                request: Some(json!({"audience": "self_only"})),
                parameters: of_costs,
                ..Example::default()
            },
        ),
    ];
    Group::new(rows, DisclosuresApi(Disclosures::new(ground))).refusing(&OWN)
}

/// Who sees the member's rows of one kind.
#[derive(Object)]
struct Disclosure {
    /// `costs` 医療費通知 or `medicines` ジェネリック差額明細.
    kind: String,
    /// `household`: they, and whom the insurer notifies for them. `self_only`: they alone. `suppressed`: nobody, they neither. Null
    /// for an account that was proven by facts of the roster alone: whoever lives with the member knows these, too.
    #[oai(nullable)]
    audience: Option<String>,
}

/// Who is to see them.
#[derive(Object)]
struct NewDisclosure {
    /// `household`, `self_only` or `suppressed`.
    audience: Text<AudienceForm>,
    /// パスワード: only for what lets more people see than now; ignored else.
    #[oai(nullable)]
    password: Option<Text<PasswordForm>>,
}

/// A word of [`Audience`].
struct AudienceForm;

impl Form for AudienceForm {
    fn schema() -> MetaSchema {
        word("^(household|self_only|suppressed)$")
    }
}

#[OpenApi(tag = "Tag::Statements")]
impl DisclosuresApi {
    /// Who sees the member's statements
    ///
    /// Of the member's own rows of a kind. Of a kind that their insurer hides there is nothing to choose.
    #[oai(path = "/me/disclosures/:kind", method = "get", operation_id = "get_disclosure")]
    async fn get_disclosure(
        &self,
        _call: Call,
        Inside(member): Inside,
        /// `costs` or `medicines`.
        kind: Segment<KindSegment>,
    ) -> poem::Result<Current<Disclosure>> {
        let in_force = self.in_force(&member, &kind).await?;
        Ok(Current {
            etag: etag(in_force),
            value: Disclosure {
                kind: in_force.kind.as_str().into(),
                audience: in_force.audience.map(|audience| audience.as_str().into()),
            },
        })
    }

    /// Say who sees the member's statements
    ///
    /// It holds from the next request on, for past months, too. What is narrower than before anybody may choose. What is wider
    /// takes an account that was proven by letter and the present `password`, and `household` is refused while the member is
    /// protected; the session then goes on under the token in `Session-Token`. An account that was proven by facts is answered the
    /// same whatever was in force, and what is in force stays where it is narrower than what was asked for.
    #[oai(path = "/me/disclosures/:kind", method = "put", operation_id = "put_disclosure")]
    async fn put_disclosure(
        &self,
        call: Call,
        Inside(member): Inside,
        /// `costs` or `medicines`.
        kind: Segment<KindSegment>,
        /// An `ETag` of this resource, or several: nothing is done where none of them names the present state.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: Body<NewDisclosure>,
    ) -> poem::Result<Changed> {
        let NewDisclosure { audience, password } = body.0;
        let audience = Audience::from_word(&audience.into_string()).ok_or_else(|| {
            Failure::fields(vec![
                Flaw::new("/audience", "not_a_choice").asking(&AudienceForm::schema()),
            ])
        })?;
        let in_force = self.in_force(&member, &kind).await?;
        if !if_match.admits(&etag(in_force)) {
            return Err(Failure::refused(&OTHERWISE_BY_NOW.into(), call.now()).into());
        }
        let wishes = [Wish {
            kind: in_force.kind,
            audience,
            seen: in_force.audience.filter(|_| if_match.is_bound()),
        }];
        let password = password.map(Text::into_string).unwrap_or_default();
        let (accounts, origin) = (call.accounts(), &call.origin);
        let token = match up(self.0.change(accounts, origin, &member, &wishes, &password).await)? {
            Outcome::Done(token) => token,
            Outcome::Refused(refusal) => return Err(refused(&refusal, &call).into()),
        };
        Ok(Changed {
            etag: etag(self.in_force(&member, &kind).await?),
            token,
        })
    }
}

impl DisclosuresApi {
    /// Of a kind that the member's insurer shows or prepares to show.
    async fn in_force(&self, member: &Member, kind: &Segment<KindSegment>) -> Result<InForce, Failure> {
        let kind = Kind::from_word(&kind.text).filter(|kind| kinds(member).contains(kind));
        let all = up(self.0.in_force(member).await)?;
        let of = all.into_iter().find(|in_force| Some(in_force.kind) == kind);
        of.ok_or_else(|| Failure::of("not_found"))
    }
}

/// It names the state by its word, and where that is not told by one for all.
fn etag(in_force: InForce) -> String {
    format!("\"{}\"", in_force.audience.map_or(UNTOLD, Audience::as_str))
}

/// The only field that the use case itself looks at is the password, by the name that it has on pages.
fn refused(refusal: &Refusal, call: &Call) -> Failure {
    let Failure(mut problem) = Failure::refused(refusal, call.now());
    for error in &mut problem.errors {
        error.pointer = "/password".into();
    }
    Failure(problem)
}
