//! A first roster of a million people, imported by the release binary, against psql's `\copy` of the very rows it made
//! into a table with the same columns and indexes; and the most memory the import takes. What the import does besides
//! copying is what the product is for: it reads, parses, folds names, looks for repeats and writes the journal.
//!
//! Then a thousand changes to that million (異動区分), old values kept, against a whole roster of the same thousand rows
//! for an insurer that has nobody: what a change costs beside what its row does.

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
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const DATABASE: &str = "bench_import";
const PEOPLE: u32 = 1_000_000;
const ROUNDS: usize = 1;
/// Where the insurer has nobody.
const EMPTY: &str = "bench_empty";
const CHANGES: u32 = 1_000;
/// Each with other people.
const DELTAS: u32 = 7;
const HOUSEHOLDS: u32 = PEOPLE / 4;
const HEADER: &str = "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,性別,生年月日,続柄名称,資格取得日,郵便番号,住所,電話,\
    メール,事業所コード,社員コード,個人ID";
/// How often the process is looked at; its peak only grows, so the last look misses little.
const LOOK: Duration = Duration::from_millis(10);

/// The ratio of the rates, and the peak.
pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failed> {
    eprintln!("import: {PEOPLE} people");
    stage.make(DATABASE)?;
    stage.apply(DATABASE)?;
    let (file, copy) = (stage.data.join("million.csv"), stage.data.join("million.copy"));
    write(&file, HOUSEHOLDS).map_err(Failed::at(file.display()))?;
    let mut peak = f64::NAN;
    let seconds = alternate(
        ROUNDS,
        || {
            empty(stage, DATABASE)?;
            let (seconds, most) = import(stage, DATABASE, &file)?;
            peak = peak.max(most);
            stage.sql(DATABASE, &format!("\\copy persons TO '{}'", copy.display()))?;
            Ok(seconds)
        },
        || {
            stage.sql(
                DATABASE,
                "DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE persons INCLUDING ALL) WITH (fillfactor = 90)",
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
    let delta = delta(stage)?;
    for database in [DATABASE, EMPTY] {
        stage.cluster.drop_database(database).map_err(Failed::at(database))?;
    }
    Ok(vec![
        Row::at_least("import", ratio, 0.4),
        Row::at_most("import.peak_mib", peak, 150.0),
        Row::at_most("import.delta", delta, 3.0),
    ])
}

/// How much longer a thousand changes to the million take than the same rows as all that there is.
fn delta(stage: &Stage) -> Result<f64, Failed> {
    stage.make(EMPTY)?;
    stage.apply(EMPTY)?;
    stage.sql(DATABASE, "DROP TABLE copied")?;
    // As it is on the day after.
    stage.sql(DATABASE, "VACUUM ANALYZE")?;
    let (whole, changes) = (stage.data.join("whole.csv"), stage.data.join("changes.csv"));
    let (mut nth_whole, mut nth_changes) = (0..DELTAS, 0..DELTAS);
    let Medians { a, b, ratio } = alternate(
        DELTAS as usize,
        || {
            write_changes(&whole, nth_whole.next().unwrap_or_default(), false).map_err(Failed::at(whole.display()))?;
            empty(stage, EMPTY)?;
            import(stage, EMPTY, &whole).map(|(seconds, _)| seconds)
        },
        || {
            let nth = nth_changes.next().unwrap_or_default();
            write_changes(&changes, nth, true).map_err(Failed::at(changes.display()))?;
            stage.sql(DATABASE, "CHECKPOINT")?;
            import(stage, DATABASE, &changes).map(|(seconds, _)| seconds)
        },
    )?;
    for file in [&whole, &changes] {
        std::fs::remove_file(file).map_err(Failed::at(file.display()))?;
    }
    eprintln!(
        "import.delta: {b:.2} s for {CHANGES} changes among {PEOPLE}, {a:.2} s for as many rows alone: {ratio:.2}"
    );
    Ok(ratio)
}

/// As before the first import.
fn empty(stage: &Stage, database: &str) -> Result<(), Failed> {
    stage.sql(
        database,
        "TRUNCATE persons, person_numbers, roster_heads, roster_changes, roster_before, roster_imports, \
         roster_workplaces, roster_tallies, events CASCADE",
    )?;
    stage.sql(database, "CHECKPOINT").map(drop)
}

/// Imports a whole roster by the command line: seconds, and MiB at most.
pub fn import(stage: &Stage, database: &str, file: &Path) -> Result<(f64, f64), Failed> {
    let mut import = stage.madoguchi();
    import.args(["roster", "import", INSURER]).arg(file);
    timed(stage, database, import)
}

/// Runs the binary to its end on a database: seconds, and MiB at most.
pub fn timed(stage: &Stage, database: &str, mut command: Command) -> Result<(f64, f64), Failed> {
    let begun = Instant::now();
    let mut running = command
        .env("MADOGUCHI__DATABASE__URL", stage.cluster.service_url(database))
        .stdout(Stdio::null())
        .spawn()
        .map_err(Failed::at("madoguchi"))?;
    let mut peak = f64::NAN;
    loop {
        peak = peak.max(processes::peak_mib(running.id()).unwrap_or(f64::NAN));
        match running.try_wait().map_err(Failed::at("madoguchi"))? {
            Some(status) if status.success() => return Ok((begun.elapsed().as_secs_f64(), peak)),
            Some(status) => return Err(Failed(format!("{command:?}: {status}"))),
            None => thread::sleep(LOOK),
        }
    }
}

/// So many households of four, with every column a large insurer fills.
pub fn write(path: &Path, households: u32) -> std::io::Result<()> {
    let mut csv = BufWriter::new(File::create(path)?);
    writeln!(csv, "{HEADER}")?;
    for household in 1..=households {
        for branch in 0..4 {
            writeln!(csv, "{}", row(household, branch, ""))?;
        }
    }
    csv.flush()
}

/// People all over the roster who have moved; of a hundred one is lost and one is new. Whole, they are all that there is.
fn write_changes(path: &Path, nth: u32, are_changes: bool) -> std::io::Result<()> {
    let mut csv = BufWriter::new(File::create(path)?);
    let last = if are_changes { ",異動区分" } else { "" };
    writeln!(csv, "{HEADER},資格喪失日{last}")?;
    for change in 0..CHANGES {
        let household = change * (HOUSEHOLDS / CHANGES) + nth + 1;
        let (household, lost, movement) = match change % 100 {
            0 => (household, "20260401", ",喪失"),
            1 => (HOUSEHOLDS + nth * CHANGES + change, "", ",追加"),
            _ => (household, "", ",変更"),
        };
        let movement = if are_changes { movement } else { "" };
        writeln!(csv, "{},{lost}{movement}", row(household, change % 4, "新館"))?;
    }
    csv.flush()
}

/// A person's line.
fn row(household: u32, branch: u32, building: &str) -> String {
    let (kana, name, relationship) = match branch {
        0 => ("ケンポ　タロウ", "健保　太郎", "本人"),
        1 => ("ケンポ　ショウコ", "健保　昭子", "妻"),
        2 => ("ケンポ　イチロウ", "健保　一郎", "子"),
        _ => ("ケンポ　ハルカ", "健保　春香", "子"),
    };
    format!(
        "{},{household},{branch:02},{kana},{name},{},{},{relationship},20100401,000-0011,\
         奈良県ためし市若草台2丁目5番{household}号{building},000-0000-0000,e{household}-{branch}@example.jp,1000,\
         {household},P{household}-{branch}",
        symbol(household),
        1 + branch % 2,
        born_on(household),
    )
}

/// A household's 記号.
pub fn symbol(household: u32) -> u32 {
    100 + household % 40
}

/// When all of a household were born.
pub fn born_on(household: u32) -> String {
    format!(
        "{}{:02}{:02}",
        1950 + household % 60,
        1 + household % 12,
        1 + household % 28
    )
}
