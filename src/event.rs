//! What events have in common, in and out.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scope::Guid;

/// The version of CloudEvents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum Specversion {
    /// CloudEvents 1.0.
    #[serde(rename = "1.0")]
    V1,
}

/// What caused a request: enough to recognise its repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// The event's `source` (Event Grid schema: `topic`), or a name of ours for a call without an event.
    pub source: String,
    /// The event's `id`, or the caller's.
    pub id: String,
    /// The event's `type`, or a name of ours.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Who called, by an Entra token: what the directory knows a person or an app by, and no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallerId {
    /// The caller's tenant.
    pub tenant_id: Guid,
    /// The object id of the user or service principal there.
    pub object_id: Guid,
}

impl fmt::Display for CallerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {} of tenant {}", self.object_id, self.tenant_id)
    }
}
