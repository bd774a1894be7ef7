//! A first roster of a million people, imported by the release binary, against psql's `\copy` of the very rows it made
//! into a table with the same columns and indexes; and the most memory the import takes. What the import does besides
//! copying is what the product is for: it reads, parses, folds names, looks for repeats and writes the journal.

use crate::{
    alternate::{Medians, alternate},
    processes,
    report::Row,
    stage::{Failed, INSURER, Stage},
};
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

const DATABASE: &str = "bench_import";
const PEOPLE: u32 = 1_000_000;
const ROUNDS: usize = 1;
/// How often the process is looked at; its peak only grows, so the last look misses little.
const LOOK: Duration = Duration::from_millis(10);

/// The ratio of the rates, and the peak.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("import: {PEOPLE} people");
    stage.make(DATABASE)?;
    stage.apply(DATABASE)?;
    let (file, copy) = (stage.data.join("million.csv"), stage.data.join("million.copy"));
    write(&file).map_err(Failed::at(file.display()))?;
    let mut peak = f64::NAN;
    let seconds = alternate(
        ROUNDS,
        || {
            empty(stage)?;
            let (seconds, most) = import(stage, &file)?;
            peak = peak.max(most);
            stage.sql(DATABASE, &format!("\\copy persons TO '{}'", copy.display()))?;
            Ok(seconds)
        },
        || {
            stage.sql(
                DATABASE,
                "DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE persons INCLUDING ALL)",
            )?;
            stage.sql(DATABASE, "CHECKPOINT")?;
            let begun = Instant::now();
            stage.sql(DATABASE, &format!("\\copy copied FROM '{}'", copy.display()))?;
            Ok(begun.elapsed().as_secs_f64())
        },
    )?;
    for file in [&file, &copy] {
        std::fs::remove_file(file).map_err(Failed::at(file.display()))?;
    }
    let Medians {
        a: imported,
        b: copied,
        ratio,
    } = seconds;
    eprintln!("import: {imported:.1} s against {copied:.1} s of \\copy, {peak:.0} MiB at most");
    Ok(vec![
        Row::at_least("import", ratio, 0.33),
        Row::at_most("import.peak_mib", peak, 150.0),
    ])
}

/// As before the first import.
fn empty(stage: &Stage) -> Result<(), Failed> {
    stage.sql(
        DATABASE,
        "TRUNCATE persons, roster_heads, roster_changes, roster_imports, events CASCADE",
    )?;
    stage.sql(DATABASE, "CHECKPOINT").map(drop)
}

/// Seconds, and MiB at most.
fn import(stage: &Stage, file: &Path) -> Result<(f64, f64), Failed> {
    let begun = Instant::now();
    let mut import = stage
        .madoguchi()
        .env("MADOGUCHI__DATABASE__URL", stage.cluster.service_url(DATABASE))
        .args(["roster", "import", INSURER])
        .arg(file)
        .stdout(Stdio::null())
        .spawn()
        .map_err(Failed::at("roster import"))?;
    let mut peak = f64::NAN;
    loop {
        peak = peak.max(processes::peak_mib(import.id()).unwrap_or(f64::NAN));
        match import.try_wait().map_err(Failed::at("roster import"))? {
            Some(status) if status.success() => return Ok((begun.elapsed().as_secs_f64(), peak)),
            Some(status) => return Err(Failed(format!("roster import: {status}"))),
            None => thread::sleep(LOOK),
        }
    }
}

/// Households of four, with every column a large insurer fills.
fn write(path: &Path) -> std::io::Result<()> {
    const NAMES: [(&str, &str, &str); 4] = [
        ("ケンポ　タロウ", "健保　太郎", "本人"),
        ("ケンポ　ショウコ", "健保　昭子", "妻"),
        ("ケンポ　イチロウ", "健保　一郎", "子"),
        ("ケンポ　ハルカ", "健保　春香", "子"),
    ];
    let mut csv = BufWriter::new(File::create(path)?);
    writeln!(
        csv,
        "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,性別,生年月日,続柄名称,資格取得日,郵便番号,住所,電話,\
         メール,事業所コード,社員コード,個人ID"
    )?;
    let households = PEOPLE / 4;
    for number in 1..=households {
        for (branch, (kana, name, relationship)) in NAMES.iter().enumerate() {
            writeln!(
                csv,
                "{},{number},{branch:02},{kana},{name},{},{}{:02}{:02},{relationship},20100401,000-0011,\
                 奈良県ためし市若草台2丁目5番{number}号,000-0000-0000,e{number}-{branch}@example.jp,1000,{number},\
                 P{number}-{branch}",
                100 + number % 40,
                1 + branch % 2,
                1950 + number % 60,
                1 + number % 12,
                1 + number % 28,
            )?;
        }
    }
    csv.flush()
}
