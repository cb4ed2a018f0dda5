"""Judges a stack as it is deployed, through the SDK's eyes."""

import json
import re

from account import Stack
from report import equal
from template import PROJECT

RULES_QUEUES = {"Queue": "QueueUrl", "rule's dead letters": "RuleDeadLetterQueueUrl"}
ALL_QUEUES = ["QueueUrl", "DeadLetterQueueUrl", "RuleDeadLetterQueueUrl"]
TYPES = {"dev.ispm-onboarder.onboarding.requested.v1", "dev.ispm-onboarder.offboarding.requested.v1"}
LAMBDA_ENVIRONMENT_BYTES = 4096
# What Entra's tokens are exchanged for, in each cloud of Azure
# (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity).
AUDIENCES = {"public": "api://AzureADTokenExchange", "usgovernment": "api://AzureADTokenExchangeUSGov"}
FOURTEEN_DAYS = 14 * 24 * 60 * 60


def no_rule_calls_the_function(stack: Stack) -> None:
    buses = [bus["Name"] for bus in stack.account.events.list_event_buses()["EventBuses"]]
    found = [(bus, target["Arn"]) for bus in buses for _, target in stack.targets(bus) if ":sqs:" not in target["Arn"]]
    equal(found, [])


def the_rule_fills_the_queue(stack: Stack) -> None:
    [(rule, target)] = stack.targets(stack.outputs["EventBusName"])
    equal(set(json.loads(rule["EventPattern"])["detail-type"]), TYPES)
    equal(target["Arn"], stack.queue("QueueUrl")["QueueArn"])


def what_the_rule_cannot_deliver_is_kept(stack: Stack) -> None:
    [(_, target)] = stack.targets(stack.outputs["EventBusName"])
    letters = stack.queue("RuleDeadLetterQueueUrl")
    equal(target.get("DeadLetterConfig"), {"Arn": letters["QueueArn"]})
    equal(int(letters["MessageRetentionPeriod"]), FOURTEEN_DAYS)


def only_the_rule_may_send_from_outside(stack: Stack) -> None:
    [(rule, _)] = stack.targets(stack.outputs["EventBusName"])
    for output in RULES_QUEUES.values():
        queue = stack.queue(output)
        [statement] = json.loads(queue["Policy"])["Statement"]
        found = {key: statement.get(key) for key in ["Effect", "Principal", "Action", "Resource", "Condition"]}
        expected = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue["QueueArn"],
            "Condition": {"ArnEquals": {"aws:SourceArn": rule["Arn"]}},
        }
        equal(found, expected)
    if "Policy" in stack.queue("DeadLetterQueueUrl"):
        raise AssertionError("somebody from outside may send to the dead-letter queue")


def a_message_is_hidden_for_six_timeouts(stack: Stack) -> None:
    hidden, timeout = int(stack.queue("QueueUrl")["VisibilityTimeout"]), stack.function["Timeout"]
    if hidden < 6 * timeout:
        raise AssertionError(f"hidden for {hidden} s, with a timeout of {timeout} s")


def what_keeps_failing_is_kept(stack: Stack) -> None:
    queue, letters = stack.queue("QueueUrl"), stack.queue("DeadLetterQueueUrl")
    redrive = json.loads(queue.get("RedrivePolicy", "null"))
    equal(redrive, {"deadLetterTargetArn": letters["QueueArn"], "maxReceiveCount": 5})
    equal(int(letters["MessageRetentionPeriod"]), FOURTEEN_DAYS)
    # A message's age counts from its first day in the queue.
    if int(queue["MessageRetentionPeriod"]) >= FOURTEEN_DAYS:
        raise AssertionError("a message could expire on its way to the dead-letter queue")


def queues_are_encrypted(stack: Stack) -> None:
    for output in ALL_QUEUES:
        queue = stack.queue(output)
        if queue.get("SqsManagedSseEnabled") != "true" and not queue.get("KmsMasterKeyId"):
            raise AssertionError(f"{output} is not encrypted")


def the_mapping_reports_records_and_is_bounded(stack: Stack) -> None:
    [mapping] = stack.mappings
    equal(mapping["EventSourceArn"], stack.queue("QueueUrl")["QueueArn"])
    equal((mapping.get("FunctionResponseTypes"), mapping["BatchSize"]), (["ReportBatchItemFailures"], 10))
    if "MaximumConcurrency" not in mapping.get("ScalingConfig", {}):
        raise AssertionError("nothing bounds how many batches are worked on at once")


def the_role_may_do_what_is_listed(stack: Stack) -> None:
    listed = json.loads((PROJECT / "infra" / "permissions.json").read_text())["aws"]
    wanted = {one["action"] for one in listed if one["holder"] == "aws-role" and one["on"] != "key"}
    actions = [action for statement in stack.statements() for action in as_list(statement["Action"])]
    equal(set(actions), wanted)


def each_right_is_on_one_thing(stack: Stack) -> None:
    bucket = f"arn:aws:s3:::{stack.outputs['ReportBucketName']}"
    own = {
        bucket,
        f"{bucket}/reports/*",
        stack.queue("QueueUrl")["QueueArn"],
        f":event-bus/{stack.outputs['ResultsBusName']}",
        f":log-group:{stack.outputs['LogGroupName']}:*",
    }
    for statement in stack.statements():
        equal(statement["Effect"], "Allow")
        for resource in as_list(statement["Resource"]):
            if as_list(statement["Action"]) == ["sts:GetWebIdentityToken"]:
                the_login_is_held(statement, stack.function["Environment"]["Variables"]["ONBOARDER_CLOUD"])
            elif as_list(statement["Action"]) == ["secretsmanager:ListSecrets"]:
                # It knows no resource.
                equal(resource, "*")
            elif as_list(statement["Action"]) == ["secretsmanager:GetSecretValue"]:
                # Either all that this program names by itself, or one secret.
                if not re.fullmatch(
                    r"arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:([\w/+=.@-]*ispm-onboarder-\*|[\w/+=.@?-]+)", resource
                ):
                    raise AssertionError(f"{resource} is more than this program's secrets")
            elif not any(resource.endswith(end) for end in own):
                raise AssertionError(f"{statement['Action']} on {resource}")


def the_login_is_held(statement: dict, cloud: str) -> None:
    condition = {
        "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCES[cloud]},
        "Null": {"sts:IdentityTokenAudience": "false"},
        "StringEquals": {"sts:SigningAlgorithm": "RS256"},
        "NumericLessThanEquals": {"sts:DurationSeconds": "300"},
    }
    equal({operator: {key: str(value) for key, value in held.items()} for operator, held in statement["Condition"].items()}, condition)


def variables_fit_and_name_what_is_made(stack: Stack) -> None:
    variables = stack.function["Environment"]["Variables"]
    equal(variables["ONBOARDER_CLOUD"], stack.parameters["Cloud"])
    equal(variables["ONBOARDER_RESULTS"], f"eventbridge:{stack.outputs['ResultsBusName']}")
    equal(variables["ONBOARDER_REPORT"], f"s3://{stack.outputs['ReportBucketName']}/reports")
    equal(stack.sweep["Environment"]["Variables"], variables)
    equal(variables["ONBOARDER_QUEUE"].split("amazonaws.com")[1], "/000000000000/" + stack.outputs["QueueUrl"].rsplit("/", 1)[1])
    if sum(len(name) + len(value) for name, value in variables.items()) > LAMBDA_ENVIRONMENT_BYTES:
        raise AssertionError("Lambda takes 4 KB of variables")


def the_log_is_one_group_and_ends(stack: Stack) -> None:
    group = stack.outputs["LogGroupName"]
    equal(stack.function["LoggingConfig"]["LogGroup"], group)
    [found] = stack.account.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if not found.get("retentionInDays"):
        raise AssertionError("the log grows without end")


def each_alarm_tells_and_has_its_section(stack: Stack) -> None:
    alarms = stack.account.cloudwatch.describe_alarms(AlarmNamePrefix=f"{stack.name}-")["MetricAlarms"]
    if len(alarms) < 10:
        raise AssertionError(f"only {[alarm['AlarmName'] for alarm in alarms]}")
    filters = stack.account.logs.describe_metric_filters(logGroupName=stack.outputs["LogGroupName"])["metricFilters"]
    fed = {change["metricName"] for one in filters for change in one["metricTransformations"]}
    for alarm in alarms:
        key = alarm["AlarmName"].removeprefix(f"{stack.name}-")
        equal((alarm["AlarmActions"], alarm["OKActions"]), ([stack.outputs["AlarmTopicArn"]],) * 2)
        equal(alarm["AlarmDescription"].split()[-1], f"docs/operate.md#alert-{key}")
        # Of sweeps alone silence is the trouble.
        equal(alarm["TreatMissingData"], "breaching" if key == "no-sweep" else "notBreaching")
        if alarm["Namespace"].startswith("IspmOnboarder/"):
            equal((alarm["Namespace"], alarm["MetricName"] in fed), (f"IspmOnboarder/{stack.name}", True))


def the_sweep_has_time_and_is_started_by_its_timer_alone(stack: Stack) -> None:
    sweep, function, lambda_ = stack.sweep, stack.function, stack.account.lambda_
    equal((sweep["Timeout"], sweep["Role"], sweep["CodeSha256"]), (900, function["Role"], function["CodeSha256"]))
    equal(sweep["LoggingConfig"]["LogGroup"], function["LoggingConfig"]["LogGroup"])
    invoking = lambda_.get_function_event_invoke_config(FunctionName=sweep["FunctionName"], Qualifier="$LATEST")
    equal((invoking["MaximumRetryAttempts"], invoking["MaximumEventAgeInSeconds"]), (0, 900))
    timer = stack.account.scheduler.get_schedule(Name=f"{stack.name}-sweep")
    equal((timer["ScheduleExpression"], timer.get("State", "ENABLED")), ("rate(1 hour)", "ENABLED"))
    equal((json.loads(timer["Target"]["Input"]), timer["Target"]["Arn"]), ({"command": "sweep"}, sweep["FunctionArn"]))
    role = timer["Target"]["RoleArn"].rsplit("/", 1)[1]
    iam = stack.account.iam
    [policy] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    [statement] = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]
    equal((statement["Action"], statement["Resource"]), ("lambda:InvokeFunction", sweep["FunctionArn"]))
    [trust] = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    equal(trust["Principal"], {"Service": "scheduler.amazonaws.com"})
    held = trust["Condition"]["StringEquals"]
    # Of the group: the scheduler does not name the schedule.
    equal((held.get("aws:SourceAccount"), held.get("aws:SourceArn", "").rsplit(":", 1)[-1]), ("000000000000", "schedule-group/default"))


def reports_are_kept_and_go_over_tls_only(stack: Stack) -> None:
    s3, bucket = stack.account.s3, stack.outputs["ReportBucketName"]
    equal(s3.get_bucket_versioning(Bucket=bucket).get("Status"), "Enabled")
    [statement] = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    arn = f"arn:aws:s3:::{bucket}"
    found = {key: statement[key] for key in ["Effect", "Principal", "Action", "Resource", "Condition"]}
    expected = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    equal(found, {**expected, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})


def strangers_are_let_in_only_where_that_is_said(stack: Stack) -> None:
    auth = stack.account.lambda_.get_function_url_config(FunctionName=stack.outputs["FunctionName"])["AuthType"]
    public = [statement["Action"] for statement in stack.public_statements() if statement["Principal"] in ("*", {"AWS": "*"})]
    expected = ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"] if auth == "NONE" else []
    equal(sorted(public), expected)
    held = [statement.get("Condition") for statement in stack.public_statements()]
    if auth == "NONE" and None in held:
        raise AssertionError(f"not only by the URL: {stack.public_statements()}")


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


JUDGES = {
    "no rule calls the function": no_rule_calls_the_function,
    "the rule puts both kinds of requests into the queue": the_rule_fills_the_queue,
    "what the rule cannot deliver is kept": what_the_rule_cannot_deliver_is_kept,
    "only the rule may send into its queues from outside": only_the_rule_may_send_from_outside,
    "a message is hidden for six timeouts": a_message_is_hidden_for_six_timeouts,
    "what keeps failing is kept": what_keeps_failing_is_kept,
    "queues are encrypted": queues_are_encrypted,
    "the mapping reports failed records, and is bounded": the_mapping_reports_records_and_is_bounded,
    "the role may do what is listed": the_role_may_do_what_is_listed,
    "each right is on one thing": each_right_is_on_one_thing,
    "variables fit, and name what is made": variables_fit_and_name_what_is_made,
    "the log is one group, and ends": the_log_is_one_group_and_ends,
    "each alarm tells, and has its section": each_alarm_tells_and_has_its_section,
    "the sweep has time, and is started by its timer alone": the_sweep_has_time_and_is_started_by_its_timer_alone,
    "reports are kept, and go over TLS only": reports_are_kept_and_go_over_tls_only,
    "strangers are let in only where that is said": strangers_are_let_in_only_where_that_is_said,
}
