//! Names and kinds: what a query may refer to at each of its operators.

use super::{COLUMNS, Column, Expression, Function, Kind, Operator, Problem};

/// The columns of the output; refuses names that are not there and conditions that are none.
pub(super) fn columns(operators: &[Operator]) -> Result<Vec<Column>, Problem> {
    let mut columns: Vec<Column> = COLUMNS.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect();
    for operator in operators {
        match operator {
            Operator::Where(condition) => {
                // A property is whatever it is found to be.
                if !matches!(kind(condition, &columns, "where")?, Kind::Boolean | Kind::Dynamic) {
                    return Err(Problem::Meaning("'where' operator: expression must be of boolean type".to_owned()));
                }
            }
            Operator::Extend(named) => {
                for (name, expression) in named {
                    let kind = kind(expression, &columns, "extend")?;
                    columns.retain(|column| column.name != *name);
                    columns.push(Column { name: name.clone(), kind });
                }
            }
            Operator::Project(named) => {
                let projected = named.iter().map(|(name, expression)| {
                    let kind = kind(expression, &columns, "project")?;
                    Ok(Column { name: name.clone(), kind })
                });
                columns = projected.collect::<Result<_, Problem>>()?;
            }
            Operator::Order(keys) => {
                for (key, _) in keys {
                    if kind(key, &columns, "order")? == Kind::Dynamic {
                        return Err(Problem::Meaning("order operator: key can't be of dynamic type".to_owned()));
                    }
                }
            }
            Operator::Take(_) => {}
            Operator::Count => columns = vec![Column { name: "Count".to_owned(), kind: Kind::Number }],
        }
    }
    Ok(columns)
}

fn kind(expression: &Expression, columns: &[Column], operator: &str) -> Result<Kind, Problem> {
    let check = |inner: &Expression| kind(inner, columns, operator);
    Ok(match expression {
        Expression::Literal(value) if value.is_number() => Kind::Number,
        Expression::Literal(value) if value.is_boolean() => Kind::Boolean,
        Expression::Literal(_) => Kind::String,
        Expression::Path(name, steps) => {
            let column = columns.iter().find(|column| column.name == *name).ok_or_else(|| {
                Problem::Meaning(format!("'{operator}' operator: Failed to resolve column or scalar expression named '{name}'"))
            })?;
            match column.kind {
                Kind::Dynamic => Kind::Dynamic,
                kind if steps.is_empty() => kind,
                _ => return Err(Problem::Meaning(format!("'{operator}' operator: '{name}' is not of dynamic type"))),
            }
        }
        Expression::Call(function, argument) => {
            check(argument)?;
            match function {
                Function::ToString | Function::ToLower | Function::ToUpper => Kind::String,
                _ => Kind::Boolean,
            }
        }
        Expression::Compare(_, left, right) => {
            check(left)?;
            check(right)?;
            Kind::Boolean
        }
        Expression::In { value, list, .. } => {
            check(value)?;
            for item in list {
                check(item)?;
            }
            Kind::Boolean
        }
        Expression::All(parts) | Expression::Any(parts) => {
            for part in parts {
                check(part)?;
            }
            Kind::Boolean
        }
    })
}
