//! Resource providers of a subscription (specification Microsoft.Resources, providers, 2021-04-01 and later): here Microsoft.Management
//! alone, which some clients register before they ask for management groups.

use serde_json::json;

use super::super::{Answer, Call, answer};
use super::api_version::check_api_version;
use super::{access, check_parameters};
use crate::token::Claims;
use crate::world::Scope;

const API_VERSIONS: [&str; 2] = ["2021-04-01", "2024-11-01"];
/// The one provider that is modelled, in lower case.
pub(super) const NAMESPACE: &str = "microsoft.management";

pub(super) fn get(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    shown(call, caller, scope, "Microsoft.Resources/subscriptions/providers/read")
}

/// Every simulated subscription has the provider registered, so that doing it again changes nothing.
pub(super) fn register(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    shown(call, caller, scope, "Microsoft.Management/register/action")
}

fn shown(call: &Call<'_>, caller: &Claims, scope: &Scope, action: &str) -> Answer {
    check_api_version(call, &API_VERSIONS)?;
    check_parameters(call, &["api-version"])?;
    access::authorize(call, caller, action, scope)?;
    Ok(answer::json(
        200,
        &json!({
            "id": format!("{scope}/providers/Microsoft.Management"),
            "namespace": "Microsoft.Management",
            "registrationPolicy": "RegistrationRequired",
            "registrationState": "Registered",
            "resourceTypes": [],
        }),
    ))
}
