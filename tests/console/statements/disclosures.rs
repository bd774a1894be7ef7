//! 表示の希望 as the desk keeps it: narrower for anybody, wider for nobody whose account another may have made; the protected
//! for those alone who may see them.

mod listed;

use crate::portal::{leads, says};
use access::{Reach, Role};
use tenancy::{FamilyDefault, Folder};
use testkit::{Answer, TestApp, TestClerk, TestPerson, sql};

pub(super) const LIST: &str = "/console/statements/disclosures";
const UNPROVEN: &str = "先に、本人確認を記録してください";
const MEANWHILE: &str = "表示の希望が、ほかで変わりました";
const BOUND: &str = "保護している間は、広く表示するように変えられません";

/// Mother and daughter of one number.
pub(super) fn family() -> [TestPerson; 2] {
    let daughter = TestPerson {
        branch: "01".into(),
        name: "健保　花代".into(),
        kana_name: "ケンポ　ハナヨ".into(),
        relationship: "子".into(),
        birth_date: "1999-09-09".into(),
        ..TestPerson::new(105)
    };
    [TestPerson::new(105), daughter]
}

pub(super) struct Desk {
    pub(super) app: TestApp,
    /// The daughter's page.
    pub(super) page: String,
    pub(super) id: String,
}

impl Desk {
    pub(super) async fn new() -> Self {
        Self::of("01", |_| ()).await
    }

    /// Of whom of the family the page is.
    async fn of(branch: &str, change: impl FnOnce(&mut Folder)) -> Self {
        let app = Box::pin(TestApp::with("32290413", change, |_| ())).await;
        app.insurer.import(&family()).await;
        let query = format!("SELECT person_id::text AS line FROM persons WHERE number = '105' AND branch = '{branch}'");
        let id = app.insurer.lines(&query).await.remove(0);
        let page = format!("{LIST}/{id}");
        Self { app, page, id }
    }

    pub(super) async fn keep(&self, word: &str) {
        sql(self.app.tenant(), "DELETE FROM disclosures").await;
        let kept = format!(
            "INSERT INTO disclosures SELECT tenant_id, person_id, 'costs', '{word}', 'person', '2026-01-02 03:04+0'
                FROM persons WHERE person_id = '{}'",
            self.id
        );
        sql(self.app.tenant(), &kept).await;
    }

    /// What is kept, by kind.
    pub(super) async fn kept(&self) -> Vec<String> {
        let query = "SELECT concat(kind, ' ', audience, ' ', source) AS line FROM disclosures ORDER BY 1";
        self.app.insurer.lines(query).await
    }

    pub(super) async fn protect(&self) {
        let clerk = self.app.clerk(&[Role::Eligibility]).await;
        let fields = [
            ("subject", self.id.as_str()),
            ("person", &self.id),
            ("reason", "支援措置"),
        ];
        assert_eq!(clerk.post("/console/protections", &fields).await.status, 303);
    }

    /// What the trail tells of changes, by how they ended.
    async fn trail(&self) -> Vec<String> {
        let query =
            "SELECT concat(outcome, ' ', detail->>'from', ' ', detail->>'to', ' ', detail->>'identified') AS line
            FROM audit_events WHERE action = 'disclosure.change' AND actor_kind = 'staff' ORDER BY 1";
        self.app.insurer.lines(query).await
    }

    /// Of which kinds of rows programs are told, and nothing else.
    async fn told(&self) -> [usize; 2] {
        let told = async |kind: &str| {
            let told = format!(
                "kind = 'disclosure.changed' AND payload = '{{\"kind\": \"{kind}\"}}' AND subject = '{}'",
                self.id
            );
            self.app.insurer.count("events", &told).await
        };
        [told("costs").await, told("medicines").await]
    }

    async fn choose(&self, clerk: &TestClerk, fields: &[(&str, &str)]) -> Answer {
        clerk.post(&self.page, fields).await
    }
}

#[tokio::test]
async fn those_of_a_number_stand_as_a_household_does_whatever_they_are_called() {
    let app = TestApp::start().await;
    let of = |branch: &str, relationship: &str, name: &str, kana_name: &str| TestPerson {
        branch: branch.into(),
        relationship: relationship.into(),
        name: name.into(),
        kana_name: kana_name.into(),
        ..TestPerson::new(107)
    };
    let people = [
        of("02", "子", "健保　秋", "ケンポ　アキ"),
        of("01", "妻", "健保　泉", "ケンポ　イズミ"),
        of("00", "本人", "健保　渉", "ケンポ　ワタル"),
    ];
    app.insurer.import(&people).await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let found = clerk
        .post(&format!("{LIST}/find"), &[("symbol", "100"), ("number", "107")])
        .await;
    let places = ["健保　渉", "健保　泉", "健保　秋"].map(|name| found.text.find(name).unwrap());
    assert!(places.is_sorted(), "{}", found.text);
}

#[tokio::test]
async fn whoever_asks_at_the_desk_is_found_by_number_and_shown_to_fewer_at_once() {
    let desk = Desk::new().await;
    let clerk = desk.app.clerk(&[Role::Benefits]).await;
    let find = format!("{LIST}/find");
    for (symbol, number) in [("100", "999"), ("100", "")] {
        let refused = clerk.post(&find, &[("symbol", symbol), ("number", number)]).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    let found = clerk.post(&find, &[("symbol", "100"), ("number", "105")]).await;
    says(&found, 200, &desk.page);
    says(&found, 200, "健保　祥子");
    let page = clerk.get(&desk.page).await;
    says(&page, 200, "ご家族（組合員本人）にも表示する（希望はありません）");
    says(&page, 200, "登録していません");
    leads(
        &desk.choose(&clerk, &[("costs", ""), ("medicines", "")]).await,
        &desk.page,
    );
    says(&clerk.get(&desk.page).await, 200, "何も変更していません");
    says(
        &desk.choose(&clerk, &[("costs", "everybody")]).await,
        422,
        "医療費通知を、もう一度選んでください",
    );
    assert!(desk.kept().await.is_empty());

    let both = [("costs", "self_only"), ("medicines", "suppressed")];
    leads(&desk.choose(&clerk, &both).await, &desk.page);
    says(&clerk.get(&desk.page).await, 200, "表示の希望を変えました");
    assert_eq!(
        desk.kept().await,
        ["costs self_only staff", "medicines suppressed staff"]
    );
    assert_eq!(
        desk.trail().await,
        ["done household self_only ", "done household suppressed "]
    );
    assert_eq!(desk.told().await, [1, 1]);
    says(&clerk.get(LIST).await, 200, "健保　花代");
    // On her page for staff, too.
    let member = clerk.get(&format!("/console/members/{}", desk.id)).await;
    says(&member, 200, "自分だけに表示する（窓口、");
    says(&member, 200, &desk.page);
    // Every look at her stands in the trail before she is shown.
    let looks = format!(
        "action IN ('person.look', 'people.look') AND detail->>'what' IN ('disclosure', 'disclosures')
            AND audit_id IN (SELECT audit_id FROM audit_subjects WHERE subject_id = '{}')",
        desk.id
    );
    assert_eq!(desk.app.insurer.count("audit_events", &looks).await, 3);
}

// security.md 42
#[tokio::test]
async fn wider_takes_a_word_on_how_staff_made_sure_and_a_factor_just_proven() {
    let desk = Desk::new().await;
    let clerk = desk.app.clerk(&[Role::Benefits]).await;
    desk.keep("suppressed").await;
    let shown = ("costs_shown", "suppressed");
    for wish in ["self_only", "household", "usual"] {
        let refused = desk.choose(&clerk, &[("costs", wish), shown]).await;
        says(&refused, 422, "本人確認の方法を選んでください");
        let unknown = [("costs", wish), shown, ("identified", "by_ear")];
        assert_eq!(desk.choose(&clerk, &unknown).await.status, 422);
    }
    assert_eq!(desk.kept().await, ["costs suppressed person"]);
    let wish = [("costs", "self_only"), shown, ("identified", "post")];
    desk.app.later(11 * 60);
    let late = desk.choose(&clerk, &wish).await;
    assert_eq!(late.status, 303);
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
    assert_eq!(desk.kept().await, ["costs suppressed person"]);
    assert!(desk.trail().await.is_empty());
    // What is narrower takes none of it.
    leads(&desk.choose(&clerk, &[("medicines", "self_only")]).await, &desk.page);
    let clerk = desk.app.in_another_browser(&clerk).await;
    leads(&desk.choose(&clerk, &wish).await, &desk.page);
    assert_eq!(
        desk.kept().await,
        ["costs self_only staff", "medicines self_only staff"]
    );
    let lifted = [
        ("costs", "usual"),
        ("costs_shown", "self_only"),
        ("identified", "counter"),
    ];
    leads(&desk.choose(&clerk, &lifted).await, &desk.page);
    assert_eq!(desk.kept().await, ["medicines self_only staff"]);
    assert_eq!(
        desk.trail().await,
        [
            "done household self_only ",
            "done self_only household counter",
            "done suppressed self_only post"
        ]
    );
}

#[tokio::test]
async fn an_account_made_with_what_the_family_knows_is_shown_to_no_more_until_its_owner_was_identified() {
    let desk = Desk::of("00", |_| ()).await;
    desk.app.sign_up_as(&family()[0]).await;
    desk.keep("self_only").await;
    let clerk = desk.app.clerk(&[Role::Eligibility]).await;
    let page = clerk.get(&desk.page).await;
    says(&page, 200, "この画面では広げられません");
    says(&page, 200, &format!("/console/members/{}/proof", desk.id));
    assert!(!page.text.contains("value=\"household\"") && !page.text.contains("value=\"usual\""));
    let wish = |word| [("costs", word), ("costs_shown", "self_only"), ("identified", "counter")];
    for word in ["household", "usual"] {
        says(&desk.choose(&clerk, &wish(word)).await, 403, UNPROVEN);
    }
    assert_eq!(desk.kept().await, ["costs self_only person"]);
    leads(&desk.choose(&clerk, &wish("suppressed")).await, &desk.page);
    desk.keep("self_only").await;
    sql(desk.app.tenant(), "UPDATE accounts SET proof = 'letter'").await;
    leads(&desk.choose(&clerk, &wish("household")).await, &desk.page);
    assert!(desk.kept().await.is_empty());
    let refused = "disclosure_account_unproven   ";
    assert_eq!(desk.trail().await[..2], [refused, refused]);
}

#[tokio::test]
async fn what_comes_to_the_same_is_offered_once() {
    let desk = Desk::new().await;
    desk.keep("suppressed").await;
    let clerk = desk.app.clerk(&[Role::Benefits]).await;
    let page = clerk.get(&desk.page).await;
    says(&page, 200, "id=\"f-costs-usual\"");
    says(&page, 200, "id=\"f-costs-self_only\"");
    assert!(!page.text.contains("id=\"f-costs-household\""), "{}", page.text);
}

#[tokio::test]
async fn what_has_changed_since_it_was_shown_is_not_overwritten_and_nothing_is_done_by_halves() {
    let desk = Desk::new().await;
    let clerk = desk.app.clerk(&[Role::Benefits]).await;
    desk.keep("suppressed").await;
    let both = [
        ("costs", "self_only"),
        ("medicines", "self_only"),
        ("identified", "post"),
    ];
    says(&desk.choose(&clerk, &both).await, 409, MEANWHILE);
    let stale = [("costs", "usual"), ("costs_shown", "self_only"), ("identified", "post")];
    says(&desk.choose(&clerk, &stale).await, 409, MEANWHILE);
    assert_eq!(desk.kept().await, ["costs suppressed person"]);
    assert_eq!((desk.trail().await.len(), desk.told().await), (0, [0, 0]));
    // Of two at once one comes second, and is told.
    let other = desk.app.clerk(&[Role::Benefits]).await;
    let wish = |word| [("costs", word), ("costs_shown", "suppressed"), ("identified", "post")];
    let (narrow, wide) = (wish("self_only"), wish("usual"));
    let (one, two) = tokio::join!(desk.choose(&clerk, &narrow), desk.choose(&other, &wide));
    let mut told = [one.status.as_u16(), two.status.as_u16()];
    told.sort_unstable();
    assert_eq!(told, [303, 409]);
    assert_eq!(desk.trail().await.len(), 1);
}

#[tokio::test]
async fn where_oneself_alone_is_usual_the_household_is_a_wish_and_what_was_asked_outlives_what_is_usual() {
    let change = |folder: &mut Folder| folder.settings.statements.costs_family = FamilyDefault::SelfOnly;
    let desk = Desk::of("01", change).await;
    let clerk = desk.app.clerk(&[Role::Benefits]).await;
    says(
        &clerk.get(&desk.page).await,
        200,
        "自分だけに表示する（希望はありません）",
    );
    says(
        &desk.choose(&clerk, &[("costs", "household")]).await,
        422,
        "本人確認の方法を選んでください",
    );
    leads(
        &desk
            .choose(&clerk, &[("costs", "household"), ("identified", "post")])
            .await,
        &desk.page,
    );
    assert_eq!(desk.kept().await, ["costs household staff"]);
    // Back to what is usual shows fewer: it is narrower.
    leads(
        &desk
            .choose(&clerk, &[("costs", "usual"), ("costs_shown", "household")])
            .await,
        &desk.page,
    );
    assert!(desk.kept().await.is_empty());
    // Who asked for themself alone keeps it whatever becomes usual, so to lift it is wider.
    leads(&desk.choose(&clerk, &[("costs", "self_only")]).await, &desk.page);
    assert_eq!(desk.kept().await, ["costs self_only staff"]);
    let lift = [("costs", "usual"), ("costs_shown", "self_only")];
    says(&desk.choose(&clerk, &lift).await, 422, "本人確認の方法を選んでください");
}

// security.md 74
#[tokio::test]
async fn the_protected_are_there_for_those_alone_who_may_see_them_and_are_shown_to_nobody_more() {
    let desk = Desk::new().await;
    desk.keep("self_only").await;
    desk.protect().await;
    let clerk = desk.app.clerk(&[Role::Benefits]).await;
    let list = clerk.get(LIST).await;
    says(&list, 200, "申し出はありません");
    assert!(!list.text.contains("花代"));
    let found = clerk
        .post(&format!("{LIST}/find"), &[("symbol", "100"), ("number", "105")])
        .await;
    says(&found, 200, "健保　花代（資格担当へ）");
    assert!(!found.text.contains(&desk.id));
    for answer in [
        clerk.get(&desk.page).await,
        desk.choose(&clerk, &[("costs", "suppressed"), ("costs_shown", "self_only")])
            .await,
    ] {
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert!(!answer.text.contains("花代"));
    }
    let own = desk.app.clerk(&[Role::Eligibility]).await;
    says(&own.get(LIST).await, 200, "健保　花代");
    says(&own.get(&desk.page).await, 200, "この画面では広げられません");
    let wish = |word| [("costs", word), ("costs_shown", "self_only"), ("identified", "counter")];
    says(&desk.choose(&own, &wish("usual")).await, 403, BOUND);
    leads(&desk.choose(&own, &wish("suppressed")).await, &desk.page);
    assert_eq!(desk.kept().await, ["costs suppressed staff"]);
    assert_eq!(desk.told().await, [0, 0], "no program hears of it");
}

#[tokio::test]
async fn whoever_is_protected_and_proven_by_letter_is_shown_their_own_again_and_nobody_else_is() {
    let desk = Desk::of("00", |_| ()).await;
    desk.app.sign_up_as(&family()[0]).await;
    desk.keep("suppressed").await;
    desk.protect().await;
    let clerk = desk.app.clerk(&[Role::Eligibility]).await;
    let wish = |word| {
        [
            ("costs", word),
            ("costs_shown", "suppressed"),
            ("identified", "counter"),
        ]
    };
    // Facts are what they are protected from, too.
    assert!(!clerk.get(&desk.page).await.text.contains("id=\"f-costs-self_only\""));
    says(&desk.choose(&clerk, &wish("self_only")).await, 403, BOUND);
    sql(desk.app.tenant(), "UPDATE accounts SET proof = 'letter'").await;
    let page = clerk.get(&desk.page).await;
    says(&page, 200, "id=\"f-costs-self_only\"");
    says(&page, 200, "「自分だけに表示する」にすることはできます");
    for other in ["id=\"f-costs-household\"", "value=\"usual\""] {
        assert!(!page.text.contains(other), "{other}");
    }
    for word in ["household", "usual"] {
        says(&desk.choose(&clerk, &wish(word)).await, 403, BOUND);
    }
    says(
        &desk.choose(&clerk, &wish("self_only")[..2]).await,
        422,
        "本人確認の方法を選んでください",
    );
    assert_eq!(desk.kept().await, ["costs suppressed person"]);
    leads(&desk.choose(&clerk, &wish("self_only")).await, &desk.page);
    assert_eq!(
        (desk.kept().await, desk.told().await),
        (vec!["costs self_only staff".to_owned()], [0, 0])
    );
}

#[tokio::test]
async fn the_desk_is_no_bounded_clerks_and_the_menu_leads_each_to_what_they_may_open() {
    let desk = Desk::new().await;
    let reach = Reach::Workplaces {
        symbols: vec!["100".into()],
        codes: vec![],
    };
    let bounded = desk.app.clerk_reaching(&[Role::Eligibility], &reach).await;
    for path in [LIST, desk.page.as_str(), "/console/statements/disclosures/file"] {
        assert_eq!(bounded.get(path).await.status, 403, "{path}");
    }
    assert_eq!(desk.choose(&bounded, &[("costs", "suppressed")]).await.status, 403);
    let member = bounded.get(&format!("/console/members/{}", desk.id)).await;
    assert!(
        member.status == 200 && !member.text.contains("表示の希望を変える"),
        "{}",
        member.text
    );
    assert!(desk.kept().await.is_empty());

    let entry = format!("href=\"{LIST}\"");
    let menu = async |role| desk.app.clerk(&[role]).await.get("/console/").await.text;
    assert!(menu(Role::Eligibility).await.contains(&entry));
    assert!(!menu(Role::Benefits).await.contains(&entry), "below the deliveries");
    assert!(!menu(Role::CallCentre).await.contains(&entry));
}
