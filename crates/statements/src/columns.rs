//! The columns of the two formats (domain.md §6). Codes are what no spreadsheet may have seen a number or a day in.

use crate::kind::Kind;
use kernel::text;
use tabular::{Choice, Mapping};

tabular::columns! {
    /// A column of 医療費通知, a row per claim.
    pub enum CostColumn {
        /// 処理年月: the same in all rows.
        Label: optional value "処理年月",
        /// By which later files correct the row.
        Claim: optional code "レセプト番号" or "検索番号",
        /// 記号.
        Symbol: optional code "記号" or "被保険者証記号",
        /// 番号.
        Number: optional code "番号" or "被保険者証番号",
        /// 枝番.
        Branch: optional code "枝番",
        /// 個人ID.
        PersonalId: optional code "個人ID",
        /// 生年月日.
        BirthDate: optional value "生年月日",
        /// The month of treatment.
        Month: required value "診療年月",
        /// What was treated how.
        Category: required value "診療区分",
        /// For how many days.
        Days: optional value "日数" or "回数" or "日数（回数）",
        /// Where; blank of 柔整 and the like.
        Institution: optional value "医療機関等名称" or "医療機関名",
        /// What it cost.
        Total: required value "医療費の総額",
        /// What the insurer pays.
        Insurer: required value "保険者の負担額",
        /// What was paid at the window.
        Copay: required value "窓口相当負担額" or "自己負担額" or "窓口負担額",
        /// What others pay.
        Public: optional value "その他の公費の負担額",
        /// What meals cost.
        Meal: optional value "標準負担額" or "標準負担額（食事）",
        /// What the insurer gives back.
        Benefit: optional value "支給額",
        /// 1 where the claim is taken back.
        Withdrawn: optional value "取消区分",
    }
}

tabular::columns! {
    /// A column of ジェネリック差額明細, a row per medicine of a claim.
    pub enum MedicineColumn {
        /// 処理年月: the same in all rows.
        Label: optional value "処理年月",
        /// By which later files correct the row; a claim's lines share it.
        Claim: optional code "レセプト番号" or "検索番号",
        /// 記号.
        Symbol: optional code "記号" or "被保険者証記号",
        /// 番号.
        Number: optional code "番号" or "被保険者証番号",
        /// 枝番.
        Branch: optional code "枝番",
        /// 個人ID.
        PersonalId: optional code "個人ID",
        /// 生年月日.
        BirthDate: optional value "生年月日",
        /// The month in which it was given out.
        Month: required value "調剤年月" or "診療年月",
        /// By whom.
        Pharmacy: optional value "薬局等名称",
        /// How it is taken.
        Form: required value "剤形区分",
        /// レセ電 code.
        Drug: required code "医薬品コード",
        /// How much a day, or at a time.
        Daily: required value "1日量" or "1回量",
        /// For how many days, or times.
        Count: required value "日数" or "回数" or "日数（回数）",
        /// 負担割合.
        Rate: required value "負担割合",
        /// 1 where the claim is taken back.
        Withdrawn: optional value "取消区分",
    }
}

/// All columns of a kind's format, in its order, and where a file with these headers has them.
pub fn locate(kind: Kind, headers: &[String], mapping: &Mapping) -> Vec<Choice> {
    match kind {
        Kind::Costs => Choice::all::<CostColumn>(headers, mapping),
        Kind::Medicines => Choice::all::<MedicineColumn>(headers, mapping),
    }
}

/// What the portal does not take: diagnoses, acts of treatment, マイナンバー.
const FORBIDDEN: [&str; 5] = ["傷病", "病名", "診療行為", "個人番号", "マイナンバー"];

/// True of a header by which a file is refused whole.
pub fn forbidden(header: &str) -> bool {
    let header: String = text::normalize_dense(header)
        .chars()
        .map(text::hiragana_to_katakana)
        .collect();
    FORBIDDEN.iter().any(|word| header.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tabular::Column as _;

    #[test]
    fn diagnoses_acts_and_my_numbers_are_known_by_their_headers_in_any_width() {
        for header in [
            "傷病名",
            "傷病名コード",
            "傷病名１",
            "主傷病名",
            "病名",
            " 傷 病 名 ",
            "傷病名\n（主）",
            "傷病\u{200B}名",
            "診療行為",
            "診療行為コード",
            "個人番号",
            "個人番号（マイナンバー）",
            "本人の個人番号",
            "ﾏｲﾅﾝﾊﾞｰ",
            "まいなんばー",
        ] {
            assert!(forbidden(header), "{header}");
        }
        for header in ["個人ID", "番号", "レセプト番号", "診療区分", "診療年月", "備考", ""] {
            assert!(!forbidden(header), "{header}");
        }
    }

    #[test]
    fn a_column_is_where_its_name_stands_or_where_somebody_said() {
        let headers: Vec<String> = ["点数", "番号", "ｺｰﾄﾞ"].map(str::to_owned).into();
        let mapping = [("医薬品コード", "コード")].map(|(column, header)| (column.to_owned(), header.to_owned()));
        let found = locate(Kind::Medicines, &headers, &mapping.into_iter().collect());
        assert_eq!(found.len(), MedicineColumn::ALL.len());
        let has: Vec<(&str, usize)> = found.iter().filter_map(|of| Some((of.column, of.place?))).collect();
        assert_eq!(has, [("番号", 1), ("医薬品コード", 2)]);
    }

    #[test]
    fn no_column_of_the_formats_is_forbidden() {
        let costs = CostColumn::ALL.iter().flat_map(|column| column.names());
        let medicines = MedicineColumn::ALL.iter().flat_map(|column| column.names());
        assert!(costs.chain(medicines).all(|name| !forbidden(name)));
    }
}
