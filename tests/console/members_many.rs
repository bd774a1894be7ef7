//! Lists of many people: of whoever is bounded to some workplaces, and of what thousands have in common.

use super::facts::load;
use access::{Reach, Role};
use testkit::{Answer, Client, TestApp};

/// Who stands in a list, in its order.
fn people(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200);
    let links = page
        .text
        .split("data-l=\"氏名（カナ）\"><a href=\"/console/members/")
        .skip(1);
    links.map(|link| link.split('"').next().unwrap().to_owned()).collect()
}

/// All pages from one on; the last page too.
async fn pages(clerk: &Client, begin: &str) -> (Vec<String>, Answer) {
    let (mut shown, mut address) = (Vec::new(), begin.to_owned());
    loop {
        let page = clerk.get(&address).await;
        shown.extend(people(&page));
        let Some(next) = page.text.split("<p class=\"more\"><a href=\"").nth(1) else {
            return (shown, page);
        };
        address = next.split('"').next().unwrap().replace("&#38;", "&");
    }
}

async fn load_all(app: &TestApp, rows: &[String]) {
    load(app, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

// security.md 51
#[tokio::test]
async fn whoever_is_bounded_goes_through_all_their_own_in_order_and_each_of_them_once() {
    let app = TestApp::start().await;
    // Of the first sixty some stand under the 記号 and some under the 事業所コード, and some under both.
    let row = |n: usize| {
        let (symbol, code) = match n {
            60.. => ("200", "B02"),
            n if n % 3 == 0 => ("300", "A01"),
            n if n % 3 == 1 => ("300", "B02"),
            _ => ("200", "A01"),
        };
        let (kana, kind) = (
            ["ア", "ウ", "イ"][n % 3],
            if n.is_multiple_of(2) { "本人" } else { "妻" },
        );
        format!("{symbol},{n},00,ケンポ　{kana}イ,健保　人,19850401,{kind},,,,{code}")
    };
    load_all(&app, &(0..120).map(row).collect::<Vec<_>>()).await;
    let reach = Reach::Workplaces {
        symbols: vec!["300".into()],
        codes: vec!["A01".into()],
    };
    let clerk = app.clerk_reaching(&[Role::Eligibility], &reach).await;
    let own = |narrowed: &str| {
        format!(
            "SELECT person_id::text AS line FROM persons WHERE (symbol = '300' OR workplace_code = 'A01'){narrowed}
             ORDER BY kana_fold1, person_id"
        )
    };
    let all = app.insurer.lines(&own("")).await;
    assert_eq!(all.len(), 60);
    assert_eq!(pages(&clerk, "/console/members?list=1").await.0, all);
    for (filter, narrowed, some) in [
        ("kind=dependent", " AND NOT insured", 30),
        ("workplace=A01", " AND workplace_code = 'A01'", 40),
        ("workplace=B02", " AND workplace_code = 'B02'", 20),
    ] {
        let expected = app.insurer.lines(&own(narrowed)).await;
        assert_eq!(expected.len(), some, "{filter}");
        let shown = pages(&clerk, &format!("/console/members?list=1&{filter}")).await;
        assert_eq!(shown.0, expected, "{filter}");
    }
    let sent = clerk.post("/console/members", &[("q", "けんぽう")]).await;
    let named = own(" AND kana_name LIKE '%ウイ'");
    assert_eq!(pages(&clerk, sent.location()).await.0, app.insurer.lines(&named).await);
}

#[tokio::test]
async fn of_a_phone_number_a_mail_address_or_an_employee_number_that_too_many_share_some_are_shown_and_it_is_said() {
    let app = TestApp::start().await;
    let rows = (0..130).map(|n| {
        let shared = if n < 120 {
            "none@example.jp,00-0000-0000"
        } else {
            "few@example.jp,03-0000-0001"
        };
        format!("100,{n},00,ケンポ　タロウ,健保　太郎,19850401,本人,,{shared},A01")
    });
    load_all(&app, &rows.collect::<Vec<_>>()).await;
    testkit::sql(
        app.tenant(),
        "UPDATE persons SET employee_key = 'E-1' WHERE phone_key LIKE '00%'",
    )
    .await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let cut = "当てはまる方が多いため、一部だけを探しました";
    for (term, least, is_cut) in [
        ("0000000000", 100, true),
        ("none@example.jp", 100, true),
        ("e-1", 100, true),
        ("0300000001", 10, false),
        ("few@example.jp", 10, false),
    ] {
        let sent = clerk.post("/console/members", &[("q", term)]).await;
        let first = clerk.get(sent.location()).await;
        assert_eq!(first.text.contains(cut), is_cut, "{term}: {}", first.text);
        let (shown, _) = pages(&clerk, sent.location()).await;
        assert!((least..=least + 1).contains(&shown.len()), "{term}: {}", shown.len());
        // Where of all who were looked at nobody is left, more may be there all the same.
        let none = clerk.get(&format!("{}&kind=dependent", sent.location())).await;
        assert!(people(&none).is_empty());
        assert_eq!(none.text.contains(cut), is_cut, "{term}: {}", none.text);
    }
}
