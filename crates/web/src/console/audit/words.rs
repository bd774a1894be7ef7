//! What the trail's codes are called. A test holds the pages that were looked at against all that the sources name.

/// What is recorded, in the order in which the form lists it.
pub const ACTIONS: &[(&str, &str)] = &[
    ("person.look", "加入者の画面の閲覧"),
    ("people.look", "一覧の閲覧"),
    ("audit.export", "監査記録のCSV作成"),
    ("letters.export", "案内状のCSV作成"),
    ("consents.export", "同意した方のCSV作成"),
    ("roster.errors", "取り込みの誤りのCSV作成"),
    ("roster.bring", "名簿ファイルの受け取り"),
    ("roster.start", "名簿の取り込みの開始"),
    ("roster.wait", "名簿の取り込みの確認待ち"),
    ("roster.import", "名簿の取り込み"),
    ("roster.undo.start", "名簿の取り込みの取り消しの開始"),
    ("roster.undo", "名簿の取り込みの取り消し"),
    ("roster.cancel", "名簿の取り込みの中止"),
    ("statements.errors", "明細の誤りのCSV作成"),
    ("statements.bring", "明細のファイルの受け取り"),
    ("statements.start", "明細の取り込みの開始"),
    ("statements.wait", "明細の取り込みの確認待ち"),
    ("statements.import", "明細の取り込み"),
    ("statements.cancel", "明細の取り込みの中止"),
    ("statements.plan", "明細の公開の予約"),
    ("statements.plan.cancel", "明細の公開の予約の取りやめ"),
    ("statements.publish", "明細の公開"),
    ("statements.withdraw", "明細の公開の取りやめ"),
    ("costs.export", "医療費のファイルの保存"),
    ("medicines.export", "お薬のファイルの保存"),
    ("statements.held", "加入者を確かめられなかった明細の再照合"),
    ("statements.settle", "保留の行の割り当て"),
    ("statements.drop", "保留の行の取り除き"),
    ("statements.forget", "覚えている記号・番号の取り消し"),
    ("statements.claim.withdraw", "レセプトの取り下げ"),
    ("statements.claim.restore", "レセプトの取り下げの取り消し"),
    ("disclosure.change", "ご家族への表示の変更"),
    ("disclosures.export", "表示の希望のCSV作成"),
    ("proof.change", "本人確認の記録の変更"),
    ("statements.settings", "明細の設定の変更"),
    ("statements.recompute", "お薬の明細の削減可能金額などの再計算"),
    ("drugs.import", "医薬品マスターの取り込み"),
    ("names.settle", "名寄せできない登録への対応"),
    ("roster.add", "加入者の追加"),
    ("roster.mend", "名簿の内容の変更"),
    ("person.forget", "期限の過ぎた加入者情報の消去"),
    ("protection.set", "保護の設定"),
    ("protection.lift", "保護の解除"),
    ("note.add", "応対の記録の追加"),
    ("note.strike", "応対の記録の取り消し"),
    ("account.unlock", "ログインの停止の解除"),
    ("account.close", "登録の取りやめ"),
    ("codes.unlock", "認証番号の制限の解除"),
    ("sign_up.identify", "登録：本人確認"),
    ("sign_up.create", "登録：アカウントの作成"),
    ("sign_up.confirm", "登録：認証番号の確認"),
    ("sign_up.resend", "登録：認証番号の再送"),
    ("session.open", "ログイン"),
    ("session.end", "ログアウト・ログインの終了"),
    ("session.end_others", "ほかの機器のログインの終了"),
    ("session.end_all", "すべての機器のログインの終了"),
    ("password.forgot", "パスワード再設定の申し込み"),
    ("password.mail_link", "パスワード再設定の案内の送信"),
    ("password.reset", "パスワードの再設定"),
    ("password.change", "パスワードの変更"),
    ("password.prove", "パスワードの確認"),
    ("user_id.forgot", "ユーザーIDのお知らせの申し込み"),
    ("email.ask", "メールアドレス変更の申し込み"),
    ("email.resend", "メールアドレス変更：認証番号の再送"),
    ("email.confirm", "メールアドレスの変更"),
    ("email.set", "職員によるメールアドレスの設定"),
    ("email.prove", "設定されたメールアドレスの確認"),
    ("email.cancel", "メールアドレスの設定の取り消し"),
    ("email.stop", "設定されたメールアドレスの本人による停止"),
    ("consent.give", "規約への同意"),
    ("mails.wish", "お知らせメールの希望の変更"),
    ("mails.stop", "お知らせメールの停止"),
    ("mail.undeliverable", "メールの不達"),
    ("factor.enrol", "2つ目の確認の登録"),
    ("factor.prove", "2つ目の確認"),
    ("factor.rename", "2つ目の確認の名前の変更"),
    ("factor.remove", "2つ目の確認の解除"),
    ("codes.make", "印刷した確認コードの作成"),
    ("staff.invite", "職員の招待"),
    ("staff.accept", "招待の受け入れ"),
    ("staff.link", "職員あてのリンクの使用"),
    ("staff.roles", "職員の役割の変更"),
    ("staff.suspend", "職員の停止"),
    ("staff.resume", "職員の停止の解除"),
    ("staff.reset_factor", "職員の2つ目の確認の取り消し"),
    ("client.create", "連携先の追加"),
    ("client.grant", "事業者の連携先の許可"),
    ("client.change", "連携先の変更"),
    ("client.rename", "連携先の名前と連絡先の変更"),
    ("client.rotate", "連携先の秘密鍵の作成"),
    ("client.suspend", "連携先の停止"),
    ("client.resume", "連携先の停止の解除"),
    ("client.revoke", "連携先の終了"),
    ("client.ungrant", "事業者の連携先の許可の取り消し"),
    ("client.enter", "連携先からの接続"),
    ("webhook.create", "接続先の登録"),
    ("webhook.change", "接続先の変更"),
    ("webhook.end", "接続先の削除"),
    ("webhook.rotate", "接続先の署名の鍵の作成"),
    ("webhook.enable", "接続先への通知の再開"),
    ("webhook.disable", "接続先への通知の停止"),
    ("webhook.test", "接続先へのテスト通知"),
    ("webhook.replay", "接続先への通知の送り直し"),
    ("token.issue", "連携先のアクセストークンの発行"),
    ("token.revoke", "連携先のアクセストークンの取り消し"),
    ("support.ask", "運営サポートの依頼"),
    ("support.grant", "運営サポートの許可"),
    ("support.enter", "運営サポートの開始"),
    ("support.end", "運営サポートの終了"),
    ("approval.ask", "承認の申請"),
    ("approval.agree", "申請の承認"),
    ("approval.decline", "申請を断る返事"),
    ("approval.withdraw", "申請の取り下げ"),
    ("approval.lapse", "申請の期限切れ"),
    ("approval.take", "承認されたファイルの受け取り"),
    ("notice.draft", "お知らせの下書き"),
    ("notice.edit", "お知らせの編集"),
    ("notice.ask", "お知らせの公開の依頼"),
    ("notice.publish", "お知らせの公開"),
    ("notice.change", "お知らせの変更"),
    ("notice.withdraw", "お知らせの取り下げ"),
    ("notice.end", "お知らせの掲載の終了"),
    ("notice.discard", "お知らせの下書きの削除"),
    ("terms.publish", "規約の公開"),
    ("terms.withdraw", "規約の取り下げ"),
    ("insurer.apply", "設定フォルダーの適用"),
    ("insurer.export", "設定フォルダーの書き出し"),
    ("insurer.revise", "設定の変更"),
    ("insurer.senders", "差出人のドメインの許可"),
    ("insurer.suspend", "保険者の停止"),
    ("insurer.resume", "保険者の再開"),
    ("alarm.raise", "ログイン失敗の警報"),
    ("job.retry", "失敗した処理のやり直し"),
    ("job.drop", "失敗した処理の取りやめ"),
    ("mail.send_again", "メールの再送"),
    ("maintenance.plan", "メンテナンスの予定"),
    ("maintenance.cancel", "メンテナンスの予定の取り消し"),
    ("keys.register", "鍵の登録"),
    ("keys.rehash_names", "ユーザーIDの鍵の交換"),
    ("keys.retire", "鍵の引退"),
    ("database.migrate", "データベースの更新"),
    ("database.prune", "期限の過ぎた記録の削除"),
];

pub(super) fn is_action(word: &str) -> bool {
    ACTIONS.iter().any(|(action, _)| *action == word)
}

pub(in crate::console) fn action(action: &str) -> &'static str {
    let known = ACTIONS.iter().find(|(known, _)| *known == action);
    known.map_or("その他の操作", |(_, words)| words)
}

/// How it ended; why it was refused is a code.
pub(in crate::console) fn outcome(outcome: &str) -> String {
    match outcome {
        "done" => "完了".into(),
        code => format!("できませんでした（{code}）"),
    }
}

/// A kind of actor.
pub(in crate::console) fn actor(kind: &str) -> &'static str {
    match kind {
        "visitor" => "ログイン前の方",
        "member" => "加入者",
        "staff" => "職員",
        "support" => "運営サポート",
        "operator" => "運用者",
        "client" => "連携先",
        _ => "システム",
    }
}

/// A kind of thing to which something was done.
pub(super) fn object(kind: &str) -> &'static str {
    match kind {
        "person" | "member" => "加入者",
        "account" => "加入者のアカウント",
        "ticket" => "登録の申し込み",
        "staff" => "職員",
        "client" => "連携先",
        "session" => "ログイン",
        "notice" => "お知らせ",
        "import" => "名簿の取り込み",
        "delivery" => "明細の提供分",
        "statement_run" => "明細の取り込み",
        "support" => "運営サポート",
        "approval" | "wish" => "承認の申請",
        "terms" => "規約",
        "job" => "処理",
        "mail" => "メール",
        "maintenance" => "メンテナンス",
        _ => "その他",
    }
}

/// Pages of people, as looks name them.
const SHOWN: &[(&str, &str)] = &[
    ("members", "加入者の一覧"),
    ("member", "加入者の画面"),
    ("coverage", "資格の状態"),
    ("household", "同じ記号・番号の方の一覧"),
    ("names", "名寄せできない登録の一覧"),
    ("workplace", "事業所の方の一覧"),
    ("protections", "保護の一覧"),
    ("letters", "案内状の一覧"),
    ("letters.print", "案内状の印刷"),
    ("letters.file", "案内状のCSV"),
    ("consents.file", "同意した方のCSV"),
    ("disclosures", "表示の希望の一覧"),
    ("disclosure", "表示の希望"),
    ("disclosures.file", "表示の希望のCSV"),
    ("roster.run", "名簿の取り込みの内容"),
    ("statements.run", "明細の取り込みの内容"),
    ("notice", "個人あてのお知らせ"),
    ("approval", "承認の申請"),
    ("approvals", "承認の一覧"),
    ("audit", "監査記録"),
    ("members.changes", "加入者の変更の一覧"),
    ("registrations", "利用登録の一覧"),
    ("consents", "規約に同意した方の一覧"),
    ("mails", "メールの送信の状況"),
    ("statements.held", "保留の行"),
    ("statements.held.people", "保留の行を割り当てる方の一覧"),
    ("statements.held.settle", "保留の行の割り当ての確認"),
    ("statements.remembered", "覚えている記号・番号"),
    ("statements.struck", "取り下げたレセプトの一覧"),
    ("statements.claim", "レセプトの確認"),
    ("preview", "表示の確認で選ぶ方"),
    ("sandbox.mail", "お試し環境のメール"),
    ("sandbox.mails", "お試し環境のメールの一覧"),
    ("statements.preview", "表示の確認"),
];

/// A page of people, or a list of them.
pub(super) fn shown(what: &str) -> &'static str {
    let known = SHOWN.iter().find(|(known, _)| *known == what);
    known.map_or("その他の画面", |(_, words)| words)
}

/// A door.
pub(super) fn channel(channel: &str) -> &'static str {
    match channel {
        "portal" => "マイページ",
        "console" => "管理画面",
        "api" => "API",
        "command" => "コマンド",
        _ => "自動処理",
    }
}

/// What a detail is called; one that few will ask for keeps its code.
pub(super) fn detail(name: &str) -> String {
    let words = match name {
        "what" => "見た画面",
        "filters" => "絞り込みの種類",
        "people" => "表示した人数",
        "reason" | "why" => "理由",
        "grant" => "運営サポートの許可の番号",
        "by" => "実行した人",
        "hours" => "時間数",
        "revision" | "version" => "版",
        "changes" => "変わった項目の数",
        "encoding" => "文字コード",
        "rows" => "行数",
        "new" => "追加",
        "changed" => "変更",
        "lost" => "資格喪失",
        "returned" => "再加入",
        "unchanged" => "変更なし",
        "kind" => "種類",
        "label" => "処理年月",
        "replaced" => "置き換えた版",
        "superseded" => "表示が変わった行数",
        "held" => "保留の行数",
        "settled" => "加入者を確かめられた行数",
        "notice" => "お知らせの掲載",
        "agent" => "ブラウザーの種類",
        "ended" => "終了した数",
        "failures" => "失敗の回数",
        "former" => "前の名前",
        "name" => "名前",
        "scopes" => "権限の範囲",
        "networks" => "連携先のネットワーク",
        "expires_on" => "最後に使える日",
        "identified" => "本人確認の方法",
        other => return other.to_owned(),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    /// What the sources below a folder name beside a look.
    fn looked_at(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                looked_at(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let calls = ["list", "person"].map(|made| format!("Look::{made}("));
                let after = calls.each_ref().map(|call| text.split(call.as_str()).skip(1));
                let named = after
                    .into_iter()
                    .flatten()
                    .filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
                found.extend(named.map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_page_of_people_has_its_words() {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap() {
            let source = entry.unwrap().path().join("src");
            if source.is_dir() {
                looked_at(&source, &mut found);
            }
        }
        assert!(found.len() > 8, "{found:?}");
        for what in found {
            assert_ne!(shown(&what), "その他の画面", "{what}");
        }
    }
}
