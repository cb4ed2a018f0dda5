//! Operators at work on rows.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{Comparison, Expression, Function, Operator, Row, Step};

/// The rows after an operator.
pub(super) fn apply(mut rows: Vec<Row>, operator: &Operator) -> Vec<Row> {
    match operator {
        Operator::Where(condition) => rows.retain(|row| holds(condition, row)),
        Operator::Extend(named) => {
            for row in &mut rows {
                for (name, expression) in named {
                    let value = evaluate(expression, row).into_owned();
                    row.insert(name.clone(), value);
                }
            }
        }
        Operator::Project(named) => {
            let project =
                |row: &Row| named.iter().map(|(name, expression)| (name.clone(), evaluate(expression, row).into_owned())).collect();
            return rows.iter().map(project).collect();
        }
        Operator::Order(keys) => return ordered(rows, keys),
        Operator::Take(most) => rows.truncate(*most),
        Operator::Count => return vec![Row::from_iter([("Count".to_owned(), json!(rows.len()))])],
    }
    rows
}

/// Rows that no key tells apart stay as they come.
fn ordered(rows: Vec<Row>, keys: &[(Expression, bool)]) -> Vec<Row> {
    let keyed = |row: Row| (keys.iter().map(|(key, _)| evaluate(key, &row).into_owned()).collect::<Vec<Value>>(), row);
    let mut rows: Vec<(Vec<Value>, Row)> = rows.into_iter().map(keyed).collect();
    rows.sort_by(|(one, _), (other, _)| {
        let mut order = Ordering::Equal;
        for ((_, ascends), (one, other)) in keys.iter().zip(one.iter().zip(other)) {
            let here = compare(one, other);
            order = order.then(if *ascends { here } else { here.reverse() });
        }
        order
    });
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Nothing comes first, then false and true, numbers, and text by its characters.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => (one.is_string(), text(one)).cmp(&(other.is_string(), text(other))),
    }
}

fn holds(condition: &Expression, row: &Row) -> bool {
    evaluate(condition, row).as_bool().unwrap_or(false)
}

fn evaluate<'a>(expression: &'a Expression, row: &'a Row) -> Cow<'a, Value> {
    let value = match expression {
        Expression::Literal(value) => return Cow::Borrowed(value),
        Expression::Path(column, steps) => return Cow::Borrowed(found(row, column, steps)),
        Expression::Call(function, argument) => called(*function, &evaluate(argument, row)),
        Expression::Compare(comparison, left, right) => Value::Bool(compares(*comparison, &evaluate(left, row), &evaluate(right, row))),
        Expression::In { value, list, exact, wanted } => {
            let comparison = if *exact { Comparison::Equal } else { Comparison::Like };
            let value = evaluate(value, row);
            Value::Bool(list.iter().any(|item| compares(comparison, &value, &evaluate(item, row))) == *wanted)
        }
        Expression::All(conditions) => Value::Bool(conditions.iter().all(|condition| holds(condition, row))),
        Expression::Any(alternatives) => Value::Bool(alternatives.iter().any(|alternative| holds(alternative, row))),
    };
    Cow::Owned(value)
}

/// What a path leads to; nothing where it ends early.
fn found<'a>(row: &'a Row, column: &str, steps: &[Step]) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    let start = row.get(column).unwrap_or(NOTHING);
    steps.iter().fold(start, |value, step| {
        let next = match step {
            Step::Member(name) => value.get(name),
            Step::Index(index) => value.get(index),
        };
        next.unwrap_or(NOTHING)
    })
}

fn called(function: Function, value: &Value) -> Value {
    match function {
        Function::ToString => Value::String(text(value).into_owned()),
        Function::ToLower => Value::String(text(value).to_lowercase()),
        Function::ToUpper => Value::String(text(value).to_uppercase()),
        Function::IsEmpty => Value::Bool(text(value).is_empty()),
        Function::IsNotEmpty => Value::Bool(!text(value).is_empty()),
        Function::IsNull => Value::Bool(value.is_null()),
        Function::IsNotNull => Value::Bool(!value.is_null()),
        Function::Not => Value::Bool(!value.as_bool().unwrap_or(false)),
    }
}

fn compares(comparison: Comparison, left: &Value, right: &Value) -> bool {
    let (left, right) = (text(left), text(right));
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Like => alike(&left, &right),
        Comparison::NotLike => !alike(&left, &right),
        Comparison::Contains => left.to_lowercase().contains(&right.to_lowercase()),
        Comparison::StartsWith => left.to_lowercase().starts_with(&right.to_lowercase()),
        Comparison::EndsWith => left.to_lowercase().ends_with(&right.to_lowercase()),
        Comparison::Has => has(&left.to_lowercase(), &right.to_lowercase()),
    }
}

/// Whether whole terms of a text are this one: nothing that belongs to a term may touch it.
fn has(text: &str, wanted: &str) -> bool {
    let is_part = |other: Option<char>| other.is_some_and(char::is_alphanumeric);
    text.match_indices(wanted)
        .any(|(at, found)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + found.len()..].chars().next()))
}

fn alike(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase()
}

/// A value as text; nothing is empty.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        other => Cow::Owned(other.to_string()),
    }
}
