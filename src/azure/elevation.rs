//! A Global Administrator's own way to rights over a whole tenant, and the way back
//! (<https://learn.microsoft.com/azure/role-based-access-control/elevate-access-global-admin>). Only the command line has it.

use azure_core::http::headers::HeaderName;
use azure_core::http::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use uuid::uuid;

use super::arm::{ASSIGNMENTS, List};
use super::{Arm, request, url};
use crate::error::{Code, Error};
use crate::net::{Answer, plain_word};
use crate::scope::{AssignedAt, Guid};

/// The built-in role that elevation gives
/// (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/privileged#user-access-administrator>).
pub const USER_ACCESS_ADMINISTRATOR: Guid = Guid::from_uuid(uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"));

const ELEVATE: &str = "2016-07-01";
const ROLE_ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");
const DATE: HeaderName = HeaderName::from_static("date");
/// More pages than this of one user's assignments would be a loop.
const MOST_PAGES: usize = 50;

/// User Access Administrator at `/`, as one user has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elevation {
    /// The assignment's id, as ARM spells it.
    pub id: String,
    /// The GUID at its end.
    pub name: Guid,
    /// When it was made.
    pub created_on: Option<OffsetDateTime>,
}

/// The ids by which Azure's logs know a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallIds {
    /// Of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Of all that belongs together, by which the activity log is searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// When ARM answered, by its own clock.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub at: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    name: Guid,
    properties: RawProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProperties {
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_on: Option<OffsetDateTime>,
}

impl Arm {
    /// Makes the caller User Access Administrator at `/` (<https://learn.microsoft.com/rest/api/authorization/global-administrator/elevate-access>).
    /// Repeating it changes nothing.
    ///
    /// # Errors
    /// `AuthorizationFailed` for all but a Global Administrator who is a user. Whatever the failure, it may have taken effect.
    pub async fn elevate(&self) -> Result<CallIds, Error> {
        let url = url(self.origin, "/providers/Microsoft.Authorization/elevateAccess", &[("api-version", ELEVATE)])?;
        let answer = self.send("arm.elevate-access", request(Method::Post, url)).await?;
        match answer.status() {
            200 => Ok(CallIds::of(&answer)),
            401 => Err(answer.refusal(Code::TokenRefused, "Azure refused the token of who is signed in").hint(SIGN_IN)),
            403 => Err(answer
                .refusal(Code::AuthorizationFailed, "Azure refused to elevate who is signed in")
                .hint("Only a user with the active role Global Administrator may. Activate the role, if you have to, then sign in again with `az login`.")),
            _ => Err(answer.failure(Code::UnexpectedAnswer)),
        }
    }

    /// What makes a user elevated: its assignments of User Access Administrator at `/` itself. Those elsewhere, and other roles at `/`, are
    /// something else.
    ///
    /// # Errors
    /// `AuthorizationFailed` for whoever has no rights at `/`, which no elevated user is once the elevation works; `UnexpectedAnswer` where
    /// one of them cannot be read.
    pub async fn elevations(&self, user: Guid) -> Result<Vec<Elevation>, Error> {
        let first = self.assignments_of(user)?;
        let list = List { name: "arm.role-assignments.list", first, most_pages: MOST_PAGES, most_tries: 1 };
        let found: Vec<Value> = self.pages(list, directory_failure).await?;
        let (user, role) = (user.to_string(), USER_ACCESS_ADMINISTRATOR.to_string());
        // What else the user has is no matter here, however odd it is.
        let is_elevation = |item: &Value| {
            let text = |name: &str| item.pointer(&format!("/properties/{name}")).and_then(Value::as_str).unwrap_or_default();
            let has_role = text("roleDefinitionId").rsplit('/').next().is_some_and(|own| own.eq_ignore_ascii_case(&role));
            has_role && text("principalId").eq_ignore_ascii_case(&user) && AssignedAt::parse(text("scope")) == AssignedAt::Directory
        };
        let elevation = |item: Value| {
            let raw: Raw = serde_json::from_value(item)
                .map_err(|_| Error::new(Code::UnexpectedAnswer, "ARM lists an elevation that cannot be read"))?;
            Ok(Elevation { id: raw.id, name: raw.name, created_on: raw.properties.created_on })
        };
        found.into_iter().filter(is_elevation).map(elevation).collect()
    }

    /// What time it is by ARM's own clock, which also says when an assignment was made. Any answer tells, a refusal too.
    ///
    /// # Errors
    /// `UnexpectedAnswer` where the answer has no date, and those of every call.
    pub async fn time(&self, user: Guid) -> Result<OffsetDateTime, Error> {
        let answer = self.send("arm.role-assignments.list", request(Method::Get, self.assignments_of(user)?)).await?;
        CallIds::of(&answer).at.ok_or_else(|| Error::new(Code::UnexpectedAnswer, "ARM does not say what time it is"))
    }

    fn assignments_of(&self, user: Guid) -> Result<Url, Error> {
        url(self.origin, ROLE_ASSIGNMENTS, &[("api-version", ASSIGNMENTS), ("$filter", &format!("principalId eq '{user}'"))])
    }

    /// Removes an assignment at `/` by its name. `None` where ARM does not find it: it is gone, or not known everywhere yet.
    ///
    /// # Errors
    /// `AuthorizationFailed` where the rights for it do not work, or do not work yet.
    pub async fn end_elevation(&self, name: Guid) -> Result<Option<CallIds>, Error> {
        let url = url(self.origin, &format!("{ROLE_ASSIGNMENTS}/{name}"), &[("api-version", ASSIGNMENTS)])?;
        let answer = self.send("arm.role-assignments.delete", request(Method::Delete, url)).await?;
        match answer.status() {
            200 => Ok(Some(CallIds::of(&answer))),
            204 | 404 => Ok(None),
            _ => Err(directory_failure(&answer)),
        }
    }
}

/// What helps where ARM goes by what it knew of a user when it signed in.
pub const SIGN_IN: &str = "Sign in again with `az login`, then run the command again.";

fn directory_failure(answer: &Answer) -> Error {
    match answer.status() {
        401 => answer.refusal(Code::TokenRefused, "Azure refused the token of who is signed in").hint(SIGN_IN),
        403 => answer.refusal(Code::AuthorizationFailed, "who is signed in has no rights at /"),
        _ => answer.failure(Code::UnexpectedAnswer),
    }
}

impl CallIds {
    fn of(answer: &Answer) -> Self {
        let id = |name| answer.header(name).and_then(plain_word).map(str::to_owned);
        let at = answer.header(&DATE).and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        Self { request_id: id(&REQUEST_ID), correlation_id: id(&CORRELATION_ID), at }
    }
}
