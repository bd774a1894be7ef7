//! 保留: found, confirmed and settled; what is remembered of it, and what never is.

use super::{Counter, one, people, row, tells, tells_nothing_of};
use access::Role;
use testkit::{Answer, TestClerk};

const HELD: &str = "/console/statements/held";

impl Counter {
    /// The rows that wait, by line.
    async fn waiting(&self) -> Vec<String> {
        let query =
            "SELECT h.held_id::text AS line FROM held_rows h JOIN statement_deliveries d USING (tenant_id, delivery)
            WHERE h.settled_at IS NULL AND d.state IN ('ready', 'published') ORDER BY h.delivery, h.line";
        self.app.insurer.lines(query).await
    }

    async fn settle(&self, held: &str, person: &str) -> Answer {
        let path = format!("{HELD}/{held}/settle");
        self.clerk.post(&path, &[("person", person)]).await
    }
}

/// Pages through the list and gives how many rows each page has.
async fn pages(clerk: &TestClerk) -> Vec<usize> {
    let (mut path, mut counts) = (HELD.to_owned(), Vec::new());
    loop {
        let page = clerk.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        counts.push(page.text.matches("<th scope=\"row\"><a href=").count());
        let Some((_, rest)) = page.text.split_once("<p class=\"more\"><a href=\"") else {
            return counts;
        };
        path = rest.split('"').next().unwrap().replace("&#38;", "&");
    }
}

#[tokio::test]
async fn a_row_that_waits_is_found_confirmed_and_settled_and_its_number_is_remembered() {
    let counter = Counter::new().await;
    counter
        .show(&[
            row("2026-08", "A", (9, "00", "1984-07-07"), "2026-06", 1_000),
            row("2026-08", "B", (1, "00", ""), "2026-06", 2_000),
        ])
        .await;
    let clerk = &counter.clerk;
    let list = clerk.get(HELD).await;
    tells(
        &list,
        &[
            "100・9・00",
            "1984年（昭和59年）7月7日",
            "2026年6月",
            "名簿に当てはまる方がいない",
            "医療費通知 2026年8月処理分 第1版の2行目",
        ],
    );
    // Neither where nor what it cost: nobody needs it to find whose it is.
    tells_nothing_of(&list, &["東町クリニック", "1,000", "1000", "100・1・00"]);
    let held = counter.waiting().await.remove(0);
    let path = format!("{HELD}/{held}");
    assert_eq!(clerk.get(&path).await.status, 200);
    for (fields, said) in [
        (&[][..], "記号・番号か、氏名を入力してください"),
        (&[("symbol", "100"), ("number", "77")], "当てはまる方が名簿にいません"),
        (&[("name", "ミ")], "カナなら2文字以上で"),
        (&[("name", "あ\0")], "カナなら2文字以上で"),
        (&[("name", "北山")], "当てはまる方が名簿にいません"),
    ] {
        let refused = clerk.post(&path, fields).await;
        assert_eq!(refused.status, 422, "{fields:?}");
        tells(&refused, &[said]);
    }
    for fields in [
        &[("symbol", "100"), ("number", "2")][..],
        &[("name", "みなみの")],
        &[("name", "南野")],
    ] {
        let found = clerk.post(&path, fields).await;
        assert_eq!(found.status, 200, "{}", found.text);
        tells(&found, &["南野 次郎", "1984年（昭和59年）7月7日", "この方の行にする"]);
        tells_nothing_of(&found, &["北村"]);
    }
    let person = counter.person(2, "00").await;
    let confirm = clerk.get(&format!("{path}/settle?person={person}")).await;
    tells(
        &confirm,
        &[
            "100・9・00",
            "南野 次郎（本人）",
            "ご本人",
            "次の提供分でもこの方の行として扱います",
        ],
    );
    tells_nothing_of(&confirm, &["生年月日が違います"]);
    let done = counter.settle(&held, &person).await;
    assert_eq!((done.status.as_u16(), done.location()), (303, HELD));
    tells(&clerk.get(HELD).await, &["行を割り当てました", "保留の行はありません"]);
    assert_eq!(counter.shown().await, ["1-00 B 2000", "2-00 A 1000"]);
    assert_eq!(counter.list().await[0].held, 0);
    assert_eq!(counter.trail("statements.settle").await, ["staff person done"]);
    let looked = format!("subject_id = '{person}'");
    assert!(counter.app.insurer.count("audit_subjects", &looked).await >= 3);
    let sealed = "SELECT octet_length(sealed)::text AS line FROM held_rows";
    assert_eq!(counter.app.insurer.lines(sealed).await, ["0"]);
    // A second time nothing is done.
    let again = counter.settle(&held, &counter.person(1, "00").await).await;
    assert_eq!(again.status, 409, "{}", again.text);
    tells(&again, &["もう保留ではありません"]);
    assert_eq!(clerk.get(&path).await.location(), HELD);
    // The next file's rows of the number are theirs.
    let next = counter
        .show(&[row("2026-09", "C", (9, "00", "1984-07-07"), "2026-07", 3_000)])
        .await;
    assert_eq!(next.held, 0);
    assert_eq!(counter.shown().await[2], "2-00 C 3000");
}

#[tokio::test]
async fn what_else_waits_under_the_number_is_settled_with_it() {
    let counter = Counter::new().await;
    let nine = |claim| row("2026-08", claim, (9, "00", "1984-07-07"), "2026-06", 1_000);
    let ten = row("2026-08", "D", (10, "00", ""), "2026-06", 2_000);
    counter.show(&[nine("A"), nine("B"), ten, nine("C")]).await;
    let held = counter.waiting().await.remove(1);
    let person = counter.person(2, "00").await;
    assert_eq!(counter.settle(&held, &person).await.status, 303);
    assert_eq!(counter.shown().await, ["2-00 A 1000", "2-00 B 1000", "2-00 C 1000"]);
    assert_eq!((counter.waiting().await.len(), counter.list().await[0].held), (1, 1));
    let settled = "SELECT detail->>'settled' AS line FROM audit_events WHERE action = 'statements.settle'";
    assert_eq!(counter.app.insurer.lines(settled).await, ["3"]);
}

#[tokio::test]
async fn a_remembered_number_never_goes_before_the_roster() {
    let counter = Counter::new().await;
    let nine = |label, claim, born| row(label, claim, (9, "00", born), "2026-06", 1_000);
    counter
        .show(&[nine("2026-08", "A", ""), nine("2026-08", "B", "1984-07-07")])
        .await;
    let person = counter.person(2, "00").await;
    for held in counter.waiting().await {
        assert_eq!(counter.settle(&held, &person).await.status, 303);
    }
    let remembered = counter.app.insurer.count("remembered_numbers", "true").await;
    assert_eq!(remembered, 2);
    // The roster gives the number to somebody who was born on another day.
    let mut more = people();
    more.push(one(9, "00", ["東　三郎", "ヒガシ　サブロウ"], "本人", "1990-09-09"));
    counter.app.insurer.import(&more).await;
    let next = counter
        .show(&[
            nine("2026-09", "C", ""),
            nine("2026-09", "D", "1990-09-09"),
            nine("2026-09", "E", "1984-07-07"),
        ])
        .await;
    // By number alone it is whoever has it; by birth date it is told apart.
    assert_eq!(next.held, 0);
    let shown = counter.shown().await;
    for line in ["9-00 C 1000", "9-00 D 1000", "2-00 E 1000"] {
        assert!(shown.contains(&line.to_owned()), "{line}: {shown:?}");
    }
    // Whoever has it now was not covered then: it is nobody's before somebody tells.
    let since = "UPDATE persons SET acquired_on = '2026-09-01' WHERE number_key = '9'";
    testkit::sql(counter.app.tenant(), since).await;
    let next = counter.show(&[nine("2026-10", "F", "")]).await;
    assert_eq!(next.held, 1);
}

#[tokio::test]
async fn of_a_number_that_says_too_little_or_is_several_peoples_nothing_is_remembered() {
    let counter = Counter::new().await;
    let mut twins = people();
    for (branch, name) in [
        ("02", ["北村　一", "キタムラ　イチ"]),
        ("03", ["北村　二", "キタムラ　ニコ"]),
    ] {
        twins.push(one(1, branch, name, "子", "2026-05-05"));
    }
    counter.app.insurer.import(&twins).await;
    let rows = |label: &str| {
        [
            row(label, &format!("{label}-A"), (1, "", "2026-05-05"), "2026-06", 1_000),
            row(label, &format!("{label}-B"), (7, "", ""), "2026-06", 2_000),
        ]
    };
    counter.show(&rows("2026-08")).await;
    let waiting = counter.waiting().await;
    tells(&counter.clerk.get(HELD).await, &["当てはまる方が2人以上いる"]);
    let twin = counter.person(1, "03").await;
    let confirm = counter
        .clerk
        .get(&format!("{HELD}/{}/settle?person={twin}", waiting[0]))
        .await;
    tells(&confirm, &["北村 一郎", "次の提供分の同じ行は、また保留になります"]);
    assert_eq!(counter.settle(&waiting[0], &twin).await.status, 303);
    assert_eq!(
        counter.settle(&waiting[1], &counter.person(2, "00").await).await.status,
        303
    );
    assert_eq!(counter.shown().await, ["1-03 2026-08-A 1000", "2-00 2026-08-B 2000"]);
    let principal = "SELECT p.branch AS line FROM cost_rows r JOIN persons p ON p.person_id = r.principal_id
        WHERE r.claim_key = '2026-08-A'";
    assert_eq!(counter.app.insurer.lines(principal).await, ["00"]);
    assert_eq!(counter.app.insurer.count("remembered_numbers", "true").await, 0);
    assert_eq!(counter.show(&rows("2026-09")).await.held, 2);
}

#[tokio::test]
async fn a_row_is_no_bodys_whom_nobody_is_notified_for_or_whom_the_roster_knows_otherwise() {
    let counter = Counter::new().await;
    let mut more = people();
    more.push(one(5, "01", ["西　四子", "ニシ　ヨツコ"], "妻", "1990-01-01"));
    counter.app.insurer.import(&more).await;
    counter
        .show(&[row("2026-08", "A", (9, "00", "1990-09-09"), "2026-06", 1_000)])
        .await;
    let held = counter.waiting().await.remove(0);
    let alone = counter.person(5, "01").await;
    let refused = counter.settle(&held, &alone).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    tells(&refused, &["だれに通知する行か、決められません"]);
    let asked = counter.clerk.get(&format!("{HELD}/{held}/settle?person={alone}")).await;
    assert_eq!(asked.status, 303);
    // By now the roster knows whose it is.
    more.push(one(9, "00", ["東　三郎", "ヒガシ　サブロウ"], "本人", "1990-09-09"));
    counter.app.insurer.import(&more).await;
    let refused = counter.settle(&held, &counter.person(2, "00").await).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    tells(&refused, &["名簿では、ほかの方の行です"]);
    assert!(counter.shown().await.is_empty());
    assert_eq!(counter.settle(&held, &counter.person(9, "00").await).await.status, 303);
    assert_eq!(counter.shown().await, ["9-00 A 1000"]);
    // Nobody is nobody.
    let nobody = uuid::Uuid::nil().to_string();
    assert_eq!(counter.settle(&held, "x").await.status, 404);
    counter
        .show(&[row("2026-09", "B", (8, "00", "1990-09-09"), "2026-06", 1_000)])
        .await;
    let held = counter.waiting().await.remove(0);
    assert_eq!(counter.settle(&held, &nobody).await.status, 404);
    assert_eq!(counter.settle(&nobody, &alone).await.status, 404);
}

#[tokio::test]
async fn two_who_settle_a_row_at_the_same_time_settle_it_once() {
    let counter = Counter::new().await;
    counter
        .show(&[row("2026-08", "A", (9, "00", ""), "2026-06", 1_000)])
        .await;
    let held = counter.waiting().await.remove(0);
    let (one, other) = (counter.person(1, "00").await, counter.person(2, "00").await);
    let both = [counter.settle(&held, &one), counter.settle(&held, &other)];
    let mut statuses: Vec<u16> = futures_util::future::join_all(both)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    assert_eq!(counter.app.insurer.count("cost_rows", "true").await, 1);
    assert_eq!(counter.list().await[0].held, 0);
}

#[tokio::test]
async fn a_row_is_dropped_for_good_and_for_a_reason() {
    let counter = Counter::new().await;
    counter
        .show(&[row("2026-07", "A", (1, "00", ""), "2026-05", 900)])
        .await;
    counter
        .show(&[row("2026-08", "A", (9, "00", ""), "2026-05", 1_000)])
        .await;
    let held = counter.waiting().await.remove(0);
    let path = format!("{HELD}/{held}/drop");
    tells(&counter.clerk.get(&path).await, &["元に戻せません"]);
    let refused = counter.clerk.post(&path, &[]).await;
    assert_eq!(refused.status, 422);
    tells(&refused, &["理由を選んでください"]);
    let dropped = counter.clerk.post(&path, &[("reason", "not_insured")]).await;
    assert_eq!((dropped.status.as_u16(), dropped.location()), (303, HELD));
    assert!(counter.waiting().await.is_empty() && counter.list().await[0].held == 0);
    // What it corrected stays corrected.
    assert!(counter.shown().await.is_empty());
    assert_eq!(counter.trail("statements.drop").await, ["staff delivery done"]);
    assert_eq!(
        counter.clerk.post(&path, &[("reason", "not_insured")]).await.location(),
        HELD
    );
    assert_eq!(counter.trail("statements.drop").await.len(), 1);
}

// security.md 74
#[tokio::test]
async fn rows_of_a_protected_persons_number_are_there_for_nobody_who_may_not_see_them() {
    let counter = Counter::new().await;
    let mother = counter.person(1, "01").await;
    counter
        .show(&[
            row("2026-08", "A", (1, "01", "1982-06-07"), "2026-06", 1_000),
            row("2026-08", "B", (9, "00", ""), "2026-06", 2_000),
        ])
        .await;
    let waiting = counter.waiting().await;
    counter.protect(&mother).await;
    let list = counter.clerk.get(HELD).await;
    tells(&list, &["100・9・00"]);
    tells_nothing_of(&list, &["100・1・01", "1982年"]);
    // Said whether there are such rows or not: the delivery's count has them.
    tells(&list, &["保護されている方の記号・番号の行は、資格担当だけに表示します"]);
    let theirs = format!("{HELD}/{}", waiting[0]);
    for path in [
        theirs.clone(),
        format!("{theirs}/drop"),
        format!("{theirs}/settle?person={mother}"),
    ] {
        assert_eq!(counter.clerk.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(
        counter
            .clerk
            .post(&format!("{theirs}/drop"), &[("reason", "other")])
            .await
            .status,
        404
    );
    assert_eq!(counter.settle(&waiting[0], &mother).await.status, 404);
    // Nor does anybody's row become theirs: of them no more than the name is found.
    let other = format!("{HELD}/{}", waiting[1]);
    let found = counter.clerk.post(&other, &[("symbol", "100"), ("number", "1")]).await;
    tells(&found, &["北村 一郎", "北村　花子", "資格担当へ"]);
    tells_nothing_of(&found, &[&mother, "1982年", "ハナコ"]);
    assert_eq!(counter.settle(&waiting[1], &mother).await.status, 404);
    assert_eq!(
        counter
            .clerk
            .get(&format!("{other}/settle?person={mother}"))
            .await
            .status,
        404
    );
    assert_eq!(counter.waiting().await, waiting);
    // Whoever may see them does it as ever.
    let clerk = counter.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    tells(&clerk.get(HELD).await, &["100・1・01", "100・9・00"]);
    let confirm = clerk.get(&format!("{theirs}/settle?person={mother}")).await;
    tells(&confirm, &["北村 花子", "生年月日が違います", "北村 一郎"]);
    let settled = clerk.post(&format!("{theirs}/settle"), &[("person", &mother)]).await;
    assert_eq!(settled.status, 303);
    assert_eq!(counter.shown().await, ["1-01 A 1000"]);
}

#[tokio::test]
async fn pages_are_full_whoever_of_them_is_hidden_and_narrowed_by_what_they_wait_for() {
    let counter = Counter::new().await;
    let rows: Vec<String> = (0..120)
        .map(|nth| {
            let whose = if nth % 3 == 0 { (1, "07", "") } else { (9, "00", "") };
            row("2026-08", &format!("C{nth}"), whose, "2026-06", 1_000)
        })
        .collect();
    counter.show(&rows).await;
    assert_eq!(pages(&counter.clerk).await, [50, 50, 20]);
    counter.protect(&counter.person(1, "01").await).await;
    assert_eq!(pages(&counter.clerk).await, [50, 30]);
    let of = async |query: &str| counter.clerk.get(&format!("{HELD}?{query}")).await;
    tells(&of("kind=medicines").await, &["保留の行はありません"]);
    tells(&of("reason=several").await, &["保留の行はありません"]);
    tells(&of("reason=unknown&kind=costs&delivery=1").await, &["100・9・00"]);
    tells(&of("delivery=2").await, &["保留の行はありません"]);
    assert_eq!(of("after=x").await.status, 404);
    // What waits in a version that is shown no longer waits for nobody.
    let held = counter.waiting().await.remove(1);
    counter
        .show(&[row("2026-08", "N", (2, "00", ""), "2026-06", 1_000)])
        .await;
    tells(&counter.clerk.get(HELD).await, &["保留の行はありません"]);
    assert_eq!(counter.clerk.get(&format!("{HELD}/{held}")).await.location(), HELD);
    assert_eq!(counter.settle(&held, &counter.person(2, "00").await).await.status, 409);
}

// security.md 51
#[tokio::test]
async fn another_insurers_rows_are_not_here() {
    let (counter, other) = (Counter::new().await, Counter::new().await);
    other
        .show(&[row("2026-08", "A", (9, "00", ""), "2026-06", 1_000)])
        .await;
    let held = other.waiting().await.remove(0);
    tells(&counter.clerk.get(HELD).await, &["保留の行はありません"]);
    let path = format!("{HELD}/{held}");
    assert_eq!(counter.clerk.get(&path).await.status, 404);
    assert_eq!(counter.settle(&held, &counter.person(2, "00").await).await.status, 404);
    // Nor does anybody of another's become whose a row here is.
    let theirs = other.person(2, "00").await;
    counter
        .show(&[row("2026-08", "A", (9, "00", ""), "2026-06", 1_000)])
        .await;
    let own = counter.waiting().await.remove(0);
    assert_eq!(counter.settle(&own, &theirs).await.status, 404);
    assert_eq!(
        counter
            .clerk
            .get(&format!("{HELD}/{own}/settle?person={theirs}"))
            .await
            .status,
        404
    );
    assert!(counter.shown().await.is_empty());
}

// security.md 42
#[tokio::test]
async fn whoever_settles_has_just_proven_a_second_factor_and_keeps_what_they_chose() {
    let counter = Counter::new().await;
    counter
        .show(&[row("2026-08", "A", (9, "00", ""), "2026-06", 1_000)])
        .await;
    let held = counter.waiting().await.remove(0);
    let person = counter.person(2, "00").await;
    counter.app.later(601);
    let asked = counter.settle(&held, &person).await;
    assert!(asked.location().starts_with("/console/prove"), "{}", asked.location());
    assert_eq!(counter.waiting().await, [held]);
}

// security.md 70
#[tokio::test]
async fn a_row_that_does_not_open_says_so_and_can_only_be_dropped() {
    let counter = Counter::new().await;
    counter
        .show(&[
            row("2026-08", "A", (9, "00", ""), "2026-06", 1_000),
            row("2026-08", "B", (8, "00", ""), "2026-06", 1_000),
        ])
        .await;
    let copy = "UPDATE held_rows h SET sealed = o.sealed FROM held_rows o WHERE h.line = 2 AND o.line = 3";
    testkit::sql(counter.app.tenant(), copy).await;
    tells(&counter.clerk.get(HELD).await, &["内容を開けません", "100・8・00"]);
    let held = counter.waiting().await.remove(0);
    let person = counter.person(2, "00").await;
    assert_eq!(counter.settle(&held, &person).await.status, 409);
    let dropped = counter
        .clerk
        .post(&format!("{HELD}/{held}/drop"), &[("reason", "other")])
        .await;
    assert_eq!(dropped.status, 303);
    assert_eq!(counter.waiting().await.len(), 1);
}

#[tokio::test]
async fn a_number_that_was_told_wrongly_is_made_forgotten() {
    let counter = Counter::new().await;
    let nine = |label, claim| [row(label, claim, (9, "00", ""), "2026-06", 1_000)];
    counter.show(&nine("2026-08", "A")).await;
    let mother = counter.person(1, "01").await;
    let held = counter.waiting().await.remove(0);
    assert_eq!(counter.settle(&held, &mother).await.status, 303);
    let remembered = format!("{HELD}/remembered");
    tells(
        &counter.clerk.get(&remembered).await,
        &["100・9・0", "北村 花子", "窓口　花子"],
    );
    let number = "SELECT remembered_id::text AS line FROM remembered_numbers";
    let number = counter.app.insurer.lines(number).await.remove(0);
    let forget = async |clerk: &TestClerk| clerk.post(&remembered, &[("number", &number)]).await;
    // Of a protected person's nobody else knows.
    counter.protect(&mother).await;
    tells(
        &counter.clerk.get(&remembered).await,
        &["覚えている記号・番号はありません"],
    );
    assert_eq!(forget(&counter.clerk).await.location(), remembered);
    let other = Counter::new().await;
    assert_eq!(forget(&other.clerk).await.location(), remembered);
    assert_eq!(counter.app.insurer.count("remembered_numbers", "true").await, 1);
    let clerk = counter.app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    assert_eq!(forget(&clerk).await.location(), remembered);
    tells(&clerk.get(&remembered).await, &["覚えている記号・番号を取り消しました"]);
    assert_eq!(forget(&clerk).await.status, 303);
    assert_eq!(counter.trail("statements.forget").await, ["staff person done"]);
    assert_eq!(counter.show(&nine("2026-09", "B")).await.held, 1);
}
