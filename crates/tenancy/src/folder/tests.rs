use super::*;
use crate::{ContactDesk, Module, ModuleState};
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

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
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

/// The problems of a folder as `file:line: reason`, the folder's own path left out.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let dir = folder(files);
    let prefix = format!("{}/", dir.path().display());
    let problems = Folder::read(dir.path()).expect_err("problems");
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
            "+++\ntitle = \"上手な医療のかかり方\"\n+++\n本文\n",
        ),
        (
            "notices/mypage.md",
            "+++\r\ntitle = \"お知らせ\"\r\npublished_on = \"2026-04-01\"\r\n+++\r\n本文\r\n",
        ),
        ("sample-roster.csv", "anything"),
        ("demo.toml", "anything"),
    ]);
    let folder = Folder::read(dir.path()).unwrap();
    assert_eq!(folder.code.as_ref().unwrap().as_str(), "32290413");
    assert_eq!(
        folder.settings.desk.hours_text(),
        "土日祝を除く平日 10時～17時（12時～13時を除く）"
    );
    assert_eq!(
        folder.settings.modules.wished(Module::FluSubsidy),
        ModuleState::Preparing
    );
    assert_eq!(folder.terms[0].head, folder.settings.terms[0]);
    assert_eq!(
        folder.terms[0].head.effective_at.to_rfc3339(),
        "2024-04-04T15:00:00+00:00"
    );
    assert_eq!(folder.terms[0].body, "## 第1条\n\n- ひとつめ");
    assert_eq!(folder.pages[0].head.slug, "medical-guide");
    assert_eq!(folder.notices[0].body, "本文");
    assert_eq!(
        folder.remarks(),
        [
            "module survey (被扶養者資格調査) is not built yet: it shows as 準備中",
            "module contacts (被扶養者連絡先登録) is not built yet: it shows as 準備中"
        ]
    );
}

#[test]
fn the_platform_has_an_operator_and_a_desk_and_nothing_of_an_insurer() {
    let head = "name = \"窓口\"\noperator = \"架空\"\nbrand_color = \"#0017c1\"\n";
    let sender = TENANT.find("[sender]").unwrap();
    let platform = format!("{head}{}", &TENANT[sender..TENANT.find("[modules]").unwrap()]);
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("tenant.toml"), &platform).unwrap();
    let read = Folder::read(dir.path()).unwrap();
    assert_eq!((read.code, read.settings.kind), (None, InsurerKind::Platform));
    assert_eq!(read.settings.operator.as_deref(), Some("架空"));
    fs::write(dir.path().join("tenant.toml"), format!("points = true\n{platform}")).unwrap();
    let problems = Folder::read(dir.path()).unwrap_err();
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
            "tenant.toml:1: code has a wrong check digit (the last one): it is mistyped",
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
    let read = Folder::read(dir.path()).unwrap().settings.relations;
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

const NETWORKS: &str = "[[network]]
cidr = \"192.0.2.0/28\"
factor = 20

[[network]]
cidr = \"2001:db8:40::/44\"
factor = 100

[sender]";

#[test]
fn networks_that_members_share_are_read_and_written_back() {
    let dir = folder(&[("tenant.toml", &TENANT.replace("[sender]", NETWORKS))]);
    let settings = Folder::read(dir.path()).unwrap().settings;
    let networks: Vec<_> = settings
        .networks
        .iter()
        .map(|network| (network.cidr.to_string(), network.factor))
        .collect();
    assert_eq!(
        networks,
        [("192.0.2.0/28".into(), 20), ("2001:db8:40::/44".into(), 100)]
    );
    let text = crate::export::tenant_toml(Some("32290413"), &settings);
    fs::write(dir.path().join("tenant.toml"), text).unwrap();
    assert_eq!(Folder::read(dir.path()).unwrap().settings, settings);
}

// security.md 67
#[test]
fn a_network_is_narrow_and_its_factor_bounded() {
    for (cidr, reason) in [
        ("192.0.0.0/19", "cidr must be /20 or narrower"),
        ("0.0.0.0/0", "cidr must be /20 or narrower"),
        ("2001:db8::/43", "cidr must be /44 or narrower"),
        ("192.0.2.1/28", "cidr must begin at its first address: 192.0.2.0/28"),
        ("::ffff:192.0.2.0/124", "cidr must be written as IPv4"),
        (
            "192.0.2.7",
            "cidr must be a network as in 192.0.2.0/28, not \"192.0.2.7\"",
        ),
        ("office", "cidr must be a network as in 192.0.2.0/28, not \"office\""),
        ("2001:db8:4f:1::/64", "cidr 2001:db8:4f:1::/64 overlaps one above"),
        ("2001:db8:40::/44", "cidr 2001:db8:40::/44 overlaps one above"),
    ] {
        // The second of two, at its line.
        let network = format!(
            "{}\n[[network]]\ncidr = \"{cidr}\"\nfactor = 2\n\n[sender]",
            NETWORKS.replace("\n[sender]", "")
        );
        assert_eq!(
            with("[sender]", &network),
            [format!("tenant.toml:29: network.{reason}")],
            "{cidr}"
        );
    }
    for factor in ["0", "1", "101", "-2", "2.5", "\"2\""] {
        assert_eq!(
            with("[sender]", &NETWORKS.replace("20\n", &format!("{factor}\n"))),
            ["tenant.toml:22: network.factor must be a whole number from 2 to 100"],
            "{factor}"
        );
    }
    assert_eq!(
        with(
            "[sender]",
            "[[network]]\ncidr = \"192.0.2.0/28\"\nweight = 3\n\n[sender]"
        ),
        [
            "tenant.toml:20: network.factor is missing",
            "tenant.toml:22: unknown key network.weight"
        ]
    );
}

#[test]
fn revisions_of_terms_have_no_gaps_and_rising_days() {
    let second = ADDENDUM.replace("revision = 1", "revision = 2");
    let changed = second.replace("+++\n\n", "changes = \"第1条を改めました。\"\n+++\n\n");
    assert_eq!(
        problems(&[("terms/addendum.2.md", &second)]),
        [
            "terms/addendum.2.md:2: changes is missing",
            "terms/addendum.2.md:5: effective_on must be later than that of revision 1"
        ]
    );
    assert_eq!(
        problems(&[("terms/addendum.2.md", &changed)]),
        ["terms/addendum.2.md:5: effective_on must be later than that of revision 1"]
    );
    let third = changed.replace("revision = 2", "revision = 3").replace("2024", "2026");
    assert_eq!(
        problems(&[("terms/addendum.3.md", &third)]),
        ["terms/addendum.3.md:1: revision 3 without revision 2"]
    );
    assert_eq!(
        problems(&[("terms/addendum.2.md", &third)]),
        ["terms/addendum.2.md:3: revision must be 2, as in the file's name"]
    );
    assert_eq!(
        problems(&[("terms/service.1.md", &ADDENDUM.replace("\"addendum\"", "\"service\""))]),
        ["terms/service.1.md:1: unknown document: here it can be addendum"]
    );
    assert_eq!(
        problems(&[("terms/addendum.02.md", ADDENDUM)]),
        ["terms/addendum.02.md:1: terms are named <document>.<revision>.md, as in addendum.1.md"]
    );
}

#[test]
fn markdown_holds_no_raw_html_and_no_link_out_of_bounds() {
    let text = ADDENDUM.to_owned()
        + "\n<b>太い</b>\n\n<div>\nx\n</div>\n\n[ここ](javascript:alert) [組合](https://example.jp) [下](#1)\n";
    assert_eq!(
        problems(&[("terms/addendum.1.md", &text)]),
        [
            "terms/addendum.1.md:12: raw HTML is not shown: use Markdown",
            "terms/addendum.1.md:12: raw HTML is not shown: use Markdown",
            "terms/addendum.1.md:14: raw HTML is not shown: use Markdown",
            "terms/addendum.1.md:18: a link can't lead to \"javascript:alert\"",
        ]
    );
    assert_eq!(
        problems(&[("pages/faq.md", "# no front matter\n")]),
        ["pages/faq.md:1: must begin with front matter between two lines +++"]
    );
    assert_eq!(
        problems(&[("pages/faq.md", "+++\ntitle = \"x\"\n+++\n \n")]),
        ["pages/faq.md:4: there is no text"]
    );
    assert_eq!(
        problems(&[(
            "notices/a.md",
            "+++\ntitle = \"x\"\npublished_on = \"2026-04-02\"\nended_on = \"2026-04-01\"\n+++\nx"
        )]),
        ["notices/a.md:4: ended_on must not be before published_on"]
    );
}

#[test]
fn unknown_and_missing_files_are_named() {
    assert_eq!(
        problems(&[("tenant.tml", ""), ("page/faq.md", ""), ("pages/F A Q.md", "")]),
        [
            "page:1: unknown file: is it misspelt, or not meant for this folder?",
            "pages/F A Q.md:1: the name must be small letters, digits and hyphens, and end in .md",
            "tenant.tml:1: unknown file: is it misspelt, or not meant for this folder?",
        ]
    );
    assert_eq!(
        Folder::read(Path::new("/nowhere")).unwrap_err()[0].reason,
        "the file is missing"
    );
    let named = with("kind = ", "logo = \"logo.png\"\nkind = ");
    assert!(named[0].starts_with("tenant.toml:4: logo logo.png: "), "{named:?}");
    let outside = with("kind = ", "logo = \"../logo.png\"\nkind = ");
    assert_eq!(outside, ["tenant.toml:4: logo must name a file in this folder"]);
}

#[test]
fn a_folder_named_like_another_code_is_refused() {
    let parent = TempDir::new().unwrap();
    let dir = parent.path().join("06139992");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("tenant.toml"), TENANT).unwrap();
    let problems = Folder::read(&dir).unwrap_err();
    assert_eq!(problems[0].reason, "the folder is named 06139992, but code is 32290413");
}

#[test]
fn a_file_that_is_not_utf8_is_named_with_the_line() {
    let dir = folder(&[]);
    fs::write(
        dir.path().join("tenant.toml"),
        b"code = \"1\"\nname = \"\x93\xde\x97\xc7\"\n",
    )
    .unwrap();
    let problems = Folder::read(dir.path()).unwrap_err();
    assert_eq!((problems[0].line, problems[0].reason.as_str()), (2, "not UTF-8"));
}

#[test]
fn a_file_with_nul_which_no_database_keeps_is_named_with_the_line() {
    let dir = folder(&[]);
    fs::write(dir.path().join("tenant.toml"), b"code = \"1\"\nname = \"a\0b\"\n").unwrap();
    let problems = Folder::read(dir.path()).unwrap_err();
    let found = (problems[0].line, problems[0].reason.as_str());
    assert_eq!(found, (2, "the character NUL can't be kept"));
}

// security.md 71
#[test]
fn links_pipes_and_devices_in_a_folder_are_named_and_never_read() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("faq.md"), "+++\ntitle = \"外\"\n+++\n外の文章").unwrap();
    let link = |target: &Path, dir: &TempDir, name: &str| {
        let path = dir.path().join(name);
        let _ = fs::remove_file(&path);
        std::os::unix::fs::symlink(target, path).unwrap();
    };
    for (target, name) in [
        (Path::new("/dev/zero"), "tenant.toml"),
        (Path::new("/dev/zero"), "terms/addendum.1.md"),
        (Path::new("/dev/zero"), "logo.png"),
        (&outside.path().join("faq.md"), "pages/faq.md"),
        (outside.path(), "notices"),
        (outside.path(), "sample-roster.csv"),
    ] {
        let dir = folder(&[("logo.png", "no picture")]);
        fs::create_dir_all(dir.path().join("pages")).unwrap();
        let toml = dir.path().join("tenant.toml");
        fs::write(&toml, TENANT.replace("kind =", "logo = \"logo.png\"\nkind =")).unwrap();
        link(target, &dir, name);
        let problems = Folder::read(dir.path()).unwrap_err();
        let told = problems.iter().any(|problem| problem.to_string().contains("link"));
        assert!(told, "{name}: {problems:?}");
    }
    let dir = folder(&[]);
    let pipe = dir.path().join("pages/faq.md");
    fs::create_dir_all(dir.path().join("pages")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let problems = Folder::read(dir.path()).unwrap_err();
    assert_eq!(problems[0].reason, "is no regular file");
    // The folder itself may be named by a link.
    fs::remove_file(&pipe).unwrap();
    let named = outside.path().join("named");
    std::os::unix::fs::symlink(dir.path(), &named).unwrap();
    assert!(Folder::read(&named).is_ok());
}

#[test]
fn the_shipped_folders_are_without_fault() {
    let tenants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants");
    let folders = files::Folder::open(&tenants).unwrap();
    for (name, _) in folders.entries().unwrap() {
        if let Err(problems) = Folder::read(&tenants.join(name)) {
            panic!(
                "{}",
                problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            );
        }
    }
}

#[test]
fn settings_survive_the_database_and_the_exported_file() {
    let dir = folder(&[]);
    let read = Folder::read(dir.path()).unwrap();
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
        assert_eq!(Folder::read(dir.path()).unwrap().settings, settings);
    }
}

#[test]
fn days_after_a_loss_may_be_left_out_and_are_none_then() {
    let dir = folder(&[("tenant.toml", &TENANT.replace("after_loss_days = 0\n", ""))]);
    assert_eq!(Folder::read(dir.path()).unwrap().settings.after_loss_days, 0);
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
