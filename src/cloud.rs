//! The clouds of Azure, each with names of its own for the same services. A deployment is in one of them, and calls nothing in the other.

use std::fmt;

use azure_core::cloud::CloudConfiguration;
use url::Url;

/// A cloud
/// (<https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure#guidance-for-developers>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cloud {
    /// What everybody uses.
    #[default]
    Public,
    /// That of the authorities of the United States.
    UsGovernment,
}

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Public, Self::UsGovernment];

    /// The value of `ONBOARDER_CLOUD`; Terraform's providers use the same words for their `environment`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGovernment => "usgovernment",
        }
    }

    /// Its name in the Azure CLI (<https://learn.microsoft.com/cli/azure/manage-clouds-azure-cli>).
    #[must_use]
    pub const fn cli_name(self) -> &'static str {
        match self {
            Self::Public => "AzureCloud",
            Self::UsGovernment => "AzureUSGovernment",
        }
    }

    /// The origin of Resource Manager.
    #[must_use]
    pub const fn arm(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
        }
    }

    /// The origin of Microsoft Graph (<https://learn.microsoft.com/graph/deployments>).
    #[must_use]
    pub const fn graph(self) -> &'static str {
        match self {
            Self::Public => "https://graph.microsoft.com",
            Self::UsGovernment => "https://graph.microsoft.us",
        }
    }

    /// The origin of Entra (<https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>).
    #[must_use]
    pub const fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com",
            Self::UsGovernment => "https://login.microsoftonline.us",
        }
    }

    /// What stands after a key vault's name in its host.
    #[must_use]
    pub const fn key_vault_suffix(self) -> &'static str {
        match self {
            Self::Public => "vault.azure.net",
            Self::UsGovernment => "vault.usgovcloudapi.net",
        }
    }

    /// The cloud of the key vault at a URL. Configuration takes no vault that is in none of them.
    #[must_use]
    pub fn of_key_vault(vault: &Url) -> Self {
        let domain = vault.host_str().and_then(|host| host.split_once('.')).map(|(_, domain)| domain);
        Self::ALL.into_iter().find(|cloud| domain == Some(cloud.key_vault_suffix())).unwrap_or_default()
    }

    /// What stands after a Storage account's name and the service's, `queue` or `blob`, in a host.
    #[must_use]
    pub const fn storage_suffix(self) -> &'static str {
        match self {
            Self::Public => "core.windows.net",
            Self::UsGovernment => "core.usgovcloudapi.net",
        }
    }

    /// What stands after a topic's name and region in its host. It is Event Grid's name as the origin of webhook deliveries too.
    #[must_use]
    pub const fn event_grid_suffix(self) -> &'static str {
        match self {
            Self::Public => "eventgrid.azure.net",
            Self::UsGovernment => "eventgrid.azure.us",
        }
    }

    /// What tokens for Resource Manager are asked for.
    #[must_use]
    pub const fn arm_scope(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com/.default",
            Self::UsGovernment => "https://management.usgovcloudapi.net/.default",
        }
    }

    /// What tokens for Microsoft Graph are asked for.
    #[must_use]
    pub const fn graph_scope(self) -> &'static str {
        match self {
            Self::Public => "https://graph.microsoft.com/.default",
            Self::UsGovernment => "https://graph.microsoft.us/.default",
        }
    }

    /// What tokens for key vaults are asked for
    /// (<https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/services-id-authentication-support>).
    #[must_use]
    pub const fn key_vault_scope(self) -> &'static str {
        match self {
            Self::Public => "https://vault.azure.net/.default",
            Self::UsGovernment => "https://vault.usgovcloudapi.net/.default",
        }
    }

    /// What tokens for publishing to topics are asked for: the same everywhere, as Event Grid's own clients have it (Azure/azure-sdk-for-net,
    /// `EventGridPublisherClient`). It names a resource, and nothing is called there.
    #[must_use]
    pub const fn event_grid_scope(self) -> &'static str {
        match self {
            Self::Public | Self::UsGovernment => "https://eventgrid.azure.net/.default",
        }
    }

    /// The one audience of what others say about an app that signs in by federation
    /// (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity>).
    #[must_use]
    pub const fn token_exchange_audience(self) -> &'static str {
        match self {
            Self::Public => "api://AzureADTokenExchange",
            Self::UsGovernment => "api://AzureADTokenExchangeUSGov",
        }
    }

    /// The cloud as the SDKs know it. Without one, they would take Entra's address from `AZURE_AUTHORITY_HOST`.
    #[must_use]
    pub const fn sdk(self) -> CloudConfiguration {
        match self {
            Self::Public => CloudConfiguration::AzurePublic,
            Self::UsGovernment => CloudConfiguration::AzureGovernment,
        }
    }

    /// Words about addresses of the public cloud, with the addresses that this one has instead.
    #[must_use]
    pub fn in_its_names(self, text: &str) -> String {
        let suffixes = [Self::key_vault_suffix, Self::storage_suffix, Self::event_grid_suffix];
        suffixes.iter().fold(text.to_owned(), |text, suffix| text.replace(suffix(Self::Public), suffix(self)))
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "the Azure public cloud",
            Self::UsGovernment => "Azure US Government",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_of_the_service_it_is_for() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.arm_scope(), format!("{}/.default", cloud.arm()));
            assert_eq!(cloud.graph_scope(), format!("{}/.default", cloud.graph()));
            assert_eq!(cloud.key_vault_scope(), format!("https://{}/.default", cloud.key_vault_suffix()));
            let vault = format!("https://kv-ispm.{}/", cloud.key_vault_suffix()).parse().unwrap();
            assert_eq!(Cloud::of_key_vault(&vault), cloud);
        }
    }

    #[test]
    fn words_about_addresses_are_about_those_of_the_cloud() {
        let text = "https://NAME.vault.azure.net, https://ACCOUNT.blob.core.windows.net/C, https://TOPIC.REGION-1.eventgrid.azure.net";
        assert_eq!(Cloud::Public.in_its_names(text), text);
        assert_eq!(
            Cloud::UsGovernment.in_its_names(text),
            "https://NAME.vault.usgovcloudapi.net, https://ACCOUNT.blob.core.usgovcloudapi.net/C, https://TOPIC.REGION-1.eventgrid.azure.us"
        );
    }
}
