"""What az makes our programs find, and what they make az finds."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from azure_cli import Az
from report import Report, contains, equal
from simulator import Simulator

START_SECONDS = 20


def check(report: Report, simulator: Simulator, program: Path, onboarder: Path, handler: Path) -> None:
    az = Az(program, simulator)
    az.login(simulator)
    reader = simulator.reader()

    def assign(scope: str, *more: str) -> dict:
        assignee = ["--assignee-object-id", reader, "--assignee-principal-type", "ServicePrincipal"]
        return az("role", "assignment", "create", "--role", "Reader", "--scope", scope, *assignee, *more)

    with report.check("ispm-onboarder finds what az assigned"):
        scope = f"/subscriptions/{simulator.variables['SIMULATOR_SUBSCRIPTION_ID']}"
        made = assign(scope)
        equal(onboard(simulator, onboarder, scope)["roleAssignment"], _as_result(made, scope))
        equal([found["id"] for found in simulator.assignments(scope)], [made["id"]])
    with report.check("ispm-onboarder finds what az assigned to a management group"):
        scope = f"/providers/Microsoft.Management/managementGroups/{simulator.variables['SIMULATOR_MANAGEMENT_GROUP']}"
        made = assign(scope)
        equal(onboard(simulator, onboarder, scope)["roleAssignment"], _as_result(made, scope))
        equal([found["id"] for found in simulator.assignments(scope)], [made["id"]])
    with report.check("the handler finds what az assigned"):
        new = simulator.new_subscription()
        scope = new["event"]["data"]["scope"]
        made = assign(scope)
        with _running(handler, simulator) as url:
            _deliver(url, new["event"])
        [result] = [result for result in simulator.get("world")["results"] if result["subject"] == scope]
        equal(result["type"], "dev.ispm-onboarder.scope.onboarded.v1")
        equal(result["data"]["roleAssignment"], _as_result(made, scope))
        equal([found["id"] for found in simulator.assignments(scope)], [made["id"]])
    with report.check("az lists what ispm-onboarder assigned, and creates no second one"):
        scope = simulator.new_subscription()["event"]["data"]["scope"]
        result = onboard(simulator, onboarder, scope)["roleAssignment"]
        equal(result["outcome"], "created")
        [found] = az("role", "assignment", "list", "--scope", scope)
        equal((found["id"], found["principalId"], found["roleDefinitionName"]), (result["id"], reader, "Reader"))
        contains(found["description"], "ispm-onboarder/1")
        equal(assign(scope)["id"], result["id"])
        equal(len(simulator.assignments(scope)), 1)


def _as_result(made: dict, scope: str) -> dict:
    """What a result event says of an assignment that az made."""
    return {"id": made["id"], "outcome": "already-assigned", "scope": scope}


def run(simulator: Simulator, onboarder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Runs a command of ours to its end, whatever that is."""
    command = [onboarder, *arguments, "--output", "json"]
    return subprocess.run(command, env=simulator.environment(), capture_output=True, text=True, timeout=60)


def onboard(simulator: Simulator, onboarder: Path, scope: str) -> dict:
    """Onboards a scope, and answers what the result says."""
    done = run(simulator, onboarder, "onboard", scope, "--tenant", simulator.tenant)
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}: {done.stdout} {done.stderr}")
    [result] = json.loads(done.stdout)["results"]
    return result["data"]


@contextmanager
def _running(handler: Path, simulator: Simulator):
    """The handler as the Functions host starts it: with a port, and asked until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = simulator.environment() | {"FUNCTIONS_CUSTOMHANDLER_PORT": str(port)}
    with open(simulator.folder / "handler.log", "wb") as log:
        process = subprocess.Popen([handler], stdout=log, stderr=log, env=environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the handler did not start: {(simulator.folder / 'handler.log').read_text()}")
            time.sleep(0.025)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _deliver(url: str, event: dict) -> None:
    body = {"Data": {"event": event}, "Metadata": {"sys": {"MethodName": "OnOnboardingEvent"}}}
    headers = {"Content-Type": "application/json", "X-Azure-Functions-InvocationId": "azure-clients"}
    request = urllib.request.Request(f"{url}/OnOnboardingEvent", json.dumps(body).encode(), headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as response:
            equal(response.status, 200)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.code}: {error.read().decode()}") from error
