//! The list of members and a member's page: who is found by what, what is masked, and that every look is a line.

use access::{Reach, Role};
use audit::{Actor, Origin};
use kernel::PersonId;
use roster::import::{Options, import};
use std::fmt::Write as _;
use tabular::Source;
use testkit::{Answer, Client, TestApp, TestClerk};

const HEADER: &str = "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格喪失日,メール,社員コード,事業所コード,電話,住所,個人ID\n";
const FAMILY: [&str; 4] = [
    "12,3456,00,ケンポ　ショウコ,健保　祥子,19850401,本人,,hanako@example.jp,E-77,A01,090-1234-5678,東京都千代田区一番町,P-1",
    "12,3456,01,ケンポ　タロウ,健保　太郎,20150401,子,,,,A01,+81 (0)90 1234 5678,,P-2",
    "公立-12,7,00,ハヤシ　ヂロウ,林　次郎,19700102,本人,20261001,,,B02,,,P-3",
    "12,99,00,ｽﾐｽ　ｼﾞｮﾝ,,19600102,本人,,,,B02,,,P-4",
];

async fn load(app: &TestApp, rows: &[&str]) {
    let mut csv = HEADER.to_owned();
    for row in rows {
        writeln!(csv, "{row}").unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    let test = &app.insurer;
    let insurer = test.directory.by_tenant(test.tenant).await.unwrap().unwrap();
    let options = Options {
        allow_loss: true,
        ..Options::default()
    };
    let by = (Actor::System, Origin::command());
    let file = Source::file(file.path());
    import(
        (&test.database, &test.keys),
        &insurer,
        file,
        options,
        by,
        &test.clock,
        |_| (),
    )
    .await
    .unwrap();
}

async fn app() -> TestApp {
    let app = TestApp::start().await;
    load(&app, &FAMILY).await;
    app
}

async fn find(clerk: &Client, term: &str) -> Answer {
    let sent = clerk.post("/console/members", &[("q", term)]).await;
    assert_eq!(sent.status, 303, "{term}");
    clerk.get(sent.location()).await
}

/// The names in a list.
fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200);
    let rows = answer
        .text
        .split("data-l=\"氏名（カナ）\"><a href=\"/console/members/")
        .skip(1);
    rows.map(|row| row.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned())
        .collect()
}

async fn id_of(app: &TestApp, number: &str, branch: &str) -> PersonId {
    let query =
        format!("SELECT person_id::text AS line FROM persons WHERE number = '{number}' AND branch = '{branch}'");
    PersonId::parse(&app.insurer.lines(&query).await[0]).unwrap()
}

async fn eligibility(app: &TestApp) -> TestClerk {
    app.clerk(&[Role::Eligibility]).await
}

#[tokio::test]
async fn one_box_finds_people_by_whatever_is_typed_of_them() {
    let app = app().await;
    let clerk = eligibility(&app).await;
    let (shoko, taro) = ("健保　祥子", "健保　太郎");
    for (term, expected) in [
        ("12-3456", vec![shoko, taro]),
        ("１２　３４５６", vec![shoko, taro]),
        ("123456", vec![shoko, taro]),
        ("0012003456", vec![shoko, taro]),
        ("12-3456-01", vec![taro]),
        ("公立-12-7", vec!["林　次郎"]),
        ("公立ー127", vec!["林　次郎"]),
        // Whoever has left the roster is found as well.
        ("けんほ", vec![shoko, shoko, taro]),
        ("ｹﾝﾎﾟ ｼﾖｳｺ", vec![shoko, shoko]),
        ("はやしじろう", vec!["林　次郎"]),
        ("ハヤシヂ", vec!["林　次郎"]),
        ("すみす", vec!["ｽﾐｽ　ｼﾞｮﾝ"]),
        ("健保", vec![shoko, shoko, taro]),
        ("健保太", vec![taro]),
        ("林", vec!["林　次郎"]),
        ("Hanako@Example.jp", vec![shoko]),
        ("ｅ－７７", vec![shoko]),
        ("09012345678", vec![shoko, taro]),
        ("０９０－１２３４－５６７８", vec![shoko, taro]),
        ("(090) 1234.5678", vec![shoko, taro]),
        ("+81-90-1234-5678", vec![shoko, taro]),
        ("090-1234-567", vec![]),
        ("1234-5678", vec![]),
        ("保", vec![]),
        ("ンポ", vec![]),
        ("12-34567", vec![]),
        ("%", vec![]),
    ] {
        let mut found = names(&find(&clerk, term).await);
        found.sort();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(found, expected, "{term}");
    }
}

#[tokio::test]
async fn whoever_is_registered_is_found_by_user_id_and_proven_address_and_shown_as_registered() {
    let app = TestApp::start().await;
    let who = app.sign_up().await;
    let clerk = eligibility(&app).await;
    let upper = who.user_id.to_uppercase();
    for term in [&upper[..], &upper[..5], who.email.to_uppercase().as_str()] {
        let found = find(&clerk, term).await;
        assert_eq!(names(&found), ["健保　祥子"], "{term}");
        assert!(found.text.contains("2026-11-22 登録"), "{term}");
    }
    for (filter, people) in [("registered=yes", 1), ("registered=no", 0)] {
        let found = clerk.get(&format!("/console/members?list=1&{filter}")).await;
        assert_eq!(names(&found).len(), people, "{filter}");
    }
}

/// While an import holds the person's row the sign-up doesn't wait for it: the list knows of it a little later.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_during_an_import_of_the_person_is_listed_once_it_is_over() {
    let app = TestApp::start().await;
    let (client, _, email) = app.waiting_for_code().await;
    let code = app.code_for(&email).await;
    let tenant = app.insurer.database.tenant(app.tenant());
    let mut import = tenant.write(database::Durability::Safe).await.unwrap();
    diesel_async::RunQueryDsl::execute(
        diesel::sql_query(format!(
            "UPDATE persons SET updated_at = updated_at WHERE tenant_id = {}",
            app.tenant()
        )),
        &mut *import,
    )
    .await
    .unwrap();
    let done = client.post("/portal/signup/code", &[("code", &code)]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let clerk = eligibility(&app).await;
    let list = |wanted: &str| format!("/console/members?list=1&registered={wanted}");
    assert_eq!(names(&clerk.get(&list("yes")).await).len(), 0);
    import.commit().await.unwrap();
    app.work().await;
    assert_eq!(names(&clerk.get(&list("yes")).await).len(), 1);
    assert_eq!(names(&clerk.get(&list("no")).await).len(), 0);
}

#[tokio::test]
async fn filters_narrow_the_list_alone_and_together_and_with_a_term() {
    let app = app().await;
    let clerk = eligibility(&app).await;
    for (filter, expected) in [
        ("", 5),
        ("workplace=A01", 2),
        ("workplace=%EF%BC%A1%EF%BC%90%EF%BC%91", 2),
        ("workplace=C", 0),
        ("registered=no", 5),
        ("kind=dependent", 1),
        ("kind=insured", 4),
        // The app's own person is in no later roster.
        ("coverage=lost", 2),
        ("coverage=covered", 3),
        ("workplace=B02&kind=insured&coverage=covered&registered=no", 1),
        ("kind=nonsense", 5),
    ] {
        let page = clerk.get(&format!("/console/members?list=1&{filter}")).await;
        assert_eq!(names(&page).len(), expected, "{filter}");
    }
    let sent = clerk
        .post("/console/members", &[("q", "ケンポ"), ("kind", "dependent")])
        .await;
    assert_eq!(names(&clerk.get(sent.location()).await), ["健保　太郎"]);
}

#[tokio::test]
async fn a_phone_number_finds_whoever_has_it_now_and_those_of_earlier_imports_after_the_next() {
    let app = app().await;
    let clerk = eligibility(&app).await;
    let moved = FAMILY.map(|row| row.replace("090-1234-5678", "03-1111-2222"));
    load(&app, &moved.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(names(&find(&clerk, "090-1234-5678").await), ["健保　太郎"]);
    assert_eq!(names(&find(&clerk, "0311112222").await), ["健保　祥子"]);
    // As an earlier release left them.
    let before = "UPDATE persons SET phone_key = NULL, fold_version = 4";
    testkit::sql(app.tenant(), before).await;
    testkit::sql(app.tenant(), "UPDATE roster_heads SET fold_version = 4").await;
    assert!(names(&find(&clerk, "0311112222").await).is_empty());
    load(&app, &moved.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(names(&find(&clerk, "0311112222").await), ["健保　祥子"]);
}

#[tokio::test]
async fn what_finds_nobody_says_what_to_do() {
    let app = app().await;
    let clerk = eligibility(&app).await;
    for (term, told) in [
        ("", "入力してから"),
        ("ア", "2文字以上"),
        ("1".repeat(300).as_str(), "100文字以内"),
        ("該当なし", "見つかりませんでした"),
    ] {
        let page = find(&clerk, term).await;
        assert!(page.text.contains(told), "{term}: {}", page.text);
        assert!(names(&page).is_empty());
    }
    let fresh = clerk.get("/console/members").await;
    assert!(fresh.status == 200 && names(&fresh).is_empty());
    let page = clerk.get("/console/members?s=forged&list=1").await;
    assert!(page.text.contains("もう一度検索してください") && names(&page).is_empty());
}

#[tokio::test]
async fn a_term_is_in_no_address_and_opens_for_its_clerk_alone_and_not_for_ever() {
    let app = app().await;
    let (clerk, colleague) = (eligibility(&app).await, eligibility(&app).await);
    let address = clerk
        .post("/console/members", &[("q", "健保")])
        .await
        .location()
        .to_owned();
    assert!(!address.contains("%E5") && !address.contains("健保"), "{address}");
    assert_eq!(names(&clerk.get(&address).await).len(), 3);
    assert_eq!(names(&colleague.get(&address).await).len(), 0);
    app.later(13 * 3600);
    let clerk = app.in_another_browser(&clerk).await;
    assert_eq!(names(&clerk.get(&address).await).len(), 0);
}

#[tokio::test]
async fn without_the_permission_contact_data_is_masked_and_finds_nobody() {
    let app = app().await;
    let viewer = app.clerk(&[Role::Viewer]).await;
    for (clerk, is_offered) in [(&viewer, false), (&eligibility(&app).await, true)] {
        let text = clerk.get("/console/members").await.text;
        assert_eq!(text.contains("メールアドレス、電話番号"), is_offered, "{text}");
    }
    let found = find(&viewer, "hanako@example.jp").await;
    assert!(names(&found).is_empty() && found.text.contains("権限が必要です"));
    for phone in ["090-1234-5678", "+81 90 1234 5678"] {
        let found = find(&viewer, phone).await;
        assert!(names(&found).is_empty(), "{phone}");
        assert!(found.text.contains("電話番号では検索できません"), "{}", found.text);
    }
    let path = format!("/console/members/{}", id_of(&app, "3456", "00").await);
    let masked = viewer.get(&path).await;
    assert_eq!(masked.status, 200);
    for hidden in ["hanako@", "090-1234", "一番町"] {
        assert!(!masked.text.contains(hidden), "{hidden}");
    }
    assert!(masked.text.contains("***5678") && masked.text.contains("h***o@ex***.jp"));
    let clear = eligibility(&app).await.get(&path).await;
    for shown in ["hanako@example.jp", "090-1234-5678", "東京都千代田区一番町"] {
        assert!(clear.text.contains(shown), "{shown}");
    }
}

#[tokio::test]
async fn a_page_tells_roster_household_former_numbers_and_account() {
    let app = app().await;
    let clerk = eligibility(&app).await;
    let id = id_of(&app, "3456", "00").await;
    app.later(86_400 * 30);
    let clerk = app.in_another_browser(&clerk).await;
    let moved: Vec<String> = FAMILY.iter().map(|row| row.replacen("12,3456", "15,88", 1)).collect();
    load(&app, &moved.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let page = clerk.get(&format!("/console/members/{id}")).await;
    assert_eq!(page.status, 200);
    for shown in [
        "健保 祥子さん",
        "健保 太郎",
        "12-3456-00",
        "15-88-01",
        "記号：12 → 15",
        "番号：3456 → 88",
        "マイページに登録していません",
        "個人へのお知らせ",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    // By the former number as well.
    assert_eq!(names(&find(&clerk, "12-3456").await).len(), 2);
    assert_eq!(names(&find(&clerk, "15-88").await).len(), 2);

    let app = TestApp::start().await;
    let (_, who) = app.member().await;
    let clerk = eligibility(&app).await;
    let page = clerk
        .get(&format!("/console/members/{}", id_of(&app, "105", "00").await))
        .await;
    for shown in [
        who.user_id.as_str(),
        "ログイン中の機器",
        "第1版",
        "ユーザーID作成用の認証番号",
        "送信済み",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(page.text.contains(&who.email));
}

#[tokio::test]
async fn a_household_is_of_the_number_that_counted_on_the_day() {
    let app = app().await;
    let id = id_of(&app, "3456", "00").await;
    app.later(86_400 * 30);
    // She alone moves to a number of her own.
    let mut moved = FAMILY.map(str::to_owned);
    moved[0] = moved[0].replacen("12,3456", "15,88", 1);
    load(&app, &moved.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let tx = app.insurer.database.tenant(app.tenant()).read().await.unwrap();
    for (day, people) in [
        ("2026-11-25", 2),
        ("2026-12-21", 2),
        ("2026-12-22", 1),
        ("2027-01-05", 1),
    ] {
        let day = day.parse().unwrap();
        let household = roster::household(&tx, &roster::Sight::ALL, id, day).await.unwrap();
        assert_eq!(household.len(), people, "{day}");
    }
}

#[tokio::test]
async fn another_insurers_person_does_not_exist_nor_one_out_of_reach() {
    let (app, other) = (app().await, app().await);
    let clerk = eligibility(&app).await;
    let theirs = id_of(&other, "3456", "00").await;
    assert_eq!(clerk.get(&format!("/console/members/{theirs}")).await.status, 404);
    assert_eq!(clerk.get("/console/members/nobody").await.status, 404);
    let reach = Reach::Workplaces {
        symbols: Vec::new(),
        codes: vec!["B02".into()],
    };
    let bounded = app.clerk_reaching(&[Role::Viewer], &reach).await;
    assert_eq!(names(&bounded.get("/console/members?list=1").await).len(), 2);
    assert_eq!(names(&find(&bounded, "12-3456").await).len(), 0);
    let own = id_of(&app, "3456", "00").await;
    assert_eq!(bounded.get(&format!("/console/members/{own}")).await.status, 404);
    let editor = app.clerk(&[Role::NoticeEditor]).await;
    assert_eq!(editor.get("/console/members?list=1").await.status, 403);
}

#[tokio::test]
async fn every_look_is_a_line_that_holds_no_term() {
    let app = app().await;
    let clerk = eligibility(&app).await;
    find(&clerk, "健保").await;
    clerk.get("/console/members?list=1&kind=dependent").await;
    let id = id_of(&app, "3456", "00").await;
    for _ in 0..2 {
        assert_eq!(clerk.get(&format!("/console/members/{id}")).await.status, 200);
    }
    let lines = app.insurer.lines(
        "SELECT action || ' ' || detail::text AS line FROM audit_events WHERE action LIKE '%.look' ORDER BY audit_id",
    )
    .await;
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(
        (count("\"members\""), count("\"member\""), count("\"household\"")),
        (2, 1, 2),
        "{lines:?}"
    );
    assert_eq!((count("[\"term\"]"), count("[\"insured\"]")), (1, 1), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("健保")));
    let seen = "SELECT count(*)::text AS line FROM audit_subjects";
    assert_eq!(app.insurer.lines(seen).await, ["7"]);
}

#[tokio::test]
async fn pages_go_through_everybody_and_are_small() {
    let app = TestApp::start().await;
    let rows: Vec<String> = (0..120)
        .map(|n| {
            format!(
                "12,{n},00,ケンポ　{}ロウ,健保　ながい名の太郎,19850401,本人,,,,A01,,,",
                if n % 2 == 0 { "タ" } else { "ヂ" }
            )
        })
        .collect();
    load(&app, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let clerk = eligibility(&app).await;
    for begin in [
        "/console/members?list=1&workplace=A01".to_owned(),
        clerk
            .post("/console/members", &[("q", "けんぽ")])
            .await
            .location()
            .to_owned(),
    ] {
        let (mut address, mut shown) = (begin, 0);
        loop {
            let page = clerk.get(&address).await;
            assert!(page.text.len() <= 40 * 1024, "{}", page.text.len());
            shown += names(&page).len();
            let Some(next) = page.text.split("<p class=\"more\"><a href=\"").nth(1) else {
                break;
            };
            address = next
                .split('"')
                .next()
                .unwrap()
                .replace("&amp;", "&")
                .replace("&#38;", "&");
        }
        assert!(shown >= 120, "{shown}");
    }
}
