"""What every deployment is judged by, for each stage; the judgements themselves stand in rights.py, settings.py and names.py."""

import names
import rights
import settings

RIGHTS = {
    "no wide role is given": rights.no_wide_role,
    "custom roles have the listed actions and no *": rights.actions_are_listed,
    "exactly the listed rights are given": rights.exactly_the_listed,
    "changing roles is held by the condition": rights.conditions_hold,
    "principals are told with their type": rights.principals_are_told,
}
NAMES = {
    "Azure takes the names": names.names_are_taken,
    "names that are taken in all of Azure are of chance": names.names_in_all_of_azure_are_of_chance,
}
CLOUD = {"every provider is in the cloud that is said": settings.every_provider_is_in_the_cloud}
STAGES = {
    "app": {
        **RIGHTS,
        **NAMES,
        **CLOUD,
        "the function is told of the cloud": settings.the_function_is_told_of_the_cloud,
        "storage refuses keys and old TLS": settings.storage_refuses_keys,
        "topics refuse keys and old TLS": settings.topics_refuse_keys,
        "monitoring refuses keys": settings.monitoring_refuses_keys,
        "the vault has roles and purge protection": settings.the_vault_survives,
        "results are kept in a queue": settings.results_are_kept,
        "dead letters are kept": settings.dead_letters_are_kept,
        "the function app is closed": settings.the_function_is_closed,
        "app settings are the documented ones": settings.app_settings_are_the_documented,
        "what is not wanted is off": settings.what_is_not_wanted_is_off,
        "what is private is closed to others": settings.the_private_variant_is_private,
    },
    "platform": {**RIGHTS, **NAMES, **CLOUD, "event hubs are closed": settings.event_hubs_are_closed},
    "wiring": {**RIGHTS, **CLOUD, "dead letters are kept": settings.dead_letters_are_kept},
}
