//! 医療費通知 for programs: a year, a month, a tax year.

mod examples;

use super::{
    params::{MonthSegment, Year},
    people::{Patient, asked, patients},
    shelf::{Opened, Shelf, StatementChanges},
};
use crate::{
    household::OneOf,
    kind::Kind,
    month::{Month, Months},
    statement::{Reader, persons, place, tax},
    sums::{Purpose, TaxGroup, Yen, by_month, is_late, shown, tax_year},
    view::Cost,
};
use database::DatabaseError;
use edge::Rights;
use futures_util::future::try_join;
use ground::Ground;
use operations::{
    Group, Tag,
    answer::Done,
    call::{Call, Inside, up},
    failure::Failure,
    get,
    params::{IdSegment, Query, Segment},
};
use poem_openapi::{Object, OpenApi};
use std::cmp::Reverse;

struct CostsApi(Shelf);

/// The operations.
pub(super) fn group(ground: &Ground) -> Group {
    let rows = vec![
        get(
            "/me/cost-statements",
            "get_cost_year",
            Rights::Member,
            &["fields", "not_found"],
            examples::year(),
        )
        .for_former(),
        get(
            "/me/cost-statements/:month",
            "get_cost_month",
            Rights::Member,
            &["not_found"],
            examples::month(),
        )
        .for_former(),
        get(
            "/me/cost-statements/tax/:year",
            "get_tax_year",
            Rights::Member,
            &["not_found"],
            examples::tax_year(),
        )
        .for_former(),
    ];
    Group::new(rows, CostsApi(Shelf::new(ground, Kind::Costs)))
}

/// A year of 医療費通知, as far as the member may see it.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CostYear {
    /// The years that can be asked for, the newest first: all that the insurer has published, whoever asks.
    years: Vec<i32>,
    /// The one that this is of; absent while nothing is published.
    year: Option<i32>,
    /// The last month of the year that has come in; absent where none has. Late claims can still be added to it.
    arrived_until: Option<String>,
    /// The member, their household where the insurer notifies them for it, and whoever else a row is of. A person of a row who is
    /// missing here is in the roster no more.
    people: Vec<Patient>,
    /// The sum of `rows`; absent where there is none, which is not ¥0.
    yen: Option<CostYen>,
    /// Months that have rows, the newest first.
    months: Vec<CostMonthSum>,
    /// All rows, the newest month first.
    rows: Vec<CostRow>,
    /// What became of rows since the member saw them, of other years and people, too.
    changed: StatementChanges,
}

/// Amounts of one row or of several, in whole yen. A row that takes an earlier one back is less than nothing.
#[derive(Object)]
struct CostYen {
    /// 医療費の総額.
    total: i64,
    /// 保険者の負担額.
    insurer: i64,
    /// 公費の負担額.
    public: i64,
    /// 窓口相当負担額: rounded to ¥10 at the desk and not here, so that a few yen may differ.
    copay: i64,
    /// 標準負担額（食事）.
    meal: i64,
    /// 支給額, paid back later.
    benefit: i64,
}

/// A month's sum.
#[derive(Object)]
struct CostMonthSum {
    /// 診療年月, `2026-06`.
    month: String,
    /// Of its rows.
    yen: CostYen,
}

/// A row: of one person, month, category and institution.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CostRow {
    /// 診療年月, `2026-06`.
    month: String,
    /// 処理年月 of the delivery that brought it, as `month`.
    processed_in: String,
    /// 受診者, one of `people`.
    person_id: String,
    /// 診療区分: `medical_in` 医科入院, `medical_out` 医科外来, `dental_in` 歯科入院, `dental_out` 歯科外来, `pharmacy` 調剤, `home_nursing`
    /// 訪問看護, `judo` 柔整, `acupuncture` あはき, `appliance` 装具 or `other` その他.
    category: String,
    /// 日数, of a pharmacy 回数; absent where the insurer gives none.
    days: Option<i16>,
    /// 医療機関等名称; absent where the insurer gives none.
    institution: Option<String>,
    /// Its amounts.
    yen: CostYen,
    /// 訂正: it stands in the place of an earlier row.
    is_correction: bool,
    /// 遅れて届いた分: it came later than rows of its month do.
    is_late: bool,
}

/// A month of 医療費通知.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CostMonth {
    /// 診療年月, `2026-06`.
    month: String,
    /// As in the year.
    people: Vec<Patient>,
    /// The sum of `rows`; absent where there is none, which is not ¥0.
    yen: Option<CostYen>,
    /// Its rows.
    rows: Vec<CostRow>,
}

/// A year of treatment for the tax return (医療費控除). It is no 医療費通知 in the tax office's sense and can't be handed in: it is to
/// make the 明細書 by.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CostTaxYear {
    /// January to December.
    year: i32,
    /// As in the year.
    people: Vec<Patient>,
    /// Absent where there is no row, which is not ¥0.
    sums: Option<CostTaxSums>,
    /// By person and institution, as the 明細書 asks; what cost nothing is in none.
    groups: Vec<CostTaxGroup>,
    /// Months of the year that have not come in: receipts say what was paid in them.
    missing: Vec<String>,
    /// The first month that is kept, where earlier ones of the year are kept no more.
    kept_from: Option<String>,
    /// What the insurer itself gives for the return: `paper`, a 医療費通知 on paper each January, or `none`.
    official_notice: String,
}

/// In whole yen.
#[derive(Object)]
struct CostTaxSums {
    /// ① What was paid, meals included, where the institution is known.
    with_institution: i64,
    /// ② The same where it isn't: the return needs the receipts.
    without_institution: i64,
    /// ③ 支給額, to go by for what was compensated; not subtracted.
    benefit: i64,
}

/// A line of the 明細書.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CostTaxGroup {
    /// 医療を受けた方, one of `people`.
    person_id: String,
    /// 病院・薬局などの名称; absent where the insurer gives none.
    institution: Option<String>,
    /// 医療費の区分: `treatment` 診療・治療, `medicine` 医薬品購入 or `other` その他の医療費.
    purpose: String,
    /// 支払った医療費の額, in yen.
    paid: i64,
    /// 補てんされる金額 as far as the insurer paid it, in yen.
    benefit: i64,
}

#[OpenApi(tag = "Tag::Statements")]
impl CostsApi {
    /// A year of 医療費通知
    ///
    /// What treatment cost, by month and row: the member's, and their family's as far as it is shown to them. Rows of people who
    /// are not shown are in no sum, month or count. Marks it as seen; HEAD doesn't.
    #[oai(path = "/me/cost-statements", method = "get", operation_id = "get_cost_year")]
    async fn get_cost_year(
        &self,
        call: Call,
        Inside(member): Inside,
        /// The newest of `years` where it is absent; another than these does not exist.
        year: Query<Year>,
        /// Rows and sums of this one of `people` alone, who has to be listed there.
        person_id: Query<IdSegment>,
    ) -> poem::Result<Done<CostYear>> {
        let reader = Reader::of_member(&member, call.now());
        let opened = self.0.open(&reader, &member).await?;
        let years = &opened.published.years;
        let year = match Year::asked(&year) {
            Some(asked) if years.contains(&asked) => Some(asked),
            Some(_) => return Err(Failure::of("not_found").into()),
            None => years.first().copied(),
        };
        let rows = async {
            match year {
                Some(year) => found(&opened, &reader, Months::year(year)).await,
                None => Ok((Vec::new(), reader.household(&opened.tx, &[]).await?)),
            }
        };
        let ((mut rows, people), changed) = up(try_join(rows, opened.changed(&reader)).await)?;
        if let Some(person) = asked(&people, &person_id)? {
            rows.retain(|row| row.person == person);
        }
        let arrives_after = reader.settings().arrives_after_months;
        let until = year.and_then(|year| opened.published.arrived_until(year, arrives_after));
        let month = |(month, yen): (Month, Yen)| CostMonthSum {
            month: month.to_string(),
            yen: yen.into(),
        };
        let told = CostYear {
            years: years.clone(),
            year,
            arrived_until: until.map(|month| month.to_string()),
            people: patients(people),
            yen: sum(&rows),
            months: by_month(&rows).into_iter().map(month).collect(),
            rows: CostRow::all(&rows, arrives_after),
            changed: changed.into(),
        };
        self.0.close(&call, &member, opened).await;
        Ok(Done(told))
    }

    /// A month of 医療費通知
    ///
    /// Months that the insurer keeps no more do not exist; one that has not come in yet has no rows.
    #[oai(path = "/me/cost-statements/:month", method = "get", operation_id = "get_cost_month")]
    async fn get_cost_month(
        &self,
        call: Call,
        Inside(member): Inside,
        /// 診療年月, `2026-06`.
        month: Segment<MonthSegment>,
    ) -> poem::Result<Done<CostMonth>> {
        let reader = Reader::of_member(&member, call.now());
        let opened = self.0.open(&reader, &member).await?;
        let month = MonthSegment::of(&month, reader.kept())?;
        let (rows, people) = up(found(&opened, &reader, Months::one(month)).await)?;
        Ok(Done(CostMonth {
            month: month.to_string(),
            people: patients(people),
            yen: sum(&rows),
            rows: CostRow::all(&rows, reader.settings().arrives_after_months),
        }))
    }

    /// A year for the tax return
    ///
    /// Sums of the rows that the member may see, by month of treatment. No number of the insurance is in it. A year of which
    /// nothing is published does not exist.
    #[oai(
        path = "/me/cost-statements/tax/:year",
        method = "get",
        operation_id = "get_tax_year"
    )]
    async fn get_tax_year(
        &self,
        call: Call,
        Inside(member): Inside,
        /// One of the `years` of `GET /me/cost-statements`.
        year: Segment<Year>,
    ) -> poem::Result<Done<CostTaxYear>> {
        let reader = Reader::of_member(&member, call.now());
        let opened = self.0.open(&reader, &member).await?;
        let year = Year::of(&year).filter(|year| opened.published.years.contains(year));
        let year = year.ok_or_else(|| Failure::of("not_found"))?;
        let (rows, people) = up(found(&opened, &reader, Months::year(year)).await)?;
        let settings = reader.settings();
        let of_year = tax_year(&rows, year, &opened.published, settings.arrives_after_months);
        let sums = (!rows.is_empty()).then_some(CostTaxSums {
            with_institution: of_year.with_institution,
            without_institution: of_year.without,
            benefit: of_year.benefits,
        });
        let groups = tax::in_order(of_year.groups, &people);
        let kept_from = reader.kept().first;
        let is_cut = Months::year(year).first < kept_from;
        Ok(Done(CostTaxYear {
            year,
            people: patients(people),
            sums,
            groups: groups.into_iter().map(CostTaxGroup::from).collect(),
            missing: of_year.missing.iter().map(Month::to_string).collect(),
            kept_from: is_cut.then(|| kept_from.to_string()),
            official_notice: settings.official_notice.as_str().into(),
        }))
    }
}

/// The rows of some months that the reader may see, the newest month first, of each the people as they are listed.
async fn found(opened: &Opened, reader: &Reader<'_>, months: Months) -> Result<(Vec<Cost>, Vec<OneOf>), DatabaseError> {
    let mut rows = shown(reader.view(months).costs(&opened.tx).await?);
    let people = reader.household(&opened.tx, &persons(&rows)).await?;
    rows.sort_by_key(|row| (Reverse(row.month), place(&people, row.person)));
    Ok((rows, people))
}

fn sum(rows: &[Cost]) -> Option<CostYen> {
    (!rows.is_empty()).then(|| rows.iter().map(|row| row.yen).sum::<Yen>().into())
}

fn named(institution: String) -> Option<String> {
    (!institution.is_empty()).then_some(institution)
}

impl CostRow {
    fn all(rows: &[Cost], arrives_after: u32) -> Vec<Self> {
        rows.iter().map(|row| Self::new(row, arrives_after)).collect()
    }

    fn new(row: &Cost, arrives_after: u32) -> Self {
        Self {
            month: row.month.to_string(),
            processed_in: row.label.to_string(),
            person_id: row.person.to_string(),
            category: row.category.as_str().into(),
            days: (row.days != 0).then_some(row.days),
            institution: named(row.institution.clone()),
            yen: row.yen.into(),
            is_correction: row.is_correction,
            // What stands in the place of an earlier row came when that did.
            is_late: !row.is_correction && is_late(row, arrives_after),
        }
    }
}

impl From<Yen> for CostYen {
    fn from(yen: Yen) -> Self {
        let Yen {
            total,
            insurer,
            public,
            copay,
            meal,
            benefit,
        } = yen;
        Self {
            total,
            insurer,
            public,
            copay,
            meal,
            benefit,
        }
    }
}

impl From<TaxGroup> for CostTaxGroup {
    fn from(group: TaxGroup) -> Self {
        let purpose = match group.purpose {
            Purpose::Treatment => "treatment",
            Purpose::Medicine => "medicine",
            Purpose::Other => "other",
        };
        Self {
            person_id: group.person.to_string(),
            institution: named(group.institution),
            purpose: purpose.into(),
            paid: group.paid,
            benefit: group.benefit,
        }
    }
}
