//! The identity fields (manual 1-2) as typed, and what they parse into: all errors at once, for pages and programs.

use crate::{Accounts, fields};
use chrono::NaiveDate;
use kernel::{
    BirthDate, EmployeeNumber, FieldError, InsurerCode, KanaName, Number, Outage, Problem, Symbol, calendar,
    is_my_number,
};
use roster::{Identity, Writing};
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
        let writing = self.writing(insurer.as_deref(), form).await?;
        let identity = parse(form, asks_employee_number, writing, today, &mut errors);
        Ok(match (insurer, identity) {
            (Some(insurer), Some(identity)) if errors.is_empty() => Ok((insurer, identity)),
            _ => Err(errors),
        })
    }

    /// How the insurer's roster writes what was typed in a way that few rosters do; asked only then.
    async fn writing(&self, insurer: Option<&Insurer>, form: &IdentityForm) -> Result<Writing, Outage> {
        let is_odd = KanaName::parse(&form.kana_name).is_ok_and(|name| name.has_latin())
            || Number::parse(&form.number).is_ok_and(|number| !number.is_digits());
        let Some(insurer) = insurer.filter(|_| is_odd) else {
            return Ok(Writing::ANY);
        };
        let mut tx = self.database.tenant(insurer.tenant_id).read().await?;
        let writing = roster::writing(&mut tx).await?;
        tx.commit().await?;
        Ok(writing)
    }
}

/// What nobody in the roster could have typed is told like any other slip, and takes no try.
fn parse(
    form: &IdentityForm,
    asks_employee_number: bool,
    writing: Writing,
    today: NaiveDate,
    errors: &mut Vec<FieldError>,
) -> Option<Identity> {
    let symbol = Symbol::parse(&form.symbol).and_then(|symbol| unless(symbol.has_label(), symbol, Problem::Characters));
    let symbol = FieldError::gather(fields::SYMBOL, symbol, errors);
    let number = Number::parse(&form.number).and_then(|number| {
        let is_another = number.has_label() || !writing.number_signs && !number.is_digits();
        let problem = if is_my_number(number.as_str()) {
            Problem::MyNumber
        } else {
            Problem::Characters
        };
        unless(is_another, number, problem)
    });
    let number = FieldError::gather(fields::NUMBER, number, errors);
    let birth = match &form.birth {
        BirthForm::Parts { year, month, day } => BirthDate::parse(year, month, day, today),
        BirthForm::Iso(typed) => BirthDate::parse_iso(typed, today),
    };
    let birth_date = FieldError::gather(fields::BIRTH_DATE, birth, errors);
    let kana_name = KanaName::parse(&form.kana_name)
        .and_then(|name| unless(!writing.latin_names && name.has_latin(), name, Problem::NotKana));
    let kana_name = FieldError::gather(fields::KANA_NAME, kana_name, errors);
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

fn unless<T>(is_wrong: bool, value: T, problem: Problem) -> Result<T, Problem> {
    if is_wrong { Err(problem) } else { Ok(value) }
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
        assert!(parse(&form, true, Writing::ANY, today(), &mut errors).is_none());
        let found: Vec<_> = errors.into_iter().map(|error| error.field).collect();
        assert_eq!(found, [fields::NUMBER, fields::KANA_NAME, fields::EMPLOYEE_NUMBER]);
    }

    #[test]
    fn what_the_roster_does_not_write_is_a_slip_and_a_label_always_is() {
        let found = |number: &str, kana_name: &str, symbol: &str, writing| {
            let mut errors = Vec::new();
            let form = IdentityForm {
                number: number.into(),
                kana_name: kana_name.into(),
                symbol: symbol.into(),
                ..form()
            };
            parse(&form, false, writing, today(), &mut errors);
            errors.into_iter().map(|error| error.field).collect::<Vec<_>>()
        };
        let plain = Writing {
            latin_names: false,
            number_signs: false,
        };
        assert_eq!(
            found("0012-00", "SMITH JOHN", "100", plain),
            [fields::NUMBER, fields::KANA_NAME]
        );
        assert_eq!(found("0012-00", "SMITH JOHN", "100", Writing::ANY), []);
        assert_eq!(
            found("番号12", "けんぽ", "記号100", Writing::ANY),
            [fields::SYMBOL, fields::NUMBER]
        );
        assert_eq!(found("0012", "けんぽ", "公立-12", plain), []);
    }

    #[test]
    fn an_employee_number_is_read_only_where_it_is_asked_for() {
        let mut errors = Vec::new();
        let form = IdentityForm {
            employee_number: Some("K-1024".into()),
            ..form()
        };
        assert!(
            parse(&form, false, Writing::ANY, today(), &mut errors)
                .unwrap()
                .employee_number
                .is_none()
        );
        assert!(
            parse(&form, true, Writing::ANY, today(), &mut errors)
                .unwrap()
                .employee_number
                .is_some()
        );
        assert!(errors.is_empty());
    }
}
