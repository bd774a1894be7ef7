//! What is typed into a form of the settings, as a tenant.toml would say it; and what its readers find wrong in it, at the
//! fields. The rules are those of the folders, read by the same functions: here they only get words.

use super::facts::relation_of;
use kernel::{Field, FieldError, InsurerCode, Problem, dates, text};
use pages::forms::Form;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use tenancy::{Feature, MemberDocument, SENDER_ADDRESS, Settings, Topic, read_typed};

/// Rows of a form that repeats: more than its fields may be.
const MOST_ROWS: usize = 32;

/// Why, in the clerk's words.
pub(super) const WHY: Field = Field::new("why", "変更の理由").takes("変更の理由は、200文字以内の1行で入力してください");
/// The longest reason.
const LONGEST_WHY: usize = 200;

/// The reason that was typed.
pub(super) fn why(form: &Form) -> Result<String, FieldError> {
    let why = text::written(form.text(&WHY.name));
    let problem = match why.chars().count() {
        0 => Problem::Empty,
        count if count > LONGEST_WHY || text::has_control(&why) => Problem::Characters,
        _ => return Ok(why),
    };
    Err(FieldError::new(WHY, problem))
}

/// Reads a topic's form over what stands.
pub(super) fn read(
    topic: Topic,
    code: &InsurerCode,
    stands: &Settings,
    form: &Form,
) -> Result<Settings, Vec<FieldError>> {
    let mut errors = Vec::new();
    let typed = match topic {
        Topic::Branding => json!({
            "name": prose(form, "name"),
            "kana": kana(form, &stands.kana),
            "brand_color": plain(form, "brand_color").to_ascii_lowercase(),
        }),
        Topic::Desk => json!({ "desk": desk(form) }),
        Topic::Modules => {
            let state = |feature: &Feature| (feature.as_str().to_owned(), form.text(feature.as_str()).into());
            json!({ "modules": Feature::ALL.iter().map(state).collect::<Map<String, Value>>() })
        }
        Topic::SignUp => json!({
            "sign_up": { "employee_number": form.text("employee_number") == "1" },
            "member_documents": documents(form, stands),
            "relations": relations(form, &mut errors),
        }),
        Topic::LogIn => json!({
            "password": { "minimum_length": number(&plain(form, "minimum_length")) },
            "session": {
                "idle_minutes": number(&plain(form, "idle_minutes")),
                "absolute_hours": number(&plain(form, "absolute_hours")),
            },
        }),
        Topic::Sender => json!({
            "sender": { "name": prose(form, "sender_name"), "address": plain(form, "sender_address") },
        }),
        Topic::Networks => json!({ "network": networks(form) }),
        Topic::Retention => json!({ "after_loss_days": number(&plain(form, "after_loss_days")) }),
    };
    let Value::Object(typed) = typed else {
        return Err(errors);
    };
    match read_typed(topic, code, stands, typed) {
        Ok(settings) if errors.is_empty() => Ok(settings),
        Ok(_) => Err(errors),
        Err(problems) => {
            for problem in problems {
                let error = at_field(&problem.key, form);
                // One field's value may be wrong in more than one way; its words say all that it takes.
                if !errors.iter().any(|known| known.field.name == error.field.name) {
                    errors.push(error);
                }
            }
            Err(errors)
        }
    }
}

/// The names of the fields of [`Topic::LogIn`].
pub(super) const OF_LOG_IN: [&str; 5] = ["revision", "why", "minimum_length", "idle_minutes", "absolute_hours"];

/// The names of a topic's fields, for what is kept of a refused form.
pub(super) fn names(topic: Topic) -> Vec<String> {
    let own: &[&str] = match topic {
        Topic::Branding => &["name", "kana", "brand_color"],
        Topic::Desk => &[
            "desk_name",
            "phone",
            "days",
            "closed_on_holidays",
            "closed_dates",
            "email",
            "email_note",
            "have_ready",
        ],
        Topic::Modules => &[],
        Topic::SignUp => &["employee_number", "member_documents", "relations"],
        Topic::LogIn => return OF_LOG_IN.map(str::to_owned).into(),
        Topic::Sender => &["sender_name", "sender_address"],
        Topic::Networks => &["networks"],
        Topic::Retention => &["after_loss_days"],
    };
    let mut names: Vec<String> = ["revision", "why"]
        .iter()
        .chain(own)
        .map(|name| (*name).to_owned())
        .collect();
    if topic == Topic::Modules {
        names.extend(Feature::ALL.iter().map(|feature| feature.as_str().to_owned()));
    }
    if topic == Topic::Desk {
        let rows = (0..MOST_ROWS).flat_map(|row| [HOURS, OTHER].concat().into_iter().map(move |part| cell(part, row)));
        names.extend(rows);
    }
    names
}

/// The parts of a row of hours.
pub(super) const HOURS: [&str; 2] = ["from", "to"];
/// The parts of a row of other contacts.
pub(super) const OTHER: [&str; 2] = ["subject", "contact"];

/// A field of a row.
pub(super) fn cell(part: &str, row: usize) -> String {
    format!("{part}_{row}")
}

/// The rows of which something was typed, by their number.
fn rows(form: &Form, parts: [&str; 2]) -> Vec<(usize, [String; 2])> {
    let row = |row: usize| {
        let typed = parts.map(|part| text::written(form.text(&cell(part, row))));
        typed.iter().any(|value| !value.is_empty()).then_some((row, typed))
    };
    (0..MOST_ROWS).filter_map(row).collect()
}

fn desk(form: &Form) -> Value {
    let hours = rows(form, HOURS).into_iter();
    let hours: Vec<Value> = hours
        .map(|(_, [from, to])| json!({ "from": text::normalize(&from), "to": text::normalize(&to) }))
        .collect();
    let other = rows(form, OTHER).into_iter();
    let other: Vec<Value> = other
        .map(|(_, [subject, contact])| json!({ "subject": subject, "contact": contact }))
        .collect();
    json!({
        "name": prose(form, "desk_name"),
        "phone": plain(form, "phone"),
        "days": form.all("days").collect::<Vec<_>>(),
        "hours": hours,
        "closed_on_holidays": form.text("closed_on_holidays") == "1",
        "closed_dates": days(form, "closed_dates"),
        "email": unless_open(plain(form, "email")),
        "email_note": unless_open(prose(form, "email_note")),
        "have_ready": prose(form, "have_ready"),
        "other": other,
    })
}

/// Those that were shown stay in their order, the likeliest first; others come after them.
fn documents(form: &Form, stands: &Settings) -> Vec<&'static str> {
    let stand = stands.member_documents.iter();
    let others = MemberDocument::ALL
        .iter()
        .filter(|document| !stands.member_documents.contains(document));
    let documents = stand.chain(others).map(|document| document.as_str());
    documents
        .filter(|document| form.all("member_documents").any(|ticked| ticked == *document))
        .collect()
}

/// 「01＝本人」, a line each. A word that stands twice can't be said in a tenant.toml, so it is refused here.
fn relations(form: &Form, errors: &mut Vec<FieldError>) -> Map<String, Value> {
    let mut relations = Map::new();
    for line in lines(form, "relations") {
        let (word, meaning) = line.split_once(['＝', '=']).unwrap_or((line.as_str(), ""));
        let (word, meaning) = (text::written(word), text::written(meaning));
        let meaning = relation_of(&meaning).map_or(meaning, |relation| relation.as_str().to_owned());
        if relations.insert(word, meaning.into()).is_some() && errors.is_empty() {
            errors.push(at_field("relations", form));
        }
    }
    relations
}

/// 「192.0.2.0/28 10」, a line each.
fn networks(form: &Form) -> Vec<Value> {
    let network = |line: String| {
        let line = text::normalize(&line);
        let (cidr, factor) = line.split_once(char::is_whitespace).unwrap_or((line.as_str(), ""));
        json!({ "cidr": cidr, "factor": number(factor.trim()) })
    };
    lines(form, "networks").into_iter().map(network).collect()
}

/// A text that may hold kanji.
fn prose(form: &Form, name: &str) -> String {
    text::written(form.text(name))
}

/// Kana in whatever writing it was typed, but for what is left as it stands.
fn kana(form: &Form, stands: &str) -> String {
    let typed = form.text("kana");
    if typed == stands {
        typed.to_owned()
    } else {
        text::kana_by_hand(typed)
    }
}

/// A code, number or address, in whatever width it was typed.
fn plain(form: &Form, name: &str) -> String {
    text::normalize_dense(form.text(name))
}

/// A number where it is one, else as it was typed, for the reader to refuse.
fn number(typed: &str) -> Value {
    text::number::<i64>(typed).map_or_else(|| typed.into(), Into::into)
}

fn unless_open(typed: String) -> Option<String> {
    Some(typed).filter(|typed| !typed.is_empty())
}

fn lines(form: &Form, name: &str) -> Vec<String> {
    let lines = form.text(name).lines().map(text::written);
    lines.filter(|line| !line.is_empty()).collect()
}

/// Days, however they are written; what is none stays as it was typed, for the reader to refuse.
fn days(form: &Form, name: &str) -> Vec<String> {
    let day = |typed: String| match dates::planned(&typed) {
        Ok(Some(day)) => day.to_string(),
        _ => typed,
    };
    words(form, name).into_iter().map(day).collect()
}

/// What is parted by blanks, commas or lines.
fn words(form: &Form, name: &str) -> Vec<String> {
    let typed = text::normalize(&form.text(name).replace(['\r', '\n', '、', ','], " "));
    typed.split_whitespace().map(str::to_owned).collect()
}

/// The field of a key of tenant.toml, with what it takes.
fn at_field(key: &str, form: &Form) -> FieldError {
    let steps: Vec<&str> = key.split('.').collect();
    let takes = |name, label, words| FieldError::new(Field::new(name, label).takes(words), Problem::Characters);
    match steps.as_slice() {
        ["name"] => takes(
            "name",
            "保険者の名前",
            "保険者の名前は、500文字以内の1行で入力してください",
        ),
        ["kana"] => takes(
            "kana",
            "保険者の名前（カナ）",
            "保険者の名前（カナ）は、全角のカタカナで入力してください",
        ),
        ["brand_color"] => takes(
            "brand_color",
            "色",
            "色は、#1b6e3c のように、#と、0～9とa～fの6文字で入力してください",
        ),
        ["desk", rest @ ..] => at_desk(rest, form),
        ["modules", feature] => takes_for(
            feature,
            "利用のしかたを選んでください。被扶養者のいない保険者では、この機能を「利用できます」にはできません",
        ),
        ["member_documents"] => takes(
            "member_documents",
            "記号・番号がわかる書類",
            "記号・番号がわかる書類を、1つ以上選んでください",
        ),
        ["relations", ..] => takes(
            "relations",
            "続柄の読み替え",
            "続柄の読み替えは、1行に1つ、「01＝本人」のように入力してください。同じことばは1度だけ、「＝」の右は下の一覧のことばで入力してください",
        ),
        ["password", ..] => takes(
            "minimum_length",
            "パスワードの最短の長さ",
            "パスワードの最短の長さは、8～64の数字で入力してください",
        ),
        ["session", "idle_minutes"] => takes(
            "idle_minutes",
            "操作がないと終わるまで",
            "操作がないと終わるまでの時間は、5～30（分）の数字で入力してください",
        ),
        ["session", ..] => takes(
            "absolute_hours",
            "ログインが続く長さ",
            "ログインが続く長さは、1～12（時間）の数字で入力してください",
        ),
        ["sender", "address"] => FieldError::new(SENDER_ADDRESS, Problem::EmailShape),
        ["sender", ..] => takes(
            "sender_name",
            "差出人の名前",
            "差出人の名前は、500文字以内の1行で入力してください",
        ),
        ["network", rest @ ..] => at_network(rest, form),
        ["after_loss_days"] => takes(
            "after_loss_days",
            "資格喪失のあと見られる日数",
            "資格喪失のあと見られる日数は、0～366の数字で入力してください",
        ),
        _ => takes_for(key, "この項目を、もう一度入力してください"),
    }
}

fn at_desk(steps: &[&str], form: &Form) -> FieldError {
    let takes = |name, label, words| FieldError::new(Field::new(name, label).takes(words), Problem::Characters);
    match steps {
        ["name"] => takes(
            "desk_name",
            "窓口の名前",
            "窓口の名前は、500文字以内の1行で入力してください",
        ),
        ["phone"] => takes(
            "phone",
            "電話番号",
            "電話番号は、050-2030-4706 のように、数字とハイフンで入力してください",
        ),
        ["days"] => takes("days", "受付の曜日", "受付の曜日を、1つ以上選んでください"),
        ["hours", ..] => takes(
            "hours",
            "受付の時間",
            "受付の時間は、10:00～12:00、13:00～17:00 のように、早い順に、間をあけて入力してください",
        ),
        ["closed_dates"] => takes(
            "closed_dates",
            "そのほかの休業日",
            "そのほかの休業日は、2026-12-29や令和8年12月29日のように、1行に1日ずつ、同じ日は1度だけ入力してください",
        ),
        ["email"] => FieldError::new(Field::new("email", "窓口のメールアドレス"), Problem::EmailShape),
        ["email_note"] => takes(
            "email_note",
            "メールについての案内",
            "メールについての案内は、500文字以内の1行で入力してください",
        ),
        ["have_ready"] => takes(
            "have_ready",
            "ご用意いただくもの",
            "ご用意いただくものは、500文字以内の1行で入力してください",
        ),
        ["other", nth, part] => {
            let row = row_of(nth, &rows(form, OTHER));
            takes_for(
                &cell(part, row),
                "ほかのお問い合わせ先は、内容と連絡先の両方を、それぞれ500文字以内で入力してください",
            )
        }
        _ => takes_for("other", "ほかのお問い合わせ先を、もう一度入力してください"),
    }
}

/// The form's row of the nth that has something in it.
fn row_of(nth: &str, rows: &[(usize, [String; 2])]) -> usize {
    let nth = text::number::<usize>(nth).unwrap_or_default();
    rows.get(nth).map_or(0, |(row, _)| *row)
}

fn at_network(steps: &[&str], form: &Form) -> FieldError {
    let nth = steps
        .first()
        .and_then(|nth| text::number::<usize>(nth))
        .unwrap_or_default();
    let line = lines(form, "networks").get(nth).cloned().unwrap_or_default();
    let label = format!(
        "「{line}」の行には、ほかの行と重ならないネットワークの、はじめのアドレスと広さ（/20～、IPv6は/44～）と、2～100の倍率"
    );
    let field = Field {
        label: Cow::Owned(label),
        ..Field::new("networks", "")
    };
    FieldError::new(field, Problem::Empty)
}

fn takes_for(name: &str, words: &'static str) -> FieldError {
    let field = Field {
        name: Cow::Owned(name.to_owned()),
        ..Field::new("", "").takes(words)
    };
    FieldError::new(field, Problem::Characters)
}
