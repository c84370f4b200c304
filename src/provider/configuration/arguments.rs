//! The arguments of the provider block, and the environment variables that can replace them.

/// The attribute that holds [`ENDPOINTS`].
pub(super) const ENDPOINT: &str = "endpoint";

/// The Microsoft Entra endpoint that issues tokens.
pub(super) const AUTHORITY_HOST: &str = "active_directory_authority_host";

/// The audience of tokens for Azure Resource Manager.
pub(super) const AUDIENCE: &str = "resource_manager_audience";

/// The endpoint of Azure Resource Manager.
pub(super) const RESOURCE_MANAGER: &str = "resource_manager_endpoint";

/// The maximum number of auxiliary tenants that Azure Resource Manager accepts.
pub(super) const MOST_AUXILIARY_TENANTS: usize = 3;

/// The type of an [`Argument`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Secret,
    Switch,
    /// A list of texts. Semicolons separate them in an environment variable.
    Texts,
}

/// One argument of the provider block.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    /// Environment variables that can replace it. The first variable that is set takes precedence.
    pub(super) variables: &'static [&'static str],
    pub(super) kind: Kind,
    /// The description in Markdown, without the environment variables.
    pub(super) description: &'static str,
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

/// The arguments of the block itself, sorted by name. Names and variables match azurerm.
pub(super) static ARGUMENTS: [Argument; 25] = [
    argument(
        "ado_pipeline_service_connection_id",
        &[
            "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
            "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID",
        ],
        Kind::Text,
        "The ID of the Azure DevOps service connection that is used with `use_oidc`.",
    ),
    argument(
        "auxiliary_tenant_ids",
        &["ARM_AUXILIARY_TENANT_IDS"],
        Kind::Texts,
        "The IDs of up to three auxiliary tenants. The provider sends their tokens with requests \
         to Azure Resource Manager. In the environment variable, separate the IDs with `;`. A \
         managed identity ignores them, with a warning.",
    ),
    argument(
        "client_certificate",
        &["ARM_CLIENT_CERTIFICATE"],
        Kind::Secret,
        "The client certificate and its private key, as a base64-encoded PKCS#12 (`.pfx`) file.",
    ),
    argument(
        "client_certificate_password",
        &["ARM_CLIENT_CERTIFICATE_PASSWORD"],
        Kind::Secret,
        "The password of the client certificate.",
    ),
    argument(
        "client_certificate_path",
        &["ARM_CLIENT_CERTIFICATE_PATH"],
        Kind::Text,
        "The path of a PKCS#12 (`.pfx`) file with the client certificate and its private key. The \
         key must be an RSA key. `client_certificate` takes precedence over this file.",
    ),
    argument(
        "client_id",
        &["ARM_CLIENT_ID"],
        Kind::Text,
        "The client ID of the service principal or of the user-assigned managed identity.",
    ),
    argument(
        "client_id_file_path",
        &["ARM_CLIENT_ID_FILE_PATH"],
        Kind::Text,
        "The path of a file that contains the client ID.",
    ),
    argument(
        "client_secret",
        &["ARM_CLIENT_SECRET"],
        Kind::Secret,
        "The client secret of the service principal.",
    ),
    argument(
        "client_secret_file_path",
        &["ARM_CLIENT_SECRET_FILE_PATH"],
        Kind::Text,
        "The path of a file that contains the client secret.",
    ),
    argument(
        "disable_correlation_request_id",
        &["ARM_DISABLE_CORRELATION_REQUEST_ID"],
        Kind::Switch,
        "Whether to omit the header `x-ms-correlation-request-id`. Defaults to `false`.",
    ),
    argument(
        "environment",
        &["ARM_ENVIRONMENT"],
        Kind::Text,
        "The Azure cloud. Possible values are `public`, `usgovernment`, `dod` and `china`. \
         Defaults to `public`.",
    ),
    argument(
        "metadata_host",
        &["ARM_METADATA_HOSTNAME"],
        Kind::Text,
        "The metadata host of an Azure cloud, such as `management.azure.com`. The provider \
         reads the endpoints from it. It takes precedence over `environment`.",
    ),
    argument(
        "msi_api_version",
        &["ARM_MSI_API_VERSION"],
        Kind::Text,
        "The API version of the managed identity endpoint, such as `2019-08-01`. Set it if the \
         endpoint does not support the default version.",
    ),
    argument(
        "msi_endpoint",
        &["ARM_MSI_ENDPOINT"],
        Kind::Text,
        "The URL of the managed identity endpoint. Defaults to the endpoint of the Azure service that runs the provider.",
    ),
    argument(
        "oidc_request_token",
        &[
            "ARM_OIDC_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "SYSTEM_ACCESSTOKEN",
        ],
        Kind::Secret,
        "The bearer token for requests to `oidc_request_url`.",
    ),
    argument(
        "oidc_request_url",
        &[
            "ARM_OIDC_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "SYSTEM_OIDCREQUESTURI",
        ],
        Kind::Text,
        "The URL at which GitHub Actions or Azure DevOps issues ID tokens.",
    ),
    argument(
        "oidc_token",
        &["ARM_OIDC_TOKEN"],
        Kind::Secret,
        "The ID token for OpenID Connect.",
    ),
    argument(
        "oidc_token_file_path",
        &["ARM_OIDC_TOKEN_FILE_PATH"],
        Kind::Text,
        "The path of a file that contains the ID token. The provider reads it again for each \
         sign-in.",
    ),
    argument(
        "partner_id",
        &["ARM_PARTNER_ID"],
        Kind::Text,
        "The partner ID, a UUID that is registered with Microsoft for partner usage attribution.",
    ),
    argument(
        "subscription_id",
        &["ARM_SUBSCRIPTION_ID"],
        Kind::Text,
        "The ID of the subscription that the list resource searches. With the Azure CLI, it \
         selects the account and takes precedence over `tenant_id`. Resources use the subscription \
         in the registry ID.",
    ),
    argument(
        "tenant_id",
        &["ARM_TENANT_ID"],
        Kind::Text,
        "The ID of the tenant to sign in to.",
    ),
    argument(
        "use_aks_workload_identity",
        &["ARM_USE_AKS_WORKLOAD_IDENTITY"],
        Kind::Switch,
        "Whether to authenticate with the workload identity of an AKS pod. The pod provides \
         `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and `AZURE_FEDERATED_TOKEN_FILE`. Defaults to \
         `false`.",
    ),
    argument(
        "use_cli",
        &["ARM_USE_CLI"],
        Kind::Switch,
        "Whether the provider may authenticate with the Azure CLI. Defaults to `true`.",
    ),
    argument(
        "use_msi",
        &["ARM_USE_MSI"],
        Kind::Switch,
        "Whether the provider may authenticate with a managed identity. Defaults to `false`.",
    ),
    argument(
        "use_oidc",
        &["ARM_USE_OIDC"],
        Kind::Switch,
        "Whether the provider may authenticate with OpenID Connect. Defaults to `false`.",
    ),
];

/// The arguments of [`ENDPOINT`]. Names and variables match azapi.
pub(super) static ENDPOINTS: [Argument; 3] = [
    argument(
        AUTHORITY_HOST,
        &["ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST"],
        Kind::Text,
        "The https URL of the Microsoft Entra authority, such as \
         `https://login.microsoftonline.com`.",
    ),
    argument(
        AUDIENCE,
        &["ARM_RESOURCE_MANAGER_AUDIENCE"],
        Kind::Text,
        "The audience of tokens for Azure Resource Manager, such as \
         `https://management.azure.com`.",
    ),
    argument(
        RESOURCE_MANAGER,
        &["ARM_RESOURCE_MANAGER_ENDPOINT"],
        Kind::Text,
        "The https URL of Azure Resource Manager, such as `https://management.azure.com`.",
    ),
];

/// Returns the environment variables that can replace the argument `name`.
pub(super) fn variables(name: &str) -> &'static [&'static str] {
    ARGUMENTS
        .iter()
        .chain(&ENDPOINTS)
        .find(|argument| argument.name == name)
        .map_or(&[], |argument| argument.variables)
}

/// Formats an argument for messages with its first variable, such as `client_id` (ARM_CLIENT_ID).
pub(super) fn named(name: &str) -> String {
    match variables(name) {
        [variable, ..] => format!("`{name}` ({variable})"),
        [] => format!("`{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_sorted_and_unique() {
        let names: Vec<_> = ARGUMENTS.iter().map(|argument| argument.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn messages_name_an_argument_with_its_first_variable() {
        assert_eq!(named("oidc_token"), "`oidc_token` (ARM_OIDC_TOKEN)");
        assert_eq!(named("nothing"), "`nothing`");
    }
}
