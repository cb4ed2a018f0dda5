//! What a role may do: policies as IAM writes them, so that one can be pasted into a world file (IAM user guide, "IAM JSON policy elements
//! reference"). What is not known here, such as `NotAction` or another operator, is refused when the world is read, and never passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A policy document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Policy {
    /// The version of the language.
    #[serde(default)]
    pub version: Version,
    /// What it says. Without a statement that allows a call, the call is denied.
    pub statement: Vec<Statement>,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Version {
    /// The one that knows all elements.
    #[default]
    #[serde(rename = "2012-10-17")]
    Current,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// Its name, which means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Actions such as `sqs:SendMessage`; `*` and `?` stand for others, and case makes no difference.
    pub action: Texts,
    /// ARNs with `*` and `?`, or `*` for all.
    pub resource: Texts,
    /// What must hold besides: operators, and for each the values of context keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<Operator, BTreeMap<String, Texts>>,
}

/// What a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever others allow.
    Deny,
}

/// How a condition compares (IAM user guide, "IAM JSON policy elements: Condition operators").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operator {
    /// One of the values, letter by letter.
    StringEquals,
    /// One of the values, with `*` and `?`.
    StringLike,
    /// No number above one of the values.
    NumericLessThanEquals,
    /// `true` or `false`.
    Bool,
    /// `true`: there is no such key. `false`: there is one.
    Null,
    /// Each value of the call's is one of these. A call without the key passes.
    #[serde(rename = "ForAllValues:StringEquals")]
    ForAllValuesStringEquals,
}

/// One text or several; numbers and truth values are texts to IAM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Texts(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(Scalar),
    Several(Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl From<Written> for Texts {
    fn from(written: Written) -> Self {
        let scalars = match written {
            Written::One(scalar) => vec![scalar],
            Written::Several(scalars) => scalars,
        };
        let text = |scalar| match scalar {
            Scalar::Text(text) => text,
            Scalar::Number(number) => number.to_string(),
            Scalar::Truth(truth) => truth.to_string(),
        };
        Self(scalars.into_iter().map(text).collect())
    }
}

/// What is known of a call besides action and resource, by context key (IAM user guide, "AWS global condition context keys", and each
/// service's own). A key that is not there has no values.
pub type Context = BTreeMap<String, Vec<String>>;

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows it, and none denies it.
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

impl Policy {
    /// Judges a call (IAM user guide, "Policy evaluation logic").
    #[must_use]
    pub fn judge(&self, action: &str, resource: &str, context: &Context) -> Verdict {
        let applies = |effect: Effect| {
            let mut statements = self.statement.iter().filter(|statement| statement.effect == effect);
            statements.any(|statement| statement.is_about(action, resource, context))
        };
        match (applies(Effect::Deny), applies(Effect::Allow)) {
            (true, _) => Verdict::Denied,
            (false, true) => Verdict::Allowed,
            (false, false) => Verdict::NotAllowed,
        }
    }
}

impl Statement {
    /// Allows actions on resources, without a condition.
    #[must_use]
    pub fn allowing(actions: &[&str], resources: &[&str]) -> Self {
        let texts = |texts: &[&str]| Texts(texts.iter().map(|text| (*text).to_owned()).collect());
        Self { sid: None, effect: Effect::Allow, action: texts(actions), resource: texts(resources), condition: BTreeMap::new() }
    }

    fn is_about(&self, action: &str, resource: &str, context: &Context) -> bool {
        let action = action.to_ascii_lowercase();
        let holds = |(operator, keys): (&Operator, &BTreeMap<String, Texts>)| {
            keys.iter().all(|(key, wanted)| operator.holds(values(context, key), &wanted.0))
        };
        self.action.0.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), &action))
            && self.resource.0.iter().any(|pattern| is_of(pattern, resource))
            && self.condition.iter().all(holds)
    }
}

impl Operator {
    /// Whether a key's values are as wanted. What compares with a key that is not there does not hold, but for `Null` and `ForAllValues`.
    fn holds(self, values: Option<&[String]>, wanted: &[String]) -> bool {
        let one_of = |compare: fn(&str, &str) -> bool| {
            let is_wanted = |value: &String| wanted.iter().any(|wanted| compare(wanted, value));
            values.is_some_and(|values| values.iter().any(is_wanted))
        };
        match self {
            Self::StringEquals => one_of(|wanted, value| wanted == value),
            Self::StringLike => one_of(fits),
            Self::NumericLessThanEquals => one_of(|wanted, value| match (wanted.parse::<f64>(), value.parse::<f64>()) {
                (Ok(wanted), Ok(value)) => value <= wanted,
                _ => false,
            }),
            Self::Bool => one_of(str::eq_ignore_ascii_case),
            Self::Null => wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case("true") == values.is_none()),
            Self::ForAllValuesStringEquals => values.is_none_or(|values| values.iter().all(|value| wanted.contains(value))),
        }
    }
}

/// A key's values; the case of its name makes no difference.
fn values<'a>(context: &'a Context, key: &str) -> Option<&'a [String]> {
    context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values.as_slice())
}

/// Whether a resource is one of those that a pattern stands for. Each of an ARN's parts is compared by itself, so that a wildcard in one does
/// not reach into the next (IAM user guide, "IAM JSON policy elements: Resource").
fn is_of(pattern: &str, resource: &str) -> bool {
    let (wanted, given): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), resource.splitn(6, ':').collect());
    pattern == "*" || (wanted.len() == given.len() && wanted.iter().zip(given).all(|(wanted, given)| fits(wanted, given)))
}

/// Whether a text is what a pattern stands for: `*` is any number of letters, `?` is one.
fn fits(pattern: &str, text: &str) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = letters.as_str();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
        }
        Some(letter) => {
            let mut given = text.chars();
            given.next().is_some_and(|first| letter == '?' || letter == first) && fits(letters.as_str(), given.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: &str) -> Result<Policy, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#))
    }

    fn context(keys: &[(&str, &[&str])]) -> Context {
        keys.iter().map(|(key, values)| ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())).collect()
    }

    #[test]
    fn patterns_stand_for_what_they_say() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*-??????", "name-AbCdEf", true),
            ("*-??????", "name-AbCdE", false),
            ("**a*", "bab", true),
            ("a*b*c", "a-c-b", false),
            ("ü?", "üß", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_wildcard_does_not_reach_into_the_next_part_of_an_arn() {
        let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a/b-AbCdEf";
        for (pattern, expected) in [
            ("*", true),
            (arn, true),
            ("arn:aws:secretsmanager:*:*:secret:a/*", true),
            ("arn:*:secret:a/b-AbCdEf", false),
            ("arn:aws:secretsmanager:eu-*:secret:a/b-AbCdEf", false),
            ("arn:aws:secretsmanager:eu-central-1:111122223333:secret:a/b", false),
            ("arn:aws:secretsmanager:eu-central-1:111122223333:secret:A/b-AbCdEf", false),
        ] {
            assert_eq!(is_of(pattern, arn), expected, "{pattern}");
        }
        assert!(!is_of(arn, "*"), "a call without a resource is allowed by * alone");
    }

    #[test]
    fn what_is_not_allowed_is_denied_and_a_denial_wins() -> Result<(), serde_json::Error> {
        let own = policy(
            r#"{"Effect": "Allow", "Action": ["sqs:Send*", "s3:GetObject"], "Resource": "arn:aws:sqs:r:1:q"},
               {"Sid": "Never", "Effect": "Deny", "Action": "SQS:SendMessageBatch", "Resource": ["*"]}"#,
        )?;
        let judge = |action: &str, resource: &str| own.judge(action, resource, &Context::new());
        assert_eq!(judge("sqs:sendmessage", "arn:aws:sqs:r:1:q"), Verdict::Allowed);
        assert_eq!(judge("sqs:SendMessage", "arn:aws:sqs:r:1:other"), Verdict::NotAllowed);
        assert_eq!(judge("sqs:ReceiveMessage", "arn:aws:sqs:r:1:q"), Verdict::NotAllowed);
        assert_eq!(judge("sqs:SendMessageBatch", "arn:aws:sqs:r:1:q"), Verdict::Denied);
        assert_eq!(Policy::default().judge("sqs:SendMessage", "*", &Context::new()), Verdict::NotAllowed);
        Ok(())
    }

    #[test]
    fn each_operator_compares_in_its_own_way() -> Result<(), serde_json::Error> {
        let call = context(&[("sts:DurationSeconds", &["300"]), ("Audience", &["a", "b"]), ("aws:SecureTransport", &["true"])]);
        for (condition, expected) in [
            (r#"{"StringEquals": {"audience": ["x", "a"]}}"#, true),
            (r#"{"StringEquals": {"Audience": "A"}}"#, false),
            (r#"{"StringEquals": {"nothing": "a"}}"#, false),
            (r#"{"StringLike": {"Audience": "?"}}"#, true),
            (r#"{"StringLike": {"Audience": "??*"}}"#, false),
            (r#"{"NumericLessThanEquals": {"sts:DurationSeconds": 300}}"#, true),
            (r#"{"NumericLessThanEquals": {"sts:DurationSeconds": "299"}}"#, false),
            (r#"{"NumericLessThanEquals": {"nothing": 300}}"#, false),
            (r#"{"Bool": {"aws:SecureTransport": true}}"#, true),
            (r#"{"Bool": {"aws:SecureTransport": "false"}}"#, false),
            (r#"{"Null": {"Audience": "false", "nothing": true}}"#, true),
            (r#"{"Null": {"Audience": true}}"#, false),
            (r#"{"ForAllValues:StringEquals": {"Audience": ["a", "b", "c"]}}"#, true),
            (r#"{"ForAllValues:StringEquals": {"Audience": "a"}}"#, false),
            (r#"{"ForAllValues:StringEquals": {"nothing": "a"}}"#, true),
            (r#"{"StringEquals": {"Audience": "a"}, "Bool": {"aws:SecureTransport": false}}"#, false),
        ] {
            let own = policy(&format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}"#))?;
            assert_eq!(own.judge("a:b", "*", &call) == Verdict::Allowed, expected, "{condition}");
        }
        Ok(())
    }

    #[test]
    fn what_is_not_known_is_refused_and_what_is_written_reads_the_same() -> Result<(), serde_json::Error> {
        for statement in [
            r#"{"Effect": "Allow", "NotAction": "*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}"#,
            r#"{"Effect": "allow", "Action": "*", "Resource": "*"}"#,
        ] {
            assert!(policy(statement).is_err(), "{statement}");
        }
        let own = policy(r#"{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"Null": {"k": false}}}"#)?;
        assert_eq!(serde_json::from_str::<Policy>(&serde_json::to_string(&own)?)?, own);
        Ok(())
    }
}
