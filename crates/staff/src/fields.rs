//! The fields of staff's forms with their labels.

use kernel::Field;

/// 保険者指定コード.
pub const INSURER_CODE: Field = Field::new("insurer_code", "保険者指定コード");
/// メールアドレス.
pub const EMAIL: Field = Field::new("email", "メールアドレス")
    .takes("メールアドレスに、使えない文字が入っています。もう一度入力してください");
/// パスワード.
pub const PASSWORD: Field = Field::new("password", "パスワード");
/// 今のパスワード.
pub const CURRENT_PASSWORD: Field = Field::new("current_password", "今のパスワード");
/// 氏名.
pub const NAME: Field =
    Field::new("name", "氏名").takes("氏名に、使えない文字が入っています。もう一度入力してください");
/// 担当する記号.
pub const SYMBOLS: Field = Field::new("symbols", "担当する記号")
    .or_empty("事業所担当には、担当する記号か事業所コードを入力してください")
    .takes("記号に、使えない文字が入っています。もう一度入力してください");
/// 担当する事業所コード.
pub const CODES: Field = Field::new("codes", "担当する事業所コード")
    .takes("事業所コードに、使えない文字が入っています。もう一度入力してください");
/// 担当する記号, where there are more than a role reaches.
pub const BOUNDS: Field =
    Field::new("symbols", "担当する記号").takes("担当する記号と事業所コードは、合わせて100件以内で入力してください");

/// The digits that an authenticator app shows.
pub const APP_CODE: Field =
    Field::new("app_code", "6桁のコード").takes("6桁のコードは、認証アプリに表示されている6桁の数字を入力してください");
/// A printed code.
pub const PRINTED_CODE: Field =
    Field::new("printed_code", "確認コード").takes("確認コードは、印刷した16文字の英字と数字を、1つ入力してください");
/// What somebody calls a second factor.
pub const LABEL: Field = Field::new("label", "名前");
