//! The variables of the environment: one list. The configuration is read by it, and docs/configuration.md is made of it.

use std::fmt;

use crate::cloud::Cloud;

/// A variable's name. Only this list makes one, and [`super::Config`] reads by nothing else: what is read is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name(&'static str);

impl Name {
    /// The name as the environment has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Where a variable has to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Everywhere.
    Always,
    /// In the function; the command line does not use it.
    ByFunction,
    /// Nowhere.
    Never,
}

/// Where a variable has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// On each platform.
    All,
    /// On Azure.
    Azure,
    /// On AWS.
    Aws,
}

/// A variable that configures this program.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Where it has an effect.
    pub on: On,
    /// Where it has to be set.
    pub needed: Needed,
    /// What its value has to be.
    pub expected: &'static str,
    /// How to find the value: a command, or words. Absent where there is nothing to look up.
    pub find: Option<&'static str>,
    /// The value that counts where none is set.
    pub default: Option<&'static str>,
    /// What it is for. Empty in the handler, which does not print the page.
    pub meaning: &'static str,
}

impl Variable {
    /// The fault of a variable that has to be set, and is not.
    pub(super) fn not_set(&self, cloud: Cloud) -> String {
        format!("{} is not set: expected {}{}", self.name, cloud.in_its_names(self.expected), self.how_to_find())
    }

    /// The fault of a variable whose value is something else. The value is not shown: it may be a URL with a key in it.
    pub(super) fn not_valid(&self, mistake: &str, cloud: Cloud) -> String {
        format!("{} is not valid: {mistake}; expected {}{}", self.name, cloud.in_its_names(self.expected), self.how_to_find())
    }

    fn how_to_find(&self) -> String {
        self.find.map(|find| format!(". To find it: {find}")).unwrap_or_default()
    }
}

/// A variable that others define, and that takes effect here.
#[derive(Debug)]
pub struct OfOthers {
    /// Its names.
    pub names: &'static [Name],
    /// Who sets it.
    pub set_by: &'static str,
    /// What it does.
    pub effect: &'static str,
}

/// What a value may be where AWS is built in, and where it is not.
const fn on_aws(with: &'static str, without: &'static str) -> &'static str {
    if cfg!(feature = "aws") { with } else { without }
}

/// Text that only the page needs: the handler is deployed without it.
const fn for_page(text: &'static str) -> &'static str {
    if cfg!(feature = "cli") { text } else { "" }
}

/// `ONBOARDER_CLOUD`
pub const CLOUD: Variable = Variable {
    name: Name("ONBOARDER_CLOUD"),
    on: On::All,
    needed: Needed::Never,
    expected: "public or usgovernment",
    find: Some("az cloud show --query name --output tsv, which prints AzureCloud for public and AzureUSGovernment for usgovernment"),
    default: Some("public"),
    meaning: for_page(
        "the cloud of Azure that the deployment and all tenants it serves are in. Every address of Azure is one of that cloud's, and the \
         other variables may name no other. On the command line, `az cloud set` has to name the same",
    ),
};

/// `ONBOARDER_SECRET_STORE`
pub const SECRET_STORE: Variable = Variable {
    name: Name("ONBOARDER_SECRET_STORE"),
    on: On::All,
    needed: Needed::Always,
    expected: on_aws(
        "a key vault's URL, https://NAME.vault.azure.net, aws-secretsmanager:PREFIX, or file:DIR",
        "a key vault's URL, https://NAME.vault.azure.net, or file:DIR",
    ),
    find: Some("az keyvault show --name NAME --query properties.vaultUri --output tsv"),
    default: None,
    meaning: for_page(
        "where tenant records, secrets and connect profiles are read. `aws-secretsmanager:` may be followed by what stands before each \
         name, such as `prod/`; `file:DIR` is a folder with one file for each secret, the file's name being the secret's",
    ),
};

/// `ONBOARDER_RESULTS`
pub const RESULTS: Variable = Variable {
    name: Name("ONBOARDER_RESULTS"),
    on: On::All,
    needed: Needed::Always,
    expected: on_aws(
        "an Event Grid topic's endpoint, https://TOPIC.REGION-1.eventgrid.azure.net/api/events, eventbridge:BUS, or stdout:",
        "an Event Grid topic's endpoint, https://TOPIC.REGION-1.eventgrid.azure.net/api/events, or stdout:",
    ),
    find: Some("az eventgrid topic show --resource-group GROUP --name TOPIC --query endpoint --output tsv"),
    default: None,
    meaning: for_page("where results are published. The path may be left out; `stdout:` prints one event a line"),
};

/// `ONBOARDER_QUEUE`
pub const QUEUE: Variable = Variable {
    name: Name("ONBOARDER_QUEUE"),
    on: On::All,
    needed: Needed::ByFunction,
    expected: on_aws(
        "a Storage queue's URL, https://ACCOUNT.queue.core.windows.net/QUEUE, or an SQS queue's, https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE",
        "a Storage queue's URL, https://ACCOUNT.queue.core.windows.net/QUEUE",
    ),
    find: Some("az storage account show --name ACCOUNT --query primaryEndpoints.queue --output tsv, and the queue's name after it"),
    default: None,
    meaning: for_page("where requests wait that may succeed later. The command line puts none there"),
};

/// `ONBOARDER_DEAD_LETTERS`
pub const DEAD_LETTERS: Variable = Variable {
    name: Name("ONBOARDER_DEAD_LETTERS"),
    on: On::All,
    needed: Needed::Never,
    expected: on_aws(
        "a container's URL, https://ACCOUNT.blob.core.windows.net/CONTAINER, or a queue's URL as for ONBOARDER_QUEUE",
        "a container's URL, https://ACCOUNT.blob.core.windows.net/CONTAINER, or a Storage queue's",
    ),
    find: Some("az storage account show --name ACCOUNT --query primaryEndpoints.blob --output tsv, and the container's name after it"),
    default: None,
    meaning: for_page(
        "what `invoke --from-dead-letter` takes up again: Event Grid's dead letters, or a poison or dead-letter queue. Only the command \
         line reads it",
    ),
};

/// `ONBOARDER_REPORT`
pub const REPORT: Variable = Variable {
    name: Name("ONBOARDER_REPORT"),
    on: On::All,
    needed: Needed::Never,
    expected: on_aws(
        "a container's URL, https://ACCOUNT.blob.core.windows.net/CONTAINER, or s3://BUCKET/PREFIX",
        "a container's URL, https://ACCOUNT.blob.core.windows.net/CONTAINER",
    ),
    find: Some("az storage account show --name ACCOUNT --query primaryEndpoints.blob --output tsv, and the container's name after it"),
    default: None,
    meaning: for_page(
        "where each sweep leaves its report, and reads that of the sweep before it. Without it `GET /api/coverage` has nothing to show, and \
         sweeps cannot tell what changed",
    ),
};

/// `ONBOARDER_PROPAGATION_MINUTES`
pub const PROPAGATION_MINUTES: Variable = Variable {
    name: Name("ONBOARDER_PROPAGATION_MINUTES"),
    on: On::All,
    needed: Needed::Never,
    expected: "a whole number of minutes, 1 to 1440",
    find: None,
    default: Some("60"),
    meaning: for_page("how long after its cause a 403, a 404 or a connection that is not connected may still pass"),
};

/// `ONBOARDER_TENANTS`
pub const TENANTS: Variable = Variable {
    name: Name("ONBOARDER_TENANTS"),
    on: On::All,
    needed: Needed::Never,
    expected: "tenant ids, separated by commas",
    find: Some("az account list --query '[].tenantId' --output tsv"),
    default: None,
    meaning: for_page("the only tenants that are served; without it, every tenant with a record in the store"),
};

/// `ONBOARDER_ISPM_HOSTS`
pub const ISPM_HOSTS: Variable = Variable {
    name: Name("ONBOARDER_ISPM_HOSTS"),
    on: On::All,
    needed: Needed::Never,
    expected: "host names or *.SUFFIX, separated by commas",
    find: Some("the address of the ISPM console, what stands between https:// and the next slash"),
    default: Some("*.spera-app.com"),
    meaning: for_page("the hosts that a record's `ispm.url` may name. `*.a.b` allows `x.a.b`, not `a.b` and not `x.y.a.b`"),
};

/// `ONBOARDER_ENTRA_AUDIENCE`
pub const ENTRA_AUDIENCE: Variable = Variable {
    name: Name("ONBOARDER_ENTRA_AUDIENCE"),
    on: On::All,
    needed: Needed::Never,
    expected: "client ids or App ID URIs, separated by commas",
    find: Some("az ad app show --id APP --query '[appId, identifierUris]'"),
    default: None,
    meaning: for_page(
        "whom the Entra tokens of callers are for, as it stands in their `aud`. Without it, and without the next one, no Entra \
         token is taken, and nothing is offboarded over HTTP; with them, ops calls on Azure need one besides the function key",
    ),
};

/// `ONBOARDER_ENTRA_CALLERS`
pub const ENTRA_CALLERS: Variable = Variable {
    name: Name("ONBOARDER_ENTRA_CALLERS"),
    on: On::All,
    needed: Needed::Never,
    expected: "tenant ids, separated by commas, each by itself or with =all",
    find: Some("az account show --query tenantId --output tsv"),
    default: None,
    meaning: for_page(
        "the tenants whose callers are heard. A tenant by itself may name itself alone; `ID=all` may name every tenant that is served",
    ),
};

/// `AZURE_CLIENT_ID`
pub const CLIENT_ID: Variable = Variable {
    name: Name("AZURE_CLIENT_ID"),
    on: On::Azure,
    needed: Needed::Never,
    expected: "a managed identity's client id",
    find: Some("az identity show --resource-group GROUP --name NAME --query clientId --output tsv"),
    default: None,
    meaning: for_page("the user-assigned managed identity to use; without it, the system-assigned one"),
};

/// The variables that configure this program.
pub const OWN: &[&Variable] = &[
    &CLOUD,
    &SECRET_STORE,
    &RESULTS,
    &QUEUE,
    &DEAD_LETTERS,
    &REPORT,
    &PROPAGATION_MINUTES,
    &TENANTS,
    &ISPM_HOSTS,
    &ENTRA_AUDIENCE,
    &ENTRA_CALLERS,
    &CLIENT_ID,
];

/// Where App Service gives out the managed identity's tokens.
pub const IDENTITY_ENDPOINT: Name = Name("IDENTITY_ENDPOINT");

/// The variables by which reqwest finds a proxy.
pub const PROXIES: [Name; 6] =
    [Name("HTTPS_PROXY"), Name("https_proxy"), Name("ALL_PROXY"), Name("all_proxy"), Name("HTTP_PROXY"), Name("http_proxy")];

/// The variables that others define. Some are read by the libraries that are built in.
pub const OF_OTHERS: [OfOthers; 7] = [
    OfOthers {
        names: &[Name("FUNCTIONS_CUSTOMHANDLER_PORT")],
        set_by: "the Functions host",
        effect: "where `handler` listens, on 127.0.0.1; 8080 without it",
    },
    OfOthers {
        names: &[IDENTITY_ENDPOINT, Name("IDENTITY_HEADER")],
        set_by: "App Service",
        effect: "the managed identity. On the command line: where the endpoint is set the managed identity signs in, else the user of \
                 the Azure CLI",
    },
    OfOthers {
        names: &[PROXIES[0], PROXIES[2], PROXIES[4], Name("NO_PROXY")],
        set_by: "you",
        effect: "the proxy for all calls, also in lower case; it resolves the names of what goes through it. Names resolved here that \
                 lead into this machine are refused, except those of the proxy and of the identity endpoint",
    },
    OfOthers { names: &[Name("SSL_CERT_FILE")], set_by: "you", effect: "the certificates to trust instead of the system's" },
    OfOthers {
        names: &[
            Name("AWS_REGION"),
            Name("AWS_PROFILE"),
            Name("AWS_ACCESS_KEY_ID"),
            Name("AWS_SECRET_ACCESS_KEY"),
            Name("AWS_SESSION_TOKEN"),
        ],
        set_by: "Lambda, or you",
        effect: "who this process is on AWS, and in which region; these and the AWS SDK's others are read by it",
    },
    OfOthers { names: &[Name("RUST_LOG")], set_by: "you", effect: "what is logged; default `warn,ispm_onboarder=info`" },
    OfOthers { names: &[Name("NO_COLOR")], set_by: "you", effect: "no colour in tables; there is none outside a terminal anyway" },
];
