//! The user agent, partner ID and correlation ID of each request, and the provider's log level.

use std::collections::BTreeSet;

use azure_simulator::Entry;
use host_cli::Kind;

use crate::stage::{Stage, WORKFLOW, hosts};

const PARTNER: &str = "a0000000-0000-4000-8000-00000000000a";
const CORRELATION: &str = "c0000000-0000-4000-8000-00000000000c";

/// Plans with these variables in addition to the authentication variables. Returns the requests and the
/// output.
async fn planned(stage: Stage, variables: &[(&'static str, &str)]) -> (Vec<Entry>, String) {
    let mut all = stage.azure.env();
    all.extend(
        variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let stage = stage.signing_in_by(all);
    stage.azure.mark();
    let plan = stage.workspace.plan(&[]).await.unwrap();
    (stage.azure.requests(), plan.finished().to_string())
}

fn user_agents(asked: &[Entry]) -> BTreeSet<String> {
    asked
        .iter()
        .filter_map(|entry| entry.user_agent.clone())
        .collect()
}

/// The correlation IDs of the requests to Resource Manager. `None` stands for a request without one.
fn correlations(asked: &[Entry]) -> BTreeSet<Option<String>> {
    let of_resource_manager = asked
        .iter()
        .filter(|entry| entry.host.starts_with("management."));
    of_resource_manager
        .map(|entry| entry.correlation_id.clone())
        .collect()
}

#[tokio::test]
async fn requests_have_one_user_agent_and_one_correlation_id() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let (asked, _) = planned(stage, &[]).await;
        let named = user_agents(&asked).into_iter().collect::<Vec<_>>();
        let [named] = &named[..] else {
            panic!("one user agent expected: {named:?}");
        };
        let own = env!("CARGO_PKG_VERSION");
        let end = format!(" (+https://www.terraform.io) terraform-provider-acr/{own}");
        let version = named.strip_prefix("HashiCorp Terraform/");
        let version = version.and_then(|rest| rest.strip_suffix(&end));
        // OpenTofu reports a Terraform version to providers.
        let is_right = match host.kind {
            Kind::Terraform => version == Some(&host.version),
            Kind::OpenTofu => version.is_some_and(|version| version.starts_with("1.")),
        };
        assert!(is_right, "{named}");
        let correlations = correlations(&asked);
        assert!(
            correlations.len() == 1 && !correlations.contains(&None),
            "{correlations:?}"
        );
    }
}

#[tokio::test]
async fn variables_set_the_user_agent_the_partner_id_and_the_correlation_id() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let chosen = [
            ("AZURE_HTTP_USER_AGENT", "pipeline/7"),
            ("ARM_PARTNER_ID", PARTNER),
            ("ARM_CORRELATION_REQUEST_ID", CORRELATION),
        ];
        let (asked, _) = planned(stage, &chosen).await;
        let end = format!(" pipeline/7 pid-{PARTNER}");
        assert!(user_agents(&asked).iter().all(|it| it.ends_with(&end)));
        assert_eq!(
            correlations(&asked),
            BTreeSet::from([Some(CORRELATION.to_owned())])
        );

        let stage = Stage::new(host, WORKFLOW).await;
        let none = [("ARM_DISABLE_CORRELATION_REQUEST_ID", "true")];
        let (asked, _) = planned(stage, &none).await;
        assert_eq!(correlations(&asked), BTreeSet::from([None]));
    }
}

#[tokio::test]
async fn tf_log_provider_acr_limits_the_log_of_this_provider() {
    const REQUEST: &str = "http request";
    const OPERATION: &str = "PlanResourceChange";
    for host in hosts() {
        let logged = async |variables: &[(&'static str, &str)]| {
            planned(Stage::new(host, WORKFLOW).await, variables).await.1
        };
        let all = logged(&[("TF_LOG_PROVIDER", "DEBUG")]).await;
        assert!(all.contains(REQUEST) && all.contains(OPERATION), "{all}");
        let own = ("TF_LOG_PROVIDER_ACR", "INFO");
        let narrowed = logged(&[("TF_LOG_PROVIDER", "DEBUG"), own]).await;
        assert!(
            !narrowed.contains(REQUEST) && narrowed.contains(OPERATION),
            "{narrowed}"
        );
    }
}
