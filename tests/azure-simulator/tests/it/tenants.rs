//! Other tenants, and auxiliary tokens from them.

use azure_simulator::{CLIENT_ID, CLIENT_SECRET};

use crate::client::{Azure, Got, REGISTRIES};

const ARM: &str = "https://management.azure.com";
const SECOND: &str = "22222222-2222-4222-8222-222222222222";
const THIRD: &str = "33333333-3333-4333-8333-333333333333";

#[tokio::test]
async fn an_application_signs_in_only_to_tenants_it_has_joined() {
    let azure = Azure::new();
    azure.simulator.application(CLIENT_ID).join_tenant(SECOND);
    azure.simulator.add_application("elsewhere", "secret", &[]);
    let scope = format!("{ARM}/.default");
    let got = azure
        .sign_in(SECOND, CLIENT_ID, CLIENT_SECRET, &scope)
        .await;
    assert_eq!(got.status, 200);
    let absent = azure.sign_in(SECOND, "elsewhere", "secret", &scope).await;
    assert_eq!(absent.json()["error_codes"][0], 700_016);
    let unknown = azure.sign_in(THIRD, CLIENT_ID, CLIENT_SECRET, &scope).await;
    assert_eq!(unknown.json()["error_codes"][0], 90002);
}

#[tokio::test]
async fn arm_accepts_auxiliary_tokens_only_from_other_tenants() {
    let azure = Azure::new();
    azure
        .simulator
        .application(CLIENT_ID)
        .join_tenant(SECOND)
        .join_tenant(THIRD);
    let home = azure.simulator.token(ARM);
    let second = azure.simulator.token_in(SECOND, ARM);
    let third = azure.simulator.token_in(THIRD, ARM);
    let foreign = azure
        .simulator
        .token_in(SECOND, "https://containerregistry.azure.net");

    let got = get(&azure, &second, None).await;
    assert_eq!(
        got.refusal(),
        (401, "InvalidAuthenticationTokenTenant".to_owned())
    );

    azure.simulator.mark();
    let both = format!("Bearer {second}, Bearer {third}");
    assert_eq!(get(&azure, &home, Some(&both)).await.status, 200);
    assert_eq!(azure.simulator.requests()[0].auxiliary_tokens, 2);

    for wrong in [
        second.clone(),
        format!("Bearer {home}"),
        format!("Bearer {foreign}"),
        format!("Bearer {second}, Bearer {second}"),
        "Bearer nonsense".to_owned(),
        String::new(),
    ] {
        let got = get(&azure, &home, Some(&wrong)).await;
        assert_eq!(got.refusal(), (401, "InvalidAuxiliaryTokens".to_owned()));
    }
}

async fn get(azure: &Azure, token: &str, auxiliary: Option<&str>) -> Got {
    let url = format!("{ARM}{}?{REGISTRIES}", azure.registry());
    let request = azure.http.get(url).bearer_auth(token);
    let request = match auxiliary {
        Some(tokens) => request.header("x-ms-authorization-auxiliary", tokens),
        None => request,
    };
    Got::from(request.send().await.unwrap()).await
}
