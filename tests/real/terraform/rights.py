"""Judges who is given which rights: what infra/permissions.json says, no more and no less."""

import json
import re
from pathlib import Path

from estate import Estate, Resource, guids
from report import contains, equal
from world import World

PERMISSIONS = json.loads((Path(__file__).resolve().parents[3] / "infra" / "permissions.json").read_text())
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
WIDE = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
# Where the condition of a role that may do this has to look: at what is asked for, or at what is there.
CHANGES = {
    "Microsoft.Authorization/roleAssignments/write": "@Request",
    "Microsoft.Authorization/roleAssignments/delete": "@Resource",
}
# The scope of each place that permissions.json names.
PLACES = {
    "vault": r"/Microsoft\.KeyVault/vaults/[^/]+$",
    "results-topic": r"/Microsoft\.EventGrid/topics/[^/]+-results-[^/]+$",
    "queue": r"/queueServices/default/queues/onboarding$",
    "poison-queue": r"/queueServices/default/queues/onboarding-poison$",
    "results-queue": r"/queueServices/default/queues/results$",
    "report": r"/blobServices/default/containers/report$",
    "activity-log-hub": r"/Microsoft\.EventHub/namespaces/[^/]+/eventhubs/[^/]+$",
    "dead-letters": r"/blobServices/default/containers/dead-letters$",
    "host-storage": r"/Microsoft\.Storage/storageAccounts/st[a-z0-9]+host[a-z0-9]{5}$",
    "application-insights": r"/Microsoft\.Insights/components/[^/]+$",
    "management-group": r"^/providers/Microsoft\.Management/managementGroups/[^/]+$",
}
ENTRIES = [*PERMISSIONS["customRoles"], *PERMISSIONS["builtInRoles"]]


def name_of(entry: dict) -> str:
    return f"{entry.get('name') or entry['role']} for {entry['holder']} on {entry['on']}"


def no_wide_role(estate: Estate) -> None:
    for assignment in estate.all("azurerm_role_assignment"):
        if role_of(assignment) in WIDE or assignment.values["role_definition_name"] in WIDE.values():
            raise AssertionError(f"{assignment.address} gives {WIDE.get(role_of(assignment), assignment.values['role_definition_name'])}")


def listed(role: Resource) -> dict:
    [entry] = [entry for entry in PERMISSIONS["customRoles"] if role.values["name"].startswith(entry["name"])]
    return entry


def actions_are_listed(estate: Estate) -> None:
    for role in estate.all("azurerm_role_definition"):
        given = role.block("permissions")
        equal(given["actions"], [permission["action"] for permission in listed(role)["permissions"]])
        equal([given["data_actions"], given["not_actions"], given["not_data_actions"]], [None, None, None])
        if "*" in json.dumps(given):
            raise AssertionError(f"{role.address} has an action with *")


def exactly_the_listed(estate: Estate) -> None:
    """Each assignment is an entry of the list, and each entry that is due here is assigned, once."""
    given = [name_of(entry_of(estate, assignment)) for assignment in estate.all("azurerm_role_assignment")]
    equal(sorted(given), sorted(name_of(entry) for entry in ENTRIES if is_due(estate, entry)))


def conditions_hold(estate: Estate) -> None:
    """Whoever may assign or remove roles may do so with Reader of the ISPM app, and with nothing else of anybody."""
    principal = principals(estate)["ispm-app"]
    for role in estate.all("azurerm_role_definition"):
        changes = [action for action in role.block("permissions")["actions"] if action in CHANGES]
        held = [one for one in estate.all("azurerm_role_assignment") if role_of(one) == role.values["role_definition_id"]]
        for assignment in held if changes else []:
            condition = assignment.values["condition"] or ""
            template = listed(role)["condition"]
            equal(guids(condition), [READER, principal])
            equal(condition, template.replace("{READER}", f"{{{READER}}}").replace("{PRINCIPAL}", f"{{{principal}}}"))
            for action in changes:
                for attribute in ["RoleDefinitionId", "PrincipalId"]:
                    asked = f"{CHANGES[action]}[Microsoft.Authorization/roleAssignments:{attribute}]"
                    contains(condition, f"{asked} ForAnyOfAnyValues:GuidEquals")
                contains(condition, f"(!(ActionMatches{{'{action}'}})) OR")
            equal(assignment.values["condition_version"], "2.0")


def principals_are_told(estate: Estate) -> None:
    """Without its type, Azure looks a new principal up, and does not find it for minutes."""
    for assignment in estate.all("azurerm_role_assignment"):
        equal(assignment.values["principal_type"], "ServicePrincipal")


def everything_is_given_somewhere(estates: list[Estate]) -> None:
    given = {name_of(entry_of(estate, one)) for estate in estates for one in estate.all("azurerm_role_assignment")}
    equal(sorted(name_of(entry) for entry in ENTRIES if name_of(entry) not in given), [])


def role_of(assignment: Resource) -> str:
    return assignment.values["role_definition_id"].rsplit("/", 1)[-1].lower()


def entry_of(estate: Estate, assignment: Resource) -> dict:
    custom = {one.values["role_definition_id"]: one.values["name"] for one in estate.all("azurerm_role_definition")}
    for entry in ENTRIES:
        is_role = custom.get(role_of(assignment), "").startswith(entry["name"]) if "name" in entry else role_of(assignment) == entry["id"]
        is_place = re.search(PLACES[entry["on"]], assignment.values["scope"])
        if is_role and is_place and assignment.values["principal_id"] == principals(estate)[entry["holder"]]:
            return entry
    raise AssertionError(f"{assignment.address} on {assignment.values['scope']} is not in infra/permissions.json")


def principals(estate: Estate) -> dict[str, str | None]:
    """The object id of each holder that permissions.json names."""
    client_id = estate.variables.get("ispm_app_client_id")
    found = {"login": estate.variables.get("function_principal_id"), "ispm-app": None}
    found["function"] = next((one.values["principal_id"] for one in estate.all("azurerm_user_assigned_identity")), None)
    if client_id is not None:
        found["ispm-app"] = World().answer("azuread_service_principals", {"client_ids": [client_id]})["object_ids"][0]
    for holder in ["events", "results"]:
        topics = [one for one in estate.all("azurerm_eventgrid_topic") if f"-{holder}-" in one.values["name"]]
        found[f"{holder}-topic"] = next((one.block("identity")["principal_id"] for one in topics), None)
    return found


def is_due(estate: Estate, entry: dict) -> bool:
    """Whether this stage, with these variables, has to give this right."""
    variables = estate.variables
    here = ["login", "ispm-app"] if "management_group_name" in variables else ["function", "events-topic", "results-topic"]
    if entry["holder"] not in here or "vault_id" in variables:
        return False
    switches = {
        "always": True,
        "events are delivered to the queue": variables.get("delivery") == "queue",
        "unless the function assigns it at each scope": variables.get("assign_reader"),
        "unless policy.assign is never": variables.get("grant_role_assignment"),
        "offboarding is allowed": variables.get("allow_offboarding"),
        "the activity log comes through an Event Hub": variables.get("activity_log_event_hub_id") is not None,
    }
    return switches[entry.get("when", "always")]
