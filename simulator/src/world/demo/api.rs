//! The demo's registration of this program's own API, and someone who may call it.

use super::{DemoCast, id};
use crate::World;
use crate::world::Sensitive;

/// Who plays which part in calls of the program's own API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCast {
    /// The API's app, by app id.
    pub client_id: String,
    /// Its App ID URI.
    pub app_id_uri: String,
    /// An app that has every app role on it, by app id.
    pub caller_client_id: String,
    /// Its object id.
    pub caller_principal_id: String,
    /// Its client secret.
    pub caller_secret: Sensitive,
}

/// The app roles of the API.
const ROLES: [&str; 4] = ["Onboarder.Send", "Onboarder.Onboard", "Onboarder.Offboard", "Onboarder.Read"];

impl ApiCast {
    pub(super) fn new() -> Self {
        Self {
            client_id: id("app/api"),
            app_id_uri: "api://contoso-onboarder".to_owned(),
            caller_client_id: id("app/caller"),
            caller_principal_id: id("principal/caller"),
            caller_secret: Sensitive::from("demo~caller~secret~of~no~value"),
        }
    }
}

impl World {
    pub(super) fn add_api(&mut self, cast: &DemoCast) {
        let api = &cast.api;
        self.add_app(&cast.tenant, &api.client_id, &id("principal/api"), None);
        let app = self.applications.entry(api.client_id.clone()).or_default();
        app.identifier_uris = vec![api.app_id_uri.clone()];
        app.app_roles = ROLES.map(str::to_owned).into();
        self.add_app(&cast.tenant, &api.caller_client_id, &api.caller_principal_id, Some(api.caller_secret.reveal()));
        let tenant = self.tenant_mut(&cast.tenant);
        tenant.add_service_principal(&api.client_id, &id("principal/api")).display_name = "ISPM onboarder API".to_owned();
        let caller = tenant.add_service_principal(&api.caller_client_id, &api.caller_principal_id);
        caller.display_name = "Contoso pipeline".to_owned();
        for role in ROLES {
            caller.grant(&api.client_id, role);
        }
    }
}
