//! Scopes: what a program may do, as an operation of the API asks for it and a grant lists it.
//!
//! They stand in the policy's model beside staff's permissions: whoever holds a scope is a subject `client:<scope>`, and its
//! lines in `policy/scopes.csv` say which scopes it is let in by.

/// What a program may do, as `area.verb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    word: &'static str,
    area: &'static str,
    label: &'static str,
    words: &'static str,
}

impl Scope {
    const fn new(word: &'static str, area: &'static str, label: &'static str, words: &'static str) -> Self {
        Self {
            word,
            area,
            label,
            words,
        }
    }

    /// As rows, tokens and requests have it.
    pub fn as_str(self) -> &'static str {
        self.word
    }

    /// Under what it stands in a list for people, in Japanese.
    pub fn area(self) -> &'static str {
        self.area
    }

    /// What it allows, for people, in Japanese.
    pub fn label(self) -> &'static str {
        self.label
    }

    /// What it allows, for who writes programs.
    pub fn words(self) -> &'static str {
        self.words
    }

    /// Reads its word.
    pub fn read(word: &str) -> Option<Self> {
        SCOPES.into_iter().find(|scope| scope.word == word)
    }

    /// Who holds it, as the policy's lines name them.
    pub(crate) fn subject(self) -> String {
        format!("{SUBJECT}{}", self.word)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word)
    }
}

/// What a program's subjects begin with.
pub(crate) const SUBJECT: &str = "client:";

macro_rules! scopes {
    ($($name:ident = $word:literal $area:literal $label:literal $words:literal;)*) => {
        $(
            #[doc = $words]
            pub const $name: Scope = Scope::new($word, $area, $label, $words);
        )*

        /// Every scope, as they are listed.
        pub const SCOPES: [Scope; [$($word),*].len()] = [$($name),*];
    };
}

scopes! {
    INSURER_READ = "insurer.read" "保険者" "保険者と接続の内容を見る" "The insurer, and the client's own grant.";
    MEMBERS_READ = "members.read" "加入者" "加入者を見る" "Read people of the roster.";
    MEMBERS_WRITE = "members.write" "加入者" "加入者を登録・変更する" "Add, change and end people of the roster.";
    REGISTRATIONS_READ = "registrations.read" "加入者" "利用登録の状況を見る" "Who has registered, and when.";
    REGISTRATIONS_IDENTITY_READ = "registrations.identity.read" "加入者" "登録されたユーザーIDとメールアドレスを見る"
        "User IDs and mail addresses of who has registered.";
    COVERAGE_READ = "coverage.read" "加入者" "資格の状態を見る" "Whether and until when somebody is covered.";
    CONSENTS_READ = "consents.read" "加入者" "利用規約への同意を見る" "Who has agreed to what.";
    PROTECTED_READ = "protected.read" "加入者" "保護されている方も対象にする"
        "Protected people, too, by what the other scopes allow.";
    IMPORTS_READ = "imports.read" "名簿の取り込み" "名簿の取り込みの状況を見る" "Imports of the roster, and what became of them.";
    IMPORTS_WRITE = "imports.write" "名簿の取り込み" "名簿を取り込む" "Import a roster.";
    NOTICES_READ = "notices.read" "お知らせ" "お知らせを見る" "Read notices and how often they were read.";
    NOTICES_WRITE = "notices.write" "お知らせ" "お知らせを作成・掲載する"
        "Write, publish and withdraw notices: its own, and those of staff and of other programs, drafts too.";
    STATEMENTS_READ = "statements.read" "医療費・お薬" "提供分の状況を見る" "Deliveries of statements, without anybody's rows.";
    STATEMENTS_IMPORT = "statements.import" "医療費・お薬" "提供分を取り込む" "Import a delivery of statements.";
    STATEMENTS_PUBLISH = "statements.publish" "医療費・お薬" "提供分を公開・取り下げる"
        "Publish a delivery of statements, and withdraw it.";
    DISCLOSURES_WRITE = "disclosures.write" "医療費・お薬" "表示の希望を変える" "Say who sees somebody's statements.";
    MAIL_READ = "mail.read" "記録" "メールの送信の状況を見る" "Whether mails arrived.";
    AUDIT_READ = "audit.read" "記録" "監査記録を見る" "Read the trail.";
    WEBHOOKS_MANAGE = "webhooks.manage" "接続先" "通知の接続先を設定する" "Set where events are sent to.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_scope_is_read_by_its_word_and_no_word_stands_for_two() {
        let words: BTreeSet<_> = SCOPES.into_iter().map(Scope::as_str).collect();
        assert_eq!(words.len(), SCOPES.len());
        for scope in SCOPES {
            assert_eq!(Scope::read(scope.as_str()), Some(scope));
            assert!(!scope.label().is_empty() && scope.words().ends_with('.'), "{scope}");
        }
        for other in ["", "members", "members.read ", "Members.read", "members.reads"] {
            assert_eq!(Scope::read(other), None, "{other}");
        }
    }
}
