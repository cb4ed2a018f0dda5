"""A company with a deployment on AWS: its records, its pipeline, and whoever reads its results."""

import json

from account import Account, Stack
from process import until
from report import equal
from simulator import Simulator
from vault import Vault

ONBOARDING = "dev.ispm-onboarder.onboarding.requested.v1"
ONBOARDED = "dev.ispm-onboarder.scope.onboarded.v1"
READERS_QUEUE = "reader-of-results"


class Company:
    def __init__(self, account: Account, simulator: Simulator, stack: Stack):
        self.account, self.simulator, self.stack = account, simulator, stack
        self.vault = Vault(simulator)
        account.put_secret(self.vault.record_name, json.dumps(self.vault.record))
        self.secret_arns = [account.put_secret(name, value) for name, value in self.vault.secrets_of_record().items()]
        self._results = self._subscribed()

    def _subscribed(self) -> str:
        """The URL of a queue that gets all results, as docs/events.md says how."""
        sqs, events, bus = self.account.sqs, self.account.events, self.stack.outputs["ResultsBusName"]
        url = sqs.create_queue(QueueName=READERS_QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["dev.ispm-onboarder"]})
        rule = events.put_rule(Name="all-results", EventBusName=bus, EventPattern=pattern)["RuleArn"]
        may_send = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [may_send]})})
        events.put_targets(Rule="all-results", EventBusName=bus, Targets=[{"Id": "reader", "Arn": arn}])
        return url

    def leave(self) -> None:
        """A bus with another's rule on it cannot be deleted."""
        bus = self.stack.outputs["ResultsBusName"]
        self.account.events.remove_targets(Rule="all-results", EventBusName=bus, Ids=["reader"])
        self.account.events.delete_rule(Name="all-results", EventBusName=bus)

    def new_scope(self) -> str:
        return self.simulator.new_subscription()["event"]["data"]["scope"]

    def asked(self, scope: str) -> dict:
        return {"tenantId": self.simulator.tenant, "scope": scope}

    def cloud_event(self, scope: str, identifier: str) -> dict:
        head = {"specversion": "1.0", "id": identifier, "source": "/contoso/subscription-pipeline", "type": ONBOARDING}
        return {**head, "data": self.asked(scope)}

    def invoke(self, payload: dict) -> dict:
        function = self.stack.outputs["FunctionName"]
        answer = self.account.lambda_.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        body = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise AssertionError(f"the function failed: {body}")
        return body

    def sweep(self) -> dict:
        """Sweeps as the timer does, but waits for its end. The tenant's report."""
        function, bucket = self.stack.outputs["SweepFunctionName"], self.stack.outputs["ReportBucketName"]
        answer = self.account.lambda_.invoke(FunctionName=function, Payload=json.dumps({"command": "sweep"}).encode())
        body = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise AssertionError(f"the sweep failed: {body}")
        key = f"reports/{self.simulator.tenant}.json"
        if key not in [item["Key"] for item in self.account.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]:
            said = [line.get("left") or line.get("reason") for line in self.stack.log() if line.get("function") == "Sweep"]
            raise AssertionError(f"{key} is not in the bucket; the sweep answered {body}, and its log says {said}")
        report = self.account.s3.get_object(Bucket=bucket, Key=key)
        equal(report["ContentType"].split(";")[0], "application/json")
        return json.load(report["Body"])

    def put_event(self, scope: str) -> str:
        """Sends an event as a pipeline on AWS does. Its id."""
        entry = {"EventBusName": self.stack.outputs["EventBusName"], "Source": "contoso.subscription-pipeline", "DetailType": ONBOARDING}
        answer = self.account.events.put_events(Entries=[{**entry, "Detail": json.dumps(self.asked(scope))}])
        if answer["FailedEntryCount"]:
            raise AssertionError(f"the bus did not take it: {answer}")
        return answer["Entries"][0]["EventId"]

    def result_of(self, cause: str) -> dict:
        """The event on the results bus that was caused by this id."""
        return until(f"the result of {cause} is on the bus", lambda: self._next_result(cause))

    def _next_result(self, cause: str) -> dict | None:
        answer = self.account.sqs.receive_message(QueueUrl=self._results, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        found = None
        for message in answer.get("Messages", []):
            self.account.sqs.delete_message(QueueUrl=self._results, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if event["detail"]["cause"]["id"] == cause:
                found = event
        return found

    def is_drained(self) -> bool:
        """Whether the queue holds nothing, neither visible nor hidden nor delayed."""
        queue = self.stack.queue("QueueUrl")
        return sum(int(count) for name, count in queue.items() if name.startswith("ApproximateNumberOfMessages")) == 0

    def line_of(self, cause: str) -> dict:
        """The function's log line about what this id caused."""
        found = until(f"the log has a line about {cause}", lambda: [one for one in self.stack.log() if one.get("cause") == cause])
        return found[-1]

    def change_login(self, login: dict) -> None:
        """From now on the record has this login. The function is started anew, as it remembers records for ten minutes."""
        self.account.put_secret(self.vault.record_name, json.dumps({**self.vault.record, "login": login}))
        self.start_function_anew()

    def start_function_anew(self) -> None:
        """Lambda starts a function anew when its configuration is written, even as it was."""
        configuration = self.account.lambda_
        name = self.stack.outputs["FunctionName"]
        configuration.update_function_configuration(FunctionName=name, MemorySize=self.stack.function["MemorySize"])
