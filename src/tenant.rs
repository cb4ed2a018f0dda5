//! The tenant record: who a tenant is to this deployment, and its policy. It holds no secret, only names of secrets.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use url::Url;

use crate::config::HostPattern;
use crate::error::{Code, Error};
use crate::net;
use crate::scope::{GroupName, Guid, printable};

/// The newest `schemaVersion` that this program reads.
const SCHEMA_VERSION: u64 = 1;

/// What the names of all tenant records begin with.
pub const RECORD_PREFIX: &str = "ispm-onboarder-";

/// The name under which a tenant's record stands in the secret store.
#[must_use]
pub fn record_name(tenant: Guid) -> String {
    format!("{RECORD_PREFIX}{tenant}")
}

/// A tenant, as its record describes it.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantRecord {
    /// Always 1 in this version.
    pub schema_version: u64,
    /// The Entra tenant's id.
    pub tenant_id: Guid,
    /// The ISPM app, which receives Reader.
    pub app: App,
    /// How this program signs in to the tenant.
    pub login: Login,
    /// The tenant's ISPM.
    pub ispm: Ispm,
    /// What may be onboarded, and how.
    #[serde(default)]
    pub policy: Policy,
}

/// The app through which ISPM reads the tenant.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct App {
    /// Its application (client) id.
    pub client_id: Guid,
    /// Its service principal's object id; looked up in Graph when absent.
    pub principal_id: Option<Guid>,
}

/// How this program signs in to the tenant.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(tag = "method", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Login {
    /// With the deployment's own managed identity, in its own tenant.
    ManagedIdentity {},
    /// With an app's client secret.
    ClientSecret {
        /// The app's application (client) id.
        client_id: Guid,
        /// The name of the secret in the store.
        secret_name: SecretName,
    },
    /// With an app's certificate.
    ClientCertificate {
        /// The app's application (client) id.
        client_id: Guid,
        /// The name of the secret in the store: PEM, with the certificate and its private key.
        secret_name: SecretName,
    },
    /// With the word of the deployment's own managed identity, which an app of its tenant trusts; the tenant has consented to the app.
    ManagedIdentityFederation {
        /// The app's application (client) id.
        client_id: Guid,
    },
    /// With the word of AWS that the function has the role which an app's federated credential trusts.
    AwsWebIdentity {
        /// The app's application (client) id.
        client_id: Guid,
    },
}

/// The tenant's ISPM.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ispm {
    /// The console's address, `https://{subdomain}.spera-app.com`.
    #[serde(deserialize_with = "address")]
    pub url: Url,
    /// The name of the secret that holds the API token; not needed in console mode.
    pub token_secret_name: Option<SecretName>,
    /// The name of the Microsoft Entra ID source in ISPM (the console's "Related AAD").
    pub entra_source: String,
    /// How the connection is made.
    #[serde(default)]
    pub connect: Connect,
}

/// How the connection in ISPM is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Connect {
    /// Over HTTP, by the profile that ships.
    Default {},
    /// By a person in the console.
    Console {},
    /// Over HTTP, by a profile of the customer's own.
    Profile {
        /// The profile stands in the secret store as `ispm-onboarder-profile-{name}`.
        name: SecretName,
    },
}

impl Default for Connect {
    fn default() -> Self {
        Self::Default {}
    }
}

/// Whether this program may assign roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Assign {
    /// Reader is assigned where it is missing.
    #[default]
    Always,
    /// Reader is only looked for.
    Never,
}

/// Whether connections and assignments are taken back without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Offboard {
    /// Never.
    #[default]
    Never,
    /// When the scope is excluded by policy or gone.
    ExcludedOrGone,
}

/// What may be onboarded.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Whether roles are assigned.
    pub assign: Assign,
    /// Whether Reader at a management group above counts.
    pub accept_inherited: bool,
    /// The groups within which scopes may be onboarded; empty means the tenant root.
    pub management_groups: Vec<GroupName>,
    /// When not empty, at least one must match.
    pub include: Vec<Rule>,
    /// None may match.
    pub exclude: Vec<Rule>,
    /// Whether anything is taken back without a person.
    pub offboard: Offboard,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            assign: Assign::Always,
            accept_inherited: true,
            management_groups: vec![],
            include: vec![],
            exclude: vec![],
            offboard: Offboard::Never,
        }
    }
}

/// The states of a subscription (<https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-states>).
const STATES: [&str; 5] = ["Enabled", "Warned", "PastDue", "Disabled", "Deleted"];
/// The longest pattern: names of subscriptions have at most 64 characters.
const LONGEST_PATTERN: usize = 128;
/// The longest name of a source: names that ISPM shows are read up to this length too.
const LONGEST_NAME: usize = 256;

impl Policy {
    /// What is wrong with the rules, each with its place: all of it, since a policy is written as a whole.
    fn faults(&self) -> Vec<String> {
        let lists = [("include", &self.include), ("exclude", &self.exclude)];
        let rules =
            lists.into_iter().flat_map(|(list, rules)| rules.iter().enumerate().map(move |(position, rule)| (list, position, rule)));
        rules.filter_map(|(list, position, rule)| Some(format!("policy.{list}[{position}]: {}", rule.fault()?))).collect()
    }
}

impl Rule {
    /// Why nothing can match it, or not what its author means.
    fn fault(&self) -> Option<&'static str> {
        let in_offer = |c: char| c.is_ascii_alphanumeric() || "_-.*".contains(c);
        let is_state = |text: &str| STATES.iter().any(|state| state.eq_ignore_ascii_case(text));
        match self {
            Self::State(state) if !is_state(state) => Some("expected a state: Enabled, Warned, PastDue, Disabled or Deleted"),
            Self::Name(pattern) | Self::Offer(pattern) if pattern.trim().is_empty() || pattern.len() > LONGEST_PATTERN => {
                Some("expected a pattern of 1 to 128 characters")
            }
            Self::Name(pattern) if pattern.chars().any(char::is_control) => Some("expected a pattern without control characters"),
            Self::Name(pattern) if pattern.starts_with('^') || pattern.ends_with('$') || pattern.contains(".*") => {
                Some("expected a pattern in which only * has a meaning: this is a regular expression")
            }
            Self::Offer(pattern) if !pattern.chars().all(in_offer) => Some("expected a pattern of letters, digits, _, -, . and *"),
            _ => None,
        }
    }
}

/// One rule of `include` or `exclude`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Rule {
    /// A subscription, by id.
    Id(Guid),
    /// A management group, or anything below it.
    ManagementGroup(GroupName),
    /// A display name, `*` standing for any text; case does not count.
    Name(String),
    /// A subscription's state, such as `Warned`; case does not count.
    State(String),
    /// A subscription's offer (`quotaId`), `*` standing for any text; case does not count.
    Offer(String),
}

/// The name of a secret: what Key Vault allows, 1 to 127 letters, digits and hyphens
/// (<https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#vault-name-and-object-name>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretName(String);

impl SecretName {
    /// Reads a secret's name; `None` where Key Vault would refuse it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let valid = !text.is_empty() && text.len() <= 127 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        valid.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected the name of a secret: 1 to 127 letters, digits and hyphens"))
    }
}

impl TenantRecord {
    /// Reads a record that stands under `tenant`'s name, and checks what it says against this deployment.
    ///
    /// # Errors
    /// `RecordInvalid` with the place and what is expected there, never with a value; `RecordNewer` for a later `schemaVersion`.
    pub fn read(text: &str, tenant: Guid, ispm_hosts: &[HostPattern]) -> Result<Self, Error> {
        let invalid = |words: String| {
            Error::new(Code::RecordInvalid, format!("the tenant record {} is not valid: {words}", record_name(tenant)))
                .hint("Correct the record in the secret store; docs/tenant-record.md describes each member.")
        };
        let value: Value = serde_json::from_str(text).map_err(|_| invalid("it is not JSON".to_owned()))?;
        if value.get("schemaVersion").and_then(Value::as_u64).is_some_and(|version| version > SCHEMA_VERSION) {
            let words = format!("the tenant record {} is of a newer version than this program reads", record_name(tenant));
            return Err(Error::new(Code::RecordNewer, words).hint("Upgrade ispm-onboarder, or write the record with schemaVersion 1."));
        }
        let record: Self = serde_path_to_error::deserialize(&value).map_err(|error| invalid(expectation(&error)))?;
        record.check(tenant, ispm_hosts).map_err(|words| invalid(words.to_owned()))?;
        let faults = record.policy.faults();
        if faults.is_empty() { Ok(record) } else { Err(invalid(faults.join("; "))) }
    }

    /// The groups within which the policy allows onboarding: those it names, else the tenant root.
    #[must_use]
    pub fn allowed_groups(&self) -> Vec<GroupName> {
        let named = &self.policy.management_groups;
        if named.is_empty() { vec![GroupName::root_of(self.tenant_id)] } else { named.clone() }
    }

    fn check(&self, tenant: Guid, ispm_hosts: &[HostPattern]) -> Result<(), &'static str> {
        if self.schema_version != SCHEMA_VERSION {
            return Err("schemaVersion: expected 1");
        }
        if self.tenant_id != tenant {
            return Err("tenantId: expected the tenant in the record's own name");
        }
        let name = &self.ispm.entra_source;
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err("ispm.entraSource: expected the name of the Microsoft Entra ID source in ISPM, at most 256 characters in one line");
        }
        if self.ispm.token_secret_name.is_none() && self.ispm.connect != (Connect::Console {}) {
            return Err("ispm.tokenSecretName: expected the name of the secret with the API token");
        }
        check_ispm_url(&self.ispm.url, ispm_hosts)
    }
}

/// Reads a URL. The words of `Url` itself hold the text that it refuses.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    Url::parse(&text).map_err(|_| de::Error::custom("expected a URL such as https://contoso.spera-app.com"))
}

/// The ISPM token is sent to this address, so nothing but a plain https URL on an allowed host will do.
fn check_ispm_url(url: &Url, allowed: &[HostPattern]) -> Result<(), &'static str> {
    let host = match url.host() {
        Some(url::Host::Domain(name)) => name,
        Some(url::Host::Ipv4(address)) if net::is_inside(address.into()) => return Err("ispm.url: an address of this machine is refused"),
        Some(url::Host::Ipv6(address)) if net::is_inside(address.into()) => return Err("ispm.url: an address of this machine is refused"),
        _ => return Err("ispm.url: expected a host name"),
    };
    if url.scheme() != "https" {
        return Err("ispm.url: expected https");
    }
    if !url.username().is_empty() || url.password().is_some() || url.port().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("ispm.url: expected no user, port, query or fragment");
    }
    if allowed.iter().any(|pattern| pattern.allows(host)) {
        Ok(())
    } else {
        Err("ispm.url: expected a host that ONBOARDER_ISPM_HOSTS allows")
    }
}

/// How serde begins to say that it does not know a member.
const UNKNOWN: &str = "unknown field `";

/// A path and an expectation out of serde's words. Serde prints the value that it found; a record's value may be a secret put in the
/// wrong place, so only what stands after "expected" is kept, and of other messages only those that name a member.
pub(crate) fn expectation(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = printable(&error.path().to_string());
    let words = error.inner().to_string();
    // Only serde's own place and its own expectation, which stand last: a value may have the same words.
    let place = format!(" at line {} column {}", error.inner().line(), error.inner().column());
    let words = words.strip_suffix(&place).unwrap_or(&words);
    let kept = match words.rsplit_once("expected ") {
        Some((before, expected)) if before.starts_with(UNKNOWN) => {
            let name = before.trim_start_matches(UNKNOWN).trim_end_matches("`, ");
            format!("unknown field \"{}\", expected {expected}", printable(name))
        }
        Some((_, expected)) => format!("expected {expected}"),
        None if words.starts_with("missing field") || words.starts_with("duplicate field") => words.to_owned(),
        None => "the value is not valid".to_owned(),
    };
    if path == "." { kept } else { format!("{path}: {kept}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TENANT: &str = "0b1f6471-1bf0-4dda-aec3-111122223333";

    fn record() -> Value {
        json!({
            "schemaVersion": 1, "tenantId": TENANT,
            "app": { "clientId": "0b1f6471-1bf0-4dda-aec3-00000000000a" },
            "login": { "method": "client-secret", "clientId": "0b1f6471-1bf0-4dda-aec3-00000000000b", "secretName": "login" },
            "ispm": { "url": "https://contoso.spera-app.com", "tokenSecretName": "ispm-token", "entraSource": "Contoso" },
        })
    }

    fn read(value: &Value) -> Result<TenantRecord, Error> {
        let hosts = crate::config::Config::read(|name| match name {
            "ONBOARDER_SECRET_STORE" => Some("file:x".to_owned()),
            "ONBOARDER_RESULTS" => Some("stdout:".to_owned()),
            _ => None,
        });
        TenantRecord::read(&value.to_string(), Guid::parse(TENANT).unwrap(), &hosts.unwrap().ispm_hosts)
    }

    fn with(pointer: &str, new: Value) -> Value {
        let mut value = record();
        match value.pointer_mut(pointer) {
            Some(place) => *place = new,
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                value.pointer_mut(parent).unwrap()[key] = new;
            }
        }
        value
    }

    #[test]
    fn a_small_record_has_the_safe_defaults() {
        let record = read(&record()).unwrap();
        assert_eq!(record.policy.assign, Assign::Always);
        assert!(record.policy.accept_inherited);
        assert_eq!(record.policy.offboard, Offboard::Never);
        assert_eq!(record.ispm.connect, Connect::Default {});
    }

    #[test]
    fn each_fault_is_named_by_its_place_and_never_by_its_value() {
        let cases = [
            (with("/tenantId", json!("0b1f6471-1bf0-4dda-aec3-999999999999")), "tenantId"),
            (with("/ispm/url", json!("http://contoso.spera-app.com")), "ispm.url: expected https"),
            (with("/ispm/url", json!("https://hunter2@contoso.spera-app.com")), "ispm.url: expected no user"),
            (with("/ispm/url", json!("https://hunter2.example.com")), "ONBOARDER_ISPM_HOSTS"),
            (with("/ispm/url", json!("https://127.0.0.1")), "this machine"),
            (with("/ispm/url", json!("https://[::1]")), "this machine"),
            (with("/ispm/url", json!("hunter2 expected hunter2 at line 1 column 1")), "ispm.url: expected a URL such as"),
            (with("/ispm/entraSource", json!("hunter2\nContoso")), "ispm.entraSource"),
            (with("/ispm/entraSource", json!(["x expected hunter2 at line 1 column 1"])), "ispm.entraSource: expected a string"),
            (with("/policy", json!("x expected hunter2 at line 1 column 1")), "policy: expected struct Policy"),
            (with("/ispm/tokenSecretName", json!("hunter2/..")), "ispm.tokenSecretName"),
            (with("/app/clientId", json!("hunter2")), "app.clientId"),
            (with("/policy", json!({ "assign": "hunter2" })), "policy.assign"),
            (with("/policy", json!({ "exclude": [{ "colour": "red" }] })), "policy.exclude[0]"),
            (with("/login", json!({ "method": "hunter2" })), "login"),
            (with("/ispm/connect", json!({ "mode": "default", "name": "hunter2" })), "ispm.connect"),
            (with("/extra", json!("hunter2")), "unknown field \"extra\""),
            (with("/login/secretValue", json!("hunter2")), "secretValue"),
        ];
        for (value, expected) in cases {
            let error = read(&value).unwrap_err();
            assert_eq!(error.code, Code::RecordInvalid, "{expected}");
            assert!(error.message.contains(expected), "{expected:?} in {:?}", error.message);
            assert!(!error.message.contains("hunter2"), "{:?}", error.message);
        }
        let mut missing = record();
        missing["ispm"].as_object_mut().unwrap().remove("entraSource");
        assert!(read(&missing).unwrap_err().message.contains("missing field `entraSource`"));
    }

    #[test]
    fn all_rules_that_nothing_can_match_are_told_at_once() {
        let policy = json!({
            "include": [{ "name": "prod-*" }, { "name": " " }, { "name": "^hunter2" }],
            "exclude": [{ "state": "hunter2" }, { "offer": "MSDN_*" }, { "offer": "hunter2 (old)" }, { "name": "a\u{7}" }],
        });
        let message = read(&with("/policy", policy)).unwrap_err().message;
        for place in ["policy.include[1]", "policy.include[2]", "policy.exclude[0]", "policy.exclude[2]", "policy.exclude[3]"] {
            assert!(message.contains(place), "{place} in {message}");
        }
        assert!(!message.contains("hunter2") && !message.contains("include[0]") && !message.contains("exclude[1]"), "{message}");
    }

    #[test]
    fn a_newer_record_is_for_a_newer_program() {
        assert_eq!(read(&with("/schemaVersion", json!(2))).unwrap_err().code, Code::RecordNewer);
    }
}
