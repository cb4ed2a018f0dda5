"""Breaks a copy of the modules, one fault at a time: the judge that is there for it has to notice."""

import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from judges import STAGES as JUDGES
from report import Report
from terraform import Failed, Terraform
from world import World

HERE = Path(__file__).parent


class Fault(NamedTuple):
    """In the stage's files, what the pattern finds is replaced; with this plan, this judge notices."""

    plan: str
    judge: str
    pattern: str
    replacement: str


ANY_ACTION = r'actions = each\.value\.actions'
FAULTS = [
    Fault("platform-assigning", "custom roles have the listed actions and no *", ANY_ACTION, 'actions = ["*"]'),
    Fault("platform-assigning", "exactly the listed rights are given", r"principal_id       = var\.function_principal_id", "principal_id = local.ispm_app_principal_id"),
]


def check(report: Report, providers) -> None:
    for fault in FAULTS:
        with report.check(f"planted in {fault.plan}: {fault.replacement}: noticed by {fault.judge!r}"):
            with tempfile.TemporaryDirectory(prefix="terraform-planted-") as name:
                noticed(fault, Terraform(Path(name), providers))


def noticed(fault: Fault, terraform: Terraform) -> None:
    stage = fault.plan.split("-")[0]
    plant(fault, terraform.folder(stage))
    terraform.be(stage, World())
    terraform.init()
    estate = terraform.applied("default", f"-var-file={HERE / 'plans' / fault.plan}.tfvars")
    try:
        JUDGES[stage][fault.judge](estate)
    except (AssertionError, KeyError, ValueError):
        return
    raise AssertionError("nobody noticed")


def plant(fault: Fault, folder: Path) -> None:
    planted = 0
    for file in folder.glob("*.tf"):
        text, count = re.subn(fault.pattern, fault.replacement, file.read_text())
        file.write_text(text)
        planted += count
    if planted == 0:
        raise Failed(f"{fault.pattern} is found nowhere")
