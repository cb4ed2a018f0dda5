"""Runs the steps over the stages. Started by run.py in the providers' virtual environment."""

import json
import re
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "azure-clients"))

import chain  # noqa: E402
import planted  # noqa: E402
import scan  # noqa: E402
from estate import Estate  # noqa: E402
from judges import STAGES as JUDGES  # noqa: E402
from provider import Providers  # noqa: E402
from report import Report, contains, equal  # noqa: E402
from rights import everything_is_given_somewhere  # noqa: E402
from terraform import Failed, Terraform  # noqa: E402
from world import World  # noqa: E402

STAGES = ["app", "platform", "wiring"]


def main(schemas: Path, checkov: Path, stages: list[str], steps: list[str]) -> int:
    # An end by SIGTERM unwinds like any other, so that what was started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    report = Report()
    files = {f"hashicorp/{name}": schemas / f"{name}.json" for name in ["azurerm", "azuread", "random"]} | {"azure/azapi": HERE / "azapi.json"}
    known = {source: json.loads(file.read_text()) for source, file in files.items()}
    providers = Providers(known)
    with tempfile.TemporaryDirectory(prefix="terraform-") as name:
        terraform = Terraform(Path(name), providers)
        estates = [estate for stage in stages for estate in one_stage(report, terraform, stage, steps)]
        versions = {source.split("/")[1]: schema["version"] for source, schema in known.items()}
        for stage in stages if "validate" in steps else []:
            with report.check(f"{stage}: asks for the versions of providers that are judged here"):
                pins_are_judged((terraform.folder(stage) / "versions.tf").read_text(), versions)
        if "plan" in steps and stages == STAGES:
            with report.check("every listed right is given by some plan"):
                everything_is_given_somewhere(estates)
        if "checkov" in steps:
            scan.check(report, checkov, terraform.infra)
        if "apply" in steps:
            chain.check(report, Terraform(Path(name) / "chain", providers))
    if "planted" in steps:
        planted.check(report, providers)
    providers.stop()
    print(report.sums())
    return 0 if report.failed == 0 else 1


def one_stage(report: Report, terraform: Terraform, stage: str, steps: list[str]) -> list[Estate]:
    terraform.be(stage, World())
    if "fmt" in steps:
        with report.check(f"{stage}: terraform fmt"):
            terraform.run("fmt", "-check", "-recursive", "-diff")
    if set(steps) & {"validate", "plan", "test"}:
        with report.check(f"{stage}: terraform init and validate"):
            terraform.init()
            terraform.run("validate")
    if "test" in steps:
        tests(report, terraform, stage)
    if "plan" not in steps:
        return []
    estates = [one_plan(report, terraform, stage, variables) for variables in sorted((HERE / "plans").glob(f"{stage}-*.tfvars"))]
    return [estate for estate in estates if estate is not None]


def one_plan(report: Report, terraform: Terraform, stage: str, variables: Path) -> Estate | None:
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


def pins_are_judged(text: str, versions: dict[str, str]) -> None:
    """`~> 4.55` where the schema is that of 4.55.0: what an older provider knows is not looked at here."""
    asked = dict(re.findall(r'(\w+) = \{\s+source  = "[^"]+"\s+version = "([^"]+)"', text))
    equal(asked, {name: "~> " + versions[name].rsplit(".", 1)[0] for name in asked})
    equal(len(asked), len(re.findall(r"^ +source +=", text, re.MULTILINE)))


def failure(terraform: Terraform, name: str, argument: str) -> str:
    try:
        terraform.applied(name, argument)
    except Failed as failed:
        return " ".join(str(failed).split())
    return "no failure"


def tests(report: Report, terraform: Terraform, stage: str) -> None:
    """`terraform test`, one line for each of its runs."""
    words = ""
    try:
        printed = terraform.run("test", "-json")
    except Failed as failed:
        printed = words = str(failed)
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    ended = [event["test_run"] for event in events if event["type"] == "test_run" and event["test_run"].get("status") not in (None, "pending")]
    with report.check(f"{stage}: terraform test has runs"):
        if not ended:
            raise Failed(words or "there are none")
    for run in ended:
        with report.check(f"{stage}: {run['path'].removeprefix('tests/')} {run['run']}"):
            told = [event["diagnostic"] for event in events if event.get("@testrun") == run["run"] and event["type"] == "diagnostic"]
            equal((run["status"], [f"{one['summary']}: {one['detail']}" for one in told if one["severity"] == "error"]), ("pass", []))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(","), sys.argv[4].split(",")))
