//! `statement_mappings`: which header of an insurer's files means which column of a kind.

use super::reasons;
use crate::{columns, kind::Kind, schema::statement_mappings as t};
use database::{DatabaseError, TenantTransaction};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::Refusal;
use std::collections::BTreeSet;
use tabular::Mapping;

/// What the insurer chose before.
pub(super) async fn mapping(tx: &mut TenantTransaction, kind: Kind) -> Result<Mapping, DatabaseError> {
    let pairs: Vec<(String, String)> = t::table
        .filter(t::tenant_id.eq(tx.tenant()))
        .filter(t::kind.eq(kind.as_str()))
        .select((t::field, t::header))
        .load(&mut **tx)
        .await?;
    Ok(pairs.into_iter().collect())
}

/// Keeps it for the files to come: what a column's own names find anyway is not kept.
pub(super) async fn keep(
    tx: &mut TenantTransaction,
    kind: Kind,
    headers: &[String],
    mapping: &Mapping,
) -> Result<(), DatabaseError> {
    let tenant = tx.tenant();
    let of_kind = t::table
        .filter(t::tenant_id.eq(tenant))
        .filter(t::kind.eq(kind.as_str()));
    diesel::delete(of_kind).execute(&mut **tx).await?;
    let plain = columns::locate(kind, headers, &Mapping::default());
    let chosen = columns::locate(kind, headers, mapping);
    let differs = plain.iter().zip(&chosen).filter(|(plain, chosen)| plain != chosen);
    let kept: Vec<_> = differs
        .map(|(of, _)| {
            (
                t::tenant_id.eq(tenant),
                t::kind.eq(kind.as_str()),
                t::field.eq(of.column),
                t::header.eq(mapping.header(of.column).unwrap_or_default()),
            )
        })
        .collect();
    // Of no rows diesel makes a question to all insurers.
    if !kept.is_empty() {
        diesel::insert_into(t::table).values(kept).execute(&mut **tx).await?;
    }
    Ok(())
}

/// What was chosen, by the headers' places: each header for one column at most, and one for each that no file may be without.
pub(super) fn chosen(kind: Kind, headers: &[String], chosen: &[Option<usize>]) -> Result<Mapping, Refusal> {
    let mut taken = BTreeSet::new();
    let mut mapping = Vec::new();
    for (nth, of) in columns::locate(kind, headers, &Mapping::default()).iter().enumerate() {
        let place = chosen.get(nth).copied().flatten();
        let header = place.and_then(|place| headers.get(place));
        let is_right = match (place, header) {
            (Some(place), Some(_)) => taken.insert(place),
            (Some(_), None) => false,
            (None, _) => !of.is_required,
        };
        if !is_right {
            return Err(reasons::COLUMNS_UNCLEAR.into());
        }
        mapping.push((of.column.to_owned(), header.cloned().unwrap_or_default()));
    }
    Ok(mapping.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_is_one_columns_and_none_that_is_needed_is_left_out() {
        let headers: Vec<String> = ["番号", "月", "形", "薬", "量", "数", "割合"].map(str::to_owned).into();
        let wanted = [
            "番号",
            "調剤年月",
            "剤形区分",
            "医薬品コード",
            "1日量",
            "日数",
            "負担割合",
        ];
        let places: Vec<Option<usize>> = columns::locate(Kind::Medicines, &headers, &Mapping::default())
            .iter()
            .map(|of| wanted.iter().position(|name| *name == of.column))
            .collect();
        let mapping = chosen(Kind::Medicines, &headers, &places).unwrap();
        assert_eq!(mapping.header("医薬品コード"), Some("薬"));
        assert_eq!(mapping.header("薬局等名称"), Some(""));
        let unclear = |places: Vec<Option<usize>>| chosen(Kind::Medicines, &headers, &places).unwrap_err();
        for wrong in [Some(0), Some(99), None] {
            let month = places.iter().position(|place| *place == Some(1)).unwrap();
            let mut places = places.clone();
            places[month] = wrong;
            assert!(unclear(places).is(reasons::COLUMNS_UNCLEAR), "{wrong:?}");
        }
    }
}
