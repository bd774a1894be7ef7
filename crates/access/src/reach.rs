//! Over whom what somebody may do reaches.

/// Over whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everybody of the insurer.
    All,
    /// The people of these workplaces: by 記号 as it is folded for matching, or by 事業所コード.
    Workplaces {
        /// Folded 記号.
        symbols: Vec<String>,
        /// 事業所コード.
        codes: Vec<String>,
    },
}
