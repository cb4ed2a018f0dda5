"""Runs the steps over the stages. Started by run.py in the providers' virtual environment."""

import json
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "azure-clients"))

import chain  # noqa: E402
import planted  # noqa: E402
import scan  # noqa: E402
import steps  # noqa: E402
from provider import Providers  # noqa: E402
from report import Report  # noqa: E402
from rights import everything_is_given_somewhere  # noqa: E402
from terraform import Terraform  # noqa: E402
from world import World  # noqa: E402


def main(schemas: Path, checkov: Path, stages: list[str], wanted: list[str]) -> int:
    # An end by SIGTERM unwinds like any other, so that what was started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    report = Report()
    files = {f"hashicorp/{name}": schemas / f"{name}.json" for name in ["azurerm", "azuread", "random"]}
    known = {source: json.loads(file.read_text()) for source, file in [*files.items(), ("azure/azapi", HERE / "azapi.json")]}
    providers = Providers(known)
    try:
        with tempfile.TemporaryDirectory(prefix="terraform-") as name:
            terraform = Terraform(Path(name), providers)
            versions = {source.split("/")[1]: schema["version"] for source, schema in known.items()}
            in_stages(report, terraform, stages, wanted, versions)
            if "checkov" in wanted:
                scan.check(report, checkov, terraform.infra)
        if "apply" in wanted:
            with tempfile.TemporaryDirectory(prefix="terraform-") as name:
                chain.check(report, Terraform(Path(name), providers))
        if "planted" in wanted:
            planted.check(report, providers, stages)
    finally:
        providers.stop()
    print(report.sums())
    return 0 if report.failed == 0 else 1


def in_stages(report: Report, terraform: Terraform, stages: list[str], wanted: list[str], versions: dict[str, str]) -> None:
    estates = []
    for stage in stages:
        terraform.be(stage, World())
        if "fmt" in wanted:
            steps.fmt(report, terraform, stage)
        if {"validate", "plan", "test"} & set(wanted):
            steps.validate(report, terraform, stage)
        if "validate" in wanted:
            steps.versions(report, terraform, stage, versions)
        if "test" in wanted:
            steps.test(report, terraform, stage)
        if "plan" in wanted:
            estates += steps.plans(report, terraform, stage)
    if "plan" in wanted and len(stages) > 1:
        with report.check("every listed right is given by some plan"):
            everything_is_given_somewhere(estates)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(","), sys.argv[4].split(",")))
