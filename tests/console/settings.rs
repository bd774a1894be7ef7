//! The insurer's settings in the console: saved, refused at their fields, saved by two at once, taken back; and what may not
//! be done there.

mod branding;
mod history;
mod meanwhile;
mod refusals;
mod saving;

use access::Role;
use testkit::{Answer, TestApp, TestClerk};

const SETTINGS: &str = "/console/settings";
const BRANDING: &str = "/console/settings/branding";
const DESK: &str = "/console/settings/desk";
const SENDER: &str = "/console/settings/sender";
const REVISIONS: &str = "/console/settings/revisions";

async fn administrator(app: &TestApp) -> TestClerk {
    app.clerk_named("管理　一子", &[Role::Administrator]).await
}

/// What the page's form was shown with.
fn revision(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("name=\"revision\" value=\"").expect("a revision");
    rest.split('"').next().unwrap().to_owned()
}

/// The fields of a form as a browser would send them untouched, but for these.
pub(super) fn filled(page: &Answer, changed: &[(&str, &str)]) -> Vec<(String, String)> {
    let form = page
        .text
        .split("<form ")
        .find(|form| form.contains("name=\"why\""))
        .expect("a form");
    let form = form.split("</form>").next().unwrap();
    let mut fields = Vec::new();
    for tag in form
        .split('<')
        .filter(|tag| tag.starts_with("input ") || tag.starts_with("textarea "))
    {
        let (Some(name), is_choice) = (
            attribute(tag, "name"),
            tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\""),
        ) else {
            continue;
        };
        let value = match tag.strip_prefix("textarea ") {
            Some(rest) => plain(rest.split_once('>').unwrap().1.trim_start_matches('\n')),
            None => attribute(tag, "value").unwrap_or_default(),
        };
        let is_sent = !is_choice || tag.contains(" checked");
        if is_sent && !changed.iter().any(|(changed, _)| *changed == name) {
            fields.push((name, value));
        }
    }
    fields.extend(
        changed
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    fields
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(plain(rest.split('"').next()?))
}

fn plain(text: &str) -> String {
    let text = text
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">");
    text.replace("&#38;", "&")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

pub(super) async fn send(clerk: &TestClerk, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    clerk.post(path, &fields).await
}

/// Saves a form as it stands, but for these fields.
pub(super) async fn save(clerk: &TestClerk, path: &str, changed: &[(&str, &str)]) -> Answer {
    let page = clerk.get(path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let why = Some(("why", "見直しのため")).filter(|_| !changed.iter().any(|(name, _)| *name == "why"));
    let changed: Vec<(&str, &str)> = why.into_iter().chain(changed.iter().copied()).collect();
    send(clerk, path, &filled(&page, &changed)).await
}

/// The insurer as a node sees it a little later.
pub(super) async fn seen(app: &TestApp) -> tenancy::Insurer {
    app.later(2);
    let insurer = app.ground.directory.by_tenant(app.tenant()).await.unwrap().unwrap();
    tenancy::Insurer::clone(&insurer)
}

pub(super) async fn revisions(app: &TestApp) -> Vec<String> {
    let query =
        "SELECT concat_ws(' ', revision, channel, applied_by, why) AS line FROM insurer_revisions ORDER BY revision";
    app.insurer.lines(query).await
}
