//! The demo's deployment on AWS: what the one on Azure has, under the same names.

use super::{DemoCast, Deployment, id};
use crate::World;
use crate::world::Sensitive;

/// Who plays which part in the demo's AWS account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsCast {
    /// The account's id.
    pub account: String,
    /// The region that everything lies in.
    pub region: String,
    /// The event bus that takes requests and results.
    pub bus: String,
    /// The queue's name.
    pub queue: String,
    /// The queue's URL.
    pub queue_url: String,
    /// The name of the queue for messages that failed too often.
    pub dead_letter_queue: String,
    /// The bucket of the sweeps' reports.
    pub bucket: String,
    /// The function's role, by ARN.
    pub role_arn: String,
    /// An access key that stands for the role.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Sensitive,
    /// The role of whoever replays dead letters, by ARN.
    pub replayer_role_arn: String,
    /// An access key that stands for that role.
    pub replayer_access_key_id: String,
    /// Its secret.
    pub replayer_secret_access_key: Sensitive,
    /// The account's issuer of web identity tokens.
    pub issuer: String,
}

/// How often a message is received before it is put away.
const MAX_RECEIVE_COUNT: u32 = 5;
/// The events that the bus's rule sends to the queue.
const REQUESTS: [&str; 2] = ["dev.ispm-onboarder.onboarding.requested.v1", "dev.ispm-onboarder.offboarding.requested.v1"];

impl AwsCast {
    pub(super) fn new() -> Self {
        let (account, region, queue) = ("111122223333", "eu-central-1", "onboarding");
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            bus: "ispm-onboarder".to_owned(),
            queue: queue.to_owned(),
            queue_url: format!("https://sqs.{region}.amazonaws.com/{account}/{queue}"),
            dead_letter_queue: "onboarding-dead-letters".to_owned(),
            bucket: "contoso-ispm-onboarder".to_owned(),
            role_arn: format!("arn:aws:iam::{account}:role/ispm-onboarder"),
            access_key_id: "AKIACONTOSO0EXAMPLE0".to_owned(),
            secret_access_key: Sensitive::from("demo~aws~secret~access~key~of~no~value"),
            replayer_role_arn: format!("arn:aws:iam::{account}:role/ispm-onboarder-replays"),
            replayer_access_key_id: "AKIACONTOSO1EXAMPLE1".to_owned(),
            replayer_secret_access_key: Sensitive::from("demo~aws~replays~access~key~of~no~value"),
            issuer: format!("https://{}.tokens.sts.global.api.aws", id("aws issuer")),
        }
    }
}

impl World {
    pub(super) fn add_aws(&mut self, cast: &DemoCast, deployment: &Deployment) {
        let aws = &cast.aws;
        let account = self.aws_mut(&aws.account, &aws.region);
        account.add_access_key(&aws.access_key_id, aws.secret_access_key.reveal(), &aws.role_arn);
        account.add_access_key(&aws.replayer_access_key_id, aws.replayer_secret_access_key.reveal(), &aws.replayer_role_arn);
        account.enable_federation(&aws.issuer);
        for (name, value) in &deployment.secrets {
            account.set_secret(name, value);
        }
        account.add_queue_with_dead_letters(&aws.queue, &aws.dead_letter_queue, MAX_RECEIVE_COUNT);
        account.add_bucket(&aws.bucket);
        account.add_bus(&aws.bus).add_rule("requests", &REQUESTS, &aws.queue);
        let login = self.applications.entry(cast.login_client_id.clone()).or_default();
        login.trust("aws", &aws.issuer, &aws.role_arn);
    }
}
