//! A mail's body, written once: the text part and the HTML part are two renderings of the same paragraphs.

use askama::Template;

/// Paragraphs in order.
#[derive(Debug, Clone)]
pub struct Body {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Paragraph(Vec<String>),
    Code { label: String, value: String },
    Url { label: String, url: String },
    Rule,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    title: &'a str,
    preheader: String,
    parts: &'a [Part],
}

impl Body {
    /// A body that begins with this paragraph.
    pub fn new(first: &str) -> Self {
        Self { parts: Vec::new() }.paragraph(first)
    }

    /// A paragraph; its line breaks are kept.
    #[must_use]
    pub fn paragraph(self, text: &str) -> Self {
        self.with(Part::Paragraph(text.lines().map(str::to_owned).collect()))
    }

    /// What is to be read off: a code, an ID.
    #[must_use]
    pub fn code(self, label: &str, value: &str) -> Self {
        self.with(Part::Code {
            label: label.to_owned(),
            value: value.to_owned(),
        })
    }

    /// A page to open.
    #[must_use]
    pub fn url(self, label: &str, url: &str) -> Self {
        self.with(Part::Url {
            label: label.to_owned(),
            url: url.to_owned(),
        })
    }

    fn rule(self) -> Self {
        self.with(Part::Rule)
    }

    /// The end of a mail that nobody reads answers to; `last` is what its matter adds there.
    #[must_use]
    pub fn no_replies(self, last: Option<&str>) -> Self {
        let body = self.rule().paragraph(
            "本メールは送信専用のメールアドレスから配信されています。\n\
             本メールに返信いただいても対応出来かねますのでご了承ください。",
        );
        last.into_iter().fold(body, Self::paragraph)
    }

    fn with(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// The text part.
    pub fn text(&self) -> String {
        let parts: Vec<String> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Paragraph(lines) => lines.join("\n"),
                Part::Code { label, value } => format!("{label}: {value}"),
                Part::Url { label, url } => format!("{label}\n{url}"),
                Part::Rule => "----------------------------------------".to_owned(),
            })
            .collect();
        parts.join("\n\n") + "\n"
    }

    /// The HTML part; what is to be read off also stands in the preheader, which phones show beside the subject.
    pub fn html(&self, title: &str) -> String {
        let read_off = self.parts.iter().find_map(|part| match part {
            Part::Code { label, value } => Some(format!("{label}: {value}")),
            _ => None,
        });
        let html = Html {
            title,
            preheader: read_off.unwrap_or_default(),
            parts: &self.parts,
        };
        // Writing to a string can't fail; a template that did would leave the text part.
        html.render().unwrap_or_default()
    }
}
