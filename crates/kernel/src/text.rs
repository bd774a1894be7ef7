//! What every typed field goes through first: width, invisible characters and dashes made one (ui/guide.md §2).

use icu_properties::{CodePointSetData, CodePointSetDataBorrowed, props::DefaultIgnorableCodePoint};
use unicode_normalization::UnicodeNormalization;

/// NFKC, trimmed (ideographic spaces and zero-width characters included), with every kind of dash as `-`. For codes,
/// numbers, IDs and e-mail addresses; never for names in kanji, which NFKC would change.
pub fn normalize(typed: &str) -> String {
    let plain: String = typed
        .nfkc()
        .filter(|c| !is_invisible(*c))
        .map(|c| if is_dash(c) { '-' } else { c })
        .collect();
    plain.trim().to_owned()
}

/// [`normalize`], with all white space taken out: for codes and numbers that people group with blanks.
pub fn normalize_dense(typed: &str) -> String {
    normalize(typed).chars().filter(|c| !c.is_whitespace()).collect()
}

/// Without what nobody sees (Unicode's `Default_Ignorable_Code_Point`): direction marks, joiners and the like, which come
/// along with pasted text. Not for names in kanji, whose variants are told apart by such marks.
pub fn visible(typed: &str) -> impl Iterator<Item = char> {
    const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    typed.chars().filter(|c| !IGNORABLE.contains(*c))
}

/// The hyphens, minus signs and dashes that keyboards and printed letters mix. ー (the kana length mark) is not one:
/// in kana it is a letter.
pub(crate) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '﹣' | '－')
}

/// Zero-width and direction marks, which come along with pasted text.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{00AD}')
}

/// ひらがな as カタカナ; anything else as it is.
pub(crate) fn hiragana_to_katakana(c: char) -> char {
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

    #[test]
    fn full_width_blanks_and_dashes_are_fixed_silently() {
        assert_eq!(normalize("　１２－３４\u{200B} "), "12-34");
        assert_eq!(normalize("−‐–"), "---");
        assert_eq!(normalize_dense("３２２９ ０４１３"), "32290413");
    }
}
