//! 続柄: who of a roster is the insured person, whatever the roster calls them.

use super::{Desk, TARO, file, identity};
use kernel::{Relation, RelationWords};
use roster::{
    Match,
    import::{Options, Report},
};
use std::collections::BTreeMap;
use tenancy::InsurerKind;

const DRY: Options = Options {
    dry_run: true,
    allow_loss: true,
    max_rows: Options::MAX_ROWS,
    forgotten_before: None,
};

fn taro(word: &str) -> String {
    TARO.replace("本人", word)
}

async fn dry_run(desk: &Desk, rows: &[&str]) -> Report {
    desk.try_import(file(rows).as_bytes(), DRY).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_script_calls_a_person_the_insured_one_they_can_sign_up() {
    for word in ["ほんにん", "ﾎﾝﾆﾝ", "本　人", "被保険者", "本人（任継）"] {
        let desk = Desk::new().await;
        desk.import(&[&taro(word)]).await;
        let person = desk.one("34", "1985-04-01", "ケンポ タロウ").await;
        assert_eq!(
            (person.relationship.as_str(), person.relation),
            (word, Relation::Principal)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_who_is_who_and_lists_the_words_that_nobody_has_explained() {
    let desk = Desk::new().await;
    let rows = [
        TARO,
        "公立-12,2,00,ア　ア,,19850401,妻（未届）,,,,",
        "公立-12,3,00,イ　イ,,19850401,長男の長女,,,,",
        "公立-12,4,00,ウ　ウ,,19850401,01,,,,",
        "公立-12,5,00,エ　エ,,19850401,ホンニソ,,,,",
        "公立-12,6,00,オ　オ,,19850401,01,,,,",
    ];
    let relations = dry_run(&desk, &rows).await.relations;
    assert_eq!((relations.principals, relations.family, relations.unknown), (1, 2, 3));
    assert_eq!(
        relations.unknown_words,
        BTreeMap::from([("01".to_owned(), 2), ("ホンニソ".to_owned(), 1)])
    );
    desk.assert_untouched().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_other_things_lists_only_some_of_them() {
    let desk = Desk::new().await;
    let rows: Vec<String> = (0..50)
        .map(|nth| format!("公立-12,{nth}1,00,ア　ア,,19850401,備考{nth}x,,,,"))
        .collect();
    let relations = dry_run(&desk, &rows.iter().map(String::as_str).collect::<Vec<_>>())
        .await
        .relations;
    assert_eq!((relations.unknown, relations.unknown_words.len()), (50, 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_insurers_own_words_count_from_the_next_import_on() {
    let mut desk = Desk::new().await;
    let rows = [taro("１"), "公立-12,2,00,ア　ア,,19850401,2,,,,".to_owned()];
    let rows = [rows[0].as_str(), rows[1].as_str()];
    desk.import(&rows).await;
    let typed = identity("34", "1985-04-01", "ケンポ タロウ");
    assert_eq!(desk.find(&typed).await, Match::None);
    desk.insurer.relations = RelationWords::new([("1", Relation::Principal), ("2", Relation::Spouse)]);
    let report = desk.import(&rows).await;
    assert_eq!(
        (report.changed, report.relations.principals, report.relations.unknown),
        (1, 1, 0)
    );
    let person = desk.one("34", "1985-04-01", "ケンポ タロウ").await;
    assert_eq!(
        (person.relation, person.relationship.as_str()),
        (Relation::Principal, "１")
    );
    assert_eq!(desk.journal().await.last().unwrap().fields, ["insured"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_national_health_society_everybody_is_insured_and_the_member_is_told_by_its_word() {
    let mut desk = Desk::of(InsurerKind::NationalHealth).await;
    desk.insurer.relations = RelationWords::new([("事業主", Relation::Principal)]);
    let report = desk
        .import(&[&taro("事業主"), "公立-12,34,01,ア　ア,,19850402,ホゲ,,,,"])
        .await;
    assert_eq!((report.relations.principals, report.relations.unknown), (1, 1));
    let member = desk.one("34", "1985-04-01", "ケンポ タロウ").await;
    assert_eq!((member.relation, member.insured), (Relation::Principal, true));
    let other = desk.one("34", "1985-04-02", "ア ア").await;
    assert_eq!((other.relation, other.insured), (Relation::Unknown, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn persons_of_earlier_imports_have_the_relation_that_their_word_says() {
    let desk = Desk::new().await;
    desk.import(&[TARO]).await;
    let id = desk.one("34", "1985-04-01", "ケンポ タロウ").await.person_id;
    testkit::sql(desk.tenant(), "UPDATE persons SET relation = NULL").await;
    assert_eq!(desk.person(id).await.relation, Relation::Principal);
    let report = desk.import(&[TARO]).await;
    assert_eq!((report.changed, report.unchanged), (0, 1));
    assert_eq!(desk.count("persons", "relation = 'self'").await, 1);
}
