//! Keys of names and numbers: what is the same person's, and keys that an earlier version made.

use super::{Desk, identity};
use testkit::sql;

const KAITO: &str = "公立-12,34,,ケンポ　カイト,健保　海斗,20100401,本人,,,,";
/// The mark is a letter of its own, U+309B, as old cores write it.
const GAITO: &str = "公立-12,34,,ケンポ　カ゛イト,健保　凱斗,20100401,本人,,,,";

#[tokio::test(flavor = "multi_thread")]
async fn twins_whose_names_differ_by_a_mark_are_two_however_the_mark_is_written() {
    let desk = Desk::new().await;
    assert_eq!(desk.import(&[KAITO, GAITO]).await.new, 2);
    for typed in ["けんぽ がいと", "ｹﾝﾎﾟ ｶﾞｲﾄ", "ケンポ　カ゛イト", "けんほ゜か ゛いと"]
    {
        assert_eq!(desk.one("34", "2010-04-01", typed).await.name, "健保　凱斗", "{typed}");
    }
    assert_eq!(desk.one("34", "2010-04-01", "けんぽ かいと").await.name, "健保　海斗");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_an_earlier_version_are_made_anew_before_the_file_is_compared() {
    let desk = Desk::new().await;
    let rows = [GAITO, "公立─12,7,00,マチノ　ヒト,町野　人,19700101,本人,,,E─5,"];
    desk.import(&rows).await;
    let twin = desk.one("34", "2010-04-01", "ケンポ ガイト").await;
    // As the version before made them: the mark lost, the ruled line no dash.
    sql(
        desk.tenant(),
        "UPDATE persons SET kana_strict = 'ケンポカイト', fold_version = 1 WHERE number = '34'",
    )
    .await;
    sql(
        desk.tenant(),
        "UPDATE persons SET symbol_key = '公立─12', employee_key = 'E─5', fold_version = 1 WHERE number = '7'",
    )
    .await;
    sql(desk.tenant(), "UPDATE roster_heads SET fold_version = 1").await;
    let report = desk.import(&[rows[0], rows[1], KAITO]).await;
    assert_eq!(
        (report.new, report.changed, report.lost, report.unchanged),
        (1, 0, 0, 2)
    );
    assert_eq!(
        desk.one("34", "2010-04-01", "ケンポ ガイト").await.person_id,
        twin.person_id
    );
    assert_eq!(desk.one("7", "1970-01-01", "マチノヒト").await.name, "町野　人");
    assert_eq!(desk.count("persons", "fold_version = 1").await, 0);
    assert_eq!(
        desk.count("persons", "employee_key = 'E-5' AND symbol_key = '公立-12'")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_whose_numbers_are_one_by_the_new_keys_the_file_says_who_stays() {
    let desk = Desk::new().await;
    let one = "公立-12,7,00,マチノ　ヒト,町野　人,19700101,本人,,,,";
    let other = "公立-13,7,00,ムラノ　ヒト,村野　人,19800101,本人,,,,";
    desk.import(&[one, other]).await;
    let stayed = desk.one("7", "1970-01-01", "マチノヒト").await.person_id;
    let old =
        "UPDATE persons SET symbol = '公立─12', symbol_key = '公立─12', fold_version = 1 WHERE symbol_key = '公立-13'";
    sql(desk.tenant(), old).await;
    sql(desk.tenant(), "UPDATE roster_heads SET fold_version = 1").await;
    let report = desk.import(&[one]).await;
    assert_eq!((report.unchanged, report.lost), (1, 1));
    assert_eq!(desk.one("7", "1970-01-01", "マチノヒト").await.person_id, stayed);
    assert_eq!(
        desk.find(&identity("7", "1980-01-01", "ムラノヒト")).await,
        roster::Match::None
    );
}
