//! The words of a condition.

use super::Problem;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A bracket, brace or comma.
    Mark(char),
    Not,
    And,
    Or,
    /// A function, an operator or a value without quotes.
    Word(String),
    /// What stands between single quotes.
    Text(String),
    /// `@source[attribute]`.
    Attribute(String, String),
}

/// Takes a condition apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' | ')' | '{' | '}' | ',' => (Token::Mark(first), 1),
            '!' => (Token::Not, 1),
            '&' if rest.starts_with("&&") => (Token::And, 2),
            '|' if rest.starts_with("||") => (Token::Or, 2),
            '\'' => {
                let (inner, _) = rest[1..].split_once('\'').ok_or(Problem::Invalid)?;
                (Token::Text(inner.to_owned()), inner.len() + 2)
            }
            '@' => {
                let (head, _) = rest.split_once(']').ok_or(Problem::Invalid)?;
                let (source, attribute) = head[1..].split_once('[').ok_or(Problem::Invalid)?;
                (Token::Attribute(source.to_owned(), attribute.trim().to_owned()), head.len() + 1)
            }
            _ => {
                let length = rest.find(|other: char| !is_of_word(other)).unwrap_or(rest.len());
                (word(&rest[..length])?, length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn word(text: &str) -> Result<Token, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "" => Err(Problem::Invalid),
        "and" => Ok(Token::And),
        "or" => Ok(Token::Or),
        "not" => Ok(Token::Not),
        _ => Ok(Token::Word(text.to_owned())),
    }
}

fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || [':', '.', '-', '_', '/'].contains(&character)
}
