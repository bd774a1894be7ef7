//! The masters of medicines, as their page tells of them. All drugs here are invented.

use super::alone;
use crate::portal::says;
use chrono::Datelike as _;
use testkit::execute;

fn master(valid_from: &str, version: u32, drugs: &[(u32, u32, &str)]) -> String {
    let row = |(code, price, class): &(u32, u32, &str)| {
        format!(
            "('{valid_from}', {version}, '{code}', '9990001F1024', '9990001F1', 'アサガオ錠', '錠', {price}, '{class}', 0)"
        )
    };
    let rows: Vec<String> = drugs.iter().map(row).collect();
    format!(
        "INSERT INTO drugs (valid_from, version, code, price_code, strength, name, unit, price_sen, class, charge_sen)
         VALUES {}",
        rows.join(", ")
    )
}

/// The page without its tags' line ends.
fn row<'a>(page: &'a str, from: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<th scope=\"row\">{from} ")).expect(from);
    rest.split_once("</tr>").unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn masters_in_force_and_to_come_are_counted_by_class_and_the_newest_says_what_it_changes() {
    let (installation, app, operator) = alone().await;
    says(&operator.get("/operator/drugs").await, 200, "マスターはまだありません");
    let owner = installation.owner_url();
    let year = app.clock().now().year();
    let (gone, now, next) = (
        format!("{}-04-01", year - 1),
        format!("{year}-04-01"),
        format!("{}-04-01", year + 1),
    );
    for sql in [
        master(&gone, 1, &[(999_000_001, 10_000, "2")]),
        // Corrected on its own day: the second counts.
        master(&now, 1, &[(999_000_001, 9_000, "1")]),
        master(
            &now,
            2,
            &[
                (999_000_001, 9_000, "2"),
                (999_000_002, 4_000, "3"),
                (999_000_003, 5_000, "3"),
            ],
        ),
        master(
            &next,
            1,
            &[
                (999_000_001, 8_000, "☆"),
                (999_000_002, 4_500, "3"),
                (999_000_004, 100, ""),
            ],
        ),
    ] {
        execute(&owner, &sql).await.unwrap();
    }
    let page = operator.get("/operator/drugs").await.text;
    let day = |text: &str| kernel::calendar::date_both(text.parse().unwrap());
    let of = |text: &str| row(&page, &day(text)).to_owned();
    let in_force = of(&now);
    for told in [
        "第2版",
        "適用中",
        "data-l=\"品目数\">3<",
        "data-l=\"3 後発\">2<",
        "data-l=\"2 先発（後発あり）\">1<",
    ] {
        assert!(in_force.contains(told), "{told}: {in_force}");
    }
    let to_come = of(&next);
    for told in [
        "第1版",
        "適用前",
        "data-l=\"区分なし\">1<",
        "data-l=\"☆ 先発（後発より高くない）\">1<",
    ] {
        assert!(to_come.contains(told), "{told}: {to_come}");
    }
    assert!(!page.contains(&day(&gone)), "what is over is not shown: {page}");
    for (what, drugs) in [
        ("新しい品目", 1),
        ("なくなった品目", 1),
        ("薬価が上がった品目", 1),
        ("薬価が下がった品目", 1),
        ("後発区分が「2 先発（後発あり）」から「☆ 先発（後発より高くない）」", 1),
    ] {
        let told = format!("<dt>{what}</dt><dd>{drugs}</dd>");
        assert!(page.contains(&told), "{told}: {page}");
    }
    assert!(
        page.contains(&format!("比べたマスター：{}から（第2版）", day(&now))),
        "{page}"
    );
}
