"""Requests go in and results come out, through ministack's services, the function and the simulated Azure, seen from outside."""

import base64
import hashlib
import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path

from account import CODE_BUCKET, Account, Stack
from company import ONBOARDED, Company
from process import until
from report import Report, contains, equal
from simulator import Simulator
from template import Project

# ministack makes no archives.
PARAMETERS = {
    "ResultsArchiveDays": "0",
    "FunctionUrlAuth": "NONE",
    "ReservedConcurrency": "20",
    "AlarmEmail": "platform-oncall@contoso.example",
}
WEBHOOK_NAME = "event-grid"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check(report: Report, account: Account, simulator: Simulator, stack: Stack, project: Project, sam: Path) -> None:
    company = Company(account, simulator, stack)
    with report.check("the function's code is the package, byte by byte"):
        digest = hashlib.sha256(project.package.read_bytes()).digest()
        equal(stack.function["CodeSha256"], base64.b64encode(digest).decode())
    with report.check("a secret that the role may not read is refused by IAM, and the request waits"):
        answer = company.invoke(company.asked(company.new_scope()))
        equal((answer["status"], answer["code"]), ("later", "secret-store-refused"))
        contains(answer["hint"], "secretsmanager:GetSecretValue")
    with report.check("sam deploy with the secrets' ARNs lets it read them"):
        account.sam_deploy(sam, project, stack.name, PARAMETERS | {"SecretArns": ",".join(company.secret_arns)})
    company.start_function_anew()
    _requests(report, company)
    _poison(report, company)
    _sweep(report, company)
    _webhook(report, company)
    _login(report, company)
    _second_deployment(report, company, project)
    with report.check("the stack goes; its log and the secrets stay"):
        group = stack.outputs["LogGroupName"]
        company.leave()
        stack.delete()
        equal(len(account.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]), 1)
        contains([secret["Name"] for secret in account.secretsmanager.list_secrets()["SecretList"]], company.vault.record_name)
        left = [url.rsplit("/", 1)[1] for url in account.sqs.list_queues().get("QueueUrls", [])]
        equal([name for name in left if name.startswith(stack.name)], [])


def _requests(report: Report, company: Company) -> None:
    simulator = company.simulator
    with report.check("aws lambda invoke answers the result, and Reader is there"):
        scope = company.new_scope()
        answer = company.invoke(company.asked(scope))
        equal((answer["type"], answer["subject"]), (ONBOARDED, scope))
        equal(len(simulator.assignments(scope)), 1)
        event = company.result_of(answer["data"]["cause"]["id"])
        equal(event["detail"], {**answer["data"], "eventId": answer["id"]})
    with report.check("PutEvents, rule, queue, function, simulated Azure: the result is on the bus"):
        scope = company.new_scope()
        cause = company.put_event(scope)
        event = company.result_of(cause)
        equal((event["source"], event["detail-type"], event["resources"]), ("dev.ispm-onboarder", ONBOARDED, [scope]))
        equal([one["id"] for one in simulator.assignments(scope)], [event["detail"]["roleAssignment"]["id"]])
        until("the queue is drained", company.is_drained)
    with report.check("the same once more changes nothing"):
        again = company.result_of(company.put_event(scope))
        equal(again["detail"]["roleAssignment"]["id"], event["detail"]["roleAssignment"]["id"])
        equal((again["detail"]["roleAssignment"]["outcome"], len(simulator.assignments(scope))), ("already-assigned", 1))
    with report.check("an event that cannot be read is published as failed, and is gone from the queue"):
        entry = {"EventBusName": company.stack.outputs["EventBusName"], "Source": "contoso", "Detail": '{"tenantId": "contoso"}'}
        entry["DetailType"] = "dev.ispm-onboarder.onboarding.requested.v1"
        cause = company.account.events.put_events(Entries=[entry])["Entries"][0]["EventId"]
        equal(company.result_of(cause)["detail"]["code"], "invalid-event")
        until("the queue is drained", company.is_drained)
    with report.check("each input has its line in the log group, and no line has a secret"):
        line = company.line_of(event["detail"]["cause"]["id"])
        equal((line["function"], line["outcome"], line["scope"]), ("Queue", "onboarded", scope))
        text = json.dumps(company.stack.log())
        equal([name for name, value in company.vault.secrets_of_record().items() if value in text], [])


def _poison(report: Report, company: Company) -> None:
    """A message of a newer version that has waited for longer than 24 hours can neither be finished nor put back."""
    sqs, urls = company.account.sqs, company.stack.outputs
    poisoned = {"version": 99, "firstSeen": "2020-01-01T00:00:00Z"}
    with report.check("of a good and a poisoned record only the poisoned one is reported"):
        good = json.dumps(company.cloud_event(company.new_scope(), "good-1"))
        records = [_record("good", good), _record("poisoned", json.dumps(poisoned))]
        equal(company.invoke({"Records": records}), {"batchItemFailures": [{"itemIdentifier": "poisoned"}]})
    # As deployed, six minutes lie between two tries.
    sqs.set_queue_attributes(QueueUrl=urls["QueueUrl"], Attributes={"VisibilityTimeout": "1"})
    with report.check("a good and a poisoned message in one batch: the good one is done, the other is in the dead-letter queue"):
        scope = company.new_scope()
        bodies = [json.dumps(company.cloud_event(scope, "good-2")), json.dumps(poisoned)]
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=urls["QueueUrl"], Entries=entries)
        equal(company.result_of("good-2")["resources"], [scope])
        letters = urls["DeadLetterQueueUrl"]
        found = until("the dead-letter queue has a message", lambda: sqs.receive_message(QueueUrl=letters).get("Messages"))
        equal([json.loads(message["Body"]) for message in found], [poisoned])
        until("the queue is drained", company.is_drained)
        unfinished = [line for line in company.stack.log() if line.get("outcome") == "unfinished"]
        # One of them by hand, above.
        equal((len(unfinished), {line["code"] for line in unfinished}), (6, {"message-newer"}))
    sqs.set_queue_attributes(QueueUrl=urls["QueueUrl"], Attributes={"VisibilityTimeout": "360"})


def _sweep(report: Report, company: Company) -> None:
    # ministack speaks plain HTTP only, which the bucket's policy (judged as deployed) keeps out, as it should.
    company.account.s3.delete_bucket_policy(Bucket=company.stack.outputs["ReportBucketName"])
    with report.check("a sweep finds what no event told of, by the queue or at once, and its report is in the bucket"):
        scope = company.new_scope()
        document = company.sweep()
        equal((document["version"], document["tenantId"]), (1, company.simulator.tenant))
        contains([row["scope"] for row in document["scopes"]], scope)
        until("the scope that the sweep found has Reader", lambda: company.simulator.assignments(scope))
        until("the queue is drained", company.is_drained)
        [line] = [line for line in company.stack.log() if line["message"] == "swept"]
        equal(line["tenant"], company.simulator.tenant)
    with report.check("the sweep after it finds it covered"):
        document = company.sweep()
        [row] = [row for row in document["scopes"] if row["scope"] == scope]
        equal((row["verdict"], row["role"]), ("covered", "direct"))
    with report.check("the report is not served to whoever does not say who they are"):
        equal(_call(company.stack.url(f"/api/coverage?tenant={company.simulator.tenant}"), "GET", None, {})[0], 401)


def _record(identifier: str, body: str) -> dict:
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795341600000"}
    return {"messageId": identifier, "body": body, "attributes": attributes, "eventSource": "aws:sqs"}


def _webhook(report: Report, company: Company) -> None:
    url, key = company.stack.url("/api/events"), secrets.token_urlsafe(32)
    record = {"schemaVersion": 1, "keys": [key], "tenants": [company.simulator.tenant]}
    company.account.put_secret(f"ispm-onboarder-webhook-{WEBHOOK_NAME}", json.dumps(record))
    signed = {"x-ispm-onboarder-key": f"{WEBHOOK_NAME}:{key}"}
    with report.check("the function's URL answers both handshakes of Event Grid"):
        validation = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "one-code"}}]
        answer = _call(url, "POST", validation, {"aeg-event-type": "SubscriptionValidation"})
        equal((answer[0], json.loads(answer[1])), (200, {"validationResponse": "one-code"}))
        status, _, headers = _call(url, "OPTIONS", None, {"WebHook-Request-Origin": "eventgrid.azure.net"})
        equal((status, headers["webhook-allowed-origin"]), (200, "eventgrid.azure.net"))
    with report.check("a delivery without a key, and with a wrong one, is 401"):
        event = company.cloud_event(company.new_scope(), "webhook-1")
        equal(_call(url, "POST", event, {})[0], 401)
        equal(_call(url, "POST", event, {"x-ispm-onboarder-key": f"{WEBHOOK_NAME}:{'x' * 32}"})[0], 401)
    with report.check("a delivery with the key goes into the queue, and its result is on the bus"):
        scope = company.new_scope()
        status, body, _ = _call(url, "POST", [company.cloud_event(scope, "webhook-2")], signed)
        equal((status, json.loads(body)), (200, {"queued": 1}))
        equal(company.result_of("webhook-2")["resources"], [scope])
    with report.check("the ops route is not open"):
        equal(_call(company.stack.url("/api/onboard"), "POST", company.asked(company.new_scope()), {})[0], 401)


def _call(url: str, method: str, body, headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
    content = {"Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, content | headers, method=method)
    try:
        with DIRECT.open(request, timeout=30) as response:
            return response.status, response.read().decode(), {name.lower(): value for name, value in response.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), {}


def _login(report: Report, company: Company) -> None:
    """ministack's IAM does not know STS's condition keys, so that the template's right is none there. Its tokens are not signed by a key
    that Entra could know."""
    iam, role = company.account.iam, company.stack.outputs["RoleArn"].rsplit("/", 1)[1]
    company.change_login({"method": "aws-web-identity", "clientId": company.vault.record["login"]["clientId"]})
    with report.check("a role that STS gives no token is told so, and the request waits"):
        answer = company.invoke(company.asked(company.new_scope()))
        equal((answer["status"], answer["code"]), ("later", "credential-refused"))
        contains(answer["hint"], "sts:GetWebIdentityToken")
    with report.check("with a right without conditions STS gives a token, and Entra is asked with it"):
        statement = {"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=role, PolicyName="of-the-test", PolicyDocument=document)
        company.start_function_anew()
        line = company.line_of(company.put_event(company.new_scope()))
        contains(line["made"], "sts.web-identity-token.get 200")
        contains(line["made"], "entra.")
        equal(line["outcome"], "later")
    iam.delete_role_policy(RoleName=role, PolicyName="of-the-test")
    company.change_login(company.vault.record["login"])


def _second_deployment(report: Report, company: Company, project: Project) -> None:
    account = company.account
    with report.check("a second deployment lives beside it, reads its own secrets only, and nobody calls its URL unsigned"):
        text = project.text_for(f"s3://{CODE_BUCKET}/aws.zip")
        test = account.deploy(project, text, "ispm-onboarder-test", {"ResultsArchiveDays": "0", "SecretPrefix": "test/"})
        other = Company.__new__(Company)
        other.account, other.simulator, other.stack = account, company.simulator, test
        answer = other.invoke(company.asked(company.new_scope()))
        equal(answer["code"], "tenant-not-served")
        account.put_secret("test/" + company.vault.record_name, json.dumps(company.vault.record))
        equal(_call(test.url("/api/onboard"), "POST", company.asked(company.new_scope()), {})[0], 403)
        test.delete()
