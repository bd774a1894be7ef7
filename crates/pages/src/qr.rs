//! QR codes, drawn as one path of an inline SVG: nothing is loaded for them, and the page's policy stays.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// The white edge that a reader needs, in modules.
const EDGE: usize = 4;

/// A QR code for a template: `macros/qr.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    /// Modules on a side, the edge included: the picture's `viewBox`.
    pub size: usize,
    /// The dark modules, as an SVG path.
    pub path: String,
}

impl Qr {
    /// Draws a text; none where it is too long for any QR code.
    pub fn new(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            // Neighbours of one colour are one bar.
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&Color::Dark) {
                    // Writing to a String does not fail.
                    let _ = write!(path, "M{} {}h{}v1h-{}z", x + EDGE, y + EDGE, run.len(), run.len());
                }
                x += run.len();
            }
        }
        Some(Self {
            size: width + 2 * EDGE,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_with_an_edge_and_its_first_bar_is_a_finder() {
        let qr = Qr::new("otpauth://totp/a?secret=b").unwrap();
        assert_eq!(qr.size, 25 + 2 * EDGE);
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "{}", qr.path);
        assert!(
            qr.path
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b"Mhvz- ".contains(&byte))
        );
        assert_eq!(Qr::new(&"a".repeat(5000)), None);
    }
}
