"""The faults that planted.py plants, and who has to notice them."""

from typing import NamedTuple


class Fault(NamedTuple):
    """Where this is replaced in the template, this judge of the deployed stack notices."""

    what: str
    judge: str
    pattern: str
    replacement: str
    parameters: dict[str, str] = {}


EACH_RIGHT = "each right is on one thing"
LISTED = "the role may do what is listed"
MAPPING = "the mapping reports failed records, and is bounded"
OUTSIDE = "only the rule may send into its queues from outside"
KEPT = "what keeps failing is kept"
ALARM = "each alarm tells, and has its section"
SWEEP = "the sweep has time, and is started by its timer alone"
VARIABLES = "variables fit, and name what is made"
REPORTS = "reports are kept, and go over TLS only"
STRANGERS = "strangers are let in only where that is said"

FAULTS = [
    Fault(
        "the rule calls the function",
        "no rule calls the function",
        r"Arn: !GetAtt Queue\.Arn\n( +)RetryPolicy",
        r"Arn: !GetAtt Function.Arn\n\1RetryPolicy",
    ),
    Fault(
        "the rule forgets a kind of request",
        "the rule puts both kinds of requests into the queue",
        r"\n +- dev\.ispm-onboarder\.offboarding\.requested\.v1",
        "",
    ),
    Fault(
        "the rule has no dead-letter queue",
        "what the rule cannot deliver is kept",
        r"\n +DeadLetterConfig: \{ Arn: !GetAtt RuleDeadLetterQueue\.Arn \}",
        "",
    ),
    Fault("every rule may send", OUTSIDE, r'\n +Condition: \{ ArnEquals: \{ "aws:SourceArn": !GetAtt EventRule\.Arn \} \}', ""),
    Fault("anyone may send", OUTSIDE, r"Principal: \{ Service: events\.amazonaws\.com \}", 'Principal: "*"'),
    Fault("hidden for less than six timeouts", "a message is hidden for six timeouts", "VisibilityTimeout: 360", "VisibilityTimeout: 359"),
    Fault("the timeout grows alone", "a message is hidden for six timeouts", "Timeout: 60\n", "Timeout: 90\n"),
    Fault("no redrive", KEPT, r"\n +RedrivePolicy: .*", ""),
    Fault("dead letters live shorter", KEPT, "1209600", "345600"),
    Fault(
        "a queue is not encrypted",
        "queues are encrypted",
        r"SqsManagedSseEnabled: !If \[HasKey, !Ref AWS::NoValue, true\]",
        "SqsManagedSseEnabled: false",
    ),
    Fault("failed records are not reported", MAPPING, r"\n +FunctionResponseTypes: \[ReportBatchItemFailures\]", ""),
    Fault("MaximumConcurrency is gone", MAPPING, r"\n +ScalingConfig: .*", ""),
    Fault("all secrets", EACH_RIGHT, r"\$\{SecretPrefix\}ispm-onboarder-\*", "*"),
    Fault("all queues", EACH_RIGHT, r"(sqs:GetQueueAttributes\]\n +)Resource: !GetAtt Queue\.Arn", r'\1Resource: "*"'),
    Fault("all buses", EACH_RIGHT, r"Resource: !GetAtt ResultsBus\.Arn", 'Resource: "*"'),
    Fault("a login for everybody", EACH_RIGHT, r'\n +ForAllValues:StringEquals: .*\n +"Null": .*', ""),
    Fault(
        "a login for another cloud",
        EACH_RIGHT,
        r"TokenAudience: api://AzureADTokenExchangeUSGov",
        "TokenAudience: api://AzureADTokenExchange",
        {"Cloud": "usgovernment"},
    ),
    Fault("a login that lasts", EACH_RIGHT, r'"sts:DurationSeconds": 300', '"sts:DurationSeconds": 3600'),
    Fault("a right too many", LISTED, "Action: events:PutEvents", "Action: [events:PutEvents, events:PutRule]"),
    Fault("a right too few", LISTED, "sqs:SendMessage, sqs:ReceiveMessage", "sqs:ReceiveMessage"),
    Fault(
        "results go to the bus of requests",
        VARIABLES,
        r"eventbridge:\$\{ResultsBus\}",
        "eventbridge:${EventBus}",
    ),
    Fault(
        "the function works in another cloud",
        VARIABLES,
        "ONBOARDER_CLOUD: !Ref Cloud",
        "ONBOARDER_CLOUD: public",
        {"Cloud": "usgovernment"},
    ),
    Fault("the log has no end", "the log is one group, and ends", r"\n +RetentionInDays: .*", ""),
    Fault("an alarm tells nobody", ALARM, r"(docs/operate\.md#alert-failed(?s:.*?)AlarmActions: )\[!Ref AlarmTopic\]", r"\1[]"),
    Fault("an alarm on what nobody counts", ALARM, "MetricName: tenant-failed, ", "MetricName: tenant-fails, "),
    Fault("silence about sweeps is no trouble", ALARM, "TreatMissingData: breaching", "TreatMissingData: notBreaching"),
    Fault("all reports of the account", EACH_RIGHT, r"Resource: !Sub \$\{ReportBucket\.Arn\}/reports/\*", 'Resource: "*"'),
    Fault("reports go somewhere else", VARIABLES, r"\$\{ReportBucket\}/reports", "${ReportBucket}"),
    Fault("a sweep has no more time than an event", SWEEP, "Timeout: 900", "Timeout: 60"),
    Fault("a sweep that failed is tried again", SWEEP, "MaximumRetryAttempts: 0", "MaximumRetryAttempts: 2"),
    Fault(
        "the timer starts the wrong function",
        SWEEP,
        r"Arn: !GetAtt SweepFunction\.Arn\n( +)RoleArn",
        r"Arn: !GetAtt Function.Arn\n\1RoleArn",
    ),
    Fault("the timer may start everything", SWEEP, r"Resource: !GetAtt SweepFunction\.Arn", 'Resource: "*"'),
    Fault("anybody's schedule may start sweeps", SWEEP, r'\n +"aws:SourceArn": !Sub .*schedule-group/default"', ""),
    Fault("reports may be read without TLS", REPORTS, r'"aws:SecureTransport": "false"', '"aws:SecureTransport": "true"'),
    Fault("a report is written over for good", REPORTS, r"\n +VersioningConfiguration: .*", ""),
    Fault("the URL is open though it is not said", STRANGERS, r"\n    Condition: IsPublic", ""),
    Fault(
        "the URL is not open though it is said",
        STRANGERS,
        "Action: lambda:InvokeFunction\n",
        "Action: lambda:GetFunction\n",
        {"FunctionUrlAuth": "NONE", "ReservedConcurrency": "none"},
    ),
]
