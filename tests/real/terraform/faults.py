"""The faults that planted.py plants, and who has to notice them."""

from typing import NamedTuple

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


class Fault(NamedTuple):
    """Where this is replaced in the stage's files, this judge of this plan notices."""

    what: str
    plan: str
    judge: str
    pattern: str
    replacement: str


WIDE = "no wide role is given"
LISTED = "exactly the listed rights are given"
CONDITION = "changing roles is held by the condition"
STORAGE = "storage refuses keys and old TLS"
TOPICS = "topics refuse keys and old TLS"
VAULT = "the vault has roles and purge protection"
DEAD_LETTERS = "dead letters are kept"
CLOSED = "the function app is closed"
OFF = "what is not wanted is off"
SETTINGS = "app settings are the documented ones"
PRIVATE = "what is private is closed to others"
ACTIONS = "custom roles have the listed actions and no *"
CLOUD = "every provider is in the cloud that is said"
TOLD = "the function is told of the cloud"

FAULTS = [
    Fault(
        "a role may do everything",
        "platform-assigning",
        ACTIONS,
        r"actions = each\.value\.actions",
        'actions = ["*"]',
    ),
    Fault(
        "the login may not see its own rights",
        "platform-assigning",
        ACTIONS,
        r"actions = each\.value\.actions",
        'actions = [for action in each.value.actions : action if action != "Microsoft.Authorization/permissions/read"]',
    ),
    Fault(
        "the ISPM app gets the login's roles",
        "platform-assigning",
        LISTED,
        r"principal_id( +)= var\.function_principal_id",
        r"principal_id\1= local.ispm_app_principal_id",
    ),
    Fault(
        "assigning roles has no condition",
        "platform-assigning",
        CONDITION,
        r"(?s)condition = \(.*?\n  \)\n",
        "condition = null\n",
    ),
    Fault(
        "the condition allows Owner",
        "platform-assigning",
        CONDITION,
        r'"\{\$\{local\.reader\}\}"',
        f'"{{{OWNER}}}"',
    ),
    Fault(
        "the condition allows another principal",
        "platform-assigning",
        CONDITION,
        r'"\{\$\{local\.ispm_app_principal_id\}\}"',
        '"{${var.function_principal_id}}"',
    ),
    Fault(
        "the condition allows Reader for everybody",
        "platform-assigning",
        CONDITION,
        r": replace\(replace\(each\.value\.condition,",
        ': replace(replace(replace(each.value.condition, " AND ", " OR "),',
    ),
    Fault(
        "the condition is in no version",
        "platform-assigning",
        CONDITION,
        r"condition_version = .*",
        "condition_version = null",
    ),
    Fault(
        "roles are sought in another cloud",
        "platform-usgovernment",
        CLOUD,
        r"environment( +)= var\.cloud",
        r'environment\1= "public"',
    ),
    Fault(
        "a provider is told of no cloud",
        "wiring-usgovernment",
        CLOUD,
        r'(provider "azapi" \{\n) +environment .*\n',
        r"\1",
    ),
    Fault(
        "the function works in another cloud",
        "app-usgovernment",
        TOLD,
        r"ONBOARDER_CLOUD( +)= var\.cloud",
        r'ONBOARDER_CLOUD\1= "public"',
    ),
    Fault(
        "the Event Hub is sought in another cloud",
        "app-usgovernment",
        TOLD,
        r'usgovernment = "servicebus\.usgovcloudapi\.net"',
        'usgovernment = "servicebus.windows.net"',
    ),
    Fault(
        "an Event Hub is open",
        "platform-assigning",
        "event hubs are closed",
        r'default_action( +)= "Deny"',
        r'default_action\1= "Allow"',
    ),
    Fault(
        "the ISPM app gets Owner",
        "platform-read-only",
        WIDE,
        r"roleDefinitions/\$\{local\.reader\}",
        f"roleDefinitions/{OWNER}",
    ),
    Fault(
        "a principal without its type",
        "platform-read-only",
        "principals are told with their type",
        r'principal_type( +)= "ServicePrincipal"',
        r"principal_type\1= null",
    ),
    Fault(
        "the function gets Owner",
        "app-default",
        WIDE,
        r"roleDefinitions/\$\{each\.value\.id\}",
        f"roleDefinitions/{OWNER}",
    ),
    Fault(
        "a right in the whole resource group",
        "app-default",
        LISTED,
        r"local\.role_places\[each\.value\.on\]",
        "azurerm_resource_group.this.id",
    ),
    Fault(
        "a right is forgotten",
        "app-default",
        LISTED,
        r"if contains\(keys",
        'if role.on != "poison-queue" && contains(keys',
    ),
    Fault(
        "storage takes keys",
        "app-default",
        STORAGE,
        r"shared_access_key_enabled( +)= false",
        r"shared_access_key_enabled\1= true",
    ),
    Fault(
        "storage takes TLS 1.0",
        "app-default",
        STORAGE,
        "TLS1_2",
        "TLS1_0",
    ),
    Fault(
        "topics take keys",
        "app-default",
        TOPICS,
        r"local_auth_enabled( +)= false",
        r"local_auth_enabled\1= true",
    ),
    Fault(
        "topics take TLS 1.0",
        "app-default",
        TOPICS,
        r'minimumTlsVersionAllowed = "1\.2"',
        'minimumTlsVersionAllowed = "1.0"',
    ),
    Fault(
        "Application Insights takes keys",
        "app-default",
        "monitoring refuses keys",
        r"local_authentication_disabled( +)= true",
        r"local_authentication_disabled\1= false",
    ),
    Fault(
        "the vault can be purged",
        "app-default",
        VAULT,
        r"purge_protection_enabled( +)= true",
        r"purge_protection_enabled\1= false",
    ),
    Fault(
        "the vault has access policies",
        "app-default",
        VAULT,
        r"rbac_authorization_enabled( +)= true",
        r"rbac_authorization_enabled\1= false",
    ),
    Fault(
        "nobody keeps results",
        "app-default",
        "results are kept in a queue",
        r"scope( +)= azurerm_eventgrid_topic\.results",
        r"scope\1= azurerm_eventgrid_topic.events",
    ),
    Fault(
        "dead letters are lost",
        "app-default",
        DEAD_LETTERS,
        r"(?s)  storage_blob_dead_letter_destination \{.*?\n  \}\n",
        "",
    ),
    Fault(
        "the function app takes TLS 1.0",
        "app-default",
        CLOSED,
        r'minTlsVersion( +)= "1\.2"',
        r'minTlsVersion\1= "1.0"',
    ),
    Fault(
        "the function app is published with a password",
        "app-dedicated",
        CLOSED,
        r"webdeploy_publish_basic_authentication_enabled = false",
        "webdeploy_publish_basic_authentication_enabled = true",
    ),
    Fault(
        "a setting has another name",
        "app-default",
        SETTINGS,
        r"(?m)^( +)ONBOARDER_RESULTS ",
        r"\1ONBOARDER_RESULT ",
    ),
    Fault(
        "a setting holds a key",
        "app-default",
        SETTINGS,
        r"AzureWebJobsStorage__accountName( +)=.*",
        r'AzureWebJobsStorage__blob\1= "AccountName=a;AccountKey=b"',
    ),
    Fault(
        "a vault without letters of chance",
        "app-default",
        "names that are taken in all of Azure are of chance",
        r'"kv-\$\{var\.name\}-\$\{local\.suffix\}"',
        '"kv-${var.name}"',
    ),
    Fault(
        "a name that is too long",
        "app-private",
        "Azure takes the names",
        r'"st\$\{var\.name\}host',
        '"st${var.name}functionshost',
    ),
    Fault(
        "a queue without a private endpoint",
        "app-private",
        PRIVATE,
        r"(?m)^ +data-queue( +)= \{.*",
        "",
    ),
    Fault(
        "the vault stays public",
        "app-private",
        PRIVATE,
        r"public_network_access_enabled( +)= !local\.private",
        r"public_network_access_enabled\1= true",
    ),
    Fault(
        "dead letters are lost",
        "wiring-function",
        DEAD_LETTERS,
        r"(?s)  storage_blob_dead_letter_destination \{.*?\n  \}\n",
        "",
    ),
    Fault(
        "removing roles is given unasked",
        "platform-read-only",
        LISTED,
        r"= var\.allow_offboarding",
        "= true",
    ),
    Fault(
        "the right to remove is given for the right to assign",
        "platform-assigning",
        LISTED,
        r"= var\.allow_offboarding",
        "= !var.grant_role_assignment",
    ),
    Fault(
        "a right on all that is stored beside the report",
        "app-default",
        LISTED,
        r"report( +)= azurerm_storage_container\.report\.id",
        r"report\1= azurerm_storage_account.data.id",
    ),
    Fault(
        "all hubs of a namespace can be read",
        "app-activity-log",
        LISTED,
        r"activity-log-hub( +)= var\.activity_log_event_hub_id",
        r'activity-log-hub\1= dirname(dirname(coalesce(var.activity_log_event_hub_id, "-")))',
    ),
    Fault(
        "the Event Hub is read with a key",
        "app-activity-log",
        SETTINGS,
        r"ONBOARDER_ACTIVITY_LOG__fullyQualifiedNamespace( +)=.*",
        r'ONBOARDER_ACTIVITY_LOG\1= "Endpoint=sb://ns/;SharedAccessKeyName=a;SharedAccessKey=b"',
    ),
    Fault(
        "a trigger without a source is on",
        "app-default",
        OFF,
        r'"AzureWebJobs\.OnActivityLog\.Disabled"( +)= "true"',
        r'"AzureWebJobs.OnActivityLog.Disabled"\1= "false"',
    ),
    Fault(
        "a sweep that nobody wants",
        "app-dedicated",
        OFF,
        r"var\.sweep \? \{\}",
        "!var.sweep ? {}",
    ),
]
