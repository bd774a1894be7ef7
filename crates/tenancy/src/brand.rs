//! Tenant colours (ui/guide.md §1): from one chosen `#rrggbb`, the colours that text and buttons may use, each readable
//! (WCAG contrast ≥ 4.5) on every surface it can stand on. Pale colours are mended, never refused.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use palette::{Clamp as _, FromColor as _, IsWithinBounds as _, Oklch, Srgb, convert::FromColorUnclamped as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The contrast that text needs (WCAG 1.4.3).
const READABLE: f64 = 4.5;
/// White, grey-50, and the tints of information, success, error and warning boxes; the brand's own tint is the seventh.
const SURFACES: [Color; 6] = [
    Color([0xff, 0xff, 0xff]),
    Color([0xf2, 0xf2, 0xf2]),
    Color([0xe8, 0xf1, 0xfe]),
    Color([0xe6, 0xf5, 0xec]),
    Color([0xfd, 0xee, 0xee]),
    Color([0xfb, 0xf5, 0xe0]),
];
/// Halvings of an interval of 1: finer than 8-bit colours can show.
const HALVINGS: u32 = 24;

/// An opaque sRGB colour, `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub [u8; 3]);

impl Color {
    const WHITE: Self = Self([0xff; 3]);
    const BLACK: Self = Self([0; 3]);

    /// Reads `#rrggbb`, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// WCAG contrast ratio, 1–21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn oklch(self) -> Oklch<f64> {
        let [red, green, blue] = self.0;
        Oklch::from_color(Srgb::new(red, green, blue).into_format::<f64>())
    }
}

impl Default for Color {
    /// blue-900 of デジタル庁's design tokens: the platform's own.
    fn default() -> Self {
        Self([0x00, 0x17, 0xc1])
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not #rrggbb"))
    }
}

/// The five colours of an insurer's pages, with the style block that sets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// As chosen: decoration only (top bar, logo band).
    pub color: Color,
    /// For text and buttons: as chosen where readable, else the lightest readable one of that hue.
    pub strong: Color,
    /// [`Self::strong`], darker: links and buttons under the pointer.
    pub hover: Color,
    /// A pale surface of that hue.
    pub tint: Color,
    /// White where it is readable on the chosen colour, else black.
    pub on_brand: Color,
    style: String,
    csp_hash: String,
}

impl Brand {
    /// Derives the colours.
    pub fn new(color: Color) -> Self {
        let chosen = color.oklch();
        let tint = in_gamut(Oklch::new(0.965, chosen.chroma.min(0.03), chosen.hue));
        let strong = readable(color, tint);
        let darker = strong.oklch();
        let hover = in_gamut(Oklch::new((darker.l - 0.08).max(0.0), darker.chroma, darker.hue));
        let on_brand = if Color::WHITE.contrast(color) >= READABLE {
            Color::WHITE
        } else {
            Color::BLACK
        };
        let style = format!(
            ":root{{--brand:{color};--brand-strong:{strong};--brand-hover:{hover};--brand-tint:{tint};--on-brand:{on_brand}}}"
        );
        let csp_hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(&style)));
        Self {
            color,
            strong,
            hover,
            tint,
            on_brand,
            style,
            csp_hash,
        }
    }

    /// What stands in the page's `<style>`, to the letter.
    pub fn style(&self) -> &str {
        &self.style
    }

    /// The style block's source expression for `style-src`, quotes included: `'sha256-…'`.
    pub fn csp_hash(&self) -> &str {
        &self.csp_hash
    }
}

/// The colour itself where it is readable everywhere, else the lightest readable one of its hue.
fn readable(color: Color, tint: Color) -> Color {
    let passes = |candidate: Color| {
        SURFACES
            .iter()
            .chain([&tint])
            .all(|surface| candidate.contrast(*surface) >= READABLE)
    };
    if passes(color) {
        return color;
    }
    let chosen = color.oklch();
    // Black passes on every surface; the colour itself does not. Between the two lies the lightest that does.
    let (mut dark, mut light, mut found) = (0.0, chosen.l, Color::BLACK);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(dark, light);
        let candidate = in_gamut(Oklch::new(middle, chosen.chroma, chosen.hue));
        if passes(candidate) {
            (dark, found) = (middle, candidate);
        } else {
            light = middle;
        }
    }
    found
}

/// The nearest colour that a screen can show: lightness and hue kept, chroma reduced as far as needed.
fn in_gamut(wanted: Oklch<f64>) -> Color {
    let shown = |chroma: f64| Srgb::<f64>::from_color_unclamped(Oklch::new(wanted.l, chroma, wanted.hue));
    let whole = shown(wanted.chroma);
    if whole.is_within_bounds() {
        return eight_bits(whole);
    }
    let (mut inside, mut outside) = (0.0, wanted.chroma);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(inside, outside);
        if shown(middle).is_within_bounds() {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    eight_bits(shown(inside))
}

fn eight_bits(color: Srgb<f64>) -> Color {
    let color = color.clamp().into_format::<u8>();
    Color([color.red, color.green, color.blue])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brand(text: &str) -> Brand {
        Brand::new(Color::parse(text).unwrap())
    }

    fn lowest_contrast(brand: &Brand, color: Color) -> f64 {
        SURFACES
            .iter()
            .chain([&brand.tint])
            .map(|surface| color.contrast(*surface))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_guides_measured_examples_come_out_alike() {
        for (chosen, strong) in [
            ("#f39800", "#9c6000"),
            ("#00a0e9", "#0074ac"),
            ("#ffd43d", "#846b00"),
            ("#009944", "#007f38"),
            ("#e60012", "#dd0011"),
            ("#1b1464", "#1b1464"),
        ] {
            let (ours, guide) = (brand(chosen).strong, Color::parse(strong).unwrap());
            let far = ours.0.iter().zip(guide.0).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(far <= 2, "{chosen}: {ours}, the guide has {guide}");
        }
    }

    #[test]
    fn a_mended_colour_is_no_darker_than_it_has_to_be() {
        for chosen in ["#f39800", "#00a0e9", "#ffd43d", "#009944", "#e60012"] {
            let brand = brand(chosen);
            let contrast = lowest_contrast(&brand, brand.strong);
            assert!((4.5..4.6).contains(&contrast), "{chosen}: {contrast}");
        }
    }

    #[test]
    fn the_style_block_and_its_hash_belong_together() {
        let brand = brand("#0017c1");
        assert_eq!(
            brand.style(),
            format!(
                ":root{{--brand:#0017c1;--brand-strong:#0017c1;--brand-hover:{};--brand-tint:{};--on-brand:#ffffff}}",
                brand.hover, brand.tint
            )
        );
        let hash = STANDARD.encode(Sha256::digest(brand.style().as_bytes()));
        assert_eq!(brand.csp_hash(), format!("'sha256-{hash}'"));
    }

    #[test]
    fn only_the_exact_form_is_a_colour() {
        for text in [
            "",
            "#fff",
            "f39800",
            "#f3980",
            "#f398000",
            "#f3980g",
            "#+39800",
            "orange",
            " #f39800",
            "＃f39800",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
        assert_eq!(Color::parse("#F39800").unwrap().to_string(), "#f39800");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn every_colour_yields_readable_text_on_every_surface(red: u8, green: u8, blue: u8) {
            let brand = Brand::new(Color([red, green, blue]));
            prop_assert!(lowest_contrast(&brand, brand.strong) >= READABLE);
            prop_assert!(lowest_contrast(&brand, brand.hover) >= READABLE);
            prop_assert!(brand.on_brand.contrast(brand.color) >= READABLE);
            prop_assert!(Color::WHITE.contrast(brand.strong) >= READABLE);
        }
    }
}
