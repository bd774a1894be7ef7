//! What changes a large roster a little: a file of a few changes, and its undoing.

use chrono::NaiveDate;
use roster::{
    import::{Options, Report},
    runs::{at_command, undo_at_command},
};
use tabular::Source;
use testkit::{TestApp, TestClerk};

const HEADER: &str =
    "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称,資格喪失日,電話,異動区分";

/// One is new, one has another name and phone number, one is protected and has another name, and one is lost; then all that is
/// undone. Each round has others.
pub(super) async fn walk_the_changes(app: &TestApp, clerk: &TestClerk, round: u32) {
    let row = |number: u32, name: &str, lost: &str, movement: &str| {
        format!("200,{number},00,{name},健保　太郎,19850401,本人,{lost},03-0000-{round:04},{movement}\r\n")
    };
    let today = kernel::calendar::today_in_japan(app.clock().now()).to_string();
    let rows = [
        row(100_000 + round, "ケンポ　アラタ", "", "追加"),
        row(1_001 + round, "ケンポ　ジロウ", "", "変更"),
        row(super::PROTECTED * (20 + round), "ケンポ　サブロウ", "", "変更"),
        row(2_001 + round, "ケンポ　タロウ", &today, "喪失"),
    ];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{HEADER}\r\n{}", rows.concat())).unwrap();
    let test = &app.insurer;
    let insurer = test.directory.by_tenant(test.tenant).await.unwrap().unwrap();
    let with = (&test.database, &test.keys);
    app.later(1);
    let report = at_command(
        with,
        &insurer,
        Source::file(file.path()),
        Options::default(),
        &test.clock,
        |_| (),
    );
    let report = report.await.unwrap();
    assert_eq!(counts(&report), (1, 2, 0, 1), "{report:?}");
    let run = format!("/console/roster/runs/{}", report.import_id);
    for page in ["/console/roster", &run, &format!("{run}/undo")] {
        assert_eq!(clerk.get(page).await.status, 200, "{page}");
    }
    app.later(1);
    let long_ago = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    let undone = undo_at_command(with, &insurer, (report.import_id, long_ago), &test.clock, |_| ());
    let undone = undone.await.unwrap().unwrap();
    assert_eq!(counts(&undone), (0, 2, 1, 1), "{undone:?}");
}

fn counts(report: &Report) -> (u64, u64, u64, u64) {
    (report.new, report.changed, report.returned, report.lost)
}
