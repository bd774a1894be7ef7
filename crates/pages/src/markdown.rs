//! Markdown of terms, guides and notices as HTML. Whoever wrote it can't reach beyond text: raw HTML is dropped, pictures
//! become their description, links lead to web pages, mail, telephone or our own pages only.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// Renders `source`, whose top heading becomes `<h{top}>`, so that the page keeps its one `h1`.
pub fn render(source: &str, top: u8) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut open_links = Vec::new();
    let events = Parser::new_ext(source, options).filter_map(|event| tame(event, top, &mut open_links));
    let mut page = String::with_capacity(source.len() * 2);
    html::push_html(&mut page, events);
    // Wide tables scroll inside a region that the keyboard reaches.
    page.replace(
        "<table>",
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"表\"><table>",
    )
    .replace("</table>", "</table></div>")
}

fn tame<'a>(event: Event<'a>, top: u8, open_links: &mut Vec<bool>) -> Option<Event<'a>> {
    match event {
        Event::Html(_)
        | Event::InlineHtml(_)
        | Event::Start(Tag::HtmlBlock | Tag::Image { .. })
        | Event::End(TagEnd::HtmlBlock | TagEnd::Image) => None,
        Event::Start(Tag::Heading { level, .. }) => Some(Event::Start(Tag::Heading {
            level: lower(level, top),
            id: None,
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
            let kept = is_safe(&dest_url, link_type);
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
