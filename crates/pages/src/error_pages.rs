//! Pages for what no handler answers: nothing here, not this way, not readable, not now. Each says what to do next.

use crate::{
    forms::FormTrouble,
    frame::{Frame, Menu},
    reply::{self, Reply},
    visit::{Refused, Trouble},
};

use kernel::{Refusal, Way, Words, outcome};

use askama::Template;
use chrono::{DateTime, Utc};
use edge::Rights;
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    words: Words,
    start: Option<Start>,
}

/// The same in the console.
#[derive(Template)]
#[template(path = "console_error.html")]
struct ConsoleErrorPage {
    frame: Frame,
    words: Words,
    start: Option<Start>,
}

/// A button that starts anew.
#[derive(Debug, Clone, Copy)]
enum Start {
    SignUp,
    LogIn,
}

/// The page of a trouble. Its cause is logged here and shown nowhere.
pub fn page(frame: Frame, trouble: &Trouble, now: DateTime<Utc>) -> Response {
    page_with(frame, trouble, now, vec![])
}

/// [`page`] with more ways on than the trouble itself knows.
pub fn page_with(frame: Frame, trouble: &Trouble, now: DateTime<Utc>, ways: Vec<Way>) -> Response {
    let start = match trouble {
        Trouble::ShownForAnother(Rights::Ticket) => Some(Start::SignUp),
        Trouble::ShownForAnother(_) => Some(Start::LogIn),
        _ => None,
    };
    page_from(frame, trouble, now, ways, start)
}

/// For whom a session is refused that is still theirs: they may end it.
pub(crate) fn shut_out(frame: Frame, refusal: Refusal, now: DateTime<Utc>) -> Response {
    page_from(frame, &refusal.into(), now, vec![], Some(Start::LogIn))
}

/// [`page`] of a refusal in other words than its own, which know who was refused.
pub(crate) fn page_in_words(frame: Frame, refusal: &Refusal, words: Words) -> Response {
    let mut response = render(frame, edge::status(refusal.reason.kind), words, None);
    response.set_data(Refused(refusal.code()));
    response
}

fn page_from(frame: Frame, trouble: &Trouble, now: DateTime<Utc>, ways: Vec<Way>, start: Option<Start>) -> Response {
    let (status, mut words) = describe(trouble, now);
    words.ways.extend(ways);
    let mut response = render(frame, status, words, start);
    response.set_data(Refused(trouble.code()));
    match trouble {
        Trouble::Method(allow) => {
            if let Ok(allow) = HeaderValue::from_str(allow) {
                response.headers_mut().insert(header::ALLOW, allow);
            }
        }
        Trouble::Refused(refusal) => response = reply::with_pause(response, edge::retry_after(refusal, now)),
        Trouble::Outage(_) | Trouble::Render(_) => response = reply::with_pause(response, Some(PAUSE_SECONDS)),
        _ => {}
    }
    response
}

const PAUSE_SECONDS: i64 = 5;

fn describe(trouble: &Trouble, now: DateTime<Utc>) -> (StatusCode, Words) {
    match trouble {
        Trouble::Outage(outage) => {
            edge::outage(outage);
            let words = if outage.is_unconfirmed() {
                Refusal::from(outcome::UNCONFIRMED).words(now)
            } else {
                unavailable()
            };
            (StatusCode::SERVICE_UNAVAILABLE, words)
        }
        Trouble::Render(error) => {
            tracing::error!(%error, "template failed");
            (StatusCode::SERVICE_UNAVAILABLE, unavailable())
        }
        Trouble::Refused(refusal) => (edge::status(refusal.reason.kind), refusal.words(now)),
        Trouble::NotFound => (StatusCode::NOT_FOUND, Refusal::from(outcome::NOT_FOUND).words(now)),
        Trouble::Form(trouble) => (trouble.status(), unreadable(*trouble)),
        Trouble::ShownForAnother(rights) => (StatusCode::CONFLICT, shown_for_another(*rights)),
        Trouble::NotOurs => (StatusCode::FORBIDDEN, not_ours()),
        Trouble::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, other_method()),
    }
}

fn render(frame: Frame, status: StatusCode, mut words: Words, start: Option<Start>) -> Response {
    // To whoever is inside, the first page is their own.
    if frame.has_menu() || frame.is_console {
        for way in words.ways.iter_mut().filter(|way| way.href == FIRST_PAGE) {
            *way = Way::new(frame.home(), format!("{}へ", frame.home_name()));
        }
        // Not everybody inside has a my page.
        for way in words.ways.iter_mut().filter(|way| way.href == Menu::Member.home()) {
            *way = Way::new(
                frame.home(),
                way.text.replace(Menu::Member.home_name(), frame.home_name()),
            );
        }
    }
    let look = std::sync::Arc::clone(&frame.insurer);
    let rendered = if frame.is_console {
        ConsoleErrorPage { frame, words, start }.render()
    } else {
        ErrorPage { frame, words, start }.render()
    };
    match rendered {
        Ok(page) => reply::html(status, page, &look),
        Err(error) => {
            tracing::error!(%error, "the error page itself failed");
            Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).finish()
        }
    }
}

/// A handler panicked: the same page as any outage. The panic itself is in the log.
pub fn after_panic(frame: Frame) -> Response {
    reply::with_pause(
        render(frame, StatusCode::SERVICE_UNAVAILABLE, unavailable(), None),
        Some(PAUSE_SECONDS),
    )
}

/// A handler's answer, or the page of its trouble.
pub fn settle(frame: impl FnOnce() -> Frame, reply: Reply, now: DateTime<Utc>) -> Response {
    reply.unwrap_or_else(|trouble| page(frame(), &trouble, now))
}

const FIRST_PAGE: &str = "/portal/";

fn start() -> Way {
    Way::new(FIRST_PAGE, "はじめの画面へ")
}

fn unavailable() -> Words {
    Words {
        heading: "ただいま、つながりにくくなっています",
        text: "少し待ってから、もう一度お試しください。送信の途中だった場合、その内容は保存されていないことがあります。続くときは、下のお問い合わせ窓口へお電話ください。".into(),
        ways: vec![start()],
    }
}

/// Both are told how to go on: whose form it was (by the button), and whom the browser is with now (by the link).
fn shown_for_another(rights: Rights) -> Words {
    let (text, go_on) = match rights {
        Rights::StaffPending | Rights::StaffSession | Rights::Staff { .. } => (
            "送信した内容は、保存していません。この画面を開いた方が続けるときは、下のボタンからログアウトして、ログインし直してください。",
            Way::new("/console/", "今ログインしている方のホームへ"),
        ),
        Rights::Ticket => (
            "送信した内容は、保存していません。この画面で登録していた方が続けるときは、下のボタンから、はじめから登録し直してください。",
            Way::new("/portal/signup/account", "途中の登録を続ける"),
        ),
        _ => (
            "送信した内容は、保存していません。この画面を開いた方が続けるときは、下のボタンからログアウトして、ご自分のユーザーIDでログインし直してください。",
            Way::new(Menu::Member.home(), "今ログインしている方のマイページへ"),
        ),
    };
    Words {
        heading: "この画面を開いたあとに、別の方の手続きが始まっています",
        text: text.into(),
        ways: vec![go_on],
    }
}

fn not_ours() -> Words {
    Words {
        heading: "もう一度、画面を開いてください",
        text: "安全のため、この送信は受け付けませんでした。何も変わっていません。はじめの画面から開き直して、もう一度お試しください。続くときは、別のブラウザーでお試しください。".into(),
        ways: vec![start()],
    }
}

fn other_method() -> Words {
    Words {
        heading: "もう一度、はじめの画面からお進みください",
        text: "この画面は、アドレスを直接開いたり、別の方法で送信したりすることはできません。はじめの画面からお進みください。".into(),
        ways: vec![start()],
    }
}

fn unreadable(trouble: FormTrouble) -> Words {
    let (heading, text) = match trouble {
        FormTrouble::MediaType => (
            "入力した内容を受け取れませんでした",
            "送信された形式を読み取れませんでした。この窓口の画面を開き直して、もう一度入力してください。",
        ),
        FormTrouble::TooLarge => (
            "入力した内容が長すぎます",
            "一度に送れる量を超えています。入力した内容を短くして、もう一度お送りください。",
        ),
        FormTrouble::Malformed => (
            "入力した内容を読み取れませんでした",
            "送信された文字を読み取れませんでした。画面を開き直して、もう一度入力してください。続くときは、別のブラウザーでお試しください。",
        ),
    };
    Words {
        heading,
        text: text.into(),
        ways: vec![start()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use accounts::reasons;
    use kernel::{Outage, OutageKind};

    #[test]
    fn while_nobody_knows_the_insurer_the_page_still_says_whom_to_call() {
        let frame = Frame::new(
            crate::visit::plain_look(),
            crate::frame::Menu::Visitor,
            DateTime::UNIX_EPOCH,
        );
        let page = ErrorPage {
            frame,
            words: unavailable(),
            start: None,
        };
        let page = page.render().unwrap();
        let (_, foot) = page.split_once("<footer").unwrap();
        assert!(foot.contains("ご加入の保険者からの案内に書かれている窓口"), "{foot}");
    }

    #[test]
    fn every_trouble_has_a_status_and_words_that_help_on() {
        let troubles = [
            (Trouble::NotFound, 404),
            (Trouble::NotOurs, 403),
            (Trouble::ShownForAnother(Rights::Ticket), 409),
            (Trouble::ShownForAnother(Rights::Member), 409),
            (Trouble::Method("GET, HEAD".into()), 405),
            (Trouble::Form(FormTrouble::TooLarge), 413),
            (Trouble::Form(FormTrouble::MediaType), 415),
            (Trouble::Form(FormTrouble::Malformed), 400),
            (Trouble::Outage(Outage::new(OutageKind::Fault, "x")), 503),
            (Trouble::Refused(reasons::INSURER_SUSPENDED.into()), 403),
        ];
        for (trouble, status) in troubles {
            let (found, words) = describe(&trouble, DateTime::UNIX_EPOCH);
            assert_eq!(found.as_u16(), status, "{trouble}");
            assert!(
                words.text.contains("ください") || words.text.contains("ようです"),
                "{}",
                words.text
            );
            assert!(
                !["不正", "無効", "エラーが発生しました"]
                    .iter()
                    .any(|banned| words.text.contains(banned))
            );
        }
    }
}
