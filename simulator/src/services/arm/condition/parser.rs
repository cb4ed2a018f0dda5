//! From a condition's words to what they mean.

use super::lexer::{Token, tokens};
use super::{Attribute, Comparison, Expression, Problem, Source};
use crate::services::arm::filter::stripped;

/// How deep brackets may stand in each other. No source tells Azure's limit; 8 KB of brackets must not exhaust the stack.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Expression, Problem> {
    let tokens = tokens(text)?;
    let mut parser = Parser { rest: &tokens, depth: 0 };
    let expression = parser.alternatives()?;
    match parser.rest {
        [] => Ok(expression),
        _ => Err(Problem::Invalid),
    }
}

struct Parser<'a> {
    rest: &'a [Token],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Goes on behind this token if it is the next one.
    fn accept(&mut self, token: &Token) -> bool {
        let is_next = self.rest.first() == Some(token);
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    fn expect(&mut self, mark: char) -> Result<(), Problem> {
        if self.accept(&Token::Mark(mark)) { Ok(()) } else { Err(Problem::Invalid) }
    }

    fn alternatives(&mut self) -> Result<Expression, Problem> {
        let mut left = self.conjunction()?;
        while self.accept(&Token::Or) {
            left = Expression::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, Problem> {
        let mut left = self.term()?;
        while self.accept(&Token::And) {
            left = Expression::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expression, Problem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Problem::Invalid);
        }
        let term = match self.next() {
            Some(Token::Not) => Expression::Not(Box::new(self.term()?)),
            Some(Token::Mark('(')) => {
                let inner = self.alternatives()?;
                self.expect(')')?;
                inner
            }
            Some(Token::Word(function)) => self.function(function)?,
            Some(Token::Attribute(source, attribute)) => self.comparison(source, attribute)?,
            _ => return Err(Problem::Invalid),
        };
        self.depth -= 1;
        Ok(term)
    }

    fn function(&mut self, name: &str) -> Result<Expression, Problem> {
        let lower = name.to_ascii_lowercase();
        if lower == "exists" {
            return Err(Problem::NotModelled(format!("{name} in conditions")));
        }
        self.expect('{')?;
        let Some(Token::Text(text)) = self.next() else { return Err(Problem::Invalid) };
        self.expect('}')?;
        match lower.as_str() {
            "actionmatches" => Ok(Expression::ActionMatches(text.clone())),
            "suboperationmatches" => Ok(Expression::SubOperationMatches),
            _ => Err(Problem::Invalid),
        }
    }

    fn comparison(&mut self, source: &str, attribute: &str) -> Result<Expression, Problem> {
        let source = match source.to_ascii_lowercase().as_str() {
            "request" => Source::Request,
            "resource" => Source::Resource,
            "principal" | "environment" => return Err(Problem::NotModelled(format!("@{source} in conditions"))),
            _ => return Err(Problem::Invalid),
        };
        let attribute = known_attribute(attribute)?;
        let Some(Token::Word(operator)) = self.next() else { return Err(Problem::Invalid) };
        let (equal, many) = known_operator(operator, attribute)?;
        let values = if many { self.values(attribute)? } else { vec![self.value(attribute)?] };
        Ok(Expression::Compare(Comparison { source, attribute, equal, values }))
    }

    fn values(&mut self, attribute: Attribute) -> Result<Vec<String>, Problem> {
        self.expect('{')?;
        let mut values = vec![self.value(attribute)?];
        while self.accept(&Token::Mark(',')) {
            values.push(self.value(attribute)?);
        }
        self.expect('}')?;
        Ok(values)
    }

    fn value(&mut self, attribute: Attribute) -> Result<String, Problem> {
        match self.next() {
            Some(Token::Word(value)) if attribute.is_guid() && attribute.takes(value) => Ok(value.clone()),
            Some(Token::Text(value)) if !attribute.is_guid() => Ok(value.clone()),
            _ => Err(Problem::Invalid),
        }
    }
}

fn known_attribute(name: &str) -> Result<Attribute, Problem> {
    let Some(own) = stripped(name, "Microsoft.Authorization/roleAssignments:") else {
        // Storage and the directory have attributes too.
        return Err(match name.contains('/') {
            true => Problem::NotModelled(format!("the attribute {name} in conditions")),
            false => Problem::Invalid,
        });
    };
    match own.to_ascii_lowercase().as_str() {
        "roledefinitionid" => Ok(Attribute::RoleDefinitionId),
        "principalid" => Ok(Attribute::PrincipalId),
        "principaltype" => Ok(Attribute::PrincipalType),
        _ => Err(Problem::Invalid),
    }
}

/// Whether an operator of this attribute asks for equality, and whether it takes a set of values. Azure has others for the same types
/// (documentation, "Azure role assignment condition format and syntax", "Function operators" to "Cross product comparison operators").
fn known_operator(operator: &str, attribute: Attribute) -> Result<(bool, bool), Problem> {
    let of_guids = attribute.is_guid();
    match (operator.to_ascii_lowercase().as_str(), of_guids) {
        ("guidequals", true) | ("stringequalsignorecase", false) => Ok((true, false)),
        ("guidnotequals", true) | ("stringnotequalsignorecase", false) => Ok((false, false)),
        ("foranyofanyvalues:guidequals", true) | ("foranyofanyvalues:stringequalsignorecase", false) => Ok((true, true)),
        ("foranyofallvalues:guidnotequals", true) | ("foranyofallvalues:stringnotequalsignorecase", false) => Ok((false, true)),
        (other, _) if is_of_azure(other, of_guids) => Err(Problem::NotModelled(format!("{operator} in conditions"))),
        _ => Err(Problem::Invalid),
    }
}

/// Whether Azure has such an operator, in lower case, for this type of values.
fn is_of_azure(operator: &str, of_guids: bool) -> bool {
    let plain = match operator.split_once(':') {
        Some(("foranyofanyvalues" | "forallofanyvalues" | "foranyofallvalues" | "forallofallvalues", plain)) => plain,
        Some(_) => return false,
        None => operator,
    };
    match of_guids {
        true => ["guidequals", "guidnotequals"].contains(&plain),
        false => plain.strip_prefix("string").is_some_and(|rest| {
            let rest = rest.strip_prefix("not").unwrap_or(rest);
            ["equals", "startswith", "like"].contains(&rest.strip_suffix("ignorecase").unwrap_or(rest))
        }),
    }
}
