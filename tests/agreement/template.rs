//! What infra/aws/template.yaml says, with `CloudFormation`'s short forms written out.

use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode as _, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

use crate::{project, read};

/// The template.
pub struct Template(Value);

impl Template {
    pub fn read() -> Self {
        let documents = YamlOwned::load_from_str(&read(&project("infra/aws/template.yaml"))).unwrap();
        assert_eq!(documents.len(), 1);
        Self(long_form(&documents[0]))
    }

    /// A section, by the names of what is in it.
    pub fn section(&self, name: &str) -> &Map<String, Value> {
        self.0[name].as_object().unwrap_or_else(|| panic!("the template has no {name}"))
    }

    /// The names of what a section has.
    pub fn names(&self, section: &str) -> BTreeSet<&str> {
        self.section(section).keys().map(String::as_str).collect()
    }

    /// The properties of one resource.
    pub fn properties(&self, resource: &str) -> &Value {
        &self.section("Resources").get(resource).unwrap_or_else(|| panic!("the template has no {resource}"))["Properties"]
    }

    /// The properties of all resources of a type.
    pub fn of_type(&self, kind: &str) -> Vec<(&str, &Value)> {
        let resources = self.section("Resources").iter().filter(|(_, resource)| resource["Type"] == kind);
        let found: Vec<_> = resources.map(|(name, resource)| (name.as_str(), &resource["Properties"])).collect();
        assert!(!found.is_empty(), "the template has no {kind}");
        found
    }
}

/// A node as JSON (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>).
fn long_form(node: &YamlOwned) -> Value {
    match node {
        YamlOwned::Value(scalar) => match scalar {
            ScalarOwned::Null => Value::Null,
            ScalarOwned::Boolean(value) => json!(value),
            ScalarOwned::Integer(value) => json!(value),
            ScalarOwned::FloatingPoint(value) => json!(value.into_inner()),
            ScalarOwned::String(value) => json!(value),
        },
        YamlOwned::Sequence(items) => items.iter().map(long_form).collect(),
        YamlOwned::Mapping(members) => {
            let members = members.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), long_form(value)));
            Value::Object(members.collect())
        }
        YamlOwned::Tagged(tag, inner) => {
            let value = long_form(inner);
            match (tag.suffix.as_str(), value.as_str().and_then(|text| text.split_once('.'))) {
                (name @ ("Ref" | "Condition"), _) => json!({ name: value }),
                ("GetAtt", Some((resource, attribute))) => json!({ "Fn::GetAtt": [resource, attribute] }),
                (name, _) => json!({ format!("Fn::{name}"): value }),
            }
        }
        other => panic!("{other:?} in the template"),
    }
}

/// The text of a `Fn::Sub` without values of its own, or a plain text.
pub fn text(value: &Value) -> &str {
    value.as_str().or_else(|| value["Fn::Sub"].as_str()).unwrap_or_else(|| panic!("{value} is no text"))
}
