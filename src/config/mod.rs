//! The deployment's configuration: environment variables, read once, all faults told at once.

mod values;
pub mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::cloud::Cloud;
use crate::scope::Guid;
use variables::{Name, Needed, Variable};

/// Where secrets, tenant records and connect profiles are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretStoreUrl {
    /// An Azure Key Vault, `https://NAME.vault.azure.net`.
    KeyVault(Url),
    /// The secrets of AWS Secrets Manager whose names begin so, `aws-secretsmanager:PREFIX`.
    #[cfg(feature = "aws")]
    SecretsManager {
        /// What stands before each name; may be empty.
        prefix: String,
    },
    /// A folder with one file per secret, `file:DIR`.
    Folder(PathBuf),
}

/// Where result events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultsUrl {
    /// An Event Grid topic's endpoint, `https://TOPIC.REGION-1.eventgrid.azure.net/api/events`.
    EventGrid(Url),
    /// A bus of Amazon EventBridge, `eventbridge:BUS`.
    #[cfg(feature = "aws")]
    EventBridge {
        /// The bus's name.
        bus: String,
    },
    /// Standard output, one event a line.
    Stdout,
}

/// The queue in which requests wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueUrl {
    /// A Storage queue, `https://ACCOUNT.queue.core.windows.net/QUEUE`.
    Storage(Url),
    /// A queue of Amazon SQS, `https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE`.
    #[cfg(feature = "aws")]
    Sqs(Url),
}

/// Where a report or dead letters are kept, each as a document under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerUrl {
    /// A container of Blob storage, `https://ACCOUNT.blob.core.windows.net/CONTAINER`.
    Blob(Url),
    /// What lies below a prefix in an S3 bucket, `s3://BUCKET/PREFIX`.
    #[cfg(feature = "aws")]
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What stands before each name, with its slash; may be empty.
        prefix: String,
    },
}

/// Where replays find what could not be delivered or worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLettersUrl {
    /// The container into which Event Grid puts dead letters.
    Container(ContainerUrl),
    /// A poison or dead-letter queue.
    Queue(QueueUrl),
}

/// What the callers from one Entra tenant may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayName {
    /// Their own tenant.
    Itself,
    /// Every tenant that is served.
    All,
}

/// A pattern for the hosts that a tenant record's ISPM URL may name: a host name, or `*.` and a suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// Whether a host (lower case, as `Url` gives it) is allowed. `*.a.b` allows `x.a.b`, not `a.b` and not `x.y.a.b`.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        match self.0.strip_prefix("*.") {
            Some(suffix) => host
                .strip_suffix(suffix)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty() && !label.contains('.')),
            None => host == self.0,
        }
    }
}

/// The configuration of one deployment.
#[derive(Clone, Debug)]
pub struct Config {
    /// `ONBOARDER_CLOUD`: where the deployment and all of its tenants are.
    pub cloud: Cloud,
    /// `ONBOARDER_SECRET_STORE`
    pub secret_store: SecretStoreUrl,
    /// `ONBOARDER_RESULTS`
    pub results: ResultsUrl,
    /// `ONBOARDER_QUEUE`: needed where events are received.
    pub queue: Option<QueueUrl>,
    /// `ONBOARDER_DEAD_LETTERS`: what replays read.
    pub dead_letters: Option<DeadLettersUrl>,
    /// `ONBOARDER_REPORT`: where sweeps keep their report.
    pub report: Option<ContainerUrl>,
    /// `ONBOARDER_PROPAGATION_MINUTES`: how long after the cause 403, 404 and a pending connection may still pass.
    pub propagation: Duration,
    /// `ONBOARDER_TENANTS`: the only tenants served; without it, every tenant with a record.
    pub tenants: Option<BTreeSet<Guid>>,
    /// `ONBOARDER_ISPM_HOSTS`: hosts a record's ISPM URL may name.
    pub ispm_hosts: Vec<HostPattern>,
    /// `ONBOARDER_ENTRA_AUDIENCE`: whom Entra tokens of callers are for.
    pub entra_audiences: Vec<String>,
    /// `ONBOARDER_ENTRA_CALLERS`: the tenants whose callers are heard, and what they may name.
    pub entra_callers: BTreeMap<Guid, MayName>,
    /// `AZURE_CLIENT_ID`: the user-assigned managed identity to use, where there is more than one.
    pub identity_client_id: Option<Guid>,
    /// The host of `IDENTITY_ENDPOINT`, which App Service sets; the only inside name that is called.
    pub identity_host: Option<String>,
    /// The hosts of the proxies that the environment names.
    pub proxy_hosts: Vec<String>,
}

/// Everything that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong:{}", .0.iter().map(|fault| format!("\n  {fault}")).collect::<String>())]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the configuration through `get`, a function from a variable's name to its value. An empty value counts as not set.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault there is, each naming its variable, what it should be and how to find that.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { get, cloud: Cloud::default(), faults: Vec::new() };
        let cloud = reader.read(&variables::CLOUD, values::cloud);
        reader.cloud = cloud.unwrap_or_default();
        // Where it is not said which one is meant, an address in any of them may be right.
        let clouds = cloud.map_or(Cloud::ALL.to_vec(), |cloud| vec![cloud]);
        let secret_store = reader.read(&variables::SECRET_STORE, |text| values::secret_store(text, &clouds));
        let results = reader.read(&variables::RESULTS, |text| values::results(text, &clouds));
        let queue = reader.read(&variables::QUEUE, |text| values::queue(text, &clouds));
        let dead_letters = reader.read(&variables::DEAD_LETTERS, |text| values::dead_letters(text, &clouds));
        let report = reader.read(&variables::REPORT, |text| values::report(text, &clouds));
        let propagation = reader.read(&variables::PROPAGATION_MINUTES, values::minutes);
        let tenants = reader.read(&variables::TENANTS, values::tenants);
        let ispm_hosts = reader.read(&variables::ISPM_HOSTS, values::hosts);
        let (entra_audiences, entra_callers) = reader.callers();
        let identity_client_id = reader.read(&variables::CLIENT_ID, values::guid);
        let identity_host = reader.host_in(variables::IDENTITY_ENDPOINT);
        let proxy_hosts = variables::PROXIES.into_iter().filter_map(|name| reader.host_in(name)).collect();
        match (cloud, secret_store, results, propagation, ispm_hosts) {
            (Some(cloud), Some(secret_store), Some(results), Some(propagation), Some(ispm_hosts)) if reader.faults.is_empty() => Ok(Self {
                cloud,
                secret_store,
                results,
                queue,
                dead_letters,
                report,
                propagation,
                tenants,
                ispm_hosts,
                entra_audiences,
                entra_callers,
                identity_client_id,
                identity_host,
                proxy_hosts,
            }),
            _ => Err(ConfigError(reader.faults)),
        }
    }

    /// Reads the process's environment.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// The cloud that the process's environment names, for what needs nothing else of a deployment.
    ///
    /// # Errors
    /// [`ConfigError`] where there is no such cloud.
    pub fn cloud_of_environment() -> Result<Cloud, ConfigError> {
        let get = |name: &str| std::env::var(name).ok();
        let mut reader = Reader { get, cloud: Cloud::default(), faults: Vec::new() };
        reader.read(&variables::CLOUD, values::cloud).ok_or(ConfigError(reader.faults))
    }

    /// Makes sure that nothing is named that needs an identity of Azure, which a function on AWS does not have.
    ///
    /// # Errors
    /// [`ConfigError`] with each variable that does.
    #[cfg(feature = "aws")]
    pub fn required_on_aws(&self) -> Result<(), ConfigError> {
        const OF_AZURE: &str = "it belongs to Azure, where `handler` runs";
        let faults = [
            matches!(self.secret_store, SecretStoreUrl::KeyVault(_)).then_some(&variables::SECRET_STORE),
            matches!(self.results, ResultsUrl::EventGrid(_)).then_some(&variables::RESULTS),
            matches!(self.queue, Some(QueueUrl::Storage(_))).then_some(&variables::QUEUE),
            matches!(self.report, Some(ContainerUrl::Blob(_))).then_some(&variables::REPORT),
        ];
        let faults: Vec<String> = faults.into_iter().flatten().map(|variable| variable.not_valid(OF_AZURE, self.cloud)).collect();
        if faults.is_empty() { Ok(()) } else { Err(ConfigError(faults)) }
    }

    /// The queue, where events are received.
    ///
    /// # Errors
    /// [`ConfigError`] where `ONBOARDER_QUEUE` is not set.
    pub fn required_queue(&self) -> Result<&QueueUrl, ConfigError> {
        self.queue.as_ref().ok_or_else(|| ConfigError(vec![variables::QUEUE.not_set(self.cloud)]))
    }
}

struct Reader<G> {
    get: G,
    cloud: Cloud,
    faults: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn value(&self, name: Name) -> Option<String> {
        (self.get)(name.as_str()).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Absent where the variable is not set and has no default, or where a fault was noted.
    fn read<T>(&mut self, variable: &Variable, parse: impl Fn(&str) -> Result<T, &'static str>) -> Option<T> {
        let value = self.value(variable.name).or_else(|| variable.default.map(str::to_owned));
        let parsed = match value {
            Some(value) => parse(&value).map_err(|mistake| variable.not_valid(mistake, self.cloud)),
            None if variable.needed == Needed::Always => Err(variable.not_set(self.cloud)),
            None => return None,
        };
        parsed.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// Whom Entra tokens are for, and whose are taken: both, or neither.
    fn callers(&mut self) -> (Vec<String>, BTreeMap<Guid, MayName>) {
        let audiences = self.read(&variables::ENTRA_AUDIENCE, values::audiences);
        let callers = self.read(&variables::ENTRA_CALLERS, values::callers);
        let is_set = |variable: &Variable| self.value(variable.name).is_some();
        let lone = match (is_set(&variables::ENTRA_AUDIENCE), is_set(&variables::ENTRA_CALLERS)) {
            (true, false) => Some(&variables::ENTRA_CALLERS),
            (false, true) => Some(&variables::ENTRA_AUDIENCE),
            _ => None,
        };
        self.faults.extend(lone.map(|variable| variable.not_set(self.cloud)));
        (audiences.unwrap_or_default(), callers.unwrap_or_default())
    }

    /// The host of a URL that others set. A wrong one is for those who read it to tell.
    fn host_in(&self, name: Name) -> Option<String> {
        Url::parse(&self.value(name)?).ok()?.host_str().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const GOOD: [(&str, &str); 2] = [
        ("ONBOARDER_SECRET_STORE", "https://contoso.vault.azure.net"),
        ("ONBOARDER_RESULTS", "https://t.westeurope-1.eventgrid.azure.net"),
    ];

    #[test]
    fn a_minimal_configuration_has_sensible_defaults() {
        let config = read(&GOOD).unwrap();
        assert_eq!(config.propagation, Duration::from_hours(1));
        assert!(config.ispm_hosts[0].allows("contoso.spera-app.com"));
        for host in ["spera-app.com", "a.b.spera-app.com", "evil-spera-app.com", "contoso.spera-app.com.evil.org", ".spera-app.com"] {
            assert!(!config.ispm_hosts[0].allows(host), "{host}");
        }
        assert_eq!(config.results, ResultsUrl::EventGrid("https://t.westeurope-1.eventgrid.azure.net/api/events".parse().unwrap()));
        assert!(config.required_queue().is_err());
    }

    #[test]
    fn one_setting_says_in_which_cloud_all_addresses_are() {
        let government = [
            ("ONBOARDER_CLOUD", "usgovernment"),
            ("ONBOARDER_SECRET_STORE", "https://contoso.vault.usgovcloudapi.net"),
            ("ONBOARDER_RESULTS", "https://t.usgovvirginia-1.eventgrid.azure.us"),
            ("ONBOARDER_QUEUE", "https://a.queue.core.usgovcloudapi.net/q"),
            ("ONBOARDER_REPORT", "https://a.blob.core.usgovcloudapi.net/c"),
            ("ONBOARDER_DEAD_LETTERS", "https://a.blob.core.usgovcloudapi.net/d"),
        ];
        assert_eq!(read(&government).unwrap().cloud, Cloud::UsGovernment);
        let faults = read(&government[1..]).unwrap_err().0;
        assert_eq!(faults.len(), 5, "{faults:#?}");
        assert!(faults.iter().all(|fault| fault.contains("it is in Azure US Government, and ONBOARDER_CLOUD is public")), "{faults:#?}");
        let faults = read(&[government[0], GOOD[0], GOOD[1]]).unwrap_err().0;
        assert_eq!(faults.len(), 2, "{faults:#?}");
        assert!(faults[0].contains("it is in the Azure public cloud, and ONBOARDER_CLOUD is usgovernment; expected a key vault's URL, https://NAME.vault.usgovcloudapi.net"), "{faults:#?}");
        for wrong in ["AzureUSGovernment", "us", "china"] {
            let faults = read(&[("ONBOARDER_CLOUD", wrong), government[1], GOOD[1]]).unwrap_err().0;
            assert_eq!(faults.len(), 1, "{faults:#?}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = read(&[
            ("ONBOARDER_SECRET_STORE", "https://vault.example.com"),
            ("ONBOARDER_QUEUE", "http://a.queue.core.windows.net/q"),
            ("ONBOARDER_TENANTS", "contoso"),
        ])
        .unwrap_err()
        .0;
        assert_eq!(faults.len(), 4, "{faults:#?}");
        for name in ["ONBOARDER_SECRET_STORE", "ONBOARDER_RESULTS", "ONBOARDER_QUEUE", "ONBOARDER_TENANTS"] {
            assert!(faults.iter().any(|fault| fault.starts_with(name)), "{name} in {faults:#?}");
        }
    }

    #[test]
    fn a_fault_says_what_the_value_is_what_it_should_be_and_where_to_find_that_but_not_the_value() {
        let id = "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/g/providers/Microsoft.EventGrid/topics/hunter2";
        let faults = read(&[GOOD[0], ("ONBOARDER_RESULTS", id)]).unwrap_err().0;
        let expected = format!(
            "ONBOARDER_RESULTS is not valid: it is a resource id; expected {}. To find it: \
             az eventgrid topic show --resource-group GROUP --name TOPIC --query endpoint --output tsv",
            variables::RESULTS.expected,
        );
        assert_eq!(faults, [expected]);
        let missing = read(&GOOD).unwrap().required_queue().unwrap_err().0;
        assert!(missing[0].starts_with("ONBOARDER_QUEUE is not set: expected a Storage queue's URL, https://"), "{missing:?}");
        assert!(missing[0].contains("az storage account show"), "{missing:?}");
    }

    /// The page is made of the list, so the list has to be whole: nothing else is asked for, and all of it is.
    #[test]
    fn what_is_read_is_listed_and_what_is_listed_is_read() {
        let asked = std::cell::RefCell::new(BTreeSet::new());
        let none = Config::read(|name| {
            asked.borrow_mut().insert(name.to_owned());
            None
        });
        assert!(none.is_err());
        let own = variables::OWN.iter().map(|variable| variable.name);
        let listed = own.chain([variables::IDENTITY_ENDPOINT]).chain(variables::PROXIES);
        assert_eq!(asked.into_inner(), listed.map(|name| name.as_str().to_owned()).collect());
    }

    #[test]
    fn an_empty_value_counts_as_not_set() {
        let config = read(&[GOOD[0], GOOD[1], ("ONBOARDER_TENANTS", " "), ("ONBOARDER_PROPAGATION_MINUTES", "")]).unwrap();
        assert_eq!((config.tenants, config.propagation), (None, Duration::from_hours(1)));
    }
}
