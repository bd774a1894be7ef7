//! Roles: what a person is given.

/// A role: a set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// 管理者. Runs the insurer's portal; sees no medical data by it.
    Administrator,
    /// 資格担当. Roster, members, protection.
    Eligibility,
    /// 給付担当. Claims, payments and whatever is medical.
    Benefits,
    /// 審査（一次）. Reviews first.
    FirstReview,
    /// 審査（二次）. Reviews what was reviewed.
    SecondReview,
    /// 保健事業担当. Health programmes.
    Health,
    /// お知らせ編集. Writes and publishes notices.
    NoticeEditor,
    /// 閲覧のみ. Looks and changes nothing.
    Viewer,
    /// 監査. Reads the trail.
    Auditor,
    /// コールセンター. Answers members on the phone.
    CallCentre,
    /// 書類確認（委託先）. An agency that checks papers.
    DocumentChecker,
    /// 事業所担当. Somebody of an employer, for their own workplaces.
    Workplace,
    /// 運営サポート. The platform's, let in for hours by an administrator.
    Support,
    /// 運用者. The platform's own; in tenant 0 alone.
    Operator,
}

impl Role {
    /// All, as they are listed.
    pub const ALL: [Self; 14] = [
        Self::Administrator,
        Self::Eligibility,
        Self::Benefits,
        Self::FirstReview,
        Self::SecondReview,
        Self::Health,
        Self::NoticeEditor,
        Self::Viewer,
        Self::Auditor,
        Self::CallCentre,
        Self::DocumentChecker,
        Self::Workplace,
        Self::Support,
        Self::Operator,
    ];

    /// The word in policies, rows and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Eligibility => "eligibility",
            Self::Benefits => "benefits",
            Self::FirstReview => "first_review",
            Self::SecondReview => "second_review",
            Self::Health => "health",
            Self::NoticeEditor => "notice_editor",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::CallCentre => "call_centre",
            Self::DocumentChecker => "document_checker",
            Self::Workplace => "workplace",
            Self::Support => "support",
            Self::Operator => "operator",
        }
    }

    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::Administrator => "管理者",
            Self::Eligibility => "資格担当",
            Self::Benefits => "給付担当",
            Self::FirstReview => "審査（一次）",
            Self::SecondReview => "審査（二次）",
            Self::Health => "保健事業担当",
            Self::NoticeEditor => "お知らせ編集",
            Self::Viewer => "閲覧のみ",
            Self::Auditor => "監査",
            Self::CallCentre => "コールセンター",
            Self::DocumentChecker => "書類確認（委託先）",
            Self::Workplace => "事業所担当",
            Self::Support => "運営サポート",
            Self::Operator => "運用者",
        }
    }

    /// Reads its word.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// True for what an insurer's administrator may give; 運営サポート comes by a grant alone, 運用者 is the platform's.
    pub fn is_given(self) -> bool {
        !matches!(self, Self::Support | Self::Operator)
    }
}
