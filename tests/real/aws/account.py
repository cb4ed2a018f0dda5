"""An AWS account of ministack's: rights are enforced, and functions run as programs of this machine."""

import json
import subprocess
from functools import cached_property
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from process import Server, free_port, until
from simulator import Simulator, plain_environment
from template import Project

REGION = "eu-central-1"
# Keys that ministack takes for the account's owner.
OWNER = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
CODE_BUCKET = "code"


def client(service: str, url: str):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=url, region_name=REGION, **keys)


class Account(Server):
    def __init__(self, folder: Path, ministack: Path, simulator: Simulator):
        folder.mkdir()
        port = free_port()
        own = {
            **OWNER,
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION,
            # Functions inherit these: all that is not AWS is the simulator's.
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "TMPDIR": str(folder),
        }
        self._plain = plain_environment(folder)
        super().__init__(folder, "ministack", [ministack / "bin" / "ministack"], port, self._plain | network(simulator) | own)
        self._clients = {}

    def __getattr__(self, service: str):
        """The SDK's client for a service, by its name with `_` for `-`."""
        if service.startswith("_"):
            raise AttributeError(service)
        if service not in self._clients:
            self._clients[service] = client({"lambda_": "lambda"}.get(service, service.replace("_", "-")), self.url)
        return self._clients[service]

    def sam_deploy(self, sam: Path, project: Project, name: str, parameters: dict[str, str]) -> "Stack":
        """What docs/deploy-aws.md says to type."""
        overrides = [f"{key}={value}" for key, value in parameters.items()]
        command = [sam / "bin" / "sam", "deploy", "--template-file", project.template, "--stack-name", name, "--resolve-s3"]
        command += ["--capabilities", "CAPABILITY_NAMED_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
        command += ["--parameter-overrides", *overrides]
        environment = self._plain | OWNER | {"AWS_ENDPOINT_URL": self.url, "SAM_CLI_TELEMETRY": "0"}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=project.template.parents[2])
        if ended.returncode != 0:
            raise RuntimeError((ended.stdout + ended.stderr)[-1500:])
        return Stack(self, name)

    def deploy(self, project: Project, text: str, name: str, parameters: dict[str, str]) -> "Stack":
        """The same without SAM's command line, which takes ten times as long. `text` has `{CODE}` for the package's address."""
        if CODE_BUCKET not in [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]:
            self.s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.s3.upload_file(str(project.package), CODE_BUCKET, "aws.zip")
        values = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        self.cloudformation.create_stack(StackName=name, TemplateBody=text, Parameters=values, Capabilities=CAPABILITIES)
        return Stack(self, name)

    def put_secret(self, name: str, value: str) -> str:
        """Its ARN."""
        try:
            return self.secretsmanager.create_secret(Name=name, SecretString=value)["ARN"]
        except self.secretsmanager.exceptions.ResourceExistsException:
            return self.secretsmanager.put_secret_value(SecretId=name, SecretString=value)["ARN"]


class Stack:
    """A stack whose making has ended well."""

    def __init__(self, account: Account, name: str):
        self.account, self.name = account, name
        status = until(f"{name} is made or not", self._ended)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = account.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            reasons = [event.get("ResourceStatusReason") for event in events if event["ResourceStatus"].endswith("FAILED")]
            raise RuntimeError(f"{status}: {reasons}")
        self._mend_concurrency()

    def _ended(self) -> str | None:
        [found] = self.account.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        return None if found["StackStatus"].endswith("IN_PROGRESS") else found["StackStatus"]

    def _mend_concurrency(self) -> None:
        """ministack hands a parameter of type Number on as text, and then compares it with a number."""
        for mapping in self.mappings:
            limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
            if limit is not None:
                scaling = {"MaximumConcurrency": int(limit)}
                self.account.lambda_.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig=scaling)

    @cached_property
    def outputs(self) -> dict[str, str]:
        [found] = self.account.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    @cached_property
    def parameters(self) -> dict[str, str]:
        [found] = self.account.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in found["Parameters"]}

    @property
    def mappings(self) -> list[dict]:
        return self.account.lambda_.list_event_source_mappings(FunctionName=self.outputs["FunctionName"])["EventSourceMappings"]

    @cached_property
    def function(self) -> dict:
        return self.account.lambda_.get_function_configuration(FunctionName=self.outputs["FunctionName"])

    @cached_property
    def sweep(self) -> dict:
        return self.account.lambda_.get_function_configuration(FunctionName=self.outputs["SweepFunctionName"])

    def queue(self, output: str) -> dict[str, str]:
        """A queue's attributes."""
        asked = self.account.sqs.get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=["All"])
        return asked["Attributes"]

    def targets(self, bus: str) -> list[tuple[dict, dict]]:
        """Each rule of a bus with each of its targets."""
        events = self.account.events
        rules = events.list_rules(EventBusName=bus)["Rules"]
        return [(rule, target) for rule in rules for target in events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]]

    def statements(self) -> list[dict]:
        """What the function's role may do."""
        role = self.outputs["RoleArn"].rsplit("/", 1)[1]
        iam = self.account.iam
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        if attached:
            raise AssertionError(f"policies of others are attached to the role: {attached}")
        return [statement for document in documents for statement in document["Statement"]]

    def public_statements(self) -> list[dict]:
        """What the function lets in from outside."""
        try:
            policy = self.account.lambda_.get_policy(FunctionName=self.outputs["FunctionName"])["Policy"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        return json.loads(policy)["Statement"]

    def url(self, path: str) -> str:
        """The function's URL as ministack serves it on this machine."""
        identifier = self.outputs["FunctionUrl"].split("//")[1].split(".")[0]
        return f"{self.account.url}/_aws/lambda-url/{identifier}{path}"

    def log(self) -> list[dict]:
        """The function's own lines, oldest first."""
        logs, group = self.account.logs, self.outputs["LogGroupName"]
        lines = []
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
            lines += [line for event in page["events"] for line in event["message"].splitlines() if line.startswith("{")]
        return sorted((json.loads(line) for line in lines), key=lambda line: line["timestamp"])

    def delete(self) -> None:
        self.account.cloudformation.delete_stack(StackName=self.name)
        until(f"{self.name} is gone", self._is_gone)

    def _is_gone(self) -> bool:
        try:
            [found] = self.account.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError:
            return True
        return found["StackStatus"] == "DELETE_COMPLETE"


def network(simulator: Simulator) -> dict[str, str]:
    """What leads calls to the simulator, and nothing of Azure's platform."""
    ours = ("ONBOARDER_", "SIMULATOR_", "IDENTITY_", "AZURE_", "AWS_")
    return {name: value for name, value in simulator.variables.items() if not name.startswith(ours)}
