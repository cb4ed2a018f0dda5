"""SAM, cfn-lint and checkov over the template. An exception stands in the template, with a reason."""

import json
import subprocess
from pathlib import Path

from report import Report, equal
from simulator import plain_environment
from template import Project

# Fewer letters could not say why a rule does not fit.
LEAST_REASON = 20
INDENT = " " * 16


def check(report: Report, project: Project, sam: Path, checkov: Path, place: Path) -> None:
    judges = Linters(sam, checkov, place)
    with report.check("sam validate --lint"):
        equal(judges.sam(project.template), [])
    with report.check("cfn-lint"):
        equal(judges.cfn_lint(project.template), [])
    passed, failed, skipped = judges.checkov(project.template)
    with report.check(f"checkov passes {len(passed)} checks"):
        equal((failed, len(passed) > 0), ([], True))
    for rule, resource, reason in skipped:
        with report.check(f"checkov {rule} {resource} is left out: {reason}"):
            if len(reason) < LEAST_REASON:
                raise AssertionError("the comment gives no reason")
    for what, notices, pattern, replacement in FAULTS:
        with report.check(f"planted: {what}: noticed by {notices}"):
            text = project.text.replace(pattern, replacement)
            if text == project.text:
                raise RuntimeError("this fault cannot be planted: the pattern is found nowhere")
            broken = place / "broken.yaml"
            broken.write_text(text)
            if not judges.by_name(notices, broken):
                raise RuntimeError("nobody noticed")


class Linters:
    def __init__(self, sam: Path, checkov: Path, place: Path):
        self._sam, self._checkov = sam, checkov
        self._environment = plain_environment(place) | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "eu-central-1"}

    def _run(self, *command) -> subprocess.CompletedProcess:
        return subprocess.run(command, env=self._environment, capture_output=True, text=True)

    def by_name(self, name: str, template: Path) -> list:
        return {"sam": self.sam, "cfn-lint": self.cfn_lint, "checkov": lambda path: self.checkov(path)[1]}[name](template)

    def sam(self, template: Path) -> list[str]:
        ended = self._run(self._sam / "bin" / "sam", "validate", "--lint", "--template-file", template)
        return [] if ended.returncode == 0 else [ended.stdout + ended.stderr]

    def cfn_lint(self, template: Path) -> list[str]:
        ended = self._run(self._sam / "bin" / "cfn-lint", "--format", "parseable", "--", template)
        return (ended.stdout + ended.stderr).splitlines()

    def checkov(self, template: Path) -> tuple[list, list, list]:
        command = [self._checkov / "bin" / "checkov", "--file", template, "--framework", "cloudformation", "--skip-download"]
        results = json.loads(self._run(*command, "--output", "json").stdout)["results"]
        equal(results["parsing_errors"], [])
        failed = [(one["check_id"], one["resource"], one["check_name"]) for one in results["failed_checks"]]
        skipped = [(one["check_id"], one["resource"], one["check_result"]["suppress_comment"]) for one in results["skipped_checks"]]
        return results["passed_checks"], failed, skipped


FAULTS = [
    ("an output of what is not made", "sam", "!Ref DeadLetterQueue\n  RuleDead", "!Ref DeadLetters\n  RuleDead"),
    ("a property that there is not", "cfn-lint", "VisibilityTimeout:", "VisibilityTimeOut:"),
    ("a period that CloudWatch does not take", "cfn-lint", "Period: 900", "Period: 901"),
    ("a default that its own pattern refuses", "cfn-lint", "Default: AWS_IAM", "Default: IAM"),
    (
        "a role that may do everything",
        "checkov",
        f"Action: events:PutEvents\n{INDENT}Resource: !GetAtt ResultsBus.Arn",
        f'Action: "*"\n{INDENT}Resource: "*"',
    ),
    ("the log without its key", "checkov", "KmsKeyId: !If [HasKey, !Ref KmsKeyArn, !Ref AWS::NoValue]", ""),
    ("reports that may be public", "checkov", "BlockPublicAcls: true", "BlockPublicAcls: false"),
    ("a schedule's target without a role", "cfn-lint", "RoleArn: !GetAtt SweepTimerRole.Arn", ""),
    ("the log without an end", "checkov", "RetentionInDays: !Ref LogRetentionDays", ""),
]
