//! Who plays in the demo, and how it is told.

use std::collections::BTreeMap;

use ispm_onboarder_simulator::DemoCast;
use ispm_onboarder_simulator::platform::Delivery;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::Wrong;
use super::{key, log_lines};
use crate::config::{Config, ConfigError};
use crate::request::ONBOARDING_REQUESTED;
use crate::scope::{GroupName, Guid, Scope};

/// One scope of the demo.
pub(super) struct Part {
    pub(super) scope: Scope,
    /// What is special about it.
    told: String,
    id: String,
}

/// The parts, in the order of their events.
pub(super) struct Story {
    cast: DemoCast,
    tenant: Guid,
    parts: Vec<Part>,
    time: String,
}

impl Story {
    pub(super) fn of(subscriptions: usize) -> Result<Self, Wrong> {
        let cast = DemoCast::of(subscriptions);
        let broken = |error: crate::scope::ScopeError| Wrong::new(format!("the demo's world is not valid: {error}"));
        let tenant = Guid::parse(&cast.tenant).map_err(broken)?;
        let group = GroupName::parse(&cast.management_group).map_err(broken)?;
        let mut parts = vec![];
        let subscription = [
            (&cast.new, "a new subscription"),
            (&cast.by_hand, "assigned by hand before"),
            (&cast.inherited, "covered by its management group"),
            (&cast.disabled, "disabled"),
            (&cast.at_limit, "full of role assignments"),
            (&cast.late, "Azure needs minutes to show it"),
        ];
        let more = cast.more.iter().map(|id| (id, "another new subscription"));
        for (id, told) in subscription.into_iter().chain(more) {
            let scope = Scope::Subscription(Guid::parse(id).map_err(broken)?);
            parts.push(Part { scope, told: told.to_owned(), id: format!("demo-{}", parts.len() + 1) });
        }
        parts.insert(3, Part { scope: Scope::ManagementGroup(group), told: "a whole management group".to_owned(), id: "demo-group".to_owned() });
        let time = crate::clock::Clock::System.now().format(&Rfc3339).unwrap_or_default();
        Ok(Self { cast, tenant, parts, time })
    }

    pub(super) const fn tenant(&self) -> Guid {
        self.tenant
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The function app's settings.
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        let cast = &self.cast;
        let settings = BTreeMap::from([
            ("ONBOARDER_SECRET_STORE", format!("https://{}.vault.azure.net", cast.vault)),
            ("ONBOARDER_RESULTS", format!("https://{}/api/events", cast.topic)),
            ("ONBOARDER_QUEUE", format!("https://{}.queue.core.windows.net/{}", cast.storage_account, cast.queue)),
        ]);
        Config::read(|name| settings.get(name).cloned())
    }

    /// The events that a subscription pipeline would send.
    pub(super) fn events(&self) -> impl Iterator<Item = (&Part, Value)> {
        self.parts.iter().map(|part| {
            let event = json!({
                "specversion": "1.0", "id": part.id, "source": "/contoso/subscription-pipeline", "type": ONBOARDING_REQUESTED,
                "time": self.time, "datacontenttype": "application/json", "data": { "tenantId": self.tenant, "scope": part.scope },
            });
            (part, event)
        })
    }

    /// Where a result stands in the story's order.
    pub(super) fn position(&self, event: &Value) -> usize {
        let subject = event["subject"].as_str().unwrap_or_default();
        self.parts.iter().position(|part| part.scope.path() == subject).unwrap_or(usize::MAX)
    }

    /// What is special about the scope of a result.
    pub(super) fn name(&self, event: &Value) -> String {
        self.parts.get(self.position(event)).map_or_else(|| "-".to_owned(), |part| part.told.clone())
    }

    pub(super) fn telling(&self, started: OffsetDateTime) -> Telling<'_> {
        Telling { story: self, started, waiting: Vec::new() }
    }
}

/// Tells deliveries as they happen.
pub(super) struct Telling<'a> {
    story: &'a Story,
    started: OffsetDateTime,
    /// Deliveries that come back, by their key.
    waiting: Vec<(String, String)>,
}

impl Telling<'_> {
    pub(super) fn deliver(&mut self, part: &Part, delivery: &Delivery) -> String {
        self.waiting.push((key(delivery).to_owned(), part.told.clone()));
        self.line(&part.told, delivery)
    }

    pub(super) fn come_back(&mut self, delivery: &Delivery) -> String {
        let found = self.waiting.iter().find(|(known, _)| known == key(delivery)).map(|(_, told)| told.clone());
        // A message's id is not its event's: the only request that the demo puts back is the late one.
        let told = found.unwrap_or_else(|| self.late());
        self.line(&format!("again: {told}"), delivery)
    }

    fn late(&self) -> String {
        let late = &self.story.cast.late;
        let part = self.story.parts.iter().find(|part| part.scope.path().ends_with(late.as_str()));
        part.map_or_else(String::new, |part| part.told.clone())
    }

    fn line(&self, told: &str, delivery: &Delivery) -> String {
        let minutes = (delivery.at - self.started).whole_seconds();
        let lines = log_lines(delivery).iter().map(|line| format!("\n          {line}")).collect::<String>();
        format!("  {:>2}:{:02}   {told}{lines}", minutes / 60, minutes % 60)
    }
}
