//! Microsoft Graph about the user who is signed in. Only the command line asks.

use azure_core::http::Method;
use serde::Deserialize;
use uuid::uuid;

use super::{Graph, request, url};
use crate::error::{Code, Error};
use crate::net::Answer;
use crate::scope::{Guid, printable};

/// The role Global Administrator, by the id of its template, which is the same in every tenant
/// (<https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference#global-administrator>).
pub const GLOBAL_ADMINISTRATOR: Guid = Guid::from_uuid(uuid!("62e90394-69f5-4237-9190-012177145e10"));

/// A user of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The object id in this directory.
    pub id: Guid,
    /// What it signs in with, fit for printing.
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    id: Guid,
    user_principal_name: Option<String>,
}

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
struct Organization {
    id: Guid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DirectoryRole {
    role_template_id: Option<Guid>,
}

impl Graph {
    /// The user who is signed in (<https://learn.microsoft.com/graph/api/user-get>); `None` where that is no user but an app, to which Graph
    /// answers 400 "/me request is only valid with delegated authentication flow."
    ///
    /// # Errors
    /// `TokenRefused`, `GraphRefused`.
    pub async fn me(&self) -> Result<Option<Person>, Error> {
        let answer = self.of_person("graph.me.get", "/v1.0/me", "id,userPrincipalName").await?;
        match answer.status() {
            200 => {
                let me: Me = answer.json()?;
                let name = me.user_principal_name.as_deref().map_or_else(|| me.id.to_string(), printable);
                Ok(Some(Person { id: me.id, name }))
            }
            400 => Ok(None),
            _ => Err(refused(&answer)),
        }
    }

    /// The tenant that is signed in to (<https://learn.microsoft.com/graph/api/organization-list>).
    ///
    /// # Errors
    /// As [`Graph::me`].
    pub async fn tenant(&self) -> Result<Guid, Error> {
        let answer = self.of_person("graph.organization.list", "/v1.0/organization", "id").await?;
        if answer.status() != 200 {
            return Err(refused(&answer));
        }
        let found: List<Organization> = answer.json()?;
        let none = || Error::new(Code::UnexpectedAnswer, "Graph names no organization of who is signed in");
        found.value.into_iter().next().map(|organization| organization.id).ok_or_else(none)
    }

    /// Whether the user who is signed in is Global Administrator now, also by a group. A role that could be activated does not count
    /// (<https://learn.microsoft.com/graph/api/user-list-transitivememberof>).
    ///
    /// # Errors
    /// As [`Graph::me`].
    pub async fn is_global_administrator(&self) -> Result<bool, Error> {
        let path = "/v1.0/me/transitiveMemberOf/microsoft.graph.directoryRole";
        let answer = self.of_person("graph.me.roles.list", path, "id,roleTemplateId").await?;
        if answer.status() != 200 {
            return Err(refused(&answer));
        }
        let found: List<DirectoryRole> = answer.json()?;
        Ok(found.value.iter().any(|role| role.role_template_id == Some(GLOBAL_ADMINISTRATOR)))
    }

    async fn of_person(&self, name: &'static str, path: &str, select: &str) -> Result<Answer, Error> {
        self.api.send(name, request(Method::Get, url(self.origin, path, &[("$select", select)])?)).await
    }
}

fn refused(answer: &Answer) -> Error {
    let code = if answer.status() == 401 { Code::TokenRefused } else { Code::GraphRefused };
    answer.failure(code).hint("Sign in with `az login --tenant ID` as a user of that tenant.")
}
