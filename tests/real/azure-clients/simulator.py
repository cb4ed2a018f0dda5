"""Starts `ispm-onboarder simulate` and speaks to its control surface."""

import json
import os
import shlex
import subprocess
import time
import urllib.request
from pathlib import Path

START_SECONDS = 20
END_SECONDS = 10


class Simulator:
    """A running simulator. Within `with`, this process's environment leads its clients there."""

    def __init__(self, onboarder: Path, folder: Path, world: Path | None = None):
        folder.mkdir()
        self.folder = folder
        self._file = folder / "simulator.env"
        self._command = [onboarder, "simulate", "--port", "0", "--env-file", self._file]
        self._command += ["--world", world] if world else []

    def __enter__(self) -> "Simulator":
        with open(self.folder / "simulator.log", "wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=plain_environment(self.folder))
        try:
            self.variables = self._wait_for_variables()
        except BaseException:
            self._end()
            raise
        self._before = dict(os.environ)
        os.environ.update(self.variables)
        return self

    def __exit__(self, *_) -> None:
        os.environ.clear()
        os.environ.update(self._before)
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_for_variables(self) -> dict[str, str]:
        deadline = time.monotonic() + START_SECONDS
        while not self._file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the simulator did not start: {(self.folder / 'simulator.log').read_text()}")
            time.sleep(0.02)
        words = shlex.split(self._file.read_text())
        return dict(word.split("=", 1) for word in words if word != "export")

    def environment(self) -> dict[str, str]:
        """A child's whole environment: the simulator's variables and nothing of the caller's that could lead elsewhere."""
        return plain_environment(self.folder) | self.variables

    def get(self, path: str):
        return self._control("GET", path, None)

    def post(self, path: str, body):
        return self._control("POST", path, body)

    def _control(self, method: str, path: str, body):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.variables['SIMULATOR_URL']}/_simulator/{path}", data, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
            return json.load(response)

    def assignments(self, scope: str) -> list[dict]:
        """The role assignments at exactly this scope."""
        return [assignment for assignment in self.get("world")["roleAssignments"] if assignment["scope"] == scope]

    def new_subscription(self) -> dict:
        """A new subscription: its id as `subscriptionId` and, as `event`, what a pipeline would say about it."""
        return self.post("subscriptions", {})

    @property
    def tenant(self) -> str:
        return self.variables["SIMULATOR_TENANT_ID"]

    @property
    def client(self) -> str:
        return self.variables["SIMULATOR_CLIENT_ID"]

    @property
    def secret(self) -> str:
        return self.variables["SIMULATOR_CLIENT_SECRET"]

    def administrator(self) -> tuple[str, str]:
        """The object id of a Global Administrator, and a token of that person for Resource Manager, as signing in would give it."""
        person = self.variables["SIMULATOR_ADMINISTRATOR_ID"]
        return person, self.get(f"token?user={person}&resource=https://management.azure.com")["accessToken"]

    def reader(self) -> str:
        """The object id of the app that ISPM reads with, which has Reader at the management group `corp`."""
        [assignment] = self.assignments("/providers/Microsoft.Management/managementGroups/corp")
        return assignment["principalId"]


def plain_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
