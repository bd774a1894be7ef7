//! The mail that tells of a notice.

use super::{TITLE, published};
use access::Role;
use testkit::{TestApp, TestPerson, sql};

#[tokio::test]
async fn a_proposed_mail_goes_to_those_it_is_for_who_wish_it_and_names_no_title() {
    let app = TestApp::start().await;
    let people = [TestPerson::new(401), TestPerson::new(402), TestPerson::new(403)];
    app.insurer.import(&people).await;
    let mut mails = Vec::new();
    for person in &people {
        let who = app.sign_up_as(person).await;
        if person.number == "402" {
            let member = app.inside(&who).await;
            assert_eq!(
                member
                    .post("/portal/account/mails", &[("wished", "person")])
                    .await
                    .status,
                303
            );
        }
        mails.push(who.email);
    }
    sql(
        app.tenant(),
        "UPDATE persons SET workplace_code = 'W4' WHERE number <> '403'",
    )
    .await;
    let clerk = app.clerk(&[Role::NoticeEditor]).await;
    let told = async |nth: usize| {
        let mails = app.mails_to(&mails[nth]).await;
        assert!(
            mails
                .iter()
                .all(|mail| !mail.text.contains(TITLE) && !mail.subject.contains(TITLE))
        );
        mails
            .iter()
            .filter(|mail| mail.text.contains("/portal/mails/stop"))
            .count()
    };
    published(&clerk, &[("aim", "group"), ("workplace", "W4")]).await;
    app.work().await;
    assert_eq!(
        (told(0).await, told(1).await, told(2).await),
        (0, 0, 0),
        "none was proposed"
    );
    published(&clerk, &[("aim", "group"), ("workplace", "W4"), ("mail", "1")]).await;
    app.work().await;
    assert_eq!((told(0).await, told(1).await, told(2).await), (1, 0, 0));
    published(&clerk, &[("mail", "1")]).await;
    app.work().await;
    assert_eq!((told(0).await, told(1).await, told(2).await), (2, 0, 1));
    published(
        &clerk,
        &[("aim", "number"), ("symbol", "100"), ("number", "402"), ("mail", "1")],
    )
    .await;
    app.work().await;
    assert_eq!((told(0).await, told(1).await, told(2).await), (2, 1, 1));
}
