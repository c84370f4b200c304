//! Where a cloud's services are, and which audience their tokens are for.

mod metadata;

use url::Url;

pub(crate) use metadata::MetadataHost;

/// The endpoints of one cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// Where Entra issues tokens.
    pub authority_host: Url,
    /// Where Azure Resource Manager listens.
    pub resource_manager: Url,
    /// The audience of tokens for Azure Resource Manager, without `/.default`.
    pub resource_manager_audience: String,
    /// The audience of tokens for the registries' data plane, without `/.default`. Where a cloud doesn't
    /// know it, Resource Manager's does.
    pub acr_audience: String,
}

/// The audience that every registry of the public cloud accepts, whatever its
/// `azureADAuthenticationAsArmPolicy` says.
const ACR_AUDIENCE: &str = "https://containerregistry.azure.net";

impl Cloud {
    /// The cloud of a name, in any case: azurerm's names. Some name a cloud that differs from another
    /// one in services that are none of ours.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "public" | "global" | "canary" => Self::public(),
            "usgovernment" | "usgovernmentl4" | "dod" | "usgovernmentl5" => Self::us_government(),
            "china" => Self::china(),
            _ => return None,
        })
    }

    /// The public cloud.
    #[must_use]
    pub fn public() -> Self {
        Self::known(
            "https://login.microsoftonline.com",
            "https://management.azure.com",
        )
    }

    /// Azure Government in the United States.
    #[must_use]
    pub fn us_government() -> Self {
        Self::known(
            "https://login.microsoftonline.us",
            "https://management.usgovcloudapi.net",
        )
    }

    /// Azure in China, operated by 21Vianet.
    #[must_use]
    pub fn china() -> Self {
        Self::known(
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn",
        )
    }

    /// A cloud whose endpoints are given.
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
        }
    }

    /// The scope of a token for Azure Resource Manager.
    #[must_use]
    pub fn resource_manager_scope(&self) -> String {
        scope(&self.resource_manager_audience)
    }

    /// The scope of a token for the registries' data plane.
    #[must_use]
    pub fn acr_scope(&self) -> String {
        scope(&self.acr_audience)
    }

    /// Whether a link that Resource Manager gave leads back to it, so that our token may follow.
    /// Operations may be watched on a host of the region, below Resource Manager's own name.
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

    fn known(authority_host: &str, resource_manager: &str) -> Self {
        let url = |text| Url::parse(text).expect("the known endpoints are valid");
        Self::custom(url(authority_host), url(resource_manager), resource_manager)
    }
}

/// An audience may end in a slash, and then has two in its scope: Entra takes the audience literally.
fn scope(audience: &str) -> String {
    format!("{audience}/.default")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_take_the_audience_literally() {
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
    fn only_resource_manager_and_its_regions_are_resource_manager() {
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
