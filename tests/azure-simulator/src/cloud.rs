//! The clouds (public, US government and China), their hosts, and their metadata endpoints.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::options::TENANT;

/// The cloud that a simulator plays. It does not serve the hosts of other clouds.
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
    /// Returns the host of Entra ID.
    #[must_use]
    pub fn login_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::UsGovernment => "login.microsoftonline.us",
            Self::China => "login.chinacloudapi.cn",
        }
    }

    /// Returns the host of ARM.
    #[must_use]
    pub fn arm_host(self) -> &'static str {
        match self {
            Self::Public => "management.azure.com",
            Self::UsGovernment => "management.usgovcloudapi.net",
            Self::China => "management.chinacloudapi.cn",
        }
    }

    /// Returns the domain suffix of login servers, without a leading dot.
    #[must_use]
    pub fn registry_suffix(self) -> &'static str {
        match self {
            Self::Public => "azurecr.io",
            Self::UsGovernment => "azurecr.us",
            Self::China => "azurecr.cn",
        }
    }

    /// Returns the value of `ARM_ENVIRONMENT`.
    #[must_use]
    pub fn environment(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::UsGovernment => "usgovernment",
            Self::China => "china",
        }
    }

    /// Returns the audiences of ARM, without trailing slashes.
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

    /// Returns the cloud's name in its metadata.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "AzureCloud",
            Self::UsGovernment => "AzureUSGovernment",
            Self::China => "AzureChinaCloud",
        }
    }

    /// Returns the body of `GET /metadata/endpoints`.
    ///
    /// If `base` is given, such as `https://127.0.0.1:1234`, it is the address of both Entra and ARM.
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

    /// Returns Entra's authority URL for the home tenant.
    pub(crate) fn authority(self) -> String {
        format!("https://{}/{TENANT}", self.login_host())
    }
}
