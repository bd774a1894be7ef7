//! What is wrong with a field, in Japanese. Each text says what to do next, with the field's label in it; none blames
//! (ui/guide.md §2). Why something was refused, its reason itself says.

use kernel::{FieldError, Problem};
use tenancy::InsurerKind;

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
        Problem::Characters => field.characters.map_or_else(
            || format!("{label}に、使えない文字が入っています。もう一度入力してください"),
            Into::into,
        ),
        Problem::CodeLength => format!("{label}は、8桁または6桁の数字で入力してください"),
        Problem::CheckDigit => format!("{label}の数字が違うようです。ご案内の番号をもう一度お確かめください"),
        Problem::Unregistered => {
            format!("この{label}は、この窓口ではまだ使われていません。ご案内の番号をもう一度お確かめください")
        }
        Problem::NotKana => format!("{label}は、ひらがなかカタカナで入力してください"),
        Problem::DateIncomplete => format!("{label}の年・月・日を、3つとも選んでください"),
        Problem::ImpossibleDate { month, last_day } => {
            format!("{month}月は{last_day}日までです。{label}の日を選び直してください")
        }
        Problem::DateOutOfRange => format!("{label}は、今日より前の日付を選んでください"),
        Problem::EmailShape => format!("{label}は、name@example.jp のような形で入力してください"),
        Problem::PasswordRule { min } => password_mended(label, *min),
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
        Problem::NotAChoice => format!("{label}を、もう一度選んでください"),
    }
}

/// The same rules for somebody whose password did not keep them.
fn password_mended(label: &str, min: usize) -> String {
    if min >= 15 {
        return format!("{label}は、{min}文字以上128文字以内にしてください");
    }
    format!(
        "{label}は、英字・数字・記号をそれぞれ1文字以上使って{min}文字以上20文字以内にするか、15文字以上にしてください"
    )
}

/// Both password rules as one sentence (security.md, "The manual's password rule and the standards"), shown before typing.
pub fn password_rule(min: usize) -> String {
    if min >= 15 {
        return format!("{min}文字以上128文字以内（どの文字でも使えます）");
    }
    format!(
        "英字・数字・記号（?!@#%&()_+）をそれぞれ1文字以上使って{min}文字以上20文字以内、または15文字以上128文字以内（この場合は、どの文字でも使えます）"
    )
}

/// The user ID's rule (manual 1-3), shown before typing.
pub const USER_ID_RULE: &str = "英字・数字・記号（@ - _ +）で6文字以上50文字以内。大文字と小文字は区別しません";

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
    use accounts::fields::FIELDS;

    const BANNED: [&str; 4] = ["不正", "無効", "エラーが発生しました", "必須項目です"];

    fn problems() -> Vec<Problem> {
        vec![
            Problem::Empty,
            Problem::TooShort { min: 6 },
            Problem::TooLong { max: 50 },
            Problem::Characters,
            Problem::CodeLength,
            Problem::CheckDigit,
            Problem::Unregistered,
            Problem::NotKana,
            Problem::DateIncomplete,
            Problem::ImpossibleDate { month: 4, last_day: 30 },
            Problem::DateOutOfRange,
            Problem::EmailShape,
            Problem::PasswordRule { min: 8 },
            Problem::PasswordCommon,
            Problem::PasswordContext,
            Problem::PasswordUnchanged,
            Problem::UserIdTaken,
            Problem::UserIdReserved,
            Problem::PasswordWrong,
            Problem::NotAgreed,
            Problem::NotAChoice,
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

    #[test]
    fn an_impossible_date_names_the_months_last_day() {
        let wrong = Problem::ImpossibleDate { month: 4, last_day: 30 };
        let text = problem(&FieldError::new(accounts::fields::BIRTH_DATE, wrong));
        assert!(text.starts_with("4月は30日までです"));
    }
}
