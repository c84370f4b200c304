//! The endpoints and token audiences of Azure's clouds.

mod metadata;

use url::Url;

pub(crate) use metadata::MetadataHost;

/// The endpoints of one cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// The Entra ID endpoint that issues tokens.
    pub authority_host: Url,
    /// The Azure Resource Manager endpoint.
    pub resource_manager: Url,
    /// The audience of Resource Manager tokens, without `/.default`.
    pub resource_manager_audience: String,
    /// The audience of data plane tokens for registries, without `/.default`. If Entra ID doesn't know it
    /// in this cloud, the provider uses the Resource Manager audience.
    pub acr_audience: String,
    /// The domain of the registries' login servers, such as `azurecr.io`. [`None`] if it is unknown. Then a
    /// registry's own challenge says where to sign in.
    pub registry_domain: Option<String>,
}

/// The audience that every registry of the public cloud accepts, regardless of its
/// `azureADAuthenticationAsArmPolicy`.
const ACR_AUDIENCE: &str = "https://containerregistry.azure.net";

impl Cloud {
    /// Returns the cloud for one of azurerm's names, in any case. Some of these clouds differ only in
    /// services that this provider doesn't use.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "public" | "global" | "canary" => Self::public(),
            "usgovernment" | "usgovernmentl4" | "dod" | "usgovernmentl5" => Self::us_government(),
            "china" => Self::china(),
            _ => return None,
        })
    }

    /// Returns the public cloud.
    #[must_use]
    pub fn public() -> Self {
        Self::known(
            "https://login.microsoftonline.com",
            "https://management.azure.com",
            "azurecr.io",
        )
    }

    /// Returns Azure Government in the United States.
    #[must_use]
    pub fn us_government() -> Self {
        Self::known(
            "https://login.microsoftonline.us",
            "https://management.usgovcloudapi.net",
            "azurecr.us",
        )
    }

    /// Returns Azure in China, operated by 21Vianet.
    #[must_use]
    pub fn china() -> Self {
        Self::known(
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
            "azurecr.cn",
        )
    }

    /// Returns a cloud with the given endpoints, whose registries have an unknown domain.
    #[must_use]
    pub fn custom(
        authority_host: Url,
        resource_manager: Url,
        resource_manager_audience: impl Into<String>,
    ) -> Self {
        Self {
            authority_host,
            resource_manager,
            resource_manager_audience: resource_manager_audience.into(),
            acr_audience: ACR_AUDIENCE.to_owned(),
            registry_domain: None,
        }
    }

    /// Returns the scope of a Resource Manager token.
    #[must_use]
    pub fn resource_manager_scope(&self) -> String {
        scope(&self.resource_manager_audience)
    }

    /// Returns the scope of a data plane token for registries.
    #[must_use]
    pub fn acr_scope(&self) -> String {
        scope(&self.acr_audience)
    }

    /// Whether a link points to Resource Manager and may receive the token. Azure may report an
    /// operation's status on a regional host below Resource Manager's own name.
    pub(crate) fn is_resource_manager(&self, link: &Url) -> bool {
        let (Some(ours), Some(theirs)) = (self.resource_manager.host_str(), link.host_str()) else {
            return false;
        };
        let below = theirs
            .strip_suffix(ours)
            .is_some_and(|region| region.is_empty() || region.ends_with('.'));
        link.scheme() == self.resource_manager.scheme()
            && link.port() == self.resource_manager.port()
            && below
    }

    /// Whether a host is the login server of a registry in this cloud. Only Azure's own service answers there.
    pub(crate) fn is_login_server(&self, host: &str) -> bool {
        let Some(domain) = &self.registry_domain else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        let label = host.strip_suffix(domain.as_str());
        let label = label.and_then(|rest| rest.strip_suffix('.'));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        label.is_some_and(|label| !label.is_empty() && label.bytes().all(is_plain))
    }

    /// Returns the login server of most registries with this name. A registry with a domain name label has
    /// another one.
    pub(crate) fn usual_login_server(&self, registry: &str) -> Option<String> {
        let domain = self.registry_domain.as_ref()?;
        let host = format!("{}.{domain}", registry.to_ascii_lowercase());
        self.is_login_server(&host).then_some(host)
    }

    fn known(authority_host: &str, resource_manager: &str, registry_domain: &str) -> Self {
        let url = |text| Url::parse(text).expect("the known endpoints are valid");
        Self {
            registry_domain: Some(registry_domain.to_owned()),
            ..Self::custom(url(authority_host), url(resource_manager), resource_manager)
        }
    }
}

/// An audience that ends in a slash has two slashes in its scope, because Entra ID takes the audience
/// literally.
fn scope(audience: &str) -> String {
    format!("{audience}/.default")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_contains_the_audience_literally() {
        let mut cloud = Cloud::public();
        assert_eq!(
            cloud.resource_manager_scope(),
            "https://management.azure.com/.default"
        );
        assert_eq!(
            cloud.acr_scope(),
            "https://containerregistry.azure.net/.default"
        );
        cloud.resource_manager_audience = "https://management.core.windows.net/".to_owned();
        assert_eq!(
            cloud.resource_manager_scope(),
            "https://management.core.windows.net//.default"
        );
    }

    #[test]
    fn a_login_server_is_one_name_in_the_clouds_domain() {
        let cloud = Cloud::public();
        for host in ["contoso.azurecr.io", "CONTOSO-abc123.azurecr.io"] {
            assert!(cloud.is_login_server(host), "{host}");
        }
        for host in [
            "azurecr.io",
            ".azurecr.io",
            "contoso.azurecr.us",
            "contoso.westeurope.data.azurecr.io",
            "contoso.azurecr.io:8443",
            "contoso@evil.azurecr.io",
            "contosoazurecr.io",
            "contoso.azurecr.io.evil.example",
        ] {
            assert!(!cloud.is_login_server(host), "{host}");
        }
        let china = Cloud::china().usual_login_server("Contoso");
        assert_eq!(china.as_deref(), Some("contoso.azurecr.cn"));
        let unknown = Cloud {
            registry_domain: None,
            ..cloud
        };
        assert_eq!(unknown.usual_login_server("contoso"), None);
        assert!(!unknown.is_login_server("contoso.azurecr.io"));
    }

    #[test]
    fn only_resource_manager_and_its_regional_hosts_are_trusted() {
        let cloud = Cloud::public();
        let is = |text: &str| cloud.is_resource_manager(&Url::parse(text).unwrap());
        assert!(is("https://management.azure.com/x"));
        assert!(is("https://westeurope.management.azure.com/x"));
        assert!(!is("http://management.azure.com/x"));
        assert!(!is("https://management.azure.com:8443/x"));
        assert!(!is("https://evilmanagement.azure.com/x"));
        assert!(!is("https://management.azure.com.evil.example/x"));
    }
}
