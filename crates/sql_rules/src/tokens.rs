//! SQL taken apart just far enough to be judged: words, literals, signs, and what stands in parentheses as one.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword or a name, in lower case.
    Word(String),
    /// A name in double quotes, as written.
    Quoted(String),
    /// A string, without its quotes.
    Text(String),
    /// A number or a parameter, `$1`.
    Value,
    /// An operator, or one of `, ; . [ ]`.
    Sign(String),
    /// What stands in parentheses.
    Group(Vec<Token>),
    /// A comment of one line, without its dashes.
    Comment(String),
}

impl Token {
    /// True for this keyword; a quoted name is none.
    pub(crate) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found == word)
    }

    /// True for this sign.
    pub(crate) fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Token::Sign(found) if found == sign)
    }

    /// As a name: quoted or not.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Token::Word(name) | Token::Quoted(name) => Some(name),
            _ => None,
        }
    }
}

/// True where the tokens begin with these keywords.
pub(crate) fn begins(tokens: &[Token], words: &[&str]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.is(word))
}

/// The parts between signs of this kind, outside parentheses.
pub(crate) fn split<'a>(tokens: &'a [Token], sign: &'static str) -> impl Iterator<Item = &'a [Token]> {
    tokens.split(move |token| token.is_sign(sign))
}

/// Takes SQL apart. What is never closed ends with the text: PostgreSQL has its own words for that.
pub(crate) fn parse(sql: &str) -> Vec<Token> {
    group(&mut sql.chars().peekable())
}

type Text<'a> = Peekable<Chars<'a>>;

/// Up to the closing parenthesis or the end.
fn group(text: &mut Text<'_>) -> Vec<Token> {
    let mut tokens = Vec::new();
    while let Some(first) = text.next() {
        match first {
            ')' => break,
            '(' => tokens.push(Token::Group(group(text))),
            '\'' => tokens.push(Token::Text(quoted(text, '\'', false))),
            '"' => tokens.push(Token::Quoted(quoted(text, '"', false))),
            '-' if text.peek() == Some(&'-') => tokens.push(Token::Comment(line(text))),
            '/' if text.peek() == Some(&'*') => block_comment(text),
            '$' => tokens.push(dollar(text)),
            digit if digit.is_ascii_digit() => {
                taken(text, |c| c.is_alphanumeric() || c == '.' || c == '_');
                tokens.push(Token::Value);
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                let word = format!(
                    "{letter}{}",
                    taken(text, |c| c.is_alphanumeric() || c == '_' || c == '$')
                );
                tokens.push(match (word.to_lowercase().as_str(), text.peek()) {
                    ("e", Some('\'')) => Token::Text(next_quoted(text, true)),
                    ("b" | "x" | "n", Some('\'')) => Token::Text(next_quoted(text, false)),
                    (lower, _) => Token::Word(lower.to_owned()),
                });
            }
            sign if is_operator(sign) => {
                let more = taken(text, is_operator);
                tokens.push(Token::Sign(format!("{sign}{more}")));
            }
            sign if !sign.is_whitespace() => tokens.push(Token::Sign(sign.to_string())),
            _ => {}
        }
    }
    tokens
}

/// No `-`, `/` and `*` after another: `=--x` is a comment, and none of ours is spelt with them.
fn is_operator(c: char) -> bool {
    "<>=!~@#%^&|?:".contains(c)
}

fn taken(text: &mut Text<'_>, fits: impl Fn(char) -> bool) -> String {
    let mut taken = String::new();
    while let Some(c) = text.next_if(|c| fits(*c)) {
        taken.push(c);
    }
    taken
}

fn next_quoted(text: &mut Text<'_>, escapes: bool) -> String {
    text.next();
    quoted(text, '\'', escapes)
}

/// Behind an opening quote; two of them are one of the text.
fn quoted(text: &mut Text<'_>, quote: char, escapes: bool) -> String {
    let mut inside = String::new();
    while let Some(c) = text.next() {
        if c == '\\' && escapes {
            inside.extend(text.next());
        } else if c != quote || text.next_if_eq(&quote).is_some() {
            inside.push(c);
        } else {
            break;
        }
    }
    inside
}

/// Behind a `$`: a parameter, or a text in dollar quotes.
fn dollar(text: &mut Text<'_>) -> Token {
    let tag = taken(text, |c| c.is_alphanumeric() || c == '_');
    if text.next_if_eq(&'$').is_none() {
        return Token::Value;
    }
    let end = format!("${tag}$");
    let mut inside = String::new();
    for c in text.by_ref() {
        inside.push(c);
        if inside.ends_with(&end) {
            inside.truncate(inside.len() - end.len());
            break;
        }
    }
    Token::Text(inside)
}

fn line(text: &mut Text<'_>) -> String {
    let comment = taken(text, |c| c != '\n');
    comment.trim_start_matches('-').trim().to_owned()
}

/// Comments of this kind may stand in each other. None of them says anything to us.
fn block_comment(text: &mut Text<'_>) {
    let mut depth = 0;
    let mut last = '/';
    for c in text.by_ref() {
        match (last, c) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                last = c;
                continue;
            }
        }
        if depth == 0 {
            return;
        }
        last = ' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Token {
        Token::Word(text.into())
    }

    #[test]
    fn words_names_texts_and_groups_are_told_apart() {
        assert_eq!(
            parse("SELECT \"Select\", 'it''s', $1::int FROM (a.b)"),
            [
                word("select"),
                Token::Quoted("Select".into()),
                Token::Sign(",".into()),
                Token::Text("it's".into()),
                Token::Sign(",".into()),
                Token::Value,
                Token::Sign("::".into()),
                word("int"),
                word("from"),
                Token::Group(vec![word("a"), Token::Sign(".".into()), word("b")]),
            ]
        );
    }

    #[test]
    fn comments_and_quotes_hide_what_looks_like_sql() {
        let parsed = parse("a -- b; 'c\n/* d /* e */ 'f' */ $$ g; ) $$ $x$ h $$ i $x$ E'\\'j' b'0' <>\"k\"\"l\"");
        assert_eq!(
            parsed,
            [
                word("a"),
                Token::Comment("b; 'c".into()),
                Token::Text(" g; ) ".into()),
                Token::Text(" h $$ i ".into()),
                Token::Text("'j".into()),
                Token::Text("0".into()),
                Token::Sign("<>".into()),
                Token::Quoted("k\"l".into()),
            ]
        );
    }

    #[test]
    fn what_is_never_closed_ends_with_the_text() {
        for broken in ["(a", "'a", "\"a", "$$a", "/* a", "E'a\\", "a)"] {
            parse(broken);
        }
    }
}
