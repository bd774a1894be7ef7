//! What is asked in the form, and what was typed into it, read by the very functions that read a tenant.toml.

use crate::amount::ungrouped;
use kernel::{Field, FieldError, InsurerCode, Problem, text};
use pages::forms::Form;
use serde_json::{Map, Value};
use tenancy::{
    FamilyDefault, FormerDependants, OfficialNotice, SavingBasis, Settings, StatementSettings, read_statements,
};

/// Why, in the clerk's words.
const WHY: Field = Field::new("why", "変更の理由").takes("変更の理由は、200文字以内の1行で入力してください");
/// The longest reason.
const LONGEST_WHY: usize = 200;

/// What the numbers count.
const UNITS: [&str; 6] = ["円", "か月", "通", "日間", "日", "歳"];

/// A setting that is asked for: what it does, and what it takes.
struct Question {
    key: &'static str,
    hint: &'static str,
    takes: &'static str,
    kind: Kind,
}

/// How it is asked.
#[derive(Clone, Copy)]
enum Kind {
    /// A number.
    Number,
    /// Some words.
    Words,
    /// One of these.
    One(fn() -> Vec<(&'static str, &'static str)>),
}

const QUESTIONS: [Question; 14] = [
    Question {
        key: "months_online",
        hint: "12～36か月。減らすと、外れた月の明細は削除されます。見られるようにするには、もう一度取り込む必要があります",
        takes: "明細を表示する月数は、12～36の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "arrives_after_months",
        hint: "1～6か月。診療月の明細がほとんど届くまでの月数です。処理年月までを数えます",
        takes: "診療から明細が届くまでの月数は、1～6の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "costs_family",
        hint: "何も希望していない家族の医療費を、組合員本人に表示するかどうかです。表示するには、案内のページにその説明とお問い合わせ窓口の電話番号が必要です",
        takes: "家族の医療費の表示を選んでください",
        kind: Kind::One(|| choices(FamilyDefault::ALL, FamilyDefault::as_str, FamilyDefault::label)),
    },
    Question {
        key: "medicines_family",
        hint: "何も希望していない家族のお薬を、組合員本人に表示するかどうかです。説明が必要なことは、医療費と同じです",
        takes: "家族のお薬の表示を選んでください",
        kind: Kind::One(|| choices(FamilyDefault::ALL, FamilyDefault::as_str, FamilyDefault::label)),
    },
    Question {
        key: "adult_age",
        hint: "15～20歳。それより前の子の明細は、ご家族に表示します",
        takes: "成人とみなす年齢は、15～20の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "former_dependants",
        hint: "扶養を外れた方の、扶養されていた月の明細です",
        takes: "もと被扶養者の明細の表示を選んでください",
        kind: Kind::One(|| choices(FormerDependants::ALL, FormerDependants::as_str, FormerDependants::label)),
    },
    Question {
        key: "official_notice",
        hint: "確定申告用の画面の案内が変わります",
        takes: "確定申告用の医療費通知を選んでください",
        kind: Kind::One(|| choices(OfficialNotice::ALL, OfficialNotice::as_str, OfficialNotice::label)),
    },
    Question {
        key: "mails_per_minute",
        hint: "10～6,000通。公開したことをお知らせするメールを、1分あたり何通まで送るかです",
        takes: "公開をお知らせするメール（1分あたり）は、10～6000の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "min_month_yen",
        hint: "0～100,000円。1か月の削減可能金額がこれより少ない方には、切り替えを提案しません",
        takes: "提案する削減可能金額（1か月）は、0～100000の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "min_line_yen",
        hint: "0～100,000円。削減可能金額がこれより少ないお薬は提案しません",
        takes: "提案する削減可能金額（お薬ごと）は、0～100000の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "min_days",
        hint: "0～180日。これより短い日数の内服薬は提案しません",
        takes: "提案する日数（内服）は、0～180の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "min_age",
        hint: "0～75歳。これより若い方には提案しません",
        takes: "提案する年齢は、0～75の数字で入力してください",
        kind: Kind::Number,
    },
    Question {
        key: "exclude_classes",
        hint: "薬効分類の番号の、はじめの2～4桁。12個まで、間をあけて入力してください。変えたときは、取り込み済みの分の再計算を運営に依頼してください",
        takes: "提案しない薬効分類は、2～4桁の数字を、空白か「、」で区切って12個まで入力してください。同じものは1度だけにしてください",
        kind: Kind::Words,
    },
    Question {
        key: "saving",
        hint: "いちばん安い候補との差を「最大」、いちばん高い候補との差を「少なくとも」として示します。変えたときは、取り込み済みの分の再計算を運営に依頼してください",
        takes: "削減可能金額の示し方を選んでください",
        kind: Kind::One(|| choices(SavingBasis::ALL, SavingBasis::as_str, SavingBasis::label)),
    },
];

/// The names of the form's fields, for what is kept of one that was refused.
pub(super) const NAMES: [&str; 16] = [
    "revision",
    "why",
    "months_online",
    "arrives_after_months",
    "costs_family",
    "medicines_family",
    "adult_age",
    "former_dependants",
    "official_notice",
    "mails_per_minute",
    "min_month_yen",
    "min_line_yen",
    "min_days",
    "min_age",
    "exclude_classes",
    "saving",
];

/// A field of the form.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    /// What stands, or was typed.
    pub(super) value: String,
    pub(super) width: &'static str,
    /// None of what is typed.
    pub(super) choices: Vec<(&'static str, &'static str)>,
}

/// The form's fields.
pub(super) fn inputs(stands: &StatementSettings, typed: Option<&Form>) -> Vec<Input> {
    let values = serde_json::to_value(stands).unwrap_or_default();
    let input = |question: &Question| {
        let stands = || values.get(question.key).map(shown).unwrap_or_default();
        Input {
            name: question.key,
            label: label(question.key),
            hint: question.hint,
            value: typed.map_or_else(stands, |typed| typed.text(question.key).to_owned()),
            width: if matches!(question.kind, Kind::Number) {
                "w4"
            } else {
                "w16"
            },
            choices: match question.kind {
                Kind::One(choices) => choices(),
                Kind::Number | Kind::Words => Vec::new(),
            },
        }
    };
    QUESTIONS.iter().map(input).collect()
}

/// Reads the form over what stands.
pub(super) fn read(code: &InsurerCode, stands: &Settings, form: &Form) -> Result<StatementSettings, Vec<FieldError>> {
    let value = |question: &Question| {
        let typed = form.text(question.key);
        let value = match question.kind {
            Kind::Number => {
                let typed = text::normalize_dense(typed);
                number(&typed).map_or_else(|| typed.into(), Value::from)
            }
            Kind::Words => {
                let typed = text::normalize(&typed.replace(['\r', '\n', '、', ','], " "));
                typed.split_whitespace().map(Value::from).collect()
            }
            Kind::One(_) => typed.into(),
        };
        (question.key.to_owned(), value)
    };
    let typed: Map<String, Value> = QUESTIONS.iter().map(value).collect();
    read_statements(code, stands, typed).map_err(|problems| {
        let is_wrong = |question: &&Question| {
            let mut keys = problems.iter().map(|problem| problem.key.split('.').nth(1));
            keys.any(|key| key == Some(question.key))
        };
        let wrong = QUESTIONS.iter().filter(is_wrong);
        wrong
            .map(|question| {
                let field = Field::new(question.key, label(question.key)).takes(question.takes);
                FieldError::new(field, Problem::Characters)
            })
            .collect()
    })
}

/// A number as people type it, with what is counted behind it: 「1,000円」.
fn number(dense: &str) -> Option<i64> {
    let plain = UNITS.iter().find_map(|unit| dense.strip_suffix(unit)).unwrap_or(dense);
    text::number(&ungrouped(plain)?)
}

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

/// What a setting is called wherever it is told.
fn label(key: &str) -> &'static str {
    let facts = StatementSettings::default().facts();
    facts.iter().find(|fact| fact.key == key).map_or("", |fact| fact.label)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn choices<T: Copy>(
    all: &[T],
    word: fn(T) -> &'static str,
    label: fn(T) -> &'static str,
) -> Vec<(&'static str, &'static str)> {
    all.iter().map(|one| (word(*one), label(*one))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_asked_for_by_the_name_that_it_has_elsewhere() {
        let facts = StatementSettings::default().facts();
        let keys: Vec<&str> = facts.iter().map(|fact| fact.key).collect();
        assert_eq!(QUESTIONS.map(|question| question.key).as_slice(), keys);
        assert_eq!(NAMES[2..], keys);
        let stored = serde_json::to_value(StatementSettings::default()).unwrap();
        let mut stored: Vec<&String> = stored.as_object().unwrap().keys().collect();
        let mut asked = keys.clone();
        stored.sort();
        asked.sort_unstable();
        assert_eq!(stored, asked);
    }
}
