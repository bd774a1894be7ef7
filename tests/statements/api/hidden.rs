//! What somebody may not see leaves no trace in what programs are told: no amount, no year, no count, no change, and no statement
//! more or less.

use super::{
    COSTS, MEDICINES, Program, id,
    medicines::{self, BRAND},
    protect,
};
use crate::statements::at_home::{AtHome, row};
use statements::{
    Kind,
    disclosures::{self, AskedBy},
    visibility::Audience,
};
use testkit::TestApp;

/// One connection prepares each statement once, so that statements count evenly.
async fn home() -> AtHome {
    let app = TestApp::with("32290413", |_| (), |config| config.database.connections = 1);
    let app = Box::pin(app).await;
    Box::pin(AtHome::on(app)).await
}

fn shared() -> Vec<String> {
    vec![
        row(("00", "F1"), "2026-06,医科外来,2,東町クリニック,10000,7000,0,3000,0,0"),
        row(("01", "M1"), "2026-06,医科外来,1,西町医院,5000,3500,0,1500,0,0"),
    ]
}

/// The child was treated in months in which nobody else was.
fn of_child() -> Vec<String> {
    vec![
        row(("02", "H1"), "2026-05,医科外来,1,隠れ町小児科,80000,64000,0,16000,0,0"),
        row(("02", "H2"), "2026-06,医科外来,1,隠れ町小児科,60000,48000,0,12000,0,0"),
        row(("02", ""), "2026-06,柔整,1,隠れ町整骨院,500,400,0,100,0,0"),
    ]
}

/// What the family took, the child's besides or not.
async fn treat(home: &AtHome, and_the_child: bool) {
    let (mut costs, mut taken) = (shared(), vec![medicines::row("00", "m1", "2026-06", BRAND)]);
    if and_the_child {
        costs.extend(of_child());
        taken.push(medicines::row(
            "02",
            "m2",
            "2026-06",
            "隠れ町薬局,内服,999000001,9,90,2",
        ));
        taken.push(medicines::row(
            "02",
            "m3",
            "2026-05",
            "隠れ町薬局,内服,999000011,2,30,2",
        ));
    }
    home.desk.show(&costs).await;
    medicines::show(home, &taken).await;
}

/// All that a program of the father's is told, with how many statements each took.
async fn told(home: &AtHome) -> Vec<(u64, String)> {
    let program = Program::at(home).await;
    let ids = [id(home, "00").await, id(home, "01").await, id(home, "02").await];
    let mut told = Vec::new();
    for path in [
        COSTS.to_owned(),
        format!("{COSTS}?year=2026&person_id={}", ids[2]),
        format!("{COSTS}/2026-06"),
        format!("{COSTS}/2026-05"),
        format!("{COSTS}/tax/2026"),
        MEDICINES.to_owned(),
        format!("{MEDICINES}?person_id={}", ids[2]),
        format!("{MEDICINES}/2026-06"),
        format!("{MEDICINES}/2026-05"),
        "/me/dashboard".to_owned(),
    ] {
        // What is read for the first time is prepared for the first time, and now and then a node asks for the insurer's revision.
        program.told(&path).await;
        let mut statements = u64::MAX;
        for _ in 0..3 {
            let before = home.app.ground.database.statements();
            program.told(&path).await;
            statements = statements.min(home.app.ground.database.statements() - before);
        }
        let answer = program.get(&path).await;
        let text = ids.iter().enumerate().fold(answer.normalized(), |text, (nth, id)| {
            text.replace(&id.to_string(), &format!("ID{nth}"))
        });
        told.push((statements, text));
    }
    told
}

// security.md 74
#[tokio::test]
async fn of_a_protected_child_programs_are_told_what_they_are_of_a_family_without_its_visits() {
    let (with, without) = (home().await, home().await);
    treat(&with, true).await;
    treat(&without, false).await;
    for home in [&with, &without] {
        protect(&home.app, id(home, "02").await).await;
        home.app.warm().await;
    }
    let (told, plain) = (told(&with).await, told(&without).await);
    assert_eq!(told, plain);
    assert!(told[0].1.contains("15000") && told[5].1.contains("1080"), "{told:#?}");
    assert!(told.iter().all(|(_, text)| !text.contains("隠れ町")));
}

#[tokio::test]
async fn whoever_keeps_theirs_to_themselves_is_missing_in_the_same_way() {
    let (with, without) = (home().await, home().await);
    treat(&with, true).await;
    treat(&without, false).await;
    let mut tx = with.app.write(with.app.tenant()).await;
    let wish = (Audience::SelfOnly, Audience::Household);
    let (now, child) = (with.app.clock().now(), id(&with, "02").await);
    for kind in Kind::ALL {
        disclosures::set(&mut tx, now, (child, kind), wish, AskedBy::Staff)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    for home in [&with, &without] {
        home.app.warm().await;
    }
    assert_eq!(told(&with).await, told(&without).await);
}
