//! What the caller may do at a scope (specification Microsoft.Authorization, `Permissions`, 2022-04-01). The specification has the operation
//! for resource groups and resources only; the service takes it at every scope, as it does role assignments.

use serde_json::json;

use super::super::{Answer, Call};
use super::api_version::ResourceType;
use super::paging::{Items, page};
use super::rights::Asker;
use super::{access, check_parameters};
use crate::token::Claims;
use crate::world::Scope;

const RESOURCE_TYPE: ResourceType =
    ResourceType { namespace: "Microsoft.Authorization", name: "permissions", api_versions: &["2015-07-01", "2022-04-01"] };

/// A set of permissions for each of the caller's assignments at the scope and above. Their conditions are not told.
pub(super) fn list(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version", "$skiptoken"])?;
    access::authorize(call, caller, "Microsoft.Authorization/permissions/read", scope)?;
    let grants = Asker::of(call, caller).map(|asker| asker.grants(scope)).unwrap_or_default();
    let mut items = Items::new();
    for (number, grant) in grants.iter().enumerate() {
        let shown = json!({
            "actions": grant.role.actions(), "notActions": grant.role.not_actions(),
            "dataActions": grant.role.data_actions(), "notDataActions": [],
        });
        items.push((format!("{number:04}"), shown));
    }
    page(call, caller, items, None)
}
