//! What Azure says of subscriptions by itself: events of Azure Policy and of Resource Manager, which nobody sent to ask for something.

use serde_json::Value;
use time::OffsetDateTime;

use super::{Action, Cause, NoTenant, Refusal, Request};
use crate::error::{Code, Error};
use crate::scope::{Guid, Scope, printable};

/// Azure Policy evaluated something for the first time
/// (<https://learn.microsoft.com/azure/governance/policy/concepts/event-overview>).
const POLICY_STATE_CREATED: &str = "Microsoft.PolicyInsights.PolicyStateCreated";
/// Resource Manager carried out an operation (<https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions>).
const CARRIED_OUT: [&str; 3] =
    ["Microsoft.Resources.ResourceWriteSuccess", "Microsoft.Resources.ResourceActionSuccess", "Microsoft.Resources.ResourceDeleteSuccess"];
/// The operations that bring a subscription, move it or end it
/// (<https://learn.microsoft.com/azure/role-based-access-control/permissions/management-and-governance>, Microsoft.Management and
/// Microsoft.Subscription). Whether a moved one is wanted where it is now is for the policy to say.
const OPERATIONS: [(&str, Action); 5] = [
    ("Microsoft.Subscription/aliases/write", Action::Onboard),
    ("Microsoft.Subscription/enable/action", Action::Onboard),
    ("Microsoft.Management/managementGroups/subscriptions/write", Action::Onboard),
    ("Microsoft.Management/managementGroups/subscriptions/delete", Action::Onboard),
    ("Microsoft.Subscription/cancel/action", Action::Offboard),
];

/// What a subscription needs after an operation, with the operation as Azure documents it; nothing for most of them.
pub(super) fn after(operation: &str) -> Option<(&'static str, Action)> {
    OPERATIONS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(operation))
}

/// The subscription in a resource's path: the one that it belongs to, or the one that it is about.
pub(super) fn subscription_in(path: &str) -> Option<Guid> {
    let mut segments = path.split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case("subscriptions"))?;
    Guid::parse(segments.next()?).ok()
}

/// The request, where the tenant is known; else what is known of it.
pub(super) fn request(tenant: Option<Guid>, request: Request<NoTenant>) -> Result<Request, Box<Refusal>> {
    match tenant {
        Some(tenant) => Ok(request.of(tenant)),
        None => Err(request.into()),
    }
}

/// Reads an event of Azure's own.
pub(super) fn read(cause: &Cause, subject: Option<&str>, data: &Value, caused_at: Option<OffsetDateTime>) -> Result<Request, Box<Refusal>> {
    let is = |kind: &str| cause.kind.eq_ignore_ascii_case(kind);
    if is(POLICY_STATE_CREATED) {
        evaluated(cause, subject, caused_at)
    } else if CARRIED_OUT.into_iter().any(is) {
        carried_out(cause, subject, data, caused_at)
    } else {
        Err(Error::new(Code::Irrelevant, format!("events of type {} are not acted on", printable(&cause.kind))).into())
    }
}

/// A policy that looks at subscriptions is evaluated soon after one appears. What is evaluated inside a subscription says nothing new of it.
fn evaluated(cause: &Cause, subject: Option<&str>, caused_at: Option<OffsetDateTime>) -> Result<Request, Box<Refusal>> {
    match subject.map(Scope::parse) {
        Some(Ok(scope @ Scope::Subscription(_))) => {
            let asked = Request::new(NoTenant, scope, Action::Onboard, cause.clone(), caused_at);
            request(tenant_in(&cause.source), asked)
        }
        _ => Err(Error::new(Code::Irrelevant, "the policy was not evaluated for a subscription itself").into()),
    }
}

/// The tenant in the source of events about a management group: `/tenants/{tenant}/providers/Microsoft.Management/managementGroups/{name}`.
fn tenant_in(source: &str) -> Option<Guid> {
    let mut segments = source.split('/').skip(1);
    segments.next().filter(|segment| segment.eq_ignore_ascii_case("tenants"))?;
    Guid::parse(segments.next()?).ok()
}

fn carried_out(cause: &Cause, subject: Option<&str>, data: &Value, caused_at: Option<OffsetDateTime>) -> Result<Request, Box<Refusal>> {
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let operation = text("operationName").unwrap_or_default();
    let Some((_, action)) = after(operation) else {
        return Err(Error::new(Code::Irrelevant, format!("the operation {} is not acted on", printable(operation))).into());
    };
    // An alias is no part of the subscription that it creates: then only the data may name that.
    let in_paths = text("resourceUri").and_then(subscription_in).or_else(|| subject.and_then(subscription_in));
    let named = in_paths.or_else(|| text("subscriptionId").and_then(|id| Guid::parse(id).ok()));
    let Some(subscription) = named else {
        return Err(Error::new(Code::Irrelevant, format!("the event of the operation {operation} names no subscription")).into());
    };
    let tenant = text("tenantId").and_then(|id| Guid::parse(id).ok());
    request(tenant, Request::new(NoTenant, Scope::Subscription(subscription), action, cause.clone(), caused_at))
}
