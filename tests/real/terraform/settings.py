"""Judges how what is made is set: no keys, no old TLS, nothing lost, nothing open that can be closed."""

import json
import re

from estate import Estate, Resource
from report import contains, equal
from world import DOMAINS

# What the program reads, in every deployment and where it is asked for: docs/configuration.md.
OURS = {
    f"ONBOARDER_{name}" for name in ["CLOUD", "SECRET_STORE", "RESULTS", "QUEUE", "PROPAGATION_MINUTES", "REPORT"]
}
IDENTITY = ["credential", "clientId"]
OF_BINDINGS = {"ONBOARDER_QUEUE_NAME", "ONBOARDER_SWEEP_SCHEDULE"} | {
    f"ONBOARDER_QUEUE_STORAGE__{name}" for name in ["queueServiceUri", *IDENTITY]
}
ON_DEMAND = {
    "tenant_ids": {"ONBOARDER_TENANTS"},
    "ispm_hosts": {"ONBOARDER_ISPM_HOSTS"},
    "entra_audience": {"ONBOARDER_ENTRA_AUDIENCE"},
    "entra_callers": {"ONBOARDER_ENTRA_CALLERS"},
    "activity_log_event_hub_id": {"ONBOARDER_ACTIVITY_LOG_HUB"}
    | {f"ONBOARDER_ACTIVITY_LOG__{name}" for name in ["fullyQualifiedNamespace", *IDENTITY]},
}
OFF = re.compile(r"AzureWebJobs\.(\w+)\.Disabled")
OF_THE_HOST = re.compile(r"AZURE_CLIENT_ID|AzureWebJobs\.\w+\.Disabled|AzureWebJobsStorage__\w+|APPLICATIONINSIGHTS_\w+|WEBSITE_RUN_FROM_PACKAGE\w*")
KEYS = re.compile(r"AccountKey|SharedAccess|[?&]sig=|[?&]code=|AzureWebJobsStorage\"", re.IGNORECASE)


def storage_refuses_keys(estate: Estate) -> None:
    for account in estate.some("azurerm_storage_account"):
        values = account.values
        equal((account.address, values["shared_access_key_enabled"]), (account.address, False))
        equal((values["min_tls_version"], values["https_traffic_only_enabled"]), ("TLS1_2", True))
        equal((values["allow_nested_items_to_be_public"], values["local_user_enabled"]), (False, False))


def topics_refuse_keys(estate: Estate) -> None:
    topics = estate.some("azurerm_eventgrid_topic")
    for topic in topics:
        equal((topic.address, topic.values["local_auth_enabled"]), (topic.address, False))
        equal(topic.values["input_schema"], "CloudEventSchemaV1_0")
        equal(topic.block("identity")["type"], "SystemAssigned")
    versions = [body["properties"]["minimumTlsVersionAllowed"] for body in estate.azapi("Microsoft.EventGrid/topics")]
    equal(versions, ["1.2"] * len(topics))


def monitoring_refuses_keys(estate: Estate) -> None:
    equal([one.values["local_authentication_enabled"] for one in estate.some("azurerm_log_analytics_workspace")], [False])
    equal([one.values["local_authentication_disabled"] for one in estate.some("azurerm_application_insights")], [True])


def the_vault_survives(estate: Estate) -> None:
    vault = estate.one("azurerm_key_vault")
    equal((vault.values["rbac_authorization_enabled"], vault.values["purge_protection_enabled"]), (True, True))
    equal((vault.values["soft_delete_retention_days"], vault.values["access_policy"]), (90, []))


def results_are_kept(estate: Estate) -> None:
    """Somebody is subscribed to results from the first one on: a queue."""
    topic = estate.named("azurerm_eventgrid_topic", "-results-")
    account = estate.named("azurerm_storage_account", "data")
    subscription = estate.one("azurerm_eventgrid_event_subscription", lambda values: values["scope"] == topic.values["id"])
    target = subscription.block("storage_queue_endpoint")
    equal((target["queue_name"], target["storage_account_id"]), ("results", account.values["id"]))
    equal(target["queue_message_time_to_live_in_seconds"], estate.variables["results_retention_days"] * 86400)
    estate.named("azurerm_storage_queue", "results")


def dead_letters_are_kept(estate: Estate) -> None:
    for subscription in estate.some("azurerm_eventgrid_event_subscription"):
        place = subscription.block("storage_blob_dead_letter_destination")
        equal(place["storage_blob_container_name"], "dead-letters")
        contains(place["storage_account_id"], "/providers/Microsoft.Storage/storageAccounts/")
        equal(subscription.block("dead_letter_identity")["type"], "SystemAssigned")
        equal(subscription.values["event_delivery_schema"], "CloudEventSchemaV1_0")
        for target in subscription.values["azure_function_endpoint"] or []:
            # One bad event must not hold others back.
            equal(target["max_events_per_batch"], 1)


def the_function_is_closed(estate: Estate) -> None:
    """HTTPS with TLS 1.2 only, no publishing by password, and the identity that has the rights."""
    identity = estate.one("azurerm_user_assigned_identity").values["id"]
    for body in estate.azapi("Microsoft.Web/sites"):
        site = body["properties"]
        equal((site["httpsOnly"], site["siteConfig"]["minTlsVersion"], site["siteConfig"]["scmMinTlsVersion"]), (True, "1.2", "1.2"))
        equal([one["properties"]["allow"] for one in estate.azapi("Microsoft.Web/sites/basicPublishingCredentialsPolicies")], [False])
        equal(site["functionAppConfig"]["runtime"], {"name": "custom", "version": estate.variables["runtime_version"]})
        equal(site["functionAppConfig"]["scaleAndConcurrency"]["maximumInstanceCount"], estate.variables["maximum_instance_count"])
    for app in estate.all("azurerm_linux_function_app"):
        site = app.block("site_config")
        equal((app.values["https_only"], site["minimum_tls_version"], site["scm_minimum_tls_version"]), (True, "1.2", "1.2"))
        passwords = [app.values[f"{kind}_publish_basic_authentication_enabled"] for kind in ["ftp", "webdeploy"]]
        equal((site["ftps_state"], passwords), ("Disabled", [False, False]))
    apps = [one.block("identity") for one in estate.some("azapi_resource", "azurerm_linux_function_app") if one.values["identity"]]
    equal([(one["type"], one["identity_ids"]) for one in apps], [("UserAssigned", [identity])])


def app_settings_are_the_documented(estate: Estate) -> None:
    given = app_settings(estate)
    on_demand = {name for variable, names in ON_DEMAND.items() if estate.variables[variable] for name in names}
    equal(sorted(name for name in given if name.startswith("ONBOARDER_")), sorted(OURS | OF_BINDINGS | on_demand))
    equal([name for name in given if not name.startswith("ONBOARDER_") and not OF_THE_HOST.fullmatch(name)], [])
    client_ids = {value for name, value in given.items() if name.endswith("clientId") or name == "AZURE_CLIENT_ID"}
    equal(client_ids, {one.values["client_id"] for one in estate.some("azurerm_user_assigned_identity")})
    if KEYS.search(json.dumps(given)):
        raise AssertionError(f"a key stands in the app settings: {KEYS.search(json.dumps(given))[0]}")


def every_provider_is_in_the_cloud(estate: Estate) -> None:
    """The cloud that is said is told to every provider that knows more than one."""
    if len(estate.clouds) < 2:
        raise AssertionError(f"only {estate.clouds}")
    equal(estate.clouds, dict.fromkeys(estate.clouds, estate.variables["cloud"]))


def the_function_is_told_of_the_cloud(estate: Estate) -> None:
    """The program is told of the cloud, and is led to nothing in another."""
    cloud, given = estate.variables["cloud"], app_settings(estate)
    equal(given["ONBOARDER_CLOUD"], cloud)
    foreign = [domain for other, domains in DOMAINS.items() if other != cloud for domain in domains.values()]
    equal([(name, value) for name, value in given.items() if any(domain in value for domain in foreign)], [])


def what_is_not_wanted_is_off(estate: Estate) -> None:
    """A trigger that is not wanted, or has nothing to listen to, is off; no other is."""
    found = {match[1]: value for name, value in app_settings(estate).items() if (match := OFF.fullmatch(name))}
    on = {"Sweep": estate.variables["sweep"], "OnActivityLog": estate.variables["activity_log_event_hub_id"]}
    equal(found, {function: "true" for function, is_on in on.items() if not is_on})


def app_settings(estate: Estate) -> dict[str, str]:
    for body in estate.azapi("Microsoft.Web/sites"):
        return {one["name"]: one["value"] for one in body["properties"]["siteConfig"]["appSettings"]}
    return estate.one("azurerm_linux_function_app").values["app_settings"]


def the_private_variant_is_private(estate: Estate) -> None:
    if estate.variables["private_network"] is None:
        equal(estate.all("azurerm_private_endpoint"), [])
        return
    for one in estate.some("azurerm_key_vault", "azurerm_eventgrid_topic"):
        equal((one.address, one.values["public_network_access_enabled"]), (one.address, False))
    for account in estate.some("azurerm_storage_account"):
        closed = account.values["public_network_access_enabled"] is False
        if not closed:
            # Event Grid comes to the queue as a trusted service.
            rules = account.block("network_rules")
            equal((account.address, rules["default_action"], rules["bypass"]), (account.address, "Deny", ["AzureServices"]))
    links = [one.block("private_service_connection") for one in estate.some("azurerm_private_endpoint")]
    reached = [(link["private_connection_resource_id"], *link["subresource_names"]) for link in links]
    equal(sorted(reached), sorted((one.values["id"], part) for one, part in called(estate)))


def called(estate: Estate) -> list[tuple[Resource, str]]:
    """What somebody calls, and by which of its parts."""
    vaults = [(one, "vault") for one in estate.some("azurerm_key_vault")]
    topics = [(one, "topic") for one in estate.some("azurerm_eventgrid_topic")]
    sites = [one for one in estate.some("azapi_resource", "azurerm_linux_function_app") if one.values["identity"]]
    host, data = (estate.named("azurerm_storage_account", name) for name in ["host", "data"])
    return [*vaults, *topics, *((one, "sites") for one in sites), (host, "blob"), (data, "blob"), (data, "queue")]


def event_hubs_are_closed(estate: Estate) -> None:
    for namespace in estate.all("azurerm_eventhub_namespace"):
        rules = namespace.block("network_rulesets")
        equal((namespace.values["minimum_tls_version"], rules["default_action"]), ("1.2", "Deny"))
    for rule in estate.all("azurerm_eventhub_namespace_authorization_rule"):
        equal((rule.values["send"], rule.values["listen"], rule.values["manage"]), (True, False, False))
