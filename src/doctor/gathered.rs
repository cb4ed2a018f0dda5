//! What Azure says of a login at the groups where it may onboard: read once, judged by several checks.

use futures_util::stream::{self, StreamExt as _};

use crate::azure::{Arm, Grant, Rights};
use crate::error::Error;
use crate::scope::{GroupName, Guid, Scope};
use crate::tenant::TenantRecord;

/// How many groups are asked about at once.
const AT_ONCE: usize = 4;

/// What was read of a tenant.
#[derive(Debug)]
pub(super) struct Gathered {
    pub groups: Vec<Group>,
}

/// What was read at one group.
#[derive(Debug)]
pub(super) struct Group {
    pub name: GroupName,
    pub scope: Scope,
    /// What the login may do.
    pub rights: Result<Rights, Error>,
    /// The role assignments of all, here and above.
    pub all: Result<Vec<Grant>, Error>,
    /// Those of the login, through groups too; none where its token does not say who it is.
    pub own: Result<Vec<Grant>, Error>,
}

impl Gathered {
    /// Reads rights and assignments at each allowed group.
    pub(super) async fn read(arm: &Arm, record: &TenantRecord, login: Option<Guid>) -> Self {
        let reads = stream::iter(record.allowed_groups()).map(|name| async {
            let scope = Scope::ManagementGroup(name.clone());
            let own = async {
                match login {
                    Some(login) => arm.grants(&scope, Some(login)).await,
                    None => Ok(Vec::new()),
                }
            };
            let (rights, all, own) = tokio::join!(Box::pin(arm.rights(&scope)), Box::pin(arm.grants(&scope, None)), Box::pin(own));
            Group { name, scope, rights, all, own }
        });
        Self { groups: reads.buffered(AT_ONCE).collect().await }
    }

    /// The assignments of all that could be read.
    pub(super) fn all(&self) -> impl Iterator<Item = &Grant> {
        self.groups.iter().filter_map(|group| group.all.as_ref().ok()).flatten()
    }
}
