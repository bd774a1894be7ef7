//! Sign-up: identity, account, code (the manual's 1-1 to 1-4).

use accounts::{AccountForm, BirthForm, IdentityForm};
use operations::Tag;
use operations::answer::{Accepted, Created, Done};
use operations::body::Body;
use operations::call::{Call, ticket};
use operations::text::{
    BirthDateForm, CodeForm, EmailForm, EmployeeNumberForm, InsurerCodeForm, KanaForm, NewPasswordForm, NumberForm,
    Opaque, SymbolForm, Text, Time, UserIdForm,
};
use poem_openapi::{Object, OpenApi};

pub struct SignUpApi;

/// Who somebody is, as the insurer's documents say.
#[derive(Object)]
pub struct Identity {
    /// 保険者指定コード: 8 digits (6 for 国民健康保険組合) with a check digit.
    pub insurer_code: Text<InsurerCodeForm>,
    /// 記号, in any width; empty where the insurer has none.
    pub symbol: Text<SymbolForm>,
    /// 番号, in any width.
    pub number: Text<NumberForm>,
    /// 生年月日, `YYYY-MM-DD`.
    pub birth_date: Text<BirthDateForm>,
    /// 氏名（カナ）: katakana or hiragana, any width.
    pub kana_name: Text<KanaForm>,
    /// 社員番号; only where `sign_up.employee_number` of the insurer is true.
    #[oai(nullable)]
    pub employee_number: Option<Text<EmployeeNumberForm>>,
}

impl From<Identity> for IdentityForm {
    fn from(identity: Identity) -> Self {
        Self {
            insurer_code: identity.insurer_code.into_string(),
            symbol: identity.symbol.into_string(),
            number: identity.number.into_string(),
            birth: BirthForm::Iso(identity.birth_date.into_string()),
            kana_name: identity.kana_name.into_string(),
            employee_number: identity.employee_number.map(Text::into_string),
        }
    }
}

/// The insurer knows this person; sign-up goes on with the ticket.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
#[expect(
    clippy::struct_field_names,
    reason = "the next steps take `ticket`, and so does this"
)]
pub struct Ticket {
    /// Hand it in with the next steps; worth nothing elsewhere.
    pub ticket: String,
    /// The address that the insurer registered in advance, masked (`s***o@ex***.jp`). Where there is one, the code goes
    /// there, and `email` of the next step is ignored.
    pub email_hint: Option<String>,
    /// When the ticket ends.
    pub expires_at: Time,
}

/// The account wished for.
#[derive(Object)]
pub struct NewAccount {
    /// As `identify` gave it.
    pub ticket: Text<Opaque>,
    /// ユーザーID: 6–50 of `A-Z a-z 0-9 @ - _ +`. Unique over all insurers, whatever the case.
    pub user_id: Text<UserIdForm>,
    /// 8–20 characters of `A-Za-z0-9?!@#%&()_+` with a letter, a digit and a sign; or 15–128 characters of anything.
    /// Common passwords and those made of what others know are refused. The insurer may ask for more characters.
    pub password: Text<NewPasswordForm>,
    /// メールアドレス that the code goes to. Required unless `email_hint` was given.
    #[oai(nullable)]
    pub email: Option<Text<EmailForm>>,
}

/// A code is on its way by mail.
#[derive(Object)]
pub struct CodeSent {
    /// When the code stops being good.
    pub code_expires_at: Time,
    /// Where it goes: the address as given, or the mask of the one that the insurer registered.
    pub sent_to: String,
    /// True for an address whose signs some senders refuse: say that the mail may not come.
    pub unusual: bool,
}

impl From<accounts::CodeSent> for CodeSent {
    fn from(sent: accounts::CodeSent) -> Self {
        Self {
            code_expires_at: sent.expires_at.into(),
            sent_to: sent.sent_to,
            unusual: sent.unusual,
        }
    }
}

/// The code that came by mail.
#[derive(Object)]
pub struct TypedCode {
    /// As `identify` gave it.
    pub ticket: Text<Opaque>,
    /// 認証番号: six digits, any width.
    pub code: Text<CodeForm>,
}

/// Asks for another code.
#[derive(Object)]
pub struct Resend {
    /// As `identify` gave it.
    pub ticket: Text<Opaque>,
}

/// The account exists.
#[derive(Object)]
pub struct NewMember {
    /// The user ID to log in with.
    pub user_id: String,
    /// To be sent with the first log-in, as `create_session` says.
    pub device: String,
}

#[OpenApi(tag = "Tag::SignUp")]
impl SignUpApi {
    /// Match a person
    ///
    /// Step 1: says whether the insurer knows this person and answers with a ticket of 60 minutes. Every mismatch,
    /// somebody already registered included, gets the one answer `not_matched`. Five failures on one 記号 and 番号
    /// make everybody wait who types them, and so do twenty sign-ups begun for one person within a day.
    #[oai(path = "/signup/identity", method = "post", operation_id = "identify")]
    async fn identify(&self, call: Call, body: Body<Identity>) -> poem::Result<Done<Ticket>> {
        let ticketed = call.done(call.accounts().identify(&call.origin, &body.0.into()).await)?;
        Ok(Done(Ticket {
            ticket: ticketed.ticket.reveal(),
            email_hint: ticketed.email_hint,
            expires_at: ticketed.expires_at.into(),
        }))
    }

    /// Choose user ID and password
    ///
    /// Step 2: reserves the user ID for the ticket's life and mails a code of six digits, good for ten minutes. May be
    /// repeated to mend any of it, thirty times in all; within a minute of a code no other is sent, to whatever address.
    /// What is refused changes nothing.
    #[oai(path = "/signup/account", method = "post", operation_id = "create_account")]
    async fn create_account(&self, call: Call, body: Body<NewAccount>) -> poem::Result<Accepted<CodeSent>> {
        let NewAccount {
            ticket: text,
            user_id,
            password,
            email,
        } = body.0;
        let email = email.map(Text::into_string);
        let form = AccountForm {
            user_id: user_id.into_string(),
            password: password.into_string(),
            // A program asks its person in its own way.
            asked: email.clone(),
            email,
        };
        let sent = call.done(call.accounts().create(&call.origin, &ticket(text)?, form).await)?;
        Ok(Accepted(sent.into()))
    }

    /// Confirm the code
    ///
    /// Step 3: the code proves the address, and the account exists. Five wrong codes and six mails per ticket in all; after
    /// a hundred wrong ones for one person in a row only the insurer's desk opens it again. The same right code twice is answered twice alike. Where the user ID went to somebody else meanwhile, `fields` names
    /// `/user_id`: repeat step 2 with another; the code stays good.
    #[oai(path = "/signup/code", method = "post", operation_id = "confirm_code")]
    async fn confirm_code(&self, call: Call, body: Body<TypedCode>) -> poem::Result<Created<NewMember>> {
        let TypedCode { ticket: text, code } = body.0;
        let confirmed = call
            .accounts()
            .confirm(&call.origin, &ticket(text)?, &code.into_string())
            .await;
        let registered = call.done(confirmed)?;
        let user_id = registered.user_id.as_str().to_owned();
        let device = call.accounts().device_secret(&call.accounts().new_device(), &user_id);
        Ok(Created(NewMember { user_id, device }))
    }

    /// Send another code
    ///
    /// At the earliest a minute after the last one. Only the newest code counts.
    #[oai(path = "/signup/code/resend", method = "post", operation_id = "resend_code")]
    async fn resend_code(&self, call: Call, body: Body<Resend>) -> poem::Result<Accepted<CodeSent>> {
        let sent = call.done(call.accounts().resend(&call.origin, &ticket(body.0.ticket)?).await)?;
        Ok(Accepted(sent.into()))
    }
}
