//! What taking back needs of Azure Resource Manager.

use azure_core::http::{Method, Url};

use super::arm::{ASSIGNMENTS, RawAssignment, SUBSCRIPTIONS, read_failure};
use super::{Arm, Assignment, assignment_id, request, url};
use crate::error::{Code, Error};
use crate::scope::{Guid, Scope};

impl Arm {
    /// Whether ARM says that a subscription is not there: only 404 with ARM's own word for that. 403 proves nothing, and a 404 without the
    /// word may be a gateway's. Management groups cannot be told so: ARM answers 403 for one that is not there
    /// (<https://github.com/Azure/azure-rest-api-specs/issues/9549>), and 404 for some that are.
    ///
    /// # Errors
    /// Those of reading the subscription, but for that one.
    pub async fn is_gone(&self, id: Guid) -> Result<bool, Error> {
        let scope = Scope::Subscription(id);
        let url = url(self.origin, &scope.path(), &[("api-version", SUBSCRIPTIONS)])?;
        let answer = self.send("arm.subscription.get", request(Method::Get, url)).await?;
        match answer.status() {
            200 => Ok(false),
            404 if answer.error_code().as_deref() == Some("SubscriptionNotFound") => Ok(true),
            _ => Err(read_failure(&answer, &scope)),
        }
    }

    /// Reads the assignment of this name at a scope (<https://learn.microsoft.com/rest/api/authorization/role-assignments/get>).
    ///
    /// # Errors
    /// As [`Arm::subscription`].
    pub async fn assignment(&self, scope: &Scope, name: Guid) -> Result<Option<Assignment>, Error> {
        let answer = self.send("arm.role-assignments.get", request(Method::Get, self.assignment_url(scope, name)?)).await?;
        match answer.status() {
            200 => Ok(Some(answer.json::<RawAssignment>()?.into())),
            404 => Ok(None),
            _ => Err(read_failure(&answer, scope)),
        }
    }

    /// Removes the assignment of this name at a scope; one that is not there is as good
    /// (<https://learn.microsoft.com/rest/api/authorization/role-assignments/delete>: 200 with the assignment, 204 without).
    ///
    /// # Errors
    /// `AuthorizationFailed`, and those of [`Arm::subscription`].
    pub async fn remove_assignment(&self, scope: &Scope, name: Guid) -> Result<(), Error> {
        let answer = self.send("arm.role-assignments.delete", request(Method::Delete, self.assignment_url(scope, name)?)).await?;
        match answer.status() {
            200 | 204 | 404 => Ok(()),
            403 => Err(answer
                .refusal(Code::AuthorizationFailed, &format!("this identity may not remove role assignments at {scope}"))
                .hint(
                    "Give it the role \"ISPM onboarder: remove Reader\"; `ispm-onboarder permissions --allow-offboarding` prints the commands. A \
                     lock of the scope may forbid it too.",
                )),
            _ => Err(read_failure(&answer, scope)),
        }
    }

    fn assignment_url(&self, scope: &Scope, name: Guid) -> Result<Url, Error> {
        url(self.origin, &assignment_id(scope, name), &[("api-version", ASSIGNMENTS)])
    }
}
