"""Sign-in, role assignments and management groups with the Azure SDK for Python."""

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, CredentialUnavailableError, ManagedIdentityCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.models import RoleAssignmentCreateParameters
from azure.mgmt.managementgroups import ManagementGroupsMgmtClient

from report import Report, contains, equal, refused
from simulator import Simulator

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
NAME = "7b082443-c50f-4a2a-87a6-d8385d2edfe3"
OTHER_NAME = "7b082443-c50f-4a2a-87a6-d8385d2edfe4"
ARM_SCOPE = "https://management.azure.com/.default"
GROUPS = "/providers/Microsoft.Management/managementGroups"


def check(report: Report, simulator: Simulator) -> None:
    _sign_in(report, simulator)
    credential = ClientSecretCredential(simulator.tenant, simulator.client, simulator.secret)
    subscription = simulator.variables["SIMULATOR_SUBSCRIPTION_ID"]
    authorization = AuthorizationManagementClient(credential, subscription)
    _role_definitions(report, authorization, f"/subscriptions/{subscription}")
    _assignments(report, simulator, authorization, f"/subscriptions/{subscription}")
    _lists(report, simulator, authorization)
    _limits(report, simulator, authorization)
    _elevation(report, simulator, authorization)
    _groups(report, simulator, ManagementGroupsMgmtClient(credential))


def parameters(scope: str, principal: str, principal_type: str | None = "ServicePrincipal", role: str = READER, **more):
    role_id = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return RoleAssignmentCreateParameters(role_definition_id=role_id, principal_id=principal, principal_type=principal_type, **more)


def _sign_in(report: Report, simulator: Simulator) -> None:
    with report.check("ClientSecretCredential, with instance discovery"):
        credential = ClientSecretCredential(simulator.tenant, simulator.client, simulator.secret)
        token = credential.get_token(ARM_SCOPE)
        equal(credential.get_token(ARM_SCOPE).token, token.token)
    with report.check("ManagedIdentityCredential, as App Service has it"):
        ManagedIdentityCredential().get_token(ARM_SCOPE)
    with report.check("ManagedIdentityCredential refuses an identity that is not there"):
        unknown = ManagedIdentityCredential(client_id=NAME)
        contains(str(refused(CredentialUnavailableError, lambda: unknown.get_token(ARM_SCOPE))), "No User Assigned or Delegated")


def _role_definitions(report: Report, client: AuthorizationManagementClient, scope: str) -> None:
    with report.check("role_definitions.list with roleName, and get"):
        [reader] = client.role_definitions.list(scope, filter="roleName eq 'Reader'")
        equal((reader.name, reader.role_type, reader.permissions[0].actions), (READER, "BuiltInRole", ["*/read"]))
        equal(client.role_definitions.get(scope, READER).id, reader.id)
        equal(client.role_definitions.get_by_id(reader.id).role_name, "Reader")
    with report.check("role_definitions.get of an unknown role"):
        refused(ResourceNotFoundError, lambda: client.role_definitions.get(scope, NAME), "RoleDefinitionDoesNotExist")


def _assignments(report: Report, simulator: Simulator, client: AuthorizationManagementClient, scope: str) -> None:
    roles, reader = client.role_assignments, simulator.reader()
    made = parameters(scope, reader, description="made by the SDK")
    with report.check("role_assignments.create, new and again"):
        created = roles.create(scope, NAME, made)
        equal((created.scope, created.principal_type, created.description), (scope, "ServicePrincipal", "made by the SDK"))
        equal((created.role_definition_id, created.principal_id), (made.role_definition_id, reader))
        equal(roles.create(scope, NAME, made), created)
    with report.check("role_assignments.create under another name: RoleAssignmentExists names the one that is there"):
        error = refused(ResourceExistsError, lambda: roles.create(scope, OTHER_NAME, made), "RoleAssignmentExists", 409)
        contains(error.message, f"The ID of the existing role assignment is {NAME.replace('-', '')}.")
    with report.check("role_assignments.create for another principal under the same name"):
        other = min({one["principalId"] for one in simulator.get("world")["roleAssignments"]} - {reader})
        call = lambda: roles.create(scope, NAME, parameters(scope, other))
        refused(HttpResponseError, call, "RoleAssignmentUpdateNotPermitted", 400)
    with report.check("role_assignments.get and get_by_id"):
        equal(roles.get(scope, NAME), created)
        equal(roles.get_by_id(created.id), created)
        refused(ResourceNotFoundError, lambda: roles.get(scope, OTHER_NAME), "RoleAssignmentNotFound", 404)
    with report.check("role_assignments.delete, and again"):
        equal(roles.delete(scope, NAME).id, created.id)
        equal(roles.delete(scope, NAME), None)
        equal(simulator.assignments(scope), [])


def _lists(report: Report, simulator: Simulator, client: AuthorizationManagementClient) -> None:
    reader = simulator.reader()
    [covered] = [f"/subscriptions/{one['id']}" for one in simulator.get("world")["subscriptions"] if one["parent"] == "corp"]
    with report.check("role_assignments.list_for_scope with each filter"):
        inherited = f"{GROUPS}/corp"
        for text in ["atScope()", f"atScope() and assignedTo('{reader}')", f"principalId eq '{reader}'", f"assignedTo('{reader}')"]:
            listed = client.role_assignments.list_for_scope(covered, filter=text)
            equal([found.scope for found in listed if found.principal_id == reader], [inherited])
        equal(list(client.role_assignments.list_for_scope(covered, filter=f"principalId eq '{NAME}'")), [])
    with report.check("role_assignments.list_for_subscription"):
        equal([found for found in client.role_assignments.list_for_subscription() if found.principal_id == reader], [])


def _limits(report: Report, simulator: Simulator, client: AuthorizationManagementClient) -> None:
    with report.check("role_assignments.create beyond the limit"):
        others = [one["scope"] for one in simulator.get("world")["roleAssignments"] if one["principalId"] != simulator.reader()]
        [full] = [scope for scope in others if scope.startswith("/subscriptions/")]
        call = lambda: client.role_assignments.create(full, NAME, parameters(full, simulator.reader()))
        refused(HttpResponseError, call, "RoleAssignmentLimitExceeded", 400)


def _elevation(report: Report, simulator: Simulator, client: AuthorizationManagementClient) -> None:
    with report.check("global_administrator.elevate_access is refused for an app"):
        refused(HttpResponseError, client.global_administrator.elevate_access, "AuthorizationFailed", 403)
        equal(simulator.assignments("/"), [])


def _groups(report: Report, simulator: Simulator, client: ManagementGroupsMgmtClient) -> None:
    groups, world = client.management_groups, simulator.get("world")
    names = sorted(group["name"] for group in world["managementGroups"])
    with report.check("management_groups.list"):
        equal(sorted(group.name for group in groups.list()), names)
    with report.check("management_groups.get with children and ancestors"):
        root = groups.get(simulator.tenant, expand="children", recurse=True)
        equal((root.properties.tenant_id, root.properties.display_name), (simulator.tenant, "Tenant Root Group"))
        [landing] = [child for child in root.properties.children if child.name == "landing-zones"]
        contains([child.name for child in landing.children], "corp")
        above = groups.get("corp", expand="ancestors").properties.details
        equal([group.name for group in above.management_group_ancestors_chain], ["landing-zones", simulator.tenant])
    with report.check("management_groups.get_descendants, page after page"):
        found = [item.name for item in groups.get_descendants("landing-zones", top=2)]
        below = [one["id"] for one in world["subscriptions"] if one["parent"] in ("landing-zones", "corp", "online")]
        equal(sorted(found), sorted([*below, "corp", "online"]))
    with report.check("entities.list by name shows the chain above"):
        [entity] = client.entities.list(filter="name eq 'corp'")
        equal(entity.properties.parent_name_chain, [simulator.tenant, "landing-zones"])
    with report.check("management_groups.get of an unknown group says no more than that access is missing"):
        refused(HttpResponseError, lambda: groups.get("nowhere"), "AuthorizationFailed", 403)
