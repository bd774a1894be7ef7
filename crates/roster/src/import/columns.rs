//! The columns of the roster format (domain.md §9).

tabular::columns! {
    /// A column of the format.
    pub(crate) enum Column {
        Symbol: required code "被保険者証記号",
        Number: required code "番号",
        Branch: optional code "枝番",
        KanaName: required code "対象者氏名（カナ）",
        Name: optional code "氏名（漢字）",
        Gender: optional value "性別",
        BirthDate: required value "生年月日",
        Attribute: optional value "被保険者属性名",
        Relationship: required code "続柄名称",
        AcquiredOn: optional value "資格取得日" or "資格取得日（家族認定日）",
        LostOn: optional value "資格喪失日" or "資格喪失日（家族削除日）",
        PostalCode: optional code "郵便番号",
        Address: optional value "住所",
        Building: optional value "住所（建物名）",
        Phone: optional code "電話",
        Email: optional value "メール",
        WorkplaceCode: optional code "事業所コード",
        DepartmentCode: optional code "所属コード",
        DistributionCode: optional code "配付先コード",
        EmployeeNumber: optional code "社員コード",
        PersonalId: optional code "個人ID",
        // Where a file has it, it is one of changes: nobody is lost by not standing in it.
        Movement: optional code "異動区分",
    }
}

/// Where they stand in one file.
pub(super) type Header = tabular::Header<Column>;
