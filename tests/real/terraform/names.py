"""Judges names: what Azure takes for each type, and what is taken in all of Azure ends in letters of chance.

The rules are those of https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
"""

import re

from estate import Estate, Resource
from report import equal

RULES = {
    "azurerm_application_insights": r"[^%&\\?/]{1,260}",
    "azurerm_eventgrid_event_subscription": r"[A-Za-z0-9-]{3,64}",
    "azurerm_eventgrid_topic": r"[A-Za-z0-9-]{3,50}",
    "azurerm_eventhub_namespace": r"[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]",
    "azurerm_key_vault": r"[A-Za-z](?:-?[A-Za-z0-9]){2,23}",
    # The Functions host makes its own id of the first 32 letters, so a longer name could meet another's.
    "azurerm_linux_function_app": r"(?=.{2,32}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?",
    "azurerm_log_analytics_workspace": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "azurerm_monitor_action_group": r"[^<>*%&:\\?+/]{1,260}",
    "azurerm_private_endpoint": r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9_]",
    "azurerm_resource_group": r"[\w.()-]{0,89}[\w()-]",
    "azurerm_service_plan": r"[A-Za-z0-9-]{1,60}",
    "azurerm_storage_account": r"[a-z0-9]{3,24}",
    "azurerm_storage_container": r"(?!.*--)[a-z0-9][a-z0-9-]{2,62}",
    "azurerm_storage_queue": r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "azurerm_user_assigned_identity": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
}
IN_ALL_OF_AZURE = [
    "azurerm_eventgrid_topic",
    "azurerm_eventhub_namespace",
    "azurerm_key_vault",
    "azurerm_linux_function_app",
    "azurerm_storage_account",
]


def names_are_taken(estate: Estate) -> None:
    for one in named(estate):
        if not re.fullmatch(RULES[one.type], one.values["name"]):
            raise AssertionError(f"{one.address}: Azure takes no {one.values['name']!r}")


def names_in_all_of_azure_are_of_chance(estate: Estate) -> None:
    suffixes = {one.values["result"] for one in estate.all("random_string")}
    ours = [one for one in named(estate) if one.type in IN_ALL_OF_AZURE]
    equal([one.values["name"] for one in ours if not any(one.values["name"].endswith(suffix) for suffix in suffixes)], [])


def named(estate: Estate) -> list[Resource]:
    """All with a rule. A function app is one however it is made."""
    sites = [one for one in estate.all("azapi_resource") if one.values["type"].startswith("Microsoft.Web/sites@")]
    return [*estate.all(*RULES), *(site._replace(type="azurerm_linux_function_app") for site in sites)]
