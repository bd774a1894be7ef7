//! What every typed field goes through first: width, invisible characters and dashes made one (ui/guide.md §2); and the
//! one way from text to a number.

use icu_properties::{
    CodePointSetData, CodePointSetDataBorrowed,
    props::{Dash, DefaultIgnorableCodePoint},
};
use std::str::FromStr;
use unicode_normalization::UnicodeNormalization;

/// NFKC, trimmed (ideographic spaces included), without what nobody sees, with every kind of dash as `-`. For codes,
/// numbers, IDs and e-mail addresses; never for names in kanji, which NFKC would change.
pub fn normalize(typed: &str) -> String {
    // Files are full of digits and plain letters, which are what they are.
    if typed.is_ascii() {
        return typed.trim().to_owned();
    }
    let mut plain = String::with_capacity(typed.len());
    for c in joined(visible(typed)).nfkc() {
        // After a kana the length mark is a letter of the word; after anything else it is a mistyped hyphen.
        let is_hyphen = is_dash(c) || (c == 'ー' && !plain.ends_with(is_kana));
        plain.push(if is_hyphen { '-' } else { c });
    }
    plain.trim().to_owned()
}

/// [`normalize`], with all white space taken out: for codes and numbers that people group with blanks.
pub fn normalize_dense(typed: &str) -> String {
    if typed.is_ascii() {
        return typed.chars().filter(|c| !c.is_whitespace()).collect();
    }
    let dense = normalize(typed);
    // A mark typed behind a blank belongs to the letter before it.
    dense.chars().filter(|c| !c.is_whitespace()).nfc().collect()
}

/// Voicing marks typed as letters of their own as those that join the letter before them: NFKC makes a blank and a mark
/// of them, which parts the two.
pub(crate) fn joined(written: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    written.map(|c| match c {
        '゛' => '\u{3099}',
        '゜' => '\u{309A}',
        other => other,
    })
}

/// The characters that are seen: without Unicode's `Default_Ignorable_Code_Point`, which are direction marks, joiners and
/// the like that come along with pasted text. Not for names in kanji, whose variants are told apart by such marks.
pub fn visible(typed: &str) -> impl Iterator<Item = char> {
    typed.chars().filter(|c| !is_invisible(*c))
}

/// A text that may hold kanji (an address, a workplace), as written but for its ends and for what nobody sees: only the
/// marks that choose a kanji's variant stay. Unicode's own breaks of lines, which no keyboard has, are blanks.
pub fn written(typed: &str) -> String {
    let is_variant = |c: char| matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}');
    let kept = typed.chars().filter(|c| is_variant(*c) || !is_invisible(*c));
    let kept: String = kept.map(|c| if BREAKS.contains(&c) { ' ' } else { c }).collect();
    kept.trim().to_owned()
}

/// [`written`], of a text with lines: each ends in `\n`, however its end was written.
pub fn written_lines(typed: &str) -> String {
    written(&typed.replace("\r\n", "\n").replace(BREAKS, "\n"))
}

/// Unicode's separators of lines and of paragraphs: no control characters, and no blanks either.
const BREAKS: [char; 2] = ['\u{2028}', '\u{2029}'];

/// Kana typed by hand as rosters have it: katakana of full width, one full-width blank between two names. Letters of other
/// scripts stay as they are.
pub fn kana_by_hand(typed: &str) -> String {
    let mut wide = String::with_capacity(typed.len());
    for c in joined(visible(typed)) {
        match c {
            '｡'..='ﾟ' => wide.extend([c].into_iter().nfkc()),
            c => wide.push(c),
        }
    }
    let katakana: String = wide.nfc().map(hiragana_to_katakana).collect();
    katakana.split_whitespace().collect::<Vec<_>>().join("\u{3000}")
}

/// What two writings of a name share where it is looked for: without blanks and what nobody sees, everything but the kanji
/// in one width and in capitals. The kanji stay what they are, but for the marks that choose among their variants.
pub fn name_key(written: &str) -> String {
    let mut key = String::with_capacity(written.len());
    let mut plain = String::new();
    for c in visible(written).filter(|c| !c.is_whitespace()) {
        if is_kanji(c) {
            push_folded(&mut key, &plain);
            plain.clear();
            key.push(c);
        } else {
            plain.push(c);
        }
    }
    push_folded(&mut key, &plain);
    key
}

/// What two writings of a phone number share: the digits, with the 0 that Japan's country code stands for. Empty where there
/// are none.
pub fn phone_key(written: &str) -> String {
    let plain = normalize(written);
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let is_international = plain.trim_start_matches(['(', ' ']).starts_with('+');
    match digits.strip_prefix("81").filter(|_| is_international) {
        Some(national) => format!("0{}", national.trim_start_matches('0')),
        None => digits,
    }
}

fn push_folded(key: &mut String, plain: &str) {
    let capitals = joined(plain.chars()).nfkc().flat_map(char::to_uppercase).nfkc();
    key.extend(capitals.filter(|c| !c.is_whitespace()).nfc());
}

/// The ideographs, those of older standards and of private use (外字) among them, and the marks that stand for one.
fn is_kanji(c: char) -> bool {
    matches!(c,
        '々' | '〆' | '〇' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{E000}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' | '\u{F0000}'..='\u{10FFFD}')
}

/// A number as people read it: 「1,234」.
pub fn grouped(number: impl Into<i128>) -> String {
    let digits = number.into().to_string();
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A whole number written in ASCII digits alone: no sign, no blank. Where a field takes other widths, [`normalize_dense`]
/// goes before.
pub fn number<T: FromStr>(digits: &str) -> Option<T> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The hyphens, minus signs, dashes (Unicode's property `Dash`) and ruled lines that keyboards and printed letters mix. ー
/// (the kana length mark) is not one: in kana it is a letter.
pub(crate) fn is_dash(c: char) -> bool {
    const DASH: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Dash>();
    // Of the box-drawing characters those that are one level stroke, whole, dashed or half.
    c == '-'
        || (!c.is_ascii() && DASH.contains(c))
        || matches!(
            c,
            '─' | '━' | '┄' | '┅' | '┈' | '┉' | '╌' | '╍' | '╴' | '╶' | '╸' | '╺' | '╼' | '╾'
        )
}

fn is_invisible(c: char) -> bool {
    const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    !c.is_ascii() && IGNORABLE.contains(c)
}

fn is_kana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | 'ㇰ'..='ㇿ')
}

/// ひらがな as カタカナ; anything else as it is.
pub fn hiragana_to_katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
        other => other,
    }
}

/// Small kana as the large ones, ヰヱヲ as spoken; anything else as it is.
pub(crate) fn large_kana(c: char) -> char {
    match c {
        'ァ' => 'ア',
        'ィ' | 'ヰ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' | 'ヱ' => 'エ',
        'ォ' | 'ヲ' => 'オ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヵ' | 'ㇰ' => 'カ',
        'ヶ' => 'ケ',
        'ㇱ' => 'シ',
        'ㇲ' => 'ス',
        'ㇳ' => 'ト',
        'ㇴ' => 'ヌ',
        'ㇵ' => 'ハ',
        'ㇶ' => 'ヒ',
        'ㇷ' => 'フ',
        'ㇸ' => 'ヘ',
        'ㇹ' => 'ホ',
        'ㇺ' => 'ム',
        'ㇻ' => 'ラ',
        'ㇼ' => 'リ',
        'ㇽ' => 'ル',
        'ㇾ' => 'レ',
        'ㇿ' => 'ロ',
        other => other,
    }
}

/// True where a string holds a control character: no field of ours takes one.
pub fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn full_width_blanks_and_dashes_are_fixed_silently() {
        assert_eq!(normalize("　１２－３４\u{200B} "), "12-34");
        assert_eq!(normalize("−‐–"), "---");
        assert_eq!(normalize_dense("３２２９ ０４１３"), "32290413");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-999, "-999"),
            (-34_500, "-34,500"),
            (1_234_567, "1,234,567"),
            (i64::MIN, "-9,223,372,036,854,775,808"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    proptest! {
        #[test]
        fn plain_letters_are_the_same_as_beside_others(plain in "[\\x00-\\x7f]{0,12}") {
            // A kanji that nothing changes has all of it looked at.
            let beside = |plain: &str| format!("{plain}本");
            prop_assert_eq!(normalize(&beside(&plain)), beside(plain.trim_start()));
            prop_assert_eq!(normalize(&plain), plain.trim());
            let dense: String = plain.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(normalize_dense(&beside(&plain)), beside(&dense));
            prop_assert_eq!(normalize_dense(&plain), dense);
        }
    }

    #[test]
    fn a_voicing_mark_typed_as_a_letter_of_its_own_is_its_letters() {
        for (apart, whole) in [
            ("か゛1", "が1"),
            ("ﾊ゜", "パ"),
            ("カ\u{3099}", "ガ"),
            ("は゜ー", "ぱー"),
        ] {
            assert_eq!(normalize(apart), whole, "{apart}");
        }
        assert_eq!(normalize_dense("カ ゛2"), "ガ2");
    }

    #[test]
    fn every_dash_is_a_hyphen_and_so_is_a_length_mark_that_lengthens_nothing() {
        for dash in "-‐‑‒–—―−﹣－─━┄╌╴〜〰⸺⁓⁻₋֊ーｰ".chars() {
            assert_eq!(
                normalize(&format!("1{dash}2")),
                "1-2",
                "{dash} U+{:04X}",
                u32::from(dash)
            );
            assert_eq!(normalize(&format!("公立{dash}12")), "公立-12", "{dash}");
        }
        assert_eq!(normalize("センターーＡ"), "センターーA");
        for line in "│┃┌═".chars() {
            assert_eq!(normalize(&line.to_string()), line.to_string());
        }
    }

    #[test]
    fn what_nobody_sees_is_taken_out_wherever_it_stands() {
        for mark in [
            '\u{AD}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{180E}',
            '\u{200B}',
            '\u{200D}',
            '\u{202E}',
            '\u{2063}',
            '\u{2069}',
            '\u{3164}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{E0020}',
            '\u{E0101}',
        ] {
            assert_eq!(
                normalize(&format!("{mark}1{mark}2{mark}")),
                "12",
                "U+{:04X}",
                u32::from(mark)
            );
        }
        assert_eq!(
            written(" 奈良県葛\u{E0100}城市\u{200B}１\u{2069} "),
            "奈良県葛\u{E0100}城市１"
        );
    }

    #[test]
    fn a_line_stays_one_and_lines_end_in_one_way() {
        assert_eq!(written("人間ドック\u{2028}の\u{202E}受付\u{2029}"), "人間ドック の受付");
        assert_eq!(written("\u{200B}\u{2028}\u{3000}"), "");
        assert_eq!(
            written_lines(" 1行目\r\n2行目\u{2028}3\u{2066}行目\u{2029}\n"),
            "1行目\n2行目\n3行目"
        );
    }

    #[test]
    fn a_phone_number_is_its_digits_however_it_is_written() {
        for written in [
            "090-1234-5678",
            "09012345678",
            "０９０（１２３４）５６７８",
            "090ー1234ー5678",
            " 090 1234\u{200B} 5678 ",
            "090.1234.5678",
            "+81-90-1234-5678",
            "＋８１ ９０ １２３４ ５６７８",
            "+81 (0)90-1234-5678",
            "(+81) 90 1234 5678",
        ] {
            assert_eq!(phone_key(written), "09012345678", "{written}");
        }
        assert_eq!(phone_key("+1 212 555 0100"), "12125550100");
        assert_eq!(phone_key("81-1234-5678"), "8112345678");
        assert_eq!(phone_key("なし"), "");
    }

    #[test]
    fn a_name_is_looked_for_without_blanks_and_widths_and_its_kanji_stay() {
        for (written, key) in [
            ("健保　祥子", "健保祥子"),
            (" 髙﨑 𠮷\u{E000}神\u{FA19} ", "髙﨑𠮷\u{E000}神\u{FA19}"),
            ("葛\u{E0100}城 花", "葛城花"),
            ("ｽﾐｽ　ｼﾞｮﾝ", "スミスジョン"),
            ("ｓｍｉｔｈ john", "SMITHJOHN"),
            ("佐々木 さ゛くら", "佐々木ざくら"),
            ("　\u{200B}", ""),
        ] {
            assert_eq!(name_key(written), key, "{written}");
        }
    }

    #[test]
    fn kana_by_hand_is_written_as_rosters_have_it() {
        for (typed, written) in [
            (" けんぽ たろう ", "ケンポ　タロウ"),
            ("ｹﾝﾎﾟ\u{200B}  ﾀﾛｰ", "ケンポ　タロー"),
            ("さ゛くら\u{3000}ゔぃ･え", "ザクラ　ヴィ・エ"),
            ("ケンポ　タロウ", "ケンポ　タロウ"),
            ("ＳＭＩＴＨ John", "ＳＭＩＴＨ　John"),
        ] {
            assert_eq!(kana_by_hand(typed), written, "{typed}");
        }
    }

    #[test]
    fn a_number_is_digits_and_nothing_else() {
        assert_eq!(number::<u32>("0042"), Some(42));
        for text in ["", "+4", "-1", " 4", "４", "4.0", "٤", "1e3", "99999999999"] {
            assert_eq!(number::<u32>(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_and_holds_nothing_invisible(typed in "(\\PC|[ーｰ─\u{200B}\u{3164}ﾊﾟか゛1a-]){0,30}") {
            let normal = normalize(&typed);
            prop_assert_eq!(&normalize(&normal), &normal);
            prop_assert_eq!(visible(&normal).collect::<String>(), normal);
            let kept = written(&typed);
            prop_assert_eq!(&written(&kept), &kept);
        }

        #[test]
        fn the_key_of_a_name_is_its_own_key(written in "(\\PC|[髙﨑ｶﾞか゛ 　ａ-ｃ\u{E0100}ß]){0,20}") {
            let key = name_key(&written);
            prop_assert_eq!(name_key(&key), key);
        }

        #[test]
        fn any_number_reads_back_and_no_other_writing_of_it(n in any::<u32>(), other in "\\PC{0,6}") {
            prop_assert_eq!(number::<u32>(&n.to_string()), Some(n));
            let plain = !other.is_empty() && other.bytes().all(|b| b.is_ascii_digit());
            prop_assert_eq!(number::<u64>(&other).is_some(), plain);
        }
    }
}
