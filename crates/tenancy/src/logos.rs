//! Logos by the hash of their bytes, as made by this crate: PNG, at most 64 KiB.

use crate::{LogoFile, schema::logos};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// A logo with its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = logos)]
pub struct Logo {
    /// SHA-256 of the bytes, in hex.
    pub hash: String,
    /// `image/png`.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
}

/// A logo of the transaction's tenant, the present one or an earlier one.
pub async fn logo(tx: &mut TenantTransaction, hash: &str) -> Result<Option<Logo>, DatabaseError> {
    let row = logos::table
        .filter(logos::tenant_id.eq(tx.tenant()))
        .filter(logos::hash.eq(hash))
        .select(Logo::as_select())
        .first(&mut **tx)
        .await
        .optional()?;
    Ok(row)
}

/// Puts a logo beside the earlier ones.
pub async fn keep(tx: &mut TenantTransaction, logo: &LogoFile) -> Result<(), DatabaseError> {
    let pixels = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    let row = (
        logos::tenant_id.eq(tx.tenant()),
        logos::hash.eq(&logo.head.hash),
        logos::media_type.eq("image/png"),
        logos::bytes.eq(&logo.bytes),
        logos::width.eq(pixels(logo.head.width)),
        logos::height.eq(pixels(logo.head.height)),
    );
    diesel::insert_into(logos::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    Ok(())
}
