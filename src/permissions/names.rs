//! Who holds a permission, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who holds a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// What signs in to the tenant, as its record says: the function's identity, or an app.
    Login,
    /// The function's identity.
    Function,
    /// The app through which ISPM reads.
    IspmApp,
    /// The identity of the topic that takes onboarding events.
    EventsTopic,
    /// The identity of the topic that gives results.
    ResultsTopic,
    /// The function's role on AWS.
    AwsRole,
    /// The rule on AWS that puts events into the queue.
    AwsRule,
    /// The timer on AWS that starts sweeps.
    AwsTimer,
    /// Whoever replays dead letters of AWS by the command line.
    AwsReplayer,
}

impl Holder {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Login,
        Self::Function,
        Self::IspmApp,
        Self::EventsTopic,
        Self::ResultsTopic,
        Self::AwsRole,
        Self::AwsRule,
        Self::AwsTimer,
        Self::AwsReplayer,
    ];
}

/// Where a role is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The management group, or the one subscription, that holds all that is to be onboarded.
    ManagementGroup,
    /// The Key Vault.
    Vault,
    /// The topic that gives results.
    ResultsTopic,
    /// The queue of what is to be onboarded.
    Queue,
    /// Where the Functions host moves a message that failed too often.
    PoisonQueue,
    /// The queue that keeps results.
    ResultsQueue,
    /// The container of dead letters.
    DeadLetters,
    /// The container of the sweeps' reports.
    Report,
    /// The Event Hub with the management group's activity log.
    ActivityLogHub,
    /// The Functions host's own storage account.
    HostStorage,
    /// Application Insights.
    ApplicationInsights,
    /// Secrets Manager's secrets whose names this program makes, and those that records name.
    Secrets,
    /// The names of all of Secrets Manager's secrets: the action knows no resource.
    SecretNames,
    /// The queue of what is to be onboarded, on AWS.
    SqsQueue,
    /// The queues on AWS for what failed too often and what could not be delivered.
    SqsDeadLetters,
    /// The queue for what the rule on AWS could not deliver.
    RuleDeadLetters,
    /// The bus that gives results.
    ResultsBus,
    /// The bucket of the sweeps' reports.
    ReportBucket,
    /// The reports in it.
    ReportObjects,
    /// The function on AWS that sweeps.
    SweepFunction,
    /// The function's log group.
    LogGroup,
    /// The key that encrypts secrets and queues.
    Key,
    /// The AWS account as such: the action knows no resource.
    Account,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Login => "the tenant's login",
            Self::Function => "the function's identity",
            Self::IspmApp => "the ISPM app",
            Self::EventsTopic => "the events topic's identity",
            Self::ResultsTopic => "the results topic's identity",
            Self::AwsRole => "the function's role",
            Self::AwsRule => "the events bus's rule",
            Self::AwsTimer => "the sweep's timer",
            Self::AwsReplayer => "whoever replays",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ManagementGroup => "the management group",
            Self::Vault => "the vault",
            Self::ResultsTopic => "the results topic",
            Self::Queue => "the queue",
            Self::PoisonQueue => "the poison queue",
            Self::ResultsQueue => "the results queue",
            Self::DeadLetters => "the container of dead letters",
            Self::Report => "the container of reports",
            Self::ActivityLogHub => "the Event Hub of the activity log",
            Self::HostStorage => "the Functions host's storage account",
            Self::ApplicationInsights => "Application Insights",
            Self::Secrets => "the secrets",
            Self::SecretNames => "all secrets' names",
            Self::SqsQueue => "the SQS queue",
            Self::SqsDeadLetters => "the dead-letter queues",
            Self::RuleDeadLetters => "the rule's dead-letter queue",
            Self::ResultsBus => "the results bus",
            Self::ReportBucket => "the report bucket",
            Self::ReportObjects => "the reports",
            Self::SweepFunction => "the sweep function",
            Self::LogGroup => "the log group",
            Self::Key => "the KMS key",
            Self::Account => "no resource, by conditions",
        })
    }
}
