//! `madoguchi drugs import`, and what comes of it: medicines are reckoned by the master that was in force, and anew once it is
//! corrected. All drugs here are invented.

use super::{Installation, statements::ago};
use kernel::TenantId;
use std::fmt::Write as _;
use testkit::{execute_within, lines, lines_within};

/// A drug of 医薬品マスター: code, name, price, 薬価基準コード, and what it is chosen instead of a generic of.
type Invented = (&'static str, &'static str, &'static str, &'static str, &'static str);

const BRAND: Invented = ("999000001", "アサガオ錠５ｍｇ", "100.00", "9990001F1024", "");
const CHOSEN: Invented = (
    "999000002",
    "アサガオ錠５ｍｇ（選）",
    "85.00",
    "9990001F1024",
    "999000001",
);
const GENERIC: Invented = ("999000011", "アサガオ錠５ｍｇ「みほん」", "40.00", "9990001F1032", "");
const OTHER: Invented = ("999000021", "ヒマワリ散", "9.80", "9990002B1023", "");

/// The file, in CP932.
fn master(drugs: &[Invented]) -> Vec<u8> {
    let mut text = String::new();
    for &(code, name, price, price_code, original) in drugs {
        let mut fields = vec![String::new(); 42];
        let chosen = if original.is_empty() { "0" } else { "2" };
        for (nth, value) in [
            (2, "Y"),
            (3, code),
            (5, name),
            (10, "錠"),
            (12, price),
            (32, price_code),
            (34, "99999999"),
            (41, original),
            (42, chosen),
        ] {
            fields[nth - 1] = format!("\"{value}\"");
        }
        write!(text, "{}\r\n", fields.join(",")).unwrap();
    }
    tabular::cp932(&text)
}

fn classes(list: &[(&str, &str)]) -> String {
    let rows = list
        .iter()
        .map(|(code, class)| format!("{code},,,{class},20200401,\r\n"));
    let header = "薬価基準収載医薬品コード,成分名,品名,各先発医薬品の後発医薬品の有無に関する情報,収載年月日,備考\r\n";
    format!("{header}{}", rows.collect::<String>())
}

const CLASSES: [(&str, &str); 3] = [("9990001F1024", "2"), ("9990001F1032", "3"), ("9999999F1010", "3")];

impl Installation {
    fn drugs_are(&self, drugs: &[Invented], list: &[(&str, &str)]) {
        let folder = self.folder.path();
        std::fs::write(folder.join("y.csv"), master(drugs)).unwrap();
        std::fs::write(folder.join("list.csv"), classes(list)).unwrap();
    }

    /// Brings what [`Self::drugs_are`] wrote.
    async fn drugs(&self, from: &str, more: &[&str]) -> (bool, String) {
        let import = [
            "drugs",
            "import",
            "--master",
            "y.csv",
            "--classes",
            "list.csv",
            "--from",
            from,
        ];
        self.run(&[&import[..], more].concat(), &[]).await
    }

    /// All of them in force since long ago.
    async fn usual_drugs(&self) {
        self.drugs_are(&[BRAND, CHOSEN, GENERIC, OTHER], &CLASSES);
        let (done, said) = self.drugs("2020-04-01", &[]).await;
        assert!(done, "{said}");
    }

    /// A file of medicines that somebody of the sample roster had three months ago, two a day for thirty days.
    pub(super) fn medicines(&self, codes: &[&str]) {
        let mut text = "レセプト番号,記号,番号,枝番,調剤年月,剤形区分,医薬品コード,1日量,日数,負担割合\r\n".to_owned();
        for code in codes {
            write!(text, "R1,10,2001,01,{},内服,{code},2,30,3\r\n", ago(3)).unwrap();
        }
        std::fs::write(self.folder.path().join("medicines.csv"), text).unwrap();
    }

    async fn import_medicines(&self) -> (bool, String) {
        self.statements("import 139998 medicines.csv --kind medicines --label LABEL")
            .await
    }

    async fn reckoned(&self) -> Vec<String> {
        let query = "SELECT concat_ws(' ', drug, '[' || class || ']', saving_yen, charge_yen) AS line
            FROM medicine_rows r ORDER BY r.delivery, r.line";
        lines_within(&self.owner_url(), Some(self.insurer().await), query).await
    }

    async fn masters(&self) -> Vec<String> {
        let query = "SELECT concat_ws(' ', valid_from, version, count(*)) AS line FROM drugs GROUP BY valid_from, version ORDER BY 1";
        lines(&self.owner_url(), query).await
    }
}

/// With medicines that are loaded: a brand, one chosen, and a generic.
pub(super) async fn with_medicines() -> Installation {
    let installation = Installation::ready().await;
    installation.usual_drugs().await;
    installation.medicines(&["999000001", "999000002", "999000011"]);
    let (done, said) = installation.import_medicines().await;
    assert!(done, "{said}");
    installation
}

#[tokio::test]
async fn a_master_is_looked_at_written_corrected_and_never_changed() {
    let installation = Installation::ready().await;
    installation.drugs_are(&[BRAND, CHOSEN, GENERIC, OTHER], &CLASSES);
    let found =
        "  classes: none 1, 1 0, 2 2, ☆ 0, 3 1, ★ 0\n  with a special charge: 1\n  of the list not in the master: 1\n";
    let (done, said) = installation.drugs("2020-04-01", &["--dry-run"]).await;
    let head = "  dry run, nothing written: drugs from 2020-04-01, 4 of them; CP932, classes UTF-8\n";
    assert!(done, "{said}");
    assert_eq!(said, format!("{head}{found}  no master before\n"));
    assert!(installation.masters().await.is_empty());
    let (done, said) = installation.drugs("2020-04-01", &[]).await;
    assert!(done, "{said}");
    assert!(
        said.starts_with("  written: drugs from 2020-04-01 version 1, 4 of them;"),
        "{said}"
    );
    assert!(said.contains("recompute CODE --from 2020-04\n"), "{said}");
    for from in ["2020-04-01", "2099-04-01"] {
        let (done, said) = installation.drugs(from, &[]).await;
        assert!(done, "{said}");
        assert_eq!(
            said,
            "  nothing to do: the drugs from 2020-04-01 version 1 say the same\n"
        );
    }

    // A correction of a day in force is a new version of it; what is to come is held against that.
    let dearer = ("999000011", "アサガオ錠５ｍｇ「みほん」", "45.00", "9990001F1032", "");
    installation.drugs_are(
        &[BRAND, CHOSEN, dearer],
        &[("9990001F1024", "☆"), ("9990001F1032", "3")],
    );
    for (from, expected) in [("2020-04-01", "version 2"), ("2099-04-01", "nothing to do")] {
        let (done, said) = installation.drugs(from, &[]).await;
        assert!(done && said.contains(expected), "{said}");
        if expected == "version 2" {
            let against = "  against those from 2020-04-01 version 1: new 0, gone 1, dearer 1, cheaper 0, charged otherwise 0, \
                other changes 0\n  class 2 to ☆: 2\n";
            assert!(said.contains(against), "{said}");
        }
    }
    installation.drugs_are(&[BRAND, CHOSEN, GENERIC], &CLASSES);
    let (done, said) = installation.drugs("2099-04-01", &[]).await;
    assert!(done && !said.contains("recompute"), "{said}");
    assert_eq!(
        installation.masters().await,
        ["2020-04-01 1 4", "2020-04-01 2 3", "2099-04-01 1 3"]
    );
    let trail =
        "SELECT concat_ws(' ', actor_kind, outcome, detail->>'from', detail->>'version') AS line FROM audit_events
        WHERE action = 'drugs.import' ORDER BY audit_id";
    assert_eq!(
        lines_within(&installation.owner_url(), Some(TenantId::PLATFORM), trail).await,
        [
            "operator done 2020-04-01 1",
            "operator done 2020-04-01 2",
            "operator done 2099-04-01 1"
        ]
    );
}

#[tokio::test]
async fn what_is_wrong_with_either_file_is_told_by_line_and_column_and_nothing_is_written() {
    let installation = Installation::ready().await;
    let wrong = ("999000011", "アサガオ錠５ｍｇ「みほん」", "4O.00", "9990001F1032", "");
    let nowhere = (
        "999000003",
        "アサガオ錠５ｍｇ（選）",
        "85.00",
        "9990001F1024",
        "999000009",
    );
    let dear = (
        "999000004",
        "アサガオ錠５ｍｇ（選）",
        "100.01",
        "9990001F1024",
        "999000001",
    );
    installation.drugs_are(&[BRAND, wrong, nowhere, dear], &[("9990001F1024", "4")]);
    let (done, said) = installation.drugs("2026-04-01", &[]).await;
    assert!(!done, "{said}");
    for told in [
        "y.csv: 2行目「薬価」の「4O.00」：薬価として読めません。",
        "y.csv: 3行目「長期収載品関連」の「999000009」：長期収載品の医薬品コードが、このファイルにありません。",
        "y.csv: 4行目「長期収載品関連」の「999000001」：長期収載品より高い薬価です。",
        "全3件の誤りをy.errors.csvに書き出しました",
        "list.csv: 2行目「各先発医薬品の後発医薬品の有無に関する情報」の「4」：",
        "全1件の誤りをlist.errors.csvに書き出しました",
        "2つのファイルに合わせて4件の誤りがあります。何も取り込んでいません。",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let csv = std::fs::read_to_string(installation.folder.path().join("y.errors.csv")).unwrap();
    assert!(
        csv.starts_with("\u{FEFF}行,列,値,理由\r\n2,薬価,\"「4O.00」\","),
        "{csv}"
    );
    // A header where none belongs, a master of something else, and what is no table at all.
    for (file, told) in [
        (
            "医薬品コード,名称\r\n".as_bytes().to_vec(),
            "この種類のファイルは42列、この行は2列",
        ),
        (b"PK\x03\x04\0\0".to_vec(), "1行目"),
        (Vec::new(), "ファイルが空です"),
    ] {
        std::fs::write(installation.folder.path().join("y.csv"), file).unwrap();
        let (done, said) = installation.drugs("2026-04-01", &[]).await;
        assert!(!done && said.contains(told), "{said}");
    }
    assert!(installation.masters().await.is_empty());
    let trail = "SELECT outcome AS line FROM audit_events WHERE action = 'drugs.import'";
    let told = lines_within(&installation.owner_url(), Some(TenantId::PLATFORM), trail).await;
    assert_eq!(told, ["rows"; 4]);
    let (done, said) = installation.drugs("2026-13-01", &[]).await;
    assert!(!done && said.contains("--from"), "{said}");
}

#[tokio::test]
async fn a_part_of_a_master_or_of_a_list_is_refused_unless_allowed() {
    let installation = Installation::ready().await;
    installation.drugs_are(&[BRAND, CHOSEN, GENERIC], &CLASSES);
    assert!(installation.drugs("2026-04-01", &[]).await.0);
    let (all, some) = ([BRAND, CHOSEN, GENERIC], [("9990001F1032", "3")]);
    for (drugs, list) in [(&[OTHER][..], &CLASSES[..]), (&all[..], &some[..])] {
        installation.drugs_are(drugs, list);
        let (done, said) = installation.drugs("2026-05-01", &[]).await;
        assert!(!done && said.contains("--allow-deviation"), "{said}");
    }
    assert_eq!(installation.masters().await, ["2026-04-01 1 3"]);
    let (done, said) = installation.drugs("2026-05-01", &["--allow-deviation"]).await;
    assert!(done, "{said}");
    assert_eq!(installation.masters().await, ["2026-04-01 1 3", "2026-05-01 1 3"]);
}

#[tokio::test]
async fn medicines_go_by_the_master_of_the_months_first_day_and_wait_for_one() {
    let installation = Installation::ready().await;
    installation.medicines(&["999000001", "999000002", "999000011"]);
    let (month, next) = (ago(3), ago(2));
    let (done, said) = installation.import_medicines().await;
    let told = format!("{month}の1日に使う医薬品マスターがありません。何も取り込んでいません。");
    assert!(!done && said.contains(&told), "{said}");
    installation.usual_drugs().await;
    // From the day after, and so for the month after.
    let cheaper = ("999000011", "アサガオ錠５ｍｇ「みほん」", "10.00", "9990001F1032", "");
    installation.drugs_are(&[BRAND, CHOSEN, cheaper, OTHER], &CLASSES);
    let (done, said) = installation.drugs(&format!("{month}-02"), &[]).await;
    assert!(
        done && said.contains(&format!("recompute CODE --from {next}\n")),
        "{said}"
    );
    let (done, said) = installation.import_medicines().await;
    assert!(done, "{said}");
    assert_eq!(
        installation.reckoned().await,
        ["999000001 [2] 1080 0", "999000002 [2] 810 990", "999000011 [3] 0 0"]
    );
    installation.medicines(&["999000001", "999999999"]);
    let (done, said) = installation.import_medicines().await;
    assert!(!done && said.contains("2行のうち1行（50％）の医薬品コードが"), "{said}");
}

#[tokio::test]
async fn rows_are_reckoned_anew_by_a_corrected_master_and_by_other_settings_and_twice_alike() {
    let installation = with_medicines().await;
    let (label, month) = (ago(1), ago(3));
    assert!(installation.statements("publish 139998 medicines LABEL").await.0);
    let line = |changed| format!("  recomputed: medicines {label} version 1, 3 rows, {changed} changed\n");
    let (done, said) = installation.statements("recompute 139998").await;
    assert!(done, "{said}");
    assert_eq!(said, line(0));

    let cheaper = ("999000011", "アサガオ錠５ｍｇ「みほん」", "10.00", "9990001F1032", "");
    installation.drugs_are(&[BRAND, CHOSEN, cheaper, OTHER], &CLASSES);
    assert!(installation.drugs("2020-04-01", &[]).await.0);
    let (done, said) = installation
        .statements(&format!("recompute 139998 --from {}", ago(2)))
        .await;
    assert!(done, "{said}");
    assert_eq!(said, "  nothing to recompute\n");
    for changed in [2, 0] {
        let (done, said) = installation
            .statements(&format!("recompute 139998 --from {month}"))
            .await;
        assert!(done, "{said}");
        assert_eq!(said, line(changed));
        assert_eq!(
            installation.reckoned().await,
            ["999000001 [2] 1620 0", "999000002 [2] 1350 990", "999000011 [3] 0 0"]
        );
    }

    let tenant = installation.insurer().await;
    let never = "UPDATE insurers SET settings = jsonb_set(settings, '{statements,exclude_classes}', '[999]')";
    testkit::execute(
        &installation.owner_url(),
        &format!("{never} WHERE tenant_id = {tenant}"),
    )
    .await
    .unwrap();
    let (done, said) = installation.statements("recompute 139998").await;
    assert!(done, "{said}");
    assert_eq!(said, line(2));
    assert_eq!(
        installation.reckoned().await,
        ["999000001 [2] 0 0", "999000002 [2] 0 990", "999000011 [3] 0 0"]
    );
    let trail = "SELECT concat_ws(' ', detail->>'rows', detail->>'changed') AS line FROM audit_events
        WHERE action = 'statements.recompute' ORDER BY audit_id";
    let told = lines_within(&installation.owner_url(), Some(tenant), trail).await;
    assert_eq!(told, ["3 0", "3 2", "3 0", "3 2"]);
    assert_eq!(installation.states().await, ["1 published"]);
}

#[tokio::test]
async fn nothing_is_reckoned_beside_a_load_or_another_reckoning_nor_without_a_master() {
    let installation = with_medicines().await;
    let tenant = installation.insurer().await;
    let change = async |what: &str| {
        let change = format!("UPDATE statement_deliveries SET {what} WHERE tenant_id = {tenant}");
        execute_within(&installation.owner_url(), Some(tenant), &change)
            .await
            .unwrap();
    };
    let lease = "leased_by = gen_random_uuid(), leased_until = clock_timestamp() + interval '1 hour'";
    for state in ["loading", "ready"] {
        change(&format!("state = '{state}', {lease}")).await;
        let (done, said) = installation.statements("recompute 139998").await;
        assert!(!done && said.contains("ほかで進んでいます"), "{state}: {said}");
    }
    // Whoever died over it gives way.
    change("leased_until = clock_timestamp()").await;
    let (done, said) = installation.statements("recompute 139998").await;
    assert!(done && said.contains("3 rows, 0 changed"), "{said}");

    testkit::execute(&installation.owner_url(), "DELETE FROM drugs")
        .await
        .unwrap();
    let (done, said) = installation.statements("recompute 139998").await;
    assert!(
        !done && said.contains("医薬品マスターがありません。何も変更していません。"),
        "{said}"
    );
    assert_eq!(installation.reckoned().await[0], "999000001 [2] 1080 0");
}

#[tokio::test]
async fn a_case_is_reckoned_without_a_database() {
    let installation = Installation::new().await;
    let case = serde_json::json!({
        "settings": { "min_month_yen": 300, "medicines_family": "self_only" },
        "drugs": [
            drug("2026-04-01", "999000001", "9990001F1024", 50_140, "2", 0),
            drug("2026-04-01", "999000002", "9990001F1024", 49_902, "2", 238),
            drug("2026-06-01", "999000001", "9990001F1024", 50_140, "2", 0),
            drug("2026-06-01", "999000002", "9990001F1024", 49_665, "2", 475),
            drug("2026-06-01", "999000011", "9990001F1032", 44_140, "3", 0),
        ],
        "lines": [
            line("2026-05", "999000002", 7_000, 1),
            line("2026-06", "999000002", 7_000, 1),
            line("2026-06", "999000001", 2_000, 30),
            line("2026-06", "999000011", 1_000, 30),
            line("2026-07", "999000099", 1_000, 30),
        ],
        "families": [
            { "kind": "costs", "viewer": "夫", "person": "妻", "principal": "夫" },
            { "kind": "medicines", "viewer": "夫", "person": "妻", "principal": "夫" },
            { "kind": "costs", "viewer": "夫", "person": "妻", "principal": "夫", "is_protected": true },
            { "kind": "costs", "viewer": "妻", "person": "妻", "principal": "夫", "is_protected": true, "by_letter": true },
        ],
    });
    let file = installation.folder.path().join("case.json");
    std::fs::write(&file, case.to_string()).unwrap();
    let nowhere = [("MADOGUCHI__DATABASE__URL", "postgres://nobody@127.0.0.1:1/nowhere")];
    let (done, said) = installation.run(&["statements", "reckon", "case.json"], &nowhere).await;
    assert!(done, "{said}");
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap();
    let of_lines = |key: &str| -> Vec<i64> {
        let lines = answer["lines"].as_array().unwrap().iter();
        lines.map(|line| line[key].as_i64().unwrap()).collect()
    };
    assert_eq!(of_lines("charge_yen"), [22, 33, 0, 0, 0]);
    // 60.00 less, two a day for thirty days, three tenths; (496.65 − 441.40) × 7 × 0.3 of the one that was chosen.
    assert_eq!(of_lines("saving_yen"), [0, 116, 1_080, 0, 0]);
    assert_eq!(answer["lines"][2]["candidates"][0]["saving_yen"], 1_080);
    assert_eq!(answer["lines"][4]["name"], serde_json::Value::Null);
    let months = answer["months"].as_array().unwrap().iter();
    let months: Vec<i64> = months.map(|month| month["saving_yen"].as_i64().unwrap()).collect();
    assert_eq!(months, [0, 1_196, 0]);
    // 30 of 30 + 60 + 7 + 7.
    assert_eq!(answer["people"][0]["usage"], "28.8%");
    assert_eq!(answer["people"][0]["best"], serde_json::json!(["2026-06", 1_196]));
    assert_eq!(answer["families"], serde_json::json!([true, false, false, true]));

    std::fs::write(&file, "{\"lines\": [{}]}").unwrap();
    let (done, said) = installation.run(&["statements", "reckon", "case.json"], &nowhere).await;
    assert!(!done && said.contains("case.json: missing field"), "{said}");
    let (done, said) = installation.run(&["statements", "reckon", "none.json"], &nowhere).await;
    assert!(!done && said.contains("none.json: "), "{said}");
}

fn drug(from: &str, code: &str, price_code: &str, price: i64, class: &str, charge: i64) -> serde_json::Value {
    serde_json::json!({
        "valid_from": from, "code": code, "price_code": price_code, "name": "試薬", "price_sen": price, "class": class,
        "charge_sen": charge,
    })
}

fn line(month: &str, drug: &str, daily_milli: i64, count: i64) -> serde_json::Value {
    serde_json::json!({
        "month": month, "drug": drug, "form": "oral", "daily_milli": daily_milli, "count": count, "rate": 3,
    })
}
