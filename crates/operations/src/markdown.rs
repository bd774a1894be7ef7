//! Markdown as HTML, as far as descriptions and the handbook go: headings, paragraphs, lists, tables, blocks of code; `code`, **strong**
//! and *stress*. A link is told by its words: the page loads nothing and leads nowhere but within itself.

/// A table in Markdown, as descriptions hold them.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String; N]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&head.map(str::to_owned));
    table.push_str(&line(&["---"; N].map(str::to_owned)));
    table.extend(rows.into_iter().map(|row| line(&row)));
    table
}

/// The blocks of a text, one behind the other.
pub(crate) fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            blocks.push(format!(
                "<pre tabindex=\"0\"><code>{}</code></pre>",
                escaped(&code.join("\n"))
            ));
            continue;
        }
        let mut block = vec![line];
        while let Some(next) = lines.next_if(|next| !next.trim().is_empty() && !next.starts_with("```")) {
            block.push(next);
        }
        blocks.push(match line.get(..2) {
            Some("- ") => list(&block),
            Some("| ") => table_html(&block),
            Some("##") => format!("<h4>{}</h4>", inline(line.trim_start_matches(['#', ' ']))),
            _ => format!("<p>{}</p>", inline(&block.join("\n"))),
        });
    }
    blocks
}

/// Lines that begin with a dash, and those that go on with the one before.
fn list(lines: &[&str]) -> String {
    let mut items: Vec<String> = Vec::new();
    for line in lines {
        if let Some(item) = line.strip_prefix("- ") {
            items.push(item.to_owned());
        } else if let Some(item) = items.last_mut() {
            item.extend(["\n", line.trim_start()]);
        }
    }
    let items = items.iter().map(|item| format!("<li>{}</li>", inline(item)));
    format!("<ul>{}</ul>", items.collect::<String>())
}

/// Each cell with the name of its column, which a phone shows before it.
fn table_html(lines: &[&str]) -> String {
    let names = lines.first().map(|line| cells(line)).unwrap_or_default();
    let head = names
        .iter()
        .map(|name| format!("<th scope=\"col\">{}</th>", inline(name)));
    let cell = |(place, text): (usize, &str)| {
        let name = names.get(place).copied().unwrap_or_default();
        let name = escaped(&name.replace(['`', '*'], ""));
        format!("<td data-label=\"{name}\">{}</td>", inline(text))
    };
    let row = |line: &&str| {
        let cells = cells(line).into_iter().enumerate().map(cell);
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let (head, body): (String, String) = (head.collect(), lines.iter().skip(2).map(row).collect());
    format!("<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split(" | ").map(str::trim).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Escapes, then writes what stands within a line as HTML. Code is taken out first, for nothing in it is a mark, and put back last: what
/// is strong may hold some.
pub(crate) fn inline(text: &str) -> String {
    let escaped = escaped(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    let mut codes = Vec::new();
    let mut plain = String::with_capacity(escaped.len());
    for (place, part) in parts.iter().enumerate() {
        let is_within = place % 2 == 1;
        if is_within {
            plain.push('`');
        }
        if is_within && place + 1 < parts.len() {
            codes.push(*part);
        } else {
            // A mark without its partner stays as it was written.
            plain.push_str(part);
        }
    }
    let marked = alternate(&unlinked(&plain), "**", "strong", &|plain| {
        alternate(plain, "*", "em", &str::to_owned)
    });
    let (mut around, mut codes) = (marked.split('`'), codes.into_iter());
    let mut html = around.next().unwrap_or_default().to_owned();
    for part in around {
        match codes.next() {
            Some(code) => html.extend(["<code>", code, "</code>"]),
            None => html.push('`'),
        }
        html.push_str(part);
    }
    html
}

/// `[words](address)` as its words, with the address of another house behind them.
fn unlinked(text: &str) -> String {
    let Some((before, rest)) = text.split_once('[') else {
        return text.to_owned();
    };
    let link = rest
        .split_once("](")
        .and_then(|(words, rest)| Some((words, rest.split_once(')')?)));
    match link {
        Some((words, (address, after))) if !words.contains(['[', ']']) && !address.contains('`') => {
            let told = if address.contains("://") {
                format!("{words} ({address})")
            } else {
                words.to_owned()
            };
            format!("{before}{told}{}", unlinked(after))
        }
        _ => format!("{before}[{}", unlinked(rest)),
    }
}

/// Wraps every second part between marks in a tag, and hands the others to `outside`.
fn alternate(text: &str, mark: &str, tag: &str, outside: &dyn Fn(&str) -> String) -> String {
    let parts: Vec<&str> = text.split(mark).collect();
    let mut html = String::with_capacity(text.len() + 32);
    for (place, part) in parts.iter().enumerate() {
        match (place % 2, place + 1 < parts.len()) {
            (0, _) => html.push_str(&outside(part)),
            (_, true) => html.extend(["<", tag, ">", part, "</", tag, ">"]),
            // A mark without its partner stays as it was written.
            (_, false) => html.extend([mark, part]),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn descriptions_are_escaped_before_they_are_marked_up() {
        assert_eq!(
            inline("a `<b> s***o` **c** *d* & `e"),
            "a <code>&lt;b&gt; s***o</code> <strong>c</strong> <em>d</em> &amp; `e"
        );
        assert_eq!(
            inline("[here](#there), [W](https://w.example/) [x] `[i](j)`"),
            "here, W (https://w.example/) [x] <code>[i](j)</code>"
        );
    }

    #[test]
    fn what_is_strong_or_stressed_may_hold_code_and_code_holds_no_marks() {
        for (text, html) in [
            (
                "**Columns of `costs`**, a row for each.",
                "<strong>Columns of <code>costs</code></strong>, a row for each.",
            ),
            (
                "**a** `b**` **`c`** and *d `e*`*",
                "<strong>a</strong> <code>b**</code> <strong><code>c</code></strong> and <em>d <code>e*</code></em>",
            ),
            ("[the `x`](#x) **y", "the <code>x</code> **y"),
            ("[x](`y`) `z", "[x](<code>y</code>) `z"),
        ] {
            assert_eq!(inline(text), html, "{text}");
        }
    }

    #[test]
    fn paragraphs_lists_tables_and_code_are_blocks() {
        let text = format!(
            "One\ntwo.\n\n- a\n  b\n- `c`\n\n{}\n```sh\n# <x>\n\ny\n```\nEnd.",
            table(["A", "B"], [["1".into(), "`2`".into()]])
        );
        assert_eq!(
            blocks(&text),
            [
                "<p>One\ntwo.</p>",
                "<ul><li>a\nb</li><li><code>c</code></li></ul>",
                "<table><thead><tr><th scope=\"col\">A</th><th scope=\"col\">B</th></tr></thead>\
                 <tbody><tr><td data-label=\"A\">1</td><td data-label=\"B\"><code>2</code></td></tr></tbody></table>",
                "<pre tabindex=\"0\"><code># &lt;x&gt;\n\ny</code></pre>",
                "<p>End.</p>",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_or_passes_a_tag(text in "\\PC{0,60}", near in "[-|# `*\\[\\]()<a\\n]{0,60}") {
            for text in [text, near] {
                prop_assert!(!blocks(&text).concat().contains("<a"));
            }
        }
    }
}
