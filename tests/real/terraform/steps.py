"""What is run in one stage: fmt, validate, test and plans."""

import json
import re
from pathlib import Path

from estate import Estate
from judges import STAGES as JUDGES
from report import Report, contains, equal
from terraform import Failed, Terraform
from world import World

PLANS = Path(__file__).parent / "plans"


def fmt(report: Report, terraform: Terraform, stage: str) -> None:
    with report.check(f"{stage}: terraform fmt"):
        terraform.run("fmt", "-check", "-recursive", "-diff")


def validate(report: Report, terraform: Terraform, stage: str) -> None:
    with report.check(f"{stage}: terraform init and validate"):
        terraform.init()
        terraform.run("validate")


def versions(report: Report, terraform: Terraform, stage: str, known: dict[str, str]) -> None:
    """`~> 4.55` where the schema is that of 4.55.0: what an older provider knows is not looked at here."""
    with report.check(f"{stage}: asks for the versions of providers that are judged here"):
        text = (terraform.folder(stage) / "versions.tf").read_text()
        asked = dict(re.findall(r'(\w+) = \{\s+source  = "[^"]+"\s+version = "([^"]+)"', text))
        equal(len(asked), len(re.findall(r"^ +source +=", text, re.MULTILINE)))
        equal(asked, {name: "~> " + known[name].rsplit(".", 1)[0] for name in asked})


def test(report: Report, terraform: Terraform, stage: str) -> None:
    """`terraform test`, one line for each of its runs."""
    try:
        printed = terraform.run("test", "-json")
    except Failed as failed:
        printed = str(failed)
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    ended = [event["test_run"] for event in events if event["type"] == "test_run" and event["test_run"]["progress"] == "complete"]
    with report.check(f"{stage}: terraform test has runs"):
        if not ended:
            raise Failed(printed or "there are none")
    for run in ended:
        with report.check(f"{stage}: {run['path'].removeprefix('tests/')} {run['run']}"):
            place = (run["path"], run["run"])
            told = [one["diagnostic"] for one in events if "diagnostic" in one and (one.get("@testfile"), one.get("@testrun")) == place]
            wrong = [f"{one['summary']}: {one['detail']}" for one in told if one["severity"] == "error"]
            equal((run["status"], wrong), ("pass", []))


def plans(report: Report, terraform: Terraform, stage: str) -> list[Estate]:
    found = [plan(report, terraform, stage, variables) for variables in sorted(PLANS.glob(f"{stage}-*.tfvars"))]
    return [estate for estate in found if estate is not None]


def plan(report: Report, terraform: Terraform, stage: str, variables: Path) -> Estate | None:
    """One file of variables. A document beside it has other answers of the clouds, and the words by which the plan has to fail."""
    name = variables.stem
    beside = variables.with_suffix(".json")
    special = json.loads(beside.read_text()) if beside.exists() else {}
    terraform.be(stage, World(special.get("answers", [])))
    argument = f"-var-file={variables}"
    if "fails" in special:
        with report.check(f"{name}: the plan fails, and says why"):
            contains(failure(terraform, name, argument), special["fails"])
        return None
    estate = None
    with report.check(f"{name}: plan and apply"):
        estate = terraform.applied(name, argument)
    if estate is not None:
        with report.check(f"{name}: a second plan changes nothing"):
            equal(terraform.changes(argument), [])
        for words, judge in JUDGES[stage].items():
            with report.check(f"{name}: {words}"):
                judge(estate)
    return estate


def failure(terraform: Terraform, name: str, argument: str) -> str:
    try:
        terraform.applied(name, argument)
    except Failed as failed:
        return " ".join(str(failed).split())
    return "no failure"
