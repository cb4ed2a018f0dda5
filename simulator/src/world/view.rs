//! What tests and the control surface look at. No view shows a secret's value.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{QueueMessage, Scope, World, aws};

/// A role assignment, wherever it sits.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentView {
    /// The tenant in which it was made.
    pub tenant_id: String,
    /// Where it sits.
    pub scope: Scope,
    /// The full id, scope included.
    pub id: String,
    /// The GUID at the id's end.
    pub name: String,
    /// The role definition's GUID.
    pub role: String,
    /// The principal's object id.
    pub principal_id: String,
    /// The note of who made it.
    pub description: Option<String>,
    /// The condition that narrows it.
    pub condition: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
}

impl World {
    /// Every role assignment of every tenant, by tenant and name.
    #[must_use]
    pub fn role_assignments(&self) -> Vec<AssignmentView> {
        let mut all = Vec::new();
        for (tenant_id, tenant) in &self.tenants {
            for (name, assignment) in tenant.role_assignments.iter() {
                all.push(AssignmentView {
                    tenant_id: tenant_id.clone(),
                    scope: assignment.scope.clone(),
                    id: assignment_id(&assignment.scope, name),
                    name: name.clone(),
                    role: assignment.role.clone(),
                    principal_id: assignment.principal_id.clone(),
                    description: assignment.description.clone(),
                    condition: assignment.condition.clone(),
                    created_on: assignment.created_on,
                });
            }
        }
        all
    }

    /// Every Azure connection as its console shows it, with the console's host.
    #[must_use]
    pub fn connections(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for (host, console) in &self.ispm {
            for (id, connection) in &console.connections {
                let mut shown = connection.shown(id);
                shown["host"] = json!(host);
                all.push(shown);
            }
        }
        all
    }

    /// Every CloudEvent that was published to an Event Grid topic, oldest first.
    #[must_use]
    pub fn results(&self) -> Vec<Value> {
        self.published.iter().map(|published| published.event.clone()).collect()
    }

    /// The messages of every queue of this name, visible or not.
    #[must_use]
    pub fn queue_messages(&self, queue: &str) -> Vec<&QueueMessage> {
        self.storage_accounts.values().filter_map(|account| account.queues.get(queue)).flatten().collect()
    }

    /// The texts of the blobs of every container of this name, by the blob's name.
    #[must_use]
    pub fn blobs(&self, container: &str) -> BTreeMap<&str, &str> {
        let containers = self.storage_accounts.values().filter_map(|account| account.containers.get(container));
        containers.flatten().map(|(name, blob)| (name.as_str(), blob.text.as_str())).collect()
    }

    /// The results that were put on EventBridge buses, oldest first, each as the `CloudEvent` that a topic would have got: `id`, `source`,
    /// `type`, `time`, `subject` and `data`.
    #[must_use]
    pub fn bus_results(&self) -> Vec<Value> {
        self.bus_events().into_iter().filter_map(aws::PutEvent::result).collect()
    }

    /// Every event that was put on an EventBridge bus, requests included, oldest first.
    #[must_use]
    pub fn bus_events(&self) -> Vec<&aws::PutEvent> {
        let mut events: Vec<_> = self.aws.values().flat_map(|account| account.buses.values()).flat_map(|bus| &bus.events).collect();
        events.sort_by_key(|event| event.at);
        events
    }

    /// The messages of every SQS queue of this name, visible or not.
    #[must_use]
    pub fn sqs_messages(&self, queue: &str) -> Vec<&aws::Message> {
        self.aws.values().filter_map(|account| account.queues.get(queue)).flat_map(|queue| &queue.messages).collect()
    }

    /// What is true, for people: assignments, connections, results, queues, subscriptions and management groups.
    #[must_use]
    pub fn summary(&self) -> Value {
        let mut subscriptions = Vec::new();
        let mut groups = Vec::new();
        for (tenant_id, tenant) in &self.tenants {
            for (id, subscription) in &tenant.subscriptions {
                subscriptions.push(json!({
                    "tenantId": tenant_id, "id": id, "displayName": subscription.display_name,
                    "state": subscription.state, "quotaId": subscription.quota_id, "parent": subscription.parent,
                }));
            }
            for (name, group) in &tenant.management_groups {
                groups.push(json!({
                    "tenantId": tenant_id, "name": name, "displayName": group.display_name, "parent": group.parent,
                }));
            }
        }
        json!({
            "roleAssignments": self.role_assignments(),
            "connections": self.connections(),
            "results": self.results(),
            "queues": self.queues(),
            "containers": self.containers(),
            "busEvents": self.bus_events_by_bus(),
            "sqsQueues": self.sqs_queues(),
            "subscriptions": subscriptions,
            "managementGroups": groups,
        })
    }

    fn queues(&self) -> Value {
        let mut queues = serde_json::Map::new();
        for (account, contents) in &self.storage_accounts {
            for (name, messages) in &contents.queues {
                queues.insert(format!("{account}/{name}"), json!(messages));
            }
        }
        Value::Object(queues)
    }

    fn containers(&self) -> Value {
        let mut containers = serde_json::Map::new();
        for (account, contents) in &self.storage_accounts {
            for (name, blobs) in &contents.containers {
                containers.insert(format!("{account}/{name}"), json!(blobs));
            }
        }
        Value::Object(containers)
    }

    fn bus_events_by_bus(&self) -> Value {
        let mut buses = serde_json::Map::new();
        for (id, account) in &self.aws {
            for (name, bus) in &account.buses {
                buses.insert(account.arn(id, "events", &format!("event-bus/{name}")), json!(bus.events));
            }
        }
        Value::Object(buses)
    }

    fn sqs_queues(&self) -> Value {
        let mut queues = serde_json::Map::new();
        for (id, account) in &self.aws {
            for (name, queue) in &account.queues {
                queues.insert(account.queue_url(id, name), json!(queue.messages));
            }
        }
        Value::Object(queues)
    }
}

/// A role assignment's full id.
pub(crate) fn assignment_id(scope: &Scope, name: &str) -> String {
    format!("{}/providers/Microsoft.Authorization/roleAssignments/{name}", scope.id_prefix())
}
