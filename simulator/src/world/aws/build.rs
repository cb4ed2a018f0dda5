//! How tests and the demo put an AWS account together.

use super::{
    AccessKey, Account, Bucket, Bus, CURRENT, Federation, Queue, Redrive, Rule, SecretValue, SecretVersion, Statement, session_name,
};
use crate::World;
use crate::world::made_up_id;

impl World {
    /// The AWS account of this id, made in this region when it is new.
    pub fn aws_mut(&mut self, account_id: &str, region: &str) -> &mut Account {
        let entry = self.aws.entry(account_id.to_owned());
        entry.or_insert_with(|| Account { region: region.to_owned(), ..Account::default() })
    }
}

impl Account {
    /// Adds an access key that stands for a role. For temporary credentials, set its session token.
    pub fn add_access_key(&mut self, id: &str, secret: &str, role_arn: &str) -> &mut AccessKey {
        let entry = self.access_keys.entry(id.to_owned());
        entry.or_insert_with(|| AccessKey {
            secret: secret.into(),
            session_token: None,
            expires_on: None,
            role_arn: role_arn.to_owned(),
            session_name: session_name(),
        })
    }

    /// Enables outbound web identity federation with this issuer.
    pub fn enable_federation(&mut self, issuer: &str) {
        self.federation = Federation { enabled: true, issuer: issuer.to_owned() };
    }

    /// Adds a version to a secret, the current one from now on, and answers it for changes.
    pub fn set_secret(&mut self, name: &str, value: &str) -> &mut SecretVersion {
        let secret = self.secrets.entry(name.to_owned()).or_default();
        // Not the world's counter: what else it numbers must not depend on AWS being there.
        let id = made_up_id(&format!("aws/{}/{name}/{}", self.region, secret.versions.len())).to_string();
        secret.add_version(&id, SecretValue::Text(value.into()), &[CURRENT])
    }

    /// The queue of this name, made empty when it is new.
    pub fn add_queue(&mut self, name: &str) -> &mut Queue {
        self.queues.entry(name.to_owned()).or_default()
    }

    /// Makes a queue whose messages go to another, made too, after this many receipts in vain.
    pub fn add_queue_with_dead_letters(&mut self, name: &str, dead_letter_queue: &str, max_receive_count: u32) {
        self.add_queue(dead_letter_queue);
        self.add_queue(name).redrive = Some(Redrive { dead_letter_queue: dead_letter_queue.to_owned(), max_receive_count });
    }

    /// The event bus of this name, made without rules when it is new.
    pub fn add_bus(&mut self, name: &str) -> &mut Bus {
        self.buses.entry(name.to_owned()).or_default()
    }

    /// The bucket of this name, made empty when it is new.
    pub fn add_bucket(&mut self, name: &str) -> &mut Bucket {
        self.buckets.entry(name.to_owned()).or_default()
    }

    /// Lets a role do this with that, beside what it may do already.
    pub fn allow(&mut self, role_arn: &str, actions: &[&str], resources: &[&str]) {
        let policy = self.policies.entry(role_arn.to_owned()).or_default();
        policy.statement.push(Statement::allowing(actions, resources));
    }

    /// Keeps a role from an IAM action.
    pub fn deny(&mut self, role_arn: &str, action: &str) {
        let denied = self.denied_actions.entry(role_arn.to_owned()).or_default();
        denied.insert(action.to_owned());
    }
}

impl Bus {
    /// Adds a rule that sends events of these detail types to a queue.
    pub fn add_rule(&mut self, name: &str, detail_types: &[&str], queue: &str) {
        let detail_types = detail_types.iter().map(|detail_type| (*detail_type).to_owned()).collect();
        self.rules.insert(name.to_owned(), Rule { detail_types, queue: queue.to_owned() });
    }
}
