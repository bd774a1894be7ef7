//! A colour tried on real parts of pages, and the logo.

use super::{SETTINGS, expected, place, revising};
use askama::Template;
use database::Durability;
use edge::BodyTrouble;
use kernel::{Field, FieldError, Outage, Outcome, Problem, Refusal};
use pages::{
    Reply, Visit,
    frame::Frame,
    reply::see_other,
    visit::{Trouble, settle},
};
use poem::Response;
use staff::Clerk;
use std::sync::Arc;
use tenancy::{Brand, Color, Insurer, LogoFile, LogoProblem, Topic, logos, revise};

/// The file of a new logo.
const FILE: Field = Field::new("file", "ロゴ").or_empty("ロゴの画像を選んでください");

#[derive(Template)]
#[template(path = "console/settings_preview.html")]
struct PreviewPage {
    frame: Frame,
    color: String,
    /// Where the form takes the colour over.
    take: String,
    back: &'static str,
    is_mended: bool,
    contrasts: [Contrast; 3],
}

/// How well something is read.
struct Contrast {
    what: &'static str,
    color: String,
    ratio: String,
}

/// `GET /console/settings/branding/preview?color=…`: the page itself wears the colour.
pub(super) async fn preview(mut visit: Visit, clerk: Clerk) -> Reply {
    let form = place(Topic::Branding).0;
    let typed = kernel::text::normalize_dense(visit.query.text("color")).to_ascii_lowercase();
    let Some(color) = Color::parse(&typed) else {
        let text = "色は、#1b6e3c のように、#と、0～9とa～fの6文字で入力してください。";
        return Ok(visit.inform(see_other(form), text));
    };
    let mut look = Insurer::clone(&clerk.insurer);
    look.brand = Brand::new(color);
    let brand = look.brand.clone();
    visit.look = Arc::new(look);
    let white = Color([0xff; 3]);
    visit.html(&PreviewPage {
        frame: visit.frame().in_section(SETTINGS),
        take: format!("{form}?color=%23{}", color.to_string().trim_start_matches('#')),
        back: form,
        is_mended: brand.strong != color,
        contrasts: [
            contrast("帯の文字", brand.on_brand, brand.color),
            contrast("文字とリンク", brand.strong, white),
            contrast("淡い面の文字", brand.strong, brand.tint),
        ],
        color: color.to_string(),
    })
}

fn contrast(what: &'static str, color: Color, on: Color) -> Contrast {
    Contrast {
        what,
        color: color.to_string(),
        ratio: format!("{:.1}", color.contrast(on)),
    }
}

/// `GET /console/settings/branding/picture/:hash`: a logo of the insurer's, since the console may have a host of its own.
pub(super) async fn logo(visit: Visit, clerk: Clerk) -> Reply {
    let mut tx = visit.services.database.tenant(clerk.insurer.tenant_id).read().await?;
    let logo = logos::logo(&mut tx, visit.param("hash")).await?;
    tx.commit().await?;
    let logo = logo.ok_or(Trouble::NotFound)?;
    Ok(Response::builder().content_type(logo.media_type).body(logo.bytes))
}

/// `POST /console/settings/branding/logo/:revision`: the picture, drawn anew.
pub(super) async fn bring_logo(visit: Visit, clerk: Clerk) -> Reply {
    let logo = match receive(&visit).await? {
        Ok(logo) => logo,
        Err(refusal) => return Ok(visit.form_again(&refusal, place(Topic::Branding).0, &[]).await),
    };
    let expected = expected(visit.param("revision"));
    let done = put(&visit, &clerk, expected, Some(logo)).await;
    answer(&visit, done, "ロゴを変えました。").await
}

/// `POST /console/settings/branding/logo-removal`.
pub(super) async fn remove_logo(visit: Visit, clerk: Clerk) -> Reply {
    let expected = expected(visit.form.text("revision"));
    let done = put(&visit, &clerk, expected, None).await;
    answer(&visit, done, "ロゴを外しました。").await
}

async fn answer(visit: &Visit, done: Result<Outcome<i64>, Outage>, text: &'static str) -> Reply {
    let form = place(Topic::Branding).0;
    match settle(done) {
        Ok(_) => Ok(visit.done(see_other(form), text)),
        Err(refusal) => Ok(visit.form_again(&refusal, form, &[]).await),
    }
}

/// The logo in force from now on; the earlier ones stay, since pages in browsers still ask for them.
async fn put(visit: &Visit, clerk: &Clerk, expected: i64, logo: Option<LogoFile>) -> Result<Outcome<i64>, Outage> {
    let tenant = visit.services.database.tenant(clerk.insurer.tenant_id);
    let mut tx = tenant.write(Durability::Safe).await?;
    let why = match &logo {
        Some(logo) => {
            logos::keep(&mut tx, logo).await?;
            "ロゴの変更"
        }
        None => "ロゴを外す",
    };
    let head = logo.map(|logo| logo.head);
    let revising = revising(clerk, expected, why);
    let outcome = revise(&mut tx, visit.now, &visit.origin, &revising, |settings| {
        settings.logo = head;
    })
    .await?;
    if let Outcome::Done(_) = outcome {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok(outcome)
}

async fn receive(visit: &Visit) -> Result<Result<LogoFile, Refusal>, Trouble> {
    let body = visit.file.as_ref().ok_or(Trouble::NotFound)?;
    let bytes = match bytes(body).await {
        Ok(bytes) => bytes,
        Err(BodyTrouble::TooLarge) => {
            return Ok(Err(wrong("ロゴには、1MBまでの画像を選んでください")));
        }
        Err(BodyTrouble::Unreadable) => {
            return Ok(Err(wrong("ロゴの画像が途中で切れました。もう一度選んでください")));
        }
    };
    if bytes.is_empty() {
        return Ok(Err(Refusal::field(FieldError::new(FILE, Problem::Empty))));
    }
    // Decoding takes its time, which no other request waits for.
    let drawn = tokio::task::spawn_blocking(move || tenancy::read_logo(&bytes)).await;
    Ok(match drawn {
        Ok(Ok(logo)) => Ok(logo),
        Ok(Err(problem)) => Err(wrong(words(&problem))),
        Err(_) => Err(wrong(words(&LogoProblem::Format))),
    })
}

async fn bytes(body: &edge::FileBody) -> Result<Vec<u8>, BodyTrouble> {
    let mut incoming = body.open().await?;
    let mut bytes = Vec::new();
    while let Some(more) = incoming.next().await? {
        bytes.extend(more);
    }
    Ok(bytes)
}

fn words(problem: &LogoProblem) -> &'static str {
    match problem {
        LogoProblem::Format => "ロゴには、PNGかWebPの画像を選んでください",
        LogoProblem::Damaged(_) => "この画像は読み取れませんでした。PNGかWebPで保存し直した画像を選んでください",
        LogoProblem::Sides { .. } => "ロゴは、縦横それぞれ2000ピクセルまでに縮めて、もう一度選んでください",
        LogoProblem::Heavy { .. } => {
            "ロゴは、64KBまでにおさまるように、小さくするか、色を減らして、もう一度選んでください"
        }
    }
}

fn wrong(words: &'static str) -> Refusal {
    Refusal::field(FieldError::new(FILE.takes(words), Problem::Characters))
}
