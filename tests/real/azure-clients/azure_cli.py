"""azure-cli, unmodified, with nothing but the simulator's variables."""

import json
import subprocess
from pathlib import Path

from report import Report, contains, equal
from simulator import Simulator

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
NAME = "7b082443-c50f-4a2a-87a6-d8385d2edfe3"
OTHER_NAME = "7b082443-c50f-4a2a-87a6-d8385d2edfe4"
GROUPS = "/providers/Microsoft.Management/managementGroups"


class AzFailed(Exception):
    """az ended with another code than 0; the text is what it wrote to stderr."""


class Az:
    def __init__(self, program: Path, simulator: Simulator, account: str = "azure"):
        """An az that keeps who is signed in apart by `account`."""
        self._program = program
        self._environment = simulator.environment() | {
            "AZURE_CONFIG_DIR": str(simulator.folder / account),
            "AZURE_CORE_COLLECT_TELEMETRY": "0",
        }

    def __call__(self, *arguments: str):
        """Runs a command and answers its output, parsed."""
        command = [self._program, *arguments, "--output", "json"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise AzFailed(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *arguments: str) -> str:
        try:
            self(*arguments)
        except AzFailed as error:
            return str(error)
        raise AssertionError("az did not fail")

    def login(self, simulator: Simulator):
        secret = ["--username", simulator.client, "--password", simulator.secret, "--tenant", simulator.tenant]
        return self("login", "--service-principal", *secret)


def check(report: Report, simulator: Simulator, program: Path) -> None:
    az = Az(program, simulator)
    subscription = simulator.variables["SIMULATOR_SUBSCRIPTION_ID"]
    _identities(report, simulator, az, subscription)
    az("account", "set", "--subscription", subscription)
    _assignments(report, simulator, az, f"/subscriptions/{subscription}")
    _groups(report, simulator, az)
    _secrets(report, simulator, az)
    _elevation(report, simulator, az)


def _identities(report: Report, simulator: Simulator, az: Az, subscription: str) -> None:
    with report.check("az login --identity finds the subscriptions"):
        accounts = az("login", "--identity", "--client-id", simulator.client)
        equal({account["user"]["assignedIdentityInfo"] for account in accounts}, {f"MSIClient-{simulator.client}"})
        equal({account["tenantId"] for account in accounts}, {simulator.tenant})
        az("logout")
    with report.check("az login refuses a wrong secret with AADSTS7000215"):
        wrong = ["--username", simulator.client, "--password", "wrong", "--tenant", simulator.tenant]
        contains(az.refused("login", "--service-principal", *wrong), "AADSTS7000215")
    with report.check("az login --service-principal"):
        az.login(simulator)
    with report.check("az account list"):
        accounts = az("account", "list", "--all")
        contains([account["id"] for account in accounts], subscription)
        equal({account["state"] for account in accounts}, {"Enabled", "Disabled"})
    with report.check("az ad sp show by app id and by object id"):
        by_app = az("ad", "sp", "show", "--id", simulator.client)
        equal(by_app["appId"], simulator.client)
        equal(az("ad", "sp", "show", "--id", by_app["id"])["appId"], simulator.client)
    with report.check("az ad sp show of an unknown app"):
        contains(az.refused("ad", "sp", "show", "--id", simulator.tenant), "does not exist")


def _assignments(report: Report, simulator: Simulator, az: Az, scope: str) -> None:
    reader = simulator.reader()
    by_object = ["--assignee-object-id", reader, "--assignee-principal-type", "ServicePrincipal"]
    create = ["role", "assignment", "create", "--role", "Reader", "--scope", scope]
    identifier = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{NAME}"
    with report.check("az role definition list --name Reader"):
        [role] = az("role", "definition", "list", "--name", "Reader")
        equal((role["name"], role["roleType"]), (READER, "BuiltInRole"))
    with report.check("az role assignment create, new"):
        created = az(*create, *by_object, "--name", NAME, "--description", "made by az")
        equal((created["id"], created["description"]), (identifier, "made by az"))
    with report.check("az role assignment create, again under the same name"):
        equal(az(*create, *by_object, "--name", NAME, "--description", "made by az"), created)
    with report.check("az role assignment create, under another name, finds the one that is there"):
        equal(az(*create, *by_object, "--name", OTHER_NAME)["id"], identifier)
    with report.check("az role assignment create looks a principal's type up in Graph"):
        equal(az(*create, "--assignee", reader)["id"], identifier)
        equal(len(simulator.assignments(scope)), 1)
    _lists(report, simulator, az, scope, identifier)
    with report.check("az role assignment delete"):
        az("role", "assignment", "delete", "--assignee", reader, "--role", "Reader", "--scope", scope)
        equal(simulator.assignments(scope), [])
    with report.check("az role assignment delete of what is gone"):
        contains(az.refused("role", "assignment", "delete", "--assignee", reader, "--scope", scope), "No matched assignments")


def _lists(report: Report, simulator: Simulator, az: Az, scope: str, identifier: str) -> None:
    reader = simulator.reader()
    listed = ["role", "assignment", "list"]
    world = simulator.get("world")
    [covered] = [one["id"] for one in world["subscriptions"] if one["parent"] == "corp"]
    with report.check("az role assignment list --all, with the names of role and principal"):
        [found] = [found for found in az(*listed, "--all") if found["principalId"] == reader and found["scope"] == scope]
        equal((found["id"], found["roleDefinitionName"]), (identifier, "Reader"))
        equal(found["principalName"], az("ad", "sp", "show", "--id", reader)["appId"])
    with report.check("az role assignment list --scope"):
        equal([found["id"] for found in az(*listed, "--scope", scope)], [identifier])
        equal(az(*listed, "--scope", f"/subscriptions/{covered}"), [])
    with report.check("az role assignment list --include-inherited"):
        with_inherited = az(*listed, "--scope", f"/subscriptions/{covered}", "--include-inherited")
        [inherited] = [found for found in with_inherited if found["principalId"] == reader]
        equal((inherited["scope"], inherited["roleDefinitionName"]), (f"{GROUPS}/corp", "Reader"))
    with report.check("az role assignment list --assignee"):
        equal([found["id"] for found in az(*listed, "--assignee", reader, "--all")], [identifier])
        equal(az(*listed, "--assignee", simulator.client, "--scope", scope), [])


def _groups(report: Report, simulator: Simulator, az: Az) -> None:
    names = sorted(group["name"] for group in simulator.get("world")["managementGroups"])
    with report.check("az account management-group list, which registers the provider first"):
        equal(sorted(group["name"] for group in az("account", "management-group", "list")), names)
    with report.check("az account management-group show --expand --recurse"):
        show = ["account", "management-group", "show", "--no-register", "--name", simulator.tenant]
        equal(sorted(_groups_in(az(*show, "--expand", "--recurse"))), names)
        equal(az(*show)["children"], None)
    with report.check("az rest for descendants, page after page"):
        url = f"{GROUPS}/{simulator.tenant}/descendants?api-version=2023-04-01&$top=5"
        found = []
        while url:
            page = az("rest", "--url", url)
            found += [item["name"] for item in page["value"]]
            url = page.get("nextLink")
        world = simulator.get("world")
        below = {group["name"] for group in world["managementGroups"]} - {simulator.tenant}
        # One subscription shows itself only later.
        hidden = {one["id"] for one in world["subscriptions"]} - set(found)
        equal((len(found), len(hidden), below - set(found)), (len(set(found)), 1, set()))


def _groups_in(group: dict) -> list[str]:
    below = [name for child in group["children"] or [] if "managementGroups" in child["type"] for name in _groups_in(child)]
    return [group["name"], *below]


def _secrets(report: Report, simulator: Simulator, az: Az) -> None:
    vault = simulator.variables["ONBOARDER_SECRET_STORE"].removeprefix("https://").split(".")[0]
    secret = ["--vault-name", vault, "--name", "made-by-az"]
    with report.check("az keyvault secret set and show"):
        made = az("keyvault", "secret", "set", *secret, "--value", "one", "--content-type", "text/plain", "--tags", "a=b")
        equal((made["value"], made["contentType"], made["tags"]["a"]), ("one", "text/plain", "b"))
        newer = az("keyvault", "secret", "set", *secret, "--value", "two")
        equal(az("keyvault", "secret", "show", *secret)["id"], newer["id"])
        equal(az("keyvault", "secret", "show", "--id", made["id"])["value"], "one")
    with report.check("az keyvault secret show of a missing secret"):
        contains(az.refused("keyvault", "secret", "show", "--vault-name", vault, "--name", "nothing"), "SecretNotFound")


def _elevation(report: Report, simulator: Simulator, az: Az) -> None:
    elevate = ["rest", "--method", "post", "--url", "/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01"]
    with report.check("az rest elevateAccess is refused for an app"):
        contains(az.refused(*elevate), "AuthorizationFailed")
        equal(simulator.assignments("/"), [])
    # Nobody types a password here: az sends a person's token as it was given.
    person, token = simulator.administrator()
    as_person = ["--skip-authorization-header", "--headers", f"Authorization=Bearer {token}"]
    with report.check("az rest elevateAccess elevates a Global Administrator, once"):
        for _ in range(2):
            equal(az(*elevate, *as_person), None)
        equal([(found["principalId"], found["role"]) for found in simulator.assignments("/")], [(person, USER_ACCESS_ADMINISTRATOR)])
    with report.check("az rest finds the elevation and ends it"):
        url = f"https://management.azure.com/{ASSIGNMENTS}?api-version=2022-04-01&$filter=principalId eq '{person}'"
        [found] = az("rest", "--url", url, *as_person)["value"]
        az("rest", "--method", "delete", "--url", f"https://management.azure.com{found['id']}?api-version=2022-04-01", *as_person)
        equal(simulator.assignments("/"), [])
    with report.check("az rest tells what the caller may do"):
        url = f"/subscriptions/{simulator.variables['SIMULATOR_SUBSCRIPTION_ID']}/providers/Microsoft.Authorization/permissions"
        may = az("rest", "--url", f"{url}?api-version=2022-04-01")["value"]
        equal(sorted(may[0]), ["actions", "dataActions", "notActions", "notDataActions"])
