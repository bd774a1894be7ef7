//! The columns of the format as the roster's tables have them.

use crate::import::columns::Column;
use tabular::Column as _;

/// The columns a row states, with what they are called in the table and what goes with them. A file without an
/// optional column says nothing about it; only branch and loss are stated by their absence too.
pub(crate) const STATED: [(Column, &[&str]); 21] = [
    (Column::Symbol, &["symbol", "symbol_key"]),
    (Column::Number, &["number", "number_key"]),
    (Column::Branch, &["branch", "branch_key"]),
    (
        Column::KanaName,
        &["kana_name", "kana_strict", "kana_fold1", "kana_fold2"],
    ),
    (Column::Name, &["name", "name_key"]),
    (Column::Gender, &["gender"]),
    (Column::BirthDate, &["birth_date"]),
    (Column::Attribute, &["attribute"]),
    (Column::Relationship, &["relationship", "relation", "insured"]),
    (Column::AcquiredOn, &["acquired_on"]),
    (Column::LostOn, &["lost_on"]),
    (Column::PostalCode, &["postal_code"]),
    (Column::Address, &["address"]),
    (Column::Building, &["building"]),
    (Column::Phone, &["phone", "phone_key"]),
    (Column::Email, &["email", "email_key"]),
    (Column::WorkplaceCode, &["workplace_code"]),
    (Column::DepartmentCode, &["department_code"]),
    (Column::DistributionCode, &["distribution_code"]),
    (Column::EmployeeNumber, &["employee_number", "employee_key"]),
    (Column::PersonalId, &["personal_id"]),
];

/// What a column of the format is called in `persons`; empty of the one that says what a row is.
pub(crate) fn name(column: Column) -> &'static str {
    let stated = STATED.iter().find(|(known, _)| *known == column);
    stated
        .and_then(|(_, names)| names.iter().next())
        .copied()
        .unwrap_or_default()
}

/// What a column of `persons` is called in the format; nothing of those that it has not.
pub(super) fn called(name: &str) -> Option<&'static str> {
    let mut stated = STATED.into_iter();
    let (column, _) = stated.find(|(_, names)| names.iter().next().is_some_and(|first| *first == name))?;
    Some(column.name())
}

/// True for columns that are made of others.
pub(super) fn is_key(name: &str) -> bool {
    name == "relation" || name.ends_with("_key") || name.starts_with("kana_strict") || name.starts_with("kana_fold")
}

/// The columns that a person's row has of its own, in one order: those of the format, and whether the person was in the last
/// roster.
pub(crate) fn fields() -> impl Iterator<Item = &'static str> {
    let own = STATED.into_iter().flat_map(|(_, names)| names.iter().copied());
    own.filter(|name| !is_key(name)).chain(["present"])
}

/// The same of the person `p`, as one array of texts; what is not given is empty.
pub(crate) fn values() -> String {
    let texts: Vec<String> = fields().map(|name| format!("coalesce(p.{name}::text, '')")).collect();
    format!("ARRAY[{}]", texts.join(", "))
}
