//! The function app on the simulator: its router in memory, and its identity.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use azure_core::credentials::TokenCredential;
use ispm_onboarder_simulator::Simulator;
use ispm_onboarder_simulator::platform::Worker;
use tower::ServiceExt as _;

use crate::error::Error;
use crate::identity::Platform;

/// The handler's router, called without a socket.
pub(super) struct InMemory(pub(super) Router);

#[async_trait]
impl Worker for InMemory {
    async fn post(&self, path: &str, body: Bytes) -> (u16, Bytes) {
        let Ok(request) = Request::post(path).header("content-type", "application/json").body(Body::from(body)) else {
            return (502, Bytes::new());
        };
        // The router's error type has no values.
        let Ok(answer) = self.0.clone().oneshot(request).await;
        let status = answer.status().as_u16();
        (status, to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default())
    }
}

/// The simulated platform's managed identity.
#[derive(Debug)]
pub(super) struct SimulatedIdentity(pub(super) Simulator);

impl Platform for SimulatedIdentity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}
