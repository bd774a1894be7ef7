//! What `insurers.settings` holds: everything of a tenant.toml, and the heads of the terms and logo beside it,
//! so that the directory loads an insurer with one statement. Nothing personal, nothing secret.

use crate::{
    Approvals, Color, ContactDesk, Features, InsurerKind, LogoHead, MemberDocument, SharedNetwork, StatementSettings,
    TermsHead,
};
use kernel::{EmailAddress, Relation};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, time::Duration};

/// An insurer's settings as they are stored. A key that an older revision lacks takes its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// 奈良県市町村職員共済組合.
    pub name: String,
    /// The name in katakana.
    pub kana: String,
    /// Which law it stands under.
    pub kind: InsurerKind,
    /// True of a sandbox. A column of its own says so, since it never changes.
    #[serde(skip)]
    pub sandbox: bool,
    /// Who runs the service; the platform's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The colour as chosen; the readable ones are derived from it ([`crate::Brand`]).
    pub brand_color: Color,
    /// True where the points service was bought.
    pub points: bool,
    /// Days of read-only access after loss of coverage.
    pub after_loss_days: u16,
    /// Where members find 記号・番号.
    pub member_documents: Vec<MemberDocument>,
    /// What the insurer's own words and codes for 続柄 mean, as it writes them. Read with the next roster.
    pub relations: BTreeMap<String, Relation>,
    /// What an import of the roster is held to.
    pub roster: RosterSettings,
    /// How statements of costs and medicines are shown.
    pub statements: StatementSettings,
    /// What sign-up asks beyond the usual.
    pub sign_up: SignUpSettings,
    /// The floor of password lengths.
    pub password: PasswordSettings,
    /// How long a log-in lasts.
    pub session: SessionSettings,
    /// Networks that many of its members share.
    pub networks: Vec<SharedNetwork>,
    /// From whom mails come.
    pub sender: SenderSettings,
    /// お問い合わせ先.
    pub desk: ContactDesk,
    /// What the my page offers.
    pub modules: Features,
    /// What takes a second pair of eyes, where the insurer said so.
    pub approvals: Approvals,
    /// The logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<LogoHead>,
    /// Every revision of every terms document, by document and revision.
    pub terms: Vec<TermsHead>,
}

impl Default for Settings {
    /// The platform before anything was applied: the service works, without terms, desk or name of an operator.
    fn default() -> Self {
        Self {
            name: "窓口 Madoguchi".into(),
            kana: "マドグチ".into(),
            kind: InsurerKind::Platform,
            sandbox: false,
            operator: None,
            brand_color: Color::default(),
            points: false,
            after_loss_days: 0,
            member_documents: MemberDocument::ALL.to_vec(),
            relations: BTreeMap::new(),
            roster: RosterSettings::default(),
            statements: StatementSettings::default(),
            sign_up: SignUpSettings::default(),
            password: PasswordSettings::default(),
            session: SessionSettings::default(),
            networks: Vec::new(),
            sender: SenderSettings::default(),
            desk: ContactDesk::default(),
            modules: Features::default(),
            approvals: Approvals::default(),
            logo: None,
            terms: Vec::new(),
        }
    }
}

/// What an import of the roster is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RosterSettings {
    /// How many of a hundred covered people one file may take out of coverage without being asked about, 1–100.
    pub loss_percent: u8,
}

impl RosterSettings {
    /// Above nought: a first day without any loss at all is nobody's.
    pub const LOSS_PERCENT: std::ops::RangeInclusive<u32> = 1..=100;
}

impl Default for RosterSettings {
    fn default() -> Self {
        Self { loss_percent: 5 }
    }
}

/// What sign-up asks beyond code, 記号, 番号, birth date and name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignUpSettings {
    /// Asks 社員番号 too.
    pub employee_number: bool,
}

/// The floor of password lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PasswordSettings {
    /// Characters, 8–64.
    pub minimum_length: usize,
}

impl PasswordSettings {
    /// The manual's floor, and the longest floor that people can still be asked for.
    pub const RANGE: std::ops::RangeInclusive<usize> = 8..=64;
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            minimum_length: *Self::RANGE.start(),
        }
    }
}

/// How long a log-in lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionSettings {
    /// Minutes without a request after which a session ends, 5–30.
    pub idle_minutes: u32,
    /// Hours after which a session ends in any case, 1–12.
    pub absolute_hours: u32,
}

impl SessionSettings {
    /// Minutes; the platform's ceiling for members (security.md) is its end.
    pub const IDLE_MINUTES: std::ops::RangeInclusive<u32> = 5..=30;
    /// Hours; likewise.
    pub const ABSOLUTE_HOURS: std::ops::RangeInclusive<u32> = 1..=12;

    /// [`Self::idle_minutes`] as a span.
    pub fn idle(&self) -> Duration {
        Duration::from_mins(self.idle_minutes.into())
    }

    /// [`Self::absolute_hours`] as a span.
    pub fn absolute(&self) -> Duration {
        Duration::from_hours(self.absolute_hours.into())
    }
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            idle_minutes: *Self::IDLE_MINUTES.end(),
            absolute_hours: *Self::ABSOLUTE_HOURS.end(),
        }
    }
}

/// From whom mails come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderSettings {
    /// The display name.
    pub name: String,
    /// The address.
    #[serde(with = "email_address")]
    pub address: EmailAddress,
}

impl Default for SenderSettings {
    #[expect(clippy::expect_used, reason = "a literal that a test parses")]
    fn default() -> Self {
        Self {
            name: "窓口 Madoguchi".into(),
            address: EmailAddress::parse("no-reply@madoguchi.example").expect("an address"),
        }
    }
}

/// E-mail addresses in JSON: parsed on the way in.
pub(crate) mod email_address {
    use super::{Deserialize, Deserializer, EmailAddress, Serializer};

    pub(crate) fn serialize<S: Serializer>(address: &EmailAddress, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(address.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EmailAddress, D::Error> {
        let text = String::deserialize(deserializer)?;
        EmailAddress::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The same where there may be none.
pub(crate) mod optional_email_address {
    use super::{Deserialize, Deserializer, EmailAddress, Serializer};

    #[expect(clippy::ref_option, reason = "the shape that serde asks for")]
    pub(crate) fn serialize<S: Serializer>(address: &Option<EmailAddress>, serializer: S) -> Result<S::Ok, S::Error> {
        match address {
            Some(address) => serializer.serialize_some(address.as_str()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EmailAddress>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| EmailAddress::parse(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}
