//! What lies beside `tenant.toml`, and what no folder may hold.

use super::*;

#[test]
fn revisions_of_terms_have_no_gaps_and_rising_days() {
    let second = ADDENDUM.replace("revision = 1", "revision = 2");
    let changed = second.replace("+++\n\n", "changes = \"第1条を改めました。\"\n+++\n\n");
    assert_eq!(
        problems(&[("terms/addendum.2.md", &second)]),
        [
            "terms/addendum.2.md:2: changes is missing",
            "terms/addendum.2.md:5: effective_on must be later than that of revision 1"
        ]
    );
    assert_eq!(
        problems(&[("terms/addendum.2.md", &changed)]),
        ["terms/addendum.2.md:5: effective_on must be later than that of revision 1"]
    );
    let third = changed.replace("revision = 2", "revision = 3").replace("2024", "2026");
    assert_eq!(
        problems(&[("terms/addendum.3.md", &third)]),
        ["terms/addendum.3.md:1: revision 3 without revision 2"]
    );
    assert_eq!(
        problems(&[("terms/addendum.2.md", &third)]),
        ["terms/addendum.2.md:3: revision must be 2, as in the file's name"]
    );
    assert_eq!(
        problems(&[("terms/service.1.md", &ADDENDUM.replace("\"addendum\"", "\"service\""))]),
        ["terms/service.1.md:1: unknown document: here it can be addendum"]
    );
    assert_eq!(
        problems(&[("terms/addendum.02.md", ADDENDUM)]),
        ["terms/addendum.02.md:1: terms are named <document>.<revision>.md, as in addendum.1.md"]
    );
}

#[test]
fn markdown_holds_no_raw_html_and_no_link_out_of_bounds() {
    let text = ADDENDUM.to_owned()
        + "\n<b>太い</b>\n\n<div>\nx\n</div>\n\n[ここ](javascript:alert) [組合](https://example.jp) [下](#1)\n";
    assert_eq!(
        problems(&[("terms/addendum.1.md", &text)]),
        [
            "terms/addendum.1.md:12: raw HTML is not shown: use Markdown",
            "terms/addendum.1.md:12: raw HTML is not shown: use Markdown",
            "terms/addendum.1.md:14: raw HTML is not shown: use Markdown",
            "terms/addendum.1.md:18: a link can't lead to \"javascript:alert\"",
        ]
    );
    assert_eq!(
        problems(&[("pages/faq.md", "# no front matter\n")]),
        ["pages/faq.md:1: must begin with front matter between two lines +++"]
    );
    assert_eq!(
        problems(&[("pages/faq.md", "+++\ntitle = \"x\"\n+++\n \n")]),
        ["pages/faq.md:4: there is no text"]
    );
}

#[test]
fn unknown_and_missing_files_are_named() {
    assert_eq!(
        problems(&[("tenant.tml", ""), ("page/faq.md", ""), ("pages/F A Q.md", "")]),
        [
            "page:1: unknown file: is it misspelt, or not meant for this folder?",
            "pages/F A Q.md:1: the name must be small letters, digits and hyphens, and end in .md",
            "tenant.tml:1: unknown file: is it misspelt, or not meant for this folder?",
        ]
    );
    assert_eq!(
        read_folder(Path::new("/nowhere")).unwrap_err()[0].reason,
        "the file is missing"
    );
    let named = with("kind = ", "logo = \"logo.png\"\nkind = ");
    assert!(named[0].starts_with("tenant.toml:4: logo logo.png: "), "{named:?}");
    let outside = with("kind = ", "logo = \"../logo.png\"\nkind = ");
    assert_eq!(outside, ["tenant.toml:4: logo must name a file in this folder"]);
}

#[test]
fn a_folder_that_is_not_named_by_its_code_is_refused() {
    let parent = TempDir::new().unwrap();
    // Another insurer's, one that is no code, a part of it, and a copy's.
    for name in ["06139992", "139997", "3229041", "32290413-copy"] {
        let dir = parent.path().join(name);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("tenant.toml"), TENANT).unwrap();
        let problems = read_folder(&dir).unwrap_err();
        let expected = format!("the folder is named {name}, but code is 32290413: ");
        assert!(problems[0].reason.starts_with(&expected), "{problems:?}");
    }
    let dir = folder(&[]);
    for path in [dir.path().to_owned(), dir.path().join("."), dir.path().join("terms/..")] {
        assert!(read_folder(&path).is_ok(), "{}", path.display());
    }
}

#[test]
fn a_file_that_is_not_utf8_is_named_with_the_line() {
    let dir = folder(&[]);
    fs::write(
        dir.path().join("tenant.toml"),
        b"code = \"1\"\nname = \"\x93\xde\x97\xc7\"\n",
    )
    .unwrap();
    let problems = read_folder(dir.path()).unwrap_err();
    assert_eq!((problems[0].line, problems[0].reason.as_str()), (2, "not UTF-8"));
}

#[test]
fn a_file_with_nul_which_no_database_keeps_is_named_with_the_line() {
    let dir = folder(&[]);
    fs::write(dir.path().join("tenant.toml"), b"code = \"1\"\nname = \"a\0b\"\n").unwrap();
    let problems = read_folder(dir.path()).unwrap_err();
    let found = (problems[0].line, problems[0].reason.as_str());
    assert_eq!(found, (2, "the character NUL can't be kept"));
}

// security.md 71
#[test]
fn links_pipes_and_devices_in_a_folder_are_named_and_never_read() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("faq.md"), "+++\ntitle = \"外\"\n+++\n外の文章").unwrap();
    let link = |target: &Path, dir: &Dir, name: &str| {
        let path = dir.path().join(name);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        std::os::unix::fs::symlink(target, path).unwrap();
    };
    for (target, name) in [
        (Path::new("/dev/zero"), "tenant.toml"),
        (Path::new("/dev/zero"), "terms/addendum.1.md"),
        (Path::new("/dev/zero"), "logo.png"),
        (&outside.path().join("faq.md"), "pages/faq.md"),
        (outside.path(), "terms"),
        (outside.path(), "sample-roster.csv"),
    ] {
        let dir = folder(&[("logo.png", "no picture")]);
        fs::create_dir_all(dir.path().join("pages")).unwrap();
        let toml = dir.path().join("tenant.toml");
        fs::write(&toml, TENANT.replace("kind =", "logo = \"logo.png\"\nkind =")).unwrap();
        link(target, &dir, name);
        let problems = read_folder(dir.path()).unwrap_err();
        let told = problems.iter().any(|problem| problem.to_string().contains("link"));
        assert!(told, "{name}: {problems:?}");
    }
    let dir = folder(&[]);
    let pipe = dir.path().join("pages/faq.md");
    fs::create_dir_all(dir.path().join("pages")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let problems = read_folder(dir.path()).unwrap_err();
    assert_eq!(problems[0].reason, "is no regular file");
    // The folder itself may be named by a link.
    fs::remove_file(&pipe).unwrap();
    let named = outside.path().join("32290413");
    std::os::unix::fs::symlink(dir.path(), &named).unwrap();
    assert!(read_folder(&named).is_ok());
}
