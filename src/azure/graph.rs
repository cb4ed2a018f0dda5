//! Microsoft Graph: the service principal behind an app id.

use azure_core::http::Method;
use serde::Deserialize;

use super::{request, url};
use crate::cloud::Cloud;
use crate::error::{Code, Error};
use crate::net::Api;
use crate::scope::Guid;

/// Microsoft Graph v1.0, signed in to one tenant.
#[derive(Debug)]
pub struct Graph {
    pub(super) api: Api,
    pub(super) origin: &'static str,
}

#[derive(Deserialize)]
struct ServicePrincipal {
    id: Guid,
}

impl Graph {
    /// The cloud's Graph over a pipeline that authorises for [`Cloud::graph_scope`].
    #[must_use]
    pub const fn new(api: Api, cloud: Cloud) -> Self {
        Self { api, origin: cloud.graph() }
    }

    /// The object id of an app's service principal in this tenant
    /// (<https://learn.microsoft.com/graph/api/serviceprincipal-get>). An app may read itself without a permission.
    ///
    /// # Errors
    /// `PrincipalNotFound` on 404, which can also be replication lag; `GraphRefused` on 403.
    pub async fn service_principal(&self, app_id: Guid) -> Result<Guid, Error> {
        let path = format!("/v1.0/servicePrincipals(appId='{app_id}')");
        let url = url(self.origin, &path, &[("$select", "id,appId")])?;
        let answer = self.api.send("graph.service-principal.get", request(Method::Get, url)).await?;
        match answer.status() {
            200 => answer.json::<ServicePrincipal>().map(|principal| principal.id),
            401 => Err(answer.failure(Code::TokenRefused)),
            403 => Err(answer
                .failure(Code::GraphRefused)
                .hint("Set app.principalId in the tenant record, or grant the login app Application.Read.All.")),
            404 => Err(answer
                .refusal(Code::PrincipalNotFound, &format!("Graph knows no service principal of app {app_id} in this tenant"))
                .hint("Finish ISPM's Microsoft Entra ID integration first, and check app.clientId in the tenant record.")),
            _ => Err(answer.failure(Code::UnexpectedAnswer)),
        }
    }
}
