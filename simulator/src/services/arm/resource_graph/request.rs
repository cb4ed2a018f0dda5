//! What a query request says (specification Microsoft.ResourceGraph, `QueryRequest`, 2022-10-01 and 2024-04-01).

use serde::Deserialize;
use serde_json::Value;

use super::super::super::{Call, answer};
use super::errors;
use crate::Response;
use crate::world::guid;

/// The most subscriptions that a request may name (documentation, "Troubleshoot errors using Azure Resource Graph").
const MOST_SUBSCRIPTIONS: usize = 1000;
/// The most rows on a page, and how many there are where the request does not say.
pub(super) const MOST_ROWS: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct QueryRequest {
    #[serde(default)]
    pub subscriptions: Vec<String>,
    #[serde(default)]
    pub management_groups: Vec<String>,
    pub query: String,
    #[serde(default)]
    pub options: Options,
    #[serde(default)]
    facets: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Options {
    #[serde(rename = "$skipToken")]
    pub skip_token: Option<String>,
    #[serde(rename = "$top")]
    pub top: Option<usize>,
    #[serde(rename = "$skip")]
    pub skip: Option<usize>,
    result_format: ResultFormat,
    pub allow_partial_scopes: bool,
    pub authorization_scope_filter: ScopeFilter,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ResultFormat {
    #[default]
    ObjectArray,
    Table,
}

/// Of which levels role assignments are shown, seen from the scopes that the request names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum ScopeFilter {
    #[default]
    #[serde(rename = "AtScopeAndBelow")]
    Below,
    #[serde(rename = "AtScopeAndAbove")]
    Above,
    #[serde(rename = "AtScopeExact")]
    Exact,
    #[serde(rename = "AtScopeAboveAndBelow")]
    AboveAndBelow,
}

impl ScopeFilter {
    pub fn looks_above(self) -> bool {
        matches!(self, Self::Above | Self::AboveAndBelow)
    }

    pub fn looks_below(self) -> bool {
        matches!(self, Self::Below | Self::AboveAndBelow)
    }
}

impl QueryRequest {
    /// Reads the request and refuses what is too much or not modelled.
    pub fn of(call: &Call<'_>) -> Result<Self, Box<Response>> {
        let mut request: Self = serde_json::from_slice(call.request.body())
            .map_err(|cause| errors::bad_request(call, "InvalidRequest", &format!("The request body is not a query request: {cause}.")))?;
        if !request.facets.is_empty() || request.options.result_format == ResultFormat::Table {
            return Err(answer::not_modelled("facets and the result format table of Resource Graph queries"));
        }
        if !request.subscriptions.is_empty() && !request.management_groups.is_empty() {
            return Err(answer::not_modelled("subscriptions and management groups in one Resource Graph query"));
        }
        if request.options.top.is_some_and(|top| !(1..=MOST_ROWS).contains(&top)) {
            return Err(errors::bad_request(call, "InvalidOptions", "The value of $top must be between 1 and 1000."));
        }
        if request.subscriptions.len() > MOST_SUBSCRIPTIONS {
            let message = format!("The number of subscriptions in the request has exceeded the allowed limit {MOST_SUBSCRIPTIONS}.");
            return Err(errors::bad_request(call, "TooManySubscriptions", &message));
        }
        for id in &mut request.subscriptions {
            let Some(valid) = guid(id) else {
                return Err(errors::bad_request(call, "InvalidSubscriptionId", &format!("The subscription id '{id}' is not valid.")));
            };
            *id = valid.to_string();
        }
        Ok(request)
    }
}
