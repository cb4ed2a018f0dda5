"""Tokens that are expired, for another audience or of another tenant, at each service, as users of the SDK see them refused."""

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.core.rest import HttpRequest
from azure.eventgrid import EventGridPublisherClient
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.managementgroups import ManagementGroupsMgmtClient
from azure.storage.queue import QueueClient

from fixed_token import FixedToken
from report import Report, contains, equal, refused
from simulator import Simulator

ARM = "https://management.azure.com"
GRAPH = "https://graph.microsoft.com"
VAULT = "https://vault.azure.net"
TOPIC = "https://eventgrid.azure.net"
STORAGE = "https://storage.azure.com"
TWO_HOURS = 7200
FABRIKAM = "22222222-0000-4000-8000-000000000002"
SUBSCRIPTION = "11111111-0000-4000-8000-0000000000b1"


def check(report: Report, simulator: Simulator) -> None:
    own = ClientSecretCredential(simulator.tenant, simulator.client, simulator.secret)
    foreign = ClientSecretCredential(FABRIKAM, simulator.client, simulator.secret)
    with report.check("a good token is taken at each service"):
        for resource, (call, _) in _services().items():
            call(FixedToken(own, resource))
    with report.check("a token for another audience is refused at each service"):
        for resource, (call, codes) in _services().items():
            _refused(call, FixedToken(own, VAULT if resource != VAULT else ARM), codes["audience"])
    with report.check("a token of another tenant is refused at each service"):
        for resource, (call, codes) in _services().items():
            if codes["tenant"] is not None:
                _refused(call, FixedToken(foreign, resource), codes["tenant"])
    with report.check("a token of another tenant sees that tenant alone"):
        groups = ManagementGroupsMgmtClient(FixedToken(foreign, ARM)).management_groups
        equal([group.name for group in groups.list()], [FABRIKAM])
        refused(HttpResponseError, lambda: groups.get(simulator.tenant), "AuthorizationFailed", 403)
    with report.check("the SDK itself keeps a credential of another tenant from a vault"):
        contains(str(refused(ClientAuthenticationError, lambda: _secret(foreign))), "additionally_allowed_tenants")
    with report.check("an expired token is refused at each service, and a new one taken"):
        old = {resource: FixedToken(own, resource) for resource in _services()}
        simulator.post("clock", {"advanceSeconds": TWO_HOURS})
        new = ClientSecretCredential(simulator.tenant, simulator.client, simulator.secret)
        for resource, (call, codes) in _services().items():
            _refused(call, old[resource], codes["expired"])
            call(FixedToken(new, resource))


def _services() -> dict:
    """For each resource a call with a credential, and the codes of its refusals; Graph takes every tenant's tokens for its own."""
    authorization = {"audience": "InvalidAuthenticationTokenAudience", "tenant": "InvalidAuthenticationTokenTenant", "expired": "ExpiredAuthenticationToken"}
    graph = {"audience": "InvalidAuthenticationToken", "tenant": None, "expired": "InvalidAuthenticationToken"}
    unauthorized = dict.fromkeys(["audience", "tenant", "expired"], "Unauthorized")
    storage = dict.fromkeys(["audience", "tenant", "expired"], "InvalidAuthenticationInfo")
    return {
        ARM: (_assignments, authorization),
        GRAPH: (_principals, graph),
        VAULT: (_secret, unauthorized),
        TOPIC: (_event, unauthorized),
        STORAGE: (_queue, storage),
    }


def _refused(call, credential: FixedToken, code: str) -> None:
    error = refused(ClientAuthenticationError, lambda: call(credential), status=401)
    own = getattr(error, "error", None)
    equal(getattr(own, "code", None) or getattr(error, "error_code", None), code)


def _assignments(credential) -> None:
    list(AuthorizationManagementClient(credential, SUBSCRIPTION).role_assignments.list_for_subscription())


def _principals(credential) -> None:
    client = ManagementGroupsMgmtClient(credential, base_url=GRAPH, credential_scopes=[f"{GRAPH}/.default"])
    request = HttpRequest("GET", f"{GRAPH}/v1.0/servicePrincipals")
    response = client.send_request(request)
    if response.status_code == 401:
        raise ClientAuthenticationError(response=response)
    response.raise_for_status()


def _secret(credential) -> None:
    SecretClient("https://contoso.vault.azure.net", credential).get_secret("known")


def _event(credential) -> None:
    client = EventGridPublisherClient("https://contoso.westeurope-1.eventgrid.azure.net/api/events", credential)
    client.send(CloudEvent(source="urn:sdk", type="check"))


def _queue(credential) -> None:
    QueueClient("https://contoso.queue.core.windows.net", "onboarding", credential=credential).get_queue_properties()
