//! All that the roster says of one person, for staff.

use crate::{
    Person, Sight,
    person::{COLUMNS, PersonRow},
};
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    OptionalExtension as _, QueryableByName,
    pg::Pg,
    sql_types::{Bool, Integer, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::PersonId;

/// What the roster says of a person. What it doesn't say is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What the rest of the house asks of them.
    pub person: Person,
    /// What only staff are shown.
    pub rest: Rest,
}

/// What only staff are shown.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Rest {
    /// 性別: `1` 男, `2` 女, `9` unknown.
    #[diesel(sql_type = Text)]
    pub gender: String,
    /// 被保険者属性名.
    #[diesel(sql_type = Text)]
    pub attribute: String,
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
    /// 配付先コード.
    #[diesel(sql_type = Text)]
    pub distribution_code: String,
    /// 個人ID.
    #[diesel(sql_type = Text)]
    pub personal_id: String,
    /// In the last whole roster.
    #[diesel(sql_type = Bool)]
    pub present: bool,
    /// When the person first came into the roster.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// The columns of [`Rest`], for statements on a person `p`.
pub(crate) const REST: &str = "p.gender, p.attribute, p.postal_code, p.address, p.building, p.phone, \
    p.distribution_code, p.personal_id, p.present, p.created_at, p.updated_at";

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    person: PersonRow,
    #[diesel(embed)]
    rest: Rest,
}

/// What the roster says of a person whom `sight` sees; `None` for everybody else, as for whom there is not.
pub async fn facts(tx: &TenantTransaction, sight: &Sight, person: PersonId) -> Result<Option<Facts>, DatabaseError> {
    let sql = format!(
        "SELECT {COLUMNS}, {REST}
         FROM persons p WHERE p.tenant_id = $1 AND p.person_id = $2 AND p.emptied_at IS NULL{}",
        sight.condition(3)
    );
    let query = diesel::sql_query(sql)
        .into_boxed::<Pg>()
        .bind::<Integer, _>(tx.tenant())
        .bind::<Uuid, _>(person);
    let row: Option<Row> = Prepared(sight.bind(query)).get_result(&mut &**tx).await.optional()?;
    row.map(|row| {
        Ok(Facts {
            person: Person::try_from(row.person)?,
            rest: row.rest,
        })
    })
    .transpose()
}
