//! `madoguchi statements …` as an operator runs it: what the terminal says, how it ends, and what lies on the disk.

use super::Installation;
use chrono::{Datelike as _, Months, NaiveDate, Utc};
use std::process::Stdio;
use tokio::process::Command;

const HEADER: &str =
    "レセプト番号,記号,番号,枝番,診療年月,診療区分,医療機関等名称,医療費の総額,保険者の負担額,窓口相当負担額";

/// The month of so many months ago: these tests go by the machine's clock.
pub(super) fn ago(months: u32) -> String {
    let today: NaiveDate = Utc::now().date_naive();
    let first = today.with_day(1).unwrap() - Months::new(months);
    first.format("%Y-%m").to_string()
}

/// Claims of somebody whom the sample roster has, treated three months ago.
pub(super) fn rows(claims: std::ops::Range<u32>, total: u32) -> String {
    let month = ago(3);
    let rows = claims.map(|claim| {
        let copay = total * 3 / 10;
        let insurer = total - copay;
        format!("R{claim},10,2001,01,{month},医科外来,東町クリニック,{total},{insurer},{copay}\r\n")
    });
    rows.collect()
}

impl Installation {
    pub(super) fn file(&self, name: &str, rows: &str) {
        std::fs::write(self.folder.path().join(name), format!("{HEADER}\r\n{rows}")).unwrap();
    }

    /// `statements` with these words; `LABEL` is the label of ten rows.
    pub(super) async fn statements(&self, words: &str) -> (bool, String) {
        self.statements_with(words, &[]).await
    }

    /// The same with settings of its own.
    async fn statements_with(&self, words: &str, settings: &[(&str, &str)]) -> (bool, String) {
        let words = labelled(words);
        self.run(&words.split(' ').collect::<Vec<_>>(), settings).await
    }

    /// Has the insurer send no more than so many mails about a publication a minute.
    pub(super) async fn mails_per_minute(&self, pace: u32) {
        let folder = self.folder.path().join("139998");
        let copied = Command::new("cp")
            .arg("-r")
            .arg(testkit::tenants().join("139998"))
            .arg(&folder)
            .status();
        assert!(copied.await.unwrap().success());
        let file = folder.join("tenant.toml");
        let settings = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{settings}\n[statements]\nmails_per_minute = {pace}\n")).unwrap();
        self.done(&["tenant", "apply", folder.to_str().unwrap()]).await;
    }

    pub(super) async fn states(&self) -> Vec<String> {
        let query = "SELECT concat(version, ' ', state) AS line FROM statement_deliveries ORDER BY delivery";
        testkit::lines_within(&self.owner_url(), Some(self.insurer().await), query).await
    }
}

const IMPORT: &str = "import 139998 costs.csv --kind costs --label LABEL";

/// `statements` with these words, and the label of ten rows for `LABEL`.
fn labelled(words: &str) -> String {
    format!("statements {words}").replace("LABEL", &ago(1))
}

#[tokio::test]
async fn a_delivery_is_looked_at_loaded_published_listed_and_taken_back() {
    let installation = Installation::ready().await;
    let (label, month) = (ago(1), ago(3));
    installation.file("costs.csv", &rows(0..10, 1_234_560));
    let holds = format!(
        "  matched 10 rows of 1 people, held 0 (unknown 0, several 0)\n  \
         {month}: medical_out 10 rows 12,345,600 yen\n  claims corrected 0 (0 yen), withdrawn 0\n"
    );
    let (success, said) = installation.statements(&format!("{IMPORT} --dry-run")).await;
    assert!(success, "{said}");
    assert_eq!(
        said,
        format!("  dry run, nothing written: costs {label}, 10 rows, UTF-8\n{holds}")
    );
    assert!(installation.states().await.is_empty());
    let (success, said) = installation.statements(IMPORT).await;
    assert!(success, "{said}");
    assert_eq!(
        said,
        format!(
            "  loaded: costs {label} version 1, 10 rows, UTF-8\n{holds}  next: madoguchi statements publish 139998 costs {label}\n"
        )
    );
    let (success, said) = installation.statements("publish 139998 costs LABEL").await;
    assert!(success, "{said}");
    assert_eq!(
        said,
        format!("  published: costs {label} version 1, 10 rows; 0 rows superseded\n")
    );
    let (success, said) = installation.statements("publish 139998 costs LABEL").await;
    assert!(
        !success && said.contains("この提供分は、もう公開しています。"),
        "{said}"
    );
    let (success, said) = installation.statements(IMPORT).await;
    assert!(success, "{said}");
    assert_eq!(
        said,
        format!("  nothing to do: costs {label} version 1 is published with the same file\n")
    );

    installation.file("costs.csv", &rows(0..10, 1_300_000));
    assert!(installation.statements(IMPORT).await.0);
    let (_, said) = installation.statements("publish 139998 costs LABEL").await;
    assert!(said.contains("version 2, 10 rows; version 1 replaced, "), "{said}");
    let (success, said) = installation.statements("list 139998 --kind costs").await;
    assert!(success, "{said}");
    let listed: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(listed[0], ["kind", "label", "version", "state", "rows", "held", "file"]);
    assert_eq!(listed[1], ["costs", &label, "2", "published", "10", "0", "costs.csv"]);
    assert_eq!(listed[2], ["costs", &label, "1", "replaced", "10", "0", "costs.csv"]);
    let (_, said) = installation.statements("list 139998 --kind medicines").await;
    assert_eq!(said.lines().count(), 1, "{said}");

    let (success, said) = installation.statements("withdraw 139998 costs LABEL").await;
    assert!(success, "{said}");
    assert_eq!(said, format!("  withdrawn: costs {label} version 2\n"));
    let (success, said) = installation.statements("withdraw 139998 costs LABEL").await;
    assert!(!success && said.contains("この提供分はありません。"), "{said}");
    let (success, said) = installation.statements("publish 139998 costs LABEL").await;
    assert!(
        success && said.contains("published: costs") && said.contains("version 1"),
        "{said}"
    );
    assert_eq!(installation.states().await, ["1 published", "2 withdrawn"]);
}

#[tokio::test]
async fn a_delivery_is_published_at_a_time_to_come_and_not_in_the_past() {
    let installation = Installation::ready().await;
    installation.file("costs.csv", &rows(0..10, 1_000));
    assert!(installation.statements(IMPORT).await.0);
    let publish = "publish 139998 costs LABEL --at";
    let (success, said) = installation.statements(&format!("{publish} 2026-01-05T08:00")).await;
    assert!(!success && said.contains("公開する日時を確かめてください。"), "{said}");
    let (success, said) = installation.statements(&format!("{publish} 2099-01-05T08:00")).await;
    assert!(success && said.ends_with("version 1 at 2099-01-05 08:00\n"), "{said}");
    let (_, said) = installation.statements("list 139998").await;
    assert!(said.contains("ready, at 2099-01-05 08:00"), "{said}");
    let (success, said) = installation.statements(&format!("{publish} tomorrow")).await;
    assert!(
        !success && said.contains("a time is written 2026-11-25T08:00"),
        "{said}"
    );
    assert_eq!(installation.states().await, ["1 ready"]);
}

// security.md 71
#[tokio::test]
async fn the_errors_of_a_delivery_stand_in_a_csv_beside_it_where_no_link_is_followed_and_nothing_moves_a_cursor() {
    let installation = Installation::ready().await;
    let folder = installation.folder.path();
    let good = rows(0..2, 1_000);
    let bad = good.replace(",1000,", ",1e3,");
    installation.file("costs.csv", &bad);
    std::fs::write(folder.join("precious"), "kept").unwrap();
    std::os::unix::fs::symlink("precious", folder.join("costs.errors.csv")).unwrap();
    let (success, said) = installation.statements(&format!("{IMPORT} --dry-run")).await;
    assert!(!success, "a dry run of a wrong file fails: {said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].starts_with("costs.csv: 2行目「医療費の総額」の「1e3」：金額として読めません。"),
        "{said}"
    );
    assert_eq!(lines[2], "全2件の誤りをcosts.errors.csvに書き出しました");
    assert!(
        lines[3].contains("ファイルに2件の誤りがあります。何も取り込んでいません。"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(folder.join("precious")).unwrap(), "kept");
    let csv = std::fs::read_to_string(folder.join("costs.errors.csv")).unwrap();
    assert!(csv.starts_with("\u{FEFF}行,列,値,理由\r\n2,医療費の総額,"), "{csv}");

    let odd = format!(
        "{HEADER},\"備考\u{1b}[2J\u{9b}31m\n  loaded: everything\"\r\n{}",
        good.replace("\r\n", ",\r\n")
    );
    std::fs::write(folder.join("costs.csv"), odd).unwrap();
    let (success, said) = installation.statements(&format!("{IMPORT} --dry-run")).await;
    assert!(success, "{said}");
    assert!(
        said.contains("columns not read: 備考\\u{1b}[2J\\u{9b}31m\\u{a}  loaded"),
        "{said}"
    );
    assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
}

#[tokio::test]
async fn what_is_refused_says_why_and_which_word_allows_it() {
    let installation = Installation::ready().await;
    installation.file("costs.csv", &rows(0..3, 1_000).replace(",2001,", ",9999,"));
    let (success, said) = installation.statements(IMPORT).await;
    assert!(
        !success && said.contains("3行のうち3行（100％）") && said.contains("--allow-unmatched"),
        "{said}"
    );
    let (success, said) = installation.statements(&format!("{IMPORT} --allow-unmatched")).await;
    assert!(
        success && said.contains("matched 0 rows of 0 people, held 3 (unknown 3, several 0)"),
        "{said}"
    );
    assert_eq!(installation.states().await, ["1 refused", "2 ready"]);

    let text = format!("{HEADER},傷病名\r\n{}", rows(0..1, 1_000).replace("\r\n", ",カゼ\r\n"));
    std::fs::write(installation.folder.path().join("costs.csv"), text).unwrap();
    let (success, said) = installation.statements(IMPORT).await;
    assert!(
        !success && said.contains("「傷病名」") && said.contains("この列は受け取りません"),
        "{said}"
    );
    assert!(!said.contains("カゼ"), "{said}");
    let (success, said) = installation
        .statements("import 139998 costs.csv --kind costs --label 2026-13")
        .await;
    assert!(!success && said.contains("a month is written 2026-08"), "{said}");
    let (success, said) = installation.statements("import 139998 costs.csv --kind bills").await;
    assert!(!success && said.contains("costs, medicines"), "{said}");
}

#[tokio::test]
async fn only_a_file_of_an_insurer_is_taken() {
    let installation = Installation::ready().await;
    installation.file("costs.csv", &rows(0..3, 1_000));
    for (code, words) in [
        ("platform", "the platform insures nobody"),
        ("139999", "139999: mistyped"),
        ("06999015", "06999015: no insurer has this code"),
    ] {
        let (success, said) = installation.statements(&IMPORT.replace("139998", code)).await;
        assert!(!success && said.contains(words), "{said}");
        let (success, said) = installation.statements(&format!("list {code}")).await;
        assert!(!success && said.contains(words), "{said}");
    }
    let pipe = installation.folder.path().join("pipe.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().await.unwrap().success());
    for (name, words) in [
        ("pipe.csv", "pipe.csvは、ふつうのファイルではありません"),
        ("/dev/zero", "ふつうのファイルではありません"),
        (".", "ふつうのファイルではありません"),
        ("none.csv", "none.csv: "),
    ] {
        let (success, said) = installation.statements(&IMPORT.replace("costs.csv", name)).await;
        assert!(!success && said.contains(words), "{name}: {said}");
    }
    assert!(installation.states().await.is_empty());
}

// security.md 70
#[tokio::test]
async fn a_wrong_key_refuses_before_anything_of_a_delivery_is_sealed() {
    let installation = Installation::ready().await;
    installation.file("costs.csv", &rows(0..3, 1_000).replace(",2001,", ",9999,"));
    let wrong = [(
        "MADOGUCHI__KEYS__RING__K1",
        "DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw=",
    )];
    let import = format!("{IMPORT} --allow-unmatched");
    let (success, said) = installation.statements_with(&import, &wrong).await;
    assert!(!success && said.contains("not the one that was registered"), "{said}");
    assert!(installation.states().await.is_empty());
    let (success, said) = installation.statements(&import).await;
    assert!(success, "{said}");
}

#[tokio::test]
async fn whoever_stops_listening_stops_nothing() {
    let installation = Installation::ready().await;
    installation.file("costs.csv", &rows(0..10, 1_000));
    let import = labelled(IMPORT);
    let mut child = installation
        .command(&import.split(' ').collect::<Vec<_>>())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().await.unwrap().success());
    assert_eq!(installation.states().await, ["1 ready"]);
}
