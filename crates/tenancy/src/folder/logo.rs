//! Logos are never passed on as they came: decoded within limits and written anew as PNG, so that a member's browser
//! only ever gets a picture. PNG and WebP in; no SVG, which can hold scripts.

use super::LogoFile;
use crate::{LogoHead, terms::hex};
use image::{
    ImageEncoder as _, ImageFormat, ImageReader, Limits,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use sha2::{Digest as _, Sha256};
use std::io::Cursor;

/// Bytes of a file as it comes.
pub const MAX_FILE: u64 = 1024 * 1024;
/// Pixels of width and of height.
const MAX_SIDE: u32 = 2000;
/// Bytes of a file as it goes out.
const MAX_LOGO: usize = 64 * 1024;
/// Bytes a decoder may take: a picture of the largest size, twice.
const MAX_MEMORY: u64 = 2 * 4 * MAX_SIDE as u64 * MAX_SIDE as u64;

/// Reads a logo; the error is the reason in words.
pub(super) fn read(folder: &files::Folder, name: &str) -> Result<LogoFile, String> {
    let bytes = folder.read(name, MAX_FILE).map_err(|error| error.to_string())?;
    redraw(&bytes).map_err(|problem| problem.to_string())
}

/// Why a picture can't be a logo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoProblem {
    /// No picture that is taken here.
    #[error("neither PNG nor WebP")]
    Format,
    /// It can't be read to its end.
    #[error("can't be decoded: {0}")]
    Damaged(String),
    /// Too wide or too high.
    #[error("{width} × {height} pixels: {MAX_SIDE} × {MAX_SIDE} is the most")]
    Sides {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Too large as it would go out.
    #[error("{kib} KiB as PNG, 64 are the most: make it smaller or simpler")]
    Heavy {
        /// KiB.
        kib: usize,
    },
}

/// Draws a logo anew.
pub fn redraw(bytes: &[u8]) -> Result<LogoFile, LogoProblem> {
    let Ok(format @ (ImageFormat::Png | ImageFormat::WebP)) = image::guess_format(bytes) else {
        return Err(LogoProblem::Format);
    };
    let damaged = |error: image::ImageError| LogoProblem::Damaged(error.to_string());
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format)
        .into_dimensions()
        .map_err(damaged)?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(LogoProblem::Sides { width, height });
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let picture = reader.decode().map_err(damaged)?.into_rgba8();
    let opaque = picture.pixels().all(|pixel| pixel.0.last() == Some(&u8::MAX));
    let mut png = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive);
    let written = if opaque {
        let picture = image::DynamicImage::ImageRgba8(picture).into_rgb8();
        encoder.write_image(&picture, width, height, image::ExtendedColorType::Rgb8)
    } else {
        encoder.write_image(&picture, width, height, image::ExtendedColorType::Rgba8)
    };
    written.map_err(damaged)?;
    if png.len() > MAX_LOGO {
        let kib = png.len().div_ceil(1024);
        return Err(LogoProblem::Heavy { kib });
    }
    let head = LogoHead {
        hash: hex(&Sha256::digest(&png)),
        width,
        height,
    };
    Ok(LogoFile { head, bytes: png })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, Rgba, RgbaImage};

    fn encoded(picture: RgbaImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        DynamicImage::ImageRgba8(picture)
            .write_to(&mut Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    #[test]
    fn png_and_webp_come_out_as_png_and_the_same_png_again() {
        let picture = RgbaImage::from_fn(40, 20, |x, _| Rgba([27, 110, 60, if x < 20 { 255 } else { 128 }]));
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let logo = redraw(&encoded(picture.clone(), format)).unwrap();
            assert_eq!((logo.head.width, logo.head.height), (40, 20));
            assert_eq!(image::guess_format(&logo.bytes).unwrap(), ImageFormat::Png);
            assert_eq!(redraw(&logo.bytes).unwrap(), logo);
        }
    }

    // security.md 47
    #[test]
    fn what_is_no_picture_too_wide_or_too_heavy_is_refused_with_the_reason() {
        assert!(
            redraw(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
                .unwrap_err()
                .to_string()
                .contains("neither PNG nor WebP")
        );
        assert!(
            redraw(b"GIF89a........")
                .unwrap_err()
                .to_string()
                .contains("neither PNG nor WebP")
        );
        let wide = encoded(RgbaImage::new(2001, 1), ImageFormat::Png);
        assert!(redraw(&wide).unwrap_err().to_string().contains("2001 × 1 pixels"));
        let cut = encoded(RgbaImage::new(300, 300), ImageFormat::Png);
        assert!(redraw(&cut[..60]).unwrap_err().to_string().contains("can't be decoded"));
        let noise = RgbaImage::from_fn(300, 300, |x, y| {
            let mixed = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519))
                .wrapping_mul(3_266_489_917)
                .to_be_bytes();
            Rgba([mixed[0], mixed[1], mixed[2], 255])
        });
        assert!(
            redraw(&encoded(noise, ImageFormat::Png))
                .unwrap_err()
                .to_string()
                .contains("64 are the most")
        );
    }
}
