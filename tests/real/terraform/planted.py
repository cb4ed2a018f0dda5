"""Breaks a copy of the modules, one fault at a time: the judge that is there for it has to notice."""

import re
import tempfile
from pathlib import Path

from faults import FAULTS, Fault
from judges import STAGES as JUDGES
from report import Report
from terraform import Terraform
from world import World

HERE = Path(__file__).parent


def check(report: Report, providers, stages: list[str]) -> None:
    for fault in FAULTS:
        if fault.plan.split("-")[0] in stages:
            planted = report.check(f"planted in {fault.plan}: {fault.what}: noticed by {fault.judge!r}")
            with planted, tempfile.TemporaryDirectory(prefix="terraform-") as name:
                noticed(fault, Terraform(Path(name), providers))


def noticed(fault: Fault, terraform: Terraform) -> None:
    stage = fault.plan.split("-")[0]
    plant(fault, terraform.folder(stage))
    terraform.be(stage, World())
    terraform.init()
    estate = terraform.applied("default", f"-var-file={HERE / 'plans' / fault.plan}.tfvars")
    try:
        JUDGES[stage][fault.judge](estate)
    except AssertionError:
        return
    raise RuntimeError("nobody noticed")


def plant(fault: Fault, folder: Path) -> None:
    planted = 0
    for file in folder.glob("*.tf"):
        text, count = re.subn(fault.pattern, fault.replacement, file.read_text())
        file.write_text(text)
        planted += count
    if planted == 0:
        raise RuntimeError("this fault cannot be planted: the pattern is found nowhere")
