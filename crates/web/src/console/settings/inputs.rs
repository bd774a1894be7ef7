//! The fields of the settings' forms, filled in with what stands, or with what was typed where that was refused.

use super::{
    facts::{networks, relation_label, relations},
    typed::{HOURS, OTHER, cell},
};
use chrono::Weekday;
use kernel::Relation;
use pages::forms::Form;
use tenancy::{Color, Feature, FeatureState, MemberDocument, Settings, Topic, day_word};

/// A field, or several that belong together.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) hint: String,
    pub(super) shape: Shape,
}

/// How it is drawn.
pub(super) enum Shape {
    /// One line.
    Line(Line),
    /// Several lines.
    Area(String),
    /// A box to tick.
    Tick(Tick),
    /// One of these.
    One(Vec<Choice>),
    /// Some of these.
    Some(Vec<Choice>),
    /// Rows of fields.
    Rows(Vec<Vec<Cell>>),
}

/// A field of one line.
pub(super) struct Line {
    pub(super) value: String,
    pub(super) width: &'static str,
}

/// A box to tick.
pub(super) struct Tick {
    pub(super) is_on: bool,
}

/// A choice.
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) label: &'static str,
    pub(super) is_on: bool,
}

/// A field of a row.
pub(super) struct Cell {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) kind: &'static str,
    pub(super) width: &'static str,
}

/// What the form shows: what stands, unless something else was typed.
pub(super) struct Shown<'a> {
    pub(super) stands: &'a Settings,
    pub(super) typed: Option<&'a Form>,
}

impl Shown<'_> {
    fn text(&self, name: &str, stands: impl Into<String>) -> String {
        self.typed
            .map_or_else(|| stands.into(), |typed| typed.text(name).to_owned())
    }

    fn is_on(&self, name: &str, value: &str, stands: bool) -> bool {
        self.typed
            .map_or(stands, |typed| typed.all(name).any(|typed| typed == value))
    }

    fn line(&self, (name, label): (&str, &'static str), hint: &str, width: &'static str, stands: &str) -> Input {
        let value = self.text(name, stands);
        input(name, label, hint, Shape::Line(Line { value, width }))
    }

    fn area(&self, (name, label): (&str, &'static str), hint: &str, stands: String) -> Input {
        let value = self.text(name, stands);
        input(name, label, hint, Shape::Area(value))
    }

    /// The topic's fields.
    pub(super) fn inputs(&self, topic: Topic) -> Vec<Input> {
        let stands = self.stands;
        match topic {
            Topic::Branding => vec![
                self.line(("name", "保険者の名前"), "", "", &stands.name),
                self.line(("kana", "保険者の名前（カナ）"), "全角のカタカナ", "", &stands.kana),
                self.line(
                    ("brand_color", "色"),
                    "#と、0～9とa～fの6文字。淡い色は、文字とボタンでは読める濃さに直して使います",
                    "w8",
                    &stands.brand_color.to_string(),
                ),
            ],
            Topic::Desk => self.desk(),
            Topic::Modules => self.modules(),
            Topic::SignUp => self.sign_up(),
            Topic::LogIn => vec![
                self.line(
                    ("minimum_length", "パスワードの最短の長さ"),
                    "8～64文字。今のパスワードは、次に変えるときまでそのまま使えます",
                    "w4",
                    &stands.password.minimum_length.to_string(),
                ),
                self.line(
                    ("idle_minutes", "操作がないと終わるまで"),
                    "5～30分",
                    "w4",
                    &stands.session.idle_minutes.to_string(),
                ),
                self.line(
                    ("absolute_hours", "ログインが続く長さ"),
                    "1～12時間",
                    "w4",
                    &stands.session.absolute_hours.to_string(),
                ),
            ],
            Topic::Sender => vec![
                self.line(("sender_name", "差出人の名前"), "", "", &stands.sender.name),
                self.line(
                    ("sender_address", "差出人のメールアドレス"),
                    "運営が許可したドメインのアドレス",
                    "w16",
                    stands.sender.address.as_str(),
                ),
            ],
            Topic::Networks => vec![self.area(
                ("networks", "ネットワークと倍率"),
                "1行に1つ、「192.0.2.0/28 10」のように、ネットワークと、ほかの何倍まで試せるか（2～100）",
                networks(stands),
            )],
            Topic::Retention => vec![self.line(
                ("after_loss_days", "資格喪失のあと見られる日数"),
                "0～366日。過ぎると、ログインできなくなります。医療費通知を使っているときは、喪失の翌年の3月31日まで、明細だけを見られます",
                "w4",
                &stands.after_loss_days.to_string(),
            )],
        }
    }

    /// The topic's fields with a colour that was tried.
    pub(super) fn inputs_in(&self, topic: Topic, color: Color) -> Vec<Input> {
        let stands = Settings {
            brand_color: color,
            ..self.stands.clone()
        };
        let shown = Shown {
            stands: &stands,
            typed: self.typed,
        };
        shown.inputs(topic)
    }

    fn desk(&self) -> Vec<Input> {
        let desk = &self.stands.desk;
        let days = DAYS.map(|(day, label)| {
            let value = day_word(day);
            Choice {
                value,
                label,
                is_on: self.is_on("days", value, desk.days.contains(&day)),
            }
        });
        let hours = desk.hours.iter();
        let hours = hours.map(|hours| [hours.from, hours.to].map(|time| time.format("%H:%M").to_string()));
        let other = desk
            .other
            .iter()
            .map(|other| [other.subject.clone(), other.contact.clone()]);
        let closed: Vec<String> = desk.closed_dates.iter().map(ToString::to_string).collect();
        let is_on = self.is_on("closed_on_holidays", "1", desk.closed_on_holidays);
        vec![
            self.line(("desk_name", "窓口の名前"), "", "", &desk.name),
            self.line(
                ("phone", "電話番号"),
                "050-2030-4706 のように、ハイフンを入れて",
                "w16",
                &desk.phone,
            ),
            input("days", "受付の曜日", "", Shape::Some(days.into())),
            input(
                "hours",
                "受付の時間",
                "昼休みがあるときは、前と後に分けて",
                Shape::Rows(self.rows(HOURS, ["開始", "終了"], &hours.collect::<Vec<_>>(), ("time", "w8"))),
            ),
            input("closed_on_holidays", "祝日は休む", "", Shape::Tick(Tick { is_on })),
            self.area(
                ("closed_dates", "そのほかの休業日"),
                "年末年始など。2026-12-29や令和8年12月29日のように、1行に1日ずつ",
                closed.join("\n"),
            ),
            self.line(
                ("email", "窓口のメールアドレス"),
                "なければ、空けておきます",
                "w16",
                desk.email.as_ref().map_or("", |email| email.as_str()),
            ),
            self.line(
                ("email_note", "メールについての案内"),
                "「24時間受付可」など。なければ、空けておきます",
                "",
                desk.email_note.as_deref().unwrap_or_default(),
            ),
            self.line(("have_ready", "ご用意いただくもの"), "", "", &desk.have_ready),
            input(
                "other",
                "ほかのお問い合わせ先",
                "使わない行は、空けておきます",
                Shape::Rows(self.rows(OTHER, ["内容", "連絡先"], &other.collect::<Vec<_>>(), ("text", "w16"))),
            ),
        ]
    }

    /// The rows that stand and two more, as far as a form can have them.
    fn rows(
        &self,
        parts: [&str; 2],
        labels: [&str; 2],
        stands: &[[String; 2]],
        (kind, width): (&'static str, &'static str),
    ) -> Vec<Vec<Cell>> {
        let typed = |row: usize| parts.iter().any(|part| !self.text(&cell(part, row), "").is_empty());
        let last_typed = (0..MOST_SHOWN).rev().find(|row| typed(*row)).map_or(0, |row| row + 1);
        let count = (stands.len().max(last_typed) + 2).min(MOST_SHOWN).max(stands.len());
        let of_row = |row: usize| {
            let cells = parts.iter().zip(labels).enumerate().map(|(nth, (part, label))| {
                let name = cell(part, row);
                let value = stands.get(row).and_then(|values| values.get(nth)).cloned();
                Cell {
                    value: self.text(&name, value.unwrap_or_default()),
                    label: format!("{label}（{}行目）", row + 1),
                    name,
                    kind,
                    width,
                }
            });
            cells.collect::<Vec<Cell>>()
        };
        (0..count).map(of_row).collect()
    }

    fn modules(&self) -> Vec<Input> {
        let feature = |feature: &Feature| {
            let wished = self.stands.modules.wished(*feature);
            let states = FeatureState::ALL.iter().map(|state| Choice {
                value: state.as_str(),
                label: state.label(),
                is_on: self.is_on(feature.as_str(), state.as_str(), wished == *state),
            });
            let hint = if feature.is_built() {
                ""
            } else {
                "この機能は開発中です。「利用できます」を選んでも、できあがるまでは「準備中」と表示します"
            };
            input(feature.as_str(), feature.label(), hint, Shape::One(states.collect()))
        };
        Feature::ALL.iter().map(feature).collect()
    }

    fn sign_up(&self) -> Vec<Input> {
        let stands = self.stands;
        let documents = MemberDocument::ALL.iter().map(|document| Choice {
            value: document.as_str(),
            label: document.label(),
            is_on: self.is_on(
                "member_documents",
                document.as_str(),
                stands.member_documents.contains(document),
            ),
        });
        let known = Relation::ALL.iter().filter(|relation| **relation != Relation::Unknown);
        let known: Vec<&str> = known.map(|relation| relation_label(*relation)).collect();
        let is_on = self.is_on("employee_number", "1", stands.sign_up.employee_number);
        vec![
            input(
                "employee_number",
                "利用登録で社員番号をたずねる",
                "",
                Shape::Tick(Tick { is_on }),
            ),
            input(
                "member_documents",
                "記号・番号がわかる書類",
                "利用登録の画面で案内します",
                Shape::Some(documents.collect()),
            ),
            self.area(
                ("relations", "続柄の読み替え"),
                &format!(
                    "名簿に独自のことばや番号があるときだけ、1行に1つ、「01＝本人」のように。右に使えることば：{}",
                    known.join("、")
                ),
                relations(stands),
            ),
        ]
    }
}

/// Rows of a form: twice as many would be more fields than a form may have.
const MOST_SHOWN: usize = 10;

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Mon, "月曜日"),
    (Weekday::Tue, "火曜日"),
    (Weekday::Wed, "水曜日"),
    (Weekday::Thu, "木曜日"),
    (Weekday::Fri, "金曜日"),
    (Weekday::Sat, "土曜日"),
    (Weekday::Sun, "日曜日"),
];

fn input(name: &str, label: &'static str, hint: &str, shape: Shape) -> Input {
    Input {
        name: name.to_owned(),
        label,
        hint: hint.to_owned(),
        shape,
    }
}
