//! What a stage of infra/azure says, read as HCL.

use std::collections::BTreeSet;
use std::path::PathBuf;

use hcl::{Block, Body, Expression, ObjectKey};

use crate::project;

/// The root modules.
pub const STAGES: [&str; 3] = ["app", "platform", "wiring"];

/// One root module.
pub struct Stage {
    name: &'static str,
    /// Each attribute by its address, such as `resource.azurerm_key_vault.this.sku_name`.
    attributes: Vec<(String, Expression)>,
}

/// The files of a stage itself, without its tests.
pub fn files(stage: &str) -> Vec<PathBuf> {
    let folder = project(&format!("infra/azure/{stage}"));
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "tf")).collect()
}

impl Stage {
    pub fn read(name: &'static str) -> Self {
        let mut attributes = Vec::new();
        for file in files(name) {
            let body: Body = hcl::parse(&crate::read(&file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            gather("", &body, &mut attributes);
        }
        Self { name, attributes }
    }

    pub fn all() -> Vec<Self> {
        STAGES.into_iter().map(Self::read).collect()
    }

    /// The one attribute at an address.
    pub fn attribute(&self, address: &str) -> &Expression {
        let found: Vec<_> = self.attributes.iter().filter(|(own, _)| own == address).collect();
        assert_eq!(found.len(), 1, "infra/azure/{} has {address} {} times", self.name, found.len());
        &found[0].1
    }

    /// The attributes whose address begins so, by the rest of it.
    pub fn below<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a str, &'a Expression)> {
        self.attributes.iter().filter_map(move |(address, expression)| Some((address.strip_prefix(start)?, expression)))
    }

    /// The members that an object may have: of all objects that a `merge` joins, of both sides of a choice, of a local value's own.
    pub fn members<'a>(&'a self, expression: &'a Expression) -> Vec<(String, &'a Expression)> {
        match expression {
            Expression::Object(object) => object.iter().map(|(key, value)| (key_name(key), value)).collect(),
            Expression::FuncCall(call) => call.args.iter().flat_map(|argument| self.members(argument)).collect(),
            Expression::Conditional(choice) => {
                [&choice.true_expr, &choice.false_expr].into_iter().flat_map(|side| self.members(side)).collect()
            }
            Expression::Parenthesis(inner) => self.members(inner),
            Expression::Traversal(_) => match written(expression).strip_prefix("local.") {
                Some(local) => self.members(self.attribute(&format!("locals.{local}"))),
                None => vec![],
            },
            _ => vec![],
        }
    }

    /// The names of those members.
    pub fn keys(&self, expression: &Expression) -> BTreeSet<String> {
        self.members(expression).into_iter().map(|(key, _)| key).collect()
    }

    /// The variables that have to be given: those without a default.
    pub fn required(&self) -> BTreeSet<&str> {
        let has_default = |name: &&str| self.below("variable.").any(|(rest, _)| rest.strip_suffix(".default") == Some(*name));
        self.names("variable").into_iter().filter(|name| !has_default(name)).collect()
    }

    /// The names of its variables or outputs.
    pub fn names(&self, kind: &str) -> BTreeSet<&str> {
        let start = format!("{kind}.");
        let names = self.attributes.iter().filter_map(|(address, _)| address.strip_prefix(&start)?.split('.').next());
        names.collect()
    }
}

/// Blocks by type, labels and nesting; each attribute once for each block it stands in.
fn gather(address: &str, body: &Body, into: &mut Vec<(String, Expression)>) {
    let at = |name: &str| if address.is_empty() { name.to_owned() } else { format!("{address}.{name}") };
    into.extend(body.attributes().map(|attribute| (at(attribute.key()), attribute.expr().clone())));
    for block in body.blocks() {
        gather(&at(&named(block)), block.body(), into);
    }
}

fn named(block: &Block) -> String {
    let labels = block.labels().iter().map(hcl::BlockLabel::as_str);
    [block.identifier()].into_iter().chain(labels).collect::<Vec<_>>().join(".")
}

fn key_name(key: &ObjectKey) -> String {
    match key {
        ObjectKey::Expression(Expression::String(text)) => text.clone(),
        other => other.to_string(),
    }
}

/// The expression as it is written, in one spelling.
pub fn written(expression: &Expression) -> String {
    hcl::format::to_string(expression).unwrap()
}

/// A literal string.
pub fn literal(expression: &Expression) -> &str {
    match expression {
        Expression::String(text) => text,
        other => panic!("{} is not a plain string", written(other)),
    }
}
