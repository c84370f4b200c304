//! The arguments of the provider block, and the environment variables that stand in for them.

/// The attribute that holds [`ENDPOINTS`].
pub(super) const ENDPOINT: &str = "endpoint";

/// Where Entra issues tokens.
pub(super) const AUTHORITY_HOST: &str = "active_directory_authority_host";

/// Whom tokens for Azure Resource Manager are for.
pub(super) const AUDIENCE: &str = "resource_manager_audience";

/// Where Azure Resource Manager is.
pub(super) const RESOURCE_MANAGER: &str = "resource_manager_endpoint";

/// How many auxiliary tenants Resource Manager takes.
pub(super) const MOST_AUXILIARY_TENANTS: usize = 3;

/// What an [`Argument`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Secret,
    Switch,
    /// A list of texts; in a variable they stand between semicolons.
    Texts,
}

/// One argument of the provider block.
#[derive(Debug)]
pub(super) struct Argument {
    /// Its name.
    pub(super) name: &'static str,
    /// Environment variables that stand in for it; the first that is set wins.
    pub(super) variables: &'static [&'static str],
    /// What it takes.
    pub(super) kind: Kind,
    /// Markdown.
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

/// The arguments of the block itself, by name. Names and variables are azurerm's.
pub(super) static ARGUMENTS: [Argument; 24] = [
    argument(
        "ado_pipeline_service_connection_id",
        &[
            "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
            "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID",
        ],
        Kind::Text,
        "The ID of the service connection in Azure DevOps whose ID tokens are used with `use_oidc`.",
    ),
    argument(
        "auxiliary_tenant_ids",
        &["ARM_AUXILIARY_TENANT_IDS"],
        Kind::Texts,
        "Up to three other tenants whose tokens accompany requests to Azure Resource Manager. In the \
         environment variable they are separated by `;`. Not with a managed identity.",
    ),
    argument(
        "client_certificate",
        &["ARM_CLIENT_CERTIFICATE"],
        Kind::Secret,
        "The client certificate to sign in with and its key: a PKCS#12 (`.pfx`) file, encoded in base64.",
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
        "The path of a PKCS#12 (`.pfx`) file with the client certificate to sign in with and its key, RSA \
         or on the curves P-256 or P-384. `client_certificate` goes before it.",
    ),
    argument(
        "client_id",
        &["ARM_CLIENT_ID"],
        Kind::Text,
        "The client ID of the service principal, or of the user-assigned managed identity, to sign in as.",
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
        "The cloud. Possible values are `public`, `usgovernment`, `dod` and `china`. Defaults to `public`.",
    ),
    argument(
        "metadata_host",
        &["ARM_METADATA_HOSTNAME"],
        Kind::Text,
        "The host that tells the endpoints of a cloud, such as `management.local.azurestack.external`. It \
         goes before `environment`.",
    ),
    argument(
        "msi_endpoint",
        &["ARM_MSI_ENDPOINT"],
        Kind::Text,
        "The URL of the endpoint of managed identity. Defaults to the one that the machine has.",
    ),
    argument(
        "oidc_request_token",
        &[
            "ARM_OIDC_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "SYSTEM_ACCESSTOKEN",
        ],
        Kind::Secret,
        "The token that `oidc_request_url` is asked with.",
    ),
    argument(
        "oidc_request_url",
        &[
            "ARM_OIDC_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "SYSTEM_OIDCREQUESTURI",
        ],
        Kind::Text,
        "The URL at which GitHub Actions or Azure DevOps issue ID tokens.",
    ),
    argument(
        "oidc_token",
        &["ARM_OIDC_TOKEN"],
        Kind::Secret,
        "The ID token to sign in with.",
    ),
    argument(
        "oidc_token_file_path",
        &["ARM_OIDC_TOKEN_FILE_PATH"],
        Kind::Text,
        "The path of a file that holds the ID token. It is read again for each sign-in.",
    ),
    argument(
        "partner_id",
        &["ARM_PARTNER_ID"],
        Kind::Text,
        "A UUID that is registered with Microsoft for the attribution of usage to a partner.",
    ),
    argument(
        "subscription_id",
        &["ARM_SUBSCRIPTION_ID"],
        Kind::Text,
        "The subscription in which the list resource looks, and with whose account the Azure CLI signs in, \
         whatever `tenant_id` says. Resources take theirs from the registry's ID.",
    ),
    argument(
        "tenant_id",
        &["ARM_TENANT_ID"],
        Kind::Text,
        "The tenant to sign in to.",
    ),
    argument(
        "use_aks_workload_identity",
        &["ARM_USE_AKS_WORKLOAD_IDENTITY"],
        Kind::Switch,
        "Whether to sign in with the workload identity of an AKS pod, as `AZURE_CLIENT_ID`, \
         `AZURE_TENANT_ID` and `AZURE_FEDERATED_TOKEN_FILE` give it. Defaults to `false`.",
    ),
    argument(
        "use_cli",
        &["ARM_USE_CLI"],
        Kind::Switch,
        "Whether the Azure CLI may be used to sign in. Defaults to `true`.",
    ),
    argument(
        "use_msi",
        &["ARM_USE_MSI"],
        Kind::Switch,
        "Whether a managed identity may be used to sign in. Defaults to `false`.",
    ),
    argument(
        "use_oidc",
        &["ARM_USE_OIDC"],
        Kind::Switch,
        "Whether OpenID Connect may be used to sign in. Defaults to `false`.",
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

/// The environment variables that stand in for the argument `name`.
pub(super) fn variables(name: &str) -> &'static [&'static str] {
    ARGUMENTS
        .iter()
        .chain(&ENDPOINTS)
        .find(|argument| argument.name == name)
        .map_or(&[], |argument| argument.variables)
}

/// An argument as messages name it, with the variable that is tried first: `client_id`
/// (ARM_CLIENT_ID).
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
    fn arguments_are_in_order_and_named_once() {
        let names: Vec<_> = ARGUMENTS.iter().map(|argument| argument.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn an_argument_is_named_with_its_first_variable() {
        assert_eq!(named("oidc_token"), "`oidc_token` (ARM_OIDC_TOKEN)");
        assert_eq!(named("nothing"), "`nothing`");
    }
}
