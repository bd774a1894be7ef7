//! The pipeline's fields with their labels (the manual's words) and what each says of what it does not take.

use kernel::Field;

/// 保険者指定コード.
pub const INSURER_CODE: Field = Field::new("insurer_code", "保険者指定コード");
/// 記号.
pub const SYMBOL: Field = Field::new("symbol", "記号")
    .takes("記号は、書面の「記号」の欄に書かれているものだけを、そのとおりに入力してください");
/// 番号.
pub const NUMBER: Field = Field::new("number", "番号")
    .takes("番号は、書面の「番号」の数字だけを入力してください。記号や枝番（2桁）は、いっしょに入れないでください");
/// 生年月日.
pub const BIRTH_DATE: Field = Field::new("birth_date", "生年月日")
    .or_empty("生年月日の年・月・日を選んでください")
    .takes("生年月日の年・月・日を、もう一度選んでください");
/// 氏名（カナ）.
pub const KANA_NAME: Field =
    Field::new("kana_name", "氏名（カナ）").takes("氏名（カナ）は、ひらがなかカタカナだけで入力してください");
/// 社員番号.
pub const EMPLOYEE_NUMBER: Field =
    Field::new("employee_number", "社員番号").takes("社員番号は、英字と数字で入力してください");
/// ユーザーID.
pub const USER_ID: Field =
    Field::new("user_id", "ユーザーID").takes("ユーザーIDは、英字・数字と @ - _ + だけで入力してください");
/// パスワード.
pub const PASSWORD: Field = Field::new("password", "パスワード");
/// 今のパスワード.
pub const CURRENT_PASSWORD: Field = Field::new("current_password", "今のパスワード");
/// メールアドレス.
pub const EMAIL: Field = Field::new("email", "メールアドレス")
    .takes("メールアドレスに、使えない文字が入っています。もう一度入力してください");
/// 認証番号.
pub const CODE: Field = Field::new("code", "認証番号").takes("認証番号は、メールに書かれた6桁の数字を入力してください");
/// 利用規約.
pub const AGREE: Field = Field::new("agree", "利用規約").or_empty("利用規約に同意する場合は、チェックを入れてください");

/// What became of names that nobody could tell apart.
pub const SETTLED: Field = Field::new("settled", "結果").or_empty("どうなったかを選んでください");

/// All of them.
pub const FIELDS: [Field; 13] = [
    INSURER_CODE,
    SYMBOL,
    NUMBER,
    BIRTH_DATE,
    KANA_NAME,
    EMPLOYEE_NUMBER,
    USER_ID,
    PASSWORD,
    CURRENT_PASSWORD,
    EMAIL,
    CODE,
    AGREE,
    SETTLED,
];
