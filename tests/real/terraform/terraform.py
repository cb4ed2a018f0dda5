"""Terraform in a copy of infra/, so that nothing is left in the checkout."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from estate import Estate, from_documents
from world import World

PROJECT = Path(__file__).resolve().parents[3]
WORDS = re.compile(r"\b(?:azurerm|azuread|azapi|random)_\w+")
# What a user's own settings could change in a run.
FOREIGN = re.compile(r"TF_\w+|ARM_\w+|AZURE_\w+")


class Failed(Exception):
    """Terraform ended with an error; the words are its own."""


class Terraform:
    """A copy of the infrastructure code, with the providers attached."""

    def __init__(self, place: Path, providers):
        place.mkdir(exist_ok=True)
        self.infra = place / "infra"
        left_behind = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.auto.tfvars.json")
        shutil.copytree(PROJECT / "infra", self.infra, ignore=left_behind)
        self._providers = providers
        settings = place / "terraform.rc"
        settings.touch()
        own = {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}
        quiet = {"TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
        self._environment = {**own, **quiet, **providers.environment}

    def folder(self, stage: str) -> Path:
        return self.infra / "azure" / stage

    def be(self, stage: str, world: World) -> None:
        """From now on, this stage in this world."""
        self._stage, self._world = stage, world
        files = [file for file in self.folder(stage).rglob("*") if file.suffix in (".tf", ".hcl") and file.is_file()]
        self._providers.be(world, set(WORDS.findall("\n".join(file.read_text() for file in files))))

    def run(self, *arguments: str) -> str:
        """What Terraform prints. Raises with its errors when it fails."""
        command = ["terraform", f"-chdir={self.folder(self._stage)}", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, env=self._environment)
        if ended.returncode != 0:
            raise Failed(errors(ended.stdout + ended.stderr))
        return ended.stdout

    def init(self) -> None:
        self.run("init", "-backend=false")

    def applied(self, name: str, *variables: str) -> Estate:
        """Plans and applies in a workspace of this name, so with a state of its own."""
        self.run("workspace", "select", "-or-create", name)
        self.run("plan", "-out=one.plan", *variables)
        plan = self.shown("one.plan")
        self.run("apply", "one.plan")
        return from_documents(self.shown(), plan, dict(self._world.clouds))

    def changes(self, *variables: str) -> list[str]:
        """What a plan would still change."""
        self.run("plan", "-out=one.plan", *variables)
        plan = self.shown("one.plan")
        outputs = [{"address": f"output.{name}", "change": change} for name, change in plan.get("output_changes", {}).items()]
        changes = [(one["address"], one["change"]["actions"]) for one in [*plan.get("resource_changes", []), *outputs]]
        return [f"{address}: {' and '.join(actions)}" for address, actions in changes if actions not in (["no-op"], ["read"])]

    def shown(self, *plan: str) -> dict:
        return json.loads(self.run("show", "-json", *plan))


def errors(printed: str) -> str:
    """The errors of a run without the frames around them, or everything when there are none."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    lines = [line.strip("│╷╵ ") for line in plain.splitlines()]
    started = next((number for number, line in enumerate(lines) if line.startswith("Error:")), 0)
    return "\n".join(line for line in lines[started:] if line)
