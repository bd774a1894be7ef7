//! A browser without a screen: cookies, an address of its own, forms sent as browsers send them.

use crate::{PASSWORD, SignedUp};
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue, LOCATION},
    redirect::Policy,
};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 200, 303, 404 …; of a refused form, which leads back to its page by 303, what it is counted by: 422, 429 …
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text; of a refused form that of its page.
    pub text: String,
}

impl Answer {
    /// Where it redirects to.
    pub fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Every `Set-Cookie`.
    pub fn set_cookies(&self) -> Vec<&str> {
        let all = self.headers.get_all("set-cookie").iter();
        all.filter_map(|value| value.to_str().ok()).collect()
    }

    /// Status, headers and body without what differs from request to request though nothing else does: the request's
    /// id, a refused form's token, the date, and sealed cookies, whose values are never the same twice.
    pub fn normalized(&self) -> String {
        let mut text = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            let value = value.to_str().unwrap_or_default();
            match name.as_str() {
                "x-request-id" | "date" => {}
                "set-cookie" => text.extend(["set-cookie: ", value.split('=').next().unwrap_or_default(), "\n"]),
                name => text.extend([name, ": ", value, "\n"]),
            }
        }
        text += &self.text;
        let mut parts = text.split(TOKEN);
        let first = parts.next().unwrap_or_default().to_owned();
        // A token is as long as a request's id, which it is.
        parts.fold(first, |text, part| text + TOKEN + part.get(36..).unwrap_or_default())
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// The header by which a test's own server tells what an answer is counted by ([`edge::CountedAs`]).
pub const COUNTED: &str = "x-counted-as";
/// What stands before the token of a refused form in its page's address.
const TOKEN: &str = "again=";

/// The field that says for whom a form was shown.
pub const MARK: &str = "for";

/// The fields of a form.
#[derive(Debug, Clone)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// These.
    pub fn new(fields: &[(&str, &str)]) -> Self {
        let owned = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(owned.collect())
    }

    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value)).collect()
    }

    /// With one of them different, or one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, held)) => value.clone_into(held),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }
}

/// A visitor. Clones share cookies, as tabs do.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    address: String,
    /// The host that its requests name, where that is not the server's address.
    host: Option<String>,
    cookies: Arc<Mutex<Vec<(String, String)>>>,
    /// The mark of forms by the ticket or session that they were shown for.
    marks: Arc<Mutex<HashMap<String, String>>>,
}

impl Client {
    /// A visitor of a server, at this address as a trusted proxy tells it.
    pub fn new(url: &str, address: &str) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self {
            http,
            url: url.to_owned(),
            address: address.to_owned(),
            host: None,
            cookies: Arc::default(),
            marks: Arc::default(),
        }
    }

    /// GET of a page.
    pub async fn get(&self, path: &str) -> Answer {
        let answer = self.send(self.request(Method::GET, path)).await;
        if let (Some(mark), Some((_, owner))) = (mark_in(&answer.text), self.owner(path)) {
            self.marks.lock().unwrap().insert(owner, mark);
        }
        answer
    }

    /// A form, sent from our own pages: with the mark that says for whom it was shown, unless the fields hold one. Of a
    /// page that was not asked for yet, the mark is fetched from one that has it.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        let mark = self.mark(path).await;
        if let Some(mark) = &mark
            && !fields.iter().any(|(name, _)| *name == MARK)
        {
            fields.push((MARK, mark));
        }
        self.post_bare(path, &fields).await
    }

    /// [`Client::post`] of these fields and no other.
    pub async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.back_to_the_form(self.post_alone(path, fields).await).await
    }

    /// [`Client::post_bare`] before anybody goes where its answer leads.
    pub(crate) async fn post_alone(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("Sec-Fetch-Site", "same-origin")
            .form(fields);
        self.send(request).await
    }

    /// Of a form that was refused the page to which it leads back, as a browser would have it.
    pub(crate) async fn back_to_the_form(&self, answer: Answer) -> Answer {
        let Ok(counted) = answer.header(COUNTED).parse() else {
            return answer;
        };
        assert_eq!(answer.status, 303);
        Answer {
            status: StatusCode::from_u16(counted).unwrap(),
            text: self.get(answer.location()).await.text,
            ..answer
        }
    }

    /// The mark of a form that is sent there now.
    pub async fn mark(&self, path: &str) -> Option<String> {
        let (name, value) = self.owner(path)?;
        if let Some(mark) = self.marks.lock().unwrap().get(&value) {
            return Some(mark.clone());
        }
        let page = if is_console(path) {
            // Of the console any page has it, whatever its holder may open.
            "/console/nowhere"
        } else if is_sign_up(path) {
            "/portal/signup/account"
        } else {
            "/portal/logout"
        };
        // Beside the browser's own way: its other cookies are neither sent nor changed.
        let answer = self
            .bare(Method::GET, page)
            .header("Cookie", format!("{name}={value}"))
            .send()
            .await
            .unwrap();
        let mark = mark_in(&answer.text().await.unwrap())?;
        self.marks.lock().unwrap().insert(value, mark.clone());
        Some(mark)
    }

    /// The cookie that says for whom a form is, by name and value.
    fn owner(&self, path: &str) -> Option<(&'static str, String)> {
        let name = if is_console(path) {
            "__Host-console"
        } else if is_sign_up(path) {
            "__Host-ticket"
        } else {
            "__Host-session"
        };
        let marked = [
            "/portal/signup/",
            "/portal/terms",
            "/portal/account",
            "/portal/costs",
            "/portal/medicines",
            "/console/",
            "/operator/",
        ];
        let marked = marked.iter().any(|begin| path.starts_with(begin));
        Some((name, self.cookie(name).filter(|_| marked)?))
    }

    /// As [`Client::post`].
    pub async fn send_form(&self, path: &str, fields: &Fields) -> Answer {
        self.post(path, &fields.pairs()).await
    }

    /// A button with nothing to say.
    pub async fn press(&self, path: &str) -> Answer {
        self.post(path, &[]).await
    }

    /// A request to shape further; cookies and address are on it.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.bare(method, path);
        let cookies = self.cookies.lock().unwrap();
        if cookies.is_empty() {
            return request;
        }
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header("Cookie", pairs.join("; "))
    }

    /// A request without cookies.
    fn bare(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("X-Forwarded-For", &self.address);
        match &self.host {
            Some(host) => request.header("Host", host),
            None => request,
        }
    }

    /// The same visitor at another host of the server's: the cookies go there too, as no browser would have it.
    #[must_use]
    pub fn at_host(&self, host: &str) -> Self {
        Self {
            host: Some(host.to_owned()),
            ..self.clone()
        }
    }

    /// Sends it and keeps the cookies it sets.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.received(request.send().await.unwrap()).await
    }

    async fn received(&self, response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            self.keep(cookie);
        }
        Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    /// Sends a request whose headers are as they are, odd bytes included.
    pub async fn execute(&self, request: reqwest::Request) -> Answer {
        self.received(self.http.execute(request).await.unwrap()).await
    }

    /// A call of the API.
    pub async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = self.request(method, &format!("/api/v1{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await
    }

    /// Another client at the same address without cookies.
    #[must_use]
    pub fn stranger(&self) -> Self {
        Self {
            cookies: Arc::default(),
            marks: Arc::default(),
            ..self.clone()
        }
    }

    /// A cookie's value by name.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies
            .lock()
            .unwrap()
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    /// Sets a cookie by hand: forged, stolen, replayed.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.lock().unwrap();
        cookies.retain(|(known, _)| known != name);
        cookies.push((name.to_owned(), value.to_owned()));
    }

    /// The names of the cookies it holds.
    pub fn cookie_names(&self) -> Vec<String> {
        self.cookies
            .lock()
            .unwrap()
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn keep(&self, cookie: &HeaderValue) {
        let text = cookie.to_str().unwrap();
        let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        cookies.retain(|(known, _)| known != name);
        if !attributes.replace(' ', "").to_lowercase().contains("max-age=0") && !value.is_empty() {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Logs in on the page.
    pub async fn log_in(&self, who: &SignedUp) -> Answer {
        self.post("/portal/", &[("user_id", &who.user_id), ("password", PASSWORD)])
            .await
    }

    /// The hidden fields of a page's forms.
    pub async fn hidden(&self, path: &str) -> Fields {
        Fields(hidden_fields(&self.get(path).await.text))
    }

    /// Accepts whatever terms the page shows.
    pub async fn accept_terms(&self) -> Answer {
        self.accept(&self.get("/portal/terms").await).await
    }

    /// Accepts the terms that a page shows.
    pub async fn accept(&self, terms: &Answer) -> Answer {
        self.send_form(
            "/portal/terms",
            &Fields(hidden_fields(&terms.text)).with("agree", "yes"),
        )
        .await
    }
}

/// For whom the forms of a page were shown.
fn mark_in(html: &str) -> Option<String> {
    hidden_fields(html)
        .into_iter()
        .find(|(name, _)| name == MARK)
        .map(|(_, mark)| mark)
}

fn is_console(path: &str) -> bool {
    path.starts_with("/console/") || path.starts_with("/operator/")
}

fn is_sign_up(path: &str) -> bool {
    path.starts_with("/portal/signup/")
}

/// The hidden fields of a page's forms, in order.
fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        tag.split_once(&format!("{name}=\""))
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(value, _)| value.to_owned())
    };
    html.split("<input")
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap_or_default())
        .filter(|tag| tag.contains("type=\"hidden\"") || tag.contains("type=hidden"))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect()
}
