"""`bootstrap` against moto's server, for what ministack takes too easily: refused entries, missing buses, secrets and queues."""

import json
from contextlib import contextmanager
from pathlib import Path

from account import OWNER, REGION, client, network
from process import Server, free_port
from relay import Relay
from report import Report, contains, equal
from runtime_api import Function, FunctionFailed
from simulator import Simulator, plain_environment
from vault import Vault

ACCOUNT = "123456789012"
BUS, QUEUE, READERS_QUEUE = "results", "onboarding", "reader"
SETTINGS = {
    "ONBOARDER_SECRET_STORE": "aws-secretsmanager:prod/",
    "ONBOARDER_RESULTS": f"eventbridge:{BUS}",
    "ONBOARDER_QUEUE": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{QUEUE}",
    "AWS_REGION": REGION,
}


def check(report: Report, simulator: Simulator, moto: Path, bootstrap: Path, place: Path) -> None:
    place.mkdir()
    port = free_port()
    command = [moto / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with Server(place, "moto", command, port, plain_environment(place) | OWNER) as server, Relay(server.url) as relay:
        stage = Stage(simulator, server, relay, bootstrap, place)
        _results(report, stage)
        _secrets(report, stage)
        _nothing_kept(report, stage)


class Stage:
    """moto's account: a bus whose results one queue gets, a queue to wait in, the tenant's record and secrets."""

    def __init__(self, simulator: Simulator, server: Server, relay: Relay, bootstrap: Path, place: Path):
        self.simulator, self.relay, self._bootstrap, self._place = simulator, relay, bootstrap, place
        self.sqs, self.secrets, events = (client(service, server.url) for service in ["sqs", "secretsmanager", "events"])
        self.vault = Vault(simulator)
        self.sqs.create_queue(QueueName=QUEUE)
        url = self.sqs.create_queue(QueueName=READERS_QUEUE)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.create_event_bus(Name=BUS)
        events.put_rule(Name="all", EventBusName=BUS, EventPattern=json.dumps({"source": ["dev.ispm-onboarder"]}))
        events.put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "reader", "Arn": arn}])
        for name, value in {self.vault.record_name: json.dumps(self.vault.record), **self.vault.secrets_of_record()}.items():
            self.secrets.create_secret(Name=f"prod/{name}", SecretString=value)

    @contextmanager
    def function(self, **changed: str):
        plain = plain_environment(self._place) | network(self.simulator) | OWNER | {"AWS_ENDPOINT_URL": self.relay.url}
        with Function(self._bootstrap, self._place, plain | SETTINGS | changed) as function:
            yield function

    def call(self) -> dict:
        scope = self.simulator.new_subscription()["event"]["data"]["scope"]
        return {"tenantId": self.simulator.tenant, "scope": scope}

    def waiting(self) -> int:
        """How many messages wait in the queue: they are not given out before their time."""
        url = self.sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(count) for name, count in found.items() if name.startswith("ApproximateNumberOfMessages"))

    def read(self) -> list[dict]:
        """The results that the reader got and had not read."""
        url = self.sqs.get_queue_url(QueueName=READERS_QUEUE)["QueueUrl"]
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found]


def _results(report: Report, stage: Stage) -> None:
    with stage.function() as function:
        with report.check("moto: a result goes over the bus to the reader"):
            answer = function.invoke(stage.call())
            [event] = stage.read()
            equal((event["detail"]["eventId"], event["detail-type"]), (answer["id"], answer["type"]))
        with report.check("moto: an entry that PutEvents refuses in an answer of 200 is not lost: the request waits"):
            call, before = stage.call(), stage.waiting()
            stage.relay.breaking = True
            answer = function.invoke(call)
            equal((answer["status"], answer["code"]), ("later", "unexpected-answer"))
            contains(answer["message"], "MalformedDetail")
            equal((stage.waiting(), stage.read()), (before + 1, []))
        with report.check("moto: of a batch no record comes back, since each waits in the queue"):
            records, before = [_record("one", stage.call()), _record("two", stage.call())], stage.waiting()
            equal(function.invoke({"Records": records}), {"batchItemFailures": []})
            equal((stage.waiting(), stage.read()), (before + 2, []))
        stage.relay.breaking = False
        with report.check("moto: taken up again, it is published, and nothing is done twice"):
            answer = function.invoke(call)
            equal((answer["data"]["roleAssignment"]["outcome"], len(stage.read())), ("already-assigned", 1))
    with stage.function(ONBOARDER_RESULTS="eventbridge:nowhere") as function:
        with report.check("moto: a bus that is not there is told, and the request waits"):
            before = stage.waiting()
            answer = function.invoke(stage.call())
            equal((answer["status"], answer["code"]), ("later", "results-refused"))
            contains(answer["hint"], "the bus nowhere is in this account")
            equal(stage.waiting(), before + 1)


def _secrets(report: Report, stage: Stage) -> None:
    name = f"prod/{stage.vault.record['login']['secretName']}"
    value = stage.secrets.get_secret_value(SecretId=name)["SecretString"]
    with report.check("moto: a secret that is marked for deletion is told with the way back"):
        stage.secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
        answer = _answer(stage)
        equal(answer["code"], "secret-store-refused")
        contains(answer["hint"], f"aws secretsmanager restore-secret --secret-id {name}")
        stage.secrets.restore_secret(SecretId=name)
    with report.check("moto: a secret that is missing is told by its name"):
        stage.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        answer = _answer(stage)
        equal((answer["status"], answer["code"]), ("later", "secret-missing"))
        contains(answer["message"], stage.vault.record["login"]["secretName"])
    with report.check("moto: a binary secret is told as one"):
        stage.secrets.create_secret(Name=name, SecretBinary=value.encode())
        answer = _answer(stage)
        equal(answer["code"], "secret-missing")
        contains(answer["message"], "binary")
    stage.secrets.put_secret_value(SecretId=name, SecretString=value)
    with report.check("moto: a version that a rotation has not finished is not used"):
        stage.secrets.put_secret_value(SecretId=name, SecretString="not yet", VersionStages=["AWSPENDING"])
        equal(_answer(stage)["type"], "dev.ispm-onboarder.scope.onboarded.v1")
    with report.check("moto: a tenant without a record is not served"):
        call = {**stage.call(), "tenantId": "00000000-0000-4000-8000-00000000beef"}
        equal(_answer(stage, call)["code"], "tenant-not-served")


def _answer(stage: Stage, call: dict | None = None) -> dict:
    """What a function that was just started answers: one that runs remembers records."""
    with stage.function() as function:
        return function.invoke(call or stage.call())


def _nothing_kept(report: Report, stage: Stage) -> None:
    nowhere = {"ONBOARDER_RESULTS": "eventbridge:nowhere", "ONBOARDER_QUEUE": f"{SETTINGS['ONBOARDER_QUEUE']}-nowhere"}
    with stage.function(**nowhere) as function:
        with report.check("moto: without bus and queue each record comes back"):
            records = [_record("one", stage.call()), _record("two", stage.call())]
            answer = function.invoke({"Records": records})
            equal([one["itemIdentifier"] for one in answer["batchItemFailures"]], ["one", "two"])
        with report.check("moto: without bus and queue a call by hand is a function error that says why"):
            try:
                function.invoke(stage.call())
            except FunctionFailed as failed:
                contains(str(failed), "Create the queue that ONBOARDER_QUEUE names")
            else:
                raise AssertionError("the function did not fail")


def _record(identifier: str, call: dict) -> dict:
    head = {"specversion": "1.0", "id": identifier, "source": "/contoso", "type": "dev.ispm-onboarder.onboarding.requested.v1"}
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795341600000"}
    return {"messageId": identifier, "body": json.dumps({**head, "data": call}), "attributes": attributes, "eventSource": "aws:sqs"}
