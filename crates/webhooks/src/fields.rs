//! The fields of an endpoint, with their labels.

use kernel::Field;

/// 接続先のURL.
pub const URL: Field = Field::new("url", "接続先のURL")
    .takes("接続先のURLは、https:// で始まる、公開されているアドレスを入力してください");
/// 通知の種類.
pub const EVENTS: Field = Field::new("events", "通知の種類").or_empty("通知の種類を、1つ以上選んでください");
/// When a range begins.
pub const FROM: Field = Field::new("from", "始まりの日時")
    .takes("始まりの日時を、2026-12-05 22:00や令和8年12月5日 22:00のように入力してください");
/// When it ends.
pub const UNTIL: Field = Field::new("until", "終わりの日時")
    .takes("終わりの日時を、2026-12-06 06:00や令和8年12月6日 6:00のように入力してください");
