//! What every page shows around its own matter: the insurer's name and colours, the menu, a message from the step before,
//! what has to be mended, and the contact desk. Templates reach it as `frame`.

mod errors;

pub use errors::{Errors, Mistake};

use crate::{
    assets,
    console::Inside,
    services::{Nav, Services},
    shown_for,
    waits::Waits,
    words,
};
use accounts::Member;
use chrono::{DateTime, Utc};
use kernel::{Way, calendar};
use roster::Access;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tenancy::{DeskStatus, Insurer};

/// Which menu a page has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Menu {
    /// Not logged in.
    #[default]
    Visitor,
    /// Logged in, the terms not accepted yet: help and log-out only.
    Waiting,
    /// Logged in, after coverage has ended: their statements, and what keeps the account safe.
    Former,
    /// Logged in.
    Member,
}

impl Menu {
    /// A member's.
    pub fn of(member: &Member) -> Self {
        Self::after(member.access, !member.consents_due.is_empty())
    }

    /// That of whoever has logged in with such access, and terms to be accepted or not.
    pub fn after(access: Access, is_waiting: bool) -> Self {
        match access {
            _ if is_waiting => Self::Waiting,
            Access::Former { .. } => Self::Former,
            Access::Full | Access::ReadOnly { .. } | Access::Ended => Self::Member,
        }
    }

    /// Where whoever has this menu begins.
    pub fn home(self) -> &'static str {
        match self {
            Self::Member => "/portal/mypage",
            Self::Former => "/portal/costs",
            Self::Visitor | Self::Waiting => "/portal/",
        }
    }

    /// What that page is called.
    pub fn home_name(self) -> &'static str {
        match self {
            Self::Member => "マイページ",
            Self::Former => "医療費通知",
            Self::Visitor | Self::Waiting => "ログイン画面",
        }
    }

    /// Its entries at an insurer.
    pub(crate) fn entries(self, services: &Services, insurer: &Insurer) -> Arc<[Nav]> {
        if self != Self::Former {
            return Arc::clone(&services.nav);
        }
        let entries = services.former_nav.iter();
        let open = entries.filter(|(feature, _)| feature.is_none_or(|feature| insurer.modules.is_open(feature)));
        open.map(|(_, entry)| *entry).collect()
    }
}

/// A message from the step before, shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Good news, or something to know.
    pub kind: FlashKind,
    /// What is said.
    pub text: String,
}

impl Flash {
    /// True for good news.
    pub fn is_done(&self) -> bool {
        self.kind == FlashKind::Done
    }
}

/// Good news, or something to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlashKind {
    /// Something is done.
    Done,
    /// Something to know.
    Info,
}

/// Around every page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Whose name, colours and desk.
    pub insurer: Arc<Insurer>,
    /// Which menu.
    pub menu: Menu,
    /// The address of the menu's entry that the page belongs to.
    pub section: &'static str,
    /// From the step before.
    pub flash: Option<Flash>,
    /// What has to be mended.
    pub errors: Errors,
    /// Who is logged in, as the page calls them; on paper only.
    pub person: Option<String>,
    /// What coverage leaves of their access.
    pub access: Access,
    /// The members' menu.
    pub nav: Arc<[Nav]>,
    /// The mark of the page's forms; none on pages for anybody.
    pub shown_for: Option<String>,
    /// True for the console's pages.
    pub is_console: bool,
    /// Who is inside the console.
    pub inside: Option<Arc<Inside>>,
    /// What is told of a planned interruption.
    pub maintenance: Option<String>,
    /// What of the page's matter waits for another's agreement.
    pub waits: Vec<Waits>,
    now: DateTime<Utc>,
}

impl Frame {
    /// The frame of a page that belongs to no menu entry and has nothing to mend.
    pub fn new(insurer: Arc<Insurer>, menu: Menu, now: DateTime<Utc>) -> Self {
        Self {
            insurer,
            menu,
            section: "",
            flash: None,
            errors: Errors::default(),
            person: None,
            access: Access::Full,
            nav: Arc::from([]),
            shown_for: None,
            is_console: false,
            inside: None,
            maintenance: None,
            waits: Vec::new(),
            now,
        }
    }

    /// The frame of a page of the console.
    pub fn console(insurer: Arc<Insurer>, now: DateTime<Utc>) -> Self {
        Self {
            is_console: true,
            ..Self::new(insurer, Menu::Visitor, now)
        }
    }

    /// The page with something to mend.
    #[must_use]
    pub fn with_errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self
    }

    /// The page with what of its matter waits for another's agreement.
    #[must_use]
    pub fn with_waits(mut self, waits: Vec<Waits>) -> Self {
        self.waits = waits;
        self
    }

    /// The page as part of a menu entry: `/portal/notices`.
    #[must_use]
    pub fn in_section(mut self, address: &'static str) -> Self {
        self.section = address;
        self
    }

    /// Before the identity's fields.
    pub fn who_registers(&self) -> &'static str {
        words::who_registers(self.insurer.kind)
    }

    /// Where that is said at more length.
    pub fn more_on_who_registers(&self) -> Way {
        words::more_on_who_registers()
    }

    /// Beside the identity's birth date.
    pub fn birth_date_hint(&self) -> String {
        format!("{}の生年月日を選んでください", words::whose(self.insurer.kind))
    }

    /// Beside the identity's name.
    pub fn kana_name_hint(&self) -> String {
        format!(
            "{}の氏名を、ひらがなかカタカナで入力してください。名字と名前の間の空白は、あってもなくても構いません",
            words::whose(self.insurer.kind)
        )
    }

    /// True where the menu's entry is the page's own.
    pub fn is_section(&self, address: &str) -> bool {
        self.section == address
    }

    /// True where whoever looks has the whole portal.
    pub fn is_member(&self) -> bool {
        self.menu == Menu::Member
    }

    /// True where the page has a menu.
    pub fn has_menu(&self) -> bool {
        matches!(self.menu, Menu::Member | Menu::Former)
    }

    /// True where there is somebody to log out.
    pub fn is_logged_in(&self) -> bool {
        self.menu != Menu::Visitor
    }

    /// Where the name in the header leads.
    pub fn home(&self) -> &'static str {
        if self.is_console {
            self.console_home()
        } else {
            self.menu.home()
        }
    }

    /// What that page is called.
    pub fn home_name(&self) -> &'static str {
        if self.is_console {
            "ホーム"
        } else {
            self.menu.home_name()
        }
    }

    /// Staff's first page; the platform's have their own.
    fn console_home(&self) -> &'static str {
        if self.insurer.is_platform() && self.inside.is_some() {
            "/operator/"
        } else {
            "/console/"
        }
    }

    /// The stylesheet's address.
    pub fn style_sheet(&self) -> String {
        assets::style()
    }

    /// The script's address.
    pub fn script(&self) -> String {
        assets::script()
    }

    /// The address of the icon of whoever has no logo.
    pub fn icon(&self) -> String {
        assets::icon()
    }

    /// The name of the hidden field that carries [`Frame::shown_for`].
    pub fn mark_name(&self) -> &'static str {
        shown_for::FIELD
    }

    /// The insurer's colours.
    pub fn style(&self) -> &str {
        self.insurer.brand.style()
    }

    /// The logo's address, which another logo does not share.
    pub fn logo(&self) -> Option<LogoView> {
        let logo = self.insurer.logo.as_ref()?;
        let owner = self.insurer.code.as_ref().map_or("platform", |code| code.as_str());
        let source = format!("/portal/logo/{owner}/{}", logo.hash);
        // Shown 40 pixels high; the browser knows the place it takes before the picture is there.
        let (height, wide) = (40, u64::from(logo.width) * 40 / u64::from(logo.height.max(1)));
        Some(LogoView {
            source,
            width: wide.clamp(1, 240),
            height,
        })
    }

    /// The desk as it is now. A template asks once: looking for the next opening day is work.
    pub fn desk_hours(&self) -> DeskHours {
        let desk = &self.insurer.desk;
        let status = desk.status(self.now);
        DeskHours {
            text: desk.hours_text(),
            is_open: matches!(status, DeskStatus::Open { .. }),
            status: match status {
                DeskStatus::Open { until } => {
                    format!("{}まで受け付けています。", calendar::moment_or_time(until, self.now))
                }
                DeskStatus::Closed { opens_at: Some(at) } => {
                    format!("次の受付は{}からです。", calendar::from_then_on(at, self.now))
                }
                DeskStatus::Closed { opens_at: None } => "ただいまお休みしています。".into(),
            },
        }
    }

    /// The day the page is of, for paper.
    pub fn today(&self) -> String {
        calendar::date_both(calendar::today_in_japan(self.now))
    }

    /// The desk's number for `tel:`.
    pub fn telephone(&self) -> String {
        self.insurer
            .desk
            .phone
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect()
    }

    /// What stands on top of every page of a sandbox, and on every sheet of paper.
    pub fn sandbox_text(&self) -> Option<&'static str> {
        words::sandbox(&self.insurer)
    }

    /// What is told at a sandbox where a mail would have been sent.
    pub fn kept_mail_text(&self) -> Option<&'static str> {
        self.insurer.is_sandbox.then_some(words::KEPT_MAIL)
    }

    /// What becomes of an address to which a code would be sent, beside its field.
    pub fn code_hint(&self) -> &'static str {
        if self.insurer.is_sandbox {
            "お試し環境のため、認証番号のメールは送られません。管理画面の「お試し環境のメール」で読めます"
        } else {
            "認証番号をお送りします。今受信できるメールアドレスを入力してください"
        }
    }

    /// What stands on top in the time after loss of coverage.
    pub fn read_only_text(&self) -> Option<String> {
        match self.access {
            Access::ReadOnly { until } => Some(format!(
                "資格を失われたため、{}までご覧になれます。新しい申請はできません。パスワードとメールアドレスの変更はできます。",
                calendar::date_with_weekday(until)
            )),
            Access::Former { until } => Some(format!(
                "資格を失われたため、ご覧になれるのは医療費などの明細だけです。確定申告などのために、{}までご覧になれます。パスワードの変更はできます。",
                calendar::date_with_weekday(until)
            )),
            Access::Full | Access::Ended => None,
        }
    }
}

/// When the desk answers, on the page.
pub struct DeskHours {
    /// Its hours in words; empty where the insurer gives none.
    pub text: String,
    /// 受付中, else 受付時間外.
    pub is_open: bool,
    /// Beside that: until when, or when the desk opens next.
    pub status: String,
}

/// A logo on the page.
pub struct LogoView {
    /// Its address.
    pub source: String,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u32,
}
