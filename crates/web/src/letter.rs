//! 案内状: the letter by which a person finds the way to sign up. One to a person, with the address where an envelope's window
//! shows it, and one for everybody, for the insurer's own web page. It never tells a birth date: whoever finds a letter
//! could sign up with it.

use askama::Template;
use chrono::{DateTime, Utc};
use kernel::{InsurerCode, calendar};
use pages::{qr::Qr, words};
use roster::letters::Addressee;
use tenancy::Insurer;
use url::Url;

/// Sizes of the address block: letters in a line of it, lines in it, its class.
const SIZES: [(usize, usize, &str); 4] = [(20, 7, ""), (25, 8, "m"), (32, 11, "s"), (41, 14, "xs")];

/// What stands on every letter of an insurer.
pub struct Letterhead {
    /// The insurer's name.
    pub insurer: String,
    /// 保険者指定コード.
    pub code: String,
    /// Today.
    pub day: String,
    /// What is said on everything of a sandbox.
    pub sandbox: Option<&'static str>,
    /// The desk's name, number, hours and address of mail; empty where it has none.
    pub desk: String,
    /// 電話.
    pub phone: String,
    /// When it answers.
    pub hours: String,
    /// メール.
    pub email: String,
    /// Where members find their number.
    pub documents: String,
    /// The way in at first.
    pub first: Way,
    /// The way in afterwards.
    pub later: Way,
}

/// An address, and the same for a phone's camera.
pub struct Way {
    /// As it is typed.
    pub url: String,
    /// The modules of its code to a side, with the quiet zone.
    pub side: usize,
    /// The dark ones, as the path of an SVG.
    pub path: String,
}

impl Way {
    /// None where the address is too long for any code.
    fn new(url: &Url) -> Option<Self> {
        let Qr { size, path } = Qr::new(url.as_str())?;
        Some(Self {
            url: url.to_string(),
            side: size,
            path,
        })
    }
}

impl Letterhead {
    /// An insurer's; none of the platform's, which has no code.
    pub fn new(insurer: &Insurer, public_url: &Url, now: DateTime<Utc>) -> Option<Self> {
        let code = insurer.code.as_ref().map(InsurerCode::as_str)?;
        let (mut first, mut later) = (public_url.clone(), public_url.clone());
        first.set_path("/portal/signup");
        first.query_pairs_mut().append_pair("insurer", code);
        later.set_path("/portal/");
        let documents = insurer.member_documents.iter().map(|document| document.label());
        Some(Self {
            insurer: insurer.name.clone(),
            code: code.to_owned(),
            day: calendar::date_both(calendar::today_in_japan(now)),
            sandbox: words::sandbox(insurer),
            desk: insurer.desk.name.clone(),
            phone: insurer.desk.phone.clone(),
            hours: insurer.desk.hours_text(),
            email: insurer
                .desk
                .email
                .as_ref()
                .map(|email| email.as_str().to_owned())
                .unwrap_or_default(),
            documents: documents.collect::<Vec<_>>().join("、"),
            first: Way::new(&first)?,
            later: Way::new(&later)?,
        })
    }
}

/// To whom.
pub struct To {
    /// 〒 and the number; empty where there is none.
    pub postal_code: String,
    /// 住所.
    pub address: String,
    /// 住所（建物名）.
    pub building: String,
    /// 氏名.
    pub name: String,
    /// 記号.
    pub symbol: String,
    /// 番号.
    pub number: String,
    /// The class of a size at which all of it fits the window.
    pub size: &'static str,
}

impl To {
    /// As the roster has them.
    pub fn new(addressee: Addressee) -> Self {
        let name = addressee.name.replace('\u{3000}', " ");
        Self {
            size: size(&[&addressee.address, &addressee.building, &name]),
            postal_code: addressee.postal_code,
            address: addressee.address,
            building: addressee.building,
            name,
            symbol: addressee.symbol,
            number: addressee.number,
        }
    }
}

/// The largest size at which these paragraphs fit, with a line for the postal code and one for 様.
fn size(paragraphs: &[&str]) -> &'static str {
    let lines = |width: usize| {
        2 + paragraphs
            .iter()
            .map(|text| text.chars().count().div_ceil(width))
            .sum::<usize>()
    };
    let fitting = SIZES.iter().find(|(width, most, _)| lines(*width) <= *most);
    fitting.map_or("xs", |(.., class)| class)
}

#[derive(Template)]
#[template(path = "letter_alone.html")]
struct Alone<'a> {
    head: &'a Letterhead,
    style: &'static str,
    /// To nobody by name.
    to: Option<&'a To>,
}

/// The letter for everybody, as a page that stands alone in a file.
pub fn alone(head: &Letterhead) -> Result<String, askama::Error> {
    let style = pages::assets::STYLE_SHEET;
    Alone { head, style, to: None }.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_an_address_the_smaller_it_is_set_and_it_fits() {
        assert_eq!(size(&["奈良県橿原市大久保町302番1", "", "健保 祥子"]), "");
        assert_eq!(size(&[&"橿".repeat(60), &"館".repeat(30), "健保 祥子"]), "m");
        assert_eq!(size(&[&"橿".repeat(200), &"館".repeat(60), "健保 祥子"]), "xs");
    }
}
