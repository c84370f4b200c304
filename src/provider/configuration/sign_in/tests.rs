use url::Url;

use super::*;

fn inputs() -> Inputs {
    Inputs {
        tenant_id: Some("tenant".to_owned()),
        client_id: Some("client".to_owned()),
        subscription_id: Some("subscription".to_owned()),
        auxiliary_tenants: Vec::new(),
        certificate: None,
        certificate_password: Secret::new("planted"),
        client_secret: None,
        use_oidc: false,
        use_aks_workload_identity: false,
        id_token: None,
        request_url: None,
        request_token: None,
        service_connection_id: None,
        use_msi: false,
        identity_endpoint: IdentityEndpoint::instance_metadata(None, None),
        use_cli: true,
    }
}

/// Inputs that configure every method.
fn everything() -> Inputs {
    Inputs {
        certificate: Some(CertificateFile::Path("client.pfx".to_owned())),
        client_secret: Some(Secret::new("planted")),
        use_oidc: true,
        id_token: Some(IdToken::Given(Secret::new("planted"))),
        request_url: Some(Url::parse("https://issuer.example/").unwrap()),
        request_token: Some(Secret::new("planted")),
        service_connection_id: Some("connection".to_owned()),
        use_msi: true,
        ..inputs()
    }
}

fn said(diagnostic: &Diagnostic) -> String {
    let path = diagnostic.path.clone().unwrap_or_default();
    format!("{path}: {}: {}", diagnostic.summary, diagnostic.detail)
}

/// Returns the method and the warnings, or the error, as the user reads them.
fn outcome(inputs: &Inputs) -> String {
    match decide(inputs) {
        Ok((sign_in, warnings)) => {
            let warnings: String = warnings
                .iter()
                .map(|it| format!("\n{}", said(it)))
                .collect();
            format!("{sign_in:?}{warnings}")
        }
        Err(error) => said(&error),
    }
}

#[test]
fn selects_the_first_fully_configured_method() {
    let mut inputs = everything();
    let mut table = Vec::new();
    table.push(outcome(&inputs));
    inputs.certificate = None;
    table.push(outcome(&inputs));
    inputs.client_secret = None;
    table.push(outcome(&inputs));
    inputs.id_token = None;
    table.push(outcome(&inputs));
    inputs.service_connection_id = None;
    table.push(outcome(&inputs));
    inputs.use_oidc = false;
    table.push(outcome(&inputs));
    inputs.use_msi = false;
    table.push(outcome(&inputs));
    insta::assert_snapshot!(table.join("\n"), @r#"
    ClientCertificate { tenant_id: "tenant", client_id: "client", certificate: Path("client.pfx"), password: Secret(…) }
    ClientSecret { tenant_id: "tenant", client_id: "client", secret: Secret(…) }
    Oidc { tenant_id: "tenant", client_id: "client", id_token: Given((secret)) }
    Oidc { tenant_id: "tenant", client_id: "client", id_token: AzureDevOps(issuer.example) }
    Oidc { tenant_id: "tenant", client_id: "client", id_token: GitHub(issuer.example) }
    ManagedIdentity { client_id: Some("client"), endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2018-02-01", key: None } }
    AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
    client_id: Authentication method skipped: Client secret authentication is not fully configured. Missing: `client_secret` (ARM_CLIENT_SECRET). Azure CLI authentication applies instead. Set the missing values, or unset `client_id` (ARM_CLIENT_ID).
    "#);
}

#[test]
fn a_client_id_without_a_secret_causes_a_warning_with_the_azure_cli_only() {
    let warnings = |inputs: &Inputs| decide(inputs).unwrap().1.len();
    assert_eq!(warnings(&inputs()), 1);
    let without_client = Inputs {
        client_id: None,
        ..inputs()
    };
    assert_eq!(warnings(&without_client), 0);
    let managed = Inputs {
        use_msi: true,
        ..inputs()
    };
    assert_eq!(warnings(&managed), 0);
    let without_tenant = Inputs {
        tenant_id: None,
        ..inputs()
    };
    insta::assert_snapshot!(outcome(&without_tenant), @r#"
    AzureCli { tenant_id: None, subscription_id: Some("subscription") }
    client_id: Authentication method skipped: Client secret authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID) and `client_secret` (ARM_CLIENT_SECRET). Azure CLI authentication applies instead. Set the missing values, or unset `client_id` (ARM_CLIENT_ID).
    "#);
}

#[test]
fn an_incomplete_method_is_skipped_with_a_warning() {
    let nobody = Inputs {
        tenant_id: None,
        client_id: None,
        ..inputs()
    };
    let secret = Some(Secret::new("planted"));
    let certificate = Some(CertificateFile::Base64(Secret::new("planted")));
    let url = Url::parse("https://issuer.example/").ok();
    let table = [
        outcome(&Inputs {
            certificate,
            ..nobody.clone()
        }),
        outcome(&Inputs {
            client_secret: secret,
            client_id: Some("client".to_owned()),
            ..nobody.clone()
        }),
        outcome(&Inputs {
            use_oidc: true,
            use_msi: true,
            ..nobody
        }),
        outcome(&Inputs {
            use_oidc: true,
            request_url: url,
            ..inputs()
        }),
        outcome(&Inputs {
            use_aks_workload_identity: true,
            ..inputs()
        }),
    ];
    insta::assert_snapshot!(table.join("\n---\n"), @r#"
    AzureCli { tenant_id: None, subscription_id: Some("subscription") }
    client_certificate: Authentication method skipped: Client certificate authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID). Azure CLI authentication applies instead. Set the missing values, or unset `client_certificate` (ARM_CLIENT_CERTIFICATE).
    ---
    AzureCli { tenant_id: None, subscription_id: Some("subscription") }
    client_secret: Authentication method skipped: Client secret authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID). Azure CLI authentication applies instead. Set the missing values, or unset `client_secret` (ARM_CLIENT_SECRET).
    ---
    ManagedIdentity { client_id: None, endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2018-02-01", key: None } }
    use_oidc: Authentication method skipped: OpenID Connect authentication is not fully configured. Missing: `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID) and an ID token from `oidc_token` (ARM_OIDC_TOKEN), `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or `oidc_request_url` (ARM_OIDC_REQUEST_URL) with `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN). Managed identity authentication applies instead. Set the missing values, or unset `use_oidc` (ARM_USE_OIDC).
    ---
    AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
    use_oidc: Authentication method skipped: OpenID Connect authentication is not fully configured. Missing: `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN). Azure CLI authentication applies instead. Set the missing values, or unset `use_oidc` (ARM_USE_OIDC).
    ---
    AzureCli { tenant_id: Some("tenant"), subscription_id: Some("subscription") }
    use_aks_workload_identity: Authentication method skipped: OpenID Connect authentication is not fully configured. Missing: AZURE_FEDERATED_TOKEN_FILE. Azure CLI authentication applies instead. Set the missing values, or unset `use_aks_workload_identity` (ARM_USE_AKS_WORKLOAD_IDENTITY).
    "#);
}

#[test]
fn an_incomplete_later_method_causes_no_warning() {
    let inputs = Inputs {
        use_oidc: true,
        client_secret: Some(Secret::new("planted")),
        ..inputs()
    };
    let (_, warnings) = decide(&inputs).unwrap();
    assert_eq!(warnings, []);
}

#[test]
fn the_error_names_what_each_method_is_missing() {
    let off = Inputs {
        use_cli: false,
        ..inputs()
    };
    let nobody = Inputs {
        tenant_id: None,
        client_id: None,
        certificate: Some(CertificateFile::Path("client.pfx".to_owned())),
        use_oidc: true,
        ..off.clone()
    };
    insta::assert_snapshot!(outcome(&off), @"
    : No usable authentication method: No authentication method is fully configured:

      - Client secret: missing `client_secret` (ARM_CLIENT_SECRET)
      - OpenID Connect: `use_oidc` (ARM_USE_OIDC) is `false`
      - Managed identity: `use_msi` (ARM_USE_MSI) is `false`
      - Azure CLI: `use_cli` (ARM_USE_CLI) is `false`

    Enable one of these methods, and set its missing values.
    ");
    insta::assert_snapshot!(outcome(&nobody), @"
    : No usable authentication method: No authentication method is fully configured:

      - Client certificate: missing `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID)
      - OpenID Connect: missing `tenant_id` (ARM_TENANT_ID) and `client_id` (ARM_CLIENT_ID) and an ID token from `oidc_token` (ARM_OIDC_TOKEN), `oidc_token_file_path` (ARM_OIDC_TOKEN_FILE_PATH), or `oidc_request_url` (ARM_OIDC_REQUEST_URL) with `oidc_request_token` (ARM_OIDC_REQUEST_TOKEN)
      - Managed identity: `use_msi` (ARM_USE_MSI) is `false`
      - Azure CLI: `use_cli` (ARM_USE_CLI) is `false`

    Enable one of these methods, and set its missing values.
    ");
}

#[test]
fn aks_workload_identity_ignores_a_pipelines_request_url() {
    let pipeline = Inputs {
        use_oidc: false,
        use_aks_workload_identity: true,
        certificate: None,
        client_secret: None,
        id_token: None,
        ..everything()
    };
    assert!(outcome(&pipeline).starts_with("ManagedIdentity"));
    let pod = Inputs {
        id_token: Some(IdToken::File("/var/run/token".into())),
        ..pipeline
    };
    insta::assert_snapshot!(outcome(&pod), @r#"Oidc { tenant_id: "tenant", client_id: "client", id_token: File(/var/run/token) }"#);
}

#[test]
fn a_managed_identity_ignores_auxiliary_tenants_with_a_warning() {
    let inputs = Inputs {
        use_msi: true,
        auxiliary_tenants: vec!["other".to_owned()],
        ..inputs()
    };
    insta::assert_snapshot!(outcome(&inputs), @r#"
    ManagedIdentity { client_id: Some("client"), endpoint: IdentityEndpoint { host: "169.254.169.254", path: "/metadata/identity/oauth2/token", version: "2018-02-01", key: None } }
    auxiliary_tenant_ids: Managed identities don't support auxiliary tenants: A managed identity gets tokens in its own tenant only, so the provider ignores `auxiliary_tenant_ids` (ARM_AUXILIARY_TENANT_IDS). If requests need these tenants, sign in with a client certificate, a client secret, OpenID Connect or the Azure CLI.
    "#);
}
