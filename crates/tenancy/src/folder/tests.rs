mod bad_files;
mod networks;

use super::*;
use crate::{ContactDesk, Feature, FeatureState};
use kernel::Relation;
use std::fs;
use tempfile::TempDir;

pub(super) const TENANT: &str = r##"code = "32290413"
name = "奈良県市町村職員共済組合"
kana = "ナラケンシチョウソンショクインキョウサイクミアイ"
kind = "mutual_aid"
brand_color = "#1b6e3c"
points = false
after_loss_days = 0
member_documents = ["myna_portal", "eligibility_notice", "eligibility_certificate"]

[sign_up]
employee_number = false

[password]
minimum_length = 8

[session]
idle_minutes = 30
absolute_hours = 12

[sender]
name = "奈良県市町村職員共済組合"
address = "no-reply@nara-kyosai.example"

[desk]
name = "専用コールセンター"
phone = "050-2030-4706"
days = ["mon", "tue", "wed", "thu", "fri"]
hours = [{ from = "10:00", to = "12:00" }, { from = "13:00", to = "17:00" }]
closed_on_holidays = true
closed_dates = []
email = "nara-kyosai@ibss.jp"
email_note = "24時間受付可"
have_ready = "資格確認書をお手元にご用意ください。"

[[desk.other]]
subject = "その他のお問い合わせ"
contact = "お勤め先の共済事務担当課"

[modules]
survey = "open"
flu_subsidy = "preparing"
applications = "hidden"
contacts = "open"
cost_statements = "hidden"
medical_guide = "open"
generic_savings = "hidden"
medicine_guide = "open"
"##;

const ADDENDUM: &str = r#"+++
document = "addendum"
revision = 1
title = "個人情報の取り扱いについて"
effective_on = "2024-04-05"
+++

## 第1条

- ひとつめ
"#;

/// A folder that is named by its insurer's code.
pub(super) struct Dir {
    _parent: TempDir,
    path: PathBuf,
}

impl Dir {
    pub(super) fn new() -> Self {
        Self::named("32290413")
    }

    fn named(code: &str) -> Self {
        let parent = TempDir::new().unwrap();
        let path = parent.path().join(code);
        fs::create_dir(&path).unwrap();
        Self { _parent: parent, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn folder(files: &[(&str, &str)]) -> Dir {
    let own = files.iter().find(|(name, _)| *name == "tenant.toml");
    let toml = own.map_or(TENANT, |(_, text)| text);
    let code = toml.strip_prefix("code = \"").and_then(|rest| rest.split_once('"'));
    let dir = Dir::named(code.map_or("32290413", |(code, _)| code));
    for (name, text) in [("tenant.toml", TENANT), ("terms/addendum.1.md", ADDENDUM)]
        .iter()
        .chain(files)
    {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn read_folder(dir: &Path) -> Result<Folder, Vec<FolderProblem>> {
    Folder::read(dir, &[crate::pages::folder()])
}

/// The problems of a folder as `file:line: reason`, the folder's own path left out.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let dir = folder(files);
    let prefix = format!("{}/", dir.path().display());
    let problems = read_folder(dir.path()).expect_err("problems");
    problems
        .iter()
        .map(|problem| problem.to_string().replace(&prefix, ""))
        .collect()
}

fn with(from: &str, to: &str) -> Vec<String> {
    assert!(TENANT.contains(from), "{from}");
    problems(&[("tenant.toml", &TENANT.replace(from, to))])
}

#[test]
fn a_folder_without_fault_is_read_whole() {
    let dir = folder(&[
        (
            "pages/medical-guide.md",
            "+++\r\ntitle = \"上手な医療のかかり方\"\r\n+++\r\n本文\r\n",
        ),
        ("sample-roster.csv", "anything"),
        ("demo.toml", "anything"),
        ("samples/costs-2026-08.csv", "anything"),
    ]);
    let folder = read_folder(dir.path()).unwrap();
    assert_eq!(folder.code.as_ref().unwrap().as_str(), "32290413");
    assert_eq!(
        folder.settings.desk.hours_text(),
        "土日祝を除く平日 10時～17時（12時～13時を除く）"
    );
    assert_eq!(
        folder.settings.modules.wished(Feature::FluSubsidy),
        FeatureState::Preparing
    );
    assert_eq!(folder.terms[0].head, folder.settings.terms[0]);
    assert_eq!(
        folder.terms[0].head.effective_at.to_rfc3339(),
        "2024-04-04T15:00:00+00:00"
    );
    assert_eq!(folder.terms[0].body, "## 第1条\n\n- ひとつめ");
    let page = &folder.parts[0].files[0];
    assert_eq!(page.slug, "medical-guide");
    let read = page.read(&Problems::default(), |front| front.text("title"));
    let (title, body) = read.unwrap();
    assert_eq!((title.value.as_str(), body.as_str()), ("上手な医療のかかり方", "本文"));
    assert_eq!(
        folder.remarks(),
        [
            "module survey is not built yet: members see it as being prepared",
            "module contacts is not built yet: members see it as being prepared"
        ]
    );
}

#[test]
fn who_shows_families_statements_says_so_and_names_the_desk() {
    let page = |text: &str| format!("+++\ntitle = \"明細の表示\"\n+++\n{text}\n");
    let whole = page("ご家族にも表示します。050-2030-4706 へ");
    let costs = TENANT.replace("cost_statements = \"hidden\"", "cost_statements = \"open\"");
    let medicines = TENANT.replace("generic_savings = \"hidden\"", "generic_savings = \"open\"");
    let of = |toml: &str, page: &str| {
        let page = ("pages/family-statements.md", page);
        problems(&[("tenant.toml", toml), page])
    };
    let read = |toml: &str, files: &[(&str, &str)]| {
        let dir = folder(&[&[("tenant.toml", toml)][..], files].concat());
        read_folder(dir.path()).map(|_| ()).is_ok()
    };
    let because = "since module cost_statements is open and statements.costs_family is \"household\"";
    assert_eq!(
        problems(&[("tenant.toml", &costs)]),
        [format!(
            "pages/family-statements.md:1: is missing: it must tell members what their family sees, {because}"
        )]
    );
    assert_eq!(
        of(&costs, &page("050-2030-4706 へ")),
        [format!("pages/family-statements.md:1: must name ご家族, {because}")]
    );
    assert_eq!(
        of(&costs, &page("ご家族にも表示します。")),
        [format!(
            "pages/family-statements.md:1: must name 050-2030-4706, {because}"
        )]
    );
    assert_eq!(
        problems(&[("tenant.toml", &medicines)]),
        [
            "pages/family-statements.md:1: is missing: it must tell members what their family sees, \
          since module generic_savings is open and statements.medicines_family is \"household\""
        ]
    );
    assert!(read(&costs, &[("pages/family-statements.md", whole.as_str())]));
    // Nobody's family sees anything: nothing has to be said.
    for toml in [
        costs.replace("\"open\"\nmedical_guide", "\"preparing\"\nmedical_guide"),
        format!("{costs}\n[statements]\ncosts_family = \"self_only\"\n"),
    ] {
        assert!(read(&toml, &[]), "{toml}");
    }
}

#[test]
fn the_platform_has_an_operator_and_a_desk_and_nothing_of_an_insurer() {
    let head = "name = \"窓口\"\noperator = \"架空\"\nbrand_color = \"#0017c1\"\n";
    let sender = TENANT.find("[sender]").unwrap();
    let platform = format!("{head}{}", &TENANT[sender..TENANT.find("[modules]").unwrap()]);
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("tenant.toml"), &platform).unwrap();
    let read = read_folder(dir.path()).unwrap();
    assert_eq!((read.code, read.settings.kind), (None, InsurerKind::Platform));
    assert_eq!(read.settings.operator.as_deref(), Some("架空"));
    fs::write(dir.path().join("tenant.toml"), format!("points = true\n{platform}")).unwrap();
    let problems = read_folder(dir.path()).unwrap_err();
    assert_eq!(problems[0].line, 1);
    assert_eq!(problems[0].reason, "unknown key points");
}

#[test]
fn every_problem_is_named_with_its_line_and_not_only_the_first() {
    let broken = TENANT
        .replace("\"32290413\"", "\"32290423\"")
        .replace("#1b6e3c", "green")
        .replace("minimum_length = 8", "minimum_length = 7")
        .replace("idle_minutes = 30", "idle_minutes = 31")
        .replace("no-reply@nara-kyosai.example", "no-reply")
        .replace("closed_on_holidays = true\n", "");
    assert_eq!(
        problems(&[("tenant.toml", &broken)]),
        [
            "tenant.toml:1: code is mistyped, or its last digit should be 1 (32290421)",
            "tenant.toml:5: brand_color must be one of the colours # and six of 0–9, a–f, as in #1b6e3c, not \"green\"",
            "tenant.toml:14: password.minimum_length must be a whole number from 8 to 64",
            "tenant.toml:17: session.idle_minutes must be a whole number from 5 to 30",
            "tenant.toml:22: sender.address must be an e-mail address, not \"no-reply\"",
            "tenant.toml:24: desk.closed_on_holidays is missing",
        ]
    );
}

#[test]
fn unknown_keys_are_refused_wherever_they_stand() {
    assert_eq!(
        with("points = false", "points = false\npoint = 1"),
        ["tenant.toml:7: unknown key point"]
    );
    assert_eq!(
        with("employee_number = false", "employee_number = false\nage = 1"),
        ["tenant.toml:12: unknown key sign_up.age"]
    );
    assert_eq!(
        with("from = \"10:00\", to", "from = \"10:00\", break = true, to"),
        ["tenant.toml:28: unknown key desk.hours.break"]
    );
    assert_eq!(
        with("[modules]", "[modules]\ngames = \"open\""),
        ["tenant.toml:40: unknown key modules.games"]
    );
    assert_eq!(
        with("[modules]", "[colour]\n\n[modules]"),
        ["tenant.toml:39: unknown key colour"]
    );
}

#[test]
fn wrong_types_and_broken_toml_are_named_with_their_line() {
    assert_eq!(
        with("points = false", "points = \"no\""),
        ["tenant.toml:6: points must be true or false"]
    );
    assert_eq!(
        with("name = \"専用コールセンター\"", "name = 5"),
        ["tenant.toml:25: desk.name must be text in quotation marks"]
    );
    assert_eq!(
        with("days = [\"mon\"", "days = [3, \"mon\""),
        ["tenant.toml:27: desk.days must be text in quotation marks"]
    );
    assert_eq!(
        with("have_ready = \"資", "have_ready = \" \" #"),
        ["tenant.toml:33: desk.have_ready must not be empty"]
    );
    let broken = with("points = false", "points = = false");
    assert!(broken[0].starts_with("tenant.toml:6: "), "{broken:?}");
}

#[test]
fn an_insurers_own_words_for_a_relation_are_checked_one_by_one() {
    let relations = |lines: &str| TENANT.replace("[sign_up]", &format!("[relations]\n{lines}\n\n[sign_up]"));
    let dir = folder(&[("tenant.toml", &relations("01 = \"self\"\n\"世帯 主\" = \"other\""))]);
    let read = read_folder(dir.path()).unwrap().settings.relations;
    let expected = [("01", Relation::Principal), ("世帯 主", Relation::Other)].map(|(word, is)| (word.to_owned(), is));
    assert_eq!(read, expected.into());
    let wrong = "01 = \"self\"\n\"０１\" = \"spouse\"\n妻 = 3\n夫 = \"husband\"\n\"\\u001b\" = \"self\"\n\"　\" = \"self\"\n不 = \"unknown\""
        .replace("妻", "\"妻\"")
        .replace("夫", "\"夫\"")
        .replace("不", "\"不\"");
    let problems = problems(&[("tenant.toml", &relations(&wrong))]);
    let starts = [
        "tenant.toml:12: relations.０１ is the same word as another, but for its width or script",
        "tenant.toml:13: relations.妻 must be text in quotation marks",
        "tenant.toml:14: relations.夫 must be one of self, spouse, common_law_spouse, child, ",
        "tenant.toml:15: relations: each key must be a word or code of the roster",
        "tenant.toml:16: relations: each key must be a word or code of the roster",
        "tenant.toml:17: relations.不 must be one of self, ",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn a_code_must_fit_its_kind() {
    assert_eq!(
        with("mutual_aid", "national_health")[0],
        "tenant.toml:1: code does not fit the kind: national_health has 6 digits"
    );
    assert_eq!(
        with("\"32290413\"", "\"139998\""),
        ["tenant.toml:1: code does not fit the kind: 6 digits are for national_health alone"]
    );
    assert_eq!(
        with("\"32290413\"", "\"３２２９０４１３\""),
        ["tenant.toml:1: code must be 8 digits (6 for national_health)"]
    );
    assert_eq!(
        with("mutual_aid", "platform"),
        ["tenant.toml:4: kind must be one of health_insurance, mutual_aid, national_health, not \"platform\""]
    );
}

#[test]
fn national_health_has_no_dependants_to_survey() {
    let text = TENANT
        .replace("\"32290413\"", "\"139998\"")
        .replace("mutual_aid", "national_health");
    assert_eq!(
        problems(&[("tenant.toml", &text)]),
        [
            "tenant.toml:40: modules.survey can't be open for national_health, which has no dependants",
            "tenant.toml:43: modules.contacts can't be open for national_health, which has no dependants",
        ]
    );
}

#[test]
fn desk_hours_must_be_possible() {
    let to = |text: &str| with("{ from = \"10:00\", to = \"12:00\" }", text);
    assert_eq!(
        to("{ from = \"12:00\", to = \"10:00\" }"),
        ["tenant.toml:28: desk.hours must have from before to"]
    );
    assert_eq!(
        to("{ from = \"10:00\", to = \"13:00\" }"),
        ["tenant.toml:28: desk.hours must be in order, with a break between one and the next"]
    );
    assert_eq!(
        to("{ from = \"9:00\", to = \"24:00\" }"),
        [
            "tenant.toml:28: desk.hours.from must be a time as in 09:30, not \"9:00\"",
            "tenant.toml:28: desk.hours.to must be a time as in 09:30, not \"24:00\""
        ]
    );
    assert_eq!(
        with("050-2030-4706", "call us"),
        ["tenant.toml:26: desk.phone must be a telephone number as in 050-2030-4706"]
    );
    assert_eq!(
        with("\"fri\"]", "\"fri\", \"mon\"]"),
        ["tenant.toml:27: desk.days names \"mon\" twice"]
    );
    assert_eq!(
        with(
            "closed_dates = []",
            "closed_dates = [\n  \"2026-12-29\",\n  \"2026-02-29\",\n]"
        ),
        ["tenant.toml:32: desk.closed_dates must be a day as in 2026-04-01, not \"2026-02-29\""]
    );
}

#[test]
fn settings_survive_the_database_and_the_exported_file() {
    let dir = folder(&[]);
    let read = read_folder(dir.path()).unwrap();
    let stored = serde_json::to_value(&read.settings).unwrap();
    assert_eq!(serde_json::from_value::<Settings>(stored).unwrap(), read.settings);
    let mut settings = read.settings.clone();
    settings.name = "「\"\\\"」組合".into();
    settings.relations = [("01".into(), Relation::Principal), ("妻\"'".into(), Relation::Spouse)].into();
    settings.desk = ContactDesk {
        email: None,
        email_note: None,
        other: Vec::new(),
        ..settings.desk
    };
    for settings in [read.settings, settings] {
        let text = crate::export::tenant_toml(Some("32290413"), &settings);
        fs::write(dir.path().join("tenant.toml"), text).unwrap();
        assert_eq!(read_folder(dir.path()).unwrap().settings, settings);
    }
}

#[test]
fn days_after_a_loss_may_be_left_out_and_are_none_then() {
    let dir = folder(&[("tenant.toml", &TENANT.replace("after_loss_days = 0\n", ""))]);
    assert_eq!(read_folder(dir.path()).unwrap().settings.after_loss_days, 0);
    assert_eq!(
        with("after_loss_days = 0", "after_loss_days = 400"),
        ["tenant.toml:7: after_loss_days must be a whole number from 0 to 366"]
    );
}

#[test]
fn absent_settings_take_their_defaults() {
    let settings: Settings = serde_json::from_str("{}").unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.sender.address.as_str(), "no-reply@madoguchi.example");
}
