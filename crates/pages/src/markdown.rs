//! Markdown of terms, guides and notices as HTML. Whoever wrote it can't reach beyond text: raw HTML is dropped, pictures
//! become their description, links lead to web pages, mail, telephone or our own pages only.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// Renders `source`, whose top heading becomes `<h{top}>`, so that the page keeps its one `h1`. A heading that ends in
/// `{#family}` can be linked to as `#to-family`.
pub fn render(source: &str, top: u8) -> String {
    render_with(source, top, None, &|_| true)
}

/// The same; each section that begins with `<h{level}>` can be closed and opened by its heading.
pub fn render_folded(source: &str, top: u8, level: u8, open: bool) -> String {
    render_with(source, top, Some(Fold { level, open }), &|_| true)
}

/// The same, closed; a link to where nothing is for whoever reads becomes its words.
pub fn render_folded_for(source: &str, top: u8, level: u8, is_there: &dyn Fn(&str) -> bool) -> String {
    render_with(source, top, Some(Fold { level, open: false }), is_there)
}

fn render_with(source: &str, top: u8, fold: Option<Fold>, is_there: &dyn Fn(&str) -> bool) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut open_links = Vec::new();
    let events = Parser::new_ext(source, options).filter_map(|event| tame(event, top, is_there, &mut open_links));
    let mut page = String::with_capacity(source.len() * 2);
    match fold {
        Some(fold) => html::push_html(&mut page, fold.sections(events).into_iter()),
        None => html::push_html(&mut page, events),
    }
    // Wide tables scroll inside a region that the keyboard reaches.
    let page = page
        .replace(
            "<table>",
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"表\"><table>",
        )
        .replace("</table>", "</table></div>");
    with_marks_once(&page)
}

/// As the renderer begins a list without numbers.
const LIST: &str = "<ul>\n<li>";

/// A list whose items bring their own marks, as 「(1)」 in statutes.
const MARKED_LIST: &str = "<ul class=\"marked\">\n<li>";

fn with_marks_once(page: &str) -> String {
    let mut parts = page.split(LIST);
    let mut once = parts.next().unwrap_or_default().to_owned();
    for items in parts {
        once.extend([if begins_with_mark(items) { MARKED_LIST } else { LIST }, items]);
    }
    once
}

fn begins_with_mark(items: &str) -> bool {
    let mut text = items.trim_start_matches("\n<p>").chars();
    match text.next() {
        Some('(' | '（') => text
            .next()
            .is_some_and(|c| c.is_numeric() || "一二三四五六七八九十".contains(c)),
        Some(mark) => ('①'..='⑳').contains(&mark),
        None => false,
    }
}

/// Which sections can be closed and opened by their heading.
struct Fold {
    level: u8,
    open: bool,
}

impl Fold {
    /// Each section from its heading to the next of its level or above; one inside a quotation or a list is none.
    fn sections<'a>(&self, events: impl Iterator<Item = Event<'a>>) -> Vec<Event<'a>> {
        let begin = if self.open {
            "<details open><summary>\n"
        } else {
            "<details><summary>\n"
        };
        let html = |text: &'static str| Event::Html(text.into());
        let (mut folded, mut depth, mut inside) = (Vec::new(), 0_usize, false);
        for event in events {
            match &event {
                Event::Start(tag) => {
                    if let (0, Tag::Heading { level, .. }) = (depth, tag) {
                        let level = *level as u8;
                        if inside && level <= self.level {
                            folded.push(html("</details>\n"));
                            inside = false;
                        }
                        if level == self.level {
                            folded.push(html(begin));
                            inside = true;
                        }
                    }
                    depth += 1;
                    folded.push(event);
                }
                Event::End(tag) => {
                    depth = depth.saturating_sub(1);
                    let is_ours = matches!(tag, TagEnd::Heading(level) if depth == 0 && *level as u8 == self.level);
                    folded.push(event);
                    if is_ours {
                        folded.push(html("</summary>\n"));
                    }
                }
                _ => folded.push(event),
            }
        }
        if inside {
            folded.push(html("</details>\n"));
        }
        folded
    }
}

fn tame<'a>(
    event: Event<'a>,
    top: u8,
    is_there: &dyn Fn(&str) -> bool,
    open_links: &mut Vec<bool>,
) -> Option<Event<'a>> {
    match event {
        Event::Html(_)
        | Event::InlineHtml(_)
        | Event::Start(Tag::HtmlBlock | Tag::Image { .. })
        | Event::End(TagEnd::HtmlBlock | TagEnd::Image) => None,
        Event::Start(Tag::Heading { level, id, .. }) => Some(Event::Start(Tag::Heading {
            level: lower(level, top),
            id: id.filter(|id| is_name(id)).map(|id| format!("to-{id}").into()),
            classes: vec![],
            attrs: vec![],
        })),
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level, top)))),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            id,
            ..
        }) => {
            let kept = is_safe(&dest_url, link_type) && is_there(&dest_url);
            open_links.push(kept);
            let title = CowStr::Borrowed("");
            kept.then_some(Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }))
        }
        Event::End(TagEnd::Link) => open_links.pop().unwrap_or_default().then_some(Event::End(TagEnd::Link)),
        other => Some(other),
    }
}

/// What a heading may be called, so that the page's own names stay its own and nothing else gets into its tag.
fn is_name(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn lower(level: HeadingLevel, top: u8) -> HeadingLevel {
    let wanted = (level as u8).max(2) - 2 + top;
    HeadingLevel::try_from(usize::from(wanted.min(6))).unwrap_or(HeadingLevel::H6)
}

fn is_safe(address: &str, kind: LinkType) -> bool {
    let own = address.starts_with('#') || (address.starts_with('/') && !address.starts_with("//"));
    let known = ["https://", "http://", "mailto:", "tel:"]
        .iter()
        .any(|scheme| address.starts_with(scheme));
    let plain = !address.contains(['\\', '\n', '\r', '\t']);
    matches!(kind, LinkType::Email) || ((own || known) && plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn raw_html_and_pictures_never_come_through() {
        let page = render(
            "a <script>alert(1)</script> b\n\n<div onclick=x>\nc\n</div>\n\n![絵](https://evil.example/x.png)",
            2,
        );
        for bad in ["<script", "<div", "onclick", "<img", "evil.example"] {
            assert!(!page.contains(bad), "{page}");
        }
        assert!(page.contains("絵"));
    }

    #[test]
    fn links_lead_only_where_they_may() {
        let page = render(
            "[悪](javascript:alert(1)) [外](https://example.jp/) [内](/portal/help) [電](tel:050) [横](//evil.example)",
            2,
        );
        assert!(!page.contains("javascript") && !page.contains("//evil"));
        assert!(page.contains("悪") && page.contains("href=\"https://example.jp/\""));
        assert!(page.contains("href=\"/portal/help\"") && page.contains("href=\"tel:050\""));
    }

    #[test]
    fn headings_stand_below_the_pages_own() {
        assert_eq!(render("## 第1条\n\n### 細目", 2), "<h2>第1条</h2>\n<h3>細目</h3>\n");
        assert_eq!(render("# 表題", 3), "<h3>表題</h3>\n");
        assert_eq!(render("###### 底", 4), "<h6>底</h6>\n");
    }

    #[test]
    fn a_heading_can_be_linked_to_by_a_plain_name_of_its_own() {
        assert_eq!(render("### 家族 {#family}", 3), "<h4 id=\"to-family\">家族</h4>\n");
        for page in [
            render("## 表題 {#a\"onclick=x .note onclick=y}", 2),
            render("## 表題 {#悪}", 2),
        ] {
            assert!(page.starts_with("<h2>表題"), "{page}");
        }
    }

    #[test]
    fn a_list_that_brings_its_own_marks_gets_no_others() {
        for marked in ["(1)", "（1）", "（一）", "①"] {
            let page = render(&format!("1. 次のとおり\n   - {marked} 申請\n   - {marked} 登録"), 3);
            assert!(page.contains(MARKED_LIST), "{page}");
        }
        assert!(render("- (1) 申請\n\n- (2) 登録", 3).contains("<ul class=\"marked\">"));
        for plain in ["- 申請\n- 登録", "- （例）申請", "1. 申請"] {
            assert!(!render(plain, 3).contains("marked"), "{plain}");
        }
    }

    #[test]
    fn sections_fold_at_their_headings_and_at_none_below_or_above() {
        let page = render_folded(
            "前文\n\n## 第1条\n\n本文\n\n### 細目\n\n---\n\n## 第2条\n\n> ## 引用",
            3,
            3,
            true,
        );
        assert_eq!(
            page,
            "<p>前文</p>\n\
             <details open><summary>\n<h3>第1条</h3>\n</summary>\n<p>本文</p>\n<h4>細目</h4>\n<hr />\n</details>\n\
             <details open><summary>\n<h3>第2条</h3>\n</summary>\n<blockquote>\n<h3>引用</h3>\n</blockquote>\n</details>\n"
        );
        let faq = render_folded("## 登録\n\n### 何が要りますか\n\n答\n\n## メール", 3, 4, false);
        assert_eq!(
            faq,
            "<h3>登録</h3>\n<details><summary>\n<h4>何が要りますか</h4>\n</summary>\n<p>答</p>\n</details>\n<h3>メール</h3>\n"
        );
        assert_eq!(render_folded("", 3, 3, true), "");
    }

    #[test]
    fn a_table_scrolls_by_keyboard_too() {
        let page = render("|a|b|\n|-|-|\n|1|2|", 2);
        assert!(page.contains("tabindex=\"0\"") && page.contains("</table></div>"));
    }

    proptest! {
        #[test]
        fn nothing_written_reaches_beyond_text(source in "[<>a-z\"'/=!\\[\\]()#*`&; \\n-]{0,200}") {
            let page = render(&source, 2);
            for bad in ["<script", "<img", "<iframe", "<style", "<form", "<h1"] {
                prop_assert!(!page.contains(bad), "{}", page);
            }
        }
    }
}
