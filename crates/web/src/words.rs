//! The one place where codes become Japanese: what is wrong with a field, and why something was refused. Each text says
//! what to do next, with the field's label in it; none blames (ui/guide.md §2).

use accounts::Refusal;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use kernel::{Problem, calendar};
use tenancy::InsurerKind;

/// A link that helps on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub href: String,
    pub text: String,
}

impl Link {
    pub(crate) fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            href: href.into(),
            text: text.into(),
        }
    }
}

/// What a page says about a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub heading: &'static str,
    pub text: String,
    pub links: Vec<Link>,
}

/// The label of a field, as it stands on the pages (the manual's words).
pub(crate) fn label(field: &str) -> &'static str {
    match field {
        "insurer_code" => "保険者指定コード",
        "symbol" => "記号",
        "number" => "番号",
        "birth_date" => "生年月日",
        "kana_name" => "氏名（カナ）",
        "employee_number" => "社員番号",
        "user_id" => "ユーザーID",
        "password" => "パスワード",
        "current_password" => "今のパスワード",
        "email" => "メールアドレス",
        "code" => "認証番号",
        "agree" => "利用規約",
        _ => "この欄",
    }
}

/// What to mend in a field.
pub(crate) fn problem(field: &str, problem: &Problem) -> String {
    let label = label(field);
    match problem {
        Problem::Empty => match field {
            "birth_date" => "生年月日の年・月・日を選んでください".into(),
            "agree" => not_agreed(),
            _ => format!("{label}を入力してください"),
        },
        Problem::TooShort { min } => format!("{label}は{min}文字以上で入力してください"),
        Problem::TooLong { max } => format!("{label}は{max}文字以内で入力してください"),
        Problem::Characters => characters(field),
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
        Problem::NotAgreed => not_agreed(),
        Problem::NotAChoice => format!("{label}を、もう一度選んでください"),
    }
}

fn not_agreed() -> String {
    "利用規約に同意する場合は、チェックを入れてください".into()
}

fn characters(field: &str) -> String {
    match field {
        "user_id" => "ユーザーIDは、英字・数字と @ - _ + だけで入力してください".into(),
        "number" => "番号は、書面のとおりに数字で入力してください".into(),
        "symbol" => "記号は、書面のとおりに入力してください".into(),
        "birth_date" => "生年月日の年・月・日を、もう一度選んでください".into(),
        "kana_name" => "氏名（カナ）は、ひらがなかカタカナだけで入力してください".into(),
        "employee_number" => "社員番号は、英字と数字で入力してください".into(),
        "code" => "認証番号は、メールに書かれた6桁の数字を入力してください".into(),
        "email" => "メールアドレスに、使えない文字が入っています。もう一度入力してください".into(),
        _ => format!(
            "{}に、使えない文字が入っています。もう一度入力してください",
            label(field)
        ),
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

/// Both password rules as one sentence (security.md, the manual's password rule), shown before typing.
pub(crate) fn password_rule(min: usize) -> String {
    if min >= 15 {
        return format!("{min}文字以上128文字以内（どの文字でも使えます）");
    }
    format!(
        "英字・数字・記号（?!@#%&()_+）をそれぞれ1文字以上使って{min}文字以上20文字以内、または15文字以上128文字以内（この場合は、どの文字でも使えます）"
    )
}

/// The user ID's rule (manual 1-3), shown before typing.
pub(crate) const USER_ID_RULE: &str = "英字・数字・記号（@ - _ +）で6文字以上50文字以内。大文字と小文字は区別しません";

/// Whose data the identity fields ask for (manual 1-2). In a 国保組合 everybody is insured in their own right.
pub(crate) fn whose(kind: InsurerKind) -> &'static str {
    match kind {
        InsurerKind::HealthInsurance | InsurerKind::MutualAid => "被保険者（組合員）ご本人",
        InsurerKind::NationalHealth => "登録するご本人",
        InsurerKind::Platform => "被保険者（組合員）ご本人（国民健康保険組合の方は、登録するご本人）",
    }
}

/// What a page says about a refusal.
pub(crate) fn refusal(refusal: &Refusal, now: DateTime<Utc>) -> Words {
    let words = |heading: &'static str, text: &str, links: &[(&str, &str)]| Words {
        heading,
        text: text.into(),
        links: links.iter().map(|(href, text)| Link::new(*href, *text)).collect(),
    };
    let again = ("/portal/signup", "はじめから登録する");
    let log_in = ("/portal/", "ログイン画面へ");
    match refusal {
        Refusal::Fields(_) => words("入力内容を確認してください", "印のついたところを直してください。", &[]),
        Refusal::NotMatched => words(
            "登録に進めませんでした",
            "入力した内容では登録に進めませんでした。記号・番号・生年月日・氏名をもう一度お確かめください。すでに登録した方は、ログインするか、ユーザーIDをお調べください。お困りのときは窓口へお電話ください。",
            &[
                ("/portal/", "ログインする"),
                ("/portal/user-id", "ユーザーIDを調べる"),
                ("#desk", "窓口の電話番号を見る"),
            ],
        ),
        Refusal::Wait { until } => Words {
            heading: "しばらくお待ちください",
            text: format!(
                "続けて何度もお試しになったため、しばらく受け付けを止めています。{}から、もう一度お試しください。お急ぎのときは窓口へお電話ください。",
                moment(whole_minute(*until), now)
            ),
            links: vec![Link::new("#desk", "窓口の電話番号を見る")],
        },
        Refusal::TicketExpired => words(
            "もう一度はじめから登録してください",
            "登録の途中の内容は、60分で消えます。お手数ですが、もう一度はじめから登録してください。登録が済んでいる方は、ログインしてください。",
            &[again, log_in],
        ),
        Refusal::StepMissing => words(
            "前の画面から進めてください",
            "この画面の前に、入力していただくことがあります。登録の続きから進めてください。",
            &[("/portal/signup/account", "登録の続きへ")],
        ),
        Refusal::CodeWrong { left } => Words {
            heading: "認証番号を確認してください",
            text: format!(
                "認証番号が違います。届いたメールのうち、いちばん新しいものの6桁の数字を入力してください（あと{left}回入力できます）"
            ),
            links: vec![],
        },
        Refusal::CodeLate => words(
            "認証番号の有効期限が切れました",
            "認証番号の有効期限（10分）が切れました。「再送する」を押すと、新しい番号をお送りします",
            &[],
        ),
        Refusal::CodeSuperseded => words(
            "新しい認証番号を入力してください",
            "この番号のあとに、新しい認証番号をお送りしています。いちばん新しいメールの番号を入力してください",
            &[],
        ),
        Refusal::CodeUsed => words(
            "新しい認証番号を入力してください",
            "この認証番号は、もう使われています。「再送する」を押すと、新しい番号をお送りします",
            &[],
        ),
        Refusal::CodeTriesUsedUp => words(
            "もう一度はじめから登録してください",
            "認証番号を5回入力されたため、この手続きはここで終わりました。お手数ですが、もう一度はじめから登録してください。",
            &[again],
        ),
        Refusal::CodesLocked => words(
            "窓口へお電話ください",
            "認証番号のまちがいが続きました。安全のため、この方のお手続きを止めています。お手数ですが、窓口へお電話ください。ご本人であることを確かめたうえで、再開します。",
            &[("#desk", "窓口の電話番号を見る")],
        ),
        Refusal::ResendTooSoon { at } => Words {
            heading: "少しお待ちください",
            text: format!(
                "さきほどメールをお送りしたばかりです。{}を過ぎてから、もう一度お試しください。",
                full_minute(*at)
            ),
            links: vec![],
        },
        Refusal::SendsUsedUp => words(
            "これ以上メールをお送りできません",
            "お送りできる回数を超えました。いちばん新しいメールの認証番号を入力してください。届いていないときは、もう一度はじめから登録してください。",
            &[again],
        ),
        Refusal::LogInLocked => words(
            "パスワードを再設定してください",
            "このユーザーIDで、パスワードのまちがいが続きました。安全のため、ログインを止めています。パスワードを再設定すると、すぐにログインできます。これまでにログインしたことのある機器からは、そのままお使いいただけることがあります。",
            &[],
        ),
        Refusal::LogInFailed => words("ログインできませんでした", "ユーザーIDまたはパスワードが違います", &[]),
        Refusal::InsurerSuspended => words(
            "ただいまご利用いただけません",
            "この窓口は、ただいまお休みしています。再開までしばらくお待ちください。お急ぎのときは、下のお問い合わせ窓口へお電話ください。",
            &[("#desk", "窓口の電話番号を見る")],
        ),
        Refusal::CoverageEnded => words(
            "ご利用期間が終わりました",
            "資格を失った日を過ぎたため、このユーザーIDではご利用いただけなくなりました。ご不明な点は、下のお問い合わせ窓口へお電話ください。新しい保険者に移られた方は、その保険者からのご案内をご覧ください。",
            &[("#desk", "窓口の電話番号を見る")],
        ),
        Refusal::LinkExpired => words(
            "このリンクは使えなくなりました",
            "パスワード再設定のリンクは、お送りしてから30分のあいだに1回だけ使えます。もう一度、パスワード再設定のメールをお申し込みください。",
            &[("/portal/password", "パスワード再設定のメールを申し込む"), log_in],
        ),
        Refusal::SessionEnded => words(
            "もう一度ログインしてください",
            "安全のため、ログアウトしました。もう一度ログインすると、続きから始められます。",
            &[log_in],
        ),
        Refusal::ConsentRequired => words(
            "利用規約をご確認ください",
            "ご利用には、利用規約への同意が必要です。",
            &[("/portal/terms", "利用規約を読む")],
        ),
        Refusal::RevisionOutdated => words(
            "利用規約が新しくなりました",
            "お読みいただいているあいだに、利用規約が新しくなりました。お手数ですが、新しい内容をもう一度ご確認ください。",
            &[],
        ),
        Refusal::NotFound => words(
            "ページが見つかりません",
            "お探しのページは、移動したか、掲載が終わったか、アドレスが違うようです。",
            &[("/portal/", "はじめの画面へ")],
        ),
        Refusal::Overloaded => words(
            "ただいま混み合っています",
            "10秒ほど待ってから、もう一度ボタンを押してください。入力した内容は消えていません（パスワードは、もう一度入力してください）。",
            &[],
        ),
        Refusal::Unconfirmed => words(
            "受け付けたかどうかを確かめられませんでした",
            "通信が途切れたため、送信した内容は、受け付けられていることも、いないこともあります。届いたメールや画面で、先に進んでいないかをお確かめください。進んでいないときは、もう一度お試しください。",
            &[("/portal/", "はじめの画面へ")],
        ),
    }
}

/// 「14時5分」 today, 「11月24日（火）10時」 on another day.
pub(crate) fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let day = calendar::in_japan(at).date_naive();
    if day == calendar::today_in_japan(now) {
        return calendar::time_of_day(at);
    }
    let full = calendar::date_with_weekday(day);
    let short = full.split_once('年').map_or(full.as_str(), |(_, rest)| rest);
    format!("{short}{}", calendar::time_of_day(at))
}

/// 「14時6分」 for 14:05:30: seconds would only bother whoever waits a minute.
pub(crate) fn full_minute(at: DateTime<Utc>) -> String {
    calendar::time_of_day(whole_minute(at))
}

/// The first minute's start that is not before a moment: whoever comes back then doesn't come too early.
fn whole_minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_round_up(TimeDelta::minutes(1)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 12] = [
        "insurer_code",
        "symbol",
        "number",
        "birth_date",
        "kana_name",
        "employee_number",
        "user_id",
        "password",
        "current_password",
        "email",
        "code",
        "agree",
    ];
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

    fn refusals() -> Vec<Refusal> {
        let at = DateTime::UNIX_EPOCH;
        vec![
            Refusal::Fields(vec![]),
            Refusal::NotMatched,
            Refusal::Wait { until: at },
            Refusal::TicketExpired,
            Refusal::StepMissing,
            Refusal::CodeWrong { left: 2 },
            Refusal::CodeLate,
            Refusal::CodeSuperseded,
            Refusal::CodeUsed,
            Refusal::CodeTriesUsedUp,
            Refusal::CodesLocked,
            Refusal::ResendTooSoon { at },
            Refusal::SendsUsedUp,
            Refusal::LogInFailed,
            Refusal::LogInLocked,
            Refusal::InsurerSuspended,
            Refusal::CoverageEnded,
            Refusal::LinkExpired,
            Refusal::SessionEnded,
            Refusal::ConsentRequired,
            Refusal::RevisionOutdated,
            Refusal::NotFound,
            Refusal::Overloaded,
            Refusal::Unconfirmed,
        ]
    }

    #[test]
    fn every_problem_of_every_field_says_what_to_do_without_blame() {
        for field in FIELDS {
            for wrong in problems() {
                let text = problem(field, &wrong);
                assert!(text.contains("ください"), "{field} {wrong:?}: {text}");
                assert!(!text.contains(wrong.code()), "{field} {wrong:?}: {text}");
                assert!(BANNED.iter().all(|banned| !text.contains(banned)), "{text}");
            }
        }
    }

    #[test]
    fn every_refusal_has_words_of_its_own_without_blame() {
        let mut seen = std::collections::BTreeSet::new();
        for refused in refusals() {
            let words = refusal(&refused, DateTime::UNIX_EPOCH);
            assert!(!words.heading.is_empty() && !words.text.is_empty());
            let all = format!("{}{}", words.heading, words.text);
            assert!(BANNED.iter().all(|banned| !all.contains(banned)), "{all}");
            assert!(seen.insert(words.text), "{refused:?} shares its words");
        }
    }

    #[test]
    fn the_neutral_answer_is_the_agreed_one_to_the_letter() {
        let text = refusal(&Refusal::NotMatched, DateTime::UNIX_EPOCH).text;
        assert_eq!(
            text,
            "入力した内容では登録に進めませんでした。記号・番号・生年月日・氏名をもう一度お確かめください。すでに登録した方は、ログインするか、ユーザーIDをお調べください。お困りのときは窓口へお電話ください。"
        );
    }

    #[test]
    fn an_impossible_date_names_the_months_last_day() {
        let text = problem("birth_date", &Problem::ImpossibleDate { month: 4, last_day: 30 });
        assert!(text.starts_with("4月は30日までです"));
    }

    #[test]
    fn waits_end_on_a_full_minute_and_never_too_early() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(full_minute(at("2026-11-22T03:05:30Z")), "12時6分");
        assert_eq!(full_minute(at("2026-11-22T03:05:00Z")), "12時5分");
        assert_eq!(full_minute(at("2026-11-22T03:59:01Z")), "13時");
        assert_eq!(full_minute(at("2026-11-22T03:05:00.2Z")), "12時6分");
        let wait = |until, now| refusal(&Refusal::Wait { until: at(until) }, at(now)).text;
        assert!(wait("2026-11-22T03:20:30Z", "2026-11-22T03:05:30Z").contains("。12時21分から、"));
        assert!(wait("2026-11-22T14:59:30Z", "2026-11-22T14:44:30Z").contains("。11月23日（月）0時から、"));
    }

    #[test]
    fn moments_name_the_day_only_where_it_is_another() {
        let now: DateTime<Utc> = "2026-11-22T03:00:00Z".parse().unwrap();
        assert_eq!(moment(now + TimeDelta::minutes(65), now), "13時5分");
        assert_eq!(moment(now + TimeDelta::hours(46), now), "11月24日（火）10時");
    }
}
