//! The provider block: its arguments, and the environment variables that stand in for them.

use crate::schema::{Attribute, Block, Nesting, Presence, Schema};
use crate::value::Type;

/// The attribute that holds [`ENDPOINTS`].
pub(super) const ENDPOINT: &str = "endpoint";

/// Where Entra issues tokens.
pub(super) const AUTHORITY_HOST: &str = "active_directory_authority_host";

/// Whom tokens for Azure Resource Manager are for.
pub(super) const AUDIENCE: &str = "resource_manager_audience";

/// Where Azure Resource Manager is.
pub(super) const RESOURCE_MANAGER: &str = "resource_manager_endpoint";

/// What an [`Argument`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Secret,
    Switch,
}

/// One argument of the provider block.
#[derive(Debug)]
pub(super) struct Argument {
    /// Its name.
    pub(super) name: &'static str,
    /// Environment variables that stand in for it; the first that is set wins.
    pub(super) variables: &'static [&'static str],
    kind: Kind,
    description: &'static str,
}

const fn argument(
    name: &'static str,
    variables: &'static [&'static str],
    kind: Kind,
    description: &'static str,
) -> Argument {
    Argument {
        name,
        variables,
        kind,
        description,
    }
}

/// The arguments of the block itself, by name. Names and variables are azurerm's.
pub(super) static ARGUMENTS: [Argument; 9] = [
    argument(
        "client_id",
        &["ARM_CLIENT_ID"],
        Kind::Text,
        "The client ID of the service principal to sign in with.",
    ),
    argument(
        "client_id_file_path",
        &["ARM_CLIENT_ID_FILE_PATH"],
        Kind::Text,
        "The path of a file that holds the client ID.",
    ),
    argument(
        "client_secret",
        &["ARM_CLIENT_SECRET"],
        Kind::Secret,
        "The client secret to sign in with.",
    ),
    argument(
        "client_secret_file_path",
        &["ARM_CLIENT_SECRET_FILE_PATH"],
        Kind::Text,
        "The path of a file that holds the client secret.",
    ),
    argument(
        "disable_correlation_request_id",
        &["ARM_DISABLE_CORRELATION_REQUEST_ID"],
        Kind::Switch,
        "Whether to leave out the header `x-ms-correlation-request-id`. Defaults to `false`.",
    ),
    argument(
        "environment",
        &["ARM_ENVIRONMENT"],
        Kind::Text,
        "The cloud. Possible values are `public`, `usgovernment` and `china`. Defaults to \
         `public`.",
    ),
    argument(
        "subscription_id",
        &["ARM_SUBSCRIPTION_ID"],
        Kind::Text,
        "The subscription whose tokens the Azure CLI is asked for. Resources take theirs from the \
         registry's ID.",
    ),
    argument(
        "tenant_id",
        &["ARM_TENANT_ID"],
        Kind::Text,
        "The tenant to sign in to.",
    ),
    argument(
        "use_cli",
        &["ARM_USE_CLI"],
        Kind::Switch,
        "Whether the Azure CLI may be used to sign in. Defaults to `true`.",
    ),
];

/// The arguments of [`ENDPOINT`]. Names and variables are azapi's.
pub(super) static ENDPOINTS: [Argument; 3] = [
    argument(
        AUTHORITY_HOST,
        &["ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST"],
        Kind::Text,
        "The https URL to sign in at, such as `https://login.microsoftonline.com`.",
    ),
    argument(
        AUDIENCE,
        &["ARM_RESOURCE_MANAGER_AUDIENCE"],
        Kind::Text,
        "The audience of Azure Resource Manager's tokens, such as `https://management.azure.com`.",
    ),
    argument(
        RESOURCE_MANAGER,
        &["ARM_RESOURCE_MANAGER_ENDPOINT"],
        Kind::Text,
        "The https URL of Azure Resource Manager, such as `https://management.azure.com`.",
    ),
];

/// The schema of the provider block.
pub(super) fn schema() -> Schema {
    let mut attributes: Vec<Attribute> = ARGUMENTS.iter().map(Argument::attribute).collect();
    attributes.push(Attribute::nested(
        ENDPOINT,
        Nesting::Single,
        ENDPOINTS.iter().map(Argument::attribute).collect(),
        Presence::Optional,
        "The endpoints of a cloud that `environment` doesn't name. What is set here goes before \
         `environment`.",
    ));
    attributes.sort_by(|a, b| a.name.cmp(&b.name));
    Schema {
        version: 0,
        block: Block {
            attributes,
            description: "Manages Continuous Patching of Azure Container Registries.".to_owned(),
            ..Block::default()
        },
    }
}

impl Argument {
    fn attribute(&self) -> Attribute {
        let variables: Vec<String> = self
            .variables
            .iter()
            .map(|variable| format!("`{variable}`"))
            .collect();
        let description = format!(
            "{} Can also be set with {}.",
            self.description,
            variables.join(", ")
        );
        let kind = match self.kind {
            Kind::Text | Kind::Secret => Type::String,
            Kind::Switch => Type::Bool,
        };
        let attribute = Attribute::new(self.name, kind, Presence::Optional, description);
        match self.kind {
            Kind::Secret => attribute.sensitive(),
            Kind::Text | Kind::Switch => attribute,
        }
    }
}
