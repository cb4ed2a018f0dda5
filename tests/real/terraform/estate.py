"""What one plan made, ready to be judged."""

import re
from typing import NamedTuple


class Resource(NamedTuple):
    address: str
    type: str
    values: dict

    def block(self, name: str) -> dict:
        """The one block of this name."""
        blocks = self.values[name]
        if len(blocks) != 1:
            raise AssertionError(f"{self.address} has {len(blocks)} blocks {name}")
        return blocks[0]


class Estate:
    def __init__(self, resources: list[Resource], variables: dict, clouds: dict[str, str]):
        self.resources = resources
        self.variables = variables
        # By provider, the cloud that it was told to work in.
        self.clouds = clouds

    def all(self, *types: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type in types]

    def some(self, *types: str) -> list[Resource]:
        """All of these types. A judgement of nothing would always be good, so there has to be one."""
        found = self.all(*types)
        if not found:
            raise AssertionError(f"there is no {' and no '.join(types)}")
        return found

    def one(self, kind: str, fits=lambda values: True) -> Resource:
        """The only one of this type whose values fit."""
        found = [resource for resource in self.all(kind) if fits(resource.values)]
        if len(found) != 1:
            raise AssertionError(f"there are {len(found)} {kind} where one is wanted")
        return found[0]

    def named(self, kind: str, part: str) -> Resource:
        return self.one(kind, lambda values: part in values["name"])

    def azapi(self, arm_type: str) -> list[dict]:
        """The bodies that azapi sends for this type of Resource Manager."""
        ours = [one.values for one in self.all("azapi_resource", "azapi_update_resource")]
        return [values["body"] for values in ours if values["type"].split("@")[0].lower() == arm_type.lower()]


def from_documents(state: dict, plan: dict, clouds: dict[str, str]) -> Estate:
    """Of what `terraform show -json` prints of a state and of the plan that led to it."""
    found = state.get("values", {}).get("root_module", {}).get("resources", [])
    resources = [Resource(one["address"], one["type"], one["values"]) for one in found if one["mode"] == "managed"]
    return Estate(resources, {name: variable.get("value") for name, variable in plan.get("variables", {}).items()}, clouds)


def guids(text: str) -> list[str]:
    return re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower())
