//! The checks of the deployment itself.

use azure_core::http::headers::HeaderName;
use azure_core::http::{Method, Request, Url};
use azure_core::time::parse_rfc7231;
use time::Duration;

use super::check::{CLOCK, Check, Finding, IDENTITY, QUEUE, REPORT, RESULTS, SECRET_STORE};
use super::{Doctor, look};
use crate::config::{ContainerUrl, QueueUrl, ResultsUrl, SecretStoreUrl};
use crate::error::{Code, Error};
use crate::net::{self, Api, Posts};
use crate::queue::Queue;
use crate::scope::Guid;
use crate::storage::Container;
use crate::tenant::{SecretName, record_name};

const DATE: HeaderName = HeaderName::from_static("date");
/// From here on tokens can look as if they were not valid yet; Entra and this program grant a few minutes.
const SKEW_TOLD: Duration = Duration::seconds(60);
/// AWS refuses signatures that are more than five minutes off
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>), and so do many who check tokens.
const SKEW_FATAL: Duration = Duration::seconds(300);

impl Doctor {
    pub(super) async fn deployment(&self, tenant: Option<Guid>) -> Vec<Check> {
        let (clock, identity, store, results, queue, report) = tokio::join!(
            look(CLOCK, None, async { vec![self.check_clock(tenant).await.unwrap_or_else(Finding::from)] }),
            look(IDENTITY, None, self.check_identity()),
            look(SECRET_STORE, None, async { vec![self.check_store(tenant).await.unwrap_or_else(Finding::from)] }),
            look(RESULTS, None, self.check_results()),
            look(QUEUE, None, async { vec![self.check_queue().await.unwrap_or_else(Finding::from)] }),
            look(REPORT, None, async { vec![self.check_report().await.unwrap_or_else(Finding::from)] }),
        );
        vec![clock, identity, store, results, queue, report]
    }

    /// Compares with the `Date` of Entra's public description of itself, which everyone may read.
    async fn check_clock(&self, tenant: Option<Guid>) -> Result<Finding, Error> {
        let whose = tenant.or_else(|| self.config.tenants.iter().flatten().next().copied());
        let whose = whose.map_or_else(|| "common".to_owned(), |tenant| tenant.to_string());
        let url = format!("{}/{whose}/v2.0/.well-known/openid-configuration", self.config.cloud.authority());
        let answer = self.get("entra.openid-configuration", &url).await?;
        if answer.status() != 200 {
            let words = format!("the answer is {}: it need not be Entra's, and its time was not taken", answer.status());
            return Ok(Finding::skipped(words));
        }
        let Some(theirs) = answer.header(&DATE).and_then(|date| parse_rfc7231(date).ok()) else {
            return Ok(Finding::skipped("Entra's answer does not tell the time"));
        };
        let skew = self.clock.now() - theirs;
        let words = format!("{} seconds {} Entra's", skew.whole_seconds().abs(), if skew.is_negative() { "behind" } else { "ahead of" });
        let hint = "Set this machine's clock by NTP: Entra's tokens and AWS's signatures are refused when the clocks are minutes apart.";
        Ok(match skew.abs() {
            apart if apart > SKEW_FATAL => Finding::failed(words).hint(hint),
            apart if apart > SKEW_TOLD => Finding::warning(words).hint(hint),
            _ => Finding::ok(words),
        })
    }

    async fn get(&self, name: &'static str, url: &str) -> Result<net::Answer, Error> {
        let broken = |_| Error::new(Code::UnexpectedAnswer, format!("{name}: {url} is not a URL"));
        let api = Api::without_sign_in(net::pipeline(&self.transport, Posts::Ask, None));
        api.send(name, Request::new(Url::parse(url).map_err(broken)?, Method::Get)).await
    }

    async fn check_identity(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.needs_azure() {
            found.push(self.azure_identity().await.unwrap_or_else(Finding::from));
        }
        #[cfg(feature = "aws")]
        if self.needs_aws() {
            found.push(self.aws_identity().await.unwrap_or_else(Finding::from));
        }
        if found.is_empty() {
            found.push(Finding::skipped("nothing that the configuration names needs one"));
        }
        found
    }

    async fn azure_identity(&self) -> Result<Finding, Error> {
        // Asked about any audience, its token says the same.
        let who = self.who(self.platform.credential()?, self.config.cloud.arm_scope(), "identity.token").await?;
        Ok(match who {
            None => Finding::ok("there is one, whose token does not say who it is"),
            Some(user) if user.is_user() => {
                Finding::ok(format!("you are {user}: store, results, queue and reports are looked at as you, not as the function"))
            }
            Some(who) => Finding::ok(who.to_string()),
        })
    }

    #[cfg(feature = "aws")]
    async fn aws_identity(&self) -> Result<Finding, Error> {
        Ok(Finding::ok(self.platform.aws()?.caller().await?))
    }

    const fn needs_azure(&self) -> bool {
        matches!(self.config.secret_store, SecretStoreUrl::KeyVault(_))
            || matches!(self.config.results, ResultsUrl::EventGrid(_))
            || matches!(self.config.queue, Some(QueueUrl::Storage(_)))
            || matches!(self.config.report, Some(ContainerUrl::Blob(_)))
    }

    #[cfg(feature = "aws")]
    const fn needs_aws(&self) -> bool {
        matches!(self.config.secret_store, SecretStoreUrl::SecretsManager { .. })
            || matches!(self.config.results, ResultsUrl::EventBridge { .. })
            || matches!(self.config.queue, Some(QueueUrl::Sqs(_)))
            || matches!(self.config.report, Some(ContainerUrl::S3 { .. }))
    }

    /// Where the tenants are named, the store need not list them, and on AWS may not.
    async fn check_store(&self, tenant: Option<Guid>) -> Result<Finding, Error> {
        let named = tenant.or_else(|| self.config.tenants.iter().flatten().next().copied());
        if let Some(name) = named.and_then(|tenant| SecretName::parse(&record_name(tenant))) {
            self.sessions.store().get(&name).await?;
            return Ok(Finding::ok("it answers"));
        }
        let tenants = self.sessions.tenants().await?;
        Ok(match tenants.len() {
            0 => Finding::warning("it answers, and has no tenant record")
                .hint("Put a tenant record into it; docs/tenant-record.md describes it."),
            1 => Finding::ok("it answers, and has the record of one tenant"),
            many => Finding::ok(format!("it answers, and has the records of {many} tenants")),
        })
    }

    async fn check_results(&self) -> Vec<Finding> {
        match &self.config.results {
            ResultsUrl::Stdout => vec![Finding::ok("standard output")],
            #[cfg(feature = "aws")]
            ResultsUrl::EventBridge { bus } => {
                // An event for a bus that is not there is taken too, and dropped
                // (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>).
                let words = format!(
                    "not looked at: whether the bus {bus} is there and takes events. Not even an event would tell, and none was sent"
                );
                let hint = format!("`aws events describe-event-bus --name {bus}` says whether it is there, to whoever may ask.");
                vec![Finding::skipped(words).hint(hint)]
            }
            ResultsUrl::EventGrid(endpoint) => {
                let token = async { self.who(self.platform.credential()?, self.config.cloud.event_grid_scope(), "identity.token").await };
                let (reached, token) = tokio::join!(self.check_topic(endpoint), token);
                let token = token.map_or_else(Finding::from, |_| Finding::ok("there is a token for it"));
                let unseen = "not looked at: whether it may publish there (EventGrid Data Sender), since only an event would tell";
                vec![reached, token, Finding::skipped(unseen)]
            }
        }
    }

    /// A topic that is well answers 200 there, to everyone; whoever else stands in the way need not
    /// (<https://learn.microsoft.com/azure/event-grid/custom-disaster-recovery-client-side>).
    async fn check_topic(&self, endpoint: &Url) -> Finding {
        let hint = "Check the host in ONBOARDER_RESULTS, and that the network lets this process reach it.";
        let mut health = endpoint.clone();
        health.set_path("/api/health");
        match self.get("event-grid.health.get", health.as_str()).await {
            Ok(answer) if answer.status() == 200 => Finding::ok("the topic is reached"),
            Ok(answer) => {
                let words = format!("the answer is {}: the topic is not well, or it is not the topic that answers", answer.status());
                Finding::warning(words).hint(hint)
            }
            Err(error) => Finding::from(error).hint(hint),
        }
    }

    async fn check_queue(&self) -> Result<Finding, Error> {
        let Some(url) = &self.config.queue else {
            return Ok(Finding::skipped("ONBOARDER_QUEUE is not set, and only the function needs it"));
        };
        Queue::open(url, &self.platform, &self.transport).check().await?;
        Ok(Finding::ok("it is there; not looked at: whether messages may be put into it"))
    }

    async fn check_report(&self) -> Result<Finding, Error> {
        let Some(url) = &self.config.report else {
            return Ok(Finding::skipped("ONBOARDER_REPORT is not set: sweeps leave no report"));
        };
        // A name that no report has: the list is short, and asks for the same rights.
        Container::open(url, &self.platform, &self.transport).list("doctor/").await?;
        Ok(Finding::ok("it is there, and may be listed; not looked at: whether reports may be written"))
    }
}
