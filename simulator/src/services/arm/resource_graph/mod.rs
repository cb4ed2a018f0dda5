//! Azure Resource Graph: many subscriptions read in one query (specification Microsoft.ResourceGraph, `Resources`, 2022-10-01 and
//! 2024-04-01; documentation, "Understanding the Azure Resource Graph query language", "Guidance for pagination", "Guidance for throttled
//! requests in Azure Resource Graph").

mod errors;
mod kql;
mod lag;
mod quota;
mod reach;
mod request;
mod rows;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::super::{Answer, Call, answer};
use super::api_version::ResourceType;
use super::rights::Asker;
use super::{check_parameters, management_groups};
use crate::token::Claims;
use crate::world::{Scope, Tenant, made_up_id};
use crate::{Response, World};
use kql::{Query, Row};
use quota::Left;
use request::{MOST_ROWS, QueryRequest};

const RESOURCE_TYPE: ResourceType =
    ResourceType { namespace: "Microsoft.ResourceGraph", name: "resources", api_versions: &["2022-10-01", "2024-04-01"] };

/// What the service holds besides the world: its quotas, and the world as it was a while ago.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    quota: quota::Quota,
    lag: lag::Lag,
}

impl Memory {
    /// Looks at the world, so that changes can show late.
    pub fn observe(&mut self, world: &World, now: OffsetDateTime) {
        self.lag.observe(world, now);
    }
}

/// Answers a query, in the caller's quota.
pub(super) fn query(call: &mut Call<'_>, caller: &Claims, _scope: &Scope) -> Answer {
    let left = match call.world.settings.throttle {
        true => call.resource_graph.quota.take(&caller.tid, &caller.oid, call.now),
        false => Left::ALL,
    };
    let response = match left.exceeded {
        true => answer::with_header(*errors::throttled(call), "retry-after", &left.seconds.to_string()),
        false => answered(call, caller).unwrap_or_else(|refusal| *refusal),
    };
    let response = answer::with_header(response, "x-ms-user-quota-remaining", &left.queries.to_string());
    Ok(answer::with_header(response, "x-ms-user-quota-resets-after", &format!("00:00:{:02}", left.seconds)))
}

fn answered(call: &Call<'_>, caller: &Claims) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version"])?;
    let request = QueryRequest::of(call)?;
    let query = Query::of(&request.query).map_err(|problem| errors::query(call, problem))?;
    let tenant = call.resource_graph.lag.tenant(call.world, &caller.tid).ok_or_else(|| errors::access_denied(call))?;
    let (mut rows, partial) = table(call, caller, tenant, &request, &query.table)?;
    // What no key orders comes in another order each time, as the documentation warns.
    let turn = usize::try_from(call.number).unwrap_or_default().checked_rem(rows.len()).unwrap_or_default();
    rows.rotate_left(turn);
    let response = page(call, &request, &query, query.run(rows))?;
    Ok(match partial {
        true => answer::with_header(response, "x-ms-tenant-subscription-limit-hit", "true"),
        false => response,
    })
}

/// The rows of a table, and whether some are left out because there are too many subscriptions.
fn table(
    call: &Call<'_>,
    caller: &Claims,
    tenant: &Tenant,
    request: &QueryRequest,
    table: &str,
) -> Result<(Vec<Row>, bool), Box<Response>> {
    let mut reach = reach::reach(call, caller, tenant, request)?;
    let reading = |action| Asker::of(call, caller).map(|asker| asker.reach(action)).ok_or_else(|| errors::access_denied(call));
    let rows = match table {
        "authorizationresources" => {
            let mut readable = reading("Microsoft.Authorization/roleAssignments/read")?;
            reach.narrow(&mut readable);
            rows::role_assignments(&caller.tid, &reach, request.options.authorization_scope_filter)
        }
        "resourcecontainers" => {
            let mut readable = reading(management_groups::READ)?;
            reach.groups.retain(|name| readable.has_group(name));
            rows::containers(&caller.tid, &reach)
        }
        other => return Err(answer::not_modelled(&format!("the table {other} of Resource Graph"))),
    };
    Ok((rows, reach.partial))
}

/// One page of the rows, with a token for the next where there can be one. A token counts rows: what comes or goes meanwhile shifts pages.
fn page(call: &Call<'_>, request: &QueryRequest, query: &Query, rows: Vec<Row>) -> Answer {
    let options = &request.options;
    let identity = identity(request);
    let (offset, size) = match &options.skip_token {
        Some(token) => continued(&identity, token).ok_or_else(|| {
            errors::bad_request(call, "InvalidSkipToken", "The $skipToken was not given out for this query and these scopes.")
        })?,
        None => (0, MOST_ROWS),
    };
    let (offset, size) = (options.skip.unwrap_or(offset), options.top.unwrap_or(size));
    let size = [size, call.world.settings.page_size].into_iter().filter(|size| *size > 0).min().unwrap_or(size);
    let total = rows.len();
    let data: Vec<Value> = rows.into_iter().skip(offset).take(size).map(Value::Object).collect();
    let end = offset.saturating_add(data.len());
    let more = end < total;
    let mut body = json!({
        "totalRecords": total,
        "count": data.len(),
        "data": data,
        "facets": [],
        // Text, and not about pages: whether rows are lost to the caller.
        "resultTruncated": if more && !query.has_pages() { "true" } else { "false" },
    });
    if more && query.has_pages() {
        body["$skipToken"] = json!(BASE64.encode(format!("{identity}/{end}/{size}")));
    }
    Ok(answer::json(200, &body))
}

/// What tells one query from another: the text and the scopes.
fn identity(request: &QueryRequest) -> String {
    let scopes = [request.subscriptions.join(","), request.management_groups.join(",")].join(";");
    made_up_id(&format!("graph/{scopes}/{}", request.query)).simple().to_string()
}

/// The offset and the size of the page that a token stands for.
fn continued(identity: &str, token: &str) -> Option<(usize, usize)> {
    let text = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
    let (offset, size) = text.strip_prefix(identity)?.strip_prefix('/')?.split_once('/')?;
    Some((offset.parse().ok()?, size.parse().ok()?))
}
