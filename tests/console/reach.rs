//! Whoever is bounded to workplaces, and may change things there: nobody is moved out of their reach or into it, and no answer
//! tells of anybody else.

use super::facts::{fields, id_of, jiro, load, mend, mended, said, with};
use crate::portal::says;
use access::{Reach, Role};
use kernel::PersonId;
use testkit::{Answer, TestApp, TestClerk};

const SHOKO: &str = "100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,,shoko@example.jp,090-1234-5678,A01";
const TARO: &str = "100,105,01,ケンポ　タロウ,健保　太郎,20150401,子,,,,A01";
const OTHER: &str = "200,300,00,サトウ　イチロウ,佐藤　一郎,19700101,本人,,,,B02";
const BEYOND: &str = "担当の範囲では変えられない内容があります";

/// Three people, and somebody who may do anything to those of two workplaces.
async fn bounded() -> (TestApp, TestClerk, PersonId) {
    let app = TestApp::start().await;
    load(&app, &[SHOKO, TARO, OTHER]).await;
    let reach = Reach::Workplaces {
        symbols: Vec::new(),
        codes: vec!["A01".into(), "A02".into()],
    };
    let clerk = app
        .clerk_reaching(&[Role::Eligibility, Role::Administrator], &reach)
        .await;
    let shoko = id_of(&app, "105", "00").await;
    (app, clerk, shoko)
}

async fn people(app: &TestApp) -> Vec<String> {
    app.insurer
        .lines("SELECT to_jsonb(p)::text AS line FROM persons p ORDER BY person_id")
        .await
}

/// The answer without the mark of whom its form was shown for.
fn unmarked(answer: &Answer) -> String {
    let mut parts = answer.text.split("name=\"for\" value=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('"').unwrap().1)
}

// security.md 51
#[tokio::test]
async fn a_number_is_refused_in_the_same_words_whether_somebody_has_it_or_nobody() {
    let (app, clerk, shoko) = bounded().await;
    let before = people(&app).await;
    let form = format!("/console/members/{shoko}/facts");
    let page = clerk.get(&form).await.text;
    for own in ["symbol", "number", "branch"] {
        assert!(!page.contains(&format!("name=\"{own}\"")), "{own}: {page}");
    }
    let typed = fields(&clerk, &form).await;
    let mut told = Vec::new();
    for (symbol, number, branch) in [
        ("200", "300", "00"),
        ("200", "999", "00"),
        ("100", "105", "01"),
        ("100", "998", "00"),
        ("no-such-symbol", "1", ""),
    ] {
        let number = [("symbol", symbol), ("number", number), ("branch", branch)];
        for step in [form.clone(), format!("{form}/write")] {
            let answer = clerk.post(&step, &with(&typed, &number)).await;
            says(&answer, 422, BEYOND);
            told.push(unmarked(&answer));
        }
    }
    let first = told[0].clone();
    assert!(told.iter().all(|told| *told == first), "{told:?}");
    assert_eq!(people(&app).await, before);
    // What they may change, they go on to change.
    mended(&clerk, shoko, &[("phone", "03-1")]).await;
    assert_eq!(said(&app, shoko, "phone").await, "03-1");
}

// security.md 51
#[tokio::test]
async fn nobody_is_moved_to_a_workplace_of_others() {
    let (app, clerk, shoko) = bounded().await;
    for code in ["B02", "C03", ""] {
        let (difference, written) = mend(&clerk, shoko, &[("workplace_code", code)]).await;
        says(&difference, 422, BEYOND);
        says(&written, 422, BEYOND);
    }
    assert_eq!(said(&app, shoko, "workplace_code").await, "A01");
    mended(&clerk, shoko, &[("workplace_code", "A02")]).await;
    assert_eq!(said(&app, shoko, "workplace_code").await, "A02");
}

// security.md 51
#[tokio::test]
async fn nobody_is_added_or_brought_back() {
    let (app, clerk, shoko) = bounded().await;
    let new = jiro("900", &[("workplace_code", "A01")]);
    assert_eq!(clerk.get("/console/members/new").await.status, 403);
    for step in ["/console/members/new", "/console/members/add"] {
        assert_eq!(clerk.post(step, &new).await.status, 403, "{step}");
    }
    let list = "/console/members?list=1";
    assert!(!clerk.get(list).await.text.contains("/console/members/new"));
    let whole = app.clerk(&[Role::Eligibility]).await;
    assert!(whole.get(list).await.text.contains("/console/members/new"));
    // Whether her number is another's by now, she stays away.
    load(&app, &[TARO, OTHER]).await;
    let before = people(&app).await;
    let (free, written) = mend(&clerk, shoko, &[("lost_on", "")]).await;
    says(&written, 422, BEYOND);
    assert_eq!(people(&app).await, before);
    let taken = "100,105,00,サトウ　ハナ,佐藤　花,19900101,本人,,,,B02";
    load(&app, &[TARO, OTHER, taken]).await;
    let (taken, written) = mend(&clerk, shoko, &[("lost_on", "")]).await;
    says(&written, 422, BEYOND);
    assert_eq!(unmarked(&free), unmarked(&taken));
    // Of whoever is away the rest is mended.
    mended(&clerk, shoko, &[("phone", "03-1")]).await;
}

// security.md 51
#[tokio::test]
async fn that_somebody_out_of_reach_has_the_same_name_and_birth_date_is_not_told() {
    let (app, clerk, _) = bounded().await;
    let hidden = "100,500,,ヤマダ　ハナコ,山田　花子,19600101,本人,,,,B02";
    let own = "100,500,,ヤマダ　ハルコ,山田　春子,19600101,子,,,,A01";
    load(&app, &[SHOKO, TARO, OTHER, hidden, own]).await;
    let of = "SELECT person_id::text AS line FROM persons WHERE number = '500' AND workplace_code = 'A01'";
    let own = PersonId::parse(&app.insurer.lines(of).await[0]).unwrap();
    let same = [("kana_name", "ヤマダ　ハナコ")];
    let whole = app.clerk(&[Role::Eligibility]).await;
    let (told, _) = mend(&whole, own, &same).await;
    says(&told, 422, "もう名簿にいます");
    mended(&clerk, own, &same).await;
}

// security.md 51
#[tokio::test]
async fn no_form_reaches_a_person_of_another_workplace() {
    let (app, clerk, _) = bounded().await;
    let other = id_of(&app, "300", "00").await.to_string();
    let other = other.as_str();
    let before = people(&app).await;
    let tables = [
        "letters",
        "protections",
        "member_notes",
        "facts_by_hand",
        "roster_changes",
        "desk_email_changes",
        "approvals",
    ];
    let counts = async || {
        let mut counts = Vec::new();
        for table in tables {
            counts.push((table, app.insurer.count(table, "true").await));
        }
        counts
    };
    let earlier = counts().await;
    let typed = [
        ("person", other),
        ("subject", other),
        ("guardian", other),
        ("after", other),
        ("name", "別の　名前"),
        ("phone", "03-1"),
        ("note", "メモ"),
        ("reason", "理由"),
        ("email", "other@example.jp"),
        ("code", "12345678"),
        ("confirmed", "1"),
        ("settled", "called"),
    ];
    let of_people = ["members/:", "letters/print", "letters/file", "protections", "names/"];
    let rows = app.pages.table.rows().iter().filter(|row| row.method == "POST");
    let mut driven = 0;
    for row in rows.filter(|row| {
        of_people
            .iter()
            .any(|part| row.path.starts_with(&format!("/console/{part}")))
    }) {
        let parts = row
            .path
            .split('/')
            .map(|part| if part.starts_with(':') { other } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let answer = clerk.post(&path, &typed).await;
        assert!(
            !answer.text.contains("佐藤") && !answer.text.contains("サトウ"),
            "{path}: {}",
            answer.text
        );
        if row.path.contains(":id") {
            assert!(
                [403, 404].contains(&answer.status.as_u16()),
                "{path}: {}",
                answer.status
            );
        }
        driven += 1;
    }
    assert!(driven > 12, "{driven}");
    assert_eq!(counts().await, earlier);
    assert_eq!(people(&app).await, before);
}

// security.md 51
#[tokio::test]
async fn a_list_of_letters_goes_on_after_nobody_out_of_reach() {
    let (app, clerk, _) = bounded().await;
    // Whom a list after them would leave out, or not, by where they stand.
    let before = "050,1,00,アオキ　イチロウ,青木　一郎,19700101,本人,,,,0";
    load(&app, &[SHOKO, TARO, OTHER, before]).await;
    let all = clerk.get("/console/letters?registered=either").await;
    says(&all, 200, "健保　祥子");
    let after = |person: PersonId| format!("/console/letters?registered=either&after={person}");
    let nobody = clerk.get(&after(PersonId::new(app.clock().now()))).await;
    for (number, branch) in [("1", "00"), ("300", "00")] {
        let beyond = id_of(&app, number, branch).await;
        let page = clerk.get(&after(beyond)).await;
        assert_eq!(unmarked(&page), unmarked(&nobody));
        let beyond = beyond.to_string();
        let printed = [("registered", "either"), ("after", beyond.as_str())];
        assert_eq!(clerk.post("/console/letters/print", &printed).await.status, 303);
        // What is said of it is read, and not said again.
        says(&clerk.get("/console/letters").await, 200, "案内状を送れる方がいません");
    }
    assert_eq!(app.insurer.count("letters", "true").await, 0);
}
