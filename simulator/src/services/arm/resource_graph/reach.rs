//! Which part of the hierarchy a query reaches.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};

use super::super::super::Call;
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

/// Follows the request's subscriptions or management groups; without any, the whole tenant.
pub(super) fn reach<'a>(call: &Call<'_>, caller: &Claims, tenant: &'a Tenant, request: &QueryRequest) -> Result<Reach<'a>, Box<Response>> {
    let sight = Sight::of(call, caller);
    let reach = match request.subscriptions.is_empty() {
        false => named_subscriptions(&sight, tenant, &request.subscriptions),
        true => under_groups(call, caller, &sight, tenant, request)?,
    };
    match reach.here.is_empty() {
        true => Err(errors::access_denied(call)),
        false => Ok(reach),
    }
}

/// Subscriptions that are not there, of another tenant or not to be read are left out without a word.
fn named_subscriptions<'a>(sight: &Sight, tenant: &'a Tenant, ids: &[String]) -> Reach<'a> {
    let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let there = ids.into_iter().filter_map(|id| tenant.subscriptions.get_key_value(id));
    let subscriptions: Vec<_> = there.filter(|(_, own)| sight.reaches(own)).map(|(id, own)| (id.as_str(), own)).collect();
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
    sight: &Sight,
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
    let under = tenant.subscriptions.iter().filter(|(_, own)| groups.contains(own.parent.as_str()) && sight.reaches(own));
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
    Ok(Reach { tenant, here, above, groups: groups.into_iter().collect(), subscriptions, partial })
}

/// What a caller may see, and as of when.
struct Sight {
    allowed: bool,
    start: OffsetDateTime,
    then: OffsetDateTime,
}

impl Sight {
    fn of(call: &Call<'_>, caller: &Claims) -> Self {
        let tenant = call.world.tenants.get(&caller.tid);
        let allowed = tenant.is_some_and(|tenant| !tenant.denies(&caller.oid, "Microsoft.Resources/subscriptions/read"));
        let lag = Duration::seconds(i64::try_from(call.world.settings.graph_lag_seconds).unwrap_or(i64::MAX));
        Self { allowed, start: call.start, then: call.now.saturating_sub(lag) }
    }

    /// Whether the caller may read a subscription, and Resource Graph knows it by now.
    fn reaches(&self, subscription: &Subscription) -> bool {
        self.allowed && subscription.visible_from.is_none_or(|moment| moment.has_come(self.start, self.then))
    }
}
