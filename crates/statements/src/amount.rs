//! Amounts as such files write them: yen, counts, quantities, shares. Money is whole yen.

use crate::reasons::Reason;
use kernel::text;
use tabular::Fault;

/// More than this, in either direction, is a wrong column.
pub const MOST_YEN: i32 = 999_999_999;

/// Less than this many of a price's units a day: more is a wrong column.
const MOST_UNITS: i64 = 1_000_000;

/// The mark of yen; CP932 has a backslash in its place.
const YEN: [char; 2] = ['¥', '\\'];
/// What stands before less than nothing.
const MINUS: [char; 3] = ['-', '▲', '△'];

/// Whole yen in any width: 1,234, ▲1,234, △1,234, −1,234, ¥1,234, 1,234円.
pub fn yen(text: &str) -> Result<i32, Reason> {
    let dense = required(text)?;
    let plain = dense.strip_suffix('円').unwrap_or(&dense);
    let unmarked = plain.strip_prefix(YEN);
    let signed = unmarked.unwrap_or(plain);
    let unsigned = signed.strip_prefix(MINUS);
    let rest = unsigned.unwrap_or(signed);
    let rest = match unmarked {
        None => rest.strip_prefix(YEN).unwrap_or(rest),
        Some(_) => rest,
    };
    let digits = ungrouped(rest).ok_or(Reason::Yen)?;
    let amount = text::number::<i32>(&digits).filter(|amount| *amount <= MOST_YEN);
    let amount = amount.ok_or(Reason::TooLarge)?;
    Ok(if unsigned.is_some() { -amount } else { amount })
}

/// The same; a blank is none.
pub fn optional_yen(text: &str) -> Result<i32, Reason> {
    blank_or(text, 0, yen)
}

/// 日数 or 回数, up to 999; a blank is none.
pub fn days(text: &str) -> Result<i16, Reason> {
    blank_or(text, 0, whole)
}

/// 日数 or 回数 of a medicine: at least one.
pub fn count(text: &str) -> Result<i16, Reason> {
    match whole(text)? {
        0 => Err(Reason::Count),
        count => Ok(count),
    }
}

/// A quantity of more than nothing, in thousandths: 1, 2.5, 0.125.
pub fn milli(text: &str) -> Result<i64, Reason> {
    let dense = required(text)?;
    let (units, parts) = dense.split_once('.').unwrap_or((&dense, "0"));
    let units = ungrouped(units)
        .and_then(|digits| text::number::<i64>(&digits))
        .filter(|units| *units < MOST_UNITS)
        .ok_or(Reason::Daily)?;
    if parts.len() > 3 {
        return Err(Reason::Daily);
    }
    let parts = text::number::<i64>(&format!("{parts:0<3}"))
        .filter(|_| !parts.is_empty())
        .ok_or(Reason::Daily)?;
    match units * 1_000 + parts {
        0 => Err(Reason::Daily),
        milli => Ok(milli),
    }
}

/// 負担割合 in tenths: 3, 3割, 三割, 30%, and 0.3, as a book holds its per cent.
pub fn rate(text: &str) -> Result<i16, Reason> {
    match required(text)?.as_str() {
        "0" | "0割" | "〇割" | "0%" => Ok(0),
        "1" | "1割" | "一割" | "10%" | "0.1" => Ok(1),
        "2" | "2割" | "二割" | "20%" | "0.2" => Ok(2),
        "3" | "3割" | "三割" | "30%" | "0.3" => Ok(3),
        _ => Err(Reason::Rate),
    }
}

/// 取消区分: 1 where a row takes its claim back, blank or 0 where not.
pub fn flag(text: &str) -> Result<bool, Reason> {
    match text::normalize_dense(text).as_str() {
        "" | "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(Reason::Flag),
    }
}

/// `usual` of a blank, else what `parse` makes of it.
pub(crate) fn blank_or<T, E>(text: &str, usual: T, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, E> {
    if text::normalize_dense(text).is_empty() {
        Ok(usual)
    } else {
        parse(text)
    }
}

fn required(text: &str) -> Result<String, Reason> {
    let dense = text::normalize_dense(text);
    if dense.is_empty() {
        Err(Fault::Empty.into())
    } else {
        Ok(dense)
    }
}

fn whole(text: &str) -> Result<i16, Reason> {
    let count = text::number::<i16>(&required(text)?).filter(|count| *count <= 999);
    count.ok_or(Reason::Count)
}

/// Digits, in groups of three or in one; without what parts them.
pub(crate) fn ungrouped(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let is_grouped = text.contains(',');
    let fits = (!is_grouped || first.len() <= 3) && groups.all(|group| group.len() == 3);
    let digits = text.replace(',', "");
    let is_number = !first.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (fits && is_number).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn yen_are_read_with_commas_signs_and_any_width() {
        for text in [
            "1234",
            "1,234",
            "１２３４",
            "１，２３４",
            "0001234",
            " 1,234 ",
            "1 234",
            "¥1,234",
            "￥1,234",
            "\\1,234",
            "1,234円",
            "１，２３４円",
        ] {
            assert_eq!(yen(text), Ok(1_234), "{text}");
        }
        for text in [
            "▲1,234",
            "△1234",
            "-1,234",
            "−1,234",
            "－１２３４",
            "‐1,234",
            "ー1,234",
            "▲ 1,234",
            "-¥1,234",
            "¥-1,234",
            "▲1,234円",
        ] {
            assert_eq!(yen(text), Ok(-1_234), "{text}");
        }
        assert_eq!(yen("0"), Ok(0));
        assert_eq!(yen("▲0"), Ok(0));
        assert_eq!(yen("999,999,999"), Ok(MOST_YEN));
        assert_eq!(optional_yen(" 　"), Ok(0));
        assert_eq!(optional_yen("▲5"), Ok(-5));
    }

    #[test]
    fn what_is_no_whole_yen_is_refused() {
        for text in [
            "1e3", "1E+03", "1.5", "1.", "12,34", "1234,567", "1,,234", ",123", "1,234,", "(1)", "(1,234)", "▲▲1",
            "--1", "-▲1", "1-", "+1", "円", "¥", "▲", "-", "¥¥1", "¥-¥1", "1千円", "約100", "0x10", "一", "٤", "1/2",
        ] {
            assert_eq!(yen(text), Err(Reason::Yen), "{text}");
        }
        for text in [
            "2147483648",
            "1,000,000,000",
            "▲1000000000",
            "99999999999999999999999999",
        ] {
            assert_eq!(yen(text), Err(Reason::TooLarge), "{text}");
        }
        for text in ["", " ", "　", "\u{200B}"] {
            assert_eq!(yen(text), Err(Fault::Empty.into()), "{text:?}");
        }
    }

    #[test]
    fn counts_are_whole_and_a_medicines_at_least_one() {
        assert_eq!(
            (days(""), days("0"), days("３１"), days("999")),
            (Ok(0), Ok(0), Ok(31), Ok(999))
        );
        assert_eq!((count("1"), count("007")), (Ok(1), Ok(7)));
        for text in ["1000", "-1", "1.5", "3日", "99999999999"] {
            assert_eq!(
                (days(text), count(text)),
                (Err(Reason::Count), Err(Reason::Count)),
                "{text}"
            );
        }
        assert_eq!((count(""), count("0")), (Err(Fault::Empty.into()), Err(Reason::Count)));
    }

    #[test]
    fn quantities_have_at_most_three_places() {
        for (text, milli_units) in [
            ("1", 1_000),
            ("2.5", 2_500),
            ("0.125", 125),
            ("０．５", 500),
            ("1.0", 1_000),
            ("1,500.25", 1_500_250),
            ("999999.999", 999_999_999),
        ] {
            assert_eq!(milli(text), Ok(milli_units), "{text}");
        }
        for text in [
            "0", "0.000", "-1", "1.2345", "1000000", ".5", "1.", "1.2.3", "1e3", "2錠", "1.-5", "1,5",
        ] {
            assert_eq!(milli(text), Err(Reason::Daily), "{text}");
        }
        assert_eq!(milli(""), Err(Fault::Empty.into()));
    }

    #[test]
    fn shares_are_tenths_however_they_are_written() {
        for (texts, tenths) in [
            ("0 0割 〇割 0% ０％", 0),
            ("1 1割 一割 10% １０％ 0.1", 1),
            ("2 ２割 二割 20% 0.2", 2),
            ("3 3割 三割 30% ３０％ 0.3 ３", 3),
        ] {
            for text in texts.split(' ') {
                assert_eq!(rate(text), Ok(tenths), "{text}");
            }
        }
        for text in ["4", "30", "3%", "0.30001", "-1", "10割", "三", "100%"] {
            assert_eq!(rate(text), Err(Reason::Rate), "{text}");
        }
        assert_eq!(rate(" "), Err(Fault::Empty.into()));
    }

    #[test]
    fn a_row_is_taken_back_by_a_one_and_nothing_else() {
        assert_eq!(
            (flag(""), flag("0"), flag("1"), flag("１")),
            (Ok(false), Ok(false), Ok(true), Ok(true))
        );
        for text in ["2", "取下げ", "true", "○", "01"] {
            assert_eq!(flag(text), Err(Reason::Flag), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,20}", near in "[0-9０-９,，.．円¥▲△−-]{0,16}") {
            for text in [&text, &near] {
                let _ = (yen(text), days(text), milli(text), rate(text), flag(text));
            }
        }

        #[test]
        fn an_amount_written_in_any_way_reads_back(amount in -MOST_YEN..=MOST_YEN) {
            for text in written(amount) {
                prop_assert_eq!(yen(&text), Ok(amount), "{}", text);
            }
        }
    }

    /// An amount in many writings.
    fn written(amount: i32) -> Vec<String> {
        let digits = amount.unsigned_abs().to_string();
        let mut grouped = String::new();
        for (nth, digit) in digits.chars().enumerate() {
            if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let wide = |text: &str| -> String {
            let wide = |c| char::from_u32(c as u32 + 0xFEE0).unwrap();
            text.chars().map(wide).collect()
        };
        let signs: &[&str] = if amount < 0 {
            &["▲", "△", "-", "−", "－"]
        } else {
            &[""]
        };
        let texts = [
            digits.clone(),
            grouped.clone(),
            wide(&digits),
            wide(&grouped),
            format!("{grouped}円"),
        ];
        let signed = signs
            .iter()
            .flat_map(|sign| texts.iter().map(move |text| format!("{sign}{text}")));
        signed.collect()
    }
}
