//! The clouds: public, US government and China; their hosts, and the document in which a cloud says where its parts are.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::options::TENANT;

/// The cloud that a simulator plays; hosts of the others don't exist there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Cloud {
    /// `login.microsoftonline.com`, `management.azure.com`, `azurecr.io`
    #[default]
    Public,
    /// `login.microsoftonline.us`, `management.usgovcloudapi.net`, `azurecr.us`
    UsGovernment,
    /// `login.chinacloudapi.cn`, `management.chinacloudapi.cn`, `azurecr.cn`
    China,
}

impl Cloud {
    /// Where Entra is.
    #[must_use]
    pub fn login_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::UsGovernment => "login.microsoftonline.us",
            Self::China => "login.chinacloudapi.cn",
        }
    }

    /// Where ARM is.
    #[must_use]
    pub fn arm_host(self) -> &'static str {
        match self {
            Self::Public => "management.azure.com",
            Self::UsGovernment => "management.usgovcloudapi.net",
            Self::China => "management.chinacloudapi.cn",
        }
    }

    /// What the login servers of registries end in, without a leading dot.
    #[must_use]
    pub fn registry_suffix(self) -> &'static str {
        match self {
            Self::Public => "azurecr.io",
            Self::UsGovernment => "azurecr.us",
            Self::China => "azurecr.cn",
        }
    }

    /// What `ARM_ENVIRONMENT` calls it.
    #[must_use]
    pub fn environment(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGovernment => "usgovernment",
            Self::China => "china",
        }
    }

    /// The names of ARM's audience, without trailing slashes.
    pub(crate) fn arm_audiences(self) -> [&'static str; 2] {
        match self {
            Self::Public => [
                "https://management.azure.com",
                "https://management.core.windows.net",
            ],
            Self::UsGovernment => [
                "https://management.usgovcloudapi.net",
                "https://management.core.usgovcloudapi.net",
            ],
            Self::China => [
                "https://management.chinacloudapi.cn",
                "https://management.core.chinacloudapi.cn",
            ],
        }
    }

    /// What the cloud calls itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "AzureCloud",
            Self::UsGovernment => "AzureUSGovernment",
            Self::China => "AzureChinaCloud",
        }
    }

    /// `GET /metadata/endpoints`: where everything is. With a `base` such as `https://127.0.0.1:1234`, Entra and ARM are
    /// both there.
    pub(crate) fn metadata(self, base: Option<&str>) -> Value {
        let at = |host: &str| base.map_or_else(|| format!("https://{host}"), str::to_owned);
        let audiences: Vec<String> = match base {
            Some(base) => vec![base.to_owned()],
            None => {
                let [arm, core] = self.arm_audiences();
                vec![format!("{core}/"), format!("{arm}/")]
            }
        };
        json!({
            "portal": "https://portal.azure.com",
            "authentication": {
                "loginEndpoint": format!("{}/", at(self.login_host())),
                "audiences": audiences,
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "graphAudience": "https://graph.windows.net/",
            "graph": "https://graph.windows.net/",
            "name": self.name(),
            "suffixes": {
                "acrLoginServer": self.registry_suffix(),
                "keyVaultDns": "vault.azure.net",
                "sqlServerHostname": "database.windows.net",
                "storage": "core.windows.net",
                "azureFrontDoorEndpointSuffix": "azurefd.net",
            },
            "batch": "https://batch.core.windows.net/",
            "resourceManager": format!("{}/", at(self.arm_host())),
            "microsoftGraphResourceId": "https://graph.microsoft.com/",
        })
    }

    /// Entra's address for the home tenant.
    pub(crate) fn authority(self) -> String {
        format!("https://{}/{TENANT}", self.login_host())
    }
}
