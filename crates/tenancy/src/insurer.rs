//! An insurer as every other crate sees it, and the small vocabularies of its settings. Read from the directory only;
//! nothing here is changed in place.

use crate::{
    Approvals, Brand, ContactDesk, PasswordSettings, RosterSettings, SenderSettings, SessionSettings, Settings,
    SharedNetwork, SignUpSettings, StatementSettings,
};
use chrono::{DateTime, Utc};
use kernel::{InsurerCode, RelationWords, TenantId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// One insurer at one revision of its settings; tenant 0 is the platform itself.
#[derive(Debug, Clone)]
pub struct Insurer {
    /// Whose rows.
    pub tenant_id: TenantId,
    /// 保険者指定コード; none for the platform.
    pub code: Option<InsurerCode>,
    /// 奈良県市町村職員共済組合.
    pub name: String,
    /// The name in katakana.
    pub kana: String,
    /// Which law it stands under.
    pub kind: InsurerKind,
    /// True of a sandbox, for those who make programs: its people are invented, and its mails are kept instead of sent.
    pub is_sandbox: bool,
    /// Open, or suspended by an operator.
    pub state: InsurerState,
    /// Counts the changes of its settings; 0 before the first.
    pub revision: i64,
    /// Who runs the service, as the terms name it; the platform's alone.
    pub operator: Option<String>,
    /// Its colours, made readable.
    pub brand: Brand,
    /// Its logo; the bytes are read by hash ([`crate::logos::logo`]).
    pub logo: Option<LogoHead>,
    /// お問い合わせ先.
    pub desk: ContactDesk,
    /// What the my page offers.
    pub modules: Features,
    /// What takes a second pair of eyes, where it said so.
    pub approvals: Approvals,
    /// What the words for 続柄 mean in its rosters.
    pub relations: RelationWords,
    /// What an import of its roster is held to.
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
    /// From whom its mails come.
    pub sender: SenderSettings,
    /// True where it has bought the points service.
    pub points: bool,
    /// Days of read-only access after loss of coverage.
    pub after_loss_days: u16,
    /// Where its members find 記号・番号, the likeliest first.
    pub member_documents: Vec<MemberDocument>,
    /// Its own terms: every revision, published or to come.
    pub terms: Vec<TermsHead>,
}

impl Insurer {
    /// An insurer from its stored settings. Colours are derived anew each time, never trusted from storage.
    pub fn new(
        tenant_id: TenantId,
        code: Option<InsurerCode>,
        state: InsurerState,
        revision: i64,
        settings: Settings,
    ) -> Self {
        Self {
            tenant_id,
            code,
            name: settings.name,
            kana: settings.kana,
            kind: settings.kind,
            is_sandbox: settings.sandbox,
            state,
            revision,
            operator: settings.operator,
            brand: Brand::new(settings.brand_color),
            logo: settings.logo,
            desk: settings.desk,
            modules: settings.modules,
            approvals: settings.approvals,
            relations: RelationWords::new(
                settings
                    .relations
                    .iter()
                    .map(|(word, relation)| (word.as_str(), *relation)),
            ),
            roster: settings.roster,
            statements: settings.statements,
            sign_up: settings.sign_up,
            password: settings.password,
            session: settings.session,
            networks: settings.networks,
            sender: settings.sender,
            points: settings.points,
            after_loss_days: settings.after_loss_days,
            member_documents: settings.member_documents,
            terms: settings.terms,
        }
    }

    /// True unless an operator suspended it.
    pub fn is_open(&self) -> bool {
        self.state == InsurerState::Open
    }

    /// True where members read their statements of costs here, as far as their time after a loss of coverage goes.
    pub fn has_statements(&self) -> bool {
        self.modules.is_open(Feature::CostStatements)
    }

    /// How many times more may be tried from an address at this insurer's door, where its members share the network.
    pub fn factor(&self, address: IpAddr) -> Option<u32> {
        self.networks
            .iter()
            .find(|network| network.cidr.contains(&address))
            .map(|network| network.factor)
    }

    /// True for tenant 0.
    pub fn is_platform(&self) -> bool {
        self.tenant_id == TenantId::PLATFORM
    }
}

/// Defines an enum whose values have one spelling in tenant.toml, the database and the API.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal $label:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$value_doc])* #[serde(rename = $word)] $value,)*
        }

        impl $name {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$value),*];

            /// The spelling in tenant.toml, the database and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),* }
            }

            /// The word on pages.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$value => $label),* }
            }

            /// Reads [`Self::as_str`].
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

words! {
    /// Which law an insurer stands under.
    InsurerKind {
        /// 健康保険組合 (健康保険法).
        HealthInsurance = "health_insurance" "健康保険組合",
        /// 共済組合.
        MutualAid = "mutual_aid" "共済組合",
        /// 国民健康保険組合: everyone is an insured person, a household shares its number, there are no dependants.
        NationalHealth = "national_health" "国民健康保険組合",
        /// Tenant 0, which insures nobody.
        Platform = "platform" "窓口",
    }
}

words! {
    /// Whether an insurer's members are let in.
    InsurerState {
        /// In service.
        Open = "open" "利用中",
        /// Closed by an operator; nothing is lost.
        Suspended = "suspended" "停止中",
    }
}

words! {
    /// A document on which a member finds 記号・番号. No card is valid any more (domain.md §3).
    MemberDocument {
        /// マイナポータル.
        MynaPortal = "myna_portal" "マイナポータル",
        /// 資格情報のお知らせ.
        EligibilityNotice = "eligibility_notice" "資格情報のお知らせ",
        /// 資格確認書.
        EligibilityCertificate = "eligibility_certificate" "資格確認書",
    }
}

words! {
    /// Which of several generics a saving is reckoned against, and so what may be said of it.
    SavingBasis {
        /// The cheapest: so much at most.
        Most = "most" "最大",
        /// The dearest that is cheaper: so much at the least.
        Least = "least" "少なくとも",
    }
}

words! {
    /// Who sees the statements of somebody of a family who has said nothing.
    FamilyDefault {
        /// The insured person, too, whose family they are of.
        Household = "household" "ご家族にも表示する",
        /// Nobody but themselves; of a child the insured person.
        SelfOnly = "self_only" "本人だけに表示する",
    }
}

words! {
    /// What the insured person sees of somebody who is their dependant no more.
    FormerDependants {
        /// The months in which they were.
        Show = "show" "表示する",
        /// Nothing.
        Hide = "hide" "表示しない",
    }
}

words! {
    /// The 医療費通知 that an insurer gives for the tax return (医療費控除): a member's own print is none.
    OfficialNotice {
        /// None of its own: receipts, or マイナポータル.
        None = "none" "お送りしていない",
        /// On paper, each January.
        Paper = "paper" "1月下旬に書面でお送りする",
    }
}

words! {
    /// A module of the my page, in the order of the manual's menu (1-7).
    Feature {
        /// 被扶養者資格調査.
        Survey = "survey" "被扶養者資格調査",
        /// インフルエンザ補助金申請.
        FluSubsidy = "flu_subsidy" "インフルエンザ補助金申請",
        /// WEB申請.
        Applications = "applications" "WEB申請",
        /// 被扶養者連絡先登録.
        Contacts = "contacts" "被扶養者連絡先登録",
        /// 医療費通知.
        CostStatements = "cost_statements" "医療費通知",
        /// 上手な医療のかかり方.
        MedicalGuide = "medical_guide" "上手な医療のかかり方",
        /// ジェネリック差額明細.
        GenericSavings = "generic_savings" "ジェネリック差額明細",
        /// 上手なお薬との付き合い.
        MedicineGuide = "medicine_guide" "上手なお薬との付き合い",
    }
}

impl Feature {
    /// True where its crate exists; the others can only be prepared for.
    pub const fn is_built(self) -> bool {
        matches!(
            self,
            Self::CostStatements | Self::MedicalGuide | Self::GenericSavings | Self::MedicineGuide
        )
    }
}

words! {
    /// What the my page does with a module.
    FeatureState {
        /// In use.
        Open = "open" "利用できます",
        /// Shown as 準備中.
        Preparing = "preparing" "準備中",
        /// Not shown.
        Hidden = "hidden" "表示しない",
    }
}

/// The state of each module as the insurer wishes it; what it does not name is hidden.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Features(BTreeMap<Feature, FeatureState>);

impl Features {
    /// The state in effect: a module without a crate shows as being prepared, whatever the insurer wishes.
    pub fn state(&self, module: Feature) -> FeatureState {
        match self.wished(module) {
            FeatureState::Open if !module.is_built() => FeatureState::Preparing,
            wished => wished,
        }
    }

    /// True where it is in use.
    pub fn is_open(&self, module: Feature) -> bool {
        self.state(module) == FeatureState::Open
    }

    /// The state in the insurer's settings.
    pub fn wished(&self, module: Feature) -> FeatureState {
        self.0.get(&module).copied().unwrap_or(FeatureState::Hidden)
    }

    /// Features that are wished open and have no crate yet.
    pub fn not_built(&self) -> impl Iterator<Item = Feature> + '_ {
        let open = |module: &Feature| self.wished(*module) == FeatureState::Open;
        Feature::ALL
            .iter()
            .copied()
            .filter(|module| !module.is_built())
            .filter(open)
    }
}

impl FromIterator<(Feature, FeatureState)> for Features {
    fn from_iter<I: IntoIterator<Item = (Feature, FeatureState)>>(states: I) -> Self {
        Self(states.into_iter().collect())
    }
}

/// A logo without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoHead {
    /// SHA-256 of the PNG, in hex: its address, so that it may be cached for ever.
    pub hash: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A revision of a terms document without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsHead {
    /// `service`, `points` (the platform's) or `addendum` (an insurer's).
    pub document: String,
    /// From 1, without gaps.
    pub revision: i32,
    /// As members see it.
    pub title: String,
    /// Midnight in Japan of its first day.
    pub effective_at: DateTime<Utc>,
    /// SHA-256 of title, first day, changes and text, in hex: what a consent names.
    pub content_hash: String,
    /// False where whoever accepted the revision before need not accept this one.
    #[serde(default = "asked_again", skip_serializing_if = "Clone::clone")]
    pub agree_again: bool,
}

/// What stands in heads that say nothing of it.
fn asked_again() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_crate_shows_as_being_prepared_and_is_named() {
        let modules: Features = [
            (Feature::Survey, FeatureState::Open),
            (Feature::MedicalGuide, FeatureState::Open),
            (Feature::Contacts, FeatureState::Hidden),
        ]
        .into_iter()
        .collect();
        assert_eq!(modules.state(Feature::Survey), FeatureState::Preparing);
        assert_eq!(modules.state(Feature::MedicalGuide), FeatureState::Open);
        assert_eq!(modules.state(Feature::Contacts), FeatureState::Hidden);
        assert_eq!(modules.state(Feature::FluSubsidy), FeatureState::Hidden);
        assert_eq!(modules.not_built().collect::<Vec<_>>(), [Feature::Survey]);
    }
}
