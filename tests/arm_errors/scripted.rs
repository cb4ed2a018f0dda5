//! A transport that answers one call of Resource Manager from a recorded shape, and leaves all others to the simulator.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, StatusCode};
use serde::Deserialize;
use serde_json::Value;

/// An answer as it was recorded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Where it was seen.
    pub source: Vec<String>,
    /// Which of status, code and message the source shows.
    pub confirmed: Vec<String>,
    pub status: u16,
    pub headers: std::collections::BTreeMap<String, String>,
    pub body: Value,
}

impl Shape {
    /// Reads `tests/fixtures/arm-errors/{name}.json`.
    pub fn read(name: &str) -> Self {
        let path = folder().join(name).with_extension("json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn answer(&self) -> AsyncRawResponse {
        let mut headers = Headers::new();
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        AsyncRawResponse::from_bytes(StatusCode::from(self.status), headers, self.body.to_string())
    }
}

/// The folder of the recorded shapes.
pub fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/arm-errors")
}

/// Which call is answered from the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Reading the subscription.
    Subscription,
    /// Assigning Reader.
    Assign,
}

impl Asked {
    fn is(self, request: &Request) -> bool {
        let url = request.url();
        let assigns = url.path().contains("/roleAssignments/") && request.method().as_ref() == "PUT";
        let reads = url.path().starts_with("/subscriptions/") && !url.path().contains("/providers/");
        url.host_str() == Some("management.azure.com")
            && match self {
                Self::Subscription => reads,
                Self::Assign => assigns,
            }
    }
}

/// What happens elsewhere while the call is answered.
pub type Meanwhile = Arc<dyn Fn() + Send + Sync>;

/// Answers a call from a shape, the first `times` times.
pub struct Scripted {
    pub simulator: Arc<dyn HttpClient>,
    pub asked: Asked,
    pub shape: Shape,
    pub left: AtomicU32,
    pub meanwhile: Meanwhile,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripted").field("asked", &self.asked).field("left", &self.left).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Scripted {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let scripted =
            self.asked.is(request) && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if scripted {
            (self.meanwhile)();
            Ok(self.shape.answer())
        } else {
            self.simulator.execute_request(request).await
        }
    }
}
