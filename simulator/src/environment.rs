//! The environment that points an unmodified program at the simulator.

use std::{
    env,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{self, Path, PathBuf},
};

use crate::{
    World,
    cloud::Cloud,
    proxy::{IDENTITY_PATH, Proxy},
    world::{Scope, Tenant},
};

/// Only its owner may read a file that holds a client secret.
const OWNER_ONLY: u32 = 0o600;
/// Anyone may read a certificate.
const READABLE: u32 = 0o644;
/// The Reader role (Microsoft Learn, "Azure built-in roles").
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// Variables and their values, in the order in which they are shown.
///
/// It holds the client secret of a simulated app and a secret access key, so it has no `Debug`.
pub struct Environment {
    /// What to set. What the world has no value for is left out.
    pub pairs: Vec<(&'static str, String)>,
    /// Where the certificate authority was written, for clients with a setting of their own.
    pub certificate: PathBuf,
}

impl Environment {
    /// Writes the proxy's certificate and gathers the variables for it and for the world behind it.
    ///
    /// The certificate goes beside `env_file`, with `.pem` added to its name; without one, into the system's temporary directory under
    /// a name with the port, so that the next run at that port replaces it.
    ///
    /// # Errors
    /// When the certificate cannot be written.
    pub fn of(proxy: &Proxy, env_file: Option<&Path>) -> io::Result<Self> {
        let port = proxy.port();
        let certificate = match env_file {
            Some(file) => {
                let mut name = path::absolute(file)?.into_os_string();
                name.push(".pem");
                PathBuf::from(name)
            }
            None => env::temp_dir().join(format!("ispm-onboarder-simulator-{port}.pem")),
        };
        replace(&certificate, proxy.certificate_pem().as_bytes(), READABLE)?;
        let mut pairs = network(&proxy.url(), &certificate.to_string_lossy());
        pairs.extend(world(&proxy.simulator().state().world));
        Ok(Self { pairs, certificate })
    }

    /// The value of one variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    /// One `export NAME='value'` line for each, for `sh` and its descendants.
    #[must_use]
    pub fn exports(&self) -> String {
        self.pairs.iter().fold(String::new(), |mut lines, (name, value)| {
            // Writing to a String does not fail.
            let _ = writeln!(lines, "export {name}={}", quoted(value));
            lines
        })
    }

    /// Writes the export lines to a file that only its owner can read. Whoever reads the file meanwhile sees the old one or the new one.
    ///
    /// # Errors
    /// When the file cannot be written beside its final place and moved there.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        replace(file, self.exports().as_bytes(), OWNER_ONLY)
    }
}

/// What leads every call to the proxy.
///
/// Both spellings of each variable are set, because tools differ in which one wins and one left over from outside would lead calls past
/// the simulator, as would an outside `NO_PROXY`. Loopback needs no proxy: it stays on the machine, and a program served there is reached.
fn network(url: &str, certificate: &str) -> Vec<(&'static str, String)> {
    let proxies = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let bypasses = ["NO_PROXY", "no_proxy"];
    let certificates = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"];
    let mut pairs: Vec<_> = proxies.into_iter().map(|name| (name, url.to_owned())).collect();
    pairs.extend(bypasses.into_iter().map(|name| (name, "127.0.0.1,localhost".to_owned())));
    pairs.extend(certificates.into_iter().map(|name| (name, certificate.to_owned())));
    pairs.push(("IDENTITY_ENDPOINT", format!("{url}{IDENTITY_PATH}")));
    pairs.push(("SIMULATOR_URL", url.to_owned()));
    pairs
}

/// What the program under test is configured with, and what other clients need to know of the world: its first tenant, a client of it, its
/// first Global Administrator, and a subscription and a management group that wait to be onboarded. Containers are known by their names,
/// `report` and `dead-letters`.
fn world(world: &World) -> Vec<(&'static str, String)> {
    let cloud = world.settings.cloud;
    let queue = world.storage_accounts.iter().find_map(|(account, contents)| {
        contents.queues.keys().next().map(|queue| format!("https://{account}.queue.{}/{queue}", cloud.storage()))
    });
    let container = |wanted: &str| {
        let mut accounts = world.storage_accounts.iter();
        let (account, _) = accounts.find(|(_, contents)| contents.containers.contains_key(wanted))?;
        Some(format!("https://{account}.blob.{}/{wanted}", cloud.storage()))
    };
    let tenant = world.tenants.iter().next();
    let (client_id, client_secret) = tenant.and_then(|(id, tenant)| client(world, id, tenant)).unzip();
    let header = world.platform.identity_header.reveal();
    let pairs = [
        ("IDENTITY_HEADER", Some(header).filter(|header| !header.is_empty()).map(str::to_owned)),
        ("ONBOARDER_CLOUD", (cloud != Cloud::Public).then(|| "usgovernment".to_owned())),
        ("ONBOARDER_SECRET_STORE", world.vaults.keys().next().map(|vault| format!("https://{vault}.{}", cloud.key_vault()))),
        ("ONBOARDER_RESULTS", world.topics.keys().next().map(|host| format!("https://{host}/api/events"))),
        ("ONBOARDER_QUEUE", queue),
        ("ONBOARDER_REPORT", container("report")),
        ("ONBOARDER_DEAD_LETTERS", container("dead-letters")),
        ("SIMULATOR_TENANT_ID", tenant.map(|(id, _)| id.clone())),
        ("SIMULATOR_SUBSCRIPTION_ID", tenant.and_then(|(id, tenant)| new_subscription(world, id, tenant))),
        ("SIMULATOR_MANAGEMENT_GROUP", tenant.and_then(|(id, tenant)| new_group(world, id, tenant))),
        ("SIMULATOR_ADMINISTRATOR_ID", tenant.and_then(|(_, tenant)| administrator(tenant))),
        ("SIMULATOR_CLIENT_ID", client_id),
        ("SIMULATOR_CLIENT_SECRET", client_secret),
    ];
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value?)));
    pairs.chain(aws(world)).collect()
}

/// The first person of a tenant who may elevate itself, by object id.
fn administrator(tenant: &Tenant) -> Option<String> {
    tenant.users.iter().find(|(_, user)| user.global_administrator).map(|(id, _)| id.clone())
}

/// The app in whose name other clients sign in, and its secret: an operator, who may do everything, or else the first that has a secret.
fn client(world: &World, tenant_id: &str, tenant: &Tenant) -> Option<(String, String)> {
    let principals = tenant.service_principals.iter();
    let mut apps: Vec<_> = principals
        .filter_map(|(object_id, principal)| {
            let secret = world.applications.get(&principal.app_id)?.secrets.first()?;
            Some((!world.is_operator(tenant_id, object_id), principal.app_id.clone(), secret.value.reveal().to_owned()))
        })
        .collect();
    // The sort is stable: among others, the first stays the first.
    apps.sort_by_key(|(is_other, ..)| *is_other);
    apps.into_iter().next().map(|(_, id, secret)| (id, secret))
}

/// What signs calls to the world's first AWS account, and the account's counterparts of the program's configuration: whoever runs the
/// program on AWS sets its own variables to these.
fn aws(world: &World) -> Vec<(&'static str, String)> {
    let Some((id, account)) = world.aws.iter().next() else { return Vec::new() };
    let key = account.access_keys.iter().next();
    // A second key is that of another role: in the demo, of whoever replays dead letters.
    let replayer = account.access_keys.iter().nth(1);
    let session_token = key.and_then(|(_, key)| key.session_token.as_ref());
    // Messages are sent to a queue that puts failed ones away, not to the one that they are put into.
    let queue = account.queues.iter().find(|(_, queue)| queue.redrive.is_some()).or_else(|| account.queues.iter().next());
    let pairs = [
        ("AWS_REGION", Some(account.region.clone())),
        // AWS's Python SDK, and so its command line, know the region by this one only.
        ("AWS_DEFAULT_REGION", Some(account.region.clone())),
        ("AWS_ACCESS_KEY_ID", key.map(|(id, _)| id.clone())),
        ("AWS_SECRET_ACCESS_KEY", key.map(|(_, key)| key.secret.reveal().to_owned())),
        ("AWS_SESSION_TOKEN", session_token.map(|token| token.reveal().to_owned())),
        ("SIMULATOR_AWS_SECRET_STORE", (!account.secrets.is_empty()).then(|| "aws-secretsmanager:".to_owned())),
        ("SIMULATOR_AWS_RESULTS", account.buses.keys().next().map(|bus| format!("eventbridge:{bus}"))),
        ("SIMULATOR_AWS_REPORT", account.buckets.keys().next().map(|bucket| format!("s3://{bucket}/reports"))),
        ("SIMULATOR_AWS_QUEUE", queue.map(|(queue, _)| account.queue_url(id, queue))),
        ("SIMULATOR_AWS_REPLAYER_KEY_ID", replayer.map(|(id, _)| id.clone())),
        ("SIMULATOR_AWS_REPLAYER_KEY", replayer.map(|(_, key)| key.secret.reveal().to_owned())),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The first subscription that onboarding would change and that nothing odd was prepared for.
fn new_subscription(world: &World, tenant_id: &str, tenant: &Tenant) -> Option<String> {
    let mut waiting = tenant.subscriptions.iter().filter(|(id, subscription)| {
        let scope = Scope::Subscription((*id).clone());
        subscription.state == "Enabled"
            && subscription.visible_from.is_none()
            && !tenant.role_assignment_limits.contains_key(&scope.to_string())
            && !is_read(world, tenant_id, tenant, &scope)
    });
    waiting.next().map(|(id, _)| id.clone())
}

/// The first management group without groups below it that onboarding would change.
fn new_group(world: &World, tenant_id: &str, tenant: &Tenant) -> Option<String> {
    let parents: Vec<_> = tenant.management_groups.values().filter_map(|group| group.parent.as_deref()).collect();
    let mut waiting = tenant.management_groups.keys().filter(|name| {
        *name != tenant_id
            && !parents.contains(&name.as_str())
            && !is_read(world, tenant_id, tenant, &Scope::ManagementGroup((*name).clone()))
    });
    waiting.next().cloned()
}

/// Whether an app by which an ISPM console reads this tenant has Reader at the scope or above it.
fn is_read(world: &World, tenant_id: &str, tenant: &Tenant, scope: &Scope) -> bool {
    let sources = world.ispm.values().flat_map(|console| console.sources.values()).filter(|source| source.directory_id == tenant_id);
    let mut readers = sources.filter_map(|source| tenant.service_principal_of(&source.client_id));
    readers.any(|(object_id, _)| {
        let mut given = tenant.role_assignments.values().filter(|assignment| assignment.is_of(object_id));
        given.any(|assignment| assignment.role.eq_ignore_ascii_case(READER) && tenant.covers(&assignment.scope, scope))
    })
}

/// Single quotes keep everything as it is, except a single quote.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Writes a file beside its final place and moves it there.
fn replace(file: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let written = create(&new, mode).and_then(|mut file| file.write_all(contents)).and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        // What was begun is of no use to anyone; the error that matters is the first one.
        let _ = fs::remove_file(&new);
    }
    written
}

/// Creates a file that is not there yet, so that a link laid in its place is not followed.
fn create(file: &Path, mode: u32) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(file)
}
