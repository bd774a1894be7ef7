//! An insurer's settings in words, one by one: what the pages show of them, and what differs between two states.

use kernel::{Relation, calendar};
use std::collections::BTreeMap;
use tenancy::{Feature, Settings, Topic};

/// What a topic is called.
pub(super) fn title(topic: Topic) -> &'static str {
    match topic {
        Topic::Branding => "名前と色",
        Topic::Desk => "お問い合わせ先",
        Topic::Modules => "マイページの機能",
        Topic::SignUp => "利用登録",
        Topic::LogIn => "ログイン",
        Topic::Sender => "メールの差出人",
        Topic::Networks => "共用のネットワーク",
        Topic::Retention => "資格喪失のあと",
    }
}

/// A setting in words.
pub(super) struct Fact {
    pub(super) label: String,
    /// A line each, where there are several.
    pub(super) value: String,
}

/// A setting that differs.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Difference {
    pub(in super::super) label: String,
    pub(in super::super) before: String,
    pub(in super::super) after: String,
}

/// All that a topic says.
pub(super) fn facts(topic: Topic, settings: &Settings) -> Vec<Fact> {
    let mut facts = Facts::default();
    match topic {
        Topic::Branding => branding(&mut facts, settings),
        Topic::Desk => desk(&mut facts, settings),
        Topic::Modules => {
            for feature in Feature::ALL {
                facts.add(feature.label(), settings.modules.wished(*feature).label());
            }
        }
        Topic::SignUp => sign_up(&mut facts, settings),
        Topic::LogIn => {
            facts.add(
                "パスワードの最短の長さ",
                format!("{}文字", settings.password.minimum_length),
            );
            facts.add("操作がないと終わるまで", format!("{}分", settings.session.idle_minutes));
            facts.add(
                "ログインが続く長さ",
                format!("{}時間まで", settings.session.absolute_hours),
            );
        }
        Topic::Sender => {
            facts.add("差出人の名前", settings.sender.name.as_str());
            facts.add("差出人のメールアドレス", settings.sender.address.as_str());
        }
        Topic::Networks => facts.add("ネットワークと倍率", networks(settings)),
        Topic::Retention => facts.add("資格喪失のあと見られる日数", format!("{}日", settings.after_loss_days)),
    }
    facts.0
}

/// What differs, topic by topic; and what no form of the console's changes.
pub(super) fn differences(before: &Settings, after: &Settings) -> Vec<Difference> {
    let all = |settings: &Settings| {
        let topics = Topic::ALL.into_iter().flat_map(|topic| facts(topic, settings));
        topics.chain(others(settings)).collect::<Vec<_>>()
    };
    let (before, after) = (by_label(all(before)), by_label(all(after)));
    let mut labels: Vec<&String> = before.keys().chain(after.keys()).collect();
    labels.sort();
    labels.dedup();
    let of = |facts: &BTreeMap<String, String>, label: &String| facts.get(label).cloned().unwrap_or_default();
    let differing = labels
        .into_iter()
        .filter(|label| before.get(*label) != after.get(*label));
    differing
        .map(|label| Difference {
            label: label.clone(),
            before: shown(of(&before, label)),
            after: shown(of(&after, label)),
        })
        .collect()
}

fn by_label(facts: Vec<Fact>) -> BTreeMap<String, String> {
    facts.into_iter().map(|fact| (fact.label, fact.value)).collect()
}

fn shown(value: String) -> String {
    if value.is_empty() { "なし".to_owned() } else { value }
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.0.push(Fact {
            label: label.into(),
            value: value.into(),
        });
    }
}

fn branding(facts: &mut Facts, settings: &Settings) {
    facts.add("保険者の名前", settings.name.as_str());
    facts.add("保険者の名前（カナ）", settings.kana.as_str());
    facts.add("色", settings.brand_color.to_string());
    let logo = settings.logo.as_ref().map(|logo| {
        // By which two logos of one size are told apart.
        let mark: String = logo.hash.chars().take(8).collect();
        format!("{}×{}ピクセル（{mark}）", logo.width, logo.height)
    });
    facts.add("ロゴ", logo.unwrap_or_default());
}

fn desk(facts: &mut Facts, settings: &Settings) {
    let desk = &settings.desk;
    facts.add("窓口の名前", desk.name.as_str());
    facts.add("電話番号", desk.phone.as_str());
    facts.add("受付時間", desk.hours_text());
    let closed: Vec<String> = desk
        .closed_dates
        .iter()
        .map(|day| calendar::date_with_weekday(*day))
        .collect();
    facts.add("そのほかの休業日", closed.join("\n"));
    let email = desk.email.as_ref().map(|email| email.as_str().to_owned());
    facts.add("窓口のメールアドレス", email.unwrap_or_default());
    facts.add("メールについての案内", desk.email_note.clone().unwrap_or_default());
    facts.add("ご用意いただくもの", desk.have_ready.as_str());
    let others = desk
        .other
        .iter()
        .map(|other| format!("{}：{}", other.subject, other.contact));
    facts.add("ほかのお問い合わせ先", others.collect::<Vec<_>>().join("\n"));
}

fn sign_up(facts: &mut Facts, settings: &Settings) {
    let asks = if settings.sign_up.employee_number {
        "たずねる"
    } else {
        "たずねない"
    };
    facts.add("社員番号", asks);
    let documents = settings.member_documents.iter().map(|document| document.label());
    facts.add("記号・番号がわかる書類", documents.collect::<Vec<_>>().join("\n"));
    facts.add("続柄の読み替え", relations(settings));
}

/// 「01＝本人」, a line each.
pub(super) fn relations(settings: &Settings) -> String {
    let words = settings.relations.iter();
    let words = words.map(|(word, relation)| format!("{word}＝{}", relation_label(*relation)));
    words.collect::<Vec<_>>().join("\n")
}

/// 「192.0.2.0/28 10」, a line each.
pub(super) fn networks(settings: &Settings) -> String {
    let networks = settings.networks.iter();
    let networks = networks.map(|network| format!("{} {}", network.cidr, network.factor));
    networks.collect::<Vec<_>>().join("\n")
}

fn others(settings: &Settings) -> Vec<Fact> {
    let mut facts = Facts::default();
    facts.add("種別", settings.kind.label());
    facts.add(
        "ポイント",
        if settings.points {
            "利用する"
        } else {
            "利用しない"
        },
    );
    facts.add(
        "一度に資格を失ってよい割合",
        format!("{}%", settings.roster.loss_percent),
    );
    for fact in settings.statements.facts() {
        facts.add(fact.label, fact.value);
    }
    for (action, is_on) in settings.approvals.all() {
        let value = if is_on {
            "承認が要る"
        } else {
            "承認が要らない"
        };
        facts.add(format!("承認：{}", action.label()), value);
    }
    for terms in &settings.terms {
        let day = calendar::date_with_weekday(calendar::today_in_japan(terms.effective_at));
        let mark: String = terms.content_hash.chars().take(8).collect();
        let label = format!("規約「{}」第{}版", terms.title, terms.revision);
        facts.add(label, format!("{day}から（{mark}）"));
    }
    facts.0
}

/// How a relation is called where an insurer's own words are explained.
pub(super) fn relation_label(relation: Relation) -> &'static str {
    match relation {
        Relation::Principal => "本人",
        Relation::Spouse => "配偶者",
        Relation::CommonLawSpouse => "事実婚の配偶者",
        Relation::Child => "子",
        Relation::Stepchild => "配偶者の子",
        Relation::ChildInLaw => "子の配偶者",
        Relation::Grandchild => "孫",
        Relation::GreatGrandchild => "曾孫",
        Relation::Parent => "父母",
        Relation::StepParent => "父母の配偶者",
        Relation::ParentInLaw => "配偶者の父母",
        Relation::Grandparent => "祖父母",
        Relation::GrandparentInLaw => "配偶者の祖父母",
        Relation::GreatGrandparent => "曾祖父母",
        Relation::Sibling => "兄弟姉妹",
        Relation::SiblingInLaw => "兄弟姉妹の配偶者",
        Relation::UncleAunt => "おじ・おば",
        Relation::NephewNiece => "おい・めい",
        Relation::Other => "その他",
        Relation::Unknown => "不明",
    }
}

/// Reads [`relation_label`].
pub(super) fn relation_of(label: &str) -> Option<Relation> {
    let mut known = Relation::ALL.iter().copied();
    known.find(|relation| *relation != Relation::Unknown && relation_label(*relation) == label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_settings_have_one_label() {
        let settings = Settings::default();
        let facts = Topic::ALL.into_iter().flat_map(|topic| facts(topic, &settings));
        let labels: Vec<String> = facts.chain(others(&settings)).map(|fact| fact.label).collect();
        let told_apart: BTreeSet<&String> = labels.iter().collect();
        assert_eq!(told_apart.len(), labels.len());
    }

    #[test]
    fn what_differs_is_told_with_both_values_and_nothing_else() {
        let before = Settings::default();
        let mut after = before.clone();
        after.desk.phone = "050-2030-4706".into();
        let expected = [Difference {
            label: "電話番号".into(),
            before: "なし".into(),
            after: "050-2030-4706".into(),
        }];
        assert_eq!(differences(&before, &after), expected);
        assert_eq!(differences(&after, &after), []);
    }

    #[test]
    fn every_relation_is_read_from_its_label() {
        for relation in Relation::ALL.iter().filter(|relation| **relation != Relation::Unknown) {
            assert_eq!(relation_of(relation_label(*relation)), Some(*relation));
        }
    }
}
