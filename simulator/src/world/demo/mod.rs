//! The estate that the demo and `simulate` use: one tenant, Contoso, with one subscription for each story that onboarding can tell.

mod api;
mod aws;
mod estate;

use serde_json::json;

pub use api::ApiCast;
pub use aws::AwsCast;
pub use estate::EstateCast;

use crate::cloud::Cloud;

use super::{ManagedIdentity, Moment, Scope, Sensitive, World, made_up_id};

/// The smallest estate: one subscription for each story and one more that is new.
pub const LEAST_SUBSCRIPTIONS: usize = 7;
/// How long Resource Manager does not know the late subscription, in seconds.
pub const LATE_SECONDS: u32 = 240;

/// The name that the administrator signs in with.
const ADMINISTRATOR: &str = "robin@contoso.example";
/// The token that the ISPM console takes.
const ISPM_TOKEN: &str = "demo~ispm~token~of~no~value";
/// The Contributor role's GUID (Azure built-in roles).
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";

/// Who plays which part in [`World::demo`]. Subscriptions are given by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoCast {
    /// The tenant's id, which is the root management group's name too.
    pub tenant: String,
    /// New: gets the role.
    pub new: String,
    /// Someone gave it the role by hand, under a name of their own.
    pub by_hand: String,
    /// Covered by the role at its management group `corp`.
    pub inherited: String,
    /// Disabled, and kept out by policy for that.
    pub disabled: String,
    /// Has as many role assignments as it may have.
    pub at_limit: String,
    /// Not visible to Resource Manager during the first four minutes.
    pub late: String,
    /// The name of the management group to onboard.
    pub management_group: String,
    /// Further new subscriptions.
    pub more: Vec<String>,
    /// The app that ISPM reads with, by app id.
    pub ispm_client_id: String,
    /// Its object id.
    pub ispm_principal_id: String,
    /// The app that onboarding signs in as, by app id.
    pub login_client_id: String,
    /// Its object id.
    pub login_principal_id: String,
    /// Its client secret.
    pub login_secret: Sensitive,
    /// The managed identity of the function, by client id.
    pub function_client_id: String,
    /// Its object id.
    pub function_principal_id: String,
    /// An app that may do everything in the tenant, by app id: whoever sits at a command line signs in as it, by its secret or as a managed
    /// identity of this client id.
    pub operator_client_id: String,
    /// Its object id.
    pub operator_principal_id: String,
    /// Its client secret.
    pub operator_secret: Sensitive,
    /// Someone who is a Global Administrator and has no role in Azure, by object id.
    pub administrator: String,
    /// The key vault's name.
    pub vault: String,
    /// The results topic's host.
    pub topic: String,
    /// The Storage account's name.
    pub storage_account: String,
    /// The queue's name.
    pub queue: String,
    /// The name of the container for reports.
    pub report_container: String,
    /// The name of the container for dead letters.
    pub dead_letter_container: String,
    /// The ISPM console's host.
    pub ispm_host: String,
    /// The name of the Entra source that the console reads Contoso's directory by.
    pub entra_source: String,
    /// The deployment on AWS.
    pub aws: AwsCast,
    /// The program's own API and who calls it.
    pub api: ApiCast,
}

/// What every deployment of the demo holds, wherever it runs.
struct Deployment {
    /// Names and values of the secrets.
    secrets: [(String, String); 3],
}

fn id(of: &str) -> String {
    made_up_id(&format!("contoso/{of}")).to_string()
}

impl DemoCast {
    /// The cast of an estate with this many subscriptions, at least [`LEAST_SUBSCRIPTIONS`].
    #[must_use]
    pub fn of(subscriptions: usize) -> Self {
        let more = 1..=subscriptions.max(LEAST_SUBSCRIPTIONS) + 1 - LEAST_SUBSCRIPTIONS;
        Self {
            tenant: id("tenant"),
            new: id("subscription/new"),
            by_hand: id("subscription/by hand"),
            inherited: id("subscription/inherited"),
            disabled: id("subscription/disabled"),
            at_limit: id("subscription/at limit"),
            late: id("subscription/late"),
            management_group: "online".to_owned(),
            more: more.map(|number| id(&format!("subscription/more {number}"))).collect(),
            ispm_client_id: id("app/ispm"),
            ispm_principal_id: id("principal/ispm"),
            login_client_id: id("app/login"),
            login_principal_id: id("principal/login"),
            login_secret: Sensitive::from("demo~login~secret~of~no~value"),
            function_client_id: id("app/function"),
            function_principal_id: id("principal/function"),
            operator_client_id: id("app/operator"),
            operator_principal_id: id("principal/operator"),
            operator_secret: Sensitive::from("demo~operator~secret~of~no~value"),
            administrator: id("user/administrator"),
            vault: "contoso-onboarder".to_owned(),
            topic: "contoso-results.westeurope-1.eventgrid.azure.net".to_owned(),
            storage_account: "contosoonboarder".to_owned(),
            queue: "onboarding".to_owned(),
            report_container: "report".to_owned(),
            dead_letter_container: "dead-letters".to_owned(),
            ispm_host: "contoso.spera-app.com".to_owned(),
            entra_source: "Contoso Entra ID".to_owned(),
            aws: AwsCast::new(),
            api: ApiCast::new(),
        }
    }
}

impl World {
    /// The demo's estate with this many subscriptions, at least [`LEAST_SUBSCRIPTIONS`]. The same number gives the same world. Nobody but the
    /// operator has any rights in it: what the deployment may do, whoever deploys it has to say.
    #[must_use]
    pub fn demo(subscriptions: usize) -> Self {
        let cast = DemoCast::of(subscriptions);
        let mut world = Self::empty();
        world.add_directory(&cast);
        world.add_estate(&cast);
        let deployment = Deployment::of(&cast);
        world.add_azure(&cast, &deployment);
        world.add_aws(&cast, &deployment);
        world.add_api(&cast);
        world.make_operator(&cast.tenant, &cast.operator_principal_id);
        world
    }

    /// Puts the demo's estate into Azure US Government: where a host names the region, the cast has another one from now on.
    pub fn move_to_us_government(&mut self, cast: &mut DemoCast) {
        let (public, government) = (Cloud::Public, Cloud::UsGovernment);
        self.settings.cloud = government;
        let topic = cast.topic.replace("westeurope", "usgovvirginia").replace(public.event_grid(), government.event_grid());
        if let Some(moved) = self.topics.remove(&cast.topic) {
            self.topics.insert(topic.clone(), moved);
        }
        cast.topic = topic;
        let credentials = self.applications.values_mut().flat_map(|app| &mut app.federated_credentials);
        for audience in credentials.flat_map(|credential| &mut credential.audiences) {
            if audience == public.token_exchange_audience() {
                government.token_exchange_audience().clone_into(audience);
            }
        }
    }

    fn add_directory(&mut self, cast: &DemoCast) {
        self.tenant_mut(&cast.tenant).display_name = "Contoso".to_owned();
        self.add_app(&cast.tenant, &cast.ispm_client_id, &cast.ispm_principal_id, None);
        self.add_app(&cast.tenant, &cast.login_client_id, &cast.login_principal_id, Some(cast.login_secret.reveal()));
        self.add_app(&cast.tenant, &cast.operator_client_id, &cast.operator_principal_id, Some(cast.operator_secret.reveal()));
        self.add_system_identity(&cast.tenant, &cast.function_client_id, &cast.function_principal_id);
        // Beside the function's own: whoever asks for this one by its client id works as the operator.
        self.platform.identities.push(ManagedIdentity {
            tenant_id: cast.tenant.clone(),
            client_id: cast.operator_client_id.clone(),
            principal_id: cast.operator_principal_id.clone(),
            system_assigned: false,
        });
        self.platform.identity_header = Sensitive::from("demo-identity-header");
        let tenant = self.tenant_mut(&cast.tenant);
        let administrator = tenant.add_user(&cast.administrator, ADMINISTRATOR);
        "Robin Admin".clone_into(&mut administrator.display_name);
        administrator.global_administrator = true;
        let names = [
            (&cast.ispm_principal_id, "Okta ISPM"),
            (&cast.login_principal_id, "ISPM onboarder"),
            (&cast.function_principal_id, "contoso-onboarder-function"),
            (&cast.operator_principal_id, "Contoso operator"),
        ];
        for (principal, name) in names {
            if let Some(principal) = tenant.service_principals.get_mut(principal) {
                name.clone_into(&mut principal.display_name);
            }
        }
    }

    fn add_estate(&mut self, cast: &DemoCast) {
        let root = &cast.tenant;
        let tenant = self.tenant_mut(root);
        for (name, parent) in [
            ("platform", root.as_str()),
            ("landing-zones", root),
            ("corp", "landing-zones"),
            ("online", "landing-zones"),
            ("sandbox", root),
        ] {
            tenant.add_management_group(name, parent);
        }
        tenant.add_subscription(&cast.new, "payments", "landing-zones");
        tenant.add_subscription(&cast.by_hand, "shared-network", "platform");
        tenant.add_subscription(&cast.inherited, "intranet", "corp");
        tenant.add_subscription(&cast.disabled, "old-prototype", "sandbox").state = "Disabled".to_owned();
        tenant.add_subscription(&cast.at_limit, "data-platform", "landing-zones");
        tenant.add_subscription(&cast.late, "identity", "platform").visible_from = Some(Moment::AfterStart(LATE_SECONDS));
        for (number, id) in (1..).zip(&cast.more) {
            tenant.add_subscription(id, &format!("team-{number:03}"), "sandbox");
        }
        tenant.assign_reader(&Scope::Subscription(cast.by_hand.clone()), &cast.ispm_principal_id);
        tenant.assign_reader(&Scope::ManagementGroup("corp".to_owned()), &cast.ispm_principal_id);
        let full = Scope::Subscription(cast.at_limit.clone());
        tenant.assign(&full, CONTRIBUTOR, &cast.api.caller_principal_id);
        // One is as good as four thousand, and quicker to print.
        tenant.role_assignment_limits.insert(full.to_string(), 1);
    }

    fn add_azure(&mut self, cast: &DemoCast, deployment: &Deployment) {
        self.add_vault(&cast.vault, &cast.tenant);
        for (name, value) in &deployment.secrets {
            self.set_secret(&cast.vault, name, value);
        }
        self.add_topic(&cast.topic, &cast.tenant);
        self.add_queue(&cast.storage_account, &cast.queue, &cast.tenant);
        for container in [&cast.report_container, &cast.dead_letter_container] {
            self.add_container(&cast.storage_account, container, &cast.tenant);
        }
        self.add_entra_source(&cast.ispm_host, ISPM_TOKEN, &cast.entra_source, &cast.tenant, &cast.ispm_client_id);
    }
}

impl Deployment {
    fn of(cast: &DemoCast) -> Self {
        const LOGIN_SECRET: &str = "contoso-login-secret";
        const TOKEN_SECRET: &str = "contoso-ispm-token";
        let record = json!({
            "schemaVersion": 1,
            "tenantId": cast.tenant,
            "app": {"clientId": cast.ispm_client_id},
            "login": {"method": "client-secret", "clientId": cast.login_client_id, "secretName": LOGIN_SECRET},
            "ispm": {
                "url": format!("https://{}", cast.ispm_host),
                "tokenSecretName": TOKEN_SECRET,
                "entraSource": cast.entra_source,
                "connect": {"mode": "default"},
            },
            "policy": {"assign": "always", "acceptInherited": true, "exclude": [{"state": "Disabled"}], "offboard": "never"},
        });
        let secrets = [
            (format!("ispm-onboarder-{}", cast.tenant), record.to_string()),
            (LOGIN_SECRET.to_owned(), cast.login_secret.reveal().to_owned()),
            (TOKEN_SECRET.to_owned(), ISPM_TOKEN.to_owned()),
        ];
        Self { secrets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_as_many_subscriptions_as_asked_and_no_fewer_than_the_stories() {
        for (asked, there) in [(0, 7), (7, 7), (12, 12)] {
            let world = World::demo(asked);
            let count: usize = world.tenants.values().map(|tenant| tenant.subscriptions.len()).sum();
            assert_eq!(count, there);
            assert_eq!(DemoCast::of(asked).more.len(), there - 6);
        }
    }

    #[test]
    fn is_the_same_every_time_and_survives_a_file() -> Result<(), serde_json::Error> {
        let world = World::demo(9);
        let text = serde_json::to_string(&world)?;
        assert_eq!(text, serde_json::to_string(&World::demo(9))?);
        assert_eq!(serde_json::from_str::<World>(&text)?, world);
        Ok(())
    }

    #[test]
    fn shows_no_secret() -> Result<(), serde_json::Error> {
        let world = World::demo(7);
        let shown = format!("{:?} {}", world, serde_json::to_string(&world.summary())?);
        for secret in ["of~no~value", "demo-identity-header"] {
            assert!(!shown.contains(secret), "{secret} is shown");
        }
        Ok(())
    }

    #[test]
    fn a_file_with_an_unknown_field_is_refused() {
        let refused = serde_json::from_str::<World>(r#"{"settings": {"trottle": true}}"#);
        assert!(refused.is_err_and(|error| error.to_string().contains("trottle")));
    }
}
