//! What wishes need to know of who works here.

use crate::{clerk, schema::staff};
use access::{Permission, Policy, Reach, Role};
use approvals::{Able, Boxed, Colleague, Colleagues, LEAST_HELD};
use chrono::{DateTime, Utc};
use database::{DatabaseError, TenantTransaction};
use diesel::{
    prelude::*,
    sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::StaffId;
use std::sync::Arc;

/// Staff, as wishes see them.
pub(crate) struct Eyes(pub(crate) Arc<Policy>);

impl Colleagues for Eyes {
    fn able<'a>(
        &'a self,
        tx: &'a TenantTransaction,
        now: DateTime<Utc>,
        permission: Permission,
    ) -> Boxed<'a, Result<Vec<Able>, DatabaseError>> {
        let holds = |role: &Role| self.0.of(*role).any(|held| held == permission);
        let roles: Vec<&str> = Role::ALL
            .into_iter()
            .filter(|role| role.is_given())
            .filter(holds)
            .map(Role::as_str)
            .collect();
        Box::pin(async move {
            let rows: Vec<Row> = diesel::sql_query(ABLE)
                .bind::<Integer, _>(tx.tenant())
                .bind::<Array<Text>, _>(roles)
                .load(&mut &**tx)
                .await?;
            let able = |row: Row| Able {
                staff_id: row.staff_id,
                email: row.email,
                counts: row.held_since + LEAST_HELD <= now,
                agrees_from: row.in_since.map(|since| since + LEAST_HELD),
            };
            Ok(rows.into_iter().map(able).collect())
        })
    }

    fn one<'a>(
        &'a self,
        tx: &'a TenantTransaction,
        id: StaffId,
    ) -> Boxed<'a, Result<Option<Colleague>, DatabaseError>> {
        Box::pin(async move {
            let email: Option<String> = staff::table
                .filter(staff::tenant_id.eq(tx.tenant()))
                .filter(staff::staff_id.eq(id))
                .filter(staff::suspended_at.is_null())
                .select(staff::email)
                .first(&mut &**tx)
                .await
                .optional()?;
            let Some(email) = email else { return Ok(None) };
            let roles = clerk::roles(tx, id).await?;
            let held = roles.iter().filter_map(|row| Role::read(&row.role));
            let mut permissions = self.0.permissions(held.filter(|role| role.is_given()));
            let is_over_all = clerk::reach(&roles) == Reach::All;
            permissions.retain(|permission| is_over_all || !permission.is_over_all());
            Ok(Some(Colleague { email, permissions }))
        })
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    staff_id: StaffId,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Timestamptz)]
    held_since: DateTime<Utc>,
    /// Since when they hold it and are let in; never while they are suspended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    in_since: Option<DateTime<Utc>>,
}

/// Who counts and who agrees are two things. Whom a colleague suspended agrees to nothing, and counts on for as long as they hold
/// the role. So nobody ends four eyes by shutting a pair: fewer count by another's agreement (a role is taken), by the operator's hand at the command line, or where nobody has used an account for 90 days. Whoever is
/// let in again, or whose factor was reset, counts at once and agrees after [`LEAST_HELD`].
const ABLE: &str = "\
SELECT s.staff_id, s.email, able.held_since,
       CASE WHEN s.suspended_at IS NULL THEN greatest(able.held_since, s.resumed_at) END AS in_since
FROM (SELECT held.staff_id, min(held.granted_at) AS held_since FROM unnest($2::text[]) AS given (role)
      CROSS JOIN LATERAL (SELECT r.staff_id, r.granted_at FROM staff_roles r
          WHERE r.tenant_id = $1 AND r.role = given.role OFFSET 0) held
      GROUP BY held.staff_id) able
CROSS JOIN LATERAL (SELECT * FROM staff c WHERE c.tenant_id = $1 AND c.staff_id = able.staff_id OFFSET 0) s
WHERE s.last_log_in_at IS NOT NULL
  AND (s.suspended_at IS NULL OR s.suspended_for = 'colleague')
  AND NOT EXISTS (SELECT FROM staff_roles b WHERE b.tenant_id = $1 AND b.staff_id = s.staff_id
      AND (b.symbols IS NOT NULL OR b.workplaces IS NOT NULL))
ORDER BY s.staff_id";
