//! Tokens of programs, as OAuth has them: asked for with a client's secret (RFC 6749, 4.4), and given back (RFC 7009).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clients::TokenRequest;
use operations::Tag;
use operations::answer::{Empty, Limited};
use operations::body::Form;
use operations::call::Call;
use operations::failure::Failure;
use operations::text::{InsurerCodeForm, Opaque, ScopesForm, Text};
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::{Object, OpenApi};

pub struct OAuthApi;

/// What a program asks a token with.
#[derive(Object)]
pub struct TokenForm {
    /// Always `client_credentials`.
    pub grant_type: Text<Opaque>,
    /// The client's ID, where it does not stand in `Authorization: Basic`.
    pub client_id: Option<Text<Opaque>>,
    /// Its secret, likewise.
    pub client_secret: Option<Text<Opaque>>,
    /// Scopes with blanks between them; all that are granted where it is left out.
    pub scope: Option<Text<ScopesForm>>,
    /// For which insurer: its 保険者指定コード. A vendor's client has to say; an insurer's own may leave it out.
    pub insurer_code: Option<Text<InsurerCodeForm>>,
}

/// A token.
#[derive(Object)]
pub struct IssuedToken {
    /// Send it as `Authorization: Bearer <token>`. Shown here and never again.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds that it works.
    pub expires_in: i64,
    /// What may be done with it: scopes with blanks between them.
    pub scope: String,
}

/// A token that is not needed any more.
#[derive(Object)]
pub struct RevocationForm {
    /// The token.
    pub token: Text<Opaque>,
    /// The client's ID, where it does not stand in `Authorization: Basic`.
    pub client_id: Option<Text<Opaque>>,
    /// Its secret, likewise.
    pub client_secret: Option<Text<Opaque>>,
}

#[OpenApi(tag = "Tag::Clients")]
impl OAuthApi {
    /// Get a token
    ///
    /// OAuth 2.0, client credentials. The client says who it is by `Authorization: Basic` (`client_secret_basic`) or in the
    /// form (`client_secret_post`), never by both. A token is for one insurer and an hour, or less where the client ends
    /// sooner; ask for another when it is over, not with each call. An unknown client and a wrong secret are told alike;
    /// after ten wrong secrets from one address further wrong ones have to wait there.
    #[oai(path = "/oauth/token", method = "post", operation_id = "create_token")]
    async fn create_token(
        &self,
        call: Call,
        basic: Basic,
        form: Form<TokenForm>,
    ) -> poem::Result<Limited<IssuedToken>> {
        let Form(form) = form;
        if form.grant_type.into_string() != "client_credentials" {
            return Err(Failure::of("unsupported_grant_type").into());
        }
        let credentials = basic.or_in_form(form.client_id, form.client_secret)?;
        let (scope, code) = (
            form.scope.map(Text::into_string),
            form.insurer_code.map(Text::into_string),
        );
        let asked = TokenRequest {
            client_id: &credentials.client_id,
            secret: &credentials.secret,
            scope: scope.as_deref(),
            insurer_code: code.as_deref(),
        };
        let issued = call.done(call.clients().issue(&call.origin, &asked).await)?;
        let scopes: Vec<&str> = issued.scopes.iter().map(|scope| scope.as_str()).collect();
        Ok(Limited {
            value: IssuedToken {
                access_token: issued.token,
                token_type: "Bearer".to_owned(),
                expires_in: issued.seconds,
                scope: scopes.join(" "),
            },
            allowance: issued.allowance,
        })
    }

    /// Give a token back
    ///
    /// Ends a token of the client's own at once. A token that is unknown, another's or over already is answered alike.
    #[oai(path = "/oauth/revoke", method = "post", operation_id = "revoke_token")]
    async fn revoke_token(&self, call: Call, basic: Basic, form: Form<RevocationForm>) -> poem::Result<Empty> {
        let Form(form) = form;
        let credentials = basic.or_in_form(form.client_id, form.client_secret)?;
        let who = (credentials.client_id.as_str(), credentials.secret.as_str());
        let token = form.token.into_string();
        call.done(call.clients().give_back(&call.origin, who, &token).await)?;
        Ok(Empty)
    }
}

const TWO_WAYS: &str = "The client says who it is in the Authorization header and in the form: leave client_id and client_secret \
                        out of the form.";

/// Who a client says that it is.
struct Credentials {
    client_id: String,
    secret: String,
}

/// `Authorization: Basic`, given once; what can't be read is nobody's.
struct Basic(Option<Credentials>);

impl<'a> FromRequest<'a> for Basic {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let headers = request.headers();
        let mut given = headers.get_all("authorization").into_iter();
        let (first, second) = (given.next(), given.next());
        let Some(first) = first else {
            return Ok(Self(None));
        };
        let read = first.to_str().ok().filter(|_| second.is_none()).and_then(read_basic);
        Ok(Self(Some(read.ok_or_else(|| Failure::of("invalid_client"))?)))
    }
}

/// IDs and secrets of ours hold nothing that is written otherwise in a form (RFC 6749, 2.3.1).
fn read_basic(value: &str) -> Option<Credentials> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim_start_matches(' ')).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some(Credentials {
        client_id: client_id.to_owned(),
        secret: secret.to_owned(),
    })
}

impl Basic {
    /// The one way that was used; both at once are refused (RFC 6749, 2.3).
    fn or_in_form(self, client_id: Option<Text<Opaque>>, secret: Option<Text<Opaque>>) -> Result<Credentials, Failure> {
        let (client_id, secret) = (client_id.map(Text::into_string), secret.map(Text::into_string));
        match (self.0, client_id, secret) {
            (Some(basic), None, None) => Ok(basic),
            (Some(basic), Some(named), None) if named == basic.client_id => Ok(basic),
            (Some(_), ..) => Err(Failure::of("invalid_request").explained(TWO_WAYS)),
            (None, Some(client_id), Some(secret)) => Ok(Credentials { client_id, secret }),
            (None, ..) => Err(Failure::of("invalid_client")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_basic_with_a_colon_in_it_is_read() {
        let basic = |plain: &str| format!("Basic {}", STANDARD.encode(plain));
        let read = read_basic(&basic("cl_7_a:mdg_cs_7.b:c")).unwrap();
        assert_eq!(
            (read.client_id.as_str(), read.secret.as_str()),
            ("cl_7_a", "mdg_cs_7.b:c")
        );
        assert!(read_basic(&basic("cl_7_a:").replace("Basic", "basic")).is_some());
        for other in [
            basic("nothing"),
            "Basic !".into(),
            "Bearer abc".into(),
            "Basic".into(),
            String::new(),
        ] {
            assert!(read_basic(&other).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(text in "\\PC{0,80}", near in "[Bb]asic {0,2}[A-Za-z0-9+/=]{0,40}") {
            let _ = (read_basic(&text), read_basic(&near));
        }
    }
}
