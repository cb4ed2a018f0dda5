"""What `ispm-onboarder permissions` prints is typed into a shell with az in it; then our programs work with exactly these rights."""

import json
import os
import subprocess
from pathlib import Path

from azure_cli import READER, Az
from handover import onboard, run
from report import Report, contains, equal
from simulator import Simulator, plain_environment

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
NAME = "7b082443-c50f-4a2a-87a6-d8385d2edfe5"
# The steps about the roles of this project's own, by how their purpose begins: the world has no resources of Azure to give roles on.
OURS = ('The role "', '"ISPM onboarder')


class Rights:
    """The tenant's login, its roles, and the commands about them."""

    def __init__(self, simulator: Simulator, az: Az, onboarder: Path):
        self.simulator, self.az, self._onboarder = simulator, az, onboarder
        vault = simulator.variables["ONBOARDER_SECRET_STORE"].removeprefix("https://").split(".")[0]
        self._show = ["keyvault", "secret", "show", "--vault-name", vault, "--name"]
        record = json.loads(self._secret(f"ispm-onboarder-{simulator.tenant}"))
        self.login_app, self.secret = record["login"]["clientId"], self._secret(record["login"]["secretName"])
        self.login = az("ad", "sp", "show", "--id", self.login_app)["id"]
        self.root = f"/providers/Microsoft.Management/managementGroups/{simulator.tenant}"

    def _secret(self, name: str) -> str:
        return self.az(*self._show, name)["value"]

    def printed(self, *more: str) -> list[str]:
        """The commands about our own roles, as they are printed for this tenant."""
        ids = ["--scope", "tenant-root", "--tenant", self.simulator.tenant, "--login", self.login, "--principal", self.simulator.reader()]
        printed = json.loads(run(self.simulator, self._onboarder, "permissions", *ids, *more).stdout)
        return [step["command"] for step in printed["commands"] if step["for"].startswith(OURS)]

    def given(self) -> list[str]:
        """The names of the roles that az finds for the login."""
        return sorted(found["roleDefinitionName"] for found in self.az("role", "assignment", "list", "--assignee", self.login, "--all"))

    def take_away(self) -> None:
        self.az("role", "assignment", "delete", "--assignee", self.login, "--scope", self.root)
        for role in self.az("role", "definition", "list", "--custom-role-only", "true", "--scope", self.root):
            self.az("role", "definition", "delete", "--custom-role-only", "true", "--scope", self.root, "--name", role["name"])


def check(report: Report, simulator: Simulator, program: Path, onboarder: Path) -> None:
    az = Az(program, simulator)
    az.login(simulator)
    rights = Rights(simulator, az, onboarder)
    scope = f"/subscriptions/{simulator.variables['SIMULATOR_SUBSCRIPTION_ID']}"
    with report.check("az role assignment delete and az role definition delete leave the login without rights"):
        rights.take_away()
        equal(rights.given(), [])
        equal(az("role", "definition", "list", "--custom-role-only", "true", "--scope", rights.root), [])
        refused = run(simulator, onboarder, "onboard", scope, "--tenant", simulator.tenant)
        contains(refused.stdout, "authorization-failed")
        equal((refused.returncode, len(simulator.assignments(scope))), (1, 0))
    with report.check("the printed commands run in a shell as they are"):
        commands = rights.printed()
        equal(len(commands), 4)
        _type(simulator, program, commands)
        equal(rights.given(), ["ISPM onboarder: assign Reader", "ISPM onboarder: read"])
    with report.check("az finds in the roles what the list of permissions says"):
        _same_roles(rights, onboarder)
    with report.check("ispm-onboarder onboards with exactly these rights"):
        equal(onboard(simulator, onboarder, scope)["roleAssignment"]["outcome"], "created")
        equal(len(simulator.assignments(scope)), 1)
    with report.check("ispm-onboarder doctor has nothing to say of these rights"):
        _doctor(simulator, onboarder)
    with report.check("ispm-onboarder removes nothing with them"):
        refused = _offboard(simulator, onboarder, scope)
        equal((refused.returncode, len(simulator.assignments(scope))), (1, 1))
    with report.check("with --allow-offboarding, the printed commands let it remove what it assigned"):
        _type(simulator, program, [command for command in rights.printed("--allow-offboarding") if "remove" in command])
        removed = _offboard(simulator, onboarder, scope)
        equal((removed.returncode, len(simulator.assignments(scope))), (0, 0))
    _held(report, rights, program, scope)


def _type(simulator: Simulator, program: Path, commands: list[str]) -> None:
    """What a person does with the commands: az is found on PATH, and signed in."""
    settings = {"AZURE_CONFIG_DIR": str(simulator.folder / "azure"), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    environment = simulator.environment() | settings
    for command in commands:
        typed = ["bash", "-euc", command]
        done = subprocess.run(typed, env=environment, cwd=simulator.folder, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.stderr}")


def _same_roles(rights: Rights, onboarder: Path) -> None:
    listed = [role["definition"] for role in json.loads(run(rights.simulator, onboarder, "permissions").stdout)["customRoles"]]
    found = rights.az("role", "definition", "list", "--custom-role-only", "true", "--scope", rights.root)
    for role in found:
        [own] = [own for own in listed if own["Name"] == role["roleName"]]
        [permission] = role["permissions"]
        equal((permission["actions"], permission["notActions"], permission["dataActions"]), (own["Actions"], [], []))
        equal((role["roleType"], role["assignableScopes"]), ("CustomRole", [rights.root]))
    equal(len(found), 2)
    assignments = rights.az("role", "assignment", "list", "--assignee", rights.login, "--all")
    [condition] = [found["condition"] for found in assignments if found.get("condition")]
    contains(condition, rights.simulator.reader())
    contains(condition, READER)


def _doctor(simulator: Simulator, onboarder: Path) -> None:
    done = run(simulator, onboarder, "doctor", "--tenant", simulator.tenant)
    wrong = [check for check in json.loads(done.stdout)["checks"] if check["status"] in ("failed", "warning")]
    equal(wrong, [])


def _offboard(simulator: Simulator, onboarder: Path, scope: str) -> subprocess.CompletedProcess:
    return run(simulator, onboarder, "offboard", scope, "--tenant", simulator.tenant, "--yes")


def _held(report: Report, rights: Rights, program: Path, scope: str) -> None:
    """What the login may not do, asked of az as the login itself."""
    simulator = rights.simulator
    login = Az(program, simulator, "login")
    login("login", "--service-principal", "--username", rights.login_app, "--password", rights.secret, "--tenant", simulator.tenant)
    create = ["role", "assignment", "create", "--assignee-principal-type", "ServicePrincipal", "--scope", scope, "--name", NAME]
    with report.check("az, as the login, is refused another principal"):
        contains(login.refused(*create, "--role", READER, "--assignee-object-id", rights.login), "AuthorizationFailed")
    with report.check("az, as the login, is refused another role"):
        contains(login.refused(*create, "--role", OWNER, "--assignee-object-id", simulator.reader()), "AuthorizationFailed")
    with report.check("az, as the login, is refused the role that would free it"):
        up = ["role", "assignment", "create", "--role", OWNER, "--scope", rights.root]
        to_itself = ["--assignee-object-id", rights.login, "--assignee-principal-type", "ServicePrincipal"]
        contains(login.refused(*up, *to_itself), "AuthorizationFailed")
    with report.check("az, as the login, is refused a wider definition of its own role"):
        wider = {"Name": "ISPM onboarder: read", "IsCustom": True, "Description": "", "Actions": ["*"], "AssignableScopes": [rights.root]}
        contains(login.refused("role", "definition", "update", "--role-definition", json.dumps(wider)), "AuthorizationFailed")
    with report.check("az, as the login, assigns Reader to the ISPM app and nothing more"):
        made = login(*create, "--role", READER, "--assignee-object-id", simulator.reader())
        equal([found["id"] for found in simulator.assignments(scope)], [made["id"]])
