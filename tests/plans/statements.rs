//! What treatment cost, of which there is more than of anything else: rows of many months, of which a member has a few.

use super::PROTECTED;
use accounts::{Proof, for_staff::proof_of};
use audit::read::{self, About, Filter, Lines, Shown};
use chrono::{NaiveDate, TimeDelta};
use kernel::{AccountId, PersonId, StaffId};
use roster::{NumberKey, Sight};
use statements::{
    Kind, Month, Months, delivery, drugs, marks,
    preview::Preview,
    published::published,
    purge,
    view::View,
    visibility::{Family, Looking, Viewer, visible},
};
use tenancy::{FamilyDefault, StatementSettings};
use testkit::TestApp;

/// A delivery that has served its time, in each round.
const OVER: i32 = 1_000;

fn day(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap()
}

/// Who sees what, whose numbers are, and what goes, at the large insurer.
pub(super) async fn visits(app: &TestApp) {
    let now = app.clock().now();
    let ids = "SELECT md5('person' || n)::uuid::text AS line FROM generate_series(100, 109) n ORDER BY random()";
    let ids = app.insurer.lines(ids).await;
    let people: Vec<PersonId> = ids.iter().map(|id| PersonId(id.parse().unwrap())).collect();
    let mut tx = app.write(app.tenant()).await;
    for (kind, person) in Kind::ALL.into_iter().zip(&people) {
        let looking = Looking {
            viewer: Viewer {
                person: *person,
                proof: Proof::Letter,
            },
            kind,
            family: Family {
                self_only: true,
                hides_former: true,
                adult_age: 18,
            },
            day: day(2026, 11),
            months: (Month::of(day(2023, 12)), Month::of(day(2026, 12))),
        };
        visible(&tx, &looking).await.unwrap();
    }
    looks(app).await;
    let keys = (1..=5).map(|number| NumberKey {
        symbol_key: if number == 5 { "199".into() } else { "200".into() },
        number_key: number.to_string(),
        branch_key: "0".into(),
        personal_id: if number == 4 { "P4".into() } else { String::new() },
        birth_date: None,
        month: day(2026, 11),
    });
    let keys: Vec<NumberKey> = keys.collect();
    assert_eq!(roster::resolve(&tx, &keys).await.unwrap().len(), 5);
    let codes = ["999000010", "999000011", "999007770", "999999999"];
    let asked = codes.map(|code| (Month::of(day(2026, 6)), code));
    let known = drugs::of(&tx, &asked).await.unwrap();
    let generics = tenancy::GenericSettings::default();
    assert_eq!(known.candidates(asked[0].0, codes[0], &generics).len(), 3);
    let swept = purge::sweep(&mut tx, &app.ground.keys, 36, now).await.unwrap();
    assert!(swept >= 4, "{swept}");
    purge::forget(&mut tx, &people[9..], &[AccountId(people[9].0)])
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// What a page of somebody asks, over all the years that may be kept.
async fn looks(app: &TestApp) {
    // Of the others all rows are somebody's who may be protected, or they are protected themselves.
    let ids = format!(
        "SELECT md5('person' || n)::uuid::text AS line FROM generate_series(110, 119) n
         WHERE n % 3 > 0 AND n % {PROTECTED} > 0 ORDER BY random()"
    );
    let person = PersonId(app.insurer.lines(&ids).await[0].parse().unwrap());
    let (now, account) = (app.clock().now(), AccountId(person.0));
    let settings = StatementSettings {
        months_online: 36,
        costs_family: FamilyDefault::SelfOnly,
        medicines_family: FamilyDefault::SelfOnly,
        ..StatementSettings::default()
    };
    let viewer = Viewer {
        person,
        proof: Proof::Letter,
    };
    let online = Months::online(&settings, now);
    let view = View::of(viewer, &settings, now, online);
    let mut tx = app.write(app.tenant()).await;
    for kind in Kind::ALL {
        published(&tx, kind, online).await.unwrap();
        let seen_at = marks::seen_at(&tx, account, kind).await.unwrap();
        let seen_at = seen_at.unwrap_or(now - TimeDelta::days(365));
        view.changed_since(&tx, kind, seen_at).await.unwrap();
        marks::mark_seen(&mut tx, account, kind, now).await.unwrap();
    }
    assert!(!view.costs(&tx).await.unwrap().is_empty());
    assert!(!view.medicines(&tx).await.unwrap().is_empty());
    // The same in their place, as if a delivery were published that is.
    for kind in Kind::ALL {
        let heads = delivery::list(&tx, Some(kind)).await.unwrap();
        let seen = view.looked_at(Preview::new(false, heads.first()));
        let is_none = match kind {
            Kind::Costs => seen.costs(&tx).await.unwrap().is_empty(),
            Kind::Medicines => seen.medicines(&tx).await.unwrap().is_empty(),
        };
        assert!(!is_none, "{kind}");
    }
    let shown = Shown {
        called: "statements.",
        actions: &["costs.export"],
    };
    let filter = Filter {
        about: Some(About {
            person: person.0,
            lines: Lines::LooksAt(shown),
        }),
        from: Some(now - TimeDelta::days(365)),
        ..Filter::default()
    };
    read::list(&tx, &filter, None, 51).await.unwrap();
    staff::roles_of(&tx, &[StaffId(person.0)]).await.unwrap();
    proof_of(&tx, person).await.unwrap();
    roster::household(&tx, &Sight::ALL, person, day(2026, 11))
        .await
        .unwrap();
    roster::people(&tx, &[person]).await.unwrap();
    tx.commit().await.unwrap();
}

const HEADS: &str =
    "INSERT INTO statement_deliveries (tenant_id, delivery, delivery_id, kind, label, version, state, file_name,
    file_hash, encoding, rows, held, too_old, persons, months, totals, imported_at, ended_at)";
const TOTALS: &str = r#"{"by": [], "corrected": {"claims": 0, "yen": 0, "withdrawn": 0}}"#;
/// Of whom an insurer of `tenant` and `n` has rows: themselves, and one of three of the next one's.
const PEOPLE: &str = "person, CASE WHEN n % 3 = 0 THEN md5('person' || n + 1)::uuid ELSE person END, 'C' || n";

/// Rows of all of the crowd, of each year that is attached. Written as the crowd is.
pub(super) fn treated(tenant: i32, insurers: u32) -> String {
    format!(
        "{HEADS} SELECT insurer, nth + 100 * (kind = 'medicines')::int, gen_random_uuid(), kind,
             date '2026-12-01' - nth * interval '1 month', 1, 'published', '', '', '', 0, 0, 0, 0, '{{}}', '{TOTALS}', now(), NULL
             FROM unnest(ARRAY['costs', 'medicines']) kind, generate_series(1, 24) nth,
                 (SELECT {tenant} UNION ALL SELECT 100000 + n FROM generate_series(1, {insurers}) n) i (insurer)
             WHERE nth = 1 OR insurer = {tenant};
         INSERT INTO statement_mailings SELECT tenant_id, delivery_id, now(), NULL, NULL, 0, now() FROM statement_deliveries;
         INSERT INTO statement_runs (tenant_id, run_id, kind, state, started_by, by_name, file_name, upload_id, created_at, moved_at,
             stage, rows, percent, mapping, report, agreed, delivery)
             SELECT tenant, md5('run' || n)::uuid, 'costs', 'loaded', account, '', '', person, now(), now(), '', 0, 100, '{{}}', '{{}}',
                 true, 1 + n % 24 FROM few;
         INSERT INTO cost_rows SELECT tenant, month::date, 1, n, {PEOPLE}, 'medical_out', 1, '', 1000, 700, 0, 300, 0, 0, false, NULL
             FROM crowd, generate_series(date '2023-12-01', '2026-12-01', '1 year') month;
         INSERT INTO medicine_rows SELECT tenant, month::date, 101, n, {PEOPLE}, '612345678', 'oral', 2000, 30, 3, '', '', 0, 0, false, NULL
             FROM crowd, generate_series(date '2023-12-01', '2026-12-01', '1 year') month;
         INSERT INTO drugs SELECT '2025-01-01'::date + 30 * master, 1, (999000000 + n)::text, lpad((n / 10)::text, 9, '9') || 'F' || 10 + n % 10,
             lpad((n / 10)::text, 9, '9'), '試薬', '錠', 10000 - n % 10, CASE n % 10 WHEN 0 THEN '2' ELSE '3' END, 0, NULL
             FROM generate_series(0, 11) master, generate_series(1, 20000) n;
         INSERT INTO shared_claims SELECT tenant, 1 + n % 24, '2026-11-01', 'C' || n FROM crowd;
         INSERT INTO held_rows SELECT tenant, md5('held' || n)::uuid, 1, n, 'unknown', '', person, now() FROM few;
         INSERT INTO remembered_numbers SELECT tenant, md5('remembered' || n)::uuid, '299', n::text, '0', '', '', person, account, now() FROM few;
         INSERT INTO struck_claims SELECT tenant, md5('struck' || n)::uuid, 'costs', '2026-06-01', 'S' || n, '2026-08-01', person, 'wrong', '',
             account, now() FROM few;
         INSERT INTO disclosures SELECT tenant, person, kind, 'household', 'person', now()
             FROM crowd, unnest(ARRAY['costs', 'medicines']) kind;
         INSERT INTO statement_marks SELECT tenant, account, kind, now() FROM crowd, unnest(ARRAY['costs', 'medicines']) kind;"
    )
}

/// A version that was replaced long ago, of two rows, one that waits, and a claim that it shares.
pub(super) fn over(tenant: i32) -> String {
    format!(
        "{HEADS} VALUES ({tenant}, {OVER}, gen_random_uuid(), 'costs', '2026-10-01', 2, 'replaced', '', '', '', 0, 0, 0, 0,
             '{{2026-08-01}}', '{TOTALS}', now(), '2026-10-01')
             ON CONFLICT (tenant_id, delivery) DO UPDATE SET months = excluded.months, purged_at = NULL;
         INSERT INTO cost_rows SELECT {tenant}, '2026-08-01', {OVER}, n, md5('person')::uuid, md5('person')::uuid, '', 'other', 1, '',
             1000, 700, 0, 300, 0, 0, false, NULL FROM generate_series(1, 2) n;
         INSERT INTO held_rows VALUES ({tenant}, gen_random_uuid(), {OVER}, 3, 'unknown', '', NULL, NULL);
         INSERT INTO shared_claims VALUES ({tenant}, {OVER}, '2026-08-01', 'C')"
    )
}
