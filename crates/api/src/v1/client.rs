//! What a program may do, as it asks itself.

use chrono::NaiveDate;
use operations::Tag;
use operations::answer::Done;
use operations::call::Program;
use operations::text::Time;
use poem_openapi::{Object, OpenApi};

pub struct ClientApi;

/// The client whose token it is, at the token's insurer.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OwnClient {
    /// The client's ID. What stands after its last `_` is the id by which records such as `GET /audit` name it, without dashes.
    pub client_id: String,
    /// What people call it.
    pub name: String,
    /// The insurer.
    pub insurer: OwnInsurer,
    /// True where the insurer is a sandbox: its people are invented, and its mails are kept instead of sent.
    pub sandbox: bool,
    /// What the token allows.
    pub scopes: Vec<String>,
    /// When the token ends.
    pub token_expires_at: Time,
    /// The last day, in Japan, on which the client may come in here; left out where none is set.
    pub expires_on: Option<NaiveDate>,
}

/// An insurer.
#[derive(Object)]
pub struct OwnInsurer {
    /// 保険者指定コード.
    pub code: String,
    /// As members know it.
    pub name: String,
}

#[OpenApi(tag = "Tag::Clients")]
impl ClientApi {
    /// The client itself
    ///
    /// Which insurer the token is for, what it allows and when it ends: a first call to try a token with.
    #[oai(path = "/client", method = "get", operation_id = "get_client")]
    #[expect(clippy::unused_async, reason = "poem-openapi asks for it")]
    async fn get_client(&self, program: Program) -> Done<OwnClient> {
        let insurer = &program.insurer;
        Done(OwnClient {
            client_id: program.client.to_string(),
            name: program.name.clone(),
            insurer: OwnInsurer {
                code: insurer
                    .code
                    .as_ref()
                    .map(|code| code.as_str().to_owned())
                    .unwrap_or_default(),
                name: insurer.name.clone(),
            },
            sandbox: insurer.is_sandbox,
            scopes: program.scopes.iter().map(ToString::to_string).collect(),
            token_expires_at: program.token_until.into(),
            expires_on: program.expires_on,
        })
    }
}
