//! What a login app needs that trusts the function's managed identity: a credential at the app, and nothing stored anywhere.

use clap::Args;
use serde_json::{Value, json};

use super::commands::{Step, given_or};
use super::{Known, TENANT, Wrong, guid};
use crate::scope::Guid;

const FIND_IDENTITY: &str = "`az identity show -g GROUP -n NAME --query principalId -o tsv` prints the object id.";

/// The options about a managed identity whose word signs in.
#[derive(Debug, Args)]
pub(super) struct TypedIdentity {
    /// The object (principal) id of the function's managed identity: adds the federated credential that lets it sign in as the login app.
    #[arg(long, value_name = "PRINCIPAL_ID", conflicts_with_all = ["aws_role", "aws_issuer"])]
    identity: Option<String>,
    /// The id of the tenant that the managed identity is of, and the login app too.
    #[arg(long, value_name = "TENANT_ID", conflicts_with_all = ["aws_role", "aws_issuer"])]
    identity_tenant: Option<String>,
}

/// What is known of the managed identity.
#[derive(Debug)]
pub(super) struct Given {
    principal: Option<Guid>,
    tenant: Option<Guid>,
}

impl TypedIdentity {
    pub(super) fn read(&self) -> Result<Given, Wrong> {
        let principal = guid("--identity", self.identity.as_deref(), FIND_IDENTITY)?;
        Ok(Given { principal, tenant: guid("--identity-tenant", self.identity_tenant.as_deref(), TENANT)? })
    }
}

impl Given {
    /// Whether a login by the identity's word was asked for.
    pub(super) fn federates(&self) -> bool {
        self.principal.is_some() || self.tenant.is_some()
    }
}

/// The federated credential of the login app
/// (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity>).
pub(super) fn credential(known: &Known) -> Option<Value> {
    let given = &known.federation;
    given.federates().then(|| {
        json!({
            "name": "ispm-onboarder",
            "description": "Lets the managed identity of ispm-onboarder's function sign in as this app.",
            "issuer": format!("{}/{}/v2.0", known.cloud.authority(), given_or(given.tenant, "IDENTITY-TENANT-ID")),
            "subject": given_or(given.principal, "IDENTITY-PRINCIPAL"),
            "audiences": [known.cloud.token_exchange_audience()],
        })
    })
}

/// The step at the login app, in the function's own tenant.
pub(super) fn step(known: &Known) -> Option<Step> {
    let credential = credential(known)?;
    let app = given_or(known.aws.login_app, "LOGIN-APP-ID");
    let file = "ispm-onboarder-federated-credential.json";
    let create = format!("az ad app federated-credential create --id {app} --parameters @{file}");
    Some(Step {
        purpose: "In the function's own tenant, the login app trusts the function's user-assigned managed identity".to_owned(),
        command: format!("cat > {file} <<'END'\n{credential:#}\nEND\n{create}"),
    })
}

/// What stands in capitals in this step, each with the command that prints its value.
pub(super) fn placeholders() -> [(&'static str, String); 2] {
    [
        ("IDENTITY-TENANT-ID", "az account show --query tenantId -o tsv".to_owned()),
        ("IDENTITY-PRINCIPAL", "az identity show -g GROUP -n NAME --query principalId -o tsv".to_owned()),
    ]
}
