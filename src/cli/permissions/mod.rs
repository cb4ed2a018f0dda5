//! `ispm-onboarder permissions`

mod aws;
mod commands;
mod federation;

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::show::table;
use super::{Output, Tally, Wrong, compose};
use crate::azure::READER;
use crate::cloud::Cloud;
use crate::permissions::{Holder, Permissions};
use crate::scope::{Guid, Scope};

/// List what has to be permitted to whom, and the commands that permit it.
#[derive(Debug, Args)]
pub(super) struct ListPermissions {
    /// What holds all that is to be onboarded: `mg:NAME`, a subscription, or another scope as `onboard` takes it.
    #[arg(long)]
    scope: Option<String>,
    /// The tenant's id; needed with `--scope tenant-root` only.
    #[arg(long)]
    tenant: Option<String>,
    /// The application (client) id of the app through which ISPM reads.
    #[arg(long)]
    app: Option<String>,
    /// The object id of that app's service principal.
    #[arg(long)]
    principal: Option<String>,
    /// The object id of what signs in to the tenant: the function's identity, or the login app's service principal.
    #[arg(long)]
    login: Option<String>,
    /// Leave the right to assign roles out, and assign Reader to the ISPM app here and now.
    #[arg(long)]
    verify_only: bool,
    /// Add the right to remove Reader from the ISPM app again, without which nothing is offboarded.
    #[arg(long)]
    allow_offboarding: bool,
    #[command(flatten)]
    aws: aws::Typed,
    #[command(flatten)]
    federation: federation::TypedIdentity,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// What is known of a deployment.
#[derive(Debug)]
struct Known {
    cloud: Cloud,
    scope: Option<Scope>,
    app: Option<Guid>,
    principal: Option<Guid>,
    login: Option<Guid>,
    aws: aws::Given,
    federation: federation::Given,
}

impl ListPermissions {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let known = self.known()?;
        let permissions = self.wanted(&known)?;
        let steps = commands::steps(&permissions, &known);
        let unknown = commands::placeholders(&steps, &known);
        match self.output {
            Output::Json => println!("{}", document(&permissions, &known, &steps, &unknown)),
            Output::Table => print(&permissions, &steps, &unknown),
        }
        Ok(Tally::default())
    }

    /// The permissions that this deployment asks for.
    fn wanted(&self, known: &Known) -> Result<Permissions, Wrong> {
        let broken = |error| Wrong::new(format!("this program was built with a broken list of permissions: {error}"));
        let mut permissions = Permissions::shipped().map_err(broken)?;
        permissions.custom_roles.retain(|role| match (role.is_held(), role.removes()) {
            (_, true) => self.allow_offboarding,
            (held, false) => !(held && self.verify_only),
        });
        if !self.verify_only {
            permissions.built_in_roles.retain(|role| role.holder != Holder::IspmApp);
        }
        // What is given on Azure's side of a deployment there is not needed by one on AWS.
        if known.aws.federates() {
            permissions.built_in_roles.retain(|role| role.holder == Holder::IspmApp);
        }
        // Then the tenant record can hold it, and nobody has to look it up.
        if known.principal.is_some() {
            permissions.graph.clear();
        }
        Ok(permissions)
    }

    fn known(&self) -> Result<Known, Wrong> {
        let show = "`az ad sp show --id CLIENT-ID --query id -o tsv` prints the object id.";
        let list = "`az ad sp list --display-name NAME --query \"[].appId\" -o tsv` prints the client id.";
        let app = guid("--app", self.app.as_deref(), list)?;
        let principal = guid("--principal", self.principal.as_deref(), show)?;
        let login = guid("--login", self.login.as_deref(), show)?;
        for (option, given) in [("--principal", principal), ("--login", login)] {
            if given.is_some() && given == app {
                let message = format!("{option} is the client id of --app: roles are given to the object id of its service principal");
                return Err(Wrong::new(message).hint(show));
            }
        }
        let federation = self.federation.read()?;
        let aws = self.aws.read(federation.federates())?;
        for (option, given) in [("--principal", principal), ("--login", login)] {
            if given.is_some() && given == aws.login_app {
                let message =
                    format!("--login-app is the object id of {option}: a federated credential is made at the app, by its client id");
                return Err(Wrong::new(message).hint(list));
            }
        }
        Ok(Known { cloud: compose::cloud()?, scope: self.scope()?, app, principal, login, aws, federation })
    }

    fn scope(&self) -> Result<Option<Scope>, Wrong> {
        let Some(typed) = self.scope.as_deref() else { return Ok(None) };
        let tenant = guid("--tenant", self.tenant.as_deref(), TENANT)?;
        if tenant.is_none() && typed.trim() == "tenant-root" {
            let message = "--scope tenant-root is the management group whose name is the tenant's id, and the tenant is not said";
            return Err(Wrong::new(message).hint(format!("Add --tenant ID. {TENANT}")));
        }
        // Nothing but tenant-root asks for it.
        let tenant = tenant.unwrap_or(Guid::from_uuid(Uuid::nil()));
        let scope = Scope::parse_typed(typed, tenant).map_err(|error| Wrong::new(format!("--scope: {error}")).hint(super::onboard::SCOPES));
        scope.map(Some)
    }
}

const TENANT: &str = "`az account show --query tenantId -o tsv` prints the tenant's id.";

fn guid(option: &str, typed: Option<&str>, hint: &str) -> Result<Option<Guid>, Wrong> {
    typed.map(Guid::parse).transpose().map_err(|error| Wrong::new(format!("{option}: {error}")).hint(hint))
}

fn document(permissions: &Permissions, known: &Known, steps: &[commands::Step], unknown: &[commands::Placeholder]) -> Value {
    let roles = permissions.custom_roles.iter().map(|role| {
        let condition = role.condition(READER, &commands::holder(Holder::IspmApp, known));
        json!({
            "definition": commands::definition(role, known),
            "assignee": commands::holder(role.holder, known),
            "condition": condition,
            "conditionVersion": condition.as_ref().map(|_| commands::CONDITION_VERSION),
        })
    });
    json!({
        "permissions": permissions.rows(),
        "customRoles": roles.collect::<Vec<_>>(),
        "aws": {
            "rolePolicy": aws::policy(permissions, known, false),
            "keyPolicy": aws::policy(permissions, known, true),
            "federatedCredential": aws::credential(known),
        },
        "federatedCredential": federation::credential(known),
        "placeholders": unknown,
        "commands": steps,
    })
}

fn print(permissions: &Permissions, steps: &[commands::Step], unknown: &[commands::Placeholder]) {
    let mut rows = table(&["HOLDER", "PERMISSION", "WHERE", "FOR", "CODE"]);
    for row in permissions.rows() {
        rows.add_row([row.holder.to_string(), row.permission, row.on, row.purpose, row.code]);
    }
    println!("{rows}\n");
    if !unknown.is_empty() {
        println!("# Replace what is in capitals:");
        for placeholder in unknown {
            println!("#   {}: {}", placeholder.name, placeholder.find);
        }
        println!();
    }
    for step in steps {
        println!("# {}\n{}\n", step.purpose, step.command);
    }
}
