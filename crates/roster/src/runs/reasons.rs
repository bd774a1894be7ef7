//! Why an import is not begun, or not gone on with.

use kernel::{Reason, RefusalKind, Words};
use tabular::NotTaken;

const IMPORTS: (&str, &str) = ("/console/roster", "取り込みの一覧へ");
const ANEW: (&str, &str) = ("/console/roster/new", "ファイルを選び直す");

/// Another file of the insurer's is compared or imported just now.
pub const ANOTHER_RUN: Reason = Reason {
    code: "roster_another_run",
    kind: RefusalKind::Outdated,
    detail: "Another file of this insurer is compared or imported just now. Send the request again once that is over, in some \
             minutes.",
    words: |_, _| {
        Words::new(
            "ほかの取り込みが進んでいます",
            "名簿の取り込みは、一度に1つだけ進められます。取り込みの一覧で、進んでいるものが終わるのを待つか、中止してから、もう一度お試しください。読み込んだファイルは消えていません。",
            &[IMPORTS],
        )
    },
};

/// It was gone on with in another tab, or by a colleague.
pub const RUN_MOVED_ON: Reason = Reason {
    code: "roster_run_moved_on",
    kind: RefusalKind::Outdated,
    detail: "Only an import that waits is gone on with.",
    words: |_, _| {
        Words::new(
            "この取り込みは、先に進んでいます",
            "ほかの画面で、あなたかほかの職員が操作しました。取り込みの一覧から開き直して、今の状態をお確かめください。",
            &[IMPORTS],
        )
    },
};

/// It has ended.
pub const RUN_OVER: Reason = Reason {
    code: "roster_run_over",
    kind: RefusalKind::Outdated,
    detail: "This import has ended.",
    words: |_, _| {
        Words::new(
            "この取り込みは、もう終わっています",
            "終わったあとなので、中止できませんでした。取り込みの一覧で、結果をお確かめください。",
            &[IMPORTS],
        )
    },
};

/// One header for two columns, or none for one that must be there.
pub const COLUMNS_UNCLEAR: Reason = Reason {
    code: "roster_columns_unclear",
    kind: RefusalKind::Mend,
    detail: "A header is chosen for two columns, or none for a required one.",
    words: |_, _| {
        Words::new(
            "列の対応を確かめてください",
            "「必須」の項目にはファイルの列を1つずつ選び、同じ列を2つの項目に選ばないでください。",
            &[],
        )
    },
};

/// So many losses must be agreed to.
pub const LOSS_NOT_AGREED: Reason = Reason {
    code: "roster_loss_not_agreed",
    kind: RefusalKind::Mend,
    detail: "More people would be lost than usual. No program agrees to that: it waits for the insurer's staff, who decide in the console.",
    words: |_, _| {
        Words::new(
            "資格喪失の人数を確かめてください",
            "ファイルが全員分で、資格喪失日の列も正しいときだけ、「確かめました」にチェックを付けて取り込んでください。",
            &[],
        )
    },
};

/// No file was chosen, or an empty one.
pub const FILE_EMPTY: Reason = Reason {
    code: "roster_file_empty",
    kind: RefusalKind::Mend,
    detail: "The file is empty.",
    words: |_, _| {
        Words::new(
            "ファイルが選ばれていないか、空です",
            "加入者の名簿のファイルを選んでから、「読み込む」を押してください。",
            &[ANEW],
        )
    },
};

/// Larger than it may be.
pub const FILE_TOO_LARGE: Reason = Reason {
    code: "roster_file_too_large",
    kind: RefusalKind::Mend,
    detail: "The file is larger than 512 MiB.",
    words: |_, _| {
        Words::new(
            "ファイルが大きすぎます",
            "読み込めるのは512MBまでです。加入者の名簿のファイルかどうかをお確かめください。使わない列を取り除くと、小さくなります。何も取り込んでいません。",
            &[ANEW],
        )
    },
};

/// It is no table that can be read.
pub const FILE_UNREADABLE: Reason = Reason {
    code: "roster_file_unreadable",
    kind: RefusalKind::Mend,
    detail: "The file is neither a CSV in UTF-8 or CP932 nor a workbook that can be read.",
    words: |_, _| {
        Words::new(
            "CSVかExcelのファイルとして読めませんでした",
            "文字コードがUTF-8かShift_JISのCSVファイルか、シートが1枚で20MB・100,000行までのExcelのブック（.xlsx）を選んでください。壊れたブック、パスワードの付いたブック、古い形式（.xls）のブックは読めません。Excelで開けるときは、パスワードを外して、「Excelブック」か「CSV UTF-8（コンマ区切り）」の形式で保存し直してください。何も取り込んでいません。",
            &[ANEW],
        )
    },
};

/// Lines of JSON, of which nobody said that they are.
pub const FILE_IS_JSON: Reason = Reason {
    code: "roster_file_is_json",
    kind: RefusalKind::Mend,
    detail: "The file begins with `{`, as lines of JSON do: send those with `format=ndjson`.",
    words: |_, _| {
        Words::new(
            "CSVかExcelのファイルではないようです",
            "JSONのファイルのようです。CSVかExcelのファイルを選び直してください。何も取り込んでいません。",
            &[ANEW],
        )
    },
};

/// It did not come to its end.
pub const FILE_BROKEN_OFF: Reason = Reason {
    code: "roster_file_broken_off",
    kind: RefusalKind::Mend,
    detail: "The file did not come to its end.",
    words: |_, _| {
        Words::new(
            "ファイルの送信が途中で終わりました",
            "通信が途切れたようです。何も取り込んでいません。もう一度ファイルを選んで、「読み込む」を押してください。",
            &[ANEW],
        )
    },
};

/// Another that the same person or program began with meanwhile has taken its place.
pub const FILE_REPLACED: Reason = Reason {
    code: "roster_file_replaced",
    kind: RefusalKind::Outdated,
    detail: "Another file that was sent at the same time, by the same person or program, has taken the place of this one.",
    words: |_, _| {
        Words::new(
            "同時に送信された別のファイルに替わりました",
            "このファイルを送信しているあいだに、別のファイルの送信が始まりました。このファイルは取り込んでいません。取り込みの一覧で、今の状態をお確かめください。",
            &[IMPORTS, ANEW],
        )
    },
};

/// Why a file is not taken.
pub(super) const NOT_TAKEN: NotTaken = NotTaken {
    empty: FILE_EMPTY,
    too_large: FILE_TOO_LARGE,
    unreadable: FILE_UNREADABLE,
    replaced: FILE_REPLACED,
};

/// A file of changes was sent as a whole roster, or the other way round.
pub const MODE_MISMATCH: Reason = Reason {
    code: "roster_mode_mismatch",
    kind: RefusalKind::Mend,
    detail: "A file of changes has the column of movements (異動区分), and a whole roster has not. `mode` says otherwise.",
    words: |_, _| {
        Words::new(
            "全員分か異動分かが、ファイルと合いません",
            "異動区分の列があるファイルは異動分として、ないファイルは全員分として送ってください。何も取り込んでいません。",
            &[],
        )
    },
};

/// It is another program's, or the staff's by now.
pub const OF_OTHERS: Reason = Reason {
    code: "roster_import_of_others",
    kind: RefusalKind::Forbidden,
    detail: "Another program or the staff brought this import, or have taken it over. A program acts on its own.",
    words: |_, _| {
        Words::new(
            "ほかの方の取り込みです",
            "この取り込みは、ほかの連携先か職員が進めています。取り込みの一覧で、今の状態をお確かめください。",
            &[IMPORTS],
        )
    },
};

/// Two of the staff agree to it.
pub const TWO_IMPORT: Reason = Reason {
    code: "roster_import_by_two",
    kind: RefusalKind::Forbidden,
    detail: "At this insurer two of the staff agree to what this import changes. It waits for them in the console.",
    words: |_, _| {
        Words::new(
            "この取り込みには、職員2人の確認が必要です",
            "取り込みの一覧から開いて、変わる内容を確かめ、取り込んでください。",
            &[IMPORTS],
        )
    },
};

/// A program had it compared, and nobody said that it is to be imported.
pub const ONLY_COMPARED: Reason = Reason {
    code: "roster_only_compared",
    kind: RefusalKind::Outdated,
    detail: "A program only had this file compared (`dry_run`). It is imported once the program confirms it.",
    words: |_, _| {
        Words::new(
            "このファイルは、連携先が試しに送ったものです",
            "何も取り込んでいません。取り込むのは、送った連携先です。連携先のシステムの担当者に、取り込みの確定か、ファイルの送り直しを頼んでください。",
            &[IMPORTS],
        )
    },
};

/// It was undone before.
pub const UNDONE_ALREADY: Reason = Reason {
    code: "roster_undone_already",
    kind: RefusalKind::Outdated,
    detail: "This import has been undone already.",
    words: |_, _| {
        Words::new(
            "この取り込みは、もう取り消してあります",
            "何も変更していません。取り込みの一覧で、取り消した結果をお確かめください。",
            &[IMPORTS],
        )
    },
};

/// Nothing is known of what it changed.
pub const NOT_UNDOABLE: Reason = Reason {
    code: "roster_not_undoable",
    kind: RefusalKind::Outdated,
    detail: "This import did not end, changed nobody, or is of before old values were kept or kept no longer.",
    words: |_, _| {
        Words::new(
            "この取り込みは取り消せません",
            "取り込みが終わっていないか、変わった方がいないか、前の内容が残っていません。前の名簿のファイルがあれば、それを取り込むと元に戻せます。",
            &[IMPORTS],
        )
    },
};

/// All of them.
pub const REASONS: [Reason; 17] = [
    ANOTHER_RUN,
    UNDONE_ALREADY,
    NOT_UNDOABLE,
    RUN_MOVED_ON,
    RUN_OVER,
    COLUMNS_UNCLEAR,
    LOSS_NOT_AGREED,
    FILE_EMPTY,
    FILE_TOO_LARGE,
    FILE_UNREADABLE,
    FILE_IS_JSON,
    FILE_BROKEN_OFF,
    FILE_REPLACED,
    MODE_MISMATCH,
    OF_OTHERS,
    ONLY_COMPARED,
    TWO_IMPORT,
];
