//! Who is signed in: only an active Global Administrator of the tenant, a person, by the Azure CLI.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::HttpClient;

use super::Stopped;
use super::say::Voice;
use crate::azure::{Arm, Graph, Person};
use crate::cli::Wrong;
use crate::cloud::Cloud;
use crate::doctor::claims::Identity;
use crate::error::{Code, Error};
use crate::identity::{Platform, SignIn, azure_cli};
use crate::net::{self, Api, Posts};
use crate::scope::Guid;

/// Whoever is signed in to the Azure CLI, in one tenant. Never a managed identity and never a record's login: what elevates is a person.
#[derive(Debug)]
pub(super) struct AzureCliOf(pub(super) Guid);

impl Platform for AzureCliOf {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        azure_cli(Some(self.0))
    }
}

/// One person all the way: a token of anybody else, who signed in meanwhile, is not used.
#[derive(Clone, Debug)]
struct OneOnly {
    who: Arc<dyn Platform>,
    owner: Arc<OnceLock<Guid>>,
}

impl Platform for OneOnly {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(Arc::new(OfOne { credential: self.who.credential()?, owner: self.owner.clone() }))
    }
}

#[derive(Debug)]
struct OfOne {
    credential: Arc<dyn TokenCredential>,
    owner: Arc<OnceLock<Guid>>,
}

#[async_trait]
impl TokenCredential for OfOne {
    async fn get_token(&self, scopes: &[&str], options: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let token = self.credential.get_token(scopes, options).await?;
        let found = Identity::of(token.token.secret()).map(|identity| identity.object_id);
        if found.is_some_and(|found| *self.owner.get_or_init(|| found) == found) {
            return Ok(token);
        }
        let now = found.map_or_else(|| "somebody whom the token does not name".to_owned(), |found| found.to_string());
        let before = self.owner.get().map(|owner| format!(", no longer as {owner}")).unwrap_or_default();
        let error = Error::new(Code::CredentialRefused, format!("the Azure CLI is signed in as {now}{before}"))
            .hint("Sign in again with `az login` as the one who ran this command.");
        Err(SdkError::new(ErrorKind::Credential, error))
    }
}

/// The person, with what calls are made with in its name.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) person: Person,
    pub(super) arm: Arm,
    who: Arc<dyn Platform>,
    transport: Arc<dyn HttpClient>,
    cloud: Cloud,
    voice: Arc<dyn Voice>,
    /// Whether the rights that an elevation gives were seen to work.
    worked: Cell<bool>,
}

impl Admin {
    /// Finds out who is signed in, and that it may elevate itself.
    pub(super) async fn signed_in(
        who: Arc<dyn Platform>,
        transport: &Arc<dyn HttpClient>,
        cloud: Cloud,
        tenant: Guid,
        voice: Arc<dyn Voice>,
    ) -> Result<Self, Stopped> {
        let owner = Arc::new(OnceLock::new());
        let who: Arc<dyn Platform> = Arc::new(OneOnly { who, owner: owner.clone() });
        let credential = who.credential()?;
        if credential.get_token(&[cloud.graph_scope()], None).await.is_err() {
            return Err(Wrong::new(format!("the Azure CLI gives no token for tenant {tenant}"))
                .hint(format!("Run `az login --tenant {tenant}` as a Global Administrator of that tenant."))
                .into());
        }
        let graph = Graph::new(Api::new(net::pipeline(transport, Posts::Ask, Some((credential, cloud.graph_scope())))), cloud);
        let Some(person) = graph.me().await? else {
            return Err(Wrong::new("the Azure CLI is signed in as an app: Azure lets only a person elevate itself")
                .hint(format!("Run `az login --tenant {tenant}` as a Global Administrator, without --service-principal or --identity."))
                .into());
        };
        if owner.get() != Some(&person.id) {
            return Err(Error::new(Code::UnexpectedAnswer, format!("Graph names {}, and the token somebody else", person.id)).into());
        }
        let signed_in_to = graph.tenant().await?;
        if signed_in_to != tenant {
            return Err(Wrong::new(format!("{} is signed in to tenant {signed_in_to}, not to {tenant}", person.name))
                .hint(format!("Run `az login --tenant {tenant}`."))
                .into());
        }
        if !graph.is_global_administrator().await? {
            return Err(Wrong::new(format!("{} ({}) is not Global Administrator of tenant {tenant} now", person.name, person.id))
                .hint(
                    "Where the role is only eligible, activate it in Privileged Identity Management first; then sign in again with `az login`. \
                     Or ask somebody who has it.",
                )
                .into());
        }
        let arm = arm(&who, transport, cloud, Posts::Ask)?;
        Ok(Self { person, arm, who, transport: transport.clone(), cloud, voice, worked: Cell::new(false) })
    }

    /// One line for people.
    pub(super) fn say(&self, line: &str) {
        self.voice.say(line);
    }

    /// ARM with a token that is asked for anew: one that was refused would be sent again and again.
    pub(super) fn fresh_arm(&self) -> Result<Arm, Error> {
        arm(&self.who, &self.transport, self.cloud, Posts::Ask)
    }

    /// ARM for the call that elevates. The guard must not repeat it: a refusal would hide that a try before it may have taken effect.
    pub(super) fn elevating_arm(&self) -> Result<Arm, Error> {
        arm(&self.who, &self.transport, self.cloud, Posts::Create)
    }

    /// Notes that the rights work that an elevation gives.
    pub(super) fn rights_work(&self) {
        self.worked.set(true);
    }

    /// Whether they were seen to work.
    pub(super) fn rights_worked(&self) -> bool {
        self.worked.get()
    }

    /// To sign in as the same person elsewhere.
    pub(super) fn sign_in(&self) -> SignIn {
        SignIn::Platform(self.who.clone())
    }
}

fn arm(who: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>, cloud: Cloud, posts: Posts) -> Result<Arm, Error> {
    let pipeline = net::pipeline(transport, posts, Some((who.credential()?, cloud.arm_scope())));
    Ok(Arm::new(Api::new(pipeline), cloud))
}
