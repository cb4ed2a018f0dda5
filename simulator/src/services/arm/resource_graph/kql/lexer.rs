//! A query's text in tokens.

use super::Problem;

/// One token with where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Lexeme,
    /// From 1.
    pub line: usize,
    /// From 0.
    pub position: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lexeme {
    /// A name or a word of the language, `in~` and `!in` included.
    Word(String),
    Text(String),
    Number(usize),
    Sign(&'static str),
    /// Behind the last one.
    End,
}

/// Longer ones first.
const SIGNS: [&str; 16] = ["==", "!=", "=~", "!~", "<=", ">=", "<", ">", "|", "(", ")", ",", "=", ".", "[", "]"];

impl Token {
    /// The refusal of this token.
    pub fn refused(&self) -> Problem {
        let token = match &self.kind {
            Lexeme::Word(word) => word.clone(),
            Lexeme::Text(text) => format!("'{text}'"),
            Lexeme::Number(number) => number.to_string(),
            Lexeme::Sign(sign) => (*sign).to_owned(),
            Lexeme::End => "<EOF>".to_owned(),
        };
        Problem::Syntax { line: self.line, position: self.position, token }
    }
}

/// The tokens of a text, with [`Lexeme::End`] as the last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut last = (1, 0);
    for (line, text) in (1..).zip(text.split('\n')) {
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let position = text.len() - rest.len();
            last = (line, text.trim_end().len());
            if rest.is_empty() || rest.starts_with("//") {
                break;
            }
            let token = rest.to_owned();
            let (kind, length) = next(rest).ok_or(Problem::Syntax { line, position, token })?;
            tokens.push(Token { kind, line, position });
            rest = &rest[length..];
        }
    }
    let (line, position) = last;
    tokens.push(Token { kind: Lexeme::End, line, position });
    Ok(tokens)
}

/// The first token of a text that begins with one, and its length.
fn next(text: &str) -> Option<(Lexeme, usize)> {
    let first = text.chars().next()?;
    if first == '\'' || first == '"' {
        return quoted(text, first);
    }
    if first.is_ascii_digit() {
        let length = text.find(|other: char| !other.is_ascii_alphanumeric()).unwrap_or(text.len());
        return Some((Lexeme::Number(text[..length].parse().ok()?), length));
    }
    if let Some(length) = word(text) {
        return Some((Lexeme::Word(text[..length].to_owned()), length));
    }
    SIGNS.iter().find(|sign| text.starts_with(**sign)).map(|sign| (Lexeme::Sign(sign), sign.len()))
}

/// The length of a name, or of a word such as `!in~`.
fn word(text: &str) -> Option<usize> {
    let negated = usize::from(text.starts_with('!'));
    let name = &text[negated..];
    let length = name.find(|other: char| !other.is_ascii_alphanumeric() && other != '_').unwrap_or(name.len());
    if length == 0 {
        return None;
    }
    let tilde = usize::from(&name[..length] == "in" && name[length..].starts_with('~'));
    Some(negated + length + tilde)
}

/// A text in quotes; a backslash takes the next character as it is.
fn quoted(text: &str, quote: char) -> Option<(Lexeme, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.push(characters.next()?.1),
            end if end == quote => return Some((Lexeme::Text(value), at + quote.len_utf8())),
            other => value.push(other),
        }
    }
    None
}
