//! Insurers in the database: folders applied, refused, exported; suspensions and revisions.

mod nodes;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{InsurerCode, Outcome, Relation, TenantId, calendar};
use madoguchi::commands::tenant::parts;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;
use tenancy::{Applied, ApplyError, Base, Directory, Folder, Revising, Settings, StateChange};
use testkit::TestDatabase;

/// A code that no other test uses, in this run or an earlier one on the same database.
fn new_code() -> InsurerCode {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let run = std::process::id() % 10_000;
    InsurerCode::with_check_digit(&format!("9{:06}", run * 100 + next)).unwrap()
}

fn day(text: &str) -> DateTime<Utc> {
    calendar::start_of_day(text.parse().unwrap())
}

/// A folder on the disk, as an operator has it.
struct Disk {
    _parent: TempDir,
    path: PathBuf,
}

impl Disk {
    fn new(code: &InsurerCode) -> Self {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tenants/32290413");
        let parent = TempDir::new().unwrap();
        let path = parent.path().join(code.as_str());
        let disk = Self { _parent: parent, path };
        let toml = fs::read_to_string(shipped.join("tenant.toml")).unwrap();
        disk.write("tenant.toml", &toml.replacen("32290413", code.as_str(), 1));
        fs::copy(shipped.join("logo.png"), disk.path.join("logo.png")).unwrap();
        disk.terms(1, "2024-04-05", "はじめの文");
        fs::create_dir_all(disk.path.join("pages")).unwrap();
        let page = "pages/family-statements.md";
        fs::copy(shipped.join(page), disk.path.join(page)).unwrap();
        disk.write("pages/faq.md", "+++\ntitle = \"よくあるご質問\"\n+++\n\n答え\n");
        disk
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn edit(&self, from: &str, to: &str) {
        let toml = fs::read_to_string(self.path.join("tenant.toml")).unwrap();
        assert!(toml.contains(from), "{from}");
        self.write("tenant.toml", &toml.replacen(from, to, 1));
    }

    fn terms(&self, revision: i32, from: &str, body: &str) {
        let changes = if revision > 1 {
            "changes = \"改めました\"\n"
        } else {
            ""
        };
        self.write(
            &format!("terms/addendum.{revision}.md"),
            &format!(
                "+++\ndocument = \"addendum\"\nrevision = {revision}\ntitle = \"個人情報\"\neffective_on = \"{from}\"\n\
                 {changes}+++\n\n{body}\n"
            ),
        );
    }

    fn read(&self) -> Folder {
        Folder::read(&self.path, &parts()).unwrap()
    }
}

async fn apply(test: &TestDatabase, disk: &Disk) -> Result<Applied, ApplyError> {
    let applied = tenancy::apply(&test.database, test.clock.now(), &disk.read(), "tests").await;
    applied.map(|(applied, _)| applied)
}

async fn tenant(test: &TestDatabase, code: &InsurerCode) -> TenantId {
    tenancy::find(&test.database, code).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_applied_twice_changes_nothing_the_second_time() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    assert_eq!(apply(&test, &disk).await.unwrap(), Applied::Created { revision: 1 });
    let difference = tenancy::difference(&test.database, test.clock.now(), &disk.read())
        .await
        .unwrap();
    assert!(difference.is_empty(), "{:?}", difference.lines);
    assert_eq!(apply(&test, &disk).await.unwrap(), Applied::Unchanged);
    let shown = tenancy::show(&test.database, tenant(&test, &code).await)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((shown.head.revision, shown.history.len()), (1, 1));
    assert_eq!(shown.insurer.code, Some(code));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_folder_is_a_new_revision_that_nodes_see_within_the_cache_time() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    apply(&test, &disk).await.unwrap();
    let node = Directory::new(test.database.clone(), test.clock.clone());
    let before = node.by_code(&code).await.unwrap().unwrap();
    disk.edit("#1b6e3c", "#f39800");
    disk.edit("[sign_up]", "[relations]\n01 = \"self\"\n\n[sign_up]");
    disk.write("pages/faq.md", "+++\ntitle = \"よくあるご質問\"\n+++\n\n新しい答え\n");
    let lines = tenancy::difference(&test.database, test.clock.now(), &disk.read())
        .await
        .unwrap()
        .lines;
    let expected = [
        r##"brand_color: "#1b6e3c" → "#f39800""##,
        r#"relations.01: none → "self""#,
        "page faq changed",
    ];
    assert_eq!(lines, expected);
    assert_eq!(apply(&test, &disk).await.unwrap(), Applied::Changed { revision: 2 });
    assert_eq!(node.by_code(&code).await.unwrap().unwrap().revision, 1);
    test.clock.advance(TimeDelta::seconds(2));
    let after = node.by_code(&code).await.unwrap().unwrap();
    assert_eq!((after.revision, after.tenant_id), (2, before.tenant_id));
    assert_eq!(after.brand.color.to_string(), "#f39800");
    assert_eq!(after.relations.read("０１"), Relation::Principal);
    let page = tenancy::pages::guide(&test.database, after.tenant_id, "faq")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.body, "新しい答え");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_revision_of_terms_can_be_neither_changed_nor_removed() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    apply(&test, &disk).await.unwrap();
    disk.terms(1, "2024-04-05", "こっそり変えた文");
    disk.edit("#1b6e3c", "#f39800");
    let Err(ApplyError::Refused(problems)) = apply(&test, &disk).await else {
        panic!("not refused")
    };
    assert!(
        problems[0].reason.contains("published and can't be changed"),
        "{problems:?}"
    );
    assert_eq!(problems[0].file, disk.path.join("terms/addendum.1.md"));
    assert_eq!(problems[0].line, 1, "the whole file is meant");
    fs::remove_file(disk.path.join("terms/addendum.1.md")).unwrap();
    assert!(matches!(apply(&test, &disk).await, Err(ApplyError::Refused(_))));
    // Nothing of a refused folder is written, the colour neither.
    let tenant = tenant(&test, &code).await;
    let shown = tenancy::show(&test.database, tenant).await.unwrap().unwrap();
    assert_eq!(
        (shown.head.revision, shown.insurer.brand.color.to_string().as_str()),
        (1, "#1b6e3c")
    );
    let mut tx = test.database.tenant(tenant).read().await.unwrap();
    let text = tenancy::terms::text(&mut tx, "addendum", 1).await.unwrap().unwrap();
    assert_eq!(text.body, "はじめの文");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_itself_may_not_change_terms_that_it_wrote() {
    use diesel_async::RunQueryDsl as _;
    let test = TestDatabase::new().await;
    let code = new_code();
    apply(&test, &Disk::new(&code)).await.unwrap();
    let tenant = tenant(&test, &code).await;
    for statement in ["UPDATE terms_documents SET body = 'x'", "DELETE FROM terms_documents"] {
        let mut tx = test.write(tenant).await;
        let sql = format!("{statement} WHERE tenant_id = {tenant}");
        let error = diesel::sql_query(sql).execute(&mut *tx).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_still_to_come_may_be_rewritten_and_its_last_text_counts() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    let later = (calendar::today_in_japan(test.clock.now()) + TimeDelta::days(30)).to_string();
    disk.terms(2, &later, "下書き");
    apply(&test, &disk).await.unwrap();
    disk.terms(2, &later, "清書");
    assert_eq!(apply(&test, &disk).await.unwrap(), Applied::Changed { revision: 2 });
    disk.terms(2, &later, "下書き");
    disk.edit("points = false", "points = true");
    assert_eq!(apply(&test, &disk).await.unwrap(), Applied::Changed { revision: 3 });
    let node = Directory::new(test.database.clone(), test.clock.clone());
    let insurer = node.by_code(&code).await.unwrap().unwrap();
    let mut tx = test.database.tenant(insurer.tenant_id).read().await.unwrap();
    let text = tenancy::terms::text(&mut tx, "addendum", 2).await.unwrap().unwrap();
    assert_eq!(text.body, "下書き");
    assert_eq!(text.content_hash, insurer.terms[1].content_hash);
    let platform = node.platform().await.unwrap();
    let own = |now| {
        let found = tenancy::terms_in_force(&insurer, &platform, now);
        found
            .into_iter()
            .filter(|found| found.owner == insurer.tenant_id)
            .map(|found| found.terms.revision)
            .collect()
    };
    let (today, then): (Vec<i32>, Vec<i32>) = (own(test.clock.now()), own(day(&later)));
    assert_eq!((today, then), (vec![1], vec![2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_there_before_anything_is_applied_and_cannot_be_suspended() {
    let test = TestDatabase::new().await;
    let node = Directory::new(test.database.clone(), test.clock.clone());
    let platform = node.platform().await.unwrap();
    assert_eq!((platform.tenant_id, platform.code.as_ref()), (TenantId::PLATFORM, None));
    let now = test.clock.now();
    let change = tenancy::suspend(&test.database, now, TenantId::PLATFORM, "tests")
        .await
        .unwrap();
    assert_eq!(change, StateChange::Unknown);
    let nobody = tenancy::suspend(&test.database, now, TenantId(i32::MAX), "tests")
        .await
        .unwrap();
    assert_eq!(nobody, StateChange::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_folder_applied_again_changes_nothing() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    let later = (calendar::today_in_japan(test.clock.now()) + TimeDelta::days(30)).to_string();
    disk.terms(2, &later, "# 見出し\n\n1. 「引用」\n2. \\*記号\\*");
    disk.edit("[sign_up]", "[relations]\n\"続柄\\\"１\" = \"self\"\n\n[sign_up]");
    let notice =
        |last| format!("+++\ntitle = \"「\\\"休み\\\"」\"\npublished_on = \"2026-08-01\"\n{last}+++\n\n休みます。\n");
    disk.write("notices/new-year.md", &notice(format!("ended_on = \"{later}\"\n")));
    disk.write("notices/summer.md", &notice(String::new()));
    apply(&test, &disk).await.unwrap();
    // What has left the folder, and ended, is not in it again.
    fs::remove_file(disk.path.join("notices/summer.md")).unwrap();
    apply(&test, &disk).await.unwrap();
    let tenant = tenant(&test, &code).await;
    let out = TempDir::new().unwrap();
    let dir = out.path().join(code.as_str());
    let now = test.clock.now();
    tenancy::export(&test.database, now, tenant, &dir, &parts())
        .await
        .unwrap();
    let exported = Folder::read(&dir, &parts()).unwrap();
    assert_eq!(exported.settings, disk.read().settings);
    let files = exported.parts.iter().flat_map(|part| &part.files);
    let names: Vec<&str> = files.map(|file| file.slug.as_str()).collect();
    assert_eq!(names, ["family-statements", "faq", "new-year"]);
    let (applied, said) = tenancy::apply(&test.database, now, &exported, "tests").await.unwrap();
    assert_eq!(applied, Applied::Unchanged);
    assert!(said[0].contains("0 published, 0 changed, 0 ended"), "{said:?}");
    let again = tenancy::export(&test.database, now, tenant, &dir, &parts()).await;
    assert!(matches!(again, Err(tenancy::ExportError::NotEmpty(_))));
}

/// Changes settings as the console does, having seen what stands.
async fn revise(test: &TestDatabase, tenant: TenantId, change: impl FnOnce(&mut Settings)) -> i64 {
    let mut tx = test.write(tenant).await;
    let revising = Revising {
        action: tenancy::REVISE,
        expected: tenancy::revisions::standing(&mut tx).await.unwrap().revision,
        actor: audit::Actor::System,
        by: "管理　一子",
        why: "試し",
    };
    let revised = tenancy::revise(&mut tx, test.clock.now(), &audit::Origin::worker(), &revising, change).await;
    tx.commit().await.unwrap();
    match revised.unwrap() {
        Outcome::Done(revision) => revision,
        Outcome::Refused(refusal) => panic!("{refusal:?}"),
    }
}

/// What an export of now reads as; in a folder of its own.
async fn exported(test: &TestDatabase, code: &InsurerCode) -> (TempDir, Folder) {
    let out = TempDir::new().unwrap();
    let dir = out.path().join(code.as_str());
    let tenant = tenant(test, code).await;
    tenancy::export(&test.database, test.clock.now(), tenant, &dir, &parts())
        .await
        .unwrap();
    let folder = Folder::read(&dir, &parts()).unwrap();
    (out, folder)
}

async fn apply_folder(test: &TestDatabase, folder: &Folder) -> Result<Applied, ApplyError> {
    let applied = tenancy::apply(&test.database, test.clock.now(), folder, "tests").await;
    applied.map(|(applied, _)| applied)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_says_its_revision_and_applied_again_changes_nothing_whatever_the_console_made() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    apply(&test, &disk).await.unwrap();
    let tenant = tenant(&test, &code).await;
    let revision = revise(&test, tenant, |settings| {
        settings.name = "「改\"行\\」の組合".into();
        settings.desk.email = None;
        settings.desk.email_note = Some("= #".into());
        settings.relations = [("続柄=1".to_owned(), Relation::Child)].into();
        settings.logo = None;
        settings.networks = vec![tenancy::SharedNetwork {
            cidr: "2001:db8::/44".parse().unwrap(),
            factor: 7,
        }];
    })
    .await;
    assert_eq!(revision, 2);
    let (_out, folder) = exported(&test, &code).await;
    assert_eq!(folder.base, Base::Revision(2));
    let difference = tenancy::difference(&test.database, test.clock.now(), &folder)
        .await
        .unwrap();
    assert!(difference.is_empty(), "{:?} {:?}", difference.lines, difference.refused);
    assert_eq!(apply_folder(&test, &folder).await.unwrap(), Applied::Unchanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_laid_over_what_it_knows_of_and_over_nothing_later_but_by_force() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    apply(&test, &disk).await.unwrap();
    let tenant = tenant(&test, &code).await;
    let (_out, mut folder) = exported(&test, &code).await;
    // Suspending and resuming change no setting.
    for change in [
        tenancy::suspend(&test.database, test.clock.now(), tenant, "tests").await,
        tenancy::resume(&test.database, test.clock.now(), tenant, "tests").await,
    ] {
        assert_eq!(change.unwrap(), StateChange::Done);
    }
    folder.settings.name = "新しい組合".into();
    assert_eq!(
        apply_folder(&test, &folder).await.unwrap(),
        Applied::Changed { revision: 4 }
    );
    revise(&test, tenant, |settings| settings.desk.phone = "03-1111-1111".into()).await;
    folder.settings.name = "もっと新しい組合".into();
    for base in [Base::Revision(4), Base::Unknown, Base::Revision(999)] {
        folder.base = base;
        let Err(ApplyError::Refused(problems)) = apply_folder(&test, &folder).await else {
            panic!("{base:?}");
        };
        assert!(
            problems[0].reason.contains("revision 5 (by 管理　一子)"),
            "{problems:?}"
        );
        let difference = tenancy::difference(&test.database, test.clock.now(), &folder)
            .await
            .unwrap();
        assert_eq!(difference.refused, problems);
    }
    let shown = tenancy::show(&test.database, tenant).await.unwrap().unwrap();
    assert_eq!(shown.insurer.desk.phone, "03-1111-1111");
    folder.base = Base::Any;
    assert_eq!(
        apply_folder(&test, &folder).await.unwrap(),
        Applied::Changed { revision: 6 }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_changes_neither_the_kind_nor_what_was_bought() {
    let test = TestDatabase::new().await;
    let code = new_code();
    apply(&test, &Disk::new(&code)).await.unwrap();
    let tenant = tenant(&test, &code).await;
    let revision = revise(&test, tenant, |settings| {
        settings.kind = tenancy::InsurerKind::NationalHealth;
        settings.points = true;
    })
    .await;
    assert_eq!(revision, 1, "nothing was written");
    let insurer = tenancy::show(&test.database, tenant).await.unwrap().unwrap().insurer;
    assert_eq!((insurer.kind, insurer.points), (tenancy::InsurerKind::MutualAid, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_applied_at_the_same_time_get_tenants_of_their_own_and_one_revision() {
    let test = TestDatabase::new().await;
    let codes: Vec<InsurerCode> = (0..4).map(|_| new_code()).collect();
    let applied: Vec<_> = codes
        .iter()
        .flat_map(|code| [code, code])
        .map(|code| {
            let (database, now, folder) = (test.database.clone(), test.clock.now(), Disk::new(code).read());
            tokio::spawn(async move { tenancy::apply(&database, now, &folder, "tests").await.unwrap() })
        })
        .collect();
    let mut created = 0;
    for applied in applied {
        created += usize::from(applied.await.unwrap().0 == Applied::Created { revision: 1 });
    }
    assert_eq!(created, codes.len());
    let mut tenants = Vec::new();
    for code in &codes {
        tenants.push(tenant(&test, code).await);
    }
    tenants.sort();
    tenants.dedup();
    assert_eq!(tenants.len(), codes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logo_is_served_by_its_hash_and_only_within_its_insurer() {
    let test = TestDatabase::new().await;
    let code = new_code();
    let disk = Disk::new(&code);
    apply(&test, &disk).await.unwrap();
    let head = disk.read().logo.unwrap().head;
    let mut tx = test.database.tenant(tenant(&test, &code).await).read().await.unwrap();
    let logo = tenancy::logos::logo(&mut tx, &head.hash).await.unwrap().unwrap();
    assert_eq!(
        (logo.media_type.as_str(), logo.bytes.starts_with(b"\x89PNG")),
        ("image/png", true)
    );
    // Another insurer, with a logo of its own.
    let other = TestDatabase::with("139998", |_| ()).await;
    let mut tx = other.database.tenant(other.tenant).read().await.unwrap();
    assert_eq!(tenancy::logos::logo(&mut tx, &head.hash).await.unwrap(), None);
}
