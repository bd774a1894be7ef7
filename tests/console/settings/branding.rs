//! The colour and the logo.

use super::{BRANDING, REVISIONS, administrator, filled, revisions, save, seen, send};
use reqwest::Method;
use std::io::Cursor;
use testkit::{Answer, TestApp, TestClerk};

#[tokio::test]
async fn a_colour_is_tried_on_the_page_itself_with_how_well_it_is_read() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let page = clerk.get(&format!("{BRANDING}/preview?color=%23f39800")).await;
    let brand = tenancy::Brand::new(tenancy::Color::parse("#f39800").unwrap());
    assert!(page.text.contains(brand.style()), "{}", page.text);
    assert!(page.header("content-security-policy").contains(brand.csp_hash()));
    assert!(
        page.text.contains("読みにくくなります") && page.text.contains("4.5"),
        "{}",
        page.text
    );
    assert!(
        clerk
            .get(&format!("{BRANDING}?color=%23f39800"))
            .await
            .text
            .contains("value=\"#f39800\"")
    );
    assert_eq!(
        clerk.get(&format!("{BRANDING}/preview?color=orange")).await.location(),
        BRANDING
    );
    assert_eq!(revisions(&app).await.len(), 1);
}

async fn bring_logo(clerk: &TestClerk, revision: &str, bytes: &[u8]) -> Answer {
    let mark = clerk.mark(BRANDING).await.unwrap();
    let before = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"logo.png\"\r\nContent-Type: image/png\r\n\r\n";
    let request = clerk
        .request(Method::POST, &format!("{BRANDING}/logo/{revision}?for={mark}"))
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "multipart/form-data; boundary=xyz")
        .body([before.as_bytes(), bytes, b"\r\n--xyz--\r\n"].concat());
    clerk.send(request).await
}

// security.md 47
#[tokio::test]
async fn a_logo_is_drawn_anew_kept_by_its_content_and_taken_off() {
    let app = TestApp::with(
        "139998",
        |folder| {
            folder.logo = None;
            folder.settings.logo = None;
        },
        |_| (),
    )
    .await;
    let clerk = administrator(&app).await;
    let png = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../tenants/32290413/logo.png")).unwrap();
    for (bytes, words) in [
        (&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], "PNGかWebP"),
        (&png[..60], "読み取れませんでした"),
        (&b""[..], "選んでください"),
        (&vec![0; 1024 * 1024 + 1][..], "1MBまで"),
    ] {
        let refused = bring_logo(&clerk, "1", bytes).await;
        assert_eq!(refused.status, 303);
        let page = clerk.get(refused.location()).await.text;
        assert!(page.contains(words), "{words}: {page}");
        assert!(
            page.contains(&format!("value=\"{}\"", app.insurer.insurer.name)),
            "the other form is as it stands"
        );
    }
    let brought = bring_logo(&clerk, "1", &png).await;
    assert_eq!(
        (brought.status.as_u16(), brought.location()),
        (303, BRANDING),
        "{}",
        brought.text
    );
    let head = seen(&app).await.logo.expect("a logo");
    let portal = format!("/portal/logo/{}/{}", app.insurer.code, head.hash);
    for path in [portal, format!("{BRANDING}/picture/{}", head.hash)] {
        let picture = clerk.get(&path).await;
        assert_eq!(
            (picture.status.as_u16(), picture.header("content-type")),
            (200, "image/png")
        );
    }
    // Who has not seen it is told.
    let late = bring_logo(&clerk, "1", &png[..]).await;
    assert!(late.location().contains("again="), "{}", late.location());
    let removed = clerk
        .post(&format!("{BRANDING}/logo-removal"), &[("revision", "2")])
        .await;
    assert_eq!(
        (removed.status.as_u16(), removed.location()),
        (303, BRANDING),
        "{}",
        removed.text
    );
    assert_eq!(seen(&app).await.logo, None);
    // Taken back, it is there again.
    let path = format!("{REVISIONS}/3/take-back");
    let back = send(
        &clerk,
        &path,
        &filled(&clerk.get(&path).await, &[("why", "やはり使う")]),
    )
    .await;
    assert_eq!(back.status, 303, "{}", back.text);
    assert_eq!(seen(&app).await.logo, Some(head));
}

#[tokio::test]
async fn a_colour_below_contrast_is_kept_as_chosen_and_no_text_wears_it() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let white = tenancy::Color([0xff; 3]);
    for color in ["#ffffff", "#ffff00", "#f39800", "#7f7f7f", "#000000"] {
        let saved = save(&clerk, BRANDING, &[("brand_color", color)]).await;
        assert_eq!(saved.status, 303, "{color}: {}", saved.text);
        let brand = seen(&app).await.brand;
        assert_eq!(brand.color.to_string(), color);
        for (text, on) in [
            (brand.on_brand, brand.color),
            (brand.strong, white),
            (brand.strong, brand.tint),
            (brand.hover, white),
        ] {
            assert!(text.contrast(on) >= 4.5, "{color}: {text} on {on}");
        }
        let page = clerk.get(BRANDING).await;
        assert!(page.text.contains(brand.style()), "{color}: {}", page.text);
    }
    for wrong in ["", "#fff", "#12345g", "rgb(0,0,0)", "url(x)", "#1b6e3c;}"] {
        let refused = save(&clerk, BRANDING, &[("brand_color", wrong)]).await;
        assert_eq!(refused.status, 422, "{wrong}");
        assert!(
            refused.text.contains("href=\"#f-brand_color\""),
            "{wrong}: {}",
            refused.text
        );
    }
    assert_eq!(revisions(&app).await.len(), 6);
}

fn png(picture: image::RgbaImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::DynamicImage::ImageRgba8(picture)
        .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
        .unwrap();
    bytes
}

/// Points of which none is like its neighbour.
fn noise(side: u32) -> image::RgbaImage {
    image::RgbaImage::from_fn(side, side, |x, y| {
        let mixed = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917);
        let [red, green, blue, _] = mixed.to_be_bytes();
        image::Rgba([red, green, blue, 255])
    })
}

/// The picture as the first of two, with a script behind its end.
fn moving(png: &[u8]) -> Vec<u8> {
    let control = [&b"acTL"[..], &2_u32.to_be_bytes(), &0_u32.to_be_bytes()].concat();
    let check = control.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    });
    // Behind the signature and the header.
    let (head, rest) = png.split_at(33);
    let script = b"<script>alert(1)</script>";
    [
        head,
        &8_u32.to_be_bytes(),
        &control,
        &(!check).to_be_bytes(),
        rest,
        script,
    ]
    .concat()
}

// security.md 47
#[tokio::test]
async fn no_picture_too_large_or_with_a_script_is_taken_and_none_moves() {
    let app = TestApp::start().await;
    let clerk = administrator(&app).await;
    let before = seen(&app).await.logo;
    let script = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>";
    for (bytes, words) in [
        (script.as_bytes().to_vec(), "PNGかWebP"),
        (format!("<?xml version='1.0'?>{script}").into_bytes(), "PNGかWebP"),
        (b"<!doctype html><script>alert(1)</script>".to_vec(), "PNGかWebP"),
        (b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), "PNGかWebP"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(), "PNGかWebP"),
        (png(image::RgbaImage::new(2001, 1)), "2000ピクセル"),
        (png(image::RgbaImage::new(1, 2001)), "2000ピクセル"),
        (png(noise(300)), "64KBまで"),
    ] {
        let refused = bring_logo(&clerk, "1", &bytes).await;
        assert_eq!(refused.status, 303, "{words}");
        let page = clerk.get(refused.location()).await.text;
        assert!(
            page.contains(words) && page.contains("href=\"#f-file\""),
            "{words}: {page}"
        );
    }
    assert_eq!((seen(&app).await.logo, revisions(&app).await.len()), (before, 1));
    // What moves comes out as one picture, and without what came behind it.
    let sent = moving(&png(noise(40)));
    assert_eq!(bring_logo(&clerk, "1", &sent).await.location(), BRANDING);
    let head = seen(&app).await.logo.expect("a logo");
    let picture = clerk.get(&format!("{BRANDING}/picture/{}", head.hash)).await;
    assert_eq!(
        (picture.status.as_u16(), picture.header("content-type")),
        (200, "image/png")
    );
    for gone in ["acTL", "<script"] {
        assert!(
            String::from_utf8_lossy(&sent).contains(gone) && !picture.text.contains(gone),
            "{gone}"
        );
    }
}
