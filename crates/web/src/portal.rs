//! The portal's rows of the pages' table. How to add a page: pages.md.

mod accessibility;
mod account;
mod close;
mod desk_email;
pub(crate) mod device;
mod documents;
mod email_change;
mod help;
mod identity_fields;
mod log_in;
mod log_out;
mod logo;
mod mails;
mod my_data;
mod recover;
mod sign_up;
mod sign_up_account;
mod sign_up_code;
mod terms;

use pages::{Nav, PanelSource, Row, assets, foreign, member, public, session, ticket};
use poem::http::Method;
use std::sync::Arc;

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// Where members come in, as others link to it: log-in, sign-up, what was forgotten.
pub const DOORS: [&str; 4] = ["/portal/", "/portal/signup", "/portal/password", "/portal/user-id"];

/// The members' menu before what modules add.
pub const MY_PAGE: Nav = Nav {
    path: "/portal/mypage",
    text: "マイページ",
};

/// The menu of those whose coverage has ended, after what modules add.
pub const FORMER_REST: [Nav; 2] = [
    Nav {
        path: account::PASSWORD,
        text: "パスワードの変更",
    },
    REST[1],
];

/// The members' menu after what modules add.
pub const REST: [Nav; 2] = [
    Nav {
        path: "/portal/account",
        text: "登録内容の変更",
    },
    Nav {
        path: "/portal/help",
        text: "ヘルプ",
    },
];

/// Every route of the pipeline; `panels` stand below the log-in form.
pub fn rows(panels: &Arc<[PanelSource]>) -> Vec<Row> {
    let panels = Arc::clone(panels);
    vec![
        public(GET, "/", "start", log_in::start),
        public(GET, "/portal", "portal", log_in::start),
        public(GET, "/assets/:name", "asset", assets::show),
        public(GET, "/portal/logo/:insurer/:hash", "logo", logo::show),
        public(GET, "/portal/accessibility", "accessibility", accessibility::show),
        // Sign-up (manual 1-1 to 1-4)
        public(GET, "/portal/signup.ibss", "sign_up.printed", sign_up::printed),
        public(GET, "/portal/signup", "sign_up", sign_up::show),
        public(POST, "/portal/signup", "sign_up.identify", sign_up::submit),
        ticket(GET, "/portal/signup/account", "sign_up.account", sign_up_account::show),
        ticket(
            POST,
            "/portal/signup/account",
            "sign_up.create",
            sign_up_account::submit,
        ),
        ticket(GET, "/portal/signup/code", "sign_up.code", sign_up_code::show),
        ticket(POST, "/portal/signup/code", "sign_up.confirm", sign_up_code::submit),
        ticket(
            POST,
            "/portal/signup/code/resend",
            "sign_up.resend",
            sign_up_code::resend,
        ),
        // Log-in and recovery (manual 1-5)
        public(GET, "/portal/", "log_in", move |visit| {
            log_in::show(Arc::clone(&panels), visit)
        }),
        public(POST, "/portal/", "log_in.submit", log_in::submit),
        public(POST, "/portal/forget-user-id", "log_in.forget", log_in::forget),
        public(GET, "/portal/logout", "log_out", log_out::show),
        public(POST, "/portal/logout", "log_out.submit", log_out::submit),
        public(GET, "/portal/password", "recover.password", recover::password),
        public(
            POST,
            "/portal/password",
            "recover.password_submit",
            recover::password_submit,
        ),
        public(GET, "/portal/password/reset", "recover.reset", recover::reset),
        public(
            POST,
            "/portal/password/reset",
            "recover.reset_submit",
            recover::reset_submit,
        ),
        public(GET, "/portal/user-id", "recover.user_id", recover::user_id),
        public(
            POST,
            "/portal/user-id",
            "recover.user_id_submit",
            recover::user_id_submit,
        ),
        // Terms (manual 1-6)
        session(GET, "/portal/terms", "terms", terms::show).for_former(),
        session(POST, "/portal/terms", "terms.accept", terms::submit).for_former(),
        public(GET, "/portal/help", "help", help::show),
        // Account
        public(GET, "/portal/email/stop", "desk_email", desk_email::ask),
        public(POST, "/portal/email/stop", "desk_email.stop", desk_email::stop),
        member(
            POST,
            "/portal/account/email/stop",
            "account.stop_desk_email",
            account::stop_desk_email,
        ),
        member(GET, "/portal/account", "account", account::show),
        member(GET, "/portal/account/my-data", "my_data", my_data::show),
        member(GET, "/portal/account/mails", "mails", mails::show).for_former(),
        member(POST, "/portal/account/mails", "mails.submit", mails::submit).for_former(),
        public(GET, "/portal/mails/stop", "mails.stop", mails::ask),
        foreign("/portal/mails/stop", "mails.stop_submit", mails::stop),
        member(GET, "/portal/account/close", "close", close::show),
        member(POST, "/portal/account/close", "close.submit", close::submit),
        member(GET, "/portal/account/password", "account.password", account::password).for_former(),
        member(
            POST,
            "/portal/account/password",
            "account.password_submit",
            account::change_password,
        )
        .for_former(),
        member(
            POST,
            "/portal/account/sessions/:id/end",
            "account.end_session",
            account::end_session,
        ),
        member(
            POST,
            "/portal/account/sessions/end-others",
            "account.end_others",
            account::end_others,
        ),
        member(GET, "/portal/account/consents", "account.consents", account::consents),
        member(
            GET,
            "/portal/account/consents/:document/:revision",
            "account.consent",
            account::consent,
        ),
        member(GET, "/portal/account/email", "email_change", email_change::show),
        member(
            POST,
            "/portal/account/email",
            "email_change.submit",
            email_change::submit,
        ),
        member(
            GET,
            "/portal/account/email/code",
            "email_change.code",
            email_change::code,
        ),
        member(
            POST,
            "/portal/account/email/code",
            "email_change.confirm",
            email_change::confirm,
        ),
        member(
            POST,
            "/portal/account/email/code/resend",
            "email_change.resend",
            email_change::resend,
        ),
    ]
}
