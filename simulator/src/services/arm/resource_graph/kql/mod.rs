//! The part of the Kusto query language that is modelled (documentation, "Understanding the Azure Resource Graph query language"):
//! one table, `where`, `extend`, `project`, `order by`, `take` and `count`. The rest is refused, never ignored.

mod eval;
mod lexer;
mod parser;
mod plan;

use serde_json::{Map, Value};

/// One row: its columns by name.
pub(super) type Row = Map<String, Value>;

/// A query that was read and whose names are all known.
#[derive(Debug)]
pub(super) struct Query {
    /// The table's name in lower case.
    pub table: String,
    operators: Vec<Operator>,
    columns: Vec<Column>,
}

/// Why a query is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It cannot be read from here on.
    Syntax { line: usize, position: usize, token: String },
    /// It is read and makes no sense; in the service's words.
    Meaning(String),
    /// Azure may well answer this; the simulator does not.
    NotModelled(String),
}

/// A column of the output.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    kind: Kind,
}

/// What kind of values an expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    Number,
    Boolean,
    /// A property bag, or anything out of one.
    Dynamic,
}

#[derive(Debug)]
enum Operator {
    Where(Expression),
    Extend(Vec<(String, Expression)>),
    Project(Vec<(String, Expression)>),
    /// Columns with whether each ascends; what is not said descends.
    Order(Vec<(Expression, bool)>),
    Take(usize),
    Count,
}

#[derive(Debug)]
enum Expression {
    Literal(Value),
    Path(String, Vec<Step>),
    Call(Function, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// Whether the value is one of these; whether case counts; whether it must be so or must not.
    In {
        value: Box<Expression>,
        list: Vec<Expression>,
        exact: bool,
        wanted: bool,
    },
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

/// A step into a property bag.
#[derive(Debug)]
enum Step {
    Member(String),
    Index(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    ToString,
    ToLower,
    ToUpper,
    IsEmpty,
    IsNotEmpty,
    IsNull,
    IsNotNull,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    /// `==`: case counts.
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`: case does not count.
    Like,
    /// `!~`
    NotLike,
    /// `contains`, `startswith`, `endswith` and `has` ignore case.
    Contains,
    StartsWith,
    EndsWith,
    Has,
}

/// The columns that every table has. All but `properties` and the bags beside it are text.
const COLUMNS: [(&str, Kind); 16] = [
    ("id", Kind::String),
    ("name", Kind::String),
    ("type", Kind::String),
    ("tenantId", Kind::String),
    ("kind", Kind::String),
    ("location", Kind::String),
    ("resourceGroup", Kind::String),
    ("subscriptionId", Kind::String),
    ("managedBy", Kind::String),
    ("sku", Kind::Dynamic),
    ("plan", Kind::Dynamic),
    ("properties", Kind::Dynamic),
    ("tags", Kind::Dynamic),
    ("identity", Kind::Dynamic),
    ("zones", Kind::Dynamic),
    ("extendedLocation", Kind::Dynamic),
];

impl Query {
    /// Reads a query.
    pub fn of(text: &str) -> Result<Self, Problem> {
        let (table, operators) = parser::parse(lexer::tokens(text)?)?;
        let columns = plan::columns(&operators)?;
        Ok(Self { table, operators, columns })
    }

    /// What the table's rows come to. Rows that nothing orders come in the order in which they were given.
    pub fn run(&self, rows: Vec<Row>) -> Vec<Row> {
        self.operators.iter().fold(rows, eval::apply)
    }

    /// Whether the service can hand out the rest of the rows on a next page (documentation, "Guidance for pagination"): not with `limit` or
    /// `take`, and not where every column is a property bag.
    pub fn has_pages(&self) -> bool {
        let limited = self.operators.iter().any(|operator| matches!(operator, Operator::Take(_)));
        !limited && self.columns.iter().any(|column| column.kind != Kind::Dynamic)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Vec<Row> {
        let of = |name: &str, state: &str, chain: Value| {
            let mut row: Row = COLUMNS.iter().map(|(column, _)| ((*column).to_owned(), Value::Null)).collect();
            row.insert("name".to_owned(), json!(name));
            row.insert("properties".to_owned(), json!({"state": state, "chain": chain}));
            row
        };
        vec![of("Corp-1", "Enabled", json!([{"name": "a"}])), of("corp-2", "Disabled", json!([])), of("web", "Enabled", Value::Null)]
    }

    fn names(query: &str) -> Vec<String> {
        let query = Query::of(&format!("resourcecontainers | {query} | project name")).expect("a query");
        query.run(rows()).iter().filter_map(|row| row["name"].as_str()).map(str::to_owned).collect()
    }

    #[test]
    fn compares_as_each_operator_says() {
        for (filter, expected) in [
            ("where name == 'corp-1'", vec![]),
            ("where name =~ 'corp-1'", vec!["Corp-1"]),
            ("where name != 'web' and name !~ 'CORP-2'", vec!["Corp-1"]),
            ("where name in ('web', 'corp-1')", vec!["web"]),
            ("where name in~ (\"WEB\", 'corp-1')", vec!["Corp-1", "web"]),
            ("where name !in~ ('WEB', 'corp-1')", vec!["corp-2"]),
            ("where name startswith 'CORP'", vec!["Corp-1", "corp-2"]),
            ("where name endswith '-2' or name contains 'EB'", vec!["corp-2", "web"]),
            ("where name has 'corp'", vec!["Corp-1", "corp-2"]),
            ("where name has 'cor'", vec![]),
            ("where not(name has 'corp')", vec!["web"]),
            ("where tostring(properties.state) == 'Disabled'", vec!["corp-2"]),
            ("where properties['state'] =~ 'disabled'", vec!["corp-2"]),
            ("where tolower(name) == 'corp-1' or (isempty(properties.chain[0].name) and name == 'web')", vec!["Corp-1", "web"]),
            ("where isnotempty(properties.chain[0].name)", vec!["Corp-1"]),
            ("where isnull(properties.chain)", vec!["web"]),
        ] {
            assert_eq!(names(filter), expected, "{filter}");
        }
    }

    #[test]
    fn orders_projects_and_counts() {
        assert_eq!(names("order by name asc"), ["Corp-1", "corp-2", "web"]);
        assert_eq!(names("sort by tostring(properties.state), name asc"), ["Corp-1", "web", "corp-2"], "descends where nothing is said");
        assert_eq!(names("extend state = tostring(properties.state) | where state == 'Enabled' | take 1"), ["Corp-1"]);
        let run = |query: &str| Query::of(query).expect("a query").run(rows());
        let projected = run("resourcecontainers // all\n | project properties.chain[0].name, who = toupper(name) | limit 1");
        assert_eq!(json!(projected), json!([{"properties_chain_0_name": "a", "who": "CORP-1"}]));
        assert_eq!(json!(run("ResourceContainers | count")), json!([{"Count": 3}]));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let refused = |query: &str| Query::of(query).expect_err("a refusal");
        let syntax = |line, position, token: &str| Problem::Syntax { line, position, token: token.to_owned() };
        assert_eq!(refused("resourcecontainers | where name == 'x"), syntax(1, 35, "'x"));
        assert_eq!(refused("resourcecontainers\n| where name = 'x'"), syntax(2, 13, "="));
        assert_eq!(refused("resourcecontainers where"), syntax(1, 19, "where"));
        assert_eq!(refused("resourcecontainers | where (name == 'x'"), syntax(1, 39, "<EOF>"));
        for meaningless in
            ["where nobody == 'x'", "project id | where name == 'x'", "order by properties.state asc", "where tostring(name)"]
        {
            assert!(matches!(refused(&format!("resourcecontainers | {meaningless}")), Problem::Meaning(_)), "{meaningless}");
        }
        for beyond in ["summarize count() by type", "join kind=inner (x) on id", "where strlen(name) > 1", "where name startswith_cs 'x'"] {
            assert!(matches!(refused(&format!("resourcecontainers | {beyond}")), Problem::NotModelled(_)), "{beyond}");
        }
    }

    #[test]
    fn knows_when_there_are_no_pages() {
        let pages = |query: &str| Query::of(query).expect("a query").has_pages();
        assert!(pages("resourcecontainers | order by id asc"));
        assert!(!pages("resourcecontainers | order by id asc | limit 2000"));
        assert!(!pages("resourcecontainers | project properties, properties.state"));
        assert!(pages("resourcecontainers | project properties, state = tostring(properties.state)"));
    }
}
