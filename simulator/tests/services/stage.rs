//! The demo's world with someone who calls it.

use bytes::Bytes;
use http::Method;
use ispm_onboarder_simulator::{Clock, DemoCast, Recorded, Response, Simulator, World};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

pub const START: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);
pub const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
pub const ARM: &str = "https://management.azure.com";
/// A tenant next to Contoso, in which Contoso's login app has a service principal too.
pub const OTHER_TENANT: &str = "99999999-9999-4999-8999-999999999999";
/// The object id of that service principal.
const OTHER_PRINCIPAL: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

pub struct Stage {
    pub simulator: Simulator,
    pub cast: DemoCast,
}

/// An answer taken apart.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub headers: http::HeaderMap,
}

impl Answered {
    fn of(response: &Response) -> Self {
        Self {
            status: response.status().as_u16(),
            body: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(response.body()).into_owned(),
            headers: response.headers().clone(),
        }
    }

    /// The status with the code of an error in the usual shape.
    pub fn outcome(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Stage {
    /// The login app is Owner of both tenants, below `/`.
    pub fn new() -> Self {
        let stage = Self::without_rights();
        {
            let mut state = stage.simulator.state();
            state.world.tenant_mut(&stage.cast.tenant).assign_owner(&stage.cast.login_principal_id);
            state.world.tenant_mut(OTHER_TENANT).assign_owner(OTHER_PRINCIPAL);
        }
        stage
    }

    /// Nobody who calls has a role in Resource Manager, but for Contributor at the subscription that is full.
    pub fn without_rights() -> Self {
        let (mut world, cast) = (World::demo(7), DemoCast::of(7));
        // Here the login app, the function and its role on AWS try everything out, and the operator is in nobody's list.
        world.aws_mut(&cast.aws.account, &cast.aws.region).allow(&cast.aws.role_arn, &["*"], &["*"]);
        for principal in [&cast.login_principal_id, &cast.function_principal_id] {
            world.give_data_roles(&cast.tenant, principal);
        }
        let tenant = world.tenant_mut(&cast.tenant);
        tenant.role_assignments.retain(|_, found| found.principal_id != cast.operator_principal_id);
        let other = world.tenant_mut(OTHER_TENANT);
        other.add_service_principal(&cast.login_client_id, OTHER_PRINCIPAL).grant_in_graph("Application.Read.All");
        Self { simulator: Simulator::new(world, Clock::starting_at(START)), cast }
    }

    pub fn advance(&self, seconds: i64) {
        self.simulator.clock().advance(time::Duration::seconds(seconds));
    }

    /// Sends a request with these headers.
    pub async fn send(&self, method: Method, url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answered {
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a valid request");
        Answered::of(&self.simulator.exchange(request).await.expect("a whole answer"))
    }

    /// Sends a JSON body with a bearer token.
    pub async fn call(&self, method: Method, url: &str, token: &str, body: Value) -> Answered {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, url, &headers, body).await
    }

    pub async fn get(&self, url: &str, token: &str) -> Answered {
        self.call(Method::GET, url, token, Value::Null).await
    }

    /// Asks Entra for a token.
    pub async fn ask_token(&self, tenant: &str, client_id: &str, secret: &str, scope: &str) -> Answered {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client_id)
            .append_pair("client_secret", secret)
            .append_pair("scope", scope)
            .finish();
        let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, &url, &headers, form).await
    }

    /// A token of the login app for a resource, issued in this tenant.
    pub async fn token_in(&self, tenant: &str, resource: &str) -> String {
        let (client_id, secret) = (&self.cast.login_client_id, self.cast.login_secret.reveal());
        let answered = self.ask_token(tenant, client_id, secret, &format!("{resource}/.default")).await;
        answered.body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {}", answered.text)).to_owned()
    }

    pub async fn token(&self, resource: &str) -> String {
        self.token_in(&self.cast.tenant.clone(), resource).await
    }

    /// A token of a person who has signed in to the Azure CLI.
    pub fn user_token(&self, resource: &str, object_id: &str) -> String {
        self.simulator.user_token(resource, object_id).unwrap_or_else(|| panic!("no person {object_id}")).token
    }

    /// A token of the function's identity.
    pub fn token_of_function(&self, resource: &str) -> String {
        self.simulator.platform_token(resource, None).expect("an identity").token
    }

    /// The calls of one operation, oldest first.
    pub fn recorded(&self, operation: &str) -> Vec<Recorded> {
        let state = self.simulator.state();
        state.requests.iter().filter(|request| request.operation == operation).cloned().collect()
    }

    /// The four ways in which a token can be bad: none, of another audience, of another tenant, and over. Advances the clock by an hour.
    pub async fn bad_tokens(&self, resource: &str) -> [(&'static str, String); 4] {
        let other_resource = if resource == ARM { "https://vault.azure.net" } else { ARM };
        let over = self.token(resource).await;
        self.advance(3600);
        let audience = self.token(other_resource).await;
        let tenant = self.token_in(OTHER_TENANT, resource).await;
        [("none", String::new()), ("audience", audience), ("tenant", tenant), ("over", over)]
    }
}
