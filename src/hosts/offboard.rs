//! `POST /api/offboard`, the same on both hosts: an Entra token with the app role, whatever else the platform has checked.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::http::{answer_call, caller_id, caller_refused, problem, unread};
use super::{Deployment, take_up};
use crate::callers::Role;
use crate::delivery::Delivery;
use crate::request::{Action, parse_call};

/// Answers a call. Who asked stands in the log, and the request is on that person's word.
pub(super) async fn answer(
    deployment: &Deployment,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    delivery: Delivery,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let caller = match delivery.run(deployment.callers.of_token(headers, &[Role::Offboard])).await {
        Ok(caller) => caller,
        Err(error) => return caller_refused(&error),
    };
    let inbound = parse_call(&body, Action::Offboard, caller_id(headers, delivery.id)).of_person();
    let request = match &inbound.request {
        Ok(request) => request,
        Err(refusal) => return problem(StatusCode::BAD_REQUEST, &refusal.error),
    };
    if let Err(error) = caller.may_name(request.tenant) {
        return caller_refused(&error);
    }
    let (function, invocation) = ("Offboard", delivery.id);
    tracing::info!(function, %invocation, %caller, tenant = %request.tenant, scope = %request.scope, "called");
    answer_call(take_up(&deployment.onboarder, function, inbound, delivery).await)
}
