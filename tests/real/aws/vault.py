"""The simulated tenant's record and secrets, as its key vault has them."""

import json
import urllib.parse
import urllib.request

from simulator import Simulator

API_VERSION = "7.4"


class Vault:
    def __init__(self, simulator: Simulator):
        self.url = simulator.variables["ONBOARDER_SECRET_STORE"]
        self._token = token(simulator)
        self.record_name = f"ispm-onboarder-{simulator.tenant}"
        self.record = json.loads(self.secret(self.record_name))

    def secret(self, name: str) -> str:
        headers = {"Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(f"{self.url}/secrets/{name}?api-version={API_VERSION}", headers=headers)
        return opened(request)["value"]

    def secrets_of_record(self) -> dict[str, str]:
        """What the record names, by its name."""
        names = [self.record["login"]["secretName"], self.record["ispm"]["tokenSecretName"]]
        return {name: self.secret(name) for name in names}


def token(simulator: Simulator) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": simulator.client,
        "client_secret": simulator.secret,
        "scope": "https://vault.azure.net/.default",
    }
    url = f"https://login.microsoftonline.com/{simulator.tenant}/oauth2/v2.0/token"
    return opened(urllib.request.Request(url, urllib.parse.urlencode(form).encode()))["access_token"]


def opened(request: urllib.request.Request) -> dict:
    """The answer. `urlopen` would remember the proxy of the first simulator."""
    with urllib.request.build_opener().open(request, timeout=10) as response:
        return json.load(response)
