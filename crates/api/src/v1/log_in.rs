//! Logging in and out (the manual's 1-5).

use accounts::LogInForm;
use operations::Tag;
use operations::answer::{Created, Nothing};
use operations::body::Body;
use operations::call::{Bearer, Call, up};
use operations::text::{DeviceForm, PasswordForm, Text, Time, UserIdForm};
use poem_openapi::{Object, OpenApi};

pub struct LogInApi;

/// Who logs in.
#[derive(Object)]
pub struct NewSession {
    /// ユーザーID, whatever the case.
    pub user_id: Text<UserIdForm>,
    /// パスワード.
    pub password: Text<PasswordForm>,
    /// What an earlier log-in or sign-up of this user ID answered as `device`: tries with it are counted apart, so that
    /// nobody else's failures keep this program out.
    #[oai(nullable)]
    pub device: Option<Text<DeviceForm>>,
}

/// A session is open.
#[derive(Object)]
pub struct Session {
    /// The bearer token: `Authorization: Bearer <token>`. Shown here and never again.
    pub token: String,
    /// To be sent with the next log-in of this user ID. It opens nothing; keep one per user ID and machine.
    pub device: String,
    /// When the session ends at the latest; without requests it ends sooner (the insurer decides, 30 minutes at most).
    pub expires_at: Time,
    /// The terms that wait for consent. Until they have it, only `/me/consents` and log-out are open.
    pub consents_required: Vec<RequiredConsent>,
}

/// A document in force that the member has not accepted.
#[derive(Object)]
pub struct RequiredConsent {
    /// `service`, `points` or `addendum`.
    pub document: String,
    /// The revision in force.
    pub revision: i32,
    /// As members see it.
    pub title: String,
}

#[OpenApi(tag = "Tag::Sessions")]
impl LogInApi {
    /// Log in
    ///
    /// An unknown user ID and a wrong password are told alike and cost alike. Too many wrong passwords make that user
    /// ID wait, and a hundred in a row lock it for whoever has not logged in with it before, until a new password.
    #[oai(path = "/sessions", method = "post", operation_id = "create_session")]
    async fn create_session(&self, call: Call, body: Body<NewSession>) -> poem::Result<Created<Session>> {
        let NewSession {
            user_id,
            password,
            device,
        } = body.0;
        let (accounts, user_id) = (call.accounts(), user_id.into_string());
        let device = device.and_then(|secret| accounts.known_device(&secret.into_string(), &user_id));
        let form = LogInForm {
            user_id: user_id.clone(),
            password: password.into_string(),
            device: device.clone(),
        };
        let logged_in = call.done(call.accounts().log_in(&call.origin, &call.agent, form).await)?;
        let consents_required = logged_in.consents_required.into_iter().map(|due| RequiredConsent {
            document: due.document,
            revision: due.revision,
            title: due.title,
        });
        Ok(Created(Session {
            token: logged_in.session.reveal(),
            device: accounts.device_secret(&device.unwrap_or_else(|| accounts.new_device()), &user_id),
            expires_at: logged_in.expires_at.into(),
            consents_required: consents_required.collect(),
        }))
    }

    /// Log out
    ///
    /// Ends the session of the token at once.
    #[oai(path = "/sessions/current", method = "delete", operation_id = "end_current_session")]
    async fn end_current_session(&self, call: Call, bearer: Bearer) -> poem::Result<Nothing> {
        up(call.accounts().log_out(&call.origin, &bearer.session).await)?;
        Ok(Nothing)
    }
}
