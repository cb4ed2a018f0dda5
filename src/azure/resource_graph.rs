//! Azure Resource Graph: role assignments of many subscriptions in one paged query
//! (<https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources>).
//!
//! It lags behind ARM, so what it says is where to look, and not what to write: each scope is read again before anything is changed.

use azure_core::http::Method;
use azure_core::http::headers::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::arm::Arm;
use super::pace::wait_out;
use super::{READER, assignment_name, is_marked, request, url, with_json};
use crate::error::{Code, Error};
use crate::net::Answer;
use crate::scope::{AssignedAt, GroupName, Guid, Scope};

const VERSION: &str = "2024-04-01";
/// The most subscriptions that one query names. A query of a management group is cut off at 10,000 of them, which a header tells, or
/// refused (<https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests>).
const MOST_SUBSCRIPTIONS: usize = 1_000;
/// The most rows on a page.
const TOP: usize = 1_000;
/// More pages than this of one batch would be a loop: a subscription holds 4,000 assignments, and one principal has one Reader there.
const MOST_PAGES: usize = 1_000;
const CUT_OFF: HeaderName = HeaderName::from_static("x-ms-tenant-subscription-limit-hit");
/// The word for a group with more subscriptions below it than one query reads.
const TOO_MANY: &str = "TooManySubscriptionsUnderScope";
/// How often a query is put again that was throttled.
const MOST_TRIES: u32 = 8;

/// Reader of one principal, somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderAt {
    /// The assignment's id.
    pub id: String,
    /// Where it sits.
    pub scope: AssignedAt,
    /// Whether it was made here: under our name, and with our mark.
    pub ours: bool,
    /// Whether a condition narrows it.
    pub conditional: bool,
    /// When it was made.
    pub created_on: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
struct Rows {
    data: Vec<Row>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
    #[serde(rename = "resultTruncated")]
    truncated: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    scope: String,
    #[serde(default)]
    created_on: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    condition: Option<String>,
}

impl ReaderAt {
    fn of(row: Row, principal: Guid) -> Self {
        let scope = AssignedAt::parse(&row.scope);
        let is_named = match &scope {
            AssignedAt::Scope(scope) => is_called(&row.id, assignment_name(scope, principal)),
            AssignedAt::Directory | AssignedAt::Elsewhere(_) => false,
        };
        Self {
            scope,
            ours: is_named && row.description.is_some_and(|text| is_marked(&text)),
            conditional: row.condition.is_some_and(|text| !text.is_empty()),
            created_on: row.created_on.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()),
            id: row.id,
        }
    }
}

impl Arm {
    /// Reader of a principal at these subscriptions, and above them.
    ///
    /// # Errors
    /// `AuthorizationFailed`, `Throttled` where the quota stays used up, `UnexpectedAnswer` for pages that do not end or rows that were cut
    /// off, and those of every call.
    pub async fn readers(&self, principal: Guid, subscriptions: &[Guid]) -> Result<Vec<ReaderAt>, Error> {
        let query = readers_of(principal);
        let mut found = Vec::new();
        for batch in subscriptions.chunks(MOST_SUBSCRIPTIONS) {
            self.all_rows(&query, batch, |row| found.push(ReaderAt::of(row, principal))).await?;
        }
        Ok(found)
    }

    async fn all_rows(&self, query: &str, batch: &[Guid], found: impl FnMut(Row)) -> Result<(), Error> {
        let mut found = found;
        let mut skip_token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = self.page(query, batch, skip_token.as_deref()).await?;
            if page.skip_token.is_none() && page.truncated.as_deref() == Some("true") {
                return Err(Error::new(Code::UnexpectedAnswer, "Resource Graph cut off the rows of arm.resource-graph.query"));
            }
            page.data.into_iter().for_each(&mut found);
            match page.skip_token {
                None => return Ok(()),
                token if token == skip_token => break,
                token => skip_token = token,
            }
        }
        Err(Error::new(Code::UnexpectedAnswer, "the pages of arm.resource-graph.query do not end"))
    }

    /// One page of one batch.
    async fn page(&self, query: &str, batch: &[Guid], skip_token: Option<&str>) -> Result<Rows, Error> {
        let answer = self.query(json!({ "subscriptions": batch }), query, skip_token).await?;
        if answer.status() == 200 { answer.json() } else { Err(failure(&answer)) }
    }

    /// Whether a principal has Reader anywhere in a tenant, but for the assignment that this program makes at a scope. Where Resource Graph
    /// cannot tell, it counts as so.
    ///
    /// Resource Graph lags: what was removed a moment ago may still count, and the connection is kept longer, until a next offboarding
    /// looks again; what was made a moment ago may not count yet, and the next onboarding or sweep makes the connection again.
    ///
    /// # Errors
    /// Those of every call, and `UnexpectedAnswer`.
    pub async fn has_reader_beside(&self, scope: &Scope, principal: Guid, tenant: Guid) -> Result<bool, Error> {
        let everywhere = json!({ "managementGroups": [GroupName::root_of(tenant).as_str()] });
        let answer = self.query(everywhere, &readers_of(principal), None).await?;
        // Beyond 10,000 subscriptions some are left out, and only this header says so.
        let cut_off = answer.header(&CUT_OFF).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match answer.status() {
            200 => {
                let rows: Rows = answer.json()?;
                let ours = assignment_name(scope, principal);
                let are_more = rows.skip_token.is_some() || rows.truncated.as_deref() == Some("true") || cut_off;
                Ok(are_more || rows.data.iter().any(|row| !is_called(&row.id, ours)))
            }
            400 if names(&answer, TOO_MANY) => Ok(true),
            403 => Ok(true),
            _ => Err(failure(&answer)),
        }
    }

    /// Asks one query about a place. Rows of assignments above a subscription come only where they are asked for; a query that does not reach
    /// all subscriptions fails, where `allowPartialScopes` would leave some out.
    async fn query(&self, place: Value, query: &str, skip_token: Option<&str>) -> Result<Answer, Error> {
        let mut body = place;
        body["query"] = json!(query);
        body["options"] = json!({
            "resultFormat": "objectArray", "$top": TOP, "authorizationScopeFilter": "AtScopeAboveAndBelow", "allowPartialScopes": false,
        });
        if let Some(token) = skip_token {
            body["options"]["$skipToken"] = json!(token);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let url = url(self.origin, "/providers/Microsoft.ResourceGraph/resources", &[("api-version", VERSION)])?;
            let place = self.quota.place().await;
            let error = match self.send("arm.resource-graph.query", with_json(request(Method::Post, url), &body)).await {
                Ok(answer) => {
                    place.note(&answer);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            drop(place);
            if error.code != Code::Throttled || tries == MOST_TRIES || !wait_out(&error).await {
                return Err(error);
            }
        }
    }
}

/// Whether an assignment's id ends in this name.
fn is_called(id: &str, name: Guid) -> bool {
    id.rsplit('/').next().is_some_and(|own| own.eq_ignore_ascii_case(&name.to_string()))
}

/// Asks for Reader of a principal, in an order that pages can rely on.
fn readers_of(principal: Guid) -> String {
    format!(
        "authorizationresources\n\
         | where type =~ 'microsoft.authorization/roleassignments'\n\
         | where tostring(properties.principalId) =~ '{principal}'\n\
         | where tostring(properties.roleDefinitionId) endswith '{READER}'\n\
         | project id, scope = tostring(properties.scope), createdOn = tostring(properties.createdOn), \
         description = tostring(properties.description), condition = tostring(properties.condition)\n\
         | order by id asc"
    )
}

/// Whether an error or one of its details has this code: Resource Graph puts its own there, below `BadRequest`.
fn names(answer: &Answer, code: &str) -> bool {
    let body: Value = answer.json().unwrap_or_default();
    let details = body.pointer("/error/details").and_then(Value::as_array).into_iter().flatten();
    answer.error_code().as_deref() == Some(code) || details.map(|detail| &detail["code"]).any(|own| own == code)
}

fn failure(answer: &Answer) -> Error {
    match answer.status() {
        401 => answer.refusal(Code::TokenRefused, "Azure refused the token for Resource Graph"),
        403 => answer.refusal(Code::AuthorizationFailed, "this identity may not ask Resource Graph").hint(
            "Give the login app or managed identity the role \"ISPM onboarder: read\" at the management group; `ispm-onboarder permissions` prints the commands.",
        ),
        _ => answer.failure(Code::UnexpectedAnswer),
    }
}
