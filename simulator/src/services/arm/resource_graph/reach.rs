//! Which part of the hierarchy a query reaches.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};

use super::super::super::Call;
use super::super::rights::{self, Asker};
use super::super::subscriptions;
use super::errors;
use super::request::QueryRequest;
use crate::Response;
use crate::token::Claims;
use crate::world::{Scope, Subscription, Tenant};

/// The most subscriptions under a tenant or management group. The documentation ("Guidance for throttled requests in Azure Resource Graph")
/// says 10,000; in 2024 somebody was refused above 18,000 (cosmos-explorer issue 1986). The smaller one asks more of a caller.
const MOST_UNDER_SCOPE: usize = 10_000;

/// What the caller may read of what the request names.
pub(super) struct Reach<'a> {
    pub tenant: &'a Tenant,
    /// What the request names.
    pub here: Vec<Scope>,
    /// The management groups above that, and `/`.
    pub above: BTreeSet<Scope>,
    /// The management groups among what is named and below it.
    pub groups: Vec<&'a str>,
    /// The subscriptions likewise.
    pub subscriptions: Vec<(&'a str, &'a Subscription)>,
    /// Whether subscriptions are left out because there are too many.
    pub partial: bool,
}

impl Reach<'_> {
    /// Leaves out where the caller may not do what more is asked. What stands above goes with the last scope.
    pub fn narrow(&mut self, more: &mut rights::Reach<'_>) {
        self.groups.retain(|name| more.has_group(name));
        self.subscriptions.retain(|(id, own)| more.has_subscription(id, own));
        let subscriptions = &self.subscriptions;
        self.here.retain(|scope| match scope {
            Scope::Tenant => false,
            Scope::ManagementGroup(name) => more.has_group(name),
            Scope::Subscription(id) => subscriptions.binary_search_by_key(&id.as_str(), |(own, _)| own).is_ok(),
        });
        if self.here.is_empty() {
            self.above.clear();
        }
    }
}

/// Follows the request's subscriptions or management groups; without any, the whole tenant.
pub(super) fn reach<'a>(call: &Call<'_>, caller: &Claims, tenant: &'a Tenant, request: &QueryRequest) -> Result<Reach<'a>, Box<Response>> {
    let mut sight = Sight::of(call, caller).ok_or_else(|| errors::access_denied(call))?;
    let reach = match request.subscriptions.is_empty() {
        false => named_subscriptions(&mut sight, tenant, &request.subscriptions),
        true => under_groups(call, caller, &mut sight, tenant, request)?,
    };
    match reach.subscriptions.is_empty() && reach.groups.is_empty() {
        true => Err(errors::access_denied(call)),
        false => Ok(reach),
    }
}

/// Subscriptions that are not there, of another tenant or not to be read are left out without a word.
fn named_subscriptions<'a>(sight: &mut Sight<'_>, tenant: &'a Tenant, ids: &[String]) -> Reach<'a> {
    let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let there = ids.into_iter().filter_map(|id| tenant.subscriptions.get_key_value(id));
    let subscriptions: Vec<_> = there.filter(|(id, own)| sight.reaches(id, own)).map(|(id, own)| (id.as_str(), own)).collect();
    let here: Vec<Scope> = subscriptions.iter().map(|(id, _)| Scope::Subscription((*id).to_owned())).collect();
    let mut above = BTreeSet::from([Scope::Tenant]);
    let parents: BTreeSet<&str> = subscriptions.iter().map(|(_, subscription)| subscription.parent.as_str()).collect();
    for parent in parents {
        above.extend(tenant.lineage(&Scope::ManagementGroup(parent.to_owned())).scopes());
    }
    Reach { tenant, here, above, groups: Vec::new(), subscriptions, partial: false }
}

fn under_groups<'a>(
    call: &Call<'_>,
    caller: &Claims,
    sight: &mut Sight<'_>,
    tenant: &'a Tenant,
    request: &QueryRequest,
) -> Result<Reach<'a>, Box<Response>> {
    let mut names: Vec<&str> = request.management_groups.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.push(&caller.tid);
    }
    let here: Vec<&str> = names.iter().filter_map(|name| Some(tenant.group(name)?.0)).collect();
    if here.len() < names.len() {
        return Err(errors::access_denied(call));
    }
    let mut above = BTreeSet::from([Scope::Tenant]);
    let mut groups = BTreeSet::new();
    for name in &here {
        let scope = Scope::ManagementGroup((*name).to_owned());
        above.extend(tenant.groups_above(&scope).into_iter().map(|name| Scope::ManagementGroup(name.to_owned())));
        groups.extend(tenant.groups_within(name));
    }
    let under = tenant.subscriptions.iter().filter(|(id, own)| groups.contains(own.parent.as_str()) && sight.reaches(id, own));
    let mut subscriptions: Vec<_> = under.map(|(id, subscription)| (id.as_str(), subscription)).collect();
    let partial = subscriptions.len() > MOST_UNDER_SCOPE;
    if partial && !request.options.allow_partial_scopes {
        let message = format!(
            "The number of subscriptions under provided tenant or management groups in the request has exceeded the allowed limit \
             {MOST_UNDER_SCOPE}. Please select a more granular scope or allow partial scopes results by passing AllowPartialScopes flag in \
             the query options."
        );
        return Err(errors::bad_request(call, "TooManySubscriptionsUnderScope", &message));
    }
    subscriptions.truncate(MOST_UNDER_SCOPE);
    let here = here.into_iter().map(|name| Scope::ManagementGroup(name.to_owned())).collect();
    let groups = groups.into_iter().filter(|name| sight.queries.has_group(name)).collect();
    Ok(Reach { tenant, here, above, groups, subscriptions, partial })
}

/// What a caller may see, and as of when: rights are those of now, whatever the service knows of the estate.
struct Sight<'a> {
    /// Where it may query.
    queries: rights::Reach<'a>,
    /// The subscriptions that it may read.
    reads: rights::Reach<'a>,
    start: OffsetDateTime,
    then: OffsetDateTime,
}

impl<'a> Sight<'a> {
    fn of(call: &'a Call<'_>, caller: &'a Claims) -> Option<Self> {
        let lag = Duration::seconds(i64::try_from(call.world.settings.graph_lag_seconds).unwrap_or(i64::MAX));
        Some(Self {
            queries: Asker::of(call, caller)?.reach("Microsoft.ResourceGraph/resources/read"),
            reads: Asker::of(call, caller)?.reach(subscriptions::READ),
            start: call.start,
            then: call.now.saturating_sub(lag),
        })
    }

    /// Whether the caller may read a subscription, and Resource Graph knows it by now.
    fn reaches(&mut self, id: &str, subscription: &Subscription) -> bool {
        let known = subscription.visible_from.is_none_or(|moment| moment.has_come(self.start, self.then));
        known && self.queries.has_subscription(id, subscription) && self.reads.has_subscription(id, subscription)
    }
}
