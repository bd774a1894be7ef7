//! The form of a draft: what was typed, read and checked.

use super::PersonLine;
use crate::{
    content,
    drafts::{self, Aim, Content},
};
use chrono::NaiveDate;
use database::TenantTransaction;
use kernel::{Field, FieldError, PersonId, Problem, dates, text};
use pages::{forms::Form, visit::Trouble};
use roster::{Group, NamedError, Numbered};

const TITLE: Field = Field::new("title", "件名").takes("件名は、改行のない文字で入力してください");
const BODY: Field = Field::new("body", "本文").takes("本文に、使えない文字が入っています。もう一度入力してください");
const AIM: Field = Field::new("aim", "宛先").or_empty("宛先を選んでください");
const CONDITION: Field = Field::new("workplace", "事業所コード")
    .or_empty("条件で選ぶときは、事業所コード、年齢、被扶養者のうち、1つ以上を入力してください");
const AGE_FROM: Field =
    Field::new("age_from", "年齢（から）").takes("年齢は、0から150までの数字で、小さいほうから入力してください");
const AGE_TO: Field =
    Field::new("age_to", "年齢（まで）").takes("年齢は、0から150までの数字で、小さいほうから入力してください");
const NUMBER: Field = Field::new("number", "番号").or_empty(
    "記号・番号・枝番から、お知らせを送れる1人に決められません。名簿でお確かめください。決められないときは、資格担当におたずねください",
);
const FIRST_DAY: Field =
    Field::new("first_day", "掲載の最初の日").takes("日付は、2026-11-22や令和8年11月22日のように入力してください");
const LAST_DAY: Field = Field::new("last_day", "掲載の最後の日")
    .takes("日付は、2026-11-22や令和8年11月22日のように、最初の日からあとの日を入力してください");

/// What is kept of a refused form.
pub(super) const FIELDS: [&str; 14] = [
    "title",
    "body",
    "aim",
    "workplace",
    "age_from",
    "age_to",
    "with_dependants",
    "person",
    "symbol",
    "number",
    "branch",
    "first_day",
    "last_day",
    "mail",
];

/// The form's fields as they stand on the page.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) title: String,
    pub(super) body: String,
    /// `everybody`, `group`, `person` or `number`.
    pub(super) aim: String,
    pub(super) workplace: String,
    pub(super) age_from: String,
    pub(super) age_to: String,
    pub(super) with_dependants: bool,
    pub(super) symbol: String,
    pub(super) number: String,
    pub(super) branch: String,
    pub(super) first_day: String,
    pub(super) last_day: String,
    pub(super) mail: bool,
}

impl Fields {
    pub(super) fn empty(person: Option<&PersonLine>) -> Self {
        Self {
            aim: if person.is_some() { "person" } else { "everybody" }.into(),
            ..Self::default()
        }
    }

    pub(super) fn typed(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            title: text("title"),
            body: text("body"),
            aim: text("aim"),
            workplace: text("workplace"),
            age_from: text("age_from"),
            age_to: text("age_to"),
            with_dependants: form.get("with_dependants").is_some(),
            symbol: text("symbol"),
            number: text("number"),
            branch: text("branch"),
            first_day: text("first_day"),
            last_day: text("last_day"),
            mail: form.get("mail").is_some(),
        }
    }

    pub(super) fn of(content: &Content) -> Self {
        let group = match &content.aim {
            Aim::Group(group) => group.clone(),
            Aim::Person(_) => Group::default(),
        };
        let aim = match &content.aim {
            Aim::Person(_) => "person",
            Aim::Group(group) if group.is_everybody() => "everybody",
            Aim::Group(_) => "group",
        };
        let age = |age: Option<i16>| age.map(|age| age.to_string()).unwrap_or_default();
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        Self {
            title: content.title.clone(),
            body: content.body.clone(),
            aim: aim.into(),
            age_from: age(group.age_from),
            age_to: age(group.age_to),
            with_dependants: group.with_dependants,
            workplace: group.workplace_code.unwrap_or_default(),
            first_day: day(content.first_day),
            last_day: day(content.last_day),
            mail: content.mail,
            ..Self::default()
        }
    }
}

/// Reads a form. All that is wrong is said at once. Whoever is protected is, for those who may not see such people, nobody.
pub(super) async fn read(
    tx: &mut TenantTransaction,
    form: &Form,
    sees_protected: bool,
) -> Result<Result<Content, Vec<FieldError>>, Trouble> {
    let mut errors = Vec::new();
    let title = FieldError::gather(TITLE, content::title(form.text("title")), &mut errors);
    let body = FieldError::gather(BODY, content::body(form.text("body")), &mut errors);
    let aim = match form.text("aim") {
        "everybody" => Ok(Aim::Group(Group::default())),
        "group" => group(form).map(Aim::Group),
        "person" => person(tx, form, sees_protected).await?.map(Aim::Person),
        "number" => numbered(tx, form, sees_protected).await?.map(Aim::Person),
        _ => Err(FieldError::new(AIM, Problem::Empty)),
    };
    let aim = aim.map_err(|error| errors.push(error)).ok();
    let first_day = FieldError::gather(FIRST_DAY, dates::planned(form.text("first_day")), &mut errors).flatten();
    let last_day = FieldError::gather(LAST_DAY, dates::planned(form.text("last_day")), &mut errors).flatten();
    if let Err(problem) = content::days(first_day, last_day, &FIRST_DAY) {
        errors.push(FieldError::new(LAST_DAY, problem));
    }
    let read = title.zip(body).zip(aim).filter(|_| errors.is_empty());
    Ok(read.map_or(Err(errors), |((title, body), aim)| {
        Ok(Content {
            title,
            body,
            aim,
            first_day,
            last_day,
            mail: form.get("mail").is_some(),
        })
    }))
}

fn group(form: &Form) -> Result<Group, FieldError> {
    let code = content::workplace(form.text("workplace")).map_err(|problem| FieldError::new(CONDITION, problem))?;
    let age = |field: Field, name: &str| match text::normalize_dense(form.text(name)) {
        typed if typed.is_empty() => Ok(None),
        typed => text::number(&typed)
            .filter(|age| (0..=content::OLDEST).contains(age))
            .map(Some)
            .ok_or_else(|| FieldError::new(field, Problem::Characters)),
    };
    let group = Group {
        workplace_code: code,
        age_from: age(AGE_FROM, "age_from")?,
        age_to: age(AGE_TO, "age_to")?,
        with_dependants: form.get("with_dependants").is_some(),
    };
    content::ages(&group, &AGE_FROM).map_err(|problem| FieldError::new(AGE_TO, problem))?;
    if group.is_everybody() {
        return Err(FieldError::new(CONDITION, Problem::Empty));
    }
    Ok(group)
}

/// The person for whom the form was shown.
async fn person(
    tx: &TenantTransaction,
    form: &Form,
    sees_protected: bool,
) -> Result<Result<PersonId, FieldError>, Trouble> {
    let Some(id) = PersonId::parse(form.text("person")) else {
        return Ok(Err(FieldError::new(AIM, Problem::Empty)));
    };
    let is_there = roster::person(tx, id).await?.is_some();
    let may = is_there && drafts::may_see(tx, sees_protected, Some(id)).await?;
    Ok(may.then_some(id).ok_or_else(|| FieldError::new(NUMBER, Problem::Empty)))
}

async fn numbered(
    tx: &mut TenantTransaction,
    form: &Form,
    sees_protected: bool,
) -> Result<Result<PersonId, FieldError>, Trouble> {
    let typed = Numbered {
        symbol: form.text("symbol").to_owned(),
        number: form.text("number").to_owned(),
        branch: form
            .get("branch")
            .filter(|branch| !branch.is_empty())
            .map(str::to_owned),
    };
    let found = match roster::named(tx, &typed).await {
        Ok(person) => drafts::may_see(tx, sees_protected, Some(person))
            .await?
            .then_some(person),
        Err(NamedError::Database(error)) => return Err(error.into()),
        Err(_) => None,
    };
    Ok(found.ok_or_else(|| FieldError::new(NUMBER, Problem::Empty)))
}
