"""What the clouds behind the providers hold: the answers of data sources, and what creating a resource makes known."""

import itertools
import json
import re
import uuid
from pathlib import Path

import jmespath
import msgpack

HERE = Path(__file__).parent
# Fixed, so that the same resource gets the same made-up ids in every run.
NAMESPACE = uuid.UUID("5d3b8f0e-4c2a-5b1d-9e77-0a6c1f2d3e4b")
# https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure#guidance-for-developers
DOMAINS = {
    "public": {
        "storage_domain": "core.windows.net",
        "vault_domain": "vault.azure.net",
        "topic_domain": "eventgrid.azure.net",
        "hub_domain": "servicebus.windows.net",
        "site_domain": "azurewebsites.net",
        "insights_domain": "applicationinsights.azure.com",
    },
    "usgovernment": {
        "storage_domain": "core.usgovcloudapi.net",
        "vault_domain": "vault.usgovcloudapi.net",
        "topic_domain": "eventgrid.azure.us",
        "hub_domain": "servicebus.usgovcloudapi.net",
        "site_domain": "azurewebsites.us",
        "insights_domain": "applicationinsights.azure.us",
    },
}
UNKNOWN = msgpack.ExtType(0, b"\x00")


class Refused(Exception):
    """An answer that is an error."""


class World:
    """`world.json`, with other answers before those that stand there: the first that fits is given."""

    def __init__(self, answers: list[dict] = ()):
        world = json.loads((HERE / "world.json").read_text())
        self._answers = [*answers, *world["answers"]]
        self._created = world["created"]
        # By provider, the cloud that it was told to work in.
        self.clouds: dict[str, str] = {}
        self._creations = itertools.count()

    def answer(self, kind: str, config: dict) -> dict:
        """What a data source is told."""
        for answer in self._answers:
            if answer["of"] == kind and all(re.search(pattern, str(config[name])) for name, pattern in answer.get("where", {}).items()):
                if "refused" in answer:
                    raise Refused(answer["refused"])
                return {"output": exported(answer["body"], config["response_export_values"])} if "body" in answer else answer["is"]
        raise Refused(f"tests/real/terraform/world.json has no answer of {kind} for {config}")

    def entered(self, provider: str, cloud) -> dict[str, str]:
        """What is called how in the cloud that a provider is told to work in; without a word, that is the public one."""
        self.clouds[provider] = cloud if isinstance(cloud, str) else "public"
        return DOMAINS[self.clouds[provider]]

    def created(self, kind: str, state: dict, told: dict) -> "Created":
        random = uuid.uuid5(NAMESPACE, f"creation {next(self._creations)}").hex
        return Created(kind, self._created.get(kind, {}), state, {**told, "random": random})


class Known(dict):
    def __missing__(self, name: str) -> str:
        return ""


class Created:
    """The values that only the cloud knows, made up: by the templates of world.json, and else by name and type."""

    def __init__(self, kind: str, templates: dict, state: dict, told: dict):
        self._guid = uuid.uuid5(NAMESPACE, kind + json.dumps(state, default=str, sort_keys=True))
        known = {name: value for name, value in state.items() if isinstance(value, str | int) and not isinstance(value, bool)}
        group = f"/subscriptions/{told['subscription']}/resourceGroups/{known.get('resource_group_name')}"
        of_azapi = str(known.get("type")).split("@")[0]
        self._known = Known({**told, "guid": str(self._guid), "group": group, "resource_type": of_azapi, **known})
        for name, template in (templates if "id" in templates else {"id": f"/made-up/{kind}/{{guid}}", **templates}).items():
            if name not in known:
                self._known[name] = template.format_map(self._known) if isinstance(template, str) else template

    def value(self, path: tuple, kind):
        name = path[-1]
        if len(path) == 1 and name in self._known:
            return self._known[name]
        if kind == "string":
            return str(uuid.uuid5(self._guid, str(path))) if name.endswith("_id") else f"made-up-{name}"
        if isinstance(kind, list):
            return {} if kind[0] == "map" else None if kind[0] == "object" else []
        return {"number": 0, "bool": False, "dynamic": dynamic({})}[kind]


def exported(body, wanted):
    """What azapi makes of a response: the paths of a list, the JMESPath queries of a map, or all of it."""
    if wanted is None:
        return body
    values = wanted[1]
    if isinstance(values, dict):
        return {name: jmespath.search(query, body) for name, query in values.items()}
    output = {}
    for path in values:
        place, found, names = output, body, path.split(".")
        for name in names[:-1]:
            place, found = place.setdefault(name, {}), found[name]
        place[names[-1]] = found[names[-1]]
    return output


def dynamic(value) -> list:
    """A value of a dynamic attribute on the wire: its type beside it."""
    return [json.dumps(type_of(value)).encode(), value]


def type_of(value):
    if isinstance(value, dict):
        return ["object", {name: type_of(member) for name, member in value.items()}]
    if isinstance(value, list):
        return ["tuple", [type_of(member) for member in value]]
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "dynamic" if value is None else "string"
