//! Notices on a real database: who sees what, since when and until when, what is unread, and paging.

use accounts::Member;
use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{
    AccountId, BirthDate, Branch, EmailAddress, KanaName, NoticeId, Number, Outcome, PersonId, Refusal, SessionId,
    Symbol, TenantId, UserId, calendar, outcome,
};
use notices::{Cursor, Draft, Notice, Notices, Shelf, To};
use std::{collections::BTreeSet, sync::Arc};
use tenancy::{Insurer, InsurerState, PartFile, Settings};
use testkit::TestDatabase;

fn insurer(tenant: TenantId) -> Arc<Insurer> {
    Arc::new(Insurer::new(tenant, None, InsurerState::Open, 1, Settings::default()))
}

fn member(tenant: TenantId, now: DateTime<Utc>) -> Member {
    let account_id = AccountId::new(now);
    Member {
        account_id,
        session: guard::sessions::Session {
            id: SessionId::new(now),
            subject_kind: guard::sessions::SubjectKind::Member,
            subject: account_id.0,
            created_at: now,
            last_seen_at: now,
            expires_at: now + TimeDelta::hours(12),
            idle: TimeDelta::minutes(30),
            address: None,
            agent: String::new(),
            proved_at: None,
            grant: None,
            token_hash: Vec::new(),
        },
        insurer: insurer(tenant),
        platform: insurer(TenantId::PLATFORM),
        person: roster::Person {
            person_id: PersonId::new(now),
            symbol: Symbol::parse("100").unwrap(),
            number: Number::parse("105").unwrap(),
            branch: Branch::parse("00").unwrap(),
            name: "健保 太郎".into(),
            kana_name: KanaName::parse("ケンポ タロウ").unwrap(),
            birth_date: BirthDate::parse_iso("1985-04-01", now.date_naive()).unwrap(),
            insured: true,
            relationship: "本人".into(),
            relation: kernel::Relation::Principal,
            acquired_on: None,
            lost_on: None,
            email: None,
            workplace_code: String::new(),
            department_code: String::new(),
            employee_number: None,
        },
        user_id: UserId::parse("kenpo-taro").unwrap(),
        email: EmailAddress::parse("taro@example.jp").unwrap(),
        proof: accounts::Proof::Facts,
        previous_log_in_at: None,
        consents_due: Vec::new(),
        access: roster::Access::Full,
    }
}

struct Desk {
    test: TestDatabase,
    notices: Notices,
    member: Member,
}

impl Desk {
    async fn new() -> Self {
        let test = TestDatabase::new().await;
        let notices = Notices::new(test.database.clone(), test.clock.clone());
        let member = member(test.tenant, test.clock.now());
        Self { test, notices, member }
    }

    fn draft(&self, title: &str, published_in: TimeDelta) -> Draft {
        Draft {
            title: title.into(),
            body: "本文".into(),
            published_at: self.test.clock.now() + published_in,
            ended_at: None,
            mail: false,
        }
    }

    async fn publish(&self, to: To, draft: &Draft) -> NoticeId {
        let mut tx = self.test.write(self.test.tenant).await;
        let id = self
            .notices
            .publish(&mut tx, &Origin::command(), Actor::Operator, to, draft)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn lists(&self) -> notices::NoticeLists {
        let tx = self.test.database.tenant(self.test.tenant).read().await.unwrap();
        let lists = self.notices.for_member(&tx, &self.member, 3).await.unwrap();
        tx.commit().await.unwrap();
        lists
    }

    async fn page(&self, shelf: Shelf, after: Option<Cursor>, limit: u32) -> notices::NoticePage {
        self.notices.page(&self.member, shelf, after, limit).await.unwrap()
    }

    async fn open(&self, id: NoticeId) -> Result<Notice, Refusal> {
        match self.notices.open(&self.member, id).await.unwrap() {
            Outcome::Done(notice) => Ok(notice),
            Outcome::Refused(refusal) => Err(refusal),
        }
    }

    /// Applies these files of the insurer's folder; what is said of it.
    async fn apply(&self, files: &[PartFile]) -> String {
        let mut tx = self.test.write(self.test.tenant).await;
        let said = (notices::folder().apply)(&mut tx, self.test.clock.now(), files).await;
        tx.commit().await.unwrap();
        said.unwrap().unwrap()
    }

    fn file(&self, slug: &str, title: &str) -> PartFile {
        let published_on = calendar::today_in_japan(self.test.clock.now()).to_string();
        PartFile::written(slug, &[("title", title), ("published_on", &published_on)], "本文")
    }
}

#[tokio::test]
async fn a_member_sees_the_insurers_notices_and_their_own_newest_first() {
    let desk = Desk::new().await;
    desk.publish(To::All, &desk.draft("昨日", TimeDelta::days(-1))).await;
    desk.publish(To::All, &desk.draft("今日", TimeDelta::hours(-1))).await;
    desk.publish(
        To::Person(desk.member.person.person_id),
        &desk.draft("書類", TimeDelta::hours(-2)),
    )
    .await;
    desk.publish(
        To::Person(PersonId::new(desk.test.clock.now())),
        &desk.draft("隣の人", TimeDelta::hours(-2)),
    )
    .await;
    let lists = desk.lists().await;
    let titles = |heads: &[notices::NoticeHead]| heads.iter().map(|head| head.title.clone()).collect::<Vec<_>>();
    assert_eq!(titles(&lists.insurer), ["今日", "昨日"]);
    assert_eq!(titles(&lists.personal), ["書類"]);
    assert_eq!((lists.unread_insurer, lists.unread_personal), (2, 1));
}

#[tokio::test]
async fn the_lists_of_the_my_page_take_one_statement() {
    let desk = Desk::new().await;
    for n in 0..5 {
        desk.publish(To::All, &desk.draft(&format!("{n}"), TimeDelta::hours(-n)))
            .await;
    }
    let tx = desk.test.database.tenant(desk.test.tenant).read().await.unwrap();
    let before = desk.test.database.statements();
    let lists = desk.notices.for_member(&tx, &desk.member, 3).await.unwrap();
    assert_eq!(desk.test.database.statements() - before, 1);
    assert_eq!((lists.insurer.len(), lists.unread_insurer), (3, 5));
    // Those to a group cost none more.
    let to_some =
        "UPDATE notices SET workplace_code = 'W1', age_from = 40, with_dependants = true WHERE title IN ('0', '1')";
    testkit::sql(desk.test.tenant, to_some).await;
    let before = desk.test.database.statements();
    let lists = desk.notices.for_member(&tx, &desk.member, 3).await.unwrap();
    assert_eq!(desk.test.database.statements() - before, 1);
    assert_eq!((lists.insurer.len(), lists.unread_insurer), (3, 3));
}

#[tokio::test]
async fn an_opened_notice_is_read_from_then_on_by_this_member_alone() {
    let mut desk = Desk::new().await;
    let id = desk.publish(To::All, &desk.draft("今日", TimeDelta::hours(-1))).await;
    assert!(desk.open(id).await.unwrap().head.unread);
    assert!(!desk.open(id).await.unwrap().head.unread);
    let lists = desk.lists().await;
    assert_eq!((lists.insurer[0].unread, lists.unread_insurer), (false, 0));
    desk.member = member(desk.test.tenant, desk.test.clock.now());
    assert!(desk.lists().await.insurer[0].unread);
}

#[tokio::test]
async fn opening_at_the_same_time_is_reading_once() {
    let desk = Desk::new().await;
    let id = desk.publish(To::All, &desk.draft("今日", TimeDelta::hours(-1))).await;
    let (one, two) = tokio::join!(desk.open(id), desk.open(id));
    assert_eq!(one.unwrap().body, two.unwrap().body);
    assert_eq!(desk.lists().await.unread_insurer, 0);
}

#[tokio::test]
async fn a_notice_that_is_not_the_members_to_read_does_not_exist() {
    let desk = Desk::new().await;
    let now = desk.test.clock.now();
    let neighbours = desk
        .publish(
            To::Person(PersonId::new(now)),
            &desk.draft("隣の人", TimeDelta::hours(-1)),
        )
        .await;
    let tomorrow = desk.publish(To::All, &desk.draft("明日", TimeDelta::days(1))).await;
    let ended = Draft {
        ended_at: Some(now),
        ..desk.draft("終わり", TimeDelta::days(-1))
    };
    let ended = desk.publish(To::All, &ended).await;
    let other = Desk::new().await;
    let other_insurers = other
        .publish(To::All, &other.draft("よその組合", TimeDelta::hours(-1)))
        .await;
    for id in [neighbours, tomorrow, ended, other_insurers, NoticeId::new(now)] {
        assert_eq!(desk.open(id).await, Err(outcome::NOT_FOUND.into()));
    }
    let lists = desk.lists().await;
    assert!(lists.insurer.is_empty() && lists.personal.is_empty());
    assert_eq!((lists.unread_insurer, lists.unread_personal), (0, 0));
}

#[tokio::test]
async fn a_notice_appears_and_ends_at_its_time() {
    let desk = Desk::new().await;
    let draft = desk.draft("一日だけ", TimeDelta::days(1));
    let draft = Draft {
        ended_at: Some(draft.published_at + TimeDelta::days(1)),
        ..draft
    };
    let id = desk.publish(To::All, &draft).await;
    desk.test.clock.advance(TimeDelta::days(1));
    assert_eq!(desk.lists().await.insurer.len(), 1);
    assert!(desk.open(id).await.is_ok());
    desk.test.clock.advance(TimeDelta::days(1));
    assert!(desk.lists().await.insurer.is_empty());
    assert_eq!(desk.open(id).await, Err(outcome::NOT_FOUND.into()));
}

#[tokio::test]
async fn paging_misses_nothing_and_repeats_nothing_while_notices_arrive() {
    let desk = Desk::new().await;
    let mine = To::Person(desk.member.person.person_id);
    let mut published = BTreeSet::new();
    // Three at each moment: equal times are told apart by id.
    for n in 0..10 {
        for to in [To::All, To::All, mine] {
            published.insert(
                desk.publish(to, &desk.draft(&format!("{n}"), TimeDelta::hours(-1 - n / 3)))
                    .await,
            );
        }
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = desk.page(Shelf::Both, after, 4).await;
        assert!(page.notices.len() <= 4);
        seen.extend(page.notices.iter().map(|head| (head.published_at, head.id)));
        desk.test.clock.advance(TimeDelta::minutes(1));
        desk.publish(To::All, &desk.draft("新しい", TimeDelta::zero())).await;
        let Some(next) = page.next else { break };
        after = Cursor::parse(&next.to_string());
    }
    assert!(
        seen.windows(2).all(|pair| pair[0] > pair[1]),
        "newest first, none twice"
    );
    assert_eq!(seen.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>(), published);
}

#[tokio::test]
async fn each_shelf_holds_its_own_and_a_full_last_page_has_no_next() {
    let desk = Desk::new().await;
    for n in 1..=4 {
        desk.publish(To::All, &desk.draft("組合", TimeDelta::hours(-n))).await;
    }
    let mine = desk
        .publish(
            To::Person(desk.member.person.person_id),
            &desk.draft("私", TimeDelta::hours(-1)),
        )
        .await;
    let insurer = desk.page(Shelf::Insurer, None, 4).await;
    assert_eq!((insurer.notices.len(), insurer.next), (4, None));
    let personal = desk.page(Shelf::Personal, None, 4).await;
    assert_eq!(personal.notices.iter().map(|head| head.id).collect::<Vec<_>>(), [mine]);
    assert_eq!(desk.page(Shelf::Both, None, 50).await.notices.len(), 5);
}

#[tokio::test]
async fn a_folder_applied_twice_changes_nothing_the_second_time() {
    let desk = Desk::new().await;
    let files = [desk.file("one", "一"), desk.file("two", "二")];
    assert_eq!(
        desk.apply(&files).await,
        "notices: 2 published, 0 changed, 0 ended, 0 unchanged"
    );
    assert_eq!(
        desk.apply(&files).await,
        "notices: 0 published, 0 changed, 0 ended, 2 unchanged"
    );
    assert_eq!(desk.lists().await.insurer.len(), 2);
}

#[tokio::test]
async fn what_changes_in_the_folder_changes_and_what_leaves_it_ends() {
    let desk = Desk::new().await;
    desk.apply(&[desk.file("one", "一"), desk.file("two", "二")]).await;
    let id = desk
        .lists()
        .await
        .insurer
        .iter()
        .find(|head| head.title == "一")
        .unwrap()
        .id;
    let applied = desk.apply(&[desk.file("one", "壱")]).await;
    assert_eq!(applied, "notices: 0 published, 1 changed, 1 ended, 0 unchanged");
    let heads = desk.lists().await.insurer;
    assert_eq!(
        heads
            .iter()
            .map(|head| (head.id, head.title.as_str()))
            .collect::<Vec<_>>(),
        [(id, "壱")]
    );
    // What comes back is the same notice again.
    let applied = desk.apply(&[desk.file("one", "壱"), desk.file("two", "二")]).await;
    assert_eq!(applied, "notices: 0 published, 1 changed, 0 ended, 1 unchanged");
    assert_eq!(desk.lists().await.insurer.len(), 2);
}

#[tokio::test]
async fn a_published_notice_outside_the_folder_is_left_alone_by_it() {
    let desk = Desk::new().await;
    desk.publish(To::All, &desk.draft("窓口から", TimeDelta::hours(-1)))
        .await;
    desk.apply(&[]).await;
    assert_eq!(desk.lists().await.insurer.len(), 1);
}
