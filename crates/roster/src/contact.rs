//! Where a person can be reached, and what else of them only they and staff are shown.

use database::{DatabaseError, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Integer, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// As the insurer has it; what it doesn't say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, QueryableByName)]
pub struct Contact {
    /// 性別: `1` 男, `2` 女, `9` unknown.
    #[diesel(sql_type = Text)]
    pub gender: String,
    /// 郵便番号.
    #[diesel(sql_type = Text)]
    pub postal_code: String,
    /// 住所.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// 住所（建物名）.
    #[diesel(sql_type = Text)]
    pub building: String,
    /// 電話.
    #[diesel(sql_type = Text)]
    pub phone: String,
}

impl Contact {
    /// 性別 as people say it; empty where it is unknown.
    pub fn gender_word(&self) -> &'static str {
        match &*self.gender {
            "1" => "男性",
            "2" => "女性",
            _ => "",
        }
    }
}

/// The contact of a person; none where this insurer has no such person.
pub async fn contact(tx: &TenantTransaction, person: PersonId) -> Result<Option<Contact>, DatabaseError> {
    let query = diesel::sql_query(CONTACT)
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person);
    Ok(query.get_result(&mut &**tx).await.optional()?)
}

const CONTACT: &str = "
    SELECT gender, postal_code, address, building, phone FROM persons
    WHERE tenant_id = $1 AND person_id = $2 AND emptied_at IS NULL";
