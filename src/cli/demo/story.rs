//! Who plays in the demo, and how it is told.

use std::collections::BTreeMap;

use ispm_onboarder_simulator::DemoCast;
use ispm_onboarder_simulator::platform::{Delivered, Delivery};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::super::Wrong;
use super::log_lines;
use crate::config::{Config, ConfigError};
use crate::request::RequestedEvent;
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
    time: OffsetDateTime,
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
        parts.insert(
            3,
            Part { scope: Scope::ManagementGroup(group), told: "a whole management group".to_owned(), id: "demo-group".to_owned() },
        );
        let time = crate::clock::Clock::System.now();
        Ok(Self { cast, tenant, parts, time })
    }

    pub(super) const fn tenant(&self) -> Guid {
        self.tenant
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
    pub(super) fn events(&self) -> impl Iterator<Item = Value> {
        self.parts
            .iter()
            .map(|part| json!(RequestedEvent::onboarding(&part.id, "/contoso/subscription-pipeline", self.time, self.tenant, &part.scope)))
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

    pub(super) const fn telling(&self, started: OffsetDateTime) -> Telling<'_> {
        Telling { story: self, started }
    }
}

/// Tells deliveries as they happen.
pub(super) struct Telling<'a> {
    story: &'a Story,
    started: OffsetDateTime,
}

impl Telling<'_> {
    /// A delivery in a few lines: when, about what, each step, and how it ended.
    pub(super) fn line(&self, delivery: &Delivery) -> String {
        let mut lines = log_lines(delivery);
        // The host's log begins with what was asked; the story has a better name for it.
        let asked = if lines.len() > 1 { lines.remove(0) } else { String::new() };
        let part = self.story.parts.iter().find(|part| asked.ends_with(&part.scope.path()));
        let told = part.map_or(asked.as_str(), |part| part.told.as_str());
        let again = if matches!(delivery.what, Delivered::Message { .. }) { "again: " } else { "" };
        let seconds = (delivery.at - self.started).whole_seconds();
        let steps = lines.iter().map(|line| format!("\n          {line}")).collect::<String>();
        format!("  {:>2}:{:02}   {again}{told}{steps}", seconds / 60, seconds % 60)
    }
}
