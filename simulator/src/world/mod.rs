//! What is true in the simulated clouds.

pub mod aws;
mod build;
mod data_access;
pub mod demo;
mod directory;
mod ends;
mod hierarchy;
mod ispm;
mod messaging;
mod moment;
mod roles;
mod sensitive;
mod vault;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cloud::Cloud;

pub use data_access::{DataGrant, data_role};
pub(crate) use data_access::{allows, reads_applications};
pub use directory::{
    AccessTokenVersion, Application, ClientSecret, FederatedCredential, KeyCredential, ManagedIdentity, Platform, ServicePrincipal, Tenant,
    User,
};
pub(crate) use directory::{SERVICE_PRINCIPAL, USER};
pub use hierarchy::{Concealment, Lineage, ManagementGroup, Scope, Subscription};
pub use ispm::{Cause, Connection, EntraSource, IspmConsole, IspmToken, Status};
pub use messaging::{Blob, Container, Published, QueueMessage, StorageAccount, Topic};
pub use moment::Moment;
pub(crate) use moment::has_passed;
pub(crate) use roles::service_principal;
pub use roles::{CustomRole, RoleAssignment, RoleAssignments};
pub use sensitive::Sensitive;
pub use vault::{SecretVersion, Vault};
pub use view::AssignmentView;
pub(crate) use view::assignment_id;

/// Everything the simulator knows, as it can be read from a file. Unknown fields are refused; every field has a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct World {
    /// How the clouds behave.
    pub settings: Settings,
    /// Entra tenants by id, with what belongs to their directory.
    pub tenants: BTreeMap<String, Tenant>,
    /// App registrations by app id, with their credentials. Which tenants they may act in, their service principals say.
    pub applications: BTreeMap<String, Application>,
    /// The platform that runs the program under test.
    pub platform: Platform,
    /// Key vaults by name.
    pub vaults: BTreeMap<String, Vault>,
    /// Event Grid topics by host name.
    pub topics: BTreeMap<String, Topic>,
    /// Storage accounts by name.
    pub storage_accounts: BTreeMap<String, StorageAccount>,
    /// ISPM consoles by host name.
    pub ispm: BTreeMap<String, IspmConsole>,
    /// Every CloudEvent published to a topic, oldest first.
    pub published: Vec<Published>,
    /// AWS accounts by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aws: BTreeMap<String, aws::Account>,
    /// The counter that new identifiers are made from.
    pub next_id: u64,
}

/// How the clouds behave. Everything is off or zero by default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Which of Azure's clouds this is.
    pub cloud: Cloud,
    /// How long a new service principal is unknown to Graph and to role assignments, in seconds.
    pub replication_lag_seconds: u64,
    /// How long a new role assignment is missing from lists, in seconds.
    pub role_list_lag_seconds: u64,
    /// How long whatever is made, moved or removed does not show in Resource Graph, in seconds. What was there at the first call after the
    /// lag is set shows at once.
    pub graph_lag_seconds: u64,
    /// How long a new role assignment has no effect, in seconds. Azure says up to 600.
    pub propagation_seconds: u64,
    /// How long ISPM tests a new connection, in seconds.
    pub connection_test_seconds: u64,
    /// Whether Resource Manager's token buckets and Resource Graph's quota are on.
    pub throttle: bool,
    /// Items on a page of a list; 0 puts all on one.
    pub page_size: usize,
    /// How long every call takes, in milliseconds.
    pub latency_milliseconds: u64,
    /// How long an access token is valid, in seconds.
    pub token_lifetime_seconds: u64,
    /// Whether a `RoleAssignmentExists` names no id, as it did before Azure added it to the message.
    pub old_conflict_message: bool,
    /// Text in every answer, so that whoever repeats an answer is found out: after each error's words, in a member of each JSON object, in
    /// pages and in a header. What others have stored comes back as they stored it.
    pub canary: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cloud: Cloud::Public,
            replication_lag_seconds: 0,
            role_list_lag_seconds: 0,
            graph_lag_seconds: 0,
            propagation_seconds: 0,
            connection_test_seconds: 0,
            throttle: false,
            page_size: 0,
            latency_milliseconds: 0,
            token_lifetime_seconds: 3599,
            old_conflict_message: false,
            canary: None,
        }
    }
}

/// The namespace of all identifiers that the simulator makes up.
const NAMESPACE: Uuid = Uuid::from_u128(0x8f3c_1d52_7a0b_4e6e_9c41_5b1e_2d70_aa01);

/// An identifier that depends on `seed` alone.
#[must_use]
pub(crate) fn made_up_id(seed: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, seed.as_bytes())
}

/// A GUID as Azure writes it in paths: 36 characters with hyphens, in either case, and nothing around it.
pub(crate) fn guid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}

impl World {
    /// A world without anything in it.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The next identifier from the world's counter.
    pub fn new_id(&mut self) -> Uuid {
        self.next_id += 1;
        made_up_id(&format!("world/{}", self.next_id))
    }
}
