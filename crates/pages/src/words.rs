//! What is wrong with a field, in Japanese. Each text says what to do next, with the field's label in it; none blames
//! (ui/guide.md §2). Why something was refused, its reason itself says.

use accounts::PasswordRule;
use kernel::{Field, FieldError, PasswordFlaws, PasswordPart, Problem, UserId, Way, text};
use tenancy::{Insurer, InsurerKind};

pub use kernel::text::grouped;

/// A part of a whole: 「48.3％」; 「－」 of nothing.
pub fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "－".into();
    }
    let tenths = part.saturating_mul(1000) / whole;
    format!("{}.{}％", tenths / 10, tenths % 10)
}

/// A program that is known by name: 「連携先「基幹システム」」.
pub fn client(name: &str) -> String {
    format!("連携先「{name}」")
}

/// What is said on everything of a sandbox; nothing of any other insurer's.
pub fn sandbox(insurer: &Insurer) -> Option<&'static str> {
    let text = "お試し環境です。実在する方の情報は入力しないでください。";
    insurer.is_sandbox.then_some(text)
}

/// What is said where a mail would have been sent: at a sandbox none is.
pub const KEPT_MAIL: &str = "お試し環境のため、メールは送られません。管理画面の「お試し環境のメール」で読めます。";

/// What is said of a mail that was just sent.
pub fn mailed(insurer: &Insurer, sent: &str) -> String {
    let said = if insurer.is_sandbox { KEPT_MAIL } else { sent };
    said.to_owned()
}

/// What to mend in a field.
pub fn problem(error: &FieldError) -> String {
    let FieldError { field, problem } = error;
    let label = &field.label;
    match problem {
        Problem::Empty => field
            .empty
            .map_or_else(|| format!("{label}を入力してください"), Into::into),
        Problem::TooShort { min } => format!("{label}は{min}文字以上で入力してください"),
        Problem::TooLong { max } => format!("{label}は{max}文字以内で入力してください"),
        Problem::Characters | Problem::DateShape => characters(field),
        Problem::BeforeOther { label: other, .. } => field.characters.map_or_else(
            || format!("{label}は、{other}と同じか、それより後のものを入力してください"),
            Into::into,
        ),
        Problem::Character(stray) => format!("{}は使えません。{}", named(*stray), characters(field)),
        Problem::Unread(part) => format!("「{part}」は読み取れません。{}", characters(field)),
        Problem::MyNumber => {
            format!(
                "{label}の欄の12桁の数字は、マイナンバーのようです。書面の「{label}」に書かれている数字を入力してください"
            )
        }
        Problem::CodeLength => format!("{label}は、8桁または6桁の数字で入力してください"),
        Problem::CheckDigit => format!("{label}の数字が違うようです。ご案内の番号をもう一度お確かめください"),
        Problem::Unregistered => {
            format!("この{label}は、この窓口ではまだ使われていません。ご案内の番号をもう一度お確かめください")
        }
        Problem::NotKana => format!("{label}は、ひらがなかカタカナで入力してください"),
        Problem::DateIncomplete => format!("{label}の年・月・日を、3つとも選んでください"),
        Problem::ImpossibleDate { month, last_day } => {
            format!("{month}月は{last_day}日までです。{label}を直してください")
        }
        Problem::ImpossibleMonth => format!("月は1から12までです。{label}を直してください"),
        Problem::DateOutOfRange => format!("{label}は、今日より前の日付を選んでください"),
        Problem::EmailShape => format!("{label}は、name@example.jp のような形で入力してください"),
        Problem::EmailUnchanged => format!("今と同じ{label}です。新しい{label}を入力してください"),
        Problem::EmailDoubtful { meant } => format!(
            "{label}は、{meant} ではありませんか。入力したとおりでよいときは、パスワードを入力して、もう一度送信してください"
        ),
        Problem::PasswordRule(flaws) => password_mended(label, flaws),
        Problem::PasswordCommon => {
            format!("この{label}は、多くの人が使っていて見破られやすいものです。別の{label}を入力してください")
        }
        Problem::PasswordContext => format!(
            "ユーザーID・番号・生年月日・組合の名前などから作った{label}は、見破られやすいものです。別の{label}を入力してください"
        ),
        Problem::PasswordUnchanged => "今と同じパスワードです。新しいパスワードを入力してください".into(),
        Problem::UserIdTaken => format!("この{label}は、すでに使われています。別の{label}を入力してください"),
        Problem::UserIdReserved => format!("この{label}は、窓口で使う名前です。別の{label}を入力してください"),
        Problem::PasswordWrong => format!("{label}が違います。もう一度入力してください"),
        Problem::NotAgreed => field
            .empty
            .map_or_else(|| format!("{label}にチェックを入れてください"), Into::into),
        Problem::NotAChoice | Problem::NotOneOf(_) => format!("{label}を、もう一度選んでください"),
        Problem::UrlShape => format!(
            "{label}は、https:// で始まるアドレスを、ユーザー名・パスワードや # から後ろを付けずに入力してください"
        ),
        Problem::NotPublic => format!("{label}は、インターネットから届くサーバーのアドレスを入力してください"),
        Problem::NotJson | Problem::NotText | Problem::Missing | Problem::UnknownKey => {
            format!("{label}を、決められた形に直してください")
        }
        Problem::NotInFuture => format!("{label}は、明日以降の日付を入力してください"),
        Problem::NotLater => format!("{label}は、始まりより後の日時を入力してください"),
        Problem::TooLongAgo { days } => format!("{label}は、{days}日前より後の日時を入力してください"),
        Problem::Html { line } => {
            format!("{label}の{line}行目にHTMLのタグがあります。表示されないため、Markdownの書き方に直してください")
        }
        Problem::Link { line } => format!(
            "{label}の{line}行目のリンク先は使えません。この窓口の中の / で始まるアドレスか、https:、mailto:、tel: で始まるものにしてください"
        ),
    }
}

fn characters(field: &Field) -> String {
    field.characters.map_or_else(
        || {
            format!(
                "{}に、使えない文字が入っています。もう一度入力してください",
                field.label
            )
        },
        Into::into,
    )
}

/// A character in a sentence.
fn named(c: char) -> String {
    if c.is_whitespace() {
        return "空白".into();
    }
    let is_seen = !c.is_control() && text::visible(c.encode_utf8(&mut [0; 4])).next().is_some();
    if is_seen {
        format!("「{c}」")
    } else {
        "目に見えない文字".into()
    }
}

/// The password rule for somebody who did not keep it: only what is lacking, where that is clear.
fn password_mended(label: &str, flaws: &PasswordFlaws) -> String {
    let (min, long, signs) = (flaws.min, PasswordRule::LONG, PasswordRule::SIGNS);
    if min >= long {
        return format!(
            "{label}は、{min}文字以上{}文字以内にしてください",
            PasswordRule::LONGEST
        );
    }
    match flaws.stray {
        Some(stray) => {
            let stray = named(stray);
            let said =
                format!("{stray}は使えません。使える記号は {signs} です（{long}文字以上なら、どの文字も使えます）");
            if flaws.is_short {
                format!("{said}。{label}は、{min}文字以上にしてください")
            } else {
                said
            }
        }
        None if flaws.is_short => format!(
            "{label}は、英字・数字・記号をそれぞれ1文字以上使って{min}文字以上{}文字以内にするか、{long}文字以上にしてください",
            PasswordRule::MANUAL_LONGEST
        ),
        None => {
            let lacks: Vec<&str> = flaws.lacks.iter().map(|part| part_word(*part)).collect();
            let lacks = lacks.join("・");
            format!(
                "{label}に、{lacks}が入っていません。英字・数字・記号（{signs}）をそれぞれ1文字以上使ってください（{long}文字以上なら、どの文字だけでも構いません）"
            )
        }
    }
}

fn part_word(part: PasswordPart) -> &'static str {
    match part {
        PasswordPart::Letter => "英字",
        PasswordPart::Digit => "数字",
        PasswordPart::Sign => "記号",
    }
}

/// Both password rules (security.md, the manual's password rule), a line each, shown before typing.
pub fn password_rule(min: usize) -> String {
    let (long, longest) = (PasswordRule::LONG, PasswordRule::LONGEST);
    if min >= long {
        return format!("{min}文字以上{longest}文字以内（どの文字でも使えます）");
    }
    format!(
        "{min}文字以上{}文字以内で、英字・数字・記号（{}）をそれぞれ1文字以上（例：{}）\nまたは、{long}文字以上{longest}文字以内（どの文字でも使えます）",
        PasswordRule::MANUAL_LONGEST,
        PasswordRule::SIGNS,
        PasswordRule::EXAMPLE
    )
}

/// The user ID's rule (manual 1-3), a line each, shown before typing.
pub fn user_id_rule() -> String {
    format!(
        "{}文字以上{}文字以内（例：{}）\n使える文字は、英字・数字と記号 @ - _ +（- はハイフン、_ は下線です）。大文字と小文字は区別しません",
        UserId::MIN,
        UserId::MAX,
        UserId::EXAMPLE
    )
}

/// Who may register where only the insured person may, and where more is said of it. In a 国保組合 everybody may; of whom
/// the platform's own pages are asked is not known yet.
pub fn who_registers(kind: InsurerKind) -> &'static str {
    match kind {
        InsurerKind::HealthInsurance | InsurerKind::MutualAid => {
            "登録できるのは、被保険者（組合員）ご本人です。ご家族（被扶養者）の手続きは、ご本人のマイページから行います。"
        }
        InsurerKind::NationalHealth => "ご家族も、お一人おひとり登録できます。",
        InsurerKind::Platform => {
            "健康保険組合・共済組合では、登録できるのは被保険者（組合員）ご本人です。ご家族（被扶養者）の手続きは、ご本人のマイページから行います。"
        }
    }
}

/// Where [`who_registers`] is said at more length.
pub fn more_on_who_registers() -> Way {
    Way::new("/portal/help#to-family", "登録できる方について（よくあるご質問）")
}

/// Whose data the identity fields ask for (manual 1-2). In a 国保組合 everybody is insured in their own right.
pub fn whose(kind: InsurerKind) -> &'static str {
    match kind {
        InsurerKind::HealthInsurance | InsurerKind::MutualAid => "被保険者（組合員）ご本人",
        InsurerKind::NationalHealth => "登録するご本人",
        InsurerKind::Platform => "被保険者（組合員）ご本人（国民健康保険組合の方は、登録するご本人）",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use accounts::fields::{self, FIELDS};

    const BANNED: [&str; 4] = ["不正", "無効", "エラーが発生しました", "必須項目です"];

    fn problems() -> Vec<Problem> {
        vec![
            Problem::Empty,
            Problem::TooShort { min: 6 },
            Problem::TooLong { max: 50 },
            Problem::Characters,
            Problem::Character('.'),
            Problem::Unread("203.0.113".into()),
            Problem::MyNumber,
            Problem::CodeLength,
            Problem::CheckDigit,
            Problem::Unregistered,
            Problem::NotKana,
            Problem::DateIncomplete,
            Problem::ImpossibleDate { month: 4, last_day: 30 },
            Problem::ImpossibleMonth,
            Problem::DateShape,
            Problem::before(&fields::BIRTH_DATE),
            Problem::UrlShape,
            Problem::NotPublic,
            Problem::NotJson,
            Problem::NotText,
            Problem::Missing,
            Problem::UnknownKey,
            Problem::DateOutOfRange,
            Problem::EmailShape,
            Problem::EmailUnchanged,
            Problem::EmailDoubtful {
                meant: "a@gmail.com".into(),
            },
            password(true, None, &[]),
            password(false, None, &[PasswordPart::Sign]),
            Problem::PasswordCommon,
            Problem::PasswordContext,
            Problem::PasswordUnchanged,
            Problem::UserIdTaken,
            Problem::UserIdReserved,
            Problem::PasswordWrong,
            Problem::NotAgreed,
            Problem::NotAChoice,
            Problem::not_one_of(["costs", "medicines"]),
        ]
    }

    #[test]
    fn every_problem_of_every_field_says_what_to_do_without_blame() {
        for field in FIELDS {
            for wrong in problems() {
                let text = problem(&FieldError::new(field.clone(), wrong.clone()));
                assert!(text.contains("ください"), "{} {wrong:?}: {text}", field.name);
                assert!(!text.contains(wrong.code()), "{} {wrong:?}: {text}", field.name);
                assert!(BANNED.iter().all(|banned| !text.contains(banned)), "{text}");
            }
        }
    }

    fn password(is_short: bool, stray: Option<char>, lacks: &[PasswordPart]) -> Problem {
        Problem::PasswordRule(PasswordFlaws {
            min: 8,
            is_short,
            stray,
            lacks: lacks.into(),
        })
    }

    #[test]
    fn what_a_short_password_may_not_hold_is_named_and_so_is_what_it_lacks() {
        let said = |wrong| problem(&FieldError::new(fields::PASSWORD, wrong));
        assert_eq!(
            said(password(false, Some('-'), &[PasswordPart::Sign])),
            "「-」は使えません。使える記号は ?!@#%&()_+ です（15文字以上なら、どの文字も使えます）"
        );
        assert!(said(password(false, Some(' '), &[])).starts_with("空白は使えません。"));
        assert!(
            said(password(true, Some('é'), &[]))
                .ends_with("です（15文字以上なら、どの文字も使えます）。パスワードは、8文字以上にしてください")
        );
        let lacking = said(password(false, None, &[PasswordPart::Digit, PasswordPart::Sign]));
        assert!(
            lacking.starts_with("パスワードに、数字・記号が入っていません。"),
            "{lacking}"
        );
    }

    #[test]
    fn a_user_ids_stray_character_is_named_however_little_there_is_to_see() {
        let said = |stray| problem(&FieldError::new(fields::USER_ID, Problem::Character(stray)));
        assert_eq!(
            said('.'),
            "「.」は使えません。ユーザーIDは、英字・数字と @ - _ + だけで入力してください"
        );
        assert!(said(' ').starts_with("空白は使えません。"));
        assert!(said('\u{7}').starts_with("目に見えない文字は使えません。"));
    }

    #[test]
    fn the_rules_are_a_line_each_with_an_example() {
        let (password, user_id) = (password_rule(10), user_id_rule());
        assert!(
            password.starts_with("10文字以上20文字以内で、")
                && password.contains("（例：Sakura7+hanami）\nまたは、15文字以上")
        );
        assert!(user_id.contains("（例：sakura_hana7）\n使える文字は、"), "{user_id}");
        assert_eq!(password_rule(15), "15文字以上128文字以内（どの文字でも使えます）");
    }

    #[test]
    fn an_impossible_date_names_the_months_last_day() {
        let wrong = Problem::ImpossibleDate { month: 4, last_day: 30 };
        let text = problem(&FieldError::new(fields::BIRTH_DATE, wrong));
        assert!(text.starts_with("4月は30日までです"));
    }
}
