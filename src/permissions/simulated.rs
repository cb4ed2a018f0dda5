//! The one list of permissions, given to a simulated world: what runs there may do what the list says, and nothing more.

use ispm_onboarder_simulator::world::{CustomRole, Scope, Tenant};
use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{BuiltInRole, Holder, Permissions, Place};
use crate::azure::READER;

/// What is left out of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Without {
    /// One action of a role of this project's own.
    Action(String),
    /// One of Azure's own roles, where it is assigned to the function.
    Role(String, Place),
    /// One permission in Graph.
    Graph(String),
}

/// One tenant as its record describes it, as far as rights follow from it.
struct Wanted {
    tenant: String,
    /// The object id of who signs in.
    login: String,
    /// The object id of the one principal to which Reader may be assigned.
    app: String,
    assigns: bool,
    offboards: bool,
    /// Whether Graph is asked for the ISPM app's object id.
    asks_graph: bool,
}

/// Gives a deployment's identities exactly what the list says, by the tenant records in its vault.
pub fn grant(world: &mut World, cast: &DemoCast) {
    let records = records(world, cast);
    grant_some(world, cast, &records, None);
}

/// As [`grant`], without one permission of the list.
pub fn grant_without(world: &mut World, cast: &DemoCast, without: &Without) {
    let records = records(world, cast);
    grant_some(world, cast, &records, Some(without));
}

/// As [`grant`], by these tenant records, wherever they are stored, and `without` one permission where that is said.
pub fn grant_some(world: &mut World, cast: &DemoCast, records: &[Value], without: Option<&Without>) {
    // A test sees to it that the list can be read; a world without rights would show it too.
    let Ok(permissions) = Permissions::shipped() else { return };
    for role in permissions.built_in_roles.iter().filter(|role| role.holder == Holder::Function) {
        if without != Some(&Without::Role(role.role.clone(), role.on)) {
            give(world, cast, role);
        }
    }
    for record in records {
        let Some(wanted) = Wanted::of(record, world, cast) else { continue };
        let tenant = world.tenant_mut(&wanted.tenant);
        for graph in permissions.graph.iter().filter(|_| wanted.asks_graph) {
            if without != Some(&Without::Graph(graph.permission.clone()))
                && let Some(principal) = tenant.service_principals.get_mut(&wanted.login)
            {
                principal.grant_in_graph(&graph.permission);
            }
        }
        wanted.assign(tenant, &permissions, without);
    }
}

/// As [`grant`], with the right to remove for each tenant's login, as a deployment has it whose people offboard though no record says so.
pub fn grant_removal(world: &mut World, cast: &DemoCast) {
    let mut records = records(world, cast);
    for record in &mut records {
        record["policy"]["offboard"] = json!("excluded-or-gone");
    }
    grant_some(world, cast, &records, None);
}

/// The tenant records in the deployment's vault.
#[must_use]
pub fn records(world: &World, cast: &DemoCast) -> Vec<Value> {
    let secrets = world.vaults.get(&cast.vault).map(|vault| &vault.secrets);
    let newest = secrets.into_iter().flatten().filter_map(|(name, versions)| Some((name.as_str(), versions.last()?.value.reveal())));
    records_among(newest)
}

/// The tenant records among secrets, given by name and value. What is no record by its content counts as one that says nothing.
pub fn records_among<'a>(secrets: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Value> {
    let records = secrets.filter_map(|(name, value)| {
        // Secrets Manager's names may stand behind a prefix.
        let name = name.rsplit('/').next()?;
        let tenant = name.strip_prefix("ispm-onboarder-").filter(|rest| Uuid::try_parse(rest).is_ok())?;
        let mut record: Value = serde_json::from_str(value).ok().filter(Value::is_object).unwrap_or_else(|| json!({}));
        // The name says whose record it is.
        record["tenantId"] = json!(tenant);
        if !record["policy"].is_object() {
            record["policy"] = json!({});
        }
        Some(record)
    });
    records.collect()
}

/// Gives the function a role at its place, where a simulated world has that.
fn give(world: &mut World, cast: &DemoCast, role: &BuiltInRole) {
    let (principal, id) = (&cast.function_principal_id, role.id.to_string());
    let on = match role.on {
        Place::Queue => cast.queue.clone(),
        Place::PoisonQueue => format!("{}-poison", cast.queue),
        Place::Report => cast.report_container.clone(),
        Place::Vault => {
            world.vaults.get_mut(&cast.vault).into_iter().for_each(|vault| vault.grant(principal, &id));
            return;
        }
        Place::ResultsTopic => {
            world.topics.get_mut(&cast.topic).into_iter().for_each(|topic| topic.grant(principal, &id));
            return;
        }
        _ => return,
    };
    world.storage_accounts.get_mut(&cast.storage_account).into_iter().for_each(|account| account.grant(principal, &id, Some(&on)));
}

impl Wanted {
    /// Nothing where the world does not have the record's tenant. What the record does not say is as the demo's says it.
    fn of(record: &Value, world: &World, cast: &DemoCast) -> Option<Self> {
        let tenant_id = record["tenantId"].as_str()?.to_ascii_lowercase();
        let tenant = world.tenants.get(&tenant_id)?;
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let principal = |app: &str| tenant.service_principal_of(app).map(|(object_id, _)| object_id.to_owned());
        let app_id = text("/app/clientId").unwrap_or(&cast.ispm_client_id);
        let login_id = match text("/login/method") {
            Some("managed-identity") => &cast.function_client_id,
            _ => text("/login/clientId").unwrap_or(&cast.login_client_id),
        };
        let app = text("/app/principalId").map(str::to_owned).or_else(|| principal(app_id))?;
        Some(Self {
            login: principal(login_id)?,
            assigns: text("/policy/assign") != Some("never"),
            offboards: text("/policy/offboard").is_some_and(|offboard| offboard != "never"),
            asks_graph: text("/app/principalId").is_none() && !app_id.eq_ignore_ascii_case(login_id),
            tenant: tenant_id,
            app,
        })
    }

    /// Makes the roles of this project's own, and assigns them at the root management group, each with its condition.
    fn assign(&self, tenant: &mut Tenant, permissions: &Permissions, without: Option<&Without>) {
        let root = Scope::ManagementGroup(self.tenant.clone());
        for role in permissions.custom_roles.iter().filter(|role| role.holder == Holder::Login) {
            let wanted = if role.removes() { self.offboards } else { self.assigns || !role.is_held() };
            if !wanted {
                continue;
            }
            // By its key: a new name makes no other role.
            let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("ispm-onboarder/{}/{}", self.tenant, role.key).as_bytes()).to_string();
            let actions = role.actions(None).into_iter().filter(|action| without != Some(&Without::Action((*action).to_owned())));
            let definition = CustomRole {
                role_name: role.name.clone(),
                description: role.description.clone(),
                actions: actions.map(str::to_owned).collect(),
                not_actions: Vec::new(),
                assignable_scopes: vec![root.clone()],
            };
            tenant.custom_roles.insert(id.clone(), definition);
            let assignment = tenant.assign(&root, &id, &self.login);
            assignment.condition = role.condition(READER, &self.app);
            assignment.condition_version = assignment.condition.is_some().then(|| "2.0".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom_actions(world: &World, cast: &DemoCast) -> Vec<String> {
        world.tenants[&cast.tenant].custom_roles.values().flat_map(|role| role.actions.clone()).collect()
    }

    #[test]
    fn gives_what_the_list_says_and_the_right_to_remove_only_where_it_is_wanted() {
        let (mut world, cast) = (World::demo(7), DemoCast::of(7));
        grant(&mut world, &cast);
        let tenant = &world.tenants[&cast.tenant];
        let given: Vec<_> = tenant.role_assignments.iter().filter(|(_, found)| found.is_of(&cast.login_principal_id)).collect();
        assert_eq!(given.len(), 2, "reading and assigning");
        assert!(
            tenant.role_assignments.values().all(|found| !found.is_of(&cast.function_principal_id)),
            "the function has roles for data alone"
        );
        let held: Vec<_> = given.iter().filter_map(|(_, found)| found.condition.as_deref()).collect();
        assert!(held.len() == 1 && held[0].contains(&cast.ispm_principal_id), "{held:?}");
        let delete = "Microsoft.Authorization/roleAssignments/delete".to_owned();
        assert!(!custom_actions(&world, &cast).contains(&delete));
        assert_eq!(world.vaults[&cast.vault].grants.iter().filter(|grant| grant.principal_id == cast.function_principal_id).count(), 1);
        let before = world.clone();
        grant(&mut world, &cast);
        assert_eq!(world, before, "given twice is given once");
        grant_removal(&mut world, &cast);
        assert!(custom_actions(&world, &cast).contains(&delete));
    }

    #[test]
    fn leaves_out_what_is_named() {
        let cast = DemoCast::of(7);
        for without in [
            Without::Action("Microsoft.Resources/subscriptions/read".to_owned()),
            Without::Role("Key Vault Secrets User".to_owned(), Place::Vault),
            Without::Graph("Application.Read.All".to_owned()),
        ] {
            let (mut all, mut fewer) = (World::demo(7), World::demo(7));
            grant(&mut all, &cast);
            grant_without(&mut fewer, &cast, &without);
            assert_ne!(all, fewer, "{without:?}");
        }
    }
}
