//! Imports in words.

use kernel::calendar;
use pages::imports::by;
use roster::{
    import::{Sample, Vanishing},
    runs::{Author, Counts, Past, Run, RunState},
};

/// A program had it compared, and has not said that it is to be imported.
pub(super) const DRY_RUN: &str = "試し（連携先の確認待ち）";

/// Which of its pages a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Receiving,
    Check,
    AtWork,
    Difference,
    Over,
}

/// A run in words.
pub(super) struct Told {
    pub(super) path: String,
    pub(super) step: Step,
    state: RunState,
    pub(super) heading: &'static str,
    pub(super) file: String,
    /// Who brought it, and which of the staff decided on it.
    pub(super) by: String,
    /// True of one that its program only had compared.
    pub(super) is_dry_run: bool,
    pub(super) brought_at: String,
    pub(super) moved_at: String,
    pub(super) percent: u64,
    pub(super) progress: String,
    pub(super) counts: Counts,
    /// Why nothing was imported, and what to do.
    pub(super) refused: String,
    undoes: bool,
}

impl Told {
    pub(super) fn is_open(&self) -> bool {
        self.state.is_open()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.state == RunState::Finished
    }

    /// True of a run that undoes an import.
    pub(super) fn is_undoing(&self) -> bool {
        self.undoes
    }

    /// True where it is known how many people change.
    pub(super) fn has_counts(&self) -> bool {
        matches!(self.state, RunState::Compared | RunState::Finished)
    }

    /// True where a second factor is asked for before it is imported.
    pub(super) fn is_grave(&self) -> bool {
        is_grave(&self.counts)
    }

    /// True where more people would be lost than usual.
    pub(super) fn is_too_much(&self) -> bool {
        self.counts.vanishing.is_too_much()
    }

    /// What counts besides whom the file leaves out or ends.
    pub(super) fn besides(&self) -> String {
        besides(self.counts.vanishing)
    }

    pub(super) fn compare(&self) -> String {
        format!("{}/compare", self.path)
    }

    pub(super) fn start(&self) -> String {
        format!("{}/start", self.path)
    }

    pub(super) fn cancel(&self) -> String {
        format!("{}/cancel", self.path)
    }

    pub(super) fn errors(&self) -> String {
        format!("{}/errors", self.path)
    }
}

/// A line of the history.
pub(super) struct Line {
    at: String,
    pub(super) path: Option<String>,
    pub(super) moved_at: String,
    pub(super) file: String,
    pub(super) by: String,
    pub(super) state: &'static str,
    pub(super) result: String,
}

/// True of an import by which people are lost, also on an earlier day than known, or birth dates corrected.
pub(super) fn is_grave(counts: &Counts) -> bool {
    counts.lost > 0 || counts.vanishing.lost() > 0 || counts.corrected > 0
}

fn state_of(run: &Run) -> &'static str {
    if run.is_dry_run() && run.state == RunState::Compared {
        DRY_RUN
    } else {
        state(run.state, run.undoes.is_some())
    }
}

fn state(state: RunState, undoes: bool) -> &'static str {
    match state {
        RunState::Running if undoes => "取り消し中",
        RunState::Refused if undoes => "取り消せませんでした",
        RunState::Receiving => "受信中",
        RunState::Received => "列の確認待ち",
        RunState::Comparing => "照合中",
        RunState::Compared => "取り込みの確認待ち",
        RunState::Running => "取り込み中",
        RunState::Finished => "完了",
        RunState::Refused => "取り込めませんでした",
        RunState::Cancelled => "中止",
        RunState::Broken => "途中で終わりました",
    }
}

fn heading(run: &Run) -> &'static str {
    match run.state {
        RunState::Running if run.undoes.is_some() => "取り消しています",
        RunState::Finished if run.undoes.is_some() => "取り消しました",
        RunState::Refused if run.undoes.is_some() => "取り消せませんでした",
        RunState::Broken if run.undoes.is_some() => "取り消しは途中で終わりました",
        RunState::Receiving => "ファイルを受信しています",
        RunState::Received => "ファイルの確認",
        RunState::Comparing if run.stage == "merging" => "取り込んでいます",
        RunState::Comparing => "今の名簿と照合しています",
        RunState::Compared if run.is_dry_run() => "試しの照合の結果",
        RunState::Compared => "変わる内容の確認",
        RunState::Running => "取り込んでいます",
        RunState::Finished => "取り込みました",
        RunState::Refused => "取り込めませんでした",
        RunState::Cancelled => "中止しました",
        RunState::Broken => "取り込みは途中で終わりました",
    }
}

/// A run in words.
pub(super) fn told(run: &Run) -> Told {
    let step = match run.state {
        RunState::Receiving => Step::Receiving,
        RunState::Received => Step::Check,
        RunState::Comparing | RunState::Running => Step::AtWork,
        RunState::Compared => Step::Difference,
        _ => Step::Over,
    };
    let (percent, doing) = match run.stage.as_str() {
        "reading" => (run.percent * 8 / 10, format!("{}行を読みました", run.rows)),
        "comparing" => (85, format!("{}行を照合しています", run.rows)),
        "merging" => (95, format!("{}行を書き込んでいます", run.rows)),
        _ => (0, "順番を待っています".to_owned()),
    };
    Told {
        path: super::path(run.run_id),
        step,
        heading: heading(run),
        undoes: run.undoes.is_some(),
        file: run.file_name.clone(),
        by: by(&run.by_name, run.decided_by.as_ref()),
        is_dry_run: run.is_dry_run(),
        brought_at: calendar::moment(run.created_at),
        moved_at: calendar::moment(run.moved_at),
        percent,
        progress: format!("{percent}％ {doing}"),
        state: run.state,
        refused: refused(run),
        counts: Counts {
            // No file was read to undo an import.
            encoding: if run.undoes.is_some() {
                String::new()
            } else {
                run.counts.encoding.clone()
            },
            ..run.counts.clone()
        },
    }
}

/// The losses to come, and those of the days before, that count with a run's own.
fn besides(vanishing: Vanishing) -> String {
    let Vanishing { coming, earlier, .. } = vanishing;
    let before_earlier = vanishing.before_earlier().unwrap_or_default();
    let coming = (coming > 0).then(|| format!("{coming}人に、あすから先の資格喪失日が付きます。"));
    let earlier = (earlier > 0).then(|| {
        format!(
            "この7日間のほかの取り込みでも、{earlier}人が資格を失っています（はじめの取り込みの前に加入中の人は{before_earlier}人）。"
        )
    });
    coming.into_iter().chain(earlier).collect()
}

/// What staff do about a program's file, which is not theirs to mend.
const ASK: &str = "連携先のシステムの担当者に知らせて、正しいファイルを送り直すように頼んでください。急ぐときは、正しいファイルを職員が取り込めます。";

fn refused(run: &Run) -> String {
    let counts = &run.counts;
    let is_sent = run.started_by.is_some_and(Author::is_client);
    let then = |own: &'static str| if is_sent { ASK } else { own };
    match (run.state, counts.refused.as_str()) {
        (RunState::Broken, _) if run.undoes.is_some() => "処理をしていたコンピューターが止まりました。名簿は何も変わっていません。元の取り込みの画面から、もう一度取り消してください。".into(),
        (RunState::Broken, _) => format!(
            "処理をしていたコンピューターが止まりました。名簿は何も変わっていません。{}",
            then("もう一度取り込んでください。")
        ),
        (RunState::Refused, "rows") => format!(
            "ファイルに{}件の誤りがあります。名簿は何も変わっていません。{}",
            counts.errors,
            then("ファイルを直してから、もう一度読み込んでください。")
        ),
        (RunState::Refused, "loss" | "corrected") if run.undoes.is_some() => "取り消しを始めたあとに名簿が変わり、資格を失う方か生年月日が変わる方が、確かめたときより増えていました。名簿は何も変わっていません。元の取り込みの画面から、もう一度人数をお確かめください。".into(),
        (RunState::Refused, "loss") => format!(
            "加入中の{}人のうち、{}人がファイルになく、{}人が今日までの資格喪失日になっています。{}合わせて{}％を超えたため、取り込みませんでした。名簿は何も変わっていません。ファイルが全員分か、資格喪失日の列が正しいかをお確かめください。{}",
            counts.vanishing.covered.unwrap_or_default(),
            counts.vanishing.missing,
            counts.vanishing.ended,
            besides(counts.vanishing),
            counts.vanishing.percent,
            then("")
        ),
        (RunState::Refused, "corrected") => format!(
            "照合したあとに名簿が変わり、生年月日が変わる方が増えていました。名簿は何も変わっていません。{}",
            then("もう一度読み込んで、照合し直してください。")
        ),
        (RunState::Refused, "running") => format!(
            "ほかの取り込みが進んでいました。名簿は何も変わっていません。{}",
            then("終わってから、もう一度取り込んでください。")
        ),
        (RunState::Refused, _) => format!(
            "読み込んだファイルが残っていないか、読めませんでした。名簿は何も変わっていません。{}",
            then("ファイルを選び直してください。")
        ),
        _ => String::new(),
    }
}

fn result(counts: &Counts) -> String {
    let Counts {
        new,
        changed,
        returned,
        lost,
        ..
    } = counts;
    format!("新規{new}、変更{changed}、再加入{returned}、喪失{lost}")
}

/// The history, the last first.
pub(super) fn lines(runs: &[Run], past: &[Past]) -> Vec<Line> {
    let of_run = |run: &Run| Line {
        at: run.moved_at.to_rfc3339(),
        path: Some(super::path(run.run_id)),
        moved_at: calendar::moment(run.moved_at),
        file: run.file_name.clone(),
        by: by(&run.by_name, run.decided_by.as_ref()),
        state: state_of(run),
        result: match run.state {
            RunState::Compared | RunState::Finished => result(&run.counts),
            RunState::Refused if run.counts.errors > 0 => format!("誤り{}件", run.counts.errors),
            _ => String::new(),
        },
    };
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let of_past = |past: &Past| {
        let is_finished = past.state == "finished";
        let counts = Counts {
            new: number(past.new_count),
            changed: number(past.changed_count),
            returned: number(past.returned_count),
            lost: number(past.lost_count),
            ..Counts::default()
        };
        Line {
            at: past.finished_at.to_rfc3339(),
            path: None,
            moved_at: calendar::moment(past.finished_at),
            file: past.file_name.clone(),
            by: "コマンド".into(),
            state: state(
                if is_finished {
                    RunState::Finished
                } else {
                    RunState::Refused
                },
                false,
            ),
            result: match (is_finished, past.error_count) {
                (true, _) => result(&counts),
                (false, 0) => String::new(),
                (false, errors) => format!("誤り{errors}件"),
            },
        }
    };
    let mut lines: Vec<Line> = runs.iter().map(of_run).chain(past.iter().map(of_past)).collect();
    lines.sort_by(|a, b| b.at.cmp(&a.at));
    lines
}

/// What kind of change a sample is of.
pub(super) fn kind(sample: &Sample) -> &'static str {
    match sample.kind.as_str() {
        "new" => "新規",
        "lost" => "喪失",
        "returned" => "再加入",
        _ => "変更",
    }
}

/// Where somebody stands in the file.
pub(super) fn line(sample: &Sample) -> String {
    sample
        .line
        .map_or_else(|| "ファイルにない".to_owned(), |line| format!("{line}行目"))
}

/// What changes of somebody.
pub(super) fn fields(sample: &Sample) -> String {
    sample.fields.join("、")
}
