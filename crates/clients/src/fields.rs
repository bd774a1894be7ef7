//! The fields of forms about clients, with their labels.

use kernel::Field;

/// 連携先の名前.
pub const NAME: Field =
    Field::new("name", "連携先の名前").takes("連携先の名前に、使えない文字が入っています。もう一度入力してください");
/// 連絡先メールアドレス.
pub const CONTACT: Field = Field::new("contact", "連絡先メールアドレス")
    .takes("連絡先メールアドレスに、使えない文字が入っています。もう一度入力してください");
/// 権限の範囲.
pub const SCOPES: Field = Field::new("scopes", "権限の範囲").or_empty("権限の範囲を、1つ以上選んでください");
/// 連携先のネットワーク.
pub const NETWORKS: Field = Field::new("networks", "連携先のネットワーク")
    .takes("連携先のネットワークは、203.0.113.0/28 のように、IPアドレスまたはその範囲を、20件以内で入力してください");
/// 最後に使える日.
pub const EXPIRES_ON: Field = Field::new("expires_on", "最後に使える日");
/// One of the scopes that a token is asked for.
pub(crate) fn scope(word: &str) -> Field {
    Field {
        name: format!("scope {word}").into(),
        ..Field::new("scope", "権限の範囲")
    }
}

/// For which insurer a token is asked.
pub const INSURER_CODE: Field = Field::new("insurer_code", "保険者指定コード");
/// 連携先のID.
pub const CLIENT: Field = Field::new("client_id", "連携先のID")
    .takes("連携先のIDは、cl_ で始まる文字を、事業者から伝えられたとおりに入力してください");
