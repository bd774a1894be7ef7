//! What the pages say of what others store as words.

use kernel::{EmailAddress, calendar};

/// 記号・番号・枝番, as far as there are any.
pub(super) fn number(symbol: &str, number: &str, branch: &str) -> String {
    let parts = [symbol, number, branch].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

/// A phone number of which the last four digits are shown.
pub(super) fn masked_phone(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    match digits.len().checked_sub(4) {
        Some(hidden) if hidden > 0 => {
            let last: String = digits.into_iter().skip(hidden).collect();
            format!("***{last}")
        }
        _ => "***".into(),
    }
}

/// A kind of change.
pub(super) fn change(kind: roster::ChangeKind) -> &'static str {
    match kind {
        roster::ChangeKind::New => "追加",
        roster::ChangeKind::Changed => "変更",
        roster::ChangeKind::Lost => "資格喪失",
        roster::ChangeKind::Returned => "再加入",
    }
}

/// A column of the roster.
pub(crate) fn field(column: &str) -> &'static str {
    match column {
        "symbol" => "記号",
        "number" => "番号",
        "branch" => "枝番",
        "kana_name" => "氏名（カナ）",
        "name" => "氏名（漢字）",
        "gender" => "性別",
        "birth_date" => "生年月日",
        "attribute" => "属性",
        "relationship" => "続柄",
        "insured" => "区分",
        "acquired_on" => "資格取得日",
        "lost_on" => "資格喪失日",
        "present" => "名簿への掲載",
        "postal_code" => "郵便番号",
        "address" => "住所",
        "building" => "住所（建物名）",
        "phone" => "電話",
        "email" => "メール",
        "workplace_code" => "事業所コード",
        "department_code" => "所属コード",
        "distribution_code" => "配付先コード",
        "employee_number" => "社員番号",
        "personal_id" => "個人ID",
        _ => "その他",
    }
}

/// What a column says, for people; what is not given is said to be none.
pub(crate) fn value(column: &str, text: &str) -> String {
    let said = match (column, text) {
        (_, "") => "（なし）",
        ("gender", code) => gender(code),
        ("insured", "true") => "本人（被保険者）",
        ("insured", _) => "家族（被扶養者）",
        ("present", "true") => "あり",
        ("present", _) => "なし",
        ("birth_date" | "acquired_on" | "lost_on", day) => {
            return day.parse().map_or_else(|_| day.to_owned(), calendar::date_both);
        }
        (_, text) => text,
    };
    said.to_owned()
}

/// The same for whoever must not see contact data.
pub(super) fn masked_value(column: &str, text: &str) -> String {
    match (column, text) {
        ("postal_code" | "address" | "building", text) if !text.is_empty() => "***".into(),
        ("phone", text) if !text.is_empty() => masked_phone(text),
        ("email", text) if !text.is_empty() => masked_email(text),
        _ => value(column, text),
    }
}

/// An address of which little is shown.
pub(super) fn masked_email(email: &str) -> String {
    EmailAddress::parse(email).map_or_else(|_| "***".into(), |email| email.mask())
}

/// 性別.
pub(super) fn gender(code: &str) -> &'static str {
    match code {
        "1" => "男",
        "2" => "女",
        "9" => "不明",
        _ => "",
    }
}

/// How far a mail is.
pub(super) fn mail_state(state: &str) -> &'static str {
    match state {
        "sent" => "送信済み",
        "expired" => "期限切れ（送信せず）",
        "undeliverable" => "届きませんでした",
        "kept" => "お試し環境に保管（送信せず）",
        _ => "送信待ち",
    }
}

/// How a log-in ended.
pub(super) fn log_in(outcome: &str) -> &'static str {
    match outcome {
        "done" => "ログイン",
        "log_in_failed" => "パスワード違い",
        "coverage_ended" => "資格喪失のため不可",
        _ => "できませんでした",
    }
}

/// Through which door.
pub(super) fn channel(channel: &str) -> &'static str {
    match channel {
        "api" => "API",
        _ => "マイページ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_masked_phone_four_digits_are_shown_and_of_a_short_one_none() {
        assert_eq!(masked_phone("03-1234-5678"), "***5678");
        assert_eq!(masked_phone("1234"), "***");
        assert_eq!(masked_phone("携帯"), "***");
    }
}
