//! Invalid configurations: each gets a clear error at the right line, and Azure stays unchanged.

use std::net::TcpListener;

use host_cli::Diagnostic;

use crate::stage::{Stage, WORKFLOW, hosts, nothing};

/// A mistake in the configuration.
struct Mistake {
    /// The text of [`WORKFLOW`] to replace, and its replacement.
    change: (&'static str, String),
    /// The summary of the error.
    says: &'static str,
    /// A word on the line that the error points at, or in its detail. Hosts report no line for an attribute
    /// that is nested in a map.
    at: &'static str,
}

fn mistake(
    from: &'static str,
    to: impl Into<String>,
    at: &'static str,
    says: &'static str,
) -> Mistake {
    Mistake {
        change: (from, to.into()),
        says,
        at,
    }
}

fn mistakes() -> Vec<Mistake> {
    let tags = |tags: &[&str]| format!("tags = {tags:?}");
    let old_tags = r#"tags = ["3.11"]"#;
    let long = |length: usize| "x".repeat(length);
    let mut mistakes = Vec::new();
    for schedule in ["0d", "31d", "7", "7h", "weekly"] {
        mistakes.push(mistake(
            "\"7d\"",
            format!("{schedule:?}"),
            "schedule",
            "Invalid schedule",
        ));
    }
    for bad in [
        &["1.0-1"][..],
        &["1.0-999"],
        &["x-patched"],
        &["*", "3.11"],
        &[""],
        &["white space"],
    ] {
        mistakes.push(mistake(
            old_tags,
            tags(bad),
            "python",
            "Invalid tags in contoso",
        ));
    }
    mistakes.push(mistake(
        old_tags,
        tags(&[]),
        "python",
        "Invalid tags in contoso",
    ));
    mistakes.push(mistake(
        old_tags,
        tags(&[&long(125)]),
        "python",
        "Invalid tags in contoso",
    ));
    mistakes.push(mistake(
        "\"python\"",
        "\"Python\"",
        "Python",
        "Invalid repository in contoso",
    ));
    mistakes.push(mistake(
        "\"python\"",
        "\"csscpolicies/patchpolicy\"",
        "patchpolicy",
        "Invalid repository in contoso",
    ));
    mistakes.push(mistake(
        "\"python\" = { tags = [\"3.11\"] }",
        "",
        "repositories",
        "No repositories in contoso",
    ));
    mistakes.push(mistake(
        "\"incremental\"",
        "\"Incremental\"",
        "tag_convention",
        "Invalid tag convention",
    ));
    mistakes.push(mistake(
        "\"02:30\"",
        "\"2:30\"",
        "start_time",
        "Invalid start time",
    ));
    mistakes.push(mistake(
        "registries/contoso",
        "registries",
        "registry_id",
        "Invalid registry ID",
    ));
    mistakes
}

#[tokio::test]
async fn an_invalid_value_is_an_error_at_its_line_without_any_request() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        for Mistake {
            change: (from, to),
            says,
            at,
        } in mistakes()
        {
            let configuration = WORKFLOW.replace(from, &to);
            assert_ne!(configuration, WORKFLOW);
            stage.configure(&configuration);
            let findings = stage.workspace.findings().await.unwrap();
            let found = findings.iter().find(|finding| finding.summary == says);
            let found = found.unwrap_or_else(|| panic!("{to}: no {says:?} in {findings:?}"));
            assert_eq!(found.severity, "error", "{to}");
            let shown = line(found, &configuration);
            assert!(
                shown.contains(at),
                "{to}: no {at} in the line {shown:?} of {found:?}"
            );
        }
        assert_eq!(stage.azure.requests(), []);
    }
}

#[tokio::test]
async fn all_invalid_values_are_reported_at_once() {
    for host in hosts() {
        let configuration = WORKFLOW
            .replace("\"7d\"", "\"weekly\"")
            .replace("\"python\"", "\"Python\"")
            .replace("[\"3.11\"]", "[\"1.0-1\", \"x-patched\"]");
        let stage = Stage::new(host, &configuration).await;
        let findings = stage.workspace.findings().await.unwrap();
        assert_eq!(findings.len(), 4, "{findings:?}");
    }
}

#[tokio::test]
async fn a_registry_that_does_not_exist_fails_the_plan() {
    for host in hosts() {
        let stage = Stage::new(
            host,
            &WORKFLOW.replace("registries/contoso", "registries/nowhere"),
        )
        .await;
        let error = only_error(&stage).await;
        assert_eq!(error.summary, "Registry not found");
        assert!(error.detail.contains("registries/nowhere"), "{error:?}");
        assert_unchanged(&stage);
    }
}

#[tokio::test]
async fn a_wrong_client_secret_shows_the_entra_error_code() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW).await;
        let stage = stage.with_variable("ARM_CLIENT_SECRET", Some("wrong-and-never-shown"));
        let error = only_error(&stage).await;
        assert!(error.detail.contains("AADSTS7000215"), "{error:?}");
        assert!(!format!("{error:?}").contains("never-shown"), "{error:?}");
        assert_unchanged(&stage);
    }
}

#[tokio::test]
async fn an_unreachable_endpoint_is_named_in_the_error() {
    for host in hosts() {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let proxy = format!("http://127.0.0.1:{port}");
        let stage = Stage::new(host, WORKFLOW)
            .await
            .with_variable("HTTPS_PROXY", Some(&proxy));
        let error = only_error(&stage).await;
        assert!(
            error.detail.contains("login.microsoftonline.com"),
            "{error:?}"
        );
        assert_unchanged(&stage);
    }
}

#[tokio::test]
async fn a_certificate_from_an_unknown_authority_is_an_error() {
    for host in hosts() {
        let stage = Stage::new(host, WORKFLOW)
            .await
            .with_variable("SSL_CERT_FILE", None);
        let error = only_error(&stage).await;
        assert!(error.detail.contains("certificate"), "{error:?}");
        assert!(error.detail.contains("SSL_CERT_FILE"), "{error:?}");
        assert_unchanged(&stage);
    }
}

async fn only_error(stage: &Stage) -> Diagnostic {
    let findings = stage.workspace.findings().await.unwrap();
    let errors: Vec<&Diagnostic> = findings
        .iter()
        .filter(|finding| finding.severity == "error")
        .collect();
    assert_eq!(errors.len(), 1, "{findings:?}");
    errors[0].clone()
}

fn assert_unchanged(stage: &Stage) {
    assert_eq!(stage.azure.leftovers(), nothing());
    assert_eq!(stage.writes(), Vec::<String>::new());
}

fn line<'a>(finding: &Diagnostic, configuration: &'a str) -> &'a str {
    let range = finding.range.as_ref();
    let number = range.map_or(0, |range| range.start.line);
    configuration
        .lines()
        .nth(number.wrapping_sub(1))
        .unwrap_or_default()
}
