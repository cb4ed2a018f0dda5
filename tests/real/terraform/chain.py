"""The stages one after the other, as their users apply them: what one prints is the next one's variables. Then everything is taken away."""

from pathlib import Path

from judges import STAGES as JUDGES
from report import Report, equal
from terraform import Terraform
from world import World

HERE = Path(__file__).parent
APP = f"-var-file={HERE / 'chain' / 'app.tfvars'}"
# Each stage with its variables; app's output of the stage's name is handed on to it.
STAGES = {"app": [APP], "platform": [f"-var-file={HERE / 'chain' / 'platform.tfvars'}"], "wiring": []}


def check(report: Report, terraform: Terraform) -> None:
    world = World()
    first = []
    for stage, variables in STAGES.items():
        with report.check(f"chain: {stage} is applied with what app hands on"):
            if stage != "app":
                hand_on(terraform, world, stage)
            terraform.be(stage, world)
            terraform.init()
            estate = terraform.applied("default", *variables)
            equal(terraform.changes(*variables), [])
            for judge in JUDGES[stage].values():
                judge(estate)
            first = first or of_chance(estate)
    for stage, variables in reversed(STAGES.items()):
        with report.check(f"chain: {stage} is destroyed"):
            terraform.be(stage, world)
            terraform.run("destroy", "-auto-approve", *variables)
            equal(terraform.shown().get("values", {}).get("root_module", {}).get("resources", []), [])
    with report.check("chain: made again, nothing has a name that is still taken"):
        again = of_chance(terraform.applied("default", APP))
        equal(len(again), len(first))
        equal(sorted(set(first) & set(again)), [])


def hand_on(terraform: Terraform, world: World, stage: str) -> None:
    terraform.be("app", world)
    (terraform.folder(stage) / "app.auto.tfvars.json").write_text(terraform.run("output", "-json", stage))


def of_chance(estate) -> list[str]:
    return [one.values["name"] for one in estate.some("azurerm_key_vault", "azurerm_storage_account", "azurerm_eventgrid_topic")]
