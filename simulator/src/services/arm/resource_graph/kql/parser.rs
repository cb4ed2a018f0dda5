//! Tokens into operators and expressions.

use serde_json::Value;

use super::lexer::{Lexeme, Token};
use super::{Comparison, Expression, Function, Operator, Problem, Step};

type Parsed<T> = Result<T, Problem>;

/// The table's name and the operators after it.
pub(super) fn parse(tokens: Vec<Token>) -> Parsed<(String, Vec<Operator>)> {
    let mut parser = Parser { tokens, at: 0 };
    let table = parser.word()?.to_ascii_lowercase();
    let mut operators = Vec::new();
    while !parser.is_over() {
        parser.expect("|")?;
        operators.push(parser.operator()?);
    }
    Ok((table, operators))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    /// The token that comes next; the last one stays.
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn is_over(&self) -> bool {
        self.peek().kind == Lexeme::End
    }

    fn refused<T>(&self) -> Parsed<T> {
        Err(self.peek().refused())
    }

    /// Takes the sign if it comes next.
    fn takes(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek().kind, Lexeme::Sign(own) if own == sign);
        self.at += usize::from(there);
        there
    }

    /// Takes the word if it comes next.
    fn takes_word(&mut self, word: &str) -> bool {
        let there = matches!(&self.peek().kind, Lexeme::Word(own) if own == word);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.takes(sign) { Ok(()) } else { self.refused() }
    }

    fn word(&mut self) -> Parsed<String> {
        let Lexeme::Word(word) = &self.peek().kind else {
            return self.refused();
        };
        let word = word.clone();
        self.at += 1;
        Ok(word)
    }

    fn number(&mut self) -> Parsed<usize> {
        let Lexeme::Number(number) = self.peek().kind else {
            return self.refused();
        };
        self.at += 1;
        Ok(number)
    }

    /// Items between commas, at least one.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.takes(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn operator(&mut self) -> Parsed<Operator> {
        let word = self.word()?;
        match word.as_str() {
            "where" => Ok(Operator::Where(self.any()?)),
            "extend" => Ok(Operator::Extend(self.list(Self::named)?)),
            "project" => Ok(Operator::Project(self.list(Self::named)?)),
            "order" | "sort" => {
                if !self.takes_word("by") {
                    return self.refused();
                }
                Ok(Operator::Order(self.list(Self::ordered)?))
            }
            "take" | "limit" => Ok(Operator::Take(self.number()?)),
            "count" => Ok(Operator::Count),
            other => Err(Problem::NotModelled(format!("the operator {other} of Resource Graph queries"))),
        }
    }

    /// `name = expression`, or an expression that names itself.
    fn named(&mut self) -> Parsed<(String, Expression)> {
        let start = self.at;
        if let Ok(name) = self.word()
            && self.takes("=")
        {
            return Ok((name, self.any()?));
        }
        self.at = start;
        let expression = self.any()?;
        match own_name(&expression) {
            Some(name) => Ok((name, expression)),
            None => Err(Problem::NotModelled("a column without a name in Resource Graph queries".to_owned())),
        }
    }

    fn ordered(&mut self) -> Parsed<(Expression, bool)> {
        let expression = self.operand()?;
        let ascends = self.takes_word("asc");
        if !ascends {
            self.takes_word("desc");
        }
        if self.takes_word("nulls") {
            return Err(Problem::NotModelled("nulls first or last in Resource Graph queries".to_owned()));
        }
        Ok((expression, ascends))
    }

    fn any(&mut self) -> Parsed<Expression> {
        let mut alternatives = vec![self.all()?];
        while self.takes_word("or") {
            alternatives.push(self.all()?);
        }
        Ok(if alternatives.len() == 1 { alternatives.remove(0) } else { Expression::Any(alternatives) })
    }

    fn all(&mut self) -> Parsed<Expression> {
        let mut conditions = vec![self.comparison()?];
        while self.takes_word("and") {
            conditions.push(self.comparison()?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Expression::All(conditions) })
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let left = self.operand()?;
        let (comparison, wanted) = match &self.peek().kind {
            Lexeme::Sign("==") => (Comparison::Equal, true),
            Lexeme::Sign("!=") => (Comparison::NotEqual, true),
            Lexeme::Sign("=~") => (Comparison::Like, true),
            Lexeme::Sign("!~") => (Comparison::NotLike, true),
            Lexeme::Sign(sign @ ("<" | ">" | "<=" | ">=")) => {
                return Err(Problem::NotModelled(format!("{sign} in Resource Graph queries")));
            }
            Lexeme::Word(word) => match word.trim_start_matches('!') {
                "contains" => (Comparison::Contains, !word.starts_with('!')),
                "startswith" => (Comparison::StartsWith, !word.starts_with('!')),
                "endswith" => (Comparison::EndsWith, !word.starts_with('!')),
                "has" => (Comparison::Has, !word.starts_with('!')),
                "in" | "in~" => return self.member(left),
                "and" | "or" | "asc" | "desc" | "nulls" => return Ok(left),
                other => return Err(Problem::NotModelled(format!("{other} in Resource Graph queries"))),
            },
            Lexeme::Sign(_) | Lexeme::End => return Ok(left),
            Lexeme::Text(_) | Lexeme::Number(_) => return self.refused(),
        };
        self.at += 1;
        let compared = Expression::Compare(comparison, Box::new(left), Box::new(self.operand()?));
        Ok(if wanted { compared } else { Expression::Call(Function::Not, Box::new(compared)) })
    }

    /// `in`, `in~` and their negations, with the list after it.
    fn member(&mut self, value: Expression) -> Parsed<Expression> {
        let word = self.word()?;
        self.expect("(")?;
        let list = self.list(Self::operand)?;
        self.expect(")")?;
        let (exact, wanted) = (!word.ends_with('~'), !word.starts_with('!'));
        Ok(Expression::In { value: Box::new(value), list, exact, wanted })
    }

    fn operand(&mut self) -> Parsed<Expression> {
        let token = self.peek().clone();
        match token.kind {
            Lexeme::Text(text) => self.literal(Value::String(text)),
            Lexeme::Number(number) => self.literal(Value::from(number)),
            Lexeme::Sign("(") => {
                self.at += 1;
                let inner = self.any()?;
                self.expect(")")?;
                Ok(inner)
            }
            Lexeme::Word(word) if !word.starts_with('!') => {
                self.at += 1;
                match word.as_str() {
                    "true" => Ok(Expression::Literal(Value::Bool(true))),
                    "false" => Ok(Expression::Literal(Value::Bool(false))),
                    _ if self.takes("(") => self.call(&word),
                    _ => self.path(word),
                }
            }
            _ => self.refused(),
        }
    }

    fn literal(&mut self, value: Value) -> Parsed<Expression> {
        self.at += 1;
        Ok(Expression::Literal(value))
    }

    fn call(&mut self, name: &str) -> Parsed<Expression> {
        let function = match name {
            "tostring" => Function::ToString,
            "tolower" => Function::ToLower,
            "toupper" => Function::ToUpper,
            "isempty" => Function::IsEmpty,
            "isnotempty" => Function::IsNotEmpty,
            "isnull" => Function::IsNull,
            "isnotnull" => Function::IsNotNull,
            "not" => Function::Not,
            other => return Err(Problem::NotModelled(format!("the function {other}() in Resource Graph queries"))),
        };
        let argument = self.any()?;
        self.expect(")")?;
        Ok(Expression::Call(function, Box::new(argument)))
    }

    fn path(&mut self, column: String) -> Parsed<Expression> {
        let mut steps = Vec::new();
        loop {
            if self.takes(".") {
                steps.push(Step::Member(self.word()?));
            } else if self.takes("[") {
                steps.push(match self.peek().kind.clone() {
                    Lexeme::Text(text) => Step::Member(text),
                    Lexeme::Number(number) => Step::Index(number),
                    _ => return self.refused(),
                });
                self.at += 1;
                self.expect("]")?;
            } else {
                return Ok(Expression::Path(column, steps));
            }
        }
    }
}

/// The name that a column gets by itself: `properties.state` becomes `properties_state`, within a function too.
fn own_name(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Path(column, steps) => Some(steps.iter().fold(column.clone(), |name, step| match step {
            Step::Member(member) => format!("{name}_{member}"),
            Step::Index(index) => format!("{name}_{index}"),
        })),
        Expression::Call(Function::ToString | Function::ToLower | Function::ToUpper, argument) => own_name(argument),
        _ => None,
    }
}
