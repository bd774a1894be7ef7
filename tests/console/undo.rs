//! Undoing an import: the old values come back as an import of its own, but of those who changed since; and a run that nobody
//! works on any more.

use super::{
    approvals,
    facts::{id_of, jiro, load, mend},
};
use crate::portal::says;
use access::Role;
use diesel_async::SimpleAsyncConnection as _;
use std::time::Duration;
use tenancy::ApprovalAction;
use testkit::{Answer, TestApp, TestClerk, sql};

pub(super) const SHOKO: &str =
    "100,105,00,ケンポ　ショウコ,健保　祥子,19850401,本人,,shoko@example.jp,090-1234-5678,A01,P-1";
pub(super) const HANAKO: &str = "100,106,00,ケンポ　ハナコ,健保　花子,19900401,本人,,,,A01";
const JIRO: &str = "100,107,00,ケンポ　ジロウ,健保　次郎,19910401,本人,,,,A01";
const NEW: &str = "100,108,00,ケンポ　アラタ,健保　新,19920401,本人,,,,A01";

/// The run of the last import, and everybody as one line of text.
pub(super) async fn last_run(app: &TestApp) -> String {
    let query = "SELECT run_id::text AS line FROM roster_runs ORDER BY created_at DESC LIMIT 1";
    format!("/console/roster/runs/{}", app.insurer.lines(query).await.remove(0))
}

async fn people(app: &TestApp) -> Vec<String> {
    let query =
        "SELECT concat_ws(' ', number, branch, kana_name, kana_strict, name, name_key, birth_date, phone, phone_key, email_key,
                     workplace_code, lost_on, present) AS line
                 FROM persons ORDER BY person_id";
    app.insurer.lines(query).await
}

pub(super) async fn undo(clerk: &TestClerk, run: &str) -> Answer {
    clerk.post(&format!("{run}/undo"), &[]).await
}

/// Three people; then one is changed, one lost and one new.
async fn changed() -> (TestApp, TestClerk, Vec<String>, String) {
    let app = TestApp::start().await;
    load(&app, &[SHOKO, HANAKO, JIRO]).await;
    let before = people(&app).await;
    let shoko = SHOKO.replace("健保　祥子", "健保　幸子").replace("105,00", "205,00");
    load(&app, &[&shoko, HANAKO, NEW]).await;
    let clerk = app.clerk(&[Role::Eligibility]).await;
    let run = last_run(&app).await;
    (app, clerk, before, run)
}

#[tokio::test]
async fn an_import_is_undone_with_positions_and_events_and_once() {
    let (app, clerk, before, run) = changed().await;
    assert_ne!(people(&app).await, before);
    let page = clerk.get(&run).await.text;
    assert!(page.contains("この取り込みを取り消す"), "{page}");
    let asked = clerk.get(&format!("{run}/undo")).await.text;
    assert!(asked.contains("新規の1人") && asked.contains("変更の1人"), "{asked}");
    let began = undo(&clerk, &run).await;
    assert_eq!(began.status, 303, "{}", began.text);
    let undoing = began.location().to_owned();
    let again = undo(&clerk, &run).await;
    assert!(again.text.contains("ほかの取り込みが進んでいます"), "{}", again.text);
    app.work().await;
    let known: Vec<String> = people(&app)
        .await
        .into_iter()
        .filter(|line| !line.contains("アラタ"))
        .collect();
    assert_eq!(known, before);
    let new = app
        .insurer
        .count("persons", "number = '108' AND NOT present AND lost_on IS NOT NULL")
        .await;
    assert_eq!(new, 1, "whom the file brought is lost again");
    let former = app.insurer.count("person_numbers", "true").await;
    assert_eq!(former, 0, "a number that was never theirs is no former one");
    let page = clerk.get(&undoing).await.text;
    assert!(
        page.contains("に取り消し）") && !page.contains("に読み込み") && !page.contains("文字コード"),
        "{page}"
    );
    let home = clerk.get("/console/").await.text;
    assert!(
        home.contains("取り消し済み") && !home.contains("取り込み済み") && !home.contains("読み込んだ行"),
        "{home}"
    );
    let kinds = "SELECT string_agg(c.kind, ' ' ORDER BY c.kind) AS line FROM roster_changes c
         JOIN roster_runs r ON r.run_id = c.import_id WHERE r.undoes IS NOT NULL";
    assert_eq!(app.insurer.lines(kinds).await, ["changed lost returned"]);
    let gaps = "SELECT (h.position = max(c.position) AND h.position = count(*))::text AS line
         FROM roster_heads h, roster_changes c GROUP BY h.position";
    assert_eq!(app.insurer.lines(gaps).await, ["true"]);
    let lost = app.insurer.count("events", "kind = 'member.coverage_lost'").await;
    assert_eq!(lost, 2, "one by the file, one by undoing it");
    assert_eq!(app.insurer.count("audit_events", "action = 'roster.undo'").await, 1);
    let twice = undo(&clerk, &run).await;
    assert!(twice.text.contains("もう取り消してあります"), "{}", twice.text);
    assert!(!clerk.get(&run).await.text.contains("この取り込みを取り消す"));
}

#[tokio::test]
async fn whoever_changed_since_is_left_as_they_are_and_listed() {
    let (app, clerk, _, run) = changed().await;
    let shoko = id_of(&app, "205", "00").await;
    let (_, written) = mend(&clerk, shoko, &[("phone", "03-1")]).await;
    assert_eq!(written.status, 303);
    let began = undo(&clerk, &run).await;
    app.work().await;
    assert_eq!(id_of(&app, "205", "00").await, shoko, "as it was");
    assert_eq!(app.insurer.count("persons", "number = '107' AND present").await, 1);
    let page = clerk.get(began.location()).await.text;
    assert!(
        page.contains("1人は戻しませんでした") && page.contains("健保　幸子"),
        "{page}"
    );
}

#[tokio::test]
async fn a_number_that_is_somebody_elses_by_now_is_not_taken_back() {
    let (app, clerk, _, run) = changed().await;
    assert_eq!(clerk.post("/console/members/add", &jiro("105", &[])).await.status, 303);
    let began = undo(&clerk, &run).await;
    app.work().await;
    let page = clerk.get(began.location()).await.text;
    assert!(
        page.contains("1人は戻しませんでした") && page.contains("健保　幸子"),
        "{page}"
    );
    assert_eq!(app.insurer.count("persons", "number = '107' AND present").await, 1);
}

#[tokio::test]
async fn undoing_what_brought_people_asks_for_a_second_factor_and_an_import_at_work_refuses_it() {
    let (app, clerk, _, run) = changed().await;
    let lock = super::roster::held(&app).await;
    let refused = undo(&clerk, &run).await;
    assert!(
        refused.text.contains("ほかの取り込みが進んでいます"),
        "{}",
        refused.text
    );
    lock.rollback().await.unwrap();
    app.later(601);
    assert!(undo(&clerk, &run).await.location().starts_with("/console/prove"));
    let viewer = app.clerk(&[Role::Viewer]).await;
    assert_eq!(undo(&viewer, &run).await.status, 403);
    assert_eq!(app.insurer.count("roster_runs", "undoes IS NOT NULL").await, 0);
}

#[tokio::test]
async fn a_run_whose_job_is_dead_is_told_as_broken_and_lets_the_next_one_begin() {
    let (app, clerk, _, run) = changed().await;
    let undoing = undo(&clerk, &run).await.location().to_owned();
    app.expect_dead_jobs(1);
    let waiting = clerk.get(&undoing).await.text;
    assert!(waiting.contains("<progress"), "{waiting}");
    // What is due is everybody's: no policy keeps other insurers' work apart.
    let died = format!(
        "UPDATE jobs SET dead_at = created_at WHERE queue = 'roster';
         DELETE FROM due WHERE tenant_id = {} AND queue = 'roster'",
        app.tenant()
    );
    sql(app.tenant(), &died).await;
    app.later(6);
    let page = clerk.get(&undoing).await.text;
    assert!(
        page.contains("途中で終わりました") && page.contains("何も変わっていません"),
        "{page}"
    );
    app.later(1);
    let next = undo(&clerk, &run).await;
    assert_eq!(next.status, 303, "{}", next.text);
    app.work().await;
    assert_eq!(app.insurer.count("persons", "number = '107' AND present").await, 1);
}

#[tokio::test]
async fn undoing_what_brought_most_people_waits_for_another_where_losses_do() {
    let app = approvals::app(&[ApprovalAction::ImportLoss]).await;
    let [asker, other] = approvals::clerks(&app, &[Role::Eligibility]).await;
    load(&app, &[SHOKO, HANAKO, JIRO]).await;
    let run = last_run(&app).await;
    let undone = async || {
        app.work().await;
        app.insurer
            .count("roster_runs", "undoes IS NOT NULL AND state = 'finished'")
            .await
    };
    let asked = undo(&asker, &run).await;
    assert_eq!(
        (asked.status.as_u16(), asked.location()),
        (303, run.as_str()),
        "{}",
        asked.text
    );
    assert_eq!(undone().await, 0);
    let wish = approvals::wish(&app).await;
    says(&other.get(&wish).await, 200, "資格を失います");
    approvals::told(&[&asker, &other], &[&run, &format!("{run}/undo")], &wish).await;
    assert_eq!(approvals::agree(&other, &wish).await.status, 303);
    assert_eq!(undone().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_undo_at_once_one_does() {
    let (app, clerk, before, run) = changed().await;
    let other = app.clerk(&[Role::Eligibility]).await;
    let (first, second) = tokio::join!(undo(&clerk, &run), undo(&other, &run));
    let (begun, refused) = if first.status == 303 {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(begun.status, 303, "{}", begun.text);
    says(&refused, 409, "ほかの取り込みが進んでいます");
    app.work().await;
    assert_eq!(app.insurer.count("roster_runs", "undoes IS NOT NULL").await, 1);
    let known = people(&app).await.into_iter().filter(|line| !line.contains("アラタ"));
    assert_eq!(known.collect::<Vec<_>>(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_while_another_begins_is_told_that_it_is_undone() {
    let (app, clerk, _, run) = changed().await;
    let id = run.rsplit('/').next().unwrap();
    let of_run = format!("tenant_id = {} AND run_id = '{id}'", app.tenant());
    let mut other = app.write(app.tenant()).await;
    let hold = format!("SELECT FROM roster_runs WHERE {of_run} FOR UPDATE");
    other.batch_execute(&hold).await.unwrap();
    let mut asking = std::pin::pin!(undo(&clerk, &run));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut asking).await;
    assert!(early.is_err(), "it waits for the other");
    // The other has begun and ended before the first is looked at: nothing is at work any more.
    let done = format!(
        "INSERT INTO roster_runs (tenant_id, run_id, state, by_name, file_name, upload_id, created_at, moved_at, stage,
             rows, percent, mapping, report, undoes)
         SELECT tenant_id, gen_random_uuid(), 'finished', by_name, file_name, upload_id, created_at, moved_at, stage,
             rows, percent, mapping, report, run_id
         FROM roster_runs WHERE {of_run}"
    );
    other.batch_execute(&done).await.unwrap();
    other.commit().await.unwrap();
    says(&asking.await, 409, "もう取り消してあります");
    assert_eq!(app.insurer.count("roster_runs", "undoes IS NOT NULL").await, 1);
}

#[tokio::test]
async fn an_undoing_is_undone_by_itself_and_what_it_undid_is_not_undone_again() {
    let (app, clerk, before, run) = changed().await;
    let after = people(&app).await;
    let undoing = undo(&clerk, &run).await.location().to_owned();
    app.work().await;
    app.later(1);
    let asked = clerk.get(&format!("{undoing}/undo")).await;
    says(&asked, 200, "で変わった内容を、その前の内容に戻します");
    let again = undo(&clerk, &undoing).await;
    assert_eq!(again.status, 303, "{}", again.text);
    app.work().await;
    assert_eq!(people(&app).await, after);
    for undone in [&run, &undoing] {
        says(&undo(&clerk, undone).await, 409, "もう取り消してあります");
        let page = clerk.get(&format!("{undone}/undo")).await;
        says(&page, 200, "もう取り消してあります");
        assert!(!page.text.contains("取り込みを取り消す</button>"), "{}", page.text);
    }
    // The last one can be undone in its turn.
    app.later(1);
    let last = undo(&clerk, again.location()).await;
    assert_eq!(last.status, 303, "{}", last.text);
    app.work().await;
    let known = people(&app).await.into_iter().filter(|line| !line.contains("アラタ"));
    assert_eq!(known.collect::<Vec<_>>(), before);
}
