//! The deployment's configuration: environment variables, read once, all faults told at once.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::scope::Guid;

/// Where secrets, tenant records and connect profiles are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretStoreUrl {
    /// An Azure Key Vault, `https://NAME.vault.azure.net`.
    KeyVault(Url),
    /// A folder with one file per secret, `file:DIR`.
    Folder(PathBuf),
}

/// Where result events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultsUrl {
    /// An Event Grid topic's endpoint, `https://TOPIC.REGION-1.eventgrid.azure.net/api/events`.
    EventGrid(Url),
    /// Standard output, one event a line.
    Stdout,
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
    /// `ONBOARDER_SECRET_STORE`
    pub secret_store: SecretStoreUrl,
    /// `ONBOARDER_RESULTS`
    pub results: ResultsUrl,
    /// `ONBOARDER_QUEUE`: a Storage queue's URL; needed where events are received.
    pub queue: Option<Url>,
    /// `ONBOARDER_PROPAGATION_MINUTES`: how long after the cause 403, 404 and a pending connection may still pass.
    pub propagation: Duration,
    /// `ONBOARDER_TENANTS`: the only tenants served; without it, every tenant with a record.
    pub tenants: Option<BTreeSet<Guid>>,
    /// `ONBOARDER_ISPM_HOSTS`: hosts a record's ISPM URL may name.
    pub ispm_hosts: Vec<HostPattern>,
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
    /// [`ConfigError`] with every fault there is, each naming its variable and what it should be.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { get, faults: Vec::new() };
        let secret_store = reader.required("ONBOARDER_SECRET_STORE", secret_store, "https://NAME.vault.azure.net or file:DIR");
        let results = reader.required("ONBOARDER_RESULTS", results, "an Event Grid topic's endpoint or stdout:");
        let queue = reader.optional("ONBOARDER_QUEUE", queue, "https://ACCOUNT.queue.core.windows.net/QUEUE");
        let propagation = reader.optional("ONBOARDER_PROPAGATION_MINUTES", minutes, "a whole number of minutes, 1 to 1440");
        let tenants = reader.optional("ONBOARDER_TENANTS", tenants, "tenant ids separated by commas");
        let ispm_hosts = reader.optional("ONBOARDER_ISPM_HOSTS", hosts, "host names or *.SUFFIX, separated by commas");
        let identity_client_id = reader.optional("AZURE_CLIENT_ID", |text| Guid::parse(text).ok(), "a managed identity's client id");
        let host_in = |name: &str| Url::parse(&reader.value(name)?).ok()?.host_str().map(str::to_owned);
        let identity_host = host_in("IDENTITY_ENDPOINT");
        let proxy_hosts = PROXIES.into_iter().filter_map(host_in).collect();
        match (secret_store, results) {
            (Some(secret_store), Some(results)) if reader.faults.is_empty() => Ok(Self {
                secret_store,
                results,
                queue,
                propagation: propagation.unwrap_or(Duration::from_hours(1)),
                tenants,
                ispm_hosts: ispm_hosts.unwrap_or_else(|| vec![HostPattern("*.spera-app.com".to_owned())]),
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

    /// The queue, where events are received.
    ///
    /// # Errors
    /// [`ConfigError`] where `ONBOARDER_QUEUE` is not set.
    pub fn required_queue(&self) -> Result<&Url, ConfigError> {
        let words = "ONBOARDER_QUEUE is not set: expected https://ACCOUNT.queue.core.windows.net/QUEUE, needed where events are received";
        self.queue.as_ref().ok_or_else(|| ConfigError(vec![words.to_owned()]))
    }
}

/// The variables by which reqwest finds a proxy.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

struct Reader<G> {
    get: G,
    faults: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn value(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn optional<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        let value = self.value(name)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            // The value is not shown: it may be a URL with a key in it.
            self.faults.push(format!("{name} is not valid: expected {expected}"));
        }
        parsed
    }

    fn required<T>(&mut self, name: &str, parse: impl Fn(&str) -> Option<T>, expected: &str) -> Option<T> {
        if self.value(name).is_none() {
            self.faults.push(format!("{name} is not set: expected {expected}"));
        }
        self.optional(name, parse, expected)
    }
}

/// An https URL on an Azure service's own domain, without user info, port or query: a token is never sent anywhere else.
fn azure_url(text: &str, domain: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.port().is_none() && url.query().is_none() && url.fragment().is_none();
    let label = url.host_str()?.strip_suffix(domain)?.strip_suffix('.')?;
    (url.scheme() == "https" && plain && !label.is_empty()).then_some(url)
}

fn secret_store(text: &str) -> Option<SecretStoreUrl> {
    match text.strip_prefix("file:") {
        Some("") => None,
        Some(folder) => Some(SecretStoreUrl::Folder(PathBuf::from(folder))),
        None => azure_url(text, "vault.azure.net").filter(|url| url.path() == "/").map(SecretStoreUrl::KeyVault),
    }
}

fn results(text: &str) -> Option<ResultsUrl> {
    if text == "stdout:" {
        return Some(ResultsUrl::Stdout);
    }
    let mut url = azure_url(text, "eventgrid.azure.net").filter(|url| matches!(url.path(), "/" | "/api/events"))?;
    url.set_path("/api/events");
    Some(ResultsUrl::EventGrid(url))
}

fn queue(text: &str) -> Option<Url> {
    let url = azure_url(text, "queue.core.windows.net")?;
    let name = url.path().trim_matches('/');
    (!name.is_empty() && !name.contains('/')).then_some(url)
}

fn minutes(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|minutes| (1..=1440).contains(minutes)).map(Duration::from_mins)
}

fn list<T, C: FromIterator<T>>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<C> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(parse).collect()
}

fn tenants(text: &str) -> Option<BTreeSet<Guid>> {
    list(text, |item| Guid::parse(item).ok())
}

fn hosts(text: &str) -> Option<Vec<HostPattern>> {
    list(text, |item| {
        let name = item.strip_prefix("*.").unwrap_or(item);
        let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let valid = name.contains('.') && name.split('.').all(label) && name.parse::<std::net::IpAddr>().is_err();
        valid.then(|| HostPattern(item.to_ascii_lowercase()))
    })
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
    fn endpoints_outside_azure_are_refused() {
        for wrong in [
            "https://user@a.vault.azure.net",
            "https://a.vault.azure.net:8443",
            "https://a.vault.azure.net.evil.org",
            "https://vault.azure.net",
            "file:",
        ] {
            assert!(secret_store(wrong).is_none(), "{wrong}");
        }
        assert!(queue("https://a.queue.core.windows.net").is_none());
        assert!(queue("https://a.queue.core.windows.net/onboarding").is_some());
        for wrong in ["*", "*.com", "127.0.0.1", "a..b", "https://a.b"] {
            assert!(hosts(wrong).is_none(), "{wrong}");
        }
    }
}
