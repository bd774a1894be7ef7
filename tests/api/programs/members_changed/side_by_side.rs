//! Several programs that change people of the roster at the same moment: by a state that they know one does, by any state all do, one
//! after the other.

use super::{WRITES, add, but, end, facts_of, hanako, lines, put};
use crate::{
    api::{
        problem,
        programs::{
            Caller,
            members::{family, path},
        },
    },
    console::facts::{id_of, load, said},
};
use futures_util::future::{join, join_all};
use reqwest::StatusCode;
use testkit::TestApp;

#[tokio::test]
async fn of_two_who_know_the_same_state_one_changes_it() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let known = caller.get(&path(shoko)).await;
    let facts = facts_of(&known);
    app.later(1);
    let (one, two) = join(
        put(&caller, shoko, known.header("etag"), but(facts.clone(), "phone", "1")),
        put(&caller, shoko, known.header("etag"), but(facts.clone(), "phone", "2")),
    )
    .await;
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text, two.text);
    let written = if one.status == 200 { "1" } else { "2" };
    assert_eq!(said(&app, shoko, "phone").await, written);
    assert_eq!(lines(&app, "roster.mend").await, 1);
}

#[tokio::test]
async fn many_who_write_at_the_same_time_wait_for_each_other_and_of_one_state_one_writes() {
    let app = TestApp::start().await;
    let rows: Vec<String> = (1..=12)
        .map(|n| format!("300,{n},00,ケンポ　タロウ,,19700101,本人,,,,A01"))
        .collect();
    load(&app, &rows.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let caller = Caller::new(&app, &WRITES).await;
    let mut known = Vec::new();
    for n in 1..=12 {
        let person = id_of(&app, &n.to_string(), "00").await;
        let answer = caller.get(&path(person)).await;
        known.push((person, answer.header("etag").to_owned(), facts_of(&answer)));
    }
    app.later(1);
    let each = known.iter();
    let each = each.map(|(person, etag, facts)| put(&caller, *person, etag, but(facts.clone(), "phone", "1")));
    let each = join_all(each).await;
    for answer in &each {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    assert_eq!(lines(&app, "roster.mend").await, 12);
    // Twelve who know the same state of one.
    app.later(1);
    let ((person, ..), facts) = (&known[0], facts_of(&each[0]));
    let same = (0..12).map(|nth| but(facts.clone(), "phone", &format!("2{nth}")));
    let same = join_all(same.map(|facts| put(&caller, *person, each[0].header("etag"), facts))).await;
    let (done, late): (Vec<_>, Vec<_>) = same.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!(done.len(), 1);
    for answer in late {
        problem(answer, 412, "precondition_failed");
    }
    // Twelve who add the same person.
    let added = join_all((0..12).map(|_| add(&caller, but(hanako(), "number", "20")))).await;
    let (made, twins): (Vec<_>, Vec<_>) = added.iter().partition(|answer| answer.status == StatusCode::CREATED);
    assert_eq!(made.len(), 1);
    for answer in twins {
        problem(answer, 422, "roster_number_taken");
    }
}

#[tokio::test]
async fn of_many_who_replace_a_person_in_any_state_each_does_and_the_last_ones_facts_stand() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let facts = facts_of(&caller.get(&path(shoko)).await);
    app.later(1);
    let wished = ["1", "2", "3", "4", "5", "6", "7", "8"].map(|phone| but(facts.clone(), "phone", phone));
    let each = join_all(wished.iter().map(|facts| put(&caller, shoko, "*", facts.clone()))).await;
    for (answer, facts) in each.iter().zip(&wished) {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(facts_of(answer), *facts, "what they have written themselves");
    }
    assert_eq!(lines(&app, "roster.mend").await, wished.len());
    let stands = facts_of(&caller.get(&path(shoko)).await);
    assert!(wished.contains(&stands), "{stands}");
}

#[tokio::test]
async fn an_end_of_coverage_in_any_state_takes_nothing_back_of_what_another_writes_at_that_moment() {
    let (app, shoko, _) = family().await;
    let caller = Caller::new(&app, &WRITES).await;
    let facts = facts_of(&caller.get(&path(shoko)).await);
    let any = [("If-Match", "*")];
    for (phone, day) in [("1", "2026-12-01"), ("2", "2026-12-02"), ("3", "2026-12-03")] {
        app.later(1);
        let (replaced, ended) = join(
            put(&caller, shoko, "*", but(facts.clone(), "phone", phone)),
            end(&caller, shoko, &any, day),
        )
        .await;
        for answer in [replaced, ended] {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
        // Whoever replaces them later says that no end is known.
        assert_eq!(said(&app, shoko, "phone").await, phone);
        let lost_on = said(&app, shoko, "lost_on").await;
        assert!(["", day].contains(&lost_on.as_str()), "{lost_on}");
    }
}
