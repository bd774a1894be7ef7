//! What the roster says of a member, shown to them alone.

use crate::portal::says;
use testkit::{TestApp, TestPerson, sql};

const PAGE: &str = "/portal/account/my-data";

#[tokio::test]
async fn a_member_sees_what_the_roster_says_of_them_and_of_their_household_name_and_relation_alone() {
    let app = TestApp::start().await;
    let child = TestPerson {
        branch: "01".into(),
        name: "健保　花子".into(),
        kana_name: "ケンポ　ハナコ".into(),
        birth_date: "2015-06-07".into(),
        relationship: "長女".into(),
        email: "hanako@example.jp".into(),
        employee_number: "CHILD-7".into(),
        ..app.person.clone()
    };
    let neighbour = TestPerson {
        name: "隣野　次郎".into(),
        kana_name: "トナリノ　ジロウ".into(),
        ..TestPerson::new(106)
    };
    let gone = TestPerson {
        branch: "02".into(),
        name: "健保　過去".into(),
        kana_name: "ケンポ　カコ".into(),
        relationship: "長男".into(),
        lost_on: "2026-01-01".into(),
        ..app.person.clone()
    };
    app.insurer.import(&[app.person.clone(), child, neighbour, gone]).await;
    sql(
        app.tenant(),
        "UPDATE persons SET postal_code = '630-8501', address = '奈良市登大路町' || branch, gender = '2',
             building = '30号室', phone = '0742-00-00' || branch WHERE symbol <> ''",
    )
    .await;
    let (client, _) = app.member().await;
    let page = client.get(PAGE).await;
    for said in [
        "健保 祥子",
        "ケンポ　ショウコ",
        "昭和60年",
        "女性",
        "630-8501",
        "奈良市登大路町00 30号室",
        "0742-00-0000",
        "記録がありません",
        "健保 花子",
        "長女",
        "違っているとき",
    ] {
        says(&page, 200, said);
    }
    for hidden in [
        "ハナコ",
        "2015年",
        "平成27",
        "hanako@",
        "CHILD-7",
        "登大路町01",
        "0742-00-0001",
        "隣野",
        "過去",
        "長男",
    ] {
        assert!(!page.text.contains(hidden), "{hidden}");
    }
    assert!(client.get("/portal/account").await.text.contains(PAGE));
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_see() {
    let app = TestApp::start().await;
    let answer = app.client().get(PAGE).await;
    assert_eq!(
        (answer.status.as_u16(), answer.location()),
        (303, "/portal/?next=%2Fportal%2Faccount%2Fmy-data")
    );
}
