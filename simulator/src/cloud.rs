//! The clouds of Azure: the same services under other names (Azure Government documentation, "Compare Azure Government and global Azure").

use serde::{Deserialize, Serialize};

/// A cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// What everybody uses.
    #[default]
    Public,
    /// That of the authorities of the United States.
    UsGovernment,
}

impl Cloud {
    const fn either(self, public: &'static str, us_government: &'static str) -> &'static str {
        match self {
            Self::Public => public,
            Self::UsGovernment => us_government,
        }
    }

    /// Resource Manager's host.
    #[must_use]
    pub const fn arm(self) -> &'static str {
        self.either("management.azure.com", "management.usgovcloudapi.net")
    }

    /// Microsoft Graph's host.
    #[must_use]
    pub const fn graph(self) -> &'static str {
        self.either("graph.microsoft.com", "graph.microsoft.us")
    }

    /// Entra's host.
    #[must_use]
    pub const fn entra(self) -> &'static str {
        self.either("login.microsoftonline.com", "login.microsoftonline.us")
    }

    /// What stands after a vault's name in its host. With `https://` before it, it is Key Vault's audience.
    #[must_use]
    pub const fn key_vault(self) -> &'static str {
        self.either("vault.azure.net", "vault.usgovcloudapi.net")
    }

    /// What stands after an account's name and the service's in a host of Storage.
    #[must_use]
    pub const fn storage(self) -> &'static str {
        self.either("core.windows.net", "core.usgovcloudapi.net")
    }

    /// What stands after a topic's name and region in its host.
    #[must_use]
    pub const fn event_grid(self) -> &'static str {
        self.either("eventgrid.azure.net", "eventgrid.azure.us")
    }

    /// Resource Manager's audiences: its own and that of what was before it.
    #[must_use]
    pub const fn arm_audiences(self) -> [&'static str; 2] {
        match self {
            Self::Public => ["https://management.azure.com", "https://management.core.windows.net"],
            Self::UsGovernment => ["https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"],
        }
    }

    /// Microsoft Graph's audiences.
    #[must_use]
    pub const fn graph_audiences(self) -> [&'static str; 2] {
        [self.either("https://graph.microsoft.com", "https://graph.microsoft.us"), "00000003-0000-0000-c000-000000000000"]
    }

    /// Key Vault's audience.
    #[must_use]
    pub const fn key_vault_audience(self) -> &'static str {
        self.either("https://vault.azure.net", "https://vault.usgovcloudapi.net")
    }

    /// Event Grid's audience. Its clients ask for the same one in all clouds (Azure/azure-sdk-for-net, `EventGridPublisherClient`).
    #[must_use]
    pub const fn event_grid_audience(self) -> &'static str {
        self.either("https://eventgrid.azure.net", "https://eventgrid.azure.net")
    }

    /// The audience of assertions for federated credentials.
    #[must_use]
    pub const fn token_exchange_audience(self) -> &'static str {
        self.either("api://AzureADTokenExchange", "api://AzureADTokenExchangeUSGov")
    }

    /// The resources for which Entra issues tokens, without a slash at the end.
    #[must_use]
    pub fn resources(self) -> [&'static str; 8] {
        let [arm, before_arm] = self.arm_audiences();
        let [graph, _] = self.graph_audiences();
        [
            arm,
            before_arm,
            graph,
            self.key_vault_audience(),
            self.event_grid_audience(),
            // One in all clouds (Storage documentation, "Authorize with Microsoft Entra ID", resource ID).
            "https://storage.azure.com",
            self.token_exchange_audience(),
            self.either("https://queue.core.windows.net", "https://queue.core.usgovcloudapi.net"),
        ]
    }
}
