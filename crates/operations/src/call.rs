//! What a handler gets besides its body: the services and where the request came from, and, behind the shell's check,
//! the member. Reads no cookie.

use crate::failure::Failure;
use crate::once::{self, Begun};
use crate::page::List;
use crate::stream::Incoming;
use crate::table::Services;
use access::SCOPES;
use accounts::{Accounts, Member};
use audit::{Channel, Origin};
use chrono::{DateTime, Utc};
use clients::{Asked, Caller, Clients, Saved, Taken};
use database::{Durability, TenantTransaction};
use kernel::{Outage, Outcome, TenantSecret};
use poem::{FromRequest, Request, RequestBody, Response};
use poem_openapi::registry::{MetaOAuthFlow, MetaOAuthFlows, MetaOAuthScope, MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use roster::{
    Protected, Sight,
    runs::{Author, By},
};
use std::sync::LazyLock;

use crate::text::{Opaque, Text};

/// Characters of a User-Agent that are kept.
const AGENT: usize = 300;

/// One request.
pub struct Call {
    /// What may be called.
    pub services: Services,
    /// From where, for throttles and the audit trail.
    pub origin: Origin,
    /// The program, as it names itself.
    pub agent: String,
    /// Nobody will read the answer: only whether it is there is asked.
    pub is_head: bool,
    /// The key that is taken for this request, where it came with one.
    once: Option<Taken>,
}

/// Marks a HEAD, which the operations know as GET.
#[derive(Debug, Clone, Copy)]
pub struct Head;

impl<'a> FromRequest<'a> for Call {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let services = request
            .data::<Services>()
            .ok_or_else(|| Failure::of("unavailable"))?
            .clone();
        let origin = edge::origin(request, Channel::Api, &services.http.trusted_proxies);
        let agent = edge::line(request.headers(), "user-agent");
        let agent = agent.unwrap_or_default().chars().take(AGENT).collect();
        Ok(Self {
            services,
            origin,
            agent,
            is_head: request.data::<Head>().is_some(),
            once: request.data::<Taken>().cloned(),
        })
    }
}

impl Call {
    /// The pipeline.
    pub fn accounts(&self) -> &Accounts {
        &self.services.accounts
    }

    /// Programs.
    pub fn clients(&self) -> &Clients {
        &self.services.clients
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.services.clock.now()
    }

    /// The program as imports know whoever asks for them.
    pub fn by<'a>(&'a self, program: &'a Caller) -> By<'a> {
        By {
            tenant: program.tenant(),
            author: Author::Client(program.client.client_id),
            name: &program.name,
            actor: program.actor(),
            origin: &self.origin,
        }
    }

    /// One list of the program's insurer, by its operation's name.
    pub fn list(&self, program: &Caller, operation: &'static str) -> List<'_> {
        List {
            keys: &self.services.keys,
            tenant: program.tenant(),
            operation,
            narrowed: String::new(),
        }
    }

    /// Begins to read what is the program's insurer's.
    pub async fn read(&self, program: &Caller) -> Result<TenantTransaction, Failure> {
        up(self.services.database.tenant(program.tenant()).read().await)
    }

    /// Begins to write there, be it no more than the line of a look.
    pub async fn write(&self, program: &Caller) -> Result<TenantTransaction, Failure> {
        let tenant = self.services.database.tenant(program.tenant());
        up(tenant.write(Durability::Safe).await)
    }

    /// Commits what a use case has done, with the answer as it is `saved` for whoever sends the same again; where it refused, the
    /// look that it wrote, or whom it asked instead.
    pub async fn finish<A>(
        &self,
        mut tx: TenantTransaction,
        outcome: Outcome<A>,
        saved: impl FnOnce(&A) -> Saved,
    ) -> poem::Result<A> {
        if let Outcome::Done(answer) = &outcome {
            self.keep(&mut tx, &saved(answer)).await?;
        }
        up(tx.commit().await)?;
        Ok(self.done::<_, Outage>(Ok(outcome))?)
    }

    /// Keeps the answer under the `Idempotency-Key`, if the request came with one, in the transaction that does what it asks for.
    pub async fn keep(&self, tx: &mut TenantTransaction, answer: &Saved) -> Result<(), Failure> {
        let Some(taken) = &self.once else { return Ok(()) };
        if up(taken.keep(tx, answer).await)? {
            Ok(())
        } else {
            Err(Failure::of("idempotency_in_progress"))
        }
    }

    /// Takes the `Idempotency-Key` that came with a file, now that all of it is here; the answer of then, where it came before.
    pub async fn take_key(
        &mut self,
        program: &Caller,
        operation: &'static str,
        file: &Incoming,
    ) -> Result<Option<Response>, Failure> {
        let Some(key) = &file.key else { return Ok(None) };
        let asked = Asked {
            grant: program.grant_id,
            operation,
            key,
            path: &file.path,
            body: &file.digest(),
        };
        match once::take(&self.services, program, &self.origin, &asked).await? {
            Begun::Again(before) => Ok(Some(before)),
            Begun::First(taken) => {
                self.once = Some(taken);
                Ok(None)
            }
        }
    }

    /// Gives that key free, where nothing was done.
    pub async fn free_key(&self) {
        if let Some(taken) = &self.once {
            once::free(taken).await;
        }
    }

    /// What a use case made, or why it refused.
    pub fn done<T, E: Into<Outage>>(&self, result: Result<Outcome<T>, E>) -> Result<T, Failure> {
        match up(result)? {
            Outcome::Done(value) => Ok(value),
            Outcome::Refused(refusal) => Err(Failure::refused(&refusal, self.now())),
        }
    }
}

/// Whom a program may see: everybody of its insurer, and protected people where they exist for it.
pub fn sight(program: &Caller) -> Sight {
    let protected = if program.sees_protected() {
        Protected::Seen
    } else {
        Protected::Hidden
    };
    Sight {
        protected,
        ..Sight::ALL
    }
}

/// The value, or 503 with the cause in the log.
pub fn up<T, E: Into<Outage>>(result: Result<T, E>) -> Result<T, Failure> {
    result.map_err(|error| Failure::outage(&error.into()))
}

/// The ticket of a body. What is none is refused like one that has ended.
pub fn ticket(text: Text<Opaque>) -> Result<TenantSecret, Failure> {
    TenantSecret::parse(&text.into_string()).ok_or_else(|| Failure::of("ticket_expired"))
}

/// The token of a mailed link, likewise.
pub fn link(text: Text<Opaque>) -> Result<TenantSecret, Failure> {
    TenantSecret::parse_link(&text.into_string()).ok_or_else(|| Failure::of("link_expired"))
}

/// The token, checked by the shell.
#[derive(Clone)]
pub struct Bearer {
    /// The secret of the session, or of a program's token.
    pub session: TenantSecret,
    /// It says that it is a program's.
    pub(crate) is_program: bool,
}

impl Bearer {
    /// True of a request that brings one, good or not: any other has not tried to say who it is.
    pub fn is_in(request: &Request) -> bool {
        let mut given = edge::lines(request.headers(), "authorization");
        given.any(|value| {
            value
                .split(' ')
                .next()
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
        })
    }

    /// `Authorization: Bearer 7.Xk3…`, given once.
    pub fn of(request: &Request) -> Option<Self> {
        let mut given = edge::lines(request.headers(), "authorization");
        let (Some(value), None) = (given.next(), given.next()) else {
            return None;
        };
        let (scheme, token) = value.split_once(' ')?;
        let token = if scheme.eq_ignore_ascii_case("bearer") {
            token.trim_start_matches(' ')
        } else {
            return None;
        };
        // A program's says by its prefix what it is; a member's has none. Either is sought where its operation's are kept.
        let programs = token.strip_prefix(clients::TOKEN_PREFIX);
        Some(Self {
            session: TenantSecret::parse(programs.unwrap_or(token))?,
            is_program: programs.is_some(),
        })
    }
}

/// The member whom the shell let in.
#[derive(Clone)]
pub struct Inside(pub Member);

/// The program that the shell let in.
#[derive(Clone)]
pub struct Program(pub Caller);

impl std::ops::Deref for Program {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

const SCHEME: &str = "session";
/// Of programs.
pub(crate) const PROGRAMS: &str = "client";
/// Where programs get their tokens.
pub(crate) const TOKEN_PATH: &str = "/oauth/token";

fn register_scheme(registry: &mut Registry) {
    registry.create_security_scheme(
        SCHEME,
        MetaSecurityScheme {
            ty: "http",
            description: Some("The token of `POST /sessions`."),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: Some("opaque"),
            flows: None,
            openid_connect_url: None,
        },
    );
}

fn register_programs(registry: &mut Registry) {
    static TOKEN_URL: LazyLock<String> = LazyLock::new(|| format!("{}{TOKEN_PATH}", crate::BASE));
    let scope = |scope: access::Scope| MetaOAuthScope {
        name: scope.as_str(),
        description: Some(scope.words()),
    };
    let flow = MetaOAuthFlow {
        authorization_url: None,
        token_url: Some(&TOKEN_URL),
        refresh_url: None,
        scopes: SCOPES.into_iter().map(scope).collect(),
    };
    registry.create_security_scheme(
        PROGRAMS,
        MetaSecurityScheme {
            ty: "oauth2",
            description: Some("The token of `POST /oauth/token`: an hour, for one insurer."),
            name: None,
            key_in: None,
            scheme: None,
            bearer_format: None,
            flows: Some(MetaOAuthFlows {
                implicit: None,
                password: None,
                client_credentials: Some(flow),
                authorization_code: None,
            }),
            openid_connect_url: None,
        },
    );
}

macro_rules! behind_the_scheme {
    ($name:ident, $scheme:expr, $register:ident, $refused:literal, $request:ident => $found:expr) => {
        impl<'a> ApiExtractor<'a> for $name {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                $register(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                vec![$scheme]
            }

            /// Nobody comes here but through the shell: without its mark the answer is no.
            async fn from_request(
                $request: &'a Request,
                _body: &mut RequestBody,
                _options: ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                let found: Option<Self> = $found;
                Ok(found.ok_or_else(|| Failure::of($refused))?)
            }
        }
    };
}

behind_the_scheme!(Bearer, SCHEME, register_scheme, "session_ended", request => request.data::<Bearer>().cloned());
behind_the_scheme!(Inside, SCHEME, register_scheme, "session_ended", request => request.data::<Inside>().cloned());
behind_the_scheme!(Program, PROGRAMS, register_programs, "invalid_token", request => request.data::<Program>().cloned());

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::TenantId;
    use poem::http::header;
    use proptest::prelude::*;

    fn bearer(values: &[&str]) -> Option<Bearer> {
        let mut request = Request::builder();
        for value in values {
            request = request.header(header::AUTHORIZATION, *value);
        }
        Bearer::of(&request.finish())
    }

    #[test]
    fn only_one_well_formed_bearer_token_is_read() {
        let token = TenantSecret::random(TenantId(7)).reveal();
        let good = format!("Bearer {token}");
        assert!(bearer(&[&good]).is_some());
        assert!(bearer(&[&format!("bearer {token}")]).is_some());
        for bad in [
            token.clone(),
            format!("Basic {token}"),
            format!("Bearer{token}"),
            "Bearer ".into(),
            "Bearer x".into(),
        ] {
            assert!(bearer(&[&bad]).is_none(), "{bad}");
        }
        assert!(bearer(&[]).is_none());
        assert!(bearer(&[&good, &good]).is_none());
    }

    proptest! {
        #[test]
        fn no_header_panics_and_a_token_that_is_read_is_read_again(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            near in "(bearer|Bearer|Basic) {0,2}[0-9]{0,3}\\.?[A-Za-z0-9_=-]{0,50}",
        ) {
            for given in [bytes.as_slice(), near.as_bytes()] {
                let Ok(value) = poem::http::HeaderValue::from_bytes(given) else { continue };
                let request = Request::builder().header(header::AUTHORIZATION, value).finish();
                if let Some(read) = Bearer::of(&request) {
                    let token = read.session.reveal();
                    let again = bearer(&[&format!("Bearer {token}")]);
                    prop_assert_eq!(again.map(|again| again.session.reveal()), Some(token));
                }
            }
        }
    }
}
