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

fn table_html(lines: &[&str]) -> String {
    let row = |line: &&str, (cell, scope): (&str, &str)| {
        let cells = line.trim().trim_matches('|').split(" | ");
        let cells = cells.map(|text| format!("<{cell}{scope}>{}</{cell}>", inline(text.trim())));
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let head = lines.iter().take(1).map(|line| row(line, ("th", " scope=\"col\"")));
    let body = lines.iter().skip(2).map(|line| row(line, ("td", "")));
    let (head, body): (String, String) = (head.collect(), body.collect());
    format!("<table><thead>{head}</thead><tbody>{body}</tbody></table>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Escapes, then writes what stands within a line as HTML.
pub(crate) fn inline(text: &str) -> String {
    alternate(&escaped(text), "`", "code", &|plain| {
        alternate(&unlinked(plain), "**", "strong", &|plain| {
            alternate(plain, "*", "em", &str::to_owned)
        })
    })
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
        Some((words, (address, after))) if !words.contains(['[', ']']) => {
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
                 <tbody><tr><td>1</td><td><code>2</code></td></tr></tbody></table>",
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
