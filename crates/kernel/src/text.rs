//! What every typed field goes through first: width, invisible characters and dashes made one (ui/guide.md §2).

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

/// The hyphens, minus signs and dashes that keyboards and printed letters mix. ー (the kana length mark) is not one:
/// in kana it is a letter.
pub(crate) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '﹣' | '－')
}

/// Zero-width and direction marks, which come along with pasted text.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{00AD}')
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
