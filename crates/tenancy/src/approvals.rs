//! What takes a second pair of eyes: the actions that an insurer can put under it, each by itself.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that one person alone may not do where it is under four eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalAction {
    /// Publish a revision of the terms.
    Terms,
    /// Publish a notice.
    Notice,
    /// Publish a delivery of statements that one has imported oneself.
    Statements,
    /// Take a file with people in it along.
    Export,
    /// Give a role by which one administers, sees what is medical, or agrees, or take a colleague's away.
    Grant,
    /// Import a roster by which more people than usual lose their coverage.
    ImportLoss,
    /// Take a colleague's second factors away.
    ResetFactor,
    /// Mend a birth date.
    BirthDate,
    /// Set the address of a member's account.
    MemberMail,
    /// Lift a protection.
    LiftProtection,
    /// Record that an account's owner was identified.
    Proof,
    /// Take one of the others out of four eyes. Always under them itself, so it is no setting.
    SwitchOff,
}

impl ApprovalAction {
    /// Those that an insurer switches.
    pub const SWITCHED: [Self; 11] = [
        Self::Grant,
        Self::ResetFactor,
        Self::LiftProtection,
        Self::Proof,
        Self::Export,
        Self::ImportLoss,
        Self::BirthDate,
        Self::MemberMail,
        Self::Notice,
        Self::Statements,
        Self::Terms,
    ];

    /// Its word in settings, rows and the trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Notice => "notice",
            Self::Statements => "statements",
            Self::Export => "export",
            Self::Grant => "grant",
            Self::ImportLoss => "import_loss",
            Self::ResetFactor => "reset_factor",
            Self::BirthDate => "birth_date",
            Self::MemberMail => "member_mail",
            Self::LiftProtection => "lift_protection",
            Self::Proof => "proof",
            Self::SwitchOff => "switch_off",
        }
    }

    /// Reads its word.
    pub fn read(word: &str) -> Option<Self> {
        let all = Self::SWITCHED.into_iter().chain([Self::SwitchOff]);
        all.into_iter().find(|action| action.as_str() == word)
    }

    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::Terms => "規約の公開",
            Self::Notice => "お知らせの公開",
            Self::Statements => "医療費通知などの公開",
            Self::Export => "個人情報のファイルの取り出し",
            Self::Grant => "管理者・給付担当など、重い役割の変更",
            Self::ImportLoss => "資格喪失が多い名簿の取り込み",
            Self::ResetFactor => "職員の2つ目の確認の取り消し",
            Self::BirthDate => "生年月日の訂正",
            Self::MemberMail => "加入者のメールアドレスの設定",
            Self::LiftProtection => "保護の解除",
            Self::Proof => "本人確認の記録",
            Self::SwitchOff => "承認の設定の取りやめ",
        }
    }

    /// True for what is under four eyes wherever two can agree, unless the insurer says otherwise.
    pub fn is_usual(self) -> bool {
        matches!(
            self,
            Self::Grant | Self::ResetFactor | Self::LiftProtection | Self::Proof | Self::SwitchOff
        )
    }
}

/// What an insurer has said of them; of what is not here nothing was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Approvals(BTreeMap<ApprovalAction, bool>);

impl Approvals {
    /// What was said of one.
    pub fn said(&self, action: ApprovalAction) -> Option<bool> {
        self.0.get(&action).copied()
    }

    /// Says it of one.
    pub fn say(&mut self, action: ApprovalAction, is_on: bool) {
        self.0.insert(action, is_on);
    }

    /// All that was said, in one order.
    pub fn all(&self) -> impl Iterator<Item = (ApprovalAction, bool)> {
        self.0.iter().map(|(action, is_on)| (*action, *is_on))
    }
}

impl FromIterator<(ApprovalAction, bool)> for Approvals {
    fn from_iter<I: IntoIterator<Item = (ApprovalAction, bool)>>(said: I) -> Self {
        Self(said.into_iter().collect())
    }
}
