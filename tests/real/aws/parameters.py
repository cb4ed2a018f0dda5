"""What the template's parameters take, and what they refuse before anything is made."""

from botocore.exceptions import ClientError

from account import CODE_BUCKET, Account
from judgements import JUDGES, as_list
from report import Report, contains, equal
from template import Project

TENANT, OTHER = "519aadd0-caeb-5ef8-b1b9-046051535bc3", "0B1F6471-1bf0-4dda-aec3-cb9272f09590"
SECRET = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:contoso-token-a1B2c3"
KEY = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALL_SET = {
    "Architecture": "arm64",
    "MaximumConcurrency": "2",
    "SweepSchedule": "cron(0/30 * * * ? *)",
    "NoSweepHours": "168",
    "ReserveSweep": "true",
    "SecretPrefix": "prod/",
    "Cloud": "usgovernment",
    "SecretArns": f"{SECRET},{SECRET.replace('a1B2c3', '??????')}",
    "TenantIds": f"{TENANT},{OTHER}",
    "IspmHosts": "*.example.com,ispm.example.org",
    "PropagationMinutes": "1440",
    "FunctionUrlAuth": "NONE",
    "ReservedConcurrency": "20",
    "EntraAudience": f"api://contoso.example/ispm-onboarder,{OTHER}",
    "EntraCallers": f"{TENANT},{OTHER}=all",
    "AlarmEmail": "platform-oncall@contoso.example",
    "LogRetentionDays": "365",
    "ResultsArchiveDays": "0",
    "KmsKeyArn": KEY,
}
# Each with the words that tell what was wrong.
REFUSED = [
    ({"Architecture": "aarch64"}, "Architecture"),
    ({"MaximumConcurrency": "1"}, "MaximumConcurrency"),
    ({"SweepSchedule": "hourly"}, "or DISABLED"),
    ({"SweepSchedule": "0 0 * * * *"}, "or DISABLED"),
    ({"NoSweepHours": "1"}, "NoSweepHours"),
    ({"ReserveSweep": "yes"}, "ReserveSweep"),
    ({"Cloud": "AzureUSGovernment"}, "Cloud"),
    ({"SecretPrefix": "prod *"}, "What a secret's name may begin with"),
    ({"SecretArns": "contoso-token"}, "as create-secret prints them"),
    ({"SecretArns": SECRET.replace("contoso-token-a1B2c3", "*")}, "as create-secret prints them"),
    ({"TenantIds": "contoso.onmicrosoft.com"}, "no domain names"),
    ({"TenantIds": f"{TENANT};{OTHER}"}, "separated by commas"),
    ({"TenantIds": f"{TENANT},"}, "separated by commas"),
    ({"IspmHosts": "https://contoso.example"}, "no https://"),
    ({"PropagationMinutes": "1441"}, "PropagationMinutes"),
    ({"FunctionUrlAuth": "OPEN"}, "FunctionUrlAuth"),
    ({"FunctionUrlAuth": "NONE"}, "ReservedConcurrency is not set"),
    ({"ReservedConcurrency": "0"}, "higher than MaximumConcurrency"),
    ({"EntraCallers": f"{TENANT}=some", "EntraAudience": OTHER}, "each by itself or with =all"),
    ({"EntraAudience": OTHER}, "EntraCallers is not"),
    ({"EntraCallers": TENANT}, "EntraAudience is not"),
    ({"AlarmEmail": "platform-oncall"}, "One mail address"),
    ({"LogRetentionDays": "91"}, "LogRetentionDays"),
    ({"KmsKeyArn": "alias/contoso"}, "not its alias"),
]


def check(report: Report, project: Project, account: Account) -> None:
    text = project.text_for(f"s3://{CODE_BUCKET}/aws.zip")
    with report.check("a stack with every parameter set is made, with the key on all that it encrypts"):
        stack = account.deploy(project, text, "all-set", ALL_SET)
        [key] = [statement for statement in stack.statements() if statement["Sid"] == "Key"]
        equal((key["Action"], as_list(key["Resource"])), (["kms:Decrypt", "kms:GenerateDataKey"], [KEY]))
        [login] = [statement for statement in stack.statements() if statement["Sid"] == "Login"]
        equal(login["Condition"]["ForAllValues:StringEquals"], {"sts:IdentityTokenAudience": "api://AzureADTokenExchangeUSGov"})
        [secrets] = [statement for statement in stack.statements() if statement["Sid"] == "SecretsOfRecords"]
        equal(secrets["Resource"], ALL_SET["SecretArns"].split(","))
        equal(
            [stack.queue(output).get("KmsMasterKeyId") for output in ["QueueUrl", "DeadLetterQueueUrl", "RuleDeadLetterQueueUrl"]],
            [KEY] * 3,
        )
        for words in ["queues are encrypted", "variables fit, and name what is made", "strangers are let in only where that is said"]:
            JUDGES[words](stack)
        stack.delete()
    with report.check("a stack without sweeps has no timer and no alarm about it, and can sweep by hand"):
        stack = account.deploy(project, text, "without-sweeps", {"ResultsArchiveDays": "0", "SweepSchedule": "DISABLED"})
        equal([timer["Name"] for timer in account.scheduler.list_schedules()["Schedules"]], [])
        alarms = account.cloudwatch.describe_alarms(AlarmNamePrefix="without-sweeps-no-sweep")["MetricAlarms"]
        equal((alarms, stack.sweep["State"]), ([], "Active"))
        stack.delete()
    for values, words in REFUSED:
        with report.check(f"refused: {', '.join(f'{name}={value}' for name, value in values.items())}"):
            try:
                account.deploy(project, text, "refused", {"ResultsArchiveDays": "0"} | values)
            except ClientError as error:
                contains(str(error), words)
            else:
                raise RuntimeError("the stack was made")
