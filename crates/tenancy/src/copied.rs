//! What a new insurer's folder still holds of the folder that it was copied from. No fault: two insurers may share a desk.

use crate::{Folder, Settings, directory::InsurerRow, schema::insurers};
use database::DatabaseError;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// More would say no more.
const MOST_NAMED: usize = 3;

/// Another insurer.
struct Other {
    code: String,
    settings: Settings,
}

/// Terms, phone or sender that are another insurer's, in English, a line each.
pub(crate) async fn remarks(connection: &mut AsyncPgConnection, folder: &Folder) -> Result<Vec<String>, DatabaseError> {
    let Some(code) = &folder.code else { return Ok(vec![]) };
    let rows: Vec<InsurerRow> = insurers::table
        .filter(insurers::insurer_code.ne(code.as_str()))
        .order(insurers::tenant_id)
        .select(InsurerRow::as_select())
        .load(connection)
        .await?;
    let mut others = Vec::with_capacity(rows.len());
    for row in rows {
        let settings = row.settings()?;
        if let Some(code) = row.insurer_code {
            others.push(Other { code, settings });
        }
    }
    Ok(compare(folder, &others))
}

fn compare(folder: &Folder, others: &[Other]) -> Vec<String> {
    let own = &folder.settings;
    let mut remarks = Vec::new();
    let mut remark = |what: String, is_theirs: &dyn Fn(&Other) -> bool| {
        if let Some(named) = named(others.iter().filter(|other| is_theirs(other))) {
            remarks.push(format!("{what} of {named}: copied?"));
        }
    };
    remark(format!("desk.phone {} is also that", own.desk.phone), &|other| {
        digits(&other.settings.desk.phone) == digits(&own.desk.phone)
    });
    remark(
        format!("sender.address {} is also that", own.sender.address.as_str()),
        &|other| other.settings.sender.address == own.sender.address,
    );
    remark(format!("sender.name {} is also that", own.sender.name), &|other| {
        other.settings.sender.name == own.sender.name
    });
    for terms in &folder.terms {
        let name = format!("terms/{}.{}.md", terms.head.document, terms.head.revision);
        remark(format!("{name} is word for word that"), &|other| {
            let mut theirs = other.settings.terms.iter();
            theirs.any(|head| head.content_hash == terms.head.content_hash)
        });
        remark(format!("{name} holds the name"), &|other| {
            let name = &other.settings.name;
            terms.body.contains(name) && !own.name.contains(name)
        });
    }
    remarks
}

fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

/// `32290413 (奈良県市町村職員共済組合)`; none of none.
fn named<'a>(others: impl Iterator<Item = &'a Other>) -> Option<String> {
    let all: Vec<String> = others
        .map(|other| format!("{} ({})", other.code, other.settings.name))
        .collect();
    let more = all.len().saturating_sub(MOST_NAMED);
    let first = all.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match (all.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(first),
        (false, more) => Some(format!("{first} and {more} more")),
    }
}
