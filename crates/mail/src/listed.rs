//! Mails as programs list them: how far each is, never to whom it went nor what it said.

use crate::MailState;
use chrono::{DateTime, Utc};
use database::{DatabaseError, Prepared, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::MailId;
use uuid::Uuid;

/// Mails that nobody but their reader is told of: that there was one tells that somebody was treated.
pub const UNTOLD: [&str; 1] = ["new_statement"];

/// How far a mail is.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Posted {
    /// Which.
    #[diesel(sql_type = SqlUuid)]
    pub mail_id: MailId,
    /// Its message's name.
    #[diesel(sql_type = Text)]
    pub template: String,
    /// Whom it is about, where it is about somebody.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub subject_id: Option<Uuid>,
    /// As [`MailState::as_str`] has it.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// When it was written.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it came to its end; none while it is queued.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
}

/// Which of them.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Those that are so far alone.
    pub state: Option<MailState>,
    /// Those for which this holds, a condition on `mails` in a statement whose tenant is `$1`.
    pub shown: &'a str,
}

/// The mails that are kept, the last written first, after one of them; `limit` at most.
pub async fn listed(
    tx: &TenantTransaction,
    asked: Asked<'_>,
    after: Option<MailId>,
    limit: u32,
) -> Result<Vec<Posted>, DatabaseError> {
    let query = diesel::sql_query(listed_sql(asked.state, asked.shown))
        .bind::<Integer, _>(tx.tenant())
        .bind::<SqlUuid, _>(after.unwrap_or(MailId(Uuid::max())))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Array<Text>, _>(UNTOLD.as_slice());
    Ok(Prepared(query).load(&mut &**tx).await?)
}

/// What has not been sent is sought by the index of these alone, whose condition is said as it says it.
fn listed_sql(state: Option<MailState>, shown: &str) -> String {
    let is_so_far = match state {
        None => String::new(),
        Some(MailState::Sent) => " AND state = 'sent'".to_owned(),
        Some(state) => format!(" AND state <> 'sent' AND state = '{}'", state.as_str()),
    };
    format!(
        "SELECT mail_id, template, subject_id, state, created_at, finished_at FROM mails
         WHERE tenant_id = $1 AND mail_id < $2{is_so_far} AND template <> ALL($4) AND {shown}
         ORDER BY mail_id DESC LIMIT $3"
    )
}
