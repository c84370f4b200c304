//! Failures that have one cause and affect many operations: what a host prints for each, in one golden file.

use azure_simulator::{CLIENT_ID, Fault, RegistrySpec, TENANT};
use host_cli::run::Finished;

use crate::failures::ctrl_c_once;
use crate::stage::{Stage, WORKFLOW, each, hosts};

const APPLY: &[&str] = &["apply", "-input=false", "-auto-approve", "-json"];

/// The output of every case under one host, as severity, summary, place and detail.
#[derive(Default)]
struct Golden(String);

impl Golden {
    /// Adds a case. Each diagnostic of the provider must have a line in the configuration. The host's own
    /// diagnostics, such as the one after an interrupt, have no address. Resources differ only in their
    /// keys, so the case shows equal diagnostics once, with their number.
    fn add(&mut self, case: &str, finished: &Finished) {
        let mut shown: Vec<(String, usize)> = Vec::new();
        for diagnostic in finished.diagnostics() {
            let Some(address) = &diagnostic.address else {
                continue;
            };
            let range = diagnostic.range.as_ref();
            let range = range.unwrap_or_else(|| panic!("{case}: no line for {diagnostic:?}"));
            let (resource, _) = address.split_once('[').unwrap_or((address, ""));
            let text = format!(
                "{}: {}\n  with {resource}, on {} line {}\n\n{}\n",
                diagnostic.severity,
                diagnostic.summary,
                range.filename,
                range.start.line,
                diagnostic.detail,
            );
            match shown.iter_mut().find(|(known, _)| *known == text) {
                Some((_, count)) => *count += 1,
                None => shown.push((text, 1)),
            }
        }
        // Which of several resources fails first is up to the host.
        shown.sort_by_key(|(_, count)| *count);
        self.0.push_str(&format!("## {case}\n"));
        for (text, count) in shown {
            self.0.push_str(&format!("\n{count} × {text}"));
        }
        self.0.push('\n');
    }
}

/// Removes the list of operations from the case whose name begins with `case`.
fn without_operations(golden: &str, case: &str) -> String {
    let (before, of_case) = golden.split_once(&format!("## {case}")).unwrap();
    let lines = of_case.lines().filter(|line| !line.starts_with("  - "));
    format!(
        "{before}## {case}{}\n\n",
        lines.collect::<Vec<_>>().join("\n").trim_end()
    )
}

#[tokio::test]
async fn one_cause_is_one_error_with_its_line_in_the_configuration() {
    for host in hosts() {
        let mut golden = Golden::default();

        let workflow = WORKFLOW.replace("schedule ", "preflight = \"off\"\n  schedule ");
        let stage = Stage::new(host, &workflow).await;
        stage.azure.turn(|knobs| {
            knobs.denied_actions = vec!["*/roleAssignments/write".to_owned()];
        });
        let denied = stage.workspace.run(APPLY).await.unwrap();
        golden.add("a missing role", &denied);
        stage.azure.turn(|knobs| knobs.denied_actions.clear());
        stage.apply().await;

        stage.configure(&workflow.replace("3.11", "3.12"));
        let locked = Fault::on("PUT", "/manifests/v1")
            .status(405)
            .code("REGISTRY_DISALLOWED_OPERATION");
        stage.azure.fault(locked.times(u64::MAX));
        let locked = stage.workspace.run(APPLY).await.unwrap();
        golden.add("a locked policy", &locked);
        stage.azure.clear_faults();
        stage.destroy().await;

        let stage = Stage::new(host, &workflow).await;
        stage
            .azure
            .turn(|knobs| knobs.late_identity_looks = u32::MAX);
        let apply = stage.workspace.start(APPLY).unwrap();
        let interrupted = ctrl_c_once(apply, || stage.azure.leftovers()["tasks"] == 3).await;
        golden.add("Ctrl-C during a create", &interrupted);
        let waiting = golden.0.matches("\n  - waiting for task ").count();
        assert_eq!(waiting, 3, "{interrupted}");
        // How many more operations the create had begun is up to the machine.
        golden.0 = without_operations(&golden.0, "Ctrl-C");

        let elsewhere = WORKFLOW.replace(
            "00000000-0000-0000-0000-000000000000",
            "99999999-9999-4999-8999-999999999999",
        );
        let stage = Stage::new(host, &elsewhere).await;
        let invisible = stage.workspace.run(APPLY).await.unwrap();
        golden.add("a subscription without access", &invisible);

        let names: Vec<String> = (1..=20).map(|number| format!("registry{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let registries = names.iter().map(|name| RegistrySpec::new(name));
        let stage = Stage::with(host, registries, &each(&names)).await;
        let stage = stage.signing_in_by(vec![
            ("ARM_TENANT_ID", TENANT.to_owned()),
            ("ARM_CLIENT_ID", CLIENT_ID.to_owned()),
            ("ARM_CLIENT_SECRET", "wrong".to_owned()),
            ("ARM_USE_CLI", "false".to_owned()),
        ]);
        let wrong_secret = stage.workspace.run(APPLY).await.unwrap();
        golden.add("a wrong client secret and twenty registries", &wrong_secret);

        insta::with_settings!({
            description => "What an apply prints when one cause fails many operations.",
            omit_expression => true,
            filters => [
                (r"(Trace ID|Correlation ID|Request ID): \S+", "$1: …"),
                (r"registries/\S+/roleAssignments/[-0-9a-f]{36}", "registries/contoso/…/roleAssignments/…"),
                (r"(object id|client) '[-0-9a-f]{36}'", "$1 '…'"),
                (r"--assignee [-0-9a-f]{36}", "--assignee …"),
                (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:[0-9.]+Z", "…"),
            ],
        }, {
            insta::assert_snapshot!("one_error_for_one_cause", golden.0);
        });
    }
}
