//! Keys that an earlier version of the kernel made. The roster is matched by them, so an import makes those of its insurer
//! anew before it compares: a row of the file must not miss its person because a dash is read differently now.

use database::{DatabaseError, TenantTransaction};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, SmallInt, Text, Uuid},
};
use diesel_async::RunQueryDsl;
use kernel::{
    Branch, EmployeeNumber, FOLD_VERSION, KanaName, Number, PersonId, Problem, Symbol,
    text::{name_key, phone_key},
};
use std::collections::HashSet;

/// Persons made anew at a time.
const AT_ONCE: i64 = 4_000;

/// Makes the keys of all persons anew whose keys are of another version, and notes that there are none: looking for them reads
/// the whole roster.
pub(super) async fn renew(tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
    let known = diesel::sql_query(KNOWN)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SmallInt, _>(FOLD_VERSION)
        .execute(&mut **tx)
        .await?;
    if known > 0 {
        return Ok(());
    }
    let mut after = PersonId(uuid::Uuid::nil());
    loop {
        let outdated: Vec<Written> = diesel::sql_query(OUTDATED)
            .bind::<Integer, _>(tx.tenant())
            .bind::<SmallInt, _>(FOLD_VERSION)
            .bind::<Uuid, _>(after)
            .bind::<BigInt, _>(AT_ONCE)
            .load(&mut **tx)
            .await?;
        let Some(last) = outdated.last() else { break };
        after = last.person_id;
        let mut keys = Keys::default();
        for person in &outdated {
            // What an earlier version took and this one does not keeps its old keys; the file will say it anew.
            if let Ok(made) = person.keys() {
                keys.push(person, made);
            }
        }
        keys.write(tx).await?;
    }
    diesel::sql_query(NOTE)
        .bind::<Integer, _>(tx.tenant())
        .bind::<SmallInt, _>(FOLD_VERSION)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A person as written.
#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Uuid)]
    person_id: PersonId,
    #[diesel(sql_type = Text)]
    symbol: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    branch: String,
    #[diesel(sql_type = Text)]
    kana_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    phone: String,
    #[diesel(sql_type = Text)]
    employee_number: String,
    #[diesel(sql_type = Bool)]
    present: bool,
}

/// Keys by column, in the order of [`RENEW`].
const COLUMNS: usize = 10;

impl Written {
    fn keys(&self) -> Result<[String; COLUMNS], Problem> {
        let kana = KanaName::parse(&self.kana_name)?;
        let employee = match self.employee_number.as_str() {
            "" => String::new(),
            number => EmployeeNumber::parse(number)?.key().to_owned(),
        };
        let [fold1, fold2] = kana.fold_keys().clone();
        Ok([
            Symbol::parse(&self.symbol)?.key().to_owned(),
            Number::parse(&self.number)?.key().to_owned(),
            Branch::parse(&self.branch)?.key().to_owned(),
            kana.strict_key().to_owned(),
            fold1,
            fold2,
            employee,
            name_key(&self.name),
            self.email.to_ascii_lowercase(),
            phone_key(&self.phone),
        ])
    }
}

#[derive(Default)]
struct Keys {
    persons: Vec<PersonId>,
    columns: [Vec<String>; COLUMNS],
    /// The numbers with a branch that persons of these have in the roster: each is one person's.
    taken: HashSet<[String; 3]>,
}

impl Keys {
    fn push(&mut self, person: &Written, keys: [String; COLUMNS]) {
        let [symbol, number, branch, ..] = &keys;
        let is_free =
            branch.is_empty() || !person.present || self.taken.insert([symbol, number, branch].map(Clone::clone));
        if is_free {
            self.persons.push(person.person_id);
            for (column, key) in self.columns.iter_mut().zip(keys) {
                column.push(key);
            }
        }
    }

    async fn write(self, tx: &mut TenantTransaction) -> Result<(), DatabaseError> {
        let mut query = diesel::sql_query(RENEW)
            .into_boxed::<diesel::pg::Pg>()
            .bind::<Integer, _>(tx.tenant())
            .bind::<SmallInt, _>(FOLD_VERSION)
            .bind::<Array<Uuid>, _>(self.persons);
        for column in self.columns {
            query = query.bind::<Array<Text>, _>(column);
        }
        query.execute(&mut **tx).await?;
        Ok(())
    }
}

const KNOWN: &str = "SELECT FROM roster_heads WHERE tenant_id = $1 AND fold_version = $2";
const NOTE: &str = "UPDATE roster_heads SET fold_version = $2 WHERE tenant_id = $1";

const OUTDATED: &str = "
    SELECT person_id, symbol, number, branch, kana_name, name, email, phone, employee_number, present FROM persons
    WHERE tenant_id = $1 AND fold_version <> $2 AND person_id > $3 AND emptied_at IS NULL
    ORDER BY person_id LIMIT $4";

/// Of two whose numbers are the same by the new keys only one can have them; the other keeps its old ones, matches no row
/// of the file and is lost by it, as whoever is not in a roster.
const RENEW: &str = "
    UPDATE persons p
    SET symbol_key = made.symbol_key, number_key = made.number_key, branch_key = made.branch_key,
        kana_strict = made.kana_strict, kana_fold1 = made.kana_fold1, kana_fold2 = made.kana_fold2,
        employee_key = made.employee_key, name_key = made.name_key, email_key = made.email_key, phone_key = made.phone_key,
        fold_version = $2
    FROM unnest ($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::text[])
        AS made (person_id, symbol_key, number_key, branch_key, kana_strict, kana_fold1, kana_fold2, employee_key,
            name_key, email_key, phone_key)
    WHERE p.tenant_id = $1 AND p.person_id = made.person_id
      AND NOT (p.present AND made.branch_key <> '' AND EXISTS (
          SELECT FROM persons other
          WHERE other.tenant_id = $1 AND other.symbol_key = made.symbol_key AND other.number_key = made.number_key
            AND other.branch_key = made.branch_key AND other.present AND other.person_id <> p.person_id))";
