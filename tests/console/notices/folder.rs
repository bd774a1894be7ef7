//! Notices of the insurer's folder beside those that staff publish.

use super::{LIST, published, sees};
use access::Role;
use tempfile::TempDir;
use tenancy::{Applied, Base, Folder, PartFile};
use testkit::TestApp;

#[tokio::test]
async fn what_the_folder_publishes_is_read_only_and_once_withdrawn_stays_so() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let file = PartFile::written(
        "winter",
        &[("title", "年末年始"), ("published_on", "2026-01-01")],
        "本文",
    );
    let apply = async || {
        let mut tx = app.write(app.tenant()).await;
        let said = (notices::folder().apply)(&mut tx, app.clock().now(), std::slice::from_ref(&file)).await;
        tx.commit().await.unwrap();
        said.unwrap().unwrap()
    };
    apply().await;
    let id = "SELECT notice_id::text AS line FROM notices WHERE slug = 'winter'";
    let notice = format!("{LIST}/{}", app.insurer.lines(id).await[0]);
    let page = clerk.get(&notice).await;
    assert!(
        page.text.contains("notices/winter.md") && !page.text.contains("/end\""),
        "{}",
        page.text
    );
    assert!(clerk.get(LIST).await.text.contains("設定ファイル"));
    assert!(sees(&member, &notice).await);
    let page = clerk.get(&format!("{notice}/end")).await;
    assert!(
        page.text.contains("設定ファイルから公開されています") && !page.text.contains("<button class=\"btn\">"),
        "{}",
        page.text
    );
    assert_eq!(clerk.press(&format!("{notice}/end")).await.status, 409);
    assert!(sees(&member, &notice).await);
    assert_eq!(clerk.press(&format!("{notice}/withdraw")).await.status, 303);
    let said = apply().await;
    assert!(said.contains("0 published, 0 changed, 0 ended, 1 unchanged"), "{said}");
    assert!(!sees(&member, &notice).await);
    let tx = app.insurer.database.tenant(app.tenant());
    let mut tx = tx.read().await.unwrap();
    let files = std::slice::from_ref(&file);
    let said = (notices::folder().difference)(Some(&mut tx), app.clock().now(), files)
        .await
        .unwrap();
    assert!(
        said.changes.is_empty() && said.remarks[0].contains("withdrawn in the console"),
        "{said:?}"
    );
    assert!(
        (notices::folder().export)(&mut tx, app.clock().now())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_older_folder_ends_nothing_of_the_consoles_and_brings_back_nothing_that_was_withdrawn() {
    let app = TestApp::start().await;
    let (member, _) = app.member().await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let file = PartFile::written(
        "winter",
        &[("title", "年末年始"), ("published_on", "2026-01-01")],
        "本文",
    );
    let mut tx = app.write(app.tenant()).await;
    (notices::folder().apply)(&mut tx, app.clock().now(), &[file])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let id = "SELECT notice_id::text AS line FROM notices WHERE slug = 'winter'";
    let winter = format!("{LIST}/{}", app.insurer.lines(id).await[0]);
    let (_out, mut older) = exported(&app).await;
    // All that staff do then is theirs, and raises no revision of the settings.
    let notice = published(&clerk, &[]).await;
    let to_come = published(&clerk, &[("first_day", "2027-03-01")]).await;
    assert_eq!(clerk.press(&format!("{winter}/withdraw")).await.status, 303);
    let as_it_was = async || {
        assert!(sees(&member, &notice).await && !sees(&member, &winter).await);
        assert!(clerk.get(&to_come).await.text.contains("掲載前"));
    };
    // What changes nothing is laid over it without a word of a revision, and by force it is the same.
    let base = older.base;
    for base in [base, Base::Any] {
        older.base = base;
        let difference = tenancy::difference(&app.insurer.database, app.clock().now(), &older)
            .await
            .unwrap();
        assert!(difference.is_empty(), "{:?} {:?}", difference.lines, difference.refused);
        assert!(
            difference
                .remarks
                .iter()
                .any(|remark| remark.contains("notice winter was withdrawn")),
            "{:?}",
            difference.remarks
        );
        assert_eq!(apply(&app, &older).await, Applied::Unchanged);
        as_it_was().await;
    }
    // An edited one changes what was edited.
    older.base = base;
    older.settings.desk.phone = "03-1111-1111".into();
    assert_eq!(apply(&app, &older).await, Applied::Changed { revision: 2 });
    as_it_was().await;
    // An export of now changes nothing.
    let (_out, newer) = exported(&app).await;
    assert_eq!(apply(&app, &newer).await, Applied::Unchanged);
    as_it_was().await;
}

/// What an export of now reads as; in a folder of its own.
async fn exported(app: &TestApp) -> (TempDir, Folder) {
    let (out, parts) = (TempDir::new().unwrap(), [notices::folder()]);
    let dir = out.path().join(app.insurer.code.as_str());
    tenancy::export(&app.insurer.database, app.clock().now(), app.tenant(), &dir, &parts)
        .await
        .unwrap();
    let folder = Folder::read(&dir, &parts).unwrap();
    (out, folder)
}

async fn apply(app: &TestApp, folder: &Folder) -> Applied {
    let (applied, _) = tenancy::apply(&app.insurer.database, app.clock().now(), folder, "tests")
        .await
        .unwrap();
    applied
}
