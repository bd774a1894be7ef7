//! `roster import` and `tenant apply` as an operator runs them: what the terminal says and what lies on the disk.

use super::Installation;
use std::{io::Write as _, path::PathBuf, process::Stdio, time::Duration};
use tokio::process::Command;

const HEADER: &str = "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,生年月日,続柄名称";

fn rows(numbers: std::ops::Range<u32>) -> String {
    let rows: Vec<String> = numbers
        .map(|number| format!("99,{number},01,ケンポ　タロウ,健保　太郎,19850401,世帯主\r\n"))
        .collect();
    rows.concat()
}

/// A file that comes through a pipe: it is as long as the test goes on writing.
struct Pipe(PathBuf);

impl Pipe {
    async fn new(installation: &Installation) -> Self {
        let path = installation.folder.path().join("pipe.csv");
        assert!(Command::new("mkfifo").arg(&path).status().await.unwrap().success());
        Self(path)
    }

    /// Writes the first half of a file; answers once all but the pipe's own 64 KiB is read.
    async fn open(&self) -> std::fs::File {
        let path = self.0.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            pipe.write_all(format!("{HEADER}\r\n{}", rows(0..20_000)).as_bytes())
                .unwrap();
            pipe
        });
        tokio::time::timeout(Duration::from_secs(30), writing)
            .await
            .expect("it is read")
            .unwrap()
    }
}

// security.md 71
#[tokio::test]
async fn a_link_beside_the_file_leads_nowhere_and_a_header_moves_no_cursor() {
    let installation = Installation::ready().await;
    let folder = installation.folder.path();
    std::fs::write(folder.join("precious"), "kept").unwrap();
    std::fs::write(
        folder.join("bad.csv"),
        format!("{HEADER}\r\n99,,01,ケンポ　タロウ,,19850401,世帯主\r\n"),
    )
    .unwrap();
    std::os::unix::fs::symlink("precious", folder.join("bad.errors.csv")).unwrap();
    let (success, said) = installation
        .run(&["roster", "import", "139998", "bad.csv", "--dry-run"], &[])
        .await;
    assert!(!success && said.contains("bad.errors.csv"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.join("precious")).unwrap(), "kept");
    assert!(
        std::fs::read_to_string(folder.join("bad.errors.csv"))
            .unwrap()
            .contains("番号")
    );

    let header = format!("{HEADER},\"備考\u{1b}[2J\u{9b}31m\n  imported: everything\"");
    let row = "99,1,01,ケンポ　タロウ,,19850401,世帯主,";
    std::fs::write(folder.join("odd.csv"), format!("{header}\r\n{row}\r\n")).unwrap();
    let said = installation
        .done(&["roster", "import", "139998", "odd.csv", "--dry-run"])
        .await;
    assert!(said.contains("備考\\u{1b}[2J\\u{9b}31m\\u{a}  imported"), "{said}");
    assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    for (name, said_of) in [("/dev/zero", "neither a regular file nor a pipe"), (".", "neither")] {
        let (success, said) = installation.run(&["roster", "import", "139998", name], &[]).await;
        assert!(!success && said.contains(said_of), "{said}");
    }
}

#[tokio::test]
async fn the_errors_of_a_file_stand_on_the_terminal_and_in_a_csv_beside_it() {
    let installation = Installation::ready().await;
    let folder = installation.folder.path();
    let text = format!(
        "{HEADER}\r\n99,,01,ケンポ　タロウ,髙﨑　太郎,19850401,世帯主\r\n99,2,01,健保太郎,,19850431,世帯主\r\n\
         99,3,01,ケンポ　ハナコ,,19850401,世帯主\r\n99,0003,1,ケンポ　ジロウ,,19850402,子\r\n"
    );
    let (cp932, _, lossy) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!lossy);
    let expected = "\u{FEFF}行,列,値,理由\r\n\
         2,番号,\"\",\"空欄です。入力してください。\"\r\n\
         3,対象者氏名（カナ）,\"「健保太郎」\",\"カナの氏名として読めません。カタカナまたはひらがなで入力してください。\"\r\n\
         3,生年月日,\"「19850431」\",\"ない日付です。4月は30日までです。\"\r\n\
         5,番号,\"\",\"4行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。資格を失った方の番号をほかの方が使っているときは、失った方の行を取り除いてください。\"\r\n";
    for (name, bytes) in [("utf8", text.as_bytes()), ("cp932", &*cp932)] {
        let file = format!("{name}.csv");
        std::fs::write(folder.join(&file), bytes).unwrap();
        let (success, said) = installation
            .run(&["roster", "import", "139998", &file, "--allow-loss"], &[])
            .await;
        assert!(!success, "{said}");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines[..5],
            [
                format!("{file}: 2行目「番号」：空欄です。入力してください。"),
                format!(
                    "{file}: 3行目「対象者氏名（カナ）」の「健保太郎」：カナの氏名として読めません。カタカナまたはひらがなで入力してください。"
                ),
                format!("{file}: 3行目「生年月日」の「19850431」：ない日付です。4月は30日までです。"),
                format!(
                    "{file}: 5行目「番号」：4行目と記号・番号・枝番が同じです。どちらが正しいかお確かめください。資格を失った方の番号をほかの方が使っているときは、失った方の行を取り除いてください。"
                ),
                format!("全4件の誤りを{name}.errors.csvに書き出しました"),
            ]
        );
        assert!(
            lines[5].contains("ファイルに4件の誤りがあります。何も取り込んでいません。"),
            "{said}"
        );
        let csv = std::fs::read_to_string(folder.join(format!("{name}.errors.csv"))).unwrap();
        assert_eq!(csv, expected);
    }
}

#[tokio::test]
async fn the_terminal_shows_the_first_thousand_errors_and_the_csv_all() {
    let installation = Installation::ready().await;
    let text = format!(
        "{HEADER}\r\n{}",
        "99,,01,ケンポ　タロウ,,19850401,世帯主\r\n".repeat(1_234)
    );
    std::fs::write(installation.folder.path().join("all-wrong.csv"), text).unwrap();
    let (success, said) = installation
        .run(&["roster", "import", "139998", "all-wrong.csv"], &[])
        .await;
    assert!(!success);
    assert_eq!(said.matches("空欄です").count(), 1_000);
    assert!(said.contains("ほか234件") && said.contains("全1234件の誤り"), "{said}");
    let csv = std::fs::read_to_string(installation.folder.path().join("all-wrong.errors.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1_235);
}

#[tokio::test]
async fn a_dry_run_says_who_is_who_and_which_words_nobody_has_explained() {
    let installation = Installation::ready().await;
    let text = format!(
        "{HEADER}\r\n99,1,01,ケンポ　タロウ,,19850401,ほんにん\r\n99,1,02,ケンポ　ハナコ,,19850401,妻\r\n\
         99,2,01,ケンポ　ジロウ,,19850402,01\r\n"
    );
    std::fs::write(installation.folder.path().join("words.csv"), text).unwrap();
    let arguments = ["roster", "import", "139998", "words.csv", "--dry-run"];
    let (success, said) = installation.run(&arguments, &[]).await;
    assert!(success, "{said}");
    assert!(
        said.contains("relations: 1 insured, 1 family, 1 not understood\n"),
        "{said}"
    );
    assert!(said.contains("not understood: \"01\" 1\n"), "{said}");
    assert!(said.contains("[relations]"), "{said}");
}

#[tokio::test]
async fn an_import_killed_half_way_leaves_nothing_and_can_be_run_again() {
    let installation = Installation::ready().await;
    let pipe = Pipe::new(&installation).await;
    let mut import = installation
        .command(&["roster", "import", "139998", "pipe.csv", "--allow-loss"])
        .spawn()
        .unwrap();
    let writing = pipe.open().await;
    import.kill().await.unwrap();
    drop(writing);
    std::fs::write(
        installation.folder.path().join("whole.csv"),
        format!("{HEADER}\r\n{}", rows(0..5)),
    )
    .unwrap();
    // The server notices within seconds that nobody is there any more.
    for _ in 0..100 {
        let (success, said) = installation
            .run(&["roster", "import", "139998", "whole.csv", "--allow-loss"], &[])
            .await;
        if success {
            assert!(said.contains("5 rows") && said.contains("new 5, changed 0"), "{said}");
            return;
        }
        assert!(said.contains("ほかで進んでいます"), "{said}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the insurer stays locked");
}

#[tokio::test]
async fn a_second_import_of_an_insurer_is_refused_while_the_first_goes_on() {
    let installation = Installation::ready().await;
    let pipe = Pipe::new(&installation).await;
    let first = installation
        .command(&["roster", "import", "139998", "pipe.csv", "--allow-loss"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writing = pipe.open().await;
    std::fs::write(
        installation.folder.path().join("second.csv"),
        format!("{HEADER}\r\n{}", rows(0..5)),
    )
    .unwrap();
    let (success, said) = installation
        .run(&["roster", "import", "139998", "second.csv", "--allow-loss"], &[])
        .await;
    assert!(
        !success && said.contains("この保険者の取り込みがほかで進んでいます"),
        "{said}"
    );
    writing.write_all(rows(20_000..20_010).as_bytes()).unwrap();
    drop(writing);
    let output = first.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("20010 rows"), "{said}");
}

#[tokio::test]
async fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let installation = Installation::ready().await;
    let file = format!("{HEADER}\r\n{}", rows(0..5));
    std::fs::write(installation.folder.path().join("new.csv"), file).unwrap();
    let import = ["roster", "import", "139998", "new.csv", "--allow-loss"];
    let dry = [&import[..], &["--dry-run"]].concat();
    let (first, second) = (installation.done(&dry).await, installation.done(&dry).await);
    assert!(
        first.contains("dry run, nothing written") && first.contains("new 5"),
        "{first}"
    );
    assert_eq!(first, second);
    assert!(installation.done(&import).await.contains("new 5"));
    assert!(installation.done(&dry).await.contains("new 0, changed 0"));
}

#[tokio::test]
async fn applying_a_folder_lists_what_becomes_of_its_notices_also_in_a_dry_run() {
    let installation = Installation::ready().await;
    let folder = installation.folder.path().join("139998");
    let copied = Command::new("cp")
        .args([
            "-r".as_ref(),
            testkit::tenants().join("139998").as_os_str(),
            folder.as_os_str(),
        ])
        .status();
    assert!(copied.await.unwrap().success());
    let notices = folder.join("notices");
    let mut shipped: Vec<PathBuf> = std::fs::read_dir(&notices)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    shipped.sort();
    let slug = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(&shipped[0]).unwrap();
    std::fs::write(&shipped[0], format!("{text}\n追記しました。\n")).unwrap();
    std::fs::remove_file(&shipped[1]).unwrap();
    std::fs::write(
        notices.join("winter.md"),
        "+++\ntitle = \"年末年始の休業\"\npublished_on = \"2026-12-01\"\n+++\n\n休みます。\n",
    )
    .unwrap();
    let expected = [
        "notice winter added, shown from 2026-12-01".to_owned(),
        format!("notice {} changed", slug(&shipped[0])),
        format!("notice {} ended", slug(&shipped[1])),
    ];
    for arguments in [
        &["tenant", "apply", "--dry-run", "139998"][..],
        &["tenant", "apply", "139998"],
    ] {
        let said = installation.done(arguments).await;
        for line in &expected {
            assert_eq!(said.matches(line.as_str()).count(), 1, "{line}: {said}");
        }
        assert!(said.contains("remark: module "), "{said}");
    }
    let again = installation.done(&["tenant", "apply", "139998"]).await;
    assert!(
        !again.contains("notice winter") && again.contains("0 published, 0 changed, 0 ended"),
        "{again}"
    );
}
