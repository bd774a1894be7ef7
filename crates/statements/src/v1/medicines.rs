//! ジェネリック差額明細 for programs: the six newest months that were delivered, and one month medicine by medicine.

use super::{
    params::MonthSegment,
    people::{CHILD, FATHER, Patient, asked, example as people, patients},
    shelf::{Opened, Shelf, StatementChanges},
};
use crate::{
    generic_use::{Savings, usage},
    household::OneOf,
    kind::Kind,
    month::{Month, Months},
    reckon::{PerMille, window},
    statement::{
        Reader,
        medicine::{Candidate, Words, known},
        persons, place,
    },
    view::Medicine,
};
use database::DatabaseError;
use edge::Rights;
use futures_util::future::try_join;
use ground::Ground;
use operations::{
    Example, Group, Tag,
    answer::Done,
    call::{Call, Inside, up},
    get,
    params::{IdSegment, Query, Segment},
};
use poem_openapi::{Object, OpenApi};
use serde_json::{Value, json};
use std::cmp::Reverse;

struct MedicinesApi(Shelf);

/// The operations.
pub(super) fn group(ground: &Ground) -> Group {
    let rows = vec![
        get(
            "/me/medicines",
            "get_medicines",
            Rights::Member,
            &["fields", "not_found"],
            Example {
                parameters: vec![("person_id", json!(CHILD))],
                answer: Some(window_example()),
                links: Some(json!({
                    "month": {
                        "operationId": "get_medicine_month",
                        "description": "Reads the medicines of a month.",
                        "parameters": {"month": "$response.body#/months/0/month"},
                    },
                })),
                ..Example::default()
            },
        )
        .for_former(),
        get(
            "/me/medicines/:month",
            "get_medicine_month",
            Rights::Member,
            &["not_found"],
            Example {
                parameters: vec![("month", json!("2026-07"))],
                answer: Some(month_example()),
                ..Example::default()
            },
        )
        .for_former(),
    ];
    Group::new(rows, MedicinesApi(Shelf::new(ground, Kind::Medicines)))
}

fn window_example() -> Value {
    json!({
        "people": people(),
        "generic_per_mille": 824,
        "saving": {"month": "2026-07", "yen": 1080, "basis": "most"},
        "months": [{"month": "2026-07", "generic_per_mille": 824, "saving_yen": 1080}, {"month": "2026-06"}],
        "changed": {"corrected": 0, "withdrawn": 0},
    })
}

fn month_example() -> Value {
    json!({
        "month": "2026-07",
        "people": people(),
        "rows": [{
            "person_id": FATHER,
            "drug": "999000001",
            "name": "アサガオ錠5mg",
            "pharmacy": "西町薬局",
            "form": "oral",
            "daily_milli": 2000,
            "unit": "錠",
            "count": 30,
            "share_tenths": 3,
            "share_yen": 1800,
            "charge_yen": 0,
            "candidates": [{"name": "アサガオ錠5mg「みほん」", "saving_yen": 1080}],
        }],
    })
}

/// ジェネリック差額明細 of the six newest months that were delivered, as far as the member may see it.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct MedicineWindow {
    /// The member, their household where the insurer notifies them for it, and whoever else a row is of.
    people: Vec<Patient>,
    /// 使用率 over all months, in thousandths by quantity; absent where nothing was taken of which there are generics.
    generic_per_mille: Option<u16>,
    /// 削減可能金額: the month in which most could be saved, of equals the later; absent where nothing is proposed.
    saving: Option<MedicineSaving>,
    /// The months, the newest first, whether or not the member may see a row of them; none while nothing is published.
    months: Vec<MedicineMonthSum>,
    /// What became of rows since the member saw them, of other months and people, too.
    changed: StatementChanges,
}

/// What could be saved in a month.
#[derive(Object)]
struct MedicineSaving {
    /// 調剤年月, `2026-07`.
    month: String,
    /// In whole yen, technical fees left out.
    yen: i64,
    /// `most`: with the cheapest of each medicine's candidates; `least`: with the dearest.
    basis: String,
}

/// A month of them.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct MedicineMonthSum {
    /// 調剤年月, `2026-07`.
    month: String,
    /// 使用率 of the month alone.
    generic_per_mille: Option<u16>,
    /// What could be saved in it, in yen; absent where there is no row.
    saving_yen: Option<i64>,
}

/// A month of ジェネリック差額明細.
#[derive(Object)]
struct MedicineMonth {
    /// 調剤年月, `2026-07`.
    month: String,
    /// As over all months.
    people: Vec<Patient>,
    /// Its medicines.
    rows: Vec<MedicineRow>,
}

/// A medicine that was dispensed. Whether it should be another is for a doctor or pharmacist to say.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct MedicineRow {
    /// 受診者, one of `people`.
    person_id: String,
    /// 医薬品コード of レセプト電算処理, nine digits.
    drug: String,
    /// Its name, 「名称を確認できないお薬」 where the master has none of that code.
    name: String,
    /// 薬局等名称; absent where the insurer gives none.
    pharmacy: Option<String>,
    /// 剤形区分: `oral` 内服, `as_needed` 屯服, `topical` 外用, `injection` 注射 or `other` その他.
    form: String,
    /// 1日量, of 屯服 1回量, in thousandths of `unit`.
    daily_milli: i64,
    /// What its price is for, such as 錠; absent where the master has none of that code.
    unit: Option<String>,
    /// 日数, of 屯服 回数.
    count: i16,
    /// 負担割合, in tenths.
    share_tenths: i16,
    /// 今の自己負担 by its price alone, in yen; absent where the master has none of that code.
    share_yen: Option<i32>,
    /// 特別の料金 in yen, an estimate; 0 where there is none.
    charge_yen: i32,
    /// What it could be exchanged for, the cheapest first, three at most; none where nothing is proposed.
    candidates: Vec<MedicineCandidate>,
}

/// What could be taken instead.
#[derive(Object)]
struct MedicineCandidate {
    /// Its name, 「（各社の製品）」 behind that of several makers' products.
    name: String,
    /// 削減可能金額, in yen.
    saving_yen: i32,
}

#[OpenApi(tag = "Tag::Statements")]
impl MedicinesApi {
    /// Medicines and generics
    ///
    /// How much of the medicine was generic and what could be saved, over the six newest months that were delivered. Marks it as
    /// seen; HEAD doesn't.
    #[oai(path = "/me/medicines", method = "get", operation_id = "get_medicines")]
    async fn get_medicines(
        &self,
        call: Call,
        Inside(member): Inside,
        /// Rows and sums of this one of `people` alone, who has to be listed there.
        person_id: Query<IdSegment>,
    ) -> poem::Result<Done<MedicineWindow>> {
        let reader = Reader::of_member(&member, call.now());
        let opened = self.0.open(&reader, &member).await?;
        let settings = reader.settings();
        let months = opened.published.labels.first().map(|newest| {
            let (first, last) = window(*newest, settings.arrives_after_months);
            Months { first, last }.within(reader.kept())
        });
        let rows = async {
            match months {
                Some(months) => found(&opened, &reader, months).await,
                None => Ok((Vec::new(), reader.household(&opened.tx, &[]).await?)),
            }
        };
        let ((mut rows, people), changed) = up(try_join(rows, opened.changed(&reader)).await)?;
        if let Some(person) = asked(&people, &person_id)? {
            rows.retain(|row| row.person == person);
        }
        let savings = Savings::of(&rows, &settings.generics);
        let saving = savings.best().map(|(month, yen)| MedicineSaving {
            month: month.to_string(),
            yen,
            basis: settings.generics.saving.as_str().into(),
        });
        self.0.close(&call, &member, opened).await;
        let months = months.into_iter().flat_map(Months::all);
        let mut months: Vec<_> = months
            .map(|month| MedicineMonthSum::of(month, &rows, &savings))
            .collect();
        months.reverse();
        Ok(Done(MedicineWindow {
            people: patients(people),
            generic_per_mille: usage(&rows).map(PerMille::get),
            saving,
            months,
            changed: changed.into(),
        }))
    }

    /// The medicines of a month
    ///
    /// Months that the insurer keeps no more do not exist; one that has not come in yet has no rows.
    #[oai(path = "/me/medicines/:month", method = "get", operation_id = "get_medicine_month")]
    async fn get_medicine_month(
        &self,
        call: Call,
        Inside(member): Inside,
        /// 調剤年月, `2026-07`.
        month: Segment<MonthSegment>,
    ) -> poem::Result<Done<MedicineMonth>> {
        let reader = Reader::of_member(&member, call.now());
        let opened = self.0.open(&reader, &member).await?;
        let month = MonthSegment::of(&month, reader.kept())?;
        let (rows, people) = up(found(&opened, &reader, Months::one(month)).await)?;
        let generics = &reader.settings().generics;
        let words = Words {
            people: &people,
            known: &up(known(&opened.tx, &rows).await)?,
            savings: &Savings::of(&rows, generics),
            settings: generics,
        };
        let rows = rows.iter().map(|row| MedicineRow::new(row, &words)).collect();
        Ok(Done(MedicineMonth {
            month: month.to_string(),
            rows,
            people: patients(people),
        }))
    }
}

/// The rows of some months that the reader may see, the newest month first, of each the people as they are listed.
async fn found(
    opened: &Opened,
    reader: &Reader<'_>,
    months: Months,
) -> Result<(Vec<Medicine>, Vec<OneOf>), DatabaseError> {
    let mut rows = reader.view(months).medicines(&opened.tx).await?;
    let people = reader.household(&opened.tx, &persons(&rows)).await?;
    rows.sort_by_key(|row| (Reverse(row.month), place(&people, row.person)));
    Ok((rows, people))
}

impl MedicineMonthSum {
    fn of(month: Month, rows: &[Medicine], savings: &Savings) -> Self {
        let of_month = || rows.iter().filter(|row| row.month == month);
        Self {
            month: month.to_string(),
            generic_per_mille: usage(of_month()).map(PerMille::get),
            saving_yen: of_month().next().map(|_| savings.of_month(month)),
        }
    }
}

impl MedicineRow {
    fn new(row: &Medicine, words: &Words<'_>) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let candidate = |candidate: Candidate| MedicineCandidate {
            name: candidate.name,
            saving_yen: candidate.saving,
        };
        Self {
            person_id: row.person.to_string(),
            drug: row.drug.clone(),
            name: words.name(row),
            pharmacy: some(&row.pharmacy),
            form: row.form.as_str().into(),
            daily_milli: row.daily_milli,
            unit: some(words.unit(row)),
            count: row.count,
            share_tenths: row.rate,
            share_yen: words.share(row),
            charge_yen: row.charge,
            candidates: words.candidates(row).into_iter().map(candidate).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        assert!(flaws::<MedicineWindow>(&window_example()).is_empty());
        assert!(flaws::<MedicineMonth>(&month_example()).is_empty());
    }
}
