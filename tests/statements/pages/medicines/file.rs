//! A year of medicines as a file: what stands in it, what is asked before it leaves, and what is written of it.

use super::{BRAND, CHOSEN, family, from, medicine, show};
use crate::{portal::says, statements::pages::Family};
use reqwest::Method;
use testkit::{Answer, PASSWORD};

const FILES: &str = "/portal/medicines/files";
/// A typed password counts for so long.
const STALE: i64 = 15 * 60;

async fn take(family: &Family, year: &str, file: &str, password: &str) -> Answer {
    let fields = [("year", year), ("file", file), ("current_password", password)];
    family.father.post(FILES, &fields).await
}

#[track_caller]
fn lines(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    answer.text.trim_start_matches('\u{FEFF}').lines().collect()
}

async fn shown() -> Family {
    let family = family().await;
    let rows = [
        medicine("2026-09", "m1", "1-00", "2026-07", BRAND),
        from("+1+1薬局", "2026-09", "m2", "1-01", "2026-06", CHOSEN),
        medicine("2026-09", "m3", "1-01", "2026-06", "外用,999000011,0.5,7,3"),
        medicine("2026-09", "m4", "2-00", "2026-07", BRAND),
    ];
    show(&family, &rows).await;
    family
}

// security.md 52
#[tokio::test]
async fn a_year_of_medicines_leaves_with_what_could_be_taken_instead_and_no_cell_is_a_formula() {
    let family = Box::pin(shown()).await;
    says(&family.page(FILES).await, 200, "お薬のファイル（CSV）");
    let file = take(&family, "2026", "medicines", "").await;
    assert_eq!(file.header("cache-control"), "no-store");
    let instead = "\"アサガオ錠5mg「みほん」\",\"1080\",\"アサガオ錠5mg「れいだい」\",\"1080\",\"アサガオ5mg錠（各社の製品）\",\"540\"";
    let brand = format!(
        "\"健保 太郎\",\"2026年7月\",\"西町薬局\",\"内服\",\"アサガオ錠5mg\",\"999000001\",\"2\",\"錠\",\"30\",\"1800\",\"0\",{instead}"
    );
    let chosen = "\"健保 花子\",\"2026年6月\",\"'+1+1薬局\",\"内服\",\"アサガオ錠5mg\",\"999000002\",\"2\",\"錠\",\"30\",\"1530\",\"990\",\"アサガオ錠5mg「みほん」\",\"810\",\"アサガオ錠5mg「れいだい」\",\"810\",\"アサガオ5mg錠（各社の製品）\",\"270\"";
    let generic = "\"健保 花子\",\"2026年6月\",\"西町薬局\",\"外用\",\"アサガオ錠5mg「みほん」\",\"999000011\",\"0.5\",\"錠\",\"7\",\"42\",\"0\",\"\",\"\",\"\",\"\",\"\",\"\"";
    let found = lines(&file);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].starts_with("\"受診者\",\"お薬を受け取った月\",\"薬局等名称\""));
    assert_eq!(found[1..], [brand.as_str(), chosen, generic]);
    let trail = "SELECT concat(object_kind, ' ', detail) AS line FROM audit_events WHERE action = 'medicines.export'";
    assert_eq!(
        family.desk.test.lines(trail).await,
        ["account {\"file\": \"medicines\", \"year\": 2026}"]
    );
}

// security.md 38, 42
#[tokio::test]
async fn without_a_password_typed_of_late_no_file_of_medicines_leaves() {
    let family = Box::pin(shown()).await;
    family.app.later(STALE);
    for (password, said) in [
        ("", "今のパスワードを入力してください"),
        ("wrong&1234", "今のパスワードが違います"),
    ] {
        let answer = take(&family, "2026", "medicines", password).await;
        says(&answer, 422, said);
        assert!(!answer.text.contains("アサガオ"), "{}", answer.text);
    }
    let taken = "action = 'medicines.export'";
    assert_eq!(family.desk.test.count("audit_events", taken).await, 0);
    lines(&take(&family, "2026", "medicines", PASSWORD).await);
    lines(&take(&family, "2026", "medicines", "").await);
}

#[tokio::test]
async fn only_a_file_of_this_statement_and_a_year_that_is_published_leave() {
    let family = Box::pin(shown()).await;
    for (year, file, said) in [
        ("2025", "medicines", "年"),
        ("", "medicines", "年"),
        ("2026", "rows", "ファイルの種類"),
        ("2026", "sums", "ファイルの種類"),
        ("2026", "", "ファイルの種類"),
    ] {
        says(&take(&family, year, file, "").await, 422, said);
    }
    family
        .desk
        .show(&[crate::statements::pages::visit(
            "2026-08",
            "c1",
            "1-00",
            "2026-06",
            "東町クリニック",
            1_000,
        )])
        .await;
    let other = [("year", "2026"), ("file", "medicines"), ("current_password", "")];
    says(
        &family.father.post("/portal/costs/files", &other).await,
        422,
        "ファイルの種類",
    );
    let head = family.father.request(Method::HEAD, FILES);
    assert_eq!(family.father.send(head).await.status, 200);
    assert_eq!(
        family.desk.test.count("audit_events", "action LIKE '%.export'").await,
        0
    );
}
