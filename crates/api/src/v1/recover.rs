//! Forgotten passwords and forgotten user IDs (the manual's 1-5): one answer whatever is true, the rest by mail.

use super::sign_up::Identity;
use accounts::ResetForm;
use operations::Tag;
use operations::answer::{Accepted, Nothing};
use operations::body::Body;
use operations::call::{Call, link};
use operations::text::{DeviceForm, NewPasswordForm, Opaque, Text, UserIdForm};
use poem_openapi::{Object, OpenApi};

pub struct RecoverApi;

/// Whose password is forgotten.
#[derive(Object)]
pub struct ForgottenPassword {
    /// ユーザーID, whatever the case.
    pub user_id: Text<UserIdForm>,
    /// As for `create_session`: nobody else's requests keep this program from asking.
    #[oai(nullable)]
    pub device: Option<Text<DeviceForm>>,
}

/// A new password, with the proof from the mail.
#[derive(Object)]
pub struct NewPassword {
    /// What stands behind `token=` in the link of the mail; good once, for 30 minutes.
    pub token: Text<Opaque>,
    /// By the rule of `create_account`.
    pub password: Text<NewPasswordForm>,
}

/// Taken in. Whether there is such an account, only its owner learns, by mail.
#[derive(Object)]
pub struct Taken {
    /// Always `accepted`.
    pub status: String,
}

impl Taken {
    fn new() -> Self {
        Self {
            status: "accepted".into(),
        }
    }
}

#[OpenApi(tag = "Tag::Recovery")]
impl RecoverApi {
    /// Ask for a password link
    ///
    /// Mails a link to the proven address of that user ID, if there is one.
    #[oai(path = "/password-resets", method = "post", operation_id = "request_password_reset")]
    async fn request(&self, call: Call, body: Body<ForgottenPassword>) -> poem::Result<Accepted<Taken>> {
        let (accounts, user_id) = (call.accounts(), body.0.user_id.into_string());
        let secret = body.0.device.map(Text::into_string);
        let device = secret.and_then(|secret| accounts.known_device(&secret, &user_id));
        call.done(
            accounts
                .forgot_password(&call.origin, &user_id, device.as_deref())
                .await,
        )?;
        Ok(Accepted(Taken::new()))
    }

    /// Set a new password
    ///
    /// Uses the link up, sets the password, ends all sessions and tells the member by mail. Nobody is logged in by it.
    #[oai(
        path = "/password-resets/complete",
        method = "post",
        operation_id = "complete_password_reset"
    )]
    async fn complete(&self, call: Call, body: Body<NewPassword>) -> poem::Result<Nothing> {
        let NewPassword { token, password } = body.0;
        let form = ResetForm {
            password: password.into_string(),
        };
        call.done(call.accounts().reset_password(&call.origin, &link(token)?, form).await)?;
        Ok(Nothing)
    }

    /// Ask for the user ID
    ///
    /// Mails the user ID to the proven address of the registered person whom these fields describe, if there is one.
    #[oai(
        path = "/user-id-reminders",
        method = "post",
        operation_id = "request_user_id_reminder"
    )]
    async fn remind(&self, call: Call, body: Body<Identity>) -> poem::Result<Accepted<Taken>> {
        call.done(call.accounts().forgot_user_id(&call.origin, &body.0.into()).await)?;
        Ok(Accepted(Taken::new()))
    }
}
