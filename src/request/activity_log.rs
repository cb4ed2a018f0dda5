//! Entries of Azure's activity log, as a diagnostic setting exports them to an event hub: `{"records": [entry, …]}`
//! (<https://learn.microsoft.com/azure/azure-monitor/essentials/activity-log-schema>, "Schema from storage account and event hubs"). As the
//! portal shows them, with `value` members, they are taken too. `tenantId` is the directory's, where it is there; the column `TenantId` of the
//! table `AzureActivity`, which is a workspace's, is not part of an entry.
//!
//! The entries that tell of a subscription are written by the management groups' service, and no page of Microsoft's has them. They are
//! known from what others published: "is created with parent entity" from
//! <https://github.com/JanneMattila/some-questions-and-some-answers/blob/master/q%26a/azure_subscription.md>, the other two from
//! <https://cloudadministrator.net/2025/03/12/monitoring-canceled-azure-subscriptions/>.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use super::envelope::unwrap_text;
use super::{Action, Cause, Inbound, NoTenant, Refusal, Request, SHAPES, is_plain, refused, signals, time_of};
use crate::error::{Code, Error};
use crate::scope::{Guid, Scope, printable};

/// The operation of entries about the hierarchy itself.
const HIERARCHY: &str = "Microsoft.Management";
/// What such an entry says after "Entity {id}", and what the subscription needs then. "Entity" is a subscription or a management group.
const SENTENCES: [(&str, Action); 3] = [
    ("is created with parent entity", Action::Onboard),
    ("changed the parent entity value from", Action::Onboard),
    ("deleted from parent entity", Action::Offboard),
];
/// How an entry about the end of an operation says that it went well; those about its begin say something else.
const SUCCEEDED: [&str; 2] = ["Success", "Succeeded"];

pub(super) fn parse(entry: &Value) -> Inbound {
    if !entry.is_object() {
        let error = Error::new(Code::InvalidEvent, "an entry of the activity log is not an object").hint(SHAPES);
        return refused(entry.to_string().as_bytes(), error);
    }
    let operation = text(entry, "operationName").unwrap_or_default();
    let named = signals::after(operation).map(|(name, _)| name);
    let kind = named.or_else(|| operation.eq_ignore_ascii_case(HIERARCHY).then_some(HIERARCHY));
    let Some(kind) = kind.filter(|_| has_succeeded(entry)) else {
        let words = format!("entries of the activity log about {} are not acted on", printable(operation));
        return refused(entry.to_string().as_bytes(), Error::new(Code::Irrelevant, words));
    };
    let cause = cause(entry, kind);
    Inbound { request: read(entry, &cause), cause }
}

fn read(entry: &Value, cause: &Cause) -> Result<Request, Box<Refusal>> {
    let properties = Properties::of(entry);
    let (subscription, action, unconfirmed) = match signals::after(&cause.kind) {
        Some((_, action)) => (properties.subscription(entry)?, action, false),
        None => properties.entity().map(|(id, action)| (id, action, true))?,
    };
    let caused_at = time_of(entry.get("time").or_else(|| entry.get("eventTimestamp")));
    let asked = Request::new(NoTenant, Scope::Subscription(subscription), action, cause.clone(), caused_at);
    let tenant = text(entry, "tenantId").and_then(|id| Guid::parse(id).ok());
    signals::request(tenant, Request { unconfirmed, ..asked })
}

/// A text member; the portal puts some into a member `value`, beside their translation.
fn text<'a>(entry: &'a Value, name: &str) -> Option<&'a str> {
    let member = entry.get(name)?;
    member.as_str().or_else(|| member.get("value")?.as_str())
}

fn has_succeeded(entry: &Value) -> bool {
    let result = text(entry, "resultType").or_else(|| text(entry, "status")).unwrap_or_default();
    SUCCEEDED.into_iter().any(|word| word.eq_ignore_ascii_case(result))
}

/// A repeat of an entry has the same cause: ids come in any case, and an entry without an id is told by its content.
fn cause(entry: &Value, kind: &str) -> Cause {
    let member = |name: &str| text(entry, name).filter(|text| !text.is_empty() && is_plain(text)).map(str::to_ascii_lowercase);
    let source = member("resourceId").unwrap_or_else(|| "urn:ispm-onboarder:activity-log".to_owned());
    let by_content = || Uuid::new_v5(&Uuid::NAMESPACE_OID, entry.to_string().as_bytes()).to_string();
    let id = member("eventDataId").or_else(|| member("correlationId")).unwrap_or_else(by_content);
    Cause { source, id, kind: kind.to_owned() }
}

/// What an entry says of itself, which stands in `properties` or in `properties.eventProperties`; either may be text.
struct Properties<'a> {
    outer: Cow<'a, Value>,
    inner: Value,
}

impl<'a> Properties<'a> {
    fn of(entry: &'a Value) -> Self {
        let outer = unwrap_text(entry.get("properties").unwrap_or(&Value::Null));
        let inner = outer.get("eventProperties").map(|inner| unwrap_text(inner).into_owned()).unwrap_or_default();
        Self { outer, inner }
    }

    fn get(&self, name: &str) -> Option<&str> {
        [&self.inner, &*self.outer].into_iter().find_map(|properties| properties.get(name)?.as_str())
    }

    /// The entity of the hierarchy that the entry is about, and what it needs. Only subscriptions' ids are always GUIDs.
    fn entity(&self) -> Result<(Guid, Action), Box<Refusal>> {
        let unknown = |words: &str| Error::new(Code::Irrelevant, format!("an entry of the activity log {words}"));
        let message = self.get("message").unwrap_or_default();
        let (entity, rest) = message.strip_prefix("Entity ").and_then(|rest| rest.split_once(' ')).unwrap_or_default();
        let sentence = SENTENCES.into_iter().find(|(sentence, _)| rest.contains(sentence));
        let (_, action) = sentence.ok_or_else(|| unknown("about the hierarchy does not say that something came, went or was moved"))?;
        match Guid::parse(entity) {
            Ok(id) => Ok((id, action)),
            Err(_) => Err(unknown("is about a management group, which is not onboarded by itself").into()),
        }
    }

    /// The subscription that an operation was about: in the resource's path, or, where that is an alias or a billing account, by its id.
    fn subscription(&self, entry: &Value) -> Result<Guid, Box<Refusal>> {
        let in_path = text(entry, "resourceId").and_then(signals::subscription_in);
        let by_id = || self.get("subscriptionId").and_then(|id| Guid::parse(id).ok());
        let by_entity = || self.get("entity").and_then(signals::subscription_in);
        let found = in_path.or_else(by_id).or_else(by_entity);
        found.ok_or_else(|| Error::new(Code::Irrelevant, "an entry of the activity log does not name its subscription").into())
    }
}
