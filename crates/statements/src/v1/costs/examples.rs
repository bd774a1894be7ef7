//! The operations in use, of invented people.

use crate::v1::people::{CHILD, FATHER, example as people};
use operations::Example;
use serde_json::{Value, json};

/// Of the year, of the child alone.
pub(super) fn year() -> Example {
    Example {
        parameters: vec![("year", json!(2026)), ("person_id", json!(CHILD))],
        answer: Some(json!({
            "years": [2026, 2025],
            "year": 2026,
            "arrived_until": "2026-06",
            "people": people(),
            "yen": yen(),
            "months": [{"month": "2026-06", "yen": yen()}],
            "rows": [row()],
            "changed": {"corrected": 0, "withdrawn": 0},
        })),
        links: Some(json!({
            "month": {
                "operationId": "get_cost_month",
                "description": "Reads one of the months by itself.",
                "parameters": {"month": "$response.body#/months/0/month"},
            },
            "tax_year": {
                "operationId": "get_tax_year",
                "description": "Reads the year for the tax return.",
                "parameters": {"year": "$response.body#/years/0"},
            },
        })),
        ..Example::default()
    }
}

/// Of one month.
pub(super) fn month() -> Example {
    Example {
        parameters: vec![("month", json!("2026-06"))],
        answer: Some(json!({"month": "2026-06", "people": people(), "yen": yen(), "rows": [row()]})),
        ..Example::default()
    }
}

/// Of the tax year.
pub(super) fn tax_year() -> Example {
    Example {
        parameters: vec![("year", json!(2026))],
        answer: Some(json!({
            "year": 2026,
            "people": people(),
            "sums": {"with_institution": 3000, "without_institution": 0, "benefit": 0},
            "groups": [{
                "person_id": FATHER,
                "institution": "東町クリニック",
                "purpose": "treatment",
                "paid": 3000,
                "benefit": 0,
            }],
            "missing": ["2026-10", "2026-11", "2026-12"],
            "official_notice": "none",
        })),
        ..Example::default()
    }
}

fn yen() -> Value {
    json!({"total": 8000, "insurer": 6400, "public": 1600, "copay": 0, "meal": 0, "benefit": 0})
}

fn row() -> Value {
    json!({
        "month": "2026-06",
        "processed_in": "2026-08",
        "person_id": CHILD,
        "category": "medical_out",
        "days": 2,
        "institution": "東町小児科",
        "yen": yen(),
        "is_correction": false,
        "is_late": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::costs::{CostMonth, CostTaxYear, CostYear};
    use operations::flaws;

    #[test]
    fn every_example_fits_its_schema() {
        let answer = |example: Example| example.answer.unwrap();
        assert!(flaws::<CostYear>(&answer(year())).is_empty());
        assert!(flaws::<CostMonth>(&answer(month())).is_empty());
        assert!(flaws::<CostTaxYear>(&answer(tax_year())).is_empty());
    }
}
