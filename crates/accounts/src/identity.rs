//! The identity fields (manual 1-2) as typed, and what they parse into: all errors at once, for pages and programs.

use crate::{Accounts, fields};
use chrono::NaiveDate;
use kernel::{BirthDate, EmployeeNumber, FieldError, InsurerCode, KanaName, Number, Outage, Problem, Symbol, calendar};
use roster::Identity;
use std::sync::Arc;
use tenancy::Insurer;

/// 生年月日 as a page or a program gives it.
#[derive(Debug, Clone)]
pub enum BirthForm {
    /// Three pull-downs.
    Parts {
        /// 年, Western.
        year: String,
        /// 月.
        month: String,
        /// 日.
        day: String,
    },
    /// `YYYY-MM-DD`.
    Iso(String),
}

/// The identity fields as typed.
#[derive(Debug, Clone)]
pub struct IdentityForm {
    /// 保険者指定コード.
    pub insurer_code: String,
    /// 記号.
    pub symbol: String,
    /// 番号.
    pub number: String,
    /// 生年月日.
    pub birth: BirthForm,
    /// 氏名（カナ）.
    pub kana_name: String,
    /// 社員番号, where the insurer asks for it.
    pub employee_number: Option<String>,
}

impl Accounts {
    /// Resolves the insurer and parses the rest; every field that has to be mended, at once.
    pub(crate) async fn read_identity(
        &self,
        form: &IdentityForm,
    ) -> Result<Result<(Arc<Insurer>, Identity), Vec<FieldError>>, Outage> {
        let mut errors = Vec::new();
        let code = FieldError::gather(
            fields::INSURER_CODE,
            InsurerCode::parse(&form.insurer_code),
            &mut errors,
        );
        let insurer = match &code {
            Some(code) => self.directory.by_code(code).await?,
            None => None,
        };
        if code.is_some() && insurer.is_none() {
            errors.push(FieldError::new(fields::INSURER_CODE, Problem::Unregistered));
        }
        let today = calendar::today_in_japan(self.clock.now());
        let asks_employee_number = insurer.as_ref().is_some_and(|insurer| insurer.sign_up.employee_number);
        let identity = parse(form, asks_employee_number, today, &mut errors);
        Ok(match (insurer, identity) {
            (Some(insurer), Some(identity)) if errors.is_empty() => Ok((insurer, identity)),
            _ => Err(errors),
        })
    }
}

fn parse(
    form: &IdentityForm,
    asks_employee_number: bool,
    today: NaiveDate,
    errors: &mut Vec<FieldError>,
) -> Option<Identity> {
    let symbol = FieldError::gather(fields::SYMBOL, Symbol::parse(&form.symbol), errors);
    let number = FieldError::gather(fields::NUMBER, Number::parse(&form.number), errors);
    let birth = match &form.birth {
        BirthForm::Parts { year, month, day } => BirthDate::parse(year, month, day, today),
        BirthForm::Iso(typed) => BirthDate::parse_iso(typed, today),
    };
    let birth_date = FieldError::gather(fields::BIRTH_DATE, birth, errors);
    let kana_name = FieldError::gather(fields::KANA_NAME, KanaName::parse(&form.kana_name), errors);
    let employee_number = if asks_employee_number {
        let typed = form.employee_number.as_deref().unwrap_or_default();
        Some(FieldError::gather(
            fields::EMPLOYEE_NUMBER,
            EmployeeNumber::parse(typed),
            errors,
        )?)
    } else {
        None
    };
    Some(Identity {
        symbol: symbol?,
        number: number?,
        birth_date: birth_date?,
        kana_name: kana_name?,
        employee_number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> IdentityForm {
        IdentityForm {
            insurer_code: "32290413".into(),
            symbol: "100".into(),
            number: "１０５".into(),
            birth: BirthForm::Iso("1975-04-12".into()),
            kana_name: "けんぽ たろう".into(),
            employee_number: None,
        }
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
    }

    #[test]
    fn every_field_to_be_mended_is_named_at_once() {
        let mut errors = Vec::new();
        let form = IdentityForm {
            number: " ".into(),
            kana_name: "健保".into(),
            ..form()
        };
        assert!(parse(&form, true, today(), &mut errors).is_none());
        let found: Vec<_> = errors.into_iter().map(|error| error.field).collect();
        assert_eq!(found, [fields::NUMBER, fields::KANA_NAME, fields::EMPLOYEE_NUMBER]);
    }

    #[test]
    fn an_employee_number_is_read_only_where_it_is_asked_for() {
        let mut errors = Vec::new();
        let form = IdentityForm {
            employee_number: Some("K-1024".into()),
            ..form()
        };
        assert!(
            parse(&form, false, today(), &mut errors)
                .unwrap()
                .employee_number
                .is_none()
        );
        assert!(
            parse(&form, true, today(), &mut errors)
                .unwrap()
                .employee_number
                .is_some()
        );
        assert!(errors.is_empty());
    }
}
