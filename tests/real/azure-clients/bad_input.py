"""Input that Azure refuses, or that the simulator does not model, as users of the SDK see it."""

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.rest import HttpRequest
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.managementgroups import ManagementGroupsMgmtClient

from report import Report, contains, equal, refused
from sdk_management import ARM_SCOPE, NAME, READER, parameters
from simulator import Simulator

ARM = "https://management.azure.com"
SUBSCRIPTION = "11111111-0000-4000-8000-0000000000b1"
LATER = "11111111-0000-4000-8000-0000000000b2"
PRINCIPAL = "11111111-0000-4000-8000-0000000000a2"
UNKNOWN = "33333333-0000-4000-8000-000000000003"
EXPIRED_SECRET = "expired~secret~of~no~value"
MALFORMED = "not-a-guid"


def check(report: Report, simulator: Simulator) -> None:
    credential = ClientSecretCredential(simulator.tenant, simulator.client, simulator.secret)
    authorization = AuthorizationManagementClient(credential, SUBSCRIPTION)
    groups = ManagementGroupsMgmtClient(credential)
    _sign_in(report, simulator)
    _versions(report, credential, authorization, groups)
    _identifiers(report, authorization)
    _principal_types(report, authorization)
    _filters(report, authorization, groups)
    _pages(report, authorization, groups)
    with report.check("a host that the world does not know is reached by nobody"):
        client = SecretClient("https://fabrikam.vault.azure.net", credential, retry_total=0)
        refused(ServiceRequestError, lambda: client.get_secret("known"))


def _sign_in(report: Report, simulator: Simulator) -> None:
    def signs_in(expected: str, tenant=simulator.tenant, client=simulator.client, secret=simulator.secret, scope=ARM_SCOPE):
        error = refused(ClientAuthenticationError, lambda: ClientSecretCredential(tenant, client, secret).get_token(scope))
        contains(str(error), expected)

    with report.check("Entra's refusals by their AADSTS codes"):
        signs_in("AADSTS7000215", secret="wrong")
        signs_in("AADSTS7000222", secret=EXPIRED_SECRET)
        signs_in("AADSTS700016", client=UNKNOWN)
        signs_in("AADSTS700016", client=MALFORMED)
        signs_in("AADSTS500011", scope="https://example.com/.default")
    with report.check("a tenant that does not exist, and what cannot be one, have no authority"):
        signs_in("Unable to get authority configuration", tenant=UNKNOWN)
        signs_in("Unable to get authority configuration", tenant=MALFORMED)


def _versions(report: Report, credential, authorization: AuthorizationManagementClient, groups: ManagementGroupsMgmtClient) -> None:
    assignments = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments"
    with report.check("a resource provider refuses an unknown api-version with 404 InvalidResourceType"):
        for path in [assignments, "/providers/Microsoft.Management/managementGroups/one"]:
            equal(_answer(groups, "GET", f"{path}?api-version=1999-01-01"), (404, "InvalidResourceType"))
        old = AuthorizationManagementClient(credential, SUBSCRIPTION, api_version="2018-01-01-preview")
        call = lambda: list(old.role_assignments.list())
        contains(refused(ResourceNotFoundError, call, "InvalidResourceType").message, "The supported api-versions are '2022-04-01'")
    with report.check("Resource Manager's own operations refuse it with 400 InvalidApiVersionParameter"):
        equal(_answer(groups, "GET", "/subscriptions?api-version=1999-01-01"), (400, "InvalidApiVersionParameter"))
        equal(_answer(groups, "GET", f"{assignments}?api-version=newest"), (400, "InvalidApiVersionParameter"))
    with report.check("a missing api-version is refused"):
        for path in ["/subscriptions", assignments]:
            equal(_answer(groups, "GET", path), (400, "MissingApiVersionParameter"))
    with report.check("Key Vault refuses an unknown api-version"):
        client = SecretClient("https://contoso.vault.azure.net", credential, api_version="1.0")
        contains(refused(HttpResponseError, lambda: client.get_secret("known"), "BadParameter", 400).message, "(1.0) is not recognized")


def _identifiers(report: Report, client: AuthorizationManagementClient) -> None:
    roles, scope = client.role_assignments, f"/subscriptions/{SUBSCRIPTION}"
    create = lambda name, made: lambda: roles.create(scope, name, made)
    with report.check("malformed GUIDs of assignment, principal, role and subscription"):
        refused(HttpResponseError, create(MALFORMED, parameters(scope, PRINCIPAL)), "InvalidRoleAssignmentId", 400)
        refused(HttpResponseError, create(NAME, parameters(scope, MALFORMED)), "InvalidPrincipalId", 400)
        refused(HttpResponseError, create(NAME, parameters(scope, PRINCIPAL, role=MALFORMED)), "InvalidRoleDefinition", 400)
        malformed = lambda: list(roles.list_for_scope(f"/subscriptions/{MALFORMED}"))
        refused(HttpResponseError, malformed, "InvalidSubscriptionId", 400)
    with report.check("GUIDs of nothing: principal, role and subscription"):
        refused(HttpResponseError, create(NAME, parameters(scope, UNKNOWN)), "PrincipalNotFound", 400)
        refused(ResourceNotFoundError, create(NAME, parameters(scope, PRINCIPAL, role=UNKNOWN)), "RoleDefinitionDoesNotExist", 404)
        unknown = lambda: list(roles.list_for_scope(f"/subscriptions/{UNKNOWN}"))
        refused(ResourceNotFoundError, unknown, "SubscriptionNotFound", 404)
    with report.check("nothing was assigned by any of these"):
        refused(ResourceNotFoundError, lambda: roles.get(scope, NAME), "RoleAssignmentNotFound", 404)


def _principal_types(report: Report, client: AuthorizationManagementClient) -> None:
    roles, scope = client.role_assignments, f"/subscriptions/{LATER}"
    with report.check("the SDK's default principalType, User, does not fit a service principal"):
        role_id = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
        defaulted = {"properties": {"roleDefinitionId": role_id, "principalId": PRINCIPAL, "principalType": "User"}}
        made = parameters(scope, PRINCIPAL, "User")
        equal(made.serialize(), defaulted)
        refused(HttpResponseError, lambda: roles.create(scope, NAME, made), "UnmatchedPrincipalType", 400)
    with report.check("without principalType the directory says what the principal is"):
        equal(roles.create(scope, NAME, parameters(scope, PRINCIPAL, None)).principal_type, "ServicePrincipal")
        roles.delete(scope, NAME)


def _filters(report: Report, authorization: AuthorizationManagementClient, groups: ManagementGroupsMgmtClient) -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}"
    not_modelled = [
        (authorization.role_assignments.list_for_scope, f"principalId eq '{PRINCIPAL}' and atScope()"),
        (authorization.role_assignments.list_for_scope, f"principalId eq {PRINCIPAL}"),
        (authorization.role_assignments.list_for_scope, "roleDefinitionId eq 'x'"),
        (authorization.role_definitions.list, "atScopeAndBelow()"),
    ]
    with report.check("a filter that is not modelled is answered 501 and named"):
        for call, text in not_modelled:
            contains(refused(HttpResponseError, lambda: list(call(scope, filter=text)), "NotModelled", 501).message, text)
        call = lambda: list(groups.entities.list(filter="displayName eq 'x'"))
        contains(refused(HttpResponseError, call, "NotModelled", 501).message, "displayName eq 'x'")


def _pages(report: Report, authorization: AuthorizationManagementClient, groups: ManagementGroupsMgmtClient) -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}"
    with report.check("the SDK follows pages to their end"):
        equal(len(list(authorization.role_assignments.list_for_scope(scope))), 4)
        equal(len(list(groups.management_groups.list())), 3)
        equal(len(list(authorization.role_definitions.list(scope))), 6)
    with report.check("a skip token of another list is refused"):
        page = groups.send_request(HttpRequest("GET", f"{ARM}/providers/Microsoft.Management/managementGroups?api-version=2023-04-01"))
        token = page.json()["@nextLink"].split("skiptoken=")[1]
        for token in [token, "made-up", "%00"]:
            url = f"{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$skiptoken={token}"
            equal(_answer(groups, "GET", url), (400, "InvalidSkipToken"))


def _answer(client: ManagementGroupsMgmtClient, method: str, path: str) -> tuple[int, str]:
    """The status and the code of a refusal that no SDK operation can provoke."""
    response = client.send_request(HttpRequest(method, f"{ARM}{path}"))
    return response.status_code, response.json()["error"]["code"]
