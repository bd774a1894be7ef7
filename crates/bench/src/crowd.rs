//! The people of an insurer of any size, who are alike at each: whatever is looked for is as frequent, and found as often
//! on a page. The roster comes by the product's own import; accounts, protections and the trail by SQL, as mass.

use crate::stage::{Failed, Insurer, Stage, copied, into};
use chrono::{DateTime, Utc};
use database::cluster::DATABASE;
use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
};

/// 姓, each the first of as many.
pub const SURNAMES: [(&str, &str); 40] = [
    ("サトウ", "佐藤"),
    ("スズキ", "鈴木"),
    ("タカハシ", "高橋"),
    ("タナカ", "田中"),
    ("イトウ", "伊藤"),
    ("ワタナベ", "渡辺"),
    ("ヤマモト", "山本"),
    ("ナカムラ", "中村"),
    ("コバヤシ", "小林"),
    ("カトウ", "加藤"),
    ("ヨシダ", "吉田"),
    ("ヤマダ", "山田"),
    ("ササキ", "佐々木"),
    ("マツモト", "松本"),
    ("イノウエ", "井上"),
    ("キムラ", "木村"),
    ("ハヤシ", "林"),
    ("シミズ", "清水"),
    ("ヤマザキ", "山崎"),
    ("モリ", "森"),
    ("アベ", "阿部"),
    ("イケダ", "池田"),
    ("ハシモト", "橋本"),
    ("イシカワ", "石川"),
    ("オガワ", "小川"),
    ("オカダ", "岡田"),
    ("ゴトウ", "後藤"),
    ("ハセガワ", "長谷川"),
    ("ムラカミ", "村上"),
    ("コンドウ", "近藤"),
    ("エンドウ", "遠藤"),
    ("サカモト", "坂本"),
    ("アオキ", "青木"),
    ("フジイ", "藤井"),
    ("ニシムラ", "西村"),
    ("フクダ", "福田"),
    ("オオタ", "太田"),
    ("ミウラ", "三浦"),
    ("フジワラ", "藤原"),
    ("マツダ", "松田"),
];
const GIVEN: [(&str, &str); 8] = [
    ("タロウ", "太郎"),
    ("ショウコ", "昭子"),
    ("イチロウ", "一郎"),
    ("ハルカ", "春香"),
    ("ケンジ", "健二"),
    ("ヨウコ", "洋子"),
    ("マコト", "誠"),
    ("アオイ", "葵"),
];
/// 記号 begin with this one.
pub const SYMBOLS: std::ops::Range<u32> = 200..240;
/// People of a workplace.
const WORKPLACE: u32 = 250;
/// Of so many people one has an account.
pub const REGISTERED: u32 = 5;
/// Of so many one is protected; of few people some more, so that a page is full.
const PROTECTED: u32 = 1_000;
const PAGE: u32 = 60;
/// Lines of the trail for each of the people.
const LINES: u32 = 2;
/// People whom many have looked at, and how many.
pub const KNOWN: u32 = 20;
const LOOKS: u32 = 60;
/// Staff who have looked.
pub const COLLEAGUES: u32 = 20;
/// People of each insurer else.
const NEIGHBOURS: u32 = 50;

/// The 記号 of a household.
pub fn symbol(household: u32) -> u32 {
    SYMBOLS.start + household % (SYMBOLS.end - SYMBOLS.start)
}

/// How many workplaces an insurer of so many people has.
pub fn workplaces(people: u32) -> u32 {
    people / WORKPLACE
}

/// The id of a member of staff.
pub fn colleague(number: u32) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}

/// Fills an insurer.
pub fn fill(stage: &Stage, insurer: &Insurer, people: u32, now: DateTime<Utc>) -> Result<(), Failed> {
    let file = stage.data.join("people.csv");
    write(&file, people).map_err(Failed::at(file.display()))?;
    stage.bring(insurer.code.as_str(), &file)?;
    fs::remove_file(&file).map_err(Failed::at(file.display()))?;
    stage.sql(DATABASE, &around(insurer.tenant, people, now)).map(drop)
}

/// A few people for each of the other insurers, copies of one's.
pub fn neighbours(stage: &Stage, of: &Insurer, others: &[Insurer]) -> Result<(), Failed> {
    let few = format!("old.tenant_id = {} AND old.number::int <= {NEIGHBOURS} / 4", of.tenant);
    let sql = [into(others), copied("persons", &few, "")].concat();
    stage.sql(DATABASE, &sql).map(drop)
}

/// Households of four; of each twelfth one child has lost its coverage.
fn write(path: &Path, people: u32) -> std::io::Result<()> {
    const RELATIONSHIPS: [&str; 4] = ["本人", "妻", "子", "子"];
    let mut csv = BufWriter::new(File::create(path)?);
    writeln!(
        csv,
        "被保険者証記号,番号,枝番,対象者氏名（カナ）,氏名（漢字）,性別,生年月日,続柄名称,資格取得日,資格喪失日,郵便番号,住所,電話,\
         メール,事業所コード,社員コード,個人ID"
    )?;
    for household in 1..=people / 4 {
        let (kana, name) = nth(&SURNAMES, household);
        let workplace = household % workplaces(people);
        for (branch, relationship) in (0_u32..).zip(RELATIONSHIPS) {
            let (given_kana, given) = nth(&GIVEN, household / 7 + branch);
            let lost = if branch == 3 && household.is_multiple_of(12) {
                "20260331"
            } else {
                ""
            };
            writeln!(
                csv,
                "{},{household},{branch:02},{kana}　{given_kana},{name}　{given},{},{}{:02}{:02},{relationship},20100401,\
                 {lost},000-0011,奈良県ためし市若草台2丁目5番{household}号,{},e{household}-{branch}@example.jp,\
                 W{workplace},E{household},P{household}-{branch}",
                symbol(household),
                1 + branch % 2,
                1950 + household % 60,
                1 + household % 12,
                1 + household % 28,
                phone(household),
            )?;
        }
    }
    csv.flush()
}

/// A household's phone.
pub fn phone(household: u32) -> String {
    format!("090-{:04}-{:04}", household / 10_000, household % 10_000)
}

fn nth<'a>(of: &[(&'a str, &'a str)], number: u32) -> (&'a str, &'a str) {
    // Multiplying by an odd constant wanders over all of them.
    let place = number.wrapping_mul(2_654_435_761) >> 8;
    let places = u32::try_from(of.len()).unwrap_or(1);
    of.get((place % places) as usize).copied().unwrap_or_default()
}

/// Accounts, protections, colleagues and the trail.
fn around(tenant: i32, people: u32, now: DateTime<Utc>) -> String {
    let id = |milliseconds: &str, number: &str| {
        format!("(lpad(to_hex({milliseconds}), 12, '0') || '70008' || lpad(to_hex({number}), 15, '0'))::uuid")
    };
    let of_time = |at: &str, number: &str| id(&format!("(extract(epoch FROM {at}) * 1000)::bigint"), number);
    let clerk = |number: &str| format!("('00000000-0000-7000-8000-' || lpad(({number})::text, 12, '0'))::uuid");
    let (lines, protected) = (people * LINES, people / (people / PROTECTED).max(PAGE));
    let columns =
        "tenant_id, audit_id, at, actor_kind, actor_id, action, outcome, object_kind, object_id, channel, detail";
    format!(
        "CREATE TEMP TABLE who AS
             SELECT row_number() OVER (ORDER BY number::int, branch) - 1 AS n, person_id, kana_fold1,
                 gen_random_uuid() AS account_id
             FROM persons WHERE tenant_id = {tenant} AND symbol::int >= {symbols};
         CREATE INDEX ON who (n);
         ANALYZE who;

         INSERT INTO accounts (tenant_id, account_id, person_id, user_id, password, password_changed_at, email,
             email_proven_at, registered_at)
         SELECT {tenant}, account_id, person_id, 'member-' || lpad((n / {REGISTERED})::text, 6, '0'), '', '{now}',
             'm' || n || '@example.jp', '{now}', '{now}'
         FROM who WHERE n % {REGISTERED} = 0;
         UPDATE persons SET registered = true FROM who
         WHERE persons.tenant_id = {tenant} AND persons.person_id = who.person_id AND who.n % {REGISTERED} = 0;
         INSERT INTO protections (tenant_id, protection_id, person_id, reason, set_by, set_at, kana_fold1)
         SELECT {tenant}, gen_random_uuid(), person_id, '', {first}, '{now}', kana_fold1 FROM who WHERE n % {protected} = 7;
         INSERT INTO staff (tenant_id, staff_id, email, email_key, name, guesses, device_guesses, factor_guesses, created_at)
         SELECT {tenant}, {clerk}, 'clerk-' || n || '@example.jp', 'clerk-' || n || '@example.jp', '職員' || n, 0, 0, 0, '{now}'
         FROM generate_series(1, {COLLEAGUES}) n;

         INSERT INTO audit_events ({columns})
         SELECT {tenant}, {line}, at, CASE WHEN of_staff THEN 'staff' ELSE 'member' END,
             CASE WHEN of_staff THEN {actor} ELSE account_id END,
             CASE WHEN NOT of_staff THEN 'session.open' WHEN line % 100 = 0 THEN 'roster.mend' ELSE 'person.look' END, 'done',
             CASE WHEN of_staff THEN 'person' ELSE 'account' END, CASE WHEN of_staff THEN person_id ELSE account_id END,
             CASE WHEN of_staff THEN 'console' ELSE 'portal' END, '{{\"what\": \"member\"}}'
         FROM (
             SELECT line, line % 10 < 3 AS of_staff,
                 timestamptz '{now}' - interval '1 hour' - interval '300 days' * (line::float / {lines}) AS at
             FROM generate_series(1, {lines}) line
         ) lines JOIN who ON who.n = line % {people};
         INSERT INTO audit_events ({columns})
         SELECT {tenant}, {known_line}, at, 'staff', {known_actor}, 'person.look', 'done', 'person', person_id, 'console',
             '{{\"what\": \"member\"}}'
         FROM (
             SELECT look, timestamptz '{now}' - interval '1 day' * look AS at FROM generate_series(1, {LOOKS}) look
         ) looks JOIN who ON who.n < {KNOWN} * 4 AND who.n % 4 = 0;
         INSERT INTO audit_subjects SELECT tenant_id, object_id, audit_id, at FROM audit_events
         WHERE tenant_id = {tenant} AND action = 'person.look';
         -- As if sealed: lines of a year would keep the node's sealer busy for hours.
         INSERT INTO audit_seals (tenant_id, segment, before_id, settled, lines, late, digests_hash, previous, hash, sealed_at)
         VALUES ({tenant}, 1, {end}, 1, 0, 0, '', '', '', '{now}');
         DROP TABLE who;",
        symbols = SYMBOLS.start,
        first = clerk("1"),
        clerk = clerk("n"),
        actor = clerk(&format!("(line / 10 + line / 100) % {COLLEAGUES} + 1")),
        line = of_time("at", "line"),
        known_actor = clerk(&format!("look % {COLLEAGUES} + 1")),
        known_line = of_time("at", "1000000000 + n"),
        end = of_time(&format!("timestamptz '{now}'"), "0"),
    )
}
