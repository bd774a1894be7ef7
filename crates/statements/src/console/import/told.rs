//! Imports in words.

use crate::{
    Category, Form, Kind,
    against::more_or_less,
    compare::Earlier,
    delivery::DeliveryNo,
    reasons::ImportRefused,
    runs::{Found, Run, RunState},
    statement::month_words,
    tally::Sum,
};
use kernel::calendar;
use pages::{imports::by, words::grouped};

/// Which of its pages a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Columns,
    AtWork,
    Decision,
    Broken,
    Over,
}

/// A run in words.
pub(super) struct Told {
    pub(super) path: String,
    pub(super) step: Step,
    pub(super) heading: &'static str,
    pub(super) kind: &'static str,
    pub(super) file: String,
    /// Who brought it, and which of the staff decided on it.
    pub(super) by: String,
    /// True of a program's file.
    pub(super) is_sent: bool,
    /// True of one that its program only had checked.
    pub(super) is_dry_run: bool,
    pub(super) brought_at: String,
    pub(super) moved_at: String,
    pub(super) encoding: String,
    pub(super) percent: u64,
    pub(super) progress: String,
    /// What keeps it from loading unless somebody says that it is right.
    pub(super) doubts: Vec<String>,
    pub(super) facts: Option<Facts>,
    pub(super) errors: u64,
    /// Why nothing was loaded, and what to do.
    pub(super) refused: String,
    pub(super) is_open: bool,
    /// Into what it was loaded.
    pub(super) delivery: Option<DeliveryNo>,
}

/// What is in a file, in words.
pub(super) struct Facts {
    pub(super) label: String,
    /// What is counted, and how much of it there is.
    pub(super) counts: Vec<(&'static str, String)>,
    /// Why some of it is worth a look, though it is loaded.
    pub(super) hints: Vec<String>,
    /// By month of treatment and category.
    pub(super) sums: Vec<Figures>,
    /// This file, and what is published of the newest labels.
    pub(super) labels: Vec<Figures>,
    pub(super) has_yen: bool,
    pub(super) corrected: String,
    /// What it changes against the version that it replaces.
    pub(super) replaces: Option<String>,
}

/// A line of a table of rows and yen, and of what they are.
pub(super) struct Figures {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) rows: String,
    pub(super) total: String,
    pub(super) copay: String,
}

/// A run in the list.
pub(super) struct Line {
    pub(super) path: String,
    pub(super) moved_at: String,
    pub(super) file: String,
    pub(super) kind: &'static str,
    pub(super) by: String,
    pub(super) state: &'static str,
    pub(super) result: String,
}

/// A run in the list.
pub(super) fn line(run: &Run) -> Line {
    let found = run.report.found.as_ref();
    Line {
        path: super::path(run.run_id),
        moved_at: calendar::moment(run.moved_at),
        file: run.file_name.clone(),
        kind: run.kind.label(),
        by: by(&run.by_name, run.decided_by.as_ref()),
        state: match run.state {
            RunState::Received => "列の確認待ち",
            RunState::Checking => "確認中",
            RunState::Checked if run.is_dry_run() => "試し（取り込みません）",
            RunState::Checked => "取り込みの確認待ち",
            RunState::Loading => "取り込み中",
            RunState::Loaded => "完了",
            RunState::Refused => "取り込めませんでした",
            RunState::Cancelled => "中止",
            RunState::Broken => "途中で終わりました",
        },
        result: match (found, run.report.errors) {
            (Some(found), _) => format!("{}処理分、{}行", label(found), grouped(found.rows)),
            (None, 0) => short(&run.report.refused_code).to_owned(),
            (None, errors) => format!("誤り{}件", grouped(errors)),
        },
    }
}

/// A run in words.
pub(super) fn told(run: &Run) -> Told {
    let (step, heading) = match run.state {
        RunState::Received => (Step::Columns, "ファイルの列の確認"),
        RunState::Checking => (Step::AtWork, "ファイルを確認しています"),
        RunState::Checked if run.is_dry_run() => (Step::Decision, "試しに確認した内容"),
        RunState::Checked => (Step::Decision, "取り込む内容の確認"),
        RunState::Loading => (Step::AtWork, "取り込んでいます"),
        RunState::Loaded => (Step::Over, "取り込みました"),
        RunState::Refused => (Step::Over, "取り込めませんでした"),
        RunState::Cancelled => (Step::Over, "中止しました"),
        RunState::Broken => (Step::Broken, "取り込みは途中で終わりました"),
    };
    let rows = grouped(run.rows);
    // A load looks at the file once more before it begins.
    let (percent, doing) = match (run.stage.as_str(), run.state) {
        ("checking", RunState::Loading) => (run.percent * 4 / 10, format!("{rows}行を確認しました")),
        ("checking", _) => (run.percent, format!("{rows}行を確認しました")),
        ("loading", _) => (40 + run.percent * 6 / 10, format!("{rows}行を書き込みました")),
        _ => (0, "順番を待っています".to_owned()),
    };
    Told {
        path: super::path(run.run_id),
        step,
        heading,
        kind: run.kind.label(),
        file: run.file_name.clone(),
        by: by(&run.by_name, run.decided_by.as_ref()),
        is_sent: run.started_by.is_client(),
        is_dry_run: run.is_dry_run(),
        brought_at: calendar::moment(run.created_at),
        moved_at: calendar::moment(run.moved_at),
        encoding: run.report.encoding.clone(),
        percent,
        progress: format!("{percent}％ {doing}"),
        doubts: run.doubts().iter().map(ImportRefused::doubt).collect(),
        facts: run.report.found.as_ref().map(|found| facts(run.kind, found)),
        errors: run.report.errors,
        refused: run.report.refused.clone(),
        is_open: run.state.is_open(),
        delivery: run.delivery.filter(|_| run.state == RunState::Loaded),
    }
}

/// Why nothing was loaded of a file without errors, in a few words.
fn short(code: &str) -> &'static str {
    match code {
        "same_file" => "同じファイルを公開済み",
        "file" => "ファイルを読めません",
        "changed" => "確認のあとに変わりました",
        "unmatched" => "名簿に当たらない明細が多い",
        "deviates" => "いつもの月と量が違う",
        "too_old" => "表示する期間より前の分だけ",
        "unknown_drugs" | "no_master" => "医薬品マスターの確認が必要",
        "no_year" => "運営者の準備が必要",
        _ => "",
    }
}

fn facts(kind: Kind, found: &Found) -> Facts {
    let held = found.unknown + found.several;
    let always = [
        ("ファイルの明細", found.rows),
        ("加入者に当たった明細", found.rows.saturating_sub(held)),
        ("名簿の誰にも当たらない明細（保留になります）", found.unknown),
        ("名簿の何人にも当たる明細（保留になります）", found.several),
    ];
    let seldom = [
        ("取り下げるレセプトの明細", found.withdrawn),
        ("表示する期間より前のため、取り込まない明細", found.too_old),
        ("総額が負担額の合計と合わない明細", found.uneven),
        ("支給額が窓口での支払いより多い明細", found.joint),
        ("医薬品マスターにない医薬品の明細", found.unknown_drugs),
    ];
    let seldom = seldom.into_iter().filter(|(_, rows)| *rows > 0);
    let rows = always.into_iter().chain(seldom);
    let hints = [
        (
            held,
            "保留の明細は、名簿を取り込むたびに照合し直します。手で加入者を確かめることもできます。",
        ),
        (
            found.uneven,
            "総額が負担額の合計と合わない明細も、ファイルのとおりに表示します。端数や公費の列をお確かめください。",
        ),
        (
            found.joint,
            "支給額は、受診した方ごとの額にしてください。世帯で合算した額のままでは、表示を望まない家族の分が、ほかの家族に分かってしまいます。",
        ),
        (
            found.unknown_drugs,
            "医薬品マスターにない医薬品は、「名称を確認できないお薬」と表示し、ジェネリックの計算に入れません。",
        ),
    ];
    let by = found.totals.by.iter().map(|(month, category, sum)| Figures {
        name: month_words(*month),
        what: called(kind, category).to_owned(),
        ..figures(*sum)
    });
    Facts {
        label: label(found),
        counts: [("加入者", format!("{}人", grouped(found.persons)))]
            .into_iter()
            .chain(rows.map(|(name, rows)| (name, format!("{}行", grouped(rows)))))
            .collect(),
        hints: hints
            .into_iter()
            .filter(|(rows, _)| *rows > 0)
            .map(|(_, hint)| hint.to_owned())
            .chain(found.same.map(same))
            .collect(),
        sums: by.collect(),
        labels: labels(found),
        has_yen: kind == Kind::Costs,
        corrected: corrected(kind, found),
        replaces: replaces(kind, found),
    }
}

/// Somebody has loaded it before.
fn same(version: i32) -> String {
    format!(
        "同じファイルから取り込んだ第{version}版が、もうあります。取り込むと、同じ内容の版がもう1つできます。公開するだけのときは、提供分の一覧から第{version}版を開いてください。"
    )
}

/// This file, and those before it.
fn labels(found: &Found) -> Vec<Figures> {
    let own = Earlier {
        label: found.label,
        rows: found.rows,
        yen: found.yen(),
    };
    let line = |(what, of): (&str, &Earlier)| Figures {
        name: month_words(of.label),
        what: what.to_owned(),
        ..figures(Sum {
            rows: of.rows,
            total: of.yen,
            copay: 0,
        })
    };
    let before = found.replaces.iter().map(|of| ("公開中（置き換える版）", of));
    let of_others = found.earlier.iter().map(|of| ("公開中", of));
    [("このファイル", &own)]
        .into_iter()
        .chain(before)
        .chain(of_others)
        .map(line)
        .collect()
}

/// 「公開中の第2版と比べて、…（総額＋1,200円）。」.
fn replaces(kind: Kind, found: &Found) -> Option<String> {
    let (against, before) = (found.totals.against?, found.replaces?);
    let yen = match kind {
        Kind::Costs => format!("（総額{}）", more_or_less(found.yen() - before.yen)),
        Kind::Medicines => String::new(),
    };
    let changes = against.words(kind);
    Some(format!(
        "公開すると、公開中の第{}版を置き換えます。その版と比べて、{changes}です{yen}。保留になる明細のレセプトは、確かめられるまで、なくなるものに数えます。",
        against.version
    ))
}

fn corrected(kind: Kind, found: &Found) -> String {
    let corrected = found.totals.corrected;
    if corrected.claims == 0 && corrected.withdrawn == 0 {
        return "ほかの処理年月で公開中のレセプトの訂正や取り下げはありません。".to_owned();
    }
    let (claims, withdrawn) = (grouped(corrected.claims), grouped(corrected.withdrawn));
    match kind {
        Kind::Costs => {
            let sign = if corrected.yen > 0 { "+" } else { "" };
            let yen = grouped(corrected.yen);
            format!("公開中のレセプトのうち、{claims}件を訂正し（総額{sign}{yen}円）、{withdrawn}件を取り下げます。")
        }
        Kind::Medicines => format!("公開中のレセプトのうち、{claims}件を訂正し、{withdrawn}件を取り下げます。"),
    }
}

/// What a row is of, by the word in the database.
fn called(kind: Kind, word: &str) -> &'static str {
    let called = match kind {
        Kind::Costs => Category::from_word(word).map(Category::label),
        Kind::Medicines => Form::from_word(word).map(Form::label),
    };
    called.unwrap_or_default()
}

fn figures(sum: Sum) -> Figures {
    Figures {
        name: String::new(),
        what: String::new(),
        rows: grouped(sum.rows),
        total: grouped(sum.total),
        copay: grouped(sum.copay),
    }
}

fn label(found: &Found) -> String {
    month_words(found.label)
}
