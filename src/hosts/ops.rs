//! The ops routes `/api/onboard`, `/api/offboard` and `/api/coverage`: the same on both hosts, but for how the platform lets callers in.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::coverage::{self, Query};
use super::http::{answer_call, caller_id, caller_refused, problem, unread};
use super::{Deployment, take_up};
use crate::callers::{Caller, Role};
use crate::delivery::Delivery;
use crate::request::{Action, parse_call};

/// How the platform has let a caller in.
#[derive(Clone, Debug)]
pub(super) enum LetIn {
    /// The Functions host has checked one of its keys.
    ByKey,
    /// AWS has checked the signature of this ARN; or nobody has checked anything.
    #[cfg(feature = "aws")]
    ByAws(Option<String>),
}

/// A call of an ops route.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub deployment: &'a Deployment,
    pub let_in: LetIn,
    pub headers: &'a HeaderMap,
    pub delivery: Delivery,
}

impl Call<'_> {
    /// `POST /api/onboard`.
    pub async fn onboard(self, body: Result<Bytes, BytesRejection>) -> Response {
        self.act(Role::Onboard, Action::Onboard, body).await.unwrap_or_else(|refusal| refusal)
    }

    /// `POST /api/offboard`: an Entra token with the app role, whatever the platform has checked. The request is on that person's word.
    pub async fn offboard(self, body: Result<Bytes, BytesRejection>) -> Response {
        self.act(Role::Offboard, Action::Offboard, body).await.unwrap_or_else(|refusal| refusal)
    }

    /// `GET /api/coverage`: what the last sweep left of a tenant.
    pub async fn coverage(self, query: &Query) -> Response {
        match self.caller(Role::Read).await {
            Ok(caller) => coverage::answer(&self.deployment.onboarder, &caller, query, self.headers).await,
            Err(refusal) => refusal,
        }
    }

    /// Who calls, within what callers may ask.
    async fn caller(&self, role: Role) -> Result<Caller, Response> {
        let Deployment { callers, rates, .. } = self.deployment;
        let refused = |error| caller_refused(&error, self.headers);
        let roles = [role];
        let recognising = async {
            match &self.let_in {
                _ if role == Role::Offboard => callers.of_token(self.headers, &roles).await,
                LetIn::ByKey => callers.of_keyed_call(self.headers, &roles).await,
                #[cfg(feature = "aws")]
                LetIn::ByAws(iam) => callers.of_call(iam.as_deref(), self.headers, &roles).await,
            }
        };
        // Only whoever proves nothing is bound with the others who do not: a flood of made-up tokens keeps nobody else out.
        let caller = match self.delivery.run(recognising).await {
            Ok(caller) => caller,
            Err(error) => return Err(refused(rates.stranger().err().unwrap_or(error))),
        };
        rates.caller(&caller).map_err(refused)?;
        Ok(caller)
    }

    /// Takes up what is asked, once it is known who asks and that it may name the tenant. Who it was stands in the log and in the result.
    async fn act(self, role: Role, action: Action, body: Result<Bytes, BytesRejection>) -> Result<Response, Response> {
        let body = body.map_err(|rejection| unread(&rejection))?;
        let caller = self.caller(role).await?;
        let inbound = parse_call(&body, action, caller_id(self.headers, self.delivery.id)).of_caller(caller.id());
        let inbound = if action == Action::Offboard { inbound.of_person() } else { inbound };
        let request = inbound.request.as_ref().map_err(|refusal| problem(StatusCode::BAD_REQUEST, &refusal.error))?;
        caller.may_name(request.tenant).map_err(|error| caller_refused(&error, self.headers))?;
        let (function, invocation) = (if action == Action::Offboard { "Offboard" } else { "Onboard" }, self.delivery.id);
        tracing::info!(function, %invocation, %caller, tenant = %request.tenant, scope = %request.scope, "called");
        Ok(answer_call(take_up(&self.deployment.onboarder, function, inbound, self.delivery.by_hand()).await))
    }
}
