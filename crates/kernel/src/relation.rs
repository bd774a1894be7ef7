//! 続柄: what a person is to the insured one, read from the words that rosters write. What the law asks of a relation
//! (living together, how near) is decided by whoever needs it; here each word only gets its meaning.

mod words;

use crate::text;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::LazyLock};
use unicode_normalization::UnicodeNormalization as _;
use words::WORDS;

/// No relation takes more to say; brackets and の within it are taken apart one by one.
const MAX_CHARS: usize = 40;

macro_rules! relations {
    ($($(#[$doc:meta])* $relation:ident = $word:literal,)*) => {
        /// What a person in the roster is to the insured one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Relation {
            $($(#[$doc])* #[serde(rename = $word)] $relation,)*
        }

        impl Relation {
            /// All of them, the nearest first.
            pub const ALL: &'static [Self] = &[$(Self::$relation),*];

            /// The spelling in tenant.toml and the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$relation => $word),* }
            }
        }
    };
}

relations! {
    /// 本人: the insured person.
    Principal = "self",
    /// 配偶者.
    Spouse = "spouse",
    /// 事実婚の配偶者: 妻（未届）, 内縁の夫.
    CommonLawSpouse = "common_law_spouse",
    /// 子, by birth or adoption.
    Child = "child",
    /// 配偶者の子, not adopted: 連れ子.
    Stepchild = "stepchild",
    /// 子の配偶者.
    ChildInLaw = "child_in_law",
    /// 孫.
    Grandchild = "grandchild",
    /// 曾孫.
    GreatGrandchild = "great_grandchild",
    /// 父母, by birth or adoption.
    Parent = "parent",
    /// 父母の配偶者: 継父, 継母.
    StepParent = "step_parent",
    /// 配偶者の父母.
    ParentInLaw = "parent_in_law",
    /// 祖父母.
    Grandparent = "grandparent",
    /// 配偶者の祖父母.
    GrandparentInLaw = "grandparent_in_law",
    /// 曾祖父母, and whoever stands above them.
    GreatGrandparent = "great_grandparent",
    /// 兄弟姉妹.
    Sibling = "sibling",
    /// 兄弟姉妹の配偶者, 配偶者の兄弟姉妹.
    SiblingInLaw = "sibling_in_law",
    /// 伯父, 叔母.
    UncleAunt = "uncle_aunt",
    /// 甥, 姪.
    NephewNiece = "nephew_niece",
    /// Somebody else of the household, related or not.
    Other = "other",
    /// A word that nobody has explained.
    Unknown = "unknown",
}

impl Relation {
    /// Reads [`Self::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|relation| relation.as_str() == word)
    }

    /// What a word of a roster means, as far as everybody writes it so ([`RelationWords`] has what an insurer adds).
    pub fn read(written: &str) -> Self {
        RelationWords::default().read(written)
    }

    /// `of` this one's: the 妻 of a 子 is a child-in-law, as certificates of residence write it (子の妻).
    fn then(self, of: Self) -> Self {
        match (self, of) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Principal, other) => other,
            (Self::CommonLawSpouse, Self::Spouse) => Self::CommonLawSpouse,
            (Self::Spouse, Self::Child | Self::Stepchild) => Self::Stepchild,
            (Self::Spouse, Self::Parent) => Self::ParentInLaw,
            (Self::Spouse, Self::Grandparent) => Self::GrandparentInLaw,
            (Self::Spouse, Self::Sibling) | (Self::Sibling, Self::Spouse) => Self::SiblingInLaw,
            (Self::Child, Self::Spouse) => Self::ChildInLaw,
            (Self::Child, Self::Child) => Self::Grandchild,
            (Self::Grandchild, Self::Child) => Self::GreatGrandchild,
            (Self::Parent, Self::Spouse) => Self::StepParent,
            (Self::Parent, Self::Parent) => Self::Grandparent,
            (Self::Parent, Self::Sibling) => Self::UncleAunt,
            (Self::Grandparent, Self::Parent) => Self::GreatGrandparent,
            (Self::Sibling, Self::Child) => Self::NephewNiece,
            _ => Self::Other,
        }
    }
}

/// The words of one insurer before those of everybody: codes, and what it calls an insured person (`[relations]` of its
/// tenant.toml).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationWords(HashMap<String, Relation>);

impl RelationWords {
    /// An insurer's own words.
    pub fn new<'a>(own: impl IntoIterator<Item = (&'a str, Relation)>) -> Self {
        Self(
            own.into_iter()
                .map(|(word, relation)| (Self::key(word), relation))
                .collect(),
        )
    }

    /// What two writings of a word share: width, script, small kana, blanks and invisible marks set aside.
    pub fn key(written: &str) -> String {
        text::visible(written)
            .nfkc()
            .filter(|c| !c.is_whitespace())
            .map(|c| text::large_kana(text::hiragana_to_katakana(c)))
            .collect()
    }

    /// What the word means here.
    pub fn read(&self, written: &str) -> Relation {
        // Nearly every row holds one of a few words in their usual writing.
        if self.0.is_empty()
            && let Some(relation) = WRITTEN.get(written)
        {
            return *relation;
        }
        let key = Self::key(written);
        if key.chars().count() > MAX_CHARS {
            return Relation::Unknown;
        }
        self.read_key(&key)
    }

    fn read_key(&self, key: &str) -> Relation {
        self.known(key)
            .or_else(|| self.bracketed(key))
            .or_else(|| self.numbered(key))
            .or_else(|| self.composed(key))
            .unwrap_or(Relation::Unknown)
    }

    fn known(&self, key: &str) -> Option<Relation> {
        self.0.get(key).or_else(|| KEYS.get(key)).copied()
    }

    /// 妻(未届), 家族(長男), 子(男): what stands in brackets says it more exactly, or nothing about it. That a mother is
    /// the 世帯主 makes nobody else of her.
    fn bracketed(&self, key: &str) -> Option<Relation> {
        let (outer, inner) = key.strip_suffix(')')?.rsplit_once('(')?;
        Some(match (self.read_key(outer), self.read_key(inner)) {
            (outer, Relation::Unknown) => outer,
            (Relation::Unknown | Relation::Other, inner) => inner,
            (outer, Relation::Principal | Relation::Other) => outer,
            (_, inner) => inner,
        })
    }

    /// 三男, 第2子, 3女, and 子2, 孫01 where cores count their rows; A1 is no A, but a code of its own.
    fn numbered(&self, key: &str) -> Option<Relation> {
        const NUMERALS: &str = "0123456789一二三四五六七八九十";
        let is_numeral = |c: char| NUMERALS.contains(c);
        let rest = key.strip_prefix('第').unwrap_or(key);
        if matches!(rest.trim_start_matches(is_numeral), "男" | "女" | "子") && rest.starts_with(is_numeral) {
            return Some(Relation::Child);
        }
        let word = key.trim_end_matches(is_numeral);
        self.known(word).filter(|_| !word.ends_with(|c: char| c.is_ascii()))
    }

    /// 子の妻, 妻の母, 長男の長女.
    fn composed(&self, key: &str) -> Option<Relation> {
        let (first, last) = key.rsplit_once('ノ')?;
        Some(self.read_key(first).then(self.read_key(last)))
    }
}

static WRITTEN: LazyLock<HashMap<&'static str, Relation>> = LazyLock::new(|| words().collect());
static KEYS: LazyLock<HashMap<String, Relation>> = LazyLock::new(|| {
    words()
        .map(|(word, relation)| (RelationWords::key(word), relation))
        .collect()
});

fn words() -> impl Iterator<Item = (&'static str, Relation)> {
    WORDS
        .iter()
        .flat_map(|(relation, words)| words.split_whitespace().map(|word| (word, *relation)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_words_of_rosters_are_known() {
        for (words, relation) in [
            (
                "本人 ほんにん ﾎﾝﾆﾝ 被保険者 組合員 世帯主 本人(任継) 被保険者（本人）",
                Relation::Principal,
            ),
            ("妻 夫 配偶者 つま ｵｯﾄ ｵﾂﾄ 家族(妻) 本人の妻", Relation::Spouse),
            (
                "妻(未届) 夫（未届） 未届の妻 内縁 内縁の夫 妻(内縁) 事実婚",
                Relation::CommonLawSpouse,
            ),
            (
                "子 長男 長女 二男 次男 ２男 三女 第二子 十男 養子 養女 ちょうなん ﾁﾖｳｼﾞﾖ 子2 子(男)",
                Relation::Child,
            ),
            ("妻の子 夫の連れ子 連れ子 配偶者の子", Relation::Stepchild),
            ("子の妻 長男の妻 嫁 婿 義理の娘", Relation::ChildInLaw),
            ("孫 まご 長男の長女 子の子 孫(女)", Relation::Grandchild),
            ("曾孫 曽孫 ひ孫 孫の子", Relation::GreatGrandchild),
            ("父 母 ちち ﾊﾊ 養父 養母 実父 父（世帯主）", Relation::Parent),
            ("継父 父の妻", Relation::StepParent),
            ("義父 義母 妻の父 夫の母 配偶者の母 義理の父", Relation::ParentInLaw),
            ("祖父 祖母 母の父", Relation::Grandparent),
            ("妻の祖母 義祖父", Relation::GrandparentInLaw),
            ("曾祖父 曽祖母 祖父の父", Relation::GreatGrandparent),
            ("兄 弟 姉 妹 兄弟姉妹 いもうと", Relation::Sibling),
            ("義兄 兄の妻 夫の弟", Relation::SiblingInLaw),
            ("伯父 叔母 おじ 父の弟", Relation::UncleAunt),
            ("甥 姪 弟の子", Relation::NephewNiece),
            ("その他 従兄弟 同居人 妻の甥", Relation::Other),
            ("不明 01 ホゲ 隣の妻 妻の隣 のの の () 男", Relation::Unknown),
        ] {
            for word in words.split(' ') {
                assert_eq!(Relation::read(word), relation, "{word}");
            }
        }
        assert_eq!(Relation::read(" 本　人\u{200B} "), Relation::Principal);
    }

    #[test]
    fn an_insurers_own_words_come_first() {
        let words = RelationWords::new([("01", Relation::Principal), ("世帯主", Relation::Other)]);
        assert_eq!(words.read("０１"), Relation::Principal);
        assert_eq!(words.read("世帯主"), Relation::Other);
        assert_eq!(words.read("妻"), Relation::Spouse);
        assert_eq!(words.read("02"), Relation::Unknown);
    }

    #[test]
    fn no_word_has_two_meanings() {
        let mut seen = HashMap::new();
        for (word, relation) in words() {
            let before = seen.insert(RelationWords::key(word), relation);
            assert!(before.is_none_or(|before| before == relation), "{word}");
        }
    }

    #[test]
    fn every_relation_reads_back() {
        for relation in Relation::ALL {
            assert_eq!(Relation::from_word(relation.as_str()), Some(*relation));
        }
    }

    proptest! {
        #[test]
        fn no_word_panics_and_its_writing_does_not_matter(word in "[妻夫子の父長男本人未届第二0-9()（） ァ-ンぁ-ん\u{200B}]{0,12}") {
            let relation = Relation::read(&word);
            prop_assert_eq!(Relation::read(&RelationWords::key(&word)), relation);
            prop_assert_eq!(Relation::read(&format!("　{word} ")), relation);
        }
    }
}
