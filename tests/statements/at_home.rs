//! A family at the portal: the father is inside, and rows of all of them are published.

use super::{Desk, ground};
use statements::Deliveries;
use tenancy::Folder;
use testkit::{Client, SignedUp, TestApp, TestPerson};

/// 記号 and 番号 of the family; nothing else in a test holds these digits.
pub(super) const SYMBOL: &str = "77123";
pub(super) const NUMBER: &str = "4455667";

/// Father, mother and child under one number.
pub(super) struct AtHome {
    pub(super) app: TestApp,
    pub(super) desk: Desk,
    pub(super) father: Client,
    pub(super) who: SignedUp,
}

/// Father, mother and child.
pub(super) fn family() -> Vec<TestPerson> {
    let person = |branch: &str, name: &str, kana: &str, relationship: &str, born: &str| TestPerson {
        symbol: SYMBOL.into(),
        number: NUMBER.into(),
        branch: branch.into(),
        name: name.into(),
        kana_name: kana.into(),
        relationship: relationship.into(),
        birth_date: born.into(),
        ..TestPerson::new(1)
    };
    vec![
        person("00", "北村　一郎", "キタムラ　イチロウ", "本人", "1980-05-05"),
        person("01", "北村　花子", "キタムラ　ハナコ", "妻", "1982-06-06"),
        person("02", "北村　次郎", "キタムラ　ジロウ", "子", "2015-07-07"),
    ]
}

/// A row of one of them, by branch and claim, with its cells from 診療年月 to 支給額.
pub(super) fn row((branch, claim): (&str, &str), cells: &str) -> String {
    format!("2026-10,{claim},{SYMBOL},{NUMBER},{branch},,{cells},")
}

/// What everybody paid in 2026.
pub(super) fn paid() -> Vec<String> {
    vec![
        row(("00", "F1"), "2026-06,医科外来,2,東町クリニック,10000,7000,0,3000,0,0"),
        row(("00", "F2"), "2026-07,医科外来,1,東町クリニック,10000,7000,0,3000,0,0"),
        row(("00", "F3"), "2026-07,調剤,1,西町薬局,4000,2800,0,1200,0,0"),
        row(
            ("01", "M1"),
            "2026-06,医科入院,9,中央病院,192000,134400,0,57600,4900,20000",
        ),
        row(("02", "C1"), "2026-08,柔整,3,,2667,1867,0,800,0,0"),
    ]
}

impl AtHome {
    pub(super) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Folder)) -> Self {
        let app = Box::pin(TestApp::with("32290413", change, |_| ())).await;
        Box::pin(Self::on(app)).await
    }

    pub(super) async fn on(app: TestApp) -> Self {
        let people = family();
        app.insurer.import(&people).await;
        let who = app.sign_up_as(&people[0]).await;
        let father = app.inside(&who).await;
        let deliveries = Deliveries::new(&ground(&app.insurer));
        let test = app.insurer.clone();
        Self {
            desk: Desk { test, deliveries },
            app,
            father,
            who,
        }
    }

    /// With all that everybody paid.
    pub(super) async fn paid() -> Self {
        let home = Self::new().await;
        home.desk.show(&paid()).await;
        home
    }
}
